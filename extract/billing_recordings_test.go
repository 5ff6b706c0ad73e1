package extract

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// billingRecordings are the kinds of live answers that are proved, by the end of their path.
var billingRecordings = []struct {
	path   *regexp.Regexp
	source string
	shape  jsonShape
}{
	{regexp.MustCompile(`(?i)/(billingAccounts|billingProfiles|invoiceSections|customers|enrollmentAccounts|departments|billingSubscriptions)$`), "billing_accounts", jsonShape{Rows: "value", Next: "nextLink"}},
	{regexp.MustCompile(`(?i)/(billingAccounts|billingProfiles|invoiceSections|customers|enrollmentAccounts|availableBalance)/[^/]+$`), "billing_accounts", jsonShape{}},
	{regexp.MustCompile(`(?i)/invoices$`), "invoices", jsonShape{Rows: "value", Next: "nextLink"}},
	{regexp.MustCompile(`(?i)/invoices/[^/]+$`), "invoices", jsonShape{}},
}

// What real Azure answered lands with every field of it.
func TestRecordingsOfBilling(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedFolder(t, "data", "recordings", "azure-cli-2025"), "billing", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings (%v)", err)
	}
	proved, extra := map[string]int{}, map[string]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var recording struct {
			Interactions []struct {
				Method, URL, Body string
				Status            int
			}
		}
		if err := json.Unmarshal(text, &recording); err != nil {
			t.Fatal(err)
		}
		for _, i := range recording.Interactions {
			if i.Method != http.MethodGet || i.Status != http.StatusOK {
				continue
			}
			for _, r := range billingRecordings {
				if r.path.MatchString(regexp.MustCompile(`\?.*`).ReplaceAllString(i.URL, "")) {
					proved[r.source] += proveBody(t, filepath.Base(file), sourceNamed(t, r.source), r.shape, withoutSignatures([]byte(i.Body)), extra)
				}
			}
		}
	}
	t.Logf("rows %v, in _extra %v", proved, extra)
	if len(extra) > 0 {
		t.Errorf("no column holds %v", extra)
	}
	if proved["billing_accounts"] == 0 || proved["invoices"] == 0 {
		t.Errorf("rows proved: %v", proved)
	}
}
