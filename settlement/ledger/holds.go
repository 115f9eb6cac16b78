package ledger

import (
	"cmp"
	"slices"

	"entente/schema/wire"
)

// holdByOrder sets money aside because an operator says so, under the hash of the order. Only such a hold can expire: a swap's hold is bound to a decision, and
// Movement, by which swaps hold, has no field for an expiry.
func (s *State) holdByOrder(e Entry, o wire.Order) ([]Entry, error) {
	m := Movement{Reference: e.Cause, Cause: e.Cause, Postings: []wire.Posting{{Payer: o.Account, Payee: o.Payee, Minor: o.Minor}}}
	if err := earliest(s.checkExpiry(o.ExpiresMS, e.TimeMS), s.checkMovement(m, e.TimeMS)); err != nil {
		return nil, err
	}
	held := s.entries(m, wire.LeafHold, e.TimeMS)
	held[0].Key, held[0].ExpiresMS = o.Key, o.ExpiresMS
	return held, nil
}

func (s *State) checkExpiry(expiresMS, nowMS int64) error {
	if expiresMS != 0 && expiresMS <= nowMS {
		return refuse(CodeExpiryInvalid, "name a time to come, or none", "a hold that expires at %d, and it is %d", expiresMS, nowMS)
	}
	return nil
}

// settleByOrder posts or voids what an order set aside. From its expiry on a hold is only given back, whether or not Expire has done so yet.
func (s *State) settleByOrder(e Entry, o wire.Order) ([]Entry, error) {
	h := s.holds[HoldID{o.Hold, 0}]
	if h == nil || !h.ByOrder {
		return nil, refuse(CodeHoldUnknown, "name the hash of the order that set the money aside", "no order %s holds anything", o.Hold.Short())
	}
	kind := wire.LeafVoid
	if o.Kind == wire.OrderPost {
		kind = wire.LeafPost
		if h.ExpiresMS != 0 && e.TimeMS >= h.ExpiresMS {
			return nil, refuse(CodeHoldExpired, "set the money aside again", "what order %s holds expired at %d", o.Hold.Short(), h.ExpiresMS)
		}
	}
	entries, err := s.settle(kind, o.Hold, e.Cause, e.TimeMS)
	if err != nil {
		return nil, err
	}
	entries[0].Key = o.Key
	return entries, nil
}

// Expire gives back what is held beyond its time, the earliest first; nothing when there is none. It is never refused.
func (s *State) Expire(nowMS int64) []Entry {
	var all []Entry
	for _, h := range s.expiring {
		if h.ExpiresMS > nowMS {
			break
		}
		all = append(all, Entry{Seq: s.next + int64(len(all)), TimeMS: max(nowMS, s.timeMS), Kind: wire.LeafExpire, Debit: h.Debit, Credit: h.Credit, Minor: h.Minor,
			Reference: h.ID.Reference, Part: h.ID.Part})
	}
	return all
}

// NextExpiryMS is the ledger time at which the first hold expires, 0 when none does.
func (s *State) NextExpiryMS() int64 {
	if len(s.expiring) == 0 {
		return 0
	}
	return s.expiring[0].ExpiresMS
}

// Holds lists copies of what orders hold, ordered by expiry, those without one last, and by reference.
func (s *State) Holds() []Hold {
	var all []Hold
	for _, h := range s.holds {
		if h.ByOrder {
			all = append(all, *h)
		}
	}
	slices.SortFunc(all, func(a, b Hold) int {
		if (a.ExpiresMS == 0) != (b.ExpiresMS == 0) {
			return cmp.Compare(b.ExpiresMS, a.ExpiresMS)
		}
		return expiresFirst(&a, &b)
	})
	return all
}

func expiresFirst(a, b *Hold) int {
	return cmp.Or(cmp.Compare(a.ExpiresMS, b.ExpiresMS), slices.Compare(a.ID.Reference[:], b.ID.Reference[:]), cmp.Compare(a.ID.Part, b.ID.Part))
}

func (s *State) awaitExpiry(h *Hold) {
	if h.ExpiresMS != 0 {
		at, _ := slices.BinarySearchFunc(s.expiring, h, expiresFirst)
		s.expiring = slices.Insert(s.expiring, at, h)
	}
}

func (s *State) awaitNoExpiry(h *Hold) {
	if h.ExpiresMS == 0 {
		return
	}
	if at, found := slices.BinarySearchFunc(s.expiring, h, expiresFirst); found {
		s.expiring = slices.Delete(s.expiring, at, at+1)
	}
}
