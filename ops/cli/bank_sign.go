package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"entente/ops/node"
	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
)

func oneFile(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(1)(cmd, args)) }

func readOrder(path string) (*wire.Envelope, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, refusal.Newf("file_missing", "check the path", "the order cannot be read: %v", err)
	}
	e, err := wire.ParseEnvelope(file, wire.LimitMessage)
	return &e, err
}

func newBankShow() *cobra.Command {
	var trustPath string
	var asJSON bool
	cmd := &cobra.Command{Use: "show FILE --trust network.json", Short: "Show an order that an operator has signed, and who did", Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			network, err := readTrust(trustPath)
			if err != nil {
				return err
			}
			e, err := readOrder(args[0])
			if err != nil {
				return err
			}
			return showOrder(cmd.OutOrStdout(), network, e, asJSON)
		}}
	cmd.Flags().StringVar(&trustPath, "trust", "", "the consortium's trust file, network.json")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

func newBankSign() *cobra.Command {
	var f operatorFlags
	cmd := &cobra.Command{Use: "sign FILE", Short: "Add a second operator's signature to an order", Args: oneFile,
		Long: `Shows an order that another operator has signed and adds this operator's signature to the
same bytes. Read it first with ` + "`entente bank show`" + `.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := f.open(cmd.Context(), false)
			if err != nil {
				return err
			}
			e, err := readOrder(args[0])
			if err != nil {
				return err
			}
			if _, _, err := node.SignedOrder(e, s.trust); err != nil {
				return err
			}
			if err := s.CoSign(e); err != nil {
				return err
			}
			if err := replace(args[0], e.Bytes()); err != nil {
				return err
			}
			return showOrder(cmd.OutOrStdout(), s.trust, e, f.json)
		}}
	f.add(cmd, false)
	return cmd
}

// replace writes a file anew, whole or not at all.
func replace(path string, content []byte) error {
	fresh, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write the order: %w", err)
	}
	_, err = fresh.Write(content)
	if closed := fresh.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the order: %w", err)
	}
	return nil
}

func newBankSend() *cobra.Command {
	var f operatorFlags
	cmd := &cobra.Command{Use: "send FILE", Short: "Hand in an order that its operators have signed", Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := f.open(cmd.Context(), true)
			if err != nil {
				return err
			}
			defer s.close()
			e, err := readOrder(args[0])
			if err != nil {
				return err
			}
			return f.send(cmd, s, e)
		}}
	f.add(cmd, true)
	return cmd
}

// shownOrder is an order for a program to read.
type shownOrder struct {
	Order   wire.Hash         `json:"order"`
	Kind    string            `json:"kind"`
	Bank    string            `json:"bank"`
	Says    map[string]string `json:"says"`
	Signers []string          `json:"signers"`
	Missing int               `json:"missing"` // signatures of further operators
}

// showOrder says what an order says and who signed it.
func showOrder(w io.Writer, network *trust.Network, e *wire.Envelope, asJSON bool) error {
	o, signers, err := node.SignedOrder(e, network)
	if err != nil {
		return err
	}
	pinned, _ := network.Bank(o.Bank)
	currency, err := money.ParseCurrency(pinned.Currency)
	if err != nil {
		return err
	}
	shown := shownOrder{Order: e.Hash(), Kind: o.Kind.String(), Bank: o.Bank, Says: map[string]string{}, Missing: max(0, 1+o.Kind.Approvals()-len(signers))}
	for _, k := range signers {
		shown.Signers = append(shown.Signers, k.Name)
	}
	words := orderWords(&o, currency)
	for _, word := range words {
		shown.Says[word[0]] = word[1]
	}
	if asJSON {
		return json.NewEncoder(w).Encode(shown)
	}
	fmt.Fprintf(w, "order to %s at %s, %s\n", shown.Kind, shown.Bank, shown.Order)
	for _, word := range words {
		fmt.Fprintf(w, "  %-13s %s\n", word[0], word[1])
	}
	_, err = fmt.Fprintf(w, "  %-13s %s\n", "signed by", strings.Join(shown.Signers, ", "))
	if err == nil && shown.Missing > 0 {
		_, err = fmt.Fprintf(w, "  %-13s %d more\n", "needs", shown.Missing)
	}
	return err
}

// orderWords gives what an order says beside its kind, in the order of its fields.
func orderWords(o *wire.Order, currency money.Currency) [][2]string {
	var words [][2]string
	say := func(name, text string) {
		if text != "" {
			words = append(words, [2]string{name, text})
		}
	}
	sum := func(minor int64) string {
		if minor == 0 {
			return ""
		}
		return money.New(minor, currency).Format()
	}
	say("account", o.Account)
	say("owner", o.Owner)
	say("as", map[wire.AccountKind]string{wire.AccountIssuance: "issuance", wire.AccountDesk: "desk", wire.AccountProvider: "provider", wire.AccountSuspense: "suspense"}[o.As])
	say("set", map[wire.AccountStatus]string{wire.StatusActive: "active", wire.StatusFrozen: "frozen", wire.StatusClosed: "closed"}[o.Status])
	say("payee", o.Payee)
	say("amount", sum(o.Minor))
	say("per transfer", sum(o.PerTransfer))
	say("per day", sum(o.PerDay))
	say("reserve", o.Reserve)
	say("day", o.Day.String())
	say("value date", o.Value.String())
	if o.ExpiresMS != 0 {
		say("expires", moment(o.ExpiresMS))
	}
	if !o.Hold.IsZero() {
		say("hold", o.Hold.String())
	}
	if o.Kind == wire.OrderReverse {
		say("entry", fmt.Sprint(o.Entry))
	}
	say("reason", o.Reason)
	say("made", moment(o.AtMS))
	return words
}
