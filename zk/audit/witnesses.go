package audit

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/zk/transcript"
)

// witnesses counts, under every signed head, the cosignatures of other banks that the trust file pins. A bank never counts for its own log.
func (a *audit) witnesses() string {
	quorum := a.network.WitnessQuorum
	a.report.WitnessQuorum, a.report.Witnesses = quorum, len(a.network.Banks)-1
	filled, heads := 0, 0
	for _, l := range a.logged {
		if !l.signed {
			continue // a finding says why
		}
		heads++
		times := a.cosignatures(l)
		if len(times) < quorum {
			a.find(Undecidable, CodeCosignatureMissing, l.where(), "the head is cosigned by %d of the other banks, the trust file asks for %d: too few vouch that this is the one log",
				len(times), quorum)
			continue
		}
		filled++
		if quorum > 0 {
			a.age(l, times)
		}
	}
	if quorum == 0 {
		return "the trust file asks for no cosignatures"
	}
	return fmt.Sprintf("%d of %d signed heads cosigned by at least %d of the other banks", filled, heads, quorum)
}

// cosignatures gives when which other banks cosigned a head: one moment a bank, in Unix seconds.
func (a *audit) cosignatures(l *ledger) []int64 {
	log, err := transcript.ParseVerifierKey(l.bank.LogKey)
	if err != nil {
		return nil // then no head would be signed
	}
	var times []int64
	for _, b := range a.network.Banks {
		if b.ID == l.bank.ID || b.Witness == "" {
			continue
		}
		key, err := transcript.ParseCosignerKey(b.Witness)
		if err != nil {
			a.find(Undecidable, trust.CodeTrustInvalid, "bank "+b.ID, "the trust file's witness key is not readable: %s", sentence(err))
			continue
		}
		_, signatures, err := transcript.Open(l.extract.Checkpoint, log, key)
		if err != nil { // the log's own signature is known to be right
			a.find(Invalid, CodeCosignatureForged, l.where(), "the head carries a cosignature in the name of %s that %s did not make", b.ID, b.ID)
			continue
		}
		i := slices.IndexFunc(signatures, func(s note.Signature) bool { return s.Name == key.Name() && s.Hash == key.KeyHash() })
		if i < 0 {
			continue
		}
		if atS, err := transcript.CosignedAt(signatures[i]); err == nil {
			times = append(times, atS)
		}
	}
	return times
}

// age compares the moment at which a quorum had cosigned the head last with the bundle's own date.
func (a *audit) age(l *ledger, times []int64) {
	slices.Sort(times)
	atS := times[len(times)-a.network.WitnessQuorum]
	if age := a.bundle.CreatedMS/1000 - atS; age > a.network.CheckpointAgeMax {
		a.find(Undecidable, CodeHeadStale, l.where(), "the head was cosigned %d seconds before the bundle was made, the trust file allows %d: a newer one may say more",
			age, a.network.CheckpointAgeMax)
	}
}

// Codes of findings about cosignatures.
const (
	CodeCosignatureMissing refusal.Code = "cosignature_missing" // fewer other banks cosigned the head than the trust file asks for
	CodeCosignatureForged  refusal.Code = "cosignature_forged"  // a cosignature in a pinned witness's name is wrong
	CodeHeadStale          refusal.Code = "head_stale"          // cosigned longer before the bundle was made than the trust file allows
)

// unwitnessed says what a quorum of so many witnesses leaves open. An honest witness cosigns one of two logs; so two logs with a quorum each need as many
// dishonest ones as the two quorums overlap by.
func unwitnessed(quorum, witnesses int) []string {
	if quorum == 0 {
		return []string{
			"The age of the heads: they state no time, and the bundle's own date is its maker's word.",
			"Whether a bank shows another log to others: the trust file asks for no witness cosignatures.",
		}
	}
	two := "Whether a bank shows one log to some witnesses and another to the rest: the trust file's quorum is too small to exclude it."
	if helpers := 2*quorum - witnesses; helpers > 0 {
		two = fmt.Sprintf("Whether a bank shows another log to others with the help of %d of the other banks: with less help no second log has its cosignatures.", helpers)
	}
	return []string{"The bundle's own date, from which the age of the heads is measured: it is its maker's word.", two}
}
