package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"entente/schema/wire"
)

const (
	outboxAge          = 7 * 24 * time.Hour
	productionReplicas = 3

	// Error numbers of JetStream's interface that the client library has no name for.
	codeReplicasNotSupported jetstream.ErrorCode = 10074
	codeSubjectsOverlap      jetstream.ErrorCode = 10065
)

// free are the settings an operator may choose: none of them changes what arrives. All others must be as this package sets them.
// num_replicas has a rule of its own.
var free = []string{"description", "duplicate_window", "placement", "metadata", "compression", "deny_delete", "deny_purge", "num_replicas"}

// stream gives the settings all streams share.
func (b *Bus) stream(name, subjects string, mostAge time.Duration, mostBytes int32) jetstream.StreamConfig {
	replicas := productionReplicas
	if b.options.Development {
		replicas = 1
	}
	return jetstream.StreamConfig{
		Name: name, Subjects: []string{subjects}, Storage: jetstream.FileStorage, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld,
		MaxAge: mostAge, MaxMsgSize: mostBytes, MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxConsumers: -1, Replicas: replicas,
	}
}

// OpenOutbox makes the stream in which a bank's messages wait for its peers, or checks the one that is there. Call it again when the stream was lost.
// Refusals: bad_name, unsafe_broker_config: <field>, broker_denied.
func (b *Bus) OpenOutbox(ctx context.Context, bank string) error {
	if err := checkNames(bank); err != nil {
		return err
	}
	return b.open(ctx, b.stream(b.outboxStream(bank), b.batchSubject(bank, "*"), outboxAge, wire.LimitBatch+headerRoom))
}

// open finds or makes a stream and checks what it has become: what the broker says it made is believed as little as what it found.
func (b *Bus) open(ctx context.Context, due jetstream.StreamConfig) error {
	ctx, done := b.calls.watch(ctx, "$JS.API.STREAM.INFO."+due.Name, "$JS.API.STREAM.CREATE."+due.Name)
	defer done()
	s, err := b.js.Stream(ctx, due.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = b.js.CreateStream(ctx, due)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // somebody else made it meanwhile
			s, err = b.js.Stream(ctx, due.Name)
		}
	}
	if err != nil {
		return openFault(due, outcome(ctx, err))
	}
	return checkStream(s.CachedInfo().Config, due)
}

func openFault(due jetstream.StreamConfig, err error) error {
	var api *jetstream.APIError
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		return unsafeBroker("jetstream", "the broker has no JetStream for this account")
	case errors.As(err, &api) && api.ErrorCode == codeReplicasNotSupported:
		return unsafeBroker("num_replicas", fmt.Sprintf("the broker is no cluster and cannot keep %d replicas", due.Replicas))
	case errors.As(err, &api) && api.ErrorCode == codeSubjectsOverlap:
		return unsafeBroker("subjects", fmt.Sprintf("another stream takes messages on %s", due.Subjects[0]))
	}
	return fmt.Errorf("bus: open the stream %s: %w", due.Name, err)
}

// checkStream refuses a stream with any setting that is neither free nor as due, also one this package has never heard of. Several wrong settings give the
// first by name.
func checkStream(got, due jetstream.StreamConfig) error {
	if got.Replicas < due.Replicas {
		return unsafeBroker("num_replicas", fmt.Sprintf("the stream %s has %d, at least %d are due", due.Name, got.Replicas, due.Replicas))
	}
	is, err := settings(got)
	if err != nil {
		return err
	}
	want, err := settings(due)
	if err != nil {
		return err
	}
	fields := maps.Clone(is)
	maps.Copy(fields, want)
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(free, field) && !reflect.DeepEqual(is[field], want[field]) {
			return unsafeBroker(field, fmt.Sprintf("the stream %s has %v, due is %v", due.Name, is[field], want[field]))
		}
	}
	return nil
}

// settings gives a stream's configuration by the names under which an operator knows it.
func settings(c jetstream.StreamConfig) (map[string]any, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("bus: read a stream's settings: %w", err)
	}
	var byName map[string]any
	if err := json.Unmarshal(text, &byName); err != nil {
		return nil, fmt.Errorf("bus: read a stream's settings: %w", err)
	}
	return byName, nil
}

// publish stores a message in a stream and waits for the broker's word.
func (b *Bus) publish(ctx context.Context, stream string, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, replyWait)
	defer cancel()
	ctx, done := b.calls.watch(ctx, m.Subject)
	defer done()
	ack, err := b.js.PublishMsg(ctx, m, jetstream.WithRetryAttempts(0))
	if errors.Is(err, jetstream.ErrNoStreamResponse) || err == nil && ack.Stream != stream {
		return fmt.Errorf("bus: publish on %s: %w", m.Subject, ErrStreamGone)
	}
	if err != nil {
		return fmt.Errorf("bus: publish on %s: %w", m.Subject, outcome(ctx, err))
	}
	return nil
}
