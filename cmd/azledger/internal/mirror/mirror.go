// Package mirror lets a lake live in blob storage.
//
// The stages work on directories. A [Mirror] gives them one: a working copy of the lake, which holds
//
//   - every small file: manifests, the journal of interrupted units, what tables were built from
//   - Parquet files and printed invoices that a stage made, or asked for with [Mirror.Fetch]
//
// [Open] claims the lake (see lock.json in lease.go), lists it once, and brings the small files that differ.
// [Mirror.Save] makes the lake what the working copy has become:
//
//  1. data files that small files refer to and the lake does not have are written; they are named by content
//  2. small files that changed are exchanged on the ETag they had when they were last seen, in the order in which the
//     stages write them: what refers to a file follows it
//  3. what was removed from the working copy, and data files that nothing refers to, are deleted
//
// A process that dies anywhere on that list leaves a whole lake. Names are the same as in a lake that is a directory, so
// either can be copied over the other with any tool.
//
// A working copy that stays on its disk saves fetching. If nobody else had the lake since, it is the newer of the two:
// what a process that was killed had not saved yet is saved by the next one. Otherwise the lake in the store is right.
package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/azledger/azledger/load"
)

// Options are the settings of Open. The zero value works.
type Options struct {
	Log       *slog.Logger  // nil: no log
	LeaseTime time.Duration // how long a dead host keeps others out; 0 means LeaseTime
	Parallel  int           // small files brought or written at once; 0 means 16. Data files: a quarter of it

	watch time.Duration // how long a claim that has expired is watched; 0 means half of LeaseTime
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.LeaseTime == 0 {
		o.LeaseTime = LeaseTime
	}
	if o.Parallel == 0 {
		o.Parallel = 16
	}
	if o.watch == 0 {
		o.watch = o.LeaseTime / 2
	}
	return o
}

// A Mirror is a working copy of a lake that this process holds.
type Mirror struct {
	store load.Store
	dir   string
	lease *lease
	Options

	mu     sync.Mutex
	remote map[string]load.Info // what the store holds: as listed, and as written since
	parts  map[string]part      // data files that small files refer to
}

// Open claims the lake in store and brings the folder dir up to date. The caller holds a lock on dir. The error is a
// *HeldError if another run has the lake.
func Open(ctx context.Context, store load.Store, dir string, by Holder, o Options) (*Mirror, error) {
	m := &Mirror{store: store, dir: dir, Options: o.withDefaults(), remote: map[string]load.Info{}}
	before := m.readMark()
	token := newToken()
	if err := m.writeMark(mark{Claimed: token, Complete: before.Complete}); err != nil {
		return nil, err
	}
	var err error
	if m.lease, err = take(ctx, store, by, token, before.Claimed, m.Options); err != nil {
		return nil, errors.Join(err, m.writeMark(before))
	}
	if err := m.bring(ctx, before, token); err != nil {
		m.Close(ctx)
		return nil, fmt.Errorf("lake %s: %w", store, err)
	}
	return m, nil
}

// Guard returns a context that also ends when the lake is lost, with a *LostError as its cause.
func (m *Mirror) Guard(ctx context.Context) (context.Context, context.CancelFunc) {
	guarded, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(m.lease.alive, func() { cancel(context.Cause(m.lease.alive)) })
	return guarded, func() {
		stop()
		cancel(nil)
	}
}

// Close gives the lake back. What was not saved stays in the working copy.
func (m *Mirror) Close(ctx context.Context) { m.lease.release(ctx) }

// mark is mirror.json in the working copy: the token of its last claim, and of the last one under which it was complete.
type mark struct {
	Claimed  string `json:"claimed"`
	Complete string `json:"complete"`
}

// readMark reads the mark. Without one, or with one that cannot be read, nothing in the folder is relied on.
func (m *Mirror) readMark() (k mark) {
	text, err := os.ReadFile(filepath.Join(m.dir, "mirror.json"))
	if err != nil || json.Unmarshal(text, &k) != nil {
		return mark{}
	}
	return k
}

func (m *Mirror) writeMark(k mark) error {
	text, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return m.place("mirror.json", text)
}

// bring makes the working copy complete.
func (m *Mirror) bring(ctx context.Context, before mark, token string) error {
	ctx, stop := m.Guard(ctx)
	defer stop()
	if err := m.list(ctx); err != nil {
		return err
	}
	newer := before.Complete != "" && before.Complete == m.lease.previous
	var err error
	if newer {
		err = m.writeMark(mark{Claimed: token, Complete: token}) // it still is, whatever happens below
	} else {
		err = m.clear()
	}
	if err != nil {
		return err
	}
	if err := m.bringSmall(ctx, newer); err != nil {
		return err
	}
	if err := m.dropLostTables(); err != nil {
		return err
	}
	return m.writeMark(mark{Claimed: token, Complete: token})
}

// list learns what the store holds.
func (m *Mirror) list(ctx context.Context) error {
	for info, err := range m.store.List(ctx, "") {
		if err != nil {
			return err
		}
		if kindOf(info.Name) != ours {
			m.remote[info.Name] = info
		}
	}
	return nil
}

// clear removes what the lake does not have from a working copy that is not newer, and journals, which are not brought
// and may be older than the lake's.
func (m *Mirror) clear() error {
	local, err := m.walk()
	if err != nil {
		return err
	}
	for _, name := range local {
		_, ok := m.remote[name]
		if k := kindOf(name); k == journal || !ok && k != ours {
			if err := os.Remove(m.path(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// bringSmall fetches the small files that are missing, and, unless the working copy is newer, those that differ. In one
// that is newer, what can be made again is missing because it was removed; of what cannot be, somebody who cleans folders
// for temporary files may have been there.
func (m *Mirror) bringSmall(ctx context.Context, newer bool) error {
	var wanted []string
	for name, info := range m.remote {
		k := kindOf(name)
		if !k.brought() {
			continue
		}
		local, err := os.ReadFile(m.path(name))
		switch {
		case errors.Is(err, fs.ErrNotExist) && newer && (k == page || k == state):
		case errors.Is(err, fs.ErrNotExist), err == nil && !newer && info.SHA256 != hash(local):
			wanted = append(wanted, name)
		case err != nil:
			return err
		}
	}
	m.Log.Info("lake opened", "lake", m.store.String(), "copy", m.dir, "files", len(m.remote), "fetching", len(wanted), "newer", newer)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(m.Parallel)
	for _, name := range wanted {
		group.Go(func() error { return m.bringOne(ctx, name) })
	}
	return group.Wait()
}

// bringOne fetches a small file. A lake that was copied there with another tool has no hashes beside its files.
func (m *Mirror) bringOne(ctx context.Context, name string) error {
	text, info, err := load.ReadSmall(ctx, m.store, name)
	if err != nil {
		return err
	}
	if info.SHA256 != "" && info.SHA256 != hash(text) {
		return fmt.Errorf("read(%s/%s): its content is not what was written: restore it, or delete it to have it made again", m.store, name)
	}
	info.SHA256 = hash(text)
	m.note(info)
	return m.place(name, text)
}

func (m *Mirror) note(info load.Info) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remote[info.Name] = info
}

// dropLostTables forgets tables whose file is nowhere, so that they are built again. A lost raw file is another matter:
// Azure may not serve that month any more, so it is for somebody to look at, and reading it says so.
func (m *Mirror) dropLostTables() error {
	small, err := m.small()
	if err != nil {
		return err
	}
	for _, f := range small {
		for name, p := range f.parts {
			if (f.kind == state || f.kind == set) && !m.has(name, p) {
				m.Log.Warn("a file of a table is missing, building it again", "lake", m.store.String(), "file", name, "listed in", f.name)
				if err := os.Remove(m.path(f.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
	}
	m.parts = partsOf(small)
	return nil
}

// has tells whether a data file is in the store or on this disk.
func (m *Mirror) has(name string, p part) bool {
	if info, ok := m.remote[name]; ok && info.Size == p.Bytes {
		return true
	}
	info, err := os.Stat(m.path(name))
	return err == nil && info.Size() == p.Bytes
}

// Fetch brings data files of the working copy that are not on this disk; paths are theirs on this disk.
func (m *Mirror) Fetch(ctx context.Context, paths []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, m.Parallel/4))
	for _, path := range paths {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			continue // if it is there but cannot be used, reading it says why
		}
		group.Go(func() error { return m.fetch(ctx, path) })
	}
	return group.Wait()
}

func (m *Mirror) fetch(ctx context.Context, path string) error {
	dir, err := filepath.Abs(m.dir)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(dir, path)
	name := filepath.ToSlash(rel)
	p, ok := m.parts[name]
	if err != nil || !ok {
		return fmt.Errorf("fetch(%s): no file of the lake %s lists it", path, m.store)
	}
	start := time.Now()
	if err := load.Download(ctx, m.store, load.File{Path: name, Bytes: p.Bytes, SHA256: p.SHA256}, path); err != nil {
		return fmt.Errorf("fetch(%s/%s): %w", m.store, name, err)
	}
	m.Log.Info("fetched", "file", name, "bytes", p.Bytes, "duration", time.Since(start).Round(time.Millisecond))
	return nil
}

// Save makes the lake what the working copy has become. It may be called when ctx has ended: a run that is interrupted
// saves what is complete, for as long as a container platform gives it (see grace). The error is a *LostError if another
// run has taken the lake.
func (m *Mirror) Save(ctx context.Context) error {
	if ctx.Err() != nil {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer stop()
	}
	ctx, stop := m.Guard(ctx)
	defer stop()
	err := m.save(ctx)
	var lost *LostError
	switch {
	case err == nil:
		return nil
	case errors.As(context.Cause(m.lease.alive), &lost):
		return lost
	}
	return fmt.Errorf("save(%s): %w", m.store, err)
}

// grace is less than the 30 seconds that container platforms leave between SIGTERM and SIGKILL.
const grace = 20 * time.Second

func (m *Mirror) save(ctx context.Context) error {
	small, err := m.small()
	if err != nil {
		return err
	}
	m.parts = partsOf(small)
	changed := slices.DeleteFunc(slices.Clone(small), m.saved)
	dead, err := m.dead(ctx, small)
	if err != nil || len(changed)+len(dead) == 0 {
		return err
	}
	if err := m.lease.confirm(ctx); err != nil {
		return err
	}
	if err := m.sendData(ctx); err != nil {
		return err
	}
	if err := m.lease.confirm(ctx); err != nil {
		return err
	}
	if err := m.exchange(ctx, changed); err != nil {
		return err
	}
	m.Log.Info("lake saved", "lake", m.store.String(), "changed", len(changed), "removed", len(dead))
	return m.remove(ctx, dead)
}

// saved tells whether the store is known to hold just this.
func (m *Mirror) saved(f small) bool {
	info, ok := m.remote[f.name]
	return ok && info.Size == int64(len(f.text)) && info.SHA256 != "" && info.SHA256 == hash(f.text)
}

// dead are the files of the store that the working copy is done with, those that refer to others first.
func (m *Mirror) dead(ctx context.Context, local []small) ([]string, error) {
	here := map[string]bool{}
	for _, f := range local {
		here[f.name] = true
	}
	var referring, referred []string
	for name := range m.remote {
		_, live := m.parts[name]
		switch k := kindOf(name); {
		case k == manifest && !here[name]:
			// Somebody cleaned the folder under us. What its manifests no longer tell of is not therefore dead.
			return nil, fmt.Errorf("%s is gone from the working copy %s: run again, it is fetched anew", name, m.dir)
		case (k == closed || k == signed) && !here[name]:
			// Opening a month again moves its folder; nothing else takes a file of it away.
			is, err := m.moved(ctx, local, name)
			if err != nil {
				return nil, err
			}
			if !is {
				return nil, fmt.Errorf("%s is gone from the working copy %s: run again, it is fetched anew", name, m.dir)
			}
			referring = append(referring, name)
		case k.removed() && !here[name]:
			referring = append(referring, name)
		case k == data && !live:
			referred = append(referred, name)
		}
	}
	slices.Sort(referring)
	slices.Sort(referred)
	return append(referring, referred...), nil
}

// moved tells whether a file of the store is in the working copy under a name of a month that was opened again.
func (m *Mirror) moved(ctx context.Context, local []small, name string) (bool, error) {
	text, _, err := load.ReadSmall(ctx, m.store, name)
	return slices.ContainsFunc(local, func(f small) bool {
		return strings.HasPrefix(f.name, "closed/undone/") && bytes.Equal(f.text, text)
	}), err
}

// sendData writes the data files that the store does not have.
func (m *Mirror) sendData(ctx context.Context) error {
	var missing []string
	for name, p := range m.parts {
		if held, ok := m.remote[name]; ok && held.Size == p.Bytes {
			continue
		}
		if _, err := os.Stat(m.path(name)); errors.Is(err, fs.ErrNotExist) {
			continue // lost before this run; whoever reads it is told
		}
		missing = append(missing, name)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, m.Parallel/4))
	for _, name := range missing {
		group.Go(func() error { return m.send(ctx, name, m.parts[name]) })
	}
	return group.Wait()
}

// send writes one data file and asks the store what has arrived. Its name is the hash of its content, so a file that
// does not match is a damaged one: here it is refused, there it is replaced.
func (m *Mirror) send(ctx context.Context, name string, p part) error {
	local, err := load.HashFile(ctx, m.path(name))
	if err != nil {
		return err
	}
	if local.SHA256 != p.SHA256 || local.Size != p.Bytes {
		return fmt.Errorf("%s: %d bytes with sha256 %.16s instead of %d with %.16s: damaged after it was written: delete it and run again",
			local.Path, local.Size, local.SHA256, p.Bytes, p.SHA256)
	}
	err = m.store.Put(ctx, name, local)
	if errors.Is(err, load.ErrExists) {
		m.Log.Warn("replacing a damaged file", "lake", m.store.String(), "file", name)
		err = errors.Join(m.store.Delete(ctx, name), m.store.Put(ctx, name, local))
	}
	if err != nil {
		return err
	}
	info, err := m.store.Stat(ctx, name)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if info.Size != p.Bytes {
		return fmt.Errorf("read back(%s/%s): %d bytes arrived of %d: run again", m.store, name, info.Size, p.Bytes)
	}
	m.note(info)
	return nil
}

// exchange writes the small files that changed, kind after kind.
func (m *Mirror) exchange(ctx context.Context, changed []small) error {
	for _, k := range order {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(m.Parallel)
		for _, f := range changed {
			if f.kind == k {
				group.Go(func() error { return m.exchangeOne(ctx, f) })
			}
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	return nil
}

// exchangeOne replaces a small file, if it is still the one that was seen. If it is not, another run has the lake.
func (m *Mirror) exchangeOne(ctx context.Context, f small) error {
	old, err := m.seen(ctx, f)
	if err != nil {
		return err
	}
	etag, err := swap(ctx, m.store, f.name, f.text, old)
	if errors.Is(err, load.ErrChanged) {
		m.lease.lose(&LostError{m.store.String(), err})
	}
	if err != nil {
		return err
	}
	m.note(load.Info{Name: f.name, Size: int64(len(f.text)), ETag: etag, SHA256: hash(f.text)})
	return nil
}

// seen is the ETag of a small file when it was last seen. A store that lists no ETags is asked for it.
func (m *Mirror) seen(ctx context.Context, f small) (string, error) {
	m.mu.Lock()
	info, ok := m.remote[f.name]
	m.mu.Unlock()
	if !ok || info.ETag != "" {
		return info.ETag, nil
	}
	info, err := m.store.Stat(ctx, f.name)
	return info.ETag, err
}

// remove deletes dead files: after a crash nothing may refer to a file that is gone. The record of a month goes first:
// without it the month is not closed, whatever is left of its folder.
func (m *Mirror) remove(ctx context.Context, dead []string) error {
	for turn := range 3 {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(m.Parallel)
		for _, name := range dead {
			if turnOf(kindOf(name)) == turn {
				group.Go(func() error { return m.store.Delete(ctx, name) })
			}
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
	for _, name := range dead {
		delete(m.remote, name)
	}
	return nil
}

// turnOf is when files of a kind are removed.
func turnOf(k kind) int {
	switch k {
	case closed:
		return 0
	case data:
		return 2
	}
	return 1
}

// small is a small file of the working copy.
type small struct {
	name  string
	kind  kind
	text  []byte
	parts map[string]part // that it refers to
}

// small reads the small files of the working copy.
func (m *Mirror) small() ([]small, error) {
	names, err := m.walk()
	if err != nil {
		return nil, err
	}
	var found []small
	for _, name := range names {
		k := kindOf(name)
		if k == ours || k == data {
			continue
		}
		f := small{name: name, kind: k}
		if f.text, err = os.ReadFile(m.path(name)); err != nil {
			return nil, err
		}
		if f.parts, err = refersTo(name, f.text); err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, nil
}

func partsOf(files []small) map[string]part {
	all := map[string]part{}
	for _, f := range files {
		for name, p := range f.parts {
			all[name] = p
		}
	}
	return all
}

// walk lists the files of the working copy.
func (m *Mirror) walk() ([]string, error) {
	var names []string
	for _, top := range []string{"raw", "documents", "journal", "rules", "closed", "tables"} {
		err := filepath.WalkDir(filepath.Join(m.dir, top), func(file string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || entry.IsDir() {
				return err
			}
			rel, err := filepath.Rel(m.dir, file)
			names = append(names, filepath.ToSlash(rel))
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

func (m *Mirror) path(name string) string { return filepath.Join(m.dir, filepath.FromSlash(name)) }

// place makes a file of the working copy appear whole.
func (m *Mirror) place(name string, text []byte) error {
	path := m.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // it has another name by then if all went well
	_, err = temp.Write(text)
	// Synced, because a power cut must not leave a copy that is marked complete and is not.
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(temp.Name(), path)
}

func hash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
