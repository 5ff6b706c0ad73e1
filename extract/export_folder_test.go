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

const exportHeader = "Date,CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel,BillingPeriodStartDate\n"

// exportOf writes files below dir; a name ending in manifest.json gets the manifest
// of one file beside it.
func exportOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func costLine(day, cost string) string {
	return fmt.Sprintf("%s,%s,EUR,Usage,OnDemand,10/01/2026\n", day, cost)
}

func exportManifestOf(name, kind, submitted, text string, rows int) string {
	m := map[string]any{
		"blobCount": 1, "byteCount": len(text), "dataRowCount": rows,
		"exportConfig": map[string]any{"type": kind, "resourceId": testScope + "/providers/Microsoft.CostManagement/exports/daily"},
		"runInfo":      map[string]any{"submittedTime": submitted, "runId": submitted, "startDate": "2026-10-01T00:00:00", "endDate": "2026-10-31T00:00:00"},
		"blobs":        []any{map[string]any{"blobName": "root/" + name, "byteCount": len(text), "dataRowCount": rows}},
	}
	out, _ := json.Marshal(m)
	return string(out)
}

func runExports(t *testing.T, dir string) (Result, string) {
	t.Helper()
	lake := t.TempDir()
	res, err := Run(context.Background(), Options{
		Lake: lake, Accounts: []Account{{Name: "contoso", Exports: dir}}, AsOf: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return res, lake
}

func wantUnits(t *testing.T, res Result, want ...string) {
	t.Helper()
	var got []string
	for _, u := range res.Units {
		if u.Err != nil {
			t.Errorf("%s: %v", u.Unit, u.Err)
		}
		got = append(got, fmt.Sprintf("%s %s %d rows", u.Period, u.Dataset, u.Rows))
	}
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("units %q, want %q", got, want)
	}
}

func wantFailure(t *testing.T, res Result, parts ...string) {
	t.Helper()
	failed := res.Failed()
	if len(failed) == 0 {
		t.Fatalf("no unit failed: %+v", res.Units)
	}
	for _, p := range parts {
		if !strings.Contains(failed[0].Err.Error(), p) {
			t.Errorf("error %q does not say %q", failed[0].Err, p)
		}
	}
}

func TestTheNewestCompleteRunOfAPeriodWins(t *testing.T) {
	old := exportHeader + costLine("10/01/2026", "1")
	new := exportHeader + costLine("10/01/2026", "1") + costLine("10/02/2026", "2")
	res, _ := runExports(t, exportOf(t, map[string]string{
		"e/20261001-20261031/202610020400/aa/part_0.csv":    new,
		"e/20261001-20261031/202610020400/aa/manifest.json": exportManifestOf("e/20261001-20261031/202610020400/aa/part_0.csv", "ActualCost", "2026-10-02T04:00:00Z", new, 2),
		"e/20261001-20261031/202610010400/bb/part_0.csv":    old,
		"e/20261001-20261031/202610010400/bb/manifest.json": exportManifestOf("e/20261001-20261031/202610010400/bb/part_0.csv", "ActualCost", "2026-10-01T04:00:00Z", old, 1),
		"e/20261001-20261031/202610030400/cc/part_0.csv":    exportHeader + costLine("10/01/2026", "7"), // still being written: no manifest
	}))
	wantUnits(t, res, "2026-10 actual 2 rows")
}

func TestARunStillBeingWrittenIsIgnoredEvenIfItIsTheFirst(t *testing.T) {
	res, _ := runExports(t, exportOf(t, map[string]string{
		"e/20261001-20261031/202610030400/cc/part_0.csv": exportHeader + costLine("10/01/2026", "7"),
	}))
	wantUnits(t, res)
}

func TestARunWithoutManifestIsNamedOnceAndAWholeOneIsNot(t *testing.T) {
	dir := exportOf(t, map[string]string{
		"e/20261001-20261031/202610030400/cc/part_0.csv": exportHeader + costLine("10/01/2026", "7"),
		"e/20261001-20261031/202610030400/cc/part_1.csv": exportHeader + costLine("10/02/2026", "7"),
	})
	whole := runsOf(t, "ActualCost", runOf{"e/20261101-20261130/202611030400/dd", "2026-11-03T04:00:00Z", "2026-11-01T00:00:00", "2026-11-30T00:00:00", "", exportHeader + costLine("11/01/2026", "1"), 1})
	if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	folder, err := openExportDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := newestRuns(t.Context(), folder, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil || len(runs) != 1 {
		t.Fatalf("error %v, runs %v; want November's", err, runs)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "folder=e/20261001-20261031/202610030400/cc") {
		t.Errorf("log %q, want one line about October's folder", text)
	}
}

func TestFilesDownloadedByHandAreOneRun(t *testing.T) {
	res, _ := runExports(t, exportOf(t, map[string]string{
		"actual-a.csv": "\xef\xbb\xbf" + exportHeader + costLine("10/01/2026", "1"),
		"actual-b.csv": exportHeader + costLine("10/02/2026", "2") + costLine("10/02/2026", "3"),
		"c.csv":        exportHeader + "10/02/2026,1,EUR,UnusedReservation,Reservation,10/01/2026\n",
	}))
	wantUnits(t, res, "2026-10 actual 3 rows", "2026-10 amortized 1 rows")
}

func TestTheSameDownloadTwiceIsRefused(t *testing.T) {
	text := exportHeader + costLine("10/01/2026", "1")
	res, _ := runExports(t, exportOf(t, map[string]string{"a.csv": text, "a (1).csv": text}))
	wantFailure(t, res, "a (1).csv", "a.csv", "100% of their lines in common")
}

func TestAnExportWithoutManifestCountsItsNewestFileOnly(t *testing.T) {
	dir := exportOf(t, map[string]string{
		"daily/20261001-20261031/daily_1.csv": exportHeader + costLine("10/01/2026", "1"),
		"daily/20261001-20261031/daily_2.csv": exportHeader + costLine("10/01/2026", "1") + costLine("10/02/2026", "1"),
	})
	older := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "daily/20261001-20261031/daily_1.csv"), older, older); err != nil {
		t.Fatal(err)
	}
	res, _ := runExports(t, dir)
	wantUnits(t, res, "2026-10 actual 2 rows")
}

func TestCountsOfTheManifestAreHeld(t *testing.T) {
	text := exportHeader + costLine("10/01/2026", "1")
	name := "e/20261001-20261031/x/part_0.csv"
	manifest := exportManifestOf(name, "ActualCost", "2026-10-02T04:00:00Z", text, 1)
	for _, c := range []struct{ what, manifest, text, says string }{
		{"rows", exportManifestOf(name, "ActualCost", "2026-10-02T04:00:00Z", text, 5), text, "announces 5 rows, it has 1"},
		{"bytes", manifest, text + costLine("10/02/2026", "2"), "should have"},
		{"files", strings.Replace(manifest, `"blobCount":1`, `"blobCount":2`, 1), text, "announces 2 files and lists 1"},
	} {
		t.Run(c.what, func(t *testing.T) {
			res, _ := runExports(t, exportOf(t, map[string]string{name: c.text, "e/20261001-20261031/x/manifest.json": c.manifest}))
			wantFailure(t, res, "manifest", c.says)
		})
	}
	t.Run("missing file", func(t *testing.T) {
		res, _ := runExports(t, exportOf(t, map[string]string{"e/20261001-20261031/x/manifest.json": manifest}))
		wantFailure(t, res, "lists root/"+name, "not there")
	})
}

func TestAnUnchangedExportIsNotReadAgain(t *testing.T) {
	text := exportHeader + costLine("10/01/2026", "1")
	name := "e/20261001-20261031/x/part_0.csv"
	dir := exportOf(t, map[string]string{name: text, "e/20261001-20261031/x/manifest.json": exportManifestOf(name, "AmortizedCost", "2026-10-02T04:00:00Z", text, 1)})
	o := Options{Lake: t.TempDir(), Accounts: []Account{{Name: "contoso", Exports: dir}}, AsOf: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)}
	mustRun(t, o)
	for _, u := range mustRun(t, o).Units {
		if !u.Unchanged || u.Rows != 1 {
			t.Errorf("%s: unchanged %v, %d rows", u.Unit, u.Unchanged, u.Rows)
		}
	}
}

func TestABadExportFileSaysWhichAndWhatToDo(t *testing.T) {
	for _, c := range []struct{ what, name, text, says string }{
		{"not a cost export", "x.csv", "a,b\n1,2\n", "is of no export that is known"},
		{"empty file", "x.csv", "", "empty"},
		{"header only", "x.csv", exportHeader, "no rows"},
		{"two months", "x.csv", exportHeader + costLine("10/01/2026", "1") + "11/01/2026,1,EUR,Usage,OnDemand,11/01/2026\n", "one month per file"},
		{"no parquet", "x.parquet", "hello", "no Parquet file"},
	} {
		t.Run(c.what, func(t *testing.T) {
			res, _ := runExports(t, exportOf(t, map[string]string{c.name: c.text}))
			wantFailure(t, res, c.name, c.says)
		})
	}
}

func TestDownloadsThatOverlapAreRefused(t *testing.T) {
	var whole, tail strings.Builder
	for i := range 600 {
		whole.WriteString(costLine("10/01/2026", fmt.Sprint(i)))
		if i >= 500 {
			tail.WriteString(costLine("10/01/2026", fmt.Sprint(i)))
		}
	}
	res, _ := runExports(t, exportOf(t, map[string]string{"whole.csv": exportHeader + whole.String(), "tail.csv": exportHeader + tail.String()}))
	wantFailure(t, res, "whole.csv", "tail.csv", "counted twice")
}

// A cost that is no number, or nothing, is no evidence that a file is amortized cost:
// one odd cell must not make of the actual file a second amortized one.
func TestOddCostsAreNoEvidence(t *testing.T) {
	covered := func(cost string) string { return "10/02/2026," + cost + ",EUR,Usage,Reservation,10/01/2026\n" }
	for _, odd := range []string{"-0", `"1,5"`, "NaN", "0.00", "0E-10"} {
		res, _ := runExports(t, exportOf(t, map[string]string{
			"a.csv": exportHeader + covered("0") + covered(odd) + costLine("10/02/2026", "7"),
			"b.csv": exportHeader + covered("0.5"),
		}))
		for _, u := range res.Units {
			if rows := map[string]int64{"actual": 3, "amortized": 1}[u.Dataset]; u.Rows+u.Rejects != rows {
				t.Errorf("cost %s: %s has %d rows and %d rejects, want %d in all: %v", odd, u.Unit, u.Rows, u.Rejects, rows, u.Err)
			}
		}
	}
}

func TestAFileThatCouldBeEitherIsRefused(t *testing.T) {
	res, _ := runExports(t, exportOf(t, map[string]string{
		"part_0.csv": exportHeader + "10/02/2026,1,EUR,UnusedReservation,Reservation,10/01/2026\n",
		"part_1.csv": exportHeader + costLine("10/02/2026", "2"),
	}))
	wantFailure(t, res, "part_1.csv", "do not tell", "into its name")
}

func TestAFolderWithoutExportsIsAMistake(t *testing.T) {
	res, _ := runExports(t, exportOf(t, map[string]string{"readme.txt": "exports are elsewhere"}))
	wantFailure(t, res, "there is no export file", "manifest.json")
}
