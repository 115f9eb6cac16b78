-- +goose Up

CREATE TABLE ledger (
    one      boolean PRIMARY KEY DEFAULT true,
    bank     text NOT NULL,
    network  text NOT NULL,
    currency text NOT NULL,
    origin   text NOT NULL,
    CONSTRAINT ledger_is_one_row     CHECK (one),
    CONSTRAINT ledger_names          CHECK (bank <> '' AND network <> '' AND origin <> ''),
    CONSTRAINT ledger_currency_coded CHECK (currency ~ '^[A-Z]{3}$')
);
COMMENT ON TABLE  ledger          IS 'Which ledger this database keeps. Written once; a process configured for another one is refused.';
COMMENT ON COLUMN ledger.currency IS 'ISO 4217.';
COMMENT ON COLUMN ledger.origin   IS 'Origin line of the log''s checkpoints.';

CREATE TABLE batch (
    id    bigint PRIMARY KEY,
    term  bigint NOT NULL,
    at_ms bigint NOT NULL,
    CONSTRAINT batch_from_one   CHECK (id > 0),
    CONSTRAINT batch_has_a_term CHECK (term > 0),
    CONSTRAINT batch_has_a_time CHECK (at_ms >= 0)
);
COMMENT ON TABLE  batch       IS 'One row for each group of events committed together.';
COMMENT ON COLUMN batch.id    IS 'Contiguous from 1.';
COMMENT ON COLUMN batch.term  IS 'Term of the writer that committed it.';
COMMENT ON COLUMN batch.at_ms IS 'Clock of the engine, Unix milliseconds.';

CREATE TABLE entry (
    seq       bigint   PRIMARY KEY,
    time_ms   bigint   NOT NULL,
    minor     bigint,
    part      bigint   NOT NULL,
    kind      smallint NOT NULL,
    debit     text,
    credit    text,
    reference bytea,
    order_key bytea,
    body      bytea    NOT NULL,
    leaf      bytea    NOT NULL,
    CONSTRAINT entry_seq_from_zero     CHECK (seq >= 0),
    CONSTRAINT entry_has_a_time        CHECK (time_ms >= 0),
    CONSTRAINT entry_kind_known        CHECK (kind BETWEEN 1 AND 11),
    CONSTRAINT entry_amount_positive   CHECK (minor > 0),
    CONSTRAINT entry_amount_when_money CHECK ((minor IS NOT NULL) = (kind IN (4, 5, 6, 7, 8, 9, 11))),
    CONSTRAINT entry_between_accounts  CHECK (minor IS NULL OR (debit IS NOT NULL AND credit IS NOT NULL AND debit <> credit)),
    CONSTRAINT entry_names_its_account CHECK (kind NOT IN (1, 2, 3) OR (debit IS NULL AND credit IS NOT NULL)),
    CONSTRAINT entry_part_counts       CHECK (part >= 0),
    CONSTRAINT entry_reference_length  CHECK (octet_length(reference) = 32),
    CONSTRAINT entry_referenced        CHECK (kind NOT IN (6, 7, 8, 9, 10, 11) OR reference IS NOT NULL),
    CONSTRAINT entry_order_key_length  CHECK (octet_length(order_key) = 16),
    CONSTRAINT entry_body_size         CHECK (octet_length(body) BETWEEN 1 AND 65536),
    CONSTRAINT entry_leaf_size         CHECK (octet_length(leaf) BETWEEN 1 AND 65536)
);
CREATE UNIQUE INDEX entry_held_once     ON entry (reference, part) WHERE kind = 7;
CREATE UNIQUE INDEX entry_settled_once  ON entry (reference, part) WHERE kind IN (8, 9);
CREATE UNIQUE INDEX entry_released_once ON entry (reference, part) WHERE kind = 11;
CREATE UNIQUE INDEX entry_ordered_once  ON entry (order_key) WHERE order_key IS NOT NULL;
COMMENT ON TABLE  entry           IS 'The journal: one row for each entry of the ledger. Balances, holds and bills are what folding it from the first row gives.';
COMMENT ON COLUMN entry.seq       IS 'Position in the journal and in the log, contiguous from 0.';
COMMENT ON COLUMN entry.time_ms   IS 'Ledger time, Unix milliseconds, never backwards.';
COMMENT ON COLUMN entry.minor     IS 'Amount in minor units of the ledger''s currency.';
COMMENT ON COLUMN entry.kind      IS '1 open, 2 status, 3 limit, 4 issue, 5 redeem, 6 transfer, 7 hold, 8 post, 9 void, 10 bill, 11 release.';
COMMENT ON COLUMN entry.reference IS 'Swap id, instruction hash or bill hash.';
COMMENT ON COLUMN entry.part      IS 'Place among the entries of one reference.';
COMMENT ON COLUMN entry.order_key IS 'Idempotency key of the operator''s order.';
COMMENT ON COLUMN entry.body      IS 'The entry''s canonical bytes, in clear; the other columns repeat parts of it and must agree.';
COMMENT ON COLUMN entry.leaf      IS 'What the log shows of the entry: commitments, tags and a salted hash of the body.';

CREATE TABLE checkpoint (
    size  bigint PRIMARY KEY,
    batch bigint NOT NULL UNIQUE,
    root  bytea  NOT NULL,
    note  bytea  NOT NULL,
    CONSTRAINT checkpoint_of_leaves   CHECK (size > 0),
    CONSTRAINT checkpoint_root_length CHECK (octet_length(root) = 32),
    CONSTRAINT checkpoint_is_signed   CHECK (octet_length(note) > 0)
);
COMMENT ON TABLE  checkpoint      IS 'Every head of the log that was signed.';
COMMENT ON COLUMN checkpoint.size IS 'Number of leaves under it.';
COMMENT ON COLUMN checkpoint.root IS 'RFC 6962 root over them.';
COMMENT ON COLUMN checkpoint.note IS 'The C2SP signed note, byte for byte.';

CREATE TABLE bill (
    hash      bytea  PRIMARY KEY,
    seq       bigint NOT NULL UNIQUE,
    bill_id   bytea  NOT NULL,
    revision  bigint NOT NULL,
    programme bytea  NOT NULL,
    creditor  text   NOT NULL,
    debtor    text   NOT NULL,
    CONSTRAINT bill_hash_length      CHECK (octet_length(hash) = 32),
    CONSTRAINT bill_id_length        CHECK (octet_length(bill_id) = 16),
    CONSTRAINT bill_programme_length CHECK (octet_length(programme) = 32),
    CONSTRAINT bill_revision_counts  CHECK (revision >= 0),
    CONSTRAINT bill_between_nations  CHECK (creditor <> debtor),
    CONSTRAINT bill_revision_once    UNIQUE (bill_id, revision)
);
COMMENT ON TABLE  bill     IS 'Countersigned bills recorded on this ledger, one for each entry of kind bill. A bill is recorded once.';
COMMENT ON COLUMN bill.seq IS 'Entry that recorded it.';

CREATE TABLE discharge (
    bill bytea  PRIMARY KEY REFERENCES bill (hash),
    seq  bigint NOT NULL,
    CONSTRAINT discharge_bill_length CHECK (octet_length(bill) = 32),
    CONSTRAINT discharge_by_an_entry CHECK (seq >= 0)
);
COMMENT ON TABLE  discharge     IS 'Bills that were paid. The primary key is the rule: a bill is paid once.';
COMMENT ON COLUMN discharge.seq IS 'Transfer or post that paid it.';

CREATE TABLE account (
    id              text     PRIMARY KEY,
    owner           text     NOT NULL,
    kind            smallint NOT NULL,
    status          smallint NOT NULL,
    debits_posted   bigint   NOT NULL,
    credits_posted  bigint   NOT NULL,
    debits_pending  bigint   NOT NULL,
    credits_pending bigint   NOT NULL,
    CONSTRAINT account_id_formed     CHECK (id ~ '^[A-Z0-9.-]{3,64}$'),
    CONSTRAINT account_owned         CHECK (owner <> ''),
    CONSTRAINT account_kind_known    CHECK (kind BETWEEN 1 AND 4),
    CONSTRAINT account_status_known  CHECK (status BETWEEN 1 AND 3),
    CONSTRAINT account_counters      CHECK (debits_posted >= 0 AND credits_posted >= 0 AND debits_pending >= 0 AND credits_pending >= 0),
    CONSTRAINT account_not_overdrawn CHECK (kind = 1 OR credits_posted - debits_posted - debits_pending >= 0),
    CONSTRAINT account_closed_empty  CHECK (status <> 3 OR (credits_posted = debits_posted AND debits_pending = 0 AND credits_pending = 0))
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX account_issuance_once ON account (kind) WHERE kind = 1;
COMMENT ON TABLE  account                 IS 'Accounts and their counters as the fold of the journal gives them; compared with it at every start.';
COMMENT ON COLUMN account.kind            IS '1 issuance, 2 desk, 3 liquidity provider, 4 suspense. Only issuance goes below zero.';
COMMENT ON COLUMN account.status          IS '1 active, 2 frozen, 3 closed.';
COMMENT ON COLUMN account.debits_pending  IS 'Held for leaving, minor units; inside the available balance.';
COMMENT ON COLUMN account.credits_pending IS 'Held for arriving, minor units.';

CREATE TRIGGER batch_is_final      BEFORE UPDATE OR DELETE OR TRUNCATE ON batch      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_is_final      BEFORE UPDATE OR DELETE OR TRUNCATE ON entry      FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER checkpoint_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoint FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bill_is_final       BEFORE UPDATE OR DELETE OR TRUNCATE ON bill       FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER discharge_is_final  BEFORE UPDATE OR DELETE OR TRUNCATE ON discharge  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_is_final     BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger     FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER account_stays       BEFORE DELETE OR TRUNCATE           ON account    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
