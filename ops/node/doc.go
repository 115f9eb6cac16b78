// Package node is Entente's processes: bank, desk, provider and auditor, each the wiring of the parts below it and nothing more.
//
// A bank joins the pure machine, its engine and store, the bus and the verifiers. A desk folds its programme's posts and its own journal, and speaks for a
// nation. A provider quotes. An auditor fetches and keeps what zk/audit needs. Rules live in the packages below; here is only what happens when.
//
// Every request and reply is signed, because the carrier is not trusted: a broker can delay an answer, not invent one.
package node
