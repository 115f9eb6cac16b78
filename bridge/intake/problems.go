package intake

import (
	"errors"
	"fmt"

	"entente/schema/refusal"
)

// problems collects everything that is wrong, so that one reading tells it all.
type problems struct {
	found []error
}

func (p *problems) refuse(code refusal.Code, place, do, format string, args ...any) {
	p.found = append(p.found, refusal.Newf(code, do, "%s: %s", place, fmt.Sprintf(format, args...)))
}

// add takes errors over as they are, joined ones one by one.
func (p *problems) add(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			p.add(e)
		}
		return
	}
	if err != nil {
		p.found = append(p.found, err)
	}
}

// addAt is add with a place put before what each refusal tells.
func (p *problems) addAt(place string, err error) {
	before := len(p.found)
	p.add(err)
	for i, e := range p.found[before:] {
		var r *refusal.Refusal
		if errors.As(e, &r) {
			placed := *r
			placed.What = place + ": " + r.What
			p.found[before+i] = &placed
		} else {
			p.found[before+i] = fmt.Errorf("%s: %w", place, e)
		}
	}
}

// err joins what was found, at most MaxReported of it, or gives nil.
func (p *problems) err() error {
	if more := len(p.found) - MaxReported; more > 0 {
		return errors.Join(append(p.found[:MaxReported:MaxReported], fmt.Errorf("and %d further errors", more))...)
	}
	return errors.Join(p.found...)
}
