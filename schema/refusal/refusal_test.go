package refusal

import (
	"errors"
	"fmt"
	"testing"
)

func TestARefusalTellsWhatHappenedWhatStayedAndWhatToDo(t *testing.T) {
	r := New("insufficient_funds", "account JPN-1 holds 5 JPY and 7 JPY were asked for", "fund the account, then send a new instruction")
	want := "insufficient_funds: account JPN-1 holds 5 JPY and 7 JPY were asked for; nothing was changed; fund the account, then send a new instruction"
	if r.Error() != want {
		t.Errorf("got  %s\nwant %s", r.Error(), want)
	}
}

func TestTheCodeIsFoundThroughWrapping(t *testing.T) {
	err := fmt.Errorf("row 7: %w", Newf("unknown_currency", "use a code of ISO 4217", "%q is no currency", "XXQ"))
	if got := CodeOf(err); got != "unknown_currency" {
		t.Errorf("CodeOf = %q", got)
	}
	if !errors.Is(err, &Refusal{Code: "unknown_currency"}) {
		t.Error("errors.Is does not match by code")
	}
	if CodeOf(errors.New("connection lost")) != "" {
		t.Error("a fault must have no refusal code")
	}
}
