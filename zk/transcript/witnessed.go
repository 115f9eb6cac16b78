package transcript

// Witnessed is the largest head of a log that a witness has cosigned. The zero value stands for a log that it has not cosigned yet: the empty tree.
type Witnessed struct {
	Checkpoint
	Note []byte // signed by the log and the witness; nil before the first
	AtMS int64  // when, Unix milliseconds
}

// Contradiction is a pair of heads, both signed by their log, that one append-only log should not have: what a witness keeps as evidence of "split_view".
type Contradiction struct {
	ID     int64
	Origin string
	Kept   []byte // note that the witness had cosigned
	Shown  []byte // note that came later
	// Proven says that the two notes alone convict the log: one size, two roots. Without it somebody may have sent a true head with a false proof, or an old
	// head again; then it is a reason to look, and no more.
	Proven  bool
	Why     string
	AtMS    int64  // Unix milliseconds
	ClearMS int64  // when an operator cleared it; 0 while it stands
	Cleared string // the operator's reason
}
