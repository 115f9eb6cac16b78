// Package cli is Entente's commands: what people type, what they read, and what the exit code means.
//
//	0  done, or proven valid
//	1  failed, refused, or proven invalid
//	2  could not be decided, or the command line was wrong
//
// Results go to standard output, everything else (progress, warnings, errors) to standard error. With --json the last line of standard output is one object.
package cli
