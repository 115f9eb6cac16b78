package audit

import (
	"fmt"

	"entente/schema/trust"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/transcript"
)

// ledger is one log of the bundle, with the bank the trust file pins for it.
type ledger struct {
	bank    trust.Bank
	extract *wire.LedgerExtract
	head    transcript.Checkpoint
	signed  bool // by the pinned log key
	root    transcript.Hash
	leaves  []leaf
	bills   map[wire.Hash]*entry // logged here, by bill hash
	order   []*entry             // the same, in the log's order
	counts  map[string]int
	lastMS  int64
	supply  string // in minor units, if proven
	proven  int    // accounts, of which the supply is made
}

// leaf is a leaf as read. Its points are set when they are valid.
type leaf struct {
	wire.Leaf
	amount  commit.Point
	chunks  []chunk
	decoded bool
	fault   string // what is wrong with it alone
}

// chunk is a bill leaf's chunk with its commitments parsed.
type chunk struct{ categories, total commit.Point }

// entry is a bill as one ledger logged and settled it.
type entry struct {
	leaf       *leaf
	bill       *bill // the signed document, nil when it is missing
	state      billState
	by         wire.Hash // reference that holds or settled it
	categories commit.Point
	total      commit.Point
	summed     bool // the two sums are those of valid commitments
}

// billState is how far a bill is paid.
type billState int

const (
	outstanding billState = iota
	held
	settled
	replaced
)

func (s billState) String() string {
	return [...]string{"outstanding", "held", "settled", "replaced"}[s]
}

func (l *ledger) where() string { return "ledger " + l.bank.ID }

func (l *ledger) at(seq int) string { return fmt.Sprintf("ledger %s, leaf %d", l.bank.ID, seq) }

// claimed gives size and root that others refer to: those of the signed head, or what the leaves give where there is none.
func (l *ledger) claimed() (size int64, root transcript.Hash) {
	if l.signed {
		return int64(l.head.Size), l.head.Root
	}
	return int64(len(l.leaves)), l.root
}

// heads checks that there is one log for each pinned bank, under a head signed by the pinned key.
func (a *audit) heads() string {
	signed := 0
	for i := range a.bundle.Ledgers {
		extract := &a.bundle.Ledgers[i]
		where := fmt.Sprintf("ledger %q", extract.Bank)
		bank, known := a.network.Bank(extract.Bank)
		switch {
		case !known:
			a.find(Invalid, CodeLedgerUnknown, where, "the trust file lists no bank of this name")
			continue
		case a.ledgers[bank.ID] != nil:
			a.find(Invalid, CodeLedgerRepeated, where, "the bundle holds two logs of this bank")
			continue
		}
		l := &ledger{bank: bank, extract: extract, bills: map[wire.Hash]*entry{}, counts: map[string]int{}}
		a.ledgers[bank.ID] = l
		a.logged = append(a.logged, l)
		if extract.Currency != bank.Currency {
			a.find(Invalid, CodeLedgerUnknown, l.where(), "the log is of %q, the trust file pins %s for this bank", extract.Currency, bank.Currency)
		}
		if a.head(l); l.signed {
			signed++
		}
	}
	for _, bank := range a.network.Banks {
		if a.ledgers[bank.ID] == nil {
			a.find(Undecidable, CodeLedgerMissing, "ledger "+bank.ID, "the bundle holds no log of this bank, so what it recorded is not known")
		}
	}
	return fmt.Sprintf("%d of %d logs under a head signed by the pinned key", signed, len(a.network.Banks))
}

// head opens the signed head of one log. The pinned key carries the log's origin as its name, and speaks for no other.
func (a *audit) head(l *ledger) {
	verifier, err := transcript.ParseVerifierKey(l.bank.LogKey)
	if err != nil {
		a.find(Undecidable, trust.CodeTrustInvalid, l.where(), "the trust file's log key is not readable: %s", sentence(err))
		return
	}
	head, _, err := transcript.Open(l.extract.Checkpoint, verifier)
	if err != nil {
		a.refused(err, transcript.CheckpointMalformed, l.where())
		return
	}
	l.head, l.signed = head, true
	if n := uint64(len(l.extract.Leaves)); n != head.Size {
		a.find(Invalid, CodeSizeMismatch, l.where(), "the head is over %d leaves, the bundle holds %d", head.Size, n)
	}
}

// logs recomputes every root and reads every leaf.
func (a *audit) logs() string {
	total, done, agree := 0, 0, 0
	for _, l := range a.logged {
		total += len(l.extract.Leaves)
	}
	for _, l := range a.logged {
		n := len(l.extract.Leaves)
		l.leaves = make([]leaf, n)
		hashes := make([]transcript.Hash, n)
		a.eachOf(done, total, n, func(i int) {
			hashes[i] = transcript.LeafHash(l.extract.Leaves[i])
			l.leaves[i].read(l.extract.Leaves[i], int64(i))
		})
		done += n
		tree := transcript.TreeOf(hashes)
		l.root = tree.Root()
		switch {
		case !l.signed:
		case l.root != l.head.Root:
			a.find(Invalid, CodeRootMismatch, l.where(), "the %d leaves hash to %s, the signed root is %s", n, l.root, l.head.Root)
		default:
			agree++
		}
		a.sequence(l)
	}
	return fmt.Sprintf("%d of %d signed roots recomputed, from %s leaves", agree, len(a.logged), grouped(total))
}

// read decodes a leaf and checks what can be seen in it alone.
func (l *leaf) read(raw []byte, seq int64) {
	parsed, err := wire.ParseLeaf(raw)
	if err != nil {
		l.fault = sentence(err)
		return
	}
	l.Leaf, l.decoded = parsed, true
	if l.fault = l.shape(seq); l.fault != "" {
		return
	}
	if len(l.Amount) > 0 {
		if l.amount, err = commit.ParsePoint(l.Amount); err != nil {
			l.fault = "amount: " + sentence(err)
			return
		}
	}
	chunks := make([]chunk, len(l.Chunks))
	for i, c := range l.Chunks {
		parsed, err := points(c.Categories[:], c.Total[:])
		if err == nil {
			_, err = commit.ParseDigest(c.Digest[:])
		}
		if err != nil {
			l.fault = fmt.Sprintf("chunk %d: %s", i, sentence(err))
			return
		}
		chunks[i] = chunk{parsed[0], parsed[1]}
	}
	l.chunks = chunks
}

// shape gives what is wrong with the fields a kind of leaf must or must not fill, or nothing.
func (l *leaf) shape(seq int64) string {
	paying := l.Kind == wire.LeafTransfer || l.Kind == wire.LeafHold || l.Kind == wire.LeafPost || l.Kind == wire.LeafCover
	moving := paying || l.Kind.Moves() || l.Kind == wire.LeafVoid
	switch {
	case l.Seq != seq:
		return fmt.Sprintf("it is numbered %d", l.Seq)
	case l.Kind == wire.LeafBill && (l.Reference.IsZero() || len(l.Chunks) == 0):
		return "it logs a bill without naming it or without commitments"
	case l.Kind != wire.LeafBill && len(l.Chunks) != 0:
		return fmt.Sprintf("a leaf of kind %s holds a bill's commitments", l.Kind)
	case l.Kind.Moves() && (l.Debit.IsZero() || l.Credit.IsZero() || l.Debit == l.Credit):
		return fmt.Sprintf("a leaf of kind %s does not say between which two accounts", l.Kind)
	case len(l.Bills) != 0 && !paying && l.Kind != wire.LeafReversal:
		return fmt.Sprintf("a leaf of kind %s names bills to pay", l.Kind)
	case len(l.Bills) != 0 && l.Reference.IsZero():
		return "it pays bills without a reference"
	case moving && len(l.Amount) == 0:
		return fmt.Sprintf("a leaf of kind %s moves money without a commitment to the amount", l.Kind)
	}
	return ""
}

// sequence goes through a log in order: faults of single leaves, time, kinds and the bills it logs.
func (a *audit) sequence(l *ledger) {
	for i := range l.leaves {
		leaf := &l.leaves[i]
		if leaf.fault != "" {
			a.find(Invalid, CodeLeafInvalid, l.at(i), "%s", leaf.fault)
		}
		if !leaf.decoded {
			continue
		}
		l.counts[leaf.Kind.String()]++
		if leaf.TimeMS < l.lastMS {
			a.find(Invalid, CodeLeafInvalid, l.at(i), "time goes back by %d ms", l.lastMS-leaf.TimeMS)
		}
		l.lastMS = max(l.lastMS, leaf.TimeMS)
		if leaf.Kind != wire.LeafBill {
			continue
		}
		if l.bills[leaf.Reference] != nil {
			a.find(Invalid, CodeBillRepeated, l.at(i), "bill %s is logged a second time", leaf.Reference.Short())
			continue
		}
		e := &entry{leaf: leaf}
		e.sum()
		l.bills[leaf.Reference] = e
		l.order = append(l.order, e)
	}
}

// sum adds the chunks' commitments, if all are valid.
func (e *entry) sum() {
	if e.leaf.fault != "" {
		return
	}
	var categories, total commit.Sum
	for _, c := range e.leaf.chunks {
		mustAdd(&categories, c.categories)
		mustAdd(&total, c.total)
	}
	e.categories, e.total, e.summed = categories.Point(), total.Point(), true
}

// report gives the ledger's part of the report: bills by state, and the sums of their commitments.
func (l *ledger) report() Ledger {
	type sums struct {
		bills             int
		categories, total commit.Sum
	}
	var all sums
	var by [replaced + 1]sums
	for _, e := range l.order {
		by[e.state].bills++
		if e.state == replaced {
			continue
		}
		all.bills++
		if !e.summed {
			continue // a finding says so
		}
		for _, s := range []*sums{&all, &by[e.state]} {
			mustAdd(&s.categories, e.categories)
			mustAdd(&s.total, e.total)
		}
	}
	position := func(s *sums) Position {
		return Position{Bills: s.bills, Categories: s.categories.Point(), Total: s.total.Point()}
	}
	return Ledger{
		Bank: l.bank.ID, Currency: l.bank.Currency, Origin: l.bank.LogOrigin, Size: int64(len(l.leaves)), Root: l.root, LastMS: l.lastMS, Leaves: l.counts,
		Billed: position(&all), Held: position(&by[held]), Settled: position(&by[settled]), Outstanding: position(&by[outstanding]), Replaced: by[replaced].bills,
		SupplyMinor: l.supply, Accounts: l.proven,
	}
}

// mustAdd adds a point that was parsed before, which no sum refuses.
func mustAdd(s *commit.Sum, p commit.Point) {
	if err := s.Add(p); err != nil {
		panic("audit: a parsed commitment is not on the curve: " + err.Error())
	}
}
