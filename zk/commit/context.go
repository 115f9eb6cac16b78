package commit

import (
	"crypto/sha256"
	"encoding/binary"
)

const contextLabel = "entente/context/1"

// Context says what a proof is about. A proof for one context is worthless for another. Bills leave the checkpoint fields (Origin, Size, Root) empty;
// statements fill them.
type Context struct {
	Protocol  string   // circuit and its version, such as "bill-64/1"
	Network   string   // network of the trust file
	Ledger    string   // ledger whose log holds the leaf
	Currency  string   // ISO 4217 code
	ID        [32]byte // bill or question
	Revision  uint32   // of the bill, from 1
	Chunk     uint32   // index of the chunk, from 0
	Chunks    uint32   // how many chunks the bill has
	Programme [32]byte // programme tag
	Nonce     [32]byte
	Origin    string   // checkpoint origin line
	Size      uint64   // checkpoint tree size
	Root      [32]byte // checkpoint root hash
}

// Digest gives SHA-256 over the label and every field in order, strings preceded by their length as uint32 and integers big-endian, with the three top bits
// cleared, so that it is a field element.
func (c Context) Digest() Digest {
	b := []byte(contextLabel)
	for _, s := range []string{c.Protocol, c.Network, c.Ledger, c.Currency} {
		b = appendString(b, s)
	}
	b = append(b, c.ID[:]...)
	for _, n := range []uint32{c.Revision, c.Chunk, c.Chunks} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	b = append(append(b, c.Programme[:]...), c.Nonce[:]...)
	b = appendString(b, c.Origin)
	b = binary.BigEndian.AppendUint64(b, c.Size)
	b = append(b, c.Root[:]...)
	e := truncated(sha256.Sum256(b))
	return e.Bytes()
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
