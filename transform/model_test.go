package transform

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const header = `-- t is a row of something. It goes on
-- here, and a wrapped line may begin with
-- column names, or with
-- remarks: they are prose.
--
-- Second paragraph.
--
-- reads:  raw_x, raw_unit
-- grain:  A, Period
-- period: Period
-- order:  insertion
--
-- input a  varchar
-- input n  decimal(38,18)
--
-- column A       varchar
-- column Period  date             first day
--                                 of the month
-- column N       decimal(38, 18)  EUR
--
-- check: N > 0
--        and N < 10
-- total: true

select
    1
;
`

func TestParse(t *testing.T) {
	got, err := Parse("staging/t.sql", header)
	if err != nil {
		t.Fatal(err)
	}
	want := &Model{
		Name: "t", Kind: "staging", Path: "sql/staging/t.sql",
		Doc:   "t is a row of something.",
		Text:  "t is a row of something. It goes on\nhere, and a wrapped line may begin with\ncolumn names, or with\nremarks: they are prose.\n\nSecond paragraph.",
		Reads: []string{"raw_x", "raw_unit"}, Grain: []string{"A", "Period"}, Period: "Period", Insertion: true,
		Inputs:  []Column{{"a", "varchar", ""}, {"n", "decimal(38, 18)", ""}},
		Columns: []Column{{"A", "varchar", ""}, {"Period", "date", "first day of the month"}, {"N", "decimal(38, 18)", "EUR"}},
		Checks:  []Rule{{"N > 0\nand N < 10", 21}},
		Totals:  []Rule{{"true", 23}},
		Query:   "select\n    1", QueryLine: 25,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseEdges(t *testing.T) {
	m, err := Parse("staging/t.sql", strings.Replace(header, "-- order:", `-- from:   raw_x on A where raw_x.a = 1
--         or t.A is null
-- adds:   N, A = greatest(raw_x.a, 0) + 1,
--         Period = case when raw_x.a then 1 end when t.A <> ''
-- with:   raw_unit via raw_x where true
-- order:`, 1))
	if err != nil {
		t.Fatal(err)
	}
	want := []Edge{
		{Table: "raw_x", On: []string{"A"}, Where: "raw_x.a = 1\nor t.A is null", Made: true, Line: 11, Adds: []Sum{
			{Column: "N", SQL: "raw_x.N", When: "t.A <> ''"},
			{Column: "A", SQL: "greatest(raw_x.a, 0) + 1", When: "t.A <> ''"},
			{Column: "Period", SQL: "case when raw_x.a then 1 end", When: "t.A <> ''"},
		}},
		{Table: "raw_unit", Via: "raw_x", Where: "true", Line: 15},
	}
	if diff := cmp.Diff(want, m.Edges); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"-- t is a row", "-- This is a row", `sql/staging/t.sql:1: the header must begin with the sentence "t is …"`},
		{"-- grain:  A, Period", "-- gain:  A, Period", `sql/staging/t.sql:9: "gain:  A, Period" is no line of a header`},
		{"-- reads:  raw_x", "-- raeds:  raw_x", `sql/staging/t.sql:8: "raeds:  raw_x, raw_unit" is no line of a header`},
		{"-- order:  insertion", "-- order:  Period", `sql/staging/t.sql:11: order: "Period" is not known`},
		{"-- order:  insertion", "-- reads:  raw_x", `sql/staging/t.sql:11: reads is said a second time (first on line 8)`},
		{"-- order:  insertion", "-- check:", `sql/staging/t.sql:11: check says nothing`},
		{"A, Period", "A Period", `sql/staging/t.sql:9: "A Period" is no name`},
		{"A, Period", "A, B, Period", `sql/staging/t.sql:9: the grain names B, which is no column`},
		{"A, Period", "A", `sql/staging/t.sql:9: the grain lacks the period Period`},
		{"period: Period", "period: A", `sql/staging/t.sql:10: the period A must be a date or a timestamp`},
		{"input a  varchar", "input a  text", `sql/staging/t.sql:13: input a: the type text is not known`},
		{"input a  varchar", "input _page  bigint", `input _page is there without being declared`},
		{"column A       varchar", "column A", `sql/staging/t.sql:16: column wants a name, a type and a meaning`},
		{"column A       varchar", "column n       varchar", `sql/staging/t.sql:19: column N stands twice`},
		{"column A       varchar", "column A       double", `sql/staging/t.sql:16: column A: the type double is not known`},
		{"-- order:  insertion", "-- from: raw_x", `sql/staging/t.sql:11: "raw_x" is no way to a table`},
		{"-- order:  insertion", "-- from: raw_x via raw_unit on A", `"raw_x via raw_unit on A" is no way to a table`},
		{"-- order:  insertion", "-- from: raw_y on A", `sql/staging/t.sql:11: raw_y is not among what it reads`},
		{"-- order:  insertion", "-- with: raw_x via raw_y on A", `sql/staging/t.sql:11: via raw_y, which is not among what it reads`},
		{"-- order:  insertion", "-- from: raw_x on B", `sql/staging/t.sql:11: B is no column of t`},
		{"-- order:  insertion", "-- adds: N", `sql/staging/t.sql:11: adds stands before any from or with`},
		{"-- order:  insertion", "-- from: raw_x on A\n-- adds: B", `sql/staging/t.sql:11: adds B, which is no column of t`},
		{"raw_x, raw_unit", "raw_unit", `declares inputs, but reads no raw source`},
		{"select\n    1\n;", ";", `there is no query`},
	} {
		_, err := Parse("staging/t.sql", strings.Replace(header, c.from, c.to, 1))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: got error %v, want %q", c.to, c.from, err, c.want)
		}
	}
	if _, err := Parse("marts/t.sql", header); err == nil || !strings.Contains(err.Error(), "sql/marts/t.sql:16: column A has no meaning, and it is published") {
		t.Errorf("got error %v", err)
	}
	if _, err := Parse("marts/account.sql", strings.ReplaceAll(header, "-- t is", "-- account is")); err == nil {
		t.Error("a table that is provided can be made")
	}
	if _, err := Parse("intermediate/closed_t.sql", strings.ReplaceAll(header, "-- t is", "-- closed_t is")); err == nil || !strings.Contains(err.Error(), "belong to the rows kept") {
		t.Errorf("got error %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct {
		files map[string]string // file → what it reads
		want  string
	}{
		{map[string]string{"marts/a.sql": "b", "marts/b.sql": "c", "marts/c.sql": "b"}, "sql/marts/b.sql: reads itself: b → c → b"},
		{map[string]string{"marts/a.sql": "a"}, "reads itself: a → a"},
		{map[string]string{"marts/a.sql": "b"}, "sql/marts/a.sql: reads b, which no model makes and nothing provides"},
		{map[string]string{"marts/a.sql": "account", "staging/a.sql": "account"}, "the table a is already made by sql/staging/a.sql"},
		{map[string]string{"marts/a.sql": "closed_b"}, "sql/marts/a.sql: reads closed_b, but no model makes b, of which closed rows could be"},
		{map[string]string{"marts/a.sql": "previous_b\n-- period: D", "marts/b.sql": "a"}, "sql/marts/a.sql: has a period, but nothing it reads is kept by period"},
		{map[string]string{"marts/a.sql": "account\n-- period: D"}, "sql/marts/a.sql: has a period, but nothing it reads is kept by period"},
	} {
		if _, err := Load(tinyModels(c.files)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}

func TestLoadPutsReadersOfChecksLast(t *testing.T) {
	models, err := Load(tinyModels(map[string]string{
		"marts/a.sql": "check_result", "marts/b.sql": "a", "marts/c.sql": "z", "marts/z.sql": "account", "staging/s.sql": "account",
	}))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range models {
		names = append(names, m.Name)
	}
	if got := strings.Join(names, " "); got != "s z c a b" {
		t.Errorf("got %s", got)
	}
}

func tinyModels(reads map[string]string) fstest.MapFS {
	files := fstest.MapFS{}
	for file, read := range reads {
		files[file] = &fstest.MapFile{Data: []byte("-- " + modelName(file) + " is tiny.\n--\n-- reads: " + read + "\n-- grain: D\n-- column D date a day\nselect 1")}
	}
	return files
}

// FuzzParse: no header, however odd, may panic, and what parses must say what one row is.
func FuzzParse(f *testing.F) {
	f.Add(header)
	for _, file := range []string{"testdata/set/marts/cost_daily.sql", "testdata/set/staging/stg_cost.sql"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := Parse("staging/t.sql", text)
		if err == nil && (!strings.HasPrefix(m.Doc, "t is ") || len(m.Columns) == 0 || len(m.Grain) == 0 || m.Query == "") {
			t.Errorf("parsed %+v", m)
		}
	})
}
