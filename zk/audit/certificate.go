package audit

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"entente/schema/money"
	"entente/schema/trust"
	"entente/schema/wire"
)

// certificateWidth is the longest line of a certificate, in characters.
const certificateWidth = 110

// notChecked lists what no result of this package says anything about.
func notChecked(r *Report, open []string) []string {
	list := []string{
		"The line items themselves: both nations of a bill vouch for them by their signatures; nobody else sees them.",
		"Deliveries and receipts that were never billed: nothing left out means nothing recorded was left out.",
		"Amounts of single entries that pay no bill, and balances before the heads: proven is what the accounts hold at the heads.",
		"Whether a rate is the one that was quoted: proven is that both legs of a swap fit the rate that a bank signed.",
		"What no charter bounds: budgets hold for the members, currencies and categories that it lists.",
	}
	reversals := 0
	for _, l := range r.Ledgers {
		reversals += l.Leaves[wire.LeafReversal.String()]
	}
	if reversals > 0 {
		list = append(list, fmt.Sprintf("That every reversal gives back the amount of what it undoes. Reversals: %d.", reversals))
	}
	list = append(list, open...)
	list = append(list, unwitnessed(r.WitnessQuorum, r.Witnesses)...)
	if r.Insecure() {
		list = append(list, "Whoever made the development keys: they can forge every proof and signature made with them.")
	}
	return list
}

// Certificate gives the report as text for people, at most 110 characters wide: what was proven, by which circuit and key, against which root, and what
// was not checked. It says INSECURE when it rests on development keys.
func (r *Report) Certificate() string {
	p := &page{}
	p.title(r)
	p.findings(r)
	p.checks(r)
	p.logs(r)
	p.payments(r)
	p.supplies(r)
	p.totals(r)
	p.keys(r)
	p.heading("Not checked")
	for _, line := range r.NotChecked {
		p.wrap("  - ", line)
	}
	if r.Insecure() {
		p.line("")
		p.insecure()
	}
	return p.String()
}

// page is text being written.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) {
	p.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func (p *page) heading(text string) { p.line("\n%s", text) }

// wrap writes words after a lead, and indents the lines that follow by the lead's width. A word longer than a line is broken.
func (p *page) wrap(lead, text string) {
	indent := strings.Repeat(" ", utf8.RuneCountInString(lead))
	room := certificateWidth - len(indent)
	var line []rune
	flush := func() {
		p.line("%s%s", lead, string(line))
		lead, line = indent, nil
	}
	for _, word := range strings.Fields(text) {
		runes := []rune(word)
		if len(line) > 0 && len(line)+1+len(runes) > room {
			flush()
		}
		if len(line) > 0 {
			line = append(line, ' ')
		}
		for len(line)+len(runes) > room {
			cut := room - len(line)
			line, runes = append(line, runes[:cut]...), runes[cut:]
			flush()
		}
		line = append(line, runes...)
	}
	flush()
}

// table writes rows under a head, columns as wide as their widest cell; columns whose head begins with ">" are flush right. A table too wide for the page
// becomes a list, each row's cells under one another.
func (p *page) table(head []string, rows [][]string) {
	right := make([]bool, len(head))
	widths := make([]int, len(head))
	for i := range head {
		head[i], right[i] = strings.CutPrefix(head[i], ">")
	}
	rows = append([][]string{head}, rows...)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	total := 0
	for _, w := range widths {
		total += w + 2
	}
	if total > certificateWidth {
		p.list(head, rows[1:])
		return
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if right[i] {
				pad, cell = "", pad+cell
			}
			line.WriteString("  " + cell + pad)
		}
		p.line("%s", line.String())
	}
}

func (p *page) list(head []string, rows [][]string) {
	for i, row := range rows {
		if i > 0 {
			p.line("")
		}
		for k, cell := range row {
			p.wrap(fmt.Sprintf("  %-12s", head[k]), cell)
		}
	}
}

func (p *page) insecure() {
	p.wrap("", "INSECURE: rests on development keys made by one party. Good for trying out, worth nothing as evidence.")
}

func (p *page) title(r *Report) {
	p.line("CERTIFICATE OF AUDIT")
	p.line("")
	if r.Insecure() {
		p.insecure()
		p.line("")
	}
	p.wrap("  Result    ", r.verdict())
	if r.Network != "" {
		p.wrap("  Network   ", r.Network)
	}
	p.wrap("  Bundle    ", fmt.Sprintf("%s bytes, SHA-256 %s", grouped(r.BundleBytes), r.BundleSHA256))
	if r.CreatedMS > 0 {
		p.line("  Made at   %s, by its own word", instant(r.CreatedMS))
	}
}

func (r *Report) verdict() string {
	switch r.Result {
	case Valid:
		return "VALID. All that is listed under Checks was proven from the bundle and the trust file alone."
	case Undecidable:
		return "UNDECIDABLE. Nothing is proven wrong, but something needed is missing; see Findings."
	}
	return "INVALID. The bundle is proven wrong; see Findings. No total is stated."
}

func (p *page) findings(r *Report) {
	if len(r.Findings) == 0 {
		return
	}
	p.heading("Findings")
	for _, f := range r.Findings {
		text := f.Text
		if f.Where != "" {
			text = f.Where + ": " + text
		}
		p.wrap(fmt.Sprintf("  %-11s  ", f.Result), string(f.Code)+": "+text)
	}
	if r.FindingsOmitted > 0 {
		p.line("  and %s more", grouped(r.FindingsOmitted))
	}
}

func (p *page) checks(r *Report) {
	p.heading("Checks")
	for _, s := range r.Steps {
		p.wrap(fmt.Sprintf("  %-10s  %-11s  ", s.Name, s.Result), s.Detail)
	}
}

func (p *page) logs(r *Report) {
	if len(r.Ledgers) == 0 {
		return
	}
	p.heading("Logs, with the root recomputed from all leaves")
	rows := make([][]string, 0, len(r.Ledgers))
	for _, l := range r.Ledgers {
		rows = append(rows, []string{l.Bank, l.Currency, grouped(int(l.Size)), instant(l.LastMS), l.Origin, l.Root.String()})
	}
	p.table([]string{"bank", "currency", ">leaves", "last entry", "origin", "root"}, rows)
}

func (p *page) payments(r *Report) {
	if len(r.Ledgers) == 0 {
		return
	}
	p.heading("Bills in force, by their ledger's log")
	rows := make([][]string, 0, len(r.Ledgers))
	for _, l := range r.Ledgers {
		rows = append(rows, []string{l.Bank, l.Currency, grouped(l.Billed.Bills), grouped(l.Outstanding.Bills),
			grouped(l.Held.Bills), grouped(l.Settled.Bills), grouped(l.Replaced)})
	}
	p.table([]string{"bank", "currency", ">billed", ">outstanding", ">held", ">settled", ">replaced"}, rows)
	p.line("  %s bills countersigned, %s chunks proven, %d line items disclosed", grouped(r.Countersigned), grouped(r.BillProofs), r.ItemsDisclosed)
}

func (p *page) supplies(r *Report) {
	var rows [][]string
	for _, l := range r.Ledgers {
		if l.SupplyMinor != "" {
			rows = append(rows, []string{l.Bank, l.Currency, major(l.SupplyMinor, l.Currency), grouped(l.Accounts)})
		}
	}
	if len(rows) > 0 {
		p.heading("Issued and not redeemed, proven to be what all accounts hold, none of them below zero")
		p.table([]string{"bank", "currency", ">supply", ">accounts"}, rows)
	}
}

func (p *page) totals(r *Report) {
	for i, t := range r.Totals {
		if i > 0 && t.Programme == r.Totals[i-1].Programme && t.Bank == r.Totals[i-1].Bank {
			continue
		}
		p.line("")
		p.wrap("", fmt.Sprintf("Proven totals in %s of %s (programme %s, ledger %s)", t.Currency, t.ProgrammeName, t.Programme.Short(), t.Bank))
		var rows [][]string
		sum := new(big.Int)
		for _, row := range r.Totals[i:] {
			if row.Programme != t.Programme || row.Bank != t.Bank {
				break
			}
			if minor, ok := new(big.Int).SetString(row.Minor, 10); ok {
				sum.Add(sum, minor)
			}
			rows = append(rows, []string{row.Category, major(row.Minor, row.Currency)})
		}
		rows = append(rows, []string{"shown in all", major(sum.String(), t.Currency)})
		p.table([]string{"category", ">" + t.Currency}, rows)
	}
}

func (p *page) keys(r *Report) {
	if len(r.Keys) == 0 {
		return
	}
	p.heading("Circuits and verification keys, pinned by the trust file")
	for _, k := range r.Keys {
		ceremony := "ceremony " + k.Ceremony
		if k.Ceremony == trust.DevelopmentCeremony {
			ceremony = "development keys: INSECURE"
		}
		p.wrap("  ", fmt.Sprintf("%s, proofs verified: %s, %s", k.Circuit, grouped(k.Proofs), ceremony))
		p.line("      circuit  %s", k.CircuitID)
		p.line("      key      %s", k.KeyID)
	}
}

// instant shows Unix milliseconds as UTC.
func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }

// grouped shows a count with commas between thousands.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// major shows minor units in the currency's own decimals; what exceeds 64 bits stays in minor units.
func major(minor, code string) string {
	v, ok := new(big.Int).SetString(minor, 10)
	currency, err := money.ParseCurrency(code)
	if !ok || err != nil || !v.IsInt64() {
		return minor + " minor units"
	}
	text, _ := strings.CutSuffix(money.New(v.Int64(), currency).Format(), " "+code)
	return text
}
