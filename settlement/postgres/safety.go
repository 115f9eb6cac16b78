package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"entente/schema/refusal"
)

// hazard is one way in which a server could lose what it acknowledged, or a role change what is only added to, and what to do about it.
type hazard struct{ what, do string }

// settingHazards finds the settings under which an answered commit can be lost. synchronous_commit may also wait for standbys; local does not wait for those
// that were asked for.
func settingHazards(settings map[string]string) []hazard {
	var found []hazard
	for _, name := range safeSettings {
		if v := settings[name]; v == "off" || v == "local" || v == "" {
			found = append(found, hazard{name + "=" + v, "set " + name + "=on and start the server again"})
		}
	}
	return found
}

// safeSettings must be on for a commit to be durable.
var safeSettings = []string{"fsync", "full_page_writes", "synchronous_commit"}

// standing is what the session's role may do to the journal, as the server's own catalogue says.
type standing struct {
	Role       string
	Superuser  bool
	Powers     []string // attributes and memberships that lead past any grant
	Owned      []string // tables, schema and database of which it is, or may become, the owner
	Changeable []string // tables that are only added to and that it may change
}

func (s *standing) hazards() []hazard {
	var found []hazard
	if s.Superuser {
		// It may do everything; the rest of the list would say no more.
		return []hazard{{s.Role + " is a superuser", "run as a role of its own"}}
	}
	if len(s.Powers) > 0 {
		found = append(found, hazard{s.Role + " has " + strings.Join(s.Powers, ", "), "take these away from the role"})
	}
	if len(s.Owned) > 0 {
		found = append(found, hazard{s.Role + " owns " + strings.Join(s.Owned, ", "), "run as a role that owns nothing"})
	}
	if len(s.Changeable) > 0 {
		found = append(found, hazard{s.Role + " may change " + strings.Join(s.Changeable, ", "), "let entente migrate grant its rights anew"})
	}
	return found
}

// selectStanding asks the catalogue about current_user and whatever it may become. Tables that are only added to are known by their trigger; 16 in tgtype
// stands for UPDATE.
const selectStanding = `
SELECT current_user::text,
	(SELECT rolsuper FROM pg_roles WHERE rolname = current_user) OR current_setting('is_superuser') = 'on' OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user),
	ARRAY(SELECT 'CREATEROLE' FROM pg_roles WHERE rolname = current_user AND rolcreaterole
		UNION ALL SELECT 'REPLICATION' FROM pg_roles WHERE rolname = current_user AND rolreplication
		UNION ALL SELECT rolname::text FROM pg_roles
			WHERE rolname IN ('pg_write_all_data', 'pg_write_server_files', 'pg_execute_server_program') AND pg_has_role(current_user, oid, 'MEMBER')
		UNION ALL SELECT rolname::text FROM pg_roles WHERE rolsuper AND rolname <> current_user AND pg_has_role(current_user, oid, 'MEMBER')),
	ARRAY(SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
			AND pg_has_role(current_user, c.relowner, 'MEMBER') ORDER BY 1)
		|| ARRAY(SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname = current_schema() AND pg_has_role(current_user, nspowner, 'MEMBER'))
		|| ARRAY(SELECT 'database ' || datname FROM pg_database WHERE datname = current_database() AND pg_has_role(current_user, datdba, 'MEMBER')),
	ARRAY(SELECT DISTINCT c.relname::text FROM pg_class c JOIN pg_trigger g ON g.tgrelid = c.oid JOIN pg_proc p ON p.oid = g.tgfoid
		WHERE c.relnamespace = current_schema()::regnamespace AND p.proname = 'refuse_change' AND g.tgtype & 16 <> 0
			AND (has_any_column_privilege(c.oid, 'UPDATE') OR has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE') OR has_table_privilege(c.oid, 'TRIGGER'))
		ORDER BY 1)`

// checkSafety refuses a session in which commits can be lost and, where apart is asked for, one whose role could change the journal. Every fault is named.
func checkSafety(ctx context.Context, conn *pgx.Conn, apart bool) error {
	settings := map[string]string{}
	for _, name := range safeSettings {
		var v string
		if err := conn.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&v); err != nil {
			return fmt.Errorf("read the server's setting %s: %w", name, err)
		}
		settings[name] = v
	}
	found := settingHazards(settings)
	if apart {
		var s standing
		if err := conn.QueryRow(ctx, selectStanding).Scan(&s.Role, &s.Superuser, &s.Powers, &s.Owned, &s.Changeable); err != nil {
			return fmt.Errorf("read what the role may do: %w", err)
		}
		found = append(found, s.hazards()...)
	}
	return refuse(found)
}

// refuse names all hazards in one refusal.
func refuse(found []hazard) error {
	if len(found) == 0 {
		return nil
	}
	var what, do []string
	for _, h := range found {
		what = append(what, h.what)
		do = append(do, h.do)
	}
	return refusal.New(CodeUnsafeConfig, strings.Join(what, "; "), strings.Join(do, "; ")+"; entente migrate --help explains the roles")
}
