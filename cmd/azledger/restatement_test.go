package main

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

// What the simulated Azure changed in a closed month is what restatement tells, charge by charge and to the last digit; the
// resources that have another tag since are another owner's, and nothing else is.
func TestWhatAzureRestatedIsTold(t *testing.T) {
	t.Parallel()
	e := newEnterprise(t, 2, 800)
	e.run(0, "run", "--as-of", "2026-11-22")
	if rows := e.rows("select * from restatement"); len(rows) > 0 {
		t.Errorf("the first run restates %v", rows)
	}

	again := azuresim.New(azuresim.Config{
		Seed: 7, Months: 2, Rows: 800, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
		Restated: []azuresim.Restatement{{Month: "2026-10", Account: "ea"}},
	})
	if err := writeExports(context.Background(), again, filepath.Join(e.dir, "exports")); err != nil {
		t.Fatal(err)
	}
	e.run(0, "run", "--as-of", "2026-11-22")
	told := truthOf(t, again).Restatements
	if len(told) != 1 || len(told[0].Changes) == 0 || len(told[0].TaggedDays) == 0 {
		t.Fatalf("the simulated Azure restated %+v", told)
	}
	var changes, tagged [][]string
	for _, c := range told[0].Changes {
		changes = append(changes, []string{c.Day, c.Subscription, c.Delta})
	}
	for _, d := range told[0].TaggedDays {
		tagged = append(tagged, []string{d.Day, told[0].Subscription, d.Cost})
	}
	e.wantRows(`select ChargeDate, SubAccountId, sum(BilledCostDifference) from restatement
		group by all having sum(BilledCostDifference) <> 0 order by all`, adds(t, changes, 2)...)
	e.wantRows(`select ChargeDate, SubAccountId, sum(EffectiveCostAfter) from restatement
		where CostOwner = 'platform' group by all order by all`, adds(t, tagged, 2)...)
	e.wantRows("select distinct Account, What, ChangedBy from restatement", []string{"contoso", "Charges", "Azure"})
	day := e.rows("select ChargeDate, SubAccountId, ServiceName from restatement where CostOwner = 'all' and ChargeCountAfter > 0 order by all limit 1")[0]
	answer := e.explain("restatement", "ChargeDate="+day[0], "SubAccountId="+day[1], "ServiceName="+day[2])
	if answer.Count != 1 || !answer.Matches || answer.pages() == 0 {
		t.Errorf("explain %v: %d rows, matches %v, %d pages of %v", day, answer.Count, answer.Matches, answer.pages(), answer.steps())
	}
	if found := e.rows("select Amount from data_quality where Rule = 'month_restated' and BillingPeriod = '2026-10' and Severity = 'warning'"); len(found) != 1 || !sameNumber(found[0][0], told[0].Delta) {
		t.Errorf("data_quality says %v, want %s", found, told[0].Delta)
	}
}
