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
COMMENT ON COLUMN writer.owner IS 'Bank this database belongs to.';
COMMENT ON COLUMN writer.term  IS 'Raised by each writer as it takes over.';
COMMENT ON COLUMN writer.last  IS 'Number of the last batch that was committed, 0 before the first.';

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
