package node

import (
	"context"

	"entente/bridge/bus"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/wallet"
)

// Ask asks as the holder of a key would with a program of its own.
func Ask(ctx context.Context, b *bus.Bus, network *trust.Network, key *wallet.Signer, clock Clock, who, subject string, body []byte) ([]byte, error) {
	a := asker{bus: b, trust: network, key: key, clock: clock}
	return a.ask(ctx, who, subject, body)
}

// Bus gives the connection an auditor asks over.
func (a *Auditor) Bus() *bus.Bus { return a.cfg.Bus }

// Programme gives the tag under which the members' posts travel.
func (d *Desk) Programme() wire.Hash { return d.programme }

// Openings gives what opens a bill's total, as both its desks know it.
func (d *Desk) Openings(bill wire.Hash) []wire.TotalOpening {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.bills[bill]
	return []wire.TotalOpening{{Bill: bill, TotalMinor: b.Total.Minor(), Blinding: b.blinding}}
}

// PostAnyway posts what this desk's own checks would not let through.
func (d *Desk) PostAnyway(ctx context.Context, kind string, body []byte, readers ...string) error {
	return d.post(ctx, kind, body, readers...)
}

// PostCountKind is the kind of a post that carries a count.
const PostCountKind = postCount

// ClaimRequest gives the body of a request for a nation's claim.
func ClaimRequest(note []byte, bills []wire.Hash) []byte {
	r := claimRequest{note, bills}
	b, err := wire.EncodeFields(r.fields)
	if err != nil {
		panic(err)
	}
	return b
}
