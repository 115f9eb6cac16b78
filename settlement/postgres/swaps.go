package postgres

import (
	"github.com/jackc/pgx/v5"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/swap"
)

// queueSwaps stores swaps, what they heard from their banks, their stages and decisions, and the channels.
func queueSwaps(q *pgx.Batch, b *engine.Batch) {
	if rows := b.Swaps; len(rows) > 0 {
		q.Queue(`INSERT INTO swap (id, role, state, terms, authority, quote, decision, reason, since_ms, created_ms)
			SELECT * FROM unnest($1::bytea[], $2::smallint[], $3::smallint[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::text[], $9::bigint[], $10::bigint[])
			ON CONFLICT (id) DO UPDATE SET state = excluded.state, terms = excluded.terms, authority = excluded.authority, quote = excluded.quote,
				decision = excluded.decision, reason = excluded.reason, since_ms = excluded.since_ms, role = excluded.role, created_ms = excluded.created_ms`,
			column(rows, func(s *swap.Swap) []byte { return s.ID[:] }),
			column(rows, func(s *swap.Swap) int16 { return int16(s.Role) }),
			column(rows, func(s *swap.Swap) int16 { return int16(s.State) }),
			column(rows, termsOf),
			column(rows, func(s *swap.Swap) []byte {
				if len(s.Authority) == 0 {
					return nil
				}
				h := wire.AttachmentHash(s.Authority)
				return h[:]
			}),
			column(rows, func(s *swap.Swap) []byte { return hash(&s.Quote) }),
			column(rows, func(s *swap.Swap) []byte { return hash(&s.Decision) }),
			column(rows, func(s *swap.Swap) string { return s.Reason }),
			column(rows, func(s *swap.Swap) int64 { return s.SinceMS }),
			column(rows, func(s *swap.Swap) int64 { return s.CreatedMS }))
		queuePeers(q, rows)
	}
	if rows := b.Stages; len(rows) > 0 {
		q.Queue("INSERT INTO stage (swap, state, at_ms, reason, batch) SELECT *, $5::bigint FROM unnest($1::bytea[], $2::smallint[], $3::bigint[], $4::text[])",
			column(rows, func(s *engine.Stage) []byte { return s.Swap[:] }),
			column(rows, func(s *engine.Stage) int16 { return int16(s.State) }),
			column(rows, func(s *engine.Stage) int64 { return s.AtMS }),
			column(rows, func(s *engine.Stage) string { return s.Reason }), b.ID)
	}
	if rows := b.Decisions; len(rows) > 0 {
		q.Queue("INSERT INTO decision (swap, commits, message, batch) SELECT *, $4::bigint FROM unnest($1::bytea[], $2::boolean[], $3::bytea[])",
			column(rows, func(d *engine.Decision) []byte { return d.Swap[:] }),
			column(rows, func(d *engine.Decision) bool { return d.Commit }),
			column(rows, func(d *engine.Decision) []byte { return d.Hash[:] }), b.ID)
	}
	if rows := b.Channels; len(rows) > 0 {
		q.Queue(`INSERT INTO channel (peer, peer_epoch, floor, seq, last, heard, opening, epoch, heard_epoch, fenced, stopped)
			SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[], $7::bytea[], $8::bigint[], $9::bigint[], $10::boolean[], $11::boolean[])
			ON CONFLICT (peer) DO UPDATE SET peer_epoch = excluded.peer_epoch, floor = excluded.floor, seq = excluded.seq, last = excluded.last, heard = excluded.heard,
				opening = excluded.opening, epoch = excluded.epoch, heard_epoch = excluded.heard_epoch, fenced = excluded.fenced, stopped = excluded.stopped`,
			column(rows, func(c *swap.Channel) string { return c.Peer }),
			column(rows, func(c *swap.Channel) int64 { return int64(c.PeerEpoch) }),
			column(rows, func(c *swap.Channel) int64 { return int64(c.Floor) }),
			column(rows, func(c *swap.Channel) int64 { return int64(c.Seq) }),
			column(rows, func(c *swap.Channel) []byte { return hash(&c.Last) }),
			column(rows, func(c *swap.Channel) int64 { return int64(c.Heard) }),
			column(rows, func(c *swap.Channel) []byte { return id(&c.Opening) }),
			column(rows, func(c *swap.Channel) int64 { return int64(c.Epoch) }),
			column(rows, func(c *swap.Channel) int64 { return int64(c.HeardEpoch) }),
			column(rows, func(c *swap.Channel) bool { return c.Fenced }),
			column(rows, func(c *swap.Channel) bool { return c.Stopped }))
	}
	if rows := b.Tenures; len(rows) > 0 {
		q.Queue("INSERT INTO tenure (epoch, opening, cause, at_ms, batch) SELECT *, $5::bigint FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[])",
			column(rows, func(t *swap.Tenure) int64 { return int64(t.Epoch) }),
			column(rows, func(t *swap.Tenure) []byte { return t.Opening[:] }),
			column(rows, func(t *swap.Tenure) []byte { return hash(&t.Cause) }),
			column(rows, func(t *swap.Tenure) int64 { return t.AtMS }), b.ID)
	}
}

// termsOf gives the terms' canonical bytes, none for a tombstone whose terms never came.
func termsOf(s *swap.Swap) []byte {
	if len(s.Terms.Banks) == 0 {
		return []byte{}
	}
	return s.Terms.Bytes()
}

// peerRow is one bank of a swap with its place.
type peerRow struct {
	swap  wire.Hash
	place int16
	swap.Peering
}

func queuePeers(q *pgx.Batch, swaps []swap.Swap) {
	var rows []peerRow
	for i := range swaps {
		for place, p := range swaps[i].Peers {
			rows = append(rows, peerRow{swaps[i].ID, int16(place), p})
		}
	}
	if len(rows) == 0 {
		return
	}
	q.Queue(`INSERT INTO swap_peer (swap, place, bank, vote, prepared, decision, acked, proposal, again, epoch, heard_epoch, heard_seq)
		SELECT * FROM unnest($1::bytea[], $2::smallint[], $3::text[], $4::bytea[], $5::boolean[], $6::bytea[], $7::boolean[], $8::bytea[], $9::bytea[], $10::bigint[], $11::bigint[], $12::bigint[])
		ON CONFLICT (swap, place) DO UPDATE SET bank = excluded.bank, vote = excluded.vote, prepared = excluded.prepared, decision = excluded.decision, acked = excluded.acked,
			proposal = excluded.proposal, again = excluded.again, epoch = excluded.epoch, heard_epoch = excluded.heard_epoch, heard_seq = excluded.heard_seq`,
		column(rows, func(p *peerRow) []byte { return p.swap[:] }),
		column(rows, func(p *peerRow) int16 { return p.place }),
		column(rows, func(p *peerRow) string { return p.Bank }),
		column(rows, func(p *peerRow) []byte { return hash(&p.Vote) }),
		column(rows, func(p *peerRow) bool { return p.Prepared }),
		column(rows, func(p *peerRow) []byte { return hash(&p.Decision) }),
		column(rows, func(p *peerRow) bool { return p.Acked }),
		column(rows, func(p *peerRow) []byte { return hash(&p.Proposal) }),
		column(rows, func(p *peerRow) []byte { return hash(&p.Again) }),
		column(rows, func(p *peerRow) int64 { return int64(p.Epoch) }),
		column(rows, func(p *peerRow) int64 { return int64(p.Heard.Epoch) }),
		column(rows, func(p *peerRow) int64 { return int64(p.Heard.Seq) }))
}

func queueMessages(q *pgx.Batch, b *engine.Batch) {
	if rows := b.Messages; len(rows) > 0 {
		q.Queue(`INSERT INTO message (swap, recipient, type, seq, hash, envelope, attachment, resend, done, epoch)
			SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bytea[], $8::boolean[], $9::boolean[], $10::bigint[])`,
			column(rows, func(o *engine.Outbound) []byte { return o.Key.Swap[:] }),
			column(rows, func(o *engine.Outbound) string { return o.Key.Recipient }),
			column(rows, func(o *engine.Outbound) string { return string(o.Key.Type) }),
			column(rows, func(o *engine.Outbound) int64 { return int64(o.Seq) }),
			column(rows, func(o *engine.Outbound) []byte { return o.Hash[:] }),
			column(rows, func(o *engine.Outbound) []byte { return o.Envelope }),
			column(rows, func(o *engine.Outbound) []byte {
				if len(o.Attachment) == 0 {
					return nil
				}
				h := wire.AttachmentHash(o.Attachment)
				return h[:]
			}),
			column(rows, func(o *engine.Outbound) bool { return o.Resend }),
			column(rows, func(o *engine.Outbound) bool { return o.Done }),
			column(rows, func(o *engine.Outbound) int64 { return int64(o.Key.Epoch) }))
	}
	if rows := b.Done; len(rows) > 0 {
		q.Queue(`UPDATE message m SET done = true FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[]) AS k (swap, recipient, type, epoch)
			WHERE m.swap = k.swap AND m.recipient = k.recipient AND m.type = k.type AND m.epoch = k.epoch AND NOT m.done`,
			column(rows, func(k *swap.MessageKey) []byte { return k.Swap[:] }),
			column(rows, func(k *swap.MessageKey) string { return k.Recipient }),
			column(rows, func(k *swap.MessageKey) string { return string(k.Type) }),
			column(rows, func(k *swap.MessageKey) int64 { return int64(k.Epoch) }))
	}
}

func queueNotes(q *pgx.Batch, b *engine.Batch) {
	rows := b.Notes
	// Numbered without a gap, so that one that is missing is missed.
	q.Queue(`INSERT INTO note (id, kind, code, text, about, at_ms, batch) OVERRIDING SYSTEM VALUE
		SELECT (SELECT coalesce(max(id), 0) FROM note) + n, kind, code, text, about, at_ms, $6::bigint
		FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bigint[]) WITH ORDINALITY AS u (kind, code, text, about, at_ms, n)`,
		column(rows, func(n *swap.Note) string { return string(n.Kind) }),
		column(rows, func(n *swap.Note) string { return n.Code }),
		column(rows, func(n *swap.Note) string { return n.Text }),
		column(rows, func(n *swap.Note) []byte { return hash(&n.About) }),
		column(rows, func(n *swap.Note) int64 { return n.AtMS }), b.ID)
}

func queueEvidence(q *pgx.Batch, b *engine.Batch) {
	rows := b.Evidence
	q.Queue(`INSERT INTO evidence (hash, kind, bytes, seal, batch) SELECT *, $5::bigint FROM unnest($1::bytea[], $2::text[], $3::bytea[], $4::bytea[]) ON CONFLICT DO NOTHING`,
		column(rows, func(e *engine.Evidence) []byte { return e.Hash[:] }),
		column(rows, func(e *engine.Evidence) string { return e.Kind }),
		column(rows, func(e *engine.Evidence) []byte { return e.Bytes }),
		column(rows, func(e *engine.Evidence) []byte { return e.Seal[:] }), b.ID)
}
