package wire

import (
	"bytes"
	"testing"

	"entente/schema/refusal"
)

// FuzzParseSwapMessage reads bytes as each message of SWAP/1, and as what a bank keeps of bills and statements: refused by name, or what encodes to the same.
func FuzzParseSwapMessage(f *testing.F) {
	for _, name := range []string{"propose", "vote", "decision", "decision_ack"} {
		f.Add(Encode(kindNamed(name).sample))
	}
	bundle := sampleBundle()
	f.Add(Encode(&bundle.Bills[0]))
	f.Add(Encode(&bundle.Statements[0]))
	f.Fuzz(func(t *testing.T, b []byte) {
		judge := func(d Document, err error) {
			switch {
			case err != nil && refusal.CodeOf(err) == "":
				t.Fatalf("%v is no refusal", err)
			case err == nil && !bytes.Equal(Encode(d), b):
				t.Fatalf("%T encodes to other bytes", d)
			}
		}
		for _, kind := range []PayloadType{TypePropose, TypeVote, TypeDecision, TypeDecisionAck} {
			m, err := ParseSwapMessage(kind, b)
			if err != nil {
				judge(nil, err)
				continue
			}
			judge(m.(Document), nil)
		}
		bill, err := ParseProvenBill(b)
		judge(&bill, err)
		statement, err := ParseProvenStatement(b)
		judge(&statement, err)
	})
}

// FuzzTexts reads texts as hashes and ids: refused, or the one text of what was read.
func FuzzTexts(f *testing.F) {
	f.Add(Hash{1, 2}.String())
	f.Add(ID{3, 4}.String())
	f.Add("00")
	f.Fuzz(func(t *testing.T, text string) {
		var h Hash
		if err := h.UnmarshalText([]byte(text)); err == nil && h.String() != text {
			t.Errorf("%q is read as %s", text, h)
		}
		var id ID
		if err := id.UnmarshalText([]byte(text)); err == nil && id.String() != text {
			t.Errorf("%q is read as %s", text, id)
		}
	})
}
