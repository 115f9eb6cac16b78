package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"entente/schema/refusal"
)

// Migrate brings a database up to the newest schema of a set (migrations.Bank or migrations.Desk). Several processes may do so at once; one does the work.
// A database that a later program migrated is refused (schema_newer), and so is a server that gives no session (database_unreachable). Whoever does not own the
// tables may ask only when nothing is left to do (database_denied).
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
	if conn, err := pgx.ConnectConfig(ctx, config); err != nil {
		// The driver's error names host, user and database, never the password.
		return refusal.Newf(CodeUnreachable, "start its server, or correct its address", "the database does not answer (%s)", strings.Join(strings.Fields(err.Error()), " "))
	} else if err := conn.Close(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if pending, err := p.HasPending(ctx); err != nil || pending {
		if _, err := p.Up(ctx); sqlState(err) == stateDenied || sqlState(err) == stateUndefinedTable {
			return refusal.Newf(CodeDenied, "give the owner's address with --owner", "this role does not own the tables (%v)", err)
		} else if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
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

// Admit lets the role of another address use a bank's database: it grants that role what the bank needs, and takes everything else from it. owner is the
// address of the tables' owner. Where both are one role nothing is granted, and a bank will refuse to run as it. Refusal: database_address_invalid.
func Admit(ctx context.Context, owner, app string) (err error) {
	granter, err := pgx.ParseConfig(owner)
	if err != nil {
		return badAddress()
	}
	granted, err := pgx.ParseConfig(app)
	if err != nil {
		return badAddress()
	}
	if granted.User == granter.User {
		return nil
	}
	conn, err := pgx.ConnectConfig(ctx, granter)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, "SELECT admit($1)", granted.User); err != nil {
		return fmt.Errorf("let %s in: %w", granted.User, err)
	}
	return nil
}

// badAddress does not repeat the address: it may hold a password.
func badAddress() error {
	return refusal.New(CodeAddress, "the database's address is not readable", "give it as postgres://user@host:port/name")
}
