package node_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entente/ops/node"
	"entente/schema/refusal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// sound gives a configuration of a role with nothing wrong.
func sound(role string) map[string]any {
	c := map[string]any{"role": role, "id": "X", "trust": "network.json", "keys": "x.age", "unlock": "unlock", "broker": "nats://127.0.0.1:4222"}
	switch role {
	case node.RoleBank:
		c["database"], c["verification_keys"] = "postgres:///bank?host=/run", map[string]string{"bill-64": "bill-64.vk"}
		c["proving_keys"] = "keys"
	case node.RoleDesk:
		c["database"], c["exercise"], c["proving_keys"], c["chunk_size"] = "postgres://db:5432/desk", "exercise", "keys", 64
	case node.RoleProvider:
		c["exercise"] = "exercise"
		c["quotes"] = map[string]any{"on": "2023-11-07", "spread_bps": 10, "firm_for_ms": 30000, "accounts": map[string]string{"boe": "A", "cbk": "B"}}
	}
	return c
}

// written writes a configuration file and gives its path.
func written(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func writtenAs(t *testing.T, c map[string]any) string {
	t.Helper()
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return written(t, text)
}

// faults gives what is said of a file, a line each, without the path and the code that every line has.
func faults(t *testing.T, path, role string) []string {
	t.Helper()
	_, err := node.ReadConfig(path, role)
	if err == nil {
		return nil
	}
	var said []string
	for _, line := range strings.Split(err.Error(), "\n") {
		text, coded := strings.CutPrefix(line, "config_invalid: "+path)
		if !coded || !strings.Contains(text, "; nothing was changed; ") {
			t.Errorf("it says %q", line)
		}
		said = append(said, strings.TrimPrefix(text, " "))
	}
	if refusal.CodeOf(err) != node.CodeConfigInvalid {
		t.Errorf("the code is %q", refusal.CodeOf(err))
	}
	return said
}

func TestASoundConfigurationIsReadForItsOwnRoleAlone(t *testing.T) {
	roles := []string{node.RoleBank, node.RoleDesk, node.RoleProvider}
	for _, role := range roles {
		path := writtenAs(t, sound(role))
		for _, asked := range append(roles, "") {
			c, err := node.ReadConfig(path, asked)
			if asked == role || asked == "" {
				if err != nil || c.Role != role || c.ID != "X" {
					t.Errorf("a %s read for %q gives %+v, %v", role, asked, c, err)
				}
				continue
			}
			want := []string{`line ` + lineOf(t, path, `"role"`) + `: role: is "` + role + `", the command is for a ` + asked + `; nothing was changed; start it with the command of its role`}
			if diff := cmp.Diff(want, faults(t, path, asked)); diff != "" {
				t.Errorf("a %s read for a %s: -want +got\n%s", role, asked, diff)
			}
		}
	}
}

// lineOf finds the line on which something stands.
func lineOf(t *testing.T, path, text string) string {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, _, found := strings.Cut(string(file), text)
	if !found {
		t.Fatalf("%s does not say %s", path, text)
	}
	line, err := json.Marshal(1 + strings.Count(before, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

// Each fault alone, and nothing said beside it.
func TestEveryFaultIsNamedWithItsFieldAndLine(t *testing.T) {
	for _, test := range []struct {
		name, role, field string
		value             any // nil leaves the field out
		says              string
	}{
		{"a role that is none", "bank", "role", "bnak", `role: is "bnak"`},
		{"no id", "bank", "id", nil, "id: is missing"},
		{"an empty id", "desk", "id", "", "id: is missing"},
		{"no trust file", "desk", "trust", nil, "trust: is missing"},
		{"no key file", "provider", "keys", nil, "keys: is missing"},
		{"nothing that unlocks it", "bank", "unlock", nil, "unlock: is missing"},
		{"no broker", "provider", "broker", nil, "broker: is missing"},
		{"a broker without a scheme", "bank", "broker", "localhost:4222", "broker: is no address"},
		{"a broker that is a page", "bank", "broker", "https://localhost", "broker: is no address"},
		{"a broker without a host", "bank", "broker", "nats:", "broker: is no address"},
		{"a bank without a database", "bank", "database", nil, "database: is missing"},
		{"a desk without a database", "desk", "database", nil, "database: is missing"},
		{"a database of another make", "desk", "database", "mysql://db/desk", "database: is no address"},
		{"a bank that can verify nothing", "bank", "verification_keys", map[string]string{}, "verification_keys: is missing"},
		{"a bank that can prove nothing", "bank", "proving_keys", nil, "proving_keys: is missing"},
		{"a supply proven before it was", "bank", "supply_every_s", -1, "supply_every_s: is -1"},
		{"a prover with less than nobody at work", "desk", "prover_workers", -1, "prover_workers: is -1"},
		{"a desk without proving keys", "desk", "proving_keys", nil, "proving_keys: is missing"},
		{"a desk without an exercise", "desk", "exercise", nil, "exercise: is missing"},
		{"chunks of a size there is no circuit for", "desk", "chunk_size", 65, "chunk_size: is 65"},
		{"a desk without a chunk size", "desk", "chunk_size", nil, "chunk_size: is 0"},
		{"a provider that does not say how it quotes", "provider", "quotes", nil, "quotes: is missing"},
		{"a provider that quotes null", "provider", "quotes", json.RawMessage("null"), "quotes: is missing"},
		{"a level of nothing", "bank", "log_level", "loud", `log_level: is "loud"`},
		{"a number for a text", "bank", "id", 7, "id: is a number where a text is due"},
		{"a text for a number", "desk", "chunk_size", "64", "chunk_size: is a text where a whole number is due"},
		{"a fraction of items", "desk", "chunk_size", 64.5, "chunk_size: is a number 64.5 where a whole number is due"},
		{"a text for a choice", "bank", "development", "yes", "development: is a text where true or false is due"},
		{"a list for an object", "bank", "verification_keys", []string{"a"}, "verification_keys: is a list where an object is due"},
		{"a field nobody knows", "bank", "databse", "postgres:///bank", "databse: is no field of a configuration"},
		{"a field in other letters", "bank", "Metrics", "127.0.0.1:1", "Metrics: is no field of a configuration"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := sound(test.role)
			delete(c, test.field)
			if test.value != nil {
				c[test.field] = test.value
			}
			path := writtenAs(t, c)
			said := faults(t, path, "")
			want := test.says
			if test.value != nil {
				want = "line " + lineOf(t, path, `"`+test.field+`":`) + ": " + want
			} else {
				want = ": " + want
			}
			if len(said) != 1 || !strings.HasPrefix(said[0], want) {
				t.Errorf("it says %q, want %q", said, want)
			}
		})
	}
}

func TestEveryFaultOfQuotesIsNamed(t *testing.T) {
	for _, test := range []struct {
		name, field string
		value       any
		says        string
	}{
		{"a spread below zero", "spread_bps", -1, "quotes.spread_bps: is -1"},
		{"a spread beyond the whole", "spread_bps", 10_001, "quotes.spread_bps: is 10001"},
		{"firm for no time", "firm_for_ms", 999, "quotes.firm_for_ms: is 999"},
		{"firm for too long", "firm_for_ms", 600_001, "quotes.firm_for_ms: is 600001"},
		{"no day", "on", nil, "quotes.on: is missing"},
		{"a day that is none", "on", "2023-11-31", "quotes.on: "},
		{"one account alone", "accounts", map[string]string{"boe": "A"}, "quotes.accounts: has 1"},
		{"a field nobody knows", "spread", 1, "quotes.spread: is no field of a configuration"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := sound(node.RoleProvider)
			quotes := c["quotes"].(map[string]any)
			delete(quotes, test.field)
			if test.value != nil {
				quotes[test.field] = test.value
			}
			path := writtenAs(t, c)
			said := faults(t, path, "")
			want := ": " + test.says
			if test.value != nil {
				want = "line " + lineOf(t, path, `"`+test.field+`":`) + want
			}
			if len(said) != 1 || !strings.HasPrefix(said[0], want) {
				t.Errorf("it says %q, want %q", said, want)
			}
		})
	}
}

// The golden file is what a person reads who got nearly everything wrong. What an address holds is not repeated.
func TestAVeryWrongFileIsToldOffOnce(t *testing.T) {
	path := filepath.Join("testdata", "config", "wrong.json")
	_, err := node.ReadConfig(path, node.RoleProvider)
	if err == nil {
		t.Fatal("it was accepted")
	}
	got, golden := err.Error()+"\n", filepath.Join("testdata", "config", "wrong.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if strings.Contains(got, "hunter2") {
		t.Error("it repeats a password")
	}
}

func TestTextThatIsNoConfigurationIsRefusedWhereItEnds(t *testing.T) {
	whole, err := json.Marshal(sound(node.RoleBank))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, text, place string }{
		{"nothing", "", "line 1: "},
		{"another object behind", string(whole) + "\n\n{}", "line 3: "},
		{"a comma missing on the third line", "{\n\"role\": \"bank\",\n\"id\": \"rbi\" \"trust\": \"t\"\n}", "line 3: "},
		{"no closing brace", "{\n\"role\": \"bank\"\n", "line 2: "},
		{"a list", "[]", ": holds no object"},
		{"a word", "null", ": holds no object"},
		{"one byte too long", string(whole) + strings.Repeat(" ", 1<<20+1-len(whole)), "has more than 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			said := faults(t, written(t, []byte(test.text)), "")
			if len(said) != 1 || !strings.HasPrefix(said[0], test.place) {
				t.Errorf("it says %q, want %q", said, test.place)
			}
		})
	}
	if _, err := node.ReadConfig(written(t, []byte(string(whole)+strings.Repeat(" ", 1<<20-len(whole)))), ""); err != nil {
		t.Errorf("the longest file: %v", err)
	}
	for _, path := range []string{filepath.Join(t.TempDir(), "nowhere.json"), t.TempDir()} {
		if _, err := node.ReadConfig(path, ""); refusal.CodeOf(err) != node.CodeConfigInvalid || !strings.Contains(err.Error(), path) {
			t.Errorf("%s gives %v", path, err)
		}
	}
}
