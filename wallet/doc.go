// Package wallet is who speaks: the private keys of a bank, a nation or a provider, the files they rest in, and the signatures they make.
//
// A Signer signs with one key of one purpose and refuses everything else. A Ring is all an owner has: signers, identities that open sealed documents, and
// named 32-byte secrets, each in epochs so that a key can follow another. A ring rests in one age file, opened by an unlock file or a passphrase.
//
// Promised: a key file that others can read or replace is refused before it is read; a file is complete or absent, never half written, never overwritten; no
// private value is shown by fmt, slog or encoding/json. Not promised: that memory is wiped; a process that can be read has lost its keys.
// Trusted: the operating system's file permissions, root, and the randomness given.
package wallet

import "entente/schema/refusal"

// The codes of the refusals this package gives, beside those of schema/wire.
const (
	// CodeInsecureKeyFile refuses a key file that somebody else can read, write or replace.
	CodeInsecureKeyFile refusal.Code = "insecure_key_file"
	// CodeKeyFileExists refuses to write where a file stands already.
	CodeKeyFileExists refusal.Code = "key_file_exists"
	// CodeKeyFileMissing refuses to open what is not there.
	CodeKeyFileMissing refusal.Code = "key_file_missing"
	// CodeKeyFileLocked refuses an identity or passphrase the file was not made for.
	CodeKeyFileLocked refusal.Code = "key_file_locked"
	// CodeKeyFileDamaged refuses contents that are not what was written.
	CodeKeyFileDamaged refusal.Code = "key_file_damaged"
	// CodeKeyMissing refuses to act with a key or secret the ring does not hold.
	CodeKeyMissing refusal.Code = "key_missing"
	// CodeKeyRepeated refuses a second key or secret under a name and epoch that is taken.
	CodeKeyRepeated refusal.Code = "key_repeated"
	// CodeKeyForeign refuses to put another owner's key into a ring.
	CodeKeyForeign refusal.Code = "key_foreign"
)
