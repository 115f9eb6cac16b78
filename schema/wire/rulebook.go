package wire

// Rulebook is the consortium's order about a bank that is gone for good as an initiator: it fences the bank and decides the swaps that the bank left in doubt,
// from the evidence that the others hold. It binds every bank of the swaps, and the one that is gone when it returns.
type Rulebook struct {
	Network string
	ID      ID
	Bank    string // that is fenced
	Epoch   uint64 // the floor: messages of the bank of a lower epoch are ignored unless already held
	Rulings []Ruling
	Reason  string
	AtMS    int64
}

// Ruling decides one swap.
type Ruling struct {
	Swap   Hash
	Commit bool
	Votes  []Hash // commit: the prepared votes, in the order of the terms' responders
}

const maxRulings = 128

func (r *Rulebook) fields(f *Fields) {
	f.Text(1, &r.Network, maxName)
	f.Fixed(2, r.ID[:])
	f.Text(3, &r.Bank, maxName)
	f.U64(4, &r.Epoch)
	List(f, 5, &r.Rulings, maxRulings, func(f *Fields, u *Ruling) {
		f.Fixed(1, u.Swap[:])
		f.Bool(2, &u.Commit)
		hashList(f, 3, &u.Votes, maxBanks)
	})
	f.Text(6, &r.Reason, maxReason)
	f.Count(7, &r.AtMS)
}

// Bytes gives the order's canonical encoding.
func (r *Rulebook) Bytes() []byte { return Encode(r) }

// Hash names the order: the hash of the signed envelope it travels in.
func (r *Rulebook) Hash() Hash { return PayloadHash(TypeRulebook, r.Bytes()) }

// ParseRulebook reads an order. It proves nothing: verify the envelope, and that a quorum of the consortium signed it, first.
func ParseRulebook(b []byte) (Rulebook, error) {
	var r Rulebook
	err := Decode(b, LimitMessage, &r)
	return r, err
}
