package audit

import (
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/transcript"
)

// cosigners are the witnesses of every other bank, or whom a test has put in their place.
func (w *world) cosigners(origin string) []note.Signer {
	if w.witnesses != nil {
		return w.witnesses
	}
	var all []note.Signer
	for _, b := range w.network.Banks {
		if b.LogOrigin != origin {
			all = append(all, w.cosigner(b.LogOrigin+"/witness", b.ID+" witness", noon/1000+50))
		}
	}
	return all
}

func (w *world) cosigner(name, key string, atS int64) note.Signer {
	w.t.Helper()
	s, err := transcript.NewCosigner(name, w.key(key), atS)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// by signs every head of the world with these witnesses and no others.
func by(signers ...func(*world) note.Signer) func(*world) {
	return func(w *world) {
		w.witnesses = []note.Signer{}
		for _, s := range signers {
			w.witnesses = append(w.witnesses, s(w))
		}
	}
}

func cosigner(name, key string, atS int64) func(*world) note.Signer {
	return func(w *world) note.Signer { return w.cosigner(name, key, atS) }
}

// spoil changes the bytes of a cosignature under the first head: 4 of the key's id, 8 of time, 64 of signature.
func spoil(w *world, b *wire.Bundle, name string, change func([]byte)) {
	w.t.Helper()
	before, rest, found := strings.Cut(string(b.Ledgers[0].Checkpoint), "— "+name+" ")
	text, after, _ := strings.Cut(rest, "\n")
	made, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil {
		w.t.Fatalf("no cosignature of %s (%v)", name, err)
	}
	change(made)
	b.Ledgers[0].Checkpoint = []byte(before + "— " + name + " " + base64.StdEncoding.EncodeToString(made) + "\n" + after)
}

func TestWitnesses(t *testing.T) {
	const rba, rbi, at = "rba.test/AUD/witness", "rbi.test/INR/witness", noon/1000 + 50
	missing, forged := []refusal.Code{CodeCosignatureMissing}, []refusal.Code{CodeCosignatureForged, CodeCosignatureMissing}
	run(t, []broken{
		{name: "nobody else vouches", exit: 2, codes: missing, world: by()},
		{name: "both banks cosign both heads", exit: 0, world: by(cosigner(rba, "rba witness", at), cosigner(rbi, "rbi witness", at))},
		{name: "a bank for its own log alone", exit: 2, codes: missing, world: by(cosigner(rba, "rba witness", at))}, // rba's head lacks rbi's
		{name: "a witness nobody pinned", exit: 2, codes: missing, world: by(cosigner("other.test/witness", "other witness", at))},
		{name: "the pinned name with another key", exit: 2, codes: missing, world: by(cosigner(rba, "other", at), cosigner(rbi, "other", at))},
		{name: "a cosignature of another head", exit: 1, codes: forged, after: func(w *world, b *wire.Bundle) {
			other := w.cosigner(rbi, "rbi witness", at)
			sig, err := other.Sign([]byte("another head"))
			if err != nil {
				w.t.Fatal(err)
			}
			spoil(w, b, rbi, func(made []byte) { copy(made[4:], sig) })
		}},
		{name: "a cosignature under another time", exit: 1, codes: forged, after: func(w *world, b *wire.Bundle) { spoil(w, b, rbi, func(made []byte) { made[11] ^= 1 }) }},
		{name: "cosigned too long ago", exit: 2, codes: []refusal.Code{CodeHeadStale}, world: by(cosigner(rba, "rba witness", at-3700), cosigner(rbi, "rbi witness", at-3700))},
		{name: "cosigned after the bundle's own date", exit: 0, world: by(cosigner(rba, "rba witness", at+900), cosigner(rbi, "rbi witness", at+900))},
	})
}

func TestWhatAQuorumLeavesOpen(t *testing.T) {
	for _, test := range []struct {
		quorum, witnesses int
		says              string
	}{
		{0, 2, "asks for no witness cosignatures"}, {1, 1, "help of 1 of"}, {1, 2, "too small"}, {2, 2, "help of 2 of"}, {2, 3, "help of 1 of"}, {2, 4, "too small"}, {3, 4, "help of 2 of"},
	} {
		if said := strings.Join(unwitnessed(test.quorum, test.witnesses), " "); !strings.Contains(said, test.says) {
			t.Errorf("%d of %d: %s", test.quorum, test.witnesses, said)
		}
	}
}

func TestWithoutAQuorumTheCertificateSaysSo(t *testing.T) {
	w := newWorld(t, "real")
	w.witnesses = []note.Signer{}
	w.network.WitnessQuorum = 0
	r := Verify(w.network, fileOf(w.build()), nil)
	if got, want := outcome(r), expected(0); got != want {
		t.Fatalf("%s, want %s", got, want)
	}
	if c := r.Certificate(); !strings.Contains(c, "the trust file asks for no witness cosignatures") || !strings.Contains(c, "state no time") {
		t.Error("the certificate does not say that nobody cosigned")
	}
	if r.WitnessQuorum != 0 {
		t.Errorf("quorum %d", r.WitnessQuorum)
	}
}
