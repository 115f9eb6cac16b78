package devnet

import (
	"errors"
	"fmt"
	"net"
	"os"

	"entente/ops/node"
)

// door is the socket on which one bank serves its log, on loopback. It is made before any bank, so that all know each other's address, and it outlives a
// bank's process: who knocks while the bank is down waits for its next life.
type door struct {
	listener net.Listener
	file     *os.File // the same socket, for a process that inherits it
}

// doorDescriptor is where a child process finds its door, after the pipe to its parent.
const doorDescriptor = "fd:4"

// openDoors makes one for each bank.
func (n *Net) openDoors() error {
	n.doors = map[string]*door{}
	for _, bank := range n.Trust.Banks {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("open a port for the log of %s: %w", bank.ID, err)
		}
		d := &door{listener: l}
		n.doors[bank.ID] = d
		n.closers = append(n.closers, d.close)
		if n.processes == nil {
			continue
		}
		if d.file, err = l.(*net.TCPListener).File(); err != nil {
			return fmt.Errorf("hand on the port for the log of %s: %w", bank.ID, err)
		}
	}
	return nil
}

// close gives the port back, unless the bank that served it has done so.
func (d *door) close() error {
	err := d.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	if d.file != nil {
		err = errors.Join(err, d.file.Close())
	}
	return err
}

// LogURL gives the address at which a bank serves its log.
func (n *Net) LogURL(bank string) string { return "http://" + n.doors[bank].listener.Addr().String() }

// witnesses gives the addresses of the other banks' witnesses.
func (n *Net) witnesses(bank string) map[string]string {
	others := map[string]string{}
	for _, other := range n.Trust.Banks {
		if other.ID != bank {
			others[other.ID] = n.LogURL(other.ID) + node.WitnessPath
		}
	}
	return others
}
