package load

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Files of the set that are not on this disk are asked for when they have to be
// uploaded, and not otherwise.
func TestPublishFetchesWhatItUploads(t *testing.T) {
	store := openDir(t, t.TempDir())
	publish(t, store, october(t), evening)
	set, elsewhere := november(t), t.TempDir()
	check(t, os.CopyFS(elsewhere, os.DirFS(set)))
	check(t, fs.WalkDir(os.DirFS(set), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".parquet" {
			return err
		}
		return os.Remove(filepath.Join(set, name))
	}))
	var fetched []string
	o := evening
	o.Fetch = func(_ context.Context, paths []string) error {
		for _, path := range paths {
			name, err := filepath.Rel(set, path)
			text, rerr := os.ReadFile(filepath.Join(elsewhere, name))
			if err := errors.Join(err, rerr, os.WriteFile(path, text, 0o666)); err != nil {
				return err
			}
			fetched = append(fetched, filepath.Dir(name))
		}
		return nil
	}
	publish(t, store, set, o)
	slices.Sort(fetched)
	if want := []string{"cost/BillingPeriod=2026-10", "cost/BillingPeriod=2026-11"}; !slices.Equal(fetched, want) {
		t.Errorf("fetched %v, want %v", fetched, want)
	}
	sound(t, store, 2)
}

func TestDownloadIsWholeOrNothing(t *testing.T) {
	store := openDir(t, t.TempDir())
	f := localFile(t, "content")
	check(t, store.Put(t.Context(), "data/a.parquet", f))
	name := filepath.Join(t.TempDir(), "new", "a.parquet")
	check(t, Download(t.Context(), store, File{Path: "data/a.parquet", Bytes: f.Size, SHA256: f.SHA256}, name))
	if text, err := os.ReadFile(name); err != nil || string(text) != "content" {
		t.Errorf("got %q, %v", text, err)
	}
	other := filepath.Join(t.TempDir(), "a.parquet")
	if err := Download(t.Context(), store, File{Path: "data/a.parquet", Bytes: f.Size, SHA256: hashBytes([]byte("other"))}, other); err == nil {
		t.Error("other content was accepted")
	}
	if _, err := os.Stat(other); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a damaged file was left: %v", err)
	}
	if err := Download(t.Context(), store, File{Path: "data/none.parquet"}, other); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
