package extract

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func writeText(text string) func(io.Writer) (int64, error) {
	return func(w io.Writer) (int64, error) {
		n, err := io.WriteString(w, text)
		return int64(n), err
	}
}

func zipped(t *testing.T, entries ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		f, err := w.Create(entries[i])
		if err == nil {
			_, err = io.WriteString(f, entries[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func fileColumns() []Column {
	return []Column{{Name: "Date", Type: Date, Required: true}, {Name: "Cost", Type: Decimal, Aliases: []string{"PreTaxCost"}}, {Name: "Name", Type: Text}, {Name: "_file", Type: Text}}
}

func landFile(t *testing.T, content string) (testLanding, int64, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := land(t, fileColumns())
	rows, err := l.file(t.Context(), 2, "part_2", f)
	return l, rows, err
}

func TestFilesAreToldByTheirFirstBytes(t *testing.T) {
	const csv = "\ufeffDate,Cost,Name\r\n2026-10-01,1.5,a\r\n10/02/2026,0.100000000000000001,\"b,\"\"c\"\r\n"
	const other = "\ufeffname,date,other,pre tax cost\n d,2026-10-03,x,7\n"
	one := "[2 1 2026-10-01 1.5 a][2 2 2026-10-02 0.100000000000000001 b,\"c]"
	zip1 := strings.ReplaceAll(one, "[2 ", "[20001 ")
	for name, tc := range map[string]struct{ content, want, extra string }{
		"csv":             {csv, one, ""},
		"gzip":            {string(gzipped(csv)), one, ""},
		"zip":             {zipped(t, "b.csv", other, "a.csv", csv, "folder/", ""), zip1 + "[20002 1 2026-10-03 7  d]", `{"other":"x"}`},
		"gzip in zip":     {zipped(t, "a.csv.gz", string(gzipped(csv))), zip1, ""},
		"json array":      {`[{"date":"2026-10-01","preTaxCost":1.5,"name":"a","other":null}, {"name":"b,\"c","Date":"10/02/2026","cost":"0.100000000000000001"}]`, one, ""},
		"json lines":      {"\ufeff {\"Date\":\"2026-10-01\",\"Cost\":1.5,\"Name\":\"a\"}\n{\"Date\":\"2026-10-02\",\"Cost\":1.00000000000000001e-1,\"Name\":\"b,\\\"c\",\"deep\":{\"a\":[1]}}\n", one, `{"deep":"{\"a\":[1]}"}`},
		"gzip of json":    {string(gzipped(`[{"Date":"2026-10-01","Cost":1.5,"Name":"a"},{"Date":"2026-10-02","Cost":0.100000000000000001,"Name":"b,\"c"}]`)), one, ""},
		"json of no rows": {"[]", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l, rows, err := landFile(t, tc.content)
			if err != nil {
				t.Fatal(err)
			}
			if l.received != int64(len(tc.content)) {
				t.Errorf("received %d bytes of %d", l.received, len(tc.content))
			}
			_, got := readBack(t, l.done().File)
			if int64(len(got)) != rows {
				t.Errorf("%d rows, said %d", len(got), rows)
			}
			var text, extra strings.Builder
			for _, r := range got {
				text.WriteString("[" + strings.Join([]string{r["_page"], r["_row"], r["Date"], strings.TrimRight(strings.TrimRight(r["Cost"], "0"), "."), r["Name"]}, " ") + "]")
				extra.WriteString(r["_extra"])
			}
			if diff := cmp.Diff(tc.want, text.String()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.extra, extra.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	const csv = "Date,Cost,Name\n2026-10-01,1.5,a\n"
	whole := zipped(t, "a.csv", strings.Repeat(csv, 1000))
	flipped := []byte(zipped(t, "a.csv", csv))
	flipped[45] ^= 1
	for name, tc := range map[string]struct{ content, want string }{
		"nothing":             {"", "empty"},
		"zip cut short":       {whole[:len(whole)/2], "zip(part_2)"},
		"zip with a bad sum":  {string(flipped), "zip(part_2)"},
		"zip of nothing":      {zipped(t), "0 files"},
		"gzip cut short":      {string(gzipped(csv)[:30]), "cut short"},
		"array not closed":    {`[{"Date":"2026-10-01"}`, "json(part_2)"},
		"record not closed":   {`[{"Date":"2026-10-01"`, "json(part_2)"},
		"two arrays":          {`[{"Date":"2026-10-01"}][]`, "want the end"},
		"a list of numbers":   {`[1,2]`, "want an object"},
		"no column":           {`[{"a":1}]`, "lacks Date"},
		"Parquet by its head": {"PAR1xxxxxxxx", "is no Parquet file"},
		"an error page":       {"<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code></Error>", "lacks Date"},
	} {
		t.Run(name, func(t *testing.T) {
			l, _, err := landFile(t, tc.content)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if _, err := l.close(); err == nil {
				t.Error("the landing can be closed")
			}
		})
	}
}

func TestLaterRecordWithoutRequiredFieldIsAReject(t *testing.T) {
	l, rows, err := landFile(t, `[{"Date":"2026-10-01","Cost":1},{"Cost":2}]`)
	if err != nil || rows != 2 {
		t.Fatal(rows, err)
	}
	if done := l.done(); done.Rows != 1 || done.RejectRows != 1 {
		t.Errorf("%d rows, %d rejects", done.Rows, done.RejectRows)
	}
}

// FuzzFile lands anything. What is landed is accounted for to the last record; the rest is
// an error, and none is a panic.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{"Date,Cost\n2026-10-01,1\n", `[{"Date":"2026-10-01"},{"Cost":1,"Date":null}]`, `{"Date":"2026-10-01"}{"Name":{"a":[1]}}`, "PK\x03\x04", "PAR1", "\x1f\x8b", " [", "[]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		l, rows, err := landFile(t, string(content))
		if err != nil {
			return
		}
		if done := l.done(); done.Rows+done.RejectRows != rows {
			t.Errorf("%d rows and %d rejects, said %d", done.Rows, done.RejectRows, rows)
		}
	})
}

func FuzzReportAnswer(f *testing.F) {
	for _, seed := range []string{doneBody, `{"properties":{"status":"Failed","error":{"code":1}}}`, `{"manifest":{"blobCount":1,"blobs":[{}]}}`, `{"status":{},"url":"x"}`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := readReport(&response{Status: 200, Body: body})
		if err != nil || answer.check() != nil {
			return
		}
		if (len(answer.Parts) == 0) != answer.Empty {
			t.Errorf("%q: %d files, empty %v", body, len(answer.Parts), answer.Empty)
		}
	})
}
