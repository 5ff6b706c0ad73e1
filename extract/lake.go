package extract

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The lake's layout:
//
//	raw/<source>/scope=<slug>/period=<yyyy-mm|all>/<dataset>.json             manifest: what is visible
//	raw/<source>/scope=<slug>/period=<…>/<dataset>-<hash>.parquet             its rows
//	raw/<source>/scope=<slug>/period=<…>/<dataset>-<hash>.rejects.parquet     rows that could not be typed
//	journal/<source>/scope=<slug>/period=<…>/<dataset>/
//	    fetched          when the unit was last completed
//	    pages.jsonl      the pages of the visible version: URL, request id, time, hash
//	    partial/         pages of a version still being fetched, see journal.go
//	    work/            files being written; removed at the start of each attempt
//	    versions/NNNNNN.json  manifests of superseded versions, whose files are still there
//
// Data files are named by their content and never change. A reader reads the
// manifest, then the files it lists; the manifest is replaced by a rename, so it
// sees the old version or the new one. Nothing in raw/ depends on the clock: the
// same records make the same bytes.
type lake struct {
	dir string
	// elsewhere: this is the working copy of a lake whose data files may not all be here.
	elsewhere bool
}

// intact tells whether the files of a version are there, in their size.
func (k lake) intact(u Unit, m *manifest) bool {
	return !slices.ContainsFunc(append(slices.Clone(m.Files), m.Rejects...), func(f dataFile) bool {
		info, err := os.Stat(filepath.Join(k.raw(u), f.Path))
		if errors.Is(err, fs.ErrNotExist) {
			return !k.elsewhere
		}
		return err != nil || info.Size() != f.Bytes
	})
}

// manifest describes the visible version of a unit.
type manifest struct {
	Format int `json:"format"`
	Unit
	State  string `json:"state"`  // complete, or failed: the last attempt failed and the files are those of the last good one
	Error  string `json:"error"`  // why it failed
	AsOf   string `json:"as_of"`  // run date of the last complete version
	Origin string `json:"origin"` // identifies an export's run; "" for APIs
	Layout string `json:"layout"` // identifies the raw columns

	Files   []dataFile `json:"files"`
	Rejects []dataFile `json:"rejects"`

	Rows            int64  `json:"rows"`
	RejectRows      int64  `json:"reject_rows"`
	Pages           int64  `json:"pages"`
	Rounded         int64  `json:"rounded"`          // numbers with more than 18 decimals
	LargestRounding string `json:"largest_rounding"` // the largest error that rounding them made
	Announced       extent `json:"announced"`        // what the source said there is
	Received        int64  `json:"received"`         // bytes that came
	Duplicates      int64  `json:"duplicates"`       // records served more than once exactly alike; all count
	Invoiced        string `json:"invoiced"`         // identifies the invoices of the month when it was fetched; "" where that does not matter
	MinDate         string `json:"min_date"`
	MaxDate         string `json:"max_date"`
}

type dataFile struct {
	Path   string `json:"path"` // relative to the manifest
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	manifestFormat = 1
	stateComplete  = "complete"
	stateFailed    = "failed"
)

var unslug = regexp.MustCompile(`[^a-z0-9]+`)

// slug names a scope's folder: readable, and different for every scope of every
// account. The same scope configured under two accounts is two folders.
func slug(account, scope string) string {
	tail := unslug.ReplaceAllString(strings.ToLower(scope), "-")
	if len(tail) > 40 {
		tail = tail[len(tail)-40:]
	}
	return strings.Trim(unslug.ReplaceAllString(strings.ToLower(account), "-")+"-"+strings.Trim(tail, "-"), "-") + "-" + hashOf([]byte(account + "\x00" + strings.ToLower(scope)))[:8]
}

// slugBy makes a name fit for a file: "Daily VM (shared)" by "-" is daily-vm-shared.
func slugBy(name, separator string) string {
	return strings.Trim(unslug.ReplaceAllString(strings.ToLower(name), separator), separator)
}

func (k lake) raw(u Unit) string {
	return filepath.Join(k.dir, "raw", u.Source, "scope="+slug(u.Account, u.Scope), "period="+u.Period)
}

func (k lake) journal(u Unit) string {
	return filepath.Join(k.dir, "journal", u.Source, "scope="+slug(u.Account, u.Scope), "period="+u.Period, u.Dataset)
}

func (k lake) manifestPath(u Unit) string { return filepath.Join(k.raw(u), u.Dataset+".json") }

// read returns the unit's manifest, nil when the lake does not have the unit.
func (k lake) read(u Unit) (*manifest, error) {
	return readManifest(k.manifestPath(u))
}

func readManifest(path string) (*manifest, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("manifest %s: %w; delete it to fetch the unit again", path, err)
	}
	if m.Format != manifestFormat {
		return nil, fmt.Errorf("manifest %s: format %d, this version reads format %d", path, m.Format, manifestFormat)
	}
	return &m, nil
}

// knows tells whether the lake has a complete version of any unit of the same source
// and scope.
func (k lake) knows(u Unit) bool { return k.months(u).From != "" }

// months are the first and the last period of the same source and scope of which the lake
// has a complete version of any unit.
func (k lake) months(u Unit) Range {
	var months Range
	manifests, err := filepath.Glob(filepath.Join(filepath.Dir(k.raw(u)), "period=*", "*.json"))
	if err != nil {
		return months
	}
	for _, path := range manifests {
		if m, err := readManifest(path); err == nil && m != nil && m.AsOf != "" {
			months = months.with(m.Period)
		}
	}
	return months
}

// age tells how long ago the unit was last completed; very long if never.
func (k lake) age(u Unit, now time.Time) time.Duration {
	text, err := os.ReadFile(filepath.Join(k.journal(u), "fetched"))
	if err != nil {
		return never
	}
	at, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(string(text)))
	if err != nil {
		return never
	}
	return now.Sub(at)
}

const never = time.Duration(1<<63 - 1)

// workDir makes an empty folder for the files of one attempt, on the lake's own
// file system so that they can be renamed into place.
func (k lake) workDir(u Unit) (string, error) {
	dir := filepath.Join(k.journal(u), "work")
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// commit makes a finished version visible and keeps the one before as superseded.
// It reports whether the unit already held the same rows; then only the manifest's
// date moves.
func (k lake) commit(u Unit, l *landed, m *manifest, versions int) (unchanged bool, err error) {
	if m.Files, err = k.place(u, l.File, ".parquet"); err != nil {
		return false, err
	}
	if m.Rejects, err = k.place(u, l.Rejects, ".rejects.parquet"); err != nil {
		return false, err
	}
	before, err := k.read(u)
	if err != nil {
		return false, err
	}
	unchanged = before != nil && sameFiles(before, m)
	if before != nil && !unchanged {
		if err := k.supersede(u, before); err != nil {
			return false, err
		}
	}
	if err := k.write(u, m); err != nil {
		return false, err
	}
	return unchanged, errors.Join(k.finish(u), k.prune(u, versions))
}

// place renames a landed file to its name by content.
func (k lake) place(u Unit, f *landedFile, suffix string) ([]dataFile, error) {
	if f == nil {
		return nil, nil
	}
	name := u.Dataset + "-" + f.SHA256[:16] + suffix
	if err := os.MkdirAll(k.raw(u), 0o755); err != nil {
		return nil, err
	}
	if err := os.Rename(f.Path, filepath.Join(k.raw(u), name)); err != nil {
		return nil, err
	}
	return []dataFile{{Path: name, Rows: f.Rows, Bytes: f.Bytes, SHA256: f.SHA256}}, syncDir(k.raw(u))
}

func sameFiles(a, b *manifest) bool {
	return hashes(a) == hashes(b)
}

func hashes(m *manifest) string {
	var all strings.Builder
	for _, f := range append(append([]dataFile{}, m.Files...), m.Rejects...) {
		all.WriteString(f.SHA256)
	}
	return all.String()
}

// write replaces the unit's manifest.
func (k lake) write(u Unit, m *manifest) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return writeWhole(k.manifestPath(u), append(text, '\n'))
}

// markFailed notes in the manifest that the last attempt failed; the files of the
// last good version stay listed.
func (k lake) markFailed(u Unit, cause error) error {
	m, err := k.read(u)
	if err != nil {
		return err
	}
	if m == nil {
		m = &manifest{Format: manifestFormat, Unit: u}
	}
	m.State, m.Error = stateFailed, cause.Error()
	return k.write(u, m)
}

// supersede keeps the manifest of a version that is being replaced. Its files stay
// where they are until prune removes them.
func (k lake) supersede(u Unit, before *manifest) error {
	dir := filepath.Join(k.journal(u), "versions")
	kept, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	next := 1
	if len(kept) > 0 {
		if _, err := fmt.Sscanf(filepath.Base(kept[len(kept)-1]), "%06d.json", &next); err != nil {
			return fmt.Errorf("%s: not a version's name", kept[len(kept)-1])
		}
		next++
	}
	text, err := json.MarshalIndent(before, "", " ")
	if err != nil {
		return err
	}
	return writeWhole(filepath.Join(dir, fmt.Sprintf("%06d.json", next)), text)
}

// prune drops the oldest superseded versions, and every data file of the unit that
// no manifest lists any more.
func (k lake) prune(u Unit, versions int) error {
	kept, err := filepath.Glob(filepath.Join(k.journal(u), "versions", "*.json"))
	if err != nil {
		return err
	}
	for len(kept) > versions {
		if err := os.Remove(kept[0]); err != nil {
			return err
		}
		kept = kept[1:]
	}
	listed := map[string]bool{}
	for _, path := range append(kept, k.manifestPath(u)) {
		m, err := readManifest(path)
		if err != nil {
			return err
		}
		for _, f := range append(append([]dataFile{}, m.Files...), m.Rejects...) {
			listed[f.Path] = true
		}
	}
	files, err := filepath.Glob(filepath.Join(k.raw(u), u.Dataset+"-*.parquet"))
	if err != nil {
		return err
	}
	for _, path := range files {
		if !listed[filepath.Base(path)] {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// finish notes the time of completion and turns the partial journal into the
// journal of the visible version.
func (k lake) finish(u Unit) error {
	dir := k.journal(u)
	partial := filepath.Join(dir, partialFolder)
	if err := os.Rename(filepath.Join(partial, pagesFile), filepath.Join(dir, pagesFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	// The time is in the file, not of the file: a lake may be copied, and copies have their own times.
	return writeWhole(filepath.Join(dir, "fetched"), []byte(time.Now().UTC().Format(time.RFC3339Nano)+"\n"))
}

// discard removes files that were not placed.
func (l *landed) discard() {
	for _, f := range []*landedFile{l.File, l.Rejects} {
		if f != nil {
			_ = os.Remove(f.Path) // renamed into place, or left over in a folder that the next attempt clears
		}
	}
}

// hashOf is the SHA-256 of what is given, in hexadecimal.
func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// writeWhole makes a file appear whole: written beside, synced, renamed. The name
// beside it is always the same, so what a crash leaves there the next attempt
// overwrites.
func writeWhole(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	beside := path + ".new"
	f, err := os.Create(beside)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(beside))
	}
	if err := os.Rename(beside, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes renames in a folder survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
