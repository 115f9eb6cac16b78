package engine

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/zk/transcript"
)

// Checker recomputes a stored ledger from its first entry on, a page of batches at a time, and says what is not as it was written. It believes no column: an
// entry's leaf is made again from its bytes under the bank's secrets (commitment and salted hash), the log from the leaves, and every other row either
// follows from the entries or is under a seal.
//
// Checked: sequence, columns and bytes of entries, that they fold; leaves, nodes, every checkpoint's root and signature; bills, payments, turnover, counters;
// batches, documents, swaps, channels, messages, stages, decisions and notes by their seals. Not checked: that the newest batches are still there. Whoever
// cuts the end off whole, seals and all, leaves a shorter ledger that is true; the witnesses who cosigned a later head are who tells.
type Checker struct {
	veil    *Veil
	notary  *Notary
	origin  string
	key     note.Verifier // of the log
	state   *ledger.State // nil where entries are not folded
	tree    transcript.Tree
	batch   BatchRow // last that was checked
	term    int64
	docs    map[Seal]struct{} // names of documents so far
	kinds   map[string]wire.AccountKind
	totals  map[string]ledger.Counters
	undone  map[wire.Hash]int64 // how often a bill's payment was undone
	rows    map[string]int64    // of each table
	Foreign int64               // checkpoints that another key of the log signed, such as an earlier one; they are under a seal
}

// NewChecker begins at the first entry. Where fold is set entries are folded by the machine's own rules as well, which needs as much memory as the bank.
func NewChecker(veil Veil, bank, currency, origin string, key note.Verifier, fold bool) *Checker {
	c := &Checker{veil: &veil, notary: veil.Notary(), origin: origin, key: key, docs: map[Seal]struct{}{}, kinds: map[string]wire.AccountKind{},
		totals: map[string]ledger.Counters{}, undone: map[wire.Hash]int64{}, rows: map[string]int64{}}
	if fold {
		c.state = ledger.NewState(bank, currency)
	}
	return c
}

// Size is how many entries were checked.
func (c *Checker) Size() int64 { return int64(c.tree.Size()) }

// Batch is the last batch that was checked.
func (c *Checker) Batch() int64 { return c.batch.ID }

// Batches checks the next batches by themselves: numbers, terms, seals, and the signatures of their checkpoints. It tells how many passed before the first
// that did not; only those may be given to Page.
func (c *Checker) Batches(next []BatchRow) (int, error) {
	last, term, size := c.batch, c.term, c.Size()
	for i := range next {
		b := &next[i]
		if b.ID != last.ID+1 {
			return i, Broken(size, fmt.Sprintf("batch %d comes where %d is due", b.ID, last.ID+1))
		}
		if b.Term < term || c.notary.batch(last.Seal, b, c.notary.show(b.ID, b.Sums)) != b.Seal {
			return i, Broken(size, fmt.Sprintf("the seal of batch %d is not over what is stored of it", b.ID))
		}
		if p := b.Checkpoint; p != nil {
			if err := c.signed(p); err != nil || p.Size <= size {
				return i, Broken(size, fmt.Sprintf("the checkpoint at %d: %v", p.Size, err))
			}
			size = p.Size
		}
		last, term = *b, b.Term
	}
	return len(next), nil
}

// signed checks the note of a checkpoint. One that an earlier key signed still says what it must.
func (c *Checker) signed(p *Checkpoint) error {
	due := transcript.Checkpoint{Origin: c.origin, Size: uint64(p.Size), Root: p.Root}
	got, _, err := transcript.Open(p.Note, c.key)
	if refusal.CodeOf(err) == transcript.CheckpointUnsigned && !c.ours(p.Note) && strings.HasPrefix(string(p.Note), due.Text()+"\n") {
		c.Foreign++
		return nil
	}
	if err == nil && got != due {
		err = errors.New("the note states another head")
	}
	return err
}

// ours tells whether a note claims a signature by the present key.
func (c *Checker) ours(signed []byte) bool {
	_, err := note.Open(signed, note.VerifierList(c.key))
	var wrong *note.InvalidSignatureError
	return errors.As(err, &wrong) || err == nil
}

// Page checks everything that the batches, which passed Batches, stored.
func (c *Checker) Page(batches []BatchRow, p *Page) error {
	from := c.Size()
	if err := c.records(p.Records); err != nil {
		return err
	}
	if p.Fault != nil {
		return p.Fault
	}
	var (
		due  derived
		next = p.Records
	)
	for i := range batches {
		b := &batches[i]
		if b.Checkpoint != nil {
			n := b.Checkpoint.Size - c.Size()
			if n > int64(len(next)) {
				return Broken(c.Size()+int64(len(next)), "the entry is missing")
			}
			due.nodes = append(due.nodes, c.grow(next[:n])...)
			if c.tree.Root() != b.Checkpoint.Root {
				return Broken(c.Size()-1, fmt.Sprintf("the leaves do not give the root of the checkpoint at %d", b.Checkpoint.Size))
			}
			due.turnover = append(due.turnover, c.turned(next[:n])...)
			next = next[n:]
			c.rows["checkpoint"]++
		}
		c.batch, c.term = *b, b.Term
	}
	if len(next) > 0 {
		return Broken(next[0].Entry.Seq, "the entry is in no checkpoint")
	}
	c.billed(&due, p.Records)
	c.rows["batch"] += int64(len(batches))
	c.rows["entry"] += int64(len(p.Records))
	if err := c.compare(from, &due, p); err != nil {
		return err
	}
	return c.documents(from, batches, p.Documents)
}

// derived is what the entries of a page give besides.
type derived struct {
	nodes    []transcript.Node
	bills    []BillRow
	paid     []PaidRow
	undone   []PaidRow
	turnover []TurnoverRow
}

// records checks entries and leaves by themselves: the leaves are made anew, on every core.
func (c *Checker) records(records []Record) error {
	workers := min(runtime.GOMAXPROCS(0), 1+len(records)/256)
	faults := make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		part := records[w*len(records)/workers : (w+1)*len(records)/workers]
		wait.Go(func() { faults[w] = c.leaves(part) })
	}
	wait.Wait()
	first := fold(c, records)
	for _, fault := range faults {
		first = earlier(first, fault)
	}
	if first != nil {
		return first.err
	}
	return nil
}

// broken is a fault at an entry.
type broken struct {
	seq int64
	err error
}

func (b *broken) Error() string { return b.err.Error() }

func earlier(first *broken, other error) *broken {
	var b *broken
	if !errors.As(other, &b) || (first != nil && first.seq <= b.seq) {
		return first
	}
	return b
}

func brokenAt(seq int64, what string) *broken { return &broken{seq, Broken(seq, what)} }

func (c *Checker) leaves(part []Record) error {
	entries := make([]ledger.Entry, len(part))
	for i := range part {
		entries[i] = part[i].Entry
	}
	due, err := c.veil.Records(entries)
	if err != nil {
		// One entry at a time, to know which.
		for i := range entries {
			if _, err := c.veil.Records(entries[i : i+1]); err != nil {
				return brokenAt(entries[i].Seq, err.Error())
			}
		}
		return err
	}
	for i := range part {
		switch {
		case string(due[i].Body) != string(part[i].Body):
			return brokenAt(part[i].Entry.Seq, "the entry's bytes are not in their one form")
		case string(due[i].Leaf) != string(part[i].Leaf):
			return brokenAt(part[i].Entry.Seq, "the leaf is not that of the entry")
		}
	}
	return nil
}

// fold checks the sequence, and where the state is kept that each entry follows from those before.
func fold(c *Checker, records []Record) *broken {
	for i := range records {
		due := c.Size() + int64(i)
		e := &records[i].Entry
		if e.Seq != due {
			return brokenAt(due, fmt.Sprintf("entry %d comes where %d is due", e.Seq, due))
		}
		if c.state == nil {
			continue
		}
		if err := c.state.Apply(*e); err != nil {
			return brokenAt(due, strings.TrimPrefix(err.Error(), fmt.Sprintf("%s at seq %d: ", CodeJournalBroken, due)))
		}
	}
	return nil
}

func (c *Checker) grow(records []Record) []transcript.Node {
	var nodes []transcript.Node
	for i := range records {
		nodes = append(nodes, c.tree.Grow(transcript.LeafHash(records[i].Leaf))...)
	}
	return nodes
}

// turned counts a batch's entries and gives its turnover.
func (c *Checker) turned(records []Record) []TurnoverRow {
	b := &Batch{Records: records}
	for i := range records {
		e := &records[i].Entry
		if e.Kind == wire.LeafOpen {
			c.kinds[e.Credit], c.totals[e.Credit] = e.As, ledger.Counters{}
		}
		for _, id := range []string{e.Debit, e.Credit} {
			if t, known := c.totals[id]; known && e.Minor != 0 {
				t.Count(e, id, c.kinds[id])
				c.totals[id] = t
			}
		}
	}
	for id := range touched(records) {
		b.Accounts = append(b.Accounts, ledger.Account{ID: id, Counters: c.totals[id]})
	}
	var rows []TurnoverRow
	for _, t := range b.Turnover() {
		rows = append(rows, TurnoverRow{t.Last(), t.Account, t.After, string(number(t.Places...))})
	}
	return rows
}

func touched(records []Record) map[string]struct{} {
	ids := map[string]struct{}{}
	for i := range records {
		ids[records[i].Entry.Debit], ids[records[i].Entry.Credit] = struct{}{}, struct{}{}
	}
	return ids
}

// billed gives the bills that entries record, pay and make outstanding again. Within a batch what was undone counts as stored first.
func (c *Checker) billed(due *derived, records []Record) {
	for i := range records {
		e := &records[i].Entry
		switch e.Kind {
		case wire.LeafBill:
			due.bills = append(due.bills, BillRow{Seq: e.Seq, Hash: e.Reference, ID: e.BillID, Revision: int64(e.Revision), Programme: e.Programme, Creditor: e.Creditor, Debtor: e.Debtor})
		case wire.LeafReversal:
			for _, bill := range e.Bills {
				c.undone[bill]++
				due.undone = append(due.undone, PaidRow{Seq: e.Seq, Bill: bill})
			}
		case wire.LeafTransfer, wire.LeafPost, wire.LeafCover:
			for _, bill := range e.Bills {
				due.paid = append(due.paid, PaidRow{Seq: e.Seq, Bill: bill, Round: c.undone[bill]})
			}
		}
	}
}

// compare compares what follows from the entries with what is stored of it.
func (c *Checker) compare(from int64, due *derived, p *Page) error {
	c.rows["node"] += int64(len(due.nodes))
	c.rows["bill"] += int64(len(due.bills))
	c.rows["discharge"] += int64(len(due.paid))
	c.rows["undone"] += int64(len(due.undone))
	c.rows["turnover"] += int64(len(due.turnover))
	for _, differ := range []error{
		same("node of the log", due.nodes, p.Nodes, func(n transcript.Node) int64 { return max(from, n.N<<(n.Level*transcript.TileHeight)) }),
		same("bill", due.bills, p.Bills, func(b BillRow) int64 { return b.Seq }),
		same("payment of a bill", due.paid, p.Paid, func(r PaidRow) int64 { return r.Seq }),
		same("undoing of a payment", due.undone, p.Undone, func(r PaidRow) int64 { return r.Seq }),
		same("turnover of an account", due.turnover, p.Turnover, func(r TurnoverRow) int64 { return r.Seq }),
	} {
		if differ != nil {
			return differ
		}
	}
	return nil
}

// same compares rows as sets, and names the lowest entry at which they differ.
func same[T comparable](what string, due, stored []T, seq func(T) int64) error {
	count := make(map[T]int, len(due))
	for _, row := range due {
		count[row]++
	}
	for _, row := range stored {
		count[row]--
	}
	at := int64(-1)
	for row, n := range count {
		if s := seq(row); n != 0 && (at < 0 || s < at) {
			at = s
		}
	}
	if at < 0 {
		return nil
	}
	return Broken(at, "a stored "+what+" is not what the entries give, or is missing")
}

// documents checks the evidence of batches: each name that a batch was the first to give has its document, under its seal, and there are no others.
func (c *Checker) documents(at int64, batches []BatchRow, stored []DocumentRow) error {
	due := map[Seal]int64{}
	for i := range batches {
		for rest := batches[i].Docs; len(rest) >= len(Seal{}); rest = rest[len(Seal{}):] {
			name := Seal(rest[:len(Seal{})])
			if _, before := c.docs[name]; !before {
				c.docs[name] = struct{}{}
				due[name] = batches[i].ID
			}
		}
	}
	for i := range stored {
		d := &stored[i]
		name := c.notary.name(d.Kind, d.Hash)
		if batch, named := due[name]; !named || batch != d.Batch || c.notary.document(d.Kind, d.Hash, d.Bytes) != d.Seal {
			return Broken(at, fmt.Sprintf("the document %q %s of batch %d is not the one that was stored", d.Kind, d.Hash.Short(), d.Batch))
		}
		delete(due, name)
	}
	for _, batch := range due {
		return Broken(at, fmt.Sprintf("a document of batch %d is missing", batch))
	}
	c.rows["evidence"] += int64(len(stored))
	return nil
}
