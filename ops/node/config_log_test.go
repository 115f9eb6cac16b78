package node

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/schema/refusal"
	"entente/schema/trust"
)

// logged reads a bank's configuration file with this part about its log, and gives what is said of it.
func logged(t *testing.T, development bool, log map[string]any) error {
	t.Helper()
	text, err := json.Marshal(map[string]any{"role": "bank", "id": "X", "trust": "network.json", "keys": "x.age", "unlock": "unlock", "broker": "nats://127.0.0.1:4222",
		"database": "postgres:///bank?host=/run", "verification_keys": map[string]string{"bill-64": "bill-64.vk"}, "proving_keys": "keys", "development": development, "log": log})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = ReadConfig(path, RoleBank)
	return err
}

func TestEveryFaultOfALogIsNamed(t *testing.T) {
	digest := strings.Repeat("0f", 32)
	for _, test := range []struct {
		name        string
		development bool
		log         map[string]any
		says        string // nothing for a sound one
	}{
		{"on loopback", false, map[string]any{"listen": "127.0.0.1:7443", "witnesses": map[string]string{"boj": "https://boj.example/witness"}, "readers": map[string]string{"A": digest}}, ""},
		{"on an inherited socket", false, map[string]any{"listen": "fd:3"}, ""},
		{"with a certificate", false, map[string]any{"listen": ":443", "certificate": "c.pem", "certificate_key": "k.pem"}, ""},
		{"for everybody in development", true, map[string]any{"listen": ":0"}, ""},
		{"nowhere", false, map[string]any{}, "log.listen: is missing"},
		{"without a port", false, map[string]any{"listen": "localhost"}, "log.listen: is \"localhost\""},
		{"on standard output", false, map[string]any{"listen": "fd:1"}, "log.listen: is \"fd:1\""},
		{"on a descriptor that is none", false, map[string]any{"listen": "fd:x"}, "log.listen: is \"fd:x\""},
		{"for everybody without TLS", false, map[string]any{"listen": ":80"}, "log.certificate: is missing"},
		{"for a neighbour without TLS", false, map[string]any{"listen": "10.0.0.1:80"}, "log.certificate: is missing"},
		{"a certificate without its key", false, map[string]any{"listen": ":443", "certificate": "c.pem"}, "log.certificate: stands without its key"},
		{"a witness without an address", false, map[string]any{"listen": "localhost:1", "witnesses": map[string]string{"boj": "boj.example"}}, "log.witnesses: the address of \"boj\" is none"},
		{"a witness over another protocol", false, map[string]any{"listen": "localhost:1", "witnesses": map[string]string{"boj": "ftp://boj.example"}}, "log.witnesses: the address"},
		{"a password in an address", false, map[string]any{"listen": "localhost:1", "witnesses": map[string]string{"boj": "https://me:secret@boj.example"}}, "log.witnesses: the address"},
		{"a token for its digest", false, map[string]any{"listen": "localhost:1", "readers": map[string]string{"A": "my token"}}, "log.readers: the digest of the token of \"A\" is none"},
		{"a field nobody knows", false, map[string]any{"listen": "localhost:1", "port": 1}, "log.port: is no field"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := logged(t, test.development, test.log)
			if test.says == "" && err != nil || test.says != "" && (refusal.CodeOf(err) != CodeConfigInvalid || strings.Count(err.Error(), "config_invalid") != 1 || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("it says %v, want %q", err, test.says)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "my token")) {
				t.Errorf("it tells what it should not: %v", err)
			}
		})
	}
}

func TestALogThatCannotHaveItsQuorumStopsTheStart(t *testing.T) {
	network := &trust.Network{WitnessQuorum: 2, Banks: []trust.Bank{{ID: "rba"}, {ID: "boj", Witness: "boj"}, {ID: "rbi", Witness: "rbi"}, {ID: "boe"}}, Auditors: []trust.Auditor{{ID: "A"}}}
	both := map[string]string{"boj": "http://localhost:1", "rbi": "http://localhost:2"}
	for _, test := range []struct {
		name string
		log  *LogConfig
		says string
	}{
		{"both are named", &LogConfig{Listen: "127.0.0.1:0", Witnesses: both, Readers: map[string]string{"A": strings.Repeat("0f", 32)}}, ""},
		{"nothing is said", nil, "log: is missing"},
		{"one is named of two", &LogConfig{Listen: "127.0.0.1:0", Witnesses: map[string]string{"boj": "http://localhost:1"}}, "1 are named"},
		{"itself is named", &LogConfig{Listen: "127.0.0.1:0", Witnesses: map[string]string{"rba": "http://localhost:1"}}, `"rba" is none`},
		{"a stranger is named", &LogConfig{Listen: "127.0.0.1:0", Witnesses: map[string]string{"xyz": "http://localhost:1"}}, `"xyz" is none`},
		{"a bank without a witness key", &LogConfig{Listen: "127.0.0.1:0", Witnesses: map[string]string{"boe": "http://localhost:1"}}, `"boe" is none`},
		{"a reader who is no auditor", &LogConfig{Listen: "127.0.0.1:0", Witnesses: both, Readers: map[string]string{"B": strings.Repeat("0f", 32)}}, `log.readers: "B" is none`},
		{"a certificate that is not there", &LogConfig{Listen: "127.0.0.1:0", Witnesses: both, Certificate: "c", CertificateKey: "k"}, "the certificate cannot be used"},
		{"authorities that are not there", &LogConfig{Listen: "127.0.0.1:0", Witnesses: both, Authorities: "a"}, "the file holds no certificates"},
		{"a descriptor that is no socket", &LogConfig{Listen: "fd:60000", Witnesses: both}, "descriptor 60000 is no listening socket"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &process{cfg: &Config{ID: "rba", Log: test.log, path: filepath.Join(t.TempDir(), "config.json")}, trust: network}
			l, err := p.public()
			if l.Listener != nil {
				t.Cleanup(func() { _ = l.Listener.Close() })
			}
			if test.says == "" && (err != nil || l.Listener == nil || len(l.Readers) != 1) {
				t.Errorf("got %v", err)
			}
			if test.says != "" && (refusal.CodeOf(err) != CodeConfigInvalid || !strings.Contains(err.Error(), test.says)) {
				t.Errorf("it says %v, want %q", err, test.says)
			}
		})
	}
}
