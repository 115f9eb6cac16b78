package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/swap"
	"entente/zk/transcript"
)

// Memory is a database in memory: it outlives the sessions on it, as a database outlives processes, and is gone with the program. For tests and simulation.
type Memory struct {
	mu       sync.Mutex
	term     int64
	identity Identity
	head     Head
	bodies   [][]byte
	leaves   [][]byte
	nodes    map[int][]transcript.Hash // by level
	accounts map[string]ledger.Account
	turnover map[string][]Turnover
	swaps    map[wire.Hash]swap.Swap
	order    []wire.Hash // swaps as they came
	stages   map[wire.Hash][]Stage
	decided  map[wire.Hash]Decision
	tenures  []swap.Tenure
	channels map[string]swap.Channel
	messages map[swap.MessageKey]Outbound
	sent     []swap.MessageKey // as they came
	notes    []Note
	evidence map[evidenceKey][]byte
}

// NewMemory gives an empty database.
func NewMemory() *Memory {
	return &Memory{
		accounts: map[string]ledger.Account{}, turnover: map[string][]Turnover{}, swaps: map[wire.Hash]swap.Swap{}, stages: map[wire.Hash][]Stage{}, decided: map[wire.Hash]Decision{},
		channels: map[string]swap.Channel{}, nodes: map[int][]transcript.Hash{}, messages: map[swap.MessageKey]Outbound{}, evidence: map[evidenceKey][]byte{},
	}
}

// Session begins a writer's session and fences the one before.
func (m *Memory) Session() Store {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.term++
	return &memorySession{db: m, term: m.term}
}

type memorySession struct {
	db   *Memory
	term int64
}

// lock gives the database for this session's use.
func (s *memorySession) lock() (*Memory, func()) {
	s.db.mu.Lock()
	return s.db, s.db.mu.Unlock
}

// Load implements Store.
func (s *memorySession) Load(_ context.Context, id Identity, r Restore) (Head, error) {
	m, unlock := s.lock()
	defer unlock()
	if m.identity == (Identity{}) {
		m.identity = id
	}
	if m.identity != id {
		return Head{}, Foreign(m.identity, id)
	}
	for seq, body := range m.bodies {
		e, err := ledger.ParseEntry(body)
		if err != nil {
			return Head{}, Broken(int64(seq), "the entry is not readable: "+err.Error())
		}
		if err := r.Record(Record{Entry: e, Body: body, Leaf: m.leaves[seq]}); err != nil {
			return Head{}, err
		}
	}
	for level, hashes := range m.nodes {
		for n, h := range hashes {
			if err := r.Node(transcript.Node{Level: level, N: int64(n), Hash: h}); err != nil {
				return Head{}, err
			}
		}
	}
	for _, a := range m.accounts {
		if err := r.Account(a); err != nil {
			return Head{}, err
		}
	}
	for _, id := range m.order {
		kept := m.swaps[id]
		kept.Peers = slices.Clone(kept.Peers)
		if err := r.Swap(kept); err != nil {
			return Head{}, err
		}
	}
	for _, t := range m.tenures {
		if err := r.Tenure(t); err != nil {
			return Head{}, err
		}
	}
	for _, c := range m.channels {
		if err := r.Channel(c); err != nil {
			return Head{}, err
		}
	}
	for _, key := range m.sent {
		if o := m.messages[key]; o.Resend && !o.Done {
			o.Attempt, o.Cause = 0, trace.SpanContext{}
			if err := r.Message(o.Message); err != nil {
				return Head{}, err
			}
		}
	}
	return m.head, nil
}

// Foreign is the refusal to keep one ledger in the store of another.
func Foreign(kept, asked Identity) error {
	return refusal.Newf(CodeLedgerForeign, "name the database of this ledger", "the store keeps ledger %s of %s in %s with the log %s, and was opened for %s of %s in %s with %s",
		kept.Bank, kept.Network, kept.Currency, kept.Origin, asked.Bank, asked.Network, asked.Currency, asked.Origin)
}

// Commit implements Store. What the database of a bank refuses by its rules is refused here by the same ones, as far as they bear on more than one row.
func (s *memorySession) Commit(_ context.Context, b *Batch) error {
	m, unlock := s.lock()
	defer unlock()
	if s.term != m.term {
		return ErrFenced
	}
	if err := m.admit(b); err != nil {
		return err
	}
	for i := range b.Records {
		m.bodies = append(m.bodies, slices.Clone(b.Records[i].Body))
		m.leaves = append(m.leaves, slices.Clone(b.Records[i].Leaf))
	}
	for _, n := range b.Nodes {
		m.nodes[n.Level] = append(m.nodes[n.Level], n.Hash)
	}
	for _, a := range b.Accounts {
		m.accounts[a.ID] = a
	}
	m.turned(b)
	for _, kept := range b.Swaps {
		if _, known := m.swaps[kept.ID]; !known {
			m.order = append(m.order, kept.ID)
		}
		m.swaps[kept.ID] = kept
	}
	for _, st := range b.Stages {
		m.stages[st.Swap] = append(m.stages[st.Swap], st)
	}
	for _, d := range b.Decisions {
		m.decided[d.Swap] = d
	}
	m.tenures = append(m.tenures, b.Tenures...)
	for _, c := range b.Channels {
		m.channels[c.Peer] = c
	}
	for _, o := range b.Messages {
		m.messages[o.Key] = o
		m.sent = append(m.sent, o.Key)
	}
	for _, key := range b.Done {
		o := m.messages[key]
		o.Done = true
		m.messages[key] = o
	}
	for _, n := range b.Notes {
		m.notes = append(m.notes, Note{ID: int64(len(m.notes)) + 1, Note: n})
	}
	for _, d := range b.Evidence {
		if key := (evidenceKey{d.Kind, d.Hash}); m.evidence[key] == nil {
			m.evidence[key] = slices.Clone(d.Bytes)
		}
	}
	m.head.Batch, m.head.Before = b.ID, m.head.Last.Seal
	m.head.Last = BatchRow{ID: b.ID, Term: b.Term, AtMS: b.AtMS, Checkpoint: b.Checkpoint, Docs: slices.Clone(b.Docs), Sums: b.Sums, Seal: b.Seal}
	if b.Checkpoint != nil {
		m.head.Checkpoint = *b.Checkpoint
	}
	return nil
}

func (m *Memory) admit(b *Batch) error {
	if b.ID != m.head.Batch+1 {
		return fmt.Errorf("batch %d came where %d is due", b.ID, m.head.Batch+1)
	}
	for i := range b.Records {
		if due := int64(len(m.bodies) + i); b.Records[i].Entry.Seq != due {
			return fmt.Errorf("entry %d came where %d is due", b.Records[i].Entry.Seq, due)
		}
	}
	for _, d := range b.Decisions {
		if _, twice := m.decided[d.Swap]; twice {
			return fmt.Errorf("swap %s is decided twice", d.Swap.Short())
		}
	}
	for _, o := range b.Messages {
		if _, twice := m.messages[o.Key]; twice {
			return fmt.Errorf("message %s to %s about swap %s is sent twice", o.Key.Type, o.Key.Recipient, o.Key.Swap.Short())
		}
	}
	return nil
}

// Committed implements Store.
func (s *memorySession) Committed(_ context.Context, batch int64) (bool, error) {
	m, unlock := s.lock()
	defer unlock()
	if s.term != m.term {
		return false, ErrFenced
	}
	return m.head.Batch >= batch, nil
}

// Snapshot implements Store: what is in memory is folded soon enough.
func (s *memorySession) Snapshot(context.Context) (*Snapshot, error) { return nil, nil }

// Term implements Store.
func (s *memorySession) Term() int64 { return s.term }

// Leaves implements Store.
func (s *memorySession) Leaves(_ context.Context, from, to int64) ([][]byte, error) {
	m, unlock := s.lock()
	defer unlock()
	from, to = m.bounds(from, to)
	return slices.Clone(m.leaves[from:to]), nil
}

// Nodes implements Store.
func (s *memorySession) Nodes(_ context.Context, level int, from, to int64) ([]transcript.Hash, error) {
	m, unlock := s.lock()
	defer unlock()
	row := m.nodes[level]
	to = max(0, min(to, int64(len(row))))
	return slices.Clone(row[max(0, min(from, to)):to]), nil
}

// bounds cuts a range to the entries there are.
func (m *Memory) bounds(from, to int64) (int64, int64) {
	to = max(0, min(to, int64(len(m.bodies))))
	return max(0, min(from, to)), to
}

// Entries implements Store.
func (s *memorySession) Entries(_ context.Context, from, to int64) ([]ledger.Entry, error) {
	m, unlock := s.lock()
	defer unlock()
	from, to = m.bounds(from, to)
	var entries []ledger.Entry
	for i, body := range m.bodies[from:to] {
		e, err := ledger.ParseEntry(body)
		if err != nil {
			return nil, Broken(from+int64(i), "the entry is not readable: "+err.Error())
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Evidence implements Store.
func (s *memorySession) Evidence(_ context.Context, kind string, hash wire.Hash) ([]byte, bool, error) {
	m, unlock := s.lock()
	defer unlock()
	b, ok := m.evidence[evidenceKey{kind, hash}]
	return slices.Clone(b), ok, nil
}

// Message implements Store.
func (s *memorySession) Message(_ context.Context, key swap.MessageKey) (Message, bool, error) {
	m, unlock := s.lock()
	defer unlock()
	o, ok := m.messages[key]
	o.Attempt, o.Cause = 0, trace.SpanContext{}
	return o.Message, ok, nil
}

// Sent implements Store.
func (s *memorySession) Sent(_ context.Context, hash wire.Hash) (Message, bool, error) {
	m, unlock := s.lock()
	defer unlock()
	for _, key := range m.sent {
		if o := m.messages[key]; o.Hash == hash {
			o.Attempt, o.Cause = 0, trace.SpanContext{}
			return o.Message, true, nil
		}
	}
	return Message{}, false, nil
}

// Notes implements Store.
func (s *memorySession) Notes(_ context.Context, after int64, limit int) ([]Note, error) {
	m, unlock := s.lock()
	defer unlock()
	from := max(0, min(after, int64(len(m.notes))))
	to := min(from+int64(max(0, limit)), int64(len(m.notes)))
	return slices.Clone(m.notes[from:to]), nil
}

// Stages implements Store.
func (s *memorySession) Stages(_ context.Context, id wire.Hash) ([]Stage, error) {
	m, unlock := s.lock()
	defer unlock()
	return slices.Clone(m.stages[id]), nil
}

// Close implements Store.
func (s *memorySession) Close() error { return nil }
