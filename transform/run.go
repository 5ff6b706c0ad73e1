package transform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options say what to build and where. Lake and Models must be given.
type Options struct {
	Lake    string   // folder that holds raw/ and tables/
	Temp    string   // folder for the database and what does not fit in memory; "" is tmp in the lake
	Memory  string   // most memory for the engine, such as "2GB", which "" means; the process peaks a fifth above
	Threads int      // 0 is one per core
	Models  fs.FS    // staging/, intermediate/, marts/ and dialect/duckdb.sql
	Inputs  []Input  // tables of configuration
	Kept    []Kept   // files of tables as they were, for models that read closed_<table> or previous_<table>
	Periods Range    // only these periods are built; others stay as they are
	Tables  []string // only these tables and what they read are built; empty: all
	// Fetch brings files of the lake that are not on this disk, called with those that a table is about
	// to be made from; nil: all are there. A table is then taken at its state's word until it is read.
	Fetch    func(ctx context.Context, paths []string) error
	Log      *slog.Logger // a line per table built; nil: nothing
	Progress func(Event)  // called before and after each table and period; nil: nobody looks
}

// Range is a span of months, both ends included. An end that is "" is open.
type Range struct{ From, To string }

func (r Range) has(period string) bool {
	return period == "" || (r.From == "" || period >= r.From) && (r.To == "" || period <= r.To)
}

// Outcome is what became of one table and period.
type Outcome string

const (
	Building  Outcome = "building"  // work has begun; only an Event says so
	Built     Outcome = "built"     // made anew
	Unchanged Outcome = "unchanged" // nothing it is made from changed
	Failed    Outcome = "failed"    // refused, or the machine failed; the last good file stays
	Skipped   Outcome = "skipped"   // something it reads failed
	Stale     Outcome = "stale"     // out of date, but outside the periods or tables asked for
	LeftOut   Outcome = "left out"  // never built, and outside the periods asked for
)

// Event is one step of a run.
type Event struct {
	Table
	Done, Total int // tables and periods
}

// Table is one table and period of a result.
type Table struct {
	Name    string
	Period  string // yyyy-mm, "" for a table of one piece
	Outcome Outcome
	Rows    int64
	Bytes   int64
	Took    time.Duration
}

// Result is what a run did.
type Result struct {
	Tables    []Table
	Broken    []Broken // checks that do not hold, in tables that are up to date; they stop nothing
	Published bool     // the set is up to date: every table is, and none is refused
}

// CheckError says that built tables do not hold to their headers. They are refused: the last good
// files and the last good set stay. [Run] returns it, wrapped where something else failed as well.
type CheckError struct{ Failures []Broken }

func (e *CheckError) Error() string { return describe(e.Failures) }

// describe lists failures, a line each; the same failure in many periods is one line.
func describe(failures []Broken) string {
	var lines []string
	periods := map[string][]string{}
	for _, b := range failures {
		line := b
		line.Period = ""
		if periods[line.String()] == nil {
			lines = append(lines, line.String())
		}
		periods[line.String()] = append(periods[line.String()], b.Period)
	}
	for i, line := range lines {
		if p := periods[line]; p[0] != "" {
			lines[i] += " (" + strings.Join(p, ", ") + ")"
		}
	}
	return strings.Join(lines, "\n")
}

// Run brings every table that is out of date up to date, holds it to its header, and, when all of
// them are whole, writes the set of published tables. Running it again does nothing; stopped at any
// point it leaves the last good set in place, and the next run goes on where it stopped.
func Run(ctx context.Context, o Options) (Result, error) {
	r, err := prepare(o)
	if err != nil {
		return Result{}, fmt.Errorf("transform: %w", err)
	}
	defer r.closeSession()
	for _, p := range r.pieces {
		if err := r.piece(ctx, p); err != nil {
			return r.result, fmt.Errorf("transform(%s): %w", p, err)
		}
	}
	return r.result, r.finish()
}

// runner is one run.
type runner struct {
	Options
	models   []*Model
	set      map[string]*Model
	dialect  string
	units    []unit
	digests  map[string]string // of the tables of configuration
	given    map[string]Input
	periods  map[string][]string // of each table with a period
	pieces   []piece             // all that there should be, in building order
	wanted   map[string]bool     // tables that may be built
	states   map[string]*state   // by folder of the piece
	held     map[string]string   // folders of pieces that failed or were skipped, and why
	stale    bool
	verified map[string]bool
	single   map[string]bool // tables whose rows keep their order only on one thread
	compared []*Model        // tables that some model reads as they were
	previous *comparison     // what they are compared with, once that is known
	session  *session
	result   Result
	failures []Broken
	errs     []error
}

func prepare(o Options) (*runner, error) {
	r := &runner{
		Options: o, set: map[string]*Model{}, states: map[string]*state{}, held: map[string]string{},
		verified: map[string]bool{}, single: map[string]bool{}, given: map[string]Input{}, digests: map[string]string{}, periods: map[string][]string{},
	}
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	if r.Progress == nil {
		r.Progress = func(Event) {}
	}
	for _, step := range []func() error{r.absolute, r.load, r.scan, r.inputs, r.checkKept, r.want, r.plan} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// absolute makes the paths independent of the working directory: the engine compares texts when it
// decides what it may open.
func (r *runner) absolute() (err error) {
	if r.Lake, err = filepath.Abs(r.Lake); err != nil {
		return err
	}
	if r.Temp == "" {
		r.Temp = filepath.Join(r.Lake, "tmp")
	}
	r.Temp, err = filepath.Abs(r.Temp)
	return err
}

func (r *runner) load() (err error) {
	if r.models, err = Load(r.Models); err != nil {
		return err
	}
	for _, m := range r.models {
		r.set[m.Name] = m
	}
	r.compared = comparedTables(r.models)
	text, err := fs.ReadFile(r.Models, "dialect/duckdb.sql")
	r.dialect = string(text)
	return err
}

func (r *runner) scan() (err error) {
	r.units, err = readUnits(r.Lake)
	return err
}

// inputs takes the tables of configuration that some model reads.
func (r *runner) inputs() error {
	for _, in := range r.Inputs {
		known := builtin(in.Name)
		if len(in.Columns) == 0 {
			in.Columns = known
		}
		if known == nil || provided[in.Name] != nil || !sameColumns(in.Columns, known) {
			return fmt.Errorf("the table %s of %s is no table of configuration, or has other columns than that", in.Name, in.Path)
		}
		path, err := filepath.Abs(in.Path)
		if err != nil {
			return err
		}
		in.Path = path
		if _, r.digests[in.Name], err = hashFile(path); err != nil {
			return err
		}
		r.given[in.Name] = in
	}
	for _, m := range r.models {
		for _, read := range m.Reads {
			if r.set[read] == nil && provided[read] == nil && !isRaw(read) && !isKept(read) && r.given[read].Path == "" {
				return fmt.Errorf("%s: reads %s, for which no file is given", m.Path, read)
			}
		}
	}
	return nil
}

func sameColumns(a, b []Column) bool {
	return slices.EqualFunc(a, b, func(a, b Column) bool { return a.Name == b.Name && a.Type == b.Type })
}

// want marks the tables asked for and everything they read, models standing after what they read.
func (r *runner) want() error {
	r.wanted = map[string]bool{}
	for _, table := range r.Tables {
		if r.set[table] == nil {
			return fmt.Errorf("there is no table %s; there are %s", table, strings.Join(slices.Sorted(maps.Keys(r.set)), ", "))
		}
		r.wanted[table] = true
	}
	for _, m := range slices.Backward(r.models) {
		r.wanted[m.Name] = r.wanted[m.Name] || len(r.Tables) == 0
		for _, read := range m.Reads {
			r.wanted[read] = r.wanted[read] || r.wanted[m.Name]
		}
	}
	return nil
}

// plan lists the pieces there should be, and reads their states.
func (r *runner) plan() error {
	for _, m := range r.models {
		periods := []string{""}
		if m.Period != "" {
			var err error
			if periods, err = r.periodsOf(m); err != nil {
				return err
			}
			r.periods[m.Name] = periods
		}
		for _, period := range periods {
			p := piece{m, period}
			r.pieces = append(r.pieces, p)
			r.states[p.folder()] = readState(r.Lake, p, r.Fetch != nil)
		}
	}
	return nil
}

// periodsOf are the periods that anything m reads has.
func (r *runner) periodsOf(m *Model) ([]string, error) {
	var periods []string
	for _, read := range m.Reads {
		switch {
		case isRaw(read):
			mine := func(u unit) bool { return "raw_"+u.Source == read }
			if i := slices.IndexFunc(r.units, func(u unit) bool { return mine(u) && u.Period == noPeriod }); i >= 0 {
				return nil, fmt.Errorf("%s: has a period, but %s has units that belong to none, such as %s", m.Path, read, r.units[i].Scope)
			}
			periods = append(periods, unitPeriods(r.units, mine)...)
		case read == rawUnit, read == rawReject:
			periods = append(periods, unitPeriods(r.units, func(unit) bool { return true })...)
		case isKept(read):
			periods = append(periods, r.keptPeriods(read)...)
		default:
			periods = append(periods, r.periods[read]...)
		}
	}
	slices.Sort(periods)
	return slices.Compact(periods), nil
}

// piece brings one table and period up to date. Its error ends the run.
func (r *runner) piece(ctx context.Context, p piece) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	state := r.states[p.folder()]
	feeds, blocked := r.feeds(p)
	digest := r.digest(p, feeds)
	switch {
	case blocked != "":
		r.held[p.folder()] = "reads " + blocked
		r.report(p, Skipped, nil, 0)
	case state != nil && state.Digest == digest:
		r.report(p, Unchanged, state, 0)
	case state == nil && !r.Periods.has(p.period):
		r.report(p, LeftOut, nil, 0)
	case !r.wanted[p.m.Name] || !r.Periods.has(p.period):
		r.stale = true
		r.report(p, Stale, state, 0)
	default:
		return r.build(ctx, p, digest, feeds)
	}
	return nil
}

func (r *runner) report(p piece, outcome Outcome, s *state, took time.Duration) {
	t := Table{Name: p.m.Name, Period: p.period, Outcome: outcome, Took: took}
	if s != nil {
		t.Rows, t.Bytes = s.File.Rows, s.File.Bytes
	}
	if outcome != Building {
		r.result.Tables = append(r.result.Tables, t)
	}
	if s != nil && outcome != Stale {
		r.result.Broken = append(r.result.Broken, s.Broken...)
	}
	r.Progress(Event{Table: t, Done: len(r.result.Tables), Total: len(r.pieces)})
}

// build makes a piece. Where the order of rows would not be the same every time it takes one thread;
// out of memory too, for that needs least.
func (r *runner) build(ctx context.Context, p piece, digest string, feeds []feed) error {
	r.report(p, Building, nil, 0)
	start := time.Now()
	b := builder{r: r, p: p, digest: digest, feeds: feeds}
	threads := r.Threads
	if r.single[p.m.Name] {
		threads = 1
	}
	err := b.attempt(ctx, threads)
	if errors.Is(err, errLosesOrder) {
		r.single[p.m.Name], threads = true, 1
		err = b.attempt(ctx, threads)
	}
	if isOutOfMemory(err) && threads != 1 && ctx.Err() == nil {
		r.Log.Warn("out of memory, trying again on one thread", "table", p.String(), "error", err)
		err = b.attempt(ctx, 1)
	}
	took := time.Since(start)
	switch {
	case ctx.Err() != nil:
		return errors.Join(ctx.Err(), err)
	case err != nil:
		return r.failed(p, b.explain(err), took)
	case slices.ContainsFunc(b.broken, Broken.Stops):
		r.refused(p, b.broken, took)
	default:
		r.states[p.folder()] = b.state
		r.Log.Info("table", "table", p.m.Name, "period", p.period, "rows", b.state.File.Rows, "took", took.Round(time.Millisecond))
		r.report(p, Built, b.state, took)
	}
	return nil
}

func (r *runner) refused(p piece, broken []Broken, took time.Duration) {
	for _, b := range broken {
		if b.Stops() {
			r.failures = append(r.failures, b)
			r.Log.Error("table refused", "table", p.String(), "rule", b.Rule, "kind", b.Kind, "rows", b.Count)
		}
	}
	r.held[p.folder()] = "was refused"
	r.report(p, Failed, nil, took)
}

// failed notes that the machine failed on one piece. The database is opened afresh for the next:
// after a fatal error it answers nothing more. A full disk fails the others too, so it ends the run.
func (r *runner) failed(p piece, err error, took time.Duration) error {
	r.closeSession()
	r.held[p.folder()] = "failed"
	r.report(p, Failed, nil, took)
	r.Log.Error("table failed", "table", p.String(), "error", err)
	if isDiskFull(err) {
		return err
	}
	r.errs = append(r.errs, fmt.Errorf("transform(%s): %w", p, err))
	return nil
}

// open returns the database, opening it for the first table that is out of date, and anew for
// another number of threads, which an open one does not let itself be given (50 ms).
func (r *runner) open(ctx context.Context, threads int) (*session, error) {
	if r.session != nil && r.session.options.threads == threads {
		return r.session, nil
	}
	r.closeSession()
	readable := []string{r.Lake}
	for _, in := range r.given {
		readable = append(readable, filepath.Dir(in.Path))
	}
	slices.Sort(readable)
	// One folder for each lake: runs over several may share Temp, and only one run at a time holds a lake.
	h := fnv.New64a()
	h.Write([]byte(r.Lake))
	s, err := openSession(ctx, sessionOptions{
		dir:    filepath.Join(r.Temp, fmt.Sprintf("azledger-transform-%x", h.Sum64())),
		memory: r.Memory, threads: threads, dialect: r.dialect, readable: slices.Compact(readable),
	})
	r.session = s
	return s, err
}

func (r *runner) closeSession() {
	if r.session == nil {
		return
	}
	if err := r.session.close(); err != nil {
		r.Log.Warn("closing the database", "error", err)
	}
	r.session = nil
	if r.Temp == filepath.Join(r.Lake, "tmp") {
		_ = os.Remove(r.Temp) // ours, and nobody's when empty
	}
}

// finish writes the set if everything is up to date and whole, clears what nothing needs, and says
// what failed.
func (r *runner) finish() error {
	err := r.failure()
	if err == nil && !r.stale {
		if err = r.writeSet(); err == nil {
			r.result.Published = true
			err = r.remember()
		}
	}
	return errors.Join(err, sweep(r.Lake, r.keep()))
}

func (r *runner) failure() error {
	query := func(b Broken) bool { return b.Kind == KindQuery }
	var queries, checks []Broken
	for _, b := range r.failures {
		if query(b) {
			queries = append(queries, b)
		} else {
			checks = append(checks, b)
		}
	}
	errs := r.errs
	if len(queries) > 0 {
		errs = append(errs, errors.New(describe(queries)))
	}
	if len(checks) > 0 {
		errs = append(errs, &CheckError{checks})
	}
	return errors.Join(errs...)
}

// keep is every file that a table or the last set needs.
func (r *runner) keep() map[string]bool {
	keep := setFiles(r.Lake)
	maps.Copy(keep, previousKept(r.Lake))
	keep[setFile], keep[previousFile] = true, true
	for _, p := range r.pieces {
		if s := r.states[p.folder()]; s != nil {
			keep[p.folder()+"/"+stateFile] = true
			keep[p.folder()+"/"+s.File.Path] = true
		}
	}
	return keep
}

func (r *runner) writeSet() error {
	s := set{Format: 1, Tables: []setTable{}}
	var err error
	if s.AsOf, err = r.asOf(); err != nil {
		return err
	}
	for _, m := range r.models {
		if !m.Published() {
			continue
		}
		t := newSetTable(m)
		closed := r.closedPieces(m)
		t.Files = append(t.Files, closed...)
		for _, p := range r.piecesOf(m, "") {
			if state := r.states[p.folder()]; state != nil && !isSignedOff(closed, p.period) {
				t.add(p, state)
				if state.Facts.DataCompleteTo != "" {
					s.DataCompleteTo = &state.Facts.DataCompleteTo
				}
			}
		}
		slices.SortFunc(t.Files, func(a, b setPart) int { return strings.Compare(a.Period, b.Period) })
		s.Tables = append(s.Tables, t)
	}
	slices.SortFunc(s.Tables, func(a, b setTable) int { return strings.Compare(a.Name, b.Name) })
	return s.write(r.Lake)
}

// asOf is the run date of run_context, if that is given.
func (r *runner) asOf() (*string, error) {
	in, ok := r.given["run_context"]
	if !ok {
		return nil, nil
	}
	rows, err := readRows(in.Path)
	if err != nil {
		return nil, err
	}
	if len(rows) != 2 {
		return nil, fmt.Errorf("%s: run_context is a table of one row, not of %d", in.Path, len(rows)-1)
	}
	return &rows[1][slices.Index(rows[0], "RunDate")], nil
}

// piecesOf are the pieces of a table: one period's, or all.
func (r *runner) piecesOf(m *Model, period string) (pieces []piece) {
	if m.Period == "" {
		return []piece{{m, ""}}
	}
	for _, p := range r.periods[m.Name] {
		if period == "" || p == period {
			pieces = append(pieces, piece{m, p})
		}
	}
	return pieces
}

// digest is a hash of everything the file of a piece depends on.
func (r *runner) digest(p piece, feeds []feed) string {
	d, sum := newDigest()
	d.add("1", engineVersion, withoutComments(r.dialect), p.period)
	d.contract(p.m)
	for _, f := range feeds {
		d.add(f.name, f.digest)
		d.columns(f.columns)
		d.files(f.files)
	}
	return sum()
}

func withoutComments(sql string) string {
	var lines []string
	for line := range strings.Lines(sql) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // only ever given plain structs
	}
	return string(text)
}
