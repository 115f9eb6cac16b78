package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/schema/refusal"
	"entente/settlement/postgres"
)

func TestARoleThatCouldChangeTheJournalIsRefused(t *testing.T) {
	pgtest.NoLeaks(t)
	for _, test := range []struct{ name, as, grant, want string }{
		{"a superuser", "admin", "", "entente is a superuser"},
		{"the owner of the tables", "owner", "", "entente_owner owns account"},
		{"one who may change entries", "app", "GRANT UPDATE ON entry TO %s", "may change entry"},
		{"one who may change a column of theirs", "app", "GRANT UPDATE (minor) ON entry TO %s", "may change entry"},
		{"one who may drop notes", "app", "GRANT DELETE ON note TO %s", "may change note"},
		{"one who may empty the log", "app", "GRANT TRUNCATE ON checkpoint, evidence TO %s", "may change checkpoint, evidence"},
		{"one who may write triggers", "app", "GRANT TRIGGER ON bill TO %s", "may change bill"},
		{"everybody may change entries", "app", "GRANT UPDATE ON entry TO PUBLIC", "may change entry"},
		{"one who owns one table", "app", "ALTER TABLE note OWNER TO %s", "owns note"},
		{"one who owns the database", "app", "DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I OWNER TO %s', current_database()); END $$", "owns schema public, database"},
	} {
		t.Run(test.name, func(t *testing.T) {
			url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
			config, err := pgx.ParseConfig(url)
			if err != nil {
				t.Fatal(err)
			}
			if test.grant != "" {
				run(t, connect(t, pgtest.Admin(url)), strings.ReplaceAll(strings.ReplaceAll(test.grant, "%s", config.User), "%%", "%"))
			}
			as := map[string]string{"admin": pgtest.Admin(url), "owner": pgtest.Owner(url), "app": url}[test.as]
			_, err = postgres.Open(t.Context(), as, "boj")
			if refusal.CodeOf(err) != postgres.CodeUnsafeConfig || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What the application may do is what the second line, the triggers, would let pass: nobody has granted it more, in whatever table comes.
func TestTheApplicationAddsToTheJournalAndChangesNothingInIt(t *testing.T) {
	pgtest.NoLeaks(t)
	url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
	app := connect(t, url)
	rows, err := connect(t, pgtest.Owner(url)).Query(t.Context(), "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 15 {
		t.Fatalf("%d tables (%v)", len(tables), err)
	}
	const denied = "42501"
	changeable := map[string]bool{"writer": true, "account": true, "swap": true, "swap_peer": true, "message": true, "channel": true, "witnessed": true, "contradiction": true, "snapshot": true, "snapshot_part": true}
	for _, table := range tables {
		for _, statement := range []string{"DELETE FROM " + table, "TRUNCATE " + table, "DROP TABLE " + table, "ALTER TABLE " + table + " DISABLE TRIGGER ALL"} {
			if got := tried(t, app, statement); got != denied {
				t.Errorf("%s gives %q", statement, got)
			}
		}
		var may bool
		if err := app.QueryRow(t.Context(), "SELECT has_any_column_privilege($1, 'UPDATE')", table).Scan(&may); err != nil || may != changeable[table] {
			t.Errorf("%s may be changed: %v (%v)", table, may, err)
		}
	}
}

func TestOneWhoWasNotLetInIsToldHow(t *testing.T) {
	pgtest.NoLeaks(t)
	empty := pgtest.Empty(t)
	if err := postgres.Migrate(t.Context(), empty, migrations.Bank); err != nil {
		t.Fatal(err)
	}
	app := pgtest.App(empty)
	if _, err := postgres.Open(t.Context(), app, "boj"); refusal.CodeOf(err) != postgres.CodeDenied {
		t.Errorf("got %v", err)
	}
	if _, err := postgres.Pending(t.Context(), app, migrations.Bank); refusal.CodeOf(err) != postgres.CodeDenied {
		t.Errorf("got %v", err)
	}
	if err := postgres.Migrate(t.Context(), pgtest.App(pgtest.Empty(t)), migrations.Bank); refusal.CodeOf(err) != postgres.CodeDenied {
		t.Errorf("got %v", err)
	}
	for range 2 {
		if err := postgres.Admit(t.Context(), empty, app); err != nil {
			t.Fatal(err)
		}
	}
	if err := postgres.Migrate(t.Context(), app, migrations.Bank); err != nil {
		t.Errorf("nothing is left to migrate, and it gives %v", err)
	}
	if err := open(t, app, "boj").Commit(t.Context(), noteBatch(1)); err != nil {
		t.Error(err)
	}
}
