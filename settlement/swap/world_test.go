package swap

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
	"entente/zk/commit"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

const network = "exercise-net"

// refusedPackage is what a verifier said of an attached package.
var refusedPackage = refusal.New("same_approver", "asha made and approved the payment", "let another person approve")

// hashOf and idOf make names for tests out of words.
func hashOf(word string) wire.Hash { return sha256.Sum256([]byte(word)) }

func idOf(word string) wire.ID {
	h := hashOf(word)
	return wire.NewUUID([16]byte(h[:16]))
}

// world is three banks side by side: RBI in INR, BOJ in JPY, RBA in AUD. India banks at RBI, Japan and Korea at BOJ; the provider has accounts everywhere.
type world struct {
	banks    map[string]*Machine
	packages map[wire.Hash]*payment.Authorised // by attachment hash
	bills    map[string]wire.Bill
	opening  map[string]wire.TotalOpening
	journal  map[string][]ledger.Entry // by bank
	nowMS    int64
	orders   int
}

func newWorld(t testing.TB) *world {
	w := &world{banks: map[string]*Machine{}, packages: map[wire.Hash]*payment.Authorised{}, bills: map[string]wire.Bill{},
		opening: map[string]wire.TotalOpening{}, journal: map[string][]ledger.Entry{}, nowMS: 100_000}
	for _, b := range [][2]string{{"RBI", "INR"}, {"BOJ", "JPY"}, {"RBA", "AUD"}} {
		bank, currency := b[0], b[1]
		w.banks[bank] = w.machine(bank, currency, 1)
		w.open(t, bank, "ISSUANCE", bank, wire.AccountIssuance)
		w.open(t, bank, "SUSPENSE", bank, wire.AccountSuspense)
		w.open(t, bank, "LP-"+currency, "Provider", wire.AccountProvider)
	}
	w.open(t, "RBI", "IN-INR", "India", wire.AccountDesk)
	w.open(t, "BOJ", "JP-JPY", "Japan", wire.AccountDesk)
	w.open(t, "BOJ", "KR-JPY", "Korea", wire.AccountDesk)
	w.issue(t, "RBI", "IN-INR", 1_000)
	w.issue(t, "BOJ", "LP-JPY", 2_000)
	w.issue(t, "BOJ", "KR-JPY", 600)
	for _, b := range []struct{ name, debtor string }{{"fuel", "India"}, {"rations", "India"}, {"medical", "Korea"}} {
		w.admit(t, b.name, b.debtor, 600)
	}
	w.greetAll(t)
	return w
}

// banks of the network, in the order of their names.
var bankNames = []string{"BOJ", "RBA", "RBI"}

// machine makes a bank that knows the two others.
func (w *world) machine(bank, currency string, epoch uint64) *Machine {
	m := New(network, bank, currency, epoch)
	for _, other := range bankNames {
		if other != bank {
			m.Know(append(m.peers, Peer{Bank: other})...)
		}
	}
	return m
}

// greetAll begins a run of every bank and has them greet each other.
func (w *world) greetAll(t testing.TB) {
	t.Helper()
	for _, bank := range bankNames {
		w.greet(t, bank, "run of "+bank)
	}
}

// greet begins a run of a bank, and carries greetings and answers until there are no more.
func (w *world) greet(t testing.TB, bank, nonce string) {
	t.Helper()
	w.settle(t, w.banks[bank].Step(Started{Nonce: idOf(nonce), NowMS: w.nowMS}).Send)
}

// settle carries greetings and their answers until there are no more.
func (w *world) settle(t testing.TB, letters []Outgoing) {
	t.Helper()
	for len(letters) > 0 {
		o := letters[0]
		letters = letters[1:]
		if !o.Passing {
			continue
		}
		out := w.deliver(t, o)
		if out.Refusal != nil {
			t.Fatalf("%s refused a greeting of %s: %v", o.Key.Recipient, o.Message.Head().Sender, out.Refusal)
		}
		letters = append(letters, out.Send...)
	}
}

func (w *world) must(t testing.TB, bank string, e Event) Output {
	t.Helper()
	out := w.banks[bank].Step(e)
	if out.Refusal != nil {
		t.Fatalf("%s refused: %v", bank, out.Refusal)
	}
	w.journal[bank] = append(w.journal[bank], out.Entries...)
	return out
}

func (w *world) order(bank string, o wire.Order) OrderGiven {
	w.orders++
	o.Network, o.Bank, o.Key = network, bank, idOf(fmt.Sprintf("order %d", w.orders))
	if o.Kind == wire.OrderIssue || o.Kind == wire.OrderRedeem {
		o.Reserve = fmt.Sprintf("RTGS-%d", w.orders)
	}
	return OrderGiven{Order: o, Cause: o.Hash(), Signers: operators(bank), NowMS: w.nowMS}
}

// operators are the two of a bank who sign its orders.
func operators(bank string) []wire.Key {
	return []wire.Key{{Owner: bank, Name: "asha", Purpose: wire.PurposeOperator}, {Owner: bank, Name: "ben", Purpose: wire.PurposeOperator}}
}

func (w *world) open(t testing.TB, bank, account, owner string, as wire.AccountKind) {
	t.Helper()
	w.must(t, bank, w.order(bank, wire.Order{Kind: wire.OrderOpen, Account: account, Owner: owner, As: as}))
}

func (w *world) issue(t testing.TB, bank, account string, minor int64) {
	t.Helper()
	w.must(t, bank, w.order(bank, wire.Order{Kind: wire.OrderIssue, Account: account, Minor: minor}))
}

// admit records a bill that a nation owes Japan, whose total commitment opens to an amount.
func (w *world) admit(t testing.TB, name, debtor string, totalMinor int64) {
	t.Helper()
	blinding := commit.DeriveBlinding(commit.Secret(hashOf("secret")), "total", idOf(name), 1, 0, commit.AmountBytes(uint64(totalMinor)))
	point, err := commit.CommitAmount(uint64(totalMinor), blinding)
	if err != nil {
		t.Fatal(err)
	}
	b := wire.Bill{Network: network, ID: idOf(name), Revision: 1, Programme: hashOf("programme"), Creditor: "Japan", Debtor: debtor, Ledger: "BOJ", Currency: "JPY",
		CreatedMS: 1, Nonce: hashOf("nonce of " + name), ChunkSize: 16, Chunks: []wire.Chunk{{Total: point}}}
	w.bills[name] = b
	w.opening[name] = wire.TotalOpening{Bill: b.Hash(), TotalMinor: totalMinor, Blinding: blinding}
	w.must(t, "BOJ", BillProven{Bill: b, NowMS: w.nowMS})
}

// authorised is India's payment of bills to Japan: 600 JPY a bill, 300 INR at the quote.
func (w *world) authorised(name string, bills ...string) *payment.Authorised {
	n := int64(len(bills))
	p := &payment.Authorised{
		Instruction: wire.Instruction{Network: network, ID: idOf(name), UETR: idOf("uetr of " + name),
			Payer: "India", PayerBank: "RBI", PayerAccount: "IN-INR", DebitCurrency: "INR", MaxDebitMinor: 350 * n,
			Payee: "Japan", PayeeBank: "BOJ", PayeeAccount: "JP-JPY", PayCurrency: "JPY", PayMinor: 600 * n, CreatedMS: w.nowMS, DeadlineMS: w.nowMS + 60_000},
		Quote: &wire.Quote{Network: network, ID: idOf("quote of " + name), Provider: "Provider", SellCurrency: "INR", BuyCurrency: "JPY", RateMantissa: 5, RateScale: 1,
			LeastMinor: 1, MostMinor: 10_000, SellBank: "RBI", SellAccount: "LP-INR", BuyBank: "BOJ", BuyAccount: "LP-JPY", CreatedMS: w.nowMS, ExpiresMS: w.nowMS + 30_000},
		Acceptance: &wire.Acceptance{Network: network, SellMinor: 300 * n, BuyMinor: 600 * n, AtMS: w.nowMS},
	}
	for _, b := range bills {
		o := w.opening[b]
		p.Instruction.Bills = append(p.Instruction.Bills, o.Bill)
		p.Openings = append(p.Openings, o)
	}
	return p
}

// inside is Korea's payment of a bill to Japan, both with accounts at BOJ.
func (w *world) inside(name, bill string) *payment.Authorised {
	p := w.authorised(name, bill)
	in := &p.Instruction
	in.Payer, in.PayerBank, in.PayerAccount, in.DebitCurrency = "Korea", "BOJ", "KR-JPY", "JPY"
	in.PayMinor = 600
	p.Quote, p.Acceptance = nil, nil
	return p
}

// seal gives the hashes that follow from the documents, and the event.
func (w *world) seal(name string, p *payment.Authorised) PaymentAuthorised {
	p.InstructionHash = p.Instruction.Hash()
	if p.Quote != nil {
		p.QuoteHash = p.Quote.Hash()
	}
	pack := []byte("package of " + name)
	w.packages[wire.AttachmentHash(pack)] = p
	return PaymentAuthorised{Payment: p, Package: pack, Nonce: idOf("nonce of " + name), NowMS: w.nowMS}
}

// received is a sent message as the recipient's verifier hands it over: read back from its bytes, with what its attachment authorises.
func (w *world) received(t testing.TB, o Outgoing) MessageVerified {
	t.Helper()
	payload := wire.Encode(o.Message)
	m, err := wire.ParseSwapMessage(o.Message.PayloadType(), payload)
	if err != nil {
		t.Fatal(err)
	}
	return MessageVerified{Message: m, Hash: wire.PayloadHash(m.PayloadType(), payload), Payment: w.packages[wire.AttachmentHash(o.Attachment)], NowMS: w.nowMS}
}

// deliver steps a bank with a sent message.
func (w *world) deliver(t testing.TB, o Outgoing) Output {
	t.Helper()
	return w.banks[o.Key.Recipient].Step(w.received(t, o))
}

// dump writes out a value down to its last unexported field, in a fixed order.
func dump(v any) string {
	var b strings.Builder
	write(&b, reflect.ValueOf(v))
	return b.String()
}

func write(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		write(b, v.Elem())
	case reflect.Struct:
		b.WriteString("{")
		for i := range v.NumField() {
			fmt.Fprintf(b, "%s:", v.Type().Field(i).Name)
			write(b, v.Field(i))
			b.WriteString(" ")
		}
		b.WriteString("}\n")
	case reflect.Map:
		var rows []string
		for _, k := range v.MapKeys() {
			var row strings.Builder
			write(&row, k)
			row.WriteString("=>")
			write(&row, v.MapIndex(k))
			rows = append(rows, row.String())
		}
		sort.Strings(rows)
		b.WriteString(strings.Join(rows, "\n"))
	case reflect.Slice, reflect.Array:
		b.WriteString("[")
		for i := range v.Len() {
			write(b, v.Index(i))
			b.WriteString(",")
		}
		b.WriteString("]")
	default:
		fmt.Fprint(b, v)
	}
}

// golden compares text with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs, run with -update and read the diff:\n%s", path, got)
	}
}
