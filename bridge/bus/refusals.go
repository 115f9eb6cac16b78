package bus

import (
	"errors"

	"entente/schema/refusal"
)

// What this package refuses, beside wire.CodeTooLarge.
const (
	// BadName: a name of a network, bank, desk or programme that must not become part of a subject.
	BadName refusal.Code = "bad_name"
	// UnsafeBrokerConfig: the broker or a stream has a setting the protocol does not bear; the text opens with the field's name.
	UnsafeBrokerConfig refusal.Code = "unsafe_broker_config"
	// BrokerDenied: the broker's permissions keep this connection from a subject.
	BrokerDenied refusal.Code = "broker_denied"
)

// Faults a caller may tell apart. All may pass: trying again later can help.
var (
	// ErrNobodyThere is a request that nobody serves at the moment.
	ErrNobodyThere = errors.New("nobody answers there")
	// ErrStreamGone is a message that no stream took: it was deleted or never opened. Open it again.
	ErrStreamGone = errors.New("no stream takes the message")
)

func unsafeBroker(field, what string) error {
	return refusal.New(UnsafeBrokerConfig, field+": "+what, "have the broker's operator change the setting, then start again")
}
