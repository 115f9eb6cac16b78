package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"entente/ops/node"
	"entente/settlement/engine"
)

func newBankStatus() *cobra.Command {
	var f operatorFlags
	cmd := &cobra.Command{Use: "status", Short: "Show supply, reserves, day, halt, and every account with its balance and limits", Args: noArgs,
		Long: `Shows the whole ledger as of one moment: what is issued, when the reserves were last found
equal to it, whether its day is open and whether it is halted, every account with what is
held of it and what it may still pay, and what orders have set aside.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.report(cmd, func(s *operatorSession) (any, func(io.Writer), error) {
				l, err := s.Ledger(cmd.Context())
				return l, func(w io.Writer) { s.printLedger(w, &l) }, err
			})
		}}
	f.add(cmd, true)
	return cmd
}

// report asks, and prints the answer for people or as one JSON object.
func (f *operatorFlags) report(cmd *cobra.Command, ask func(*operatorSession) (any, func(io.Writer), error)) error {
	s, err := f.open(cmd.Context(), true)
	if err != nil {
		return err
	}
	defer s.close()
	answer, text, err := ask(s)
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(answer)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	text(w)
	return w.Flush()
}

func (s *operatorSession) printLedger(w io.Writer, l *node.Ledger) {
	day := map[string]string{"always": l.Day.String() + ", around the clock", "open": l.Day.String() + ", open", "closed": l.Day.String() + ", closed: nothing starts"}[l.DayState]
	state := "running"
	if l.Halted {
		state = "HALTED: nothing starts, what is prepared completes"
	}
	fmt.Fprintf(w, "ledger\t%s, %s\n", l.Bank, l.Currency)
	fmt.Fprintf(w, "as of\tentry %d, %s\n", l.Size, moment(l.TimeMS))
	fmt.Fprintf(w, "day\t%s\n", day)
	fmt.Fprintf(w, "state\t%s\n", state)
	fmt.Fprintf(w, "supply\t%s\n", s.show(l.SupplyMinor))
	fmt.Fprintf(w, "balances\t%s\n", s.show(l.BalancesSumMinor))
	if r := l.Reconciled; r == nil {
		fmt.Fprintf(w, "reserves\tnever reconciled\n")
	} else {
		fmt.Fprintf(w, "reserves\t%s by %s at entry %d, %s; issued since: %s\n", s.show(r.ReservesMinor), r.Reserve, r.Seq, moment(r.TimeMS), s.show(r.SinceMinor))
	}
	fmt.Fprintf(w, "swaps\t%d not final\n", l.SwapsOpen)
	fmt.Fprintf(w, "\naccount\tstatus\tbalance\tavailable\theld out\tawaited\tat once\ta day\tused %s\n", l.Day)
	limit := func(minor int64) string {
		if minor == 0 {
			return "-"
		}
		return s.show(minor)
	}
	for _, a := range l.Accounts {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.Account, a.Status, s.show(a.BalanceMinor), s.show(a.AvailableMinor), s.show(a.PendingOutMinor),
			s.show(a.PendingInMinor), limit(a.PerTransferMinor), limit(a.PerDayMinor), s.show(a.UsedTodayMinor))
	}
	if len(l.Holds) == 0 {
		return
	}
	fmt.Fprintf(w, "\nheld by order\tfrom\tto\tamount\texpires\n")
	for _, h := range l.Holds {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", h.Order, h.Account, h.Payee, s.show(h.Minor), moment(h.ExpiresMS))
	}
}

func newBankBalance() *cobra.Command {
	var f operatorFlags
	var account, at string
	var entries int64
	cmd := &cobra.Command{Use: "balance --account ID", Short: "Show an account as of now, of a past time, or of a past entry", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			atMS, err := readMoment(at)
			if err != nil {
				return err
			}
			return f.report(cmd, func(s *operatorSession) (any, func(io.Writer), error) {
				p, err := s.Past(cmd.Context(), node.PastQuery{Account: account, Size: entries, AtMS: atMS})
				return p, func(w io.Writer) { fmt.Fprintf(w, "%s\t%s\n", p.Account, s.money(p.Moment)) }, err
			})
		}}
	f.add(cmd, true)
	cmd.Flags().StringVar(&account, "account", "", "account")
	cmd.Flags().StringVar(&at, "at", "", "as of the end of this time: 2026-11-20T15:04:05Z, or a day's beginning")
	cmd.Flags().Int64Var(&entries, "entries", 0, "as of the ledger's first so many entries")
	cmd.MarkFlagsMutuallyExclusive("at", "entries")
	return cmd
}

// money says what an account has at a moment.
func (s *operatorSession) money(m node.Moment) string {
	return fmt.Sprintf("%s, available %s, held out %s, awaited %s, after %d entries, %s", s.show(m.BalanceMinor), s.show(m.AvailableMinor), s.show(m.PendingOutMinor),
		s.show(m.PendingInMinor), m.Size, moment(m.TimeMS))
}

func newBankStatement() *cobra.Command {
	var f operatorFlags
	var account, from, until string
	cmd := &cobra.Command{Use: "statement --account ID", Short: "Show an account's statement for a period", Args: noArgs,
		Long: `Shows the opening balance, every entry that moved, held or gave back the account's money,
and the closing balance. The period begins with --from and ends before --until; each is a
day in UTC or a time. With neither it is the account's whole life.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := node.StatementQuery{Account: account, Lines: engine.StatementLinesMost}
			var err error
			if q.FromMS, err = readMoment(from); err != nil {
				return err
			}
			if q.UntilMS, err = readMoment(until); err != nil {
				return err
			}
			return f.report(cmd, func(s *operatorSession) (any, func(io.Writer), error) {
				whole, err := s.wholeStatement(cmd, q)
				return whole, func(w io.Writer) { s.printStatement(w, &whole) }, err
			})
		}}
	f.add(cmd, true)
	cmd.Flags().StringVar(&account, "account", "", "account")
	cmd.Flags().StringVar(&from, "from", "", "first moment of the period")
	cmd.Flags().StringVar(&until, "until", "", "moment before which it ends")
	return cmd
}

// wholeStatement asks for page after page, all as of the moment of the first.
func (s *operatorSession) wholeStatement(cmd *cobra.Command, q node.StatementQuery) (node.Statement, error) {
	whole, err := s.Statement(cmd.Context(), q)
	for next := whole.Next; err == nil && next != 0; {
		q.Page, q.Size = next, whole.Closing.Size
		var page node.Statement
		if page, err = s.Statement(cmd.Context(), q); err == nil {
			whole.Lines = append(whole.Lines, page.Lines...)
			next = page.Next
		}
	}
	whole.Next = 0
	return whole, err
}

func (s *operatorSession) printStatement(w io.Writer, st *node.Statement) {
	fmt.Fprintf(w, "account\t%s of %s\n", st.Account, st.Owner)
	fmt.Fprintf(w, "opening\t%s\n", s.money(st.Opening))
	fmt.Fprintf(w, "\nentry\tbooked\tvalue\tkind\tamount\tother side\tbalance\tavailable\treference\n")
	for _, l := range st.Lines {
		reference := l.Reference
		if len(reference) == 64 {
			reference = reference[:16]
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Seq, moment(l.TimeMS), l.Value, l.Kind, s.show(l.Minor), l.Counterparty, s.show(l.BalanceMinor), s.show(l.AvailableMinor), reference)
	}
	fmt.Fprintf(w, "\nclosing\t%s\n", s.money(st.Closing))
}
