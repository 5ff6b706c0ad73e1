package main

import (
	"strings"
	"testing"
)

// What --fail-on-unexplained counts is what data_quality reports: here real invoices
// without any cost record.
func TestRealInvoicesUnexplained(t *testing.T) {
	t.Parallel()
	server := replay(t, "billing/test_invoice_list.json")
	l := newLedger(t, server.URL, `    scope: /providers/Microsoft.Billing/billingAccounts/9a157b81-1503-516b-4fe8-7849e97ca70e:e6bd1c01-9e9b-4fa7-a9f1-6fe6cbad31fa_2019-05-31
    agreement: mca
    sources: [invoices]
`)
	l.run(0, "run", "--as-of", "2025-06-30")
	reported := l.rows("select split_part(Subject, ' ', 1), Severity from data_quality where Rule = 'invoice_unexplained'")
	if len(reported) == 0 {
		t.Fatal("no invoice is reported, though none has a cost record")
	}
	_, errs := l.run(exitUnexplained, "transform", "--as-of", "2025-06-30", "--fail-on-unexplained", "0")
	for _, row := range reported {
		if !strings.Contains(errs, " "+row[0]+": ") {
			t.Errorf("data_quality reports invoice %s, and --fail-on-unexplained does not", row[0])
		}
		if row[1] != "warning" {
			t.Errorf("invoice %s: severity %s, want warning where no cost was extracted", row[0], row[1])
		}
	}
	if listed := strings.Count(errs, " There are no cost records"); listed != len(reported) {
		t.Errorf("--fail-on-unexplained counts %d invoices, data_quality reports %d", listed, len(reported))
	}
}
