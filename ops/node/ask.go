package node

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"

	"entente/bridge/bus"
	"entente/ops/telemetry"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/wallet"
)

// Refusals of requests.
const (
	CodeNotFound       refusal.Code = "not_found"
	CodeNotAllowed     refusal.Code = "not_allowed"
	CodeSubjectUnknown refusal.Code = "subject_unknown"
	CodeFault          refusal.Code = "fault" // the other side failed; the request may be repeated
)

const (
	limitRequest = wire.LimitBatch + 4096
	limitReply   = 8<<20 + 4096
)

// requestAgeMost is how long a request stays valid; older ones are replays.
const requestAgeMost = 5 * 60 * 1000

// Clock gives the time in Unix milliseconds.
type Clock func() int64

// asker signs requests and verifies the replies.
type asker struct {
	bus    *bus.Bus
	trust  *trust.Network
	key    *wallet.Signer
	clock  Clock
	tracer trace.Tracer // nil for none
}

// ask sends one request to a bank, desk or provider. A refusal of the other side comes back as the refusal it gave.
func (a *asker) ask(ctx context.Context, who, subject string, body []byte) (answer []byte, err error) {
	ctx, span := a.begin(ctx, who, subject)
	defer func() { telemetry.End(span, err) }()
	nonce, err := randomID()
	if err != nil {
		return nil, err
	}
	request := wire.Request{Network: a.trust.Network, Recipient: who, Nonce: nonce, Subject: subject, Body: body, AtMS: a.clock()}
	payload, err := wire.TryEncode(&request)
	if err != nil {
		return nil, err
	}
	envelope, err := a.key.Sign(wire.TypeRequest, payload)
	if err != nil {
		return nil, err
	}
	reply, err := a.bus.Ask(ctx, who, envelope.Bytes())
	if err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", who, subject, err)
	}
	return a.accept(who, envelope.Hash(), reply)
}

// persist repeats what failed by a fault, with growing pauses, for a minute. A refusal is final.
func persist(ctx context.Context, try func(context.Context) error) error {
	pause, patience := 50*time.Millisecond, 3*time.Second
	for deadline := time.Now().Add(time.Minute); ; {
		once, cancel := context.WithTimeout(ctx, patience)
		patience = min(2*patience, 20*time.Second)
		err := try(once)
		cancel()
		code := refusal.CodeOf(err)
		if err == nil || code != "" && !passing(code) || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, 2*time.Second)
		case <-ctx.Done():
			return err
		}
	}
}

// passing tells whether a refusal says nothing about the request, only that it was not taken now.
func passing(code refusal.Code) bool { return code == CodeFault || code == engine.CodeBusy }

// said is a refusal that the one asked has signed.
type said struct{ *refusal.Refusal }

func (s said) Unwrap() error { return s.Refusal }

// accept gives the answer that the one asked has signed. Anything else may come from anybody on the carrier and decides nothing: it is a fault.
func (a *asker) accept(who string, request wire.Hash, answer []byte) ([]byte, error) {
	reply, err := a.verify(who, request, answer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("answer of %s: %s", who, err.Error())
	case reply.Code != "":
		return nil, said{&refusal.Refusal{Code: refusal.Code(reply.Code), What: reply.Text, Do: reply.Do}}
	}
	return reply.Body, nil
}

// verify checks that a reply is signed by the one asked and answers this very request.
func (a *asker) verify(who string, request wire.Hash, answer []byte) (*wire.Reply, error) {
	envelope, err := wire.ParseEnvelope(answer, limitReply)
	if err != nil {
		return nil, err
	}
	signers, err := envelope.Verify(wire.TypeReply, a.trust)
	if err != nil {
		return nil, err
	}
	var reply wire.Reply
	if err := wire.Decode(envelope.Payload, limitReply, &reply); err != nil {
		return nil, err
	}
	if signers[0].Owner != who || reply.Sender != who || reply.Network != a.trust.Network || reply.Request != request {
		return nil, refusal.Newf(wire.CodeSigInvalid, "ask again", "an answer of %s came in place of one of %s", signers[0].Owner, who)
	}
	return &reply, nil
}

// handler answers one subject. The key is the verified one of who asks.
type handler func(ctx context.Context, from wire.Key, body []byte) ([]byte, error)

// server verifies requests, hands them to the subject's handler and signs the replies.
type server struct {
	self     string
	trust    *trust.Network
	key      *wallet.Signer
	clock    Clock
	log      *slog.Logger
	watch    *watch
	handlers map[string]handler
}

// serve is the bus's entry. A request that nobody signed gets no reply: there is nobody to reply to.
func (s *server) serve(ctx context.Context, bytes []byte) []byte {
	envelope, err := wire.ParseEnvelope(bytes, limitRequest)
	if err != nil {
		s.log.Warn("request dropped", "code", string(refusal.CodeOf(err)))
		return nil
	}
	signers, err := envelope.Verify(wire.TypeRequest, s.trust)
	if err != nil {
		s.log.Warn("request dropped", "code", string(refusal.CodeOf(err)))
		return nil
	}
	body, err := s.answer(ctx, signers[0], envelope.Payload)
	reply := wire.Reply{Network: s.trust.Network, Sender: s.self, Request: envelope.Hash(), Body: body, AtMS: s.clock()}
	var refused *refusal.Refusal
	switch {
	case errors.As(err, &refused):
		reply.Code, reply.Text, reply.Do = string(refused.Code), plain(refused.What), plain(refused.Do)
	case err != nil:
		s.log.Error("request failed", "error", err)
		reply.Code, reply.Text, reply.Do = string(CodeFault), s.self+" could not answer", "try again; if it lasts, ask its operator"
	}
	payload, err := wire.TryEncode(&reply)
	if err != nil {
		s.log.Error("reply does not fit", "error", err)
		return nil
	}
	signed, err := s.key.Sign(wire.TypeReply, payload)
	if err != nil {
		s.log.Error("reply cannot be signed", "error", err)
		return nil
	}
	return signed.Bytes()
}

func (s *server) answer(ctx context.Context, from wire.Key, payload []byte) ([]byte, error) {
	var request wire.Request
	if err := wire.Decode(payload, limitRequest, &request); err != nil {
		return nil, err
	}
	now := s.clock()
	switch {
	case request.Network != s.trust.Network:
		return nil, refusal.Newf(wire.CodeWrongNetwork, "ask on your own network", "a request for network %q came to %q", request.Network, s.trust.Network)
	case request.Recipient != s.self:
		return nil, refusal.Newf(wire.CodeWrongRecipient, "ask the one you mean", "a request for %q came to %q", request.Recipient, s.self)
	case request.AtMS < now-requestAgeMost || request.AtMS > now+requestAgeMost:
		return nil, refusal.Newf("expired", "set the clock right and ask again", "the request was made at %d, it is %d here", request.AtMS, now)
	}
	handle, ok := s.handlers[request.Subject]
	if !ok {
		return nil, refusal.Newf(CodeSubjectUnknown, "check the version of both sides", "%s does not answer %q", s.self, request.Subject)
	}
	return s.watch.answer(ctx, request.Subject, func(ctx context.Context) ([]byte, error) { return handle(ctx, from, request.Body) })
}

// plain drops what a text field cannot carry, so that an error's wording can never stop the error itself.
func plain(s string) string {
	clean := make([]rune, 0, len(s))
	for _, r := range s {
		if r < 0x20 || r == 0x7f || r == '\uFFFD' {
			r = ' '
		}
		clean = append(clean, r)
		if len(clean) == 900 {
			break
		}
	}
	return string(clean)
}

func randomID() (wire.ID, error) {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return wire.ID{}, fmt.Errorf("read random bytes: %w", err)
	}
	return wire.NewUUID(id), nil
}

func randomHash() (wire.Hash, error) {
	var h wire.Hash
	if _, err := rand.Read(h[:]); err != nil {
		return h, fmt.Errorf("read random bytes: %w", err)
	}
	return h, nil
}

func notFound(what string) error {
	return refusal.New(CodeNotFound, "there is no such "+what+" of yours here", "check the id")
}

func notAllowed(who, what string) error {
	return refusal.Newf(CodeNotAllowed, "ask somebody who may", "%s may not %s", who, what)
}

// again asks until there is an answer, within the bounds of persist: for questions, and for what the other side takes once however often it comes.
func (a *asker) again(ctx context.Context, who, subject string, body []byte) ([]byte, error) {
	var answer []byte
	err := persist(ctx, func(ctx context.Context) error {
		var err error
		answer, err = a.ask(ctx, who, subject, body)
		return err
	})
	return answer, err
}

// ask sends a question whose answer is JSON.
func ask[T any](ctx context.Context, a *asker, who, subject string, body []byte) (T, error) {
	var answer T
	bytes, err := a.again(ctx, who, subject, body)
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(bytes, &answer); err != nil {
		return answer, fmt.Errorf("answer of %s to %s: %w", who, subject, err)
	}
	return answer, nil
}
