package extract

import (
	"bytes"
	"encoding/csv"
	"io"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Files that others made of exports, or exports that Azure made: whatever their headers
// look like, the same columns must come out. Each line of a file is put together again
// from its row, and the sums are those of a calculator.

// exportProof is what a file must come to.
type exportProof struct {
	file, source, dataset, period string
	rows, rejects                 int
	reject                        string            // what the rejects say
	sums                          map[string]string // exact, of the rows that land
	filled                        string            // columns of which some row has a value, beside those summed
	extra                         string            // fields that no column holds
}

const usageColumns = "Date SubscriptionId MeterCategory ConsumedService ResourceId ResourceLocation"

var exportProofs = []exportProof{
	{file: "data/opencost/billingexports/headersets/BOM.csv", source: "cost_export", period: "2022-11", rows: 1, filled: "Date"},
	{file: "data/opencost/billingexports/headersets/Enterprise.csv", source: "cost_export", period: "2021-05", rows: 1,
		sums:   map[string]string{"CostInBillingCurrency": "0", "Quantity": "10", "EffectivePrice": "1.2"},
		filled: usageColumns + " Tags UnitOfMeasure BillingCurrencyCode PartNumber IsAzureCreditEligible AccountName ReservationName ProductOrderName Term ChargeType Frequency"},
	{file: "data/opencost/billingexports/headersets/EnterpriseCamel.csv", source: "cost_export", period: "2021-02", rejects: 1, reject: `ExchangeRateDate: "3/1/21" is no date`},
	{file: "data/opencost/billingexports/headersets/German.csv", source: "cost_export", period: "2021-02", rows: 1,
		sums:   map[string]string{"CostInBillingCurrency": "0.075", "Quantity": "3", "EffectivePrice": "0.025"},
		filled: usageColumns + " ResourceGroup MeterId MeterName BillingCurrencyCode UnitOfMeasure ResourceType ServiceTier"},
	{file: "data/opencost/billingexports/headersets/PayAsYouGo.csv", source: "cost_export", period: "2021-02", rows: 1,
		sums:   map[string]string{"CostInBillingCurrency": "0.075", "Quantity": "3", "EffectivePrice": "0.025"},
		filled: usageColumns + " ResourceGroup MeterId MeterName BillingCurrencyCode UnitOfMeasure ResourceType ServiceTier"},
	{file: "data/opencost/billingexports/headersets/YA.csv", source: "cost_export", period: "2021-02", rows: 1,
		sums:   map[string]string{"CostInBillingCurrency": "0.075", "Quantity": "3", "EffectivePrice": "0.025"},
		filled: usageColumns + " ResourceGroup MeterId MeterName BillingCurrencyCode UnitOfMeasure ResourceType ServiceTier"},
	{file: "data/opencost/billingexports/values/MissingBrackets.csv", source: "cost_export", period: "2021-02", rows: 1,
		sums: map[string]string{"CostInBillingCurrency": "4", "PaygCostInBillingCurrency": "5"}, filled: "Date SubscriptionId BillingAccountId MeterCategory ResourceId Tags AdditionalInfo"},
	{file: "data/opencost/billingexports/values/VirtualMachine.csv", source: "cost_export", period: "2021-02", rows: 1,
		sums: map[string]string{"CostInBillingCurrency": "4", "PaygCostInBillingCurrency": "5"}, filled: "Date SubscriptionId BillingAccountId MeterCategory ResourceId Tags AdditionalInfo"},
	// Its lines are short of the last field, which is how a line looks that was cut.
	{file: "data/opencost/billingexports/values/Template.csv", source: "cost_export", period: "2021-02", rejects: 87, reject: "10 fields, want 11"},
	{file: "data/koku/azure_camelCased.csv", source: "cost_export", period: "2019-07", rows: 3,
		sums: map[string]string{"CostInBillingCurrency": "0.00011016"}, filled: usageColumns + " Quantity EffectivePrice BillingCurrencyCode Tags"},
	{file: "data/koku/costreport_a243c6f2-199f-4074-9a2c-40e671cf1584.csv", source: "cost_export", period: "2019-07", rows: 3,
		sums: map[string]string{"CostInBillingCurrency": "0.00011016"}, filled: usageColumns + " Quantity EffectivePrice BillingCurrencyCode Tags"},
	{file: "data/koku/azure_version_2.csv", source: "cost_export", period: "2020-09", rows: 5,
		sums: map[string]string{"CostInBillingCurrency": "19.998413754"}, filled: usageColumns + " InvoiceSectionName AccountName BillingCurrencyCode BillingPeriodEndDate PartNumber PlanName PublisherName ServiceFamily"},
	{file: "data/koku/camel_azure_version_2.csv", source: "cost_export", period: "2023-08", rows: 4,
		sums:   map[string]string{"CostInBillingCurrency": "0.0000262412", "CostInPricingCurrency": "0.0000262412"},
		filled: usageColumns + " BillingProfileName InvoiceSectionId ResourceGroup ProductId ProductName PricingCurrency ExchangeRatePricingToBilling ExchangeRateDate PayGPrice ServicePeriodEndDate"},
	{file: "data/koku/empty_frame.csv", source: "cost_export"},
	{file: "data/focus_converters/sample-anonymous-ea-export-dataset.csv", source: "cost_export", period: "2023-09", rows: 27,
		sums: map[string]string{"CostInBillingCurrency": "1.26136926505726"}, filled: usageColumns + " Tags AdditionalInfo BillingPeriodStartDate BillingCurrencyCode PricingModel"},
	{file: "azure/examples/finops-toolkit/csv/EA_ActualCost_Small.csv", source: "cost_export", dataset: "actual", period: "2023-09", rows: 11,
		sums: map[string]string{"CostInBillingCurrency": "8.5450077867419368"}, filled: usageColumns + " Tags ProductName BillingCurrencyCode InvoiceSectionName ReservationId BenefitId BenefitName Term"},
	{file: "azure/examples/finops-toolkit/csv/EA_AmortizedCost_Small.csv", source: "cost_export", dataset: "amortized", period: "2023-09", rows: 28,
		sums: map[string]string{"CostInBillingCurrency": "16.296932136636644627"}, filled: usageColumns + " Tags ProductName BillingCurrencyCode InvoiceSectionName ReservationId BenefitId BenefitName Term", extra: "CostInBillingCurrency"},
	{file: "data/finops-toolkit/EA-Reservations-Recommendations.csv", source: "reservation_recommendations_export", dataset: "ea-reservations-recommendations", period: "2024-06", rows: 23,
		sums: map[string]string{"RecommendedQuantity": "45", "NetSavings": "499.081325118413871"}, filled: "Sku Location FirstUsageDate LookBackPeriod MeterId Term Scope ResourceType SkuProperties NormalizedSize InstanceFlexibilityGroup CostWithNoReservedInstances"},
	{file: "data/focus-spec/v1.3-azure-commitment-examples/azure_reservation_all_upfront_100pct.csv", source: "focus_export", dataset: "focus", period: "2026-02", rows: 28,
		sums: map[string]string{"BilledCost": "358030.41", "EffectiveCost": "990.09"}, filled: "BillingPeriodEnd ChargePeriodEnd CommitmentDiscountId CommitmentDiscountUnit InvoiceId ServiceSubcategory SkuPriceId ConsumedUnit"},
	{file: "data/focus-spec/v1.3-azure-commitment-examples/azure_savings_plan_all_upfront_100pct.csv", source: "focus_export", dataset: "focus", period: "2026-02", rows: 28,
		sums: map[string]string{"BilledCost": "462011.61", "EffectiveCost": "1274.97"}, filled: "BillingPeriodEnd ChargePeriodEnd CommitmentDiscountId CommitmentDiscountUnit InvoiceId ServiceSubcategory SkuPriceId ConsumedUnit"},
}

func TestExportFilesOfOthers(t *testing.T) {
	for _, want := range exportProofs {
		t.Run(filepath.Base(want.file), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(sharedFolder(t), want.file))
			if err != nil {
				t.Fatal(err)
			}
			got := proveExport(t, want.file, text)
			got.reject = keepIf(strings.Contains(got.reject, want.reject), want.reject, got.reject)
			for column, sum := range want.sums {
				if got.sums[column] != sum {
					t.Errorf("sum of %s is %s, want %s", column, got.sums[column], sum)
				}
			}
			for column := range strings.FieldsSeq(want.filled) {
				if !slices.Contains(strings.Fields(got.filled), column) {
					t.Errorf("no row has a %s", column)
				}
			}
			got.sums, got.filled = want.sums, want.filled
			if !equalProof(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func keepIf(ok bool, yes, no string) string {
	if ok {
		return yes
	}
	return no
}

func equalProof(a, b exportProof) bool {
	a.sums, b.sums = nil, nil
	return a.file == b.file && a.source == b.source && a.dataset == b.dataset && a.period == b.period &&
		a.rows == b.rows && a.rejects == b.rejects && a.reject == b.reject && a.extra == b.extra
}

// The same file with the year written out is read whole.
func TestAYearOfFourDigitsMakesTheCamelCasedFileRead(t *testing.T) {
	file := "data/opencost/billingexports/headersets/EnterpriseCamel.csv"
	text, err := os.ReadFile(filepath.Join(sharedFolder(t), file))
	if err != nil {
		t.Fatal(err)
	}
	got := proveExport(t, file, bytes.Replace(text, []byte("3/1/21"), []byte("3/1/2021"), 1))
	if got.rows != 1 || got.sums["CostInBillingCurrency"] != "0.012" || got.sums["PayGPrice"] != "0.004" || got.extra != "" {
		t.Errorf("got %+v", got)
	}
	for _, column := range []string{"Date", "SubscriptionId", "ResourceId", "ResourceGroup", "ProductId", "ProductName", "PricingCurrency", "BillingCurrencyCode", "Location", "PartnerName", "ExchangeRateDate", "Tags"} {
		if !slices.Contains(strings.Fields(got.filled), column) {
			t.Errorf("no row has a %s", column)
		}
	}
}

// The specification's own rows. Those about software as a service are typed by hand,
// with dollar signs and years of two digits, and those about commitments have an hour
// that no day has: they are rejects that say so. All others land.
func TestFocusRowsOfTheSpecification(t *testing.T) {
	landed, refused := 0, 0
	for _, pattern := range []string{"v1.2-examples/*.csv", "v1.3-azure-commitment-examples/*.csv", "v1.4-correction-examples/*/*.csv"} {
		files, err := filepath.Glob(filepath.Join(sharedFolder(t, "data", "focus-spec"), pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no example %s (%v)", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := proveExport(t, file, text)
			if got.source != "focus_export" {
				t.Errorf("%s is taken for %s", file, got.source)
			}
			for reason := range strings.SplitSeq(got.reject, "\n") {
				if reason != "" && !strings.Contains(reason, `/25" is no`) && !strings.Contains(reason, `/26" is no`) && !strings.Contains(reason, `"$`) && !strings.Contains(reason, "T30:00:00Z") {
					t.Errorf("%s: %s", filepath.Base(file), reason)
				}
			}
			landed, refused = landed+got.rows, refused+got.rejects
		}
	}
	if landed < 100 || refused > 60 {
		t.Errorf("%d rows landed and %d were refused", landed, refused)
	}
}

// proveExport lands a file that no manifest speaks for, and holds each row to its line.
func proveExport(t *testing.T, file string, text []byte) exportProof {
	t.Helper()
	seen := &inspected{name: filepath.Base(file), months: map[string]bool{}}
	if err := seen.csv(bytes.NewReader(text)); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	s := seen.header.source
	got := exportProof{file: file, source: s.Name, sums: map[string]string{}}
	got.dataset, _ = seen.dataset() // where rows do not tell, the folder does
	got.period, _ = seen.period()   // the wanted one is compared
	l := land(t, s.Columns)
	if _, err := l.csv(1, file, bytes.NewReader(text)); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	done := l.done()
	lines := csvLines(t, text)
	if done.Rejects != nil {
		_, rejects := readBack(t, done.Rejects)
		got.rejects = len(rejects)
		for _, r := range rejects {
			got.reject += r["reason"] + "\n"
		}
	}
	_, rows := readBack(t, done.File)
	got.rows = len(rows)
	if got.rows+got.rejects != len(lines)-1 {
		t.Fatalf("%s: %d rows and %d rejects of %d lines", file, got.rows, got.rejects, len(lines)-1)
	}
	extra, filled, sums := map[string]bool{}, map[string]bool{}, map[string]*big.Rat{}
	for _, row := range rows {
		number, _ := new(big.Rat).SetString(row["_row"])
		proveLine(t, file, s, lines[0], lines[number.Num().Int64()], row, extra)
		for column, value := range row {
			if value == "" || strings.HasPrefix(column, "_") {
				continue
			}
			filled[column] = true
			if n, ok := new(big.Rat).SetString(value); ok {
				sums[column] = n.Add(n, orZero(sums[column]))
			}
		}
	}
	for column, sum := range sums {
		got.sums[column] = strings.TrimSuffix(strings.TrimRight(sum.FloatString(18), "0"), ".")
	}
	got.extra = strings.Join(slices.Sorted(maps.Keys(extra)), " ")
	got.filled = strings.Join(slices.Sorted(maps.Keys(filled)), " ")
	return got
}

func orZero(n *big.Rat) *big.Rat {
	if n == nil {
		return new(big.Rat)
	}
	return n
}

// csvLines reads a file with the standard library.
func csvLines(t *testing.T, text []byte) [][]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, byteOrderMark)))
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	var lines [][]string
	for {
		line, err := r.Read()
		if err == io.EOF { //nolint:errorlint // a reader's end is io.EOF itself
			return lines
		}
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
}

// proveLine holds a row to the line it was made of: each field stands in the column that
// its header means, or in _extra under the header.
func proveLine(t *testing.T, file string, s *Source, header, line []string, row record, extra map[string]bool) {
	t.Helper()
	index, err := newHeaderIndex(s.Columns)
	if err != nil {
		t.Fatal(err)
	}
	target, _, err := index.find(header)
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := decodeJSON(row["_extra"]).(map[string]any)
	for key := range kept {
		extra[key] = true
	}
	for i, value := range line {
		switch value = strings.TrimSpace(value); {
		case value == "":
		case target[i] < 0:
			if kept[header[i]] != value {
				t.Errorf("%s: %s is %q and not in _extra", file, header[i], value)
			}
		default:
			proveField(t, file, s.Columns[target[i]], value, row, kept)
		}
	}
}

func proveField(t *testing.T, file string, c Column, value string, row record, kept map[string]any) {
	t.Helper()
	got := row[c.Name]
	if at, err := time.Parse("1/2/2006", value); err == nil {
		value = at.Format(time.DateOnly)
	}
	switch {
	case c.Type == Date:
		value = strings.TrimSuffix(value, " 00:00:00")
	case c.Type == Tags && !strings.HasPrefix(value, "{"):
		value = "{" + value + "}"
	case c.Type != Text && (value == "null" || value == "(null)"):
		value = ""
	}
	if got == strings.TrimSpace(value) || kept[c.Name] == value || sameValue(c, value, got) || strings.TrimSpace(got) == value {
		return
	}
	t.Errorf("%s: %s is %q, the file has %q", file, c.Name, got, value)
}
