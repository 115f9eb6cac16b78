package payment

import "strings"

// Diagram draws the table of a payment's life as a Mermaid state diagram. It is made from the table that Step obeys and cannot drift from it.
func Diagram() string {
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n    [*] --> " + string(Drafted) + "\n")
	var final []State
	drawn := map[State]bool{}
	for _, t := range transitions {
		b.WriteString("    " + string(t.From) + " --> " + string(t.To) + " : " + string(t.On))
		if t.If != "" {
			b.WriteString(" [" + string(t.If) + "]")
		}
		b.WriteByte('\n')
		if t.To.Final() && !drawn[t.To] {
			drawn[t.To] = true
			final = append(final, t.To)
		}
	}
	for _, s := range final {
		b.WriteString("    " + string(s) + " --> [*]\n")
	}
	return b.String()
}
