package pgserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// CreateDatabase makes an empty database that belongs to the owner's role (see [Server.OwnerURL]). A name that is taken is an error of the server (SQLSTATE 42P04).
func (s *Server) CreateDatabase(ctx context.Context, name string) error {
	return s.create(ctx, name, "")
}

// CreateFromTemplate makes a database as a copy of another one, which nobody may be connected to; for a session that is just ending it waits some seconds.
func (s *Server) CreateFromTemplate(ctx context.Context, name, template string) error {
	return s.create(ctx, name, " TEMPLATE "+quote(s.realName(template)))
}

// DropDatabase removes a database and ends the sessions in it. One that does not exist is no error.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	return execute(ctx, s.adminURL(), "DROP DATABASE IF EXISTS "+quote(s.realName(name))+" WITH (FORCE)")
}

func (s *Server) create(ctx context.Context, name, template string) error {
	if s.external != nil {
		s.external.note(name)
	}
	admin, err := s.Admin(ctx)
	if err != nil {
		return err
	}
	defer admin.Close(ctx)
	if err := s.makeRoles(ctx, admin); err != nil {
		return err
	}
	const objectInUse = "55006"
	statement := "CREATE DATABASE " + quote(s.realName(name)) + " OWNER " + quote(s.realRole(ownerRole)) + template
	for deadline := time.Now().Add(5 * time.Second); ; {
		_, err := admin.Exec(ctx, statement)
		var pg *pgconn.PgError
		if err == nil || !errors.As(err, &pg) || pg.Code != objectInUse || time.Now().After(deadline) {
			if err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Admin gives a session for statements about databases, on a server that may hold others' as well. The caller closes it.
func (s *Server) Admin(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, s.adminURL()) }

// realName is the database's name on the server.
func (s *Server) realName(name string) string {
	if s.external != nil {
		return s.external.prefix + name
	}
	return name
}

func (s *Server) adminURL() string {
	if s.external != nil {
		return s.external.given
	}
	return s.URL("postgres")
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// execute runs one statement in a session of its own.
func execute(ctx context.Context, url, statement string) (err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() {
		if closing := conn.Close(ctx); err == nil {
			err = closing
		}
	}()
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

// external is a server that somebody else runs. Databases and roles made here get a prefix nobody else has, and are dropped at Stop; after a kill they stay.
type external struct {
	given    string
	prefix   string
	password string // of the two roles

	mu    sync.Mutex
	names []string
}

func startExternal(ctx context.Context, given string) (*Server, error) {
	const do = "start that server, correct DATABASE_URL, or unset it to get a private server"
	var random [4]byte
	if _, err := rand.Read(random[:]); err != nil {
		return nil, err
	}
	password, err := newPassword()
	if err != nil {
		return nil, err
	}
	e := &external{given: given, prefix: "entente_" + hex.EncodeToString(random[:]) + "_", password: password}
	conn, err := pgx.Connect(ctx, given)
	if err != nil {
		// The driver's error names host, user and database, never the password.
		refused := failed("the server of DATABASE_URL does not answer: "+err.Error(), "")
		refused.Do = do
		return nil, refused
	}
	version, _, _ := strings.Cut(conn.PgConn().ParameterStatus("server_version"), " ")
	if err := conn.Close(ctx); err != nil {
		return nil, err
	}
	return &Server{Version: version, external: e}, nil
}

func (e *external) note(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.names = append(e.names, name)
}

// url is the given address with another database in it, in either form that libpq knows.
func (e *external) url(database string) string {
	u, err := url.Parse(e.given)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		// In key=value form the last dbname counts.
		return e.given + " dbname=" + e.prefix + database
	}
	query := u.Query()
	query.Del("dbname")
	query.Del("database")
	u.RawQuery = query.Encode()
	u.Path = "/" + e.prefix + database
	return u.String()
}

func (e *external) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWait)
	defer cancel()
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, name := range e.names {
		errs = append(errs, execute(ctx, e.given, "DROP DATABASE IF EXISTS "+quote(e.prefix+name)+" WITH (FORCE)"))
	}
	e.names = nil
	errs = append(errs, e.dropRoles(ctx))
	return errors.Join(errs...)
}
