package node

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"golang.org/x/mod/sumdb/note"

	"entente/bridge/tiles"
	"entente/bridge/witness"
	"entente/ops/failpoint"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/zk/transcript"
)

// BankLog says how a bank shows its log, watches those of the other banks, and has its own watched.
type BankLog struct {
	Listener    net.Listener                 // where the log and the witness are served; nil when they are not served. The bank closes it
	TLS         *tls.Config                  // nil for plain HTTP
	Readers     map[string][sha256.Size]byte // who may read entries over HTTP: name to the SHA-256 of a token
	Witnesses   map[string]string            // other banks to the address of their witness
	Authorities *x509.CertPool               // whom the witnesses' certificates come from; nil for the system's
	Store       witness.Store                // what this bank's own witness remembers; nil for no witness
}

// WitnessPath is where a bank's witness answers, beside its log.
const WitnessPath = "/witness"

// cosignWait is how long an auditor's request for a head waits for its quorum.
const cosignWait = 2 * time.Second

// Timeouts of the server. Requests and answers are small; whoever is slower is let go.
const (
	serveHeaderWait = 5 * time.Second
	serveReadWait   = 10 * time.Second
	serveWriteWait  = 30 * time.Second
	serveIdleWait   = 2 * time.Minute
	serveCloseWait  = 5 * time.Second
	serveHeaderMost = 16 << 10
)

// openLog has the bank's heads cosigned, and serves its log and its witness. The engine is open.
func (b *Bank) openLog(pinned trust.Bank) error {
	key, err := transcript.ParseVerifierKey(pinned.LogKey)
	if err != nil {
		return err
	}
	peers, err := b.peers()
	if err != nil {
		return err
	}
	log := tiles.Of(b.engine)
	b.feeder = witness.NewFeeder(witness.FeederConfig{Log: log, Key: key, Peers: peers, Quorum: b.cfg.Trust.WitnessQuorum, Authorities: b.cfg.Public.Authorities, Told: b.witnessTold})
	if b.cfg.Public.Listener == nil {
		return nil
	}
	mux := http.NewServeMux()
	fault := func(err error) { b.cfg.Log.Error("the log is not served", "error", err) }
	mux.Handle("/", tiles.NewHandler(tiles.Options{Log: log, Checkpoint: b.feeder.Latest, Readers: b.cfg.Public.Readers, Fault: fault}))
	if b.cfg.Public.Store != nil && pinned.Witness != "" {
		w, err := b.openWitness(pinned)
		if err != nil {
			return err
		}
		mux.Handle(WitnessPath+"/", http.StripPrefix(WitnessPath, witness.NewHandler(w, func(err error) { b.cfg.Log.Error("the witness cannot answer", "error", err) })))
	}
	b.server = &http.Server{Handler: mux, TLSConfig: b.cfg.Public.TLS, ReadHeaderTimeout: serveHeaderWait, ReadTimeout: serveReadWait, WriteTimeout: serveWriteWait,
		IdleTimeout: serveIdleWait, MaxHeaderBytes: serveHeaderMost, ErrorLog: nil}
	listener := b.cfg.Public.Listener
	if b.cfg.Public.TLS != nil {
		listener = tls.NewListener(listener, b.cfg.Public.TLS)
	}
	b.work.Go(func() {
		if err := b.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			fault(err)
		}
	})
	return nil
}

// closeLog ends what openLog began. It comes before the engine's end.
func (b *Bank) closeLog() error {
	if b.feeder != nil {
		b.feeder.Close()
	}
	if b.server == nil {
		if b.cfg.Public.Listener != nil {
			return b.cfg.Public.Listener.Close()
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), serveCloseWait)
	defer cancel()
	if err := b.server.Shutdown(ctx); err != nil {
		return b.server.Close() // whoever still reads is cut off
	}
	return nil
}

// peers are the other banks' witnesses whose address is known.
func (b *Bank) peers() ([]witness.Peer, error) {
	var peers []witness.Peer
	for _, other := range b.cfg.Trust.Banks {
		url := b.cfg.Public.Witnesses[other.ID]
		if other.ID == b.cfg.ID || other.Witness == "" || url == "" {
			continue
		}
		key, err := transcript.ParseCosignerKey(other.Witness)
		if err != nil {
			return nil, err
		}
		peers = append(peers, witness.Peer{Bank: other.ID, URL: url, Key: key})
	}
	return peers, nil
}

// openWitness makes the witness of the other banks' logs.
func (b *Bank) openWitness(pinned trust.Bank) (*witness.Witness, error) {
	signer, err := b.cfg.Ring.Signer(wire.PurposeWitness, b.cfg.Ring.Owner())
	if err != nil {
		return nil, err
	}
	name, _, _ := strings.Cut(pinned.Witness, "+")
	if transcript.CosignerKey(name, signer.Key().Public) != pinned.Witness {
		return nil, refusal.Newf(wire.CodeKeyUnknown, "have the witness key pinned in the trust file, or use the right key file",
			"the witness key of %s is not the one in the trust file", b.cfg.ID)
	}
	var logs []note.Verifier
	banks := map[string]string{}
	for _, other := range b.cfg.Trust.Banks {
		if other.ID == b.cfg.ID {
			continue
		}
		key, err := transcript.ParseVerifierKey(other.LogKey)
		if err != nil {
			return nil, err
		}
		logs, banks[other.LogOrigin] = append(logs, key), other.ID
	}
	found, err := b.cfg.Telemetry.Meter("witness").Int64Counter("entente.witness.contradictions",
		metric.WithDescription("Heads of other banks' logs that do not follow from those cosigned before; proven ones stop cosigning."))
	if err != nil {
		return nil, err
	}
	return witness.New(witness.Config{Name: name, Key: signer.Private(), Logs: logs, Store: killable{b.cfg.Public.Store}, Clock: b.cfg.Clock, Alarm: func(c transcript.Contradiction) {
		state := "unproven"
		if c.Proven {
			state = "proven"
		}
		found.Add(b.ctx, 1, metric.WithAttributes(attribute.String("bank", banks[c.Origin]), attribute.String("state", state)))
		b.cfg.Log.Error("another bank's log contradicts itself", "code", string(transcript.SplitView), "bank", banks[c.Origin], "state", state)
	}})
}

// witnessTold writes down what the feeder has to say of a peer.
func (b *Bank) witnessTold(bank string, err error) {
	switch {
	case err == nil:
		b.cfg.Log.Info("witness answers again", "to", bank)
	case refusal.CodeOf(err) == transcript.SplitView:
		b.cfg.Log.Error("a witness knows more of this log than the log does", "to", bank, "code", string(transcript.SplitView))
	default:
		b.cfg.Log.Warn("witness does not cosign", "to", bank, "error", err)
	}
}

// cosignedHead gives a head that covers everything committed by now, with its quorum if that comes in time.
func (b *Bank) cosignedHead(ctx context.Context) []byte {
	size := b.engine.Head().Size
	if size == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, cosignWait)
	defer cancel()
	return b.feeder.Cosigned(ctx, size)
}

// killable passes the moment at which a head is recorded and its cosignature not given out.
type killable struct{ witness.Store }

// Advance implements witness.Store.
func (k killable) Advance(ctx context.Context, from transcript.Checkpoint, next transcript.Witnessed) (bool, error) {
	recorded, err := k.Store.Advance(ctx, from, next)
	if recorded {
		failpoint.Pass(failpoint.BankCosignStored)
	}
	return recorded, err
}
