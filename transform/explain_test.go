package transform

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// bills is two steps: lines made of nothing that could be followed, and a bill of them. What the
// header of bill says about Total can be true or not.
func bills(adds string) fstest.MapFS {
	return fstest.MapFS{
		"dialect/duckdb.sql": {Data: []byte("create or replace macro month_start(d) as cast(date_trunc('month', d) as date);")},
		"intermediate/int_line.sql": {Data: []byte(`-- int_line is one line.
--
-- reads: run_context
-- grain: Customer, Line
--
-- column Customer  varchar
-- column Line      bigint
-- column Amount    decimal(38, 18)
select v.Customer, cast(v.Line as bigint) as Line, cast(v.Amount as decimal(38, 18)) as Amount
from (values ('a', 1, 10), ('a', 2, -4.5), ('b', 3, 7)) as v (Customer, Line, Amount)
cross join run_context
`)},
		"marts/bill.sql": {Data: []byte(`-- bill is what one customer owes.
--
-- reads: int_line
-- grain: Customer
-- from:  int_line on Customer
-- adds:  ` + adds + `
--
-- column Customer  varchar          who owes it
-- column Total     decimal(38, 18)  EUR
select int_line.Customer as Customer, cast(sum(int_line.Amount) as decimal(38, 18)) as Total
from int_line
group by int_line.Customer
`)},
	}
}

// explainer is one over a lake in which the models have been built.
func explainer(t *testing.T, models fstest.MapFS) *Explainer {
	t.Helper()
	o := Options{Lake: t.TempDir(), Models: models}
	input := filepath.Join(t.TempDir(), "run_context.csv")
	if err := os.WriteFile(input, []byte("RunDate,Version,ConfigDigest,LateDays,HistoryMonths\n2026-11-22,1,x,7,13\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	o.Inputs = []Input{{Name: "run_context", Path: input}}
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	e, err := NewExplainer(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestTrace(t *testing.T) {
	e := explainer(t, bills("Total = int_line.Amount"))
	rows, count, err := e.Find(t.Context(), "bill", []Key{{"customer", "A"}}, 0)
	if err != nil || count != 1 || rows.Values[0][1] != "5.500000000000000000" {
		t.Fatalf("%v of %d, %v; want one row of 5.5", rows.Values, count, err)
	}
	steps, err := e.Trace(t.Context(), "bill", 1)
	if err != nil || len(steps) != 2 {
		t.Fatalf("%d steps, %v; want bill and int_line", len(steps), err)
	}
	want := Step{
		Table: "int_line", Model: steps[1].Model, Of: []string{"bill"}, Made: true, Count: 2, Whole: []string{"run_context"},
		Top:  Rows{Columns: steps[1].Model.Columns, Values: [][]string{{"a", "1", "10.000000000000000000"}}, Null: [][]bool{{false, false, false}}},
		Sums: []SumOf{{Table: "bill", Column: "Total", Want: "5.500000000000000000", Got: "5.500000000000000000"}},
	}
	if diff := cmp.Diff(want, steps[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A line that belongs to two of the rows counts for each of them.
func TestTraceOfWhatStandsTwice(t *testing.T) {
	models := bills("Total = int_line.Amount")
	text := string(models["marts/bill.sql"].Data)
	text = strings.ReplaceAll(text, "-- column Total", "-- column Copy      bigint           1, 2\n-- column Total")
	text = strings.ReplaceAll(text, "grain: Customer", "grain: Customer, Copy")
	text = strings.ReplaceAll(text, "Customer, cast(sum", "Customer, copies.Copy as Copy, cast(sum")
	text = strings.ReplaceAll(text, "from int_line\ngroup by int_line.Customer", "from int_line\ncross join (values (cast(1 as bigint)), (2)) as copies (Copy)\ngroup by int_line.Customer, copies.Copy")
	models["marts/bill.sql"].Data = []byte(text)
	e := explainer(t, models)
	if _, count, err := e.Find(t.Context(), "bill", []Key{{"Customer", "a"}}, 0); err != nil || count != 2 {
		t.Fatalf("%d rows, %v; want two", count, err)
	}
	steps, err := e.Trace(t.Context(), "bill", 1)
	if err != nil {
		t.Fatal(err)
	}
	if sum := steps[1].Sums[0]; !sum.Holds() || sum.Got != "11.000000000000000000" || steps[1].Count != 2 {
		t.Errorf("%+v of %d rows: want 11 of two lines", sum, steps[1].Count)
	}
}

// What does not add up is said, with both amounts.
func TestTraceThatDoesNotAddUp(t *testing.T) {
	e := explainer(t, bills("Total = abs(int_line.Amount)"))
	if _, _, err := e.Find(t.Context(), "bill", []Key{{"Customer", "a"}}, 0); err != nil {
		t.Fatal(err)
	}
	steps, err := e.Trace(t.Context(), "bill", 1)
	if err != nil {
		t.Fatal(err)
	}
	if sum := steps[1].Sums[0]; sum.Holds() || sum.Got != "14.500000000000000000" {
		t.Errorf("%+v: want 14.5, which is not 5.5", sum)
	}
}

func TestRebuild(t *testing.T) {
	e := explainer(t, bills("Total = int_line.Amount"))
	if _, _, err := e.Find(t.Context(), "bill", nil, 0); err != nil {
		t.Fatal(err)
	}
	made, err := e.Rebuild(t.Context(), "bill")
	if err != nil || made.Rows != 2 || len(made.Changed) > 0 || len(made.Stale) > 0 {
		t.Errorf("%+v, %v: want the two bills as they are", made, err)
	}
	// A row that is published otherwise than it is made.
	if err := e.s.exec(t.Context(), "update found.bill set Total = 8 where Customer = 'b'"); err != nil {
		t.Fatal(err)
	}
	if made, err = e.Rebuild(t.Context(), "bill"); err != nil {
		t.Fatal(err)
	}
	want := []Difference{{Row: 1, Column: "Total", Published: "8.000000000000000000", Rebuilt: "7.000000000000000000"}}
	if diff := cmp.Diff(want, made.Changed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	totals, err := e.Totals(t.Context(), "bill")
	if err != nil || len(totals) != 1 || totals[0].Published != "13.500000000000000000" || totals[0].Anew != "12.500000000000000000" {
		t.Errorf("%+v, %v: want 13.5 published and 12.5 made", totals, err)
	}
}

// The columns that tell rows apart are those of all that were found, not only of those that are shown.
func TestUndecided(t *testing.T) {
	e := explainer(t, bills("Total = int_line.Amount"))
	for limit, keys := range [][]Key{{{"Customer", "a"}}, nil} {
		if _, _, err := e.Find(t.Context(), "int_line", keys, limit); err != nil {
			t.Fatal(err)
		}
		got, err := e.Undecided(t.Context(), "int_line")
		want := []string{"Customer", "Line"}[1-limit:]
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %v, %v; want %v", keys, got, err, want)
		}
	}
}

func TestFindSaysWhatThereIs(t *testing.T) {
	e := explainer(t, bills("Total = int_line.Amount"))
	for _, c := range []struct {
		table string
		keys  []Key
		want  string
	}{
		{"bil", nil, `"bil" is no table; there are bill, and`},
		{"bill", []Key{{"Owner", "a"}}, "bill has no column Owner; its rows are told apart by Customer"},
		{"bill", []Key{{"Customer", "c"}}, "bill has no row with Customer=c\n  Customer is a, b"},
		{"bill", []Key{{"Customer", "a"}, {"Total", "7"}}, "Customer is b\n  Total is 5.500000000000000000"},
	} {
		_, _, err := e.Find(t.Context(), c.table, c.keys, 0)
		var asked *AskError
		if !errors.As(err, &asked) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v; want %q", c.table, c.keys, err, c.want)
		}
	}
}
