package cli

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/wallet"
)

// ringKinds are the owners of key files, with what each file holds.
var ringKinds = map[string]struct {
	purposes []wire.Purpose
	secrets  []string
	seals    bool
	title    string
}{
	"bank":     {[]wire.Purpose{wire.PurposeSwap, wire.PurposeCheckpoint, wire.PurposeWitness, wire.PurposeTransport}, []string{"blinding", "tags", "salts"}, false, "a bank's process"},
	"operator": {[]wire.Purpose{wire.PurposeOperator}, nil, false, "a central-bank operator"},
	"desk":     {[]wire.Purpose{wire.PurposeNation, wire.PurposeService}, []string{"blinding", "salts", "programme"}, true, "a treasury desk's process"},
	"user":     {[]wire.Purpose{wire.PurposeUser}, nil, false, "a desk user"},
	"provider": {[]wire.Purpose{wire.PurposeQuote, wire.PurposeService}, nil, false, "a liquidity provider's process"},
	"auditor":  {[]wire.Purpose{wire.PurposeService}, nil, false, "an auditor's client"},
}

func newKeys() *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "Make, show and rotate key files", Args: noArgs,
		Long: `Keys lie in files encrypted with age; the file that unlocks them lies elsewhere (a
credential store, a token). Both must be readable by their owner alone.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newKeysNew(), newKeysShow(), newKeysRotate())
	return cmd
}

func newKeysNew() *cobra.Command {
	var kind, owner, name, file, unlock string
	var asJSON bool
	kinds := make([]string, 0, len(ringKinds))
	for k := range ringKinds {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	cmd := &cobra.Command{
		Use: "new --kind KIND --owner ID --file FILE --unlock FILE", Short: "Make a new key file", Args: noArgs,
		Long: `Makes a key file with everything its kind needs, and the unlock file if it is not there.
Nothing is ever overwritten. Prints what the trust file has to pin; --json as it goes there.

Kinds: ` + strings.Join(kinds, ", ") + ".",
		Example: "  entente keys new --kind bank --owner rbi --file bank-rbi.age --unlock /media/token/unlock\n  entente keys new --kind user --owner IND --name asha --file asha.age --unlock /media/token/asha",
		RunE: func(cmd *cobra.Command, _ []string) error {
			k, ok := ringKinds[kind]
			switch {
			case !ok:
				return usage(fmt.Errorf("--kind is one of %s, not %q", strings.Join(kinds, ", "), kind))
			case owner == "" || file == "" || unlock == "":
				return usage(fmt.Errorf("--owner, --file and --unlock are needed"))
			}
			if name == "" {
				name = owner
			}
			ring := wallet.NewRing(owner)
			for _, purpose := range k.purposes {
				if err := addKey(ring, owner, name, purpose, 1); err != nil {
					return err
				}
			}
			for _, secret := range k.secrets {
				if err := ring.NewSecret(secret, 1, rand.Reader); err != nil {
					return err
				}
			}
			if k.seals {
				id, err := wallet.NewIdentity()
				if err != nil {
					return err
				}
				ring.AddIdentity(id)
			}
			if err := createRing(file, unlock, ring); err != nil {
				return err
			}
			return printKeys(cmd.OutOrStdout(), ring, asJSON)
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "whose keys: "+strings.Join(kinds, ", "))
	cmd.Flags().StringVar(&owner, "owner", "", "bank, nation, provider or auditor, as the trust file has it")
	cmd.Flags().StringVar(&name, "name", "", "person who holds the keys (default: the owner)")
	cmd.Flags().StringVar(&file, "file", "", "key file to make")
	cmd.Flags().StringVar(&unlock, "unlock", "", "file that unlocks the key file, kept elsewhere; made when it is not there")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, as the trust file pins it")
	return cmd
}

func addKey(ring *wallet.Ring, owner, name string, purpose wire.Purpose, epoch uint32) error {
	s, err := wallet.NewSigner(owner, name, purpose, epoch, rand.Reader)
	if err != nil {
		return err
	}
	return ring.Add(s)
}

// createRing writes a ring into a new key file, and makes the unlock file where there is none. An unlock file that opens nothing is not left behind.
func createRing(file, unlock string, ring *wallet.Ring) error {
	identity, err := wallet.OpenUnlock(unlock)
	made := refusal.CodeOf(err) == wallet.CodeKeyFileMissing
	if made {
		identity, err = wallet.CreateUnlock(unlock)
	}
	if err != nil {
		return err
	}
	err = wallet.Create(file, identity.Recipient(), ring)
	if err != nil && made {
		err = errors.Join(err, os.Remove(unlock))
	}
	return err
}

// publicRing is what others may know of a key file: what the trust file pins.
type publicRing struct {
	Owner  string      `json:"owner"`
	SealTo string      `json:"seal_to,omitempty"`
	Keys   []trust.Key `json:"keys"`
}

// printKeys shows the public half of a key file: as a table for people, or as the JSON that the trust file takes.
func printKeys(w io.Writer, ring *wallet.Ring, asJSON bool) error {
	public := publicRing{Owner: ring.Owner(), SealTo: ring.SealTo()}
	for _, k := range ring.Keys() {
		public.Keys = append(public.Keys, trust.Key{Name: k.Name, Purpose: k.Purpose, Epoch: k.Epoch, Public: k.Public})
	}
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(public)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "keys of %s, to be pinned in the trust file (--json prints what goes there)\npurpose\tname\tepoch\tpublic key\n", public.Owner)
	for _, k := range public.Keys {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", k.Purpose, k.Name, k.Epoch, base64.StdEncoding.EncodeToString(k.Public))
	}
	if public.SealTo != "" {
		fmt.Fprintf(table, "what is sealed to %s is sealed to %s\n", public.Owner, public.SealTo)
	}
	return table.Flush()
}

func newKeysShow() *cobra.Command {
	var unlock string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "show FILE --unlock FILE", Short: "Show the public half of a key file, as the trust file pins it",
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(1)(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			ring, err := openRing(args[0], unlock)
			if err != nil {
				return err
			}
			return printKeys(cmd.OutOrStdout(), ring, asJSON)
		},
	}
	cmd.Flags().StringVar(&unlock, "unlock", "", "unlock file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, as the trust file pins it")
	return cmd
}

func openRing(path, unlock string) (*wallet.Ring, error) {
	if unlock == "" {
		return nil, usage(fmt.Errorf("--unlock FILE is missing"))
	}
	identity, err := wallet.OpenUnlock(unlock)
	if err != nil {
		return nil, err
	}
	return wallet.Open(path, identity)
}

func newKeysRotate() *cobra.Command {
	var unlock, out string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "rotate FILE --unlock FILE --out NEWFILE", Short: "Write a new key file with a later epoch of every key",
		Long: `Reads a key file and writes a new one that holds everything the old one did and, for
every key, a new one of the next epoch. The old file stays as it is. Secrets that open
what was committed before are kept. Have the new keys pinned in the trust file before
the process starts with the new file.`,
		Args: func(cmd *cobra.Command, args []string) error { return usage(cobra.ExactArgs(1)(cmd, args)) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usage(fmt.Errorf("--out NEWFILE is missing"))
			}
			ring, err := openRing(args[0], unlock)
			if err != nil {
				return err
			}
			if err := rotate(ring); err != nil {
				return err
			}
			identity, err := wallet.OpenUnlock(unlock)
			if err != nil {
				return err
			}
			if err := wallet.Create(out, identity.Recipient(), ring); err != nil {
				return err
			}
			return printKeys(cmd.OutOrStdout(), ring, asJSON)
		},
	}
	cmd.Flags().StringVar(&unlock, "unlock", "", "unlock file, of the old file and the new")
	cmd.Flags().StringVar(&out, "out", "", "key file to make")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object, as the trust file pins it")
	return cmd
}

// rotate adds to a ring the next epoch of each of its newest keys.
func rotate(ring *wallet.Ring) error {
	type slot struct {
		name    string
		purpose wire.Purpose
	}
	newest := map[slot]uint32{}
	var order []slot
	for _, k := range ring.Keys() {
		s := slot{k.Name, k.Purpose}
		if _, seen := newest[s]; !seen {
			order = append(order, s)
		}
		newest[s] = max(newest[s], k.Epoch)
	}
	for _, s := range order {
		if err := addKey(ring, ring.Owner(), s.name, s.purpose, newest[s]+1); err != nil {
			return err
		}
	}
	return nil
}
