package payment

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/money"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/wallet"
)

const nowMS = 500

// world is a network of two banks, two nations and two providers, with everybody's keys.
type world struct {
	network *trust.Network
	signers map[string]*wallet.Signer // by "owner/name"
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{signers: map[string]*wallet.Signer{}}
	seed := byte(0)
	keys := func(owner string, named ...any) []trust.Key {
		var pinned []trust.Key
		for i := 0; i < len(named); i += 3 {
			seed++
			s, err := wallet.NewSigner(owner, named[i].(string), named[i+1].(wire.Purpose), uint32(named[i+2].(int)), bytes.NewReader(bytes.Repeat([]byte{seed}, 32)))
			if err != nil {
				t.Fatal(err)
			}
			label := owner + "/" + named[i].(string)
			if named[i+2].(int) > 1 {
				label += "2"
			}
			w.signers[label] = s
			k := s.Key()
			pinned = append(pinned, trust.Key{Name: k.Name, Purpose: k.Purpose, Epoch: k.Epoch, Public: k.Public})
		}
		return pinned
	}
	bank := func(id, currency string) trust.Bank {
		seed++
		origin := strings.ToLower(id) + ".example/log"
		vkey, err := note.NewEd25519VerifierKey(origin, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)).Public().(ed25519.PublicKey))
		if err != nil {
			t.Fatal(err)
		}
		return trust.Bank{ID: id, Name: id, Currency: currency, LogOrigin: origin, LogKey: vkey, Keys: keys(id, "swap", wire.PurposeSwap, 1)}
	}
	w.network = &trust.Network{
		Version: 1, Network: "test-1", Development: true, CheckpointAgeMax: 60,
		Banks: []trust.Bank{bank("RBI", "INR"), bank("BOJ", "JPY")},
		Members: []trust.Member{
			{Nation: "IND", Bank: "RBI", Account: "IND-1", SealTo: "age1x", Approvals: 1, Keys: keys("IND",
				"asha", wire.PurposeUser, 1, "asha", wire.PurposeUser, 2, "bina", wire.PurposeUser, 1, "chen", wire.PurposeUser, 1,
				"desk", wire.PurposeService, 1, "spare", wire.PurposeService, 1, "nation", wire.PurposeNation, 1)},
			{Nation: "JPN", Bank: "BOJ", Account: "JPN-1", SealTo: "age1y", Approvals: 1, Keys: keys("JPN",
				"yuki", wire.PurposeUser, 1, "desk", wire.PurposeService, 1)},
			{Nation: "BHU", Bank: "RBI", Account: "BHU-1", SealTo: "age1z", Approvals: 1},
		},
		Providers: []trust.Provider{{ID: "FXP", Keys: keys("FXP", "quotes", wire.PurposeQuote, 1)}, {ID: "FXQ", Keys: keys("FXQ", "quotes", wire.PurposeQuote, 1)}},
	}
	if err := w.network.Check(); err != nil {
		t.Fatal(err)
	}
	stranger, err := wallet.NewSigner("IND", "stranger", wire.PurposeUser, 1, bytes.NewReader(bytes.Repeat([]byte{99}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	w.signers["IND/stranger"] = stranger
	return w
}

// draftPackage is a payment package before it is signed: a case changes a field or a signer, and assemble signs what results.
type draftPackage struct {
	in       wire.Instruction
	maker    []string
	approver []approver
	quote    *wire.Quote // nil inside one currency
	quoter   []string
	taker    string // whose key the quote names
	accept   wire.Acceptance
	accepter []string
	openings []wire.TotalOpening
	rebind   bool // approvals and acceptance name the instruction and quote as they are; off for cases that tear them apart
}

type approver struct {
	by       []string
	approval wire.Approval
}

// across is India paying Japan 1,000 JPY at 0.5843 INR for one JPY: 584.30 INR.
func across() *draftPackage {
	uetr := wire.NewUUID([16]byte{1})
	return &draftPackage{
		in: wire.Instruction{Network: "test-1", ID: wire.ID{1}, UETR: uetr, Payer: "IND", PayerBank: "RBI", PayerAccount: "IND-1", DebitCurrency: "INR", MaxDebitMinor: 60_000,
			Payee: "JPN", PayeeBank: "BOJ", PayeeAccount: "JPN-1", PayCurrency: "JPY", PayMinor: 1_000, Bills: []wire.Hash{{1}, {2}}, CreatedMS: 100, DeadlineMS: 1_000},
		maker:    []string{"IND/asha"},
		approver: []approver{{[]string{"IND/bina"}, wire.Approval{Network: "test-1", Verdict: wire.VerdictApprove, AtMS: 200}}},
		quote: &wire.Quote{Network: "test-1", ID: wire.ID{2}, Provider: "FXP", SellCurrency: "INR", BuyCurrency: "JPY", RateMantissa: 5843, RateScale: 4, Rounding: uint8(money.RoundUp),
			LeastMinor: 1_000, MostMinor: 5_000, SellBank: "RBI", SellAccount: "FXP-INR", BuyBank: "BOJ", BuyAccount: "FXP-JPY", CreatedMS: 300, ExpiresMS: 900},
		quoter: []string{"FXP/quotes"}, taker: "IND/desk",
		accept:   wire.Acceptance{Network: "test-1", SellMinor: 58_430, BuyMinor: 1_000, AtMS: 400},
		accepter: []string{"IND/desk"},
		openings: []wire.TotalOpening{{Bill: wire.Hash{1}, TotalMinor: 300}, {Bill: wire.Hash{2}, TotalMinor: 700}},
		rebind:   true,
	}
}

// inside is India paying Bhutan, whose desk has its account on the same ledger.
func inside() *draftPackage {
	d := across()
	d.in.Payee, d.in.PayeeBank, d.in.PayeeAccount, d.in.PayCurrency = "BHU", "RBI", "BHU-1", "INR"
	d.quote = nil
	return d
}

func (w *world) sign(t testing.TB, kind wire.PayloadType, payload []byte, by []string) wire.Envelope {
	t.Helper()
	e := wire.Envelope{Type: kind, Payload: payload}
	for _, name := range by {
		if err := w.signers[name].CoSign(&e); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func (w *world) assemble(t testing.TB, d *draftPackage) *wire.Payment {
	t.Helper()
	p := &wire.Payment{Instruction: w.sign(t, wire.TypeInstruction, d.in.Bytes(), d.maker), Openings: d.openings}
	for _, a := range d.approver {
		if d.rebind {
			a.approval.Instruction = d.in.Hash()
		}
		p.Approvals = append(p.Approvals, w.sign(t, wire.TypeApproval, a.approval.Bytes(), a.by))
	}
	if d.quote == nil {
		return p
	}
	d.quote.Taker = w.signers[d.taker].Key().ID()
	if d.rebind {
		d.accept.Instruction, d.accept.Quote = d.in.Hash(), d.quote.Hash()
	}
	q := w.sign(t, wire.TypeQuote, d.quote.Bytes(), d.quoter)
	a := w.sign(t, wire.TypeAcceptance, d.accept.Bytes(), d.accepter)
	p.Quote, p.Acceptance = q.Bytes(), a.Bytes()
	return p
}
