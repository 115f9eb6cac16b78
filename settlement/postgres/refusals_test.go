package postgres

import (
	"testing"

	"entente/schema/refusal"
)

func TestEverySettingThatLosesCommitsIsNamed(t *testing.T) {
	safe := func() map[string]string {
		return map[string]string{"fsync": "on", "full_page_writes": "on", "synchronous_commit": "remote_apply"}
	}
	if err := unsafe(safe()); err != nil {
		t.Error(err)
	}
	for name := range safe() {
		for _, value := range []string{"off", ""} {
			settings := safe()
			settings[name] = value
			if err := unsafe(settings); refusal.CodeOf(err) != CodeUnsafeConfig {
				t.Errorf("%s=%s gives %v", name, value, err)
			}
		}
	}
}
