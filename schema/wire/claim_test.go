package wire

import (
	"math/big"
	"testing"

	"entente/schema/refusal"
)

func total96(v int64) Total96 {
	t, err := NewTotal96(big.NewInt(v))
	if err != nil {
		panic(err)
	}
	return t
}

func sampleHead() Head { return Head{Origin: "boj.example/log", Size: 42, Root: hashOf(90)} }

func sampleSlice(nation string) Slice {
	return Slice{Network: "sample-1", Programme: hashOf(21), Nation: nation, Ledger: "BOJ", Currency: "JPY", Head: sampleHead(), Nonce: hashOf(91)}
}

func sampleBudget() *BudgetClaim { return &BudgetClaim{sampleSlice("IND"), [64]byte(fill(92, 64))} }

func sampleShare() *ShareClaim {
	return &ShareClaim{sampleSlice("JPN"), 1, [][64]byte{[64]byte(fill(93, 64)), [64]byte(fill(94, 64)), [64]byte(fill(95, 64))}}
}

func sampleRate() *RateClaim {
	return &RateClaim{Network: "sample-1", Swap: hashOf(96), SellBank: "RBI", SellCurrency: "INR", BuyBank: "BOJ", BuyCurrency: "JPY", RateMantissa: 5_624, RateScale: 4,
		Rounding: 1, Sold: [64]byte(fill(97, 64)), Bought: [64]byte(fill(98, 64)), Nonce: hashOf(99)}
}

func sampleSupply() *SupplyClaim {
	return &SupplyClaim{Network: "sample-1", Bank: "BOJ", Currency: "JPY", Head: sampleHead(), Nonce: hashOf(91), Minor: 5_000_000, Blinding: [32]byte(fill(1, 32)), Block: 16}
}

func TestAClaimWithItsProofsComesBack(t *testing.T) {
	p := Proven{signedBy(TypeShare, sampleShare().Bytes(), 6), [][]byte{fill(6, 256), fill(7, 608)}}
	back, err := ParseProven(p.Bytes())
	if err != nil || len(back.Proofs) != 2 || back.Envelope.Hash() != p.Envelope.Hash() {
		t.Fatalf("%v", err)
	}
	if _, err := ParseProven(make([]byte, LimitBatch+1)); refusal.CodeOf(err) != CodeTooLarge {
		t.Errorf("got %v", err)
	}
}

func TestACharterKnowsItsBudgets(t *testing.T) {
	c := sampleCharter()
	if b, ok := c.Budget("IND", "JPY"); !ok || b.Grand.Big().Int64() != 9_000_000 {
		t.Errorf("the budget is %v, %v", b, ok)
	}
	for _, other := range [][2]string{{"IND", "AUD"}, {"AUS", "JPY"}} {
		if _, ok := c.Budget(other[0], other[1]); ok {
			t.Errorf("%v has a budget", other)
		}
	}
}
