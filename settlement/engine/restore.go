package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"entente/settlement/ledger"
	"entente/settlement/swap"
	"entente/zk/transcript"
)

// restore folds the stored journal into the machine, hashes its leaves into the log, and compares both with what the store says besides.
func (e *Engine) restore(ctx context.Context) error {
	m := e.machine
	accounts := 0
	due := map[transcript.Node]struct{}{}
	var live Seal
	from, err := e.begin(ctx)
	if err != nil {
		return fmt.Errorf("restore the ledger of %s: %w", m.Bank, err)
	}
	head, err := e.cfg.Store.Load(ctx, Identity{m.Network, m.Bank, m.Ledger().Currency, e.cfg.Origin}, Restore{
		From: from,
		Record: func(r Record) error {
			completed, err := e.restoreRecord(r)
			for _, n := range completed {
				due[n] = struct{}{}
			}
			return err
		},
		Node: func(n transcript.Node) error {
			if _, ok := due[n]; !ok {
				return Broken(n.N<<(n.Level*transcript.TileHeight), fmt.Sprintf("node %d of level %d of the log is not the root of its leaves", n.N, n.Level))
			}
			delete(due, n)
			return nil
		},
		Account: func(a ledger.Account) error {
			accounts++
			if folded, ok := m.Ledger().Account(a.ID); !ok || folded != a {
				return Broken(m.Ledger().Size(), fmt.Sprintf("the stored counters of account %s are not those that the entries give", a.ID))
			}
			return nil
		},
		Swap: func(s swap.Swap) error {
			m.RestoreSwap(s)
			live.add(e.notary.know("swap "+string(s.ID[:]), e.notary.swap(&s)))
			e.figures.moved(&s, e.states[s.ID])
			e.states[s.ID] = s.State
			return nil
		},
		Tenure: func(t swap.Tenure) error {
			m.RestoreTenure(t)
			live.add(e.notary.know("tenure "+string(number(int64(t.Epoch))), e.notary.tenure(&t)))
			return nil
		},
		Channel: func(c swap.Channel) error {
			m.RestoreChannel(c)
			live.add(e.notary.know("channel "+c.Peer, e.notary.channel(&c)))
			e.stored[c.Peer] = c
			return nil
		},
		Message: func(msg Message) error {
			e.outbox.waiting[msg.Key] = &letter{Message: msg, pauseMS: resendFirstMS / 2} // due at once, then after the first pause
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("restore the ledger of %s: %w", m.Bank, err)
	}
	if n := len(m.Ledger().Accounts()); n != accounts {
		return Broken(m.Ledger().Size(), fmt.Sprintf("%d accounts are stored and the entries open %d", accounts, n))
	}
	if err := e.restoreHead(head); err != nil {
		return err
	}
	if err := e.notary.resume(&head, m.Ledger().Size(), live); err != nil {
		return err
	}
	return e.complete(ctx, due)
}

// complete stores the nodes that are missing, as they are in a database that was kept before there were tiles. They follow from the leaves.
func (e *Engine) complete(ctx context.Context, missing map[transcript.Node]struct{}) error {
	if len(missing) == 0 {
		return nil
	}
	b := &Batch{ID: e.batch + 1, AtMS: max(0, e.cfg.Clock())}
	for n := range missing {
		b.Nodes = append(b.Nodes, n)
	}
	slices.SortFunc(b.Nodes, func(x, y transcript.Node) int { return cmp.Or(cmp.Compare(x.Level, y.Level), cmp.Compare(x.N, y.N)) })
	b.Term = e.cfg.Store.Term()
	e.notary.seal(b)
	if err := e.commit(ctx, b); err != nil {
		return err
	}
	e.advance(b)
	return nil
}

func (e *Engine) restoreRecord(r Record) ([]transcript.Node, error) {
	due := e.machine.Ledger().Size()
	if err := e.machine.RestoreEntry(r.Entry); err != nil {
		return nil, Broken(due, strings.TrimPrefix(err.Error(), fmt.Sprintf("%s at seq %d: ", CodeJournalBroken, due)))
	}
	if err := e.cfg.Veil.check(&r); err != nil {
		return nil, err
	}
	return e.tree.Grow(transcript.LeafHash(r.Leaf)), nil
}

// restoreHead compares the log with the last head that was signed. The head is signed anew, so that what is served is under the present key.
func (e *Engine) restoreHead(head Head) error {
	e.batch = head.Batch
	stored, size := head.Checkpoint, int64(e.tree.Size())
	due := transcript.Checkpoint{Origin: e.cfg.Origin, Size: e.tree.Size(), Root: e.tree.Root()}
	switch {
	case stored.Size != size:
		return Broken(min(stored.Size, size), fmt.Sprintf("the last checkpoint covers %d leaves and %d are stored", stored.Size, size))
	case size == 0:
		return nil
	case stored.Root != due.Root || !strings.HasPrefix(string(stored.Note), due.Text()+"\n"):
		return Broken(size-1, "the leaves do not give the root of the last checkpoint")
	}
	signed, err := transcript.Sign(due, e.cfg.Checkpoint)
	if err != nil {
		return err
	}
	e.checkpoint.Store(&Checkpoint{Size: size, Root: due.Root, Note: signed})
	return nil
}
