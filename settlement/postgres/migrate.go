package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"entente/schema/refusal"
)

// Migrate brings a database up to the newest schema of a set (migrations.Bank or migrations.Desk). Several processes may do so at once; one does the work.
// A database that a later program migrated is refused (schema_newer).
func Migrate(ctx context.Context, url string, set fs.FS) (err error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return badAddress()
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	db := stdlib.OpenDB(*config)
	p, err := goose.NewProvider(goose.DialectPostgres, db, set, goose.WithSessionLocker(locker))
	if err != nil {
		return errors.Join(fmt.Errorf("migrate: %w", err), db.Close())
	}
	defer func() { err = errors.Join(err, p.Close()) }() // closes db as well
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if current > target {
		return refusal.Newf(CodeSchemaNewer, "run the program that migrated it, or a later one", "the database has schema %d, this program knows up to %d", current, target)
	}
	return nil
}

// badAddress does not repeat the address: it may hold a password.
func badAddress() error {
	return refusal.New(CodeAddress, "the database's address is not readable", "give it as postgres://user@host:port/name")
}
