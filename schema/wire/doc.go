// Package wire is what nations agree on in bytes: the one canonical codec, the signed envelope, and every document that is signed, hashed or logged.
//
// A document is a strict TLV: fields in a fixed ascending order, each a 16-bit tag, a 32-bit length and the value, all big-endian:
//
//	00 01 | 00 00 00 08 | 00 00 01 8b cf e5 68 00     tag 1, 8 bytes, a 64-bit integer
//	00 02 | 00 00 00 03 | 49 4e 52                    tag 2, 3 bytes, the text "INR"
//
// No field is optional, unknown, repeated or out of order, and nothing trails. Decoding and encoding are therefore inverse to each other: bytes that decode
// encode to themselves, so a hash over the bytes names the document. Sizes are checked before anything is parsed.
//
// Signatures follow DSSE (Dead Simple Signing Envelope, v1.0.2): Ed25519 (RFC 8032) over the pre-authentication encoding of payload type and payload, so
// that a vote can never be read as a decision. Every payload type may be signed only by keys of the purpose listed for it.
//
// Promised: the bytes of version 1 are frozen, golden vectors hold them. Not checked here: whether a document makes sense to the ledger, the swap or the
// programme it speaks of; the machines do that, after the signature.
package wire
