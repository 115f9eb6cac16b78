package audit

import (
	"fmt"

	"entente/zk/commit"
	"entente/zk/proof"
)

// proofs verifies one proof for every chunk of every bill.
func (a *audit) proofs() string {
	a.readKeys()
	type task struct {
		bill  *bill
		chunk int
		key   *key
		err   error
	}
	var tasks []task
	chunks := 0
	for _, b := range a.ordered {
		if !b.decoded || a.documents[b.hash] != b {
			continue
		}
		b.proven = b.countersigned()
		chunks += len(b.Chunks)
		if len(b.proofs) != len(b.Chunks) {
			a.find(Invalid, CodeProofMissing, b.where(), "%d proofs came for %d chunks", len(b.proofs), len(b.Chunks))
		}
		b.proven = b.proven && len(b.proofs) == len(b.Chunks)
		if circuit := proof.BillName(int(b.ChunkSize)); !a.usable(circuit, b.where()) {
			b.proven = false
			continue
		}
		for i := range min(len(b.proofs), len(b.Chunks)) {
			tasks = append(tasks, task{bill: b, chunk: i})
		}
	}
	a.each(len(tasks), func(i int) {
		t := &tasks[i]
		t.key, t.err = a.verifyChunk(t.bill, t.chunk)
	})
	for _, t := range tasks {
		if t.err != nil {
			t.bill.proven = false
			a.refused(t.err, proof.CodeProofInvalid, fmt.Sprintf("%s, chunk %d", t.bill.where(), t.chunk))
			continue
		}
		t.key.proofs++
		a.report.BillProofs++
	}
	return fmt.Sprintf("%d of %d chunks of bills proven", a.report.BillProofs, chunks)
}

// verifyChunk rebuilds what the proof must be about, and checks it.
func (a *audit) verifyChunk(b *bill, i int) (*key, error) {
	c := &b.Chunks[i]
	parsed, err := points(c.Categories[:], c.Total[:])
	if err != nil {
		return nil, err
	}
	digest, err := commit.ParseDigest(c.Digest[:])
	if err != nil {
		return nil, err
	}
	public := commit.BillPublic{Context: commit.BillContext(b.Bill, i), D: digest, C: parsed[0], T: parsed[1]}
	return a.anyKey(proof.BillName(int(b.ChunkSize)), func(k *key) error { return k.verifier.VerifyBill(public, b.proofs[i]) })
}
