package swap

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"entente/schema/wire"
	"entente/settlement/ledger"
)

// backup is what a bank had stored at some time.
type backup struct {
	epoch    uint64
	opening  wire.ID
	cause    wire.Hash
	entries  []ledger.Entry
	swaps    map[wire.Hash]Swap
	channels []Channel
}

// recoveries are the sentences about losing state and hearing of it again.
var recoveries = []struct {
	pattern *regexp.Regexp
	run     func(*run, []string)
}{
	{regexp.MustCompile(`^(\w+) keeps a backup$`), (*run).keepBackup},
	{regexp.MustCompile(`^(\w+) is restored from its backup(, and nobody says so)?$`), (*run).restore},
	{regexp.MustCompile(`^(\w+) hears from (\w+)$`), (*run).hears},
	{regexp.MustCompile(`^(\w+) (recovers|readmits) ?(\w*)$`), func(r *run, m []string) {
		kind := map[string]wire.OrderKind{"recovers": wire.OrderRecover, "readmits": wire.OrderReadmit}[m[2]]
		r.step(m[1], r.world.order(m[1], wire.Order{Kind: kind, Account: m[3]}))
	}},
}

func (r *run) keepBackup(m []string) {
	old := r.banks[m[1]]
	b := backup{epoch: old.Epoch, opening: old.Opening, cause: old.cause, entries: slices.Clone(r.journal[m[1]]), swaps: maps.Clone(r.stored[m[1]])}
	for peer := range old.channels {
		b.channels = append(b.channels, old.Channel(peer))
	}
	r.backups[m[1]] = b
}

// restore puts a bank back to its backup. Its operators order a recovery unless nobody tells them.
func (r *run) restore(m []string) {
	bank, b := m[1], r.backups[m[1]]
	fresh := r.machine(bank, r.banks[bank].Ledger().Currency, 1)
	fresh.RestoreTenure(Tenure{Epoch: b.epoch, Opening: b.opening, Cause: b.cause})
	for _, e := range b.entries {
		if err := fresh.RestoreEntry(e); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, s := range b.swaps {
		fresh.RestoreSwap(s)
	}
	for _, c := range b.channels {
		fresh.RestoreChannel(c)
	}
	r.banks[bank], r.journal[bank], r.stored[bank] = fresh, slices.Clone(b.entries), maps.Clone(b.swaps)
	r.orders++
	r.step(bank, Started{Nonce: idOf(fmt.Sprintf("run %d of %s", r.orders, bank)), NowMS: r.nowMS})
	if m[2] == "" {
		r.step(bank, r.world.order(bank, wire.Order{Kind: wire.OrderRecover}))
	}
}

// passes keeps a message of a greeting until somebody hears it.
func (r *run) passes(bank string, o Outgoing) {
	link := bank + " to " + o.Key.Recipient
	switch msg := o.Message.(type) {
	case *wire.Hello:
		r.say("%s greets %s in epoch %s, and knows %d messages of epoch %s", bank, o.Key.Recipient, EpochText(msg.Epoch), msg.KnownSeq, EpochText(msg.KnownEpoch))
		r.passing[link], r.greetings[link] = nil, o
	case *wire.HelloReply:
		r.say("%s answers %s with %d messages", bank, o.Key.Recipient, len(msg.Held))
	}
	r.passing[link] = append(r.passing[link], o)
}

// hears carries a bank's greeting to a peer, and the peer's answer back.
func (r *run) hears(m []string) {
	bank, peer := m[1], m[2]
	for i := range 8 {
		if o, greeted := r.greetings[bank+" to "+peer]; i == 4 && greeted && !r.banks[bank].Speaks(peer) {
			r.passing[bank+" to "+peer] = append(r.passing[bank+" to "+peer], o) // it is repeated
		}
		link := []string{bank + " to " + peer, peer + " to " + bank}[i%2]
		letters := r.passing[link]
		r.passing[link] = nil
		for _, o := range letters {
			if o.Message.Head().Epoch != r.banks[o.Message.Head().Sender].Epoch {
				continue
			}
			e := r.received(r.t, o)
			for _, hash := range o.Encloses {
				e.Held = append(e.Held, r.held(hash)...)
			}
			r.step(o.Key.Recipient, e)
		}
	}
}

// held finds a message that was sent, and the votes that it names.
func (r *run) held(hash wire.Hash) []Held {
	var all []Held
	for _, sent := range r.sent {
		for _, o := range sent {
			if o.Hash != hash {
				continue
			}
			all = append(all, Held{Message: o.Message, Hash: o.Hash, Payment: r.packages[wire.AttachmentHash(o.Attachment)], Package: o.Attachment})
			if d, ok := o.Message.(*wire.Decision); ok {
				for _, vote := range d.Votes {
					all = append(all, r.held(vote)...)
				}
			}
		}
	}
	return all
}
