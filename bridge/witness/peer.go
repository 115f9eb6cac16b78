package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

// answerBytes bounds what is read of a witness's answer.
const answerBytes = 64 << 10

// conflictsMost is how often a peer may correct the old size before the next pause.
const conflictsMost = 3

// peer is a witness as the feeder knows it. All but known belongs to the feeder's lock; known to the one request under way.
type peer struct {
	Peer
	busy  bool
	after time.Time     // not asked before
	pause time.Duration // after the next failure
	fault string        // what its last failure was; empty while it answers
	known uint64        // size of the head it cosigned last, as far as heard
}

// cosign has the peer cosign a round's head. Refusals: split_view, not_cosigned.
func (p *peer) cosign(ctx context.Context, client *http.Client, cfg *FeederConfig, r *round) (note.Signature, error) {
	for range conflictsMost {
		if p.known > r.head.Size {
			return note.Signature{}, p.ahead(cfg, r)
		}
		proof, err := r.proof(ctx, cfg, p.known)
		if err != nil {
			return note.Signature{}, fmt.Errorf("prove that %d leaves grew into %d: %w", p.known, r.head.Size, err)
		}
		request := Request{Old: p.known, Proof: proof, Note: r.signed}
		status, kind, body, err := p.post(ctx, client, request.Bytes())
		if err != nil {
			return note.Signature{}, err
		}
		switch {
		case status == http.StatusOK:
			signature, err := p.read(r, cfg.Key, body)
			if err == nil {
				p.known = r.head.Size
			}
			return signature, err
		case status == http.StatusConflict && kind == "text/x.tlog.size":
			if p.known, err = parseSize(body); err != nil {
				return note.Signature{}, p.otherwise(status, body)
			}
		default:
			return note.Signature{}, p.otherwise(status, body)
		}
	}
	return note.Signature{}, p.otherwise(http.StatusConflict, []byte("it states another size each time"))
}

// ahead tells a peer that has seen a newer head of the log from one that has seen more than the log has.
func (p *peer) ahead(cfg *FeederConfig, r *round) error {
	seen := p.known
	if now := cfg.Log.Head().Size; seen > uint64(now) {
		p.known = 0 // ask again: it may have been a slip
		return refusal.Newf(transcript.SplitView, "compare with the witness before anything more is written: the database may have been restored from an older backup",
			"%s has cosigned %d leaves of log %s, which has %d", p.Bank, seen, r.head.Origin, now)
	}
	return refusal.Newf(CodeNotCosigned, "a newer head is sent", "%s has cosigned a newer head of log %s already", p.Bank, r.head.Origin)
}

// proof makes each proof once for all peers.
func (r *round) proof(ctx context.Context, cfg *FeederConfig, old uint64) ([]transcript.Hash, error) {
	r.proving.Lock()
	defer r.proving.Unlock()
	if path, made := r.proofs[old]; made {
		return path, nil
	}
	path, err := cfg.Log.Consistency(ctx, old, r.head)
	if err == nil {
		r.proofs[old] = path
	}
	return path, err
}

func (p *peer) post(ctx context.Context, client *http.Client, body []byte) (status int, kind string, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestWait)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(p.URL, "/")+"/add-checkpoint", bytes.NewReader(body))
	if err != nil {
		return 0, "", nil, fmt.Errorf("ask the witness of %s: %w", p.Bank, err)
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	response, err := client.Do(request)
	if err != nil {
		return 0, "", nil, fmt.Errorf("ask the witness of %s: %w", p.Bank, err)
	}
	answer, err = io.ReadAll(io.LimitReader(response.Body, answerBytes))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return 0, "", nil, fmt.Errorf("read the answer of the witness of %s: %w", p.Bank, err)
	}
	return response.StatusCode, response.Header.Get("Content-Type"), answer, nil
}

// read takes the peer's own cosignature out of its answer, verified; others are left.
func (p *peer) read(r *round, log note.Verifier, answer []byte) (note.Signature, error) {
	_, signatures, err := transcript.Open(append(bytes.Clone(r.signed), answer...), log, p.Key)
	if err != nil {
		return note.Signature{}, fmt.Errorf("the answer of the witness of %s: %w", p.Bank, err)
	}
	for _, s := range signatures {
		if s.Name == p.Key.Name() && s.Hash == p.Key.KeyHash() {
			return s, nil
		}
	}
	return note.Signature{}, p.otherwise(http.StatusOK, []byte("without a cosignature by its pinned key"))
}

// otherwise is the refusal of an answer that is not a cosignature.
func (p *peer) otherwise(status int, body []byte) error {
	first, _, _ := strings.Cut(string(body), "\n")
	return refusal.Newf(CodeNotCosigned, "ask the operator of that bank", "the witness of %s answers %d: %.200q", p.Bank, status, first)
}

func parseSize(body []byte) (uint64, error) {
	text, ended := strings.CutSuffix(string(body), "\n")
	size, err := strconv.ParseUint(text, 10, 63)
	if err != nil || !ended || strconv.FormatUint(size, 10) != text {
		return 0, errors.New("no size in decimal")
	}
	return size, nil
}
