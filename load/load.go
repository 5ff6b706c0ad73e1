// Package load publishes finished tables.
//
// A publication is a tree of files in a [Store], a directory or a blob container:
//
//	data/<table>/BillingPeriod=2026-10/<digest>.parquet   a table's rows, immutable, named by content
//	data/<table>/<digest>.parquet                         the same for a table without periods
//	manifests/000007.json                                 every file of one version, with schemas and checks
//	current.json                                          the pointer: which manifest is in force
//
// A publisher goes down that list and a reader comes up it, so a reader sees one version or the next, never a
// mix, and a publisher that dies anywhere on the way leaves files nobody refers to and everything else as it was:
//
//  1. the transform's set.json says which files are finished, and the version in force says what was published before
//  2. a set that is older, or that lost rows it should not lose, is refused
//  3. files the store does not hold, or that were written there after the pointer, are hashed, uploaded and read back
//  4. the manifest is written under a new number
//  5. the pointer is exchanged for one that names it, on condition that nobody else has exchanged it since step 1
//
// Begin with [Publish] to write and [Current] to read. [OpenDir] and [OpenAzure] open the stores.
package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// A Store keeps named files. Names are slash-separated paths as in [fs.ValidPath], and no element begins with a dot.
//
// All methods may be called from several goroutines and several processes at once, and give up when ctx ends.
// A name that is not there is reported by an error that is [fs.ErrNotExist].
type Store interface {
	// Put makes the finished local file f visible under name, whole or not at all: neither an error, a cancelled
	// ctx nor a crash leaves part of it under its name. Content that does not match f's size and hash is refused.
	// Put never replaces: if the name holds the same content, Put succeeds; if it holds other content, Put
	// fails with ErrExists. So it may be repeated whenever its outcome is in doubt.
	Put(ctx context.Context, name string, f LocalFile) error

	// Open returns the file's content from the beginning, and what Stat would say about it, except that ETag and
	// SHA256 may be empty for a file of more than a megabyte. The caller closes it.
	Open(ctx context.Context, name string) (io.ReadCloser, Info, error)

	// Stat says what the store holds under name now, as strongly consistent with writes as the store can be.
	Stat(ctx context.Context, name string) (Info, error)

	// Swap replaces a small file if its ETag is still old, in one step that no other Swap can divide;
	// old == "" asks that the name be free. Otherwise it changes nothing and fails with ErrChanged.
	// A Swap that fails in another way may have happened.
	Swap(ctx context.Context, name string, data []byte, old string) (etag string, err error)

	// List yields the files whose names begin with prefix, in any order. It knows Name, Size and Modified, and the
	// hashes only if they cost nothing. An error ends the sequence.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Delete removes a file. That it is not there is no error.
	Delete(ctx context.Context, name string) error

	// String names the place in messages, without credentials.
	String() string
}

// Info is what a store knows about a file.
type Info struct {
	Name     string
	Size     int64
	Modified time.Time // when the content was written, by the store's clock; zero from a Stat
	ETag     string    // changes whenever the content changes
	SHA256   string    // hex; empty if the store does not know it
	MD5      []byte    // empty if the store does not know it
}

var (
	// ErrExists is returned by Store.Put when the name already holds other content.
	ErrExists = errors.New("the name holds other content")

	// ErrChanged is returned by Store.Swap when the file is not the one expected, and by Publish when other
	// publishers came first as often as it tried.
	ErrChanged = errors.New("changed by another writer")

	// ErrOlder is returned by Publish when the version in force was made from later data than the set.
	ErrOlder = errors.New("older than what is published")
)

// Options are the settings of Publish. The zero value works.
type Options struct {
	// Now tells the time of publication. Nil means time.Now.
	Now func() time.Time

	// Log gets a line per file uploaded and per publication. Nil means no log.
	Log *slog.Logger

	// Progress is called after each file, one call at a time. Nil means nobody watches.
	Progress func(Progress)

	// Fetch brings files of the tables folder that are not on this disk: where the lake is in a store, only what has to
	// be uploaded is fetched. Nil means that all are there.
	Fetch func(ctx context.Context, paths []string) error

	// Parallel is how many files are uploaded at once. 0 means 4.
	Parallel int

	// AcceptShrink lets a set through that lost rows (see ShrinkError): it says who accepts that and why, and is
	// kept in the manifest. It also lets a publisher start anew when the manifest in force cannot be read.
	AcceptShrink string

	// AcceptOlder lets a set through that was made as of an earlier day than the version in force.
	AcceptOlder bool

	// MayShrink names the tables whose rows come and go from run to run, as cmd lists them: findings, and what is not invoiced yet.
	MayShrink []string

	// Sources is what is known of each unit that was fetched, a JSON value copied into the manifest. May be nil.
	Sources json.RawMessage
}

// Progress is how far an upload has come.
type Progress struct {
	Files, FilesTotal int
	Bytes, BytesTotal int64
}

// Published is the outcome of Publish.
type Published struct {
	Pointer Pointer // the version in force now
	Changed bool    // false: the set was published already
	Files   int     // files uploaded
	Bytes   int64   // bytes uploaded
	Kept    int     // files that the store already held
}

// attempts is how often Publish starts again after another publisher came first. Each time it checks its set
// against what the other one published.
const attempts = 5

// Publish makes the set of finished tables in the folder tables the version in force of store.
//
// On an error the version in force is what it was before, or what another publisher made of it. Publishing a set
// again repairs files that were deleted, cut off or overwritten in the store and changes nothing else. It does not
// read every file for that, see upload; Verify does. The error is a *ShrinkError or ErrOlder if the set was refused
// for its content.
func Publish(ctx context.Context, store Store, tables string, o Options) (Published, error) {
	if o.Sources != nil && !json.Valid(o.Sources) {
		return Published{}, fmt.Errorf("publish(%s): Options.Sources is not JSON", tables)
	}
	set, err := readSet(tables)
	if err != nil {
		return Published{}, fmt.Errorf("publish(%s): %w", tables, err)
	}
	p := publisher{store: store, tables: tables, set: set, Options: o.withDefaults()}
	for attempt := 1; ; attempt++ {
		done, err := p.publish(ctx)
		if err == nil {
			return done, nil
		}
		if !errors.Is(err, ErrChanged) || attempt == attempts || ctx.Err() != nil {
			return Published{}, fmt.Errorf("publish(%s to %s): %w", tables, store, err)
		}
		p.Log.Warn("another publisher came first, checking again", "store", store.String(), "attempt", attempt)
	}
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.Parallel == 0 {
		o.Parallel = 4
	}
	return o
}

// A publisher publishes one set.
type publisher struct {
	store  Store
	tables string
	set    set
	Options
}

// publish goes once through the steps of the package comment.
func (p *publisher) publish(ctx context.Context) (Published, error) {
	last, err := p.inForce(ctx)
	if err != nil {
		return Published{}, err
	}
	next := p.set.manifest(p.Sources)
	if next.Accepted, err = p.allow(last.manifest, next); err != nil {
		return Published{}, err
	}
	done, err := p.upload(ctx, next, last.pointed)
	if err != nil {
		return Published{}, err
	}
	if last.pointer.Version > 0 && last.manifest.same(next) {
		done.Pointer = last.pointer
		p.Log.Info("nothing new to publish", "store", p.store.String(), "version", last.pointer.Version)
		return done, nil
	}
	done.Changed = true
	if done.Pointer, err = p.describe(ctx, last.pointer.Version, next); err != nil {
		return Published{}, err
	}
	if err := p.point(ctx, done.Pointer, last.etag); err != nil {
		return Published{}, err
	}
	p.Log.Info("published", "store", p.store.String(), "version", done.Pointer.Version,
		"files", done.Files, "bytes", done.Bytes, "kept", done.Kept)
	return done, nil
}

// A version is a publication as found in a store. Its zero value stands for an empty store.
type version struct {
	pointer  Pointer
	etag     string
	pointed  time.Time // when the pointer was written
	manifest Manifest
}

// inForce reads the version in force. If the manifest is lost, only AcceptShrink lets the publisher go on, since
// there is nothing to compare the set with; the version number and the ETag of the pointer are still held to.
func (p *publisher) inForce(ctx context.Context) (version, error) {
	v, err := readVersion(ctx, p.store)
	switch {
	case err == nil:
		return v, nil
	case v.etag == "" && errors.Is(err, fs.ErrNotExist):
		return version{}, nil
	case v.pointer.Version > 0 && p.AcceptShrink != "" && ctx.Err() == nil:
		p.Log.Warn("the manifest in force cannot be read, publishing without comparing", "error", err.Error(), "accepted", p.AcceptShrink)
		v.manifest = Manifest{}
		return v, nil
	}
	return version{}, err
}

// upload brings every file of m into the store and returns how much that was. A file that is listed with the right
// size and hash is there. Where the listing has no hash, as in a directory, a file that is older than the pointer is
// trusted: it was read back before the pointer was written. One that is not older was overwritten since, or left by a
// publisher that died, and is hashed. What neither size nor time gives away, such as a bad sector, Verify finds.
func (p *publisher) upload(ctx context.Context, m Manifest, pointed time.Time) (Published, error) {
	held, err := p.held(ctx)
	if err != nil {
		return Published{}, err
	}
	files := m.files()
	if err := p.hashDoubtful(ctx, files, held, pointed); err != nil {
		return Published{}, err
	}
	var sends []send
	for i, f := range files {
		info, ok := held[f.Path]
		if !ok || !info.matches(f) {
			sends = append(sends, send{file: f, local: filepath.Join(p.tables, filepath.FromSlash(p.set.paths[i])), damaged: ok})
		}
	}
	done := Published{Files: len(sends), Kept: len(p.set.paths) - len(sends)}
	for _, s := range sends {
		done.Bytes += s.file.Bytes
	}
	return done, p.sendAll(ctx, sends, Progress{FilesTotal: done.Files, BytesTotal: done.Bytes})
}

// held returns the data files that the store lists.
func (p *publisher) held(ctx context.Context) (map[string]Info, error) {
	held := map[string]Info{}
	for info, err := range p.store.List(ctx, "data/") {
		if err != nil {
			return nil, err
		}
		held[info.Name] = info
	}
	return held, nil
}

// hashDoubtful adds to held the hashes of those files that only their content can vouch for.
func (p *publisher) hashDoubtful(ctx context.Context, files []File, held map[string]Info, pointed time.Time) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.Parallel)
	doubtful := make([]Info, 0, len(files)) // never grown: each goroutine keeps a pointer into it
	for _, f := range files {
		info, ok := held[f.Path]
		if !ok || !info.matches(f) || info.SHA256 != "" || info.Modified.Before(pointed) {
			continue
		}
		doubtful = append(doubtful, info)
		at := &doubtful[len(doubtful)-1]
		group.Go(func() (err error) {
			at.SHA256, err = hashStored(ctx, p.store, at.Name)
			return err
		})
	}
	err := group.Wait()
	for _, info := range doubtful {
		held[info.Name] = info
	}
	return err
}

// matches says whether nothing the store told about a file speaks against its being f.
func (i Info) matches(f File) bool {
	return i.Size == f.Bytes && (i.SHA256 == "" || i.SHA256 == f.SHA256)
}

// A send is a file to be uploaded.
type send struct {
	file    File
	local   string
	damaged bool // the store holds something else under this name
}

// sendAll uploads the files, some at a time. The first failure cancels the others.
func (p *publisher) sendAll(ctx context.Context, sends []send, progress Progress) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.Parallel)
	var mu sync.Mutex
	for _, s := range sends {
		group.Go(func() error {
			if err := p.send(ctx, s); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			progress.Files++
			progress.Bytes += s.file.Bytes
			p.Progress(progress)
			return nil
		})
	}
	return group.Wait()
}

// send uploads one file and asks the store what has arrived. A damaged file is deleted first: it is no loss, as its
// name is the hash of what it should hold.
func (p *publisher) send(ctx context.Context, s send) error {
	start := time.Now()
	if p.Fetch != nil {
		if err := p.Fetch(ctx, []string{s.local}); err != nil {
			return err
		}
	}
	local, err := s.verified(ctx)
	if err != nil {
		return err
	}
	if s.damaged {
		p.Log.Warn("replacing a damaged file", "store", p.store.String(), "file", s.file.Path)
		if err := p.store.Delete(ctx, s.file.Path); err != nil {
			return err
		}
	}
	if err := p.store.Put(ctx, s.file.Path, local); err != nil {
		return err
	}
	if err := readBack(ctx, p.store, s.file.Path, local); err != nil {
		return err
	}
	p.Log.Info("uploaded", "file", s.file.Path, "rows", s.file.Rows, "bytes", s.file.Bytes, "duration", time.Since(start))
	return nil
}

// verified hashes the local file and holds it to what the set says.
func (s send) verified(ctx context.Context) (LocalFile, error) {
	local, err := HashFile(ctx, s.local)
	if errors.Is(err, fs.ErrNotExist) {
		return LocalFile{}, fmt.Errorf("%w: %s lists it: run the transform again", err, setName)
	}
	if err != nil {
		return LocalFile{}, err
	}
	if local.Size != s.file.Bytes || local.SHA256 != s.file.SHA256 {
		return LocalFile{}, fmt.Errorf("%s: %d bytes with sha256 %s, but %s says %d bytes with %s: "+
			"the file was changed or damaged after the transform: delete it and run the transform again",
			s.local, local.Size, local.SHA256, setName, s.file.Bytes, s.file.SHA256)
	}
	return local, nil
}

// readBack compares what the store holds with what was sent. Some uploads report success for an empty or a cut-off
// file; here they are found before anything refers to it. Where the store keeps no hash the content is read.
func readBack(ctx context.Context, store Store, name string, sent LocalFile) error {
	info, err := store.Stat(ctx, name)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if info.SHA256 == "" && info.Size == sent.Size {
		if info.SHA256, err = hashStored(ctx, store, name); err != nil {
			return fmt.Errorf("read back: %w", err)
		}
	}
	if info.Size != sent.Size || info.SHA256 != sent.SHA256 || (len(info.MD5) > 0 && !bytes.Equal(info.MD5, sent.MD5)) {
		return fmt.Errorf("read back(%s/%s): %d bytes with sha256 %s arrived of %d bytes with %s: publish again",
			store, name, info.Size, info.SHA256, sent.Size, sent.SHA256)
	}
	return nil
}

// describe writes the manifest under the next free version number and returns the pointer to it.
//
// A manifest with a higher number than the version in force belongs to a publisher that died before the pointer,
// or to one that is just about to exchange it. If it says the same as ours, it is ours. Otherwise the number is taken.
func (p *publisher) describe(ctx context.Context, last int64, m Manifest) (Pointer, error) {
	highest, err := highestVersion(ctx, p.store)
	if err != nil {
		return Pointer{}, err
	}
	for m.Version = max(last+1, highest); ; m.Version++ {
		data := m.encode()
		err := settle(ctx, p.store, manifestName(m.Version), data, "")
		if errors.Is(err, ErrChanged) && m.Version < highest+attempts {
			continue
		}
		return Pointer{
			Format: format, Version: m.Version, Manifest: manifestName(m.Version), ManifestSHA256: hashBytes(data),
			PublishedAt: p.Now().UTC().Truncate(time.Second), DataCompleteTo: m.DataCompleteTo,
		}, err
	}
}

// point exchanges the pointer. If another publisher has meanwhile put a later version on top of ours, that is as it
// should be.
func (p *publisher) point(ctx context.Context, next Pointer, old string) error {
	err := settle(ctx, p.store, pointerName, next.encode(), old)
	if errors.Is(err, errOverwritten) {
		if now, rerr := readPointer(ctx, p.store); rerr == nil && now.pointer.Version > next.Version {
			return nil
		}
	}
	return err
}

// errOverwritten is what settle reports when its Swap succeeded and something else is there.
var errOverwritten = errors.New("not what was written")

// settle swaps a small file and reads it back. What counts is what is there: an answer that got lost after the
// store had done its part makes no error.
func settle(ctx context.Context, store Store, name string, data []byte, old string) error {
	_, err := store.Swap(ctx, name, data, old)
	got, _, rerr := ReadSmall(ctx, store, name)
	switch {
	case rerr == nil && bytes.Equal(got, data):
		return nil
	case err != nil:
		return err
	case rerr != nil:
		return fmt.Errorf("read back: %w", rerr)
	}
	return fmt.Errorf("read back(%s/%s): %w: publish again", store, name, errOverwritten)
}
