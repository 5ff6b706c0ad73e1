package extract

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

var exportColumns = []Column{
	{Name: "Date", Type: Date},
	{Name: "At", Type: Instant},
	{Name: "Cost", Type: Decimal, Required: true},
	{Name: "Quantity", Type: Decimal},
	{Name: "Credit", Type: Bool},
	{Name: "Count", Type: Int},
	{Name: "MeterName"},
	{Name: "Tags", Type: Tags},
	{Name: "Info", Type: JSONText},
}

// duckExport has DuckDB write a Parquet file.
func duckExport(t *testing.T, query, options string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "part_0.parquet")
	if _, err := duck(t).Exec("copy (" + query + ") to '" + path + "' (format parquet" + options + ")"); err != nil {
		t.Fatal(err)
	}
	return path
}

// However a version types its columns, the same values land.
func TestParquetExportsOfEveryTyping(t *testing.T) {
	for name, query := range map[string]string{
		"typed": `select date '2026-10-02' as date, timestamp '2026-10-02 01:02:03.5' as "at", 0.085::decimal(18,6) as costs, 3.1e-05::double as quantity,
			true as credit, 7::int as "count", 'm' as meter_name, map {'env': 'prod', 'k"': 'v'} as tags, {'a': 1, 'b': [true]} as info`,
		"wide": `select timestamptz '2026-10-02 00:00:00+00' as Date, timestamp_ns '2026-10-02 01:02:03.500000000' as "At", 0.085::decimal(38,18) as Costs, 0.000031::decimal(9,7) as Quantity,
			true as Credit, 7::ubigint as "Count", 'm' as MeterName, '{"env":"prod","k\"":"v"}' as Tags, '{"a":1,"b":[true]}' as Info`,
		"text": `select '10/02/2026' as Date, '2026-10-02T01:02:03.5000000Z' as "At", '8.5E-02' as Costs, '0.000031' as Quantity,
			'True' as Credit, '7' as "Count", 'm' as MeterName, '"env": "prod","k\"": "v"' as Tags, '{"a":1,"b":[true]}' as Info`,
		"double": `select timestamp_s '2026-10-02 00:00:00' as Date, timestamp_ms '2026-10-02 01:02:03.500' as "At", 0.085::double as Costs, 0.000031::float as Quantity,
			true as Credit, 7.0::decimal(4,1) as "Count", 'm' as MeterName, map {'env': 'prod', 'k"': 'v'} as Tags, '{"a":1,"b":[true]}'::json as Info`,
	} {
		t.Run(name, func(t *testing.T) {
			cols := append([]Column{}, exportColumns...)
			cols[2].Aliases = []string{"Costs"}
			l := land(t, cols)
			n, err := l.parquet(4, "export.parquet", duckExport(t, query+", null as nothing, 5 as extra_column", ""))
			if err != nil || n != 1 {
				t.Fatal(n, err)
			}
			got := l.done()
			_, rows := readBack(t, got.File)
			checkRows(t, []record{rows[0].without()}, []record{{
				"_page": "4", "_row": "1", "Date": "2026-10-02", "At": "2026-10-02T01:02:03.5Z", "Cost": "0.085", "Quantity": "0.000031", "Credit": "true", "Count": "7",
				"MeterName": "m", "Tags": `{"env":"prod","k\"":"v"}`, "Info": `{"a":1,"b":[true]}`, "_extra": `{"extra_column":"5"}`,
			}})
			if doubles := len(got.Doubles); (name == "double" || name == "typed") != (doubles > 0) {
				t.Errorf("doubles noted: %v", got.Doubles)
			}
		})
	}
}

func TestParquetRowsAreNumberedAndRejected(t *testing.T) {
	query := "select case when i = 2500 then 'nan'::double else i / 8 end as Cost from range(1, 5001) t(i)"
	l := land(t, exportColumns)
	if n, err := l.parquet(1, "exports/part_0.parquet", duckExport(t, query, "")); err != nil || n != 5000 {
		t.Fatal(n, err)
	}
	got := l.done()
	sums := firstRow(t, "select count(*), sum(Cost)::varchar, max(_row) from '"+got.File.Path+"'")
	if want := "4999|1562500.000000000000000000|5000"; sums != want {
		t.Errorf("got %s, want %s", sums, want)
	}
	_, rejects := readBack(t, got.Rejects)
	if len(rejects) != 1 || rejects[0]["_row"] != "2500" || rejects[0]["reason"] != `Cost: "NaN" is no number, in file exports/part_0.parquet` {
		t.Errorf("rejects %v", rejects)
	}
}

func firstRow(t *testing.T, q string) string {
	t.Helper()
	return strings.Join(duckQuery(t, duck(t), q)[0], "|")
}

func TestParquetFilesThatAreRefused(t *testing.T) {
	good, err := os.ReadFile(duckExport(t, "select 1.5 as Cost from range(1000)", ""))
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte{}, good...)
	for i := 4; i < 24; i++ { // the header of the first page
		damaged[i] ^= 0xff
	}
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"csv":     {[]byte("Cost\n1\n2026-10-01,aaaaaaaaaaaaaaaaaaaa"), "is no Parquet file"},
		"empty":   {nil, "is no Parquet file"},
		"cut":     {good[:len(good)-10], "is no Parquet file"},
		"damaged": {damaged, "row"},
		"brotli":  {brotliFile(t), "compressed with brotli"},
	} {
		path := filepath.Join(t.TempDir(), "part.parquet")
		if err := os.WriteFile(path, c.text, 0o600); err != nil {
			t.Fatal(err)
		}
		l := land(t, exportColumns)
		if _, err := l.parquet(1, path, path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := l.close(); err == nil {
			t.Errorf("%s: the landing closes as if nothing had happened", name)
		}
	}
	l := land(t, exportColumns)
	if _, err := l.parquet(1, "export.parquet", duckExport(t, "select 1 as Price", "")); err == nil || !strings.Contains(err.Error(), "lacks Cost (headers not known: Price)") {
		t.Errorf("missing column: %v", err)
	}
}

func brotliFile(t *testing.T) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{{Name: "Cost", Type: arrow.PrimitiveTypes.Int64}}, nil)
	b := array.NewInt64Builder(memory.DefaultAllocator)
	b.AppendValues([]int64{1, 2, 3}, nil)
	rec := array.NewRecordBatch(schema, []arrow.Array{b.NewArray()}, 3)
	path := filepath.Join(t.TempDir(), "brotli.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pqarrow.NewFileWriter(schema, f, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Brotli)), pqarrow.DefaultWriterProps())
	if err == nil {
		err = w.Write(rec)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAnEmptyParquetExportIsFine(t *testing.T) {
	l := land(t, exportColumns)
	if n, err := l.parquet(1, "export.parquet", duckExport(t, "select 1.5 as Cost where false", "")); err != nil || n != 0 {
		t.Fatal(n, err)
	}
	if got := l.done(); got.Rows != 0 {
		t.Errorf("%d rows", got.Rows)
	}
}

// FOCUS in Parquet: money as doubles, days as timestamps, tags as a map.
func TestFocusInParquetIsExact(t *testing.T) {
	l := land(t, sourceNamed(t, "focus_export").Columns)
	path := duckExport(t, `select 0.1::double as BilledCost, 1e-07::double as EffectiveCost, 0.3::decimal(10,2) as ListCost, timestamptz '2026-10-02 00:00:00+00' as ChargePeriodStart,
		timestamp '2026-11-01 00:00:00' as BillingPeriodEnd, 'Hours' as ConsumedUnit, map {'env': 'prod'} as Tags, true as x_SkuIsCreditEligible, 12 as x_SkuTerm`, "")
	if n, err := l.parquet(1, path, path); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	got := l.done()
	_, rows := readBack(t, got.File)
	checkRows(t, []record{rows[0].without("_file")}, []record{{
		"_page": "1", "_row": "1", "BilledCost": "0.1", "EffectiveCost": "0.0000001", "ListCost": "0.3", "ChargePeriodStart": "2026-10-02T00:00:00Z", "BillingPeriodEnd": "2026-11-01T00:00:00Z",
		"ConsumedUnit": "Hours", "Tags": `{"env":"prod"}`, "x_SkuIsCreditEligible": "true", "x_SkuTerm": "12",
	}})
	if strings.Join(got.Doubles, " ") != "BilledCost EffectiveCost" {
		t.Errorf("doubles noted: %v", got.Doubles)
	}
}
