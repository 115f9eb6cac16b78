package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"entente/schema/refusal"
	"entente/settlement/engine"
)

// Refusals of the store.
const (
	CodeUnsafeConfig  refusal.Code = "unsafe_db_config"     // the server may lose commits, or the role may change the journal
	CodeInUse         refusal.Code = "database_in_use"      // another writer holds the database
	CodeForeign       refusal.Code = "database_foreign"     // the database belongs to another bank, or is none of this kind
	CodeSchemaMissing refusal.Code = "schema_missing"       // the database was not migrated
	CodeSchemaNewer   refusal.Code = "schema_newer"         // a later program migrated it
	CodeEventRepeated refusal.Code = "event_repeated"       // an event that happens once is in the journal already
	CodeDenied        refusal.Code = "database_denied"      // the role was not granted what it needs
	CodeUnreachable   refusal.Code = "database_unreachable" // no session with the server
	CodeAddress       refusal.Code = "database_address_invalid"
)

// SQLSTATEs of the server and of the schema's own functions.
const (
	stateUndefinedTable = "42P01"
	stateDenied         = "42501"
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
	case stateDenied:
		return refusal.Newf(CodeDenied, "run entente migrate as the owner, which lets the role in", "the database does not let this role do its work (%v)", err)
	case stateFenced:
		return fmt.Errorf("%w (%w)", engine.ErrFenced, err)
	}
	return err
}
