package ledger

import (
	"entente/schema/wire"
)

// BusinessDay is the ledger's day as its operators open and close it. A ledger on which none was ever opened runs around the clock: Day is zero then, and its
// days are those of ledger time in UTC.
type BusinessDay struct {
	Day  wire.Day // the latest that was opened
	Open bool
}

// daysAhead is how far before its date a business day may be opened. A slip of the pen far beyond it would leave no later day to open.
const daysAhead = 7

// BusinessDay gives the business day.
func (s *State) BusinessDay() BusinessDay { return s.day }

// Halted tells whether an operator has stopped everything that is not prepared.
func (s *State) Halted() bool { return s.halted }

// Today is the ledger's day as of its latest entry.
func (s *State) Today() wire.Day { return s.today(s.timeMS) }

// today is the day that limits count and movements are booked on. It never goes back.
func (s *State) today(nowMS int64) wire.Day {
	if s.day.Day != 0 {
		return s.day.Day
	}
	return wire.DayOf(nowMS)
}

// value is the value date that an entry booked now must state: none where it is the day of its time.
func (s *State) value(nowMS int64) wire.Day {
	if s.day.Day == 0 || s.day.Day == wire.DayOf(nowMS) {
		return 0
	}
	return s.day.Day
}

// valueOf is the same for a value date that somebody asked for.
func (s *State) valueOf(asked wire.Day, nowMS int64) wire.Day {
	switch asked {
	case 0:
		return s.value(nowMS)
	case wire.DayOf(nowMS):
		return 0
	}
	return asked
}

// valueDaysBack is how far back a value date may lie.
const valueDaysBack = 366

// checkValue guards a value date: money does not count before it is booked, and a correction reaches back a year.
func (s *State) checkValue(value wire.Day, nowMS int64) error {
	if value == 0 {
		return nil
	}
	if today := s.today(nowMS); value > today || value < today.Plus(-valueDaysBack) {
		return refuse(CodeValueDateInvalid, "name the ledger's day or one of the year before it", "a value date of %s on the ledger's day %s", value, today)
	}
	return nil
}

// started guards everything that begins something: not while the ledger is halted, not between its days. What was prepared completes all the same.
func (s *State) started() error {
	switch {
	case s.halted:
		return refuse(CodeHalted, "wait until its operators let it go on", "the ledger of %s is halted", s.Bank)
	case s.day.Day != 0 && !s.day.Open:
		return refuse(CodeDayClosed, "send it again on the next business day", "the ledger of %s has closed its day %s", s.Bank, s.day.Day)
	}
	return nil
}

// hoursOf gives the entries of the orders about days and halts.
var hoursOf = map[wire.OrderKind]wire.LeafKind{
	wire.OrderOpenDay: wire.LeafOpenDay, wire.OrderCloseDay: wire.LeafCloseDay, wire.OrderHalt: wire.LeafHalt, wire.OrderResume: wire.LeafResume,
}

func (s *State) hours(e Entry, o wire.Order) ([]Entry, error) {
	e.Kind = hoursOf[o.Kind]
	if e.Kind == wire.LeafOpenDay || e.Kind == wire.LeafCloseDay {
		e.Day = o.Day
	}
	if err := s.checkHours(e.Kind, e.Day, e.TimeMS); err != nil {
		return nil, err
	}
	return []Entry{e}, nil
}

func (s *State) checkHours(kind wire.LeafKind, day wire.Day, nowMS int64) error {
	switch kind {
	case wire.LeafOpenDay:
		return s.checkOpenDay(day, nowMS)
	case wire.LeafCloseDay:
		if !s.day.Open {
			return refuse(CodeDayClosed, "open a day first", "no business day is open")
		}
		if day != s.day.Day {
			return refuse(CodeDayInvalid, "close the day that is open", "the open day is %s, not %s", s.day.Day, day)
		}
	case wire.LeafHalt:
		if s.halted {
			return refuse(CodeHalted, "do nothing: it stands still", "the ledger of %s is halted already", s.Bank)
		}
	case wire.LeafResume:
		if !s.halted {
			return refuse(CodeNotHalted, "do nothing: it goes on", "the ledger of %s is not halted", s.Bank)
		}
	}
	return nil
}

func (s *State) checkOpenDay(day wire.Day, nowMS int64) error {
	least, most := s.today(nowMS), wire.DayOf(nowMS).Plus(daysAhead)
	if s.day.Day != 0 {
		least = least.Plus(1)
	}
	switch {
	case !day.Valid() || day < least || day > most:
		return refuse(CodeDayInvalid, "name a day later than the last one and at most a week ahead", "the day %s is not between %s and %s", day, least, most)
	case s.day.Open:
		return refuse(CodeDayOpen, "close that day first", "the day %s is open", s.day.Day)
	}
	return nil
}

func (s *State) foldHours(e Entry) error {
	if err := s.checkHours(e.Kind, e.Day, e.TimeMS); err != nil {
		return err
	}
	switch e.Kind {
	case wire.LeafOpenDay:
		s.day = BusinessDay{e.Day, true}
	case wire.LeafCloseDay:
		s.day.Open = false
	case wire.LeafHalt:
		s.halted = true
	case wire.LeafResume:
		s.halted = false
	}
	return nil
}
