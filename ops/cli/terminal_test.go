package cli_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// onTerminal plays the tide as somebody at a terminal would see it, and gives every byte that came to the screen.
func onTerminal(t *testing.T, environment ...string) string {
	t.Helper()
	script, err := exec.LookPath("script")
	if err != nil {
		t.Skip("no script(1) to make a terminal with")
	}
	cmd := exec.CommandContext(t.Context(), script, "-q", "-e", "-c", "stty cols 100 rows 30; entente demo --exit --data "+tide+" --out "+t.TempDir(), "/dev/null")
	cmd.Env = append(os.Environ(), environment...)
	screen, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, screen)
	}
	if !strings.Contains(string(screen), "Result    VALID") {
		t.Fatalf("the report is not on the screen:\n%s", screen)
	}
	return string(screen)
}

// colour is what a terminal takes for a change of colour or weight.
var colour = regexp.MustCompile("\x1b\\[[0-9;]*m")

func TestATerminalSeesBarsAndNoColour(t *testing.T) {
	t.Parallel()
	screen := onTerminal(t, "TERM=xterm-256color", "NO_COLOR=1")
	if !strings.Contains(screen, "\x1b[") || !regexp.MustCompile(`proofs +\[[= ]+\] [0-9]+ of [0-9]+`).MatchString(screen) {
		t.Errorf("it shows no bar:\n%q", screen)
	}
	if found := colour.FindString(screen); found != "" {
		t.Errorf("it colours with %q", found)
	}
	// The bars are gone when the report is there.
	if _, after, _ := strings.Cut(screen, "Result    VALID"); strings.Contains(after, "\x1b[") {
		t.Errorf("it draws over the report: %q", after)
	}
}

func TestADumbTerminalSeesPlainLines(t *testing.T) {
	t.Parallel()
	screen := onTerminal(t, "TERM=dumb")
	if strings.Contains(screen, "\x1b") {
		t.Errorf("it draws:\n%q", screen)
	}
	if !strings.Contains(screen, "starting Postgres") {
		t.Errorf("it says nothing of what it does:\n%s", screen)
	}
}
