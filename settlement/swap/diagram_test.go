package swap

import "testing"

func TestTheDiagramIsDrawnFromTheTable(t *testing.T) {
	golden(t, "diagram.mmd", Diagram())
}

func TestTheTableHasNoArrowOutOfAFinalState(t *testing.T) {
	for _, arrow := range Transitions {
		if arrow.From.Final() {
			t.Errorf("the %s leaves %s", arrow.Role, arrow.From)
		}
	}
}
