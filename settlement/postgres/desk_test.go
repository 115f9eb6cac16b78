package postgres_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/settlement/postgres"
)

func openDesk(t *testing.T, url string) *postgres.Desk {
	t.Helper()
	d, err := postgres.OpenDesk(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// story gives the journal as text.
func story(t *testing.T, d *postgres.Desk) string {
	t.Helper()
	var lines []string
	err := d.Replay(t.Context(), func(seq int64, e postgres.DeskEvent) error {
		lines = append(lines, fmt.Sprintf("%d %s %s %q %d %v", seq, e.Kind, e.Subject.Short(), e.Body, e.AtMS, e.Once))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestADeskRemembers(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Migrated(t, migrations.Desk, postgres.Migrate)
	d := openDesk(t, url)
	made := postgres.DeskEvent{Kind: "made", Subject: wire.Hash{1}, Body: []byte("a"), AtMS: 5, Once: true}
	if first, err := d.Append(t.Context(), []postgres.DeskEvent{made, {Kind: "seen", Subject: wire.Hash{1}, AtMS: 6}}); err != nil || first != 1 {
		t.Fatalf("first %d (%v)", first, err)
	}
	// What happens once is there once; what came with it is not taken either.
	again := []postgres.DeskEvent{{Kind: "seen", AtMS: 7}, {Kind: "made", Subject: wire.Hash{1}, Body: []byte("b"), AtMS: 7, Once: true}}
	if seq, err := d.Append(t.Context(), again); refusal.CodeOf(err) != postgres.CodeEventRepeated || seq != 1 {
		t.Errorf("the same again gives %d (%v)", seq, err)
	}
	made.Once = false
	if first, err := d.Append(t.Context(), []postgres.DeskEvent{made}); err != nil || first != 3 {
		t.Errorf("the same, where it may be twice: %d (%v)", first, err)
	}
	if _, err := d.Append(t.Context(), []postgres.DeskEvent{{Kind: ""}}); err == nil || refusal.CodeOf(err) != "" {
		t.Errorf("an event without a kind gives %v", err)
	}
	if first, err := d.Append(t.Context(), nil); err != nil || first != 4 {
		t.Errorf("no event gives %d (%v)", first, err)
	}
	want := "1 made 01000000 \"a\" 5 true\n2 seen 01000000 \"\" 6 false\n3 made 01000000 \"a\" 5 false"
	if got := story(t, d); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if got := story(t, openDesk(t, url)); got != want {
		t.Errorf("after a restart\n%s\nwant\n%s", got, want)
	}
}

func TestADeskGoesOnWhenItsSessionsAreCut(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Migrated(t, migrations.Desk, postgres.Migrate)
	d := openDesk(t, url)
	const writers, each = 8, 15
	var wait sync.WaitGroup
	for w := range writers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := range each {
				event := postgres.DeskEvent{Kind: "made", Subject: wire.Hash{byte(w + 1), byte(i)}, AtMS: 5, Once: true}
				for {
					_, err := d.Append(t.Context(), []postgres.DeskEvent{event})
					if err == nil || refusal.CodeOf(err) == postgres.CodeEventRepeated {
						break
					}
				}
			}
		}()
	}
	for range 5 {
		terminate(t, url)
	}
	wait.Wait()
	if n := strings.Count(story(t, d), "made"); n != writers*each {
		t.Errorf("%d events, want %d", n, writers*each)
	}
}

func TestReplayStopsWhereItIsTold(t *testing.T) {
	pgtest.NoLeaks(t)
	d := openDesk(t, pgtest.Migrated(t, migrations.Desk, postgres.Migrate))
	if _, err := d.Append(t.Context(), []postgres.DeskEvent{{Kind: "a", AtMS: 1}, {Kind: "b", AtMS: 2}}); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	seen := 0
	if err := d.Replay(t.Context(), func(int64, postgres.DeskEvent) error { seen++; return enough }); !errors.Is(err, enough) || seen != 1 {
		t.Errorf("%d events (%v)", seen, err)
	}
}

func TestADeskKeepsDocuments(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Migrated(t, migrations.Desk, postgres.Migrate)
	d := openDesk(t, url)
	for _, b := range []string{"first", "second"} {
		if err := d.Put(t.Context(), wire.Hash{1}, "bill", []byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	if b, ok, err := d.Get(t.Context(), wire.Hash{1}, "bill"); err != nil || !ok || string(b) != "first" {
		t.Errorf("got %q %v (%v)", b, ok, err)
	}
	if _, ok, err := d.Get(t.Context(), wire.Hash{1}, "post"); err != nil || ok {
		t.Errorf("a document of another kind: %v (%v)", ok, err)
	}
	if err := d.Put(t.Context(), wire.Hash{2}, "bill", nil); err == nil {
		t.Error("an empty document is kept")
	}
	conn := connect(t, url)
	for _, statement := range []string{"UPDATE document SET bytes = 'x'", "DELETE FROM document", "TRUNCATE document", "UPDATE event SET at_ms = 1", "DELETE FROM event", "TRUNCATE event"} {
		if got := tried(t, conn, statement); got != "EN003" {
			t.Errorf("%s gives %q", statement, got)
		}
	}
	for rule, statement := range map[string]string{
		"event_seq_from_one":   "INSERT INTO event VALUES (0, 'k', decode(repeat('01', 32), 'hex'), false, 1, '')",
		"event_kind_named":     "INSERT INTO event VALUES (1, '', decode(repeat('01', 32), 'hex'), false, 1, '')",
		"event_subject_length": "INSERT INTO event VALUES (1, 'k', 'x', false, 1, '')",
		"event_has_a_time":     "INSERT INTO event VALUES (1, 'k', decode(repeat('01', 32), 'hex'), false, -1, '')",
		"document_hash_length": "INSERT INTO document VALUES ('x', 'k', 'b')",
		"document_kind_named":  "INSERT INTO document VALUES (decode(repeat('01', 32), 'hex'), '', 'b')",
		"document_not_empty":   "INSERT INTO document VALUES (decode(repeat('01', 32), 'hex'), 'k', '')",
	} {
		if got := tried(t, conn, statement); got != rule {
			t.Errorf("%s is refused by %q, not by %q", statement, got, rule)
		}
	}
}
