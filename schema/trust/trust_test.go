package trust

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/schema/wire"
)

func public(seed byte) []byte {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)).Public().(ed25519.PublicKey)
}

func logKey(t *testing.T, origin string, seed byte) string {
	t.Helper()
	vkey, err := note.NewEd25519VerifierKey(origin, public(seed))
	if err != nil {
		t.Fatal(err)
	}
	return vkey
}

// witnessKey writes a verifier key of C2SP tlog-cosignature by hand.
func witnessKey(name string, seed byte) string {
	raw := append([]byte{4}, public(seed)...)
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	return fmt.Sprintf("%s+%x+%s", name, sum[:4], base64.StdEncoding.EncodeToString(raw))
}

// valid is a small network without fault, made anew for each test to spoil.
func valid(t *testing.T) *Network {
	return &Network{
		Version: 1, Network: "test-1", Development: true, CheckpointAgeMax: 3600, WitnessQuorum: 1,
		Banks: []Bank{
			{ID: "BOJ", Name: "Bank of Japan", Currency: "JPY", LogOrigin: "boj.example/log", LogKey: logKey(t, "boj.example/log", 1), Witness: witnessKey("boj.example/witness", 11),
				Keys: []Key{{Name: "BOJ", Purpose: wire.PurposeSwap, Epoch: 1, Public: public(2)}, {Name: "ops", Purpose: wire.PurposeOperator, Epoch: 1, Public: public(3)}}},
			{ID: "RBI", Name: "Reserve Bank of India", Currency: "INR", LogOrigin: "rbi.example/log", LogKey: logKey(t, "rbi.example/log", 4), Witness: witnessKey("rbi.example/witness", 12),
				Keys: []Key{{Name: "RBI", Purpose: wire.PurposeSwap, Epoch: 1, Public: public(5)}}},
		},
		Members: []Member{
			{Nation: "IND", Name: "India", Bank: "RBI", Account: "IND-1", SealTo: "age1x", Approvals: 1, Keys: []Key{
				{Name: "asha", Purpose: wire.PurposeUser, Epoch: 2, Public: public(6)}, {Name: "asha", Purpose: wire.PurposeUser, Epoch: 1, Public: public(7)},
				{Name: "bina", Purpose: wire.PurposeUser, Epoch: 1, Public: public(8)}}},
			{Nation: "JPN", Name: "Japan", Bank: "BOJ", Account: "JPN-1", SealTo: "age1y", Approvals: 2},
		},
		Providers: []Provider{{ID: "FXP", Name: "Provider", Keys: []Key{{Name: "FXP", Purpose: wire.PurposeQuote, Epoch: 1, Public: public(9)}}}},
		Auditors:  []Auditor{{ID: "AUD", Name: "Auditor", Keys: []Key{{Name: "AUD", Purpose: wire.PurposeService, Epoch: 1, Public: public(10)}}}},
		Circuits: []Circuit{
			{Name: "bill-64", CircuitID: wire.Hash{1}, KeyID: wire.Hash{2}, Ceremony: DevelopmentCeremony},
			{Name: "bill-64", CircuitID: wire.Hash{1}, KeyID: wire.Hash{3}, Ceremony: DevelopmentCeremony},
			{Name: "totals", CircuitID: wire.Hash{4}, KeyID: wire.Hash{5}, Ceremony: DevelopmentCeremony},
		},
	}
}

func TestATrustFileSurvivesARoundTrip(t *testing.T) {
	n := valid(t)
	file, err := n.File()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(n, got, cmpopts.IgnoreUnexported(Network{})); diff != "" {
		t.Error(diff)
	}
	again, err := got.File()
	if err != nil || !bytes.Equal(again, file) {
		t.Errorf("the file read is not the file written: %v", err)
	}
}

func TestEveryFaultOfATrustFileIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Network)
		says  string
	}{
		"another version":                   {func(n *Network) { n.Version = 2 }, "version 2, this program reads version 1"},
		"no network name":                   {func(n *Network) { n.Network = "" }, `network "" is not 1 to 64 bytes`},
		"a network name too long":           {func(n *Network) { n.Network = strings.Repeat("n", 65) }, "is not 1 to 64 bytes"},
		"a control character in a name":     {func(n *Network) { n.Banks[0].ID = "BO\x1bJ" }, `bank "BO\x1bJ" is not`},
		"no largest checkpoint age":         {func(n *Network) { n.CheckpointAgeMax = 0 }, "checkpoint_age_max_s is not above zero"},
		"a bank without an id":              {func(n *Network) { n.Banks[0].ID = "" }, `bank "" is not`},
		"one id twice":                      {func(n *Network) { n.Providers[0].ID = "IND" }, `provider "IND" is also a member`},
		"an auditor with a provider's id":   {func(n *Network) { n.Auditors[0].ID = "FXP" }, `auditor "FXP" is also a provider`},
		"no currency of a bank":             {func(n *Network) { n.Banks[0].Currency = "XXQ" }, "bank BOJ: unknown_currency"},
		"two banks with one currency":       {func(n *Network) { n.Banks[0].Currency = "INR" }, "banks BOJ and RBI both keep INR"},
		"no log origin":                     {func(n *Network) { n.Banks[0].LogOrigin = "" }, "bank BOJ has no log origin of its own"},
		"a log origin too long":             {func(n *Network) { n.Banks[0].LogOrigin = strings.Repeat("o", 129) }, "bank BOJ has no log origin of its own"},
		"two banks with one log":            {func(n *Network) { n.Banks[1].LogOrigin = "boj.example/log" }, "bank RBI has no log origin of its own"},
		"a log key of another log":          {func(n *Network) { n.Banks[0].LogKey = n.Banks[1].LogKey }, "bank BOJ: the log key does not carry the log's origin"},
		"a log key that is not readable":    {func(n *Network) { n.Banks[0].LogKey = "boj.example/log+00000000+AAAA" }, "bank BOJ: the log key is not readable"},
		"a quorum below zero":               {func(n *Network) { n.WitnessQuorum = -1 }, "witness_quorum is -1, and a log has 1 other banks"},
		"a quorum nobody can fill":          {func(n *Network) { n.WitnessQuorum = 2 }, "witness_quorum is 2, and a log has 1 other banks"},
		"a quorum without a witness":        {func(n *Network) { n.Banks[1].Witness = "" }, "bank RBI lacks the witness key"},
		"a log key as a witness key":        {func(n *Network) { n.Banks[1].Witness = n.Banks[1].LogKey }, "bank RBI: the witness key is not one of C2SP"},
		"a witness key id that is not its":  {func(n *Network) { n.Banks[1].Witness = strings.Replace(n.Banks[1].Witness, "rbi", "rbj", 1) }, "bank RBI: the witness key is not one of C2SP"},
		"a witness key in another spelling": {func(n *Network) { n.Banks[1].Witness = strings.Replace(n.Banks[1].Witness, "+", "+0", 1) }, "bank RBI: the witness key is not one of C2SP"},
		"a witness key without a name":      {func(n *Network) { n.Banks[1].Witness = witnessKey("", 12) }, "bank RBI: the witness key is not one of C2SP"},
		"a witness key cut short":           {func(n *Network) { n.Banks[1].Witness = "rbi.example/witness+00000000" }, "bank RBI: the witness key is not one of C2SP"},
		"one witness key for two banks":     {func(n *Network) { n.Banks[1].Witness = witnessKey("rbi.example/witness", 11) }, "the witness key of RBI is also the witness key of BOJ"},
		"a log's key as a witness's":        {func(n *Network) { n.Banks[1].Witness = witnessKey("rbi.example/witness", 4) }, "the witness key of RBI is also the log key of RBI"},
		"a member at an unknown bank":       {func(n *Network) { n.Members[0].Bank = "RBA" }, `member IND names bank "RBA", which is not listed`},
		"a member without an account":       {func(n *Network) { n.Members[0].Account = "" }, `account of IND "" is not`},
		"a member nobody can seal to":       {func(n *Network) { n.Members[0].SealTo = "" }, "member IND lacks a sealing recipient"},
		"a member that needs no approval":   {func(n *Network) { n.Members[0].Approvals = 0 }, "member IND lacks"},
		"two members sharing an account":    {func(n *Network) { n.Members[0].Bank, n.Members[0].Account = "BOJ", "JPN-1" }, "members IND and JPN share account JPN-1"},
		"one key for two uses":              {func(n *Network) { n.Banks[0].Keys[1].Public = public(2) }, "key ops of BOJ (operator) is also BOJ (swap)"},
		"one key for two owners":            {func(n *Network) { n.Auditors[0].Keys[0].Public = public(9) }, "key AUD (service) is also FXP (quote)"},
		"a key too short":                   {func(n *Network) { n.Members[0].Keys[0].Public = public(6)[:31] }, "has 31 bytes, not 32"},
		"a key without bytes":               {func(n *Network) { n.Members[0].Keys[0].Public = nil }, "has 0 bytes, not 32"},
		"a key with an unknown purpose":     {func(n *Network) { n.Members[0].Keys[0].Purpose = "all" }, `"all" is no purpose of a key`},
		"a key with a name too long":        {func(n *Network) { n.Members[0].Keys[0].Name = strings.Repeat("k", 65) }, "is not named by 1 to 64 bytes"},
		"a circuit without a name":          {func(n *Network) { n.Circuits[0].Name = "" }, "circuit 0 lacks name, ids or ceremony"},
		"a circuit without an id":           {func(n *Network) { n.Circuits[0].CircuitID = wire.Hash{} }, "circuit 0 lacks"},
		"a circuit without a key":           {func(n *Network) { n.Circuits[2].KeyID = wire.Hash{} }, "circuit 2 lacks"},
		"a circuit of an unknown ceremony":  {func(n *Network) { n.Circuits[0].Ceremony = "" }, "circuit 0 lacks"},
		"two circuits with one key":         {func(n *Network) { n.Circuits[2].KeyID = wire.Hash{3} }, "circuits bill-64 and totals share a verification key"},
	} {
		t.Run(name, func(t *testing.T) {
			n := valid(t)
			c.spoil(n)
			file, err := n.File()
			if err != nil {
				t.Fatal(err)
			}
			for way, err := range map[string]error{"Check": n.Check(), "Parse": parseError(file)} {
				if refusal.CodeOf(err) != CodeTrustInvalid || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s gives %v, want %s with %q", way, err, CodeTrustInvalid, c.says)
				}
			}
		})
	}
}

func parseError(file []byte) error {
	n, err := Parse(file)
	if err != nil && n != nil {
		panic("a refused trust file was given out")
	}
	return err
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	n := valid(t)
	n.CheckpointAgeMax, n.Members[0].Approvals, n.Circuits[0].Name = 0, 0, ""
	err := n.Check()
	for _, says := range []string{"checkpoint_age_max_s", "member IND", "circuit 0"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not in %v", says, err)
		}
	}
}

func TestAFileThatIsNoTrustFileIsRefused(t *testing.T) {
	file, err := valid(t).File()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		code refusal.Code
	}{
		"nothing":              {nil, CodeTrustInvalid},
		"no JSON":              {[]byte("network"), CodeTrustInvalid},
		"an unknown member":    {bytes.Replace(file, []byte(`"version"`), []byte(`"hint": 1, "version"`), 1), CodeTrustInvalid},
		"a second object":      {append(bytes.Clone(file), "{}"...), CodeTrustInvalid},
		"a trailing bracket":   {append(bytes.Clone(file), '}'), CodeTrustInvalid},
		"no word on witnesses": {bytes.Replace(file, []byte(`"witness_quorum": 1,`), nil, 1), CodeTrustInvalid},
		"witnesses by null":    {bytes.Replace(file, []byte(`"witness_quorum": 1,`), []byte(`"witness_quorum": null,`), 1), CodeTrustInvalid},
		"a hash of 31 bytes":   {bytes.Replace(file, []byte(`"circuit_id": "01`), []byte(`"circuit_id": "`), 1), CodeTrustInvalid},
		"17 MiB":               {bytes.Repeat([]byte(" "), 17<<20), wire.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if err := parseError(c.file); refusal.CodeOf(err) != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
}

func TestAQuorumOfNobodyMayBeStated(t *testing.T) {
	n := valid(t)
	n.WitnessQuorum, n.Banks[0].Witness, n.Banks[1].Witness = 0, "", ""
	file, err := n.File()
	if err != nil {
		t.Fatal(err)
	}
	if err := parseError(file); err != nil || !bytes.Contains(file, []byte(`"witness_quorum": 0`)) {
		t.Errorf("got %v", err)
	}
}

// What the file takes for a witness key, an independent reader of the specification takes as well.
func TestWitnessKeysAreThoseOfTheSpecification(t *testing.T) {
	v, err := torchwood.NewCosignatureVerifier(valid(t).Banks[0].Witness)
	if err != nil || v.String() != valid(t).Banks[0].Witness {
		t.Errorf("%v (%v)", v, err)
	}
}

func TestWhatIsPinnedIsFound(t *testing.T) {
	n := valid(t)
	if err := n.Check(); err != nil {
		t.Fatal(err)
	}
	keys := n.KeysOf("IND", wire.PurposeUser)
	if len(keys) != 3 || keys[0].Name != "asha" || keys[1].Name != "bina" || keys[2].Epoch != 2 {
		t.Errorf("keys are not ordered by epoch and name: %v", keys)
	}
	if got, ok := n.Key(keys[2].ID()); !ok || got.Name != "asha" || got.Epoch != 2 || got.Owner != "IND" {
		t.Errorf("Key gives %v, %v", got, ok)
	}
	if _, ok := n.Key(wire.Hash{}); ok {
		t.Error("a key nobody pinned was found")
	}
	if len(n.KeysOf("IND", wire.PurposeSwap)) != 0 {
		t.Error("a purpose was mixed up")
	}
	bank, ok1 := n.Bank("BOJ")
	of, ok2 := n.BankOf("JPY")
	member, ok3 := n.Member("JPN")
	provider, ok4 := n.Provider("FXP")
	auditor, ok5 := n.Auditor("AUD")
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || bank.ID != of.ID || member.Approvals != 2 || provider.ID != "FXP" || auditor.ID != "AUD" {
		t.Error("a party is not found")
	}
	newest, ok := n.Circuit("bill-64")
	byKey, ok6 := n.CircuitByKey(wire.Hash{2})
	if !ok || !ok6 || newest.KeyID != (wire.Hash{3}) || byKey.Name != "bill-64" {
		t.Errorf("circuits: %v, %v", newest, byKey)
	}
	_, no1 := n.Bank("X")
	_, no2 := n.BankOf("X")
	_, no3 := n.Member("X")
	_, no4 := n.Provider("X")
	_, no5 := n.Auditor("X")
	_, no6 := n.Circuit("X")
	_, no7 := n.CircuitByKey(wire.Hash{9})
	if no1 || no2 || no3 || no4 || no5 || no6 || no7 {
		t.Error("something unknown was found")
	}
}
