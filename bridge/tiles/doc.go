// Package tiles shows a bank's log to readers over HTTP, in the C2SP tlog-tiles layout, so that standard clients can read it.
//
//	GET /checkpoint                      the newest head that has its cosignatures     everybody
//	GET /tile/<level>/<n>[.p/<width>]    256 hashes, or as many as the width says      everybody
//	GET /tile/entries/<n>[.p/<width>]    the leaves, each after its length in 2 bytes  who presents a reader's token
//
// Where the bytes come from: hashes of leaves from the leaves, at most 256 of them a request; every level above from the nodes that the engine stored with the
// batch that completed them. So a tile costs one query of at most 256 rows, however long the log is, and an entry costs the writer a 256th of a row.
//
// Promised: a tile once served never changes, and a tile beyond the signed head is not served. Hashes tell nothing about entries, which is why they are public;
// a leaf tells kind, time and commitments, and is for mandated readers alone.
//
// Not checked: that the tiles lead to the head. Every client does that, and so does this package before it makes a proof from them.
package tiles
