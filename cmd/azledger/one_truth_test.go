package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// The same month comes from several sources here. Whichever of them are read, the charges are the
// same, each counts once, and the ledger says which source it took and why.

// A supply is what an account is read from: datasets exported to its folder, and sources read.
type supply struct {
	account string // ea or mca
	exports []string
	sources []string
	spoil   func(dir string) // does something to the exported files, which then have no manifests
}

// supplied runs a ledger over a small simulated enterprise that is supplied so.
func supplied(t *testing.T, s supply) ledger {
	t.Helper()
	sim := azuresim.New(azuresim.Config{Seed: 11, Months: 2, Rows: 400, Complete: true, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	server, err := serve(context.Background(), sim, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.close() })
	scope := map[string]string{"ea": azuresim.EnrollmentPath, "mca": azuresim.CustomerPath}[s.account]
	l := newLedger(t, server.url, fmt.Sprintf("    scope: %s\n    sources: [%s]\n    exports: exports\nperiods: { history: 2 }\n", scope, strings.Join(s.sources, ", ")))
	options := azuresim.ExportOptions{Account: s.account, Datasets: s.exports, Format: "csv"}
	if s.spoil != nil {
		options.Layout = "legacy_single"
	}
	dir := filepath.Join(l.dir, "exports")
	if err := sim.WriteExports(t.Context(), dir, options); err != nil {
		t.Fatal(err)
	}
	if s.spoil != nil {
		s.spoil(dir)
	}
	l.run(0, "run", "--as-of", "2026-11-22")
	return l
}

// charges are the published costs, as finely as sources can be compared.
func (l ledger) charges() [][]string {
	l.t.Helper()
	rows := l.rows(`select cast(BillingPeriodStart as date), cast(ChargePeriodStart as date), coalesce(SubAccountId, ''), ServiceName, ChargeCategory, BillingCurrency,
		sum(BilledCost), sum(EffectiveCost), count(*) from cost_and_usage group by all order by all`)
	if len(rows) < 50 {
		l.t.Fatalf("there are only %d rows of charges", len(rows))
	}
	return rows
}

// chosen are the units of cost records with what became of them.
func (l ledger) chosen() [][]string {
	return l.rows(`select distinct Source, Dataset, IsUsed, UsedReason from source_completeness where IsCost order by all`)
}

func TestOneMonthFromSeveralSources(t *testing.T) {
	t.Parallel()
	pair := []string{"actual", "amortized"}
	want := map[string][][]string{}
	for _, account := range []string{"ea", "mca"} {
		want[account] = supplied(t, supply{account: account, exports: pair, sources: []string{"cost_export", "query"}}).charges()
	}
	for _, c := range []struct {
		name   string
		supply supply
		chosen [][]string
	}{
		{"exports and reports", supply{account: "ea", exports: pair, sources: []string{"cost_export", "cost_details", "query"}}, [][]string{
			{"cost_details", "actual", "false", "the export of the same scope counts"},
			{"cost_details", "amortized", "false", "the export of the same scope counts"},
			{"cost_export", "actual", "true", "counts"},
			{"cost_export", "amortized", "true", "counts"},
		}},
		{"FOCUS", supply{account: "ea", exports: []string{"focus-1.2"}, sources: []string{"focus_export", "query"}}, [][]string{
			{"focus_export", "focus", "true", "counts"},
		}},
		{"FOCUS of billing profiles", supply{account: "mca", exports: []string{"focus-1.2-preview"}, sources: []string{"focus_export", "query"}}, [][]string{
			{"focus_export", "focus", "true", "counts"},
		}},
		{"FOCUS and actual cost", supply{account: "ea", exports: []string{"focus-1.0", "actual"}, sources: []string{"focus_export", "cost_export", "query"}}, [][]string{
			{"cost_export", "actual", "false", "the FOCUS export of the same scope counts, which has both actual and amortized cost"},
			{"focus_export", "focus", "true", "counts"},
		}},
		{"actual cost and reports", supply{account: "mca", exports: []string{"actual"}, sources: []string{"cost_export", "cost_details", "query"}}, [][]string{
			{"cost_details", "actual", "true", "counts"},
			{"cost_details", "amortized", "true", "counts"},
			{"cost_export", "actual", "false", "the cost details report of the same scope counts, which has both actual and amortized cost"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := supplied(t, c.supply)
			if diff := cmp.Diff(c.chosen, l.chosen()); diff != "" {
				t.Errorf("which source counts (-want +got):\n%s", diff)
			}
			same := cmp.Comparer(func(a, b string) bool { return a == b || sameNumber(a, b) })
			if diff := cmp.Diff(want[c.supply.account], l.charges(), same); diff != "" {
				t.Errorf("charges (-exports +%s):\n%s", c.name, diff)
			}
			l.isWhole()
		})
	}
}

// isWhole holds every unit to what Azure announced and to what it adds up itself: two closed sums and
// two open ones in each currency, all of them equal.
func (l ledger) isWhole() {
	l.t.Helper()
	l.wantRows("select count(*) from source_completeness where IsShort or State <> 'complete'", []string{"0"})
	l.wantRows("select count(*) from data_quality where Rule = 'cost_differs_from_query'", []string{"0"})
	l.wantRows("select count(*) from source_completeness_cost where IsUsed and (IsEqual is distinct from true)", []string{"0"})
	compared := l.rows("select distinct BillingPeriod, CostType, ExpectedFrom from source_completeness_cost where IsUsed order by all")
	want := [][]string{{"2026-10", "actual", "query"}, {"2026-10", "amortized", "query"}, {"2026-11", "actual", "query"}, {"2026-11", "amortized", "query"}}
	if !slices.EqualFunc(want, compared, slices.Equal) {
		l.t.Errorf("compared with Azure's sums: %v, want %v", compared, want)
	}
}

// TestCostThatIsMissingIsSaid takes a day out of an exported month. No manifest counts the lines, but
// Azure's own sum has the day.
func TestCostThatIsMissingIsSaid(t *testing.T) {
	t.Parallel()
	const day = "10/12/2026"
	taken := 0
	l := supplied(t, supply{account: "ea", exports: []string{"actual", "amortized"}, sources: []string{"cost_export", "query"}, spoil: func(dir string) {
		for _, file := range exportedFiles(t, dir) {
			taken += takeLines(t, file, day)
		}
	}})
	if taken < 10 {
		t.Fatalf("took only %d lines", taken)
	}
	l.wantRows(`select Subject, Severity, cast(FirstDay as varchar), cast(LastDay as varchar), cast(Amount < 0 as varchar) from data_quality
		where Rule = 'cost_differs_from_query' order by 1`,
		[]string{"cost_export actual EUR", "error", "2026-10-12", "2026-10-12", "true"},
		[]string{"cost_export amortized EUR", "error", "2026-10-12", "2026-10-12", "true"})
	l.wantRows("select count(*) from data_quality where Rule = 'missing_day' and FirstDay <= '2026-10-12' and LastDay >= '2026-10-12'", []string{"1"})
}

func exportedFiles(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".csv") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// takeLines removes the lines of a file that hold a text.
func takeLines(t *testing.T, file, text string) (taken int) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, text) {
			taken++
			continue
		}
		kept = append(kept, line)
	}
	if err := os.WriteFile(file, []byte(strings.Join(kept, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return taken
}
