package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// Pending tells whether a database lacks migrations of a set. It changes nothing but goose's own table, which it makes where there is none.
func Pending(ctx context.Context, url string, set fs.FS) (pending bool, err error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return false, badAddress()
	}
	db := stdlib.OpenDB(*config)
	p, err := goose.NewProvider(goose.DialectPostgres, db, set)
	if err != nil {
		return false, errors.Join(fmt.Errorf("look at the schema: %w", err), db.Close())
	}
	defer func() { err = errors.Join(err, p.Close()) }() // closes db as well
	if pending, err = p.HasPending(ctx); sqlState(err) == stateDenied {
		return false, named(err)
	} else if sqlState(err) == stateUndefinedTable {
		return true, nil // a role that may not make goose's table finds none
	} else if err != nil {
		return false, fmt.Errorf("look at the schema: %w", err)
	}
	return pending, nil
}
