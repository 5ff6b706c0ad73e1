package extract

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"
)

var testOrigin = origin{Source: "usage", Account: "contoso", Scope: "/subscriptions/s", Period: "2026-10", Dataset: "actual"}

// testColumns have every type, and paths of one, two and three steps.
var testColumns = []Column{
	{Name: "id", Unique: true},
	{Name: "date", Type: Date, Path: "properties.date"},
	{Name: "quantity", Type: Decimal, Path: "properties.quantity", Aliases: []string{"UsageQuantity"}},
	{Name: "cost", Type: Decimal, Path: "properties.cost"},
	{Name: "meterDetails_meterName", Path: "properties.meterDetails.meterName", Aliases: []string{"MeterName"}},
	{Name: "usageStart", Type: Instant, Path: "properties.usageStart"},
	{Name: "reserved", Type: Date, Path: "properties.reserved", DatePart: true},
	{Name: "isCredit", Type: Bool, Path: "properties.isCredit"},
	{Name: "term", Type: Int, Path: "properties.term"},
	{Name: "additionalInfo", Type: JSONText, Path: "properties.additionalInfo"},
	{Name: "tags", Type: Tags},
}

type testLanding struct {
	*landing
	t   *testing.T
	dir string
}

func land(t *testing.T, cols []Column, tagKeys ...string) testLanding {
	t.Helper()
	dir := t.TempDir()
	l, err := newLanding(dir, cols, testOrigin, tagKeys)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.abort)
	return testLanding{l, t, dir}
}

func (l testLanding) done() *landed {
	l.t.Helper()
	got, err := l.close()
	if err != nil {
		l.t.Fatal(err)
	}
	return got
}

// A record is a row read back; null columns are absent.
type record map[string]string

// without drops the columns that tell where a row is from.
func (r record) without(names ...string) record {
	for _, n := range append(names, "_account", "_scope", "_period", "_dataset") {
		delete(r, n)
	}
	return r
}

func readBack(t *testing.T, f *landedFile) (names []string, rows []record) {
	t.Helper()
	r, err := file.OpenParquetFile(f.Path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.NumRows() != f.Rows {
		t.Errorf("%s has %d rows, want %d", f.Path, r.NumRows(), f.Rows)
	}
	fr, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	table, err := fr.ReadTable(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer table.Release()
	for i := range int(table.NumCols()) {
		names = append(names, table.Schema().Field(i).Name)
	}
	tr := array.NewTableReader(table, 1<<20)
	defer tr.Release()
	for tr.Next() {
		for row := range int(tr.RecordBatch().NumRows()) {
			rec := record{}
			for i, col := range tr.RecordBatch().Columns() {
				switch c := col.(type) {
				case *array.Decimal128:
					if !c.IsNull(row) {
						rec[names[i]] = trimZeros(c.Value(row).ToString(18))
					}
				default:
					if !col.IsNull(row) {
						rec[names[i]] = col.ValueStr(row)
					}
				}
			}
			rows = append(rows, rec)
		}
	}
	return names, rows
}

func trimZeros(s string) string { return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") }

func usageShape() jsonShape { return jsonShape{Rows: "value", Next: "nextLink"} }

func checkRows(t *testing.T, got, want []record) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

func TestEveryRowSaysWhereItIsFrom(t *testing.T) {
	l := land(t, testColumns[:1])
	for page, body := range []string{`{"value":[{"id":"a"},{"id":"b"}]}`, `{"value":[{"id":"c"}]}`} {
		if _, err := l.jsonPage(int64(page+1), "page", []byte(body), usageShape()); err != nil {
			t.Fatal(err)
		}
	}
	names, rows := readBack(t, l.done().File)
	if want := []string{"_account", "_scope", "_period", "_dataset", "_page", "_row", "id", "_extra"}; !cmp.Equal(names, want) {
		t.Errorf("columns %v, want %v", names, want)
	}
	from := func(page, row, id string) record {
		return record{"_account": "contoso", "_scope": "/subscriptions/s", "_period": "2026-10", "_dataset": "actual", "_page": page, "_row": row, "id": id}
	}
	checkRows(t, rows, []record{from("1", "1", "a"), from("1", "2", "b"), from("2", "1", "c")})
}

func TestColumnOrder(t *testing.T) {
	l := land(t, testColumns, "env", "Cost Centre")
	names, _ := readBack(t, l.done().File)
	got := strings.Join(names[len(names)-5:], " ")
	if want := "tags tag_env tag_Cost Centre _tags_raw _extra"; got != want {
		t.Errorf("the columns end in %q, want %q", got, want)
	}
}

func TestNoRowsIsAFileWithColumns(t *testing.T) {
	l := land(t, testColumns)
	if _, err := l.jsonPage(1, "page", []byte(`{"value":[]}`), usageShape()); err != nil {
		t.Fatal(err)
	}
	got := l.done()
	if names, rows := readBack(t, got.File); len(rows) != 0 || len(names) != 6+len(testColumns)+2 {
		t.Errorf("got %d rows of %d columns", len(rows), len(names))
	}
	if got.Rejects != nil || got.LargestRounding != "0" {
		t.Errorf("got rejects %v, rounding %q", got.Rejects, got.LargestRounding)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	l := land(t, testColumns)
	if _, err := l.jsonPage(1, "page", []byte(`{"value":[{"properties":{"cost":"x"}},{"id":"a"}]}`), usageShape()); err != nil {
		t.Fatal(err)
	}
	l.abort()
	if files, _ := os.ReadDir(l.dir); len(files) != 0 {
		t.Errorf("%d files are left", len(files))
	}
	if _, err := l.close(); err == nil {
		t.Error("close after abort succeeds")
	}
}

func TestAFullDiskLeavesNothing(t *testing.T) {
	l := land(t, testColumns)
	l.out.f.Close() // every write fails from here on
	if _, err := l.jsonPage(1, "page", []byte(`{"value":[{"id":"a"}]}`), usageShape()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.close(); err == nil || !strings.Contains(err.Error(), l.dir) {
		t.Errorf("close: %v, want an error that names the file", err)
	}
	if files, _ := os.ReadDir(l.dir); len(files) != 0 {
		t.Errorf("%d files are left", len(files))
	}
}

// The numbers of distinct texts and rows go over every boundary: runs, groups of
// eight, dictionary or not, pages, row groups.
func TestManyRowsComeBack(t *testing.T) {
	l := land(t, testColumns)
	var want []record
	for page := range 40 {
		var body strings.Builder
		for row := range 1000 {
			n := page*1000 + row
			w := record{"_page": strconv.Itoa(page + 1), "_row": strconv.Itoa(row + 1), "id": "id-" + strconv.Itoa(n), "quantity": strconv.Itoa(n)}
			meter := strings.Repeat("x", n%50) + strconv.Itoa(n/(1+page%5*400))
			if n%11 != 0 {
				w["meterDetails_meterName"] = meter
			} else {
				meter = ""
			}
			credit := "null"
			if n%3 > 0 {
				w["isCredit"] = map[bool]string{true: "true", false: "false"}[n%5 == 0]
				credit = w["isCredit"]
			}
			if row > 0 {
				body.WriteByte(',')
			}
			body.WriteString(`{"id":"` + w["id"] + `","properties":{"quantity":` + strconv.Itoa(n) + `,"meterDetails":{"meterName":"` + meter + `"},"isCredit":` + credit + `}}`)
			want = append(want, w)
		}
		if _, err := l.jsonPage(int64(page+1), "page", []byte(`{"value":[`+body.String()+`]}`), usageShape()); err != nil {
			t.Fatal(err)
		}
	}
	_, rows := readBack(t, l.done().File)
	for i := range rows {
		rows[i].without()
	}
	checkRows(t, rows, want)
}

func TestDateRange(t *testing.T) {
	for _, column := range []string{"date", "usageStart"} {
		l := land(t, testColumns)
		l.dateColumn = column
		body := `{"value":[
			{"properties":{"date":"2026-10-31T00:00:00Z","usageStart":"2026-10-31T23:59:59Z"}},
			{"properties":{"date":"2026-10-02","usageStart":"2026-10-02T00:00:00Z"}},
			{"properties":{}},
			{"properties":{"date":"2020-01-01","usageStart":"2020-01-01","cost":"NaN"}}]}`
		if _, err := l.jsonPage(1, "page", []byte(body), usageShape()); err != nil {
			t.Fatal(err)
		}
		if got := l.done(); got.MinDate != "2026-10-02" || got.MaxDate != "2026-10-31" {
			t.Errorf("range of %s is %s to %s", column, got.MinDate, got.MaxDate)
		}
	}
}

func TestColumnsThatContradict(t *testing.T) {
	for name, cols := range map[string][]Column{
		"same path":    {{Name: "a", Path: "x.y"}, {Name: "b", Path: "x.y"}},
		"same object":  {{Name: "c", Path: "x.y.z"}, {Name: "a", Path: "x.y"}, {Name: "b", Path: "x.y"}},
		"same header":  {{Name: "Meter_Id"}, {Name: "meterId"}},
		"alias of two": {{Name: "a", Aliases: []string{"c"}}, {Name: "b", Aliases: []string{"C"}}},
		"tags twice":   {{Name: "a", Type: Tags}, {Name: "b", Type: Tags}},
		"same above":   {{Name: "a", Path: "x"}, {Name: "b", Path: "x.y"}, {Name: "c", Path: "x"}},
	} {
		if l, err := newLanding(t.TempDir(), cols, testOrigin, nil); err == nil {
			l.abort()
			t.Errorf("%s: accepted", name)
		}
	}
}

// Amounts are numbers in the records of one agreement and objects in those of another.
func TestAPathToAColumnAndToAnObject(t *testing.T) {
	number := Column{Name: "amount", Type: Decimal, Path: "properties.amount"}
	object := append(properties(Decimal, "amount.value"), properties(Text, "amount.currency")...)
	for name, cols := range map[string][]Column{"number first": append([]Column{number}, object...), "object first": append(object, number)} {
		l := land(t, cols)
		body := `{"value":[{"properties":{"amount":1.25}},{"properties":{"amount":{"currency":"EUR","value":0.1,"exact":true}}},{"properties":{"amount":null}}]}`
		if _, err := l.jsonPage(1, "page", []byte(body), usageShape()); err != nil {
			t.Fatal(err)
		}
		_, rows := readBack(t, l.done().File)
		want := []record{{"amount": "1.25"}, {"amount_value": "0.1", "amount_currency": "EUR", "_extra": `{"amount_exact":true}`}, {}}
		for i := range rows {
			rows[i].without("_page", "_row")
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("%s: rows differ (-want +got):\n%s", name, diff)
		}
	}
}

// sharedFolder is the folder of data made by others. Tests that need it skip without it.
func sharedFolder(t *testing.T, parts ...string) string {
	t.Helper()
	root := os.Getenv("AZLEDGER_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	dir := filepath.Join(append([]string{root}, parts...)...)
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("%s is not there; set AZLEDGER_SHARED to the folder of shared data", dir)
	}
	return dir
}
