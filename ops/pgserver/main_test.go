package pgserver

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// helperDir tells a copy of the test binary to start a server there ("temporary" for a temporary one) and to wait for its own end.
const helperDir = "PGSERVER_TEST_HELPER_DIR"

func TestMain(m *testing.M) {
	if dir, isHelper := os.LookupEnv(helperDir); isHelper {
		helper(dir)
	}
	// Each test names its own source of the server.
	for _, name := range []string{"DATABASE_URL", "PGBINDIR"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// helper prints "PID WORKDIR DATADIR" when its server answers, and then never returns.
func helper(dir string) {
	if dir == "temporary" {
		dir = ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := Start(ctx, Options{Dir: dir, Log: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.PID(), s.work.path, s.dir)
	select {}
}
