package pgserver

import (
	"sync"
	"testing"
)

func TestWorkDirsOfManyAtOnce(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	id := identify("")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 300 {
				w, err := newWorkDir(id)
				if err != nil {
					t.Error(err)
					return
				}
				if err := w.remove(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
}
