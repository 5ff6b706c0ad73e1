package load

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// A Dir is a Store in a directory. Beside the published files it keeps
//
//	.lock     locked (flock) while a name is taken or the pointer exchanged; the lock ends with its process
//	.tmp/     files being written, each locked by its writer, so that one without a lock is a dead writer's
//
// A file is written to .tmp, synced, renamed, and the directories above it synced, so after a power cut it is whole
// or not there. The ETag of a file is the SHA-256 of its content.
type Dir struct {
	root  string
	disk  disk
	sweep sync.Once
}

// A disk does the steps after which a crash would find something different. Tests stop or fail it at each.
type disk interface {
	Create(name string) (*os.File, error)
	Write(f *os.File, p []byte) (int, error)
	Sync(f *os.File) error
	Mkdir(name string) error
	SyncDir(name string) error
	Rename(from, to string) error
	Remove(name string) error
}

// OpenDir returns the store in the directory root, which is created when something is written.
func OpenDir(root string) (*Dir, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("open(%s): not a directory", root)
	}
	return &Dir{root: abs, disk: osDisk{}}, nil
}

func (d *Dir) String() string { return d.root }

// Put implements Store. It hashes what it copies, so a file that changed since it was hashed is refused.
func (d *Dir) Put(ctx context.Context, name string, f LocalFile) error {
	if err := d.put(ctx, name, f); err != nil {
		return fmt.Errorf("put(%s): %w", filepath.Join(d.root, name), diskAdvice(err, f.Size))
	}
	return nil
}

func (d *Dir) put(ctx context.Context, name string, f LocalFile) error {
	final, err := d.path(name)
	if err != nil {
		return err
	}
	there, err := d.holds(ctx, final, f.SHA256)
	if err != nil {
		return err
	}
	if there {
		return d.syncUp(final)
	}
	local, err := os.Open(f.Path)
	if err != nil {
		return err
	}
	defer local.Close()
	temp, err := d.temp(ctx)
	if err != nil {
		return err
	}
	defer d.discard(temp)
	if err := copyVerified(ctx, diskWriter{d.disk, temp}, local, f.Size, f.SHA256); err != nil {
		return fmt.Errorf("%s: %w", f.Path, err)
	}
	return d.place(ctx, temp, final, f.SHA256)
}

// place gives the finished temp its name, unless someone was faster.
func (d *Dir) place(ctx context.Context, temp *os.File, final, sha string) error {
	if err := d.disk.Sync(temp); err != nil {
		return err
	}
	unlock, err := d.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	there, err := d.holds(ctx, final, sha)
	if err != nil {
		return err
	}
	if !there {
		if err := d.rename(temp, final); err != nil {
			return err
		}
	}
	return d.syncUp(final)
}

// holds says whether the file is there with this content. Other content is ErrExists.
func (d *Dir) holds(ctx context.Context, final, sha string) (bool, error) {
	got, _, err := hashLocal(ctx, final)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case got != sha:
		return false, fmt.Errorf("%w: sha256 %s instead of %s", ErrExists, got, sha)
	}
	return true, nil
}

// Open implements Store. The ETag of what is returned must be that of the same content, so a small file is read at once.
func (d *Dir) Open(ctx context.Context, name string) (io.ReadCloser, Info, error) {
	final, err := d.path(name)
	if err != nil {
		return nil, Info{}, err
	}
	f, err := os.Open(final)
	if err != nil {
		return nil, Info{}, err
	}
	stat, err := f.Stat()
	if err != nil || stat.Size() > 1<<20 {
		return f, described(name, stat), err
	}
	defer f.Close()
	data, err := io.ReadAll(contextReader{ctx, f})
	info := described(name, stat)
	info.Size, info.SHA256 = int64(len(data)), hashBytes(data)
	info.ETag = info.SHA256
	return io.NopCloser(bytes.NewReader(data)), info, err
}

// described is what the file system knows about a file without reading it; stat may be nil.
func described(name string, stat fs.FileInfo) Info {
	if stat == nil {
		return Info{Name: name}
	}
	return Info{Name: name, Size: stat.Size(), Modified: stat.ModTime()}
}

// Stat implements Store. It reads the file to its end, for a directory has no other way to know what it holds.
func (d *Dir) Stat(ctx context.Context, name string) (Info, error) {
	final, err := d.path(name)
	if err != nil {
		return Info{}, err
	}
	sha, size, err := hashLocal(ctx, final)
	return Info{Name: name, Size: size, ETag: sha, SHA256: sha}, err
}

// Swap implements Store.
func (d *Dir) Swap(ctx context.Context, name string, data []byte, old string) (string, error) {
	etag, err := d.swap(ctx, name, data, old)
	if err != nil {
		return "", fmt.Errorf("swap(%s): %w", filepath.Join(d.root, name), diskAdvice(err, int64(len(data))))
	}
	return etag, nil
}

func (d *Dir) swap(ctx context.Context, name string, data []byte, old string) (string, error) {
	final, err := d.path(name)
	if err != nil {
		return "", err
	}
	temp, err := d.temp(ctx)
	if err != nil {
		return "", err
	}
	defer d.discard(temp)
	if _, err := d.disk.Write(temp, data); err != nil {
		return "", err
	}
	if err := d.disk.Sync(temp); err != nil {
		return "", err
	}
	unlock, err := d.lock(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	now, _, err := hashLocal(ctx, final)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if now != old {
		return "", ErrChanged
	}
	if err := d.rename(temp, final); err != nil {
		return "", err
	}
	return hashBytes(data), d.syncUp(final)
}

// List implements Store.
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		start := filepath.Join(d.root, filepath.FromSlash(path.Dir(prefix+"x")))
		err := filepath.WalkDir(start, func(file string, entry fs.DirEntry, err error) error {
			if err := errors.Join(ctx.Err(), ignoreNotExist(err)); err != nil {
				return err
			}
			if entry == nil {
				return nil
			}
			return d.visit(file, entry, prefix, yield)
		})
		if err != nil {
			yield(Info{}, fmt.Errorf("list(%s): %w", start, err))
		}
	}
}

// visit yields one file of a walk, unless it is none of the published ones.
func (d *Dir) visit(file string, entry fs.DirEntry, prefix string, yield func(Info, error) bool) error {
	if strings.HasPrefix(entry.Name(), ".") && file != d.root {
		if entry.IsDir() {
			return fs.SkipDir
		}
		return nil
	}
	rel, err := filepath.Rel(d.root, file)
	name := filepath.ToSlash(rel)
	if err != nil || entry.IsDir() || !strings.HasPrefix(name, prefix) {
		return err
	}
	info, err := entry.Info()
	if err != nil {
		return ignoreNotExist(err)
	}
	if !yield(described(name, info), nil) {
		return fs.SkipAll
	}
	return nil
}

// Delete implements Store.
func (d *Dir) Delete(_ context.Context, name string) error {
	final, err := d.path(name)
	if err != nil {
		return err
	}
	if err := ignoreNotExist(d.disk.Remove(final)); err != nil {
		return err
	}
	return ignoreNotExist(d.disk.SyncDir(filepath.Dir(final)))
}

// path is where a name lies. A name that would lead out of the root, or to our own files, is refused.
func (d *Dir) path(name string) (string, error) {
	if !fs.ValidPath(name) || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
		return "", fmt.Errorf("%q is no name for a published file", name)
	}
	return filepath.Join(d.root, filepath.FromSlash(name)), nil
}

// inPlace is the path of a published file, if it has the right size.
func (d *Dir) inPlace(f File) (string, error) {
	final, err := d.path(f.Path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(final)
	if err != nil {
		return "", fmt.Errorf("%w: the manifest in force lists it: azledger load restores it", err)
	}
	if info.Size() != f.Bytes {
		return "", fmt.Errorf("%s: %d bytes instead of %d: azledger load restores it", final, info.Size(), f.Bytes)
	}
	return final, nil
}

// lock waits for the store's lock. The kernel drops it when the process dies, so it is never stale.
func (d *Dir) lock(ctx context.Context) (unlock func(), err error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	f, err := os.OpenFile(filepath.Join(d.root, ".lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock(%s): %w: the file system cannot lock files", f.Name(), err)
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("lock(%s): %w: another process is writing there", f.Name(), context.Cause(ctx))
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// temp creates a locked file in .tmp. It does so under the store's lock, so that no sweep comes between creating the file and
// locking it.
func (d *Dir) temp(ctx context.Context) (*os.File, error) {
	dir := filepath.Join(d.root, ".tmp")
	if err := d.mkdirs(dir); err != nil {
		return nil, err
	}
	unlock, err := d.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	d.sweep.Do(func() { d.removeDead(dir) })
	f, err := d.disk.Create(filepath.Join(dir, rand.Text()))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		d.discard(f)
		return nil, fmt.Errorf("lock(%s): %w", f.Name(), err)
	}
	return f, nil
}

// removeDead removes the files of writers that died. What cannot be removed is harmless and stays.
func (d *Dir) removeDead(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = d.disk.Remove(f.Name()) // the next publisher tries again
		}
		f.Close()
	}
}

// discard ends a temp. If it was renamed there is nothing left to remove.
func (d *Dir) discard(temp *os.File) {
	_ = d.disk.Remove(temp.Name()) // the next publisher does, see above
	temp.Close()
}

func (d *Dir) rename(temp *os.File, final string) error {
	if err := d.mkdirs(filepath.Dir(final)); err != nil {
		return err
	}
	return d.disk.Rename(temp.Name(), final)
}

// mkdirs creates a directory below the root, and the root.
func (d *Dir) mkdirs(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := d.mkdirs(parent); err != nil {
			return err
		}
	}
	if err := d.disk.Mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.disk.SyncDir(filepath.Dir(dir))
}

// syncUp syncs the directories from a file's own up to the root: a writer that died may have left any of them unsynced.
func (d *Dir) syncUp(final string) error {
	for dir := filepath.Dir(final); ; dir = filepath.Dir(dir) {
		if err := d.disk.SyncDir(dir); err != nil {
			return err
		}
		if dir == d.root {
			return nil
		}
	}
}

// copyVerified copies r to w and fails if it was not this size and hash.
func copyVerified(ctx context.Context, w io.Writer, r io.Reader, size int64, sha256Hex string) error {
	sha := sha256.New()
	n, err := copyContext(ctx, io.MultiWriter(w, sha), r)
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(sha.Sum(nil)); n != size || got != sha256Hex {
		return fmt.Errorf("%d bytes with sha256 %s instead of %d bytes with %s: damaged or changed meanwhile", n, got, size, sha256Hex)
	}
	return nil
}

// diskAdvice says what to do about an error of the disk.
func diskAdvice(err error, size int64) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %d bytes are needed: free some space and publish again", err, size)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: mount it for writing or publish to another directory", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: let user %d write there or publish to another directory", err, os.Getuid())
	}
	return err
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

type diskWriter struct {
	disk disk
	f    *os.File
}

func (w diskWriter) Write(p []byte) (int, error) { return w.disk.Write(w.f, p) }

// osDisk is the real disk.
type osDisk struct{}

func (osDisk) Create(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o666)
}
func (osDisk) Write(f *os.File, p []byte) (int, error) { return f.Write(p) }
func (osDisk) Sync(f *os.File) error                   { return f.Sync() }
func (osDisk) Mkdir(name string) error                 { return os.Mkdir(name, 0o777) }
func (osDisk) Rename(from, to string) error            { return os.Rename(from, to) }
func (osDisk) Remove(name string) error                { return os.Remove(name) }

func (osDisk) SyncDir(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
