package azuresim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serve starts an enterprise on loopback.
func serve(t *testing.T, config Config) (*Enterprise, *httptest.Server) {
	t.Helper()
	e := New(config)
	s := httptest.NewServer(e.Handler())
	t.Cleanup(s.Close)
	return e, s
}

// get fetches a path or a link. Blanks are escaped, as a client of 2020-05-01 must.
func get(t *testing.T, s *httptest.Server, link string) (int, map[string]any) {
	t.Helper()
	if strings.HasPrefix(link, "/") {
		link = s.URL + link
	}
	r, err := http.Get(strings.ReplaceAll(link, " ", "%20"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	return r.StatusCode, decode(t, r.Body)
}

func decode(t *testing.T, in io.Reader) map[string]any {
	t.Helper()
	d := json.NewDecoder(in)
	d.UseNumber()
	var body map[string]any
	if err := d.Decode(&body); err != nil {
		t.Fatalf("decode: %v", err)
	}
	return body
}

// walk follows nextLink to the end.
func walk(t *testing.T, s *httptest.Server, link string) (records []map[string]any, pages int) {
	t.Helper()
	for link != "" {
		status, body := get(t, s, link)
		if status != http.StatusOK {
			t.Fatalf("GET %s: %d %v", link, status, body)
		}
		if pages++; pages > 5000 {
			t.Fatal("paging does not end")
		}
		list, ok := body["value"].([]any)
		if inner, sheet := body["properties"].(map[string]any); !ok && sheet {
			body, list = inner, inner["pricesheets"].([]any)
		}
		for _, record := range list {
			records = append(records, record.(map[string]any))
		}
		link, _ = body["nextLink"].(string)
	}
	return records, pages
}

func property(record map[string]any, name string) any {
	return record["properties"].(map[string]any)[name]
}

func numberOf(t *testing.T, record map[string]any, name string) *big.Rat {
	t.Helper()
	v := property(record, name)
	if amount, ok := v.(map[string]any); ok {
		v = amount["value"]
	}
	n, ok := v.(json.Number)
	if !ok {
		t.Fatalf("%s is %v", name, v)
	}
	return ratio(t, string(n))
}

const consumption = "/providers/Microsoft.Consumption/"

// usagePath is the request for a month of usage details.
func usagePath(a *account, m month, ds dataset, top int) string {
	q := fmt.Sprintf("usageDetails?api-version=2023-05-01&metric=%scost&$top=%d", ds, top)
	if a.kind == enterpriseAgreement {
		return a.path + "/providers/Microsoft.Billing/billingPeriods/" + m.name + consumption + q
	}
	t := a.e.text
	return a.path + consumption + q + "&startDate=" + t(m.start).iso + "&endDate=" + t(m.last()).iso
}

func TestPagesAddUpToTruth(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 2, Rows: 600})
	truth := e.Truth()
	for _, a := range e.accounts() {
		for _, ds := range []dataset{actual, amortized} {
			for _, m := range e.months {
				rows, pages := walk(t, s, usagePath(a, m, ds, 97))
				if pages < 2 {
					t.Errorf("%s %s %s came in %d pages", a.key, ds, m.name, pages)
				}
				sums := map[string]*big.Rat{}
				for _, r := range rows {
					name, cost := fmt.Sprint(property(r, "billingCurrency")), "cost"
					if a.kind == customerAgreement {
						name, cost = fmt.Sprint(property(r, "billingCurrencyCode")), "costInBillingCurrency"
					}
					if sums[name] == nil {
						sums[name] = new(big.Rat)
					}
					sums[name].Add(sums[name], numberOf(t, r, cost))
				}
				want := 0
				for _, p := range truth.Periods {
					if p.Account != a.key || p.Period != m.iso() {
						continue
					}
					d := p.Actual
					if ds == amortized {
						d = p.Amortized
					}
					want += int(d.Rows)
					if sums[p.Currency].Cmp(ratio(t, d.Exact)) != 0 {
						t.Errorf("%s %s %s %s: pages have %s, truth %s", a.key, ds, p.Period, p.Currency, sums[p.Currency].FloatString(21), d.Exact)
					}
				}
				if len(rows) != want {
					t.Errorf("%s %s %s: %d rows in pages, truth has %d", a.key, ds, m.name, len(rows), want)
				}
			}
		}
	}
}

// The page size must not matter, nor whether a page is fetched again.
func TestPageSizeDoesNotMatter(t *testing.T) {
	e, s := serve(t, Config{Seed: 3, Months: 1, Rows: 500})
	first, _ := walk(t, s, usagePath(e.ea, e.open(), amortized, 1000))
	again, _ := walk(t, s, usagePath(e.ea, e.open(), amortized, 7))
	if a, b := string(encode(first)), string(encode(again)); a != b {
		t.Errorf("pages of 1000 hold %d rows, pages of 7 hold %d, or they differ", len(first), len(again))
	}
}

func TestScopesAndFiltersCutTheSameRows(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 3, Rows: 600})
	m := e.months[1]
	all, _ := walk(t, s, usagePath(e.ea, m, actual, 1000))
	parts := 0
	for _, sub := range e.ea.subs {
		path := strings.Replace(usagePath(e.ea, m, actual, 1000), EnrollmentPath, "/subscriptions/"+strings.ToUpper(sub.id), 1)
		rows, _ := walk(t, s, path)
		parts += len(rows)
	}
	none := 0
	for _, r := range all {
		if property(r, "subscriptionId") == "00000000-0000-0000-0000-000000000000" {
			none++
		}
	}
	if parts+none != len(all) || none == 0 {
		t.Errorf("subscriptions have %d rows, %d have none, the account has %d", parts, none, len(all))
	}
	filter := url.QueryEscape(fmt.Sprintf("properties/usageStart ge '%s' AND properties/usageEnd le '%s'", e.text(m.last()-1).iso, e.text(m.last()).iso))
	byDate, _ := walk(t, s, EnrollmentPath+consumption+"usageDetails?api-version=2023-05-01&metric=ActualCost&$filter="+filter)
	late := 0
	for _, r := range byDate {
		if fmt.Sprint(property(r, "billingPeriodStartDate"))[:7] != m.iso() {
			late++
		}
	}
	if late == 0 || late == len(byDate) {
		t.Errorf("of %d rows by date, %d are billed a month later", len(byDate), late)
	}
	profiles := 0
	for _, p := range e.mca.profiles {
		rows, _ := walk(t, s, strings.Replace(usagePath(e.mca, m, actual, 1000), CustomerPath, p.path, 1))
		profiles += len(rows)
	}
	whole, _ := walk(t, s, strings.Replace(usagePath(e.mca, m, actual, 1000), ":", "%3A", 1))
	if profiles != len(whole) {
		t.Errorf("profiles have %d rows, the account %d", profiles, len(whole))
	}
}

func TestRefusals(t *testing.T) {
	e, s := serve(t, Config{Months: 2, Rows: 500, Forbidden: []string{e2eDepartment}})
	_, page := get(t, s, usagePath(e.ea, e.open(), actual, 5))
	next := page["nextLink"].(string)
	token := next[strings.Index(next, "$skiptoken="):]
	token = token[:strings.Index(token, "&")]
	for _, c := range []struct {
		path   string
		status int
		code   string
	}{
		{EnrollmentPath + consumption + "balances", 400, "MissingApiVersionParameter"},
		{CustomerPath + consumption + "balances?api-version=2023-05-01", 404, "NotFound"},
		{CustomerPath + consumption + "pricesheets/default?api-version=2023-05-01", 404, "NotFound"},
		{CustomerPath + consumption + "marketplaces?api-version=2023-05-01", 404, "NotFound"},
		{"/subscriptions/" + e.mca.subs[0].id + "/providers/Microsoft.Billing/billingPeriods?api-version=2018-03-01-preview", 400, "BadRequest"},
		{CustomerPath + "/providers/Microsoft.Billing/billingPeriods/202610" + consumption + "usageDetails?api-version=2023-05-01", 400, "BadRequest"},
		{CustomerPath + consumption + "usageDetails?api-version=2023-05-01&$filter=" + url.QueryEscape("properties/chargeType eq 'Usage'"), 400, "BadRequest"},
		{usagePath(e.ea, e.open(), actual, 1001), 400, "BadRequest"},
		{usagePath(e.ea, e.open(), actual, 5) + "&" + token, 400, "BadRequest"},
		{strings.Replace(next, "id=", "id=0", 1), 400, "BadRequest"},
		{EnrollmentPath + "/billingPeriods/199901" + consumption + "balances?api-version=2023-05-01", 404, "NotFound"},
		{"/subscriptions/00000000-0000-0000-0000-000000000001" + consumption + "usageDetails?api-version=2023-05-01", 404, "SubscriptionNotFound"},
		{CustomerPath + "/invoices?api-version=2020-05-01", 400, "BadRequest"},
		{CustomerPath + "/invoices?api-version=2024-04-01&top=51", 400, "BadRequest"},
		{EnrollmentPath + consumption + "reservationSummaries?api-version=2023-05-01", 400, "BadRequest"},
		{EnrollmentPath + consumption + "reservationDetails?api-version=2023-05-01", 400, "BadRequest"},
		{CustomerPath + consumption + "reservationDetails?api-version=2023-05-01&startDate=2026-10-01&endDate=2026-10-02", 400, "BadRequest"},
		{EnrollmentPath + "/departments/" + e2eDepartment + consumption + "usageDetails?api-version=2023-05-01", 403, "AuthorizationFailed"},
		{EnrollmentPath + consumption + "weather?api-version=2023-05-01", 404, "NotFound"},
	} {
		status, body := get(t, s, c.path)
		problem, _ := body["error"].(map[string]any)
		if status != c.status || problem["code"] != c.code {
			t.Errorf("GET %s: %d %v, want %d %s", c.path, status, body, c.status, c.code)
		}
	}
}

// e2eDepartment is part of a path that the test's configuration forbids.
const e2eDepartment = "99999"

func TestBearerTokenIsChecked(t *testing.T) {
	_, s := serve(t, Config{Months: 1, Rows: 500, Token: "secret"})
	path := "/providers/Microsoft.Billing/billingAccounts?api-version=2024-04-01"
	if status, _ := get(t, s, path); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	r, _ := http.NewRequest(http.MethodGet, s.URL+path, nil)
	r.Header.Set("Authorization", "Bearer secret")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("x-ms-request-id") == "" || answer.Header.Get("x-ms-correlation-request-id") == "" {
		t.Errorf("with the token: %d %v", answer.StatusCode, answer.Header)
	}
}

func TestInvoiceListsPageInBothVersions(t *testing.T) {
	e, s := serve(t, Config{Months: 5, Rows: 500, PageSize: 4})
	want := len(e.invoices(e.mca))
	link := CustomerPath + "/invoices?api-version=2020-05-01&periodStartDate=2026-01-01&periodEndDate=2026-12-31"
	seen := map[string]bool{}
	for pages := 0; link != "" && pages < 20; pages++ {
		_, body := get(t, s, link)
		if fmt.Sprint(body["totalCount"]) != fmt.Sprint(want) {
			t.Errorf("totalCount is %v, want %d", body["totalCount"], want)
		}
		for _, v := range body["value"].([]any) {
			v := v.(map[string]any)
			seen[fmt.Sprint(v["name"])] = true
			if total := new(big.Rat).Add(numberOf(t, v, "subTotal"), numberOf(t, v, "taxAmount")); total.Cmp(numberOf(t, v, "totalAmount")) != 0 {
				t.Errorf("invoice %v: total ≠ subtotal + tax", v["name"])
			}
			if (property(v, "status") == "Paid" || property(v, "status") == "Void") != (numberOf(t, v, "amountDue").Sign() == 0) {
				t.Errorf("invoice %v is %v with %v due", v["name"], property(v, "status"), property(v, "amountDue"))
			}
		}
		link, _ = body["nextLink"].(string)
		if link != "" && (!strings.HasPrefix(link, "/providers/") || !strings.Contains(link, "2026-01-01 00:00:00Z")) {
			t.Errorf("the link is %q, want a relative one with a blank in it", link)
		}
	}
	list, pages := walk(t, s, CustomerPath+"/invoices?api-version=2024-04-01&top=3")
	if len(seen) != want || len(list) != want || pages != (want+2)/3 {
		t.Errorf("%d and %d invoices in %d pages, want %d", len(seen), len(list), pages, want)
	}
	_, one := get(t, s, EnrollmentPath+"/invoices/"+e.invoices(e.ea)[0].name+"?api-version=2024-04-01")
	if property(one, "status") != "Paid" {
		t.Errorf("one invoice: %v", one)
	}
}

func TestPriceSheetPricesTheRows(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 2, Rows: 600})
	m := e.months[0]
	sheet, pages := walk(t, s, EnrollmentPath+"/providers/Microsoft.Billing/billingPeriods/"+m.name+consumption+"pricesheets/default?api-version=2023-05-01&$expand=meterDetails")
	if pages < 2 {
		t.Errorf("the sheet came in %d page", pages)
	}
	prices := map[string]*big.Rat{}
	for _, p := range sheet {
		prices[strings.ToLower(fmt.Sprint(p["meterId"], p["offerId"]))] = ratio(t, string(p["unitPrice"].(json.Number)))
		if p["meterDetails"] == nil {
			t.Fatal("meterDetails was asked for")
		}
	}
	rows, _ := walk(t, s, usagePath(e.ea, m, actual, 1000))
	over := map[string]bool{}
	for _, r := range rows {
		price, listed := prices[strings.ToLower(fmt.Sprint(property(r, "meterId"), property(r, "offerId")))]
		if property(r, "chargeType") != "Usage" || property(r, "publisherType") != "Azure" {
			continue
		}
		if !listed {
			t.Fatalf("meter %v is not on the sheet", property(r, "meterId"))
		}
		if price.Cmp(numberOf(t, r, "unitPrice")) != 0 {
			over[fmt.Sprint(property(r, "meterId"))] = true
		}
	}
	if want := e.Truth().Faults.OverbilledMeter.MeterID; len(over) != 1 || !over[want] {
		t.Errorf("meters off the sheet: %v, want %s", over, want)
	}
}

func TestReservationsAgreeWithCostRows(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 3, Rows: 600})
	m := e.months[2]
	filter := url.QueryEscape(fmt.Sprintf("properties/usageDate ge %s AND properties/usageDate le %s", e.text(m.start).iso, e.text(m.last()).iso))
	days, _ := walk(t, s, EnrollmentPath+consumption+"reservationSummaries?api-version=2023-05-01&grain=daily&$filter="+filter)
	details, _ := walk(t, s, EnrollmentPath+consumption+"reservationDetails?api-version=2023-05-01&$filter="+filter)
	months, _ := walk(t, s, EnrollmentPath+consumption+"reservationSummaries?api-version=2018-10-01&grain=monthly&$filter="+filter)
	rows, _ := walk(t, s, usagePath(e.ea, m, amortized, 1000))
	used := func(records []map[string]any, name string) map[string]string {
		sums := map[string]*big.Rat{}
		for _, r := range records {
			id, _ := property(r, "reservationId").(string)
			if id == "" || property(r, "chargeType") != nil && property(r, "chargeType") != "Usage" {
				continue
			}
			if sums[id] == nil {
				sums[id] = new(big.Rat)
			}
			sums[id].Add(sums[id], numberOf(t, r, name))
		}
		text := map[string]string{}
		for id, sum := range sums {
			if sum.Sign() > 0 {
				text[id] = sum.FloatString(4)
			}
		}
		return text
	}
	want := fmt.Sprint(used(rows, "quantity"))
	for name, got := range map[string]map[string]string{"daily": used(days, "usedHours"), "details": used(details, "usedHours"), "monthly": used(months, "usedHours")} {
		if fmt.Sprint(got) != want {
			t.Errorf("%s hours are %v, the rows have %v", name, got, want)
		}
	}
	if date := property(days[0], "usageDate"); date != e.text(m.start).iso+"T00:00:00-07:00" {
		t.Errorf("usageDate is %v", date)
	}
	if id := fmt.Sprint(property(details[0], "instanceId")); id != strings.ToLower(id) {
		t.Errorf("instanceId is %s", id)
	}
	profile := e.mca.profiles[0].path + consumption + "reservationSummaries?api-version=2023-05-01&grain=daily&startDate=" + e.text(m.start).iso + "&endDate=" + e.text(m.start+4).iso
	if list, _ := walk(t, s, profile); len(list) != 5 {
		t.Errorf("the profile's reservation has %d days, want 5", len(list))
	}
}

func TestMarketplacesAddUpToTheBalance(t *testing.T) {
	e, s := serve(t, Config{Seed: 7, Months: 2, Rows: 3000})
	m := e.months[0]
	list, pages := walk(t, s, EnrollmentPath+"/providers/Microsoft.Billing/billingPeriods/"+m.name+consumption+"marketplaces?api-version=2023-05-01&$top=20")
	sum := new(big.Rat)
	for _, r := range list {
		sum.Add(sum, numberOf(t, r, "pretaxCost"))
	}
	sum.Add(sum, ratio(t, e.Truth().Faults.MissingDay.Marketplace)) // billed, and in no record
	_, balance := get(t, s, EnrollmentPath+"/billingPeriods/"+m.name+consumption+"balances?api-version=2023-05-01")
	if want := numberOf(t, balance, "azureMarketplaceServiceCharges"); sum.Cmp(want) != 0 || pages < 2 {
		t.Errorf("marketplaces are %s in %d pages, the balance says %s", sum.FloatString(18), pages, want.FloatString(2))
	}
	if property(balance, "currency") != "EUR  " {
		t.Errorf("currency is %q", property(balance, "currency"))
	}
}

func TestBudgetsPeriodsAndAccounts(t *testing.T) {
	e, s := serve(t, Config{Months: 3, Rows: 500})
	for path, want := range map[string]int{
		EnrollmentPath + consumption + "budgets?api-version=2023-05-01":                                                           2,
		CustomerPath + consumption + "budgets?api-version=2023-05-01":                                                             0,
		e.mca.profiles[1].path + consumption + "budgets?api-version=2023-05-01":                                                   2,
		"/subscriptions/" + e.ea.subs[3].id + consumption + "budgets?api-version=2023-05-01":                                      1,
		"/subscriptions/" + e.ea.subs[1].id + consumption + "budgets?api-version=2023-05-01":                                      0,
		"/subscriptions/" + e.ea.subs[1].id + "/providers/Microsoft.Billing/billingPeriods?api-version=2018-03-01-preview&$top=1": 3,
		EnrollmentPath + "/providers/Microsoft.Billing/billingPeriods?api-version=2018-03-01-preview":                             3,
		CustomerPath + "/billingProfiles?api-version=2024-04-01":                                                                  2,
		"/providers/Microsoft.Billing/billingAccounts?api-version=2024-04-01":                                                     2,
	} {
		if list, _ := walk(t, s, path); len(list) != want {
			t.Errorf("GET %s: %d records, want %d", path, len(list), want)
		}
	}
	_, one := get(t, s, CustomerPath+"?api-version=2024-04-01")
	if property(one, "agreementType") != "MicrosoftCustomerAgreement" {
		t.Errorf("agreementType is %v", property(one, "agreementType"))
	}
}

func TestBlobsNeedASignatureAndNoToken(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "part.csv"), []byte("a,b\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, s := serve(t, Config{Months: 1, Rows: 500, Blobs: dir})
	for path, want := range map[string]int{"/_blob/part.csv?sig=x": 200, "/_blob/part.csv": 404, "/_blob/none.csv?sig=x": 404} {
		r, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, r.StatusCode, want)
		}
	}
}

// The fields served are those of the published examples, but for those of partners.
func TestShapesOfPublishedExamples(t *testing.T) {
	shared := os.Getenv("AZLEDGER_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	examples := filepath.Join(shared, "azure", "examples", "consumption", "2021-10-01")
	if _, err := os.Stat(examples); err != nil {
		t.Skip("the examples are not there: ", err)
	}
	e, s := serve(t, Config{Seed: 7, Months: 2, Rows: 600})
	m := e.months[0]
	expand := "&$expand=properties/meterDetails,properties/additionalInfo"
	legacy, _ := walk(t, s, usagePath(e.ea, m, actual, 1000)+expand)
	modern, _ := walk(t, s, usagePath(e.mca, m, actual, 1000))
	_, balance := get(t, s, EnrollmentPath+"/billingPeriods/"+m.name+consumption+"balances?api-version=2023-05-01")
	market, _ := walk(t, s, EnrollmentPath+consumption+"marketplaces?api-version=2023-05-01")
	budgets, _ := walk(t, s, EnrollmentPath+consumption+"budgets?api-version=2023-05-01")
	for file, records := range map[string][]map[string]any{
		"UsageDetailsExpand.json":                               legacy,
		"UsageDetailsListByMCABillingAccount.json":              modern,
		"BalancesByBillingAccount.json":                         {balance},
		"MarketplacesByBillingAccountListForBillingPeriod.json": market,
		"BudgetsList.json":                                      budgets,
	} {
		served := map[string]bool{}
		for _, r := range records {
			for name := range r["properties"].(map[string]any) {
				served[name] = true
			}
		}
		text, err := os.ReadFile(filepath.Join(examples, file))
		if err != nil {
			t.Fatal(err)
		}
		body := decode(t, bytes.NewReader(text))["responses"].(map[string]any)["200"].(map[string]any)["body"].(map[string]any)
		if list, ok := body["value"].([]any); ok {
			body = list[0].(map[string]any)
		}
		for name := range body["properties"].(map[string]any) {
			partner := strings.HasPrefix(name, "partner") || strings.HasPrefix(name, "customer") || strings.HasPrefix(name, "reseller")
			if !served[name] && !partner && name != "filter" {
				t.Errorf("%s has %s, which is not served", file, name)
			}
		}
	}
}
