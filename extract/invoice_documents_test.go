package extract

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// downloads are the requests for documents that a simulated Azure has answered.
func (s simulated) downloads() (files []string) {
	for _, r := range s.Requests() {
		if strings.HasPrefix(r.Path, "/_blob/invoices/") && r.Status == http.StatusOK {
			files = append(files, r.Path)
		}
	}
	return files
}

// noSignature fails where anything in a lake has a signed link.
func noSignature(t *testing.T, lake string) {
	t.Helper()
	err := filepath.WalkDir(lake, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte("sig=")) {
			t.Errorf("%s holds a signed link", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDocumentsOfInvoices(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500})
	lake := t.TempDir()
	o := sim.options(t, lake, []Account{enrollment, customer}, "invoice_documents")
	mustRun(t, o)
	rows := map[string]record{}
	for _, row := range rawRows(t, lake, "invoice_documents") {
		rows[row["invoice"]] = row
		file, err := os.ReadFile(filepath.Join(lake, row["path"]))
		if err != nil || hashOf(file) != row["sha256"] {
			t.Errorf("%s: %v, or another content", row["path"], err)
		}
	}
	invoices := sim.Truth().Invoices
	if len(rows) != len(invoices) {
		t.Errorf("%d documents, %d invoices", len(rows), len(invoices))
	}
	for _, v := range invoices {
		row := rows[v.Name]
		if v.Printed == "" && (row["readable"] != "false" || row["reason"] == "" || row["total"] != "") {
			t.Errorf("%s is scanned: %v", v.Name, row)
		}
		if v.Printed != "" && (!sameValue(Column{Type: Decimal}, json.Number(v.Printed), row["total"]) || row["currency"] != v.Currency) {
			t.Errorf("%s: printed %s %s, read %v", v.Name, v.Printed, v.Currency, row)
		}
	}
	noSignature(t, lake)
	for _, r := range sim.Requests() {
		if strings.HasPrefix(r.Path, "/_blob/") && r.Authorization {
			t.Error("a document was asked for with a token")
		}
	}
	had := len(sim.downloads())
	mustRun(t, o)
	if again := len(sim.downloads()) - had; again != 0 {
		t.Errorf("%d documents were downloaded again", again)
	}
}

// Versions before 2024-04-01 are asked with the token that stands in the invoice.
func TestDocumentsOfTheOldVersion(t *testing.T) {
	old := []azuresim.Fault{{Kind: "400", Match: "api-version=2024-04-01", Times: -1, Header: map[string]string{"x-ms-error-code": "InvalidApiVersionParameter"}}}
	sim := simulate(t, azuresim.Config{Rows: 500, PageSize: 2, Faults: old})
	lake := t.TempDir()
	mustRun(t, sim.options(t, lake, []Account{customer}, "invoice_documents", "transactions"))
	whole := t.TempDir()
	mustRun(t, simulate(t, azuresim.Config{Rows: 500}).options(t, whole, []Account{customer}, "invoice_documents"))
	if diff := gocmp.Diff(rawRows(t, whole, "invoice_documents"), rawRows(t, lake, "invoice_documents")); diff != "" {
		t.Error(diff)
	}
	for _, r := range sim.Requests() {
		if strings.HasSuffix(r.Path, "/download") && r.Status == http.StatusAccepted && !strings.Contains(r.Query, "downloadToken=DRS_") {
			t.Errorf("%s?%s", r.Path, r.Query)
		}
	}
}

// A link that has expired is asked for again, and the document downloaded once.
func TestExpiredLinksToDocuments(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500, Months: 2, Faults: []azuresim.Fault{{Kind: "403", Match: "/_blob/invoices/", Times: 2}}})
	lake := t.TempDir()
	mustRun(t, sim.options(t, lake, []Account{enrollment}, "invoice_documents"))
	posted := 0
	for _, r := range sim.Requests() {
		if r.Method == http.MethodPost {
			posted++
		}
	}
	if files := sim.downloads(); len(files) != 1 || posted != 3 {
		t.Errorf("%d links asked for, %d documents downloaded, want 3 and 1", posted, len(files))
	}
	stays := simulate(t, azuresim.Config{Rows: 500, Months: 2, Faults: []azuresim.Fault{{Kind: "403", Match: "/_blob/invoices/", Times: -1}}})
	result, err := Run(context.Background(), stays.options(t, t.TempDir(), []Account{enrollment}, "invoice_documents"))
	if err != nil || len(result.Failed()) != 1 || strings.Contains(result.Failed()[0].Err.Error(), "sig=") {
		t.Errorf("links that stay refused: %v %v", err, result.Failed())
	}
}

// A run that dies between the file and what tells of it leaves a file that the next one takes up.
func TestADocumentIsDownloadedOnce(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500, Months: 2})
	lake := t.TempDir()
	o := sim.options(t, lake, []Account{enrollment}, "invoice_documents")
	mustRun(t, o)
	want := rawRows(t, lake, "invoice_documents")
	removeAll(t, filepath.Join(lake, "documents", "*", "*", "*.json"))
	removeAll(t, filepath.Join(lake, "raw", "invoice_documents", "*", "*", "*"))
	mustRun(t, o)
	if diff := gocmp.Diff(want, rawRows(t, lake, "invoice_documents")); diff != "" || len(sim.downloads()) != 1 {
		t.Errorf("%d downloads, want 1: %s", len(sim.downloads()), diff)
	}
	files := removeAll(t, filepath.Join(lake, "documents", "*", "*", "*.pdf"))
	mustRun(t, o)
	if len(sim.downloads()) != 2 {
		t.Errorf("%d downloads after the file was lost, want 2", len(sim.downloads()))
	}
	if err := os.WriteFile(files[0], []byte("%PDF-1.4 damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, o)
	if diff := gocmp.Diff(want, rawRows(t, lake, "invoice_documents")); diff != "" || len(sim.downloads()) != 3 {
		t.Errorf("%d downloads after the file was damaged, want 3: %s", len(sim.downloads()), diff)
	}
}

// removeAll removes the files of a pattern, of which there must be some.
func removeAll(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no file (%v)", pattern, err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// A document that Azure does not have is a row without a file, and asked for the next day.
func TestADocumentThatIsNotThere(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500, Months: 2, Faults: []azuresim.Fault{{Kind: "404", Match: "/download"}}})
	lake := t.TempDir()
	o := sim.options(t, lake, []Account{enrollment}, "invoice_documents")
	mustRun(t, o)
	rows := rawRows(t, lake, "invoice_documents")
	if len(rows) != 1 || rows[0]["path"] != "" || rows[0]["reason"] != "Azure does not have it" {
		t.Errorf("%v", rows)
	}
	o.AsOf = o.AsOf.AddDate(0, 0, 1)
	mustRun(t, o)
	if rows := rawRows(t, lake, "invoice_documents"); len(rows) != 1 || rows[0]["readable"] != "true" {
		t.Errorf("%v", rows)
	}
}

func TestNamesOfDocuments(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"G1", "g1/x", "g1-x", "../../etc/passwd", ".hidden", "", "a b", "ü", strings.Repeat("x", 300), strings.Repeat("x", 299)} {
		safe := fileNamed(name)
		if before, ok := seen[safe]; ok || strings.ContainsAny(safe, "/\\") || strings.HasPrefix(safe, ".") || len(safe) > 100 || safe == "" {
			t.Errorf("%q is named %q, as %q", name, safe, before)
		}
		seen[safe] = name
	}
}

// What comes in place of a document, or without its end, is not kept for it.
func TestPagesInPlaceOfDocuments(t *testing.T) {
	for _, kind := range []string{"html", "error_200", "empty", "cut"} {
		fault := azuresim.Fault{Kind: kind, Match: "/_blob/invoices/", Times: 2}
		sim := simulate(t, azuresim.Config{Rows: 500, Months: 2, Faults: []azuresim.Fault{fault}})
		lake := t.TempDir()
		mustRun(t, sim.options(t, lake, []Account{enrollment}, "invoice_documents"))
		if rows := rawRows(t, lake, "invoice_documents"); len(rows) != 1 || rows[0]["readable"] != "true" {
			t.Errorf("%s: %v", kind, rows)
		}
		fault.Times = -1
		stays := simulate(t, azuresim.Config{Rows: 500, Months: 2, Faults: []azuresim.Fault{fault}})
		lake = t.TempDir()
		result, err := Run(context.Background(), stays.options(t, lake, []Account{enrollment}, "invoice_documents"))
		if err != nil {
			t.Fatal(err)
		}
		if kind != "cut" {
			if len(result.Failed()) != 1 {
				t.Errorf("%s each time: %v", kind, rawRows(t, lake, "invoice_documents"))
			}
			continue
		}
		if rows := rawRows(t, lake, "invoice_documents"); len(rows) != 1 || rows[0]["readable"] != "false" || !strings.Contains(rows[0]["reason"], "damaged") {
			t.Errorf("%s each time: %v %v", kind, rows, result.Failed())
		}
	}
}
