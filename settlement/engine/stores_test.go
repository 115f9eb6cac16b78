package engine_test

import (
	"context"
	"testing"

	"entente/ops/pgtest"
	"entente/schema/migrations"
	"entente/settlement/engine"
	"entente/settlement/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// database makes an empty database for a bank, and gives what opens a writer's session on it.
type database func(t testing.TB, bank string) func(testing.TB) (engine.Store, error)

func memory(testing.TB, string) func(testing.TB) (engine.Store, error) {
	db := engine.NewMemory()
	return func(testing.TB) (engine.Store, error) { return db.Session(), nil }
}

func onPostgres(t testing.TB, bank string) func(testing.TB) (engine.Store, error) {
	_, open := postgresDatabase(t, bank)
	return open
}

func postgresDatabase(t testing.TB, bank string) (string, func(testing.TB) (engine.Store, error)) {
	t.Helper()
	url := pgtest.Migrated(t, migrations.Bank, postgres.Migrate)
	return url, func(testing.TB) (engine.Store, error) { return postgres.Open(context.Background(), url, bank) }
}

// overBoth runs one test over both stores.
func overBoth(t *testing.T, test func(*testing.T, database)) {
	pgtest.NoLeaks(t)
	t.Run("memory", func(t *testing.T) { t.Parallel(); test(t, memory) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, onPostgres) })
}
