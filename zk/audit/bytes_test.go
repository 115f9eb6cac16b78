package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"entente/schema/wire"
)

var (
	update = flag.Bool("update", false, "rewrite golden files")
	every  = flag.Bool("every", false, "try every byte of the bundle with its checksum made again, not a sample")
)

// seal makes a file of any body: what an attacker who knows the format can do.
func seal(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(append([]byte("entente bundle 2\n"), sum[:]...), body...)
}

func TestEveryChangedByteIsFound(t *testing.T) {
	w := newWorld(t, "real")
	file := fileOf(w.build())
	body := bodyOf(file)
	if !bytes.Equal(seal(body), file) {
		t.Fatal("the format of the file is not what this test thinks")
	}
	t.Run("with the checksum as it was", func(t *testing.T) {
		for i := range file {
			changed := bytes.Clone(file)
			changed[i] ^= 1 << (i % 8)
			if _, err := wire.ParseBundle(changed); err == nil {
				t.Fatalf("byte %d of %d changed, and nothing is wrong", i, len(file))
			}
			if i%1009 == 0 {
				if r := Verify(w.network, changed, nil); r.ExitCode() != 1 {
					t.Errorf("byte %d changed: %s", i, outcome(r))
				}
			}
		}
	})
	t.Run("with the checksum made again", func(t *testing.T) {
		whole := Verify(w.network, file, nil)
		stride := 211
		if *every {
			stride = 1
		}
		// The version field comes first, then the network's name, then the bundle's date: 8 bytes that are the maker's word, and that nothing rests on.
		date := 8 + 6 + len(w.network.Network) + 6
		for i := 0; i < len(body); i += stride {
			changed := bytes.Clone(body)
			changed[i] ^= 1 << (i % 8)
			r := Verify(w.network, seal(changed), nil)
			if dated := i >= date && i < date+8; r.ExitCode() == 0 && !(dated && sameProven(r, whole)) {
				t.Errorf("byte %d of the body changed, and the bundle is valid", i)
			}
		}
	})
	t.Run("cut short or extended", func(t *testing.T) {
		for n := 0; n < len(file); n += 499 {
			if r := Verify(w.network, file[:n], nil); r.ExitCode() != 1 {
				t.Errorf("cut to %d bytes: %s", n, outcome(r))
			}
		}
		for _, longer := range [][]byte{append(bytes.Clone(file), 0), seal(append(bytes.Clone(body), 0))} {
			if r := Verify(w.network, longer, nil); r.ExitCode() != 1 {
				t.Errorf("with a byte more: %s", outcome(r))
			}
		}
	})
	t.Run("damage is looked into", func(t *testing.T) {
		changed := bytes.Replace(file, w.logs["rba"][0].Bytes(), w.logs["rba"][1].Bytes()[:len(w.logs["rba"][0].Bytes())], 1)
		want := expected(1, wire.CodeBundleDamaged, CodeRootMismatch, CodeLeafInvalid)
		if got := outcome(Verify(w.network, changed, nil)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		cut := expected(1, wire.CodeBundleDamaged, wire.CodeMalformed)
		if got := outcome(Verify(w.network, file[:len(file)-1], nil)); got != cut {
			t.Errorf("%s, want %s", got, cut)
		}
	})
}

// sameProven compares all that a report proves: not the bundle's own date and bytes.
func sameProven(a, b Report) bool {
	a.CreatedMS, a.BundleSHA256, a.BundleBytes = b.CreatedMS, b.BundleSHA256, b.BundleBytes
	a.Steps, b.Steps = nil, nil // one counts bytes
	return cmp.Equal(a, b)
}

func FuzzVerify(f *testing.F) {
	w := newWorld(f, "real")
	b := w.build()
	whole := Verify(w.network, b.File(), nil)
	f.Add(bodyOf(b.File()))
	for _, claims := range []*[]wire.Proven{&b.Budgets, &b.Shares, &b.Rates, &b.Supplies} {
		kept := *claims
		*claims = kept[1:]
		f.Add(bodyOf(b.File()))
		*claims = append(kept[:1:1], kept...)
		f.Add(bodyOf(b.File()))
		*claims = kept
	}
	b.Bills = nil
	f.Add(bodyOf(b.File()))
	b.Ledgers = nil
	f.Add(bodyOf(b.File()))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		r := Verify(w.network, seal(body), nil)
		if r.ExitCode() == 0 && !sameProven(r, whole) {
			t.Errorf("a bundle nobody signed is valid: %s", r.Certificate())
		}
		if raw := Verify(w.network, body, nil); raw.ExitCode() != 1 {
			t.Errorf("bytes without magic and checksum: %s", outcome(raw))
		}
	})
}

func TestCertificate(t *testing.T) {
	w := newWorld(t, "real")
	b := w.build()
	valid := Verify(w.network, b.File(), nil)
	b.Bills[0].Envelope.Signatures[1].Bytes[0] ^= 1
	b.Ledgers = b.Ledgers[:1]
	invalid := Verify(w.network, b.File(), nil)
	b = w.build()
	b.Statements = b.Statements[:1]
	undecidable := Verify(w.network, b.File(), nil)
	for name, r := range map[string]Report{"valid": valid, "invalid": invalid, "undecidable": undecidable} {
		t.Run(name, func(t *testing.T) {
			// Development keys are made anew in every run; everything else is the same in each.
			r.BundleSHA256 = wire.Hash{0xb5}
			for i := range r.Keys {
				r.Keys[i].KeyID = wire.Hash{0x5e, byte(i)}
			}
			golden(t, "testdata/"+name+".txt", r.Certificate())
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > certificateWidth {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (run with -update to accept):\n%s", path, diff)
	}
}

func TestACertificateSaysInsecureExactlyWhenItIs(t *testing.T) {
	ceremony := Key{Circuit: "bill-64", Ceremony: strings.Repeat("ab", 32)}
	for name, c := range map[string]struct {
		report Report
		want   bool
	}{
		"keys of a ceremony":   {Report{Result: Valid, Keys: []Key{ceremony}}, false},
		"a development report": {Report{Result: Valid, Development: true}, true},
	} {
		if got := strings.Contains(c.report.Certificate(), "INSECURE"); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	t.Run("a network for development with keys of a ceremony, and the other way round", func(t *testing.T) {
		for _, development := range []bool{true, false} {
			w := newWorld(t, "real")
			w.network.Development = development
			for i := range w.network.Circuits {
				if development {
					w.network.Circuits[i].Ceremony = "a transcript's hash"
				}
			}
			if r := Verify(w.network, fileOf(w.build()), nil); !r.Insecure() || r.ExitCode() != 0 || !strings.Contains(r.Certificate(), "INSECURE") {
				t.Errorf("development network %v: not INSECURE", development)
			}
		}
		w := newWorld(t, "real")
		for i := range w.network.Circuits {
			w.network.Circuits[i].Ceremony = "a transcript's hash"
		}
		if r := Verify(w.network, fileOf(w.build()), nil); r.Insecure() || strings.Contains(r.Certificate(), "INSECURE") {
			t.Error("INSECURE without development keys")
		}
	})
}

func TestCertificatesStayInTheirWidthWithAnyNames(t *testing.T) {
	wide := strings.Repeat("wide ", 12) + strings.Repeat("W", 200)
	r := Report{
		Network: wide, Result: Invalid, Findings: []Finding{{Result: Invalid, Code: CodeLeafInvalid, Text: wide, Where: wide}}, FindingsOmitted: 1234567,
		Ledgers: []Ledger{{Bank: strings.Repeat("b", 40), Currency: "AUD", Origin: strings.Repeat("o", 60), Size: 123456789}},
		Totals:  []Total{{Bank: "b", Currency: "AUD", ProgrammeName: wide, Category: strings.Repeat("c", 128), Minor: "79228162514264337593543950335"}},
		Keys:    []Key{{Circuit: "bill-16", Ceremony: wide}},
	}
	for line := range strings.Lines(r.Certificate()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > certificateWidth {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if text := r.Certificate(); !strings.Contains(text, "79228162514264337593543950335 minor units") || !strings.Contains(text, "1,234,567 more") {
		t.Error(text)
	}
}

func TestAReportIsJSON(t *testing.T) {
	w := newWorld(t, "real")
	r := Verify(w.network, fileOf(w.build()), nil)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Error(diff)
	}
	none, err := json.Marshal(Verify(nil, nil, nil))
	if err != nil || bytes.Contains(none, []byte("null")) {
		t.Errorf("%s, %v", none, err)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	w := newWorld(t, "real")
	for range MaxFindings + 50 {
		w.bare = true
		leaf := w.moving(wire.LeafTransfer, "t", 1)
		leaf.Amount = nil
		w.log("rbi", leaf)
	}
	r := Verify(w.network, fileOf(w.build()), nil)
	if len(r.Findings) != MaxFindings || r.FindingsOmitted != 50+7 || r.ExitCode() != 1 {
		t.Errorf("%d findings, %d omitted, exit %d", len(r.Findings), r.FindingsOmitted, r.ExitCode())
	}
}

func TestTextFromUnsignedBytesCannotRearrangeAScreen(t *testing.T) {
	w := newWorld(t, "real")
	b := w.build()
	b.Network = "evil\u202enetwork"
	b.Ledgers[0].Bank = "rba\u200b"
	r := Verify(w.network, b.File(), nil)
	if text := r.Certificate(); strings.ContainsAny(text, "\u202e\u200b") {
		t.Errorf("%q", text)
	}
}

// BenchmarkVerify audits a log as large as a busy year's.
func BenchmarkVerify(b *testing.B) {
	const n = 100_000
	w := newWorld(b, "real")
	amounts := make([]wire.Leaf, 64)
	for i := range amounts {
		amounts[i] = w.moving(wire.LeafTransfer, "t", uint64(i))
	}
	for i := range n {
		leaf := amounts[i%len(amounts)]
		leaf.Reference = reference(fmt.Sprint(i))
		w.log("rbi", leaf)
	}
	file := fileOf(w.build())
	for b.Loop() {
		if got := outcome(Verify(w.network, file, nil)); got != expected(0) {
			b.Fatal(got)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/leaf")
}
