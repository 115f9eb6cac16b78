package bus

import (
	"strings"

	"entente/schema/refusal"
)

// mostName is the longest name in a subject, in bytes.
const mostName = 64

// checkNames refuses names that could widen a subject or a stream's name: only letters, digits and "-" of ASCII are carried, 1 to 64 of them.
func checkNames(names ...string) error {
	for _, name := range names {
		if name == "" || len(name) > mostName || strings.ContainsFunc(name, unfit) {
			return refusal.Newf(BadName, "use 1 to 64 letters, digits and hyphens", "%.80q cannot be a name on the bus", name)
		}
	}
	return nil
}

func unfit(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-'
}

func (b *Bus) batchSubject(from, to string) string {
	return "swap." + b.options.Network + "." + from + "." + to + ".batch"
}

func (b *Bus) directSubject(from, to string) string {
	return "swap." + b.options.Network + "." + from + "." + to + ".direct"
}

func (b *Bus) askSubject(who string) string { return "ask." + b.options.Network + "." + who }

func (b *Bus) postSubject(programme, author string) string {
	return "post." + b.options.Network + "." + programme + "." + author
}

// Stream and consumer names are joined with "_", which no name holds, so that two lists of names never give the same one.

func (b *Bus) outboxStream(bank string) string { return "SWAP_" + b.options.Network + "_" + bank }

func (b *Bus) postsStream() string { return "POSTS_" + b.options.Network }

// token gives the part of a subject between two dots, "" when there are fewer.
func token(subject string, at int) string {
	parts := strings.Split(subject, ".")
	if at >= len(parts) {
		return ""
	}
	return parts[at]
}
