package exercise

import (
	"testing"

	"entente/schema/wire"
	"entente/settlement/programme"
)

func TestAnExerciseBeginsWhenEveryMemberHasSigned(t *testing.T) {
	d := tell(t)
	d.refused("IND asha", &Count{Tally{"manual", 1, []TallyEntry{entryOf("2023-10-04", "FOOD", "IND", "JPN", "rice", "1", "kg", "1")}}}, programme.CodeUnknownMember)
	created := d.says("IND asha", &Create{harbour()})
	d.refused("JPN kenji", &Sign{created}, CodeNotInvited)
	d.refused("JPN kenji", &Invite{created, "DEU"}, CodeNotAParty)
	d.refused("IND asha", &Invite{created, "USA"}, programme.CodeUnknownMember)
	d.refused("IND asha", &Create{harbour()}, CodeSigned)
	d.says("IND asha", &Invite{created, "JPN"})
	d.refused("IND asha", &Invite{created, "JPN"}, CodeSigned)
	d.says("JPN kenji", &Sign{created})
	d.refused("JPN kenji", &Sign{created}, CodeSigned)
	d.refused("USA joe", &Sign{created}, CodeNotAParty)
	d.refused("JPN kenji", &Sign{wire.Hash{1}}, CodeOutOfOrder)
	for _, n := range []programme.Nation{"DEU", "FRA"} {
		if _, err := d.state().InForce(day("2023-10-04")); err == nil {
			t.Error("it is in force before all have signed")
		}
		d.says("JPN kenji", &Invite{created, n})
		d.says(string(n)+" minister", &Sign{created})
	}
	v, err := d.state().InForce(day("2023-10-04"))
	if err != nil || v.Terms.Version != 1 || len(v.Missing()) != 0 {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := d.state().InForce(day("2023-10-01")); err == nil {
		t.Error("it is in force before it is effective")
	}
	golden(t, "testdata/joining.txt", d.state().Tell())
}
