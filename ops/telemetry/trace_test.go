package telemetry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"entente/settlement/payment"
)

// trail gives the spans of one trace, each with its house, its outcome, and the states swaps reached in it.
func trail(spans tracetest.SpanStubs, id trace.TraceID) (all []string, ids map[trace.SpanID]bool, parents []trace.SpanID) {
	ids = map[trace.SpanID]bool{}
	for _, s := range spans {
		if s.SpanContext.TraceID() != id {
			continue
		}
		ids[s.SpanContext.SpanID()] = true
		if s.Parent.SpanID().IsValid() {
			parents = append(parents, s.Parent.SpanID())
		}
		line := s.Name
		for _, a := range s.Attributes {
			switch a.Key {
			case "bank", "desk", "service":
				line += " at " + a.Value.AsString()
			case "code":
				line += " refused " + a.Value.AsString()
			}
		}
		for _, e := range s.Events {
			line += ", " + e.Name
		}
		all = append(all, line)
	}
	return all, ids, parents
}

func mustHold(t *testing.T, x *told, id trace.TraceID, due ...string) {
	t.Helper()
	all, ids, parents := trail(x.spans, id)
	for _, line := range due {
		if !slices.Contains(all, line) {
			t.Errorf("trace %s has no span %q; it has\n\t%s", id, line, strings.Join(all, "\n\t"))
			return
		}
	}
	for _, p := range parents {
		if !ids[p] {
			t.Errorf("trace %s has a span under %s, which is not in it", id, p)
		}
	}
}

func TestOneTraceHoldsAPaymentFromTheInstructionToBothLedgers(t *testing.T) {
	x := playOnce(t)
	across := 0
	for _, p := range x.story.Payments {
		in := &p.Instruction
		payer, payee := in.PayerBank, in.PayeeBank
		steps := []string{
			"payment make at " + in.Payer, "payment approve at " + in.Payer, "settle payment at " + in.Payer, "payment submit at " + in.Payer, "payment settle at " + in.Payer,
			"ask pay", "answer pay at " + payer, "commit batch at " + payer,
		}
		if payer == payee {
			steps = append(steps, "commit payment at "+payer)
		} else {
			across++
			steps = append(steps, "payment quote at "+in.Payer, "ask quote", "answer quote at PROVIDER-1",
				"commit payment at "+payer+", swap proposed",
				"receive message at "+payee, "commit propose at "+payee+", swap prepared",
				"receive message at "+payer, "commit vote at "+payer+", swap committed",
				"commit decision at "+payee+", swap settled",
				"commit decision_ack at "+payer+", swap settled",
				"INSERT", "COMMIT")
		}
		mustHold(t, x, trace.TraceID(in.UETR), steps...)
	}
	if across == 0 || across == len(x.story.Payments) {
		t.Errorf("%d of %d payments cross a border", across, len(x.story.Payments))
	}
}

func TestOneTraceHoldsABillFromItsProofToItsAdmission(t *testing.T) {
	x := playOnce(t)
	bills := 0
	for nation, desk := range x.net.Desks {
		for _, b := range desk.Bills() {
			if b.Bill.Creditor != nation {
				continue
			}
			bills++
			mustHold(t, x, trace.TraceID(b.Bill.ID),
				"offer bill at "+nation, "countersign bill at "+b.Bill.Debtor, "prove bill at "+nation, "record bill at "+nation,
				"ask bill", "answer bill at "+b.Bill.Ledger, "verify proofs at "+b.Bill.Ledger, "commit bill at "+b.Bill.Ledger)
		}
	}
	if bills != 3 {
		t.Errorf("%d bills", bills)
	}
}

func TestWhatIsAskedOverAndOverDrawsNothing(t *testing.T) {
	x := playOnce(t)
	for _, s := range x.spans {
		for _, subject := range []string{"status", "outcome", "leaves", "head"} {
			if strings.HasSuffix(s.Name, " "+subject) {
				t.Errorf("span %q", s.Name)
			}
		}
	}
}

func TestMetricsAddUpToWhatHappened(t *testing.T) {
	x := playOnce(t)
	value := func(series string) float64 {
		for line := range strings.Lines(x.metrics) {
			if rest, ok := strings.CutPrefix(line, series+" "); ok {
				var v float64
				if _, err := fmt.Sscan(rest, &v); err != nil {
					t.Errorf("%s: %v", series, err)
				}
				return v
			}
		}
		t.Errorf("there is no %s", series)
		return 0
	}
	sizes := map[string]float64{}
	for _, l := range x.story.Summaries {
		var origin string
		var size float64
		if _, err := fmt.Sscanf(l.Checkpoint, "%s\n%g", &origin, &size); err != nil {
			t.Fatal(err)
		}
		sizes[l.Bank] = size
	}
	for bank, size := range sizes {
		label := `{bank="` + bank + `"}`
		if got := value("entente_engine_log_size" + label); got != size {
			t.Errorf("the log of %s has %v leaves, the metrics say %v", bank, size, got)
		}
		if got := value("entente_engine_entries_total" + label); got != size {
			t.Errorf("%s: %v entries for %v leaves", bank, got, size)
		}
		if batches := value("entente_engine_batches_total" + label); batches < 1 || value("entente_engine_commit_seconds_count"+label) != batches {
			t.Errorf("%s: %v batches", bank, batches)
		}
		if value("entente_engine_queue"+label) != 0 || value("entente_engine_in_doubt_age_seconds"+label) != 0 {
			t.Errorf("%s is not at rest", bank)
		}
		if value(`entente_bus_batches_sent_total{bank="`+bank+`",path="stream"}`) < 1 || value(`entente_bus_batches_received_total{bank="`+bank+`",path="stream"}`) < 1 {
			t.Errorf("%s sent or received no batch", bank)
		}
	}
	settled := value(`entente_engine_swaps{bank="boe",role="initiator",state="settled"}`) + value(`entente_engine_swaps{bank="eurosystem",role="initiator",state="settled"}`)
	across, own := 0.0, map[string]float64{}
	for _, p := range x.story.Payments {
		own[p.Instruction.Payer]++
		if p.Instruction.PayerBank != p.Instruction.PayeeBank {
			across++
		}
	}
	if settled != across {
		t.Errorf("%v swaps settled, the metrics say %v", across, settled)
	}
	for nation := range x.net.Desks {
		if got := value(`entente_desk_payments{desk="` + nation + `",state="` + string(payment.Settled) + `"}`); got != own[nation] {
			t.Errorf("%s settled %v payments, the metrics say %v", nation, own[nation], got)
		}
		if value(`entente_desk_bills{desk="`+nation+`",state="recorded"}`) < 1 || value(`entente_desk_proof_seconds_count{circuit="bill-64",desk="`+nation+`"}`) != 1 {
			t.Errorf("%s: bills and proofs are not counted", nation)
		}
	}
	if value(`entente_answer_seconds_count{code="ok",service="boe",subject="pay"}`) != own["GBR"] {
		t.Error("answers are not counted")
	}
}
