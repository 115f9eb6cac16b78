package wire

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"entente/schema/refusal"
)

func TestABillIsCheckedForItsShape(t *testing.T) {
	if got, err := ParseBill(sampleBill().Bytes()); err != nil || got.Hash() != sampleBill().Hash() {
		t.Fatalf("%v", err)
	}
	for name, spoil := range map[string]func(*Bill){
		"of a nation to itself":      func(b *Bill) { b.Debtor = b.Creditor },
		"with chunks of 32 items":    func(b *Bill) { b.ChunkSize = 32 },
		"without a chunk":            func(b *Bill) { b.Chunks = nil },
		"with chunks of no item":     func(b *Bill) { b.ChunkSize = 0 },
		"with chunks of 65535 items": func(b *Bill) { b.ChunkSize = 65535 },
	} {
		t.Run(name, func(t *testing.T) {
			b := sampleBill()
			spoil(b)
			if _, err := ParseBill(b.Bytes()); refusal.CodeOf(err) != CodeMalformed {
				t.Errorf("got %v", err)
			}
		})
	}
	b := sampleBill()
	b.Chunks = make([]Chunk, maxChunks)
	if _, err := ParseBill(b.Bytes()); err != nil {
		t.Errorf("a bill of %d chunks must fit its limit: %v", maxChunks, err)
	}
	if _, err := ParseBill(make([]byte, LimitAttachment+1)); refusal.CodeOf(err) != CodeTooLarge {
		t.Errorf("got %v", err)
	}
}

func TestTermsAreChecked(t *testing.T) {
	if got, err := ParseTerms(sampleTerms().Bytes()); err != nil || got.SwapID() != sampleTerms().SwapID() {
		t.Fatalf("%v", err)
	}
	for name, c := range map[string]struct {
		spoil func(*Terms)
		code  refusal.Code
	}{
		"with one bank":                      {func(m *Terms) { m.Banks, m.Legs = m.Banks[:1], m.Legs[:1] }, CodeMalformed},
		"with a leg missing":                 {func(m *Terms) { m.Legs = m.Legs[:1] }, CodeMalformed},
		"with legs in another order":         {func(m *Terms) { m.Legs[0], m.Legs[1] = m.Legs[1], m.Legs[0] }, CodeMalformed},
		"with two legs on one ledger":        {func(m *Terms) { m.Banks[1].Bank, m.Legs[1].Bank = "RBI", "RBI" }, CodeMalformed},
		"with an empty leg":                  {func(m *Terms) { m.Legs[1].Postings = nil }, CodeMalformed},
		"with a posting of nothing":          {func(m *Terms) { m.Legs[1].Postings[0].Minor = 0 }, CodeAmountInvalid},
		"with a posting to its payer":        {func(m *Terms) { m.Legs[1].Postings[0].Payee = "FXP-JPY" }, CodeMalformed},
		"with a sum beyond 63 bits":          {func(m *Terms) { m.Legs[1].Postings = append(m.Legs[1].Postings, Posting{"A", "B", 1<<63 - 1}) }, CodeOverflow},
		"with a UETR that is no random UUID": {func(m *Terms) { m.UETR[6] = 0x10 }, CodeMalformed},
		"with a vote before their time":      {func(m *Terms) { m.VoteByMS = m.CreatedMS }, CodeDeadlineRange},
		"with a decision before the vote":    {func(m *Terms) { m.DecideByMS = m.VoteByMS }, CodeDeadlineRange},
		"with a window above 30 s":           {func(m *Terms) { m.DecideByMS = m.CreatedMS + 30_001 }, CodeDeadlineRange},
	} {
		t.Run(name, func(t *testing.T) {
			m := sampleTerms()
			c.spoil(m)
			if _, err := ParseTerms(m.Bytes()); refusal.CodeOf(err) != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
	if _, err := ParseTerms(nil); refusal.CodeOf(err) != CodeMalformed {
		t.Errorf("nothing gives %v", err)
	}
	most := sampleTerms()
	most.DecideByMS = most.CreatedMS + 30_000
	if err := most.Check(); err != nil {
		t.Errorf("a window of 30 s is allowed: %v", err)
	}
	if leg, ok := most.LegOf("BOJ"); !ok || leg.Currency != "JPY" {
		t.Error("the leg is not found")
	}
	if _, ok := most.LegOf("RBA"); ok {
		t.Error("a leg nobody has was found")
	}
	leg := Leg{Bank: "BOJ", Postings: []Posting{{"A", "B", -5}}}
	if _, err := leg.Sum(); refusal.CodeOf(err) != CodeAmountInvalid {
		t.Errorf("a negative posting gives %v", err)
	}
}

func TestTheSwapIDChangesWithEveryFieldOfTheTerms(t *testing.T) {
	seen := map[Hash]string{sampleTerms().SwapID(): "the sample"}
	for name, change := range map[string]func(*Terms){
		"network": func(m *Terms) { m.Network = "sample-2" }, "epoch": func(m *Terms) { m.Banks[1].Epoch++ }, "amount": func(m *Terms) { m.Legs[1].Postings[0].Minor++ },
		"payee": func(m *Terms) { m.Legs[1].Postings[0].Payee = "JPN-2" }, "uetr": func(m *Terms) { m.UETR[0]++ }, "instruction": func(m *Terms) { m.Instruction[0]++ },
		"quote": func(m *Terms) { m.Quote[0]++ }, "bills": func(m *Terms) { m.Bills = nil }, "proofs": func(m *Terms) { m.Proofs[0]++ }, "nonce": func(m *Terms) { m.Nonce[0]++ },
		"created": func(m *Terms) { m.CreatedMS++ }, "vote by": func(m *Terms) { m.VoteByMS++ }, "decide by": func(m *Terms) { m.DecideByMS++ },
	} {
		m := sampleTerms()
		change(m)
		if before, twice := seen[m.SwapID()]; twice {
			t.Errorf("%s and %s share a swap id", name, before)
		}
		seen[m.SwapID()] = name
	}
}

func TestSwapMessagesAreReadByTheirType(t *testing.T) {
	for _, name := range []string{"propose", "vote", "decision", "decision_ack"} {
		k := kindNamed(name)
		m := k.sample.(SwapMessage)
		got, err := ParseSwapMessage(m.PayloadType(), Encode(m))
		if err != nil {
			t.Fatal(err)
		}
		if got.PayloadType() != m.PayloadType() || *got.Head() != *m.Head() || !bytes.Equal(Encode(got), Encode(m)) {
			t.Errorf("%s reads back as something else", name)
		}
	}
	vote := Encode(sampleVote())
	if _, err := ParseSwapMessage(TypeDecision, vote); refusal.CodeOf(err) != CodeMalformed {
		t.Errorf("a vote read as a decision gives %v", err)
	}
	if _, err := ParseSwapMessage(TypeQuote, vote); refusal.CodeOf(err) != CodeSigInvalid {
		t.Errorf("a quote among swap messages gives %v", err)
	}
	if _, err := ParseSwapMessage(TypeVote, make([]byte, 17<<10)); refusal.CodeOf(err) != CodeTooLarge {
		t.Errorf("17 KiB give %v", err)
	}
}

func TestALargestPaymentFitsItsLimits(t *testing.T) {
	in := sampleInstruction()
	in.Bills = make([]Hash, maxBills)
	p := samplePayment()
	p.Instruction = signedBy(TypeInstruction, in.Bytes(), 1)
	p.Openings = make([]TotalOpening, maxBills)
	if n := len(in.Bytes()); n > LimitMessage {
		t.Errorf("an instruction with %d bills has %d bytes", maxBills, n)
	}
	if n := len(p.Bytes()); n > LimitAttachment {
		t.Errorf("a payment of %d bills has %d bytes", maxBills, n)
	}
	terms := sampleTerms()
	terms.Bills = in.Bills
	propose := Encode(&Propose{Header: sampleHeader("RBI", "BOJ"), Terms: terms.Bytes()})
	if len(propose) > LimitMessage {
		t.Errorf("a proposal with %d bills has %d bytes", maxBills, len(propose))
	}
}

func TestLeavesVerdictsAndBundlesOfUnknownKindAreMalformed(t *testing.T) {
	for name, c := range map[string]struct {
		kind string
		from []byte
		to   []byte
	}{
		"a leaf of another version":            {"leaf", tlv(1, 0, 1), tlv(1, 0, 2)},
		"a leaf of kind 20":                    {"leaf", tlv(2, 7), tlv(2, 20)},
		"a leaf of kind 0":                     {"leaf", tlv(2, 7), tlv(2, 0)},
		"a leaf with an amount of 63 bytes":    {"leaf", tlv(7, fill(3, 64)...), tlv(7, fill(3, 63)...)},
		"a verdict of 0":                       {"approval", tlv(3, 1), tlv(3, 0)},
		"a verdict of 3":                       {"approval", tlv(3, 1), tlv(3, 3)},
		"a bundle of another version":          {"bundle", tlv(1, 0, 2), tlv(1, 0, 3)},
		"a currency of four letters":           {"quote", tlv(5, 'I', 'N', 'R'), tlv(5, 'I', 'N', 'R', 'X')},
		"a vote that is neither yes nor no":    {"vote", tlv(10, 1), tlv(10, 2)},
		"an instruction with a negative debit": {"instruction", tlv(8, 0, 0, 0, 0, 0, 0, 0xea, 0x60), tlv(8, 255, 255, 255, 255, 255, 255, 255, 255)},
	} {
		t.Run(name, func(t *testing.T) {
			k := kindNamed(c.kind)
			good := Encode(k.sample)
			bad := bytes.Replace(good, c.from, c.to, 1)
			if bytes.Equal(good, bad) {
				t.Fatal("the bytes to spoil were not found")
			}
			if err := Decode(bad, k.limit, k.empty()); refusal.CodeOf(err) != CodeMalformed {
				t.Errorf("got %v", err)
			}
		})
	}
	if leaf, err := ParseLeaf(sampleLeaf().Bytes()); err != nil || leaf.Kind.String() != "hold" || LeafKind(99).String() != "" {
		t.Errorf("%v, %v", leaf.Kind, err)
	}
	if _, err := ParseBatch(make([]byte, LimitBatch+1)); refusal.CodeOf(err) != CodeTooLarge {
		t.Errorf("got %v", err)
	}
	if b, err := ParseBatch(sampleBatch().Bytes()); err != nil || len(b.Messages) != 1 || len(b.Attachments) != 2 {
		t.Errorf("%v", err)
	}
}

func TestWhatIsFetchedIsReadBack(t *testing.T) {
	payment, bundle := samplePayment(), sampleBundle()
	bill, statement := &bundle.Bills[0], &bundle.Statements[0]
	if got, err := ParsePayment(payment.Bytes()); err != nil || got.Hash() != payment.Hash() {
		t.Errorf("payment: %v", err)
	}
	if got, err := ParseProvenBill(bill.Bytes()); err != nil || !bytes.Equal(got.Bytes(), bill.Bytes()) {
		t.Errorf("bill: %v", err)
	}
	if got, err := ParseProvenStatement(statement.Bytes()); err != nil || !bytes.Equal(got.Bytes(), statement.Bytes()) {
		t.Errorf("statement: %v", err)
	}
	for what, parse := range map[string]func([]byte) error{
		"payment":   func(b []byte) error { _, err := ParsePayment(b); return err },
		"bill":      func(b []byte) error { _, err := ParseProvenBill(b); return err },
		"statement": func(b []byte) error { _, err := ParseProvenStatement(b); return err },
	} {
		if code := refusal.CodeOf(parse(make([]byte, LimitBatch+1))); code != CodeTooLarge {
			t.Errorf("a %s above its limit gives %q", what, code)
		}
		if code := refusal.CodeOf(parse([]byte("x"))); code != CodeMalformed {
			t.Errorf("a %s of one letter gives %q", what, code)
		}
	}
}

func TestTotalsAreBelowTwoToThe96(t *testing.T) {
	most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 96), big.NewInt(1))
	for _, v := range []*big.Int{new(big.Int), big.NewInt(1), most} {
		if got, err := NewTotal96(v); err != nil || got.Big().Cmp(v) != 0 {
			t.Errorf("%s: %v", v, err)
		}
	}
	for _, v := range []*big.Int{big.NewInt(-1), new(big.Int).Add(most, big.NewInt(1))} {
		if _, err := NewTotal96(v); refusal.CodeOf(err) != CodeOverflow {
			t.Errorf("%s: %v", v, err)
		}
	}
}

func TestHashesAndIDsAreReadAsTheyAreWritten(t *testing.T) {
	type pair struct {
		Hash Hash
		ID   ID
	}
	want := pair{hashOf(0xa0), NewUUID([16]byte(fill(0xf0, 16)))}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got pair
	if err := json.Unmarshal(b, &got); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	if text := want.ID.String(); text != "f0f1f2f3-f4f5-46f7-b8f9-fafbfcfdfeff" || !want.ID.IsUUIDv4() || (ID{}).IsUUIDv4() {
		t.Errorf("the UUID is %s", text)
	}
	if want.Hash.Short() != "a0a1a2a3" || want.Hash.IsZero() || !(Hash{}).IsZero() {
		t.Error("the hash is shown wrongly")
	}
	text := want.ID.String()
	for name, bad := range map[string]string{
		"empty": "", "too short": text[1:], "too long": text + "0", "in capitals": strings.ToUpper(text), "without hyphens": strings.ReplaceAll(text, "-", "") + "0000",
		"no digits": strings.Replace(text, "f0", "zz", 1), "with a hyphen moved": "f0f1f2f-3f4f5-46f7-b8f9-fafbfcfdfeff",
	} {
		var id ID
		if id.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("a UUID %s is read", name)
		}
	}
	for name, bad := range map[string]string{"empty": "", "of 31 bytes": strings.Repeat("0", 62), "of 63 digits": strings.Repeat("0", 63), "in capitals": strings.Repeat("A0", 32), "of no digits": strings.Repeat("g", 64)} {
		var h Hash
		if h.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("a hash %s is read", name)
		}
	}
}

func TestNames(t *testing.T) {
	for _, good := range []string{"JPN", strings.Repeat("a", 64), "Bank of España", "a/b+c"} {
		if !ValidName(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", strings.Repeat("a", 65), "a\nb", "\x7f", "\u0085", "\xff"} {
		if ValidName(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
}
