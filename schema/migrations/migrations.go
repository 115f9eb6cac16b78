// Package migrations holds the database schemas of a bank and of a treasury desk as forward-only SQL, embedded in the program.
//
// The schemas are the second line of defence behind the machines: what must never be is a named CHECK, a unique index or a trigger, so that the database
// itself refuses an amount of nothing, an account overdrawn, a hold settled twice, a second decision on a swap, or a change of the journal.
//
// Promised: a file that was released is never edited; what changes comes as the next file. Not here: running them (settlement/postgres).
package migrations

import (
	"embed"
	"io/fs"
)

//go:embed bank/*.sql desk/*.sql
var files embed.FS

// Bank is the schema of one central bank's database: journal, log, swaps, outbox.
var Bank = sub("bank")

// Desk is the schema of one treasury desk's database: journal and documents.
var Desk = sub("desk")

func sub(dir string) fs.FS {
	set, err := fs.Sub(files, dir)
	if err != nil {
		panic("migrations: " + err.Error()) // the folder is named in this file
	}
	return set
}
