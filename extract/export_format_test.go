package extract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// One header and two lines of each dataset, as Cost Management writes it.
var datasetFiles = map[string]struct{ exportType, source, dataset, text string }{
	"focus 1.0-preview": {"FocusCost", "focus_export", "focus", "BilledCost,EffectiveCost,BillingPeriodStart,ChargePeriodStart,ChargeSubcategory,Region,UsageQuantity,x_InvoiceId\n" +
		"0,1.5,2026-10-01T00:00:00Z,2026-10-05T00:00:00Z,Used Commitment,East US 2,24,\n1,1,2026-10-01T00:00:00Z,2026-10-06T00:00Z,,,,\n"},
	"focus 1.2": {"FocusCost", "focus_export", "focus", "BilledCost,EffectiveCost,BillingPeriodStart,ChargePeriodStart,ConsumedUnit,InvoiceId\n" +
		"0,1.5,2026-10-01T00:00:00Z,2026-10-05T00:00:00Z,Hours,T1\n1,1,2026-10-01T00:00:00Z,2026-10-06T00:00:00Z,,\n"},
	"price sheet, enrollment": {"PriceSheet", "price_sheet_export", "current", "EnrollmentNumber,MeterID,UnitOfMeasure,EffectiveStartDate,UnitPrice,CurrencyCode,PriceType\n" +
		"1,m,1 Hour,10/1/2026,0.1,EUR,Consumption\n1,n,10K,2/1/2024,0.2,EUR,Consumption\n"},
	"price sheet, customer": {"PriceSheet", "price_sheet_export", "current", "billingAccountId,meterId,unitOfMeasure,effectiveStartDate,unitPrice,currency,tierMinimumUnits\n" +
		"1,m,1 Hour,2026-10-01T00:00:00.0000000Z,0.1,EUR,0\n1,n,10K,2024-02-01T00:00:00Z,0.2,EUR,10\n"},
	"reservation details": {"ReservationDetails", "reservation_details_export", "daily", "InstanceId,ReservationId,ReservedHours,UsageDate,UsedHours,Kind\n" +
		"/a,r,24,2026-10-01T00:00:00,20,Reservation\n/b,r,24,2026-10-02,4,Reservation\n"},
	"recommendations, enrollment": {"ReservationRecommendations", "reservation_recommendations_export", "daily", "SKU,FirstUsageDate,LookBackPeriod,NetSavings,RecommendedQuantity\n" +
		"a,2026-09-28T00:00:00Z,Last7Days,1.5,2\nb,2026-09-29T00:00:00Z,Last7Days,2.5,1\n"},
	"recommendations, customer": {"ReservationRecommendations", "reservation_recommendations_export", "daily", "Cost With No ReservedInstances,First UsageDate,LookBackPeriod,Net Savings,Recommended Quantity,SkuName,scope\n" +
		"\"{\"\"currency\"\":\"\"EUR\"\",\"\"value\"\":3}\",2026-09-28T00:00:00Z,7,1.5 EUR,2,a,Shared\n,2026-09-28T00:00:00Z,7,EUR 2,2,b,Shared\n"},
	"transactions, enrollment": {"ReservationTransactions", "reservation_transactions_export", "all", "EventDate,EventType,Amount,Currency,BillingMonth,Overage\n" +
		"2026-10-03T19:19:04.0000000Z,Purchase,12.5,EUR,20261001,2\n2026-10-04,Refund,-1,EUR,20261001,0\n"},
	"transactions, customer": {"ReservationTransactions", "reservation_transactions_export", "all", "eventDate,eventType,amount,currency,invoice\n" +
		"10/3/2026,Purchase,12.5,EUR,T1\n10/4/2026,Refund,-1,EUR,T2\n"},
	"actual":    {"ActualCost", "cost_export", "actual", exportHeader + costLine("10/01/2026", "1") + costLine("10/02/2026", "2")},
	"amortized": {"AmortizedCost", "cost_export", "amortized", exportHeader + costLine("10/01/2026", "1") + costLine("10/02/2026", "2")},
	"usage":     {"Usage", "cost_export", "actual", "SubscriptionGuid,UsageDateTime,PreTaxCost,Currency\ns,2026-10-01,1,EUR\ns,2026-10-02,2,EUR\n"},
}

func TestEachDatasetGoesToItsSource(t *testing.T) {
	for name, d := range datasetFiles {
		file := "root/daily/20261001-20261031/202610070610/aa/part_0_0001.csv"
		t.Run(name, func(t *testing.T) {
			res, _ := runExports(t, exportOf(t, map[string]string{
				file: d.text, filepath.Dir(file) + "/manifest.json": exportManifestOf(strings.TrimPrefix(file, "root/"), d.exportType, "2026-10-07T06:10:00Z", d.text, 2),
			}))
			wantSource(t, res, d.source, d.dataset, "2026-10", 2)
		})
		t.Run(name+" without manifest", func(t *testing.T) {
			byName := map[string]string{"recommendations, enrollment": "daily", "recommendations, customer": "daily", "amortized": "amortized"}[name]
			res, _ := runExports(t, exportOf(t, map[string]string{keepIf(byName == "", "file", byName) + ".csv": d.text}))
			wantSource(t, res, d.source, d.dataset, "2026-10", 2)
		})
	}
}

func wantSource(t *testing.T, res Result, source, dataset, period string, rows int64) {
	t.Helper()
	if len(res.Units) != 1 {
		t.Fatalf("%d units, want one: %+v", len(res.Units), res.Units)
	}
	u := res.Units[0]
	if u.Err != nil || u.Source != source || u.Dataset != dataset || u.Period != period || u.Rows != rows {
		t.Errorf("unit %s with %d rows: %v; want %s %s %s with %d", u.Unit, u.Rows, u.Err, source, period, dataset, rows)
	}
}

// All datasets in one folder: it is listed once, and each source takes its own.
func TestAFolderIsLookedThroughOnce(t *testing.T) {
	files := map[string]string{}
	for name, d := range datasetFiles {
		if strings.HasSuffix(name, "customer") || name == "focus 1.2" || name == "usage" {
			continue
		}
		folder := "root/" + slugBy(name, "-") + "/20261001-20261031/aa/"
		files[folder+"part_0_0001.csv"] = d.text
		files[folder+"manifest.json"] = exportManifestOf(strings.TrimPrefix(folder, "root/")+"part_0_0001.csv", d.exportType, "2026-10-07T06:10:00Z", d.text, 2)
	}
	listed := 0
	res, err := Run(context.Background(), Options{
		Lake: t.TempDir(), Accounts: []Account{{Name: "contoso", Exports: exportOf(t, files)}}, AsOf: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC),
		Exports: func(ctx context.Context, location string) (ExportFolder, error) {
			d, err := openExportDir(ctx, location)
			return countedFolder{d, &listed}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	wantUnits(t, res, "2026-10 actual 2 rows", "2026-10 amortized 2 rows", "2026-10 focus 2 rows", "2026-10 current 2 rows", "2026-10 daily 2 rows", "2026-10 daily 2 rows", "2026-10 all 2 rows")
	if listed != 1 {
		t.Errorf("the folder was listed %d times", listed)
	}
}

type countedFolder struct {
	ExportFolder
	listed *int
}

func (f countedFolder) List(ctx context.Context, found func(ExportFile)) error {
	*f.listed++
	return f.ExportFolder.List(ctx, found)
}

func TestAFolderThatCannotBeReadIsToldOnce(t *testing.T) {
	res, _ := runExports(t, filepath.Join(t.TempDir(), "nowhere"))
	if len(res.Units) != 1 || res.Units[0].Err == nil {
		t.Errorf("units %+v, want one failure", res.Units)
	}
}

func TestATypeThatNoSourceReadsIsToldOnce(t *testing.T) {
	text := "a,b\n1,2\n"
	var log bytes.Buffer
	dir := exportOf(t, map[string]string{
		"root/x/20261001-20261031/aa/p.csv":         text,
		"root/x/20261001-20261031/aa/manifest.json": exportManifestOf("x/20261001-20261031/aa/p.csv", "CarbonEmissions", "2026-10-07T06:10:00Z", text, 1),
		"root/x/20260901-20260930/bb/p.csv":         text,
		"root/x/20260901-20260930/bb/manifest.json": exportManifestOf("x/20260901-20260930/bb/p.csv", "CarbonEmissions", "2026-09-07T06:10:00Z", text, 1),
	})
	res, err := Run(context.Background(), Options{
		Lake: t.TempDir(), Accounts: []Account{{Name: "contoso", Exports: dir}}, AsOf: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil || len(res.Units) != 0 {
		t.Fatalf("%v, units %+v", err, res.Units)
	}
	if n := strings.Count(log.String(), "CarbonEmissions"); n != 1 || !strings.Contains(log.String(), "manifests=2") {
		t.Errorf("the type is named %d times: %s", n, log.String())
	}
}

// A runOf is one run of an export in a folder.
type runOf struct {
	folder, submitted, from, to, version, text string
	rows                                       int
}

func (r runOf) files(t *testing.T, exportType string) map[string]string {
	t.Helper()
	name := r.folder + "/part_0_0001.csv"
	text := exportManifestOf(name, exportType, r.submitted, r.text, r.rows)
	m := map[string]any{}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	m["runInfo"].(map[string]any)["startDate"], m["runInfo"].(map[string]any)["endDate"] = r.from, r.to
	m["exportConfig"].(map[string]any)["dataVersion"] = r.version
	changed, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"root/" + name: r.text, "root/" + r.folder + "/manifest.json": string(changed)}
}

func runsOf(t *testing.T, exportType string, runs ...runOf) string {
	t.Helper()
	all := map[string]string{}
	for _, r := range runs {
		for name, text := range r.files(t, exportType) {
			all[name] = text
		}
	}
	return exportOf(t, all)
}

func costLines(days ...int) string {
	text := exportHeader
	for _, d := range days {
		text += fmt.Sprintf("10/%02d/2026,1,EUR,Usage,OnDemand,10/01/2026\n", d)
	}
	return text
}

// On the first days of a month a month-to-date export runs twice, and the run that
// nobody sees is the month before once more. It is the newest of that month.
func TestTheHiddenSecondRunIsOfTheMonthBefore(t *testing.T) {
	october := runOf{"e/20261001-20261031/202610310610/aa", "2026-10-31T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", costLines(1, 30), 2}
	november := runOf{"e/20261101-20261130/202611030610/bb", "2026-11-03T06:10:00Z", "2026-11-01T00:00:00", "2026-11-30T00:00:00", "", strings.ReplaceAll(costLines(1), "10/01/2026", "11/01/2026"), 1}
	hidden := runOf{"e/20261001-20261031/202611030611/cc", "2026-11-03T06:11:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", costLines(1, 30, 31), 3}
	res, _ := runExports(t, runsOf(t, "ActualCost", october, november, hidden))
	wantUnits(t, res, "2026-10 actual 3 rows", "2026-11 actual 1 rows")
}

func TestARunOfFewerDaysDoesNotReplaceOneOfMore(t *testing.T) {
	whole := runOf{"e/20261001-20261031/202610100610/aa", "2026-10-10T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", costLines(1, 5, 9), 3}
	part := runOf{"once/20261001-20261005/202610110610/bb", "2026-10-11T06:10:00Z", "2026-10-01T00:00:00", "2026-10-05T00:00:00", "", costLines(1, 5), 2}
	late := runOf{"once/20261008-20261010/202610110710/cc", "2026-10-11T07:10:00Z", "2026-10-08T00:00:00", "2026-10-10T00:00:00", "", costLines(9), 1}
	for _, runs := range [][]runOf{{whole, part}, {part, whole}, {whole, part, late}} {
		res, _ := runExports(t, runsOf(t, "ActualCost", runs...))
		wantUnits(t, res, "2026-10 actual 3 rows")
	}
	// The month so far, whatever its last day is said to be, is replaced by more of it.
	next := runOf{"e/20261001-20261031/202610120610/dd", "2026-10-12T06:10:00Z", "2026-10-01T00:00:00", "2026-10-12T00:00:00", "", costLines(1, 5, 9, 11), 4}
	res, _ := runExports(t, runsOf(t, "ActualCost", whole, next))
	wantUnits(t, res, "2026-10 actual 4 rows")
}

// Jun 1 to 5 over Jun 1 to 9 when nothing else is left in the folder: the lake keeps
// what it has.
func TestAnExportThatLostItsLastDaysIsRefused(t *testing.T) {
	whole := runOf{"e/20261001-20261031/aa", "2026-10-10T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", costLines(1, 5, 9), 3}
	part := runOf{"e/20261001-20261031/aa", "2026-10-11T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", costLines(1, 2, 3, 4, 5), 5}
	o := Options{Lake: t.TempDir(), Accounts: []Account{{Name: "contoso", Exports: runsOf(t, "ActualCost", whole)}}, AsOf: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)}
	mustRun(t, o)
	o.Accounts[0].Exports = runsOf(t, "ActualCost", part)
	res, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	wantFailure(t, res, "refused", "now ends on 2026-10-05", "2026-10-09", "--accept-shrink")
	o.AcceptShrink = true
	wantUnits(t, mustRun(t, o), "2026-10 actual 5 rows")
}

func TestTheNewerVersionOfFocusCounts(t *testing.T) {
	of := func(folder, submitted, version string, d string) runOf {
		return runOf{folder, submitted, "2026-10-01T00:00:00", "2026-10-31T00:00:00", version, datasetFiles[d].text, 2}
	}
	new, old := of("n/20261001-20261031/aa", "2026-10-10T04:00:00Z", "1.2-preview", "focus 1.2"), of("o/20261001-20261031/bb", "2026-10-10T08:00:00Z", "1.0", "focus 1.0-preview")
	res, lake := runExports(t, runsOf(t, "FocusCost", new, old))
	wantUnits(t, res, "2026-10 focus 2 rows")
	if got := rawRows(t, lake, "focus_export")[0]["InvoiceId"]; got != "T1" {
		t.Errorf("InvoiceId is %q, want that of 1.2", got)
	}
}

func TestASheetOfAMonthThatIsOverLeavesTheOpenOneAlone(t *testing.T) {
	sheet := datasetFiles["price sheet, enrollment"].text
	open := runOf{"p/20261001-20261031/aa", "2026-10-10T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", sheet, 2}
	closed := runOf{"p/20261001-20261031/bb", "2026-11-10T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", sheet, 2}
	res, _ := runExports(t, runsOf(t, "PriceSheet", open, closed))
	wantUnits(t, res, "2026-10 closed 2 rows", "2026-10 current 2 rows")
}

// Two recommendation exports of one scope differ in what their filters ask for, and
// from one day to the next much may be gone.
func TestRecommendationExportsStandBesideEachOther(t *testing.T) {
	d := datasetFiles["recommendations, enrollment"]
	of := func(name, text string, rows int) map[string]string {
		r := runOf{name + "/20261001-20261031/aa", "2026-10-10T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", text, rows}
		files := r.files(t, d.exportType)
		for file, text := range files {
			files[file] = strings.Replace(text, `"exportConfig":{`, `"exportConfig":{"exportName":"`+name+`",`, 1)
		}
		return files
	}
	merged := of("VM shared", d.text, 2)
	for name, text := range of("SQL", d.text, 2) {
		merged[name] = text
	}
	o := Options{Lake: t.TempDir(), Accounts: []Account{{Name: "contoso", Exports: exportOf(t, merged)}}, AsOf: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)}
	wantUnits(t, mustRun(t, o), "2026-10 sql 2 rows", "2026-10 vm-shared 2 rows")
	header, _, _ := strings.Cut(d.text, "\n")
	o.Accounts[0].Exports = exportOf(t, of("SQL", header+"\n", 0))
	wantUnits(t, mustRun(t, o), "2026-10 sql 0 rows")
}

// A header and no line: a day on which nothing was charged.
func TestAnExportWithoutRowsIsAnEmptyUnit(t *testing.T) {
	for name, d := range datasetFiles {
		if d.dataset == "daily" && strings.HasPrefix(name, "recommendations") {
			continue // tried above
		}
		t.Run(name, func(t *testing.T) {
			header, _, _ := strings.Cut(d.text, "\n")
			r := runOf{"e/20261001-20261031/aa", "2026-10-10T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", header + "\r\n", 0}
			res, lake := runExports(t, runsOf(t, d.exportType, r))
			wantSource(t, res, d.source, d.dataset, "2026-10", 0)
			if rows := rawRows(t, lake, d.source); len(rows) != 0 {
				t.Errorf("%d rows", len(rows))
			}
		})
	}
}

// An old manifest names neither the dataset nor the period: the first file does, and
// where that has no rows the folder.
func TestAnOldManifestIsCompletedFromItsFiles(t *testing.T) {
	for name, d := range datasetFiles {
		if name == "amortized" || d.source == "reservation_recommendations_export" {
			continue
		}
		header, _, _ := strings.Cut(d.text, "\n")
		for rows, text := range map[int]string{2: d.text, 0: header + "\n"} {
			t.Run(fmt.Sprintf("%s %d rows", name, rows), func(t *testing.T) {
				manifest := fmt.Sprintf(`{"manifestVersion":"2021-01-01","blobCount":1,"byteCount":%d,"dataRowCount":%d,"blobs":[{"blobName":"root/e/20261001-20261031/202610070610/aa/000001.csv","byteCount":%d}]}`, len(text), rows, len(text))
				res, _ := runExports(t, exportOf(t, map[string]string{
					"e/20261001-20261031/202610070610/aa/000001.csv":     text,
					"e/20261001-20261031/202610070610/aa/_manifest.json": "\ufeff" + manifest,
				}))
				wantSource(t, res, d.source, d.dataset, "2026-10", int64(rows))
			})
		}
	}
}

// Columns that are new are kept, that are in another order are read, that have another
// type make rejects; a file without what a source cannot do without is refused by name.
func TestSchemaDrift(t *testing.T) {
	d := datasetFiles["focus 1.2"]
	run := func(text string, rows int) (Result, string) {
		return runExports(t, runsOf(t, d.exportType, runOf{"e/20261001-20261031/aa", "2026-10-10T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "", text, rows}))
	}
	t.Run("new and re-ordered", func(t *testing.T) {
		res, lake := run("x_New,InvoiceId,EffectiveCost,ChargePeriodStart,BilledCost\nwhat,T1,1.5,2026-10-05,0\n", 1)
		wantUnits(t, res, "2026-10 focus 1 rows")
		row := rawRows(t, lake, "focus_export")[0]
		if row["_extra"] != `{"x_New":"what"}` || row["EffectiveCost"] != "1.5" || row["InvoiceId"] != "T1" {
			t.Errorf("row %v", row)
		}
	})
	t.Run("without a column", func(t *testing.T) {
		res, _ := run("BilledCost,ChargePeriodStart,x_Cost\n0,2026-10-05,1\n", 1)
		wantFailure(t, res, "part_0_0001.csv", "the header lacks EffectiveCost", "headers not known: x_Cost")
	})
	t.Run("another type", func(t *testing.T) {
		res, _ := run("BilledCost,EffectiveCost,ChargePeriodStart\n0,1,2026-10-05\nzero,1,2026-10-05\n", 2)
		wantFailure(t, res, "1 of 2 records cannot be read", `BilledCost: "zero" is no number`, "accept_rejects")
	})
	t.Run("a file of nobody's", func(t *testing.T) {
		res, _ := runExports(t, exportOf(t, map[string]string{"x.csv": "Date,Quantity,MeterId,Tags\n2026-10-01,1,m,\n"}))
		wantFailure(t, res, "x.csv", "as cost_export it lacks CostInBillingCurrency")
	})
}

// No header means two sources.
func TestHeadersAreOfOneSource(t *testing.T) {
	for name, d := range datasetFiles {
		header := csvLines(t, []byte(d.text))[0]
		var sources []string
		for _, s := range exportSources() {
			h, err := readHeader(s, header)
			if err != nil {
				continue
			}
			all := true
			for _, known := range s.exports.known {
				_, ok := h.at[known]
				all = all && ok
			}
			if all {
				sources = append(sources, s.Name)
			}
		}
		if strings.Join(sources, " ") != d.source {
			t.Errorf("%s is recognised by %v", name, sources)
		}
	}
}

// Every column that Microsoft, or somebody who reads its exports, declares of a dataset
// is a column of its source.
func TestDeclaredColumnsOfExportsAreLanded(t *testing.T) {
	for source, patterns := range map[string][]string{
		"cost_export":                        {"azure/examples/finops-toolkit/schemas/a*.json", "data/azure-bq-schema/azure-ea-usage.json"},
		"focus_export":                       {"azure/examples/finops-toolkit/schemas/focus*.json", "data/finops-toolkit/dataset-metadata/*.json", "azure/examples/finops-toolkit/open-data/Focus*.json", "data/azure-bq-schema/azure-focus-1.2.json"},
		"price_sheet_export":                 {"azure/examples/finops-toolkit/schemas/pricesheet*.json"},
		"reservation_details_export":         {"azure/examples/finops-toolkit/schemas/reservationdetails*.json"},
		"reservation_recommendations_export": {"azure/examples/finops-toolkit/schemas/reservationrec*.json"},
		"reservation_transactions_export":    {"azure/examples/finops-toolkit/schemas/reservationtrans*.json"},
	} {
		for _, pattern := range patterns {
			files, err := filepath.Glob(filepath.Join(sharedFolder(t), pattern))
			if err != nil || len(files) == 0 {
				t.Fatalf("no schema %s (%v)", pattern, err)
			}
			for _, file := range files {
				names := declaredColumns(t, file)
				h, err := readHeader(sourceNamed(t, source), names)
				if err != nil {
					t.Errorf("%s: %v", file, err)
				}
				if len(h.at) == len(names) {
					continue
				}
				for _, name := range names {
					if one, _ := readHeader(sourceNamed(t, source), []string{name}); len(one.at) == 0 {
						t.Errorf("%s: %s is no column of %s", filepath.Base(file), name, source)
					}
				}
				if len(h.at) != len(names) {
					t.Logf("%s: %d columns for %d names", filepath.Base(file), len(h.at), len(names))
				}
			}
		}
	}
}

// declaredColumns reads the names out of a schema, of whichever form.
func declaredColumns(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.TrimPrefix(text, byteOrderMark)
	type column struct{ Name, ColumnName string }
	var schema struct {
		Columns    []column
		Translator struct{ Mappings []struct{ Source column } }
	}
	var list []column
	if json.Unmarshal(text, &list) != nil {
		if err := json.Unmarshal(text, &schema); err != nil {
			t.Fatal(err)
		}
		list = schema.Columns
		for _, m := range schema.Translator.Mappings {
			list = append(list, m.Source)
		}
	}
	var names []string
	for _, c := range list {
		names = append(names, c.Name+c.ColumnName)
	}
	if len(names) < 10 {
		t.Fatalf("%s declares %v", file, names)
	}
	return names
}

// A file put beside an export of one scope is of that scope: FOCUS and cost of one month
// must not be taken for two bills.
func TestFilesWithoutManifestAreOfTheScopeBesideThem(t *testing.T) {
	focus := datasetFiles["focus 1.2"]
	run := runOf{"e/20261001-20261031/aa", "2026-10-10T06:10:00Z", "2026-10-01T00:00:00", "2026-10-31T00:00:00", "1.2", focus.text, 2}
	files := run.files(t, "FocusCost")
	files["actual.csv"] = datasetFiles["actual"].text
	res, _ := runExports(t, exportOf(t, files))
	for _, u := range res.Units {
		if u.Scope != testScope {
			t.Errorf("%s is of scope %s, want %s", u.Unit, u.Scope, testScope)
		}
	}
	wantUnits(t, res, "2026-10 actual 2 rows", "2026-10 focus 2 rows")
}
