package transform

import (
	"context"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// scalar asks the shared database for one value as text, "null" where it is null.
func scalar(s *session, expression string) (string, error) {
	rows, err := s.texts(context.Background(), "select cast("+expression+" as varchar)")
	if err != nil {
		return "", err
	}
	if !rows[0][0].Valid {
		return "null", nil
	}
	return rows[0][0].String, nil
}

func TestDialect(t *testing.T) {
	s, _ := fixtureSession(t)
	for _, c := range []struct{ expression, want string }{
		{"product(100, 100)", "10000.000000000000000000"},
		{"product(0.000000001, 0.0000000005)", "0.000000000000000000"}, // half to even
		{"product(0.000000003, 0.0000000005)", "0.000000000000000002"},
		{"product(-0.000000003, 0.0000000005)", "-0.000000000000000002"},
		{"product(null, 1)", "null"},
		{"typeof(product(1, 1))", "DECIMAL(38,18)"},
		{"ratio(1, 3)", "0.333333333333333333"},
		{"ratio(-2, 3)", "-0.666666666666666667"},
		{"ratio(2400000, 0.95)", "2526315.789473684210526316"},
		{"ratio(1, 0)", "null"},
		{"ratio(null, 1)", "null"},
		{"ratio(1, null)", "null"},
		{"typeof(ratio(1, 3))", "DECIMAL(38,18)"},
		{"month_start(date '2026-02-28')", "2026-02-01"},
		{"typeof(month_start(timestamp '2026-02-28 10:00:00'))", "DATE"},
		{"month_add(date '2026-01-31', 1)", "2026-02-28"},
		{"month_add(date '2024-02-29', -12)", "2023-02-28"},
		{"typeof(month_add(date '2026-01-31', 1))", "DATE"},
		{"day_add(date '2026-02-28', 1)", "2026-03-01"},
		{"day_add(date '2026-03-01', -1)", "2026-02-28"},
		{"typeof(day_add(date '2026-02-28', 1))", "DATE"},
		{`tag_value('{"CostCenter":"42"}', 'costcenter')`, "42"},
		{`tag_value('{"Env":"a","env":"b"}', 'env')`, "b"},
		{`tag_value('{"a/b ~c":"x"}', 'A/B ~C')`, "x"},
		{`tag_value('{"a.b":"x"}', 'a.b')`, "x"},
		{`tag_value('{"a":""}', 'a')`, ""},
		{`tag_value('{"a":null}', 'a')`, "null"},
		{`tag_value('{"a":"1"}', 'b')`, "null"},
		{`tag_value('{}', 'b')`, "null"},
		{`tag_value(null, 'b')`, "null"},
		{`tag_value('no json', 'b')`, "null"},
		{`json_value_text('{"ReservationId":"r","n":7}', 'ReservationId')`, "r"},
		{`json_value_text('{"ReservationId":"r","n":7}', 'reservationid')`, "null"},
		{`block_size('10K/Month') || ' ' || unit_name('10K/Month')`, "10000.000000000000000000 Units/Month"},
		{`block_size('100 Hours') || ' ' || unit_name('100 Hours')`, "100.000000000000000000 Hours"},
		{`block_size('1.5M Operations') || ' ' || unit_name('1.5M Operations')`, "1500000.000000000000000000 Operations"},
		{`block_size('1 GB/Month') || ' ' || unit_name('1 GB/Month')`, "1.000000000000000000 GB/Month"},
		{`block_size('1 Hour') || ' ' || unit_name('1 Hour')`, "1.000000000000000000 Hours"},
		{`block_size('10000s') || ' ' || unit_name('10000s')`, "1.000000000000000000 10000s"},
		{`block_size('0 GB') || ' ' || unit_name('1')`, "1.000000000000000000 Units"},
		{`block_size(null)`, "null"},
		{`unit_name(null)`, "null"},
		{`typeof(block_size('1B'))`, "DECIMAL(38,18)"},
		{`currency_unit('EUR') || ' ' || currency_unit('JPY') || ' ' || currency_unit(null)`, "0.01 1.00 0.01"},
		{`typeof(currency_unit('EUR'))`, "DECIMAL(3,2)"},
	} {
		got, err := scalar(s, c.expression)
		if err != nil || got != c.want {
			t.Errorf("%s = %q, %v; want %q", c.expression, got, err, c.want)
		}
	}
	for expression, want := range map[string]string{
		"product(99999999999999999999.5, 2)": "product(99999999999999999999.500000000000000000, 2.000000000000000000): the result does not fit decimal(38, 18)",
		"ratio(10000000000000000000, 0.01)":  "does not fit",
		"product(cast(1 as double), 1)":      "No function matches", // a float never gets in
		"ratio(cast(1 as double), 1)":        "No function matches",
	} {
		if _, err := scalar(s, expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", expression, err, want)
		}
	}
}

// The functions as the engine calls them, over whole chunks with nulls in them.
func TestFunctionsOverColumns(t *testing.T) {
	s, _ := fixtureSession(t)
	rapid.Check(t, func(t *rapid.T) {
		var values, want []string
		for range rapid.IntRange(1, 5000).Draw(t, "rows") {
			a, b := big.NewInt(rapid.Int64().Draw(t, "a")), big.NewInt(rapid.Int64Range(-9, 9).Draw(t, "b"))
			if b.Sign() == 0 {
				values, want = append(values, fmt.Sprintf("(%s, 0.000000000000000000)", toInt128(a))), append(want, "null")
				continue
			}
			b.Mul(b, scale)
			values = append(values, fmt.Sprintf("(%s, %s)", toInt128(a), toInt128(b)))
			want = append(want, toInt128(halfEven(new(big.Rat).SetFrac(a, b))).String())
		}
		rows, err := s.texts(context.Background(), "select coalesce(cast(ratio(a, b) as varchar), 'null') from (values "+strings.Join(values, ", ")+") t(a, b)")
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			if r[0].String != want[i] {
				t.Fatalf("ratio%s = %s, want %s", values[i], r[0].String, want[i])
			}
		}
	})
}

func TestSessionSeesNothingElse(t *testing.T) {
	s, dir := fixtureSession(t)
	for _, statement := range []string{
		"select * from read_csv('/etc/hostname')",
		"select * from read_text('/etc/hostname')",
		"copy (select 1) to '" + filepath.Join(filepath.Dir(dir), "azledger-outside.csv") + "'",
		"attach '" + filepath.Join(filepath.Dir(dir), "azledger-outside.duckdb") + "'",
		"install httpfs",
		"set enable_external_access = true",
		"set memory_limit = '100GB'",
	} {
		if err := s.exec(t.Context(), statement); err == nil {
			t.Errorf("%s: was done", statement)
		}
	}
}

func TestInterrupt(t *testing.T) {
	s, _ := fixtureSession(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.exec(ctx, "select sum(a.i * b.i) from range(1000000) a(i), range(1000000) b(i)"); err == nil || ctx.Err() == nil {
		t.Errorf("got error %v", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("stopped only after %s", took)
	}
}

func TestQuery(t *testing.T) {
	l := newLake(t)
	f := l.parquet(l.dir, "q", "select i, cast(i as decimal(38,18)) as d, case when i % 2 = 0 then 'x' || i end as s, date '2026-10-01' as day, [i] as list from range(250000) t(i)")
	path := filepath.Join(l.dir, f.Path)
	o := QueryOptions{Views: map[string][]string{"q": {path}}, Temp: t.TempDir(), Dialect: dialect(t)}
	ask := func(sql string) (columns []ColumnInfo, rows []string, err error) {
		err = Query(t.Context(), o, sql, func(c []ColumnInfo, row []string, null []bool) error {
			columns = c
			if row == nil {
				return nil
			}
			text := strings.Join(row, "|")
			for i := range null {
				if null[i] {
					text += fmt.Sprintf(" null:%d", i)
				}
			}
			rows = append(rows, text)
			return nil
		})
		return columns, rows, err
	}
	columns, rows, err := ask("select i, d, s, day, list, product(d, 2) as twice from q where i in (1, 2) order by i desc -- why\n;")
	if err != nil {
		t.Fatal(err)
	}
	wantColumns := []ColumnInfo{{"i", "BIGINT"}, {"d", "DECIMAL(38,18)"}, {"s", "VARCHAR"}, {"day", "DATE"}, {"list", "BIGINT[]"}, {"twice", "DECIMAL(38,18)"}}
	want := []string{"2|2.000000000000000000|x2|2026-10-01|[2]|4.000000000000000000", "1|1.000000000000000000||2026-10-01|[1]|2.000000000000000000 null:2"}
	if diff := cmp.Diff(wantColumns, columns) + cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if columns, rows, err = ask("select i from q where false"); err != nil || len(columns) != 1 || rows != nil {
		t.Errorf("an empty answer: %v %v %v", columns, rows, err)
	}
	if _, rows, err = ask("select i from q order by hash(i)"); err != nil || len(rows) != 250000 {
		t.Fatal(len(rows), err)
	}
	_, sorted, err := ask("select i from (select i, row_number() over (order by hash(i)) as n from q) order by n")
	if diff := cmp.Diff(sorted, rows); err != nil || diff != "" {
		t.Errorf("the order of an answer is lost: %v", err)
	}
	if _, rows, err = ask("describe q"); err != nil || len(rows) != 5 {
		t.Errorf("describe: %v %v", rows, err)
	}
	for sql, want := range map[string]string{
		"select nothing from q":    `Binder Error: Referenced column "nothing" not found`,
		"select 1; select 2":       "there are 2 statements",
		"":                         "there is no question",
		"selec":                    "Parser Error",
		"copy q to '" + path + "'": "Error",
		"select 1) ; copy q to 'x'; select (select": "Error",
		"select * from read_text('/etc/hostname')":  "Permission Error",
		"drop view q": "Error",
	} {
		if _, _, err := ask(sql); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", sql, err, want)
		}
	}
	if _, sum, err := hashFile(path); err != nil || sum != f.SHA256 {
		t.Error("the file was changed")
	}
}

func TestRowsOnAFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no /dev/full")
	}
	_, err := SaveRows(t.Context(), QueryOptions{Temp: t.TempDir()}, "select 1 as a", "/dev/full")
	if err == nil || !strings.Contains(err.Error(), "the disk of /dev is full: free some space") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
}
