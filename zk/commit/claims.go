package commit

import (
	"encoding/binary"
	"fmt"

	"entente/schema/wire"
)

// BudgetContext gives the context of a budget claim's proof. It binds every byte of the claim. The claim must be one that can be encoded, as for all below.
func BudgetContext(c wire.BudgetClaim) Digest {
	return sliceContext("budget/1", c.Slice, documentID("entente/budget/1", c.Bytes()), 0)
}

// ShareContext gives the context of a share claim's proof, which binds every byte of the claim.
func ShareContext(c wire.ShareClaim) Digest {
	return sliceContext("share/1", c.Slice, documentID("entente/share/1", c.Bytes()), 0)
}

// LinkContext gives the context of the proof that links the charge of the charter's member of that number to its bills.
func LinkContext(c wire.ShareClaim, member int) Digest {
	return sliceContext("share link/1", c.Slice, documentID("entente/share/1", c.Bytes()), uint32(member))
}

func sliceContext(protocol string, s wire.Slice, id [32]byte, part uint32) Digest {
	return Context{
		Protocol: protocol, Network: s.Network, Ledger: s.Ledger, Currency: s.Currency, ID: id, Chunk: part, Programme: s.Programme, Nonce: s.Nonce,
		Origin: s.Head.Origin, Size: uint64(s.Head.Size), Root: s.Head.Root,
	}.Digest()
}

// RateContext gives the context of a rate claim's proof, which binds every byte of the claim. It names no log head: the leaves it is about never change.
func RateContext(c wire.RateClaim) Digest {
	return Context{
		Protocol: "rate/1", Network: c.Network, Ledger: c.SellBank, Currency: c.SellCurrency, ID: documentID("entente/rate/1", c.Bytes()), Nonce: c.Nonce,
	}.Digest()
}

// SupplyContext gives the context of the proof for one block of accounts of a supply claim, of so many blocks. It binds every byte of the claim.
func SupplyContext(c wire.SupplyClaim, block, blocks int) Digest {
	return Context{
		Protocol: fmt.Sprintf("reserve-%d/1", c.Block), Network: c.Network, Ledger: c.Bank, Currency: c.Currency, ID: documentID("entente/supply/1", c.Bytes()),
		Chunk: uint32(block), Chunks: uint32(blocks), Nonce: c.Nonce, Origin: c.Head.Origin, Size: uint64(c.Head.Size), Root: c.Head.Root,
	}.Digest()
}

// CharterFormula names the formula of a charter's category by what every member signed: agreement, category, members and their weights.
func CharterFormula(c *wire.Charter, category int) Digest {
	k := c.Categories[category]
	b := append([]byte(nil), c.Agreement[:]...)
	for _, text := range append([]string{k.Code}, c.Members...) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, text...)
	}
	for _, w := range k.Shares {
		b = binary.BigEndian.AppendUint32(b, w)
	}
	return FormulaDigest(b)
}

// CharterLimits gives what a budget proof states of a charter's budget: MaxLimit where a category has no limit of its own. Refused
// (amount_out_of_range) when a limit is above MaxLimit.
func CharterLimits(b *wire.CharterBudget) (limits Totals, grand Total, err error) {
	for k := range limits {
		limits[k] = MaxLimit
	}
	for _, l := range b.Limits {
		if int(l.Category) < Categories {
			limits[l.Category] = TotalOf(l.Most)
		}
	}
	grand = TotalOf(b.Grand)
	for _, l := range append(limits[:], grand) {
		if MaxLimit.Less(l) {
			return limits, grand, limitTooLarge()
		}
	}
	return limits, grand, nil
}

// TotalOf reads a total as documents carry it.
func TotalOf(t wire.Total96) Total {
	return Total{High: binary.BigEndian.Uint32(t[:4]), Low: binary.BigEndian.Uint64(t[4:])}
}
