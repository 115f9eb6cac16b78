package swap

import (
	"fmt"
	"sort"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
	"entente/wallet/quorum"
)

type ledgerState = *ledger.State

// Refusals of the swap, in order of descending precedence after those of wire.
const (
	CodeStaleEpoch          refusal.Code = "stale_epoch"
	CodeFenced              refusal.Code = "fenced"
	CodePeerStopped         refusal.Code = "peer_stopped"
	CodeShortfall           refusal.Code = "shortfall"
	CodeDoubtLimit          refusal.Code = "doubt_limit"
	CodeExpired             refusal.Code = "expired"
	CodeTermsMismatch       refusal.Code = "terms_mismatch"
	CodeQuoteUsed           refusal.Code = "quote_used"
	CodeQuoteExpired        refusal.Code = "quote_expired"
	CodeQuoteForeign        refusal.Code = "quote_foreign"
	CodeBillOpening                      = payment.CodeBillOpening
	CodePeerUnknown         refusal.Code = "peer_unknown"
	CodeConflict            refusal.Code = "conflict"
	CodeDecisionWithoutVote refusal.Code = "decision_without_vote"
	CodeTooLate             refusal.Code = "too_late_to_cancel"
	CodePaymentUnknown      refusal.Code = "payment_unknown"
	CodeQuorumMissing       refusal.Code = "quorum_missing"
)

// Codes of alarms that are no refusals.
const (
	CodeAmnesia   refusal.Code = "amnesia"   // a peer holds messages of this bank that it does not know it signed
	CodeInDoubt   refusal.Code = "in_doubt"  // a swap has waited long for its decision, or for its acknowledgement
	CodeUncovered refusal.Code = "uncovered" // a commit could not be paid even out of suspense
)

// Default windows of a swap, milliseconds after its terms are written.
const (
	VoteWindowMS   = 5_000
	DecideWindowMS = 10_000
	DoubtAlertMS   = 30_000 // after so long a swap in doubt is an alarm
)

// Output is everything one step changed. All of it is made durable in one transaction before a message of it leaves or an answer is given.
type Output struct {
	Entries []ledger.Entry
	Changed []wire.Hash  // swaps to store
	Send    []Outgoing   // messages to sign, store, then send
	Resend  []MessageKey // stored messages to send again now
	Done    []MessageKey // messages that were answered and need no resending
	Notes   []Note

	Tenure    *Tenure    // epoch that was opened, to store
	Channels  []string   // peers whose channels changed otherwise than by sending or receiving
	Conflicts []Conflict // to store as evidence
	Refusal   error      // why the event was refused; the state is as before, but for notes
}

// New gives an empty machine of a bank.
func New(network, bank, currency string, epoch uint64) *Machine {
	return &Machine{
		Network: network, Bank: bank, Epoch: epoch, Opens: payment.CheckOpening, ledger: ledger.NewState(bank, currency),
		swaps: map[wire.Hash]*Swap{}, open: map[wire.Hash]struct{}{}, doubt: map[wire.Hash]bool{}, bound: map[wire.Hash]int64{}, atRisk: map[string]int64{},
		paying: map[wire.Hash]wire.Hash{}, quotes: map[wire.Hash]wire.Hash{}, channels: map[string]*Channel{},
	}
}

// Ledger gives the bank's ledger, to read.
func (m *Machine) Ledger() *ledger.State { return m.ledger }

// Swap gives a copy of a swap.
func (m *Machine) Swap(id wire.Hash) (Swap, bool) {
	s, ok := m.swaps[id]
	if !ok {
		return Swap{}, false
	}
	c := *s
	c.Peers = append([]Peering(nil), s.Peers...)
	return c, true
}

// Swaps lists copies of all swaps, ordered by creation and id.
func (m *Machine) Swaps() []Swap {
	all := make([]Swap, 0, len(m.swaps))
	for id := range m.swaps {
		s, _ := m.Swap(id)
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].CreatedMS != all[j].CreatedMS {
			return all[i].CreatedMS < all[j].CreatedMS
		}
		return string(all[i].ID[:]) < string(all[j].ID[:])
	})
	return all
}

// Outcome tells how far the payment of an instruction is.
func (m *Machine) Outcome(instruction wire.Hash) (Outcome, bool) {
	if id, ok := m.paying[instruction]; ok {
		s := m.swaps[id]
		return Outcome{instruction, id, s.State, s.Reason, s.SinceMS}, true
	}
	if p, ok := m.ledger.Payment(instruction); ok {
		return Outcome{Instruction: instruction, State: Settled, AtMS: p.TimeMS}, true
	}
	return Outcome{}, false
}

// PayerOf gives the owner of the account that an instruction debits at this bank, "" if no payment of it is known.
func (m *Machine) PayerOf(instruction wire.Hash) string {
	account := ""
	if id, ok := m.paying[instruction]; ok {
		account = m.swaps[id].Terms.Legs[0].Postings[0].Payer
	} else if p, ok := m.ledger.Payment(instruction); ok {
		account = p.Payer
	}
	a, _ := m.ledger.Account(account)
	return a.Owner
}

// Channel gives a copy of the channel to a bank.
func (m *Machine) Channel(peer string) Channel { return *m.channel(peer) }

func (m *Machine) channel(peer string) *Channel {
	c := m.channels[peer]
	if c == nil {
		c = &Channel{Peer: peer, PeerEpoch: 1, Epoch: m.Epoch, HeardEpoch: 1}
		m.channels[peer] = c
	}
	return c
}

// RestoreEntry folds one entry of the journal at start.
func (m *Machine) RestoreEntry(e ledger.Entry) error { return m.ledger.Apply(e) }

// RestoreSwap puts a stored swap back at start, in any order.
func (m *Machine) RestoreSwap(s Swap) {
	c := s
	c.Peers = append([]Peering(nil), s.Peers...)
	m.keep(&c)
}

// RestoreChannel puts a stored channel back at start.
func (m *Machine) RestoreChannel(c Channel) {
	copied := c
	m.channels[c.Peer] = &copied
}

// RestoreTenure puts a stored epoch back at start, in any order: the highest one is the present.
func (m *Machine) RestoreTenure(t Tenure) {
	if t.Epoch > m.Epoch {
		m.Epoch, m.Opening, m.cause = t.Epoch, t.Opening, t.Cause
	}
}

// keep puts a swap into every index it belongs to.
func (m *Machine) keep(s *Swap) {
	m.swaps[s.ID] = s
	// A tombstone says nothing about its instruction: anybody can vote on terms that were never proposed.
	if s.Role == Initiator && s.Terms.Instruction != (wire.Hash{}) && (len(s.Authority) > 0 || s.State == Committed || s.State == Settled) {
		if paying, ok := m.paying[s.Terms.Instruction]; !ok || m.swaps[paying].replacedBy(s) {
			m.paying[s.Terms.Instruction] = s.ID
		}
	}
	m.index(s)
}

// replacedBy tells which of two swaps of one instruction is the later attempt, whatever order they come in: only an aborted one is followed by another, and
// one that was cancelled by none.
func (s *Swap) replacedBy(other *Swap) bool {
	if s.State != Aborted || other.State != Aborted {
		return s.State == Aborted
	}
	if s.Reason == reasonCancelled || other.Reason == reasonCancelled {
		return s.Reason != reasonCancelled
	}
	if s.CreatedMS != other.CreatedMS {
		return s.CreatedMS < other.CreatedMS
	}
	return string(s.ID[:]) < string(other.ID[:])
}

// index keeps the indices that follow the state.
func (m *Machine) index(s *Swap) {
	if s.Role == Initiator && s.State == Proposed {
		m.open[s.ID] = struct{}{}
	} else {
		delete(m.open, s.ID)
	}
	m.indexDoubt(s)
	if s.Role == Responder && s.Quote != (wire.Hash{}) {
		if s.State == Aborted {
			if m.quotes[s.Quote] == s.ID {
				delete(m.quotes, s.Quote)
			}
		} else {
			m.quotes[s.Quote] = s.ID
		}
	}
}

// indexDoubt keeps what is held for swaps that others decide, and which swaps are to be alerted about. An alert is given once a run.
func (m *Machine) indexDoubt(s *Swap) {
	prepared := s.State == Prepared
	held, known := m.bound[s.ID]
	switch {
	case prepared && !known:
		leg, _ := s.Terms.LegOf(m.Bank)
		sum, err := leg.Sum()
		if err != nil { // terms were checked before anything was held
			panic("swap: what is prepared does not add up: " + err.Error())
		}
		m.bound[s.ID] = sum
		m.atRisk[s.Peers[0].Bank] += sum
	case !prepared && known:
		delete(m.bound, s.ID)
		if m.atRisk[s.Peers[0].Bank] -= held; m.atRisk[s.Peers[0].Bank] == 0 {
			delete(m.atRisk, s.Peers[0].Bank)
		}
	}
	if _, waiting := m.doubt[s.ID]; !waiting && (prepared || s.State == Committed) {
		m.doubt[s.ID] = false
	} else if s.State.Final() {
		delete(m.doubt, s.ID)
	}
}

// DoubtMinor is what is held here for undecided swaps of an initiator, in minor units.
func (m *Machine) DoubtMinor(initiator string) int64 { return m.atRisk[initiator] }

// Step takes one event. Time in events never runs backwards beyond what the ledger tolerates: it is raised to the ledger's own.
func (m *Machine) Step(e Event) Output {
	out := &Output{}
	now := max(e.atMS(), m.ledger.TimeMS())
	m.session.clockMS = e.atMS()
	switch e := e.(type) {
	case OrderGiven:
		m.order(out, e, now)
	case BillProven:
		entries, err := m.ledger.Admit(e.Bill, now)
		m.book(out, entries, err, e.Bill.Hash(), now)
	case PaymentAuthorised:
		m.pay(out, e, now)
	case TransferAuthorised:
		m.transfer(out, e, now)
	case CancelAsked:
		m.cancel(out, e, now)
	case MessageVerified:
		m.receive(out, e, now)
	case Started:
		m.start(out, e, now)
	case RulebookGiven:
		m.ruled(out, e, now)
	case Tick:
		m.apply(out, m.ledger.Expire(now))
		m.weighAll(out, now)
		m.alert(out, now)
		m.greetAgain(out, now)
	default:
		panic(fmt.Sprintf("swap: no such event: %T", e))
	}
	return *out
}

func (m *Machine) order(out *Output, e OrderGiven, now int64) {
	if e.Order.Network != m.Network {
		m.refuse(out, refusal.Newf(wire.CodeWrongNetwork, "send the order to its own network", "an order for network %q came to %q", e.Order.Network, m.Network), e.Cause, now)
		return
	}
	if e.Order.Bank != m.Bank {
		m.refuse(out, refusal.Newf(wire.CodeWrongRecipient, "send the order to its own bank", "an order for %q came to %q", e.Order.Bank, m.Bank), e.Cause, now)
		return
	}
	if err := m.approved(e); err != nil {
		m.refuse(out, err, e.Cause, now)
		return
	}
	switch e.Order.Kind {
	case wire.OrderRecover:
		m.recover(out, &e.Order, e.Cause, now)
		return
	case wire.OrderReadmit:
		m.readmit(out, &e.Order, e.Cause, now)
		return
	}
	entries, err := m.ledger.Order(e.Order, e.Cause, now)
	m.book(out, entries, err, e.Cause, now)
	if refusal.CodeOf(err) == ledger.CodeReserveMismatch {
		m.note(out, NoteAlarm, ledger.CodeReserveMismatch, err.Error(), e.Cause, now)
	}
}

// approved checks that as many of the bank's operators signed an order as its kind asks for: persons, not keys.
func (m *Machine) approved(e OrderGiven) error {
	needed := e.Order.Kind.Approvals()
	if needed == 0 {
		return nil
	}
	for _, k := range e.Signers {
		if k.Owner != m.Bank || k.Purpose != wire.PurposeOperator {
			return refusal.Newf(quorum.CodeApproverForeign, "have operators of the bank sign it", "%s gave an order to %s", k.Title(), m.Bank)
		}
	}
	if len(e.Signers) <= needed {
		return refusal.Newf(quorum.CodeApprovalMissing, "have another operator of the bank sign it", "%d of %d operators signed an order to %s", len(e.Signers), 1+needed, e.Order.Kind)
	}
	return quorum.Check(e.Signers[0], e.Signers[1:], quorum.Rule{Approvals: needed})
}

// book applies entries that the ledger's guards gave, or records the refusal.
func (m *Machine) book(out *Output, entries []ledger.Entry, err error, about wire.Hash, now int64) {
	if err != nil {
		m.refuse(out, err, about, now)
		return
	}
	m.apply(out, entries)
}

// apply folds entries that passed the guards. A failure here is a defect of the guards; going on would write a journal that does not fold.
func (m *Machine) apply(out *Output, entries []ledger.Entry) {
	for _, e := range entries {
		if err := m.ledger.Apply(e); err != nil {
			panic("swap: an entry passed the guards and does not fold: " + err.Error())
		}
		out.Entries = append(out.Entries, e)
	}
}

func (m *Machine) refuse(out *Output, err error, about wire.Hash, now int64) {
	out.Refusal = err
	m.note(out, NoteRefusal, refusal.CodeOf(err), err.Error(), about, now)
}

func (m *Machine) note(out *Output, kind NoteKind, code refusal.Code, text string, about wire.Hash, now int64) {
	out.Notes = append(out.Notes, Note{Kind: kind, Code: string(code), Text: text, About: about, AtMS: now})
}

// changed marks a swap for storing and keeps the indices true.
func (m *Machine) changed(out *Output, s *Swap) {
	m.index(s)
	for _, id := range out.Changed {
		if id == s.ID {
			return
		}
	}
	out.Changed = append(out.Changed, s.ID)
}

// send numbers and chains a message to a peer.
func (m *Machine) send(out *Output, s *Swap, peer string, msg wire.SwapMessage, attachment []byte, now int64) wire.Hash {
	c := m.channel(peer)
	if c.Fenced {
		panic("swap: a bank that recovers signs something other than a greeting to " + peer)
	}
	if c.Epoch != m.Epoch {
		c.Epoch, c.Seq, c.Last = m.Epoch, 0, wire.Hash{}
	}
	c.Seq++
	*msg.Head() = wire.Header{Network: m.Network, Swap: s.ID, Sender: m.Bank, Recipient: peer, Epoch: m.Epoch, Seq: c.Seq, Prev: c.Last, TimeMS: now}
	hash := wire.PayloadHash(msg.PayloadType(), wire.Encode(msg))
	c.Last = hash
	out.Send = append(out.Send, Outgoing{
		Key: MessageKey{s.ID, peer, msg.PayloadType(), m.Epoch}, Message: msg, Attachment: attachment, Hash: hash,
		Resend: msg.PayloadType() != wire.TypeDecisionAck,
	})
	if p := s.peer(peer); p != nil {
		p.Epoch = m.Epoch
	}
	return hash
}
