package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entente/ops/cli"
)

// verify runs the command in this process, which is quicker than starting a program for every byte.
func verify(trust, bundle string) (code int, said string) {
	var out bytes.Buffer
	code = cli.Run([]string{"audit", "verify", "--trust", trust, bundle}, &out, &out)
	return code, out.String()
}

func TestAChangedByteAnywhereIsFoundAndNamed(t *testing.T) {
	r := demoOnce(t)
	file, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	if code, said := verify(r.trust, r.file); code != 0 {
		t.Fatalf("as it was written it gives %d:\n%s", code, said)
	}
	const tries = 64
	changed := filepath.Join(t.TempDir(), "changed.bundle")
	for i := range tries {
		at := i * (len(file) - 1) / (tries - 1) // the first and the last byte are among them
		b := bytes.Clone(file)
		b[at] ^= 1 << (i % 8)
		refused(t, r.trust, changed, b, "bit %d of byte %d", i%8, at)
	}
	for _, size := range []int{0, 1, 16, 17, 48, 49, len(file) / 2, len(file) - 1} {
		refused(t, r.trust, changed, file[:size], "cut to %d bytes", size)
	}
	refused(t, r.trust, changed, append(bytes.Clone(file), 0), "a byte more")
	refused(t, r.trust, changed, append(bytes.Clone(file), file...), "twice the same")
}

// refused wants exit code 1 and a finding that says what is wrong.
func refused(t *testing.T, trust, path string, file []byte, format string, args ...any) {
	t.Helper()
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	code, said := verify(trust, path)
	_, findings, found := strings.Cut(said, "\nFindings\n  invalid ")
	if code != 1 || !found || strings.TrimSpace(findings) == "" || strings.Contains(said, "Proven totals") {
		t.Errorf(format+": exit code %d:\n%.600s", append(args, code, said)...)
	}
}
