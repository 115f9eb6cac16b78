package audit

import (
	"fmt"
	"slices"

	"entente/schema/wire"
)

// bill is a signed bill of the bundle.
type bill struct {
	wire.Bill
	hash     wire.Hash
	proofs   [][]byte
	decoded  bool
	signers  []wire.Key
	unsigned error // why the signatures do not hold
	broken   error // why the payload is no bill
	proven   bool  // countersigned, and every chunk proven
}

func (b *bill) where() string {
	if !b.decoded {
		return "bill " + b.hash.Short()
	}
	return fmt.Sprintf("bill %s (%s owes %s)", b.hash.Short(), b.Debtor, b.Creditor)
}

// countersigned tells whether exactly the creditor and the debtor signed.
func (b *bill) countersigned() bool {
	return b.decoded && b.unsigned == nil && len(b.signers) == 2 && signedBy(b.signers, b.Creditor, b.Debtor)
}

// signedBy tells whether the keys' owners are exactly the given ones.
func signedBy(keys []wire.Key, owners ...string) bool {
	for _, k := range keys {
		if !slices.Contains(owners, k.Owner) {
			return false
		}
	}
	for _, owner := range owners {
		if !slices.ContainsFunc(keys, func(k wire.Key) bool { return k.Owner == owner }) {
			return false
		}
	}
	return true
}

// bills joins the logs' bill leaves with the bundle's signed bills, one to one.
func (a *audit) bills() string {
	a.ordered = make([]*bill, len(a.bundle.Bills))
	a.each(len(a.ordered), func(i int) { a.ordered[i] = a.readBill(&a.bundle.Bills[i]) })
	for _, b := range a.ordered {
		if a.documents[b.hash] != nil {
			a.find(Invalid, CodeBillRepeated, b.where(), "the bundle holds this bill twice")
			continue
		}
		a.documents[b.hash] = b
		a.checkBill(b)
	}
	home := map[wire.Hash]*ledger{}
	leaves := 0
	for _, l := range a.logged {
		leaves += len(l.order)
		for _, e := range l.order {
			hash := e.leaf.Reference
			if before := home[hash]; before != nil {
				a.find(Invalid, CodeBillRepeated, l.at(int(e.leaf.Seq)), "bill %s is logged on the ledger of %s as well", hash.Short(), before.bank.ID)
			}
			home[hash] = l
			if e.bill = a.documents[hash]; e.bill == nil {
				a.find(Invalid, CodeBillMissing, l.at(int(e.leaf.Seq)), "bill %s is logged, and the bundle holds no signed bill of this hash", hash.Short())
				continue
			}
			a.compare(l, e)
		}
	}
	countersigned := 0
	for _, b := range a.documents {
		if b.countersigned() {
			countersigned++
		}
	}
	a.report.Countersigned = countersigned
	for _, b := range a.ordered {
		if home[b.hash] == nil && (!b.decoded || a.ledgers[b.Ledger] != nil || !a.knownBank(b.Ledger)) {
			a.find(Invalid, CodeBillUnlogged, b.where(), "no log records this bill")
		}
	}
	a.revisions()
	return fmt.Sprintf("%d logged bills, %d bills countersigned by creditor and debtor", leaves, countersigned)
}

func (a *audit) knownBank(id string) bool {
	_, known := a.network.Bank(id)
	return known
}

// readBill verifies the signatures over the bytes as they came, and decodes.
func (a *audit) readBill(p *wire.ProvenBill) *bill {
	b := &bill{hash: p.Envelope.Hash(), proofs: p.Proofs}
	b.signers, b.unsigned = p.Envelope.Verify(wire.TypeBill, a.network)
	b.Bill, b.broken = wire.ParseBill(p.Envelope.Payload)
	b.decoded = b.broken == nil
	return b
}

// checkBill records what is wrong with a bill by itself.
func (a *audit) checkBill(b *bill) {
	if b.unsigned != nil {
		a.refused(b.unsigned, wire.CodeSigInvalid, b.where())
	}
	if !b.decoded {
		a.refused(b.broken, wire.CodeMalformed, b.where())
		return
	}
	if b.unsigned == nil && !b.countersigned() {
		owners := make([]string, len(b.signers))
		for i, k := range b.signers {
			owners[i] = k.Owner
		}
		a.find(Invalid, CodeCountersignatureMissing, b.where(), "it is signed by %q, not once each by %s and %s", owners, b.Creditor, b.Debtor)
	}
	for _, nation := range []string{b.Creditor, b.Debtor} {
		if _, member := a.network.Member(nation); !member {
			a.find(Invalid, CodeBillForeign, b.where(), "the trust file lists no member %q", nation)
		}
	}
	if b.Network != a.network.Network {
		a.find(Invalid, wire.CodeWrongNetwork, b.where(), "it is of network %q", b.Network)
	}
	if bank, known := a.network.Bank(b.Ledger); !known {
		a.find(Invalid, CodeBillForeign, b.where(), "the trust file lists no bank %q", b.Ledger)
	} else if b.Currency != bank.Currency {
		a.find(Invalid, CodeBillForeign, b.where(), "it is in %q, and the ledger of %s keeps %s", b.Currency, bank.ID, bank.Currency)
	}
}

// compare checks a bill against the leaf that logs it.
func (a *audit) compare(l *ledger, e *entry) {
	b := e.bill
	if !b.decoded {
		return // found before
	}
	where := l.at(int(e.leaf.Seq))
	if b.Ledger != l.bank.ID {
		a.find(Invalid, CodeBillForeign, where, "bill %s belongs on the ledger of %q", b.hash.Short(), b.Ledger)
	}
	if b.Programme != e.leaf.Programme {
		a.find(Invalid, CodeBillDiffers, where, "the leaf's programme tag is not that of bill %s", b.hash.Short())
	}
	if !slices.Equal(b.Chunks, e.leaf.Chunks) {
		a.find(Invalid, CodeBillDiffers, where, "the leaf's commitments are not those of bill %s", b.hash.Short())
	}
}

// revisions checks over all logs that the revisions of an id are one affair; that each number comes once and in order is seen where each log is walked.
func (a *audit) revisions() {
	first := map[wire.ID]*bill{}
	for _, b := range a.ordered {
		if !b.decoded || a.documents[b.hash] != b {
			continue
		}
		if before := first[b.ID]; before == nil {
			first[b.ID] = b
		} else if before.Ledger != b.Ledger || before.Programme != b.Programme || before.Creditor != b.Creditor || before.Debtor != b.Debtor {
			a.find(Invalid, CodeBillRepeated, b.where(), "id %s is also used for bill %s of another ledger, programme or pair of nations", b.ID, before.hash.Short())
		}
	}
}
