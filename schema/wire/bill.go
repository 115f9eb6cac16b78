package wire

import "entente/schema/refusal"

// Bill is what creditor and debtor both sign: who owes whom in which currency, and the commitments to the items, never the items.
// Both signatures stand over the same bytes; the log shows its hash and chunks in one leaf of the ledger of its currency.
type Bill struct {
	Network   string
	ID        ID
	Revision  uint32
	Programme Hash   // programme tag
	Creditor  string // nation that is paid
	Debtor    string // nation that pays
	Ledger    string // bank of the bill's currency
	Currency  string // ISO 4217
	CreatedMS int64
	Nonce     Hash   // 32 random bytes: makes the hash unguessable
	ChunkSize uint16 // items a chunk: 16, 64 or 256
	Chunks    []Chunk
}

func (b *Bill) fields(f *Fields) {
	f.Text(1, &b.Network, maxName)
	f.Fixed(2, b.ID[:])
	f.U32(3, &b.Revision)
	f.Fixed(4, b.Programme[:])
	f.Text(5, &b.Creditor, maxName)
	f.Text(6, &b.Debtor, maxName)
	f.Text(7, &b.Ledger, maxName)
	f.Text(8, &b.Currency, 3)
	f.Count(9, &b.CreatedMS)
	f.Fixed(10, b.Nonce[:])
	f.U16(11, &b.ChunkSize)
	chunkList(f, 12, &b.Chunks)
}

// Bytes gives the bill's canonical encoding.
func (b *Bill) Bytes() []byte { return Encode(b) }

// Hash names the bill; it is paid at most once.
func (b *Bill) Hash() Hash { return PayloadHash(TypeBill, b.Bytes()) }

// ParseBill reads a bill and checks its shape: two different nations, a known chunk size, at least one chunk.
func ParseBill(payload []byte) (Bill, error) {
	var b Bill
	if err := Decode(payload, LimitAttachment, &b); err != nil {
		return b, err
	}
	switch {
	case b.Creditor == b.Debtor:
		return b, refusal.Newf(CodeMalformed, "name two nations", "the bill's creditor and debtor are both %q", b.Creditor)
	case b.ChunkSize != 16 && b.ChunkSize != 64 && b.ChunkSize != 256:
		return b, refusal.Newf(CodeMalformed, "use chunks of 16, 64 or 256 items", "the bill has chunks of %d items", b.ChunkSize)
	case len(b.Chunks) == 0:
		return b, refusal.New(CodeMalformed, "the bill has no chunk", "commit to at least one item")
	}
	return b, nil
}

// TotalOpening shows the two banks of a payment what a bill's total commitments open to: T_1 + ... + T_n = total*G + blinding*H.
type TotalOpening struct {
	Bill       Hash
	TotalMinor int64
	Blinding   [32]byte // sum of the chunks' blindings below the group order, big-endian
}

func (o *TotalOpening) fields(f *Fields) {
	f.Fixed(1, o.Bill[:])
	f.Count(2, &o.TotalMinor)
	f.Fixed(3, o.Blinding[:])
}

// ProofHash names the proofs that come with a bill, chunk by chunk. Proofs are never an id by themselves: their bytes can be changed and still verify.
func ProofHash(proofs [][]byte) Hash {
	return labelled("proofs/1", Encode(&blobs{proofs, LimitAttachment, maxChunks}))
}

// blobs is a list of byte strings.
type blobs struct {
	items [][]byte
	limit int
	max   int
}

func (b *blobs) fields(f *Fields) { blobList(f, 1, &b.items, b.max, b.limit) }

func blobList(f *Fields, tag uint16, items *[][]byte, max, limit int) {
	List(f, tag, items, max, func(f *Fields, b *[]byte) { f.Bytes(1, b, limit) })
}
