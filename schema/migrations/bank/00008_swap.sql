-- +goose Up

-- Epochs: a bank that lost part of what it knew says its word again in a new one.
CREATE TABLE tenure (
    epoch   bigint PRIMARY KEY,
    opening bytea  NOT NULL,
    cause   bytea,
    at_ms   bigint NOT NULL,
    batch   bigint NOT NULL,
    CONSTRAINT tenure_after_the_first CHECK (epoch > 1),
    CONSTRAINT tenure_opening_length  CHECK (octet_length(opening) = 16),
    CONSTRAINT tenure_cause_length    CHECK (octet_length(cause) = 32),
    CONSTRAINT tenure_has_a_time      CHECK (at_ms >= 0)
);
COMMENT ON TABLE  tenure         IS 'Epochs that this bank opened after a restore or a failover that lost something; the highest is the present one, and 1 needs no row.';
COMMENT ON COLUMN tenure.opening IS 'Drawn when the epoch was opened: tells it from another one of the same number that was lost.';
COMMENT ON COLUMN tenure.cause   IS 'Order of the operators; none for an epoch that followed because the ordered one was taken.';
CREATE TRIGGER tenure_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON tenure FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE message ADD COLUMN epoch bigint NOT NULL DEFAULT 1;
ALTER TABLE message
    DROP CONSTRAINT message_pkey,
    DROP CONSTRAINT message_numbered_once,
    ADD PRIMARY KEY (swap, recipient, type, epoch),
    ADD CONSTRAINT message_numbered_once   UNIQUE (recipient, epoch, seq),
    ADD CONSTRAINT message_epoch_from_one  CHECK (epoch > 0);
CREATE INDEX message_by_hash ON message (hash);
COMMENT ON TABLE  message       IS 'The outbox: every message this bank signed, its exact bytes, one of each type for a swap and recipient in an epoch, ever.';
COMMENT ON COLUMN message.epoch IS 'This bank''s epoch in which it was signed.';
COMMENT ON COLUMN message.seq   IS 'This bank''s number for messages to the recipient in the epoch, from 1.';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION message_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.swap, OLD.recipient, OLD.type, OLD.epoch, OLD.seq, OLD.hash, OLD.envelope, OLD.resend) IS DISTINCT FROM
       (NEW.swap, NEW.recipient, NEW.type, NEW.epoch, NEW.seq, NEW.hash, NEW.envelope, NEW.resend)
       OR OLD.attachment IS DISTINCT FROM NEW.attachment OR (OLD.done AND NOT NEW.done) THEN
        RAISE EXCEPTION 'a signed message stays as it is; it can only become answered' USING ERRCODE = 'EN004';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

ALTER TABLE channel
    ADD COLUMN opening     bytea,
    ADD COLUMN epoch       bigint  NOT NULL DEFAULT 1,
    ADD COLUMN heard_epoch bigint  NOT NULL DEFAULT 1,
    ADD COLUMN fenced      boolean NOT NULL DEFAULT false,
    ADD COLUMN stopped     boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT channel_opening_length CHECK (octet_length(opening) = 16),
    ADD CONSTRAINT channel_epochs         CHECK (epoch > 0 AND heard_epoch >= 0);
COMMENT ON COLUMN channel.opening     IS 'Drawn by the peer when it opened its epoch, none for the first.';
COMMENT ON COLUMN channel.epoch       IS 'This bank''s epoch in which seq counts.';
COMMENT ON COLUMN channel.heard_epoch IS 'The peer''s epoch in which heard counts.';
COMMENT ON COLUMN channel.fenced      IS 'Since this bank opened an epoch the peer has not told what it holds.';
COMMENT ON COLUMN channel.stopped     IS 'The peer contradicted itself: nothing new is begun with it.';

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION channel_advances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.peer <> OLD.peer OR NEW.peer_epoch < OLD.peer_epoch OR NEW.floor < OLD.floor
       OR (NEW.epoch, NEW.seq) < (OLD.epoch, OLD.seq) OR (NEW.heard_epoch, NEW.heard) < (OLD.heard_epoch, OLD.heard) THEN
        RAISE EXCEPTION 'a channel only ever advances' USING ERRCODE = 'EN004';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd

-- Before epochs every message was of the first one.
ALTER TABLE swap_peer
    ADD COLUMN proposal    bytea,
    ADD COLUMN again       bytea,
    ADD COLUMN epoch       bigint NOT NULL DEFAULT 1,
    ADD COLUMN heard_epoch bigint NOT NULL DEFAULT 0,
    ADD COLUMN heard_seq   bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT swap_peer_proposal_length CHECK (octet_length(proposal) = 32),
    ADD CONSTRAINT swap_peer_again_decided   CHECK (again IS NULL OR (octet_length(again) = 32 AND decision IS NOT NULL)),
    ADD CONSTRAINT swap_peer_epochs          CHECK (epoch >= 0 AND heard_epoch >= 0 AND heard_seq >= 0);
COMMENT ON COLUMN swap_peer.vote      IS 'Initiator: hash of the bank''s vote. Responder: of the own one. The first one counts for ever.';
COMMENT ON COLUMN swap_peer.acked     IS 'Initiator: the bank holds the decision. Responder: it was told so.';
COMMENT ON COLUMN swap_peer.proposal  IS 'Hash of the proposal sent to the bank or received from it.';
COMMENT ON COLUMN swap_peer.again     IS 'Hash of the same decision as signed again in a later epoch.';
COMMENT ON COLUMN swap_peer.epoch     IS 'Own epoch in which the last message about the swap was signed for the bank, 0 for none.';
COMMENT ON COLUMN swap_peer.heard_seq IS 'Number of the bank''s latest message about the swap, in heard_epoch.';

-- A commit whose money a restore lost is paid out of suspense, which alone of a bank's accounts beside issuance may be below zero.
ALTER TABLE entry
    DROP CONSTRAINT entry_kind_known,
    DROP CONSTRAINT entry_amount_when_money,
    DROP CONSTRAINT entry_referenced,
    ADD CONSTRAINT entry_kind_known        CHECK (kind BETWEEN 1 AND 19),
    ADD CONSTRAINT entry_amount_when_money CHECK (kind = 14 OR (minor IS NOT NULL) = (kind IN (4, 5, 6, 7, 8, 9, 11, 12, 13, 19))),
    ADD CONSTRAINT entry_referenced        CHECK (kind NOT IN (6, 7, 8, 9, 10, 11, 12, 19) OR reference IS NOT NULL);
COMMENT ON COLUMN entry.kind IS '1 open, 2 status, 3 limit, 4 issue, 5 redeem, 6 transfer, 7 hold, 8 post, 9 void, 10 bill, 11 release, 12 expire, 13 reversal, 14 reconcile, 15 open-day, 16 close-day, 17 halt, 18 resume, 19 cover.';
CREATE UNIQUE INDEX entry_covered_once ON entry (reference, part) WHERE kind = 19;
ALTER TABLE account
    DROP CONSTRAINT account_not_overdrawn,
    ADD CONSTRAINT account_not_overdrawn CHECK (kind IN (1, 4) OR credits_posted - debits_posted - debits_pending >= 0);
