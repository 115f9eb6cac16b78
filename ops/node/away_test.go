package node_test

import (
	"testing"
	"time"

	"entente/ops/node"
	"entente/ops/pgserver"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet/sealed"
)

// A desk that waits for its database to store a post can still be closed.
func TestADeskClosesWhileItsDatabaseIsAway(t *testing.T) {
	t.Parallel()
	net, unlock := billed(t)
	reader := net.Desks["AUS"]
	own := programme.Count{Nation: "JPN", Source: "late"}
	body, err := own.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	var seal []string
	for _, m := range net.Trust.Members {
		if m.Nation != "KOR" {
			seal = append(seal, m.SealTo)
		}
	}
	ciphertext, err := sealed.Seal(body, seal...)
	if err != nil {
		t.Fatal(err)
	}
	seq, last := reader.ChainOf("JPN")
	p := wire.Post{Network: net.Trust.Network, Programme: reader.Programme(), Author: "JPN", Seq: seq + 1, Prev: last, Kind: node.PostCountKind, Readers: []string{"AUS", "JPN"}, Sealed: ciphertext, AtMS: now()}
	e := sign(t, signer(t, net, unlock, "desk-JPN", wire.PurposeNation, "JPN"), wire.TypePost, wire.Encode(&p))
	if err := net.Database().Stop(pgserver.Immediate); err != nil {
		t.Fatal(err)
	}
	if err := net.Auditor.Bus().Post(t.Context(), reader.Programme().String(), "JPN", e.Bytes()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	closed := make(chan error, 1)
	began := time.Now()
	go func() { closed <- reader.Close() }()
	select {
	case err := <-closed:
		t.Log("closed after", time.Since(began), err)
	case <-time.After(50 * time.Second):
		panic("the desk does not close")
	}
}
