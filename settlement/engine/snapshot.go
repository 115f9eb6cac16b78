package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"

	"entente/settlement/ledger"
	"entente/zk/transcript"
)

// Snapshot is the ledger's state after its first Size entries, and the right edge of the log at that size, so that a start folds only what came later.
//
// Why it may be believed: it is made by a check that read the journal from its first entry (see [Checker.Snapshot]), never from the state of the running bank,
// so it is what the journal gave; and it stands under a seal, so whoever can write the bank's tables can neither make one nor change one. A start goes on from
// its edge, verifies every later entry in full, and must arrive at the root of the last signed checkpoint, which an edge of other leaves cannot. What it does
// not do is read the earlier rows again: those are checked by the bank's rounds and by fsck, and all of them before a start that follows damage.
type Snapshot struct {
	Size    int64
	Batch   int64 // last one covered
	Version int64 // of the image
	Root    transcript.Hash
	Edge    []transcript.Hash // roots of the complete subtrees, from left
	Hash    [32]byte          // SHA-256 of the image
	Seal    Seal
	Image   []byte // see ledger.State.WriteImage
}

func (n *Notary) snapshot(s *Snapshot) Seal {
	fields := [][]byte{number(s.Size, s.Batch, s.Version), s.Root[:], s.Hash[:]}
	for i := range s.Edge {
		fields = append(fields, s.Edge[i][:])
	}
	return n.of("snapshot", fields...)
}

// sound tells whether a snapshot is one that this bank made.
func (n *Notary) sound(s *Snapshot) error {
	if n.snapshot(s) != s.Seal || sha256.Sum256(s.Image) != s.Hash {
		return Broken(s.Size, fmt.Sprintf("the snapshot at %d is not the one that was stored", s.Size))
	}
	return nil
}

// Snapshot gives the state that the checker has come to, if it folds: the image of what the entries read so far give.
func (c *Checker) Snapshot() (*Snapshot, error) {
	if c.state == nil || c.Size() == 0 {
		return nil, nil
	}
	var image bytes.Buffer
	if err := c.state.WriteImage(&image); err != nil {
		return nil, err
	}
	s := &Snapshot{Size: c.Size(), Batch: c.batch.ID, Version: ledger.ImageVersion, Root: c.tree.Root(), Edge: c.tree.Nodes(), Hash: sha256.Sum256(image.Bytes()), Image: image.Bytes()}
	s.Seal = c.notary.snapshot(s)
	return s, nil
}

// Compare checks a stored snapshot of the size that the checker has come to. One of another version is under its seal, and compared no further.
func (c *Checker) Compare(stored *Snapshot) error {
	if err := c.notary.sound(stored); err != nil {
		return err
	}
	if c.state == nil || stored.Version != ledger.ImageVersion {
		return nil
	}
	due, err := c.Snapshot()
	if err != nil {
		return err
	}
	if stored.Size != c.Size() || due == nil || due.Seal != stored.Seal {
		return Broken(stored.Size, fmt.Sprintf("the snapshot at %d is not what the entries give", stored.Size))
	}
	return nil
}

// begin puts the latest snapshot into the machine and the log, and gives how many entries that covers.
func (e *Engine) begin(ctx context.Context) (int64, error) {
	s, err := e.cfg.Store.Snapshot(ctx)
	if err != nil || s == nil || s.Version != ledger.ImageVersion {
		return 0, err
	}
	if err := e.notary.sound(s); err != nil {
		return 0, err
	}
	if e.tree, err = transcript.Restore(uint64(s.Size), s.Edge); err != nil {
		return 0, err
	}
	m := e.machine
	if e.tree.Root() != s.Root {
		return 0, Broken(s.Size, fmt.Sprintf("the edge of the snapshot at %d does not give its root", s.Size))
	}
	bank, currency := m.Ledger().Bank, m.Ledger().Currency
	if err := m.Ledger().ReadImage(bytes.NewReader(s.Image)); err != nil {
		return 0, err
	}
	if m.Ledger().Size() != s.Size || m.Ledger().Bank != bank || m.Ledger().Currency != currency {
		return 0, Broken(s.Size, fmt.Sprintf("the snapshot at %d is of another ledger or size", s.Size))
	}
	return s.Size, nil
}
