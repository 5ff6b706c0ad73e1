package transform

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// What a model reads as previous_<table> are the rows of the last finished run that had others. The
// file tables/previous.json names the files of two runs: of the last one that finished, and of the
// last one before it whose rows were not the same. A run with the rows of the last one is compared
// with the other, so that nothing changes when nothing changes; any other run is compared with the
// last, and takes its place when it has finished.
//
// The file is replaced whole, after the set: a process that dies before that leaves a run that is
// not counted, and the next one is compared with the same rows again. Files that it names stay until
// it names them no more.
//
// Rows that another version of the program made are no base: what it calculates otherwise would be
// taken for what Azure changed. The relations are empty then, and the log says so.
const previousFile = "previous.json"

// history is the content of previous.json. What files a run had stand in one list, as in the
// manifests, so that whoever copies a lake finds them alike.
type history struct {
	Format int          `json:"format"`
	Last   *pastRun     `json:"last"`
	Before *pastRun     `json:"before"` // nil: there is none that could be compared with Last
	Files  []historyRow `json:"files"`
}

// pastRun is what is known of a run beside its files.
type pastRun struct {
	AsOf  string `json:"as_of"`
	Rows  string `json:"rows"`  // digest of the files
	Rules string `json:"rules"` // digest of the rules in force
	Code  string `json:"code"`  // digest of the models that made the files
}

type historyRow struct {
	Run    string `json:"run"` // last or before
	Table  string `json:"table"`
	Period string `json:"period"`
	file
}

const (
	runLast   = "last"
	runBefore = "before"
)

// readHistory returns an empty history where there is none that can be relied on: one of a file that
// is not there, or not whole, is none. A file may be elsewhere, to be fetched when it is read.
func readHistory(lake string, absent bool) history {
	h, err := openHistory(lake, absent)
	if err != nil {
		return history{}
	}
	return h
}

// openHistory also says what is wrong with a history that is there.
func openHistory(lake string, absent bool) (h history, err error) {
	folder := filepath.Join(lake, tablesFolder)
	name := filepath.Join(folder, previousFile)
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return h, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err != nil {
		return h, fmt.Errorf("%s: %w", name, err)
	}
	if h.Format != 1 {
		return h, fmt.Errorf("%s: format %d, but this program knows 1", name, h.Format)
	}
	for _, f := range h.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Path)) {
			return h, fmt.Errorf("%s: the file %q lies outside the tables", name, f.Path)
		}
		file := filepath.Join(folder, filepath.FromSlash(f.Path))
		info, err := os.Stat(file)
		switch {
		case errors.Is(err, os.ErrNotExist) && !absent:
			return h, err
		case err == nil && info.Size() != f.Bytes:
			return h, fmt.Errorf("%s: has %d bytes instead of %d", file, info.Size(), f.Bytes)
		}
	}
	return h, nil
}

// of are the files of one of the runs.
func (h history) of(run string) (kept []Kept) {
	for _, f := range h.Files {
		if f.Run == run {
			kept = append(kept, Kept{
				Relation: Previous, Table: f.Table, Period: f.Period,
				Path: path.Join(tablesFolder, f.Path), Rows: f.Rows, Bytes: f.Bytes, SHA256: f.SHA256,
			})
		}
	}
	return kept
}

// comparison is what this run is compared with.
type comparison struct {
	run   *pastRun // nil: with nothing
	rules string   // digest of the rules the rows at hand were made by
	kept  []Kept
}

// base is what previous_<table> is in this run. It is asked for when the tables are built that are
// compared, since their rows decide.
func (r *runner) base() comparison {
	if r.previous != nil {
		return *r.previous
	}
	h, err := openHistory(r.Lake, r.Fetch != nil)
	if err != nil {
		r.Log.Warn("nothing is compared with the run before, and restatement begins anew: what is kept of that run is damaged", "err", err)
		h = history{}
	}
	now := r.thisRun()
	r.previous = &comparison{rules: now.Rules}
	switch {
	case h.Last == nil:
	case h.Last.Rows == now.Rows:
		*r.previous = comparison{h.Before, h.Last.Rules, h.of(runBefore)}
	case h.Last.Code != now.Code:
		r.Log.Warn("nothing is compared with the run before: this version of azledger calculates otherwise", "run date", h.Last.AsOf)
	default:
		*r.previous = comparison{h.Last, now.Rules, h.of(runLast)}
	}
	return *r.previous
}

// pastPeriods are the periods that a table had in either run, before it is known which one counts.
func (r *runner) pastPeriods(table string) (periods []string) {
	for _, f := range readHistory(r.Lake, true).Files {
		if f.Table == table && f.Period != "" {
			periods = append(periods, f.Period)
		}
	}
	return periods
}

// comparedRows are the rows of compared_run: one, or none where there is nothing to compare with.
func (r *runner) comparedRows() [][]any {
	b := r.base()
	if b.run == nil {
		return nil
	}
	return [][]any{{orNull(b.run.AsOf), b.run.Rules, b.rules}}
}

// remember makes this run the last one, when its rows are others.
func (r *runner) remember() error {
	if len(r.compared) == 0 || r.givesPrevious() {
		return nil
	}
	h, now := readHistory(r.Lake, r.Fetch != nil), r.thisRun()
	if h.Last != nil && h.Last.Rows == now.Rows {
		h.Last.Code = now.Code // another version may calculate the same
		return h.write(r.Lake)
	}
	next := history{Format: 1, Last: &now, Files: r.liveRows()}
	if h.Last != nil && h.Last.Code == now.Code {
		next.Before = h.Last
		for _, f := range h.Files {
			if f.Run == runLast {
				f.Run = runBefore
				next.Files = append(next.Files, f)
			}
		}
	}
	return next.write(r.Lake)
}

func (h *history) write(lake string) error {
	text, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(lake, tablesFolder, previousFile), append(text, '\n'))
}

// comparedTables are those that some model reads as they were.
func comparedTables(models []*Model) (tables []*Model) {
	for _, m := range models {
		if slices.ContainsFunc(models, func(reader *Model) bool { return slices.Contains(reader.Reads, Previous+"_"+m.Name) }) {
			tables = append(tables, m)
		}
	}
	return tables
}

// readsPast says whether a relation depends on which run is compared with.
func readsPast(read string) bool {
	relation, _ := keptTable(read)
	return relation == Previous || read == comparedRun
}

// givesPrevious says that the caller decides what was before.
func (r *runner) givesPrevious() bool {
	return slices.ContainsFunc(r.Kept, func(k Kept) bool { return k.Relation == Previous })
}

// liveRows are the files of the compared tables as they are now.
func (r *runner) liveRows() (rows []historyRow) {
	for _, m := range r.compared {
		for _, p := range r.piecesOf(m, "") {
			if s := r.states[p.folder()]; s != nil {
				f := s.File
				f.Path = path.Join(p.folder(), f.Path)
				rows = append(rows, historyRow{Run: runLast, Table: m.Name, Period: p.period, file: f})
			}
		}
	}
	return rows
}

func (r *runner) thisRun() pastRun {
	rows, sum := newDigest()
	for _, row := range r.liveRows() {
		rows.add(row.Table, row.Period, row.SHA256)
	}
	asOf, err := r.asOf()
	if err != nil || asOf == nil {
		asOf = new(string) // a run without a date; a file that cannot be read is said when the set is written
	}
	return pastRun{AsOf: *asOf, Rows: sum(), Rules: r.rulesDigest(), Code: r.codeDigest()}
}

// codeDigest is of all the models that make the compared tables, and of what they run on.
func (r *runner) codeDigest() string {
	d, sum := newDigest()
	d.add(engineVersion, withoutComments(r.dialect))
	made := map[string]bool{}
	for _, m := range r.compared {
		made[m.Name] = true
	}
	for _, m := range slices.Backward(r.models) { // each stands after what it reads
		if !made[m.Name] {
			continue
		}
		d.contract(m)
		for _, read := range m.Reads {
			made[read] = true
		}
	}
	return sum()
}

// CurrentRules is the rule set of the months that are not closed; the others are those of closed ones.
const CurrentRules = "current"

// rulesDigest is of the rules in force: the rows of that rule set in every table of configuration that
// has rule sets.
func (r *runner) rulesDigest() string {
	d, sum := newDigest()
	for _, in := range Configuration() {
		if in.Columns[0].Name != ruleSetColumn || r.given[in.Name].Path == "" {
			continue
		}
		rows, err := readRows(r.given[in.Name].Path)
		if err != nil {
			d.add(in.Name, err.Error()) // building what reads it fails, and says so
			continue
		}
		d.add(in.Name)
		line := slices.Index(rows[0], "Line") // where a rule stands in its file is not what it says
		for _, row := range rows {
			switch {
			case row[0] != CurrentRules:
			case line < 0:
				d.add(row...)
			default:
				d.add(slices.Delete(row, line, line+1)...)
			}
		}
	}
	return sum()[:16]
}

const ruleSetColumn = "RuleSet"

// previousKept are the files that the history needs, below tables/.
func previousKept(lake string) map[string]bool {
	files := map[string]bool{}
	for _, row := range readHistory(lake, true).Files {
		files[row.Path] = true
	}
	return files
}
