// Package devnet is a whole Entente in one process: central banks, treasury desks, a liquidity provider and an auditor over an embedded NATS server and a
// private Postgres, set up for one exercise, and the story the demo plays on it.
//
// Nothing about any exercise is known to it: banks, desks, accounts and amounts follow from the data directory.
//
// Development only: every key is made here, on one machine, by one party. The trust file says so, and so does every certificate.
package devnet
