package wire

// OrderKind says what an operator orders.
type OrderKind uint8

// The kinds of operators' orders. Values are frozen.
const (
	OrderOpen   OrderKind = 1
	OrderStatus OrderKind = 2
	OrderIssue  OrderKind = 4
	OrderRedeem OrderKind = 5
)

// AccountKind says what an account is for.
type AccountKind uint8

// The kinds of accounts. Values are frozen.
const (
	AccountIssuance AccountKind = 1 // the bank's liability; the only account below zero
	AccountDesk     AccountKind = 2
	AccountProvider AccountKind = 3
	AccountSuspense AccountKind = 4 // holds what is committed and not yet final
)

// AccountStatus says what an account may do.
type AccountStatus uint8

// The statuses of accounts. Values are frozen.
const (
	StatusActive AccountStatus = 1
	StatusFrozen AccountStatus = 2 // completes what was prepared, starts nothing
	StatusClosed AccountStatus = 3
)

// Order is a central-bank operator's signed instruction to the ledger. Fields a kind does not use are zero or empty.
type Order struct {
	Network string
	Bank    string
	Key     ID // idempotency key: the same key with the same body gets the first answer
	Kind    OrderKind
	Account string
	Owner   string        // open: nation, provider or bank
	As      AccountKind   // open
	Status  AccountStatus // status
	Minor   int64         // issue, redeem
	Reason  string
	AtMS    int64
}

func (o *Order) fields(f *Fields) {
	kind, as, status := uint8(o.Kind), uint8(o.As), uint8(o.Status)
	f.Text(1, &o.Network, maxName)
	f.Text(2, &o.Bank, maxName)
	f.Fixed(3, o.Key[:])
	f.U8(4, &kind)
	f.Text(5, &o.Account, maxName)
	f.Text(6, &o.Owner, maxName)
	f.U8(7, &as)
	f.U8(8, &status)
	f.Count(9, &o.Minor)
	f.Text(10, &o.Reason, maxReason)
	f.Count(11, &o.AtMS)
	o.Kind, o.As, o.Status = OrderKind(kind), AccountKind(as), AccountStatus(status)
}

// Bytes gives the order's canonical encoding.
func (o *Order) Bytes() []byte { return Encode(o) }

// Request is a signed question or submission of a desk or provider to a bank, or of a desk to a provider.
type Request struct {
	Network   string
	Recipient string
	Nonce     ID
	Subject   string // what is asked, such as "bill" or "balance"
	Body      []byte
	AtMS      int64
}

func (r *Request) fields(f *Fields) {
	f.Text(1, &r.Network, maxName)
	f.Text(2, &r.Recipient, maxName)
	f.Fixed(3, r.Nonce[:])
	f.Text(4, &r.Subject, maxName)
	f.Bytes(5, &r.Body, LimitBatch)
	f.Count(6, &r.AtMS)
}

// Bytes gives the request's canonical encoding.
func (r *Request) Bytes() []byte { return Encode(r) }

// Reply answers one request. Code is empty when the request was carried out; else code and sentence are the refusal's.
type Reply struct {
	Network string
	Sender  string
	Request Hash
	Code    string
	Text    string
	Do      string
	Body    []byte
	AtMS    int64
}

func (r *Reply) fields(f *Fields) {
	f.Text(1, &r.Network, maxName)
	f.Text(2, &r.Sender, maxName)
	f.Fixed(3, r.Request[:])
	f.Text(4, &r.Code, maxName)
	f.Text(5, &r.Text, 2048)
	f.Text(6, &r.Do, 1024)
	f.Bytes(7, &r.Body, 8<<20)
	f.Count(8, &r.AtMS)
}

// Bytes gives the reply's canonical encoding.
func (r *Reply) Bytes() []byte { return Encode(r) }

// Post is one event of a programme, from one member to others: signed by its author, its body sealed to the readers, chained per author.
type Post struct {
	Network   string
	Programme Hash
	Author    string
	Seq       uint64 // per author, from 1
	Prev      Hash   // hash of the author's previous post, zero for the first
	Kind      string // "count", "receipts", "bill", "countersignature"
	Readers   []string
	Sealed    []byte // age file
	AtMS      int64
}

const limitPost = 4 << 20

func (p *Post) fields(f *Fields) {
	f.Text(1, &p.Network, maxName)
	f.Fixed(2, p.Programme[:])
	f.Text(3, &p.Author, maxName)
	f.U64(4, &p.Seq)
	f.Fixed(5, p.Prev[:])
	f.Text(6, &p.Kind, maxName)
	List(f, 7, &p.Readers, 64, func(f *Fields, s *string) { f.Text(1, s, maxName) })
	f.Bytes(8, &p.Sealed, limitPost)
	f.Count(9, &p.AtMS)
}

// Bytes gives the post's canonical encoding.
func (p *Post) Bytes() []byte { return Encode(p) }

// Hash names the post.
func (p *Post) Hash() Hash { return PayloadHash(TypePost, p.Bytes()) }
