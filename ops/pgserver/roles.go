package pgserver

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The two roles of every database made here: one owns the tables and migrates them, the other is what a program runs as.
const (
	ownerRole = "entente_owner"
	appRole   = "entente_app"
)

// OwnerURL is how the owner of a database's tables reaches it: for migrations.
func (s *Server) OwnerURL(database string) string { return s.urlAs(database, ownerRole) }

// AppURL is how a program reaches a database: as a role that owns nothing, and may do what the owner granted it.
func (s *Server) AppURL(database string) string { return s.urlAs(database, appRole) }

// AppRole is the name of that role.
func (s *Server) AppRole() string { return s.realRole(appRole) }

func (s *Server) realRole(role string) string {
	if s.external != nil {
		return s.external.prefix + role
	}
	return role
}

func (s *Server) urlAs(database, role string) string {
	given := s.URL(database)
	u, err := url.Parse(given)
	if err != nil || u.Scheme == "" {
		// In key=value form the last of a name counts.
		return fmt.Sprintf("%s user=%s password=%s", given, s.realRole(role), s.external.password)
	}
	u.User = url.User(s.realRole(role))
	if s.external != nil {
		u.User = url.UserPassword(s.realRole(role), s.external.password)
	}
	query := u.Query()
	query.Del("user")
	query.Del("password")
	u.RawQuery = query.Encode()
	return u.String()
}

// makeRoles makes the two roles unless they are there. Several processes may do so at once.
func (s *Server) makeRoles(ctx context.Context, admin *pgx.Conn) error {
	login := "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE"
	if s.external != nil {
		login += " PASSWORD '" + s.external.password + "'"
	}
	for _, role := range []string{ownerRole, appRole} {
		name := quote(s.realRole(role))
		if _, err := admin.Exec(ctx, "CREATE ROLE "+name+" "+login); err != nil && !alreadyThere(err) {
			return fmt.Errorf("make the role %s: %w", name, err)
		}
	}
	// Whoever is no superuser makes databases for others only as their member.
	_, err := admin.Exec(ctx, fmt.Sprintf("DO $$ BEGIN IF NOT pg_has_role(current_user, '%[1]s', 'MEMBER') THEN GRANT %[2]s TO CURRENT_USER; END IF; END $$",
		strings.ReplaceAll(s.realRole(ownerRole), "'", "''"), quote(s.realRole(ownerRole))))
	if err != nil {
		return fmt.Errorf("join the owner's role: %w", err)
	}
	return nil
}

// alreadyThere tells whether another process made it first, even at the same moment.
func alreadyThere(err error) bool {
	var pg *pgconn.PgError
	const duplicateObject, uniqueViolation = "42710", "23505"
	return errors.As(err, &pg) && (pg.Code == duplicateObject || pg.Code == uniqueViolation)
}

// newPassword is for the roles on a server that may ask for one.
func newPassword() (string, error) {
	var random [16]byte
	if _, err := rand.Read(random[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(random[:]), nil
}

// dropRoles removes the roles from a server that somebody else runs.
func (e *external) dropRoles(ctx context.Context) error {
	return errors.Join(execute(ctx, e.given, "DROP ROLE IF EXISTS "+quote(e.prefix+ownerRole)), execute(ctx, e.given, "DROP ROLE IF EXISTS "+quote(e.prefix+appRole)))
}
