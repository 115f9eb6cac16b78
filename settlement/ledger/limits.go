package ledger

import (
	"entente/schema/wire"
)

func (s *State) limit(e Entry, o wire.Order) ([]Entry, error) {
	if err := s.checkLimit(o.Account, Limits{o.PerTransfer, o.PerDay}); err != nil {
		return nil, err
	}
	e.Kind, e.Credit, e.PerTransfer, e.PerDay = wire.LeafLimit, o.Account, o.PerTransfer, o.PerDay
	return []Entry{e}, nil
}

// checkLimit guards the setting of limits: on an account that pays.
func (s *State) checkLimit(id string, l Limits) error {
	a := s.accounts[id]
	switch {
	case l.PerTransfer < 0 || l.PerDay < 0:
		return refuse(CodeAmountInvalid, "use 0 for no limit", "limits of %d and %d minor units", l.PerTransfer, l.PerDay)
	case a == nil:
		return unknown(id)
	case a.Kind == wire.AccountIssuance || a.Kind == wire.AccountSuspense:
		return refuse(CodeAccountForeign, "limit an account of a desk or provider", "account %s is the bank's own", id)
	case a.Status == wire.StatusClosed:
		return refuse(CodeAccountClosed, "do nothing: it pays no more", "account %s is closed", id)
	}
	return nil
}

func (s *State) foldLimit(e Entry) error {
	l := Limits{e.PerTransfer, e.PerDay}
	if err := s.checkLimit(e.Credit, l); err != nil {
		return err
	}
	s.accounts[e.Credit].Limits = l
	return nil
}

// checkLimits guards what a payment takes from its payer's account in all. A hold counts when it is made and not again when it is posted.
func (s *State) checkLimits(d *account, debited, nowMS int64) error {
	if d.PerTransfer != 0 && debited > d.PerTransfer {
		return refuse(CodeLimitTransfer, "pay less at once, or have the operator raise the limit", "account %s may pay %d minor units of %s at once, %d were asked for", d.ID, d.PerTransfer, s.Currency, debited)
	}
	if d.PerDay == 0 {
		return nil
	}
	today := s.today(nowMS)
	if used := d.UsedBy(today); debited > d.PerDay-used {
		return refuse(CodeLimitDay, "pay on another day, or have the operator raise the limit", "account %s may pay %d minor units of %s a day, %d are used on %s and %d more were asked for",
			d.ID, d.PerDay, s.Currency, used, today, debited)
	}
	return nil
}
