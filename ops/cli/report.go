package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode"

	"entente/ops/devnet"
	"entente/schema/money"
	"entente/settlement/payment"
	"entente/settlement/programme"
)

// printStory prints what happened, for a person, in the order in which it happened.
func printStory(out io.Writer, s *devnet.Story) error {
	p := &printer{w: out, story: s}
	a := s.Agreement()
	p.line("%s (%s), %s to %s", a.Name, a.ID, a.Starts, a.Ends)
	for _, m := range a.Members {
		p.line("  %s  %s, pays and is paid in %s at the %s (%s)", m.Nation, m.Name, m.Currency, m.BankName, m.Bank)
	}
	p.records()
	p.cases()
	p.bills()
	p.payments()
	p.crashes()
	p.positions()
	p.ledgers()
	p.heading("Audit")
	p.text(s.Report.Certificate())
	p.phases()
	p.line("")
	p.line("verdict     %s, as the certificate above says", strings.ToUpper(string(s.Report.Result)))
	p.line("directory   %s", filepath.Dir(s.Net.TrustPath))
	p.line("            holds private keys of this network; delete it when you need it no more")
	p.line("trust file  %s", s.Net.TrustPath)
	p.line("bundle      %s", s.BundlePath)
	p.line("check it    %s audit verify --trust %s %s", called(os.Args[0]), word(s.Net.TrustPath), word(s.BundlePath))
	return p.err
}

// built is where `go run` leaves the program it starts: a directory for one build, or the build cache.
var built = regexp.MustCompile(`[/\\](go-build\d+[/\\]b\d+[/\\]exe|[0-9a-f]{2}[/\\][0-9a-f]{64}-d)[/\\][^/\\]+$`)

// called is how the reader calls this program, from the name it was started by.
func called(name string) string {
	if built.MatchString(name) {
		return "go run ."
	}
	return word(name)
}

// word quotes what a shell would take apart.
func word(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+:@%,=", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// printer keeps the first error of writing, so that a full disk or a closed pipe is not taken for a finished report.
type printer struct {
	w     io.Writer
	story *devnet.Story
	err   error
}

func (p *printer) text(s string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, s)
	}
}

func (p *printer) line(format string, args ...any) { p.text(fmt.Sprintf(format, args...) + "\n") }

func (p *printer) heading(title string) {
	p.line("\n%s\n%s", title, strings.Repeat("-", len(title)))
}

// table prints rows in aligned columns; columns named in right are aligned to the right.
func (p *printer) table(right string, header string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	columns := strings.Split(header, "|")
	widths := make([]int, len(columns))
	all := append([][]string{columns}, rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for _, row := range all {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if strings.Contains("|"+right+"|", "|"+columns[i]+"|") {
				b.WriteString("  " + pad + cell)
			} else {
				b.WriteString("  " + cell + pad)
			}
		}
		p.line("%s", strings.TrimRight(b.String(), " "))
	}
}

func (p *printer) records() {
	s := p.story
	p.heading("Records of both nations")
	records, within := s.Records(), 0
	for _, l := range s.Lines {
		if !l.Supplied.Equal(l.Received) {
			within++
		}
	}
	p.line("%d records counted; %d lines confirmed by both nations, %d of them within the tolerance of %s %%;", records, len(s.Lines), within, percent(s.Agreement().ToleranceBP))
	p.line("%d lines diverge: each is a case of its own and stays out of the bills.", len(s.Divergences))
	var rows [][]string
	for _, d := range s.Divergences {
		rows = append(rows, []string{d.Date.String(), d.Category, string(d.Supplier), string(d.Receiver), d.Item, statement(d.Ours), statement(d.Theirs), strings.ReplaceAll(string(d.Reason), "_", " ")})
	}
	p.table("", "date|category|supplier|receiver|item|supplier counts|receiver counts|differs in", rows)
}

func statement(r *programme.Record) string {
	if r == nil {
		return "nothing"
	}
	return r.Statement()
}

func percent(basisPoints int64) string {
	return fmt.Sprintf("%d.%02d", basisPoints/100, basisPoints%100)
}

func (p *printer) cases() {
	s := p.story
	for _, c := range s.Cases() {
		p.heading("Equipment case " + c.ID)
		p.line("%s, from %s to %s. Only what a signed receipt covers is billed.", c.Title, c.Supplier, c.Receiver)
		var rows [][]string
		for _, d := range s.Deliveries {
			if d.Case == c.ID {
				rows = append(rows, []string{d.Receipt.Date.String(), d.Receipt.No, d.Contract.Item, d.Receipt.Delivered.String(), d.Receipt.Accepted.String(), d.Amount.Format(), d.Receipt.Discrepancy})
			}
		}
		p.table("delivered|accepted|billed", "date|receipt|item|delivered|accepted|billed|discrepancy", rows)
		for _, o := range s.Open {
			if o.Case == c.ID {
				p.line("  not yet accepted: %s %s of line %s, %s", o.Outstanding.Outstanding, o.Contract.Unit, o.Contract.No, o.Contract.Item)
			}
		}
	}
}

func (p *printer) bills() {
	p.heading("Bills")
	var rows [][]string
	for _, b := range p.story.Bills {
		rows = append(rows, []string{b.Hash.Short(), b.Debtor, b.Creditor, b.Reference, fmt.Sprint(b.Items), fmt.Sprint(b.Chunks), b.Total.Format(), string(b.State), fmt.Sprintf("%s #%d", b.Ledger, b.Seq)})
	}
	p.table("items|proofs|total", "bill|owes|is owed|for|items|proofs|total|state|leaf", rows)
}

func (p *printer) payments() {
	p.heading("Payments")
	var rows [][]string
	for _, v := range p.story.Payments {
		in := &v.Instruction
		rows = append(rows, []string{in.Payer, in.Payee, amount(in.PayMinor, in.PayCurrency), amount(v.DebitMinor, in.DebitCurrency), label(v), clock(v, payment.Made), clock(v, v.State), in.UETR.String()})
	}
	p.table("is paid|is debited", "payer|payee|is paid|is debited|state|made|since|UETR", rows)
}

// label says in one word where a payment stands, and never calls cleared what is not settled.
func label(v payment.Payment) string {
	if v.Cleared() && !v.Settled() {
		return "cleared, not settled"
	}
	return string(v.State)
}

// clock is the time of day, UTC, at which a payment entered a state.
func clock(v payment.Payment, state payment.State) string {
	for _, c := range v.History {
		if c.State == state {
			return time.UnixMilli(c.AtMS).UTC().Format("15:04:05.000")
		}
	}
	return "-"
}

func amount(minor int64, code string) string {
	currency, err := money.ParseCurrency(code)
	if err != nil {
		return fmt.Sprintf("%d minor units of %s", minor, code)
	}
	return money.New(minor, currency).Format()
}

func (p *printer) crashes() {
	if len(p.story.Crashes) == 0 {
		return
	}
	p.heading("Crashes")
	p.line("Killed without warning where it hurts most, and started again from what was durable. Nothing was repaired by hand.")
	var rows [][]string
	for _, c := range p.story.Crashes {
		rows = append(rows, []string{c.Process, c.Point, c.At.UTC().Format("15:04:05.000"), c.Back.UTC().Format("15:04:05.000")})
	}
	p.table("", "process|killed at|at|started again", rows)
}

func (p *printer) positions() {
	s := p.story
	p.heading("Positions")
	var rows [][]string
	for _, m := range s.Net.Trust.Members {
		before, after := s.Before[m.Nation], s.After[m.Nation]
		change := amount(after.BalanceMinor-before.BalanceMinor, after.Currency)
		rows = append(rows, []string{m.Nation, after.Account, amount(before.BalanceMinor, before.Currency), change, amount(after.BalanceMinor, after.Currency)})
	}
	p.table("before|change|after", "nation|account|before|change|after", rows)
}

func (p *printer) ledgers() {
	p.heading("Ledgers")
	var rows [][]string
	for _, l := range p.story.Summaries {
		rows = append(rows, []string{l.Bank, amount(l.SupplyMinor, l.Currency), amount(l.BalancesSumMinor, l.Currency), fmt.Sprint(l.SwapsSettled), fmt.Sprint(l.SwapsAborted), fmt.Sprint(l.SwapsOpen)})
	}
	p.table("issued|balances|swaps settled|aborted|open", "bank|issued|balances|swaps settled|aborted|open", rows)
}

func (p *printer) phases() {
	p.heading("Time")
	var rows [][]string
	for _, phase := range p.story.Phases {
		rows = append(rows, []string{phase.Name, fmt.Sprintf("%.2f", phase.Took.Seconds())})
	}
	p.table("seconds", "phase|seconds", rows)
}
