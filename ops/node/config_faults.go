package node

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"entente/schema/refusal"
)

// configFaults collects what is wrong with a configuration file.
type configFaults struct {
	path       string
	content    []byte
	lines      map[string]int  // where a field stands
	unreadable map[string]bool // fields whose value could not be read, so that nothing more is said of them
	all        []configFault
}

// configFault is one of them. Line is 0 for a field that is not there.
type configFault struct {
	line int
	err  error
}

// add notes a fault of a field, such as quotes.on.
func (f *configFaults) add(field, do, format string, args ...any) {
	outer, _, _ := strings.Cut(field, ".")
	if f.unreadable[outer] || f.unreadable[field] {
		return
	}
	line, place := f.lines[field], f.path
	if line > 0 {
		place = fmt.Sprintf("%s line %d", f.path, line)
	}
	f.all = append(f.all, configFault{line, refusal.Newf(CodeConfigInvalid, do, "%s: %s: %s", place, field, fmt.Sprintf(format, args...))})
}

// due notes a field without which the process cannot run.
func (f *configFaults) due(field, value string) {
	if value == "" {
		f.add(field, "add it", "is missing")
	}
}

// address notes what is given and is no address of one of these schemes. It is not repeated: an address may hold more than a log should.
func (f *configFaults) address(field, value string, schemes ...string) {
	u, err := url.Parse(value)
	if value != "" && (err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" && u.RawQuery == "") {
		f.add(field, "write it as "+schemes[0]+"://host:port", "is no address of that kind")
	}
}

// err joins the faults: those that stand somewhere from top to bottom, then what is not there.
func (f *configFaults) err() error {
	rank := func(c configFault) int {
		if c.line == 0 {
			return math.MaxInt
		}
		return c.line
	}
	slices.SortStableFunc(f.all, func(a, b configFault) int { return cmp.Compare(rank(a), rank(b)) })
	var all []error
	for _, c := range f.all {
		all = append(all, c.err)
	}
	return errors.Join(all...)
}

func (f *configFaults) line(offset int64) int {
	return 1 + bytes.Count(f.content[:min(offset, int64(len(f.content)))], []byte("\n"))
}

// decode reads the file's one object into c and notes every field that is unknown, stands twice or cannot be read. Text that is no JSON is refused at once.
func (f *configFaults) decode(c *Config) error {
	var whole json.RawMessage
	if err := json.Unmarshal(f.content, &whole); err != nil {
		at, what := int64(len(f.content)), err.Error()
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) && syntax.Offset > 0 {
			at = syntax.Offset - 1
		}
		return refusal.Newf(CodeConfigInvalid, "leave one JSON object in the file", "%s line %d: %s", f.path, f.line(at), what)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(f.content), []byte("{")) {
		return refusal.Newf(CodeConfigInvalid, "leave one JSON object in the file", "%s: holds no object", f.path)
	}
	return f.object("", 0, f.content, reflect.ValueOf(c).Elem())
}

// object reads the fields of an object that stands at an offset of the file.
func (f *configFaults) object(prefix string, base int64, text []byte, into reflect.Value) error {
	fields := map[string]reflect.Value{}
	for i := range into.NumField() {
		if name, _, _ := strings.Cut(into.Type().Field(i).Tag.Get("json"), ","); name != "" {
			fields[name] = into.Field(i)
		}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("read the configuration file: %w", err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return fmt.Errorf("read the configuration file: %w", err)
		}
		name := prefix + key.(string) // the text is valid JSON, so a key is a string
		line := f.line(base + d.InputOffset())
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("read the configuration file: %w", err)
		}
		field, known := fields[key.(string)]
		switch {
		case !known:
			f.lines[name] = line
			f.add(name, "leave it out, or correct its spelling", "is no field of a configuration")
		case f.lines[name] > 0:
			f.add(name, "leave one of them", "stands again on line %d", line)
		default:
			f.lines[name] = line
			if err := f.value(name, base+d.InputOffset()-int64(len(value)), value, field); err != nil {
				return err
			}
		}
	}
	return nil
}

// value reads one field.
func (f *configFaults) value(name string, base int64, text []byte, into reflect.Value) error {
	if t := into.Type(); (t == reflect.TypeFor[*QuoteConfig]() || t == reflect.TypeFor[*LogConfig]()) && text[0] == '{' {
		into.Set(reflect.New(into.Type().Elem()))
		return f.object(name+".", base, text, into.Elem())
	}
	err := json.Unmarshal(text, into.Addr().Interface())
	if err == nil {
		return nil
	}
	what := err.Error()
	var kind *json.UnmarshalTypeError
	var refused *refusal.Refusal
	switch {
	case errors.As(err, &kind):
		what = fmt.Sprintf("is %s where %s is due", givenKind(kind.Value), dueKind(kind.Type))
	case errors.As(err, &refused):
		what = refused.What
	}
	f.add(name, "correct it", "%s", what)
	f.unreadable[name] = true
	return nil
}

// givenKind names what JSON calls a value: "string", "number 1.5", "array".
func givenKind(value string) string {
	switch value {
	case "string":
		return "a text"
	case "bool":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "an object"
	}
	return "a " + value
}

func dueKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	}
	return "an object"
}
