package transform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// lake is a lake on disk with raw units that a test writes, and the models of testdata/set.
type lake struct {
	t      testing.TB
	dir    string
	models fstest.MapFS
	inputs []Input
}

func newLake(t testing.TB) *lake {
	t.Helper()
	l := &lake{t: t, dir: t.TempDir(), models: fstest.MapFS{}}
	l.folder("testdata/set")
	l.models["dialect/duckdb.sql"] = &fstest.MapFile{Data: []byte(dialect(t))}
	l.runDate("2026-10-15")
	return l
}

func (l *lake) folder(name string) {
	l.t.Helper()
	files := os.DirFS(name)
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		l.models[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// edit replaces a piece of a model, which must be there.
func (l *lake) edit(model, from, to string) {
	l.t.Helper()
	text := string(l.models[model].Data)
	if !strings.Contains(text, from) {
		l.t.Fatalf("%s does not contain %q", model, from)
	}
	l.models[model] = &fstest.MapFile{Data: []byte(strings.Replace(text, from, to, 1))}
}

func (l *lake) runDate(day string) {
	l.t.Helper()
	path := filepath.Join(l.dir, "run_context.csv")
	l.writeText(path, "RunDate,Version,ConfigDigest,LateDays,HistoryMonths\n"+day+",1,,7,13\n")
	l.inputs = []Input{{Name: "run_context", Path: path}}
}

func (l *lake) writeText(path, text string) {
	l.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		l.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// unit writes the raw unit of source cost for one month: the rows of a query over (date, cost,
// currency, service, start, _page, _row).
func (l *lake) unit(period, query string) { l.t.Helper(); l.unitWithRejects(period, query, "") }

const constants = "'contoso' as _account, '/billing/1' as _scope, '%s' as _period, 'actual' as _dataset, "

func (l *lake) unitWithRejects(period, query, rejects string) {
	l.t.Helper()
	folder := filepath.Join(l.dir, "raw/cost/scope=1/period="+period)
	u := unit{Format: 1, Source: "cost", Account: "contoso", Scope: "/billing/1", Period: period, Dataset: "actual", State: "complete", LargestRounding: "0"}
	u.Files = []file{l.parquet(folder, "actual", "select "+fmt.Sprintf(constants, period)+"* from ("+query+")")}
	u.Rows = u.Files[0].Rows
	if rejects != "" {
		u.Rejects = []file{l.parquet(folder, "actual.rejects", "select "+fmt.Sprintf(constants, period)+"'cost' as _source, 1::bigint as _page, * from ("+rejects+")")}
		u.RejectRows = u.Rejects[0].Rows
	}
	l.writeText(filepath.Join(folder, "actual.json"), jsonText(u))
}

func (l *lake) parquet(folder, name, query string) file {
	l.t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		l.t.Fatal(err)
	}
	s, err := openSession(context.Background(), sessionOptions{dir: filepath.Join(l.dir, "writer"), dialect: dialect(l.t), readable: []string{l.dir}})
	if err != nil {
		l.t.Fatal(err)
	}
	defer s.close()
	var f file
	path := filepath.Join(folder, name+".parquet")
	if err := s.value(context.Background(), "copy ("+query+") to "+quote(path)+" (format parquet)", &f.Rows); err != nil {
		l.t.Fatal(err)
	}
	if f.Bytes, f.SHA256, err = hashFile(path); err != nil {
		l.t.Fatal(err)
	}
	f.Path = name + "-" + f.SHA256[:16] + ".parquet"
	if err := os.Rename(path, filepath.Join(folder, f.Path)); err != nil {
		l.t.Fatal(err)
	}
	return f
}

// lines is a query of n lines of cost in a month.
func lines(period string, n int) string {
	return fmt.Sprintf("select date '%s-01' + (i %% 28)::int as date, 'x' as unused, ratio(i * 10 + 1, 10) as cost, "+
		"'EUR' as currency, 's' || i %% 3 as service, 1::bigint as _page, i + 1 as _row from range(%d) t(i)", period, n)
}

func (l *lake) options() Options {
	return Options{Lake: l.dir, Models: l.models, Inputs: l.inputs, Threads: 2}
}

func (l *lake) run(o Options) Result {
	l.t.Helper()
	result, err := Run(context.Background(), o)
	if err != nil {
		l.t.Fatal(err)
	}
	return result
}

// outcomes lists what a run did with each piece.
func outcomes(r Result, outcome Outcome) (pieces []string) {
	for _, t := range r.Tables {
		if t.Outcome == outcome {
			pieces = append(pieces, strings.TrimSpace(t.Name+" "+t.Period))
		}
	}
	slices.Sort(pieces)
	return pieces
}

func wantOutcomes(t *testing.T, r Result, outcome Outcome, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, outcomes(r, outcome)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", outcome, diff)
	}
}

func (l *lake) set() (s set) {
	l.t.Helper()
	text, err := os.ReadFile(filepath.Join(l.dir, "tables/set.json"))
	if err != nil {
		l.t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		l.t.Fatal(err)
	}
	return s
}

// query asks the published set.
func (l *lake) query(sql string) (rows []string) {
	l.t.Helper()
	views := map[string][]string{}
	for _, t := range l.set().Tables {
		for _, f := range t.Files {
			views[t.Name] = append(views[t.Name], filepath.Join(l.dir, "tables", f.Path))
		}
	}
	err := Query(context.Background(), QueryOptions{Views: views, Temp: l.t.TempDir()}, sql, func(_ []ColumnInfo, row []string, null []bool) error {
		rows = append(rows, strings.Join(row, " "))
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return rows
}

// tree is every file under tables/ with its hash.
func (l *lake) tree() map[string]string {
	l.t.Helper()
	tree := map[string]string{}
	root := filepath.Join(l.dir, "tables")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		_, tree[name], err = hashFile(path)
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return tree
}

func TestRunBuildsWhatChangedAndNothingElse(t *testing.T) {
	l := newLake(t)
	l.unit("2026-09", lines("2026-09", 10))
	l.unit("2026-10", lines("2026-10", 4))
	first := l.run(l.options())
	wantOutcomes(t, first, Built, "cost_daily 2026-09", "cost_daily 2026-10", "cost_month", "quality", "stg_cost 2026-09", "stg_cost 2026-10")
	if !first.Published {
		t.Error("the set is not published")
	}
	got := l.query("select BillingPeriodStart, BilledCost, CostPerDay, IsOpen from cost_month order by 1")
	want := []string{"2026-09-01 46.000000000000000000 4.600000000000000000 false", "2026-10-01 6.400000000000000000 1.600000000000000000 true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cost_month (-want +got):\n%s", diff)
	}

	before := l.tree()
	again := l.run(l.options())
	wantOutcomes(t, again, Built)
	if diff := cmp.Diff(before, l.tree()); diff != "" || !again.Published {
		t.Errorf("a run without changes changed files (-before +after):\n%s", diff)
	}

	l.unit("2026-10", lines("2026-10", 5))
	third := l.run(l.options())
	wantOutcomes(t, third, Built, "cost_daily 2026-10", "cost_month", "quality", "stg_cost 2026-10")
	if n := len(l.tree()); n != len(before) {
		t.Errorf("superseded files are still there: %d files, %d before", n, len(before))
	}

	l.runDate("2026-11-01")
	wantOutcomes(t, l.run(l.options()), Built, "cost_month")
	if s := l.set(); *s.AsOf != "2026-11-01" {
		t.Errorf("as_of is %s", *s.AsOf)
	}
}

// joined keeps the order of its rows through a join, which the engine does on one thread only.
const joined = `-- joined is a line of cost with what its service cost that day.
--
-- reads:  stg_cost, cost_daily
-- grain:  BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Page                bigint           page
-- column Row                 bigint           row
-- column DailyCost           decimal(38, 18)  BillingCurrency; null for most
select stg_cost.BillingPeriodStart as BillingPeriodStart, stg_cost.Page as Page, stg_cost.Row as Row, cost_daily.BilledCost as DailyCost
from stg_cost
left join cost_daily
    on cost_daily.ChargeDate = stg_cost.ChargeDate
    and cost_daily.ServiceName = stg_cost.ServiceName
    and stg_cost.ServiceName in ('s1', 'a', 'b', 'c', 'd', 'e', 'f', 'g')
`

func TestRunIsTheSameBytesOnAnyNumberOfThreads(t *testing.T) {
	l := newLake(t)
	l.unit("2026-09", lines("2026-09", 700_000))
	l.models["marts/joined.sql"] = &fstest.MapFile{Data: []byte(joined)}
	var first map[string]string
	for _, threads := range []int{1, 2, 5} {
		if err := os.RemoveAll(filepath.Join(l.dir, "tables")); err != nil {
			t.Fatal(err)
		}
		o := l.options()
		o.Threads = threads
		l.run(o)
		if first == nil {
			first = l.tree()
		}
		if diff := cmp.Diff(first, l.tree()); diff != "" {
			t.Errorf("on %d threads files differ:\n%s", threads, diff)
		}
	}
}

func TestLinesKeepTheirOrder(t *testing.T) {
	l := newLake(t)
	l.unit("2026-09", lines("2026-09", 700_000))
	l.run(l.options())
	files, err := filepath.Glob(filepath.Join(l.dir, "tables/stg_cost/*/*.parquet"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	o := QueryOptions{Views: map[string][]string{"stg_cost": files}, Temp: t.TempDir()}
	want := 0
	err = Query(t.Context(), o, "select Row from stg_cost", func(_ []ColumnInfo, row []string, _ []bool) error {
		if want++; row[0] != fmt.Sprint(want) {
			return fmt.Errorf("row %d stands where %d should", want, want)
		}
		return nil
	})
	if err != nil || want != 700_000 {
		t.Error(want, err)
	}
}

func TestWhatACrashLeftIsCleared(t *testing.T) {
	l := newLake(t)
	l.unit("2026-10", lines("2026-10", 4))
	l.run(l.options())
	before := l.tree()
	for _, left := range []string{
		"tables/cost_daily/BillingPeriod=2026-10/building.parquet.tmp",     // while a table was written
		"tables/cost_daily/BillingPeriod=2026-10/0123456789abcdef.parquet", // renamed, its state not yet
		"tables/cost_daily/BillingPeriod=2026-10/state.json.tmp",
		"tables/set.json.tmp",
		"tables/gone/state.json",
	} {
		l.writeText(filepath.Join(l.dir, left), "half")
	}
	l.writeText(filepath.Join(l.dir, "tables/cost_month/state.json"), "{")
	wantOutcomes(t, l.run(l.options()), Built, "cost_month")
	if diff := cmp.Diff(before, l.tree()); diff != "" {
		t.Errorf("healing (-before +after):\n%s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(l.dir, "tmp/*")); left != nil {
		t.Errorf("%v is left of the database", left)
	}
}

func TestOutOfMemoryIsSaidAndTheOthersAreBuilt(t *testing.T) {
	l := newLake(t)
	l.unit("2026-10", lines("2026-10", 4))
	// A list is one value, which cannot be spilled.
	l.edit("marts/cost_daily.sql", "count(*) as LineCount", "(select len(list(i)) from range(40000000) t(i)) as LineCount")
	o := l.options()
	o.Memory = "100MB"
	result, err := Run(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "needs more than the 100MB it may use, even on one thread: raise limits.memory") {
		t.Fatalf("got error %v", err)
	}
	wantOutcomes(t, result, Built, "quality", "stg_cost 2026-10")
	wantOutcomes(t, result, Failed, "cost_daily 2026-10")
}

func TestRunDropsPeriodsThatAreGone(t *testing.T) {
	l := newLake(t)
	l.unit("2026-09", lines("2026-09", 10))
	l.unit("2026-10", lines("2026-10", 4))
	l.run(l.options())
	if err := os.RemoveAll(filepath.Join(l.dir, "raw/cost/scope=1/period=2026-09")); err != nil {
		t.Fatal(err)
	}
	wantOutcomes(t, l.run(l.options()), Built, "cost_month", "quality")
	for name := range l.tree() {
		if strings.Contains(name, "2026-09") {
			t.Errorf("%s is still there", name)
		}
	}
	if got := l.query("select count(*) from cost_daily"); got[0] != "4" {
		t.Errorf("cost_daily has %s rows, want 4", got[0])
	}
}

func TestRunWithoutRawFilesBuildsEmptyTables(t *testing.T) {
	l := newLake(t)
	r := l.run(l.options())
	wantOutcomes(t, r, Built, "cost_month", "quality")
	if !r.Published {
		t.Error("the set is not published")
	}
}

func TestBrokenCheckIsCountedAndReported(t *testing.T) {
	l := newLake(t)
	l.unitWithRejects("2026-10", "select date '2026-10-01' as date, cast(v as decimal(38,18)) as cost, 'EUR' as currency, 's' || v as service, 1::bigint as _page, row_number() over () as _row from (values (-1), (-2), (3)) t(v)",
		"select 7::bigint as _row, 'no number' as reason, 'x' as text")
	r := l.run(l.options())
	if len(r.Broken) != 1 || r.Broken[0].Count != 2 || r.Broken[0].Rule != "BilledCost >= 0" || r.Broken[0].Where != "sql/marts/cost_daily.sql:15" || !r.Published {
		t.Errorf("got %+v, published %v", r.Broken, r.Published)
	}
	want := []string{"cost no number 2026-10 1", "cost_daily BilledCost >= 0 2026-10 2"}
	if diff := cmp.Diff(want, l.query("select * from quality")); diff != "" {
		t.Errorf("quality (-want +got):\n%s", diff)
	}
	i := slices.IndexFunc(l.set().Tables, func(t setTable) bool { return t.Name == "cost_daily" })
	if c := l.set().Tables[i].Checks; c[0].Broken != 2 || c[1].Broken != 0 || c[2].Kind != "total" {
		t.Errorf("checks of the set are %+v", c)
	}
	wantOutcomes(t, l.run(l.options()), Built)
}

func TestRefusedTableLeavesTheLastGoodSet(t *testing.T) {
	l := newLake(t)
	l.unit("2026-09", lines("2026-09", 10))
	l.unit("2026-10", lines("2026-10", 4))
	l.run(l.options())
	before := l.tree()
	good := l.models["marts/cost_daily.sql"]
	l.edit("marts/cost_daily.sql", "from stg_cost\ngroup", "from stg_cost\nwhere ServiceName <> 's1'\ngroup")
	result, err := Run(context.Background(), l.options())
	var failed *CheckError
	if !errors.As(err, &failed) || len(failed.Failures) != 2 || failed.Failures[0].Kind != KindTotal {
		t.Fatalf("got error %v", err)
	}
	if !strings.Contains(err.Error(), "sql/marts/cost_daily.sql:17: cost_daily: total is not true") || !strings.Contains(err.Error(), "(2026-09, 2026-10)") {
		t.Errorf("got error %v", err)
	}
	wantOutcomes(t, result, Failed, "cost_daily 2026-09", "cost_daily 2026-10")
	wantOutcomes(t, result, Skipped, "cost_month")
	if result.Published || l.tree()["set.json"] != before["set.json"] {
		t.Error("the set was touched")
	}
	if got := l.query("select sum(LineCount) from cost_daily"); got[0] != "14" {
		t.Errorf("the last good set has %s lines, want 14", got[0])
	}
	l.models["marts/cost_daily.sql"] = good
	if r := l.run(l.options()); !r.Published {
		t.Error("the set is not published")
	}
	if diff := cmp.Diff(before, l.tree()); diff != "" {
		t.Errorf("healing (-before +after):\n%s", diff)
	}
}

func TestErrorInAQuerySkipsOnlyItsReaders(t *testing.T) {
	l := newLake(t)
	l.unit("2026-10", lines("2026-10", 4))
	l.edit("marts/cost_daily.sql", "count(*) as LineCount", "count(nothing) as LineCount")
	result, err := Run(context.Background(), l.options())
	if err == nil || errors.As(err, new(*CheckError)) || !strings.Contains(err.Error(), "sql/marts/cost_daily.sql:25: cost_daily: Binder Error") {
		t.Fatalf("got error %v", err)
	}
	wantOutcomes(t, result, Built, "quality", "stg_cost 2026-10")
	wantOutcomes(t, result, Skipped, "cost_month")
	if _, err := os.Stat(filepath.Join(l.dir, "tables/set.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a set was written")
	}
}

// Each mutation of a model must be caught by the line of the header that is there for it.
func TestMutationsAreCaught(t *testing.T) {
	for _, m := range []struct{ what, model, from, to, kind string }{
		{"currency dropped from the grain", "cost_daily", "BillingPeriodStart, ChargeDate, ServiceName, BillingCurrency\n\x00", "BillingPeriodStart, ChargeDate, ServiceName\n", KindTotal},
		{"rows lost", "cost_daily", "from stg_cost\ngroup", "from stg_cost\nwhere ServiceName <> 's1'\ngroup", KindTotal},
		{"nothing left", "cost_daily", "from stg_cost\ngroup", "from stg_cost\nwhere false\ngroup", KindTotal},
		{"a double for a decimal", "cost_daily", "cast(sum(BilledCost) as decimal(38, 18))", "cast(sum(BilledCost) as double)", KindColumn},
		{"a null without a type", "cost_daily", "count(*) as LineCount", "null as LineCount", KindColumn},
		{"a column nobody described", "cost_daily", "count(*) as LineCount", "count(*) as LineCount, 1 as Extra", KindColumn},
		{"a column missing", "cost_daily", "    ServiceName,\n    BillingCurrency,", "    BillingCurrency,", KindColumn},
		{"columns swapped", "cost_daily", "    ServiceName,\n    BillingCurrency,", "    BillingCurrency,\n    ServiceName,", KindColumn},
		{"a null in the grain", "cost_daily", "    ServiceName,\n    Bill", "    nullif(ServiceName, 's1') as ServiceName,\n    Bill", KindGrain},
		{"rows that nothing tells apart", "cost_daily", "    ChargeDate,\n    S", "    min(ChargeDate) over () as ChargeDate,\n    S", KindGrain},
		{"rows of another month", "stg_cost", "cast(_period || '-01' as date)", "month_add(cast(_period || '-01' as date), 1)", KindPeriod},
		{"a table read but not declared", "cost_month", "cross join run_context", "cross join run_context cross join stg_cost", KindQuery},
	} {
		t.Run(m.what, func(t *testing.T) {
			l := newLake(t)
			l.unit("2026-10", lines("2026-10", 40)+" union all "+strings.ReplaceAll(strings.ReplaceAll(lines("2026-10", 40), "'EUR'", "'USD'"), "i + 1", "i + 100"))
			file := "marts/" + m.model + ".sql"
			if m.model == "stg_cost" {
				file = "staging/stg_cost.sql"
			}
			if m.kind == KindTotal && strings.Contains(m.from, "\x00") {
				l.edit(file, "BillingCurrency,\n    cast", "max(BillingCurrency) as BillingCurrency,\n    cast")
				l.edit(file, "group by BillingPeriodStart, ChargeDate, ServiceName, BillingCurrency", "group by BillingPeriodStart, ChargeDate, ServiceName")
			} else {
				l.edit(file, m.from, m.to)
			}
			result, err := Run(context.Background(), l.options())
			if err == nil || result.Published {
				t.Fatal("nobody noticed")
			}
			var failed *CheckError
			if errors.As(err, &failed) != (m.kind != KindQuery) {
				t.Fatalf("got error %v", err)
			}
			if failed != nil && !slices.ContainsFunc(failed.Failures, func(b Broken) bool { return b.Kind == m.kind }) {
				t.Errorf("want a failure of kind %s, got %v", m.kind, err)
			}
		})
	}
}

func TestRawColumnOfAnotherTypeIsRefused(t *testing.T) {
	l := newLake(t)
	l.unit("2026-10", strings.Replace(lines("2026-10", 4), "ratio(i * 10 + 1, 10) as cost", "cast(i as double) as cost", 1))
	_, err := Run(context.Background(), l.options())
	if err == nil || !strings.Contains(err.Error(), "the column cost is double, but the model declares decimal(38, 18)") || !strings.Contains(err.Error(), "period=2026-10/actual-") {
		t.Errorf("got error %v", err)
	}
}

func TestRawFileWithAFlippedBitIsRefused(t *testing.T) {
	l := newLake(t)
	l.unit("2026-10", lines("2026-10", 4))
	files, err := filepath.Glob(filepath.Join(l.dir, "raw/cost/*/*/*.parquet"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	l.writeText(files[0], string(content))
	_, err = Run(context.Background(), l.options())
	if err == nil || !strings.Contains(err.Error(), "its content is not what it was when it was written") || !strings.Contains(err.Error(), "fetch it again: azledger run --refresh") {
		t.Errorf("got error %v", err)
	}
}

func TestInstantsAreReadAsUTC(t *testing.T) {
	l := newLake(t)
	l.unit("2026-10", "select date '2026-10-01' as date, 1::decimal(38,18) as cost, 'EUR' as currency, 's' as service, timestamptz '2026-10-01 02:00:00+02' as start, 1::bigint as _page, 1::bigint as _row")
	l.edit("marts/cost_daily.sql", "    ServiceName,\n", "    cast(max(StartTime) as varchar) as ServiceName,\n")
	l.edit("marts/cost_daily.sql", "group by BillingPeriodStart, ChargeDate, ServiceName, B", "group by BillingPeriodStart, ChargeDate, B")
	l.run(l.options())
	if got := l.query("select ServiceName from cost_daily"); got[0] != "2026-10-01 00:00:00" {
		t.Errorf("got %s", got[0])
	}
}

func TestPeriodsAndTablesAskedFor(t *testing.T) {
	l := newLake(t)
	l.unit("2026-09", lines("2026-09", 10))
	l.unit("2026-10", lines("2026-10", 4))
	o := l.options()
	o.Periods = Range{From: "2026-10", To: "2026-10"}
	r := l.run(o)
	wantOutcomes(t, r, LeftOut, "cost_daily 2026-09", "stg_cost 2026-09")
	if got := l.query("select count(*) from cost_daily"); got[0] != "4" || !r.Published {
		t.Errorf("cost_daily has %s rows, want 4", got[0])
	}
	l.run(l.options())
	l.unit("2026-09", lines("2026-09", 11))
	before := l.tree()["set.json"]
	r = l.run(o)
	wantOutcomes(t, r, Stale, "stg_cost 2026-09")
	if r.Published {
		t.Error("a set with a stale month was published")
	}
	if l.tree()["set.json"] != before {
		t.Error("the set changed")
	}
	o = l.options()
	o.Tables = []string{"stg_cost"}
	wantOutcomes(t, l.run(o), Built, "stg_cost 2026-09")
	o.Tables = []string{"nothing"}
	if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "there is no table nothing") {
		t.Errorf("got error %v", err)
	}
}

func TestCancelledRunLeavesNoSet(t *testing.T) {
	l := newLake(t)
	l.unit("2026-10", lines("2026-10", 4))
	ctx, cancel := context.WithCancel(context.Background())
	o := l.options()
	o.Progress = func(e Event) {
		if e.Name == "cost_daily" {
			cancel()
		}
	}
	if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v", err)
	}
	if _, err := os.Stat(filepath.Join(l.dir, "tables/set.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a set was written")
	}
	wantOutcomes(t, l.run(l.options()), Unchanged, "stg_cost 2026-10")
}
