package extract

import (
	"bytes"
	"context"
	"database/sql"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// duck is a DuckDB in memory, on one thread.
func duck(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("set threads = 1; set TimeZone = 'UTC'; set preserve_insertion_order = true"); err != nil {
		t.Fatal(err)
	}
	return db
}

// duckCopy has DuckDB write the rows of a query to Parquet.
func duckCopy(b *testing.B, query string) {
	db := duck(b)
	defer db.Close()
	out := filepath.Join(b.TempDir(), "duck.parquet")
	if _, err := db.ExecContext(context.Background(), "copy ("+query+") to '"+out+"' (format parquet, compression zstd)"); err != nil {
		b.Fatal(err)
	}
}

// duckQuery returns the rows of a query as text.
func duckQuery(t testing.TB, db *sql.DB, q string) (rows [][]string) {
	t.Helper()
	r, err := db.Query(q)
	if err != nil {
		t.Fatal(q, err)
	}
	defer r.Close()
	cols, err := r.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for r.Next() {
		cells := make([]sql.NullString, len(cols))
		to := make([]any, len(cols))
		for i := range cells {
			to[i] = &cells[i]
		}
		if err := r.Scan(to...); err != nil {
			t.Fatal(err)
		}
		row := make([]string, len(cols))
		for i, c := range cells {
			if row[i] = c.String; !c.Valid {
				row[i] = "∅"
			}
		}
		rows = append(rows, row)
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestDuckDBReadsTheLayout(t *testing.T) {
	l := land(t, testColumns, "env")
	if _, err := l.jsonPage(3, "page", []byte(`{"value":[
		{"id":"a","tags":{"env":"prod"},"new":1,"properties":{"date":"2026-10-02","quantity":-99999999999999999999.999999999999999999,"cost":1e-18,
		 "usageStart":"2026-10-02T23:59:59.999999Z","isCredit":true,"term":-7,"meterDetails":{"meterName":"é"}}},
		{"id":"b","properties":{"cost":99999999999999999999.999999999999999999,"isCredit":false}}]}`), usageShape()); err != nil {
		t.Fatal(err)
	}
	got, db := l.done(), duck(t)
	file := "read_parquet('" + got.File.Path + "')"
	types := duckQuery(t, db, "select column_name, column_type from (describe select * from "+file+")")
	wantTypes := [][]string{
		{"_account", "VARCHAR"},
		{"_scope", "VARCHAR"},
		{"_period", "VARCHAR"},
		{"_dataset", "VARCHAR"},
		{"_page", "BIGINT"},
		{"_row", "BIGINT"},
		{"id", "VARCHAR"},
		{"date", "DATE"},
		{"quantity", "DECIMAL(38,18)"},
		{"cost", "DECIMAL(38,18)"},
		{"meterDetails_meterName", "VARCHAR"},
		{"usageStart", "TIMESTAMP WITH TIME ZONE"},
		{"reserved", "DATE"},
		{"isCredit", "BOOLEAN"},
		{"term", "BIGINT"},
		{"additionalInfo", "VARCHAR"},
		{"tags", "VARCHAR"},
		{"tag_env", "VARCHAR"},
		{"_tags_raw", "VARCHAR"},
		{"_extra", "VARCHAR"},
	}
	if diff := cmp.Diff(wantTypes, types); diff != "" {
		t.Error(diff)
	}
	rows := duckQuery(t, db, "select columns(*)::varchar from "+file+" order by _row")
	want := [][]string{
		{
			"contoso", "/subscriptions/s", "2026-10", "actual", "3", "1", "a", "2026-10-02", "-99999999999999999999.999999999999999999", "0.000000000000000001", "é",
			"2026-10-02 23:59:59.999999+00", "∅", "true", "-7", "∅", `{"env":"prod"}`, "prod", "∅", `{"new":1}`,
		},
		{
			"contoso", "/subscriptions/s", "2026-10", "actual", "3", "2", "b", "∅", "∅", "99999999999999999999.999999999999999999", "∅",
			"∅", "∅", "false", "∅", "∅", "∅", "∅", "∅", "∅",
		},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	// The statistics must not make a filter lose rows.
	for _, where := range []string{"cost > 5", "quantity < -5", "date = '2026-10-02'", "term < 0", "usageStart > '2026-10-02 12:00:00+00'", "_row = 2", "not isCredit"} {
		if n := duckQuery(t, db, "select count(*) from "+file+" where "+where); n[0][0] != "1" {
			t.Errorf("where %s finds %s rows, want 1", where, n[0][0])
		}
	}
}

// The sums of many nasty numbers, in every form and form of file, are exactly those of
// rational arithmetic over the text.
func TestSumsAreExact(t *testing.T) {
	db := duck(t)
	rapid.Check(t, func(rt *rapid.T) {
		number := rapid.StringMatching(`-?(0|[1-9][0-9]{0,10})(\.[0-9]{1,18})?`)
		numbers := rapid.SliceOfN(number, 1, 60).Draw(rt, "numbers")
		var page, csv strings.Builder
		page.WriteString(`{"value":[`)
		csv.WriteString("id,cost\n")
		sum := new(big.Rat)
		for i, n := range numbers {
			r, _ := new(big.Rat).SetString(n)
			sum.Add(sum, r)
			page.WriteString([]string{"", ","}[min(i, 1)])
			if i%3 == 0 {
				n = `"` + n + `"`
			}
			page.WriteString(`{"properties":{"cost":` + n + `}}`)
			csv.WriteString("x," + n + "\r\n")
		}
		page.WriteString(`]}`)
		for form, do := range map[string]func(l *landing) error{
			"json": func(l *landing) error {
				_, err := l.jsonPage(1, "page", []byte(page.String()), usageShape())
				return err
			},
			"csv": func(l *landing) error { _, err := l.csv(1, "f", strings.NewReader(csv.String())); return err },
		} {
			l := land(t, testColumns)
			if err := do(l.landing); err != nil {
				rt.Fatal(err)
			}
			got := l.done()
			if s := duckQuery(t, db, "select sum(cost)::varchar from '"+got.File.Path+"'"); s[0][0] != sum.FloatString(18) && sum.Sign() != 0 {
				rt.Fatalf("%s: sum %s, want %s", form, s[0][0], sum.FloatString(18))
			}
		}
	})
}

func TestSameInputSameBytes(t *testing.T) {
	pages, text := benchPages(3, 500), benchCSV(1500)
	hash := func(f func(l *landing) error) string {
		l, err := newLanding(t.TempDir(), benchColumns(), testOrigin, []string{"env"})
		if err != nil {
			t.Fatal(err)
		}
		defer l.abort()
		if err := f(l); err != nil {
			t.Fatal(err)
		}
		got, err := l.close()
		if err != nil {
			t.Fatal(err)
		}
		return got.File.SHA256
	}
	landPages := func(l *landing) error {
		for i, p := range pages {
			if _, err := l.jsonPage(int64(i), "page", p, usageShape()); err != nil {
				return err
			}
		}
		return nil
	}
	landCSV := func(l *landing) error {
		_, err := l.csv(1, "a.csv", iotest.OneByteReader(bytes.NewReader(text[:100_000])))
		return err
	}
	if a, b := hash(landPages), hash(landPages); a != b {
		t.Error("pages give different bytes each time")
	}
	if a, b := hash(landCSV), hash(landCSV); a != b {
		t.Error("CSV gives different bytes each time")
	}
}

// What DuckDB reads of the same JSON and CSV as text is what the landing wrote, column
// by column, over the end of a row group.
func TestDuckDBAgreesOnEveryColumn(t *testing.T) {
	const rows = 31_000 // more than one row group
	text := benchCSV(rows)
	in := filepath.Join(t.TempDir(), "in.csv")
	if err := os.WriteFile(in, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := newLanding(t.TempDir(), benchColumns(), testOrigin, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.abort()
	if n, err := l.csv(1, in, bytes.NewReader(text)); err != nil || n != rows {
		t.Fatal(n, err)
	}
	got, err := l.close()
	if err != nil {
		t.Fatal(err)
	}
	var types, same []string
	for _, f := range benchFields {
		types = append(types, "'"+f.header+"': '"+f.duck+"'")
		theirs := `b."` + f.header + `"`
		if f.typ == Tags {
			theirs = `replace('{' || ` + theirs + ` || '}', '": "', '":"')`
		}
		same = append(same, `a."`+f.header+`" is not distinct from `+theirs)
	}
	db := duck(t)
	n := duckQuery(t, db, "select count(*), count(*) filter (where "+strings.Join(same, " and ")+") from (select *, _row as n from '"+got.File.Path+
		"') a join (select *, row_number() over () as n from read_csv('"+in+"', header=true, columns={"+strings.Join(types, ", ")+"})) b using (n)")
	if diff := cmp.Diff([][]string{{strconv.Itoa(rows), strconv.Itoa(rows)}}, n); diff != "" {
		t.Errorf("rows, and rows that agree:\n%s", diff)
	}
}
