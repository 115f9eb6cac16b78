package telemetry_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"entente/ops/node"
	"entente/ops/telemetry"
	"entente/schema/money"
	"entente/settlement/swap"
	"entente/wallet"
)

// secrets lists what nobody may be told, each with what it is: every private key and secret of every key file, every item and person, every account, and every
// amount of an item, bill, payment or balance, in minor units and as people write it.
func (x *told) secrets(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{"zebrawater": "an item", "gnuwater": "an item", "okapiwater": "an item", "clerk": "a person", "controller": "a person"}
	x.keys(t, found)
	amount := func(what string, minor int64, code string) {
		if minor < 0 {
			minor = -minor
		}
		if minor < 100_000 {
			return // as short as a port or a size
		}
		c, err := money.ParseCurrency(code)
		if err != nil {
			t.Fatal(err)
		}
		digits := strconv.FormatInt(minor, 10)
		whole := len(digits) - int(c.Digits())
		for _, written := range []string{digits, digits[:whole] + "." + digits[whole:], digits[:whole]} {
			if !strings.Contains(found[written], what) {
				found[written] = strings.TrimPrefix(found[written]+" and "+what, " and ")
			}
		}
	}
	for _, b := range x.story.Bills {
		amount("a bill", b.Total.Minor(), b.Total.Currency().Code())
	}
	for _, l := range x.story.Lines {
		amount("an item's price", l.Amount.Minor(), l.Amount.Currency().Code())
	}
	for _, p := range x.story.Payments {
		amount("a debit", p.DebitMinor, p.Instruction.DebitCurrency)
		amount("a largest debit", p.Instruction.MaxDebitMinor, p.Instruction.DebitCurrency)
		amount("a payment", p.Instruction.PayMinor, p.Instruction.PayCurrency)
	}
	for _, accounts := range []map[string]node.Account{x.story.Before, x.story.After} {
		for _, a := range accounts {
			amount("a balance", a.BalanceMinor, a.Currency)
		}
	}
	for _, bank := range x.net.Banks {
		err := bank.Engine().View(t.Context(), func(m *swap.Machine) {
			for _, a := range m.Ledger().Accounts() {
				found[a.ID] = "an account"
				amount("a balance", a.Balance(), m.Ledger().Currency)
				amount("a turnover", a.DebitsPosted, m.Ledger().Currency)
			}
			amount("a supply", m.Ledger().Supply(), m.Ledger().Currency)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// keys adds what is in the key files, in every way bytes are commonly written.
func (x *told) keys(t *testing.T, found map[string]string) {
	t.Helper()
	unlock, err := wallet.OpenUnlock(filepath.Join(x.dir, "keys", "unlock"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(x.dir, "keys", "*.age"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d key files (%v)", len(files), err)
	}
	bytes := func(what string, b []byte) {
		for _, written := range []string{hex.EncodeToString(b), strings.ToUpper(hex.EncodeToString(b)), base64.StdEncoding.EncodeToString(b), base64.RawStdEncoding.EncodeToString(b),
			base64.URLEncoding.EncodeToString(b), base64.RawURLEncoding.EncodeToString(b), fmt.Sprint(b), string(b)} { //nolint:staticcheck // the list of numbers is what %v prints of bytes
			found[written] = what
		}
	}
	n := 0
	for _, file := range files {
		ring, err := wallet.Open(file, unlock)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range ring.Signers() {
			bytes("a private key", s.Private())
			bytes("a private key", s.Private().Seed())
			n++
		}
		for _, name := range []string{node.SecretBlinding, node.SecretTags, node.SecretSalts, node.SecretProgramme} {
			if secret, err := ring.Secret(name); err == nil { // not every ring has every secret
				bytes("a secret", secret[:])
				n++
			}
		}
	}
	if n < 25 {
		t.Errorf("only %d keys and secrets", n)
	}
}

// leaks finds secrets in what was told. A word or number counts where it stands by itself.
func leaks(secrets map[string]string, told string) (found []string) {
	part := func(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	for _, s := range slices.Sorted(maps.Keys(secrets)) {
		for from := 0; ; {
			at := strings.Index(told[from:], s)
			if at < 0 {
				break
			}
			at += from
			end := at + len(s)
			if (at == 0 || !part(told[at-1])) && (end == len(told) || !part(told[end])) {
				found = append(found, fmt.Sprintf("%s: %q in %q", secrets[s], s, told[max(0, at-40):min(len(told), end+40)]))
				break
			}
			from = at + 1
		}
	}
	return found
}

// shown gives everything of the spans but their times and ids.
func shown(spans tracetest.SpanStubs) string {
	var b strings.Builder
	write := func(attrs []attribute.KeyValue) {
		for _, a := range attrs {
			fmt.Fprintf(&b, " %s=%s", a.Key, a.Value.String())
		}
	}
	for _, s := range spans {
		fmt.Fprintf(&b, "%s %s %s", s.Name, s.Status.Code, s.Status.Description)
		write(s.Attributes)
		for _, e := range s.Events {
			fmt.Fprintf(&b, " %s", e.Name)
			write(e.Attributes)
		}
		for _, l := range s.Links {
			write(l.Attributes)
		}
		write(s.Resource.Attributes())
		b.WriteByte('\n')
	}
	return b.String()
}

// ours drops the figures of the language's runtime, which count bytes and seconds of this process alone.
func ours(metrics string) string {
	var b strings.Builder
	for line := range strings.Lines(metrics) {
		if strings.Contains(line, "entente_") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func TestNoKeyNameOrAmountIsTold(t *testing.T) {
	x := playOnce(t)
	secrets := x.secrets(t)
	for what, text := range map[string]string{"logs": x.log.String(), "spans": shown(x.spans), "metrics": ours(x.metrics)} {
		for _, leak := range leaks(secrets, text) {
			t.Errorf("%s tell %s", what, leak)
		}
	}
	if n := len(ours(x.metrics)); n < 10_000 {
		t.Errorf("only %d bytes of metrics", n)
	}
}

// A line that names a secret is found when the list of what may be shown is left out, and is harmless when it is not.
func TestALineThatLeaksIsFoundAndTheListStopsIt(t *testing.T) {
	x := playOnce(t)
	secrets := x.secrets(t)
	ways := map[string]func(log *slog.Logger, secret string){
		"as an attribute": func(log *slog.Logger, s string) { log.Info("paid", "amount", s) },
		"in a group":      func(log *slog.Logger, s string) { log.Info("paid", slog.Group("payment", "amount", s)) },
		"by the logger":   func(log *slog.Logger, s string) { log.With("payer", s).WithGroup("more").Info("paid") },
		"in a fault":      func(log *slog.Logger, s string) { log.Info("paid", "error", fmt.Errorf("store %q: refused", s)) },
	}
	// A number is also taken out of a sentence, of a fault's bare text, and from under a key that is for something else.
	numbers := map[string]func(log *slog.Logger, secret string){
		"in the line":               func(log *slog.Logger, s string) { log.Info("paid " + s + " today") },
		"in a fault's text":         func(log *slog.Logger, s string) { log.Info("paid", "error", fmt.Errorf("store %s: refused", s)) },
		"under another thing's key": func(log *slog.Logger, s string) { log.Info("paid", "code", s, "bank", s, "uetr", s) },
	}
	tried := map[string]int{}
	for secret, what := range secrets {
		all := maps.Clone(ways)
		if _, err := strconv.ParseFloat(secret, 64); err == nil {
			maps.Copy(all, numbers)
		}
		if strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
			continue // raw bytes, which a text handler writes in another way
		}
		for _, one := range strings.Split(what, " and ") {
			tried[one]++
		}
		for way, leak := range all {
			var open, guarded buffer
			leak(logTo(&open), secret)
			leak(telemetry.Guard(logTo(&guarded)), secret)
			if len(leaks(secrets, open.String())) == 0 {
				t.Errorf("%s told %s is not found in %q", what, way, open.String())
			}
			if found := leaks(secrets, guarded.String()); len(found) > 0 {
				t.Errorf("told %s: %s", way, found[0])
			}
		}
	}
	for _, what := range []string{"an item", "a person", "an account", "a private key", "a secret", "a bill", "a debit", "a payment", "a balance"} {
		if tried[what] == 0 {
			t.Errorf("nothing tried is %s", what)
		}
	}
}
