// Package intake reads a data directory: one exercise as its members' offices deliver it, in JSON and CSV, translated into the types of settlement/programme.
//
//	agreement.json              members, categories, shares, period, tolerance, budgets
//	rates.csv                   European Central Bank euro reference rates, in any layout the bank publishes
//	records/<NATION>.csv        one file for each member: its own count of what it supplied and received
//	cases/<CASE>/case.json      optional equipment cases: supplier, receiver, category, title
//	cases/<CASE>/contract.csv   the contract's lines
//	cases/<CASE>/receipts.csv   the receipts signed for them
//
// Further files beside these two, such as a README, are ignored; in records and cases they are refused, so that nothing misnamed is left out unseen.
//
// CSV files have a header line. Its names rule: their order and case are free, further columns are ignored, a missing or repeated one is refused. Text is
// UTF-8, with or without a byte order mark; lines end in LF or CRLF; spaces around a value do not count; the decimal sign is a point.
//
// A count of records may also come as one file, a CSV file or a workbook, in whatever layout a Mapping states: Import.Check reads it as a stream and tells
// every error, or what it comes to; only then Checked.Each gives the records, with what each changes of what is stored. RecordWriter writes such files, and
// WriteTemplate an empty one. Formulas are refused, and nothing that is written begins one.
//
// Promised: sizes are checked before anything is parsed. Everything that can be wrong is checked before anything is used, and all errors are told at once,
// each with its file and line. Nothing is guessed: an unreadable value is refused, never taken for zero.
//
// Not checked: signatures, and whether the reference rates are the bank's. Whoever lays out the directory is trusted for both.
package intake

import "entente/schema/refusal"

// The codes of the refusals this package gives, beside those of schema/money and settlement/programme.
const (
	// CodeMalformedCSV refuses a CSV file, row or value that cannot be read.
	CodeMalformedCSV refusal.Code = "malformed_csv"
	// CodeMalformedJSON refuses a JSON file or member that cannot be read, is unknown or is missing.
	CodeMalformedJSON refusal.Code = "malformed_json"
	// CodeFileMissing refuses a directory without one of its files.
	CodeFileMissing refusal.Code = "file_missing"
	// CodeUnexpectedFile refuses a file that the layout has no place for.
	CodeUnexpectedFile refusal.Code = "unexpected_file"
	// CodeTooLarge refuses a file beyond its limit, before it is parsed.
	CodeTooLarge refusal.Code = "too_large"
	// CodeMalformedXLSX refuses a workbook, sheet or cell that cannot be read.
	CodeMalformedXLSX refusal.Code = "malformed_xlsx"
	// CodeFormula refuses a cell that is calculated, and a text that a spreadsheet program would calculate.
	CodeFormula refusal.Code = "formula_refused"
	// CodeFileChanged refuses a file that says something else than when it was checked.
	CodeFileChanged refusal.Code = "file_changed"
	// CodeRateMissing refuses a day without a reference rate, where no earlier one is near enough either.
	CodeRateMissing refusal.Code = "rate_missing"
)

// The limits of a data directory.
const (
	// MaxJSONBytes bounds agreement.json and each case.json.
	MaxJSONBytes = 1 << 20
	// MaxCSVBytes bounds each CSV file.
	MaxCSVBytes = 64 << 20
	// MaxCases bounds the equipment cases of one exercise.
	MaxCases = 1000
	// MaxReported bounds how many errors are told at once.
	MaxReported = 200
	// MaxFindings bounds how many errors of one imported file are kept, each with its place. All are counted.
	MaxFindings = 10_000
	// MaxRecords bounds the records of one imported file.
	MaxRecords = 500_000
)
