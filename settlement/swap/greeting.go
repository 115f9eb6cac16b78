package swap

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// Back-off of greetings.
const (
	greetFirstMS = 250
	greetMostMS  = 5_000
)

// dossiersOnPage bounds a reply's page: a dossier is a proposal with its package, a few votes and a decision, and the page is one attachment.
const dossiersOnPage = 2

// session is what a bank knows of this run alone. It is not stored: a bank that starts again greets again.
type session struct {
	nonce wire.ID
	lines map[string]*line
	fresh map[wire.Hash]struct{} // swaps proposed in this run: what is known of them is all there is
	// clockMS is the time of the last event: pauses are short, and the ledger's time stands still while a clock that was set back catches up.
	clockMS   int64
	greetings int  // begun so far, so that no two are alike
	amnesc    bool // a peer holds what this bank has lost, and no operator has opened a new epoch
}

// line is a peer in this run.
type line struct {
	open    bool        // the peer said in this run how far it has heard this bank
	hello   *wire.Hello // the greeting it was sent, the same each time
	hash    wire.Hash   // of it
	dueMS   int64
	pauseMS int64
	pages   map[uint32]struct{} // of its reply, while fenced
	claimed uint64              // epoch that the peer greeted in and this greeting asks about, 0 for none
}

// Know tells the machine the other banks of the network, as the trust file names them. It deals with nobody else.
func (m *Machine) Know(peers ...Peer) {
	m.peers = slices.Clone(peers)
	slices.SortFunc(m.peers, func(a, b Peer) int { return cmp.Compare(a.Bank, b.Bank) })
}

// Knows tells whether a bank is one of the network's.
func (m *Machine) Knows(bank string) bool { _, ok := m.known(bank); return ok }

func (m *Machine) known(bank string) (Peer, bool) {
	for _, p := range m.peers {
		if p.Bank == bank {
			return p, true
		}
	}
	return Peer{}, false
}

// Speaks tells whether this bank deals with a peer: the peer has answered in this run, and holds nothing that this bank has lost. Stored messages wait until then.
func (m *Machine) Speaks(peer string) bool {
	l := m.session.lines[peer]
	return l != nil && l.open
}

// Fenced tells whether the bank, after a recovery, has yet to hear from some peer.
func (m *Machine) Fenced() bool {
	for _, c := range m.channels {
		if c.Fenced {
			return true
		}
	}
	return false
}

// Amnesiac tells whether a peer holds messages of this bank that it does not know it signed, so that operators must order a recovery.
func (m *Machine) Amnesiac() bool { return m.session.amnesc }

// Restless tells whether the clock may bring anything about: swaps that are not final, peers that have not answered.
func (m *Machine) Restless() bool {
	if len(m.open)+len(m.doubt) > 0 {
		return true
	}
	for _, p := range m.peers {
		if m.session.nonce != (wire.ID{}) && !m.Speaks(p.Bank) {
			return true
		}
	}
	return false
}

// start greets everybody.
func (m *Machine) start(out *Output, e Started, now int64) {
	m.session = session{nonce: e.Nonce, clockMS: e.NowMS, lines: map[string]*line{}, fresh: map[wire.Hash]struct{}{}}
	m.greetAll(out, now)
}

// greetAll begins anew with every peer.
func (m *Machine) greetAll(out *Output, now int64) {
	if m.session.nonce == (wire.ID{}) {
		return
	}
	for _, p := range m.peers {
		m.session.lines[p.Bank] = &line{pauseMS: greetFirstMS}
		m.greet(out, p.Bank, now)
	}
}

func (m *Machine) greet(out *Output, peer string, now int64) {
	l, c := m.session.lines[peer], m.channel(peer)
	if l.hello == nil {
		m.session.greetings++
		l.hello = &wire.Hello{Header: m.passing(wire.GreetingID(m.session.nonce, m.Bank, fmt.Sprintf("%s %d", peer, m.session.greetings)), peer, now), Opening: m.Opening, KnownEpoch: c.Epoch, KnownSeq: c.Seq}
	}
	l.hash = m.pass(out, l.hello, nil)
	l.dueMS = m.session.clockMS + l.pauseMS
	l.pauseMS = min(2*l.pauseMS, greetMostMS)
}

// passing is the header of a message of a greeting: it has no number.
func (m *Machine) passing(id wire.Hash, peer string, now int64) wire.Header {
	return wire.Header{Network: m.Network, Swap: id, Sender: m.Bank, Recipient: peer, Epoch: m.Epoch, Prev: m.channel(peer).Last, TimeMS: now}
}

// pass sends a message of a greeting, which is not stored.
func (m *Machine) pass(out *Output, msg wire.SwapMessage, encloses []wire.Hash) wire.Hash {
	h := msg.Head()
	hash := wire.PayloadHash(msg.PayloadType(), wire.Encode(msg))
	out.Send = append(out.Send, Outgoing{Key: MessageKey{h.Swap, h.Recipient, msg.PayloadType(), h.Epoch}, Message: msg, Hash: hash, Passing: true, Encloses: encloses})
	return hash
}

// greetAgain repeats the greetings that were not answered.
func (m *Machine) greetAgain(out *Output, now int64) {
	clock := m.session.clockMS
	for _, p := range m.peers {
		if l := m.session.lines[p.Bank]; l != nil && !l.open && (clock >= l.dueMS || l.dueMS > clock+greetMostMS) && !m.session.amnesc {
			m.greet(out, p.Bank, now)
		}
	}
}

// greeted answers a greeting with everything that is held of the peer's word which it does not know.
//
// A greeting in another epoch proves nothing: it may be late, of a past that the peer has given up since. The peer is greeted afresh, and what it answers to
// that is its present epoch. Until then the answer says only which epoch is held.
func (m *Machine) greeted(out *Output, h *wire.Hello, hash wire.Hash, now int64) {
	c := m.channel(h.Sender)
	if l := m.session.lines[h.Sender]; h.Epoch > c.PeerEpoch && l != nil && l.claimed != h.Epoch {
		m.session.lines[h.Sender] = &line{pauseMS: greetFirstMS, claimed: h.Epoch}
		m.greet(out, h.Sender, now)
	}
	var pages [][]wire.Hash
	// A bank that never recovered has learnt nothing but by messages with a place.
	if known := (Place{h.KnownEpoch, h.KnownSeq}); h.Epoch == c.PeerEpoch && h.Opening == c.Opening && (known.Before(c.heard()) || m.Epoch >= epochCounts) {
		pages = m.dossiers(h.Sender, known)
	}
	if len(pages) == 0 {
		pages = [][]wire.Hash{nil}
	}
	for i, held := range pages {
		m.pass(out, &wire.HelloReply{
			Header: m.passing(h.Swap, h.Sender, now), Hello: hash, Opening: m.Opening, YourEpoch: c.PeerEpoch, YourOpening: c.Opening, HeardEpoch: c.HeardEpoch, HeardSeq: c.Heard,
			Page: uint32(i), Pages: uint32(len(pages)), Held: held,
		}, held)
	}
}

// always is a place that comes after every message.
var always = Place{math.MaxInt64, 0}

func (c *Channel) heard() Place { return Place{c.HeardEpoch, c.Heard} }

// dossiers lists, page by page, the messages on every swap of which a peer has signed something after a place.
func (m *Machine) dossiers(peer string, after Place) [][]wire.Hash {
	var shared []*Swap
	for _, s := range m.swaps {
		if p := s.peer(peer); p != nil && after.Before(p.Heard) {
			shared = append(shared, s)
		}
	}
	sortByID(shared)
	var pages [][]wire.Hash
	for i, s := range shared {
		if i%dossiersOnPage == 0 {
			pages = append(pages, nil)
		}
		page := &pages[len(pages)-1]
		p := s.peer(peer)
		last := p.Decision
		if !p.Again.IsZero() {
			last = p.Again
		}
		for _, hash := range []wire.Hash{p.Proposal, p.Vote, last} {
			if !hash.IsZero() {
				*page = append(*page, hash)
			}
		}
	}
	return pages
}

// replied takes a peer's answer to a greeting of this run. The epoch in which it is signed is the peer's present one, and a floor, durable before anything
// leaves that rests on it: what the peer signed before and is not held here will never count any more.
func (m *Machine) replied(out *Output, r *wire.HelloReply, e MessageVerified, now int64) {
	l, c := m.session.lines[r.Sender], m.channel(r.Sender)
	if l == nil || l.open || r.Hello != l.hash || r.Epoch < c.Floor || r.Pages == 0 || r.Page >= r.Pages {
		return
	}
	if r.Epoch > c.PeerEpoch {
		c.PeerEpoch, c.Floor, c.Opening = r.Epoch, r.Epoch, r.Opening
	}
	c.Floor = max(c.Floor, r.Epoch)
	heard := Place{r.HeardEpoch, r.HeardSeq}
	switch {
	case r.YourEpoch < m.Epoch:
		return // it has yet to learn of this epoch
	case r.YourEpoch > m.Epoch || r.YourEpoch == m.Epoch && r.YourOpening != m.Opening:
		m.forgot(out, r.Sender, r.YourEpoch, now)
	case c.Fenced && !complete(r.Held, e.Held):
		return // the carrier lost what the reply names, which must not look like nothing
	case c.Fenced:
		m.learn(out, r.Sender, e, now)
		if l.pages == nil {
			l.pages = map[uint32]struct{}{}
		}
		if l.pages[r.Page] = struct{}{}; len(l.pages) == int(r.Pages) {
			m.unlock(out, r.Sender, now)
		}
	case (Place{c.Epoch, c.Seq}).Before(heard):
		m.forgot(out, r.Sender, r.YourEpoch, now)
	default:
		l.open = true
		m.weighAll(out, now)
	}
}

// complete tells whether everything that a reply names is there.
func complete(named []wire.Hash, held []Held) bool {
	for _, hash := range named {
		if !slices.ContainsFunc(held, func(h Held) bool { return h.Hash == hash }) {
			return false
		}
	}
	return true
}

// forgot is what a bank does that hears of messages, or an epoch, of its own that it does not know. In a recovery the epoch was taken by an earlier one: it takes
// the next. Else this is amnesia: it deals with nobody until operators order a recovery.
func (m *Machine) forgot(out *Output, peer string, taken uint64, now int64) {
	if m.Fenced() {
		m.enterEpoch(out, taken, m.Opening, m.cause, now)
		return
	}
	if m.session.amnesc {
		return
	}
	m.session.amnesc = true
	for _, l := range m.session.lines {
		l.open = false
	}
	m.note(out, NoteAlarm, CodeAmnesia, peer+" holds messages that this bank does not know it signed: order a recovery", wire.Hash{}, now)
}

// recover opens a new epoch: the bank signs nothing but greetings to a peer until that peer has told what it holds.
func (m *Machine) recover(out *Output, o *wire.Order, cause wire.Hash, now int64) {
	if cause == m.cause {
		return
	}
	highest := m.Epoch
	for _, c := range m.channels {
		highest = max(highest, c.PeerEpoch)
	}
	m.session.amnesc = false
	m.enterEpoch(out, highest, o.Key, cause, now)
}

// epochCounts is by how much epochs are apart that follow each other. What is below is drawn: two epochs with the same count that a bank opened after different
// restores, not knowing of each other, are different all the same, and nothing signed in one of them counts in the other.
const epochCounts = 1 << 32

// enterEpoch opens the next epoch after the highest one that is known of, this bank's or a peer's.
func (m *Machine) enterEpoch(out *Output, highest uint64, seed wire.ID, cause wire.Hash, now int64) {
	count := highest/epochCounts + 1
	if highest < epochCounts { // the first ones were counted one by one
		count = highest + 1
	}
	drawn := wire.GreetingID(seed, m.session.nonce.String(), strconv.FormatUint(highest, 10))
	t := Tenure{count*epochCounts + uint64(binary.BigEndian.Uint32(drawn[:4])), wire.ID(drawn[4:20]), cause, now}
	m.Epoch, m.Opening, m.cause = t.Epoch, t.Opening, t.Cause
	out.Tenure = &t
	m.session.fresh = map[wire.Hash]struct{}{}
	for _, p := range m.peers {
		m.channel(p.Bank).Fenced = true
		out.Channels = append(out.Channels, p.Bank)
	}
	m.greetAll(out, now)
}

// EpochText names an epoch for people: its count, and what was drawn for it.
func EpochText(epoch uint64) string {
	if epoch < epochCounts {
		return strconv.FormatUint(epoch, 10)
	}
	return fmt.Sprintf("%d-%08x", epoch/epochCounts, epoch%epochCounts)
}

// unlock opens a peer that has told everything it holds: what the bank still has to say to it is signed again in the new epoch.
func (m *Machine) unlock(out *Output, peer string, now int64) {
	c := m.channel(peer)
	c.Fenced, c.Epoch, c.Seq, c.Last = false, m.Epoch, 0, wire.Hash{}
	m.session.lines[peer].open = true
	var shared []*Swap
	for _, s := range m.swaps {
		if s.peer(peer) != nil {
			shared = append(shared, s)
		}
	}
	sortByID(shared)
	for _, s := range shared {
		m.sayAgain(out, s, s.peer(peer), now)
	}
	m.weighAll(out, now)
}

// sayAgain signs what a peer still has to hear about a swap in the present epoch, if that was not done yet.
func (m *Machine) sayAgain(out *Output, s *Swap, p *Peering, now int64) {
	switch {
	case p.Epoch == m.Epoch:
	case s.Role == Initiator && (s.State == Committed || s.State == Aborted) && !p.Acked:
		m.decideFor(out, s, p, now)
		m.changed(out, s)
	case s.Role == Responder && s.Decision == (wire.Hash{}):
		m.voteAgain(out, s, p, now)
		m.changed(out, s)
	}
}

// settledFor tells whether nothing is fenced off between this bank and any other bank of a swap: then what the bank's own database does not hold does not exist.
func (m *Machine) settledFor(s *Swap) bool {
	for i := range s.Peers {
		if !m.Speaks(s.Peers[i].Bank) {
			return false
		}
	}
	return true
}

// weighAll decides the proposed swaps that can be decided now, in the order of their ids.
func (m *Machine) weighAll(out *Output, now int64) {
	var due []*Swap
	for id := range m.open {
		if s := m.swaps[id]; m.verdict(s, now) != undecided {
			due = append(due, s)
		}
	}
	sortByID(due)
	for _, s := range due {
		m.weigh(out, s, now)
	}
}

// checkPeer refuses to begin something with a bank that is unknown, fenced off or stopped.
func (m *Machine) checkPeer(bank string) error {
	if !m.Knows(bank) {
		return refusal.Newf(CodePeerUnknown, "deal with banks of the trust file", "there is no bank %q in this network", bank)
	}
	c := m.channel(bank)
	switch {
	case c.Stopped:
		return refusal.Newf(CodePeerStopped, "have the operators look at the evidence and readmit the bank", "%s signed two messages that contradict each other", bank)
	case c.Fenced || m.session.amnesc:
		return refusal.Newf(CodeFenced, "wait until the bank has told what it holds", "this bank recovers from a loss and has not heard all from %s", bank)
	}
	return nil
}

func sortByID(swaps []*Swap) {
	sort.Slice(swaps, func(i, j int) bool { return string(swaps[i].ID[:]) < string(swaps[j].ID[:]) })
}
