// Package exercise is a joint exercise as its members' desks know it: a fold of the events they signed, from the agreement to the last debt paid.
//
// The way through it:
//
//	Terms             what every member signs: an agreement of package programme, how debts are settled, clocks, arbiters; amended as a further version
//	Event             one act of one person of one nation, with its place among everything that nation said
//	Log.Add           takes verified events, in whatever order and however often they come
//	Log.State         what they say together: versions, orders, lines, cases, bills, debts, and every event that was refused, by name
//	State.Check       whether an own act would be accepted, before it is signed
//	State.Draft       what one member owes another and has no bill yet: a signed receipt is in it by itself
//	State.Ageing, State.Reminders, State.CashOffers   what is owed since when, as of a day
//
// Promised: the state is a function of the set of events. Desks that know the same events know the same state, whatever arrived first, twice or late. Events
// are taken in the order of their ticks, an author's own never before its earlier ones, so that what two nations signed can only be changed by what one of
// them says after it: a proposal may be taken back until the other signs, an offered bill not even then. An event is done whole or refused by a code, and a refused
// event changes nothing. No count is added twice, however many files, devices and repetitions it came in. The bills of a shared category add up to the
// formula over the whole.
//
// Not checked: signatures, and that By is the person who signed; the caller verifies both. An author can take back what it said by saying two things under one
// number, or by a number kept back with a tick above later ones: the first is listed as a fork, the second refuses those later ones by name, and the chain of
// its posts shows both. Not bounded: how far ahead of all others an author sets its ticks. Trusted for dates: an event's own time, which stands in it for all
// to see.
//
// It is a package of its own beside programme because it is another kind of thing: programme holds the formulas, functions of documents, and this is the
// machine that decides which documents stand.
package exercise

import "entente/schema/refusal"

// The codes of the refusals this package gives, beside those of package programme for what is counted and billed.
const (
	// CodeWrongExercise refuses an event of another exercise.
	CodeWrongExercise refusal.Code = "wrong_exercise"
	// CodeOutOfOrder refuses an event whose tick is not above those of its author's earlier events and of what it rests on.
	CodeOutOfOrder refusal.Code = "out_of_order"
	// CodeTermsInvalid refuses terms that cannot be kept.
	CodeTermsInvalid refusal.Code = "terms_invalid"
	// CodeVersionTaken refuses terms whose version is not the next one.
	CodeVersionTaken refusal.Code = "version_taken"
	// CodeNothingInForce refuses what no version of the agreement is in force for.
	CodeNothingInForce refusal.Code = "nothing_in_force"
	// CodeNotInvited refuses a nation that signs before it was invited.
	CodeNotInvited refusal.Code = "not_invited"
	// CodeNotAParty refuses what only other nations may say.
	CodeNotAParty refusal.Code = "not_a_party"
	// CodeUnknownDocument refuses an act on something nobody laid down.
	CodeUnknownDocument refusal.Code = "unknown_document"
	// CodeSigned refuses a signature that is there already, or on what is closed.
	CodeSigned refusal.Code = "already_signed"
	// CodeActInvalid refuses an act whose texts or figures cannot be right.
	CodeActInvalid refusal.Code = "act_invalid"
	// CodeNumberTaken refuses a number its author has used before.
	CodeNumberTaken refusal.Code = "number_taken"
	// CodeUnsigned refuses to go on from what the other side has not signed.
	CodeUnsigned refusal.Code = "not_signed_by_both"
	// CodeOverOrder refuses quantities beyond what was ordered and the tolerance.
	CodeOverOrder refusal.Code = "over_order"
	// CodeSamePerson refuses a person who acts in two of the parts that different persons have: who orders, who receives, who pays.
	CodeSamePerson refusal.Code = "same_person"
	// CodeTallyDiffers refuses a count whose unit or price is not what the same nation counted the same by before.
	CodeTallyDiffers refusal.Code = "tally_differs"
	// CodeDayClosed refuses to close a day twice.
	CodeDayClosed refusal.Code = "day_closed"
	// CodeLineState refuses what a line is not ready for: one that is frozen, billed, discharged or not confirmed.
	CodeLineState refusal.Code = "line_state"
	// CodeCaseState refuses what a case is not ready for: none is open, nobody appealed, or it is decided.
	CodeCaseState refusal.Code = "case_state"
	// CodeOwnProposal refuses a nation that agrees to what it proposed itself.
	CodeOwnProposal refusal.Code = "own_proposal"
	// CodeNotArbiter refuses an award by anybody but the arbiter the agreement names for the two parties.
	CodeNotArbiter refusal.Code = "not_the_arbiter"
	// CodeBillDiffers refuses a bill that is not what its lines come to.
	CodeBillDiffers refusal.Code = "bill_differs"
	// CodeOverRepayment refuses to give back more than is owed.
	CodeOverRepayment refusal.Code = "over_repayment"
	// CodeOffsetEarly refuses an offset the agreement does not allow yet.
	CodeOffsetEarly refusal.Code = "offset_too_early"
	// CodeRateMissing refuses an offset across currencies without a rate of the agreement.
	CodeRateMissing refusal.Code = "rate_missing"
)
