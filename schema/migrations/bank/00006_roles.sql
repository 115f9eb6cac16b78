-- +goose Up

-- +goose StatementBegin
CREATE FUNCTION admit(writer name) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    t record;
BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), writer);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), writer);
    FOR t IN
        SELECT c.relname AS name, c.relname LIKE 'goose%' AS ours, EXISTS (
            -- 16 in tgtype stands for UPDATE: a table whose trigger refuses it is only ever added to.
            SELECT FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid WHERE g.tgrelid = c.oid AND p.proname = 'refuse_change' AND g.tgtype & 16 <> 0) AS final
        FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
    LOOP
        EXECUTE format('REVOKE ALL ON %I FROM %I', t.name, writer);
        EXECUTE format('GRANT %s ON %I TO %I', CASE WHEN t.ours THEN 'SELECT' WHEN t.final THEN 'SELECT, INSERT' ELSE 'SELECT, INSERT, UPDATE' END, t.name, writer);
    END LOOP;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION admit IS 'Grants the role that a bank runs as what it needs and no more: to read and to add, and to change rows only where no trigger refuses it; nowhere to delete.';
REVOKE EXECUTE ON FUNCTION admit FROM PUBLIC;
