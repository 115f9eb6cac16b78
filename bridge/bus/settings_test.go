package bus_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"entente/bridge/bus"
	"entente/ops/broker"
	"entente/schema/refusal"
	"entente/schema/wire"
)

// names tells whether a refusal is unsafe_broker_config and opens with the field.
func names(err error, field string) bool {
	var r *refusal.Refusal
	return errors.As(err, &r) && r.Code == bus.UnsafeBrokerConfig && strings.HasPrefix(r.What, field+": ")
}

func TestAStreamWithAnotherSettingIsRefusedByTheFieldsName(t *testing.T) {
	for field, change := range map[string]func(*jetstream.StreamConfig){
		"subjects":             func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "elsewhere") },
		"storage":              func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"max_age":              func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"allow_direct":         func(c *jetstream.StreamConfig) { c.AllowDirect = true },
		"allow_rollup_hdrs":    func(c *jetstream.StreamConfig) { c.AllowRollup = true },
		"retention":            func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
		"discard":              func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardNew },
		"max_msgs":             func(c *jetstream.StreamConfig) { c.MaxMsgs = 10 },
		"max_bytes":            func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 20 },
		"max_msgs_per_subject": func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 1 },
		"max_msg_size":         func(c *jetstream.StreamConfig) { c.MaxMsgSize = wire.LimitBatch },
		"max_consumers":        func(c *jetstream.StreamConfig) { c.MaxConsumers = 1 },
		"no_ack":               func(c *jetstream.StreamConfig) { c.NoAck = true },
		"sources":              func(c *jetstream.StreamConfig) { c.Sources = []*jetstream.StreamSource{{Name: "OTHER"}} },
		"republish": func(c *jetstream.StreamConfig) {
			c.RePublish = &jetstream.RePublish{Source: ">", Destination: "copy.>"}
		},
		"subject_transform": func(c *jetstream.StreamConfig) {
			c.SubjectTransform = &jetstream.SubjectTransformConfig{Source: "swap.*.*.*.batch", Destination: "x.{{wildcard(1)}}"}
		},
		"allow_msg_ttl":       func(c *jetstream.StreamConfig) { c.AllowMsgTTL = true },
		"first_seq":           func(c *jetstream.StreamConfig) { c.FirstSeq = 100 },
		"consumer_limits":     func(c *jetstream.StreamConfig) { c.ConsumerLimits.MaxAckPending = 1 },
		"persist_mode":        func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
		"allow_batched":       func(c *jetstream.StreamConfig) { c.AllowBatchPublish = true },
		"allow_atomic":        func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = true },
		"allow_msg_schedules": func(c *jetstream.StreamConfig) { c.AllowMsgSchedules = true },
	} {
		t.Run(field, func(t *testing.T) {
			s := carrier(t)
			_, js := raw(t, s)
			b := connect(t, s)
			must(t, b.OpenOutbox(t.Context(), "INR"))
			stream, err := js.Stream(t.Context(), "SWAP_"+network+"_INR")
			must(t, err)
			c := stream.CachedInfo().Config
			must(t, js.DeleteStream(t.Context(), c.Name))
			change(&c)
			again(t, func() error { // the broker may still be removing the old files
				_, err := js.CreateStream(t.Context(), c)
				return err
			})
			if err := b.OpenOutbox(t.Context(), "INR"); !names(err, field) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSettingsThatChangeNothingAreTheOperatorsOwn(t *testing.T) {
	s := carrier(t)
	_, js := raw(t, s)
	b := connect(t, s)
	must(t, b.OpenOutbox(t.Context(), "INR"))
	stream, err := js.Stream(t.Context(), "SWAP_"+network+"_INR")
	must(t, err)
	c := stream.CachedInfo().Config
	c.Description, c.Duplicates, c.Metadata = "the outbox", time.Minute, map[string]string{"owner": "operations"}
	_, err = js.UpdateStream(t.Context(), c)
	must(t, err)
	must(t, b.OpenOutbox(t.Context(), "INR"))
}

func TestAnotherStreamOnTheSubjectsIsRefused(t *testing.T) {
	s := carrier(t)
	_, js := raw(t, s)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "SQUATTER", Subjects: []string{"swap.>"}})
	must(t, err)
	b := connect(t, s)
	if err := b.OpenOutbox(t.Context(), "INR"); !names(err, "subjects") {
		t.Errorf("got %v", err)
	}
	if err := b.SendBatch(t.Context(), "INR", "JPY", []byte("x")); !errors.Is(err, bus.ErrStreamGone) {
		t.Errorf("a squatter's acknowledgement was taken: %v", err)
	}
}

func TestProductionWantsThreeReplicas(t *testing.T) {
	s := carrier(t)
	production := connect(t, s, func(o *bus.Options) { o.Development = false })
	for name, open := range map[string]func() error{
		"outbox": func() error { return production.OpenOutbox(t.Context(), "INR") },
		"posts":  func() error { return production.OpenPosts(t.Context()) },
	} {
		if err := open(); !names(err, "num_replicas") {
			t.Errorf("%s, made on a single server: %v", name, err)
		}
	}
	must(t, connect(t, s).OpenOutbox(t.Context(), "INR"))
	if err := production.OpenOutbox(t.Context(), "INR"); !names(err, "num_replicas") {
		t.Errorf("an outbox with one replica: %v", err)
	}
}

func TestABrokerThatCannotCarryAnAnswerIsRefused(t *testing.T) {
	s := carrier(t, broker.Options{MaxPayload: bus.LimitAsk})
	_, err := bus.Connect(t.Context(), bus.Options{InProcess: s.InProcess(), Network: network})
	if !names(err, "max_payload") {
		t.Errorf("got %v", err)
	}
}

func TestADeniedPublishIsToldAtOnce(t *testing.T) {
	s := carrier(t, broker.Options{Users: []broker.User{
		{Name: "operator", Password: "o"},
		{Name: "INR", Password: "i", DenyPublish: []string{"swap.*.JPY.>", "ask.*.JPY", "post.*.*.JP", "$JS.API.STREAM.*.SWAP_trial_JPY", "$JS.API.CONSUMER.CREATE.SWAP_trial_AUD.>"}},
	}})
	as := func(user string) func(*bus.Options) {
		return func(o *bus.Options) { o.URL = "nats://" + user + "@broker" }
	}
	operator := connect(t, s, as("operator:o"))
	seen := make(chan error, 16)
	b := connect(t, s, as("INR:i"), errorsTo(seen))
	must(t, operator.OpenOutbox(t.Context(), "INR"))
	must(t, operator.OpenOutbox(t.Context(), "JPY"))
	must(t, operator.OpenOutbox(t.Context(), "AUD"))
	must(t, operator.OpenPosts(t.Context()))
	stopServe, err := operator.Serve(t.Context(), "JPY", echo)
	must(t, err)
	defer stopServe()

	must(t, b.SendBatch(t.Context(), "INR", "JPY", []byte("own")))
	for name, call := range map[string]func() error{
		"batch":  func() error { return b.SendBatch(t.Context(), "JPY", "INR", []byte("forged")) },
		"ask":    func() error { _, err := b.Ask(t.Context(), "JPY", []byte("?")); return err },
		"post":   func() error { return b.Post(t.Context(), "aa", "JP", []byte("forged")) },
		"outbox": func() error { return b.OpenOutbox(t.Context(), "JPY") },
	} {
		began := time.Now()
		if err := call(); refusal.CodeOf(err) != bus.BrokerDenied {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("%s: told after %v", name, took)
		}
	}
	for len(seen) > 0 {
		if err := <-seen; err == nil {
			t.Error("told of no error")
		}
	}
	must(t, b.SendDirect(t.Context(), "JPY", "INR", []byte("forged")))
	expectDenied(t, seen, "direct path")
	stop, err := b.ReceiveBatches(t.Context(), "INR", []string{"AUD"}, func(context.Context, string, []byte) {})
	must(t, err)
	defer stop()
	expectDenied(t, seen, "consumer")
}

func expectDenied(t *testing.T, seen chan error, what string) {
	t.Helper()
	select {
	case err := <-seen:
		if refusal.CodeOf(err) != bus.BrokerDenied {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(patience):
		t.Errorf("%s: nothing was reported", what)
	}
}
