package devnet

import (
	"slices"
	"sync"

	"entente/ops/node"
)

// ledgers are the banks of this process that what can wait gives way to.
type ledgers struct {
	mu    sync.Mutex
	banks []*node.Bank
}

func (l *ledgers) add(b *node.Bank) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.banks = append(l.banks, b)
}

// busy tells whether one of them is under load.
func (l *ledgers) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.banks, func(b *node.Bank) bool { return b.Engine().Busy() })
}
