// Package refusal holds the one shape in which Entente says no.
//
// A refusal is a domain outcome: the request was understood, it is not allowed, and asking again in the same way will not help. It carries a stable code
// for programs and sentences for the person who reads it. A fault (a lost connection, a full disk) is not a refusal: it stays an ordinary error, wrapped
// with %w, and may be retried.
//
// Promised: a code never changes its meaning once released. Not checked: that the caller really left the state unchanged; each machine tests that itself.
package refusal

import (
	"errors"
	"fmt"
)

// Code is a stable machine name in lower snake case, such as "insufficient_funds".
type Code string

// Refusal says no. What tells what happened, Do what the reader can do about it.
// Unchanged says what was left as it was; when empty the text says "nothing was changed".
type Refusal struct {
	Code      Code
	What      string
	Unchanged string
	Do        string
}

// New makes a refusal from its code, what happened, and what to do about it.
func New(code Code, what, do string) *Refusal {
	return &Refusal{Code: code, What: what, Do: do}
}

// Newf is New with what happened as a format.
func Newf(code Code, do, format string, args ...any) *Refusal {
	return &Refusal{Code: code, What: fmt.Sprintf(format, args...), Do: do}
}

// Error gives "code: what happened; nothing was changed; what to do".
func (r *Refusal) Error() string {
	unchanged := r.Unchanged
	if unchanged == "" {
		unchanged = "nothing was changed"
	}
	text := string(r.Code) + ": " + r.What + "; " + unchanged
	if r.Do != "" {
		text += "; " + r.Do
	}
	return text
}

// Is makes errors.Is compare refusals by code, so that a test or a caller may name the code alone.
func (r *Refusal) Is(target error) bool {
	other, ok := target.(*Refusal)
	return ok && other.Code == r.Code
}

// CodeOf gives the code of the first refusal in err's chain, or "" when err is nil or a fault.
func CodeOf(err error) Code {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}
