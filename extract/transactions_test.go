package extract

import (
	"context"
	"math/big"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

func TestExamplesOfTransactions(t *testing.T) {
	proveExamples(t, "transactions", jsonShape{Rows: "value", Next: "nextLink"}, "billing/*/?ransactionsListBy*.json")
}

// sums adds up a column by a key.
func sums(rows []record, key, column string) map[string]string {
	totals := map[string]*big.Rat{}
	for _, row := range rows {
		amount, ok := new(big.Rat).SetString(row[column])
		if !ok {
			continue
		}
		if totals[row[key]] == nil {
			totals[row[key]] = new(big.Rat)
		}
		totals[row[key]].Add(totals[row[key]], amount)
	}
	text := map[string]string{}
	for k, v := range totals {
		text[k] = v.FloatString(2)
	}
	return text
}

func TestTransactionsAddUpToTheirInvoices(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 1000, PageSize: 7})
	lake := t.TempDir()
	mustRun(t, sim.options(t, lake, []Account{enrollment, customer}, "transactions"))
	var billedRows, waiting []record
	for _, row := range rawRows(t, lake, "transactions") {
		if row["_extra"] != "" {
			t.Errorf("_extra: %s", row["_extra"])
		}
		if row["_dataset"] == billed {
			billedRows = append(billedRows, row)
		} else {
			waiting = append(waiting, row)
		}
	}
	want := map[string]map[string]string{"subTotal_value": {}, "tax_value": {}, "transactionAmount_value": {}}
	for _, v := range sim.Truth().Invoices {
		for column, amount := range map[string]string{"subTotal_value": v.SubTotal, "tax_value": v.Tax, "transactionAmount_value": v.Total} {
			exact, _ := new(big.Rat).SetString(amount)
			want[column][v.Name] = exact.FloatString(2)
		}
	}
	for column, invoices := range want {
		got := sums(billedRows, "invoice", column)
		for name, amount := range invoices {
			if got[name] != amount && amount != "0.00" {
				t.Errorf("%s of the transactions of %s: %s, the invoice says %s", column, name, got[name], amount)
			}
		}
	}
	if len(waiting) == 0 {
		t.Error("nothing waits for its invoice, though a month is open")
	}
	for _, row := range waiting {
		if row["invoice"] != "Pending" || row["_period"] != "2026-11" {
			t.Errorf("not billed yet: invoice %s in %s", row["invoice"], row["_period"])
		}
	}
}

// Transactions of invoices are read once, and again when the month gets another invoice; those
// that wait are read each day.
func TestBilledTransactionsAreReadOnce(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500})
	lake := t.TempDir()
	o := sim.options(t, lake, []Account{customer}, "transactions")
	mustRun(t, o)
	before := len(sim.Requests())
	mustRun(t, o)
	asked := map[string]int{}
	for _, r := range sim.Requests()[before:] {
		asked[r.Path[strings.LastIndex(r.Path, "/")+1:]+" "+strings.Join(strings.Split(r.Query, "&")[:1], "")]++
	}
	want := map[string]int{"invoices periodStartDate=2014-01-01": 1, "billingProfiles api-version=2024-04-01": 1, "transactions type=Unbilled": 2}
	if diff := gocmp.Diff(want, asked); diff != "" {
		t.Error(diff)
	}
}

// A month whose second invoice has no transactions yet keeps those of the first.
func TestAnInvoiceWithoutTransactions(t *testing.T) {
	whole, lake := t.TempDir(), t.TempDir()
	sim := simulate(t, azuresim.Config{Rows: 500})
	mustRun(t, sim.options(t, whole, []Account{customer}, "transactions"))
	missing := ""
	for _, r := range sim.Requests() {
		if strings.Contains(r.Path, "/invoices/") && missing == "" {
			missing = r.Path
		}
	}
	again := simulate(t, azuresim.Config{Rows: 500, Faults: []azuresim.Fault{{Kind: "404", Match: missing, Times: -1}}})
	mustRun(t, again.options(t, lake, []Account{customer}, "transactions"))
	name := strings.Split(missing[strings.Index(missing, "/invoices/"):], "/")[2]
	rest := sums(rawRows(t, whole, "transactions"), "invoice", "subTotal_value")
	delete(rest, name)
	if diff := gocmp.Diff(rest, sums(rawRows(t, lake, "transactions"), "invoice", "subTotal_value")); diff != "" {
		t.Error(diff)
	}
}

// Whatever happens at a call, the rows are those of an undisturbed run, or the unit fails and
// says so.
func TestFaultsAtTheBillingAPI(t *testing.T) {
	config := azuresim.Config{Rows: 500, PageSize: 5, Months: 2}
	whole := t.TempDir()
	sim := simulate(t, config)
	sources := []string{"billing_accounts", "invoice_documents", "transactions"}
	mustRun(t, sim.options(t, whole, []Account{customer}, sources...))
	want := dataFiles(rawFiles(t, whole))
	matches := []string{"/invoiceSections", "type=Unbilled", "/transactions?top", "/download?", "/operationResults/", "/_blob/invoices/", "/invoices?"}
	for _, kind := range []string{"429", "html", "error_200", "cut", "truncated_gzip", "reset", "loop", "repeat"} {
		for _, match := range matches {
			if kind == "repeat" && match != "/transactions?top" {
				continue // it repeats what the request before got: there another unit's page
			}
			faulty := config
			faulty.Faults = []azuresim.Fault{{Kind: kind, Match: match, Nth: 2}}
			sim := simulate(t, faulty)
			lake := t.TempDir()
			result, err := Run(context.Background(), sim.options(t, lake, []Account{customer}, sources...))
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Failed()) > 0 {
				continue
			}
			if diff := gocmp.Diff(want, dataFiles(rawFiles(t, lake))); diff != "" {
				t.Errorf("%s at %s: %s", kind, match, diff)
			}
		}
	}
}

func TestLegacyInvoicesOfASubscription(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500, PageSize: 2, Forbidden: []string{"/billingSubscriptions/"}})
	subscription := "/subscriptions/" + sim.Truth().Accounts[0].Subscriptions[0].ID
	lake := t.TempDir()
	payg := Account{Name: "payg", Scope: subscription, Agreement: mosp}
	mustRun(t, sim.options(t, lake, []Account{payg}, "invoices", "invoice_documents"))
	rows := rawRows(t, lake, "invoices")
	if len(rows) != 3 {
		t.Fatalf("%d invoices, want 3", len(rows))
	}
	for _, row := range rows {
		if row["billingPeriodIds"] == "" || row["totalAmount_value"] != "" || row["downloadUrl_url"] != "" {
			t.Errorf("%v", row)
		}
	}
	documents := rawRows(t, lake, "invoice_documents")
	if len(documents) != 3 || documents[0]["readable"] != "true" {
		t.Errorf("%v", documents)
	}
	noSignature(t, lake)
}

func TestSignedLinksAreNotKept(t *testing.T) {
	body := []byte(`{"value":[{"id":"a?b","properties":{"downloadUrl":{"expiryTime":"2017-02-13T20:46:30Z","url":"https://x.blob.example/i.pdf?sv=1&sig=secret"},"x":1}},{"properties":{"downloadUrl": {"url" : "https://y/j.pdf?sig=%2B"}}}]}`)
	want := `{"value":[{"id":"a?b","properties":{"downloadUrl":{"expiryTime":"2017-02-13T20:46:30Z","url":"https://x.blob.example/i.pdf"},"x":1}},{"properties":{"downloadUrl": {"url" : "https://y/j.pdf"}}}]}`
	if got := string(withoutSignatures(body)); got != want {
		t.Error(gocmp.Diff(want, got))
	}
	shape := jsonShape{Rows: "value", Next: "nextLink"}
	proveExamples(t, "invoices", shape, "billing/2018-03-01-preview/Invoices*List*.json", "billing/2018-03-01-preview/InvoicesExpand.json",
		"billing/2017-04-24-preview/InvoicesList.json", "billing/2017-04-24-preview/InvoicesExpand.json")
	proveExamples(t, "invoices", jsonShape{}, "billing/20*/InvoicesGet*.json")
}

// An account without invoices has no transactions and no documents, and nothing fails.
func TestAnAccountWithoutInvoices(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500, Faults: []azuresim.Fault{{Kind: "404", Match: "/invoices?", Times: -1}}})
	result := mustRun(t, sim.options(t, t.TempDir(), []Account{enrollment}, "transactions", "invoice_documents"))
	if len(result.Units) != 0 {
		t.Errorf("%v", result.Units)
	}
}
