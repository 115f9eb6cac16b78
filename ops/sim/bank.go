package sim

import (
	"encoding/binary"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

// bank is one central bank: a machine, which dies with the process, and a store, which does not.
type bank struct {
	house
	machine *swap.Machine // nil while the bank is down
	store   store
	backups []store // earlier ones of the same past, oldest first
	skewMS  int64   // of its clock
	recover int     // above 0 while its operators have still to order a recovery
}

// store is what a bank has made durable.
type store struct {
	entries  []ledger.Entry
	swaps    map[wire.Hash]swap.Swap
	tenures  []swap.Tenure
	channels map[string]swap.Channel
	outbox   map[swap.MessageKey]*letter
	order    []swap.MessageKey // of the outbox
}

// letter is a message in the outbox.
type letter struct {
	packet
	key    swap.MessageKey
	resend bool
	done   bool
	dueMS  int64 // when to send it again
	tries  int
}

// Back-off between two sendings of a message.
const (
	leastWaitMS = 250
	mostWaitMS  = 5_000
)

func (b *bank) clock(w *world) int64 { return w.nowMS + b.skewMS }

// step gives an event to the machine. The bank may die before the output is durable, or after, with only some of the messages gone.
func (b *bank) step(w *world, e swap.Event, format string, args ...any) {
	if b.machine == nil {
		return
	}
	w.steps++
	out := b.take(w, e, format, args...)
	if w.dies(false) {
		w.tell("%s DIES before its commit: "+format, append([]any{b.name}, args...)...)
		b.die(w)
		return
	}
	greetings := b.greetings(w, &out)
	b.commit(w, e, &out)
	if w.telling && interesting(&out) {
		w.tell("%s: %s: %s", b.name, fmt.Sprintf(format, args...), describe(b, &out))
	}
	letters := b.leaving(w, &out)
	if w.dies(true) {
		gone := w.random.IntN(len(letters) + 1)
		w.tell("%s DIES after its commit, with %d of %d messages sent", b.name, gone, len(letters))
		b.die(w)
		letters = letters[:gone]
	}
	for _, l := range letters {
		w.carrier.send(w, l.packet)
	}
	for _, p := range greetings {
		w.carrier.send(w, p)
	}
}

// greetings takes out of a step's output what is sent and never stored.
func (b *bank) greetings(w *world, out *swap.Output) []packet {
	var passing []packet
	kept := out.Send[:0]
	for _, o := range out.Send {
		if o.Passing {
			passing = append(passing, w.carrier.pack(b.name, o))
		} else {
			kept = append(kept, o)
		}
	}
	out.Send = kept
	return passing
}

// take runs the machine's step; a panic in it is a breach like any other.
func (b *bank) take(w *world, e swap.Event, format string, args ...any) swap.Output {
	defer func() {
		if r := recover(); r != nil {
			w.breach("PANIC", "%s, %s: %v\n%s", b.name, fmt.Sprintf(format, args...), r, debug.Stack())
		}
	}()
	return b.machine.Step(e)
}

// dies tells whether the bank dies here.
func (w *world) dies(after bool) bool {
	for _, c := range w.faults.crashes {
		if c == (crash{w.steps, after}) {
			return true
		}
	}
	return w.faults.crashPerMille > 0 && w.random.IntN(1000) < w.faults.crashPerMille
}

func (b *bank) die(w *world) {
	b.machine = nil
	w.result.Crashes++
	w.after(w.between(100, 6_000), func() { b.restart(w) })
}

// commit makes a step's output durable, whole, and has it audited.
func (b *bank) commit(w *world, e swap.Event, out *swap.Output) {
	w.auditor.check(w, b, e, out)
	for i := range out.Entries {
		x := &out.Entries[i]
		w.note(uint64(x.Seq)<<32|uint64(x.Kind), uint64(x.Minor), binary.BigEndian.Uint64(x.Reference[:]))
	}
	b.store.entries = append(b.store.entries, out.Entries...)
	if out.Tenure != nil {
		b.store.tenures = append(b.store.tenures, *out.Tenure)
	}
	for _, peer := range out.Channels {
		b.store.channels[peer] = b.machine.Channel(peer)
	}
	for _, id := range out.Changed {
		b.store.swaps[id], _ = b.machine.Swap(id)
	}
	if out.Tenure != nil {
		b.recover = 0
	}
	for _, o := range out.Send {
		w.note(binary.BigEndian.Uint64(o.Hash[:]))
		b.store.outbox[o.Key] = &letter{key: o.Key, resend: o.Resend, packet: w.carrier.pack(b.name, o)}
		b.store.order = append(b.store.order, o.Key)
		b.store.channels[o.Key.Recipient] = b.machine.Channel(o.Key.Recipient)
	}
	if m, ok := e.(swap.MessageVerified); ok {
		b.store.channels[m.Message.Head().Sender] = b.machine.Channel(m.Message.Head().Sender)
	}
	for _, key := range out.Done {
		if l := b.store.outbox[key]; l != nil {
			l.done = true
		}
	}
}

// leaving lists the letters that a step sends now: new ones, and stored ones it was asked for again.
func (b *bank) leaving(w *world, out *swap.Output) []*letter {
	var letters []*letter
	for _, o := range out.Send {
		if b.machine.Speaks(o.Key.Recipient) {
			letters = append(letters, b.sent(w, o.Key))
		}
	}
	for _, key := range out.Resend {
		if b.store.outbox[key] == nil {
			w.breach("DURABLE", "%s is to send %s on %s to %s again, and never stored one", b.name, verb(key.Type), key.Swap.Short(), key.Recipient)
		}
		letters = append(letters, b.sent(w, key))
	}
	return letters
}

// sent puts off the next sending of a letter.
func (b *bank) sent(w *world, key swap.MessageKey) *letter {
	l := b.store.outbox[key]
	l.dueMS = w.nowMS + min(int64(leastWaitMS)<<min(l.tries, 5), mostWaitMS)
	l.tries++
	return l
}

// beat is what a bank does all the time: look at the clock, and send again what was not answered.
func (b *bank) beat(w *world) {
	if b.machine != nil {
		b.step(w, swap.Tick{NowMS: b.clock(w)}, "the clock")
	}
	if b.machine != nil {
		var open []swap.MessageKey
		for _, key := range b.store.order {
			l := b.store.outbox[key]
			if !l.resend || l.done {
				continue
			}
			open = append(open, key)
			if l.dueMS <= w.nowMS && b.machine.Speaks(l.to) {
				w.carrier.send(w, b.sent(w, key).packet)
			}
		}
		b.store.order = open
	}
	if !w.healed && w.chance(w.faults.jumpPercent) {
		b.skewMS += w.between(-30_000, 30_000)
		w.tell("  the clock of %s jumps, it is now %d ms off", b.name, b.skewMS)
	}
	w.after(beatMS, func() { b.beat(w) })
}

// restart makes a new machine of what is durable.
func (b *bank) restart(w *world) {
	if b.machine != nil {
		return
	}
	b.machine = b.restored(w)
	w.auditor.checkRestored(w, b)
	for _, l := range b.store.outbox {
		l.tries, l.dueMS = 0, 0
	}
	w.tell("%s starts again from %d entries, in epoch %s, %d to recover", b.name, len(b.store.entries), swap.EpochText(b.machine.Epoch), b.recover)
	b.begin(w)
}

// backup keeps what the bank has stored now.
func (b *bank) backup() { b.backups = append(b.backups, b.store.clone()) }

func (s *store) clone() store {
	c := store{entries: s.entries[:len(s.entries):len(s.entries)], swaps: maps.Clone(s.swaps), tenures: s.tenures[:len(s.tenures):len(s.tenures)],
		channels: maps.Clone(s.channels), outbox: make(map[swap.MessageKey]*letter, len(s.outbox)), order: slices.Clone(s.order)}
	for key, l := range s.outbox {
		kept := *l
		c.outbox[key] = &kept
	}
	return c
}

// restore puts the bank back to a backup. Later ones are of a past that is given up. Its operators order a recovery before anything else.
func (b *bank) restore(w *world, at int) {
	if b.machine != nil {
		b.machine = nil
	}
	lost := len(b.store.entries) - len(b.backups[at].entries)
	b.store, b.backups = b.backups[at].clone(), b.backups[:at+1]
	w.result.Restores++
	w.tell("%s is RESTORED from a backup: %d entries and %d swaps are left, %d entries are lost", b.name, len(b.store.entries), len(b.store.swaps), lost)
	w.auditor.restored(w, b)
	b.recover++
	w.after(w.between(100, 6_000), func() { b.restart(w) })
}

// begin begins a run; operators order what is due.
func (b *bank) begin(w *world) {
	w.runs++
	b.step(w, swap.Started{Nonce: idOf(fmt.Sprintf("run %d", w.runs)), NowMS: b.clock(w)}, "beginning a run")
	if b.machine != nil && b.recover > 0 {
		b.order(w, wire.Order{Kind: wire.OrderRecover})
	}
}

func (b *bank) restored(w *world) *swap.Machine {
	m := w.machine(b.house)
	for at := range b.store.entries {
		if err := m.RestoreEntry(b.store.entries[at]); err != nil {
			w.breach("JOURNAL", "entry %d of %s does not fold: %v", at, b.name, err)
		}
	}
	for _, t := range b.store.tenures {
		m.RestoreTenure(t)
	}
	for _, s := range b.store.swaps { // in no particular order: it must not matter
		m.RestoreSwap(s)
	}
	for c := range maps.Values(b.store.channels) {
		m.RestoreChannel(c)
	}
	return m
}

func interesting(out *swap.Output) bool {
	return len(out.Entries)+len(out.Changed)+len(out.Send)+len(out.Resend)+len(out.Notes) > 0
}

// describe says in a line what came of a step.
func describe(b *bank, out *swap.Output) string {
	var parts []string
	for _, n := range out.Notes {
		parts = append(parts, string(n.Kind)+" "+n.Code)
	}
	for _, e := range out.Entries {
		switch e.Kind {
		case wire.LeafBill, wire.LeafOpen, wire.LeafStatus:
			parts = append(parts, e.Kind.String()+" "+e.Credit)
		default:
			parts = append(parts, fmt.Sprintf("%s %d %s -> %s", e.Kind, e.Minor, e.Debit, e.Credit))
		}
	}
	for _, id := range out.Changed {
		s := b.store.swaps[id]
		parts = append(parts, id.Short()+" is "+strings.ToUpper(s.State.String()))
	}
	for _, o := range out.Send {
		parts = append(parts, "sends "+verb(o.Key.Type))
	}
	for _, k := range out.Resend {
		parts = append(parts, "sends "+verb(k.Type)+" again")
	}
	return strings.Join(parts, ", ")
}
