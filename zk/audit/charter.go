package audit

import (
	"fmt"
	"slices"

	"entente/schema/wire"
)

// charters reads the programmes' names, members and categories, each signed by all its members.
func (a *audit) charters() map[wire.Hash]wire.Charter {
	charters := map[wire.Hash]wire.Charter{}
	for i := range a.bundle.Charters {
		charter, where, ok := a.readCharter(i)
		if !ok {
			continue
		}
		if _, twice := charters[charter.Programme]; twice {
			a.find(Invalid, CodeCharterRepeated, where, "the bundle holds two charters of this programme")
			continue
		}
		charters[charter.Programme] = charter
	}
	return charters
}

func (a *audit) readCharter(i int) (charter wire.Charter, where string, ok bool) {
	envelope := &a.bundle.Charters[i]
	where = fmt.Sprintf("charter %d", i)
	signers, err := envelope.Verify(wire.TypeCharter, a.network)
	if err != nil {
		a.refused(err, wire.CodeSigInvalid, where)
		return charter, where, false
	}
	if err := wire.Decode(envelope.Payload, wire.LimitAttachment, &charter); err != nil {
		a.refused(err, wire.CodeMalformed, where)
		return charter, where, false
	}
	where = fmt.Sprintf("charter of programme %s", charter.Programme.Short())
	switch {
	case charter.Network != a.network.Network:
		a.find(Invalid, wire.CodeWrongNetwork, where, "it is of network %q", charter.Network)
	case !signedBy(signers, charter.Members...):
		a.find(Invalid, CodeCharterUnsigned, where, "it is not signed by exactly its members %q", charter.Members)
	case !distinct(charter.Members) || !distinct(categoryCodes(&charter)):
		a.find(Invalid, wire.CodeMalformed, where, "members and categories are not each named, and named once")
	default:
		ok = true
	}
	for _, nation := range charter.Members {
		if _, member := a.network.Member(nation); !member {
			a.find(Invalid, CodeCharterUnsigned, where, "the trust file lists no member %q", nation)
			ok = false
		}
	}
	return charter, where, ok
}

func categoryCodes(c *wire.Charter) []string {
	codes := make([]string, len(c.Categories))
	for k := range c.Categories {
		codes[k] = c.Categories[k].Code
	}
	return codes
}

// distinct tells whether there is at least one name, none is empty, and none is there twice.
func distinct(names []string) bool {
	sorted := slices.Sorted(slices.Values(names))
	return len(names) > 0 && !slices.Contains(names, "") && len(slices.Compact(sorted)) == len(names)
}
