package extract

import (
	"bytes"
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

// openExportDir opens a directory of exports.
func openExportDir(_ context.Context, location string) (ExportFolder, error) {
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
	source    string // that reads it
	scope     string // of the export's definition; "" when no manifest says
	dataset   string // actual, amortized …
	period    string // yyyy-mm
	from, to  string // first and last day it can have rows of; "" when no manifest says
	version   string // of the dataset, such as 1.0r2
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
	unread := map[string]int{}    // manifests by types that no source reads
	var broken error
	for _, name := range sortedNames(files) {
		if !isManifest(name) {
			continue
		}
		exported[exportRoot(name)] = true
		e, exportType, err := readExportManifest(ctx, folder, name, files)
		broken = errors.Join(broken, err)
		switch {
		case err != nil:
		case e.source == "":
			unread[exportType]++
		default:
			keepBetter(newest, *e, log)
		}
	}
	for _, exportType := range slices.Sorted(maps.Keys(unread)) {
		log.Warn("exports of this type are left alone: no source reads them", "type", exportType, "manifests", unread[exportType])
	}
	for _, dir := range withoutManifest(files) {
		log.Warn("files of an export left alone: their run has no manifest, so it is still being written, or was copied without it", "folder", dir)
	}
	err := handmade(ctx, folder, files, exported, newest)
	return sortedRuns(newest), errors.Join(broken, err)
}

// withoutManifest are the folders of files that lie in a run's folder and have no manifest
// beside or above them, up to the date range.
func withoutManifest(files map[string]ExportFile) []string {
	manifests := map[string]bool{}
	for name := range files {
		if isManifest(name) {
			manifests[path.Dir(name)] = true
		}
	}
	var found []string
	for _, name := range sortedNames(files) {
		if !isData(name) || !unfinished(name) {
			continue
		}
		dir, root := path.Dir(name), exportRoot(name)
		for dir != root && dir != "." && !manifests[dir] {
			dir = path.Dir(dir)
		}
		if (dir == root || dir == ".") && !slices.Contains(found, path.Dir(name)) {
			found = append(found, path.Dir(name))
		}
	}
	return found
}

// keepBetter keeps the run that tells most of its unit: the one that was submitted
// last, unless another covers more days. On the first days of a month Azure runs an
// export of the month before a second time, which nobody asked for, and that run is
// the better one; a run that somebody made of June 1 to 5 is worse than that of June
// 1 to 9, however late it was made.
func keepBetter(newest map[string]exportRun, e exportRun, log *slog.Logger) {
	old, there := newest[e.key()]
	if there && old.covers(e) {
		log.Warn("newer run of an export left alone: an older one has more days", "manifest", e.manifest, "from", e.from, "to", e.to, "older", old.manifest)
		return
	}
	if !there || e.covers(old) || old.order() < e.order() {
		newest[e.key()] = e
	}
}

// covers tells whether a run has all days of another and more.
func (e exportRun) covers(f exportRun) bool {
	known := e.from != "" && e.to != "" && f.from != "" && f.to != ""
	return known && e.from <= f.from && f.to <= e.to && (e.from < f.from || f.to < e.to)
}

// order is later for the run to prefer of two over the same days: that of the newer
// version of the dataset, then the one submitted last. A manifest's name settles the rest.
func (e exportRun) order() string {
	return strings.Join([]string{e.version, e.submitted, e.manifest}, "\x00")
}

func (e exportRun) key() string {
	return strings.Join([]string{e.source, strings.ToLower(e.scope), e.dataset, e.period}, "\x00")
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

// readExportManifest turns a manifest into a run, without source where none reads its
// type.
func readExportManifest(ctx context.Context, folder ExportFolder, name string, files map[string]ExportFile) (_ *exportRun, exportType string, err error) {
	text, err := readExportFile(ctx, folder, name)
	if err != nil {
		return nil, "", err
	}
	var m exportManifest
	if err := json.Unmarshal(bytes.TrimPrefix(text, byteOrderMark), &m); err != nil {
		return nil, "", fmt.Errorf("manifest %s: %w", name, err)
	}
	e := m.run(name, files[name])
	e.err = e.locate(m, files)
	if exportType = m.ExportConfig.Type; exportType != "" {
		if e.source, e.dataset = exportTyped(exportType); e.source == "" {
			return e, exportType, nil
		}
		if sourceOf(e.source).exports.each {
			e.dataset = cmp.Or(slugBy(cmp.Or(m.ExportConfig.ExportName, path.Base(m.ExportConfig.ResourceID)), "-"), allDatasets)
		}
	}
	err = e.complete(ctx, folder)
	if err == nil && sourceOf(e.source).exports.closes && dayOf(e.submitted) > e.period+"-31" {
		e.dataset = "closed"
	}
	return e, exportType, err
}

// run is what the manifest itself says of its run.
func (m exportManifest) run(name string, file ExportFile) *exportRun {
	e := &exportRun{manifest: name, id: m.RunInfo.RunID, scope: definitionScope(m.ExportConfig.ResourceID), version: m.ExportConfig.DataVersion, rows: -1}
	e.submitted = cmp.Or(m.RunInfo.SubmittedTime, pathTime(name), file.Modified.UTC().Format(time.RFC3339))
	e.from, e.to = dayOf(m.RunInfo.StartDate), min(dayOf(m.RunInfo.EndDate), dayOf(e.submitted))
	if m.DataRowCount != nil {
		e.rows = *m.DataRowCount
	}
	e.period = pathMonth(name)
	if e.from != "" {
		e.period = e.from[:len(monthLayout)]
	}
	return e
}

// dayOf is the day of a manifest's time, "" if it has none.
func dayOf(t string) string {
	if len(t) < len(time.DateOnly) {
		return ""
	}
	return t[:len(time.DateOnly)]
}

// pathTime is when a run was made as its folder says, 202610070610; "" without one.
func pathTime(name string) string {
	for step := range strings.SplitSeq(path.Dir(name), "/") {
		if at, err := time.Parse("200601021504", step); err == nil {
			return at.Format(time.RFC3339)
		}
	}
	return ""
}

// complete fills in what an old manifest does not say from its first file.
func (e *exportRun) complete(ctx context.Context, folder ExportFolder) error {
	if e.source != "" && e.period != "" {
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
	if e.source == "" {
		e.source = seen.header.source.Name
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
