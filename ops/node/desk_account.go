package node

import "context"

// Statement asks the bank for a page of the statement of this desk's own account, whatever account the query names.
func (d *Desk) Statement(ctx context.Context, q StatementQuery) (Statement, error) {
	m, _ := d.cfg.Trust.Member(d.cfg.Nation)
	q.Account = m.Account
	return askFields[Statement](ctx, d.ask, m.Bank, SubjectTurnover, q.fields)
}
