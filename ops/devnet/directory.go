package devnet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"entente/schema/refusal"
)

// What a network writes into its directory, beside the bundle.
const (
	keysDir   = "keys"
	trustFile = "network.json"

	// For processes of their own.
	configDir   = "config"
	logsDir     = "logs"
	exerciseDir = "exercise"
	circuitsDir = "circuits"
)

// writes lists what this network writes into its directory before there is a bundle.
func (o *Options) writes() []string {
	if o.Processes {
		return []string{keysDir, trustFile, configDir, logsDir, exerciseDir, circuitsDir}
	}
	return []string{keysDir, trustFile}
}

// claim takes the directory for this network: what another one left there is neither used nor overwritten nor, later, discarded.
func (n *Net) claim() error {
	for _, name := range n.options.writes() {
		if _, err := os.Lstat(filepath.Join(n.options.Dir, name)); err == nil {
			return refusal.Newf("directory_not_empty", "give a new or an empty directory", "%q holds %s of another network", n.options.Dir, name)
		}
	}
	n.claimed = true
	return nil
}

// Discard removes the keys, the trust file and what else is of no use without a bundle, so that the directory can be used again. Close comes first.
func (n *Net) Discard() error {
	if !n.claimed {
		return nil
	}
	var all []error
	for _, name := range n.options.writes() {
		all = append(all, os.RemoveAll(filepath.Join(n.options.Dir, name)))
	}
	return errors.Join(all...)
}

func (n *Net) writeTrust() error {
	file, err := n.Trust.File()
	if err != nil {
		return err
	}
	n.TrustPath = filepath.Join(n.options.Dir, trustFile)
	if err := os.WriteFile(n.TrustPath, file, 0o644); err != nil {
		return fmt.Errorf("write the trust file: %w", err)
	}
	return nil
}
