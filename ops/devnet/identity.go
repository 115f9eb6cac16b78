package devnet

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet"
	"entente/zk/proof"
	"entente/zk/transcript"
)

// Names of the roles that exist once in a development network.
const (
	providerID = "PROVIDER-1"
	auditorID  = "AUDITOR-1"

	// clerk makes payments, controller approves them.
	clerk      = "clerk"
	controller = "controller"

	// maker and checker are a bank's two operators.
	maker   = "maker"
	checker = "checker"

	checkpointAgeMaxS = 24 * 60 * 60
)

// identities are everybody's private keys, each opened again from the key file it was written to.
type identities struct {
	banks     map[string]*wallet.Ring
	operators map[string]*wallet.Ring
	desks     map[string]*wallet.Ring
	users     map[string]map[string]*wallet.Signer // nation, name
	provider  *wallet.Ring
	auditor   *wallet.Ring
}

// identity makes one owner's key file with the keys and secrets asked for, and reads it back.
type identity struct {
	owner   string
	file    string
	name    string // of the person who holds the keys; the owner's own when empty
	keys    []wire.Purpose
	secrets []string
	shared  map[string][32]byte
	seals   bool
}

func (i identity) create(dir string, unlock *wallet.Identity) (*wallet.Ring, error) {
	ring := wallet.NewRing(i.owner)
	name := i.name
	if name == "" {
		name = i.owner
	}
	for _, purpose := range i.keys {
		s, err := wallet.NewSigner(i.owner, name, purpose, 1, rand.Reader)
		if err != nil {
			return nil, err
		}
		if err := ring.Add(s); err != nil {
			return nil, err
		}
	}
	for _, name := range i.secrets {
		if err := ring.NewSecret(name, 1, rand.Reader); err != nil {
			return nil, err
		}
	}
	for name, value := range i.shared {
		if err := ring.AddSecret(name, 1, value); err != nil {
			return nil, err
		}
	}
	if i.seals {
		id, err := wallet.NewIdentity()
		if err != nil {
			return nil, err
		}
		ring.AddIdentity(id)
	}
	path := filepath.Join(dir, i.file+".age")
	if err := wallet.Create(path, unlock.Recipient(), ring); err != nil {
		return nil, err
	}
	return wallet.Open(path, unlock)
}

// found makes every key of a development network, writes the key files, and gives the trust file that pins them.
func found(ctx context.Context, dir string, a programme.Agreement, keys *proof.Keys, circuits []string) (*identities, *trust.Network, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the directory for keys: %w", err)
	}
	unlock, err := wallet.CreateUnlock(filepath.Join(dir, "unlock"))
	if err != nil {
		return nil, nil, err
	}
	name := networkName(a)
	network := &trust.Network{Version: 1, Network: name, Development: true, CheckpointAgeMax: checkpointAgeMaxS}
	ids := &identities{banks: map[string]*wallet.Ring{}, operators: map[string]*wallet.Ring{}, desks: map[string]*wallet.Ring{}, users: map[string]map[string]*wallet.Signer{}}
	var programmeKey [32]byte
	if _, err := rand.Read(programmeKey[:]); err != nil {
		return nil, nil, fmt.Errorf("read random bytes: %w", err)
	}
	for _, m := range a.Members {
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if ids.banks[m.Bank] == nil {
			if err := ids.foundBank(dir, unlock, network, m); err != nil {
				return nil, nil, err
			}
		}
		if err := ids.foundDesk(dir, unlock, network, m, programmeKey); err != nil {
			return nil, nil, err
		}
	}
	network.WitnessQuorum = len(network.Banks) - 1 // all the others: fewer would let a bank show two logs
	ids.provider, err = identity{owner: providerID, file: "provider", keys: []wire.Purpose{wire.PurposeQuote, wire.PurposeService}}.create(dir, unlock)
	if err != nil {
		return nil, nil, err
	}
	network.Providers = []trust.Provider{{ID: providerID, Name: "Development liquidity provider", Keys: pins(ids.provider)}}
	ids.auditor, err = identity{owner: auditorID, file: "auditor", keys: []wire.Purpose{wire.PurposeService}}.create(dir, unlock)
	if err != nil {
		return nil, nil, err
	}
	network.Auditors = []trust.Auditor{{ID: auditorID, Name: "Mandated auditor", Keys: pins(ids.auditor)}}
	for _, c := range circuits {
		info, err := keys.Info(c)
		if err != nil {
			return nil, nil, err
		}
		network.Circuits = append(network.Circuits, trust.Circuit{Name: c, CircuitID: info.CircuitID, KeyID: info.VKID, Ceremony: trust.DevelopmentCeremony})
	}
	return ids, network, network.Check()
}

func (ids *identities) foundBank(dir string, unlock *wallet.Identity, network *trust.Network, m programme.Member) error {
	ring, err := identity{owner: m.Bank, file: "bank-" + m.Bank, secrets: []string{"blinding", "tags", "salts"}, keys: []wire.Purpose{
		wire.PurposeSwap, wire.PurposeCheckpoint, wire.PurposeWitness, wire.PurposeTransport}}.create(dir, unlock)
	if err != nil {
		return err
	}
	operators, pinned, err := foundOperators(dir, unlock, m.Bank)
	if err != nil {
		return err
	}
	logKey, err := ring.Signer(wire.PurposeCheckpoint, m.Bank)
	if err != nil {
		return err
	}
	witnessKey, err := ring.Signer(wire.PurposeWitness, m.Bank)
	if err != nil {
		return err
	}
	origin := "entente.example/" + network.Network + "/" + m.Bank
	network.Banks = append(network.Banks, trust.Bank{
		ID: m.Bank, Name: m.BankName, Currency: m.Currency.Code(), LogOrigin: origin, LogKey: transcript.VerifierKey(origin, logKey.Private().Public().(ed25519.PublicKey)),
		Witness: transcript.CosignerKey(origin+"/witness", witnessKey.Key().Public), Keys: append(pins(ring), pinned...),
	})
	ids.banks[m.Bank], ids.operators[m.Bank] = ring, operators
	return nil
}

// foundOperators makes the keys of a bank's two operators, each in a file of its own, and gives a ring that signs for both.
func foundOperators(dir string, unlock *wallet.Identity, bank string) (*wallet.Ring, []trust.Key, error) {
	both := wallet.NewRing(bank)
	var pinned []trust.Key
	for _, person := range []string{maker, checker} {
		own, err := identity{owner: bank, file: "operator-" + bank + "-" + person, name: person, keys: []wire.Purpose{wire.PurposeOperator}}.create(dir, unlock)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range own.Signers() {
			if err := both.Add(s); err != nil {
				return nil, nil, err
			}
		}
		pinned = append(pinned, pins(own)...)
	}
	return both, pinned, nil
}

func (ids *identities) foundDesk(dir string, unlock *wallet.Identity, network *trust.Network, m programme.Member, programmeKey [32]byte) error {
	nation := string(m.Nation)
	ring, err := identity{owner: nation, file: "desk-" + nation, seals: true, secrets: []string{"blinding", "salts"}, shared: map[string][32]byte{"programme": programmeKey},
		keys: []wire.Purpose{wire.PurposeNation, wire.PurposeService}}.create(dir, unlock)
	if err != nil {
		return err
	}
	keys := pins(ring)
	ids.users[nation] = map[string]*wallet.Signer{}
	for _, person := range []string{clerk, controller} {
		own, err := identity{owner: nation, file: "user-" + nation + "-" + person, name: person, keys: []wire.Purpose{wire.PurposeUser}}.create(dir, unlock)
		if err != nil {
			return err
		}
		signer, err := own.Signer(wire.PurposeUser, person)
		if err != nil {
			return err
		}
		ids.users[nation][person] = signer
		keys = append(keys, pins(own)...)
	}
	network.Members = append(network.Members, trust.Member{
		Nation: nation, Name: m.Name, Bank: m.Bank, Account: account(m.Bank, nation), SealTo: ring.SealTo(), Approvals: 1, Keys: keys,
	})
	ids.desks[nation] = ring
	return nil
}

func pins(ring *wallet.Ring) []trust.Key {
	var list []trust.Key
	for _, k := range ring.Keys() {
		list = append(list, trust.Key{Name: k.Name, Purpose: k.Purpose, Epoch: k.Epoch, Public: k.Public})
	}
	return list
}

// account is how accounts are named here: the bank, then the owner or the account's use.
func account(bank, owner string) string { return strings.ToUpper(bank + "-" + owner) }

// networkName turns the agreement's id into a name that subjects can carry, and makes it new, so that two runs never share one.
func networkName(a programme.Agreement) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(a.ID))
	if len(clean) > 32 {
		clean = clean[:32]
	}
	return "dev-" + strings.Trim(clean, "-") + "-" + strings.ToLower(rand.Text()[:6])
}
