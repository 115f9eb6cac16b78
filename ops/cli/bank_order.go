package cli

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"entente/ops/node"
	"entente/schema/refusal"
	"entente/schema/wire"
)

// orderFlags are the words of an order.
type orderFlags struct {
	operatorFlags
	account, owner, as, status, payee string
	amount, perTransfer, perDay       string
	day, value, expires, hold         string
	entry                             int64
	reserve, reason, out              string
}

// orderKind is how one kind of order is typed.
type orderKind struct {
	kind  wire.OrderKind
	short string
	flags []string
}

var orderKinds = []orderKind{
	{wire.OrderOpen, "Open an account", []string{"account", "owner", "as"}},
	{wire.OrderStatus, "Freeze, unfreeze or close an account", []string{"account", "set"}},
	{wire.OrderLimit, "Set what an account may pay at once and in a day; an amount left out is no limit", []string{"account", "per-transfer", "per-day"}},
	{wire.OrderIssue, "Bring tokens into being, on a movement of reserves (two operators)", []string{"account", "amount", "reserve", "value"}},
	{wire.OrderRedeem, "Take tokens out of being, on a movement of reserves (two operators)", []string{"account", "amount", "reserve", "value"}},
	{wire.OrderHold, "Set money aside for a payee, until a time if you say so", []string{"account", "payee", "amount", "expires"}},
	{wire.OrderPost, "Pay out what an order set aside (two operators)", []string{"hold"}},
	{wire.OrderVoid, "Give back what an order set aside", []string{"hold"}},
	{wire.OrderReverse, "Undo an issue, redemption or transfer by a new entry (two operators)", []string{"entry", "value"}},
	{wire.OrderReconcile, "Compare the reserves, as the RTGS states them, with the supply", []string{"amount", "reserve"}},
	{wire.OrderOpenDay, "Open a business day", []string{"day"}},
	{wire.OrderCloseDay, "Close the business day: nothing starts until the next, what is prepared completes", []string{"day"}},
	{wire.OrderHalt, "Stop at once: nothing starts, what is prepared completes", nil},
	{wire.OrderResume, "Let a halted ledger go on (two operators)", nil},
}

func newBankOrder() *cobra.Command {
	cmd := &cobra.Command{Use: "order", Short: "Give the ledger a signed order", Args: noArgs,
		Long: `Makes an operator's order, signs it with the operator's key and sends it to the bank.

An order that takes two operators is written to a file instead (--out). A second operator
reads it with ` + "`entente bank show`" + `, adds a signature with ` + "`entente bank sign`" + `, and either
of them hands it in with ` + "`entente bank send`" + `. It is carried out once, however often it is sent.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	for _, k := range orderKinds {
		cmd.AddCommand(k.command())
	}
	return cmd
}

func (k orderKind) command() *cobra.Command {
	var f orderFlags
	cmd := &cobra.Command{Use: k.kind.String(), Short: k.short, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, k.kind) }}
	f.add(cmd, true)
	for _, name := range k.flags {
		f.word(cmd, name)
	}
	cmd.Flags().StringVar(&f.reason, "reason", "", "why, for the record")
	cmd.Flags().StringVar(&f.out, "out", "", "write the signed order to this file and do not send it")
	return cmd
}

// word adds one of an order's own flags.
func (f *orderFlags) word(cmd *cobra.Command, name string) {
	texts := map[string]struct {
		to   *string
		help string
	}{
		"account": {&f.account, "account it is about"}, "owner": {&f.owner, "nation, provider or bank that owns it"},
		"as":  {&f.as, "what it is for: issuance, desk, provider or suspense"},
		"set": {&f.status, "active, frozen or closed"}, "payee": {&f.payee, "account the money is for"},
		"amount": {&f.amount, "amount, such as 1250.00"}, "per-transfer": {&f.perTransfer, "most that one payment may take"},
		"per-day": {&f.perDay, "most that the payments of one ledger day may take"}, "day": {&f.day, "business day, such as 2026-11-20"},
		"value": {&f.value, "value date, such as 2026-11-20 (default: the ledger's day)"}, "hold": {&f.hold, "hash of the order that set the money aside"},
		"expires": {&f.expires, "when it is given back by itself: 2026-11-20T15:00:00Z, or a duration such as 36h"},
		"reserve": {&f.reserve, "reference at the RTGS: of the movement, or of the statement"},
	}
	if name == "entry" {
		cmd.Flags().Int64Var(&f.entry, name, -1, "sequence number of the entry to undo")
		return
	}
	cmd.Flags().StringVar(texts[name].to, name, "", texts[name].help)
}

func (f *orderFlags) run(cmd *cobra.Command, kind wire.OrderKind) error {
	send := f.out == ""
	s, err := f.open(cmd.Context(), send)
	if err != nil {
		return err
	}
	defer s.close()
	order, err := f.order(s, kind)
	if err != nil {
		return err
	}
	envelope, err := s.Sign(order)
	if err != nil {
		return err
	}
	if !send {
		return f.write(cmd.OutOrStdout(), s, &envelope)
	}
	if len(envelope.Signatures) < 1+kind.Approvals() {
		return refusal.Newf("approval_missing", "write it with --out FILE and have another operator sign it", "an order to %s takes %d operators", kind, 1+kind.Approvals())
	}
	return f.send(cmd, s, &envelope)
}

// order reads the words.
func (f *orderFlags) order(s *operatorSession, kind wire.OrderKind) (o wire.Order, err error) {
	o = wire.Order{Kind: kind, Account: f.account, Owner: f.owner, Payee: f.payee, Reserve: f.reserve, Reason: f.reason, Entry: max(0, f.entry)}
	for _, amount := range []struct {
		to   *int64
		text string
	}{{&o.Minor, f.amount}, {&o.PerTransfer, f.perTransfer}, {&o.PerDay, f.perDay}} {
		if *amount.to, err = s.amount(amount.text); err != nil {
			return o, err
		}
	}
	if o.Day, err = day(f.day); err != nil {
		return o, err
	}
	if o.Value, err = day(f.value); err != nil {
		return o, err
	}
	if o.ExpiresMS, err = readExpiry(f.expires); err != nil {
		return o, err
	}
	if f.hold != "" {
		b, err := hex.DecodeString(f.hold)
		if err != nil || len(b) != len(o.Hold) {
			return o, usage(fmt.Errorf("--hold is the 64 hexadecimal digits that the order was answered with"))
		}
		o.Hold = wire.Hash(b)
	}
	switch kind {
	case wire.OrderOpen:
		kinds := map[string]wire.AccountKind{"issuance": wire.AccountIssuance, "desk": wire.AccountDesk, "provider": wire.AccountProvider, "suspense": wire.AccountSuspense}
		if o.As = kinds[f.as]; o.As == 0 {
			return o, usage(fmt.Errorf("--as is issuance, desk, provider or suspense, not %q", f.as))
		}
	case wire.OrderStatus:
		statuses := map[string]wire.AccountStatus{"active": wire.StatusActive, "frozen": wire.StatusFrozen, "closed": wire.StatusClosed}
		if o.Status = statuses[f.status]; o.Status == 0 {
			return o, usage(fmt.Errorf("--set is active, frozen or closed, not %q", f.status))
		}
	case wire.OrderReverse:
		if f.entry < 0 {
			return o, usage(fmt.Errorf("--entry NUMBER is missing"))
		}
	}
	return o, nil
}

// readExpiry reads a moment to come, or how far off it is.
func readExpiry(text string) (int64, error) {
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return time.Now().Add(d).UnixMilli(), nil
	}
	return readMoment(text)
}

// write puts a signed order into a new file.
func (f *orderFlags) write(w io.Writer, s *operatorSession, e *wire.Envelope) error {
	file, err := os.OpenFile(f.out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return refusal.Newf("file_exists", "name a new file", "the order cannot be written: %v", err)
	}
	_, err = file.Write(e.Bytes())
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write the order: %w", err)
	}
	return showOrder(w, s.trust, e, f.json)
}

// send hands an order in and says what came of it.
func (f *operatorFlags) send(cmd *cobra.Command, s *operatorSession, e *wire.Envelope) error {
	order, _, err := node.SignedOrder(e, s.trust)
	if err != nil {
		return err
	}
	if order.Bank != s.bank {
		return refusal.Newf(wire.CodeWrongRecipient, "hand it in with a key of that bank's operator", "the order is for %s", order.Bank)
	}
	done, err := s.Send(cmd.Context(), *e)
	if err != nil {
		return err
	}
	if f.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(done)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "done: %s is entry %d, order %s\n", order.Kind, done.Seq, done.Order)
	return err
}
