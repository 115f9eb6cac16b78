package devnet

import (
	"os"
	"testing"

	"entente/ops/broker"
	"entente/ops/node"
)

func TestAConfigurationIsForItsOwnerAlone(t *testing.T) {
	n := &Net{options: Options{Dir: t.TempDir()}, broker: broker.ForTest(t)}
	path, err := n.writeConfig(node.Config{ID: "rbi", Database: "postgres://u:secret@db/bank_rbi"})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		t.Errorf("a file with the database's password is %v", info.Mode())
	}
}
