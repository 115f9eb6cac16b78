package tiles

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"entente/schema/refusal"
)

// Options say what a handler serves and to whom.
type Options struct {
	Log        *Log
	Checkpoint func() []byte                // the head to show as a signed note; nil or empty while there is none
	Readers    map[string][sha256.Size]byte // who may read entries: name to the SHA-256 of a random token of at least 128 bits
	Fault      func(error)                  // told of what went wrong here and is not the client's doing
}

// Limits of serving: reads of the store at once, so that readers of the log leave it to the bank, and how long a request waits for one.
const (
	readsMost = 2
	readWait  = 5 * time.Second
)

const (
	cacheForever   = "public, max-age=31536000, immutable"
	cachePrivately = "private, max-age=31536000, immutable"
	cacheShortly   = "public, max-age=1"
)

type handler struct {
	Options
	reads chan struct{}
}

// NewHandler serves a log.
func NewHandler(o Options) http.Handler {
	h := &handler{Options: o, reads: make(chan struct{}, readsMost)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkpoint", h.checkpoint)
	mux.HandleFunc("GET /tile/", h.tile)
	return mux
}

func (h *handler) checkpoint(w http.ResponseWriter, _ *http.Request) {
	note := h.Checkpoint()
	if len(note) == 0 {
		refuse(w, http.StatusNotFound, "the log has no head yet")
		return
	}
	w.Header().Set("Cache-Control", cacheShortly)
	send(w, "text/plain; charset=utf-8", note)
}

func (h *handler) tile(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	t, err := torchwood.ParseTilePath(path)
	// The parser takes "tile/data/..." for entries as well; a tile has one path.
	if err != nil || torchwood.TilePath(t) != path {
		refuse(w, http.StatusNotFound, "this is no path of a tile")
		return
	}
	read, cache := h.Log.Tile, cacheForever
	if t.L < 0 {
		if !h.mayRead(r.Header.Get("Authorization")) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="entries"`)
			refuse(w, http.StatusUnauthorized, "entries are for mandated readers: present your token")
			return
		}
		w.Header().Set("Vary", "Authorization, Accept-Encoding")
		read, cache = h.Log.Entries, cachePrivately
	}
	data, err := h.read(r.Context(), t, read)
	switch {
	case err == nil:
	case refusal.CodeOf(err) != "":
		refuse(w, http.StatusNotFound, err.Error())
		return
	case r.Context().Err() == nil && errors.Is(err, context.DeadlineExceeded):
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, "too many readers at once")
		return
	default:
		if r.Context().Err() == nil {
			h.Fault(err)
		}
		refuse(w, http.StatusInternalServerError, "the tile cannot be read at present")
		return
	}
	w.Header().Set("Cache-Control", cache)
	if t.L < 0 && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		data = compressed(data)
	}
	send(w, "application/octet-stream", data)
}

// read waits for its turn at the store.
func (h *handler) read(ctx context.Context, t tlog.Tile, read func(context.Context, tlog.Tile) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	select {
	case h.reads <- struct{}{}:
		defer func() { <-h.reads }()
		return read(ctx, t)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// mayRead compares the token's hash with every reader's, so that the time it takes tells nothing.
func (h *handler) mayRead(authorization string) bool {
	token, ok := strings.CutPrefix(authorization, "Bearer ")
	sum := sha256.Sum256([]byte(token))
	found := 0
	for _, want := range h.Readers {
		found |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	return ok && found == 1
}

func compressed(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	// A buffer takes everything.
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

func send(w http.ResponseWriter, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	// A client that went away is no fault.
	_, _ = w.Write(body)
}

// refuse answers with a sentence that nobody keeps: what is missing now may be there in a moment.
func refuse(w http.ResponseWriter, status int, sentence string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.Error(w, sentence, status)
}
