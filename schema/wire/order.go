package wire

// OrderKind says what an operator orders.
type OrderKind uint8

// The kinds of operators' orders. Values are frozen.
const (
	OrderOpen      OrderKind = 1  // open an account
	OrderStatus    OrderKind = 2  // freeze, unfreeze or close one
	OrderLimit     OrderKind = 3  // set what an account may pay at once and in a day
	OrderIssue     OrderKind = 4  // bring tokens into being, on a movement of reserves
	OrderRedeem    OrderKind = 5  // take tokens out of being
	OrderHold      OrderKind = 6  // set money aside for a payee
	OrderPost      OrderKind = 7  // pay out what an order set aside
	OrderVoid      OrderKind = 8  // give back what an order set aside
	OrderReverse   OrderKind = 9  // undo an entry by a new one
	OrderReconcile OrderKind = 10 // compare the reserves with the supply
	OrderOpenDay   OrderKind = 11
	OrderCloseDay  OrderKind = 12
	OrderHalt      OrderKind = 13 // emergency stop: nothing starts, what is prepared completes
	OrderResume    OrderKind = 14
	OrderRecover   OrderKind = 15 // open a new epoch after a restore or a failover that lost something
	OrderReadmit   OrderKind = 16 // deal again with a peer, named as the account, that was stopped for contradicting itself
)

var orderKinds = [...]string{OrderOpen: "open", OrderStatus: "status", OrderLimit: "limit", OrderIssue: "issue", OrderRedeem: "redeem", OrderHold: "hold",
	OrderPost: "post", OrderVoid: "void", OrderReverse: "reverse", OrderReconcile: "reconcile", OrderOpenDay: "open-day", OrderCloseDay: "close-day",
	OrderHalt: "halt", OrderResume: "resume", OrderRecover: "recover", OrderReadmit: "readmit"}

// String names the kind in lower case, "" for a kind that is not listed.
func (k OrderKind) String() string {
	if int(k) >= len(orderKinds) {
		return ""
	}
	return orderKinds[k]
}

// Approvals is how many operators beside the maker must sign an order of this kind. What changes the supply, moves a customer's money or ends an emergency
// stop or deals with lost state needs two persons; what sets money aside, gives it back or stops something needs one.
func (k OrderKind) Approvals() int {
	switch k {
	case OrderIssue, OrderRedeem, OrderPost, OrderReverse, OrderResume, OrderRecover, OrderReadmit:
		return 1
	}
	return 0
}

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
	Minor   int64         // issue, redeem, hold; reconcile: the reserves that back the tokens
	Reason  string
	AtMS    int64

	// Appended after the first version: an order that uses none of them has the bytes it always had.
	Payee       string // hold: account
	PerTransfer int64  // limit: most that one payment may take, minor units, 0 for no limit
	PerDay      int64  // limit: most that the payments of one ledger day may take, 0 for no limit
	Day         Day    // open-day, close-day
	Value       Day    // issue, redeem, reverse: value date, 0 for the ledger's own day
	ExpiresMS   int64  // hold: ledger time at which it is given back by itself, 0 for never
	Hold        Hash   // post, void: hash of the order that set the money aside
	Entry       int64  // reverse: sequence number
	Reserve     string // issue, redeem: reference of the reserves' movement at the RTGS, used once; reconcile: of its statement
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
	f.Appended(o.appended, func(f *Fields) {
		f.Text(12, &o.Payee, maxName)
		f.Count(13, &o.PerTransfer)
		f.Count(14, &o.PerDay)
		f.U32(15, (*uint32)(&o.Day))
		f.U32(16, (*uint32)(&o.Value))
		f.Count(17, &o.ExpiresMS)
		f.Fixed(18, o.Hold[:])
		f.Count(19, &o.Entry)
		f.Text(20, &o.Reserve, maxReserve)
	})
	o.Kind, o.As, o.Status = OrderKind(kind), AccountKind(as), AccountStatus(status)
}

func (o *Order) appended() bool {
	return o.Payee != "" || o.PerTransfer != 0 || o.PerDay != 0 || o.Day != 0 || o.Value != 0 || o.ExpiresMS != 0 || !o.Hold.IsZero() || o.Entry != 0 || o.Reserve != ""
}

// ParseOrder reads an order. It proves nothing: verify the envelope first.
func ParseOrder(b []byte) (Order, error) {
	var o Order
	err := Decode(b, LimitMessage, &o)
	return o, err
}

// Hash names the order: the hash of the signed envelope it travels in.
func (o *Order) Hash() Hash { return PayloadHash(TypeOrder, o.Bytes()) }

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
