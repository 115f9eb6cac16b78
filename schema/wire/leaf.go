package wire

import "crypto/sha256"

// LeafKind says what an entry of a ledger's log records.
type LeafKind uint8

// The kinds of leaves. Values are frozen.
const (
	LeafOpen     LeafKind = 1  // an account was opened
	LeafStatus   LeafKind = 2  // an account was frozen, unfrozen or closed
	LeafLimit    LeafKind = 3  // an account's limit was set
	LeafIssue    LeafKind = 4  // tokens came into being
	LeafRedeem   LeafKind = 5  // tokens ceased to be
	LeafTransfer LeafKind = 6  // a payment inside one ledger
	LeafHold     LeafKind = 7  // funds were set aside
	LeafPost     LeafKind = 8  // held funds were paid out
	LeafVoid     LeafKind = 9  // held funds were given back
	LeafBill     LeafKind = 10 // a countersigned bill; no money moves
	LeafRelease  LeafKind = 11 // funds of a committed swap left suspense for the payee

	LeafExpire    LeafKind = 12 // held funds were given back because their time was over
	LeafReversal  LeafKind = 13 // an earlier entry was undone by this one
	LeafReconcile LeafKind = 14 // the reserves were found equal to the supply, which is the amount
	LeafOpenDay   LeafKind = 15 // a business day was opened
	LeafCloseDay  LeafKind = 16 // a business day was closed
	LeafHalt      LeafKind = 17 // the operator stopped everything that is not prepared
	LeafResume    LeafKind = 18 // and let it go on

	LeafCover LeafKind = 19 // what a restore lost was paid by the bank itself, out of suspense
)

var leafKinds = map[LeafKind]string{
	LeafOpen: "open", LeafStatus: "status", LeafLimit: "limit", LeafIssue: "issue", LeafRedeem: "redeem", LeafTransfer: "transfer",
	LeafHold: "hold", LeafPost: "post", LeafVoid: "void", LeafBill: "bill", LeafRelease: "release",
	LeafExpire: "expire", LeafReversal: "reversal", LeafReconcile: "reconcile", LeafOpenDay: "open-day", LeafCloseDay: "close-day", LeafHalt: "halt",
	LeafResume: "resume", LeafCover: "cover",
}

// String names the kind in lower case.
func (k LeafKind) String() string { return leafKinds[k] }

// Moves tells whether an entry of this kind moves its amount from its debit to its credit account for good: the kinds that balances are made of. Holds set
// aside, and voids and expiries give back, without a balance changing.
func (k LeafKind) Moves() bool {
	switch k {
	case LeafIssue, LeafRedeem, LeafTransfer, LeafPost, LeafRelease, LeafReversal, LeafCover:
		return true
	}
	return false
}

// Chunk is what a bill shows of up to 16, 64 or 256 items.
type Chunk struct {
	Digest     [32]byte // D: digest of the items, a canonical element of BN254's scalar field, big-endian
	Categories [64]byte // C: commitment to the category sums, an uncompressed point
	Total      [64]byte // T: commitment to the total, an uncompressed point
}

func (c *Chunk) fields(f *Fields) {
	f.Fixed(1, c.Digest[:])
	f.Fixed(2, c.Categories[:])
	f.Fixed(3, c.Total[:])
}

func chunkList(f *Fields, tag uint16, chunks *[]Chunk) {
	List(f, tag, chunks, maxChunks, func(f *Fields, c *Chunk) { c.fields(f) })
}

// Leaf is one entry of a ledger as the log shows it: safe for an auditor, because it holds no clear amount and no name.
// Account tags are HMACs under the bank's key, amounts are Pedersen commitments, and Body is a salted hash of the bank's own clear record.
type Leaf struct {
	Kind      LeafKind
	Seq       int64  // position in the log, from 0
	TimeMS    int64  // ledger time, Unix milliseconds
	Debit     Hash   // tag of the account that pays, zero if none
	Credit    Hash   // tag of the account that is paid, zero if none
	Amount    []byte // commitment to the amount, an uncompressed point of 64 bytes, or empty
	Reference Hash   // what joins entries: a swap id, a bill hash, or zero
	Programme Hash   // tag of the programme a bill belongs to, or zero
	Chunks    []Chunk
	Bills     []Hash // bills this entry holds for or discharges
	Body      Hash   // SHA-256("entry/1\n" || 32 secret bytes || clear body)
}

const leafVersion = 1

func (l *Leaf) fields(f *Fields) {
	version, kind := uint16(leafVersion), uint8(l.Kind)
	f.U16(1, &version)
	if version != leafVersion {
		f.fail(1, "this leaf is of another version")
	}
	f.U8(2, &kind)
	l.Kind = LeafKind(kind)
	if f.err == nil && leafKinds[l.Kind] == "" {
		f.fail(2, "no such kind of leaf")
	}
	f.Count(3, &l.Seq)
	f.Count(4, &l.TimeMS)
	f.Fixed(5, l.Debit[:])
	f.Fixed(6, l.Credit[:])
	f.Bytes(7, &l.Amount, 64)
	if f.err == nil && len(l.Amount) != 0 && len(l.Amount) != 64 {
		f.fail(7, "an amount commitment has 64 bytes or none")
	}
	f.Fixed(8, l.Reference[:])
	f.Fixed(9, l.Programme[:])
	chunkList(f, 10, &l.Chunks)
	hashList(f, 11, &l.Bills, maxBills)
	f.Fixed(12, l.Body[:])
}

// Bytes gives the leaf's canonical encoding, the bytes that are hashed into the log.
func (l *Leaf) Bytes() []byte { return Encode(l) }

// ParseLeaf reads a leaf.
func ParseLeaf(b []byte) (Leaf, error) {
	var l Leaf
	err := Decode(b, LimitLeaf, &l)
	return l, err
}

// BodyHash is the salted hash of an entry's clear body.
func BodyHash(salt [32]byte, body []byte) Hash {
	h := sha256.New()
	h.Write([]byte("entry/1\n"))
	h.Write(salt[:])
	h.Write(body)
	var sum Hash
	h.Sum(sum[:0])
	return sum
}
