package audit

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"

	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/zk/proof"
)

// CodeKeyMissing is found when the trust file pins a circuit's verification key and the bundle does not hold it.
const CodeKeyMissing refusal.Code = "vk_missing"

// newVerifier is a variable for the tests' sake, which audit hundreds of bundles under the same few keys: most of the time would go into reading them.
var newVerifier = proof.NewVerifier

// key is a verification key of the bundle that the trust file pins.
type key struct {
	pinned   trust.Circuit
	verifier *proof.Verifier
	proofs   int // that verified
}

func (k *key) report() Key {
	return Key{Circuit: k.pinned.Name, CircuitID: k.pinned.CircuitID, KeyID: k.pinned.KeyID, Ceremony: k.pinned.Ceremony, Proofs: k.proofs}
}

// readKeys accepts those verification keys of the bundle that the trust file pins, and no other.
func (a *audit) readKeys() {
	seen := map[wire.Hash]bool{}
	for _, candidate := range a.bundle.Keys {
		id := wire.Hash(sha256.Sum256(candidate.Bytes))
		where := "verification key " + id.Short()
		if seen[id] {
			a.find(Invalid, wire.CodeMalformed, where, "the bundle holds this key twice")
			continue
		}
		seen[id] = true
		pinned, ok := a.network.CircuitByKey(id)
		if !ok || pinned.Name != candidate.Circuit {
			result := Invalid
			if _, any := a.network.Circuit(candidate.Circuit); !any {
				result = Undecidable
			}
			a.unpinned[candidate.Circuit] = true
			a.find(result, proof.CodeKeyUnknown, where, "the trust file does not pin this key for circuit %q", candidate.Circuit)
			continue
		}
		verifier, err := newVerifier(pinned.Name, candidate.Bytes, pinned.KeyID)
		if err != nil {
			a.unpinned[candidate.Circuit] = true
			a.refused(err, proof.CodeKeyDamaged, where)
			continue
		}
		a.keys[pinned.Name] = append(a.keys[pinned.Name], &key{pinned: pinned, verifier: verifier})
	}
}

// usable tells whether there is a pinned key for a circuit; if not, it says so once.
func (a *audit) usable(circuit, where string) bool {
	if len(a.keys[circuit]) > 0 {
		return true
	}
	if !a.unpinned[circuit] {
		a.unpinned[circuit] = true
		a.find(Undecidable, CodeKeyMissing, where, "the bundle holds no verification key of circuit %q, so its proofs cannot be checked", circuit)
	}
	return false
}

// anyKey tries the keys of a circuit: after a new ceremony, older proofs stay under the older pinned key. It gives the key that fits, or the last refusal.
func (a *audit) anyKey(circuit string, verify func(*key) error) (*key, error) {
	var err error
	for _, k := range a.keys[circuit] {
		if err = verify(k); err == nil {
			return k, nil
		}
	}
	return nil, err
}

func sortKeys(keys []Key) {
	slices.SortFunc(keys, func(x, y Key) int {
		return cmp.Or(cmp.Compare(x.Circuit, y.Circuit), bytes.Compare(x.KeyID[:], y.KeyID[:]))
	})
}
