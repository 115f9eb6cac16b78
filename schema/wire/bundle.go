package wire

import (
	"crypto/sha256"
	"math/big"

	"entente/schema/refusal"
)

// Charter tells auditors what a programme tag stands for, and what its members agreed that may be checked: members, categories with their formulas, and
// budgets. It is signed by every member, so a limit or a share is never the asker's own.
type Charter struct {
	Network    string
	Programme  Hash // tag
	Name       string
	Agreement  Hash // SHA-256 of the agreement as the members hold it
	Members    []string
	Categories []CharterCategory // by index, 1 to 16
	Budgets    []CharterBudget
}

// CharterCategory is a category and how its cost is borne.
type CharterCategory struct {
	Code   string
	Shares []uint32 // weight of each member, in the charter's order, where the members share the cost; empty where each bears its own use
}

// CharterBudget bounds what a member is billed in one currency.
type CharterBudget struct {
	Member   string
	Currency string
	Grand    Total96
	Limits   []CategoryLimit // ascending by category; a category that is not listed has no limit of its own
}

// CategoryLimit bounds one category.
type CategoryLimit struct {
	Category uint8
	Most     Total96
}

func (c *Charter) fields(f *Fields) {
	text := func(f *Fields, s *string) { f.Text(1, s, 128) }
	f.Text(1, &c.Network, maxName)
	f.Fixed(2, c.Programme[:])
	f.Text(3, &c.Name, 128)
	f.Fixed(4, c.Agreement[:])
	List(f, 5, &c.Members, 64, text)
	List(f, 6, &c.Categories, 16, func(f *Fields, c *CharterCategory) {
		f.Text(1, &c.Code, 128)
		List(f, 2, &c.Shares, 64, func(f *Fields, w *uint32) { f.U32(1, w) })
	})
	List(f, 7, &c.Budgets, 64*64, func(f *Fields, b *CharterBudget) {
		f.Text(1, &b.Member, maxName)
		f.Text(2, &b.Currency, 3)
		f.Fixed(3, b.Grand[:])
		List(f, 4, &b.Limits, 16, func(f *Fields, l *CategoryLimit) {
			f.U8(1, &l.Category)
			f.Fixed(2, l.Most[:])
		})
	})
}

// Budget gives a member's budget in a currency.
func (c *Charter) Budget(member, currency string) (CharterBudget, bool) {
	for _, b := range c.Budgets {
		if b.Member == member && b.Currency == currency {
			return b, true
		}
	}
	return CharterBudget{}, false
}

// Bytes gives the charter's canonical encoding.
func (c *Charter) Bytes() []byte { return Encode(c) }

// Total96 is a category's total below 2^96, big-endian.
type Total96 [12]byte

// Big gives the total as an integer of minor units.
func (t Total96) Big() *big.Int { return new(big.Int).SetBytes(t[:]) }

// NewTotal96 turns a non-negative integer below 2^96 into its bytes. Refusal: overflow.
func NewTotal96(v *big.Int) (Total96, error) {
	var t Total96
	if v.Sign() < 0 || v.BitLen() > 96 {
		return t, refusal.Newf(CodeOverflow, "state totals for a smaller slice", "%s is no total below 2^96", v)
	}
	v.FillBytes(t[:])
	return t, nil
}

// Statement is what one creditor shows about all its bills of a programme on one ledger, at one log head:
// for the categories in Mask the exact totals, for the others nothing. Its proof comes beside it.
type Statement struct {
	Network   string
	Programme Hash
	Creditor  string
	Ledger    string
	Currency  string
	Origin    string // of the log
	Size      int64  // of the log when the sum was taken
	Root      Hash
	Nonce     Hash
	Sum       [64]byte // sum of the bills' category commitments
	Mask      uint16   // bit k set: category k is shown
	Shown     [16]Total96
}

func (s *Statement) fields(f *Fields) {
	f.Text(1, &s.Network, maxName)
	f.Fixed(2, s.Programme[:])
	f.Text(3, &s.Creditor, maxName)
	f.Text(4, &s.Ledger, maxName)
	f.Text(5, &s.Currency, 3)
	f.Text(6, &s.Origin, 128)
	f.Count(7, &s.Size)
	f.Fixed(8, s.Root[:])
	f.Fixed(9, s.Nonce[:])
	f.Fixed(10, s.Sum[:])
	f.U16(11, &s.Mask)
	for k := range s.Shown {
		f.Fixed(uint16(12+k), s.Shown[k][:])
	}
}

// Bytes gives the statement's canonical encoding.
func (s *Statement) Bytes() []byte { return Encode(s) }

// LedgerExtract is one ledger's log as fetched: the signed head and every leaf under it.
type LedgerExtract struct {
	Bank       string
	Currency   string
	Checkpoint []byte // C2SP signed note
	Leaves     [][]byte
}

// ProvenBill is a countersigned bill with one proof a chunk.
type ProvenBill struct {
	Envelope Envelope
	Proofs   [][]byte
}

func (b *ProvenBill) fields(f *Fields) {
	f.Nested(1, &b.Envelope)
	blobList(f, 2, &b.Proofs, maxChunks, 1024)
}

// Bytes gives the canonical encoding.
func (b *ProvenBill) Bytes() []byte { return Encode(b) }

// ProvenStatement is a signed statement with its proof.
type ProvenStatement struct {
	Envelope Envelope
	Proof    []byte
}

func (s *ProvenStatement) fields(f *Fields) {
	f.Nested(1, &s.Envelope)
	f.Bytes(2, &s.Proof, 1024)
}

// Bytes gives the canonical encoding.
func (s *ProvenStatement) Bytes() []byte { return Encode(s) }

// VerifyingKey is a circuit's verification key; its id must be in the trust file.
type VerifyingKey struct {
	Circuit string
	Bytes   []byte
}

// Bundle is all an auditor needs beside the trust file, in one file.
type Bundle struct {
	Network    string
	CreatedMS  int64
	Charters   []Envelope
	Ledgers    []LedgerExtract
	Bills      []ProvenBill
	Statements []ProvenStatement
	Keys       []VerifyingKey
	Budgets    []Proven // budget claims
	Shares     []Proven // share claims
	Rates      []Proven // rate claims
	Supplies   []Proven // supply claims
}

const bundleVersion = 2

func (b *Bundle) fields(f *Fields) {
	version := uint16(bundleVersion)
	f.U16(1, &version)
	if version != bundleVersion {
		f.fail(1, "this bundle is of another version")
	}
	f.Text(2, &b.Network, maxName)
	f.Count(3, &b.CreatedMS)
	List(f, 4, &b.Charters, 1024, func(f *Fields, e *Envelope) { e.fields(f) })
	List(f, 5, &b.Ledgers, 64, func(f *Fields, l *LedgerExtract) {
		f.Text(1, &l.Bank, maxName)
		f.Text(2, &l.Currency, 3)
		f.Bytes(3, &l.Checkpoint, 64<<10)
		blobList(f, 4, &l.Leaves, 1<<24, LimitLeaf)
	})
	List(f, 6, &b.Bills, 1<<20, func(f *Fields, p *ProvenBill) { p.fields(f) })
	List(f, 7, &b.Statements, 1<<16, func(f *Fields, s *ProvenStatement) { s.fields(f) })
	List(f, 8, &b.Keys, 64, func(f *Fields, k *VerifyingKey) {
		f.Text(1, &k.Circuit, maxName)
		f.Bytes(2, &k.Bytes, 1<<20)
	})
	for i, claims := range []*[]Proven{&b.Budgets, &b.Shares, &b.Rates, &b.Supplies} {
		List(f, uint16(9+i), claims, 1<<20, func(f *Fields, p *Proven) { p.fields(f) })
	}
}

// bundleMagic opens the file, so that other files are told apart at once.
const bundleMagic = "entente bundle 2\n"

// CodeBundleDamaged is the refusal for a file whose checksum does not match.
const CodeBundleDamaged refusal.Code = "bundle_damaged"

// File gives the bundle's file: the magic line, SHA-256 of what follows, and the canonical encoding.
// The checksum finds accidents anywhere in the file; it proves nothing against someone who recomputes it.
func (b *Bundle) File() []byte {
	body := Encode(b)
	sum := sha256.Sum256(body)
	return append(append([]byte(bundleMagic), sum[:]...), body...)
}

// ParseBundle reads a bundle's file. Refusals: malformed when it is no bundle, bundle_damaged when a byte changed. With bundle_damaged the contents are
// given as far as they could be read, so that a checker can name what is wrong.
func ParseBundle(file []byte) (Bundle, error) {
	var b Bundle
	head := len(bundleMagic) + sha256.Size
	if len(file) < head || string(file[:len(bundleMagic)]) != bundleMagic {
		return b, refusal.New(CodeMalformed, "the file is no bundle of version 2", "ask the auditor's client for a new one")
	}
	body := file[head:]
	err := Decode(body, LimitBundle, &b)
	if sum := sha256.Sum256(body); string(sum[:]) != string(file[len(bundleMagic):head]) {
		return b, refusal.New(CodeBundleDamaged, "the bundle's checksum does not match its contents", "fetch the bundle again")
	}
	return b, err
}

// ParseProvenBill reads a countersigned bill with its proofs. Nothing in it is verified.
func ParseProvenBill(b []byte) (ProvenBill, error) {
	var p ProvenBill
	err := Decode(b, LimitBatch, &p)
	return p, err
}

// ParseProvenStatement reads a statement with its proof. Nothing in it is verified.
func ParseProvenStatement(b []byte) (ProvenStatement, error) {
	var p ProvenStatement
	err := Decode(b, LimitBatch, &p)
	return p, err
}
