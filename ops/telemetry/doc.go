// Package telemetry is what a process tells about itself: traces, metrics and logs, and what it never tells.
//
// Promised: of what a caller hands over, only attributes of a closed list get out, and only in the shape the list gives them. Keys, names of persons, amounts,
// account ids and item texts are on no list. Errors get out as their refusal's code, or, for faults, as text without quotations, numbers and long tokens.
// Not checked: the fixed words of a log line or a span's name, which are the programmer's; they lose quotations and numbers all the same.
//
// Telemetry is never trusted: trace contexts come from other houses and decide nothing but which spans are drawn under which.
//
// The trace of a payment has the UETR as its id, and that of a bill the bill's id (their 16 bytes). So whoever knows the payment finds its trace in every house
// that took part, and a process that starts again goes on in the same trace without having kept anything.
package telemetry
