package telemetry

import (
	"log/slog"
	"regexp"

	"entente/schema/refusal"
)

// Redacted stands in place of what must not get out.
const Redacted = "[redacted]"

// shape is what the value of a listed key looks like; a value of another shape is not shown.
type shape func(slog.Value) bool

// listed are the only keys whose values get out, with logs and with spans.
var listed = map[string]shape{
	// What kind of thing, and in which state. Codes are lower snake case; none of them is a person's or an account's name.
	"code": word, "kind": word, "state": word, "role": word, "phase": word, "subject": word, "circuit": word, "path": word, "event": word, "type": word,
	"verdict": word,
	// Which house.
	"bank": house, "desk": house, "provider": house, "auditor": house, "service": house, "instance": house, "from": house, "to": house, "author": house,
	"who": house,
	// Which thing, by hashes and random ids.
	"swap": hex, "bill": hex, "message": hex, "instruction": hex, "uetr": uuid, "trace_id": hex, "span_id": hex,
	// How many, how long, how often. Never how much.
	"seq": count, "size": count, "batch": count, "entries": count, "messages": count, "chunk": count, "chunks": count, "attempt": count, "duration": lasting,
	"recovered": truth,
}

var (
	wordShape  = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,47}$`)
	houseShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 -]{0,63}$`)
	hexShape   = regexp.MustCompile(`^([0-9a-f]{8}|[0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64})$`)
	uuidShape  = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

func text(of *regexp.Regexp) shape {
	return func(v slog.Value) bool { return v.Kind() == slog.KindString && of.MatchString(v.String()) }
}

var (
	word  = text(wordShape)
	house = text(houseShape)
	hex   = text(hexShape)
	uuid  = text(uuidShape)
)

func count(v slog.Value) bool {
	return v.Kind() == slog.KindInt64 || v.Kind() == slog.KindUint64
}

func lasting(v slog.Value) bool { return v.Kind() == slog.KindDuration || v.Kind() == slog.KindFloat64 }

func truth(v slog.Value) bool { return v.Kind() == slog.KindBool }

// shown tells whether a key's value gets out as it is.
func shown(key string, v slog.Value) bool {
	is, ok := listed[key]
	return ok && is(v)
}

// Fault gives an error as it may be shown: a refusal as its code, anything else as its text without quotations, numbers, addresses' users and long tokens.
func Fault(err error) string {
	if err == nil {
		return ""
	}
	if code := refusal.CodeOf(err); code != "" {
		return string(code)
	}
	return scrub(err.Error())
}

var scrubbing = []struct {
	found *regexp.Regexp
	with  string
}{
	{regexp.MustCompile(`://[^/\s@]*@`), "://"},
	{regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|'[^']*'"), "[...]"},
	{regexp.MustCompile(`[A-Za-z0-9+/_=-]{24,}`), "[...]"},
	{regexp.MustCompile(`[A-Za-z_-]*[0-9][0-9A-Za-z.,_-]*`), "#"},
}

// textMost is the longest text shown, in bytes.
const textMost = 300

func scrub(s string) string {
	for _, part := range scrubbing {
		s = part.found.ReplaceAllString(s, part.with)
	}
	if len(s) > textMost {
		s = s[:textMost] + "..."
	}
	return s
}
