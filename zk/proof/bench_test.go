//go:build unix

package proof

import (
	"context"
	"testing"

	"entente/zk/commit"
)

func BenchmarkVerifyBill(b *testing.B) {
	public, proof := proveBill(b, someBill(1))
	v := verifier(b, Bill16)
	for b.Loop() {
		if err := v.VerifyBill(public, proof[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyTotals(b *testing.B) {
	public, proof := proveTotals(b, someTotals())
	v := verifier(b, Totals)
	for b.Loop() {
		if err := v.VerifyTotals(public, proof[:]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProveBill fills every slot. It uses the cached development keys and makes them on the first run.
func BenchmarkProveBill(b *testing.B) {
	dir, err := DefaultDir()
	if err != nil {
		b.Fatal(err)
	}
	for _, size := range []int{commit.SmallChunk, commit.MediumChunk, commit.LargeChunk} {
		b.Run(BillName(size), func(b *testing.B) {
			k, err := OpenDevelopment(context.Background(), dir, []string{BillName(size)}, nil)
			if err != nil {
				b.Fatal(err)
			}
			w := BillWitness{Size: size}
			for i := range size {
				w.Items = append(w.Items, commit.Item{Amount: uint64(i) * 99_999, Category: uint8(i % commit.Categories)})
			}
			for b.Loop() {
				if _, err := k.ProveBill(context.Background(), w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
