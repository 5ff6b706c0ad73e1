package extract

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An ExportFolder is where Cost Management writes its exports: a directory, or a
// blob container. Names are relative and use "/".
type ExportFolder interface {
	// List calls found for every file below the folder, in any order.
	List(ctx context.Context, found func(ExportFile)) error
	// Open reads a file from its beginning. A missing file's error satisfies
	// errors.Is(err, fs.ErrNotExist).
	Open(ctx context.Context, name string) (io.ReadCloser, error)
}

// An ExportFile is a file of an export folder.
type ExportFile struct {
	Name     string
	Bytes    int64
	Modified time.Time
}

// An ExportOpener opens the location that the configuration gives for exports.
type ExportOpener func(ctx context.Context, location string) (ExportFolder, error)

// OpenExportDir opens a directory of exports.
func OpenExportDir(_ context.Context, location string) (ExportFolder, error) {
	info, err := os.Stat(location)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is a file; name the folder that holds it", location)
	}
	return exportDir(location), nil
}

type exportDir string

func (d exportDir) List(ctx context.Context, found func(ExportFile)) error {
	return filepath.WalkDir(string(d), func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(string(d), file)
		if err != nil {
			return err
		}
		found(ExportFile{Name: filepath.ToSlash(name), Bytes: info.Size(), Modified: info.ModTime()})
		return ctx.Err()
	})
}

func (d exportDir) Open(_ context.Context, name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(d), filepath.FromSlash(name)))
}

// exportRun is one complete run of an export: a dataset of a period.
type exportRun struct {
	scope     string // of the export's definition; "" when no manifest says
	dataset   string // actual or amortized
	period    string // yyyy-mm
	submitted string // newer runs replace older ones
	id        string // run id, or the hash of what was found
	manifest  string // its manifest's name, or the folder's
	rows      int64  // announced, -1 if not
	parts     []exportPart
	err       error // why the run cannot be read
}

type exportPart struct {
	name  string
	bytes int64 // announced, -1 if not
	rows  int64 // announced, -1 if not
	at    time.Time
	seen  *inspected // of a file without manifest
}

// announced is what the manifest says the run has.
func (e exportRun) announced() extent {
	all := extent{Pages: int64(len(e.parts)), Rows: e.rows}
	for _, p := range e.parts {
		if p.bytes < 0 {
			all.Bytes = -1
			break
		}
		all.Bytes += p.bytes
	}
	return all
}

// identity changes when anything about the run does.
func (e exportRun) identity() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%d\n", e.id, e.submitted, e.rows)
	for _, p := range e.parts {
		fmt.Fprintf(h, "%s %d %d %s\n", p.name, p.bytes, p.rows, p.at.UTC().Format(time.RFC3339Nano))
	}
	return "export run " + e.id + " " + hex.EncodeToString(h.Sum(nil))[:16]
}

// exportManifest is manifest.json of an export run. Old versions lack most of it.
type exportManifest struct {
	ManifestVersion string
	ByteCount       *int64
	BlobCount       *int
	DataRowCount    *int64
	ExportConfig    struct{ ExportName, ResourceID, DataVersion, Type, TimeFrame string }
	RunInfo         struct{ SubmittedTime, RunID, StartDate, EndDate string }
	Blobs           []struct {
		BlobName     string
		ByteCount    *int64
		DataRowCount *int64
	}
}

// newestRuns finds the runs in a folder and keeps the newest complete one of each
// scope, dataset and period. A run whose manifest is not there yet is still being
// written: its files are ignored. Files in folders without any manifest above or
// beside them were put there by hand; see handmade.
func newestRuns(ctx context.Context, folder ExportFolder, log *slog.Logger) ([]exportRun, error) {
	files := map[string]ExportFile{}
	if err := folder.List(ctx, func(f ExportFile) { files[f.Name] = f }); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(sortedNames(files), func(name string) bool { return isData(name) || isManifest(name) }) {
		return nil, errors.New("there is no export file: a CSV, CSV.gz or Parquet file, or a manifest.json, in it or below it")
	}
	newest := map[string]exportRun{}
	exported := map[string]bool{} // roots of exports with manifests: all below belongs to them
	var broken error
	for _, name := range sortedNames(files) {
		if !isManifest(name) {
			continue
		}
		exported[exportRoot(name)] = true
		e, err := readExportManifest(ctx, folder, name, files, log)
		broken = errors.Join(broken, err)
		if e == nil || err != nil {
			continue
		}
		if old, ok := newest[e.key()]; !ok || old.submitted < e.submitted {
			newest[e.key()] = *e
		}
	}
	err := handmade(ctx, folder, files, exported, newest)
	return sortedRuns(newest), errors.Join(broken, err)
}

func (e exportRun) key() string {
	return strings.ToLower(e.scope) + "\x00" + e.dataset + "\x00" + e.period
}

func isManifest(name string) bool {
	base := path.Base(name)
	return base == "manifest.json" || base == "_manifest.json"
}

func sortedNames(files map[string]ExportFile) []string {
	return slices.Sorted(maps.Keys(files))
}

func sortedRuns(newest map[string]exportRun) []exportRun {
	return slices.SortedFunc(maps.Values(newest), func(a, b exportRun) int { return strings.Compare(a.key(), b.key()) })
}

// exportRoot is the folder above the date-range folder of a manifest's path:
// everything below it belongs to that export. Without such a folder it is the
// manifest's own.
func exportRoot(name string) string {
	steps := strings.Split(path.Dir(name), "/")
	for i, s := range steps {
		if isDateRange(s) {
			return path.Join(steps[:i]...)
		}
	}
	return path.Dir(name)
}

// isDateRange tells whether a folder is one that an export makes for its period:
// "20261001-20261031".
func isDateRange(folder string) bool {
	return len(folder) == 17 && folder[8] == '-' && strings.Trim(folder, "0123456789") == "-"
}

// readExportManifest turns a manifest into a run; nil for a dataset that cost_export
// does not read.
func readExportManifest(ctx context.Context, folder ExportFolder, name string, files map[string]ExportFile, log *slog.Logger) (*exportRun, error) {
	text, err := readExportFile(ctx, folder, name)
	if err != nil {
		return nil, err
	}
	var m exportManifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", name, err)
	}
	e := &exportRun{manifest: name, id: m.RunInfo.RunID, submitted: m.RunInfo.SubmittedTime, scope: definitionScope(m.ExportConfig.ResourceID), rows: -1}
	if m.DataRowCount != nil {
		e.rows = *m.DataRowCount
	}
	e.err = e.locate(m, files)
	var known bool
	if e.dataset, known = costDatasets[strings.ToLower(m.ExportConfig.Type)]; !known && m.ExportConfig.Type != "" {
		log.Info("export ignored: not a dataset of this source", "manifest", name, "type", m.ExportConfig.Type)
		return nil, nil
	}
	return e, e.complete(ctx, folder, m)
}

// complete fills in what an old manifest does not say from its first file.
func (e *exportRun) complete(ctx context.Context, folder ExportFolder, m exportManifest) error {
	if len(m.RunInfo.StartDate) >= len(monthLayout) {
		e.period = m.RunInfo.StartDate[:len(monthLayout)]
	}
	if e.dataset != "" && e.period != "" {
		return nil
	}
	if len(e.parts) == 0 {
		return fmt.Errorf("manifest %s: names neither dataset, period nor files", e.manifest)
	}
	first := e.parts[0]
	seen, err := inspect(ctx, folder, ExportFile{Name: first.name, Modified: first.at})
	if err != nil {
		return err
	}
	if e.dataset == "" {
		if e.dataset, err = seen.dataset(); err != nil {
			return err
		}
		e.dataset = cmp.Or(e.dataset, "actual")
	}
	if e.period == "" {
		e.period, err = seen.period()
	}
	return err
}

// definitionScope is the scope part of an export definition's id.
func definitionScope(id string) string {
	if i := strings.Index(strings.ToLower(id), "/providers/microsoft.costmanagement/exports/"); i >= 0 {
		return id[:i]
	}
	return ""
}

// locate finds the run's files. A manifest names blobs by their path in the
// container; the folder given may lie anywhere on that path, so a blob is also
// looked for by the longest tail of its name, and beside its manifest.
func (e *exportRun) locate(m exportManifest, files map[string]ExportFile) error {
	if m.BlobCount != nil && *m.BlobCount != len(m.Blobs) {
		return fmt.Errorf("manifest %s: announces %d files and lists %d; run the export again", e.manifest, *m.BlobCount, len(m.Blobs))
	}
	for _, b := range m.Blobs {
		f, ok := findBlob(b.BlobName, path.Dir(e.manifest), files)
		if !ok {
			return fmt.Errorf("manifest %s lists %s, which is not there; if the export is being overwritten run again, else copy the whole run", e.manifest, b.BlobName)
		}
		p := exportPart{name: f.Name, bytes: -1, rows: -1, at: f.Modified}
		if b.ByteCount != nil {
			p.bytes = *b.ByteCount
		}
		if b.DataRowCount != nil {
			p.rows = *b.DataRowCount
		}
		if p.bytes >= 0 && f.Bytes != p.bytes {
			return fmt.Errorf("manifest %s: %s should have %d bytes and has %d; it is still being written or was cut", e.manifest, f.Name, p.bytes, f.Bytes)
		}
		e.parts = append(e.parts, p)
	}
	return nil
}

func findBlob(name, beside string, files map[string]ExportFile) (ExportFile, bool) {
	if plain, err := url.PathUnescape(name); err == nil {
		if _, ok := files[name]; !ok {
			name = plain
		}
	}
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	for tail := name; ; {
		if f, ok := files[tail]; ok {
			return f, true
		}
		_, rest, more := strings.Cut(tail, "/")
		if !more {
			break
		}
		tail = rest
	}
	f, ok := files[path.Join(beside, path.Base(name))]
	return f, ok
}

func readExportFile(ctx context.Context, folder ExportFolder, name string) ([]byte, error) {
	f, err := folder.Open(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}
