package commit

import (
	"crypto/sha256"
	"fmt"

	"entente/schema/wire"
)

// BillContext gives the context of one chunk of a bill: creditor, debtor, auditor and bank rebuild it from the document and the chunk's index alone. It binds
// everything in the bill but the chunks, whose digests it goes into: network, ledger, currency, programme, nations, id, revision, nonce, time, the size of
// chunks (through the circuit), and how many there are. A bill about to be made needs chunks of the right number, their contents do not count.
// The bill must be one that can be encoded (see wire.Encode).
//
// NB: the protocol names the circuit and its version; a changed circuit gets another one, so that no proof for the one serves the other.
func BillContext(b wire.Bill, chunk int) Digest {
	head := b
	head.Chunks = nil
	return Context{
		Protocol:  fmt.Sprintf("bill-%d/1", b.ChunkSize),
		Network:   b.Network,
		Ledger:    b.Ledger,
		Currency:  b.Currency,
		ID:        documentID("entente/bill/1", head.Bytes()),
		Revision:  b.Revision,
		Chunk:     uint32(chunk),
		Chunks:    uint32(len(b.Chunks)),
		Programme: b.Programme,
		Nonce:     b.Nonce,
	}.Digest()
}

// StatementContext gives the context of a statement's proof. It binds every byte of the statement: creditor, log head, sum, mask and totals among them. The
// statement must be one that can be encoded.
func StatementContext(s wire.Statement) Digest {
	return Context{
		Protocol:  "totals/1",
		Network:   s.Network,
		Ledger:    s.Ledger,
		Currency:  s.Currency,
		ID:        documentID("entente/statement/1", s.Bytes()),
		Programme: s.Programme,
		Nonce:     s.Nonce,
		Origin:    s.Origin,
		Size:      uint64(s.Size),
		Root:      s.Root,
	}.Digest()
}

// documentID is SHA-256(label || newline || bytes).
func documentID(label string, b []byte) [32]byte {
	return sha256.Sum256(append([]byte(label+"\n"), b...))
}
