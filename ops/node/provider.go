package node

import (
	"context"
	"errors"
	"log/slog"
	"math/big"

	"entente/bridge/bus"
	"entente/bridge/intake"
	"entente/ops/telemetry"
	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/trust"
	"entente/schema/wire"
	"entente/settlement/programme"
	"entente/wallet"
)

// SubjectQuote asks a provider for a firm quote.
const SubjectQuote = "quote"

// QuoteRequest asks for a price: how much of Sell for exactly BuyMinor of Buy.
type QuoteRequest struct {
	Sell     string
	Buy      string
	BuyMinor int64
}

func (q *QuoteRequest) fields(f *wire.Fields) {
	f.Text(1, &q.Sell, 3)
	f.Text(2, &q.Buy, 3)
	f.Count(3, &q.BuyMinor)
}

// ProviderConfig is what a liquidity provider's process is made of.
type ProviderConfig struct {
	ID        string
	Trust     *trust.Network
	Ring      *wallet.Ring // keys quote, service
	Bus       *bus.Bus
	Rates     intake.Rates
	On        programme.Date    // the day whose reference rates it quotes over
	SpreadBPS int64             // basis points added to the reference rate
	Accounts  map[string]string // its account on each bank's ledger
	FirmForMS int64             // how long a quote is firm
	Clock     Clock
	Log       *slog.Logger
	Telemetry *telemetry.Telemetry // nil for none
}

// Provider is a liquidity provider: it gives firm, single-use quotes over reference rates and keeps no state; what it is bound to, ledgers remember.
type Provider struct {
	cfg   ProviderConfig
	quote *wallet.Signer
	stop  func()
}

// OpenProvider joins a provider to the network.
func OpenProvider(ctx context.Context, cfg ProviderConfig) (*Provider, error) {
	if err := ownKeys(cfg.Ring, cfg.Trust); err != nil {
		return nil, err
	}
	quote, err := cfg.Ring.Signer(wire.PurposeQuote, cfg.Ring.Owner())
	if err != nil {
		return nil, err
	}
	service, err := cfg.Ring.Signer(wire.PurposeService, cfg.Ring.Owner())
	if err != nil {
		return nil, err
	}
	cfg.Log = telemetry.Guard(cfg.Log)
	watch, err := newWatch(cfg.Telemetry, cfg.ID)
	if err != nil {
		return nil, err
	}
	p := &Provider{cfg: cfg, quote: quote}
	api := &server{self: cfg.ID, trust: cfg.Trust, key: service, clock: cfg.Clock, log: cfg.Log, watch: watch, handlers: map[string]handler{SubjectQuote: p.onQuote}}
	p.stop, err = cfg.Bus.Serve(context.WithoutCancel(ctx), cfg.ID, api.serve)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Close stops answering.
func (p *Provider) Close() error {
	p.stop()
	return nil
}

// rateDigits is how many significant digits a quoted rate has; reference rates have five or six.
const rateDigits = 9

func (p *Provider) onQuote(_ context.Context, from wire.Key, body []byte) ([]byte, error) {
	if _, member := p.cfg.Trust.Member(from.Owner); !member {
		return nil, notAllowed(from.Title(), "ask for quotes")
	}
	var ask QuoteRequest
	if err := wire.DecodeFields(body, 256, ask.fields); err != nil {
		return nil, err
	}
	sell, errSell := money.ParseCurrency(ask.Sell)
	buy, errBuy := money.ParseCurrency(ask.Buy)
	if err := errors.Join(errSell, errBuy); err != nil {
		return nil, err
	}
	if ask.BuyMinor <= 0 {
		return nil, refusal.Newf(wire.CodeAmountInvalid, "ask for an amount above zero", "a quote for %d minor units", ask.BuyMinor)
	}
	sellBank, okSell := p.cfg.Trust.BankOf(ask.Sell)
	buyBank, okBuy := p.cfg.Trust.BankOf(ask.Buy)
	if !okSell || !okBuy || p.cfg.Accounts[sellBank.ID] == "" || p.cfg.Accounts[buyBank.ID] == "" {
		return nil, refusal.Newf("pair_unknown", "ask another provider", "%s does not quote %s against %s", p.cfg.ID, ask.Buy, ask.Sell)
	}
	reference, _, err := p.cfg.Rates.Cross(p.cfg.On, buy, sell)
	if err != nil {
		return nil, err
	}
	mantissa, scale, err := p.price(reference)
	if err != nil {
		return nil, err
	}
	id, err := randomID()
	if err != nil {
		return nil, err
	}
	now := p.cfg.Clock()
	q := wire.Quote{
		Network: p.cfg.Trust.Network, ID: id, Provider: p.cfg.ID, Taker: from.ID(), SellCurrency: ask.Sell, BuyCurrency: ask.Buy,
		RateMantissa: mantissa, RateScale: scale, Rounding: uint8(money.RoundUp), LeastMinor: 1, MostMinor: ask.BuyMinor,
		SellBank: sellBank.ID, SellAccount: p.cfg.Accounts[sellBank.ID], BuyBank: buyBank.ID, BuyAccount: p.cfg.Accounts[buyBank.ID],
		CreatedMS: now, ExpiresMS: now + p.cfg.FirmForMS,
	}
	envelope, err := p.quote.Sign(wire.TypeQuote, q.Bytes())
	if err != nil {
		return nil, err
	}
	return envelope.Bytes(), nil
}

// price adds the spread to a reference rate, rounded up, in the provider's favour, to rateDigits significant digits.
func (p *Provider) price(reference money.Rate) (mantissa int64, scale uint8, err error) {
	// mantissa/10^scale * (10000+spread)/10000, exactly, then cut down to the digits quoted.
	v := new(big.Int).Mul(big.NewInt(reference.Mantissa()), big.NewInt(10_000+p.cfg.SpreadBPS))
	scale = reference.Scale() + 4
	ten := big.NewInt(10)
	for (len(v.String()) > rateDigits || scale > 18) && scale > 0 {
		rest := new(big.Int)
		v.QuoRem(v, ten, rest)
		if rest.Sign() > 0 {
			v.Add(v, big.NewInt(1))
		}
		scale--
	}
	if !v.IsInt64() {
		return 0, 0, refusal.New(wire.CodeOverflow, "the rate does not fit", "ask another provider")
	}
	return v.Int64(), scale, nil
}
