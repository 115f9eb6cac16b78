package intake

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
)

// FuzzLoad puts a text in the place of one file of a sound data directory: what is accepted can be matched and billed.
func FuzzLoad(f *testing.F) {
	sound := fstest.MapFS{}
	var names []string
	tree := os.DirFS("testdata/euro")
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		sound[name] = &fstest.MapFile{Data: text}
		f.Add(uint8(len(names)), text)
		names = append(names, name)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		changed := fstest.MapFS{}
		for name, file := range sound {
			changed[name] = file
		}
		changed[names[int(which)%len(names)]] = &fstest.MapFile{Data: text}
		e, err := Load(changed)
		if err != nil {
			return
		}
		if err := e.Agreement.Validate(); err != nil {
			t.Fatalf("an agreement that is none: %v", err)
		}
		for _, c := range e.Counts {
			if err := e.Agreement.CheckCount(c); err != nil {
				t.Fatalf("a count that is none: %v", err)
			}
		}
		for _, c := range e.Cases {
			if _, _, err := e.Agreement.Deliveries(c); err != nil {
				t.Fatalf("a case that is none: %v", err)
			}
		}
	})
}
