package wire

// Claims are signed statements that a proof beside them makes true: what an auditor may know about sums nobody shows it. Each binds the log head it is
// about, or the leaves, so that a proof for one is worthless for another.

// Head names a log at one size, as its checkpoint does.
type Head struct {
	Origin string // of the log
	Size   int64  // leaves
	Root   Hash
}

func (h *Head) fields(f *Fields) {
	f.Text(1, &h.Origin, 128)
	f.Count(2, &h.Size)
	f.Fixed(3, h.Root[:])
}

// Slice is what a claim of a nation is about: its bills of a programme on one ledger, in force under one head.
type Slice struct {
	Network   string
	Programme Hash // tag
	Nation    string
	Ledger    string
	Currency  string
	Head      Head
	Nonce     Hash
}

func (s *Slice) fields(f *Fields) {
	f.Text(1, &s.Network, maxName)
	f.Fixed(2, s.Programme[:])
	f.Text(3, &s.Nation, maxName)
	f.Text(4, &s.Ledger, maxName)
	f.Text(5, &s.Currency, 3)
	f.Nested(6, &s.Head)
	f.Fixed(7, s.Nonce[:])
}

// BudgetClaim says that everything a nation is billed keeps within its budget. The limits are those of the charter, never the asker's; what was billed stays
// hidden. Its one proof is of circuit budget.
type BudgetClaim struct {
	Slice // the nation is the debtor
	Sum   [64]byte
}

func (c *BudgetClaim) fields(f *Fields) {
	f.Nested(1, &c.Slice)
	f.Fixed(2, c.Sum[:])
}

// Bytes gives the claim's canonical encoding.
func (c *BudgetClaim) Bytes() []byte { return Encode(c) }

// ShareClaim says that the cost of a shared category was divided among the members as agreed, at a programme's closing. Charges holds one amount commitment a
// member, in the charter's order, the creditor's own among them; together they are the whole cost of what the creditor supplied. The first proof is of circuit
// share; then comes for every other member one that links its charge to the category sums of its bills.
type ShareClaim struct {
	Slice    // the nation is the creditor
	Category uint8
	Charges  [][64]byte
}

func (c *ShareClaim) fields(f *Fields) {
	f.Nested(1, &c.Slice)
	f.U8(2, &c.Category)
	List(f, 3, &c.Charges, 64, func(f *Fields, p *[64]byte) { f.Fixed(1, p[:]) })
}

// Bytes gives the claim's canonical encoding.
func (c *ShareClaim) Bytes() []byte { return Encode(c) }

// RateClaim says that the two legs of a settled swap stand to each other at a rate: sold = round(bought x rate), in major units. The commitments are those of
// the postings in the two logs. It is made by the bank of the sold currency, once; logs only grow, so it holds at every later head. Its proof is of circuit
// rate.
type RateClaim struct {
	Network      string
	Swap         Hash
	SellBank     string // where the payer's currency was debited
	SellCurrency string
	BuyBank      string // where the payee was paid
	BuyCurrency  string
	RateMantissa int64 // sell units for one buy unit: RateMantissa / 10^RateScale
	RateScale    uint8
	Rounding     uint8 // money.Rounding, of the sold amount
	Sold         [64]byte
	Bought       [64]byte
	Nonce        Hash
}

func (c *RateClaim) fields(f *Fields) {
	f.Text(1, &c.Network, maxName)
	f.Fixed(2, c.Swap[:])
	f.Text(3, &c.SellBank, maxName)
	f.Text(4, &c.SellCurrency, 3)
	f.Text(5, &c.BuyBank, maxName)
	f.Text(6, &c.BuyCurrency, 3)
	f.Count(7, &c.RateMantissa)
	f.U8(8, &c.RateScale)
	f.U8(9, &c.Rounding)
	f.Fixed(10, c.Sold[:])
	f.Fixed(11, c.Bought[:])
	f.Fixed(12, c.Nonce[:])
}

// Bytes gives the claim's canonical encoding.
func (c *RateClaim) Bytes() []byte { return Encode(c) }

// SupplyClaim says what a bank has issued and not redeemed, and that no account is below zero. Every account's balance commitment is what the log's leaves add
// up to; the opening of their sum is shown. Proofs are of circuit reserve-16 or reserve-64, one for each block of accounts ordered by tag.
type SupplyClaim struct {
	Network  string
	Bank     string
	Currency string
	Head     Head
	Nonce    Hash
	Minor    int64    // the supply, in minor units
	Blinding [32]byte // opens, with Minor, the sum of the balances' commitments
	Block    uint8    // accounts a proof: 16 or 64
}

func (c *SupplyClaim) fields(f *Fields) {
	f.Text(1, &c.Network, maxName)
	f.Text(2, &c.Bank, maxName)
	f.Text(3, &c.Currency, 3)
	f.Nested(4, &c.Head)
	f.Fixed(5, c.Nonce[:])
	f.Count(6, &c.Minor)
	f.Fixed(7, c.Blinding[:])
	f.U8(8, &c.Block)
}

// Bytes gives the claim's canonical encoding.
func (c *SupplyClaim) Bytes() []byte { return Encode(c) }

// Proven is a signed claim with its proofs.
type Proven struct {
	Envelope Envelope
	Proofs   [][]byte
}

func (p *Proven) fields(f *Fields) {
	f.Nested(1, &p.Envelope)
	blobList(f, 2, &p.Proofs, 1<<16, 1024)
}

// Bytes gives the canonical encoding.
func (p *Proven) Bytes() []byte { return Encode(p) }

// ParseProven reads a claim with its proofs. Nothing in it is verified.
func ParseProven(b []byte) (Proven, error) {
	var p Proven
	err := Decode(b, LimitBatch, &p)
	return p, err
}
