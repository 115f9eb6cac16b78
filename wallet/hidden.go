package wallet

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// hidden keeps a private value behind a closure: reflection, and with it every printer, sees an address and nothing more.
type hidden[T any] struct{ reveal func() T }

func hide[T any](v T) *hidden[T] { return &hidden[T]{func() T { return v }} }

// Format prints String's text for every verb, so that %#v shows no more than %s.
func (s Signer) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue logs String's text.
func (s Signer) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON writes String's text: a signer is stored in a key file and nowhere else.
func (s Signer) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// Format prints String's text for every verb.
func (i Identity) Format(f fmt.State, _ rune) { fmt.Fprint(f, i.String()) }

// LogValue logs String's text.
func (i Identity) LogValue() slog.Value { return slog.StringValue(i.String()) }

// MarshalJSON writes String's text.
func (i Identity) MarshalJSON() ([]byte, error) { return json.Marshal(i.String()) }

// Format prints String's text for every verb.
func (r Ring) Format(f fmt.State, _ rune) { fmt.Fprint(f, r.String()) }

// LogValue logs String's text.
func (r Ring) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalJSON writes String's text.
func (r Ring) MarshalJSON() ([]byte, error) { return json.Marshal(r.String()) }
