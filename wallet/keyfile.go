package wallet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"entente/schema/refusal"
	"entente/schema/wire"
)

// The plain contents of a key file: JSON with the members in this order and no white space, so that one ring has one text.
//
//	{"version":1,"owner":"JPN","signers":[{"name":"asha","purpose":"user","epoch":1,"seed":"base64 of 32 bytes"}],
//	 "identities":["AGE-SECRET-KEY-1..."],"secrets":[{"name":"blinding","epoch":1,"value":"base64 of 32 bytes"}]}
type keyFile struct {
	Version    int           `json:"version"`
	Owner      string        `json:"owner"`
	Signers    []signerEntry `json:"signers"`
	Identities []string      `json:"identities"`
	Secrets    []secretEntry `json:"secrets"`
}

type signerEntry struct {
	Name    string       `json:"name"`
	Purpose wire.Purpose `json:"purpose"`
	Epoch   uint32       `json:"epoch"`
	Seed    []byte       `json:"seed"`
}

type secretEntry struct {
	Name  string `json:"name"`
	Epoch uint32 `json:"epoch"`
	Value []byte `json:"value"`
}

const keyFileVersion = 1

// Create writes a ring into a new file of mode 0600, sealed to unlock: an Identity's recipient, or age's scrypt recipient for a passphrase.
// Refusals: insecure_key_file for the directory, key_file_exists. Anything else that goes wrong is a fault, and no file is left.
func Create(path string, unlock age.Recipient, ring *Ring) error {
	plain, err := ring.plain()
	if err != nil {
		return err
	}
	var file bytes.Buffer
	w, err := age.Encrypt(&file, unlock)
	if err != nil {
		return fmt.Errorf("seal the keys of %s: %w", ring.owner, err)
	}
	if _, err := w.Write(plain); err != nil {
		return fmt.Errorf("seal the keys of %s: %w", ring.owner, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("seal the keys of %s: %w", ring.owner, err)
	}
	return createPrivate(path, file.Bytes())
}

// Open reads a ring. Refusals: key_file_missing, insecure_key_file before anything is read, key_file_locked, key_file_damaged. Damage inside the line that
// names the recipient cannot be told from a wrong identity and gives key_file_locked.
func Open(path string, unlock age.Identity) (*Ring, error) {
	file, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	plain, err := decrypt(file, unlock)
	var wrong *age.NoIdentityMatchError
	switch {
	case errors.As(err, &wrong):
		return nil, refusal.Newf(CodeKeyFileLocked, "use the unlock file or passphrase the key file was made with", "the key file %s is not sealed to the identity given", path)
	case err != nil:
		return nil, damaged(path)
	}
	ring, err := parsePlain(plain)
	if err != nil {
		return nil, damaged(path)
	}
	return ring, nil
}

func decrypt(file []byte, unlock age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(file), unlock)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// damaged quotes no cause: a decoder's error could repeat private text.
func damaged(path string) error {
	return refusal.Newf(CodeKeyFileDamaged, "restore the file from its backup", "the key file %s is not what was written", path)
}

func (r *Ring) plain() ([]byte, error) {
	k := keyFile{Version: keyFileVersion, Owner: r.owner, Signers: []signerEntry{}, Identities: []string{}, Secrets: []secretEntry{}}
	for _, s := range r.signers {
		k.Signers = append(k.Signers, signerEntry{s.key.Name, s.key.Purpose, s.key.Epoch, s.Private().Seed()})
	}
	for _, i := range r.identities {
		k.Identities = append(k.Identities, i.private.reveal().String())
	}
	for _, s := range r.secrets {
		value := s.value.reveal()
		k.Secrets = append(k.Secrets, secretEntry{s.name, s.epoch, value[:]})
	}
	b, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("encode the keys of %s: %w", r.owner, err)
	}
	return b, nil
}

func parsePlain(plain []byte) (*Ring, error) {
	var k keyFile
	if err := json.Unmarshal(plain, &k); err != nil {
		return nil, err
	}
	ring := NewRing(k.Owner)
	for _, e := range k.Signers {
		if len(e.Seed) != 32 {
			return nil, errors.New("a seed of another length")
		}
		s, err := newSigner(k.Owner, e.Name, e.Purpose, e.Epoch, e.Seed)
		if err != nil {
			return nil, err
		}
		if err := ring.Add(s); err != nil {
			return nil, err
		}
	}
	for _, text := range k.Identities {
		i, err := parseIdentity(text)
		if err != nil {
			return nil, err
		}
		ring.AddIdentity(i)
	}
	for _, e := range k.Secrets {
		if len(e.Value) != 32 {
			return nil, errors.New("a secret of another length")
		}
		if err := ring.AddSecret(e.Name, e.Epoch, [32]byte(e.Value)); err != nil {
			return nil, err
		}
	}
	// What this program would write for the ring is all that may be there: another version, a further member or white space is damage.
	again, err := ring.plain()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, plain) {
		return nil, errors.New("not the text this program writes")
	}
	return ring, nil
}

// CreateUnlock makes an identity that opens key files and writes it, one line "AGE-SECRET-KEY-1...", into a new file of mode 0600: what a service manager
// hands to the process as a credential. Refusals: insecure_key_file, key_file_exists.
func CreateUnlock(path string) (*Identity, error) {
	i, err := NewIdentity()
	if err != nil {
		return nil, err
	}
	if err := createPrivate(path, []byte(i.private.reveal().String()+"\n")); err != nil {
		return nil, err
	}
	return i, nil
}

// OpenUnlock reads an unlock file. Refusals: key_file_missing, insecure_key_file, key_file_damaged.
func OpenUnlock(path string) (*Identity, error) {
	file, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	i, err := parseIdentity(strings.TrimSuffix(string(file), "\n"))
	if err != nil {
		return nil, damaged(path)
	}
	return i, nil
}
