package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// faulty is a Store with faults. Without any it is the store it wraps.
type faulty struct {
	Store
	calls atomic.Int64

	at     int64 // the call that fails; 0 is none
	after  bool  // it fails after it has been done: the answer is lost
	dead   bool  // all later calls fail too, as in a crash
	short  bool  // Put stores half the file and reports success
	silent bool  // Put stores nothing and reports success
}

var errFault = errors.New("injected fault")

// step counts a call and does it, or fails, or both.
func (f *faulty) step(do func() error) error {
	n := f.calls.Add(1)
	hit := f.at > 0 && (n == f.at || (f.dead && n > f.at))
	if hit && (!f.after || n > f.at) {
		return errFault
	}
	if err := do(); err != nil {
		return err
	}
	if hit {
		return errFault
	}
	return nil
}

func (f *faulty) Put(ctx context.Context, name string, file LocalFile) error {
	return f.step(func() error {
		if f.silent {
			return nil
		}
		if !f.short {
			return f.Store.Put(ctx, name, file)
		}
		half := file
		half.Path += ".half"
		if err := copyHalf(file, half.Path); err != nil {
			return err
		}
		half, err := HashFile(ctx, half.Path)
		return errors.Join(err, f.Store.Put(ctx, name, half))
	})
}

func copyHalf(file LocalFile, to string) error {
	data, err := os.ReadFile(file.Path)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data[:len(data)/2], 0o666)
}

func (f *faulty) Open(ctx context.Context, name string) (r io.ReadCloser, info Info, err error) {
	err = f.step(func() error {
		var err error
		r, info, err = f.Store.Open(ctx, name)
		return err
	})
	return r, info, err
}

func (f *faulty) Stat(ctx context.Context, name string) (info Info, err error) {
	err = f.step(func() error {
		var err error
		info, err = f.Store.Stat(ctx, name)
		return err
	})
	return info, err
}

func (f *faulty) Swap(ctx context.Context, name string, data []byte, old string) (etag string, err error) {
	err = f.step(func() error {
		var err error
		etag, err = f.Store.Swap(ctx, name, data, old)
		return err
	})
	return etag, err
}

func (f *faulty) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if err := f.step(func() error { return nil }); err != nil {
			yield(Info{}, err)
			return
		}
		f.Store.List(ctx, prefix)(yield)
	}
}

func (f *faulty) Delete(ctx context.Context, name string) error {
	return f.step(func() error { return f.Store.Delete(ctx, name) })
}

// TestFaultAtEveryCall publishes a second version with a fault at the first call, the second, and so on. Whatever
// happens, a reader sees one of the two versions whole, and publishing once more gives the bytes of a run without faults.
func TestFaultAtEveryCall(t *testing.T) {
	stores := map[string]func(t *testing.T) Store{
		"directory": func(t *testing.T) Store { return openDir(t, t.TempDir()) },
		"azure":     func(t *testing.T) Store { return openAzurite(t, newContainer(t), nil) },
	}
	kinds := map[string]struct{ after, dead bool }{
		"fails once": {}, "answer lost once": {after: true}, "dies before": {dead: true}, "dies after": {dead: true, after: true},
	}
	first, second := october(t), november(t)
	for store, open := range stores {
		for kind, fault := range kinds {
			t.Run(store+" "+kind, func(t *testing.T) {
				want := reference(t, first, second)
				if steps := faultAtEachCall(t, open, first, second, want, fault.after, fault.dead); steps < 12 {
					t.Errorf("only %d calls were made", steps)
				}
			})
		}
	}
}

func faultAtEachCall(t *testing.T, open func(*testing.T) Store, first, second string, want map[string]string, after, dead bool) int64 {
	for n := int64(1); ; n++ {
		store := open(t)
		publish(t, store, first, evening)
		f := &faulty{Store: store, at: n, after: after, dead: dead}
		_, err := Publish(t.Context(), f, second, evening)
		if f.calls.Load() < n {
			check(t, err)
			return n - 1
		}
		sound(t, store, 1, 2)
		if pointer, _, _ := Current(t.Context(), store); err == nil && pointer.Version != 2 {
			t.Fatalf("call %d: Publish reports success and version %d is in force", n, pointer.Version)
		}
		publish(t, store, second, evening)
		if diff := cmp.Diff(want, tree(t, store)); diff != "" {
			t.Fatalf("call %d: after publishing again: %s", n, diff)
		}
	}
}

func TestAFalseSuccessIsFoundBeforeThePointer(t *testing.T) {
	first, second := october(t), november(t)
	for name, f := range map[string]*faulty{"half the file": {short: true}, "nothing": {silent: true}} {
		t.Run(name, func(t *testing.T) {
			store := openDir(t, t.TempDir())
			publish(t, store, first, evening)
			f.Store = store
			_, err := Publish(t.Context(), f, second, evening)
			if err == nil || !strings.Contains(err.Error(), "read back") {
				t.Errorf("got %v, want an error of the reading back", err)
			}
			sound(t, store, 1)
			publish(t, store, second, evening)
			sound(t, store, 2)
		})
	}
}

// brokenDisk fails at its n-th step, or does something else there.
type brokenDisk struct {
	disk
	steps *int
	at    int
	fail  func(half func()) error
}

func (b brokenDisk) step(half func()) error {
	*b.steps++
	if *b.steps == b.at {
		return b.fail(half)
	}
	return nil
}

func (b brokenDisk) Create(name string) (*os.File, error) {
	if err := b.step(func() {}); err != nil {
		return nil, err
	}
	return b.disk.Create(name)
}

func (b brokenDisk) Write(f *os.File, p []byte) (int, error) {
	if err := b.step(func() { b.disk.Write(f, p[:len(p)/2]) }); err != nil {
		return 0, err
	}
	return b.disk.Write(f, p)
}

func (b brokenDisk) Sync(f *os.File) error {
	if err := b.step(func() {}); err != nil {
		return err
	}
	return b.disk.Sync(f)
}

func (b brokenDisk) Mkdir(name string) error {
	if err := b.step(func() {}); err != nil {
		return err
	}
	return b.disk.Mkdir(name)
}

func (b brokenDisk) SyncDir(name string) error {
	if err := b.step(func() {}); err != nil {
		return err
	}
	return b.disk.SyncDir(name)
}

func (b brokenDisk) Rename(from, to string) error {
	if err := b.step(func() {}); err != nil {
		return err
	}
	return b.disk.Rename(from, to)
}

func (b brokenDisk) Remove(name string) error {
	if err := b.step(func() {}); err != nil {
		return err
	}
	return b.disk.Remove(name)
}

// TestDiskErrorAtEveryStep fills the disk at each step of publishing to a directory.
func TestDiskErrorAtEveryStep(t *testing.T) {
	first, second := october(t), november(t)
	want := reference(t, first, second)
	for n := 1; ; n++ {
		root := t.TempDir()
		publish(t, openDir(t, root), first, evening)
		steps := 0
		full := func(half func()) error {
			half()
			return &os.PathError{Op: "write", Path: root, Err: syscall.ENOSPC}
		}
		store := &Dir{root: root, disk: brokenDisk{osDisk{}, &steps, n, full}}
		_, err := Publish(t.Context(), store, second, evening)
		if steps < n {
			check(t, err)
			break
		}
		if err != nil && (!errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "bytes are needed") || !strings.Contains(err.Error(), root)) {
			t.Fatalf("step %d: %v", n, err)
		}
		healed(t, fmt.Sprint("step ", n), root, second, want)
	}
}

// reference is what a store holds after two publications without faults.
func reference(t *testing.T, first, second string) map[string]string {
	store := openDir(t, t.TempDir())
	publish(t, store, first, evening)
	publish(t, store, second, evening)
	return tree(t, store)
}

// healed checks that a publication to root that broke off left one version whole, and that the next one completes it
// and sweeps up.
func healed(t *testing.T, what, root, second string, want map[string]string) {
	t.Helper()
	store := openDir(t, root)
	sound(t, store, 1, 2)
	publish(t, store, second, evening)
	if diff := cmp.Diff(want, tree(t, store)); diff != "" {
		t.Fatalf("%s: after publishing again: %s", what, diff)
	}
	check(t, Preflight(t.Context(), store)) // writes, so it sweeps even if there was nothing left to publish
	if left, _ := os.ReadDir(filepath.Join(root, ".tmp")); len(left) > 0 {
		t.Fatalf("%s: left in .tmp: %v", what, left)
	}
}
