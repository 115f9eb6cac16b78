package ledger

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"entente/schema/wire"
)

// ImageVersion is raised with every change of what an image holds: a program reads only its own.
const ImageVersion = 2

// limitImageText bounds what one text or list of an image may claim to be, so that a broken one does not ask for all memory.
const limitImageText = 1 << 20

// WriteImage writes the whole state, the same bytes for the same state: integers of 8 bytes big-endian, lengths before texts and lists, maps in the order of
// their keys. Folding the first Size entries gives the state that writes these bytes.
func (s *State) WriteImage(w io.Writer) error {
	t := &tape{w: bufio.NewWriterSize(w, 1<<16)}
	s.image(t)
	if t.err != nil {
		return fmt.Errorf("write an image of the ledger: %w", t.err)
	}
	return t.w.Flush()
}

// ReadImage makes an empty state the one that was written. What it reads must be authentic: it is not checked against any rule. On an error the state is
// worth nothing.
func (s *State) ReadImage(r io.Reader) error {
	if s.next != 0 || len(s.accounts) != 0 {
		return errors.New("read an image of the ledger: the state is not empty")
	}
	t := &tape{r: bufio.NewReaderSize(r, 1<<16)}
	s.image(t)
	if t.err == nil {
		if _, err := t.r.ReadByte(); !errors.Is(err, io.EOF) {
			t.err = errors.New("bytes follow it")
		}
	}
	if t.err != nil {
		return fmt.Errorf("read an image of the ledger: %w", t.err)
	}
	return nil
}

// image runs a state past a tape, which writes or reads every field.
func (s *State) image(t *tape) {
	version := int64(ImageVersion)
	t.number(&version)
	t.require(version == ImageVersion, "it is of another version")
	t.text(&s.Bank)
	t.text(&s.Currency)
	t.number(&s.next)
	t.number(&s.timeMS)
	table(t, &s.accounts, cmp.Compare, (*tape).text, func(t *tape, a **account) {
		if *a == nil {
			*a = &account{}
		}
		t.account(*a)
	})
	s.numbered(t)
	for _, holds := range []*map[HoldID]*Hold{&s.holds, &s.transit} {
		table(t, holds, compareHolds, func(t *tape, id *HoldID) { t.hash(&id.Reference); small(t, &id.Part) }, func(t *tape, h **Hold) {
			if *h == nil {
				*h = &Hold{}
			}
			t.hold(*h)
		})
	}
	if t.r != nil {
		for _, h := range s.holds {
			s.awaitExpiry(h)
		}
	}
	table(t, &s.single, cmp.Compare, small[wire.AccountKind], (*tape).text)
	table(t, &s.bills, compareHashes, (*tape).hash, func(t *tape, b **Bill) {
		if *b == nil {
			*b = &Bill{}
		}
		t.bill(*b)
	})
	table(t, &s.revision, func(a, b wire.ID) int { return slices.Compare(a[:], b[:]) }, (*tape).id, small[uint32])
	table(t, &s.orders, func(a, b wire.ID) int { return slices.Compare(a[:], b[:]) }, (*tape).id, func(t *tape, a *orderAnswer) { t.hash(&a.cause); t.number(&a.seq) })
	table(t, &s.payments, compareHashes, (*tape).hash, func(t *tape, p *Paid) { t.number(&p.Seq); t.number(&p.TimeMS); t.text(&p.Payer) })
	series(t, &s.moved, func(t *tape, m *moved) { small(t, &m.debit); small(t, &m.credit); t.number(&m.minor) })
	table(t, &s.reversed, cmp.Compare, (*tape).number, (*tape).number)
	table(t, &s.reserves, cmp.Compare, (*tape).text, (*tape).number)
	small(t, &s.day.Day)
	t.truth(&s.day.Open)
	t.truth(&s.halted)
	t.number(&s.last.Seq)
	t.number(&s.last.TimeMS)
	t.number(&s.last.Minor)
	t.text(&s.last.Reserve)
	t.number(&s.short)
}

// numbered makes the list of accounts by their number again.
func (s *State) numbered(t *tape) {
	if t.r == nil || t.err != nil {
		return
	}
	s.names = make([]string, len(s.accounts)+1)
	for id, a := range s.accounts {
		if t.require(int(a.number) < len(s.names), "an account's number is too high"); t.err != nil {
			return
		}
		s.names[a.number] = id
	}
}

func compareHashes(a, b wire.Hash) int { return slices.Compare(a[:], b[:]) }

func compareHolds(a, b HoldID) int {
	return cmp.Or(compareHashes(a.Reference, b.Reference), cmp.Compare(a.Part, b.Part))
}

// tape writes values, or reads them into the same places. The first error stays.
type tape struct {
	w   *bufio.Writer
	r   *bufio.Reader
	err error
}

func (t *tape) require(right bool, what string) {
	if t.err == nil && !right {
		t.err = errors.New(what)
	}
}

func (t *tape) bytes(b []byte) {
	if t.err != nil {
		return
	}
	if t.w != nil {
		_, t.err = t.w.Write(b)
	} else {
		_, t.err = io.ReadFull(t.r, b)
	}
}

func (t *tape) number(v *int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(*v))
	t.bytes(b[:])
	*v = int64(binary.BigEndian.Uint64(b[:]))
}

// small is number for every other kind of integer.
func small[T ~uint8 | ~uint16 | ~uint32](t *tape, v *T) {
	n := int64(*v)
	t.number(&n)
	*v = T(n)
}

func (t *tape) truth(v *bool) {
	var n uint8
	if *v {
		n = 1
	}
	small(t, &n)
	*v = n == 1
}

func (t *tape) hash(h *wire.Hash) { t.bytes(h[:]) }

func (t *tape) id(i *wire.ID) { t.bytes(i[:]) }

func (t *tape) text(v *string) {
	n := int64(len(*v))
	t.number(&n)
	if t.require(n >= 0 && n <= limitImageText, "a text is too long"); t.err != nil {
		return
	}
	b := []byte(*v)
	if t.r != nil {
		b = make([]byte, n)
	}
	t.bytes(b)
	*v = string(b)
}

// series runs a list past a tape.
func series[T any](t *tape, list *[]T, one func(*tape, *T)) {
	n := int64(len(*list))
	t.number(&n)
	for i := int64(0); i < n && t.err == nil; i++ {
		if t.r != nil {
			var v T
			one(t, &v)
			*list = append(*list, v)
		} else {
			one(t, &(*list)[i])
		}
	}
}

// table runs a map past a tape, in the order of its keys.
func table[K comparable, V any](t *tape, m *map[K]V, compare func(a, b K) int, key func(*tape, *K), value func(*tape, *V)) {
	n := int64(len(*m))
	t.number(&n)
	if t.r != nil {
		for i := int64(0); i < n && t.err == nil; i++ {
			var k K
			var v V
			key(t, &k)
			value(t, &v)
			(*m)[k] = v
		}
		return
	}
	for _, k := range slices.SortedFunc(maps.Keys(*m), compare) {
		v := (*m)[k]
		key(t, &k)
		value(t, &v)
	}
}

func (t *tape) account(a *account) {
	t.text(&a.ID)
	t.text(&a.Owner)
	small(t, &a.Kind)
	small(t, &a.Status)
	for _, v := range []*int64{&a.DebitsPosted, &a.CreditsPosted, &a.DebitsPending, &a.CreditsPending, &a.PerTransfer, &a.PerDay, &a.Used} {
		t.number(v)
	}
	small(t, &a.UsedOn)
	small(t, &a.number)
}

func (t *tape) hold(h *Hold) {
	t.hash(&h.ID.Reference)
	small(t, &h.ID.Part)
	t.text(&h.Debit)
	t.text(&h.Credit)
	t.number(&h.Minor)
	series(t, &h.Bills, (*tape).hash)
	t.truth(&h.ByOrder)
	t.number(&h.ExpiresMS)
	small(t, &h.Day)
	t.bytes(h.Blinding[:])
}

func (t *tape) bill(b *Bill) {
	t.hash(&b.Hash)
	t.number(&b.Seq)
	t.hash(&b.Programme)
	t.id(&b.ID)
	small(t, &b.Revision)
	t.text(&b.Creditor)
	t.text(&b.Debtor)
	series(t, &b.Chunks, func(t *tape, c *wire.Chunk) { t.bytes(c.Digest[:]); t.bytes(c.Categories[:]); t.bytes(c.Total[:]) })
	small(t, &b.State)
	t.hash(&b.Reference)
}
