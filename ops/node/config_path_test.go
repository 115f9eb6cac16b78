package node

import (
	"os"
	"path/filepath"
	"testing"
)

// A configuration means the same files wherever the program is started.
func TestPathsAreRelativeToTheConfigurationFile(t *testing.T) {
	dir := t.TempDir()
	text := `{"role":"provider","id":"P","trust":"../network.json","keys":"p.age","unlock":"/run/unlock","broker":"nats://h:1","exercise":"./e/.",
		"quotes":{"on":"2023-11-07","spread_bps":0,"firm_for_ms":1000,"accounts":{"a":"1","b":"2"}}}`
	if err := os.MkdirAll(filepath.Join(dir, "config"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config", "p.json"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(elsewhere)
	for _, named := range []string{filepath.Join(dir, "config", "p.json"), filepath.Join("..", "config", "p.json")} {
		c, err := ReadConfig(named, RoleProvider)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Dir(named)
		for _, test := range []struct{ got, want string }{
			{c.file(c.Trust), filepath.Join(base, "..", "network.json")},
			{c.file(c.Keys), filepath.Join(base, "p.age")},
			{c.file(c.Unlock), "/run/unlock"},
			{c.file(c.Exercise), filepath.Join(base, "e")},
		} {
			if test.got != test.want {
				t.Errorf("%s: %s, want %s", named, test.got, test.want)
			}
		}
	}
}
