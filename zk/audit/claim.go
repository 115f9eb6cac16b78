package audit

import (
	"fmt"
	"runtime"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/proof"
)

// claim is a signed claim of the bundle, as far as all claims are alike.
type claim struct {
	where   string
	signers []wire.Key
	proofs  [][]byte
	holds   bool // nothing was found wrong with it so far
}

// readClaim verifies a claim's signatures and reads it; nil when it is no such document.
func (a *audit) readClaim(due wire.PayloadType, p *wire.Proven, where string, into wire.Document) *claim {
	c := &claim{where: where, proofs: p.Proofs}
	signers, unsigned := p.Envelope.Verify(due, a.network)
	if unsigned != nil {
		a.refused(unsigned, wire.CodeSigInvalid, where)
	}
	if err := wire.Decode(p.Envelope.Payload, wire.LimitAttachment, into); err != nil {
		a.refused(err, wire.CodeMalformed, where)
		return nil
	}
	c.signers, c.holds = signers, unsigned == nil
	return c
}

// refuse finds a claim wrong.
func (a *audit) refuse(c *claim, code refusal.Code, format string, args ...any) {
	a.find(Invalid, code, c.where, format, args...)
	c.holds = false
}

// readOwner checks who signed a claim, and for which network.
func (a *audit) readOwner(c *claim, owner, network string) {
	if c.signers != nil && !signedBy(c.signers, owner) {
		a.refuse(c, CodeClaimUnsigned, "it is not signed by %q alone", owner)
	}
	if network != a.network.Network {
		a.refuse(c, wire.CodeWrongNetwork, "it is of network %q", network)
	}
}

// readHead finds the log that a claim is about, and checks that it is about the audited head; nil when there is no such log.
func (a *audit) readHead(c *claim, id, currency string, head *wire.Head) *ledger {
	bank, known := a.network.Bank(id)
	if !known || currency != bank.Currency || head.Origin != bank.LogOrigin {
		a.refuse(c, CodeClaimForeign, "ledger %q, currency %q and log %q are not those of one pinned bank", id, currency, head.Origin)
		return nil
	}
	l := a.ledgers[bank.ID]
	if l == nil {
		c.holds = false // the missing log is a finding already
		return nil
	}
	if size, root := l.claimed(); head.Size != size || head.Root != wire.Hash(root) {
		a.refuse(c, CodeClaimStale, "it was made at %d leaves with root %s, the log here has %d with root %s",
			head.Size, head.Root.Short(), size, wire.Hash(root).Short())
	}
	return l
}

// readSlice checks what the claims of nations have in common, and gives what they are about; false when that cannot be told.
func (a *audit) readSlice(c *claim, s *wire.Slice) (slice, bool) {
	a.readOwner(c, s.Nation, s.Network)
	l := a.readHead(c, s.Ledger, s.Currency, &s.Head)
	if l == nil {
		return slice{}, false
	}
	return slice{programme{l.bank.ID, s.Programme}, s.Nation}, true
}

// proving is one proof of a claim, and what it must prove.
type proving[S proof.Statement] struct {
	claim     *claim
	part      string // which of the claim's proofs
	statement S
	proof     []byte
	key       *key
	err       error
}

// batchMost is how many proofs are verified together: more of them gain little, and one bad proof costs the others' time.
const batchMost = 64

// batches gives how many proofs are verified together, and how often. All processors have work before batches are large.
func batches(n int) (size, times int) {
	processors := runtime.GOMAXPROCS(0)
	size = max(1, min(batchMost, (n+processors-1)/processors))
	return size, (n + size - 1) / size
}

// verifyAll verifies proofs of one circuit, in batches on all processors. A claim with a proof that does not hold, or cannot be checked, does not hold. Before
// and after say how much else the step has to do.
func verifyAll[S proof.Statement](a *audit, circuit string, all []proving[S], before, after int) {
	if len(all) == 0 {
		return
	}
	if !a.usable(circuit, a.step.Name) {
		for i := range all {
			all[i].claim.holds = false
		}
		return
	}
	size, times := batches(len(all))
	a.eachOf(before, before+times+after, times, func(i int) { verifyBatch(a.keys[circuit], all[i*size:min(len(all), (i+1)*size)]) })
	for i := range all {
		if p := &all[i]; p.err != nil {
			a.refused(p.err, proof.CodeProofInvalid, p.claim.where+p.part)
			p.claim.holds = false
		} else {
			p.key.proofs++
		}
	}
}

// verifyBatch tries the keys of a circuit one after the other, as anyKey does.
func verifyBatch[S proof.Statement](keys []*key, batch []proving[S]) {
	left := make([]*proving[S], len(batch))
	for i := range batch {
		left[i] = &batch[i]
	}
	for _, k := range keys {
		statements, proofs := make([]S, len(left)), make([][]byte, len(left))
		for i, p := range left {
			statements[i], proofs[i] = p.statement, p.proof
		}
		var still []*proving[S]
		for i, err := range proof.VerifyBatch(k.verifier, statements, proofs) {
			p := left[i]
			if p.err = err; err == nil {
				p.key = k
			} else {
				still = append(still, p)
			}
		}
		if left = still; len(left) == 0 {
			return
		}
	}
}

// unchecked adds a sentence about what is left unchecked, if there is any of it.
func (a *audit) unchecked(n int, format string, args ...any) {
	if n > 0 {
		a.open = append(a.open, fmt.Sprintf(format, args...))
	}
}
