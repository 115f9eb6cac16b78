package programme

import (
	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
)

// RosterUnit is the unit of every line of a roster: one person present on one day.
const RosterUnit = "person-day"

// maxHeads bounds one head count, so that no sum over an exercise leaves the 32 bits of a charter's weight.
const maxHeads = 1 << 20

// headFaults names what keeps a record with sound numbers from being a head count: a roster counts whole persons and costs nothing.
func headFaults(r Record) (wrong []*refusal.Refusal) {
	refuse := func(do, format string, args ...any) {
		wrong = append(wrong, refusal.Newf(CodeRecordInvalid, do, format, args...))
	}
	if r.Unit != RosterUnit {
		refuse("count in person-days", "unit: a roster is counted in %s, not in %.40q", RosterUnit, r.Unit)
	}
	if !r.Quantity.IsInteger() || r.Quantity.GreaterThan(decimal.NewFromInt(maxHeads)) {
		refuse("count whole persons", "quantity: %s is no head count", r.Quantity)
	}
	if !r.UnitPrice.IsZero() {
		refuse("leave the price at 0: what people cost is recorded in a category of its own", "unit_price: a roster costs nothing")
	}
	return wrong
}

// CountPersonDays gives how many days people of each member were present, in the agreement's order: the confirmed lines of the roster's category added up for
// their receiver. Where two other members confirmed the same people (the same receiver, day and item), the lower count stands, so that nobody is counted
// twice. The order of lines does not matter. Lines of other categories are passed over. Refused: unknown_member, overflow.
func CountPersonDays(a Agreement, lines []Line) ([]int64, error) {
	type present struct {
		date   Date
		nation Nation
		item   string
	}
	heads := map[present]int64{}
	for _, line := range lines {
		category := a.CategoryIndex(line.Category)
		if category < 0 || a.Categories[category].Formula.Kind != HeadCount {
			continue
		}
		if a.memberIndex(line.Receiver) < 0 {
			return nil, refusal.Newf(CodeUnknownMember, "match the counts under this agreement", "%s: %.20q is no member of %s", line.Key, line.Receiver, a.ID)
		}
		who, count := present{line.Date, line.Receiver, line.Item}, line.Quantity.IntPart()
		if lower, counted := heads[who]; counted {
			count = min(lower, count)
		}
		heads[who] = count
	}
	days := make([]int64, len(a.Members))
	for who, count := range heads {
		i := a.memberIndex(who.nation)
		if days[i] += count; days[i] > 1<<32-1 {
			return nil, refusal.Newf(money.CodeOverflow, "bill a shorter period", "%s was present for more than %d person-days", who.nation, int64(1<<32-1))
		}
	}
	return days, nil
}
