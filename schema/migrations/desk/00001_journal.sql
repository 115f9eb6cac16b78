-- +goose Up

CREATE TABLE writer (
    one   boolean PRIMARY KEY DEFAULT true,
    owner text    NOT NULL,
    term  bigint  NOT NULL DEFAULT 0,
    last  bigint  NOT NULL DEFAULT 0,
    CONSTRAINT writer_is_one_row   CHECK (one),
    CONSTRAINT writer_owner_named  CHECK (owner <> ''),
    CONSTRAINT writer_term_counts  CHECK (term >= 0),
    CONSTRAINT writer_last_counts  CHECK (last >= 0)
) WITH (fillfactor = 10);
COMMENT ON TABLE  writer       IS 'Who writes here. Every transaction names its term and locks this row; a later writer raises the term and so fences the earlier one.';
COMMENT ON COLUMN writer.owner IS 'Always desk: a bank''''s database is not taken for one.';
COMMENT ON COLUMN writer.term  IS 'Raised by each writer as it takes over.';
COMMENT ON COLUMN writer.last  IS 'Number of the last event in the journal, 0 before the first.';

-- +goose StatementBegin
CREATE FUNCTION take_turn(of_term bigint, from_last bigint, to_last bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_term bigint;
    now_last bigint;
BEGIN
    UPDATE writer SET last = to_last WHERE term = of_term AND last = from_last;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT term, last INTO now_term, now_last FROM writer;
    IF now_term IS DISTINCT FROM of_term THEN
        RAISE EXCEPTION 'fenced: the writer of term % was replaced in term %', of_term, now_term USING ERRCODE = 'EN001';
    END IF;
    RAISE EXCEPTION 'out of turn: % follows %, and % was given', from_last, now_last, to_last USING ERRCODE = 'EN002';
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION take_turn IS 'First statement of every writing transaction: refuses a writer that was replaced (EN001) or a number out of turn (EN002).';

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is only ever added to: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'EN003';
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION refuse_change IS 'Statement trigger of the tables that are only added to.';

CREATE TABLE event (
    seq     bigint  PRIMARY KEY,
    kind    text    NOT NULL,
    subject bytea   NOT NULL,
    once    boolean NOT NULL,
    at_ms   bigint  NOT NULL,
    body    bytea   NOT NULL,
    CONSTRAINT event_seq_from_one   CHECK (seq > 0),
    CONSTRAINT event_kind_named     CHECK (octet_length(kind) BETWEEN 1 AND 64),
    CONSTRAINT event_subject_length CHECK (octet_length(subject) = 32),
    CONSTRAINT event_has_a_time     CHECK (at_ms >= 0)
);
CREATE UNIQUE INDEX event_once ON event (kind, subject) WHERE once;
COMMENT ON TABLE  event         IS 'The desk''s journal: what it did and learnt. Its state is what folding it from the first event gives.';
COMMENT ON COLUMN event.seq     IS 'Contiguous from 1.';
COMMENT ON COLUMN event.subject IS 'What the event is about: the hash of a document, or zeros.';
COMMENT ON COLUMN event.once    IS 'True where at most one event of this kind about this subject may be.';
COMMENT ON COLUMN event.body    IS 'The event in its canonical encoding.';
COMMENT ON COLUMN event.at_ms   IS 'Unix milliseconds.';
CREATE TRIGGER event_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE document (
    hash  bytea NOT NULL,
    kind  text  NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (hash, kind),
    CONSTRAINT document_hash_length CHECK (octet_length(hash) = 32),
    CONSTRAINT document_kind_named  CHECK (octet_length(kind) BETWEEN 1 AND 64),
    CONSTRAINT document_not_empty   CHECK (octet_length(bytes) > 0)
);
COMMENT ON TABLE  document      IS 'Documents by the hash that names them: signed, sealed or proven bytes as they came.';
COMMENT ON COLUMN document.hash IS 'Hash of the document as its kind defines it; the desk checked it.';
CREATE TRIGGER document_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON document FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
