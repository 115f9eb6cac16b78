package proof

import (
	"bytes"
	"encoding/json"
	"fmt"

	"entente/schema/refusal"
)

// CodeStatementMalformed refuses text that is no statement of the circuit's kind.
const CodeStatementMalformed refusal.Code = "statement_malformed"

// jsonMax bounds a statement's text: the longest, of 64 balances, has less than 10 KiB.
const jsonMax = 1 << 16

// VerifyJSON is Verify for a statement given as the JSON of its struct, for callers outside Go. Refused besides: statement_malformed when the text has more than
// 64 KiB or is not, white space apart, what encoding/json writes for the statement. So there is one reading of it: no field is repeated, spelled in another
// case or beyond the known ones, and a page that shows what it sent shows what was verified.
func (v *Verifier) VerifyJSON(statement, proofBytes []byte) error {
	switch kinds[v.name].statement {
	case ofBill:
		return verifyJSON[BillPublic](v, statement, proofBytes)
	case ofTotals:
		return verifyJSON[TotalsPublic](v, statement, proofBytes)
	case ofBudget:
		return verifyJSON[BudgetPublic](v, statement, proofBytes)
	case ofShare:
		return verifyJSON[SharePublic](v, statement, proofBytes)
	case ofRate:
		return verifyJSON[RatePublic](v, statement, proofBytes)
	case ofReserve:
		return verifyJSON[ReservePublic](v, statement, proofBytes)
	default:
		return verifyJSON[PolicyPublic](v, statement, proofBytes)
	}
}

func verifyJSON[S Statement](v *Verifier, text, proofBytes []byte) error {
	if len(text) > jsonMax {
		return refusal.Newf(CodeStatementMalformed, "send the statement alone", "the statement has %d bytes, more than any statement needs", len(text))
	}
	var statement S
	if err := json.Unmarshal(text, &statement); err != nil {
		if refusal.CodeOf(err) != "" {
			return err
		}
		return refusal.Newf(CodeStatementMalformed, "send the fields of the statement in JSON", "this is no statement for %s: %v", v.name, err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return fmt.Errorf("proof: compacting JSON: %w", err) // it was parsed above
	}
	if again, err := json.Marshal(statement); err != nil || !bytes.Equal(compact.Bytes(), again) {
		return refusal.Newf(CodeStatementMalformed, "send each field once, in its order and form, and no other", "this is not how a statement for %s is written", v.name)
	}
	return Verify(v, statement, proofBytes)
}
