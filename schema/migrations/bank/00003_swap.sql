-- +goose Up

CREATE TABLE swap (
    id         bytea    PRIMARY KEY,
    role       smallint NOT NULL,
    state      smallint NOT NULL,
    terms      bytea    NOT NULL,
    authority  bytea,
    quote      bytea,
    decision   bytea,
    reason     text     NOT NULL,
    since_ms   bigint   NOT NULL,
    created_ms bigint   NOT NULL,
    CONSTRAINT swap_id_length        CHECK (octet_length(id) = 32),
    CONSTRAINT swap_role_known       CHECK (role IN (1, 2)),
    CONSTRAINT swap_state_of_role    CHECK ((role = 1 AND state IN (1, 3, 4, 5)) OR (role = 2 AND state IN (2, 4, 5))),
    CONSTRAINT swap_terms_size       CHECK (octet_length(terms) <= 16384),
    CONSTRAINT swap_terms_unless_tombstone CHECK (octet_length(terms) > 0 OR state = 5),
    CONSTRAINT swap_authority_length CHECK (octet_length(authority) = 32),
    CONSTRAINT swap_quote_length     CHECK (octet_length(quote) = 32),
    CONSTRAINT swap_decision_length  CHECK (octet_length(decision) = 32),
    CONSTRAINT swap_decided          CHECK (state NOT IN (3, 4) OR decision IS NOT NULL),
    CONSTRAINT swap_undecided        CHECK (state NOT IN (1, 2) OR decision IS NULL),
    CONSTRAINT swap_times            CHECK (created_ms >= 0 AND since_ms >= created_ms)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX swap_quote_used_once ON swap (quote) WHERE role = 2 AND state <> 5;
COMMENT ON TABLE  swap           IS 'Swaps as this bank knows them, one row each.';
COMMENT ON COLUMN swap.role      IS '1 initiator, 2 responder.';
COMMENT ON COLUMN swap.state     IS '1 proposed, 2 prepared, 3 committed, 4 settled, 5 aborted.';
COMMENT ON COLUMN swap.terms     IS 'Canonical terms; empty on the tombstone of a swap whose terms never came.';
COMMENT ON COLUMN swap.authority IS 'Hash of the payment package, kept as evidence of kind attachment.';
COMMENT ON COLUMN swap.quote     IS 'Quote that the responder bound to this swap; used once unless the swap aborted.';
COMMENT ON COLUMN swap.decision  IS 'Hash of the decision; never changes once set.';
COMMENT ON COLUMN swap.since_ms  IS 'When the state was entered.';

-- +goose StatementBegin
CREATE FUNCTION swap_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.id <> NEW.id OR OLD.role <> NEW.role OR OLD.terms <> NEW.terms OR OLD.authority IS DISTINCT FROM NEW.authority OR OLD.created_ms <> NEW.created_ms THEN
        RAISE EXCEPTION 'a swap keeps its id, role, terms, authority and beginning' USING ERRCODE = 'EN004';
    END IF;
    IF OLD.decision IS NOT NULL AND OLD.decision IS DISTINCT FROM NEW.decision THEN
        RAISE EXCEPTION 'a swap is decided once' USING ERRCODE = 'EN004';
    END IF;
    IF OLD.state <> NEW.state AND NOT (
           (OLD.role = 1 AND OLD.state = 1 AND NEW.state IN (3, 4, 5))
        OR (OLD.role = 1 AND OLD.state = 3 AND NEW.state = 4)
        OR (OLD.role = 2 AND OLD.state = 2 AND NEW.state IN (4, 5))) THEN
        RAISE EXCEPTION 'no transition of role % from state % to state %', OLD.role, OLD.state, NEW.state USING ERRCODE = 'EN004';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION swap_moves_forward IS 'A final swap stays as it is, and no swap goes backwards. A row may show two steps at once, when both fell into one batch.';
CREATE TRIGGER swap_moves_forward BEFORE UPDATE ON swap FOR EACH ROW EXECUTE FUNCTION swap_moves_forward();
CREATE TRIGGER swap_stays BEFORE DELETE OR TRUNCATE ON swap FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE swap_peer (
    swap     bytea    NOT NULL,
    place    smallint NOT NULL,
    bank     text     NOT NULL,
    vote     bytea,
    prepared boolean  NOT NULL,
    decision bytea,
    acked    boolean  NOT NULL,
    PRIMARY KEY (swap, place),
    CONSTRAINT swap_peer_bank_once       UNIQUE (swap, bank),
    CONSTRAINT swap_peer_swap_length     CHECK (octet_length(swap) = 32),
    CONSTRAINT swap_peer_place_counts    CHECK (place >= 0),
    CONSTRAINT swap_peer_bank_named      CHECK (bank <> ''),
    CONSTRAINT swap_peer_vote_length     CHECK (octet_length(vote) = 32),
    CONSTRAINT swap_peer_decision_length CHECK (octet_length(decision) = 32),
    CONSTRAINT swap_peer_prepared_by_vote   CHECK (NOT prepared OR vote IS NOT NULL),
    CONSTRAINT swap_peer_acked_a_decision   CHECK (NOT acked OR decision IS NOT NULL)
) WITH (fillfactor = 70);
COMMENT ON TABLE  swap_peer          IS 'What a swap has heard from each other bank of it.';
COMMENT ON COLUMN swap_peer.place    IS 'Order in the terms, from 0.';
COMMENT ON COLUMN swap_peer.vote     IS 'Hash of the vote; the first one counts for ever.';
COMMENT ON COLUMN swap_peer.decision IS 'Initiator: the decision sent to it. Responder: the one received.';

-- +goose StatementBegin
CREATE FUNCTION swap_peer_keeps_word() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.swap <> NEW.swap OR OLD.place <> NEW.place OR OLD.bank <> NEW.bank
       OR (OLD.vote IS NOT NULL AND (OLD.vote IS DISTINCT FROM NEW.vote OR OLD.prepared <> NEW.prepared))
       OR (OLD.decision IS NOT NULL AND OLD.decision IS DISTINCT FROM NEW.decision)
       OR (OLD.acked AND NOT NEW.acked) THEN
        RAISE EXCEPTION 'a vote, a decision and an acknowledgement are given once' USING ERRCODE = 'EN004';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION swap_peer_keeps_word IS 'One vote, one decision, one acknowledgement for each swap and bank.';
CREATE TRIGGER swap_peer_keeps_word BEFORE UPDATE ON swap_peer FOR EACH ROW EXECUTE FUNCTION swap_peer_keeps_word();
CREATE TRIGGER swap_peer_stays BEFORE DELETE OR TRUNCATE ON swap_peer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE decision (
    swap    bytea   PRIMARY KEY,
    commits boolean NOT NULL,
    message bytea   NOT NULL,
    batch   bigint  NOT NULL,
    CONSTRAINT decision_swap_length    CHECK (octet_length(swap) = 32),
    CONSTRAINT decision_message_length CHECK (octet_length(message) = 32)
);
COMMENT ON TABLE  decision         IS 'The one decision this bank made, as initiator, on each of its swaps. The primary key is the commit point.';
COMMENT ON COLUMN decision.message IS 'Hash of the signed decision to the first responder.';

CREATE TABLE stage (
    swap   bytea    NOT NULL,
    state  smallint NOT NULL,
    at_ms  bigint   NOT NULL,
    reason text     NOT NULL,
    batch  bigint   NOT NULL,
    PRIMARY KEY (swap, state),
    CONSTRAINT stage_swap_length  CHECK (octet_length(swap) = 32),
    CONSTRAINT stage_state_known  CHECK (state BETWEEN 1 AND 5),
    CONSTRAINT stage_has_a_time   CHECK (at_ms >= 0)
);
COMMENT ON TABLE  stage        IS 'When each swap entered each of its states. A state is entered once.';
COMMENT ON COLUMN stage.reason IS 'Why it aborted, else empty.';

CREATE TABLE message (
    swap       bytea   NOT NULL,
    recipient  text    NOT NULL,
    type       text    NOT NULL,
    seq        bigint  NOT NULL,
    hash       bytea   NOT NULL,
    envelope   bytea   NOT NULL,
    attachment bytea,
    resend     boolean NOT NULL,
    done       boolean NOT NULL,
    PRIMARY KEY (swap, recipient, type),
    CONSTRAINT message_numbered_once     UNIQUE (recipient, seq),
    CONSTRAINT message_swap_length       CHECK (octet_length(swap) = 32),
    CONSTRAINT message_recipient_named   CHECK (recipient <> ''),
    CONSTRAINT message_type_known        CHECK (type IN (
        'application/vnd.entente.swap.propose.v1+tlv', 'application/vnd.entente.swap.vote.v1+tlv',
        'application/vnd.entente.swap.decision.v1+tlv', 'application/vnd.entente.swap.decision_ack.v1+tlv')),
    CONSTRAINT message_seq_from_one      CHECK (seq > 0),
    CONSTRAINT message_hash_length       CHECK (octet_length(hash) = 32),
    CONSTRAINT message_envelope_size     CHECK (octet_length(envelope) BETWEEN 1 AND 65536),
    CONSTRAINT message_attachment_length CHECK (octet_length(attachment) = 32)
) WITH (fillfactor = 70);
CREATE INDEX message_outbox ON message (recipient, seq) WHERE resend AND NOT done;
COMMENT ON TABLE  message            IS 'The outbox: every message this bank signed, its exact bytes, one of each type for a swap and recipient, ever.';
COMMENT ON COLUMN message.seq        IS 'This bank''s number for messages to the recipient, from 1.';
COMMENT ON COLUMN message.hash       IS 'Hash of the payload.';
COMMENT ON COLUMN message.attachment IS 'Hash of the document that travels with it, kept as evidence of kind attachment.';
COMMENT ON COLUMN message.resend     IS 'Sent again until answered; an acknowledgement is sent again only when asked for.';
COMMENT ON COLUMN message.done       IS 'Answered.';

-- +goose StatementBegin
CREATE FUNCTION message_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.swap, OLD.recipient, OLD.type, OLD.seq, OLD.hash, OLD.envelope, OLD.resend) IS DISTINCT FROM
       (NEW.swap, NEW.recipient, NEW.type, NEW.seq, NEW.hash, NEW.envelope, NEW.resend)
       OR OLD.attachment IS DISTINCT FROM NEW.attachment OR (OLD.done AND NOT NEW.done) THEN
        RAISE EXCEPTION 'a signed message stays as it is; it can only become answered' USING ERRCODE = 'EN004';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION message_stays IS 'Nothing of a signed message changes but that it was answered.';
CREATE TRIGGER message_stays BEFORE UPDATE ON message FOR EACH ROW EXECUTE FUNCTION message_stays();
CREATE TRIGGER message_is_kept BEFORE DELETE OR TRUNCATE ON message FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE channel (
    peer       text   PRIMARY KEY,
    peer_epoch bigint NOT NULL,
    floor      bigint NOT NULL,
    seq        bigint NOT NULL,
    last       bytea,
    heard      bigint NOT NULL,
    CONSTRAINT channel_peer_named  CHECK (peer <> ''),
    CONSTRAINT channel_counts      CHECK (peer_epoch >= 0 AND floor >= 0 AND seq >= 0 AND heard >= 0),
    CONSTRAINT channel_last_length CHECK (octet_length(last) = 32),
    CONSTRAINT channel_chained     CHECK ((seq = 0) = (last IS NULL))
) WITH (fillfactor = 50);
COMMENT ON TABLE  channel            IS 'Numbers and chains the messages to and from each other bank.';
COMMENT ON COLUMN channel.peer_epoch IS 'Highest epoch of the peer that was heard.';
COMMENT ON COLUMN channel.floor      IS 'Messages of a lower epoch are ignored unless already held.';
COMMENT ON COLUMN channel.seq        IS 'Number of the last message sent.';
COMMENT ON COLUMN channel.last       IS 'Its hash.';
COMMENT ON COLUMN channel.heard      IS 'Highest number received.';

-- +goose StatementBegin
CREATE FUNCTION channel_advances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.peer <> OLD.peer OR NEW.peer_epoch < OLD.peer_epoch OR NEW.floor < OLD.floor OR NEW.seq < OLD.seq OR NEW.heard < OLD.heard THEN
        RAISE EXCEPTION 'a channel only ever advances' USING ERRCODE = 'EN004';
    END IF;
    RETURN NEW;
END
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION channel_advances IS 'Numbers and epochs of a channel never fall.';
CREATE TRIGGER channel_advances BEFORE UPDATE ON channel FOR EACH ROW EXECUTE FUNCTION channel_advances();
CREATE TRIGGER channel_stays BEFORE DELETE OR TRUNCATE ON channel FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE note (
    id    bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    kind  text   NOT NULL,
    code  text   NOT NULL,
    text  text   NOT NULL,
    about bytea,
    at_ms bigint NOT NULL,
    batch bigint NOT NULL,
    CONSTRAINT note_kind_known   CHECK (kind IN ('refusal', 'alarm')),
    CONSTRAINT note_about_length CHECK (octet_length(about) = 32),
    CONSTRAINT note_has_a_time   CHECK (at_ms >= 0)
);
COMMENT ON TABLE  note       IS 'Events that changed nothing and are recorded all the same: refusals, and alarms about what an honest peer never does.';
COMMENT ON COLUMN note.about IS 'Swap, order, bill or instruction it is about.';

CREATE TABLE evidence (
    hash  bytea  NOT NULL,
    kind  text   NOT NULL,
    bytes bytea  NOT NULL,
    batch bigint NOT NULL,
    PRIMARY KEY (hash, kind),
    CONSTRAINT evidence_hash_length CHECK (octet_length(hash) = 32),
    CONSTRAINT evidence_kind_named  CHECK (octet_length(kind) BETWEEN 1 AND 64),
    CONSTRAINT evidence_not_empty   CHECK (octet_length(bytes) > 0)
);
COMMENT ON TABLE  evidence       IS 'Exact bytes of the signed documents that events came from, journaled in the transaction of the event.';
COMMENT ON COLUMN evidence.batch IS 'Batch in which it was first needed.';

CREATE TRIGGER decision_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stage_is_final    BEFORE UPDATE OR DELETE OR TRUNCATE ON stage    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER note_is_final     BEFORE UPDATE OR DELETE OR TRUNCATE ON note     FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER evidence_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON evidence FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
