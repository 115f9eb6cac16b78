package wire

// Hello greets a peer. Every run of a bank begins with one for each other bank; a bank that lost part of what it knew opens a new epoch with it. It is signed
// and not numbered: the number in its header is 0.
type Hello struct {
	Header            // Swap names the greeting: fresh for each run and recipient
	Opening    ID     // drawn when the sender's epoch was opened, zero for the first epoch
	KnownEpoch uint64 // epoch of the last message to the recipient that the sender knows it signed
	KnownSeq   uint64 // its number, 0 for none
}

func (m *Hello) fields(f *Fields) {
	m.Header.fields(f)
	f.Fixed(9, m.Opening[:])
	f.U64(10, &m.KnownEpoch)
	f.U64(11, &m.KnownSeq)
}

// HelloReply answers a greeting with what its sender holds: how far it has heard the greeting bank, and, page by page, the messages that bank does not know it
// signed, with the sender's own on the same swaps. The messages themselves come attached, as a Batch.
type HelloReply struct {
	Header
	Hello       Hash   // greeting that is answered
	Opening     ID     // of the sender's own epoch
	YourEpoch   uint64 // the greeting bank's latest epoch that is held, this greeting's included
	YourOpening ID
	HeardEpoch  uint64 // epoch and number of the latest message of the greeting bank that is held
	HeardSeq    uint64
	Page        uint32 // from 0
	Pages       uint32 // at least 1
	Held        []Hash // the page's messages, swap by swap: proposal, votes, decision
}

func (m *HelloReply) fields(f *Fields) {
	m.Header.fields(f)
	f.Fixed(9, m.Hello[:])
	f.Fixed(10, m.Opening[:])
	f.U64(11, &m.YourEpoch)
	f.Fixed(12, m.YourOpening[:])
	f.U64(13, &m.HeardEpoch)
	f.U64(14, &m.HeardSeq)
	f.U32(15, &m.Page)
	f.U32(16, &m.Pages)
	hashList(f, 17, &m.Held, 4*maxBanks)
}

// PayloadType gives the DSSE type under which the message is signed.
func (*Hello) PayloadType() PayloadType { return TypeHello }

// PayloadType gives the DSSE type under which the message is signed.
func (*HelloReply) PayloadType() PayloadType { return TypeHelloReply }

// GreetingID names a greeting: SHA-256("swap/1/hello\n" || run || sender || 0 || recipient).
func GreetingID(run ID, sender, recipient string) Hash {
	b := append(append([]byte(nil), run[:]...), sender...)
	return labelled("swap/1/hello", append(append(b, 0), recipient...))
}
