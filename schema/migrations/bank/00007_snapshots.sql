-- +goose Up

-- +goose StatementBegin
DO $$
BEGIN
    IF EXISTS (SELECT FROM batch) THEN
        RAISE EXCEPTION 'this ledger was written before batches were sealed, by a program that was never released: begin a new one';
    END IF;
END
$$;
-- +goose StatementEnd

ALTER TABLE batch
    ADD COLUMN seal bytea NOT NULL,
    ADD COLUMN sums bytea NOT NULL,
    ADD COLUMN docs bytea NOT NULL,
    ADD CONSTRAINT batch_seal_length CHECK (octet_length(seal) = 32),
    ADD CONSTRAINT batch_sums_length CHECK (octet_length(sums) = 64),
    ADD CONSTRAINT batch_docs_named  CHECK (octet_length(docs) % 32 = 0);
COMMENT ON COLUMN batch.seal IS 'Under a key of the bank, over the seal before and everything that the log does not show of the batch.';
COMMENT ON COLUMN batch.sums IS 'Two sums, masked, under the seal: over swaps and channels as they are after the batch, and over messages, stages, decisions and notes up to it.';
COMMENT ON COLUMN batch.docs IS 'Under a key of the bank, the names of the documents that came with the batch, 32 bytes each; they are kept as evidence.';

ALTER TABLE evidence
    ADD COLUMN seal bytea NOT NULL,
    ADD CONSTRAINT evidence_seal_length CHECK (octet_length(seal) = 32);
COMMENT ON COLUMN evidence.seal IS 'Under a key of the bank, over kind, hash and bytes.';

CREATE TABLE damage (
    id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at_ms bigint NOT NULL,
    what  text   NOT NULL,
    CONSTRAINT damage_has_a_time CHECK (at_ms >= 0),
    CONSTRAINT damage_described  CHECK (what <> '')
);
COMMENT ON TABLE  damage      IS 'What a running bank found changed in its journal, before it stopped. A start after it checks every stored row before anything else.';
COMMENT ON COLUMN damage.what IS 'The refusal, as it was logged.';
CREATE TRIGGER damage_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON damage FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
