// Package failpoint kills the process at a named moment, so that what must survive a power loss can be shown to survive it.
//
// ENTENTE_FAILPOINT names one point, such as "bank.vote.stored"; the process that passes it the first time ends by SIGKILL: no handler runs, nothing is
// flushed. Without the variable a point costs one comparison. Points stand where something has just become durable and nobody else knows yet.
package failpoint

import (
	"os"
	"slices"
)

// Variable is the environment variable that arms a point.
const Variable = "ENTENTE_FAILPOINT"

// The named points.
const (
	BankProposeStored  = "bank.propose.stored"  // initiator: funds held, the proposal not sent
	BankVoteStored     = "bank.vote.stored"     // responder: funds held, the vote not sent
	BankDecisionStored = "bank.decision.stored" // initiator: decided, the decision not sent
	BankAckStored      = "bank.ack.stored"      // responder: posted, the acknowledgement not sent
	BankCosignStored   = "bank.cosign.stored"   // witness: another bank's head recorded, the cosignature not given
	DeskMakeStored     = "desk.make.stored"     // desk: instruction journaled, the maker not answered
	DeskApprovalStored = "desk.approval.stored" // desk: approval journaled, the approver not answered
	DeskQuoteStored    = "desk.quote.stored"    // desk: quote accepted, the payment not submitted
	DeskSubmitStored   = "desk.submit.stored"   // desk: about to submit
)

// Names lists the points.
func Names() []string {
	return []string{BankProposeStored, BankVoteStored, BankDecisionStored, BankAckStored, BankCosignStored, DeskMakeStored, DeskApprovalStored, DeskQuoteStored, DeskSubmitStored}
}

// Known tells whether a point of that name exists.
func Known(name string) bool { return slices.Contains(Names(), name) }

var armed = os.Getenv(Variable)

// Pass is called where the point stands. A moment without a name never kills.
func Pass(name string) {
	if name != "" && armed == name {
		die()
	}
}

// die ends the process as a power loss would.
func die() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		os.Exit(137)
	}
	select {} // the signal is on its way
}
