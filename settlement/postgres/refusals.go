package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"entente/schema/refusal"
	"entente/settlement/engine"
)

// Refusals of the store.
const (
	CodeUnsafeConfig  refusal.Code = "unsafe_db_config" // the server is set to lose commits
	CodeInUse         refusal.Code = "database_in_use"  // another writer holds the database
	CodeForeign       refusal.Code = "database_foreign" // the database belongs to another bank, or is none of this kind
	CodeSchemaMissing refusal.Code = "schema_missing"   // the database was not migrated
	CodeSchemaNewer   refusal.Code = "schema_newer"     // a later program migrated it
	CodeEventRepeated refusal.Code = "event_repeated"   // an event that happens once is in the journal already
	CodeAddress       refusal.Code = "database_address_invalid"
)

// SQLSTATEs of the server and of the schema's own functions.
const (
	stateUndefinedTable = "42P01"
	stateFenced         = "EN001"
)

// sqlState gives the SQLSTATE of an error, "" if the server did not send it.
func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// named turns what the server says into the package's own errors.
func named(err error) error {
	switch sqlState(err) {
	case stateUndefinedTable:
		return refusal.New(CodeSchemaMissing, "the database lacks its tables", "migrate the database first")
	case stateFenced:
		return fmt.Errorf("%w (%w)", engine.ErrFenced, err)
	}
	return err
}

// safeSettings must be on for a commit to be durable; synchronous_commit may also wait for standbys.
var safeSettings = []string{"fsync", "full_page_writes", "synchronous_commit"}

// unsafe finds the first setting under which an answered commit can be lost.
func unsafe(settings map[string]string) error {
	for _, name := range safeSettings {
		if v := settings[name]; v == "off" || v == "" {
			return refusal.Newf(CodeUnsafeConfig, "set "+name+"=on and start the server again", "%s=%s: the server may lose what it acknowledged", name, v)
		}
	}
	return nil
}

// checkSettings refuses a session in which commits can be lost.
func checkSettings(ctx context.Context, conn *pgx.Conn) error {
	settings := map[string]string{}
	for _, name := range safeSettings {
		var v string
		if err := conn.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&v); err != nil {
			return fmt.Errorf("read the server's setting %s: %w", name, err)
		}
		settings[name] = v
	}
	return unsafe(settings)
}
