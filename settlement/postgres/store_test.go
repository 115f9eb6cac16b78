package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/schema/refusal"
	"entente/settlement/engine"
	"entente/settlement/postgres"
	"entente/settlement/swap"
)

func open(t *testing.T, url, bank string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, bank)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// noteBatch is the smallest batch there is.
func noteBatch(id int64) *engine.Batch {
	return &engine.Batch{ID: id, AtMS: 5, Notes: []swap.Note{{Kind: swap.NoteAlarm, Code: "x", Text: "y", AtMS: 5}}}
}

func TestADatabaseThatCannotBeTakenIsRefused(t *testing.T) {
	pgtest.NoLeaks(t)
	bank, desk, empty := pgtest.Migrated(t, migrations.Bank, postgres.Migrate), pgtest.Migrated(t, migrations.Desk, postgres.Migrate), pgtest.Empty(t)
	if err := open(t, bank, "boj").Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, url, bank string
		want            refusal.Code
	}{
		{"another bank's", bank, "rba", postgres.CodeForeign},
		{"an empty one", empty, "boj", postgres.CodeSchemaMissing},
		{"no address", "postgres://[", "boj", postgres.CodeAddress},
	} {
		if _, err := postgres.Open(t.Context(), test.url, test.bank); refusal.CodeOf(err) != test.want {
			t.Errorf("%s gives %v", test.name, err)
		}
	}
	if _, err := postgres.OpenDesk(t.Context(), bank); refusal.CodeOf(err) != postgres.CodeForeign {
		t.Errorf("a bank's database opened for a desk gives %v", err)
	}
	d, err := postgres.OpenDesk(t.Context(), desk)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := postgres.Open(t.Context(), desk, "boj"); refusal.CodeOf(err) != postgres.CodeForeign {
		t.Errorf("a desk's database opened for a bank gives %v", err)
	}
}

func TestAServerThatLosesCommitsIsRefused(t *testing.T) {
	pgtest.NoLeaks(t)
	for _, value := range []string{"off", "local"} {
		url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
		run(t, connect(t, pgtest.Admin(url)), "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = "+value+"', current_database()); END $$")
		_, err := postgres.Open(t.Context(), url, "boj")
		if refusal.CodeOf(err) != postgres.CodeUnsafeConfig {
			t.Errorf("%s gives %v", value, err)
		}
	}
}

func TestOneWriterAtATime(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
	first := open(t, url, "boj")
	if err := first.Commit(t.Context(), noteBatch(1)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := postgres.Open(ctx, url, "boj"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second writer beside a living one gives %v", err)
	}
	if err := first.Commit(t.Context(), noteBatch(2)); err != nil {
		t.Errorf("the first writer was disturbed: %v", err)
	}

	terminate(t, url)
	second := open(t, url, "boj")
	if err := second.Commit(t.Context(), noteBatch(3)); err != nil {
		t.Errorf("the second writer: %v", err)
	}
	if err := first.Commit(t.Context(), noteBatch(3)); err == nil {
		t.Error("the first writer writes")
	}
	if _, err := first.Committed(t.Context(), 3); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("the first writer takes the second's batch for its own: %v", err)
	}
}

func TestAWriterWhoseTermIsOverIsFencedWithinItsSession(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
	s := open(t, url, "boj")
	run(t, connect(t, url), "UPDATE writer SET term = term + 1")
	if err := s.Commit(t.Context(), noteBatch(1)); !errors.Is(err, engine.ErrFenced) {
		t.Errorf("got %v", err)
	}
}

func TestACommitThatBrokeOffIsLookedUp(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
	s := open(t, url, "boj")
	if err := s.Commit(t.Context(), noteBatch(1)); err != nil {
		t.Fatal(err)
	}
	terminate(t, url)
	if err := s.Commit(t.Context(), noteBatch(2)); err == nil {
		t.Fatal("a commit without a session")
	}
	if there, err := s.Committed(t.Context(), 2); err != nil || there {
		t.Errorf("the batch that did not arrive: %v, %v", there, err)
	}
	if there, err := s.Committed(t.Context(), 1); err != nil || !there {
		t.Errorf("the batch that did: %v, %v", there, err)
	}
	if err := s.Commit(t.Context(), noteBatch(3)); err == nil || errors.Is(err, engine.ErrFenced) {
		t.Errorf("a batch out of turn gives %v", err)
	}
	if there, err := s.Committed(t.Context(), 3); err != nil || there {
		t.Errorf("the batch out of turn: %v, %v", there, err)
	}
	if err := s.Commit(t.Context(), noteBatch(2)); err != nil {
		t.Errorf("the next batch: %v", err)
	}
	notes, err := s.Notes(t.Context(), 0, 10)
	if err != nil || len(notes) != 2 {
		t.Errorf("%d notes (%v)", len(notes), err)
	}
}

// A commit that waits in the server while its client is gone must be decided before the look-up answers.
func TestTheLookUpWaitsForATransactionInFlight(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
	s := open(t, url, "boj")
	other := connect(t, url)
	run(t, other, "BEGIN; SELECT take_turn(1, 0, 1); INSERT INTO batch VALUES (1, 1, 5, decode(repeat('01', 32), 'hex'), decode(repeat('01', 64), 'hex'), '')") // as the writer's own, cut off before its end
	type answer struct {
		there bool
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		there, err := s.Committed(context.Background(), 1)
		answers <- answer{there, err}
	}()
	select {
	case a := <-answers:
		t.Fatalf("answered %v before the transaction ended", a)
	case <-time.After(300 * time.Millisecond):
	}
	run(t, other, "COMMIT")
	if a := <-answers; a.err != nil || !a.there {
		t.Errorf("got %v", a)
	}
}

func TestACommitHeedsNoCancelling(t *testing.T) {
	pgtest.NoLeaks(t)
	s := open(t, pgtest.Migrated(t, migrations.Bank, postgres.Migrate), "boj")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, noteBatch(1)); err != nil {
		t.Errorf("got %v", err)
	}
}
