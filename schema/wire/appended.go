package wire

// Appended is a group of fields that a document gained after it was first written down. Bytes from before lack the group as a whole and stay readable; a
// document that uses none of the group's fields still has the bytes it always had, and so its hash. used tells whether it uses any.
//
// There is one encoding of each value all the same: a group that is there and says nothing is refused. The group is the last of the document, or followed
// by later groups alone, each of which makes the ones before it be written.
func (f *Fields) Appended(used func() bool, walk func(*Fields)) {
	if f.err != nil {
		return
	}
	if !f.reading {
		if used() {
			walk(f)
		}
		return
	}
	if f.offset == len(f.bytes) {
		return
	}
	walk(f)
	if f.err == nil && !used() {
		f.fail(f.last, "fields that say nothing are left out")
	}
}
