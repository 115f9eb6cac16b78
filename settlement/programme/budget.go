package programme

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"entente/schema/money"
	"entente/schema/refusal"
)

// Budget bounds what all bills of one currency together may charge one member. It is part of the agreement everybody signed. A member without a budget in a
// currency is not bounded there.
type Budget struct {
	Nation   Nation         // who is billed
	Currency money.Currency // of the bills: that of one or more other members
	Total    money.Amount   // the most in all
	Limits   []Limit        // the most of single categories; one that is not listed has no limit but the total
}

// Limit bounds one category within a budget. A limit of zero bars the category.
type Limit struct {
	Category uint8  // the category's number in every commitment, 0 to 15
	Code     string // its code
	Most     money.Amount
}

// Budget finds what bounds the bills of one currency that a nation receives. Where it says false, nothing does.
func (a Agreement) Budget(nation Nation, currency money.Currency) (Budget, bool) {
	for _, b := range a.Budgets {
		if b.Nation == nation && b.Currency == currency {
			return b, true
		}
	}
	return Budget{}, false
}

// Normalised gives the same agreement with its budgets in the members' order and within a member by currency code, and limits ascending by category, so that
// whoever lists them lists them alike. Members and categories keep their order, which is part of what was signed.
func (a Agreement) Normalised() Agreement {
	a.Budgets = slices.Clone(a.Budgets)
	for i, b := range a.Budgets {
		a.Budgets[i].Limits = slices.SortedStableFunc(slices.Values(b.Limits), func(l, m Limit) int { return cmp.Compare(l.Category, m.Category) })
	}
	slices.SortStableFunc(a.Budgets, func(b, c Budget) int {
		return cmp.Or(cmp.Compare(a.memberIndex(b.Nation), a.memberIndex(c.Nation)), cmp.Compare(b.Currency.Code(), c.Currency.Code()))
	})
	return a
}

// Check refuses (over_budget) what would leave the budget: spent and add are sums by category number in minor units of the budget's currency, of the bills
// approved before and of those about to be. Everything that would be above its limit is named with the amount it is over. Sums of any size are compared
// exactly. The budget is one that Validate accepted.
func (b Budget) Check(spent, add [MaxCategories]uint64) error {
	var over []string
	compare := func(what string, sum *big.Int, most money.Amount) {
		if excess := new(big.Int).Sub(sum, big.NewInt(most.Minor())); excess.Sign() > 0 {
			digits := int32(b.Currency.Digits())
			over = append(over, fmt.Sprintf("%s by %s %s (at most %s)", what, decimal.NewFromBigInt(excess, -digits).StringFixed(digits), b.Currency.Code(), most))
		}
	}
	total, sums := new(big.Int), [MaxCategories]*big.Int{}
	for k := range sums {
		sums[k] = new(big.Int).Add(new(big.Int).SetUint64(spent[k]), new(big.Int).SetUint64(add[k]))
		total.Add(total, sums[k])
	}
	for _, l := range b.Limits {
		compare(l.Code, sums[l.Category], l.Most)
	}
	compare("the total", total, b.Total)
	if len(over) == 0 {
		return nil
	}
	return &refusal.Refusal{
		Code: CodeOverBudget, What: fmt.Sprintf("what %s owes in %s would be over its budget: %s", b.Nation, b.Currency.Code(), strings.Join(over, ", ")),
		Unchanged: "nothing was approved", Do: "settle the excess by an amendment all members sign",
	}
}

// budgetFaults names what is wrong with the budgets. They are told apart by nation and currency, so that their order does not matter.
func (a Agreement) budgetFaults() []error {
	var wrong []error
	type account struct {
		nation   Nation
		currency money.Currency
	}
	seen := map[account]bool{}
	for _, b := range a.Budgets {
		place := fmt.Sprintf("budget of %.20q in %s", b.Nation, cmp.Or(b.Currency.Code(), "no currency"))
		refuse := func(code refusal.Code, do, format string, args ...any) {
			wrong = append(wrong, refusal.Newf(code, do, "%s: %s", place, fmt.Sprintf(format, args...)))
		}
		if a.memberIndex(b.Nation) < 0 {
			refuse(CodeUnknownMember, "use the code of a member", "it is no member")
		}
		switch {
		case b.Currency.IsZero():
			refuse(money.CodeUnknownCurrency, "name the ISO 4217 currency of the bills it bounds", "it names no currency")
		case !slices.ContainsFunc(a.Members, func(m Member) bool { return m.Nation != b.Nation && m.Currency == b.Currency }):
			refuse(CodeBudgetInvalid, "use the currency of the bills it receives", "no other member bills in it")
		}
		if seen[account{b.Nation, b.Currency}] {
			refuse(CodeBudgetInvalid, "state it once", "it is there already")
		}
		seen[account{b.Nation, b.Currency}] = true
		if why := b.mostFault(b.Total); why != "" {
			refuse(CodeBudgetInvalid, "state the most it may be billed in all", "total: %s", why)
		}
		wrong = append(wrong, a.limitFaults(b, place)...)
	}
	return wrong
}

func (a Agreement) limitFaults(b Budget, place string) []error {
	var wrong []error
	seen := [MaxCategories]bool{}
	for _, l := range b.Limits {
		refuse := func(code refusal.Code, do, format string, args ...any) {
			wrong = append(wrong, refusal.Newf(code, do, "%s: limit of %.40s: %s", place, l.Code, fmt.Sprintf(format, args...)))
		}
		if i := a.CategoryIndex(l.Code); i < 0 || i >= MaxCategories || i != int(l.Category) {
			refuse(CodeUnknownCategory, "use a category of the agreement", "category %d of %s is not called so", l.Category, a.ID)
			continue
		}
		if seen[l.Category] {
			refuse(CodeBudgetInvalid, "state it once", "it is there already")
		}
		seen[l.Category] = true
		if why := b.mostFault(l.Most); why != "" {
			refuse(CodeBudgetInvalid, "state the most it may be billed of it", "%s", why)
		} else if l.Most.Minor() > b.Total.Minor() {
			// Such a limit never binds: whoever wrote it meant another figure, here or in the total.
			refuse(CodeBudgetInvalid, "lower it, raise the total, or leave it out", "%s is more than the total of %s, so it bounds nothing", l.Most, b.Total)
		}
	}
	return wrong
}

func (b Budget) mostFault(most money.Amount) string {
	switch {
	case most.Currency() != b.Currency:
		return fmt.Sprintf("it is in %s", cmp.Or(most.Currency().Code(), "no currency"))
	case most.Minor() < 0:
		return fmt.Sprintf("%s is negative", most)
	}
	return ""
}
