package programme

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"entente/schema/money"
	"entente/schema/refusal"
)

// The limits of an agreement.
const (
	// MaxCategories is the number of category sums one bill commitment holds.
	MaxCategories = 16
	// MaxMembers bounds the members of one agreement.
	MaxMembers = 64
	// MaxSharers bounds the members of an agreement that shares the cost of a category: a share proof divides a total among so many.
	MaxSharers = 8
	// WholeBP is a whole in basis points.
	WholeBP = 10_000
	// MaxTextBytes bounds every free text: an item, a name, a discrepancy note.
	MaxTextBytes = 200
	// MaxUnitBytes bounds a unit of measure.
	MaxUnitBytes = 24
)

// Nation names a member: its ISO 3166 alpha-3 code by convention, any 2 to 8 upper-case letters and digits in fact.
type Nation string

// Member is one nation of an agreement, the currency it bills in, and the central bank on whose ledger that currency lives.
type Member struct {
	Nation   Nation
	Name     string
	Currency money.Currency
	Bank     string // the bank's id: 1 to 32 letters, digits and hyphens, since subjects carry it. Members of one currency area share a bank.
	BankName string
}

// FormulaKind names a way to share the cost of a category.
type FormulaKind uint8

// The closed list of formulas.
const (
	// ActualUse: the receiver of a line bears all of it.
	ActualUse FormulaKind = 1
	// BasisPoints: the members bear every line together, each its share of 10,000 parts, whoever received it.
	BasisPoints FormulaKind = 2
	// PersonDays: the members bear every line together, each by the days its people were present, as the lines of the HeadCount category confirm them.
	PersonDays FormulaKind = 3
	// HeadCount: a roster. A line says how many people of the receiver were present on a day, counted by it and by another member. It costs nothing, and is
	// what PersonDays shares by.
	HeadCount FormulaKind = 4
)

// Shared says whether all members bear the lines of such a category together.
func (k FormulaKind) Shared() bool { return k == BasisPoints || k == PersonDays }

// SeenByAll says whether every member has to see every line of such a category to recompute its own bills: what is shared, and what it is shared by.
func (k FormulaKind) SeenByAll() bool { return k.Shared() || k == HeadCount }

// String gives the formula's stable name: actual_use, basis_points, person_days or head_count.
func (k FormulaKind) String() string {
	switch k {
	case ActualUse:
		return "actual_use"
	case BasisPoints:
		return "basis_points"
	case PersonDays:
		return "person_days"
	case HeadCount:
		return "head_count"
	}
	return fmt.Sprintf("formula(%d)", uint8(k))
}

// Formula says who bears the cost of a category. Shares belongs to BasisPoints alone: one number per member, in the agreement's order, 10,000 in all.
type Formula struct {
	Kind   FormulaKind
	Shares []int64
}

// Category is one kind of logistic support, supplies or services. Its place in Agreement.Categories, from 0, is its number in every commitment.
type Category struct {
	Code    string // 1 to 16 upper-case letters, digits, hyphens and underscores
	Name    string
	Formula Formula
}

// Agreement is what every member of a joint exercise signed.
type Agreement struct {
	ID          string
	Name        string
	Starts      Date // the first day on which something may be supplied
	Ends        Date // the last such day
	Members     []Member
	Categories  []Category // 1 to 16
	ToleranceBP int64      // how far two counts of a quantity may differ, in basis points of the larger
	Budgets     []Budget   // at most one for each member and currency it is billed in; there may be none
}

var (
	nationForm   = regexp.MustCompile(`^[A-Z0-9]{2,8}$`)
	bankForm     = regexp.MustCompile(`^[A-Za-z0-9-]{1,32}$`)
	categoryForm = regexp.MustCompile(`^[A-Z0-9_-]{1,16}$`)
	idForm       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

// Validate names everything that is wrong with the agreement, joined into one error, or gives nil. Every error is a refusal: agreement_invalid,
// shares_invalid, unknown_currency, and for budgets budget_invalid, unknown_member or unknown_category.
func (a Agreement) Validate() error {
	var wrong []error
	refuse := func(code refusal.Code, do, format string, args ...any) {
		wrong = append(wrong, refusal.Newf(code, do, format, args...))
	}
	if !idForm.MatchString(a.ID) {
		refuse(CodeAgreementInvalid, "use 1 to 64 letters, digits, points, hyphens and underscores", "id: %.80q cannot name an agreement", a.ID)
	}
	if why := TextFault(a.Name, MaxTextBytes); why != "" {
		refuse(CodeAgreementInvalid, "give the exercise a name", "name: %s", why)
	}
	if a.Starts.IsZero() || a.Ends.IsZero() || a.Ends.Before(a.Starts) {
		refuse(CodeAgreementInvalid, "give the first and the last day, in this order", "starts, ends: %s to %s is no period", a.Starts, a.Ends)
	}
	if a.ToleranceBP < 0 || a.ToleranceBP > WholeBP {
		refuse(CodeAgreementInvalid, "give 0 to 10000 basis points", "tolerance_bp: %d is no tolerance", a.ToleranceBP)
	}
	wrong = append(wrong, a.memberFaults()...)
	wrong = append(wrong, a.categoryFaults()...)
	wrong = append(wrong, a.budgetFaults()...)
	return errors.Join(wrong...)
}

func (a Agreement) memberFaults() (wrong []error) {
	refuse := func(i int, do, format string, args ...any) {
		wrong = append(wrong, refusal.Newf(CodeAgreementInvalid, do, "members[%d]: %s", i, fmt.Sprintf(format, args...)))
	}
	if n := len(a.Members); n < 2 || n > MaxMembers {
		wrong = append(wrong, refusal.Newf(CodeAgreementInvalid, fmt.Sprintf("name 2 to %d members", MaxMembers), "members: there are %d", n))
	}
	nations, banks := map[Nation]bool{}, map[string]Member{}
	for i, m := range a.Members {
		if !nationForm.MatchString(string(m.Nation)) {
			refuse(i, "use 2 to 8 upper-case letters and digits, such as JPN", "%.20q cannot name a nation", m.Nation)
		}
		if nations[m.Nation] {
			refuse(i, "name every member once", "%s is a member already", m.Nation)
		}
		nations[m.Nation] = true
		if why := TextFault(m.Name, MaxTextBytes); why != "" {
			refuse(i, "give the member a name", "name: %s", why)
		}
		if m.Currency.IsZero() {
			wrong = append(wrong, refusal.Newf(money.CodeUnknownCurrency, "name the ISO 4217 currency it bills in", "members[%d]: %s has no currency", i, m.Nation))
		}
		if !bankForm.MatchString(m.Bank) {
			refuse(i, "use 1 to 32 letters, digits and hyphens", "bank: %.40q cannot name a bank", m.Bank)
		}
		if why := TextFault(m.BankName, MaxTextBytes); why != "" {
			refuse(i, "give the bank a name", "bank_name: %s", why)
		}
		if first, shared := banks[m.Bank]; shared && (first.Currency != m.Currency || first.BankName != m.BankName) {
			refuse(i, "a ledger has one currency and one name: state both alike", "%s and %s share the bank %s but not its currency and name", first.Nation, m.Nation, m.Bank)
		} else if !shared {
			banks[m.Bank] = m
		}
	}
	return wrong
}

func (a Agreement) categoryFaults() (wrong []error) {
	refuse := func(i int, code refusal.Code, do, format string, args ...any) {
		wrong = append(wrong, refusal.Newf(code, do, "categories[%d]: %s", i, fmt.Sprintf(format, args...)))
	}
	if n := len(a.Categories); n < 1 || n > MaxCategories {
		wrong = append(wrong, refusal.Newf(CodeAgreementInvalid, fmt.Sprintf("name 1 to %d categories", MaxCategories), "categories: there are %d", n))
	}
	codes, rosters := map[string]bool{}, a.rosters()
	for i, c := range a.Categories {
		if !categoryForm.MatchString(c.Code) {
			refuse(i, CodeAgreementInvalid, "use 1 to 16 upper-case letters, digits, hyphens and underscores", "%.40q cannot be a category code", c.Code)
		}
		if codes[c.Code] {
			refuse(i, CodeAgreementInvalid, "name every category once", "%s is there already", c.Code)
		}
		codes[c.Code] = true
		if why := TextFault(c.Name, MaxTextBytes); why != "" {
			refuse(i, CodeAgreementInvalid, "give the category a name", "name: %s", why)
		}
		switch c.Formula.Kind {
		case ActualUse:
			if len(c.Formula.Shares) > 0 {
				refuse(i, CodeSharesInvalid, "drop the shares or choose basis_points", "%s is billed by actual use and has shares", c.Code)
			}
		case PersonDays, HeadCount:
			if len(c.Formula.Shares) > 0 {
				refuse(i, CodeSharesInvalid, "drop the shares or choose basis_points", "%s is %s, and rosters say who bears what", c.Code, c.Formula.Kind)
			}
			if rosters != 1 {
				refuse(i, CodeAgreementInvalid, "name exactly one category of head_count for the rosters", "%s is %s and there are %d categories of head_count", c.Code, c.Formula.Kind, rosters)
			}
		case BasisPoints:
			if why := sharesFault(c.Formula.Shares, len(a.Members)); why != "" {
				refuse(i, CodeSharesInvalid, "give every member its basis points, 10000 in all", "%s: %s", c.Code, why)
			}
		default:
			refuse(i, CodeAgreementInvalid, "choose actual_use, basis_points, person_days or head_count", "%s has no known formula: %s", c.Code, c.Formula.Kind)
		}
		if n := len(a.Members); c.Formula.Kind.Shared() && n > MaxSharers {
			refuse(i, CodeSharesInvalid, "bill it by actual use, or make agreements of fewer members", "%s is shared by %d members, and a share can be proven among %d at most", c.Code, n, MaxSharers)
		}
	}
	return wrong
}

// rosters counts the categories of head counts.
func (a Agreement) rosters() (n int) {
	for _, c := range a.Categories {
		if c.Formula.Kind == HeadCount {
			n++
		}
	}
	return n
}

func sharesFault(shares []int64, members int) string {
	if len(shares) != members {
		return fmt.Sprintf("%d shares for %d members", len(shares), members)
	}
	sum := int64(0)
	for i, s := range shares {
		if s < 0 || s > WholeBP {
			return fmt.Sprintf("the share of member %d is %d", i+1, s)
		}
		sum += s
	}
	if sum != WholeBP {
		return fmt.Sprintf("the shares add to %d", sum)
	}
	return ""
}

// Member finds a member by its nation.
func (a Agreement) Member(n Nation) (Member, bool) {
	if i := a.memberIndex(n); i >= 0 {
		return a.Members[i], true
	}
	return Member{}, false
}

// CategoryIndex gives the number of a category in every commitment, 0 to 15, or -1 for an unknown code.
func (a Agreement) CategoryIndex(code string) int {
	for i, c := range a.Categories {
		if c.Code == code {
			return i
		}
	}
	return -1
}

func (a Agreement) memberIndex(n Nation) int {
	for i, m := range a.Members {
		if m.Nation == n {
			return i
		}
	}
	return -1
}

// TextFault says what is wrong with a free text of at most limit bytes, or "". Only printable characters may stand in one: what two people sign must look the same to both, so no
// controls, no invisible or direction-changing characters, no spaces but the plain one, and none at the ends.
func TextFault(text string, limit int) string {
	switch {
	case text == "":
		return "it is empty"
	case len(text) > limit:
		return fmt.Sprintf("it has %d bytes, at most %d are allowed", len(text), limit)
	case !utf8.ValidString(text):
		return "it is not valid UTF-8"
	case strings.TrimSpace(text) != text:
		return fmt.Sprintf("%q starts or ends with a space", text)
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("%q contains the unprintable character %U", text, r)
		}
	}
	return ""
}
