// Package dataset carries the exercise that ships with the project: a data directory in the layout of bridge/intake, embedded, so that the demonstration
// runs from the binary alone. The exercise is fictional; SOURCES.md beside it says where each price level comes from.
//
// Promised: the directory loads. Nothing in the program knows what it contains; any other directory of the same layout takes its place.
package dataset

import (
	"embed"
	"io/fs"
)

//go:embed agreement.json rates.csv records cases SOURCES.md
var files embed.FS

// Files gives the data directory.
func Files() fs.FS { return files }
