package failpoint

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// TestMain lets the test binary play the process that dies.
func TestMain(m *testing.M) {
	if point, ok := os.LookupEnv("FAILPOINT_TEST_PASS"); ok {
		Pass(point)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAProcessDiesAtTheArmedPointAndNowhereElse(t *testing.T) {
	for _, c := range []struct {
		armed, pass string
		dies        bool
	}{
		{BankVoteStored, BankVoteStored, true},
		{BankVoteStored, BankAckStored, false},
		{BankVoteStored, "", false},
		{"", BankVoteStored, false},
		{"", "", false},
	} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), Variable+"="+c.armed, "FAILPOINT_TEST_PASS="+c.pass)
		err := cmd.Run()
		var exit *exec.ExitError
		killed := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
		if killed != c.dies || err != nil && !killed {
			t.Errorf("armed %q, passed %q: %v", c.armed, c.pass, err)
		}
	}
}

func TestNamesAreKnownAndDifferent(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range Names() {
		if !Known(n) || seen[n] || n == "" {
			t.Errorf("point %q", n)
		}
		seen[n] = true
	}
	if Known("bank.lunch") {
		t.Error("a point that is none is known")
	}
}
