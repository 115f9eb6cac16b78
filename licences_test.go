package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// licencesFile lists what the program and its tests are linked with: module, version, licence and the file in the module that grants it.
const licencesFile = "licences.csv"

// allowedLicences may be linked into a program under the Apache License 2.0 and handed on with it.
var allowedLicences = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// Each licence is known by words that it has and its neighbours lack. A file that fits none, or several, is for a person to read.
var licenceWords = []struct {
	name       string
	has, lacks string
}{
	{"Apache-2.0", "apache license version 2.0", "(not|mozilla) public license"},
	{"BSD-3-Clause", "redistribution and use in source and binary forms.* neither the name", "all advertising materials"},
	{"BSD-2-Clause", "redistribution and use in source and binary forms", "neither the name|all advertising materials"},
	{"ISC", "permission to use, copy, modify, and(/or)? distribute this software", "$^"},
	{"MIT", "permission is hereby granted, free of charge, to any person obtaining a copy", "$^"},
	{"MPL-2.0", "mozilla public license.* version 2.0", "$^"},
	{"GPL", "gnu (lesser |affero )?general public license version", "mozilla public license"},
}

var licenceFileName = regexp.MustCompile(`(?i)^(licen[cs]e|copying)([.-].*)?$`)

// licencesOf names the licences that the files at a module's top grant, in order, and those files.
func licencesOf(module fs.FS) (names, files []string, err error) {
	entries, err := fs.ReadDir(module, ".")
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		if entry.IsDir() || !licenceFileName.MatchString(entry.Name()) {
			continue
		}
		text, err := fs.ReadFile(module, entry.Name())
		if err != nil {
			return nil, nil, err
		}
		files = append(files, entry.Name())
		plain := strings.Join(strings.Fields(strings.ToLower(string(text))), " ")
		for _, licence := range licenceWords {
			if regexp.MustCompile(licence.has).MatchString(plain) && !regexp.MustCompile(licence.lacks).MatchString(plain) && !slices.Contains(names, licence.name) {
				names = append(names, licence.name)
			}
		}
	}
	slices.Sort(names)
	return names, files, nil
}

// A dependency comes in with its licence in the list, and only with one that is allowed.
func TestEveryDependencyHasAnAllowedLicenceAndIsListed(t *testing.T) {
	modules, err := linkedModules()
	if err != nil {
		t.Fatal(err)
	}
	list := "module,version,licence,file\n"
	for _, m := range modules {
		names, files, err := licencesOf(os.DirFS(m.Dir))
		if err != nil {
			t.Fatalf("%s: %v", m.Path, err)
		}
		if complaint := judge(names); complaint != "" {
			t.Errorf("%s %s: %s (%s)", m.Path, m.Version, complaint, strings.Join(files, ", "))
		}
		list += fmt.Sprintf("%s,%s,%s,%s\n", m.Path, m.Version, strings.Join(names, " and "), strings.Join(files, " and "))
	}
	if *update {
		if err := os.WriteFile(licencesFile, []byte(list), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(licencesFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != list {
		t.Errorf("%s is not current: go test . -run Licence -update, and read the diff", licencesFile)
	}
}

func judge(names []string) string {
	if len(names) == 0 {
		return "no licence that is known"
	}
	for _, name := range names {
		if !slices.Contains(allowedLicences, name) {
			return name + " is not on the list of allowed licences"
		}
	}
	return ""
}

type linked struct{ Path, Version, Dir string }

// linkedModules lists the modules whose packages the program and its tests are built from on the platform of its releases, by path.
func linkedModules() ([]linked, error) {
	list := exec.Command("go", "list", "-deps", "-test", "-json=Module", "./...")
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=-mod=readonly")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	found := map[string]linked{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			Module *struct {
				linked
				Main bool
			}
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if p.Module != nil && !p.Module.Main {
			found[p.Module.Path] = p.Module.linked
		}
	}
	var modules []linked
	for _, m := range found {
		modules = append(modules, m)
	}
	slices.SortFunc(modules, func(a, b linked) int { return strings.Compare(a.Path, b.Path) })
	return modules, nil
}

func TestLicencesAreKnownByTheirWords(t *testing.T) {
	const mit = "Permission is hereby granted, free of charge, to any person obtaining\na copy of this software"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"one licence", map[string]string{"LICENSE": mit}, ""},
		{"two licences", map[string]string{"LICENSE": mit, "LICENSE-2.md": "Apache License\n  Version 2.0"}, ""},
		{"none", map[string]string{"README": mit}, "no licence that is known"},
		{"words of its own", map[string]string{"COPYING": "All rights reserved."}, "no licence that is known"},
		{"copyleft", map[string]string{"LICENSE": "GNU Affero General Public License\nVersion 3"}, "GPL is not on the list of allowed licences"},
		{"one allowed and one not", map[string]string{"LICENSE": mit, "COPYING.LESSER": "GNU LESSER GENERAL PUBLIC LICENSE\nVersion 3"}, "GPL is not on the list of allowed licences"},
	} {
		t.Run(test.name, func(t *testing.T) {
			module := fstest.MapFS{}
			for name, text := range test.files {
				module[name] = &fstest.MapFile{Data: []byte(text)}
			}
			names, _, err := licencesOf(module)
			if err != nil || judge(names) != test.want {
				t.Errorf("%q is judged %q, want %q (%v)", names, judge(names), test.want, err)
			}
		})
	}
}
