package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"entente/bridge/bus"
	"entente/ops/node"
	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/wallet"
)

// operatorFlags are what an operator's commands start from: the trust file, the operator's own key, and where the bank listens.
type operatorFlags struct {
	trust, keys, unlock, broker string
	json                        bool
}

func (f *operatorFlags) add(cmd *cobra.Command, sends bool) {
	cmd.Flags().StringVar(&f.trust, "trust", "", "the consortium's trust file, network.json")
	cmd.Flags().StringVar(&f.keys, "keys", "", "the operator's key file")
	cmd.Flags().StringVar(&f.unlock, "unlock", "", "unlock file of the key file")
	if sends {
		cmd.Flags().StringVar(&f.broker, "broker", "", "broker of the bank, nats://host:port")
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print one JSON object")
}

// operatorSession is an operator at work: signing, and once connected sending.
type operatorSession struct {
	*node.Operator
	trust    *trust.Network
	currency money.Currency
	bank     string
	close    func()
}

func readTrust(path string) (*trust.Network, error) {
	if path == "" {
		return nil, usage(fmt.Errorf("--trust FILE is missing"))
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, refusal.Newf("trust_missing", "check the path of the trust file", "the trust file cannot be read: %v", err)
	}
	return trust.Parse(file)
}

// open opens the key file, and connects to the broker when connect says so.
func (f *operatorFlags) open(ctx context.Context, connect bool) (*operatorSession, error) {
	switch {
	case f.keys == "":
		return nil, usage(fmt.Errorf("--keys FILE is missing"))
	case connect && f.broker == "":
		return nil, usage(fmt.Errorf("--broker URL is missing"))
	}
	network, err := readTrust(f.trust)
	if err != nil {
		return nil, err
	}
	ring, err := openRing(f.keys, f.unlock)
	if err != nil {
		return nil, err
	}
	s := &operatorSession{trust: network, bank: ring.Owner(), close: func() {}}
	pinned, ok := network.Bank(s.bank)
	if !ok {
		return nil, refusal.Newf(wallet.CodeKeyMissing, "use the key file of a bank's operator", "the trust file has no bank %q", s.bank)
	}
	if s.currency, err = money.ParseCurrency(pinned.Currency); err != nil {
		return nil, err
	}
	var b *bus.Bus
	if connect {
		if b, err = bus.Connect(ctx, bus.Options{URL: f.broker, Name: "operator of " + s.bank, Network: network.Network, Development: network.Development}); err != nil {
			return nil, err
		}
		s.close = b.Close
	}
	if s.Operator, err = node.NewOperator(s.bank, network, ring, b, unixMS); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func unixMS() int64 { return time.Now().UnixMilli() }

// amount reads an amount in the ledger's currency, in minor units; nothing is zero.
func (s *operatorSession) amount(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	a, err := money.Parse(text, s.currency)
	return a.Minor(), err
}

// show writes an amount of the ledger's currency for people.
func (s *operatorSession) show(minor int64) string { return money.New(minor, s.currency).Format() }

// addOperating gives the bank's command what its operators type.
func addOperating(bank *cobra.Command) *cobra.Command {
	bank.AddCommand(newBankOrder(), newBankShow(), newBankSign(), newBankSend(), newBankStatus(), newBankBalance(), newBankStatement())
	return bank
}

// day reads a day that may be left out.
func day(text string) (wire.Day, error) {
	if text == "" {
		return 0, nil
	}
	return wire.ParseDay(text)
}

// moment writes a time for people.
func moment(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000")
}

// readMoment reads a time: a day, whose beginning it is, or RFC 3339. Nothing is 0.
func readMoment(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if d, err := wire.ParseDay(text); err == nil {
		return d.StartMS(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, refusal.Newf(wire.CodeMalformed, "write 2026-11-20 or 2026-11-20T15:04:05Z", "%.40q is no time", text)
	}
	return t.UnixMilli(), nil
}
