package commit

import (
	"testing"

	"entente/schema/wire"
)

func TestEveryFieldOfABillButItsChunksChangesTheContext(t *testing.T) {
	bill := func() wire.Bill {
		return wire.Bill{Network: "n", ID: wire.ID{1}, Revision: 1, Programme: wire.Hash{2}, Creditor: "AUS", Debtor: "JPN", Ledger: "rba", Currency: "AUD",
			CreatedMS: 5, Nonce: wire.Hash{3}, ChunkSize: 16, Chunks: make([]wire.Chunk, 2)}
	}
	seen := map[Digest]string{BillContext(bill(), 0): "the bill as it is", BillContext(bill(), 1): "its second chunk"}
	if len(seen) != 2 {
		t.Fatal("two chunks share a context")
	}
	for name, change := range map[string]func(*wire.Bill){
		"network":    func(b *wire.Bill) { b.Network = "m" },
		"id":         func(b *wire.Bill) { b.ID[15] = 1 },
		"revision":   func(b *wire.Bill) { b.Revision = 2 },
		"programme":  func(b *wire.Bill) { b.Programme[0] = 9 },
		"creditor":   func(b *wire.Bill) { b.Creditor = "IND" },
		"debtor":     func(b *wire.Bill) { b.Debtor = "IND" },
		"nations":    func(b *wire.Bill) { b.Creditor, b.Debtor = b.Debtor, b.Creditor },
		"ledger":     func(b *wire.Bill) { b.Ledger = "rbi" },
		"currency":   func(b *wire.Bill) { b.Currency = "INR" },
		"time":       func(b *wire.Bill) { b.CreatedMS = 6 },
		"nonce":      func(b *wire.Bill) { b.Nonce[31] = 1 },
		"chunk size": func(b *wire.Bill) { b.ChunkSize = 64 },
		"chunks":     func(b *wire.Bill) { b.Chunks = b.Chunks[:1] },
	} {
		b := bill()
		change(&b)
		context := BillContext(b, 0)
		if other, same := seen[context]; same {
			t.Errorf("the context does not tell %s from %s", name, other)
		}
		seen[context] = name
	}
	filled := bill()
	filled.Chunks[0].Digest[0] = 1
	if BillContext(filled, 0) != BillContext(bill(), 0) {
		t.Error("the context depends on the digests it goes into")
	}
}

func TestEveryFieldOfAStatementChangesTheContext(t *testing.T) {
	statement := wire.Statement{Network: "n", Programme: wire.Hash{2}, Creditor: "AUS", Ledger: "rba", Currency: "AUD", Origin: "rba/aud", Size: 7,
		Root: wire.Hash{4}, Nonce: wire.Hash{3}, Sum: Identity(), Mask: 3}
	seen := map[Digest]string{StatementContext(statement): "the statement as it is"}
	for name, change := range map[string]func(*wire.Statement){
		"network":   func(s *wire.Statement) { s.Network = "m" },
		"programme": func(s *wire.Statement) { s.Programme[0] = 9 },
		"creditor":  func(s *wire.Statement) { s.Creditor = "IND" },
		"ledger":    func(s *wire.Statement) { s.Ledger = "rbi" },
		"currency":  func(s *wire.Statement) { s.Currency = "INR" },
		"origin":    func(s *wire.Statement) { s.Origin = "rba/aud2" },
		"size":      func(s *wire.Statement) { s.Size = 8 },
		"root":      func(s *wire.Statement) { s.Root[31] = 1 },
		"nonce":     func(s *wire.Statement) { s.Nonce[31] = 1 },
		"sum":       func(s *wire.Statement) { s.Sum[0] = 1 },
		"mask":      func(s *wire.Statement) { s.Mask = 1 },
		"totals":    func(s *wire.Statement) { s.Shown[15][11] = 1 },
	} {
		s := statement
		change(&s)
		context := StatementContext(s)
		if other, same := seen[context]; same {
			t.Errorf("the context does not tell %s from %s", name, other)
		}
		seen[context] = name
	}
	if BillContext(wire.Bill{ChunkSize: 16}, 0) == StatementContext(wire.Statement{}) {
		t.Error("an empty bill and an empty statement share a context")
	}
}
