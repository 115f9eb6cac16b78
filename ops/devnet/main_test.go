package devnet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"entente/bridge/intake"
	"entente/ops/devnet"
	"entente/zk/proof"
)

// data is the exercise that is played: a currency two nations share, another of three digits, and an equipment case.
const data = "../../bridge/intake/testdata/euro"

func TestMain(m *testing.M) {
	code := m.Run()
	if err := errors.Join(played.close(), goleak.Find()); err != nil {
		fmt.Fprintln(os.Stderr, "after the tests:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// lines collects a log from several goroutines.
type lines struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(b)
}

func (l *lines) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.buffer.Bytes())
}

// exercise is one network that played the data once, for all tests of this package. It stays up until the last of them is done.
type exercise struct {
	once  sync.Once
	err   error
	dir   string
	net   *devnet.Net
	story *devnet.Story
	log   lines
	steps []string // phases as Play announced them
	told  []telling
}

// telling is what Play told of a phase.
type telling struct {
	phase       string
	done, total int
}

var played exercise

// playOnce gives the exercise after it was played, from the first test on.
func playOnce(t *testing.T) *exercise {
	t.Helper()
	played.once.Do(func() { played.err = played.play(context.WithoutCancel(t.Context())) })
	if played.err != nil {
		t.Fatal(played.err)
	}
	return &played
}

func (e *exercise) play(ctx context.Context) (err error) {
	if e.dir, err = os.MkdirTemp("", "devnet-test-"); err != nil {
		return err
	}
	options, err := options(ctx, e.dir)
	if err != nil {
		return err
	}
	options.Log = slog.New(slog.NewTextHandler(&e.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if e.net, err = devnet.Start(ctx, options); err != nil {
		return err
	}
	var mu sync.Mutex
	e.story, err = e.net.Play(ctx, func(phase string, done, total int) {
		mu.Lock()
		defer mu.Unlock()
		e.told = append(e.told, telling{phase, done, total})
		phase, _, _ = strings.Cut(phase, ":")
		if len(e.steps) == 0 || e.steps[len(e.steps)-1] != phase {
			e.steps = append(e.steps, phase)
		}
	})
	return err
}

func (e *exercise) close() error {
	if e.net == nil {
		return nil
	}
	return errors.Join(e.net.Close(), os.RemoveAll(e.dir))
}

// options are those of a network that plays the data, with everything it writes in dir and nothing logged.
func options(ctx context.Context, dir string) (devnet.Options, error) {
	loaded, err := intake.Load(os.DirFS(data))
	if err != nil {
		return devnet.Options{}, err
	}
	sheet, err := os.ReadFile(filepath.Join(data, "agreement.json"))
	if err != nil {
		return devnet.Options{}, err
	}
	cache, err := proof.DefaultDir()
	if err != nil {
		return devnet.Options{}, err
	}
	keys, err := proof.OpenDevelopment(ctx, cache, devnet.Circuits(), nil)
	if err != nil {
		return devnet.Options{}, err
	}
	return devnet.Options{Dir: dir, Exercise: loaded, Sheet: sheet, Keys: keys, Progress: func(string) {}, Log: slog.New(slog.DiscardHandler)}, nil
}
