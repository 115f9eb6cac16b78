package payment

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/money"
	"entente/schema/refusal"
	"entente/schema/wire"
	"entente/wallet/quorum"
)

func TestAPaymentAcrossCurrenciesIsAuthorised(t *testing.T) {
	w, d := newWorld(t), across()
	p := w.assemble(t, d)
	a, err := Verify(p, w.network, nowMS)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case a.InstructionHash != d.in.Hash() || a.Instruction.PayMinor != 1_000:
		t.Error("another instruction")
	case a.QuoteHash != d.quote.Hash() || a.Quote.ID != d.quote.ID || a.Acceptance.SellMinor != 58_430 || a.DebitMinor() != 58_430:
		t.Error("another quote")
	case a.Maker.Name != "asha" || len(a.Approvers) != 1 || a.Approvers[0].Name != "bina":
		t.Errorf("made by %v, approved by %v", a.Maker, a.Approvers)
	case len(a.Openings) != 2 || a.Openings[1].TotalMinor != 700:
		t.Error("other openings")
	}
	if _, err := Verify(p, w.network, d.quote.ExpiresMS); err != nil {
		t.Errorf("a quote stands until its last millisecond: %v", err)
	}
	var carried wire.Payment
	if err := wire.Decode(p.Bytes(), wire.LimitAttachment, &carried); err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(&carried, w.network, nowMS); err != nil {
		t.Errorf("the package does not survive being carried: %v", err)
	}
}

func TestAPaymentInsideOneCurrencyIsAuthorised(t *testing.T) {
	w, d := newWorld(t), inside()
	a, err := Verify(w.assemble(t, d), w.network, d.in.DeadlineMS)
	if err != nil {
		t.Fatal(err)
	}
	if a.Quote != nil || a.Acceptance != nil || !a.QuoteHash.IsZero() || a.DebitMinor() != 1_000 {
		t.Errorf("got %+v", a)
	}
}

func TestAPaymentThatNeedsTwoApprovalsHasThem(t *testing.T) {
	w, d := newWorld(t), across()
	w.network.Members[0].Approvals = 2
	d.approver = append(d.approver, approver{[]string{"IND/chen"}, d.approver[0].approval})
	if _, err := Verify(w.assemble(t, d), w.network, nowMS); err != nil {
		t.Error(err)
	}
}

// TestABrokenPaymentIsRefused breaks one valid payment in one way at a time.
func TestABrokenPaymentIsRefused(t *testing.T) {
	type breakage struct {
		spoil func(*draftPackage)
		code  refusal.Code
	}
	for name, c := range map[string]breakage{
		// the instruction
		"made by two":                           {func(d *draftPackage) { d.maker = []string{"IND/asha", "IND/chen"} }, CodeSignatureCount},
		"made by nobody":                        {func(d *draftPackage) { d.maker = nil }, wire.CodeSigInvalid},
		"made by a user of the payee":           {func(d *draftPackage) { d.maker = []string{"JPN/yuki"} }, CodeMakerForeign},
		"made with a key nobody pinned":         {func(d *draftPackage) { d.maker = []string{"IND/stranger"} }, wire.CodeKeyUnknown},
		"made for another network":              {func(d *draftPackage) { d.in.Network = "test-2" }, wire.CodeWrongNetwork},
		"of nothing":                            {func(d *draftPackage) { d.in.PayMinor = 0 }, wire.CodeAmountInvalid},
		"with no debit allowed":                 {func(d *draftPackage) { d.in.MaxDebitMinor = 0 }, wire.CodeAmountInvalid},
		"to the payer":                          {func(d *draftPackage) { d.in.Payee = "IND" }, wire.CodeMalformed},
		"with a UETR that is no random UUID":    {func(d *draftPackage) { d.in.UETR = wire.ID{1} }, wire.CodeMalformed},
		"from another nation's account":         {func(d *draftPackage) { d.in.PayerAccount = "BHU-1" }, CodeAccountForeign},
		"from another bank":                     {func(d *draftPackage) { d.in.PayerBank = "BOJ" }, CodeAccountForeign},
		"to another nation's account":           {func(d *draftPackage) { d.in.PayeeAccount = "IND-1" }, CodeAccountForeign},
		"to another bank":                       {func(d *draftPackage) { d.in.PayeeBank = "RBI" }, CodeAccountForeign},
		"to somebody who is no member":          {func(d *draftPackage) { d.in.Payee = "XXX" }, CodeAccountForeign},
		"debited in a currency of another bank": {func(d *draftPackage) { d.in.DebitCurrency = "AUD" }, CodeAccountForeign},
		"debited in a currency of no country":   {func(d *draftPackage) { d.in.DebitCurrency = "XXQ" }, money.CodeUnknownCurrency},
		"paid in a currency of another bank":    {func(d *draftPackage) { d.in.PayCurrency = "AUD" }, CodeAccountForeign},
		"paid in a currency of no country":      {func(d *draftPackage) { d.in.PayCurrency = "XXQ" }, money.CodeUnknownCurrency},
		"past its deadline":                     {func(d *draftPackage) { d.in.DeadlineMS = nowMS - 1 }, CodeExpired},
		"with a bill named twice":               {func(d *draftPackage) { d.in.Bills[1] = d.in.Bills[0] }, CodeBillRepeated},
		"with an opening too few":               {func(d *draftPackage) { d.openings = d.openings[:1] }, CodeBillTotalMismatch},
		"with an opening too many":              {func(d *draftPackage) { d.in.Bills = d.in.Bills[:1]; d.in.PayMinor = 300 }, CodeBillTotalMismatch},
		"without bills":                         {func(d *draftPackage) { d.in.Bills, d.openings = nil, nil }, CodeBillTotalMismatch},
		"with openings in another order":        {func(d *draftPackage) { d.openings[0], d.openings[1] = d.openings[1], d.openings[0] }, CodeBillTotalMismatch},
		"of one minor unit less than the bills": {func(d *draftPackage) { d.openings[1].TotalMinor++ }, CodeBillTotalMismatch},
		"of one minor unit more than the bills": {func(d *draftPackage) { d.openings[1].TotalMinor-- }, CodeBillTotalMismatch},
		"of bills whose sum exceeds 63 bits":    {func(d *draftPackage) { d.openings[1].TotalMinor = 1<<63 - 1 }, CodeBillTotalMismatch},
		"of bills whose sum wraps around to the amount": {func(d *draftPackage) {
			d.in.Bills = append(d.in.Bills, wire.Hash{3})
			d.openings = append(d.openings, wire.TotalOpening{Bill: wire.Hash{3}, TotalMinor: 1_002})
			d.openings[0].TotalMinor, d.openings[1].TotalMinor = 1<<63-1, 1<<63-1
		}, CodeBillTotalMismatch},
		"rejected by its maker":                  {func(d *draftPackage) { d.approver = append(d.approver, rejection("IND/asha")) }, quorum.CodeSameApprover},
		"rejected by a user of the payee":        {func(d *draftPackage) { d.approver = append(d.approver, rejection("JPN/yuki")) }, quorum.CodeApproverForeign},
		"for less debit than the quote takes":    {func(d *draftPackage) { d.in.MaxDebitMinor = 58_429 }, CodeOverDebitLimit},
		"with a rejection beside the approval":   {func(d *draftPackage) { d.approver = append(d.approver, rejection("IND/chen")) }, CodePaymentRejected},
		"with only a rejection":                  {func(d *draftPackage) { d.approver = []approver{rejection("IND/chen")} }, CodePaymentRejected},
		"approved by nobody":                     {func(d *draftPackage) { d.approver = nil }, quorum.CodeApprovalMissing},
		"approved by its maker":                  {func(d *draftPackage) { d.approver[0].by = []string{"IND/asha"} }, quorum.CodeSameApprover},
		"approved by its maker with a later key": {func(d *draftPackage) { d.approver[0].by = []string{"IND/asha2"} }, quorum.CodeSameApprover},
		"approved by a user of the payee":        {func(d *draftPackage) { d.approver[0].by = []string{"JPN/yuki"} }, quorum.CodeApproverForeign},
		"approved with a key nobody pinned":      {func(d *draftPackage) { d.approver[0].by = []string{"IND/stranger"} }, wire.CodeKeyUnknown},
		"with two signatures on one approval":    {func(d *draftPackage) { d.approver[0].by = []string{"IND/bina", "IND/chen"} }, CodeSignatureCount},
		"with an unsigned approval":              {func(d *draftPackage) { d.approver[0].by = nil }, wire.CodeSigInvalid},
		"approved on another network":            {func(d *draftPackage) { d.approver[0].approval.Network = "test-2" }, wire.CodeWrongNetwork},
		"with an approval of something else":     {func(d *draftPackage) { d.rebind = false }, CodeApprovalForeign},

		// the quote
		"quoted on another network":               {func(d *draftPackage) { d.quote.Network = "test-2" }, CodeQuoteForeign},
		"quoted by somebody who is no provider":   {func(d *draftPackage) { d.quote.Provider = "IND" }, CodeQuoteForeign},
		"quoted in another provider's name":       {func(d *draftPackage) { d.quoter = []string{"FXQ/quotes"} }, CodeQuoteForeign},
		"quoted by two providers":                 {func(d *draftPackage) { d.quoter = []string{"FXP/quotes", "FXQ/quotes"} }, CodeSignatureCount},
		"with an unsigned quote":                  {func(d *draftPackage) { d.quoter = nil }, wire.CodeSigInvalid},
		"quoted to another taker":                 {func(d *draftPackage) { d.taker = "IND/spare" }, CodeQuoteForeign},
		"quoted for another sell currency":        {func(d *draftPackage) { d.quote.SellCurrency = "AUD" }, CodeQuoteForeign},
		"quoted for another buy currency":         {func(d *draftPackage) { d.quote.BuyCurrency = "AUD" }, CodeQuoteForeign},
		"quoted on another sell ledger":           {func(d *draftPackage) { d.quote.SellBank = "BOJ" }, CodeQuoteForeign},
		"quoted on another buy ledger":            {func(d *draftPackage) { d.quote.BuyBank = "RBI" }, CodeQuoteForeign},
		"quoted with the payer's account":         {func(d *draftPackage) { d.quote.SellAccount = "IND-1" }, CodeQuoteForeign},
		"quoted with the payee's account":         {func(d *draftPackage) { d.quote.BuyAccount = "JPN-1" }, CodeQuoteForeign},
		"quoted until just now":                   {func(d *draftPackage) { d.quote.ExpiresMS = nowMS - 1 }, CodeQuoteExpired},
		"quoted for larger payments only":         {func(d *draftPackage) { d.quote.LeastMinor = 1_001 }, CodeQuoteAmount},
		"quoted for smaller payments only":        {func(d *draftPackage) { d.quote.MostMinor = 999 }, CodeQuoteAmount},
		"quoted at no rate":                       {func(d *draftPackage) { d.quote.RateMantissa = 0 }, money.CodeRateInvalid},
		"quoted with more digits than a rate has": {func(d *draftPackage) { d.quote.RateScale = 19 }, money.CodeRateInvalid},
		"quoted without a rounding":               {func(d *draftPackage) { d.quote.Rounding = 0 }, money.CodeRoundingUnknown},
		"quoted at a rate that overflows":         {func(d *draftPackage) { d.quote.RateMantissa, d.quote.RateScale = 1<<63-1, 0 }, money.CodeOverflow},
		"quoted so that nothing is debited": {func(d *draftPackage) {
			d.quote.RateMantissa, d.quote.RateScale, d.quote.Rounding = 1, 18, uint8(money.RoundDown)
		}, wire.CodeAmountInvalid},
		"with an unsigned acceptance":              {func(d *draftPackage) { d.accepter = nil }, wire.CodeSigInvalid},
		"accepted by two":                          {func(d *draftPackage) { d.accepter = []string{"IND/desk", "IND/spare"} }, CodeSignatureCount},
		"accepted by a key the quote is not for":   {func(d *draftPackage) { d.accepter = []string{"IND/spare"} }, CodeQuoteForeign},
		"accepted by the payee's desk, its taker":  {func(d *draftPackage) { d.taker, d.accepter = "JPN/desk", []string{"JPN/desk"} }, CodeAcceptanceForeign},
		"accepted on another network":              {func(d *draftPackage) { d.accept.Network = "test-2" }, wire.CodeWrongNetwork},
		"accepted with a larger debit":             {func(d *draftPackage) { d.accept.SellMinor++ }, CodeAcceptanceAmount},
		"accepted with a smaller debit":            {func(d *draftPackage) { d.accept.SellMinor-- }, CodeAcceptanceAmount},
		"accepted for another amount":              {func(d *draftPackage) { d.accept.BuyMinor++ }, CodeAcceptanceAmount},
		"at a rate other than the acceptance says": {func(d *draftPackage) { d.quote.RateMantissa++ }, CodeAcceptanceAmount},
	} {
		t.Run(name, func(t *testing.T) {
			w, d := newWorld(t), across()
			c.spoil(d)
			refuses(t, w, w.assemble(t, d), c.code)
		})
	}
}

func rejection(by string) approver {
	return approver{[]string{by}, wire.Approval{Network: "test-1", Verdict: wire.VerdictReject, Reason: "wrong bill", AtMS: 250}}
}

func refuses(t *testing.T, w *world, p *wire.Payment, code refusal.Code) {
	t.Helper()
	a, err := Verify(p, w.network, nowMS)
	if refusal.CodeOf(err) != code {
		t.Errorf("got %v, want %s", err, code)
	}
	if a != nil {
		t.Error("a refused payment was given out as authorised")
	}
}

// TestAPackageTornApartIsRefused changes the finished package, where signatures no longer fit or parts come from elsewhere.
func TestAPackageTornApartIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		tear func(t *testing.T, w *world, p *wire.Payment)
		code refusal.Code
	}{
		"without a quote":       {func(_ *testing.T, _ *world, p *wire.Payment) { p.Quote = nil }, CodeQuoteMissing},
		"without an acceptance": {func(_ *testing.T, _ *world, p *wire.Payment) { p.Acceptance = nil }, CodeQuoteMissing},
		"with another quote than the accepted one": {func(t *testing.T, w *world, p *wire.Payment) {
			d := across()
			d.quote.ID = wire.ID{3}
			p.Quote = w.assemble(t, d).Quote
		}, CodeAcceptanceForeign},
		"with the acceptance for another instruction": {func(t *testing.T, w *world, p *wire.Payment) {
			d := across()
			d.in.ID = wire.ID{3}
			p.Acceptance = w.assemble(t, d).Acceptance
		}, CodeAcceptanceForeign},
		"with the approval of another instruction": {func(t *testing.T, w *world, p *wire.Payment) {
			d := across()
			d.in.ID = wire.ID{3}
			p.Approvals = w.assemble(t, d).Approvals
		}, CodeApprovalForeign},
		"with a flipped bit in the instruction": {func(_ *testing.T, _ *world, p *wire.Payment) { p.Instruction.Payload[30] ^= 1 }, wire.CodeSigInvalid},
		"with a flipped bit in an approval":     {func(_ *testing.T, _ *world, p *wire.Payment) { p.Approvals[0].Payload[30] ^= 1 }, wire.CodeSigInvalid},
		"with an approval in the instruction's place": {func(_ *testing.T, _ *world, p *wire.Payment) {
			p.Instruction = p.Approvals[0]
		}, wire.CodeSigInvalid},
		"with a signed quote that is no quote": {func(t *testing.T, w *world, p *wire.Payment) {
			e := w.sign(t, wire.TypeQuote, []byte("cheap"), []string{"FXP/quotes"})
			p.Quote = e.Bytes()
		}, wire.CodeMalformed},
		"with a signed instruction that is none": {func(t *testing.T, w *world, p *wire.Payment) {
			p.Instruction = w.sign(t, wire.TypeInstruction, []byte("pay"), []string{"IND/asha"})
		}, wire.CodeMalformed},
		"with a signed approval that is none": {func(t *testing.T, w *world, p *wire.Payment) {
			p.Approvals[0] = w.sign(t, wire.TypeApproval, []byte("yes"), []string{"IND/bina"})
		}, wire.CodeMalformed},
		"with a signed acceptance that is none": {func(t *testing.T, w *world, p *wire.Payment) {
			e := w.sign(t, wire.TypeAcceptance, []byte("yes"), []string{"IND/desk"})
			p.Acceptance = e.Bytes()
		}, wire.CodeMalformed},
		"with a quote that is no envelope":       {func(_ *testing.T, _ *world, p *wire.Payment) { p.Quote = []byte("cheap") }, wire.CodeMalformed},
		"with an acceptance that is no envelope": {func(_ *testing.T, _ *world, p *wire.Payment) { p.Acceptance = []byte("yes") }, wire.CodeMalformed},
		"with a quote of 17 KiB":                 {func(_ *testing.T, _ *world, p *wire.Payment) { p.Quote = make([]byte, 17<<10) }, wire.CodeTooLarge},
		"with one approval twice where two are due": {func(_ *testing.T, w *world, p *wire.Payment) {
			w.network.Members[0].Approvals = 2
			p.Approvals = append(p.Approvals, p.Approvals[0])
		}, quorum.CodeApprovalMissing},
		"by a nation that left":     {func(_ *testing.T, w *world, _ *wire.Payment) { w.network.Members = w.network.Members[1:] }, CodeMakerForeign},
		"with a provider that left": {func(_ *testing.T, w *world, _ *wire.Payment) { w.network.Providers = w.network.Providers[1:] }, CodeQuoteForeign},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.assemble(t, across())
			c.tear(t, w, p)
			refuses(t, w, p, c.code)
		})
	}
}

func TestABrokenPaymentInsideOneCurrencyIsRefused(t *testing.T) {
	t.Run("with a quote nobody needs", func(t *testing.T) {
		w := newWorld(t)
		p := w.assemble(t, inside())
		p.Quote = w.assemble(t, across()).Quote
		refuses(t, w, p, CodeQuoteForeign)
	})
	t.Run("of more than its largest debit", func(t *testing.T) {
		w, d := newWorld(t), inside()
		d.in.MaxDebitMinor = 999
		refuses(t, w, w.assemble(t, d), CodeOverDebitLimit)
	})
}

func TestTheRefusalNamesTheLeastPayableAmount(t *testing.T) {
	w, d := newWorld(t), across()
	d.quote.LeastMinor = 2_500
	_, err := Verify(w.assemble(t, d), w.network, nowMS)
	if err == nil || !strings.Contains(err.Error(), "the least that can be paid is 2500 JPY, the most 5000 JPY") {
		t.Errorf("got %v", err)
	}
}

func TestTheRefusalNamesWhoIsNoMember(t *testing.T) {
	w, d := newWorld(t), across()
	d.in.Payee = "XXX"
	_, err := Verify(w.assemble(t, d), w.network, nowMS)
	if err == nil || !strings.Contains(err.Error(), "the payee XXX is no member") {
		t.Errorf("got %v", err)
	}
}

func TestWhatAQuoteTakes(t *testing.T) {
	for name, c := range map[string]struct {
		sell, buy string
		mantissa  int64
		scale     uint8
		rounding  money.Rounding
		buyMinor  int64
		want      int64
	}{
		"yen into rupees has two digits more":       {"INR", "JPY", 5843, 4, money.RoundUp, 1_000, 58_430},
		"rupees into yen has two digits less":       {"JPY", "INR", 17115, 4, money.RoundHalfEven, 58_430, 1_000},
		"dollars into rupees":                       {"INR", "AUD", 558_012, 4, money.RoundUp, 12_345, 688_866},
		"a hair above rounds up":                    {"INR", "JPY", 58_430_001, 8, money.RoundUp, 1, 59},
		"a hair above rounds down":                  {"INR", "JPY", 58_430_001, 8, money.RoundDown, 1, 58},
		"half goes to the even neighbour":           {"INR", "JPY", 585, 3, money.RoundHalfEven, 1, 58},
		"half goes up":                              {"INR", "JPY", 585, 3, money.RoundHalfUp, 1, 59},
		"three digits of dinar into none of yen":    {"JPY", "KWD", 500, 0, money.RoundUp, 1_001, 501},
		"rounding up, something is always debited":  {"JPY", "INR", 1, 18, money.RoundUp, 1, 1},
		"the largest amount that an int64 can hold": {"INR", "AUD", 1, 0, money.RoundDown, 1<<63 - 1, 1<<63 - 1},
	} {
		t.Run(name, func(t *testing.T) {
			q := &wire.Quote{SellCurrency: c.sell, BuyCurrency: c.buy, RateMantissa: c.mantissa, RateScale: c.scale, Rounding: uint8(c.rounding), MostMinor: 1<<63 - 1}
			got, err := SellMinor(q, c.buyMinor)
			if err != nil || got != c.want {
				t.Errorf("got %d, %v, want %d", got, err, c.want)
			}
		})
	}
	for _, pair := range [][2]string{{"XXQ", "JPY"}, {"INR", "XXQ"}} {
		if _, err := SellMinor(&wire.Quote{SellCurrency: pair[0], BuyCurrency: pair[1]}, 1); refusal.CodeOf(err) != money.CodeUnknownCurrency {
			t.Errorf("%v gives %v", pair, err)
		}
	}
}

func TestNoChangedByteOfAPackageIsAuthorised(t *testing.T) {
	w := newWorld(t)
	good := w.assemble(t, across()).Bytes()
	rapid.Check(t, func(t *rapid.T) {
		changed := bytes.Clone(good)
		at, bit := rapid.IntRange(0, len(good)-1).Draw(t, "at"), rapid.IntRange(0, 7).Draw(t, "bit")
		changed[at] ^= 1 << bit
		var p wire.Payment
		if wire.Decode(changed, wire.LimitAttachment, &p) != nil {
			return
		}
		// The blindings are opened against the bills by the ledger; nothing else may change.
		a, err := Verify(&p, w.network, nowMS)
		if err == nil && a.Openings[0].Blinding == [32]byte{} && a.Openings[1].Blinding == [32]byte{} {
			t.Fatalf("authorised with byte %d changed", at)
		}
		if err != nil && refusal.CodeOf(err) == "" {
			t.Fatalf("not a refusal: %v", err)
		}
	})
}
