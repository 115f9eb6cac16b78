package pgtest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/jackc/pgx/v5"

	"entente/ops/pgserver"
)

// templates holds a *template for each name this binary has asked for.
var templates sync.Map

type template struct {
	make sync.Once
	err  error
}

// ensure makes a template unless another process of this run has. The server's advisory lock lets one make it, and ends with that one's session.
func ensure(ctx context.Context, s *pgserver.Server, name string, migrate func(context.Context, string) error) error {
	found, _ := templates.LoadOrStore(name, &template{})
	t := found.(*template)
	t.make.Do(func() { t.err = makeTemplate(ctx, s, name, migrate) })
	return t.err
}

func makeTemplate(ctx context.Context, s *pgserver.Server, name string, migrate func(context.Context, string) error) (err error) {
	admin, err := s.Admin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.Close(ctx)) }()
	if _, err := admin.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", name); err != nil {
		return err
	}
	config, err := pgx.ParseConfig(s.URL(name))
	if err != nil {
		return err
	}
	const finished = "migrated"
	var comment *string
	err = admin.QueryRow(ctx, "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1", config.Database).Scan(&comment)
	switch {
	case err == nil && comment != nil && *comment == finished:
		return nil
	case err == nil:
		// Its maker died on the way.
		if err := s.DropDatabase(ctx, name); err != nil {
			return err
		}
	case !errors.Is(err, pgx.ErrNoRows):
		return err
	}
	if err := s.CreateDatabase(ctx, name); err != nil {
		return err
	}
	if err := migrate(ctx, s.OwnerURL(name)); err != nil {
		return err
	}
	if err := admit(ctx, s, name); err != nil {
		return err
	}
	_, err = admin.Exec(ctx, "COMMENT ON DATABASE "+pgx.Identifier{config.Database}.Sanitize()+" IS '"+finished+"'")
	return err
}

// admit lets the application's role into a template whose schema tells it apart from the owner, by a function of that name.
func admit(ctx context.Context, s *pgserver.Server, name string) (err error) {
	owner, err := pgx.Connect(ctx, s.OwnerURL(name))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, owner.Close(ctx)) }()
	apart, err := apart(ctx, owner)
	if err != nil || !apart {
		return err
	}
	_, err = owner.Exec(ctx, "SELECT admit($1)", s.AppRole())
	return err
}

// apart tells whether a database's schema tells the application from the owner.
func apart(ctx context.Context, conn *pgx.Conn) (apart bool, err error) {
	err = conn.QueryRow(ctx, "SELECT to_regproc('admit') IS NOT NULL").Scan(&apart)
	return apart, err
}

// hashOf is the SHA-256 of a set of files: every path and content with its length before it.
func hashOf(set fs.FS) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	err = fs.WalkDir(set, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(set, path)
		fmt.Fprintf(h, "%d %s %d ", len(path), path, len(text))
		h.Write(text)
		return err
	})
	return [sha256.Size]byte(h.Sum(nil)), err
}
