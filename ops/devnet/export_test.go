package devnet

import "strings"

// BankDatabase is where the database of a bank is reached, for tests that look at what the bank stores.
func (n *Net) BankDatabase(bank string) string {
	return n.postgres.URL("bank_" + strings.ReplaceAll(strings.ToLower(bank), "-", "_"))
}
