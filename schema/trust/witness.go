package trust

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode"
)

// checkWitnesses finds what is wrong with the quorum and the keys of those who are to fill it.
func (n *Network) checkWitnesses(fault func(format string, args ...any)) {
	if n.WitnessQuorum < 0 || n.WitnessQuorum > max(0, len(n.Banks)-1) {
		fault("witness_quorum is %d, and a log has %d other banks to cosign it", n.WitnessQuorum, max(0, len(n.Banks)-1))
	}
	used := map[string]string{} // public halves, so that nobody counts twice
	for _, b := range n.Banks {
		if parts := strings.SplitN(b.LogKey, "+", 3); len(parts) == 3 {
			if raw, err := base64.StdEncoding.DecodeString(parts[2]); err == nil && len(raw) > 0 {
				used[string(raw[1:])] = "the log key of " + b.ID
			}
		}
	}
	for _, b := range n.Banks {
		if b.Witness == "" {
			if n.WitnessQuorum > 0 {
				fault("bank %s lacks the witness key that a witness quorum of %d counts on", b.ID, n.WitnessQuorum)
			}
			continue
		}
		public, ok := cosignerKey(b.Witness)
		if !ok {
			fault("bank %s: the witness key is not one of C2SP tlog-cosignature in its only spelling", b.ID)
			continue
		}
		if before, twice := used[string(public)]; twice {
			fault("the witness key of %s is also %s", b.ID, before)
		}
		used[string(public)] = "the witness key of " + b.ID
	}
}

// cosignerKey gives the public half of a verifier key of C2SP tlog-cosignature, type 0x04.
func cosignerKey(vkey string) (ed25519.PublicKey, bool) {
	const kind = 0x04
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 || parts[0] == "" || strings.ContainsFunc(parts[0], func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, false
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != kind {
		return nil, false
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	return raw[1:], vkey == fmt.Sprintf("%s+%x+%s", parts[0], sum[:4], base64.StdEncoding.EncodeToString(raw))
}
