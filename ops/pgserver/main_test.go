package pgserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// helperDir tells a copy of the test binary to start a server there ("temporary" for a temporary one) and to wait for its own end.
const helperDir = "PGSERVER_TEST_HELPER_DIR"

// helperLock tells a copy of the test binary to take the record lock of that file, to say so, and to wait for its own end.
const helperLock = "PGSERVER_TEST_HELPER_LOCK"

func TestMain(m *testing.M) {
	if path, isHelper := os.LookupEnv(helperLock); isHelper {
		holdLock(path)
	}
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

func holdLock(path string) {
	f, err := os.Create(path)
	if err == nil {
		err = syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("held")
	time.Sleep(time.Minute)
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
