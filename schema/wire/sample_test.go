package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
)

// fill gives n bytes that count up from a seed, so that a misplaced byte shows.
func fill(seed byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = seed + byte(i)
	}
	return b
}

func hashOf(seed byte) Hash { return Hash(fill(seed, 32)) }

func idOf(seed byte) ID { return ID(fill(seed, 16)) }

func chunkOf(seed byte) Chunk {
	return Chunk{Digest: [32]byte(fill(seed, 32)), Categories: [64]byte(fill(seed+1, 64)), Total: [64]byte(fill(seed+2, 64))}
}

const sampleMS = 1_795_190_400_000 // 2026-11-20T16:00:00Z

// signatory is a key made of one repeated byte, for samples only.
func signatory(seed byte, owner, name string, purpose Purpose) (Key, ed25519.PrivateKey) {
	private := ed25519.NewKeyFromSeed(fill(seed, ed25519.SeedSize))
	return Key{Owner: owner, Name: name, Purpose: purpose, Epoch: 1, Public: private.Public().(ed25519.PublicKey)}, private
}

func signedBy(t PayloadType, payload []byte, seeds ...byte) Envelope {
	e := Envelope{Type: t, Payload: payload}
	for _, seed := range seeds {
		key, private := signatory(seed, "JPN", "nation", PurposeNation)
		e.Signatures = append(e.Signatures, Signature{KeyID: key.ID(), Bytes: [64]byte(ed25519.Sign(private, SignedBytes(t, payload)))})
	}
	return e
}

func sampleLeaf() *Leaf {
	return &Leaf{Kind: LeafHold, Seq: 41, TimeMS: sampleMS, Debit: hashOf(1), Credit: hashOf(2), Amount: fill(3, 64), Reference: hashOf(4), Programme: hashOf(5),
		Chunks: []Chunk{chunkOf(6), chunkOf(60)}, Bills: []Hash{hashOf(7), hashOf(8)}, Body: hashOf(9)}
}

func sampleTerms() *Terms {
	return &Terms{Network: "sample-1", Banks: []Participant{{"RBI", 3}, {"BOJ", 1}},
		Legs: []Leg{{"RBI", "INR", []Posting{{"IND-1", "FXP-INR", 58_430}}}, {"BOJ", "JPY", []Posting{{"FXP-JPY", "JPN-1", 1_000}}}},
		UETR: NewUUID([16]byte(fill(1, 16))), Instruction: hashOf(10), Quote: hashOf(11), Bills: []Hash{hashOf(12)}, Proofs: hashOf(13), Nonce: idOf(14),
		CreatedMS: sampleMS, VoteByMS: sampleMS + 5_000, DecideByMS: sampleMS + 10_000}
}

func sampleBill() *Bill {
	return &Bill{Network: "sample-1", ID: idOf(20), Revision: 2, Programme: hashOf(21), Creditor: "JPN", Debtor: "IND", Ledger: "BOJ", Currency: "JPY", CreatedMS: sampleMS,
		Nonce: hashOf(22), ChunkSize: 64, Chunks: []Chunk{chunkOf(23), chunkOf(83)}}
}

func sampleInstruction() *Instruction {
	return &Instruction{Network: "sample-1", ID: idOf(30), UETR: NewUUID([16]byte(fill(1, 16))), Payer: "IND", PayerBank: "RBI", PayerAccount: "IND-1", DebitCurrency: "INR",
		MaxDebitMinor: 60_000, Payee: "JPN", PayeeBank: "BOJ", PayeeAccount: "JPN-1", PayCurrency: "JPY", PayMinor: 1_000, Bills: []Hash{hashOf(12)}, CreatedMS: sampleMS, DeadlineMS: sampleMS + 3_600_000}
}

func sampleQuote() *Quote {
	return &Quote{Network: "sample-1", ID: idOf(40), Provider: "FXP", Taker: hashOf(41), SellCurrency: "INR", BuyCurrency: "JPY", RateMantissa: 5_843, RateScale: 4, Rounding: 1,
		LeastMinor: 1, MostMinor: 5_000_000, SellBank: "RBI", SellAccount: "FXP-INR", BuyBank: "BOJ", BuyAccount: "FXP-JPY", CreatedMS: sampleMS, ExpiresMS: sampleMS + 60_000}
}

func sampleApproval() *Approval {
	return &Approval{Network: "sample-1", Instruction: hashOf(10), Verdict: VerdictApprove, Reason: "checked against the bill, ¥1,000", AtMS: sampleMS}
}

func sampleAcceptance() *Acceptance {
	return &Acceptance{Network: "sample-1", Quote: hashOf(11), Instruction: hashOf(10), SellMinor: 58_430, BuyMinor: 1_000, AtMS: sampleMS}
}

func samplePayment() *Payment {
	quote, acceptance := signedBy(TypeQuote, sampleQuote().Bytes(), 1), signedBy(TypeAcceptance, sampleAcceptance().Bytes(), 2)
	return &Payment{Instruction: signedBy(TypeInstruction, sampleInstruction().Bytes(), 3), Approvals: []Envelope{signedBy(TypeApproval, sampleApproval().Bytes(), 4)},
		Quote: quote.Bytes(), Acceptance: acceptance.Bytes(), Openings: []TotalOpening{{Bill: hashOf(12), TotalMinor: 1_000, Blinding: [32]byte(fill(15, 32))}}}
}

func sampleHeader(sender, recipient string) Header {
	terms := sampleTerms()
	return Header{Network: "sample-1", Swap: terms.SwapID(), Sender: sender, Recipient: recipient, Epoch: 3, Seq: 7, Prev: hashOf(50), TimeMS: sampleMS}
}

func sampleVote() *Vote {
	return &Vote{Header: sampleHeader("BOJ", "RBI"), Terms: sampleTerms().Bytes(), Prepared: true}
}

func sampleRefusedVote() *Vote {
	return &Vote{Header: sampleHeader("BOJ", "RBI"), Terms: sampleTerms().Bytes(), Code: "quote_expired"}
}

func sampleHello() *Hello {
	h := &Hello{Header: sampleHeader("BOJ", "RBI"), Opening: idOf(53), KnownEpoch: 2, KnownSeq: 6}
	h.Swap, h.Seq = GreetingID(idOf(54), "BOJ", "RBI"), 0
	return h
}

func sampleHelloReply() *HelloReply {
	r := &HelloReply{Header: sampleHeader("RBI", "BOJ"), Hello: hashOf(55), Opening: idOf(56), YourEpoch: 3, YourOpening: idOf(53), HeardEpoch: 2, HeardSeq: 9, Page: 1, Pages: 2,
		Held: []Hash{hashOf(57), hashOf(58)}}
	r.Seq = 0
	return r
}

func sampleRulebook() *Rulebook {
	return &Rulebook{Network: "sample-1", ID: idOf(59), Bank: "RBI", Epoch: 4, Rulings: []Ruling{{sampleTerms().SwapID(), true, []Hash{hashOf(51)}}, {hashOf(60), false, nil}},
		Reason: "gone since 19 November", AtMS: sampleMS}
}

func sampleEquivocation() *Equivocation {
	return &Equivocation{First: signedBy(TypeVote, Encode(sampleVote()), 7), Second: signedBy(TypeVote, Encode(sampleRefusedVote()), 7)}
}

func sampleIssue() *Order {
	o := sampleOrder()
	o.Kind, o.Owner, o.As, o.Status, o.Minor = OrderIssue, "", 0, 0, 5_000_000
	o.Payee, o.PerTransfer, o.PerDay, o.Day, o.Value, o.ExpiresMS, o.Hold, o.Entry, o.Reserve = "JPN-2", 1, 2, 20260103, 20260102, sampleMS+1, hashOf(71), 3, "RTGS-2026-01-02-0001"
	return o
}

func sampleOrder() *Order {
	return &Order{Network: "sample-1", Bank: "BOJ", Key: idOf(70), Kind: OrderOpen, Account: "JPN-1", Owner: "JPN", As: AccountDesk, Status: StatusActive, Reason: "first account", AtMS: sampleMS}
}

func sampleCharter() *Charter {
	return &Charter{Network: "sample-1", Programme: hashOf(21), Name: "Exercise Sample 2026", Agreement: hashOf(80), Members: []string{"AUS", "IND", "JPN"}, Categories: []CharterCategory{{Code: "fuel"}, {"food", []uint32{2_000, 5_000, 3_000}}, {Code: "billeting"}},
		Budgets: []CharterBudget{{"IND", "JPY", total96(9_000_000), []CategoryLimit{{0, total96(4_000_000)}, {2, total96(0)}}}}}
}

func sampleStatement() *Statement {
	s := &Statement{Network: "sample-1", Programme: hashOf(21), Creditor: "JPN", Ledger: "BOJ", Currency: "JPY", Origin: "boj.example/log", Size: 42, Root: hashOf(90), Nonce: hashOf(91),
		Sum: [64]byte(fill(92, 64)), Mask: 0b101}
	s.Shown[0], s.Shown[2] = total96(700), total96(300)
	return s
}

func sampleRequest() *Request {
	return &Request{Network: "sample-1", Recipient: "BOJ", Nonce: idOf(100), Subject: "balance", Body: []byte("JPN-1"), AtMS: sampleMS}
}

func sampleReply() *Reply {
	return &Reply{Network: "sample-1", Sender: "BOJ", Request: hashOf(101), Code: "account_unknown", Text: "there is no account JPN-9", Do: "check the account's id", Body: nil, AtMS: sampleMS}
}

func samplePost() *Post {
	return &Post{Network: "sample-1", Programme: hashOf(21), Author: "JPN", Seq: 1, Prev: Hash{}, Kind: "count", Readers: []string{"IND", "JPN"}, Sealed: []byte("age-encryption.org/v1"), AtMS: sampleMS}
}

func sampleEnvelope() *Envelope {
	e := signedBy(TypeBill, sampleBill().Bytes(), 5, 6)
	return &e
}

func sampleBatch() *Batch {
	vote := signedBy(TypeVote, Encode(sampleVote()), 7)
	return &Batch{Messages: []Envelope{vote}, Attachments: [][]byte{samplePayment().Bytes(), nil}}
}

func sampleBundle() *Bundle {
	leaf := &Leaf{Kind: LeafBill, TimeMS: sampleMS, Reference: sampleBill().Hash(), Programme: hashOf(21), Chunks: sampleBill().Chunks, Body: hashOf(9)}
	return &Bundle{Network: "sample-1", CreatedMS: sampleMS,
		Charters:   []Envelope{signedBy(TypeCharter, sampleCharter().Bytes(), 5, 6)},
		Ledgers:    []LedgerExtract{{Bank: "BOJ", Currency: "JPY", Checkpoint: []byte("boj.example/log\n1\n"), Leaves: [][]byte{leaf.Bytes()}}},
		Bills:      []ProvenBill{{Envelope: *sampleEnvelope(), Proofs: [][]byte{fill(1, 256), fill(2, 256)}}},
		Statements: []ProvenStatement{{Envelope: signedBy(TypeStatement, sampleStatement().Bytes(), 5), Proof: fill(3, 256)}},
		Keys:       []VerifyingKey{{Circuit: "bill-64", Bytes: fill(4, 96)}},
		Budgets:    []Proven{{signedBy(TypeBudget, sampleBudget().Bytes(), 5), [][]byte{fill(5, 256)}}},
		Shares:     []Proven{{signedBy(TypeShare, sampleShare().Bytes(), 6), [][]byte{fill(6, 256), fill(7, 608)}}},
		Rates:      []Proven{{signedBy(TypeRate, sampleRate().Bytes(), 7), [][]byte{fill(8, 256)}}},
		Supplies:   []Proven{{signedBy(TypeSupply, sampleSupply().Bytes(), 8), [][]byte{fill(9, 256), fill(10, 256)}}}}
}

// kind is one document of version 1: a sample of it, the limit it is read with, and what it is named by.
type kind struct {
	name   string
	limit  int
	empty  func() Document
	sample Document
	hash   func(bytes []byte) Hash
}

func under(t PayloadType) func([]byte) Hash {
	return func(b []byte) Hash { return PayloadHash(t, b) }
}

// kinds lists every document, in the order of their golden files.
func kinds() []kind {
	return []kind{
		{"leaf", LimitLeaf, func() Document { return new(Leaf) }, sampleLeaf(), func(b []byte) Hash { return sha256.Sum256(append([]byte{0}, b...)) }},
		{"terms", LimitMessage, func() Document { return new(Terms) }, sampleTerms(), func(b []byte) Hash { return labelled("swap/1/terms", b) }},
		{"bill", LimitAttachment, func() Document { return new(Bill) }, sampleBill(), under(TypeBill)},
		{"instruction", LimitMessage, func() Document { return new(Instruction) }, sampleInstruction(), under(TypeInstruction)},
		{"quote", LimitMessage, func() Document { return new(Quote) }, sampleQuote(), under(TypeQuote)},
		{"approval", LimitMessage, func() Document { return new(Approval) }, sampleApproval(), under(TypeApproval)},
		{"acceptance", LimitMessage, func() Document { return new(Acceptance) }, sampleAcceptance(), under(TypeAcceptance)},
		{"payment", LimitAttachment, func() Document { return new(Payment) }, samplePayment(), AttachmentHash},
		{"propose", LimitMessage, func() Document { return new(Propose) }, &Propose{Header: sampleHeader("RBI", "BOJ"), Terms: sampleTerms().Bytes()}, under(TypePropose)},
		{"vote", LimitMessage, func() Document { return new(Vote) }, sampleVote(), under(TypeVote)},
		{"vote_refused", LimitMessage, func() Document { return new(Vote) }, sampleRefusedVote(), under(TypeVote)},
		{"decision", LimitMessage, func() Document { return new(Decision) }, &Decision{Header: sampleHeader("RBI", "BOJ"), Commit: true, Votes: []Hash{hashOf(51)}}, under(TypeDecision)},
		{"decision_abort", LimitMessage, func() Document { return new(Decision) }, &Decision{Header: sampleHeader("RBI", "BOJ"), Reason: "vote_missing"}, under(TypeDecision)},
		{"decision_ack", LimitMessage, func() Document { return new(DecisionAck) }, &DecisionAck{Header: sampleHeader("BOJ", "RBI"), Decision: hashOf(52), Journal: 43}, under(TypeDecisionAck)},
		{"decision_abort_terms", LimitMessage, func() Document { return new(Decision) }, &Decision{Header: sampleHeader("RBI", "BOJ"), Reason: "expired", Terms: sampleTerms().Bytes()}, under(TypeDecision)},
		{"hello", LimitMessage, func() Document { return new(Hello) }, sampleHello(), under(TypeHello)},
		{"hello_reply", LimitMessage, func() Document { return new(HelloReply) }, sampleHelloReply(), under(TypeHelloReply)},
		{"rulebook", LimitMessage, func() Document { return new(Rulebook) }, sampleRulebook(), under(TypeRulebook)},
		{"equivocation", LimitAttachment, func() Document { return new(Equivocation) }, sampleEquivocation(), func(b []byte) Hash { return labelled("equivocation/1", b) }},
		{"order", LimitMessage, func() Document { return new(Order) }, sampleOrder(), under(TypeOrder)},
		{"order_issue", LimitMessage, func() Document { return new(Order) }, sampleIssue(), under(TypeOrder)},
		{"charter", LimitMessage, func() Document { return new(Charter) }, sampleCharter(), under(TypeCharter)},
		{"statement", LimitMessage, func() Document { return new(Statement) }, sampleStatement(), under(TypeStatement)},
		{"budget", LimitMessage, func() Document { return new(BudgetClaim) }, sampleBudget(), under(TypeBudget)},
		{"share", LimitMessage, func() Document { return new(ShareClaim) }, sampleShare(), under(TypeShare)},
		{"rate", LimitMessage, func() Document { return new(RateClaim) }, sampleRate(), under(TypeRate)},
		{"supply", LimitMessage, func() Document { return new(SupplyClaim) }, sampleSupply(), under(TypeSupply)},
		{"request", LimitBatch, func() Document { return new(Request) }, sampleRequest(), under(TypeRequest)},
		{"reply", LimitBatch, func() Document { return new(Reply) }, sampleReply(), under(TypeReply)},
		{"post", LimitBatch, func() Document { return new(Post) }, samplePost(), under(TypePost)},
		{"envelope", LimitMessage, func() Document { return new(Envelope) }, sampleEnvelope(), func(b []byte) Hash {
			e, err := ParseEnvelope(b, LimitMessage)
			if err != nil {
				return Hash{}
			}
			return e.Hash()
		}},
		{"batch", LimitBatch, func() Document { return new(Batch) }, sampleBatch(), AttachmentHash},
		{"bundle", LimitBundle, func() Document { return new(Bundle) }, sampleBundle(), AttachmentHash},
	}
}

func kindNamed(name string) kind {
	for _, k := range kinds() {
		if k.name == name {
			return k
		}
	}
	panic("no document is called " + name)
}
