package azuresim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// ExportOptions say which export files to write. Only Account must be set.
type ExportOptions struct {
	Account     string   // ea or mca
	Datasets    []string // of ExportDatasets; empty means actual and amortized
	Months      []string // 2026-10; empty means all
	Format      string   // csv (the default), csv.gz or parquet
	Layout      string   // create_new (the default), overwrite, legacy (_manifest.json), legacy_single (no manifest)
	RowsPerPart int      // 0 means 200,000
	Root        string   // the export's rootFolderPath; empty means "costs"

	// Incomplete adds a newer run that is still being written: parts, but no manifest yet.
	Incomplete bool
	// OlderRun adds an older, complete run that holds only the first half of the month.
	OlderRun bool
}

func (o ExportOptions) withDefaults() ExportOptions {
	if len(o.Datasets) == 0 {
		o.Datasets = []string{"actual", "amortized"}
	}
	if o.Format == "" {
		o.Format = "csv"
	}
	if o.Layout == "" {
		o.Layout = "create_new"
	}
	if o.RowsPerPart <= 0 {
		o.RowsPerPart = 200_000
	}
	if o.Root == "" {
		o.Root = "costs"
	}
	return o
}

// WriteExports writes the files of Cost Management exports under dir, which stands for the container, as the service lays
// them out, each run's manifest last.
func (e *Enterprise) WriteExports(ctx context.Context, dir string, options ExportOptions) error {
	options = options.withDefaults()
	if !slices.Contains([]string{"csv", "csv.gz", "parquet"}, options.Format) || !slices.Contains([]string{"create_new", "overwrite", "legacy", "legacy_single"}, options.Layout) {
		return fmt.Errorf("WriteExports(%s): format %q and layout %q: want csv, csv.gz or parquet, and create_new, overwrite, legacy or legacy_single", dir, options.Format, options.Layout)
	}
	a, err := e.account(options.Account)
	if err != nil {
		return fmt.Errorf("WriteExports(%s): %w", dir, err)
	}
	for _, name := range options.Datasets {
		sets, err := e.exportSets(a, name)
		if err != nil {
			return fmt.Errorf("WriteExports(%s): %w", dir, err)
		}
		for _, set := range sets {
			if err := e.writeSet(ctx, dir, options, a, set); err != nil {
				return fmt.Errorf("WriteExports(%s, %s): %w", dir, name, err)
			}
		}
	}
	return nil
}

// writeSet writes an export's runs of all months asked for.
func (e *Enterprise) writeSet(ctx context.Context, dir string, o ExportOptions, a *account, set exportSet) error {
	for _, m := range e.months {
		if m.data == 0 || !wantsMonth(o.Months, m) {
			continue
		}
		if err := e.exportMonth(ctx, dir, o, a, set, m); err != nil {
			return fmt.Errorf("%s: %w", m.iso(), err)
		}
	}
	return nil
}

func wantsMonth(months []string, m month) bool {
	if len(months) == 0 {
		return true
	}
	for _, name := range months {
		if name == m.iso() || name == m.name {
			return true
		}
	}
	return false
}

// exportMonth writes the runs of one export for one month: perhaps an older one, the one that counts, perhaps one that is
// still being written. A restated month's run is newer than any before it.
func (e *Enterprise) exportMonth(ctx context.Context, dir string, o ExportOptions, a *account, set exportSet, m month) error {
	submitted := time.Unix(int64(min(e.asOf, m.start+m.length+invoiceDay-1))*86400, 0).UTC().Add(6*time.Hour + 10*time.Minute)
	if o.OlderRun {
		run := e.newSetRun(dir, o, a, set, m, submitted.Add(-24*time.Hour), 0)
		if err := run.write(ctx, set.feed(m, m.start-31, m.start+(m.data+1)/2-1)); err != nil {
			return err
		}
	}
	run := e.newSetRun(dir, o, a, set, m, submitted, 1)
	if e.restated[restatedMonth{a.key, m.index}] {
		run = e.newSetRun(dir, o, a, set, m, dayTime(e.asOf).Add(18*time.Hour+10*time.Minute), 3)
	}
	if err := run.write(ctx, set.feed(m, 0, 0)); err != nil {
		return err
	}
	if o.Incomplete {
		late := e.newSetRun(dir, o, a, set, m, submitted.Add(4*time.Hour), 2)
		late.unfinished = true
		return late.write(ctx, set.feed(m, m.start, m.start))
	}
	return nil
}

// A run is one run of an export: a folder of parts, and a manifest once it is complete.
type run struct {
	e          *Enterprise
	o          ExportOptions
	a          *account
	set        exportSet
	m          month
	submitted  time.Time
	id         string
	export     string
	dir        string // of the container
	folder     string // in the container
	unfinished bool
	blobs      []blob
	rows       int
	bytes      int64
}

type blob struct {
	Name  string `json:"blobName"`
	Bytes int64  `json:"byteCount"`
	Rows  int    `json:"dataRowCount"`
}

func (e *Enterprise) newRun(dir string, o ExportOptions, a *account, ds dataset, m month, submitted time.Time, serial uint64) *run {
	return e.newSetRun(dir, o, a, e.costSet(a, ds), m, submitted, serial)
}

func (e *Enterprise) newSetRun(dir string, o ExportOptions, a *account, set exportSet, m month, submitted time.Time, serial uint64) *run {
	r := &run{e: e, o: o, a: a, set: set, m: m, submitted: submitted, dir: dir}
	r.id = guid(mix2(a.seed^set.salt, uint64(m.start)*4+serial))
	r.export = set.name
	dates := dayTime(m.start).Format("20060102") + "-" + dayTime(m.last()).Format("20060102")
	r.folder = path.Join(o.Root, r.export, dates)
	switch o.Layout {
	case "overwrite":
		r.folder = path.Join(r.folder, r.id)
	case "create_new", "legacy":
		r.folder = path.Join(r.folder, submitted.Format("200601021504"), r.id)
	}
	return r
}

// partName is the name of the n-th part, from 1.
func (r *run) partName(n int) string {
	if r.o.Layout == "legacy_single" {
		return r.export + "_" + r.id + "." + r.o.Format
	}
	return fmt.Sprintf("part_0_%04d.%s", n, r.o.Format)
}

// write writes all parts, then the manifest.
func (r *run) write(ctx context.Context, c feed) error {
	if err := os.MkdirAll(filepath.Join(r.dir, filepath.FromSlash(r.folder)), 0o755); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	limit := r.o.RowsPerPart
	if r.o.Layout == "legacy_single" {
		limit = int(^uint(0) >> 1)
	}
	for n := 1; ; n++ {
		more, err := r.writePart(ctx, c, n, limit)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if r.unfinished || r.o.Layout == "legacy_single" {
		return nil
	}
	return r.writeManifest()
}

// writePart writes up to limit rows and tells whether rows are left.
func (r *run) writePart(ctx context.Context, c feed, n, limit int) (bool, error) {
	name := path.Join(r.folder, r.partName(n))
	file, err := os.Create(filepath.Join(r.dir, filepath.FromSlash(name)))
	if err != nil {
		return false, fmt.Errorf("part %d: %w", n, err)
	}
	counted := &counter{w: file}
	var rows int
	if r.o.Format == "parquet" {
		rows, err = writeParquet(ctx, counted, c, c.columns(), limit)
	} else {
		rows, err = r.writeText(ctx, counted, c, limit)
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return false, fmt.Errorf("part %s: %w", name, err)
	}
	r.blobs = append(r.blobs, blob{name, counted.n, rows})
	r.rows += rows
	r.bytes += counted.n
	return rows == limit && c.more(), nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (r *run) writeText(ctx context.Context, out io.Writer, c feed, limit int) (int, error) {
	if r.o.Format != "csv.gz" {
		return writeCSV(ctx, out, c, c.columns(), limit)
	}
	zip, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return 0, err
	}
	rows, err := writeCSV(ctx, zip, c, c.columns(), limit)
	if closeErr := zip.Close(); err == nil {
		err = closeErr
	}
	return rows, err
}

// byteOrderMark stands before the header of every part.
const byteOrderMark = "\ufeff"

// writeCSV writes a header and up to limit rows.
func writeCSV(ctx context.Context, out io.Writer, c rower, columns []column, limit int) (int, error) {
	w := &writer{buf: make([]byte, 0, 1<<20)}
	w.buf = append(w.buf, byteOrderMark...)
	for i, column := range columns {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(w.buf, column.name...)
	}
	w.buf = append(w.buf, '\r', '\n')
	rows := 0
	var r row
	for rows < limit && c.next(&r) {
		w.appendCSV(&r, columns)
		rows++
		if len(w.buf) > 1<<20-1<<14 {
			if err := w.flush(ctx, out); err != nil {
				return rows, err
			}
		}
	}
	return rows, w.flush(ctx, out)
}

func (w *writer) flush(ctx context.Context, out io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := out.Write(w.buf)
	w.buf = w.buf[:0]
	return err
}

// writeManifest writes the manifest of a complete run, as Cost Management writes it; the legacy one has no version and no
// counts.
func (r *run) writeManifest() error {
	manifest := map[string]any{
		"byteCount":      r.bytes,
		"exportConfig":   r.exportConfig(),
		"deliveryConfig": r.deliveryConfig(),
		"runInfo": map[string]any{
			"executionType": "Scheduled", "submittedTime": r.submitted.Format("2006-01-02T15:04:05.0000000Z"), "runId": r.id,
			"startDate": dayTime(r.m.start).Format("2006-01-02T15:04:05"), "endDate": dayTime(r.m.last()).Format("2006-01-02T15:04:05"),
		},
	}
	name := "_manifest.json"
	if r.o.Layout == "legacy" {
		var blobs []map[string]any
		for _, b := range r.blobs {
			blobs = append(blobs, map[string]any{"blobName": b.Name, "byteCount": b.Bytes})
		}
		manifest["blobs"] = blobs
	} else {
		name = "manifest.json"
		manifest["manifestVersion"], manifest["blobCount"], manifest["dataRowCount"], manifest["blobs"] = "2024-04-01", len(r.blobs), r.rows, r.blobs
	}
	text, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	file := filepath.Join(r.dir, filepath.FromSlash(r.folder), name)
	if err := os.WriteFile(file+".part", text, 0o644); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	return os.Rename(file+".part", file)
}

func (r *run) exportConfig() map[string]any {
	frame := "TheLastMonth"
	if r.m.data < r.m.length {
		frame = "MonthToDate"
	}
	return map[string]any{
		"exportName": r.export, "resourceId": r.set.scope + "/providers/Microsoft.CostManagement/exports/" + r.export,
		"dataVersion": r.set.version, "apiVersion": "2025-03-01", "type": r.set.exportType, "timeFrame": frame, "granularity": "Daily",
	}
}

func (r *run) deliveryConfig() map[string]any {
	format, compression, behavior := "Csv", "none", "CreateNewReport"
	switch {
	case r.o.Format == "parquet":
		format, compression = "Parquet", "snappy"
	case strings.HasSuffix(r.o.Format, ".gz"):
		compression = "gzip"
	}
	if r.o.Layout == "overwrite" {
		behavior = "OverwritePreviousReport"
	}
	return map[string]any{
		"partitionData": true, "dataOverwriteBehavior": behavior, "fileFormat": format, "compressionMode": compression,
		"containerUri":   "/subscriptions/" + r.e.ea.subs[0].id + "/resourceGroups/rg-finops/providers/Microsoft.Storage/storageAccounts/contosocosts",
		"rootFolderPath": r.o.Root,
	}
}
