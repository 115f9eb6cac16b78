package audit

import (
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/zk/commit"
	"entente/zk/transcript"
)

// Result is what an audit, a step or a finding comes to.
type Result string

// The results, from good to bad. A whole is as bad as its worst part.
const (
	Valid       Result = "valid"       // everything was there and proven
	Undecidable Result = "undecidable" // nothing is proven wrong, and something needed is missing
	Invalid     Result = "invalid"     // proven wrong
)

func (r Result) rank() int {
	switch r {
	case Valid:
		return 0
	case Undecidable:
		return 1
	}
	return 2
}

func worse(a, b Result) Result {
	if b.rank() > a.rank() {
		return b
	}
	return a
}

// Finding is one thing wrong or missing.
type Finding struct {
	Result Result       `json:"result"` // Invalid or Undecidable
	Code   refusal.Code `json:"code"`
	Text   string       `json:"text"`
	Where  string       `json:"where,omitempty"` // such as "ledger rba, leaf 12"; empty for the file as a whole
}

// Step is one part of the audit, in the order of the package documentation.
type Step struct {
	Name   string `json:"name"`
	Result Result `json:"result"`
	Detail string `json:"detail"` // what was counted, in one line
}

// Position is a number of bills and the sums of their commitments.
type Position struct {
	Bills      int          `json:"bills"`
	Categories commit.Point `json:"categories"` // sum of C
	Total      commit.Point `json:"total"`      // sum of T
}

// Ledger is one bank's log as it was found.
type Ledger struct {
	Bank        string          `json:"bank"`
	Currency    string          `json:"currency"`
	Origin      string          `json:"origin"`
	Size        int64           `json:"size"` // leaves in the bundle
	Root        transcript.Hash `json:"root"` // recomputed from them
	LastMS      int64           `json:"last_ms"`
	Leaves      map[string]int  `json:"leaves"` // by kind
	Billed      Position        `json:"billed"` // bills in force: held, settled or outstanding
	Held        Position        `json:"held"`
	Settled     Position        `json:"settled"`
	Outstanding Position        `json:"outstanding"`
	Replaced    int             `json:"replaced"`     // bills that a later revision stands for
	SupplyMinor string          `json:"supply_minor"` // issued and not redeemed, in minor units; empty where it is not proven
	Accounts    int             `json:"accounts"`     // proven to hold not less than nothing
}

// Total is a proven total of one category over all bills of a programme on one ledger.
type Total struct {
	Bank          string    `json:"bank"`
	Currency      string    `json:"currency"`
	Programme     wire.Hash `json:"programme"`
	ProgrammeName string    `json:"programme_name"`
	Category      string    `json:"category"`
	Minor         string    `json:"minor"` // integer minor units
}

// Key is a verification key that proofs were checked with.
type Key struct {
	Circuit   string    `json:"circuit"`
	CircuitID wire.Hash `json:"circuit_id"`
	KeyID     wire.Hash `json:"key_id"`
	Ceremony  string    `json:"ceremony"`
	Proofs    int       `json:"proofs"` // that verified
}

// Report is the outcome of an audit.
type Report struct {
	Network         string    `json:"network"`
	Development     bool      `json:"development"` // keys of one party: INSECURE
	BundleSHA256    wire.Hash `json:"bundle_sha256"`
	BundleBytes     int       `json:"bundle_bytes"`
	CreatedMS       int64     `json:"created_ms"` // as the bundle says
	Result          Result    `json:"result"`
	Steps           []Step    `json:"steps"`
	Findings        []Finding `json:"findings"`
	FindingsOmitted int       `json:"findings_omitted"` // beyond the first MaxFindings
	WitnessQuorum   int       `json:"witness_quorum"`   // other banks that every head had to be cosigned by
	Witnesses       int       `json:"witnesses"`        // other banks that a log has
	Ledgers         []Ledger  `json:"ledgers"`
	Countersigned   int       `json:"countersigned"` // bills signed by both nations
	BillProofs      int       `json:"bill_proofs"`   // that verified
	Statements      int       `json:"statements"`    // that hold in full
	Budgets         int       `json:"budgets"`       // with bills, proven kept
	Shares          int       `json:"shares"`        // shared costs proven divided as agreed
	Rates           int       `json:"rates"`         // swaps proven to be at the rate their bank states
	Supplies        int       `json:"supplies"`      // ledgers with a proven supply
	Totals          []Total   `json:"totals"`        // empty unless nothing was proven wrong
	Keys            []Key     `json:"keys"`
	ItemsDisclosed  int       `json:"items_disclosed"`
	NotChecked      []string  `json:"not_checked"`
}

// MaxFindings bounds how many findings a report names.
const MaxFindings = 200

// ExitCode gives the result for a shell: 0 valid, 1 proven invalid, 2 undecidable.
func (r *Report) ExitCode() int {
	switch r.Result {
	case Valid:
		return 0
	case Undecidable:
		return 2
	}
	return 1
}

// Insecure tells whether the result rests on keys that one party made for itself.
func (r *Report) Insecure() bool { return r.Development }
