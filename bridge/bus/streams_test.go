package bus

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"entente/schema/refusal"
)

func TestWhatTheBrokerSaysWhenAStreamCannotBeOpened(t *testing.T) {
	due := jetstream.StreamConfig{Name: "SWAP_trial_INR", Subjects: []string{"swap.trial.INR.*.batch"}, Replicas: productionReplicas}
	for field, err := range map[string]error{
		"jetstream: ":    nats.ErrNoResponders,
		"jetstream: the": jetstream.ErrJetStreamNotEnabledForAccount,
		"num_replicas: ": &jetstream.APIError{ErrorCode: codeReplicasNotSupported},
		"subjects: ":     &jetstream.APIError{ErrorCode: codeSubjectsOverlap},
	} {
		got := openFault(due, fmt.Errorf("wrapped: %w", err))
		if refusal.CodeOf(got) != UnsafeBrokerConfig || !strings.HasPrefix(got.Error(), "unsafe_broker_config: "+field) {
			t.Errorf("%v gives %v", err, got)
		}
	}
	for _, err := range []error{nats.ErrTimeout, &jetstream.APIError{ErrorCode: 10049}} {
		if got := openFault(due, err); refusal.CodeOf(got) != "" {
			t.Errorf("%v is a fault that may pass, not %v", err, got)
		}
	}
}
