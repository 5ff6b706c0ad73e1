package extract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// priceList serves one family from a list that tests change.
type priceList struct {
	*httptest.Server
	records []string
}

func newPriceList(t *testing.T) *priceList {
	p := &priceList{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"Items":[%s],"NextPageLink":null,"Count":%d}`, strings.Join(p.records, ","), len(p.records))
	}))
	t.Cleanup(p.Close)
	return p
}

// on copies the list on a day into the lake and returns the changes that the lake knows of
// then: day, since, kind, meter, old and new price.
func (p *priceList) on(t *testing.T, lake, day string, records ...string) []string {
	t.Helper()
	p.records = records
	o := retailOptions(t, p.Server, lake, day)
	o.Retail.Families, o.AcceptShrink = []string{"Compute"}, true
	mustRun(t, o)
	return changesIn(t, lake)
}

func changesIn(t *testing.T, lake string) (all []string) {
	t.Helper()
	for _, r := range rawRows(t, lake, "retail_price_changes") {
		all = append(all, strings.Join([]string{r["day"], r["since"], r["kind"], r["meterId"], r["old_unitPrice"], r["new_unitPrice"]}, " "))
	}
	slices.Sort(all)
	return all
}

// listed is a record of the list; more are further fields, in JSON.
func listed(meter, price string, more ...string) string {
	return fmt.Sprintf(`{"currencyCode":"USD","serviceFamily":"Compute","type":"Consumption","tierMinimumUnits":0.0,"meterId":%q,"skuId":"s","retailPrice":%s,"unitPrice":%s%s}`,
		meter, price, price, strings.Join(append([]string{""}, more...), ","))
}

func wantChanges(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestWhatChangedInTheListIsRecorded(t *testing.T) {
	p, lake := newPriceList(t), t.TempDir()
	wantChanges(t, p.on(t, lake, "2026-10-30", listed("a", "0.0000000000000000010"), listed("b", "2"), listed("c", "3"), listed("d", "4")))
	wantChanges(t, p.on(t, lake, "2026-10-31", listed("a", "1E-18"), listed("b", "2"), listed("c", "3"), listed("d", "4")))
	first := []string{
		"2026-11-01 2026-10-31 changed b 2 2.5",
		"2026-11-01 2026-10-31 described c 3 3",
		"2026-11-01 2026-10-31 gone d 4 ",
		"2026-11-01 2026-10-31 new e  5",
	}
	day1 := []string{listed("a", "1E-18"), listed("b", "2.5"), listed("c", "3", `"meterName":"C"`), listed("e", "5")}
	wantChanges(t, p.on(t, lake, "2026-11-01", day1...), first...)
	// Another run of the same day tells the day's changes once, also when something changed since.
	wantChanges(t, p.on(t, lake, "2026-11-01", day1...), first...)
	day1[3] = listed("e", "6")
	first[3] = "2026-11-01 2026-10-31 new e  6"
	wantChanges(t, p.on(t, lake, "2026-11-01", day1...), first...)
	// A day without changes has no unit, and the next one compares with it.
	wantChanges(t, p.on(t, lake, "2026-11-02", day1...), first...)
	wantChanges(t, p.on(t, lake, "2026-11-03", day1[:3]...), append(first, "2026-11-03 2026-11-02 gone e 6 ")...)
	if periods, _ := filepath.Glob(filepath.Join(lake, "raw", "retail_price_changes", "*", "*", "*.json")); len(periods) != 2 || !strings.Contains(periods[0], "period=2026-11") {
		t.Errorf("units of changes: %v", periods)
	}
}

func TestADayThatEndsAsItBeganHasNoChanges(t *testing.T) {
	p, lake := newPriceList(t), t.TempDir()
	p.on(t, lake, "2026-10-30", listed("a", "1"))
	wantChanges(t, p.on(t, lake, "2026-10-31", listed("a", "2")), "2026-10-31 2026-10-30 changed a 1 2")
	wantChanges(t, p.on(t, lake, "2026-10-31", listed("a", "1")))
	wantChanges(t, p.on(t, lake, "2026-10-31", listed("a", "3")), "2026-10-31 2026-10-30 changed a 1 3")
}

// A new price comes with a new start date, which is no offer of its own; an offer may have
// prices from several days on, as two records.
func TestAPriceFromAnotherDayOnIsTheSameOffer(t *testing.T) {
	from := func(day string) string { return fmt.Sprintf(`"effectiveStartDate":"%sT00:00:00Z"`, day) }
	p, lake := newPriceList(t), t.TempDir()
	p.on(t, lake, "2026-10-30", listed("a", "1", from("2024-01-01")), listed("b", "1", from("2024-01-01")), listed("b", "2", from("2027-01-01")), listed("c", "7", from("2024-01-01")))
	wantChanges(t, p.on(t, lake, "2026-10-31", listed("a", "1.5", from("2026-11-01")), listed("b", "1.1", from("2024-01-01")), listed("b", "2.1", from("2027-01-01")), listed("c", "7", from("2025-01-01"))),
		"2026-10-31 2026-10-30 changed a 1 1.5",
		"2026-10-31 2026-10-30 changed b 1 1.1",
		"2026-10-31 2026-10-30 changed b 2 2.1",
		"2026-10-31 2026-10-30 described c 7 7")
}

func TestASavingsPlanIsAPartOfThePrice(t *testing.T) {
	plan := func(price string) string {
		return fmt.Sprintf(`"savingsPlan":[{"unitPrice":%s,"retailPrice":%s,"term":"1 Year"}]`, price, price)
	}
	p, lake := newPriceList(t), t.TempDir()
	p.on(t, lake, "2026-10-30", listed("a", "1", plan("0.7")))
	wantChanges(t, p.on(t, lake, "2026-10-31", listed("a", "1", plan("0.6"))), "2026-10-31 2026-10-30 changed a 1 1")
}

// The changes are in the lake a moment before the prices. A run that dies between the two,
// and the next one, must tell each change once, whenever that is.
func TestARunThatDiesBetweenChangesAndPrices(t *testing.T) {
	for next, want := range map[string]string{
		"2026-11-01": "2026-11-01 2026-10-31 changed a 1 2",
		"2026-11-03": "2026-11-03 2026-10-31 changed a 1 2",
	} {
		p, lake := newPriceList(t), t.TempDir()
		p.on(t, lake, "2026-10-31", listed("a", "1"))
		shard := retailShards("USD", []string{"Compute"})[0]
		prices, err := readManifest(lakeIn(lake).manifestPath(shard.unit()))
		if err != nil {
			t.Fatal(err)
		}
		wantChanges(t, p.on(t, lake, "2026-11-01", listed("a", "2")), "2026-11-01 2026-10-31 changed a 1 2")
		// As it was just before: the manifest of the prices is the old one.
		if err := errors.Join(lakeIn(lake).write(shard.unit(), prices), os.RemoveAll(filepath.Join(lakeIn(lake).journal(shard.unit()), "versions"))); err != nil {
			t.Fatal(err)
		}
		wantChanges(t, p.on(t, lake, next, listed("a", "2")), want)
	}
}

func lakeIn(dir string) lake { return lake{dir: dir} }

func TestAFamilyThatBecomesAUnitIsNotGone(t *testing.T) {
	shard := retailShard{currency: "USD", dataset: unlistedFamilies, listed: []string{"Compute"}}
	lakeDir := t.TempDir()
	r, err := newRun(Options{Lake: lakeDir, AsOf: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	before, after := landPrices(t, listed("a", "1"), strings.Replace(listed("b", "1"), "Compute", "Orbital", 1)), landPrices(t)
	m := &manifest{Format: manifestFormat, Unit: shard.unit(), State: stateComplete, AsOf: "2026-11-01"}
	if _, err := r.lake.commit(shard.unit(), before, m, 14); err != nil {
		t.Fatal(err)
	}
	if err := shard.recordChanges(context.Background(), r, m, after); err != nil {
		t.Fatal(err)
	}
	wantChanges(t, changesIn(t, lakeDir), "2026-11-02 2026-11-01 gone b 1 ")
}

func landPrices(t *testing.T, records ...string) *landed {
	t.Helper()
	l, err := newLanding(t.TempDir(), retailColumns(), origin{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.jsonPage(1, "page", []byte(`{"Items":[`+strings.Join(records, ",")+`]}`), jsonShape{Rows: "Items"}); err != nil {
		t.Fatal(err)
	}
	done, err := l.close()
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestAskingForChangesReadsThePrices(t *testing.T) {
	p, lake := newPriceList(t), t.TempDir()
	p.on(t, lake, "2026-10-30", listed("a", "1"))
	p.records = []string{listed("a", "2")}
	o := retailOptions(t, p.Server, lake, "2026-10-31")
	o.Retail.Families, o.Sources = []string{"Compute"}, []string{"retail_price_changes"}
	res := mustRun(t, o)
	wantChanges(t, changesIn(t, lake), "2026-10-31 2026-10-30 changed a 1 2")
	if len(res.Units) != 1 || res.Units[0].Source != "retail_prices" {
		t.Errorf("units: %v", res.Units)
	}
}

// A lake in a container holds the last version's file elsewhere.
func TestTheLastVersionIsFetchedToCompareWithIt(t *testing.T) {
	p, lake := newPriceList(t), t.TempDir()
	p.on(t, lake, "2026-10-30", listed("a", "1"))
	kept := map[string][]byte{}
	files, _ := filepath.Glob(filepath.Join(lake, "raw", "retail_prices", "*", "*", "*.parquet"))
	for _, path := range files {
		kept[path], _ = os.ReadFile(path)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	p.records = []string{listed("a", "2")}
	o := retailOptions(t, p.Server, lake, "2026-10-31")
	o.Retail.Families, o.Elsewhere = []string{"Compute"}, true
	o.Fetch = func(_ context.Context, paths []string) error { return os.WriteFile(paths[0], kept[paths[0]], 0o600) }
	mustRun(t, o)
	wantChanges(t, changesIn(t, lake), "2026-10-31 2026-10-30 changed a 1 2")
}
