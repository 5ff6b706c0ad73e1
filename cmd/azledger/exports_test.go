package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// However Cost Management was told to write them, the same charges come out.
func TestExportsInEveryFormAddUpToTheSameBill(t *testing.T) {
	t.Parallel()
	sim := azuresim.New(azuresim.Config{Seed: 5, Months: 2, Rows: 2000, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	truth := truthOf(t, sim)
	for name, o := range map[string]azuresim.ExportOptions{
		"csv in parts":                        {Account: "ea", Format: "csv", Layout: "create_new", RowsPerPart: 300},
		"csv.gz":                              {Account: "ea", Format: "csv.gz", Layout: "create_new"},
		"parquet":                             {Account: "ea", Format: "parquet", Layout: "overwrite"},
		"manifest of the old layout":          {Account: "ea", Format: "csv", Layout: "legacy"},
		"no manifest, old layout":             {Account: "ea", Format: "csv", Layout: "legacy_single"},
		"an older run, and one being written": {Account: "ea", Format: "csv.gz", Layout: "create_new", OlderRun: true, Incomplete: true},
		"customer agreement":                  {Account: "mca", Format: "csv", Layout: "create_new", RowsPerPart: 300},
		"customer agreement, parquet":         {Account: "mca", Format: "parquet", Layout: "create_new"},
		"FOCUS 1.2":                           {Account: "ea", Datasets: []string{"focus-1.2"}, Format: "csv.gz"},
		"FOCUS 1.0-preview, parquet":          {Account: "ea", Datasets: []string{"focus-1.0-preview"}, Format: "parquet"},
		"FOCUS 1.0, customer agreement":       {Account: "mca", Datasets: []string{"focus-1.0"}, RowsPerPart: 300},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t, "", "    exports: exports\nperiods: { history: 2 }\n")
			if err := sim.WriteExports(context.Background(), filepath.Join(l.dir, "exports"), o); err != nil {
				t.Fatal(err)
			}
			l.run(0, "run", "--as-of", "2026-11-22")
			var want [][]string
			for _, p := range truth.Periods {
				if p.Account == o.Account {
					want = append(want, []string{p.Period, p.Currency, p.Actual.Cost, p.Amortized.Cost})
				}
			}
			l.wantRows(`select cast(BillingPeriodStart as varchar)[1:7], BillingCurrency, sum(BilledCost), sum(EffectiveCost)
				from cost_and_usage group by all order by all`, adds(t, want, 2)...)
			l.wantRows("select count(*) from data_quality where Rule = 'rejected_rows'", []string{"0"})
		})
	}
}
