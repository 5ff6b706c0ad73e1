package extract

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestPriceSheetHeaders holds the columns to the header sets that price sheet files are
// documented to have: each header must be a column's, and none may be left for _extra.
func TestPriceSheetHeaders(t *testing.T) {
	index, err := newHeaderIndex(priceSheetColumns())
	if err != nil {
		t.Fatal(err)
	}
	folder := sharedFolder(t, "azure", "examples", "finops-toolkit", "schemas")
	files, err := filepath.Glob(filepath.Join(folder, "pricesheet_*.json"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%d schemas of price sheets in %s (%v)", len(files), folder, err)
	}
	for _, file := range files {
		headers := schemaHeaders(t, file)
		target, err := index.match(headers)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		for i, c := range target {
			if c < 0 {
				t.Errorf("%s: header %s is no column's", filepath.Base(file), headers[i])
			}
		}
		if len(headers) < 23 {
			t.Errorf("%s declares only %d columns", filepath.Base(file), len(headers))
		}
	}
}

// schemaHeaders are the columns that a schema of the FinOps toolkit declares.
func schemaHeaders(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Translator struct {
			Mappings []struct{ Source struct{ Name string } }
		}
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var headers []string
	for _, m := range schema.Translator.Mappings {
		headers = append(headers, m.Source.Name)
	}
	return slices.Compact(headers)
}
