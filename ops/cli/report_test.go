package cli

import "testing"

func TestTheReportNamesTheProgramAsItsReaderDoes(t *testing.T) {
	const hash = "8fa8550de58a913050e86e4c3664c10ac0ddc2e71e1b3e7b2d2fc0142817b427"
	for name, want := range map[string]string{
		"entente":   "entente",
		"./entente": "./entente",
		"/tmp/go-build4127935032/b001/exe/entente":            "go run .",
		"/home/ann/.cache/go-build/8f/" + hash + "-d/entente": "go run .",
		"/home/ann/go-build/entente":                          "/home/ann/go-build/entente",
		"/home/ann and bob/entente":                           "'/home/ann and bob/entente'",
		"it's":                                                `'it'\''s'`,
	} {
		if got := called(name); got != want {
			t.Errorf("%q is called %s, want %s", name, got, want)
		}
	}
}
