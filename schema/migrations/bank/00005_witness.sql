-- +goose Up

CREATE TABLE node (
    level smallint NOT NULL,
    n     bigint   NOT NULL,
    hash  bytea    NOT NULL,
    PRIMARY KEY (level, n),
    CONSTRAINT node_above_leaves CHECK (level BETWEEN 1 AND 7),
    CONSTRAINT node_from_zero    CHECK (n >= 0),
    CONSTRAINT node_hash_length  CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE  node       IS 'Roots of complete subtrees of 256^level leaves, one row for 256 entries: what tiles of the log are served from. Compared with the journal at every start.';
COMMENT ON COLUMN node.level IS 'Level of the tile that holds the hash; leaves are level 0 and stand in the journal alone.';
COMMENT ON COLUMN node.n     IS 'Place among the nodes of its level, from 0.';
CREATE TRIGGER node_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON node FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE witnessed (
    origin text   PRIMARY KEY,
    size   bigint NOT NULL,
    root   bytea  NOT NULL,
    note   bytea  NOT NULL,
    at_ms  bigint NOT NULL,
    CONSTRAINT witnessed_log_named   CHECK (origin <> ''),
    CONSTRAINT witnessed_size_counts CHECK (size >= 0),
    CONSTRAINT witnessed_root_length CHECK (octet_length(root) = 32),
    CONSTRAINT witnessed_is_signed   CHECK (octet_length(note) BETWEEN 1 AND 131072),
    CONSTRAINT witnessed_has_a_time  CHECK (at_ms >= 0)
);
COMMENT ON TABLE  witnessed       IS 'The largest head of each other bank''s log that this bank cosigned. Written before the cosignature is given out.';
COMMENT ON COLUMN witnessed.note  IS 'The head as signed by its log and cosigned by this bank.';
COMMENT ON COLUMN witnessed.at_ms IS 'When it was cosigned last, Unix milliseconds.';

-- +goose StatementBegin
CREATE FUNCTION keep_witnessed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.origin <> old.origin OR new.size < old.size OR (new.size = old.size AND new.root <> old.root) THEN
        RAISE EXCEPTION 'log % at % was witnessed: no other head of that size and no smaller one is', old.origin, old.size USING ERRCODE = 'EN004';
    END IF;
    RETURN new;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION keep_witnessed IS 'Row trigger of witnessed: a head only grows.';
CREATE TRIGGER witnessed_only_grows BEFORE UPDATE             ON witnessed FOR EACH ROW       EXECUTE FUNCTION keep_witnessed();
CREATE TRIGGER witnessed_stays      BEFORE DELETE OR TRUNCATE ON witnessed FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE contradiction (
    id       bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin   text    NOT NULL,
    size     bigint  NOT NULL,
    root     bytea   NOT NULL,
    kept     bytea   NOT NULL,
    shown    bytea   NOT NULL,
    proven   boolean NOT NULL,
    why      text    NOT NULL,
    at_ms    bigint  NOT NULL,
    clear_ms bigint,
    cleared  text,
    CONSTRAINT contradiction_log_named     CHECK (origin <> ''),
    CONSTRAINT contradiction_size_counts   CHECK (size >= 0),
    CONSTRAINT contradiction_root_length   CHECK (octet_length(root) = 32),
    CONSTRAINT contradiction_has_evidence  CHECK (octet_length(kept) BETWEEN 1 AND 131072 AND octet_length(shown) BETWEEN 1 AND 131072),
    CONSTRAINT contradiction_explained     CHECK (why <> ''),
    CONSTRAINT contradiction_has_a_time    CHECK (at_ms >= 0),
    CONSTRAINT contradiction_clear_reasons CHECK ((clear_ms IS NULL) = (cleared IS NULL) AND cleared <> '' AND clear_ms >= 0),
    CONSTRAINT contradiction_once          UNIQUE (origin, size, root, proven)
);
COMMENT ON TABLE  contradiction          IS 'Heads of another bank''s log that do not follow from the one this bank cosigned, with both notes. A proven one that is not cleared stops cosigning for that log.';
COMMENT ON COLUMN contradiction.size     IS 'Leaves under the head that was shown.';
COMMENT ON COLUMN contradiction.root     IS 'Root of the head that was shown.';
COMMENT ON COLUMN contradiction.kept     IS 'Note of the head that was cosigned before.';
COMMENT ON COLUMN contradiction.shown    IS 'Note that was shown afterwards, signed by the log.';
COMMENT ON COLUMN contradiction.proven   IS 'The two notes state two roots for one size: nobody but the log''s key can have made both.';
COMMENT ON COLUMN contradiction.clear_ms IS 'When an operator cleared it, Unix milliseconds.';
COMMENT ON COLUMN contradiction.cleared  IS 'The operator''s reason.';

-- +goose StatementBegin
CREATE FUNCTION keep_contradiction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF old.clear_ms IS NOT NULL OR (new.id, new.origin, new.size, new.root, new.kept, new.shown, new.proven, new.why, new.at_ms)
        IS DISTINCT FROM (old.id, old.origin, old.size, old.root, old.kept, old.shown, old.proven, old.why, old.at_ms) THEN
        RAISE EXCEPTION 'evidence stays as it is: it may be cleared once' USING ERRCODE = 'EN004';
    END IF;
    RETURN new;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION keep_contradiction IS 'Row trigger of contradiction: all that changes is that it is cleared, once.';
CREATE TRIGGER contradiction_keeps BEFORE UPDATE             ON contradiction FOR EACH ROW       EXECUTE FUNCTION keep_contradiction();
CREATE TRIGGER contradiction_stays BEFORE DELETE OR TRUNCATE ON contradiction FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
