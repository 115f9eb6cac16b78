package engine

import (
	"slices"

	"entente/settlement/ledger"
)

// Turnover is what one batch did to one account's money: which of its entries moved, held or gave back some of it, and the counters after them.
type Turnover struct {
	Account string
	Places  []int64 // sequence numbers, ascending
	After   ledger.Counters
}

// Turnover gives the batch's turnover, in the order of its accounts.
func (b *Batch) Turnover() []Turnover {
	places := map[string][]int64{}
	for i := range b.Records {
		e := &b.Records[i].Entry
		if e.Minor == 0 || e.Debit == "" {
			continue
		}
		places[e.Debit] = append(places[e.Debit], e.Seq)
		places[e.Credit] = append(places[e.Credit], e.Seq)
	}
	rows := make([]Turnover, 0, len(places))
	for i := range b.Accounts {
		if a := &b.Accounts[i]; len(places[a.ID]) > 0 {
			rows = append(rows, Turnover{a.ID, places[a.ID], a.Counters})
		}
	}
	return rows
}

// Last is the last of its entries.
func (t *Turnover) Last() int64 { return t.Places[len(t.Places)-1] }

// Within gives those of its entries from seq from up to and without seq to.
func (t *Turnover) Within(from, to int64) []int64 {
	least, _ := slices.BinarySearch(t.Places, from)
	most, _ := slices.BinarySearch(t.Places, to)
	return t.Places[least:max(least, most)]
}
