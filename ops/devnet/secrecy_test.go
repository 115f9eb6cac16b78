package devnet_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entente/schema/wire"
)

// written is what left a pair of desks, or would be shown to somebody.
type written struct {
	name  string
	bytes []byte
}

// items are the texts that the two nations of a bill alone may know.
func items(t *testing.T) []string {
	t.Helper()
	words := reckon(t).words
	slices.Sort(words)
	words = slices.DeleteFunc(slices.Compact(words), func(w string) bool { return w == "" })
	if len(words) < 8 {
		t.Fatalf("the data has only the texts %q", words)
	}
	return words
}

// accounts are the account ids of nations and provider, which no leaf may name.
func accounts(e *exercise) []string {
	var ids []string
	for _, m := range e.net.Trust.Members {
		ids = append(ids, m.Account)
	}
	for _, b := range e.net.Trust.Banks {
		for _, p := range e.net.Trust.Providers {
			ids = append(ids, strings.ToUpper(b.ID)+"-"+p.ID)
		}
	}
	return ids
}

func bundleFile(t *testing.T, e *exercise) []byte {
	t.Helper()
	file, err := os.ReadFile(e.story.BundlePath)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func leaves(t *testing.T, e *exercise) (all []written) {
	t.Helper()
	for name, bank := range e.net.Banks {
		list, err := bank.Engine().Leaves(t.Context(), 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, written{"log of " + name, bytes.Join(list, []byte{'\n'})})
	}
	return all
}

// shown fails for every text that stands in what was written, as it is, in capitals or not, or in hexadecimal.
func shown(where []written, texts []string) (found []string) {
	for _, w := range where {
		lower := bytes.ToLower(w.bytes)
		for _, text := range texts {
			needle := []byte(strings.ToLower(text))
			coded := []byte(hex.EncodeToString([]byte(text)))
			if bytes.Contains(lower, needle) || bytes.Contains(lower, coded) {
				found = append(found, w.name+": "+text)
			}
		}
	}
	return found
}

func TestNoLogAndNoBundleShowsALineOrAnAccount(t *testing.T) {
	e := playOnce(t)
	all := append(leaves(t, e), written{"bundle", bundleFile(t, e)}, written{"what processes logged", e.log.Bytes()})
	for _, w := range all {
		if w.name != "what processes logged" && len(w.bytes) < 1000 {
			t.Errorf("%s has only %d bytes", w.name, len(w.bytes))
		}
	}
	for _, found := range shown(all, append(items(t), accounts(e)...)) {
		t.Error(found)
	}
}

// A bank keeps clear amounts and accounts beside its log, and still never learns what was bought.
func TestNoBankStoresALine(t *testing.T) {
	e := playOnce(t)
	for bank := range e.net.Banks {
		dump := written{"database of " + bank, dump(t, e.net.BankDatabase(bank))}
		for _, found := range shown([]written{dump}, items(t)) {
			t.Error(found)
		}
		if len(shown([]written{dump}, accounts(e))) == 0 {
			t.Errorf("the dump of %s, %d bytes, does not even show its accounts", dump.name, len(dump.bytes))
		}
	}
}

// Amounts of single bills and lines: as the codec writes them, and as a person would. Proven totals are shown on purpose, so statements are left out.
func TestNoLogAndNoBundleShowsAnAmount(t *testing.T) {
	e, want := playOnce(t), reckon(t)
	bundle, err := wire.ParseBundle(bundleFile(t, e))
	if err != nil {
		t.Fatal(err)
	}
	bundle.Statements = nil
	all := append(leaves(t, e), written{"bundle without statements", bundle.File()})
	amounts := slices.Clone(want.amounts)
	for _, minor := range want.bills {
		amounts = append(amounts, minor)
	}
	for _, p := range e.story.Payments {
		amounts = append(amounts, p.DebitMinor)
	}
	for _, minor := range amounts {
		coded := binary.BigEndian.AppendUint64(nil, uint64(minor))
		opening := wire.Payment{Openings: []wire.TotalOpening{{TotalMinor: minor}}}
		if !bytes.Contains(opening.Bytes(), coded) {
			t.Fatal("the codec writes amounts in another form than this test looks for")
		}
		text := regexp.MustCompile(`\b` + strconv.FormatInt(minor, 10) + `\b`)
		for _, w := range all {
			if bytes.Contains(w.bytes, coded) {
				t.Errorf("%s shows %d minor units", w.name, minor)
			}
		}
		if minor >= 10_000 && text.Match(e.log.Bytes()) {
			t.Errorf("a process logged %d minor units", minor)
		}
	}
}

// dump gives every row of every table as text; bytes come in hexadecimal.
func dump(t *testing.T, url string) []byte {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, name := range tables {
		rows, err := conn.Query(t.Context(), "SELECT t::text FROM "+pgx.Identifier{name}.Sanitize()+" t")
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.Join(texts, "\n")...)
	}
	return all
}
