package node

import (
	"context"
	"encoding/json"

	"entente/schema/wire"
	"entente/settlement/engine"
	"entente/settlement/ledger"
	"entente/settlement/swap"
)

// Subjects a bank answers about its accounts. An account is shown to its owner and to the bank's operators, and to nobody else.
const (
	SubjectLedger   = "ledger"         // operators: supply, reserves, day, halt, and every account
	SubjectPast     = "past-balance"   // an account as of a moment
	SubjectTurnover = "bank-statement" // a page of an account's statement
)

// ordered runs an order whose signatures were verified. The same order again gets the first answer.
func (b *Bank) ordered(ctx context.Context, given swap.OrderGiven, body []byte) ([]byte, error) {
	if _, err := b.submit(ctx, given, engine.Evidence{Kind: "order", Hash: given.Cause, Bytes: body}); err != nil {
		return nil, err
	}
	answer := Ordered{Order: given.Cause}
	err := b.engine.View(ctx, func(m *swap.Machine) {
		_, answer.Seq, _ = m.Ledger().OrderAnswer(given.Order.Key)
	})
	if err != nil {
		return nil, err
	}
	return answer.encode()
}

// Account answers an account, all of it from one moment.
type Account struct {
	Account          string   `json:"account"`
	Currency         string   `json:"currency"`
	BalanceMinor     int64    `json:"balance_minor,string"`
	AvailableMinor   int64    `json:"available_minor,string"`
	PendingInMinor   int64    `json:"pending_in_minor,string"`
	PendingOutMinor  int64    `json:"pending_out_minor,string"`
	PerTransferMinor int64    `json:"per_transfer_minor,string"` // 0 for no limit
	PerDayMinor      int64    `json:"per_day_minor,string"`      // 0 for no limit
	UsedTodayMinor   int64    `json:"used_today_minor,string"`
	Today            wire.Day `json:"today"` // the ledger's day
	Owner            string   `json:"owner"`
	Kind             string   `json:"kind"`
	Status           string   `json:"status"`
	Size             int64    `json:"size"` // entries of the ledger at that moment
	TimeMS           int64    `json:"time_ms"`
}

var (
	accountKinds    = map[wire.AccountKind]string{wire.AccountIssuance: "issuance", wire.AccountDesk: "desk", wire.AccountProvider: "provider", wire.AccountSuspense: "suspense"}
	accountStatuses = map[wire.AccountStatus]string{wire.StatusActive: "active", wire.StatusFrozen: "frozen", wire.StatusClosed: "closed"}
)

func accountOf(l *ledger.State, a *ledger.Account) Account {
	return Account{Account: a.ID, Currency: l.Currency, BalanceMinor: a.Balance(), AvailableMinor: a.Available(), PendingInMinor: a.CreditsPending,
		PendingOutMinor: a.DebitsPending, PerTransferMinor: a.PerTransfer, PerDayMinor: a.PerDay, UsedTodayMinor: a.UsedBy(l.Today()), Today: l.Today(),
		Owner: a.Owner, Kind: accountKinds[a.Kind], Status: accountStatuses[a.Status], Size: l.Size(), TimeMS: l.TimeMS()}
}

func (b *Bank) onAccount(ctx context.Context, from wire.Key, body []byte) ([]byte, error) {
	var answer Account
	found := false
	err := b.engine.View(ctx, func(m *swap.Machine) {
		a, ok := m.Ledger().Account(string(body))
		if found = ok && b.mayRead(from, &a); found {
			answer = accountOf(m.Ledger(), &a)
		}
	})
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound("account")
	}
	return json.Marshal(answer)
}

// mayRead tells whether somebody may see an account: its owner, and the bank's operators.
func (b *Bank) mayRead(who wire.Key, a *ledger.Account) bool {
	return a.Owner == who.Owner || who.Owner == b.cfg.ID
}

// Ledger answers an operator: the whole ledger at one moment.
type Ledger struct {
	Bank             string      `json:"bank"`
	Currency         string      `json:"currency"`
	Size             int64       `json:"size"`
	TimeMS           int64       `json:"time_ms"`
	Day              wire.Day    `json:"day"`        // the ledger's day
	DayState         string      `json:"day_state"`  // open, closed, or always where no business day was ever opened
	Halted           bool        `json:"halted"`     // by an operator
	SwapsOpen        int         `json:"swaps_open"` // not final
	NextExpiryMS     int64       `json:"expiry_ms"`  // of the first hold, 0 for none
	SupplyMinor      int64       `json:"supply_minor,string"`
	BalancesSumMinor int64       `json:"balances_sum_minor,string"`
	Reconciled       *Reconciled `json:"reconciled"` // null when reserves were never compared
	Accounts         []Account   `json:"accounts"`
	Holds            []Held      `json:"holds"` // by order
}

// Reconciled is when reserves and supply were last found equal.
type Reconciled struct {
	Seq           int64  `json:"seq"`
	TimeMS        int64  `json:"time_ms"`
	Reserve       string `json:"reserve"`
	ReservesMinor int64  `json:"reserves_minor,string"`
	SinceMinor    int64  `json:"since_minor,string"` // issued less redeemed since
}

// Held is money that an order set aside.
type Held struct {
	Order     wire.Hash `json:"order"`
	Account   string    `json:"account"`
	Payee     string    `json:"payee"`
	Minor     int64     `json:"minor,string"`
	ExpiresMS int64     `json:"expires_ms"` // 0 for never
}

func (b *Bank) onLedger(ctx context.Context, from wire.Key, _ []byte) ([]byte, error) {
	if from.Owner != b.cfg.ID {
		return nil, notAllowed(from.Title(), "see the whole ledger")
	}
	var answer Ledger
	err := b.engine.View(ctx, func(m *swap.Machine) {
		l := m.Ledger()
		answer = Ledger{Bank: l.Bank, Currency: l.Currency, Size: l.Size(), TimeMS: l.TimeMS(), Day: l.Today(), DayState: dayState(l.BusinessDay()), Halted: l.Halted(),
			SupplyMinor: l.Supply(), BalancesSumMinor: l.BalancesSum(), NextExpiryMS: l.NextExpiryMS(), Accounts: []Account{}, Holds: []Held{}}
		if r, ever := l.LastReconciliation(); ever {
			answer.Reconciled = &Reconciled{r.Seq, r.TimeMS, r.Reserve, r.Minor, l.Supply() - r.Minor}
		}
		for _, a := range l.Accounts() {
			answer.Accounts = append(answer.Accounts, accountOf(l, &a))
		}
		for _, h := range l.Holds() {
			answer.Holds = append(answer.Holds, Held{h.ID.Reference, h.Debit, h.Credit, h.Minor, h.ExpiresMS})
		}
		for _, s := range m.Swaps() {
			if !s.State.Final() {
				answer.SwapsOpen++
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func dayState(d ledger.BusinessDay) string {
	switch {
	case d.Day == 0:
		return "always"
	case d.Open:
		return "open"
	}
	return "closed"
}
