// Package bus carries bytes between banks, desks and auditors over NATS.
//
// NATS is an untrusted carrier. It may lose, repeat, reorder, hide, delay or invent anything, and so may whoever runs it: the package promises effort and
// nothing else. Receivers verify signatures, drop what they have already seen, and ask again for what is missing; senders hold what they sent in their own
// database and send it again. Nobody may conclude anything from "not found", from silence, or from an acknowledgement given here: an acknowledged message
// is one that this bank's own broker took, no more. Names of senders come from subjects, which anyone may forge.
//
// Three kinds of traffic:
//
//	swap.<network>.<from>.<to>.batch      messages of SWAP/1, kept by the sender's stream for 7 days and read by each peer at its own pace
//	swap.<network>.<from>.<to>.direct     the same messages past the streams, for when a stream is lost or late
//	ask.<network>.<who>                   a request and its answer
//	post.<network>.<programme>.<author>   programme events between desks, kept by one stream for ever
//
// Promised: a message above its limit never leaves; names that could widen a subject are refused; a broker whose settings could reorder or rewrite more
// than the protocol bears is refused by the field's name; a refused publish is reported at once; Close ends every goroutine of the package.
// Message headers are never read. Nats-Msg-Id is not set: a broker may answer "stored" to another body under the same id.
//
// Not promised: delivery, order, or delivery only once. Not checked: who sent a message, or what is in it.
package bus
