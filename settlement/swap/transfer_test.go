package swap

import (
	"testing"

	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
)

// furnishing is Korea's transfer to the provider, both with accounts at BOJ.
func (w *world) furnishing(name string) TransferAuthorised {
	in := w.inside(name, "medical").Instruction
	in.MaxDebitMinor, in.PayMinor = 100, 100
	in.Payee, in.PayeeAccount, in.Bills = "Provider", "LP-JPY", nil
	return TransferAuthorised{Instruction: &in, InstructionHash: in.Hash(), NowMS: w.nowMS}
}

func TestATransferMovesMoneyOnceAndDischargesNothing(t *testing.T) {
	w := newWorld(t)
	e := w.furnishing("t1")
	out := w.must(t, "BOJ", e)
	if len(out.Entries) != 1 || out.Entries[0].Kind != wire.LeafTransfer || out.Entries[0].Bills != nil || out.Entries[0].Blinding != [32]byte{} {
		t.Fatalf("entries %+v", out.Entries)
	}
	if again := w.must(t, "BOJ", e); len(again.Entries)+len(again.Notes) != 0 {
		t.Errorf("the second time gave %+v", again)
	}
	for account, want := range map[string]int64{"KR-JPY": 500, "LP-JPY": 2_100} {
		if a, _ := w.banks["BOJ"].Ledger().Account(account); a.Balance() != want {
			t.Errorf("%s has %d, want %d", account, a.Balance(), want)
		}
	}
	if o, ok := w.banks["BOJ"].Outcome(e.InstructionHash); !ok || o.State != Settled {
		t.Errorf("outcome %+v %v", o, ok)
	}
}

func TestEachTransferIsRefusedByName(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*wire.Instruction)
		want   refusal.Code
	}{
		{"of another network", func(in *wire.Instruction) { in.Network = "other-net" }, wire.CodeWrongNetwork},
		{"from another bank", func(in *wire.Instruction) { in.PayerBank = "RBI" }, wire.CodeWrongRecipient},
		{"in another currency", func(in *wire.Instruction) { in.DebitCurrency = "INR" }, CodeTermsMismatch},
		{"after its deadline", func(in *wire.Instruction) { in.DeadlineMS = 1 }, CodeExpired},
		{"from somebody else's account", func(in *wire.Instruction) { in.PayerAccount = "JP-JPY" }, ledger.CodeAccountForeign},
		{"to another bank", func(in *wire.Instruction) { in.PayeeBank = "RBI" }, CodeTermsMismatch},
		{"paid in another currency", func(in *wire.Instruction) { in.PayCurrency = "INR" }, CodeTermsMismatch},
		{"of a bill", func(in *wire.Instruction) { in.Bills = []wire.Hash{hashOf("bill")} }, CodeBillOpening},
		{"above what its maker allowed", func(in *wire.Instruction) { in.MaxDebitMinor = 99 }, payment.CodeOverDebitLimit},
		{"to somebody else's account", func(in *wire.Instruction) { in.PayeeAccount = "JP-JPY" }, ledger.CodeAccountForeign},
		{"of nothing", func(in *wire.Instruction) { in.PayMinor = 0 }, wire.CodeAmountInvalid},
		{"of more than there is", func(in *wire.Instruction) { in.MaxDebitMinor, in.PayMinor = 601, 601 }, ledger.CodeInsufficientFunds},
	} {
		t.Run("a transfer "+c.name, func(t *testing.T) {
			w := newWorld(t)
			e := w.furnishing("t1")
			c.change(e.Instruction)
			e.InstructionHash = e.Instruction.Hash()
			refusedBy(t, w.banks["BOJ"], c.want, e)
		})
	}
}
