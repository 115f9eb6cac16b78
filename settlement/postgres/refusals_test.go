package postgres

import (
	"strings"
	"testing"

	"entente/schema/refusal"
)

func TestEverySettingThatLosesCommitsIsNamed(t *testing.T) {
	safe := func() map[string]string {
		return map[string]string{"fsync": "on", "full_page_writes": "on", "synchronous_commit": "remote_apply"}
	}
	if found := settingHazards(safe()); len(found) > 0 {
		t.Error(found)
	}
	for name := range safe() {
		for _, value := range []string{"off", "local", ""} {
			settings := safe()
			settings[name] = value
			if err := refuse(settingHazards(settings)); refusal.CodeOf(err) != CodeUnsafeConfig || !strings.Contains(err.Error(), "unsafe_db_config: "+name+"="+value) {
				t.Errorf("%s=%s gives %v", name, value, err)
			}
		}
	}
}

func TestAllHazardsAreNamedAtOnce(t *testing.T) {
	s := standing{Role: "clerk", Powers: []string{"CREATEROLE"}, Owned: []string{"entry"}, Changeable: []string{"note"}}
	err := refuse(append(settingHazards(map[string]string{"fsync": "off", "full_page_writes": "off", "synchronous_commit": "local"}), s.hazards()...))
	for _, part := range []string{"fsync=off", "full_page_writes=off", "synchronous_commit=local", "clerk has CREATEROLE", "clerk owns entry", "clerk may change note", "migrate"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}
