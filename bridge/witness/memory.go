package witness

import (
	"bytes"
	"context"
	"sync"

	"entente/zk/transcript"
)

// Memory is a Store in memory, for tests and simulation.
type Memory struct {
	mu    sync.Mutex
	heads map[string]transcript.Witnessed
	found []transcript.Contradiction
	shown []transcript.Checkpoint // of each
}

// NewMemory gives an empty store.
func NewMemory() *Memory { return &Memory{heads: map[string]transcript.Witnessed{}} }

// Witnessed implements Store.
func (m *Memory) Witnessed(_ context.Context, origin string) (transcript.Witnessed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.heads[origin], nil
}

// Advance implements Store.
func (m *Memory) Advance(_ context.Context, from transcript.Checkpoint, next transcript.Witnessed) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.found {
		if c.Origin == next.Origin && c.Proven && c.ClearMS == 0 {
			return false, nil
		}
	}
	if kept, ok := m.heads[next.Origin]; kept.Size != from.Size || ok && kept.Size > 0 && kept.Root != from.Root {
		return false, nil
	}
	next.Note = bytes.Clone(next.Note)
	m.heads[next.Origin] = next
	return true, nil
}

// Accuse implements Store.
func (m *Memory) Accuse(_ context.Context, c transcript.Contradiction, shown transcript.Checkpoint, limit int) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	standing := 0
	for i, before := range m.found {
		if m.shown[i] == shown && before.Proven == c.Proven {
			return false, nil
		}
		if before.Origin == c.Origin && !before.Proven && before.ClearMS == 0 {
			standing++
		}
	}
	if !c.Proven && standing >= limit {
		return false, nil
	}
	c.ID = int64(len(m.found)) + 1
	m.found, m.shown = append(m.found, c), append(m.shown, shown)
	return true, nil
}

// Contradictions implements Store.
func (m *Memory) Contradictions(_ context.Context, origin string) ([]transcript.Contradiction, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []transcript.Contradiction
	for _, c := range m.found {
		if origin == "" || c.Origin == origin {
			list = append(list, c)
		}
	}
	return list, nil
}

// Clear implements Store.
func (m *Memory) Clear(_ context.Context, origin, reason string, atMS int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for i := range m.found {
		if c := &m.found[i]; c.Origin == origin && c.ClearMS == 0 {
			c.ClearMS, c.Cleared = atMS, reason
			n++
		}
	}
	return n, nil
}
