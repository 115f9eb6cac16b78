package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unicode"

	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/zk/commit"
)

// steps are what Verify does, in order.
var steps = []struct {
	name string
	run  func(*audit) string // gives the step's detail
}{
	{"file", (*audit).file},
	{"heads", (*audit).heads},
	{"witnesses", (*audit).witnesses},
	{"logs", (*audit).logs},
	{"bills", (*audit).bills},
	{"proofs", (*audit).proofs},
	{"settlement", (*audit).settlement},
	{"charters", (*audit).readCharters},
	{"statements", (*audit).statements},
	{"budgets", (*audit).budgets},
	{"shares", (*audit).shares},
	{"rates", (*audit).rates},
	{"supply", (*audit).supply},
}

// audit is one run: what was read so far, and what was found.
type audit struct {
	network    *trust.Network
	bundleFile []byte
	bundle     wire.Bundle
	unreadable bool // nothing after the file step makes sense
	progress   func(step string, done, total int)
	step       Step
	report     Report

	logged    []*ledger
	ledgers   map[string]*ledger // by bank
	documents map[wire.Hash]*bill
	ordered   []*bill // as in the bundle
	keys      map[string][]*key
	unpinned  map[string]bool    // circuits for which the trust file pins nothing
	unplaced  map[programme]bool // programmes on a ledger of which a logged bill is missing
	charters  map[wire.Hash]*wire.Charter
	uncharted map[wire.Hash]bool // programmes of which it was said that they have no charter
	open      []string           // sentences about what these very contents leave unchecked
}

// Verify audits a bundle against the trust file. It reads nothing else and never panics on any input. It goes on after a failure where it can, so that the
// report names everything wrong. Progress, if given, is told what is done of each step, one call at a time; proofs are verified on all processors.
func Verify(network *trust.Network, bundleFile []byte, progress func(step string, done, total int)) Report {
	if progress == nil {
		progress = func(string, int, int) {}
	}
	a := &audit{
		bundleFile: bundleFile, progress: progress,
		ledgers: map[string]*ledger{}, documents: map[wire.Hash]*bill{}, keys: map[string][]*key{}, unpinned: map[string]bool{}, unplaced: map[programme]bool{},
		charters: map[wire.Hash]*wire.Charter{}, uncharted: map[wire.Hash]bool{},
		report: Report{
			Result: Valid, BundleSHA256: sha256.Sum256(bundleFile), BundleBytes: len(bundleFile),
			Steps: []Step{}, Findings: []Finding{}, Ledgers: []Ledger{}, Totals: []Total{}, Keys: []Key{},
		},
	}
	a.pin(network)
	for _, s := range steps {
		a.step = Step{Name: s.name, Result: Valid}
		if a.unreadable {
			a.step.Result, a.step.Detail = Undecidable, "not reached"
		} else {
			a.step.Detail = s.run(a)
		}
		a.report.Steps = append(a.report.Steps, a.step)
		a.report.Result = worse(a.report.Result, a.step.Result)
	}
	a.close()
	return a.report
}

// pin takes a copy of the trust file and prepares it. Without a usable one nothing can be decided.
func (a *audit) pin(network *trust.Network) {
	a.step = Step{Name: "trust", Result: Valid}
	defer func() {
		a.unreadable = a.step.Result != Valid
		a.report.Result = a.step.Result
		a.report.Steps = append(a.report.Steps, a.step)
	}()
	if network == nil {
		a.step.Detail = "no trust file"
		a.find(Undecidable, CodeTrustMissing, "", "there is no trust file: get the consortium's network.json")
		return
	}
	pinned := *network
	a.step.Detail = fmt.Sprintf("%d banks, %d members and %d circuits pinned for network %s",
		len(pinned.Banks), len(pinned.Members), len(pinned.Circuits), printable(pinned.Network))
	if err := pinned.Check(); err != nil {
		a.find(Undecidable, trust.CodeTrustInvalid, "", "%s", sentence(err))
		return
	}
	if len(pinned.Banks) == 0 {
		a.find(Undecidable, trust.CodeTrustInvalid, "", "the trust file lists no bank, so there is no log to audit")
	}
	a.network = &pinned
	a.report.Network, a.report.Development = pinned.Network, pinned.Development
}

// close completes the report from what all steps found.
func (a *audit) close() {
	r := &a.report
	for _, l := range a.logged {
		r.Ledgers = append(r.Ledgers, l.report())
	}
	for _, keys := range a.keys {
		for _, k := range keys {
			r.Keys = append(r.Keys, k.report())
			r.Development = r.Development || k.pinned.Ceremony == trust.DevelopmentCeremony
		}
	}
	sortKeys(r.Keys)
	if r.Result == Invalid {
		r.Totals = []Total{} // what rests on a falsehood is not stated
		for i := range r.Ledgers {
			r.Ledgers[i].SupplyMinor, r.Ledgers[i].Accounts = "", 0
		}
	}
	r.NotChecked = notChecked(r, a.open)
}

// find records a finding; its result is the worst the step and the whole can have.
func (a *audit) find(result Result, code refusal.Code, where, format string, args ...any) {
	a.step.Result = worse(a.step.Result, result)
	if len(a.report.Findings) == MaxFindings {
		a.report.FindingsOmitted++
		return
	}
	a.report.Findings = append(a.report.Findings, Finding{Result: result, Code: code, Text: printable(fmt.Sprintf(format, args...)), Where: printable(where)})
}

// printable keeps names from unsigned bytes from rearranging a screen.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// refused records a refusal of another package. A fault has no code of its own; then the one given stands.
func (a *audit) refused(err error, otherwise refusal.Code, where string) {
	code := refusal.CodeOf(err)
	if code == "" {
		code = otherwise
	}
	a.find(Invalid, code, where, "%s", sentence(err))
}

// sentence gives what happened, without the advice that is meant for whoever asked.
func sentence(err error) string {
	var r *refusal.Refusal
	if errors.As(err, &r) {
		return r.What
	}
	return err.Error()
}

// each runs work for 0 to n-1 on all processors. Work may write only what belongs to its index; findings wait until it is over, so that their order
// does not depend on timing.
func (a *audit) each(n int, work func(i int)) { a.eachOf(0, n, n, work) }

// eachOf is each for n out of total, after the first done of them. With a total of 0 nothing is told.
func (a *audit) eachOf(done, total, n int, work func(i int)) {
	var (
		next  atomic.Int64
		group sync.WaitGroup
		mutex sync.Mutex
	)
	tell := max(1, total/100)
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				work(i)
				mutex.Lock()
				if done++; total > 0 && (done%tell == 0 || done == total) {
					a.progress(a.step.Name, done, total)
				}
				mutex.Unlock()
			}
		})
	}
	group.Wait()
}

// file reads the bundle. A damaged file is still looked into if it decodes, to name what the damage changed.
func (a *audit) file() string {
	bundle, err := wire.ParseBundle(a.bundleFile)
	if err != nil {
		a.refused(err, wire.CodeMalformed, "")
	}
	if refusal.CodeOf(err) == wire.CodeBundleDamaged {
		if err = wire.Decode(bodyOf(a.bundleFile), wire.LimitBundle, &bundle); err != nil {
			a.refused(err, wire.CodeMalformed, "")
		}
	}
	if err != nil {
		a.unreadable = true
		return fmt.Sprintf("%s bytes that are no bundle", grouped(len(a.bundleFile)))
	}
	a.bundle = bundle
	a.report.CreatedMS = bundle.CreatedMS
	if bundle.Network != a.network.Network {
		a.find(Invalid, wire.CodeWrongNetwork, "", "the bundle is of network %q, the trust file of %q", bundle.Network, a.network.Network)
	}
	return fmt.Sprintf("checksum and strict encoding of %s bytes, network %s", grouped(len(a.bundleFile)), a.network.Network)
}

// bodyOf gives what follows magic line and checksum of a file that has them.
func bodyOf(file []byte) []byte {
	return file[bytes.IndexByte(file, '\n')+1+sha256.Size:]
}

// points parses commitments from outside; the error names the first bad one.
func points(raw ...[]byte) ([]commit.Point, error) {
	parsed := make([]commit.Point, len(raw))
	for i, b := range raw {
		p, err := commit.ParsePoint(b)
		if err != nil {
			return nil, err
		}
		parsed[i] = p
	}
	return parsed, nil
}
