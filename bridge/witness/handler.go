package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"entente/schema/refusal"
	"entente/zk/transcript"
)

// Limits of answering: requests at once, and how long one may take.
const (
	answersMost = 4
	answerWait  = 10 * time.Second
)

// statuses are what the specification answers to each refusal.
var statuses = map[refusal.Code]int{
	CodeMalformed:                  http.StatusBadRequest,
	transcript.CheckpointMalformed: http.StatusBadRequest,
	CodeLogUnknown:                 http.StatusNotFound,
	transcript.CheckpointUnsigned:  http.StatusForbidden,
	CodeOldSize:                    http.StatusBadRequest,
	CodeConflict:                   http.StatusConflict,
	transcript.EmptyRootForged:     http.StatusUnprocessableEntity,
	transcript.SplitView:           http.StatusUnprocessableEntity,
	// The specification knows no witness that has lost its trust in a log; its key is no trusted key any more.
	CodeLogStopped: http.StatusForbidden,
}

type handler struct {
	witness *Witness
	origins map[string]string // by hash
	fault   func(error)
	turns   chan struct{}
}

// NewHandler answers add-checkpoint and shows what was cosigned. fault is told of what went wrong here and is not the asker's doing.
func NewHandler(w *Witness, fault func(error)) http.Handler {
	h := &handler{witness: w, origins: map[string]string{}, fault: fault, turns: make(chan struct{}, answersMost)}
	for origin := range w.logs {
		sum := sha256.Sum256([]byte(origin))
		h.origins[hex.EncodeToString(sum[:])] = origin
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", h.add)
	mux.HandleFunc("GET /{origin}/checkpoint", h.latest)
	return mux
}

// turn waits until fewer than answersMost requests are under way.
func (h *handler) turn(r *http.Request) (context.Context, func(), bool) {
	ctx, cancel := context.WithTimeout(r.Context(), answerWait)
	select {
	case h.turns <- struct{}{}:
		return ctx, func() { <-h.turns; cancel() }, true
	case <-ctx.Done():
		cancel()
		return nil, nil, false
	}
}

func (h *handler) add(w http.ResponseWriter, r *http.Request) {
	// The body is read before a turn is taken, so that a slow sender keeps nobody else waiting.
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequestBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		answer(w, http.StatusRequestEntityTooLarge, "", "the request is larger than "+strconv.Itoa(MaxRequestBytes)+" bytes\n")
		return
	case err != nil:
		answer(w, http.StatusBadRequest, "", "the request ended early\n")
		return
	}
	ctx, done, ok := h.turn(r)
	if !ok {
		h.busy(w)
		return
	}
	defer done()
	line, err := h.witness.AddCheckpoint(ctx, body)
	var c *Conflict
	switch status := statuses[refusal.CodeOf(err)]; {
	case err == nil:
		answer(w, http.StatusOK, "", string(line))
	case errors.As(err, &c):
		answer(w, http.StatusConflict, "text/x.tlog.size", string(c.sizeLine()))
	case status != 0:
		answer(w, status, "", err.Error()+"\n")
	default:
		h.failed(w, r, err)
	}
}

// failed tells of a fault, unless it is that the asker has gone.
func (h *handler) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		h.fault(err)
	}
	answer(w, http.StatusInternalServerError, "", "the witness cannot answer at present\n")
}

func (h *handler) latest(w http.ResponseWriter, r *http.Request) {
	ctx, done, ok := h.turn(r)
	if !ok {
		h.busy(w)
		return
	}
	defer done()
	origin, known := h.origins[r.PathValue("origin")]
	if !known {
		answer(w, http.StatusNotFound, "", "this witness watches no such log\n")
		return
	}
	note, err := h.witness.Latest(ctx, origin)
	switch {
	case err != nil:
		h.failed(w, r, err)
	case note == nil:
		answer(w, http.StatusNotFound, "", "this witness has not cosigned that log yet\n")
	default:
		answer(w, http.StatusOK, "", string(note))
	}
}

func (h *handler) busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	answer(w, http.StatusServiceUnavailable, "", "too many requests at once\n")
}

// answer sends text that nobody keeps: a witness's word is as of now.
func answer(w http.ResponseWriter, status int, kind, body string) {
	if kind == "" {
		kind = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	// A client that went away is no fault.
	_, _ = io.WriteString(w, body)
}
