// Package trust is the trust file, network.json: every key, log, circuit and rule a process or an auditor relies on, pinned out of band.
//
// Whoever holds the file trusts what is in it and nothing else: keys that come with a message, a bundle or a broker are never believed. It is agreed by the
// consortium and carried by hand; the demo makes a development one, and says so in it.
//
// Promised: a file that parses is complete and without contradiction (no key twice, every bank's log key readable, every member's bank known).
// Not checked: who wrote the file. That is what "out of band" means.
package trust

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
)

// CodeTrustInvalid is the refusal for a trust file that is incomplete or contradicts itself.
const CodeTrustInvalid refusal.Code = "trust_file_invalid"

const (
	version   = 1
	limitFile = 16 << 20
	maxOrigin = 128 // bytes, as statements carry it
)

// Network is the whole trust file.
type Network struct {
	Version          int        `json:"version"`
	Network          string     `json:"network"`
	Development      bool       `json:"development"` // keys made on one machine by one party; never for real money
	Banks            []Bank     `json:"banks"`
	Members          []Member   `json:"members"`
	Providers        []Provider `json:"providers"`
	Auditors         []Auditor  `json:"auditors"`
	Circuits         []Circuit  `json:"circuits"`
	WitnessQuorum    int        `json:"witness_quorum"`       // other banks that must have cosigned a log head before it counts; 0 for none, and never left out
	CheckpointAgeMax int64      `json:"checkpoint_age_max_s"` // oldest log head an auditor accepts, seconds before the bundle was made

	keys map[wire.Hash]wire.Key
}

// Bank is one central bank: its ledger, its log and its keys.
type Bank struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Currency  string `json:"currency"`
	LogOrigin string `json:"log_origin"`
	LogKey    string `json:"log_vkey"`               // C2SP signed-note verifier key of its checkpoints
	Witness   string `json:"witness_vkey,omitempty"` // C2SP tlog-cosignature verifier key (type 0x04) of its cosignatures under other banks' checkpoints
	Keys      []Key  `json:"keys"`
}

// Member is one nation's treasury desk.
type Member struct {
	Nation    string `json:"nation"`
	Name      string `json:"name"`
	Bank      string `json:"bank"`
	Account   string `json:"account"`   // where it pays from and is paid, on its bank's ledger
	SealTo    string `json:"seal_to"`   // age recipient that documents for this desk are sealed to
	Approvals int    `json:"approvals"` // approvals a payment needs beside its maker, at least 1
	Keys      []Key  `json:"keys"`
}

// Provider is a liquidity provider.
type Provider struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Keys []Key  `json:"keys"`
}

// Auditor may fetch what an audit needs. It trusts this file, and nobody trusts it.
type Auditor struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Keys []Key  `json:"keys"`
}

// Key is one pinned public key.
type Key struct {
	Name    string       `json:"name"`
	Purpose wire.Purpose `json:"purpose"`
	Epoch   uint32       `json:"epoch"`
	Public  []byte       `json:"public"` // 32 bytes of Ed25519, base64
}

// Circuit pins a circuit and the verification key that goes with it.
type Circuit struct {
	Name      string    `json:"name"`       // such as "bill-64"
	CircuitID wire.Hash `json:"circuit_id"` // SHA-256 of the compiled constraint system
	KeyID     wire.Hash `json:"key_id"`     // SHA-256 of the verification key
	Ceremony  string    `json:"ceremony"`   // "development" for single-party keys, else the hash of the ceremony's transcript
}

// DevelopmentCeremony marks verification keys made by one party.
const DevelopmentCeremony = "development"

// Parse reads a trust file and checks it. Refusals: too_large, trust_file_invalid with every fault found.
func Parse(file []byte) (*Network, error) {
	if len(file) > limitFile {
		return nil, refusal.Newf(wire.CodeTooLarge, "use the consortium's file", "a trust file of %d bytes", len(file))
	}
	var n Network
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&n); err != nil {
		return nil, refusal.Newf(CodeTrustInvalid, "get the consortium's file again", "the trust file is not readable: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, refusal.New(CodeTrustInvalid, "the trust file holds more than one object", "get the consortium's file again")
	}
	// A quorum that is left out must not pass for one of nobody.
	var stated struct {
		WitnessQuorum *int `json:"witness_quorum"`
	}
	if err := json.Unmarshal(file, &stated); err != nil || stated.WitnessQuorum == nil {
		return nil, refusal.New(CodeTrustInvalid, "the trust file does not state witness_quorum", "get the consortium's file again; 0 has to be written where nobody cosigns")
	}
	if err := n.Check(); err != nil {
		return nil, err
	}
	return &n, nil
}

// Check finds everything wrong with the file at once and prepares the key index. It must succeed before the network is used.
func (n *Network) Check() error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if n.Version != version {
		fault("version %d, this program reads version %d", n.Version, version)
	}
	name := func(what, text string) {
		if !wire.ValidName(text) {
			fault("%s %.80q is not 1 to 64 bytes of plain text", what, text)
		}
	}
	name("network", n.Network)
	if n.CheckpointAgeMax <= 0 {
		fault("checkpoint_age_max_s is not above zero")
	}
	n.keys = map[wire.Hash]wire.Key{}
	public := map[string]string{}
	pin := func(owner string, keys []Key) {
		for _, k := range keys {
			key := wire.Key{Owner: owner, Name: k.Name, Purpose: k.Purpose, Epoch: k.Epoch, Public: ed25519.PublicKey(k.Public)}
			if err := key.Check(); err != nil {
				fault("key %.80q of %.80q: %w", k.Name, owner, err)
				continue
			}
			if before, twice := public[string(k.Public)]; twice {
				fault("key %s is also %s: a key has one owner and one purpose", key.Title(), before)
			}
			public[string(k.Public)] = key.Title()
			n.keys[key.ID()] = key
		}
	}
	owners := map[string]string{}
	owner := func(kind, id string) {
		name(kind, id)
		if before, twice := owners[id]; twice {
			fault("%s %q is also a %s", kind, id, before)
		}
		owners[id] = kind
	}
	currencies := map[string]string{}
	origins := map[string]string{}
	for _, b := range n.Banks {
		owner("bank", b.ID)
		if _, err := money.ParseCurrency(b.Currency); err != nil {
			fault("bank %s: %w", b.ID, err)
		}
		if before, twice := currencies[b.Currency]; twice {
			fault("banks %s and %s both keep %s", before, b.ID, b.Currency)
		}
		currencies[b.Currency] = b.ID
		if before, twice := origins[b.LogOrigin]; twice || b.LogOrigin == "" || len(b.LogOrigin) > maxOrigin {
			fault("bank %s has no log origin of its own (%q, %s)", b.ID, b.LogOrigin, before)
		}
		origins[b.LogOrigin] = b.ID
		if v, err := note.NewVerifier(b.LogKey); err != nil {
			fault("bank %s: the log key is not readable: %w", b.ID, err)
		} else if v.Name() != b.LogOrigin {
			fault("bank %s: the log key does not carry the log's origin", b.ID)
		}
		pin(b.ID, b.Keys)
	}
	n.checkWitnesses(fault)
	accounts := map[[2]string]string{}
	for _, m := range n.Members {
		owner("member", m.Nation)
		if _, ok := n.Bank(m.Bank); !ok {
			fault("member %s names bank %q, which is not listed", m.Nation, m.Bank)
		}
		if m.SealTo == "" || m.Approvals < 1 {
			fault("member %s lacks a sealing recipient or its number of approvals", m.Nation)
		}
		name("account of "+m.Nation, m.Account)
		if before, twice := accounts[[2]string{m.Bank, m.Account}]; twice {
			fault("members %s and %s share account %s", before, m.Nation, m.Account)
		}
		accounts[[2]string{m.Bank, m.Account}] = m.Nation
		pin(m.Nation, m.Keys)
	}
	for _, p := range n.Providers {
		owner("provider", p.ID)
		pin(p.ID, p.Keys)
	}
	for _, a := range n.Auditors {
		owner("auditor", a.ID)
		pin(a.ID, a.Keys)
	}
	for i, c := range n.Circuits {
		for _, other := range n.Circuits[:i] {
			if other.KeyID == c.KeyID {
				fault("circuits %s and %s share a verification key", other.Name, c.Name)
			}
		}
		if c.Name == "" || c.KeyID.IsZero() || c.CircuitID.IsZero() || c.Ceremony == "" {
			fault("circuit %d lacks name, ids or ceremony", i)
		}
	}
	if err := errors.Join(faults...); err != nil {
		return refusal.Newf(CodeTrustInvalid, "get the consortium's file again", "the trust file is not usable: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return nil
}

// File gives the file's bytes.
func (n *Network) File() ([]byte, error) {
	b, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the trust file: %w", err)
	}
	return append(b, '\n'), nil
}

// Key finds a pinned key by its id.
func (n *Network) Key(id wire.Hash) (wire.Key, bool) {
	k, ok := n.keys[id]
	return k, ok
}

// KeysOf lists an owner's keys of one purpose, ordered by epoch and name.
func (n *Network) KeysOf(owner string, purpose wire.Purpose) []wire.Key {
	var keys []wire.Key
	for _, k := range n.keys {
		if k.Owner == owner && k.Purpose == purpose {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		if keys[i].Epoch != keys[j].Epoch {
			return keys[i].Epoch < keys[j].Epoch
		}
		return keys[i].Name < keys[j].Name
	})
	return keys
}

// Bank finds a bank by its id.
func (n *Network) Bank(id string) (Bank, bool) {
	for _, b := range n.Banks {
		if b.ID == id {
			return b, true
		}
	}
	return Bank{}, false
}

// BankOf finds the bank that keeps a currency.
func (n *Network) BankOf(currency string) (Bank, bool) {
	for _, b := range n.Banks {
		if b.Currency == currency {
			return b, true
		}
	}
	return Bank{}, false
}

// Member finds a nation's desk.
func (n *Network) Member(nation string) (Member, bool) {
	for _, m := range n.Members {
		if m.Nation == nation {
			return m, true
		}
	}
	return Member{}, false
}

// Provider finds a liquidity provider.
func (n *Network) Provider(id string) (Provider, bool) {
	for _, p := range n.Providers {
		if p.ID == id {
			return p, true
		}
	}
	return Provider{}, false
}

// Auditor finds an auditor.
func (n *Network) Auditor(id string) (Auditor, bool) {
	for _, a := range n.Auditors {
		if a.ID == id {
			return a, true
		}
	}
	return Auditor{}, false
}

// Circuit finds the newest pinned circuit of a name: the last one listed.
func (n *Network) Circuit(name string) (Circuit, bool) {
	for i := len(n.Circuits) - 1; i >= 0; i-- {
		if n.Circuits[i].Name == name {
			return n.Circuits[i], true
		}
	}
	return Circuit{}, false
}

// CircuitByKey finds a pinned circuit by the id of its verification key.
func (n *Network) CircuitByKey(id wire.Hash) (Circuit, bool) {
	for _, c := range n.Circuits {
		if c.KeyID == id {
			return c, true
		}
	}
	return Circuit{}, false
}
