package wire

import "testing"

// fuzz seeds a target with a document's golden sample and a few spoilt forms of it, and holds the decoder to its promise:
// refuse by name, or accept bytes that encode to themselves.
func fuzz(f *testing.F, name string) {
	k := kindNamed(name)
	good := Encode(k.sample)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(append(good[:len(good):len(good)], 0))
	f.Fuzz(func(t *testing.T, b []byte) { identity(t, k, b) })
}

func FuzzDecodeLeaf(f *testing.F) { fuzz(f, "leaf") }

func FuzzDecodeTerms(f *testing.F) { fuzz(f, "terms") }

func FuzzDecodeBill(f *testing.F) { fuzz(f, "bill") }

func FuzzDecodeInstruction(f *testing.F) { fuzz(f, "instruction") }

func FuzzDecodeQuote(f *testing.F) { fuzz(f, "quote") }

func FuzzDecodeApproval(f *testing.F) { fuzz(f, "approval") }

func FuzzDecodeAcceptance(f *testing.F) { fuzz(f, "acceptance") }

func FuzzDecodePayment(f *testing.F) { fuzz(f, "payment") }

func FuzzDecodePropose(f *testing.F) { fuzz(f, "propose") }

func FuzzDecodeVote(f *testing.F) { fuzz(f, "vote") }

func FuzzDecodeDecision(f *testing.F) { fuzz(f, "decision") }

func FuzzDecodeDecisionAck(f *testing.F) { fuzz(f, "decision_ack") }

func FuzzDecodeHello(f *testing.F) { fuzz(f, "hello") }

func FuzzDecodeHelloReply(f *testing.F) { fuzz(f, "hello_reply") }

func FuzzDecodeRulebook(f *testing.F) { fuzz(f, "rulebook") }

func FuzzDecodeEquivocation(f *testing.F) { fuzz(f, "equivocation") }

func FuzzDecodeOrder(f *testing.F) { fuzz(f, "order") }

func FuzzDecodeCharter(f *testing.F) { fuzz(f, "charter") }

func FuzzDecodeStatement(f *testing.F) { fuzz(f, "statement") }

func FuzzDecodeBudget(f *testing.F) { fuzz(f, "budget") }

func FuzzDecodeShare(f *testing.F) { fuzz(f, "share") }

func FuzzDecodeRate(f *testing.F) { fuzz(f, "rate") }

func FuzzDecodeSupply(f *testing.F) { fuzz(f, "supply") }

func FuzzDecodeRequest(f *testing.F) { fuzz(f, "request") }

func FuzzDecodeReply(f *testing.F) { fuzz(f, "reply") }

func FuzzDecodePost(f *testing.F) { fuzz(f, "post") }

func FuzzDecodeEnvelope(f *testing.F) { fuzz(f, "envelope") }

func FuzzDecodeBatch(f *testing.F) { fuzz(f, "batch") }

func FuzzParseBundle(f *testing.F) {
	file := sampleBundle().File()
	f.Add(file)
	f.Add(file[:len(file)-1])
	f.Add([]byte(bundleMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseBundle(b)
		if err == nil && string(got.File()) != string(b) {
			t.Fatal("an accepted file encodes to another")
		}
	})
}

func FuzzDecodeBundle(f *testing.F) { fuzz(f, "bundle") }
