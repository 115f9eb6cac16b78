package engine

import (
	"context"
	"slices"
	"sort"

	"entente/settlement/ledger"
)

// EntriesUntil implements History.
func (s *memorySession) EntriesUntil(_ context.Context, timeMS int64) (int64, error) {
	m, unlock := s.lock()
	defer unlock()
	var fault error
	n := sort.Search(len(m.bodies), func(i int) bool {
		e, err := ledger.ParseEntry(m.bodies[i])
		if err != nil {
			fault = Broken(int64(i), "the entry is not readable: "+err.Error())
		}
		return e.TimeMS > timeMS
	})
	return int64(n), fault
}

// CountersBefore implements History.
func (s *memorySession) CountersBefore(_ context.Context, account string, size int64) (ledger.Counters, []ledger.Entry, error) {
	m, unlock := s.lock()
	defer unlock()
	rows := m.turnover[account]
	next := sort.Search(len(rows), func(i int) bool { return rows[i].Last() >= size })
	var before ledger.Counters
	if next > 0 {
		before = rows[next-1].After
	}
	if next == len(rows) {
		return before, nil, nil
	}
	entries, err := m.entriesAt(rows[next].Within(0, size))
	return before, entries, err
}

// EntriesOf implements History.
func (s *memorySession) EntriesOf(_ context.Context, account string, from, to int64, limit int) ([]ledger.Entry, error) {
	m, unlock := s.lock()
	defer unlock()
	var places []int64
	for _, row := range m.turnover[account] {
		places = append(places, row.Within(from, to)...)
	}
	return m.entriesAt(places[:min(len(places), max(0, limit))])
}

func (m *Memory) entriesAt(places []int64) ([]ledger.Entry, error) {
	var entries []ledger.Entry
	for _, seq := range places {
		e, err := ledger.ParseEntry(m.bodies[seq])
		if err != nil {
			return nil, Broken(seq, "the entry is not readable: "+err.Error())
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// turned keeps a batch's turnover.
func (m *Memory) turned(b *Batch) {
	for _, row := range b.Turnover() {
		row.Places = slices.Clone(row.Places)
		m.turnover[row.Account] = append(m.turnover[row.Account], row)
	}
}
