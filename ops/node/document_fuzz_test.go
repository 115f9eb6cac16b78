package node

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/payment"
	"entente/zk/commit"
)

// document is what this package reads from others or from its own journal.
type document interface{ fields(*wire.Fields) }

// documents lists a sample of each kind, and what makes an empty one.
func documents() (samples []document, empty []func() document) {
	with := func(sample document, make func() document) {
		samples, empty = append(samples, sample), append(empty, make)
	}
	with(&recordedNote{bill: wire.Hash{1}, seq: 7}, func() document { return new(recordedNote) })
	with(&extent{From: 1, To: 9}, func() document { return new(extent) })
	with(&blobs{list: [][]byte{{1}, {2, 3}}}, func() document { return new(blobs) })
	with(&step{instruction: wire.Hash{2}, event: payment.Event{Do: payment.Make, AtMS: 5}, documents: [][]byte{{4}}}, func() document { return new(step) })
	with(&chunkOpening{records: [][]byte{{5}}, salts: []commit.Digest{{6}}, r: commit.Scalar{7}, s: commit.Scalar{8}}, func() document { return new(chunkOpening) })
	with(&offer{envelope: []byte{1}, reference: "EX-1"}, func() document { return new(offer) })
	with(&QuoteRequest{Sell: "INR", Buy: "JPY", BuyMinor: 3}, func() document { return new(QuoteRequest) })
	with(&Submission{Payment: []byte{1}, Bills: [][]byte{{2}, {3}}}, func() document { return new(Submission) })
	with(&claimRequest{note: []byte("log\n1\n"), bills: []wire.Hash{{4}}}, func() document { return new(claimRequest) })
	with(&hashList{list: []wire.Hash{{5}, {6}}}, func() document { return new(hashList) })
	with(&PastQuery{Account: "RBI-IND", AtMS: 5}, func() document { return new(PastQuery) })
	with(&StatementQuery{Account: "RBI-IND", UntilMS: 9}, func() document { return new(StatementQuery) })
	return samples, empty
}

// FuzzDocuments reads bytes as each document: refused by name, or the one encoding of what was read.
func FuzzDocuments(f *testing.F) {
	samples, empty := documents()
	for i, d := range samples {
		b, err := wire.EncodeFields(d.fields)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), b)
		f.Add(uint8(i), b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		d := empty[int(kind)%len(empty)]()
		if err := wire.DecodeFields(b, wire.LimitBatch, d.fields); err != nil {
			if refusal.CodeOf(err) == "" {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		if again, err := wire.EncodeFields(d.fields); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%T encodes to %x (%v)", d, again, err)
		}
	})
}

// FuzzReadConfig reads a text as a configuration file for every role: refused by name, or a role's with everything it needs.
func FuzzReadConfig(f *testing.F) {
	f.Add([]byte(`{"role":"provider","id":"FXP","trust":"t","keys":"k","unlock":"u","broker":"nats://x","exercise":"e","quotes":{"on":"2023-11-06","spread_bps":5,"firm_for_ms":30000,"accounts":{"RBI":"LP"}}}`))
	f.Add([]byte(`{"role":"desk","id":"IND","chunk_size":16,"database":"postgres://x"}`))
	f.Add([]byte(`{"role":"bank","verification_keys":{"bill-64":"f"}} {}`))
	path := filepath.Join(f.TempDir(), "config.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, role := range []string{RoleBank, RoleDesk, RoleProvider, ""} {
			c, err := ReadConfig(path, role)
			switch {
			case err != nil && refusal.CodeOf(err) == "":
				t.Fatalf("%v is no refusal", err)
			case err == nil && (c.Role == "" || role != "" && c.Role != role || c.ID == "" || c.Trust == ""):
				t.Errorf("accepted for %q: %+v", role, c)
			}
		}
	})
}
