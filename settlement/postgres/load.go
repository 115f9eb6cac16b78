package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/settlement/swap"
	"entente/zk/transcript"
)

// Load implements engine.Store.
func (s *Store) Load(ctx context.Context, identity engine.Identity, r engine.Restore) (engine.Head, error) {
	if err := s.identify(ctx, identity); err != nil {
		return engine.Head{}, err
	}
	var head engine.Head
	err := pgx.BeginTxFunc(ctx, s.readers, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		for _, load := range []func() error{
			func() error {
				return each(ctx, tx, fmt.Sprintf("%s WHERE seq >= %d ORDER BY seq", selectRecords, r.From), scanRecord, r.Record)
			},
			func() error {
				return each(ctx, tx, fmt.Sprintf("SELECT level, n, hash FROM node WHERE n >= %d >> (%d * level)", r.From, transcript.TileHeight), scanNode, r.Node)
			},
			func() error { return each(ctx, tx, selectAccounts, scanAccount, r.Account) },
			func() error { return loadSwaps(ctx, tx, r.Swap) },
			func() error { return each(ctx, tx, selectTenures, scanTenure, r.Tenure) },
			func() error { return each(ctx, tx, selectChannels, scanChannel, r.Channel) },
			func() error {
				return each(ctx, tx, selectMessages+" WHERE resend AND NOT done ORDER BY recipient, epoch, seq", scanMessage, r.Message)
			},
		} {
			if err := load(); err != nil {
				return err
			}
		}
		return loadHead(ctx, tx, &head)
	})
	return head, err
}

// identify records which ledger the database keeps, or compares.
func (s *Store) identify(ctx context.Context, asked engine.Identity) error {
	_, err := s.readers.Exec(ctx, "INSERT INTO ledger (bank, network, currency, origin) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		asked.Bank, asked.Network, asked.Currency, asked.Origin)
	if err != nil {
		return fmt.Errorf("record the ledger's identity: %w", err)
	}
	var kept engine.Identity
	err = s.readers.QueryRow(ctx, "SELECT bank, network, currency, origin FROM ledger").Scan(&kept.Bank, &kept.Network, &kept.Currency, &kept.Origin)
	if err != nil {
		return fmt.Errorf("read the ledger's identity: %w", err)
	}
	if kept != asked {
		return engine.Foreign(kept, asked)
	}
	return nil
}

// each hands the rows of a query on, one at a time.
func each[T any](ctx context.Context, tx pgx.Tx, query string, scan func(pgx.CollectableRow) (T, error), take func(T) error) error {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows)
		if err == nil {
			err = take(v)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

const selectRecords = "SELECT seq, time_ms, minor, part, kind, debit, credit, reference, order_key, body, leaf, reserve, reverses FROM entry"

// scanRecord reads an entry from its bytes, and compares the columns beside them.
func scanRecord(row pgx.CollectableRow) (engine.Record, error) {
	var (
		r             engine.Record
		seq, at       int64
		part          int64
		minor         *int64
		kind          int16
		debit, credit *string
		reference     []byte
		key           []byte
		reserve       *string
		reverses      *int64
	)
	if err := row.Scan(&seq, &at, &minor, &part, &kind, &debit, &credit, &reference, &key, &r.Body, &r.Leaf, &reserve, &reverses); err != nil {
		return r, err
	}
	e, err := ledger.ParseEntry(r.Body)
	if err != nil {
		return r, engine.Broken(seq, "the entry is not readable: "+err.Error())
	}
	if e.Seq != seq || e.TimeMS != at || e.Minor != value(minor) || int64(e.Part) != part || int16(e.Kind) != kind || e.Debit != value(debit) ||
		e.Credit != value(credit) || string(hash(&e.Reference)) != string(reference) || string(id(&e.Key)) != string(key) ||
		e.Reserve != value(reserve) || e.Reverses != value(reverses) {
		return r, engine.Broken(seq, "the columns of the entry are not what its bytes say")
	}
	r.Entry = e
	return r, nil
}

func scanNode(row pgx.CollectableRow) (transcript.Node, error) {
	var n transcript.Node
	var hash []byte
	err := row.Scan(&n.Level, &n.N, &hash)
	n.Hash = transcript.Hash(hashOf(hash))
	return n, err
}

// value gives zero for NULL.
func value[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

const selectAccounts = "SELECT id, owner, kind, status, debits_posted, credits_posted, debits_pending, credits_pending, per_transfer, per_day, used, used_on FROM account ORDER BY id"

func scanAccount(row pgx.CollectableRow) (ledger.Account, error) {
	var a ledger.Account
	err := row.Scan(&a.ID, &a.Owner, &a.Kind, &a.Status, &a.DebitsPosted, &a.CreditsPosted, &a.DebitsPending, &a.CreditsPending,
		&a.PerTransfer, &a.PerDay, &a.Used, &a.UsedOn)
	return a, err
}

const selectSwaps = `SELECT s.id, s.role, s.state, s.terms, s.authority, e.bytes, s.quote, s.decision, s.reason, s.since_ms, s.created_ms
	FROM swap s LEFT JOIN evidence e ON e.hash = s.authority AND e.kind = 'attachment' ORDER BY s.created_ms, s.id`

const selectPeers = "SELECT swap, place, bank, vote, prepared, decision, acked, proposal, again, epoch, heard_epoch, heard_seq FROM swap_peer ORDER BY swap, place"

// loadSwaps reads the banks of all swaps first, then the swaps.
func loadSwaps(ctx context.Context, tx pgx.Tx, take func(swap.Swap) error) error {
	peers := map[wire.Hash][]swap.Peering{}
	err := each(ctx, tx, selectPeers, scanPeer, func(p peerRow) error {
		if int(p.place) != len(peers[p.swap]) {
			return &unreadable{fmt.Sprintf("the banks of swap %s are not numbered one by one", p.swap.Short())}
		}
		peers[p.swap] = append(peers[p.swap], p.Peering)
		return nil
	})
	if err != nil {
		return err
	}
	return each(ctx, tx, selectSwaps, scanSwap, func(s swap.Swap) error {
		s.Peers = peers[s.ID]
		return take(s)
	})
}

func scanPeer(row pgx.CollectableRow) (peerRow, error) {
	var p peerRow
	var of, vote, decision, proposal, again []byte
	err := row.Scan(&of, &p.place, &p.Bank, &vote, &p.Prepared, &decision, &p.Acked, &proposal, &again, &p.Epoch, &p.Heard.Epoch, &p.Heard.Seq)
	p.swap, p.Vote, p.Decision, p.Proposal, p.Again = hashOf(of), hashOf(vote), hashOf(decision), hashOf(proposal), hashOf(again)
	return p, err
}

func scanSwap(row pgx.CollectableRow) (swap.Swap, error) {
	var s swap.Swap
	var key, terms, authority, quote, decision []byte
	if err := row.Scan(&key, &s.Role, &s.State, &terms, &authority, &s.Authority, &quote, &decision, &s.Reason, &s.SinceMS, &s.CreatedMS); err != nil {
		return s, err
	}
	s.ID, s.Quote, s.Decision = hashOf(key), hashOf(quote), hashOf(decision)
	if authority != nil && wire.AttachmentHash(s.Authority) != hashOf(authority) {
		return s, &unreadable{fmt.Sprintf("the payment package of swap %s is not the one that was stored", s.ID.Short())}
	}
	if len(terms) == 0 {
		return s, nil
	}
	// Terms of a refused proposal decode, and need not pass the checks of wire.ParseTerms.
	if err := wire.Decode(terms, wire.LimitMessage, &s.Terms); err != nil {
		return s, &unreadable{fmt.Sprintf("the terms of swap %s: %v", s.ID.Short(), err)}
	}
	if s.Terms.SwapID() != s.ID {
		return s, &unreadable{fmt.Sprintf("the terms of swap %s are not the ones that were stored", s.ID.Short())}
	}
	return s, nil
}

const selectTenures = "SELECT epoch, opening, cause, at_ms FROM tenure ORDER BY epoch"

func scanTenure(row pgx.CollectableRow) (swap.Tenure, error) {
	var t swap.Tenure
	var opening, cause []byte
	err := row.Scan(&t.Epoch, &opening, &cause, &t.AtMS)
	copy(t.Opening[:], opening)
	t.Cause = hashOf(cause)
	return t, err
}

const selectChannels = "SELECT peer, peer_epoch, floor, seq, last, heard, opening, epoch, heard_epoch, fenced, stopped FROM channel ORDER BY peer"

func scanChannel(row pgx.CollectableRow) (swap.Channel, error) {
	var c swap.Channel
	var last, opening []byte
	err := row.Scan(&c.Peer, &c.PeerEpoch, &c.Floor, &c.Seq, &last, &c.Heard, &opening, &c.Epoch, &c.HeardEpoch, &c.Fenced, &c.Stopped)
	c.Last = hashOf(last)
	copy(c.Opening[:], opening)
	return c, err
}

const selectMessages = `SELECT m.swap, m.recipient, m.type, m.epoch, m.seq, m.hash, m.envelope, m.attachment, e.bytes
	FROM message m LEFT JOIN evidence e ON e.hash = m.attachment AND e.kind = 'attachment'`

func scanMessage(row pgx.CollectableRow) (engine.Message, error) {
	var m engine.Message
	var of, attached, key []byte
	if err := row.Scan(&of, &m.Key.Recipient, &m.Key.Type, &m.Key.Epoch, &m.Seq, &key, &m.Envelope, &attached, &m.Attachment); err != nil {
		return m, err
	}
	m.Key.Swap, m.Hash = hashOf(of), hashOf(key)
	if attached != nil && wire.AttachmentHash(m.Attachment) != hashOf(attached) {
		return m, &unreadable{fmt.Sprintf("what goes with message %s is not what was stored", m.Hash.Short())}
	}
	return m, nil
}

func loadHead(ctx context.Context, tx pgx.Tx, head *engine.Head) error {
	if err := tx.QueryRow(ctx, "SELECT coalesce(max(id), 0) FROM batch").Scan(&head.Batch); err != nil {
		return err
	}
	var last int64
	if err := tx.QueryRow(ctx, "SELECT last FROM writer").Scan(&last); err != nil {
		return err
	}
	if last != head.Batch {
		return fmt.Errorf("the last batch is %d and the writer's row says %d", head.Batch, last)
	}
	if err := loadLast(ctx, tx, head); err != nil {
		return err
	}
	var root []byte
	c := &head.Checkpoint
	err := tx.QueryRow(ctx, "SELECT size, root, note FROM checkpoint ORDER BY size DESC LIMIT 1").Scan(&c.Size, &root, &c.Note)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	c.Root = transcript.Hash(hashOf(root))
	return err
}

// loadLast reads the last batch, and the seal before it.
func loadLast(ctx context.Context, tx pgx.Tx, head *engine.Head) error {
	return each(ctx, tx, fmt.Sprintf("%s WHERE b.id >= %d ORDER BY b.id", selectBatches, head.Batch-1), scanBatch, func(b engine.BatchRow) error {
		if b.ID < head.Batch {
			head.Before = b.Seal
		} else {
			head.Last = b
		}
		return nil
	})
}

const selectBatches = "SELECT b.id, b.term, b.at_ms, b.seal, b.sums, b.docs, c.size, c.root, c.note FROM batch b LEFT JOIN checkpoint c ON c.batch = b.id"

func scanBatch(row pgx.CollectableRow) (engine.BatchRow, error) {
	var b engine.BatchRow
	var seal, sums, root, note []byte
	var size *int64
	if err := row.Scan(&b.ID, &b.Term, &b.AtMS, &seal, &sums, &b.Docs, &size, &root, &note); err != nil {
		return b, err
	}
	b.Seal = engine.Seal(hashOf(seal))
	if len(sums) == 2*len(b.Seal) {
		b.Sums = engine.Sums{Live: engine.Seal(sums[:32]), Past: engine.Seal(sums[32:])}
	}
	if size != nil {
		b.Checkpoint = &engine.Checkpoint{Size: *size, Root: transcript.Hash(hashOf(root)), Note: note}
	}
	return b, nil
}
