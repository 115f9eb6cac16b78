package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/money"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/proof"
	"entente/zk/transcript"
)

// noon is when everything in the test world happens.
const noon = 1_795_000_000_000

// circuits are those the test world is proven with, in the order of its keys.
var circuits = []string{proof.Bill16, proof.Totals, proof.Budget, proof.Share, proof.Rate, proof.Reserve16}

// development opens the development keys of this machine, or makes them.
var development = sync.OnceValues(func() (*proof.Keys, error) {
	dir, err := proof.DefaultDir()
	if err != nil {
		return nil, err
	}
	return proof.OpenDevelopment(context.Background(), dir, circuits, nil)
})

// proven remembers proofs by what they are about: a world is made anew for every test and proven once.
var proven sync.Map

func prove(t testing.TB, about any, make func(*proof.Keys) (proof.Proof, error)) []byte {
	t.Helper()
	if p, ok := proven.Load(about); ok {
		return bytes.Clone(p.([]byte))
	}
	keys, err := development()
	if err != nil {
		t.Fatal(err)
	}
	p, err := make(keys)
	if err != nil {
		t.Fatal(err)
	}
	proven.Store(about, p[:])
	return bytes.Clone(p[:])
}

// world is three nations, two banks, one programme, and everything a bundle is made from.
type world struct {
	t          testing.TB
	seed       string // of all signing keys
	network    *trust.Network
	private    map[wire.Hash]ed25519.PrivateKey
	logs       map[string][]wire.Leaf
	bills      []*madeBill
	charters   []wire.Envelope
	statements []*madeStatement
	budgets    []*madeBudget
	shares     []*madeShare
	rates      []*madeRate
	supplies   []*madeSupply
	keys       []wire.VerifyingKey
	openings   map[commit.Point]opening
	bare       bool          // without claims about budgets, shares, rates and supply
	witnesses  []note.Signer // in the place of the other banks'; nil for theirs
	partial    bool          // without some of those claims
	renumber   func()        // after leaves were numbered, before heads are signed
}

// madeBill is a bill with all its openings.
type madeBill struct {
	wire.Bill
	witnesses []commit.BillWitness
	proofs    [][]byte
	signers   []string
}

// madeStatement is a statement about the bills it names.
type madeStatement struct {
	creditor, ledger string
	bills            []*madeBill
	mask             uint16
	change           func(*wire.Statement) // after it was made and proven
	before           func(*wire.Statement) // before it is proven
	signers          []string
}

var programmeTag = wire.Hash(sha256.Sum256([]byte("programme")))

func newWorld(t testing.TB, seed string) *world {
	w := &world{t: t, seed: seed, private: map[wire.Hash]ed25519.PrivateKey{}, logs: map[string][]wire.Leaf{}, openings: map[commit.Point]opening{}}
	bank := func(id, currency string) trust.Bank {
		origin := id + ".test/" + currency
		return trust.Bank{ID: id, Name: id, Currency: currency, LogOrigin: origin, LogKey: transcript.VerifierKey(origin, w.key(origin).Public().(ed25519.PublicKey)),
			Witness: transcript.CosignerKey(origin+"/witness", w.key(id+" witness").Public().(ed25519.PublicKey)),
			Keys:    []trust.Key{w.pin(id, wire.PurposeSwap), w.pin(id, wire.PurposeTransport)}}
	}
	member := func(nation, bank string) trust.Member {
		return trust.Member{Nation: nation, Name: nation, Bank: bank, Account: "desk-" + nation, SealTo: "age1" + nation, Approvals: 1,
			Keys: []trust.Key{w.pin(nation, wire.PurposeNation), w.pin(nation, wire.PurposeService)}}
	}
	w.network = &trust.Network{
		Version: 1, Network: "audit-test", CheckpointAgeMax: 3600, WitnessQuorum: 1,
		Banks:   []trust.Bank{bank("rba", "AUD"), bank("rbi", "INR")},
		Members: []trust.Member{member("AUS", "rba"), member("IND", "rbi"), member("JPN", "rba")},
	}
	keys, err := development()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range circuits {
		info, err := keys.Info(name)
		if err != nil {
			t.Fatal(err)
		}
		w.network.Circuits = append(w.network.Circuits, trust.Circuit{Name: name, CircuitID: info.CircuitID, KeyID: info.VKID, Ceremony: trust.DevelopmentCeremony})
		w.keys = append(w.keys, wire.VerifyingKey{Circuit: name, Bytes: info.VKBytes})
	}
	if err := w.network.Check(); err != nil {
		t.Fatal(err)
	}
	w.play()
	return w
}

// key derives a private key from the world's seed.
func (w *world) key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(w.seed + "/" + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func (w *world) pin(owner string, purpose wire.Purpose) trust.Key {
	private := w.key(owner + string(purpose))
	public := private.Public().(ed25519.PublicKey)
	w.private[wire.Key{Owner: owner, Name: owner, Purpose: purpose, Epoch: 1, Public: public}.ID()] = private
	return trust.Key{Name: owner, Purpose: purpose, Epoch: 1, Public: public}
}

// member pins another nation.
func (w *world) member(nation, bank string) {
	w.t.Helper()
	w.network.Members = append(w.network.Members, trust.Member{Nation: nation, Name: nation, Bank: bank, Account: "desk-" + nation, SealTo: "age1" + nation,
		Approvals: 1, Keys: []trust.Key{w.pin(nation, wire.PurposeNation)}})
	if err := w.network.Check(); err != nil {
		w.t.Fatal(err)
	}
}

// without leaves out the key of a circuit.
func without(keys []wire.VerifyingKey, circuit string) []wire.VerifyingKey {
	return slices.DeleteFunc(slices.Clone(keys), func(k wire.VerifyingKey) bool { return k.Circuit == circuit })
}

// provider pins a liquidity provider that holds a key of a nation's purpose.
func (w *world) provider(id string) {
	w.t.Helper()
	w.network.Providers = append(w.network.Providers, trust.Provider{ID: id, Name: id, Keys: []trust.Key{w.pin(id, wire.PurposeNation)}})
	if err := w.network.Check(); err != nil {
		w.t.Fatal(err)
	}
}

// sign makes an envelope with one signature of each owner, by its key of the purpose.
func (w *world) sign(kind wire.PayloadType, payload []byte, purpose wire.Purpose, owners ...string) wire.Envelope {
	e := wire.Envelope{Type: kind, Payload: payload}
	for _, owner := range owners {
		key := w.network.KeysOf(owner, purpose)[0]
		s := wire.Signature{KeyID: key.ID()}
		copy(s.Bytes[:], ed25519.Sign(w.private[key.ID()], wire.SignedBytes(kind, payload)))
		e.Signatures = append(e.Signatures, s)
	}
	return e
}

// play fills the world: a bill of two chunks paid by hold and post across ledgers, one paid by a transfer, one held and given back, and one replaced by its
// second revision. The cost of pilotage, 100 on either ledger, is shared by all three.
func (w *world) play() {
	big := w.bill("big", 1, "AUS", "IND", 20, 33)
	indian := w.bill("indian", 1, "IND", "AUS", 5, 34)
	given := w.bill("given back", 1, "AUS", "JPN", 3, 33)
	wrong := w.bill("corrected", 1, "IND", "JPN", 2)
	right := w.bill("corrected", 2, "IND", "JPN", 4, 33)

	rate := w.rate()
	bought := w.openings[commit.Point(big.total())].minor + 9
	sold, err := rate.Convert(money.New(int64(bought), rate.Base()), money.RoundHalfEven)
	if err != nil {
		w.t.Fatal(err)
	}
	leg := uint64(sold.Minor())
	w.log("rba", wire.Leaf{Kind: wire.LeafOpen}, w.moving(wire.LeafIssue, "issue", 1_000_000), billLeaf(big), billLeaf(given),
		paying(wire.LeafHold, "swap", big), w.moving(wire.LeafHold, "swap", 9),
		paying(wire.LeafHold, "failed", given), w.moving(wire.LeafVoid, "failed", 8),
		paying(wire.LeafPost, "swap", big), to("suspense", w.moving(wire.LeafPost, "swap", 9)), w.moving(wire.LeafRelease, "swap", 9))
	w.log("rbi", billLeaf(indian), billLeaf(wrong), billLeaf(right), paying(wire.LeafTransfer, "payment", indian),
		w.moving(wire.LeafIssue, "issue", 10_000_000), w.moving(wire.LeafRedeem, "redeem", 500), w.moving(wire.LeafHold, "swap", leg),
		to("suspense", w.moving(wire.LeafPost, "swap", leg)), w.moving(wire.LeafRelease, "swap", leg))

	w.charter(func(*wire.Charter) {})
	w.statements = []*madeStatement{
		{creditor: "AUS", ledger: "rba", bills: []*madeBill{big, given}, mask: 0xffff},
		{creditor: "IND", ledger: "rbi", bills: []*madeBill{indian, right}, mask: 0xffff &^ 8},
	}
	w.budgets = []*madeBudget{{debtor: "IND", ledger: "rba", bills: []*madeBill{big}}, {debtor: "AUS", ledger: "rbi", bills: []*madeBill{indian}}}
	w.shares = []*madeShare{
		{creditor: "AUS", ledger: "rba", category: 4, bills: map[string][]*madeBill{"IND": {big}, "JPN": {given}}, charges: []uint64{34, 33, 33}},
		{creditor: "IND", ledger: "rbi", category: 4, bills: map[string][]*madeBill{"AUS": {indian}, "JPN": {right}}, charges: []uint64{34, 33, 33}},
	}
	w.rates = []*madeRate{{swap: "swap", sell: "rbi", buy: "rba"}}
	w.supplies = []*madeSupply{{bank: "rba"}, {bank: "rbi"}}
}

// charter gives the world's only charter anew, with a change; it is signed by its members, or by others.
func (w *world) charter(change func(*wire.Charter), signers ...string) {
	c := wire.Charter{Network: "audit-test", Programme: programmeTag, Name: "Exercise Kakadu", Agreement: wire.Hash{1},
		Members: []string{"AUS", "IND", "JPN"},
		Categories: []wire.CharterCategory{{Code: "fuel"}, {Code: "food"}, {Code: "berths"}, {Code: "medical care"},
			{Code: "pilotage", Shares: []uint32{3333, 3333, 3333}}},
		Budgets: []wire.CharterBudget{
			{Member: "IND", Currency: "AUD", Grand: w.total96(100_000), Limits: []wire.CategoryLimit{{Category: 0, Most: w.total96(30_000)}, {Category: 4, Most: w.total96(33)}}},
			{Member: "AUS", Currency: "INR", Grand: w.total96(50_000)},
			{Member: "JPN", Currency: "USD", Grand: w.total96(1)},
		}}
	change(&c)
	if signers == nil {
		signers = c.Members
	}
	w.charters = []wire.Envelope{w.sign(wire.TypeCharter, c.Bytes(), wire.PurposeNation, signers...)}
}

func (w *world) log(bank string, leaves ...wire.Leaf) { w.logs[bank] = append(w.logs[bank], leaves...) }

// number puts the log's leaves in order again.
func (w *world) number(bank string) {
	for i := range w.logs[bank] {
		w.logs[bank][i].Seq, w.logs[bank][i].TimeMS = int64(i), noon+int64(1000*i)
	}
}

// build signs and proves everything as it stands.
func (w *world) build() wire.Bundle {
	w.t.Helper()
	b := wire.Bundle{Network: w.network.Network, CreatedMS: noon + 60_000, Charters: w.charters, Keys: w.keys}
	heads := map[string]transcript.Checkpoint{}
	for _, bank := range w.network.Banks {
		w.number(bank.ID)
	}
	if w.renumber != nil {
		w.renumber()
	}
	for _, bank := range w.network.Banks {
		extract := wire.LedgerExtract{Bank: bank.ID, Currency: bank.Currency}
		for _, l := range w.logs[bank.ID] {
			extract.Leaves = append(extract.Leaves, l.Bytes())
		}
		heads[bank.ID] = transcript.Checkpoint{Origin: bank.LogOrigin, Size: uint64(len(extract.Leaves)), Root: transcript.RootOf(extract.Leaves)}
		extract.Checkpoint = w.head(heads[bank.ID])
		b.Ledgers = append(b.Ledgers, extract)
	}
	for _, made := range w.bills {
		b.Bills = append(b.Bills, wire.ProvenBill{Envelope: w.envelope(made), Proofs: made.proofs})
	}
	for _, s := range w.statements {
		b.Statements = append(b.Statements, w.state(s, heads[s.ledger]))
	}
	if w.bare {
		b.Keys = slices.DeleteFunc(slices.Clone(b.Keys), func(k wire.VerifyingKey) bool { return k.Circuit != proof.Bill16 && k.Circuit != proof.Totals })
	} else {
		w.claim(&b, heads)
	}
	return b
}

func (w *world) head(c transcript.Checkpoint) []byte {
	signer, err := transcript.NewSigner(c.Origin, w.key(c.Origin))
	if err != nil {
		w.t.Fatal(err)
	}
	signed, err := transcript.Sign(c, signer, w.cosigners(c.Origin)...)
	if err != nil {
		w.t.Fatal(err)
	}
	return signed
}

// state makes, proves and signs one statement.
func (w *world) state(m *madeStatement, head transcript.Checkpoint) wire.ProvenStatement {
	w.t.Helper()
	bank, _ := w.network.Bank(m.ledger)
	witness := commit.TotalsWitness{Mask: m.mask}
	witness.Totals, witness.R = w.totals(m.bills)
	public, err := witness.Public()
	if err != nil {
		w.t.Fatal(err)
	}
	s := wire.Statement{Network: w.network.Network, Programme: programmeTag, Creditor: m.creditor, Ledger: bank.ID, Currency: bank.Currency,
		Origin: head.Origin, Size: int64(head.Size), Root: wire.Hash(head.Root), Nonce: wire.Hash{9}, Sum: public.C, Mask: m.mask}
	for k, total := range public.Shown {
		if s.Shown[k], err = wire.NewTotal96(total.Big()); err != nil {
			w.t.Fatal(err)
		}
	}
	if m.before != nil {
		m.before(&s)
	}
	witness.Context = commit.StatementContext(s)
	p := prove(w.t, witness.Context, func(keys *proof.Keys) (proof.Proof, error) { return keys.ProveTotals(context.Background(), witness) })
	if m.change != nil {
		m.change(&s)
	}
	signers := m.signers
	if signers == nil {
		signers = []string{m.creditor}
	}
	return wire.ProvenStatement{Envelope: w.sign(wire.TypeStatement, s.Bytes(), wire.PurposeNation, signers...), Proof: p}
}

// find gives the index of the first leaf of a kind.
func (w *world) find(bank string, kind wire.LeafKind) int {
	return slices.IndexFunc(w.logs[bank], func(l wire.Leaf) bool { return l.Kind == kind })
}

// resign recomputes and signs the head of the i-th log of a bundle after its leaves were changed.
func (w *world) resign(b *wire.Bundle, i int) {
	l := &b.Ledgers[i]
	bank, _ := w.network.Bank(l.Bank)
	l.Checkpoint = w.head(transcript.Checkpoint{Origin: bank.LogOrigin, Size: uint64(len(l.Leaves)), Root: transcript.RootOf(l.Leaves)})
}
