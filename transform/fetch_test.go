package transform

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// away moves the lake's Parquet files elsewhere and returns what brings them back, one
// when it is asked for.
func (l *lake) away() (fetch func(context.Context, []string) error, fetched map[string]bool) {
	l.t.Helper()
	other := l.t.TempDir()
	for _, root := range []string{"raw", "tables"} {
		err := filepath.WalkDir(filepath.Join(l.dir, root), func(path string, d os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".parquet" {
				return err
			}
			name, err := filepath.Rel(l.dir, path)
			l.move(path, filepath.Join(other, name))
			return err
		})
		if err != nil {
			l.t.Fatal(err)
		}
	}
	fetched = map[string]bool{}
	return func(_ context.Context, paths []string) error {
		for _, path := range paths {
			name, err := filepath.Rel(l.dir, path)
			if err != nil {
				return err
			}
			if _, err := os.Stat(path); err == nil {
				continue
			}
			fetched[name] = true
			if err := os.Link(filepath.Join(other, name), path); err != nil {
				return err
			}
		}
		return nil
	}, fetched
}

func (l *lake) move(from, to string) {
	l.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.Rename(from, to)); err != nil {
		l.t.Fatal(err)
	}
}

// Files that are not on this disk are asked for when a table is built from them, and
// not before.
func TestFilesAreFetchedWhenTheyAreNeeded(t *testing.T) {
	l := newLake(t)
	l.unit("2026-09", lines("2026-09", 5))
	l.unit("2026-10", lines("2026-10", 5))
	l.run(l.options())
	want := l.tree()
	o := l.options()
	var fetched map[string]bool
	o.Fetch, fetched = l.away()
	wantOutcomes(t, l.run(o), Built)
	if len(fetched) > 0 {
		t.Errorf("nothing is to be built, and these were fetched: %v", fetched)
	}
	l.unit("2026-10", lines("2026-10", 6))
	l.run(o)
	for name := range fetched {
		if strings.HasPrefix(name, "raw") {
			t.Errorf("%s is of a month that did not change", name)
		}
	}
	l.unit("2026-10", lines("2026-10", 5))
	l.run(o)
	for name, got := range l.tree() {
		if diff := cmp.Diff(want[name], got); diff != "" {
			t.Errorf("%s is another than with all files on this disk:\n%s", name, diff)
		}
	}
}
