package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Current returns the pointer and the manifest in force. The error is fs.ErrNotExist if nothing was published yet.
func Current(ctx context.Context, store Store) (Pointer, Manifest, error) {
	v, err := readVersion(ctx, store)
	if err != nil {
		return Pointer{}, Manifest{}, fmt.Errorf("current(%s): %w", store, err)
	}
	return v.pointer, v.manifest, nil
}

// readVersion reads the pointer and the manifest it names. If only the manifest fails, the pointer is returned with
// the error.
func readVersion(ctx context.Context, store Store) (version, error) {
	v, err := readPointer(ctx, store)
	if err != nil {
		return v, err
	}
	if v.manifest, err = readManifest(ctx, store, v.pointer); err != nil {
		return v, fmt.Errorf("%w: the version in force cannot be read: restore that file, or publish without comparing: azledger load --accept-shrink <reason>", err)
	}
	return v, nil
}

func readPointer(ctx context.Context, store Store) (version, error) {
	data, info, err := ReadSmall(ctx, store, pointerName)
	if err != nil {
		return version{}, err
	}
	v := version{etag: info.ETag, pointed: info.Modified}
	if err := decode(data, &v.pointer); err != nil {
		return version{etag: info.ETag}, fmt.Errorf("%s/%s: %w: restore it, or delete it and publish again: it will name the newest manifest", store, pointerName, err)
	}
	return v, nil
}

// readManifest reads the manifest that a pointer names and holds it to the pointer's hash.
func readManifest(ctx context.Context, store Store, p Pointer) (Manifest, error) {
	data, _, err := ReadSmall(ctx, store, p.Manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("%s/%s names %s, which is not there", store, pointerName, p.Manifest)
	}
	if err != nil {
		return Manifest{}, err
	}
	var m Manifest
	if got := hashBytes(data); got != p.ManifestSHA256 {
		return m, fmt.Errorf("%s/%s: sha256 %s, but %s says %s", store, p.Manifest, got, pointerName, p.ManifestSHA256)
	}
	if err := decode(data, &m); err != nil {
		return m, fmt.Errorf("%s/%s: %w", store, p.Manifest, err)
	}
	if m.Version != p.Version || m.DataCompleteTo != p.DataCompleteTo {
		return m, fmt.Errorf("%s/%s: version %d complete to %q, but %s says %d complete to %q",
			store, p.Manifest, m.Version, m.DataCompleteTo, pointerName, p.Version, p.DataCompleteTo)
	}
	return m, nil
}

// maxSmall is more than any manifest: 40 tables of 84 months with 300 bytes a file make 1 MB.
const maxSmall = 64 << 20

// ReadSmall reads a whole small file, such as a pointer or a manifest, and says what Open said about it.
func ReadSmall(ctx context.Context, store Store, name string) ([]byte, Info, error) {
	r, info, err := store.Open(ctx, name)
	if err != nil {
		return nil, info, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(contextReader{ctx, r}, maxSmall+1))
	switch {
	case err != nil:
		return nil, info, fmt.Errorf("read(%s/%s): %w", store, name, err)
	case len(data) > maxSmall:
		return nil, info, fmt.Errorf("read(%s/%s): more than %d bytes, not one of ours", store, name, maxSmall)
	case int64(len(data)) != info.Size:
		return nil, info, fmt.Errorf("read(%s/%s): %d of %d bytes: try again", store, name, len(data), info.Size)
	}
	return data, info, nil
}

// Fetch returns the path of a local file with the content of f, a file of the manifest in force. It downloads the
// file into the folder cache unless it is there from an earlier Fetch; a download is visible there only when its size
// and hash are right. A file of a Dir is used where it lies if its size is right. Verify compares hashes.
func Fetch(ctx context.Context, store Store, f File, cache string) (string, error) {
	if dir, ok := store.(*Dir); ok {
		return dir.inPlace(f)
	}
	name := filepath.Join(cache, f.SHA256+filepath.Ext(f.Path))
	if info, err := os.Stat(name); err == nil && info.Size() == f.Bytes {
		return name, nil
	}
	err := Download(ctx, store, f, name)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: the manifest in force lists it: azledger load restores it", err)
	}
	if err != nil {
		return "", fmt.Errorf("fetch(%s/%s): %w", store, f.Path, err)
	}
	return name, nil
}

// Download writes f to a file beside name and renames it when its size and its hash are right.
func Download(ctx context.Context, store Store, f File, name string) error {
	r, _, err := store.Open(ctx, f.Path)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), ".fetch-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if err := copyVerified(ctx, temp, r, f.Bytes, f.SHA256); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), name)
}

// A Problem is a file of the version in force that is not what its manifest says.
type Problem struct {
	Table, Period, Path string
	What                string // what was found, and what to do
}

// Verify reads every file of the version in force, parallel at once (0 means 4), and reports those that are missing or hold
// something else. The error is for a check that could not be made.
func Verify(ctx context.Context, store Store, parallel int) ([]Problem, error) {
	_, m, err := Current(ctx, store)
	if err != nil {
		return nil, err
	}
	return VerifyFiles(ctx, store, m.files(), parallel)
}

// VerifyFiles is Verify for some files of the version in force.
func VerifyFiles(ctx context.Context, store Store, files []File, parallel int) ([]Problem, error) {
	if parallel == 0 {
		parallel = 4
	}
	var problems []Problem
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, f := range files {
		group.Go(func() error {
			what, err := wrong(ctx, store, f)
			if err != nil || what == "" {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			problems = append(problems, Problem{tableOf(f), f.Period, f.Path, what + ": publish again to restore it"})
			return nil
		})
	}
	return problems, group.Wait()
}

// tableOf is the table that a published file belongs to: data/<table>/….
func tableOf(f File) string {
	table, _, _ := strings.Cut(strings.TrimPrefix(f.Path, "data/"), "/")
	return table
}

// wrong says what is wrong with a published file, or "".
func wrong(ctx context.Context, store Store, f File) (string, error) {
	got, err := hashStored(ctx, store, f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "missing", nil
	case err != nil:
		return "", err
	case got != f.SHA256:
		return fmt.Sprintf("sha256 %s instead of %s", got, f.SHA256), nil
	}
	return "", nil
}
