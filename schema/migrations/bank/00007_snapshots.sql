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

CREATE TABLE snapshot (
    slot    smallint PRIMARY KEY,
    size    bigint   NOT NULL,
    batch   bigint   NOT NULL,
    version bigint   NOT NULL,
    root    bytea    NOT NULL,
    edge    bytea    NOT NULL,
    hash    bytea    NOT NULL,
    seal    bytea    NOT NULL,
    parts   bigint   NOT NULL,
    CONSTRAINT snapshot_two_slots   CHECK (slot IN (0, 1)),
    CONSTRAINT snapshot_of_entries  CHECK (size > 0 AND batch > 0),
    CONSTRAINT snapshot_root_length CHECK (octet_length(root) = 32),
    CONSTRAINT snapshot_edge_nodes  CHECK (octet_length(edge) BETWEEN 32 AND 2016 AND octet_length(edge) % 32 = 0),
    CONSTRAINT snapshot_hash_length CHECK (octet_length(hash) = 32),
    CONSTRAINT snapshot_seal_length CHECK (octet_length(seal) = 32),
    CONSTRAINT snapshot_has_parts   CHECK (parts > 0)
);
COMMENT ON TABLE  snapshot         IS 'The ledger''s state after its first entries, as they fold, so that a start need not fold them all. Two slots, written in turns.';
COMMENT ON COLUMN snapshot.batch   IS 'Last batch it covers.';
COMMENT ON COLUMN snapshot.version IS 'Of the encoding; a program uses only its own.';
COMMENT ON COLUMN snapshot.root    IS 'RFC 6962 root over the leaves of these entries.';
COMMENT ON COLUMN snapshot.edge    IS 'Roots of the complete subtrees under it, from left, 32 bytes each.';
COMMENT ON COLUMN snapshot.hash    IS 'SHA-256 of the encoded state.';
COMMENT ON COLUMN snapshot.seal    IS 'Under a key of the bank, over all of this.';

CREATE TABLE snapshot_part (
    slot  smallint NOT NULL,
    n     bigint   NOT NULL,
    bytes bytea    NOT NULL,
    PRIMARY KEY (slot, n),
    CONSTRAINT snapshot_part_counts    CHECK (n >= 0),
    CONSTRAINT snapshot_part_not_empty CHECK (octet_length(bytes) > 0)
);
COMMENT ON TABLE snapshot_part IS 'The encoded state of a snapshot, in parts. Parts beyond its number are left over from a longer one.';
