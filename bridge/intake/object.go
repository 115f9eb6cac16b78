package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"entente/schema/money"
	"entente/settlement/programme"
)

// object is one JSON object, read strictly: every member is known, required and there once. A refusal names its place, such as agreement.json: members[1].bank.
type object struct {
	place   string
	members map[string]json.RawMessage
	order   []string
	wrong   *problems
}

// readDocument reads a JSON file and refuses what is no JSON object, naming the line.
func readDocument(r io.Reader, source string, p *problems, required, optional []string) (object, bool) {
	data, ok := readable(r, source, MaxJSONBytes, p)
	if !ok {
		return object{}, false
	}
	if !utf8.Valid(data) {
		p.refuse(CodeMalformedJSON, source, "save it as UTF-8", "it is not UTF-8")
		return object{}, false
	}
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		line := 1
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			line += bytes.Count(data[:min(int(syntax.Offset), len(data))], []byte("\n"))
		}
		p.refuse(CodeMalformedJSON, source+" line "+strconv.Itoa(line), "write one JSON object", "%v", err)
		return object{}, false
	}
	return readObject(raw, source+":", p, required, optional)
}

// readObject reads raw's members. With required nil any names are accepted.
func readObject(raw json.RawMessage, place string, p *problems, required, optional []string) (object, bool) {
	o := object{place, map[string]json.RawMessage{}, nil, p}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		p.refuse(CodeMalformedJSON, o.at(""), "write it in braces", "an object is due here")
		return o, false
	}
	sound := true
	for decoder.More() {
		token, err := decoder.Token()
		name, isName := token.(string)
		var value json.RawMessage
		if err == nil && isName {
			err = decoder.Decode(&value)
		}
		if err != nil || !isName {
			p.refuse(CodeMalformedJSON, o.at(""), "write valid JSON", "%v", err)
			return o, false
		}
		if _, repeated := o.members[name]; repeated {
			p.refuse(CodeMalformedJSON, o.at(name), "state it once", "it is there twice")
			sound = false
		}
		if required != nil && !slices.Contains(required, name) && !slices.Contains(optional, name) {
			p.refuse(CodeMalformedJSON, o.at(name), "known here are "+strings.Join(slices.Concat(required, optional), ", "), "the name is unknown")
			sound = false
			continue
		}
		o.members[name], o.order = value, append(o.order, name)
	}
	for _, name := range required {
		if _, ok := o.members[name]; !ok {
			p.refuse(CodeMalformedJSON, o.at(name), "state it", "it is missing")
			sound = false
		}
	}
	return o, sound
}

// at names the place of a member, or of the object itself. Names come from outside and are cut.
func (o object) at(name string) string {
	if len(name) > 40 {
		name = name[:40]
	}
	switch {
	case name == "":
		return strings.TrimSuffix(o.place, ":")
	case strings.HasSuffix(o.place, ":"):
		return o.place + " " + strings.ToValidUTF8(name, "")
	}
	return o.place + "." + strings.ToValidUTF8(name, "")
}

func (o object) text(name string) string {
	raw, ok := o.members[name]
	if !ok {
		return "" // its absence was refused already
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		o.wrong.refuse(CodeMalformedJSON, o.at(name), "write it in quotes", "a text is due here")
		return ""
	}
	return *s
}

func (o object) integer(name string) int64 {
	raw, ok := o.members[name]
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		o.wrong.refuse(CodeMalformedJSON, o.at(name), "write it in digits, without quotes, point or exponent", "%.40s is no whole number", raw)
	}
	return n
}

func (o object) date(name string) programme.Date {
	text := o.text(name)
	if text == "" {
		return programme.Date{}
	}
	d, err := programme.ParseDate(text)
	if err != nil {
		o.wrong.addAt(o.at(name), err)
	}
	return d
}

// currency reads an ISO 4217 code, or gives none where it was refused.
func (o object) currency(name string) money.Currency {
	code := o.text(name)
	if code == "" {
		return money.Currency{}
	}
	c, err := money.ParseCurrency(code)
	if err != nil {
		o.wrong.addAt(o.at(name), err)
	}
	return c
}

// amount reads a decimal text in major units. Without a currency, which was refused already, it gives nothing.
func (o object) amount(name string, currency money.Currency) money.Amount {
	if _, there := o.members[name]; !there || currency.IsZero() {
		return money.Zero(currency)
	}
	before := len(o.wrong.found)
	text := o.text(name)
	if len(o.wrong.found) > before {
		return money.Zero(currency)
	}
	a, err := money.Parse(text, currency)
	if err != nil {
		o.wrong.addAt(o.at(name), err)
		return money.Zero(currency)
	}
	return a
}

// list gives the places and values of an array's elements.
func (o object) list(name string) []json.RawMessage {
	raw, ok := o.members[name]
	if !ok {
		return nil
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil || elements == nil {
		o.wrong.refuse(CodeMalformedJSON, o.at(name), "write it in brackets", "a list is due here")
	}
	return elements
}
