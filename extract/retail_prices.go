package extract

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Retail prices are Azure's public list prices: a record per meter, sku, region, term and
// tier. They belong to no account, and nobody has to sign in.
//
// What is odd about them:
//   - The list has no stable order across its pages ($skip=1000, $skip=2000 …), so one
//     walk to the last page serves some records twice and others not at all. Shards are
//     walked until nothing new comes, see retail_walk.go.
//   - The link is NextPageLink, with a port: https://prices.azure.com:443/api/retail/…
//     The records are in Items, and Count is how many there are on the page, not in all.
//   - currencyCode is given with its quotes: currencyCode='EUR'. Prices in other
//     currencies than USD are for reference; nobody is billed by them.
//   - Only version 2023-01-01-preview tells savings plan prices, as an array in the record:
//     [{"unitPrice":0.06,"retailPrice":0.06,"term":"1 Year"}]. Its filters compare letter by
//     letter: 'compute' finds nothing.
//   - The unitPrice of a reservation is that of its whole term, though unitOfMeasure says
//     "1 Hour".
//   - What priceType filters is called type in the answer.
//   - Services without a region have the empty text for one.
var retailPrices = register(&Source{
	Name:       "retail_prices",
	API:        "Retail Prices",
	Version:    retailVersion,
	Agreements: []string{ea, mca, mosp, mpa},
	Role:       "none, it is open to everybody",
	Feeds:      "retail_price, retail_price_change",
	Status:     "current",
	Columns:    retailColumns(),
	global:     true,
	plan:       planRetailPrices,
})

const retailVersion = "2023-01-01-preview"

func retailColumns() []Column {
	columns := fields(Text, "currencyCode", "type", "reservationTerm", "armRegionName", "location", "meterId", "meterName",
		"productId", "skuId", "productName", "skuName", "serviceName", "serviceId", "serviceFamily", "unitOfMeasure", "armSkuName")
	columns = append(columns, fields(Decimal, "tierMinimumUnits", "retailPrice", "unitPrice")...)
	columns = append(columns, fields(Instant, "effectiveStartDate", "effectiveEndDate")...)
	columns = append(columns, fields(Bool, "isPrimaryMeterRegion")...)
	return append(columns, fields(JSONText, "savingsPlan")...)
}

// retailFamilies are the service families that are known. Each is a unit of its own: small
// enough to be walked again and again, read beside others, resumed alone, and refused alone
// when it shrinks. One that no longer exists is an empty unit and costs two requests.
//
// The list need not be complete, as records of a family that is not in it, and records
// without any, are in the unit unlisted. It walks the whole list without a filter and keeps
// what no other unit has, so that a family is complete in the run in which Microsoft adds
// it. That costs as many requests again as all families together; asking for "every family
// but these" would cost few, but the API documents no "ne".
var retailFamilies = []string{
	"AI + Machine Learning", "Analytics", "Azure Arc", "Azure Communication Services", "Azure Security", "Azure Stack",
	"Blockchain", "Compute", "Containers", "Data", "Databases", "Developer Tools", "Dynamics", "Gaming", "Integration",
	"Internet of Things", "Management and Governance", "Media", "Microsoft Syntex", "Migration", "Mixed Reality",
	"Networking", "Other", "Power Platform", "Quantum Computing", "Security", "Storage", "Telecommunications", "Web",
	"Windows Virtual Desktop",
}

// unlistedFamilies is the dataset of the records that no family's unit has.
const unlistedFamilies = "unlisted"

// A retailShard is the part of the list prices that is one unit: a service family in one
// currency.
type retailShard struct {
	currency string
	family   string   // "" for the unit unlisted
	listed   []string // of the unit unlisted: the families that are units
	dataset  string
	asked    bool // the configuration names the family
}

func planRetailPrices(_ context.Context, r *run, _ Account) ([]task, error) {
	var tasks []task
	for _, currency := range r.o.Retail.Currencies {
		for _, s := range retailShards(currency, r.o.Retail.Families) {
			tasks = append(tasks, s.task())
		}
	}
	return tasks, nil
}

// retailShards are the families asked for; without any, those that are known and the rest.
func retailShards(currency string, families []string) []retailShard {
	listed := families
	if len(families) == 0 {
		listed = retailFamilies
	}
	listed = slices.Compact(slices.Sorted(slices.Values(listed)))
	var shards []retailShard
	taken := map[string]bool{unlistedFamilies: true}
	for _, f := range listed {
		s := retailShard{currency: currency, family: f, dataset: familySlug(f), asked: len(families) > 0}
		if taken[s.dataset] {
			s.dataset += "_" + hashOf([]byte(f))[:8]
		}
		taken[s.dataset] = true
		shards = append(shards, s)
	}
	if len(families) == 0 {
		shards = append(shards, retailShard{currency: currency, listed: listed, dataset: unlistedFamilies})
	}
	return shards
}

// familySlug names a family's files. It has no "-", which ends the dataset in their names.
func familySlug(family string) string {
	return slugBy(family, "_")
}

func (s retailShard) unit() Unit {
	return Unit{Source: "retail_prices", Account: noAccount, Scope: retailScope(s.currency), Period: allPeriods, Dataset: s.dataset}
}

func retailScope(currency string) string { return "/retail/" + currency }

// request asks for the first page. A quote in a text is doubled in OData.
func (s retailShard) request() request {
	parameters := []string{"api-version", retailVersion, "currencyCode", "'" + s.currency + "'"}
	if s.family != "" {
		parameters = append(parameters, "$filter", "serviceFamily eq '"+strings.ReplaceAll(s.family, "'", "''")+"'")
	}
	return request{Service: retailService, API: "retail", Scope: retailScope(s.currency) + "/" + s.dataset, URL: query("/api/retail/prices", parameters...)}
}

// has tells whether records of a family belong to the shard. A service that ignored the
// filter would serve those of all.
func (s retailShard) has(family string) bool {
	if s.family != "" {
		return family == s.family
	}
	_, listed := slices.BinarySearch(s.listed, family)
	return !listed
}

// catalogueCalls are about the pages of the whole list, 600,000 records; each is walked twice
// at least. It is for the plan of a first run alone.
const catalogueCalls = 2 * 600

func (s retailShard) calls() int {
	if s.family == "" {
		return catalogueCalls
	}
	return catalogueCalls / len(retailFamilies)
}

// explain says which word of the configuration an answer is about.
func (s retailShard) explain(err error, rows int) error {
	switch {
	case isBadRequest(err):
		return fmt.Errorf("retail.currencies: is %s a currency that Microsoft lists prices in? %w", s.currency, err)
	case err == nil && rows == 0 && s.asked:
		return fmt.Errorf("retail.families: there is no price of a service family %q; it is compared letter by letter with %s", s.family, strings.Join(retailFamilies, ", "))
	}
	return err
}

func (s retailShard) task() task {
	return task{
		Unit:  s.unit(),
		asks:  s.request(),
		calls: s.calls(),
		fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
			return s.fill(ctx, r, l, progress)
		},
		prepare: s.recordChanges,
	}
}
