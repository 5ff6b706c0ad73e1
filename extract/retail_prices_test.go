package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// retailSim is the simulated list of prices on a day.
func retailSim(t *testing.T, day string, faults ...azuresim.Fault) (*azuresim.Enterprise, *httptest.Server) {
	t.Helper()
	asOf, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	e := azuresim.New(azuresim.Config{Seed: 3, Rows: 500, Months: 3, AsOf: asOf, PageSize: 200, Token: "secret", Faults: faults})
	s := httptest.NewServer(e.Handler())
	t.Cleanup(s.Close)
	return e, s
}

func retailOptions(t *testing.T, s *httptest.Server, lake, day string) Options {
	t.Helper()
	client := quickClient(t, s.URL)
	asOf, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Lake: lake, Client: client, Workers: 1, Retail: Retail{Currencies: []string{"USD"}}, AsOf: asOf, Refresh: true}
}

// retailRun copies the list of a day and returns the result.
func retailRun(t *testing.T, lake, day string, faults ...azuresim.Fault) Result {
	t.Helper()
	_, s := retailSim(t, day, faults...)
	return mustRun(t, retailOptions(t, s, lake, day))
}

const retailDay = "2026-11-22"

var unstable = azuresim.Fault{Kind: "unstable"}

func parquets(t *testing.T, lake, source string) map[string]string {
	t.Helper()
	files := rawFiles(t, lake)
	for name := range files {
		if !strings.HasSuffix(name, ".parquet") || !strings.Contains(name, "raw/"+source+"/") {
			delete(files, name)
		}
	}
	return files
}

func TestWalksThatLoseRecordsAddUpToTheWholeList(t *testing.T) {
	whole, shaken := t.TempDir(), t.TempDir()
	want := retailRun(t, whole, retailDay)
	got := retailRun(t, shaken, retailDay, unstable)
	if diff := gocmp.Diff(parquets(t, whole, "retail_prices"), parquets(t, shaken, "retail_prices")); diff != "" {
		t.Error("the files differ from those of a list at rest")
	}
	rows, pages := int64(0), [2]int64{}
	for i := range want.Units {
		rows += want.Units[i].Rows
		pages[0], pages[1] = pages[0]+want.Units[i].Pages, pages[1]+got.Units[i].Pages
		if want.Units[i].Rows != got.Units[i].Rows {
			t.Errorf("%s: %d rows, want %d", got.Units[i].Unit, got.Units[i].Rows, want.Units[i].Rows)
		}
	}
	t.Logf("%d rows; %d pages at rest, %d shaken", rows, pages[0], pages[1])
	if pages[1] <= pages[0] {
		t.Error("the list was not shaken")
	}
}

func TestEveryPriceIsInOneUnit(t *testing.T) {
	lake := t.TempDir()
	sim, s := retailSim(t, retailDay)
	mustRun(t, retailOptions(t, s, lake, retailDay))
	families := map[string]string{}
	seen := map[string]bool{}
	for _, row := range rawRows(t, lake, "retail_prices") {
		if before, ok := families[row["serviceFamily"]]; ok && before != row["_dataset"] {
			t.Errorf("family %q is in %s and in %s", row["serviceFamily"], before, row["_dataset"])
		}
		families[row["serviceFamily"]] = row["_dataset"]
		delete(row, "_page")
		delete(row, "_row")
		seen[fmt.Sprint(row)] = true
	}
	if families["Orbital Services"] != unlistedFamilies || families[""] != unlistedFamilies || families["Management and Governance"] != "management_and_governance" {
		t.Errorf("units by family: %v", families)
	}
	for _, r := range sim.Requests() {
		if r.Authorization || !strings.HasPrefix(r.Path, "/api/retail/prices") {
			t.Errorf("request %s with authorization %v", r.Path, r.Authorization)
		}
	}
	if served := servedPrices(t, s.URL); len(seen) != served {
		t.Errorf("%d records are in the lake, %d are served", len(seen), served)
	}
}

// servedPrices counts the records of the whole list, in one walk of a list at rest.
func servedPrices(t *testing.T, base string) (n int) {
	t.Helper()
	for link := base + "/api/retail/prices?currencyCode='USD'"; link != ""; {
		answer, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		page := decodeBody(t, answer)
		n += len(page["Items"].([]any))
		link, _ = page["NextPageLink"].(string)
	}
	return n
}

func decodeBody(t *testing.T, answer *http.Response) map[string]any {
	t.Helper()
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return decodeJSON(string(text)).(map[string]any)
}

func TestARetailRunStoppedAnywhereResumesToTheSameBytes(t *testing.T) {
	families := []string{"Containers", "Storage"}
	whole := t.TempDir()
	sim, s := retailSim(t, retailDay)
	o := retailOptions(t, s, whole, retailDay)
	o.Retail.Families = families
	mustRun(t, o)
	want, requests := parquets(t, whole, "retail_prices"), len(sim.Requests())
	for stop := range requests {
		lake := t.TempDir()
		sim, s := retailSim(t, retailDay)
		ctx, cancel := context.WithCancel(context.Background())
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if len(sim.Requests()) == stop {
				cancel()
				return
			}
			s.Config.Handler.ServeHTTP(w, r)
		}))
		o := retailOptions(t, front, lake, retailDay)
		o.Retail.Families = families
		if _, err := Run(ctx, o); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at request %d: error %v", stop, err)
		}
		front.Config.Handler = s.Config.Handler
		o.Refresh = false
		mustRun(t, o)
		front.Close()
		if diff := gocmp.Diff(want, parquets(t, lake, "retail_prices")); diff != "" {
			t.Errorf("stopped at request %d: the files differ", stop)
		}
		if asked := len(sim.Requests()); asked != requests {
			t.Errorf("stopped at request %d: %d requests were answered, want %d: a page was fetched twice", stop, asked, requests)
		}
	}
}

func TestAListThatShrinksIsRefusedAndYesterdaysStays(t *testing.T) {
	lake := t.TempDir()
	retailRun(t, lake, retailDay)
	before := parquets(t, lake, "retail_prices")
	_, s := retailSim(t, "2026-11-23", azuresim.Fault{Kind: "shrunken", Match: "Storage"})
	o := retailOptions(t, s, lake, "2026-11-23")
	o.Retail.Families = []string{"Storage"}
	res, err := Run(context.Background(), o)
	if failed := res.Failed(); err != nil || len(failed) != 1 || !strings.Contains(failed[0].Err.Error(), "refused: it fell from") {
		t.Fatalf("error %v, failed %v; want the family refused", err, failed)
	}
	if diff := gocmp.Diff(before, parquets(t, lake, "retail_prices")); diff != "" {
		t.Error("the prices in the lake changed")
	}
	if changes := rawRows(t, lake, "retail_price_changes"); len(changes) > 0 {
		t.Errorf("%d changes were recorded of prices that were refused", len(changes))
	}
	m, err := lakeIn(o.Lake).read(retailShard{currency: "USD", dataset: "storage"}.unit())
	if err != nil || m.State != stateFailed || m.AsOf != retailDay {
		t.Errorf("manifest %+v, %v; want the last good one, marked failed", m, err)
	}
}

func TestAListThatDoesNotComeToRestIsRefused(t *testing.T) {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprintf(w, `{"Items":[{"meterId":"m%d","serviceFamily":"Compute","unitPrice":1}],"NextPageLink":null,"Count":1}`, n)
	}))
	t.Cleanup(s.Close)
	o := retailOptions(t, s, t.TempDir(), retailDay)
	o.Retail.Families = []string{"Compute"}
	res, err := Run(context.Background(), o)
	if failed := res.Failed(); err != nil || len(failed) != 1 || !strings.Contains(failed[0].Err.Error(), "does not come to rest") {
		t.Fatalf("error %v, failed %v", err, failed)
	}
	if n != maxRounds {
		t.Errorf("%d walks, want %d", n, maxRounds)
	}
}

// A price that changes while the walks go on is the newer one, once; two records that
// differ in any other field are two.
func TestAPriceRestatedBetweenWalksIsTheNewerOne(t *testing.T) {
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		price := "1.5"
		if n > 1 {
			price = "1.75"
		}
		record := `{"meterId":"m","skuId":"s","serviceFamily":"Compute","productName":"%s","unitPrice":%s}`
		fmt.Fprintf(w, `{"Items":[`+record+`,`+record+`,`+record+`],"NextPageLink":"","Count":3}`, "Linux", price, "Windows", "1.5", "Linux", price)
	}))
	t.Cleanup(s.Close)
	o := retailOptions(t, s, t.TempDir(), retailDay)
	o.Retail.Families = []string{"Compute"}
	mustRun(t, o)
	got := map[string]string{}
	rows := rawRows(t, o.Lake, "retail_prices")
	for _, r := range rows {
		got[r["productName"]] = r["unitPrice"]
	}
	if want := map[string]string{"Linux": "1.75", "Windows": "1.5"}; len(rows) != 2 || !gocmp.Equal(want, got) {
		t.Errorf("%d rows: %v, want %v", len(rows), got, want)
	}
}

func TestFaultsOnTheWayToRetailPrices(t *testing.T) {
	whole := t.TempDir()
	_, s := retailSim(t, retailDay)
	o := retailOptions(t, s, whole, retailDay)
	o.Retail.Families = []string{"Storage"}
	mustRun(t, o)
	want := parquets(t, whole, "retail_prices")
	for _, kind := range []string{"429", "500", "503", "html", "empty", "error_200", "truncated_gzip", "short", "reset", "cut", "loop", "repeat", "other_host"} {
		for _, nth := range []int{1, 2, 4} { // the first page, another, one of the second walk
			if kind == "repeat" && nth == 1 {
				continue // there is no page before it
			}
			lake := t.TempDir()
			_, s := retailSim(t, retailDay, azuresim.Fault{Kind: kind, Nth: nth, Match: retailPricesPath})
			o := retailOptions(t, s, lake, retailDay)
			o.Retail.Families = []string{"Storage"}
			res, err := Run(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			if failed := res.Failed(); len(failed) > 0 {
				if !strings.Contains("loop other_host repeat error_200", kind) {
					t.Errorf("%s at request %d: %v", kind, nth, failed[0].Err)
				}
				continue
			}
			if diff := gocmp.Diff(want, parquets(t, lake, "retail_prices")); diff != "" {
				t.Errorf("%s at request %d: the files differ", kind, nth)
			}
		}
	}
}

const retailPricesPath = "/api/retail/prices"

func TestAFamilyWithAPlusOrAnAndIsAskedForLetterByLetter(t *testing.T) {
	for family, want := range map[string]string{
		"AI + Machine Learning":     "$filter=serviceFamily eq 'AI + Machine Learning'",
		"Management and Governance": "$filter=serviceFamily eq 'Management and Governance'",
		"Bob's":                     "$filter=serviceFamily eq 'Bob''s'",
	} {
		s := retailShards("EUR", []string{family})[0]
		u := s.request().URL
		if got := strings.NewReplacer("%20", " ", "%2B", "+").Replace(u); !strings.HasSuffix(got, want) || !strings.Contains(got, "currencyCode='EUR'") || strings.Contains(u, "+") {
			t.Errorf("%s: asks %s", family, u)
		}
	}
}

func TestFamiliesHaveFilesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range retailShards("USD", []string{"Azure Arc", "azure arc", "Azure-Arc", "unlisted"}) {
		if seen[s.dataset] || strings.Contains(s.dataset, "-") {
			t.Errorf("dataset %s", s.dataset)
		}
		seen[s.dataset] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d datasets, want 4", len(seen))
	}
}

func TestTheLinkOfRetailPricesNamesThePort(t *testing.T) {
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: "http://127.0.0.1:1", Retail: "https://prices.azure.com"}})
	if err != nil {
		t.Fatal(err)
	}
	retail := client.at(retailService)
	first, err := retail.locate(retailPricesPath)
	if err != nil {
		t.Fatal(err)
	}
	next, err := retail.follow(first, "https://prices.azure.com:443/api/retail/prices?$skip=1000")
	if err != nil || next.String() != "https://prices.azure.com:443/api/retail/prices?$skip=1000" {
		t.Errorf("%v, %v", next, err)
	}
	if _, err := retail.follow(first, "https://prices.azure.com:444/api/retail/prices?$skip=1000"); err == nil {
		t.Error("a link to another port was followed")
	}
}

// FuzzRetailRecord: a record's text in the order of its names says what the record said, and
// is the same whatever the order was.
func FuzzRetailRecord(f *testing.F) {
	for _, s := range []string{
		`{"meterId":"a","unitPrice":1E-07,"savingsPlan":[ {"term":"1 Year", "unitPrice" : 0.10} ]}`, `{}`, `{"b":null,"a":"\u00e9\n\"","c":{"x":[1,2.50]}}`,
		`{"serviceFamily":3}`, `{"a":1,"a":2}`, `[]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var fields map[string]json.RawMessage
		if checkText([]byte(text)) != nil || json.Unmarshal([]byte(text), &fields) != nil || fields == nil {
			return
		}
		r := newRetailRecord(fields)
		if !json.Valid(r.text) || !equalJSON(decodeJSON(string(r.text)), decodeJSON(text)) {
			t.Fatalf("%s became %s", text, r.text)
		}
		var again map[string]json.RawMessage
		if err := json.Unmarshal(r.text, &again); err != nil {
			t.Fatal(err)
		}
		if second := newRetailRecord(again); second.hash != r.hash || second.place != r.place || second.meter != r.meter {
			t.Fatalf("%s has another hash than %s", r.text, text)
		}
	})
}

func TestWordsOfTheConfigurationThatNoPriceHas(t *testing.T) {
	server := httptest.NewServer(azuresim.New(azuresim.Config{}).Handler())
	defer server.Close()
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: server.URL, Retail: server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		retail Retail
		says   string
	}{
		"a family misspelt": {Retail{Currencies: []string{"USD"}, Families: []string{"Computes"}}, `no price of a service family "Computes"; it is compared letter by letter with AI + Machine Learning`},
		"no currency":       {Retail{Currencies: []string{"ERU"}, Families: []string{"Compute"}}, "is ERU a currency that Microsoft lists prices in?"},
	} {
		res, err := Run(t.Context(), Options{Lake: t.TempDir(), Client: client, Retail: c.retail, Sources: []string{"retail_prices"}, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		if failed := res.Failed(); len(failed) != 1 || !strings.Contains(failed[0].Err.Error(), c.says) {
			t.Errorf("%s: %v, want one unit that says %q", name, failed, c.says)
		}
	}
}
