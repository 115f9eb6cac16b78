-- +goose Up

ALTER TABLE entry
    ADD COLUMN reserve  text,
    ADD COLUMN reverses bigint,
    DROP CONSTRAINT entry_kind_known,
    DROP CONSTRAINT entry_amount_when_money,
    DROP CONSTRAINT entry_between_accounts,
    DROP CONSTRAINT entry_referenced,
    ADD CONSTRAINT entry_kind_known        CHECK (kind BETWEEN 1 AND 18),
    ADD CONSTRAINT entry_amount_when_money CHECK (kind = 14 OR (minor IS NOT NULL) = (kind IN (4, 5, 6, 7, 8, 9, 11, 12, 13))),
    ADD CONSTRAINT entry_between_accounts  CHECK (minor IS NULL OR kind = 14 OR (debit IS NOT NULL AND credit IS NOT NULL AND debit <> credit)),
    ADD CONSTRAINT entry_referenced        CHECK (kind NOT IN (6, 7, 8, 9, 10, 11, 12) OR reference IS NOT NULL),
    ADD CONSTRAINT entry_of_the_ledger     CHECK (kind NOT IN (14, 15, 16, 17, 18) OR (debit IS NULL AND credit IS NULL AND order_key IS NOT NULL)),
    ADD CONSTRAINT entry_reserve_where_due CHECK (reserve IS NULL OR (kind IN (4, 5, 14) AND octet_length(reserve) BETWEEN 1 AND 35)),
    ADD CONSTRAINT entry_reverses_earlier  CHECK ((reverses IS NOT NULL) = (kind = 13) AND reverses < seq);
DROP INDEX entry_settled_once;
CREATE UNIQUE INDEX entry_settled_once  ON entry (reference, part) WHERE kind IN (8, 9, 12);
CREATE UNIQUE INDEX entry_reserved_once ON entry (reserve) WHERE kind IN (4, 5) AND reserve IS NOT NULL;
CREATE UNIQUE INDEX entry_reversed_once ON entry (reverses) WHERE reverses IS NOT NULL;
COMMENT ON COLUMN entry.kind     IS '1 open, 2 status, 3 limit, 4 issue, 5 redeem, 6 transfer, 7 hold, 8 post, 9 void, 10 bill, 11 release, 12 expire, 13 reversal, 14 reconcile, 15 open-day, 16 close-day, 17 halt, 18 resume.';
COMMENT ON COLUMN entry.reserve  IS 'Reference at the RTGS: of the movement of reserves that an issue or redemption rests on, used once, or of the statement that was reconciled.';
COMMENT ON COLUMN entry.reverses IS 'Entry that a reversal undoes, once.';

ALTER TABLE account
    ADD COLUMN per_transfer bigint  NOT NULL DEFAULT 0,
    ADD COLUMN per_day      bigint  NOT NULL DEFAULT 0,
    ADD COLUMN used         bigint  NOT NULL DEFAULT 0,
    ADD COLUMN used_on      integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT account_limits   CHECK (per_transfer >= 0 AND per_day >= 0),
    ADD CONSTRAINT account_used     CHECK (used >= 0 AND (used = 0 OR used_on > 0));
COMMENT ON COLUMN account.per_transfer IS 'Most that one payment may take, minor units; 0 for no limit.';
COMMENT ON COLUMN account.per_day      IS 'Most that the payments of one ledger day may take, minor units; 0 for no limit.';
COMMENT ON COLUMN account.used         IS 'Paid and set aside on the day used_on, minor units.';
COMMENT ON COLUMN account.used_on      IS 'Ledger day as yyyymmdd, 0 before the first payment.';

-- What the entries written before this say of the days' use: days in UTC, and holds given back taken off the day they were made on.
WITH spent AS (
    SELECT e.debit AS account, e.minor, to_char(to_timestamp(e.time_ms / 1000) AT TIME ZONE 'UTC', 'YYYYMMDD')::integer AS day,
           EXISTS (SELECT FROM entry v WHERE v.kind = 9 AND v.reference = e.reference AND v.part = e.part) AND e.kind = 7 AS back
    FROM entry e WHERE e.kind IN (6, 7)
), latest AS (
    SELECT account, max(day) AS day FROM spent GROUP BY account
), use AS (
    SELECT s.account, s.day, coalesce(sum(s.minor) FILTER (WHERE NOT s.back), 0) AS minor FROM spent s JOIN latest USING (account, day) GROUP BY s.account, s.day
)
UPDATE account a SET used = use.minor, used_on = use.day FROM use WHERE use.account = a.id;

CREATE TABLE undone (
    bill bytea  NOT NULL REFERENCES bill (hash),
    seq  bigint NOT NULL,
    PRIMARY KEY (bill, seq),
    CONSTRAINT undone_by_an_entry CHECK (seq >= 0)
);
COMMENT ON TABLE  undone     IS 'Bills whose payment a reversal has undone, so that they are outstanding again.';
COMMENT ON COLUMN undone.seq IS 'The reversal.';
CREATE TRIGGER undone_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON undone FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE discharge
    ADD COLUMN round bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT discharge_pkey,
    ADD PRIMARY KEY (bill, round),
    ADD CONSTRAINT discharge_round_counts CHECK (round >= 0);
COMMENT ON TABLE  discharge       IS 'Bills that were paid. The primary key is the rule: a bill is paid once, and once more for each time its payment was undone.';
COMMENT ON COLUMN discharge.round IS 'How often the bill''s payment had been undone before.';

CREATE TABLE turnover (
    account         text   NOT NULL,
    seq             bigint NOT NULL,
    debits_posted   bigint NOT NULL,
    credits_posted  bigint NOT NULL,
    debits_pending  bigint NOT NULL,
    credits_pending bigint NOT NULL,
    places          bytea  NOT NULL,
    PRIMARY KEY (account, seq),
    CONSTRAINT turnover_counters     CHECK (debits_posted >= 0 AND credits_posted >= 0 AND debits_pending >= 0 AND credits_pending >= 0),
    CONSTRAINT turnover_names_places CHECK (octet_length(places) > 0 AND octet_length(places) % 8 = 0)
);
COMMENT ON TABLE  turnover        IS 'For each account and batch that moved its money: the counters after it, and which of its entries did. Balances and statements of the past are read from here.';
COMMENT ON COLUMN turnover.seq    IS 'The last of these entries.';
COMMENT ON COLUMN turnover.places IS 'Sequence numbers of these entries, ascending, 8 bytes each, big-endian.';
CREATE TRIGGER turnover_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON turnover FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Entries written before this get a row each.
INSERT INTO turnover (account, seq, debits_posted, credits_posted, debits_pending, credits_pending, places)
SELECT account, seq, sum(debits) OVER upto, sum(credits) OVER upto, sum(leaving) OVER upto, sum(arriving) OVER upto, int8send(seq)
FROM (
    SELECT debit AS account, seq, CASE WHEN kind IN (4, 5, 6, 8, 11) THEN minor ELSE 0 END AS debits, 0 AS credits,
           CASE WHEN kind = 7 THEN minor WHEN kind IN (8, 9) THEN -minor ELSE 0 END AS leaving, 0 AS arriving
    FROM entry WHERE minor IS NOT NULL
    UNION ALL
    SELECT credit, seq, 0, CASE WHEN e.kind IN (4, 5, 6, 8, 11) THEN minor ELSE 0 END,
           0, CASE WHEN e.kind = 7 THEN minor WHEN e.kind IN (9, 11) OR (e.kind = 8 AND a.kind <> 4) THEN -minor ELSE 0 END
    FROM entry e JOIN account a ON a.id = e.credit WHERE minor IS NOT NULL
) touched
WINDOW upto AS (PARTITION BY account ORDER BY seq);

-- +goose StatementBegin
CREATE FUNCTION entries_until(at bigint) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    least  bigint := 0;
    most   bigint := (SELECT coalesce(max(seq) + 1, 0) FROM entry);
    middle bigint;
BEGIN
    WHILE least < most LOOP
        middle := (least + most) / 2;
        IF (SELECT time_ms FROM entry WHERE seq = middle) <= at THEN
            least := middle + 1;
        ELSE
            most := middle;
        END IF;
    END LOOP;
    RETURN least;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION entries_until IS 'How many entries were booked up to a moment, found by halving: their times ascend with their numbers.';
