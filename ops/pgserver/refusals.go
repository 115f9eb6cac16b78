package pgserver

import "entente/schema/refusal"

// What this package refuses.
const (
	// PostgresMissing: no rung of the ladder gave a usable server; the refusal names the install command.
	PostgresMissing refusal.Code = "postgres_missing"
	// PostgresFailed: initdb or the server ended or did not answer; the refusal carries the last lines of its log.
	PostgresFailed refusal.Code = "postgres_failed"
	// PostgresVersionMismatch: the data directory belongs to another major version.
	PostgresVersionMismatch refusal.Code = "postgres_version_mismatch"
	// DataDirectoryInUse: another server, or another process that holds one, uses the data directory.
	DataDirectoryInUse refusal.Code = "data_directory_in_use"
	// DataDirectoryUnusable: the directory holds something that is not a PostgreSQL cluster, or belongs to another user.
	DataDirectoryUnusable refusal.Code = "data_directory_unusable"
)
