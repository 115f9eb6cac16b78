package witness

import (
	"bytes"
	"strconv"
	"strings"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

// proofMost is the most hashes a consistency proof has in a request.
const proofMost = 63

// MaxRequestBytes bounds an add-checkpoint request before anything in it is looked at.
const MaxRequestBytes = 32 + proofMost*45 + transcript.MaxCheckpointBytes

// Request is the body of add-checkpoint:
//
//	old 20852014
//	PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
//	jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
//
//	example.com/behind-the-sofa
//	20852163
//	CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//
//	— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
type Request struct {
	Old   uint64            // size of the head that the witness cosigned last, below 2^63
	Proof []transcript.Hash // consistency proof from there, at most 63 hashes
	Note  []byte            // the signed head, not yet looked at
}

// Bytes writes the request.
func (r *Request) Bytes() []byte {
	b := strconv.AppendUint([]byte("old "), r.Old, 10)
	b = append(b, '\n')
	for _, h := range r.Proof {
		b = append(b, h.String()+"\n"...)
	}
	return append(append(b, '\n'), r.Note...)
}

// ParseRequest reads what [Request.Bytes] writes and nothing else. It does not look into the signed head. Refusal: witness_request_malformed.
func ParseRequest(body []byte) (Request, error) {
	bad := func(why string) (Request, error) {
		return Request{}, refusal.New(CodeMalformed, "the request is not one of add-checkpoint: "+why, "send old size, proof, an empty line and the signed head")
	}
	if len(body) > MaxRequestBytes {
		return bad("it is too long")
	}
	head, note, found := bytes.Cut(body, []byte("\n\n"))
	if !found || len(note) == 0 {
		return bad("no empty line divides the proof and the head")
	}
	lines := strings.Split(string(head), "\n")
	if len(lines) > 1+proofMost {
		return bad("the proof has more than 63 hashes")
	}
	digits, named := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseUint(digits, 10, 63)
	if !named || err != nil || strconv.FormatUint(old, 10) != digits {
		return bad("the first line is not \"old\" and a size")
	}
	r := Request{Old: old, Note: note}
	for _, line := range lines[1:] {
		h, err := transcript.ParseHash(line)
		if err != nil {
			return bad("a line of the proof is not a hash in base64")
		}
		r.Proof = append(r.Proof, h)
	}
	return r, nil
}
