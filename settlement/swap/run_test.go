package swap

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"entente/schema/wire"
	"entente/settlement/ledger"
	"entente/settlement/payment"
)

// run plays a file of testdata: prose lines stay, lines that begin with "> " are carried out, and indented lines are what came of it.
type run struct {
	*world
	t         *testing.T
	payments  map[string]PaymentAuthorised
	order     []string              // names of payments as they were defined
	sent      map[string][]Outgoing // by "PROPOSE of p1"
	stored    map[string]map[wire.Hash]Swap
	passing   map[string][]Outgoing // greetings and answers under way, by "RBI to BOJ"
	backups   map[string]backup
	greetings map[string]Outgoing
	out       []string
}

var verbs = map[wire.PayloadType]string{wire.TypePropose: "PROPOSE", wire.TypeVote: "VOTE", wire.TypeDecision: "DECISION", wire.TypeDecisionAck: "ACK"}

// commands are the sentences a run understands.
var commands = []struct {
	pattern *regexp.Regexp
	run     func(*run, []string)
}{
	{regexp.MustCompile(`^(\d+) ms pass$`), func(r *run, m []string) { r.nowMS += r.number(m[1]) }},
	{regexp.MustCompile(`^(\w+) is a payment of ([\w, ]+?)(?: on the quote of (\w+))?(?:, (.+))?$`), (*run).define},
	{regexp.MustCompile(`^(\w+) takes (\w+)$`), func(r *run, m []string) {
		e, ok := r.payments[m[2]]
		if !ok {
			r.t.Fatalf("no payment %q", m[2])
		}
		e.NowMS = r.nowMS
		r.step(m[1], e)
	}},
	{regexp.MustCompile(`^(first )?(PROPOSE|VOTE|DECISION|ACK) of (\w+) reaches (\w+)(.*)$`), (*run).reaches},
	{regexp.MustCompile(`^(\w+) forges a (VOTE|DECISION|ACK) of (\w+): (.+)$`), (*run).forge},
	{regexp.MustCompile(`^(\w+) looks at the clock$`), func(r *run, m []string) { r.step(m[1], Tick{r.nowMS}) }},
	{regexp.MustCompile(`^(\w+) cancels (\w+)$`), func(r *run, m []string) {
		r.step(m[1], CancelAsked{r.payments[m[2]].Payment.InstructionHash, r.nowMS})
	}},
	{regexp.MustCompile(`^(\w+) (freezes|closes|opens) (\S+)$`), func(r *run, m []string) {
		status := map[string]wire.AccountStatus{"freezes": wire.StatusFrozen, "closes": wire.StatusClosed, "opens": wire.StatusActive}[m[2]]
		r.step(m[1], r.world.order(m[1], wire.Order{Kind: wire.OrderStatus, Account: m[3], Status: status}))
	}},
	{regexp.MustCompile(`^(\w+) redeems (\d+) from (\S+)$`), func(r *run, m []string) {
		r.step(m[1], r.world.order(m[1], wire.Order{Kind: wire.OrderRedeem, Account: m[3], Minor: r.number(m[2])}))
	}},
	{regexp.MustCompile(`^(\w+) restarts from what it stored$`), (*run).restart},
	{regexp.MustCompile(`^(\w+) forgets (\w+)$`), func(r *run, m []string) { r.forget(m[1], r.swapOf(m[2])) }},
	{regexp.MustCompile(`^look at (.+)$`), (*run).look},
}

func (r *run) number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// define makes a payment; the remarks after the comma spoil it in one way.
func (r *run) define(m []string) {
	name, bills := m[1], strings.Split(strings.ReplaceAll(m[2], " and ", ", "), ", ")
	var p *payment.Authorised
	if strings.Contains(m[4], "inside BOJ") {
		p = r.inside(name, bills[0])
	} else {
		p = r.authorised(name, bills...)
	}
	if m[3] != "" {
		p.Quote = r.payments[m[3]].Payment.Quote
	}
	for remark, spoil := range map[string]func(){
		"wrong opening":                 func() { p.Openings[0].TotalMinor++ },
		"quote lasts 1 s":               func() { p.Quote.ExpiresMS = r.nowMS + 1_000 },
		"provider's account is Korea's": func() { p.Quote.BuyAccount = "KR-JPY" },
		"deadline passed":               func() { p.Instruction.DeadlineMS = r.nowMS - 1 },
		"payee's account is Korea's":    func() { p.Instruction.PayeeAccount = "KR-JPY" },
		"costs 5000":                    func() { p.Acceptance.SellMinor = 5_000 },
		"same instruction as p1":        func() { p.Instruction = r.payments["p1"].Payment.Instruction },
	} {
		if strings.Contains(m[4], remark) {
			spoil()
		}
	}
	r.payments[name] = r.seal(name, p)
	r.order = append(r.order, name)
}

func (r *run) reaches(m []string) {
	all := r.sent[m[2]+" of "+m[3]]
	if len(all) == 0 {
		r.t.Fatalf("nobody sent a %s of %s", m[2], m[3])
	}
	o := all[len(all)-1]
	if m[1] != "" {
		o = all[0]
	}
	e := r.received(r.t, o)
	switch m[5] {
	case "":
	case ", without its package":
		e.Payment = nil
	case ", its package refused":
		e.Payment, e.Refusal = nil, refusedPackage
	default:
		r.t.Fatalf("no such remark: %q", m[5])
	}
	r.step(m[4], e)
}

// forge makes a signed message that an honest bank would not send.
func (r *run) forge(m []string) {
	bank, name, how := m[1], m[3], m[4]
	id := r.swapOf(name)
	var to string
	for _, kind := range []string{"PROPOSE", "VOTE", "DECISION", "ACK"} {
		for _, o := range r.sent[kind+" of "+name] {
			if h := o.Message.Head(); h.Sender == bank {
				to = h.Recipient
			} else if h.Recipient == bank {
				to = h.Sender
			}
		}
	}
	if to == "" {
		r.t.Fatalf("%s has nobody to forge for", bank)
	}
	head := wire.Header{Network: network, Swap: id, Sender: bank, Recipient: to, Epoch: 1, Seq: 90 + uint64(len(r.sent)), TimeMS: r.nowMS}
	var msg wire.SwapMessage
	switch {
	case m[2] == "VOTE":
		proposal := r.sent["PROPOSE of "+name][0].Message.(*wire.Propose)
		msg = &wire.Vote{Header: head, Terms: proposal.Terms, Prepared: how == "prepared", Code: map[bool]string{false: "insufficient_funds"}[how == "prepared"]}
	case m[2] == "DECISION" && how == "abort":
		msg = &wire.Decision{Header: head, Reason: "changed my mind"}
	case m[2] == "DECISION" && how == "commit on its vote":
		msg = &wire.Decision{Header: head, Commit: true, Votes: []wire.Hash{r.sent["VOTE of "+name][0].Hash}}
	case m[2] == "DECISION" && how == "commit on another vote":
		msg = &wire.Decision{Header: head, Commit: true, Votes: []wire.Hash{hashOf("another vote")}}
	case m[2] == "ACK":
		msg = &wire.DecisionAck{Header: head, Decision: hashOf("another decision")}
	default:
		r.t.Fatalf("no such forgery: %q", how)
	}
	r.sent[m[2]+" of "+name] = append(r.sent[m[2]+" of "+name], Outgoing{Key: MessageKey{id, to, msg.PayloadType(), 1}, Message: msg,
		Hash: wire.PayloadHash(msg.PayloadType(), wire.Encode(msg))})
}

func (r *run) swapOf(name string) wire.Hash {
	if all := r.sent["PROPOSE of "+name]; len(all) > 0 {
		return all[0].Key.Swap
	}
	return hashOf("swap of " + name)
}

// restart throws the machine away and makes another of what its outputs made durable.
func (r *run) restart(m []string) {
	bank := m[1]
	old := r.banks[bank]
	fresh := r.machine(bank, old.Ledger().Currency, old.Epoch)
	fresh.Opening, fresh.cause, fresh.session, fresh.doubt = old.Opening, old.cause, old.session, old.doubt // of the run, and of the epoch
	for _, e := range r.journal[bank] {
		if err := fresh.RestoreEntry(e); err != nil {
			r.t.Fatal(err)
		}
	}
	for _, s := range r.stored[bank] { // in no particular order: that must not matter
		fresh.RestoreSwap(s)
	}
	for peer := range old.channels {
		fresh.RestoreChannel(old.Channel(peer))
	}
	if got, want := dump(fresh), dump(old); got != want {
		r.t.Errorf("%s restarted as\n%s\nwas\n%s", bank, got, want)
	}
	r.banks[bank] = fresh
	r.say("%s is as it was", bank)
}

// forget makes a bank that never proposed a swap: as it would be restored from before.
func (r *run) forget(bank string, id wire.Hash) {
	old := r.banks[bank]
	fresh := r.machine(bank, old.Ledger().Currency, old.Epoch)
	fresh.session = old.session
	var kept []ledger.Entry
	for _, e := range r.journal[bank] {
		if e.Reference == id {
			break
		}
		kept = append(kept, e)
		if err := fresh.RestoreEntry(e); err != nil {
			r.t.Fatal(err)
		}
	}
	r.journal[bank] = kept
	r.banks[bank] = fresh
}

// step carries an event out and says what came of it. A refusal must leave swaps and ledger as they were.
func (r *run) step(bank string, e Event) {
	m := r.banks[bank]
	before, states := dump(m.ledger)+dump(m.swaps), map[wire.Hash]State{}
	for id, s := range m.swaps {
		states[id] = s.State
	}
	out := m.Step(e)
	for _, n := range out.Notes {
		r.say("%s notes a%s %s", bank, map[NoteKind]string{NoteRefusal: " refusal:", NoteAlarm: "n ALARM:"}[n.Kind], n.Text)
	}
	for _, x := range out.Entries {
		if x.Kind == wire.LeafStatus {
			r.say("%s: account %s is %s", bank, x.Credit, [...]string{"", "active", "frozen", "closed"}[x.Status])
			continue
		}
		r.say("%s %ss %d from %s to %s%s", bank, x.Kind, x.Minor, x.Debit, x.Credit, map[bool]string{true: ", with the bill"}[len(x.Bills) > 0])
	}
	r.journal[bank] = append(r.journal[bank], out.Entries...)
	for _, id := range out.Changed {
		s, _ := m.Swap(id)
		if states[id] != s.State {
			r.say("%s: %s is %s%s", bank, r.nameOf(id), strings.ToUpper(s.State.String()), map[bool]string{true: ", " + s.Reason}[s.Reason != ""])
		}
		r.stored[bank][id] = s
	}
	for _, o := range out.Send {
		if o.Passing {
			r.passes(bank, o)
			continue
		}
		r.say("%s sends %s to %s", bank, sentence(o), o.Key.Recipient)
		r.sent[verbs[o.Key.Type]+" of "+r.nameOf(o.Key.Swap)] = append(r.sent[verbs[o.Key.Type]+" of "+r.nameOf(o.Key.Swap)], o)
	}
	for _, k := range out.Resend {
		r.say("%s sends its %s to %s again", bank, verbs[k.Type], k.Recipient)
	}
	for _, k := range out.Done {
		r.say("%s need not resend its %s", bank, verbs[k.Type])
	}
	if out.Refusal != nil && (len(out.Entries)+len(out.Changed)+len(out.Send) > 0 || dump(m.ledger)+dump(m.swaps) != before) {
		r.t.Errorf("%s refused %T with %v and changed something", bank, e, out.Refusal)
	}
	if len(out.Entries)+len(out.Changed)+len(out.Send)+len(out.Notes)+len(out.Resend)+len(out.Done) == 0 {
		r.say("nothing comes of it")
	}
}

func sentence(o Outgoing) string {
	switch m := o.Message.(type) {
	case *wire.Vote:
		if m.Prepared {
			return "VOTE prepared"
		}
		return "VOTE refused " + m.Code
	case *wire.Decision:
		if m.Commit {
			return "DECISION commit"
		}
		return "DECISION abort, " + m.Reason + ","
	}
	return verbs[o.Key.Type]
}

// nameOf finds the payment a swap is for.
func (r *run) nameOf(id wire.Hash) string {
	for _, m := range r.banks {
		if s := m.swaps[id]; s != nil && !s.Terms.Instruction.IsZero() {
			for _, name := range slices.Backward(r.order) {
				if e := r.payments[name]; e.Payment.InstructionHash == s.Terms.Instruction && e.Payment.QuoteHash == s.Terms.Quote {
					return name
				}
			}
		}
	}
	return id.Short()
}

// look shows the balances of a bank.
func (r *run) look(m []string) {
	for _, bank := range strings.Split(m[1], " and ") {
		machine := r.banks[bank]
		for _, a := range machine.ledger.Accounts() {
			if a.Kind != wire.AccountIssuance {
				r.say("%s %-8s balance %5d, available %5d, awaited %5d", bank, a.ID, a.Balance(), a.Available(), a.CreditsPending)
			}
		}
		for _, name := range []string{"fuel", "rations", "medical"} {
			b := r.bills[name]
			if bill, ok := machine.ledger.Bill(b.Hash()); ok && bill.State != ledger.BillOutstanding {
				r.say("%s bill of %s is %s", bank, name, bill.State)
			}
		}
		for _, name := range r.order {
			if o, ok := machine.Outcome(r.payments[name].Payment.InstructionHash); ok {
				r.say("%s tells the desk that %s is %s%s", bank, name, o.State, map[bool]string{true: ", " + o.Reason}[o.Reason != ""])
			}
		}
	}
}

// say writes a line, with hashes replaced by what they are of.
func (r *run) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	replace := func(h wire.Hash, name string) {
		if !h.IsZero() {
			text = strings.ReplaceAll(strings.ReplaceAll(text, h.String(), name), h.Short(), name)
		}
	}
	for kind, all := range r.sent {
		for i, o := range all {
			replace(o.Hash, "<"+kind+map[bool]string{true: " again"}[i > 0]+">")
			replace(o.Key.Swap, strings.Fields(kind)[2])
		}
	}
	for _, name := range r.order {
		e := r.payments[name]
		replace(e.Payment.InstructionHash, "<instruction of "+name+">")
		if e.Payment.Quote != nil {
			text = strings.ReplaceAll(text, e.Payment.Quote.ID.String(), "of "+name)
		}
	}
	for name, b := range r.bills {
		replace(b.Hash(), "<"+name+">")
	}
	r.out = append(r.out, text)
}

func TestRunsOfTheProtocolReadAsTheyAreWritten(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.run.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no runs: %v", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".run.txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Base(path), play(t, string(text)))
		})
	}
}

func play(t *testing.T, text string) string {
	r := &run{world: newWorld(t), t: t, payments: map[string]PaymentAuthorised{}, sent: map[string][]Outgoing{},
		stored: map[string]map[wire.Hash]Swap{}, passing: map[string][]Outgoing{}, backups: map[string]backup{}, greetings: map[string]Outgoing{}}
	for bank := range r.banks {
		r.stored[bank] = map[wire.Hash]Swap{}
	}
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		command, is := strings.CutPrefix(line, "> ")
		if strings.HasPrefix(line, "    ") {
			continue
		}
		fmt.Fprintln(&b, line)
		if !is {
			continue
		}
		r.out = nil
		r.carryOut(command)
		for _, said := range r.out {
			fmt.Fprintln(&b, "    "+said)
		}
	}
	return b.String()
}

func (r *run) carryOut(command string) {
	for _, c := range slices.Concat(commands, recoveries) {
		if m := c.pattern.FindStringSubmatch(command); m != nil {
			c.run(r, m)
			return
		}
	}
	r.t.Fatalf("a run does not understand %q", command)
}
