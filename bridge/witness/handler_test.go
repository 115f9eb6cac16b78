package witness_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"entente/bridge/witness"
	"entente/zk/transcript"
)

// raw signs any text as the log's note.
func (l *logOf) raw(text string) []byte {
	l.t.Helper()
	msg, err := note.Sign(&note.Note{Text: text}, l.signer)
	if err != nil {
		l.t.Fatal(err)
	}
	return msg
}

func plainSigner(t testing.TB, name string) note.Signer {
	t.Helper()
	s, err := transcript.NewSigner(name, private(name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func body(old string, proof []transcript.Hash, note []byte) []byte {
	var b bytes.Buffer
	b.WriteString("old " + old + "\n")
	for _, h := range proof {
		b.WriteString(h.String() + "\n")
	}
	b.WriteString("\n")
	b.Write(note)
	return b.Bytes()
}

// Every answer that the specification names, each from a witness that has cosigned 20 leaves.
func TestTheAnswersAreThoseOfTheSpecification(t *testing.T) {
	overBoth(t, func(t *testing.T, open func() witness.Store) {
		h := newHouse(t, open())
		l := newLog(t, origin, "log", 400)
		strange := newLog(t, "nobody.test/XXX", "log", 30)
		forged := newLog(t, origin, "another key", 30)
		empty := transcript.Checkpoint{Origin: origin, Root: transcript.EmptyRoot}
		if r := h.add(body("0", nil, l.raw(empty.Text()))); r.status != 200 {
			t.Fatalf("the head of no leaves gets %d %q", r.status, r.body)
		}
		h.cosigned(l, 20, h.add(l.request(0, 20)))

		many := make([]note.Signer, 15)
		for i := range many {
			many[i] = plainSigner(t, fmt.Sprintf("other%d.test", i))
		}
		crowd := make([]note.Signer, 101)
		for i := range crowd {
			crowd[i] = plainSigner(t, fmt.Sprintf("other%d.test", i))
		}
		wrong := l.note(25)
		if at := len(wrong) - 10; wrong[at] == 'A' { // within the signature's base64
			wrong[at] = 'B'
		} else {
			wrong[at] = 'A'
		}
		both := append(l.note(25), wrong[bytes.LastIndex(wrong, []byte("— ")):]...)
		root := l.head(25).Root.String()
		const text = "text/plain; charset=utf-8"
		for _, test := range []struct {
			name   string
			body   []byte
			status int
			kind   string
			says   string
		}{
			{"an unknown log", strange.request(20, 25), 404, text, "log_unknown"},
			{"a head signed by another key", forged.request(20, 25), 403, text, "checkpoint_unsigned"},
			{"a head whose signature by the known key is wrong", body("20", l.proof(20, 25), wrong), 403, text, "checkpoint_unsigned"},
			{"a head with a true and a wrong signature of the known key", body("20", l.proof(20, 25), both), 400, text, "checkpoint_malformed"},
			{"a head of no leaves with another root, unsigned", body("20", nil, forged.raw(origin+"\n0\n"+root+"\n")), 403, text, "checkpoint_unsigned"},

			{"an old size that is larger than the head", body("26", nil, l.note(25)), 400, text, "old_size_invalid"},
			{"an old size with a zero before it", body("020", l.proof(20, 25), l.note(25)), 400, text, "witness_request_malformed"},
			{"an old size with a sign", body("+20", l.proof(20, 25), l.note(25)), 400, text, "witness_request_malformed"},
			{"an old size of 2^63", body("9223372036854775808", nil, l.note(25)), 400, text, "witness_request_malformed"},
			{"no old size", body("", nil, l.note(25)), 400, text, "witness_request_malformed"},
			{"another first line", append([]byte("new 20\n\n"), l.note(25)...), 400, text, "witness_request_malformed"},
			{"no empty line", []byte("old 20\n" + strings.Replace(string(l.note(25)), "\n\n", "\n", 1)), 400, text, "witness_request_malformed"},
			{"64 hashes", body("20", make([]transcript.Hash, 64), l.note(25)), 400, text, "witness_request_malformed"},
			{"a hash that is none", append([]byte("old 20\nAAAA\n\n"), l.note(25)...), 400, text, "witness_request_malformed"},
			{"a hash in loose base64", append([]byte("old 20\n"+root[:42]+"B=\n\n"), l.note(25)...), 400, text, "witness_request_malformed"},
			{"lines that end in CR LF", bytes.ReplaceAll(l.request(20, 25), []byte("\n"), []byte("\r\n")), 400, text, "witness_request_malformed"},
			{"nothing", nil, 400, text, "witness_request_malformed"},
			{"no head", []byte("old 20\n\n"), 400, text, "witness_request_malformed"},
			{"a size that is no number", body("20", nil, l.raw(origin+"\nmany\n"+root+"\n")), 400, text, "checkpoint_malformed"},
			{"a size with a zero before it", body("20", nil, l.raw(origin+"\n025\n"+root+"\n")), 400, text, "checkpoint_malformed"},
			{"an extension line", body("20", l.proof(20, 25), l.raw(l.head(25).Text()+"more\n")), 400, text, "checkpoint_malformed"},
			{"a hundred signatures and one", body("20", l.proof(20, 25), l.note(25, crowd...)), 400, text, "checkpoint_malformed"},

			{"an old size before the head cosigned last", l.request(10, 25), 409, "text/x.tlog.size", "20\n"},
			{"an old size after it", l.request(22, 25), 409, "text/x.tlog.size", "20\n"},
			{"no old size, as somebody asks who does not know it", l.request(0, 25), 409, "text/x.tlog.size", "20\n"},

			{"a proof with a hash too many", body("20", append(l.proof(20, 25), transcript.Hash{}), l.note(25)), 422, text, "split_view"},
			{"a proof with a hash too few", body("20", l.proof(20, 25)[1:], l.note(25)), 422, text, "split_view"},
			{"no proof", body("20", nil, l.note(25)), 422, text, "split_view"},
			{"a proof where nothing was added", body("20", l.proof(20, 25), l.note(20)), 422, text, "split_view"},
			{"a head of no leaves with another root", body("0", nil, l.raw(origin+"\n0\n"+root+"\n")), 422, text, "empty_root_forged"},
		} {
			if r := h.add(test.body); r.status != test.status || r.kind != test.kind || !strings.HasPrefix(r.body, test.says) && !strings.Contains(r.body, ": "+test.says) {
				t.Errorf("%s gets %d %q %q, want %d %q %q", test.name, r.status, r.kind, r.body, test.status, test.kind, test.says)
			}
		}
		other := newLog(t, "rbi.test/INR", "other log", 9)
		if r := h.add(body("0", other.proof(4, 9), other.note(9))); r.status != 422 {
			t.Errorf("a proof where no size was before gets %d %q", r.status, r.body)
		}
		if r := h.add(body("0", nil, other.note(9))); r.status != 200 {
			t.Errorf("a second log gets %d %q", r.status, r.body)
		}

		first := h.cosigned(l, 20, h.add(l.request(20, 20)))
		if again := h.cosigned(l, 20, h.add(l.request(20, 20))); again <= first {
			t.Errorf("the head as it was is cosigned at %d, before at %d", again, first)
		}
		if r := h.add(body("20", l.proof(20, 25), l.note(25, many...))); r.status != 200 {
			t.Errorf("16 signatures get %d %q", r.status, r.body)
		}
		h.cosigned(l, 400, h.add(l.request(25, 400)))
		if len(h.faults) > 0 {
			t.Errorf("faults: %v", h.faults)
		}
	})
}

func TestHostileBodiesAreRefusedEarly(t *testing.T) {
	noLeaks(t)
	h := newHouse(t, witness.NewMemory())
	l := newLog(t, origin, "log", 40)
	whole := l.request(0, 20)
	for _, test := range []struct {
		name   string
		body   []byte
		status int
	}{
		{"larger than allowed", append(bytes.Clone(whole), make([]byte, witness.MaxRequestBytes)...), http.StatusRequestEntityTooLarge},
		{"all newlines", bytes.Repeat([]byte("\n"), witness.MaxRequestBytes), 400},
		{"one endless line", bytes.Repeat([]byte("a"), witness.MaxRequestBytes), 400},
		{"ten thousand signature lines", append(bytes.Clone(whole), bytes.Repeat([]byte("— a AAAAAAAA\n"), 8000)...), 400},
		{"no UTF-8", append([]byte("old 0\n\n"+origin+"\n"), 0xff, 0xfe, '\n', '\n'), 400},
		{"control characters", []byte("old 0\n\n" + origin + "\n\x00\n\x01\n\n— a AAAAAAAA\n"), 400},
	} {
		if r := h.add(test.body); r.status != test.status {
			t.Errorf("%s gets %d %.80q, want %d", test.name, r.status, r.body, test.status)
		}
	}
	for cut := range whole {
		if r := h.add(whole[:cut]); r.status != 400 && r.status != 403 && r.status != 404 {
			t.Fatalf("the first %d bytes of a request get %d %q", cut, r.status, r.body)
		}
	}
	h.cosigned(l, 20, h.add(whole))
	for _, r := range []reply{h.send(http.MethodGet, "/add-checkpoint", nil), h.send(http.MethodPut, "/add-checkpoint", whole)} {
		if r.status != http.StatusMethodNotAllowed {
			t.Errorf("another method gets %d", r.status)
		}
	}
}

func TestTheHeadCosignedLastIsShown(t *testing.T) {
	overBoth(t, func(t *testing.T, open func() witness.Store) {
		h := newHouse(t, open())
		l := newLog(t, origin, "log", 40)
		sum := sha256.Sum256([]byte(origin))
		path := "/" + hex.EncodeToString(sum[:]) + "/checkpoint"
		if r := h.send(http.MethodGet, path, nil); r.status != 404 {
			t.Errorf("before the first: %d", r.status)
		}
		if r := h.send(http.MethodGet, "/"+strings.Repeat("0", 64)+"/checkpoint", nil); r.status != 404 {
			t.Errorf("an unknown log: %d", r.status)
		}
		line := h.add(l.request(0, 20)).body
		if r := h.send(http.MethodGet, path, nil); r.status != 200 || r.body != string(l.note(20))+line {
			t.Errorf("%d %q", r.status, r.body)
		}
	})
}
