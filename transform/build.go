package transform

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// feed is one table as one piece sees it.
type feed struct {
	name    string
	columns []Column
	files   []file  // Parquet, for raw sources, rejects and tables
	rows    [][]any // for raw_unit and check_result
	csv     string  // for a table of configuration
	digest  string  // of what is not in files
}

// feeds are the tables a piece reads. Where one of them failed or was refused it says which.
func (r *runner) feeds(p piece) (feeds []feed, blocked string) {
	for _, read := range p.m.Reads {
		f := feed{name: read, columns: columnsOf(p.m, read, r.set)}
		switch {
		case isRaw(read):
			f.files = r.rawFiles(p, func(u unit) []file {
				if "raw_"+u.Source != read {
					return nil
				}
				return u.Files
			})
		case read == rawReject:
			f.files = r.rawFiles(p, func(u unit) []file { return u.Rejects })
		case read == rawUnit:
			f.rows = r.unitRows(p)
			f.digest = jsonText(f.rows)
		case read == checkResult:
			f.rows = r.checkRows()
			f.digest = jsonText(f.rows)
		case read == comparedRun:
			f.rows = r.comparedRows()
			f.digest = jsonText(f.rows)
		case isKept(read):
			f.files = r.keptFiles(read, p)
		case r.set[read] != nil:
			var why string
			if f.files, why = r.tableFiles(r.set[read], p.period); why != "" {
				blocked = cmp.Or(blocked, why)
			}
		default:
			f.csv, f.digest = r.given[read].Path, r.digests[read]
		}
		feeds = append(feeds, f)
	}
	return feeds, blocked
}

// rawFiles are the files of the units of the piece's period, or of all.
func (r *runner) rawFiles(p piece, of func(unit) []file) (files []file) {
	for _, u := range r.units {
		if p.period == "" || u.Period == p.period {
			files = append(files, of(u)...)
		}
	}
	return files
}

func (r *runner) unitRows(p piece) (rows [][]any) {
	for _, u := range r.units {
		if p.period != "" && u.Period != p.period {
			continue
		}
		var size int64
		for _, f := range u.Files {
			size += f.Bytes
		}
		rows = append(rows, []any{
			u.Source, u.Account, u.Scope, u.Period, u.Dataset, u.State, u.Error, u.Rows, u.RejectRows, u.Pages, u.Rounded,
			cmp.Or(u.LargestRounding, "0"), orNull(u.MinDate), orNull(u.MaxDate), len(u.Files), size,
			said(u.Announced.Pages), said(u.Announced.Rows), said(u.Announced.Bytes), said(u.Received), said(u.Duplicates),
		})
	}
	return rows
}

// said is a count, null where it is not known.
func said(n *int64) any {
	if n == nil || *n < 0 {
		return nil
	}
	return *n
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// checkRows are the violations in the tables that are not built from violations themselves: refused
// ones too.
func (r *runner) checkRows() (rows [][]any) {
	last := r.readersOf(checkResult)
	add := func(b Broken) {
		if b.Kind == KindCheck || b.Kind == KindTotal {
			rows = append(rows, []any{b.Table, orNull(b.Period), b.Rule, b.Kind, b.Count, b.Example})
		}
	}
	for _, p := range r.pieces {
		if s := r.states[p.folder()]; s != nil && !last[p.m.Name] && r.held[p.folder()] == "" {
			for _, b := range s.Broken {
				add(b)
			}
		}
	}
	for _, b := range r.failures {
		if !last[b.Table] {
			add(b)
		}
	}
	return rows
}

// readersOf are the models that read a table, directly or through others.
func (r *runner) readersOf(table string) map[string]bool {
	readers := map[string]bool{}
	for _, m := range r.models { // each stands after what it reads
		readers[m.Name] = slices.ContainsFunc(m.Reads, func(read string) bool { return read == table || readers[read] })
	}
	return readers
}

// tableFiles are the files of a table, of one period or of all, or why they cannot be used.
func (r *runner) tableFiles(m *Model, period string) (files []file, blocked string) {
	for _, p := range r.piecesOf(m, period) {
		s := r.states[p.folder()]
		switch {
		case r.held[p.folder()] != "":
			return nil, fmt.Sprintf("%s, which %s", p, r.held[p.folder()])
		case s == nil:
			continue // outside the periods asked for
		case !sameColumns(s.Columns, m.Columns):
			return nil, fmt.Sprintf("%s, which has the columns of an earlier version and is outside the periods asked for", p)
		}
		f := s.File
		f.Path = filepath.Join(r.Lake, tablesFolder, filepath.FromSlash(p.folder()), f.Path)
		files = append(files, f)
	}
	return files, ""
}

// builder makes one piece.
type builder struct {
	r      *runner
	p      piece
	digest string
	feeds  []feed
	broken []Broken
	state  *state
}

// attempt builds, holds and writes the piece. What is wrong with the table is left in b.broken; an
// error is about the machine.
func (b *builder) attempt(ctx context.Context, threads int) (err error) {
	s, err := b.r.open(ctx, threads)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.clear(ctx)) }()
	for _, f := range b.feeds {
		if err := b.provide(ctx, s, f); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	folder := filepath.Join(b.r.Lake, tablesFolder, filepath.FromSlash(b.p.folder()))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	beside := filepath.Join(folder, "building.parquet.tmp")
	defer os.Remove(beside)
	var rows int64
	rows, b.broken, err = makeTable(ctx, s, b.p.m, b.p.period, beside)
	if err != nil || slices.ContainsFunc(b.broken, Broken.Stops) {
		return err
	}
	if b.state, err = b.keep(beside, rows); err != nil {
		return err
	}
	if b.state.Facts, err = s.facts(ctx, b.p.m); err != nil {
		return err
	}
	if err := b.publish(beside); err != nil {
		return err
	}
	return b.state.write(b.r.Lake, b.p)
}

func (b *builder) provide(ctx context.Context, s *session, f feed) error {
	if err := b.r.fetch(ctx, f.files); err != nil {
		return err
	}
	for _, file := range f.files {
		if b.r.verified[file.Path] {
			continue
		}
		if err := file.verify(); err != nil {
			return fmt.Errorf("%w: %s", err, b.r.remedy(f.name, b.p.period, file.Path))
		}
		b.r.verified[file.Path] = true
	}
	switch {
	case f.csv != "":
		return s.csvTable(ctx, f.name, f.csv, f.columns, false)
	case f.rows != nil:
		return s.rowsTable(ctx, f.name, f.columns, f.rows)
	case len(f.files) == 0:
		return s.emptyTable(ctx, f.name, f.columns)
	case isRaw(f.name):
		return s.rawView(ctx, f.name, f.columns, f.columns, f.files)
	case f.name == rawReject:
		return s.rawView(ctx, f.name, rejectColumns, f.columns, f.files)
	case isKept(f.name):
		return s.keptView(ctx, f.name, f.columns, f.files)
	}
	return s.tableView(ctx, f.name, f.columns, f.files)
}

// fetch brings the files that are not on this disk, where they can be elsewhere.
func (r *runner) fetch(ctx context.Context, files []file) error {
	if r.Fetch == nil {
		return nil
	}
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	return r.Fetch(ctx, paths)
}

// remedy says what to do about a damaged file of a table.
func (r *runner) remedy(table, period, path string) string {
	switch {
	case r.isSignedOff(path):
		return signedOffRemedy
	case isRaw(table) && period != "":
		return "fetch it again: azledger run --refresh --period " + period + " --source " + strings.TrimPrefix(table, "raw_")
	case isRaw(table) || table == rawReject:
		return "fetch it again with azledger run --refresh and the months of the history as --period"
	case readsPast(table):
		return "remove tables/" + previousFile + " from the lake: the next run is compared with nothing, those after it as always"
	case isKept(table):
		return signedOffRemedy
	}
	return "remove the folder of this table, it is built again"
}

const signedOffRemedy = "it is kept as it was and cannot be built again: put it back from a copy of the lake; azledger verify names all that is damaged"

// isSignedOff tells whether a file is what a closed month keeps. It is published in place of the table's own, so that it
// can stand behind any table.
func (r *runner) isSignedOff(path string) bool {
	return slices.ContainsFunc(r.Kept, func(k Kept) bool {
		return k.Relation == Closed && filepath.Join(r.Lake, filepath.FromSlash(k.Path)) == filepath.Clean(path)
	})
}

// keep is the state of a file that was built and holds.
func (b *builder) keep(beside string, rows int64) (*state, error) {
	if err := syncFile(beside); err != nil {
		return nil, err
	}
	size, sum, err := hashFile(beside)
	if err != nil {
		return nil, err
	}
	s := &state{Format: 1, Digest: b.digest, Broken: b.broken}
	s.File = file{Path: sum[:16] + ".parquet", Rows: rows, Bytes: size, SHA256: sum}
	for _, c := range b.p.m.Columns {
		s.Columns = append(s.Columns, Column{Name: c.Name, Type: c.Type})
	}
	return s, nil
}

// publish makes the file appear under the hash of its content. What was just hashed need not be read
// back to be trusted.
func (b *builder) publish(beside string) error {
	path := filepath.Join(filepath.Dir(beside), b.state.File.Path)
	b.r.verified[path] = true
	return rename(beside, path)
}

// explain adds to an error of the machine what can be done about it.
func (b *builder) explain(err error) error {
	var size int64
	for _, f := range b.feeds {
		for _, file := range f.files {
			size += file.Bytes
		}
	}
	switch {
	case isOutOfMemory(err):
		return fmt.Errorf("needs more than the %s it may use, even on one thread: raise limits.memory: %w", cmp.Or(b.r.Memory, defaultMemory), err)
	case isDiskFull(err):
		return fmt.Errorf("the disk of %s or of %s is full; the table reads %d bytes and may need ten times as much of the first: %w",
			b.r.Temp, filepath.Join(b.r.Lake, tablesFolder), size, err)
	}
	return err
}

func isDiskFull(err error) bool {
	return err != nil && (errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "No space left on device"))
}
