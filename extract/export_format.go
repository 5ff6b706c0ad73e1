package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// exportFormat is how the files of exports become units of a source. Each dataset that
// Cost Management exports has a source of its own, in a file like focus_export.go.
type exportFormat struct {
	// types are the exportConfig.type of its manifests in lower case, and the dataset of
	// the unit that they become.
	types map[string]string
	// known are columns that tell its files from those of any other source. A file that
	// nobody's manifest speaks for is recognised by them.
	known []string
	// months are the columns that say the month a row is of, the first that has one.
	months []string
	// latest: a file holds days of several months and is of the last.
	latest bool
	// ahead is a column whose days come on top of the one in months: a look-back.
	ahead string
	// closes: what is made after its month is dataset closed, whatever the type says.
	closes bool
	// each: two exports of one scope hold different things, so each is a unit.
	each bool
}

// registerExports adds a source that reads Account.Exports.
func registerExports(s *Source) *Source { //nolint:unparam // a result makes it callable in a package variable
	s.files = true
	s.plan = func(ctx context.Context, r *run, a Account) ([]task, error) { return r.exportTasks(ctx, a, s.Name) }
	return register(s)
}

// exportSources are the sources that read export files.
func exportSources() []*Source {
	return slices.DeleteFunc(Sources(), func(s *Source) bool { return s.exports == nil })
}

// exportTyped finds the source that reads a type of export, and the unit's dataset.
func exportTyped(exportType string) (source, dataset string) {
	for _, s := range exportSources() {
		if d, ok := s.exports.types[strings.ToLower(exportType)]; ok {
			return s.Name, d
		}
	}
	return "", ""
}

// exportsFound is what a look at an account's folder found. It is taken once a run,
// however many sources read from the folder.
type exportsFound struct {
	folder ExportFolder
	runs   []exportRun
	scope  string // of all manifests, "" when they differ
	err    error  // told once, by the source that looked
}

// exportTasks plans the units of one source from the account's folder. What stands in
// the way of the folder, or of one file in it, fails the source that looks first;
// runs that can be read are, whatever is wrong with others.
func (r *run) exportTasks(ctx context.Context, a Account, source string) ([]task, error) {
	found, seen := r.exports[a.Name]
	if !seen {
		found = r.lookForExports(ctx, a)
		if r.exports == nil {
			r.exports = map[string]*exportsFound{}
		}
		r.exports[a.Name] = &exportsFound{folder: found.folder, runs: found.runs, scope: found.scope}
	}
	var tasks []task
	for _, e := range found.runs {
		if e.source == source && r.o.Periods.contains(e.period) {
			// Files without a manifest say no scope: they are the account's, else of the scope
			// that all manifests beside them have, so that nothing is taken for two things.
			e.scope = cmp.Or(e.scope, a.Scope, found.scope, a.Name)
			tasks = append(tasks, e.task(found.folder, a))
		}
	}
	return tasks, found.err
}

func (r *run) lookForExports(ctx context.Context, a Account) *exportsFound {
	folder, err := r.o.Exports(ctx, a.Exports)
	if err != nil {
		return &exportsFound{err: fmt.Errorf("exports of account %s: %w", a.Name, err)}
	}
	runs, err := newestRuns(ctx, folder, r.log)
	if err != nil {
		err = fmt.Errorf("exports of account %s in %s: %w", a.Name, hideQueries(a.Exports), err)
	}
	return &exportsFound{folder, runs, onlyScope(runs), err}
}

// onlyScope is the scope of all runs that name one, "" if they name several.
func onlyScope(runs []exportRun) string {
	only := ""
	for _, e := range runs {
		if e.scope != "" && only != "" && !strings.EqualFold(e.scope, only) {
			return ""
		}
		only = cmp.Or(e.scope, only)
	}
	return only
}

// task reads every part of the run, in the manifest's order, and holds what it read
// to the manifest's counts.
func (e exportRun) task(folder ExportFolder, a Account) task {
	u := Unit{Source: e.source, Account: a.Name, Scope: e.scope, Period: e.period, Dataset: e.dataset}
	return task{Unit: u, origin: e.identity(), fill: func(ctx context.Context, _ *run, l *landing, progress func(int64)) (int64, error) {
		if e.err != nil {
			return 0, e.err
		}
		var total int64
		l.announced = e.announced()
		for i, part := range e.parts {
			rows, err := e.land(ctx, folder, l, int64(i+1), part)
			if err != nil {
				return int64(i), err
			}
			total += rows
			progress(total)
		}
		if e.rows >= 0 && total != e.rows {
			return int64(len(e.parts)), fmt.Errorf("manifest %s announces %d rows, its files hold %d; wait for the export to finish or run it again", e.manifest, e.rows, total)
		}
		return int64(len(e.parts)), nil
	}}
}

// land reads one part and holds it to its own counts.
func (e exportRun) land(ctx context.Context, folder ExportFolder, l *landing, number int64, part exportPart) (int64, error) {
	body, err := folder.Open(ctx, part.name)
	if err != nil {
		return 0, fmt.Errorf("file %s of manifest %s: %w", part.name, e.manifest, err)
	}
	defer body.Close()
	counted := &countingReader{ctx: ctx, r: body}
	var rows int64
	if isParquet(part.name) {
		rows, err = landParquet(l, number, part.name, counted)
	} else {
		rows, err = l.csv(number, part.name, counted)
	}
	if err != nil {
		return 0, err
	}
	l.received += counted.n
	if part.bytes >= 0 && counted.n != part.bytes {
		return 0, fmt.Errorf("file %s: manifest %s announces %d bytes, it has %d", part.name, e.manifest, part.bytes, counted.n)
	}
	if part.rows >= 0 && rows != part.rows {
		return 0, fmt.Errorf("file %s: manifest %s announces %d rows, it has %d", part.name, e.manifest, part.rows, rows)
	}
	return rows, nil
}

func isParquet(name string) bool { return strings.HasSuffix(strings.ToLower(name), ".parquet") }

// countingReader counts what is read, and stops when ctx does: a large part takes
// longer to land than a container gets to stop.
type countingReader struct {
	ctx context.Context
	r   io.Reader
	n   int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, context.Cause(c.ctx)
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// fileHeader is the header of a file as one source understands it.
type fileHeader struct {
	source *Source
	at     map[string]int // where each of its columns stands in the file
}

// recognise finds the source whose file has this header.
func recognise(header []string) (fileHeader, error) {
	nearest, lacks := fileHeader{}, []string(nil)
	var twice error
	for _, s := range exportSources() {
		h, err := readHeader(s, header)
		if err != nil {
			twice = err
			continue
		}
		missing := slices.DeleteFunc(slices.Clone(s.exports.known), func(name string) bool { _, ok := h.at[name]; return ok })
		if len(missing) == 0 {
			return h, nil
		}
		if len(h.at) > len(nearest.at) {
			nearest, lacks = h, missing
		}
	}
	if twice != nil {
		return nearest, twice
	}
	if nearest.source == nil {
		return nearest, errors.New("its header is of no export that is known: none of its columns is one of costs, prices or reservations; is it CSV with commas, in UTF-8?")
	}
	return nearest, fmt.Errorf("its header is of no export that is known: as %s it lacks %s", nearest.source.Name, strings.Join(lacks, ", "))
}

// readHeader finds a source's columns in a header.
func readHeader(s *Source, header []string) (fileHeader, error) {
	h := fileHeader{s, map[string]int{}}
	index, err := newHeaderIndex(s.Columns)
	if err != nil {
		return h, err
	}
	target, _, err := index.find(header)
	for i, c := range target {
		if c >= 0 {
			h.at[s.Columns[c].Name] = i
		}
	}
	return h, err
}

func (h fileHeader) field(line []string, column string) string {
	if i, ok := h.at[column]; ok && i < len(line) {
		return line[i]
	}
	return ""
}

// month is the month that a line is of; "" when it does not say.
func (h fileHeader) month(line []string) string {
	f := h.source.exports
	for _, column := range f.months {
		day, _, ok := parseDay([]byte(strings.TrimSpace(h.field(line, column))), true)
		if !ok {
			continue
		}
		ahead, _ := digitRun([]byte(strings.TrimPrefix(h.field(line, f.ahead), "Last")))
		days, _, _ := number(ahead, 1, 4)
		return time.Unix((int64(day)+days)*24*60*60, 0).UTC().Format(monthLayout)
	}
	return ""
}

// pathMonth is the month of the date-range folder that a file lies in, "" without one.
func pathMonth(name string) string {
	for step := range strings.SplitSeq(path.Dir(name), "/") {
		if isDateRange(step) {
			return step[:4] + "-" + step[4:6]
		}
	}
	return ""
}

func listMonths(months map[string]bool) string {
	return strings.Join(slices.Sorted(maps.Keys(months)), ", ")
}
