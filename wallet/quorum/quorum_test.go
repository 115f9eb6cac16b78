package quorum

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"entente/schema/refusal"
	"entente/schema/wire"
)

func user(owner, name string, epoch uint32) wire.Key {
	return wire.Key{Owner: owner, Name: name, Purpose: wire.PurposeUser, Epoch: epoch, Public: make([]byte, 32)}
}

func TestApprovalsOfAPayment(t *testing.T) {
	asha, bina, chen := user("IND", "asha", 1), user("IND", "bina", 1), user("IND", "chen", 1)
	for name, c := range map[string]struct {
		approvers []wire.Key
		approvals int
		code      refusal.Code
	}{
		"one other person approves":                           {[]wire.Key{bina}, 1, ""},
		"two others approve":                                  {[]wire.Key{bina, chen}, 2, ""},
		"more approve than needed":                            {[]wire.Key{chen, bina}, 1, ""},
		"nobody approves":                                     {nil, 1, CodeApprovalMissing},
		"a rule of none still asks for one":                   {nil, 0, CodeApprovalMissing},
		"one approves where two must":                         {[]wire.Key{bina}, 2, CodeApprovalMissing},
		"one approves twice where two must":                   {[]wire.Key{bina, bina}, 2, CodeApprovalMissing},
		"one approves with two keys where two must":           {[]wire.Key{bina, user("IND", "bina", 2)}, 2, CodeApprovalMissing},
		"the maker approves":                                  {[]wire.Key{asha}, 1, CodeSameApprover},
		"the maker approves with a later key":                 {[]wire.Key{user("IND", "asha", 2)}, 1, CodeSameApprover},
		"the maker approves beside enough others":             {[]wire.Key{bina, asha}, 1, CodeSameApprover},
		"somebody of another nation approves":                 {[]wire.Key{user("JPN", "bina", 1)}, 1, CodeApproverForeign},
		"a namesake of the maker in another nation approves":  {[]wire.Key{user("JPN", "asha", 1)}, 1, CodeApproverForeign},
		"a foreigner approves beside enough of the own desk":  {[]wire.Key{bina, user("JPN", "yuki", 1)}, 1, CodeApproverForeign},
		"the foreigner is named before the number is counted": {[]wire.Key{user("JPN", "yuki", 1)}, 3, CodeApproverForeign},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Check(asha, c.approvers, Rule{c.approvals}); refusal.CodeOf(err) != c.code || (c.code == "" && err != nil) {
				t.Errorf("got %v, want %q", err, c.code)
			}
		})
	}
}

func TestAGroup(t *testing.T) {
	supplier, receiver, inspector := Person{"AUS", "supplier"}, Person{"JPN", "receiver"}, Person{"JPN", "inspector"}
	all := []Person{supplier, receiver, inspector}
	for name, c := range map[string]struct {
		group Group
		yes   []Person
		met   bool
	}{
		"two of three":                       {Group{2, all}, []Person{receiver, supplier}, true},
		"one of three where two must":        {Group{2, all}, []Person{receiver}, false},
		"one twice where two must":           {Group{2, all}, []Person{receiver, receiver}, false},
		"strangers do not count":             {Group{1, all}, []Person{{"JPN", "supplier"}, {"AUS", ""}}, false},
		"a group of none is never met":       {Group{0, nil}, all, false},
		"a rule of none is never met":        {Group{0, all}, all, false},
		"more than there are are never met":  {Group{4, all}, all, false},
		"a member listed twice counts once":  {Group{2, []Person{supplier, supplier}}, []Person{supplier}, false},
		"all of three":                       {Group{3, all}, all, true},
		"a negative number is not met early": {Group{-1, all}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.group.Met(c.yes); got != c.met {
				t.Errorf("met is %v", got)
			}
		})
	}
	if got := (Group{3, all}).Silent([]Person{receiver}); !slices.Equal(got, []Person{supplier, inspector}) {
		t.Errorf("silent are %v", got)
	}
}

func persons(most int) *rapid.Generator[[]Person] {
	one := rapid.Custom(func(t *rapid.T) Person {
		return Person{rapid.SampledFrom([]string{"IND", "JPN"}).Draw(t, "owner"), rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name")}
	})
	return rapid.SliceOfN(one, 0, most)
}

func TestAGroupIsMonotoneAndBlindToOrderAndRepetition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Group{rapid.IntRange(-1, 6).Draw(t, "k"), persons(6).Draw(t, "of")}
		yes, more := persons(8).Draw(t, "yes"), persons(4).Draw(t, "more")
		met := g.Met(yes)
		if met && !g.Met(append(slices.Clone(yes), more...)) {
			t.Fatal("a further voice turned yes into no")
		}
		if g.Met(rapid.Permutation(yes).Draw(t, "order")) != met || g.Met(append(slices.Clone(yes), yes...)) != met {
			t.Fatal("order or repetition matters")
		}
		if met != (g.K >= 1 && Count(g.Of)-len(g.Silent(yes)) >= g.K) {
			t.Fatal("Met and Silent disagree")
		}
	})
}

func TestApprovalsAreMonotoneAndBlindToOrderRepetitionAndEpochs(t *testing.T) {
	maker := user("IND", "maker", 1)
	rapid.Check(t, func(t *rapid.T) {
		approver := rapid.Custom(func(t *rapid.T) wire.Key {
			return user("IND", rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "name"), rapid.Uint32Range(1, 3).Draw(t, "epoch"))
		})
		approvers := rapid.SliceOfN(approver, 0, 6).Draw(t, "approvers")
		rule := Rule{rapid.IntRange(0, 4).Draw(t, "approvals")}
		want := refusal.CodeOf(Check(maker, approvers, rule))
		more := append(slices.Clone(approvers), approver.Draw(t, "further"))
		if want == "" && Check(maker, more, rule) != nil {
			t.Fatal("a further approval turned yes into no")
		}
		shuffled := rapid.Permutation(append(slices.Clone(approvers), approvers...)).Draw(t, "order")
		if got := refusal.CodeOf(Check(maker, shuffled, rule)); got != want {
			t.Fatalf("order or repetition matters: %q, %q", got, want)
		}
	})
}
