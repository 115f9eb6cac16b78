package node

import (
	"context"

	"entente/schema/wire"
)

// RecordBillAgain hands a recorded bill in again, as after a lost answer, and gives the leaf's number that the desk then believes.
func (d *Desk) RecordBillAgain(ctx context.Context, hash wire.Hash) (int64, error) {
	d.mu.Lock()
	b := *d.bills[hash]
	d.bills[hash].State = BillCountersigned
	d.mu.Unlock()
	b.State = BillCountersigned
	if err := d.recordBill(ctx, &b); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bills[hash].Seq, nil
}

// ChainOf gives where an author's chain stands.
func (d *Desk) ChainOf(author string) (uint64, wire.Hash) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.chain(author).seq, d.chain(author).last
}
