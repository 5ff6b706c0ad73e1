package extract

import (
	"bytes"
	stdcsv "encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
)

var csvColumns = []Column{
	{Name: "Date", Type: Date, Required: true, Aliases: []string{"UsageDateTime"}},
	{Name: "Cost", Type: Decimal, Required: true, Aliases: []string{"PreTaxCost", "costInBillingCurrency"}},
	{Name: "ResourceGroup", Aliases: []string{"resourceGroupName"}},
	{Name: "MeterCategory"},
	{Name: "Tags", Type: Tags},
	{Name: "_file"},
	{Name: "_agreement"},
}

func gz(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// landCSV lands one file and returns its rows and rejects, without where they are from.
func landCSV(t *testing.T, text string) (rows, rejects []record) {
	t.Helper()
	l := land(t, csvColumns)
	if _, err := l.csv(1, "exports/part_0.csv", strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	got := l.done()
	_, rows = readBack(t, got.File)
	for _, r := range rows {
		r.without("_page", "_row", "_file")
	}
	if got.Rejects != nil {
		_, rejects = readBack(t, got.Rejects)
		for _, r := range rejects {
			r.without("_source", "_page")
		}
	}
	return rows, rejects
}

func TestHeadersOfEverySpelling(t *testing.T) {
	for name, text := range map[string]string{
		"plain":          "Date,Cost,ResourceGroup,MeterCategory\n2026-10-01,1.5,rg,m\n",
		"crlf":           "Date,Cost,ResourceGroup,MeterCategory\r\n2026-10-01,1.5,rg,m\r\n",
		"no last break":  "Date,Cost,ResourceGroup,MeterCategory\n2026-10-01,1.5,rg,m",
		"byte order":     "\xef\xbb\xbfDate,Cost,ResourceGroup,MeterCategory\n2026-10-01,1.5,rg,m\n",
		"quoted header":  "\xef\xbb\xbf\"Date\",\"Cost\",\"ResourceGroup\",\"MeterCategory\"\n\"10/01/2026\",\"1.5\",\"rg\",\"m\"\n",
		"camel, aliases": "meterCategory,costInBillingCurrency,usageDateTime,resourceGroupName\nm,1.5,10/01/2026,rg\n",
		"blanks":         "Meter Category,pre tax_cost, Date ,Resource_Group\nm, 1.5 ,2026-10-01,rg\n",
		"german":         "UsageDateTime (UsageDateTime),PreTaxCost (PreTaxCost),Ressourcengruppe (ResourceGroup),Kategorie der Verbrauchseinheit (MeterCategory)\n2026-10-01,1.5E+0,rg,m\n",
		"empty lines":    "\n\r\nDate,Cost,ResourceGroup,MeterCategory\n\n2026-10-01,1.5,rg,m\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range []string{text, gz(t, text)} {
				rows, rejects := landCSV(t, text)
				for _, r := range rows {
					delete(r, "_agreement")
				}
				checkRows(t, rows, []record{{"Date": "2026-10-01", "Cost": "1.5", "ResourceGroup": "rg", "MeterCategory": "m"}})
				checkRows(t, rejects, nil)
			}
		})
	}
}

func TestQuotesAndLineBreaks(t *testing.T) {
	rows, rejects := landCSV(t, "Date,Cost,ResourceGroup,Tags,Colour\n"+
		"2026-10-01,1,\"a \"\"b\"\", c\r\nd\",\"\"\"env\"\": \"\"prod\"\",\"\"k\"\": \"\"x,y\"\"\",red\n"+
		"2026-10-02,,x\"y,,\"\"\n"+
		"2026-10-03,\"\",\"\",\"not tags\",\"r\"\"ed\"\n")
	checkRows(t, rejects, nil)
	checkRows(t, rows, []record{
		{"Date": "2026-10-01", "Cost": "1", "ResourceGroup": "a \"b\", c\r\nd", "Tags": `{"env":"prod","k":"x,y"}`, "_extra": `{"Colour":"red"}`},
		{"Date": "2026-10-02", "ResourceGroup": `x"y`},
		{"Date": "2026-10-03", "_tags_raw": "not tags", "_extra": `{"Colour":"r\"ed"}`},
	})
}

func TestBrokenLinesAreRejects(t *testing.T) {
	rows, rejects := landCSV(t, "Date,Cost,ResourceGroup\n"+
		"2026-10-01,1,\"two\nlines\"\n"+
		"2026-10-01,1\n"+
		"2026-10-01,1,rg,more\n"+
		"2026-10-01,\"1,5\",rg\n"+
		"2026-10-01,1,\"a\"b,c\"\n"+
		"2026-10-01,1,\xff\n"+
		"Total,,\n"+
		"2026-10-09,9,rg\n")
	checkRows(t, rows, []record{
		{"Date": "2026-10-01", "Cost": "1", "ResourceGroup": "two\nlines"}, {"Date": "2026-10-09", "Cost": "9", "ResourceGroup": "rg"},
	})
	checkRows(t, rejects, []record{
		{"_row": "2", "reason": "line 4: 2 fields, want 3, in file exports/part_0.csv", "text": "2026-10-01,1"},
		{"_row": "3", "reason": "line 5: 4 fields, want 3, in file exports/part_0.csv", "text": "2026-10-01,1,rg,more"},
		{"_row": "4", "reason": `Cost: "1,5" is no number, in file exports/part_0.csv`, "text": `2026-10-01,"1,5",rg`},
		{"_row": "5", "reason": "line 7: text after a closing quote, in file exports/part_0.csv", "text": `2026-10-01,1,"a"b,c"`},
		{"_row": "6", "reason": "line 8: not UTF-8, in file exports/part_0.csv", "text": `2026-10-01,1,\xff`},
		{"_row": "7", "reason": `Date: "Total" is no date, in file exports/part_0.csv`, "text": "Total,,"},
	})
}

func TestFilesThatAreRefused(t *testing.T) {
	cut := gz(t, "Date,Cost\n"+strings.Repeat("2026-10-01,1.23456789\n", 9000))
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "the file is empty"},
		"only a mark":       {"\xef\xbb\xbf", "the file is empty"},
		"html":              {"<html><body>Service Unavailable</body></html>", "lacks Date, Cost (headers not known: <html>"},
		"missing":           {"Date,Qty,Region\n", "lacks Cost (headers not known: Qty, Region)"},
		"twice":             {"Date,date,Cost\n", `headers "Date" and "date" both mean Date`},
		"open quote":        {"Date,Cost\n2026-10-01,1\n2026-10-01,\"1\n", "line 3: the file ends within a quoted field"},
		"open quote header": {"Date,\"Cost\n2026-10-01,1\n", "line 1: the file ends within a quoted field of the header"},
		"utf-16":            {"\xff\xfeD\x00a\x00t\x00e\x00", "not UTF-8 text"},
		"gzip cut":          {cut[:len(cut)-20], "cut short"},
		"gzip cut early":    {cut[:5], "cut short"},
		"gzip damaged":      {cut[:len(cut)-6] + "xxxxxx", "checksum"},
	} {
		l := land(t, csvColumns)
		_, err := l.csv(1, "part_1.csv", strings.NewReader(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), "csv(part_1.csv): ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := l.close(); err == nil {
			t.Errorf("%s: the landing closes as if nothing had happened", name)
		}
	}
}

func TestABrokenConnectionIsNotTheEnd(t *testing.T) {
	for _, cause := range []error{io.ErrUnexpectedEOF, errors.New("connection reset")} {
		l := land(t, csvColumns)
		r := io.MultiReader(strings.NewReader("Date,Cost\n2026-10-01,1\n"), iotest.ErrReader(cause))
		if _, err := l.csv(1, "part", r); err == nil {
			t.Errorf("%v: passes for the end of the file", cause)
		}
	}
}

func TestAHeaderWithoutRowsIsFine(t *testing.T) {
	if rows, _ := landCSV(t, "Date,Cost\r\n"); len(rows) != 0 {
		t.Errorf("%d rows", len(rows))
	}
}

func TestPartsHaveTheirOwnHeaders(t *testing.T) {
	l := land(t, csvColumns)
	for i, text := range []string{"\xef\xbb\xbfDate,Cost\n2026-10-01,1\n", "\xef\xbb\xbfPreTaxCost,UsageDateTime,SubscriptionGuid\n2,2026-10-02,s\n", "AccountOwnerId,Date,Cost,Quantity,PricingCurrency\na,2026-10-03,3,1,USD\n"} {
		if _, err := l.csv(int64(i+1), "x/part_"+strconv.Itoa(i)+".csv", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	_, rows := readBack(t, l.done().File)
	for _, r := range rows {
		r.without("_row")
	}
	checkRows(t, rows, []record{
		{"_page": "1", "Date": "2026-10-01", "Cost": "1", "_file": "part_0.csv"},
		{"_page": "2", "Date": "2026-10-02", "Cost": "2", "_file": "part_1.csv", "_agreement": "mosp", "_extra": `{"SubscriptionGuid":"s"}`},
		{"_page": "3", "Date": "2026-10-03", "Cost": "3", "_file": "part_2.csv", "_agreement": "mca", "_extra": `{"AccountOwnerId":"a","PricingCurrency":"USD","Quantity":"1"}`},
	})
}

// Fields larger than a piece, and records cut at every place by the pieces' ends.
func TestLongFields(t *testing.T) {
	long := strings.Repeat(`{""k"":""v""},`+"\n", 200_000)
	var text strings.Builder
	text.WriteString("Date,Cost,ResourceGroup\n")
	for i := range 3 {
		text.WriteString("2026-10-01," + strconv.Itoa(i) + ",\"" + long + "\"\r\n2026-10-02,1,rg\r\n")
	}
	rows, rejects := landCSV(t, text.String())
	if len(rows) != 6 || len(rejects) != 0 {
		t.Fatalf("%d rows, %d rejects", len(rows), len(rejects))
	}
	if want := strings.ReplaceAll(long, `""`, `"`); rows[4]["ResourceGroup"] != want || rows[5]["ResourceGroup"] != "rg" {
		t.Error("a long field came back changed")
	}
}

func TestAnyReadSizeGivesTheSameRows(t *testing.T) {
	text := "Date,Cost,ResourceGroup\r\n2026-10-01,1,\"a\"\"b\r\n\"\r\n\r\n2026-10-02,2,x\r\n"
	want, _ := landCSV(t, text)
	for name, r := range map[string]io.Reader{
		"one byte": iotest.OneByteReader(strings.NewReader(text)), "half": iotest.HalfReader(strings.NewReader(text)), "data with EOF": iotest.DataErrReader(strings.NewReader(text)),
	} {
		l := land(t, csvColumns)
		if _, err := l.csv(1, "x", r); err != nil {
			t.Fatal(name, err)
		}
		_, rows := readBack(t, l.done().File)
		for _, r := range rows {
			r.without("_page", "_row", "_file")
		}
		checkRows(t, rows, want)
	}
}

// Memory must not grow with the input.
func TestMemoryDoesNotGrow(t *testing.T) {
	if testing.Short() {
		t.Skip("lands 200 MB")
	}
	part := benchCSV(groupRows / 16)
	header, rows, _ := bytes.Cut(part, []byte("\r\n"))
	heap := func(times int) uint64 {
		l, err := newLanding(t.TempDir(), benchColumns(), testOrigin, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.abort()
		readers := []io.Reader{bytes.NewReader(append(header, "\r\n"...))}
		for range times {
			readers = append(readers, bytes.NewReader(rows), strings.NewReader("\r\n"))
		}
		if _, err := l.csv(1, "x", io.MultiReader(readers...)); err != nil {
			t.Fatal(err)
		}
		var m runtime.MemStats
		for range 3 { // the second and third empty the compressors' pools
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	few, many := heap(33), heap(97) // two row groups and six, and the same little of the next
	if many > few+few/10 {
		t.Errorf("the heap grows from %d to %d bytes with three times the input", few, many)
	}
	if many > 128<<20 {
		t.Errorf("the heap has %d bytes", many)
	}
}

// FuzzCSV holds the reader to encoding/csv: what that one reads strictly must give the
// same fields, or be refused as a whole row for its number of fields.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,2\n", "a,b\r\n\"1\r\n\"\"x\",2", "a,b\n\n,\n", "a,b\n1\n1,2,3\n", "a,b\n\"x\"y,1\n", "a,b\n\"x", "\xef\xbb\xbfa,b\n\xff,1", "a,b\n\r,\r\n\r\r\n", "a\n\"\"\n", "b,a,c\n\"\",\"\",\"\"\"\"\n",
	} {
		f.Add([]byte(s))
	}
	dir := f.TempDir()
	cols := []Column{{Name: "a"}, {Name: "b"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := newLanding(dir, cols, testOrigin, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.abort()
		c := &csvReader{r: iotest.OneByteReader(bytes.NewReader(text)), b: l.batch}
		if l.csvHeader("x", c) == nil {
			checkCSV(t, c, text)
		}
	})
}

func checkCSV(t *testing.T, c *csvReader, text []byte) {
	ref := stdcsv.NewReader(bytes.NewReader(text))
	ref.FieldsPerRecord = -1
	want, refErr := ref.ReadAll()
	var got [][]string
	damaged := false
	for c.pos < len(c.buf) {
		start := c.pos
		if !c.record() {
			damaged = true
			break
		}
		if len(c.fields) == 1 && c.fields[0] == (span{uint32(start), 0}) {
			continue
		}
		damaged = damaged || c.damaged
		fields := make([]string, len(c.fields))
		for i, f := range c.fields {
			fields[i] = string(c.b.bytes(f))
		}
		got = append(got, fields)
	}
	if refErr != nil || damaged {
		// A bare quote is text here and an error there; nothing else may differ.
		if refErr == nil || !damaged && !errors.Is(refErr, stdcsv.ErrBareQuote) {
			t.Fatalf("damaged: %v, but encoding/csv says %v", damaged, refErr)
		}
		return
	}
	if len(got) != len(want)-1 {
		t.Fatalf("%d records, want %d", len(got), len(want)-1)
	}
	for i := range got {
		for k := range got[i] {
			if strings.ReplaceAll(got[i][k], "\r\n", "\n") != want[i+1][k] {
				t.Fatalf("record %d: %q, want %q", i, got[i], want[i+1])
			}
		}
		if len(got[i]) != len(want[i+1]) {
			t.Fatalf("record %d: %q, want %q", i, got[i], want[i+1])
		}
	}
}

// Exports that others published, of every header set, land with the columns of
// cost_export. Two of the hand-made files are broken and must not pass: a year of two
// digits, and lines that lack a field.
func TestExportsOfOthersLand(t *testing.T) {
	for folder, parts := range map[string][]string{
		"koku": {"data", "koku"}, "opencost": {"data", "opencost", "billingexports"}, "focus_converters": {"data", "focus_converters"},
		"toolkit": {"azure", "examples", "finops-toolkit", "csv"},
	} {
		files := 0
		err := filepath.WalkDir(sharedFolder(t, parts...), func(path string, d os.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".csv" {
				files++
				landExport(t, path)
			}
			return err
		})
		if err != nil || files == 0 {
			t.Errorf("%s: %d files, %v", folder, files, err)
		}
	}
}

func landExport(t *testing.T, path string) {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := land(t, costExportColumns())
	l.dateColumn = "Date"
	rows, err := l.csv(1, path, f)
	if err != nil {
		t.Error(err)
		return
	}
	got := l.done()
	if rows != got.Rows+got.RejectRows {
		t.Errorf("%s: %d rows, of which %d landed and %d are rejects", path, rows, got.Rows, got.RejectRows)
	}
	broken := map[string]int64{"EnterpriseCamel.csv": 1, "Template.csv": 87}
	if got.RejectRows != broken[filepath.Base(path)] {
		_, rejects := readBack(t, got.Rejects)
		t.Errorf("%s: %d of %d rows are rejects: %v", filepath.Base(path), got.RejectRows, rows, rejects[0]["reason"])
	}
	t.Logf("%s: %d rows, %d rejects, %s to %s", filepath.Base(path), got.Rows, got.RejectRows, got.MinDate, got.MaxDate)
}
