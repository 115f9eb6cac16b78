package swap

import (
	"fmt"
	"strings"
)

// Diagram draws the table of transitions as a Mermaid state diagram, the initiator's states and the responder's, so that what people look at is what runs.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, role := range []Role{Initiator, Responder} {
		fmt.Fprintf(&b, "    state %q as %s {\n", role.String(), role)
		reached := map[State]bool{}
		for _, t := range Transitions {
			if t.Role == role && !reached[t.To] {
				reached[t.To] = true
				fmt.Fprintf(&b, "        %s: %s\n", node(role, t.To), strings.ToUpper(t.To.String()))
			}
		}
		for _, t := range Transitions {
			if t.Role == role {
				fmt.Fprintf(&b, "        %s --> %s: %s\n", node(role, t.From), node(role, t.To), t.On)
			}
		}
		for _, s := range []State{Settled, Aborted} {
			if reached[s] {
				fmt.Fprintf(&b, "        %s --> [*]\n", node(role, s))
			}
		}
		b.WriteString("    }\n")
	}
	return b.String()
}

// node names a state in the diagram; before the first there is the start.
func node(role Role, s State) string {
	if s == 0 {
		return "[*]"
	}
	return role.String() + "_" + s.String()
}
