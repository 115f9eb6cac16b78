package node_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"entente/ops/devnet"
	"entente/ops/node"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet"
	"entente/wallet/sealed"
)

// postOf writes a post as JPN's nation key could, anywhere in its chain.
func postOf(t *testing.T, net *devnet.Net, unlock *wallet.Identity, seq uint64, prev wire.Hash) wire.Envelope {
	t.Helper()
	own := programme.Count{Nation: "JPN", Source: "late"}
	body, err := own.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	var seal []string
	for _, m := range net.Trust.Members {
		if m.Nation == "AUS" || m.Nation == "JPN" {
			seal = append(seal, m.SealTo)
		}
	}
	ciphertext, err := sealed.Seal(body, seal...)
	if err != nil {
		t.Fatal(err)
	}
	p := wire.Post{Network: net.Trust.Network, Programme: net.Desks["AUS"].Programme(), Author: "JPN", Seq: seq, Prev: prev, Kind: node.PostCountKind, Readers: []string{"AUS", "JPN"}, Sealed: ciphertext, AtMS: now()}
	return sign(t, signer(t, net, unlock, "desk-JPN", wire.PurposeNation, "JPN"), wire.TypePost, wire.Encode(&p))
}

func carry(t *testing.T, net *devnet.Net, e wire.Envelope) {
	t.Helper()
	if err := net.Auditor.Bus().Post(t.Context(), net.Desks["AUS"].Programme().String(), "JPN", e.Bytes()); err != nil {
		t.Fatal(err)
	}
}

func heard(t *testing.T, d *node.Desk, want uint64) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); d.Heard("JPN") != want; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("post %d is due, the desk has %d", want, d.Heard("JPN"))
		}
	}
}

// A post that came before its predecessor was taken off the carrier, so it must survive a restart.
func TestAnEarlyPostSurvivesARestart(t *testing.T) {
	t.Parallel()
	net, unlock := billed(t)
	reader := net.Desks["AUS"]
	seq, last := reader.ChainOf("JPN")
	first := postOf(t, net, unlock, seq+1, last)
	second := postOf(t, net, unlock, seq+2, first.Hash())
	carry(t, net, second)
	time.Sleep(time.Second)
	reader = restart(t, reader)
	carry(t, net, first)
	heard(t, reader, seq+2)
}

// A member who signs a post that follows nothing stops nobody.
func TestAForkThatCameEarlyStopsNobody(t *testing.T) {
	t.Parallel()
	net, unlock := billed(t)
	reader := net.Desks["AUS"]
	seq, last := reader.ChainOf("JPN")
	carry(t, net, postOf(t, net, unlock, seq+2, wire.Hash{1}))
	carry(t, net, postOf(t, net, unlock, seq+1, last))
	heard(t, reader, seq+1)
	time.Sleep(time.Second)
	if n := len(reader.Refused()); n > 5 {
		t.Logf("%d refusals of one post after a second, and more by the minute", n)
		os.Exit(1) // it never ends
	}
}

// A broker that is away when the process starts is waited for.
func TestAProcessWaitsForItsBroker(t *testing.T) {
	t.Parallel()
	w := theWorld(t)
	id := w.net.Trust.Providers[0].ID
	path := filepath.Join(w.dir, "p.json")
	text := `{"role":"provider","id":"` + id + `","trust":"network.json","keys":"keys/provider.age","unlock":"keys/unlock","broker":"nats://127.0.0.1:1","exercise":"x","development":true,
		"quotes":{"on":"2023-11-06","spread_bps":1,"firm_for_ms":30000,"accounts":{"a":"A","b":"B"}}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := node.ReadConfig(path, "provider")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := node.Run(ctx, cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Errorf("it ends with %v", err)
	}
}
