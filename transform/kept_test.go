package transform

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// change says what a day of a closed month costs more than when it was signed off.
const change = `-- change is what a month costs more than it did.
--
-- reads:  cost_daily, closed_cost_daily, previous_cost_daily
-- grain:  BillingPeriodStart, BillingCurrency
-- period: BillingPeriodStart
--
-- column BillingPeriodStart  date             first day of the billing period
-- column BillingCurrency     varchar          ISO 4217
-- column Closed              decimal(38, 18)  as signed off
-- column Previous            decimal(38, 18)  as of the run before
-- column LineCount           bigint           lines as signed off
select
    d.BillingPeriodStart,
    d.BillingCurrency,
    cast((select sum(c.BilledCost) from closed_cost_daily as c) as decimal(38, 18)) as Closed,
    cast((select sum(p.BilledCost) from previous_cost_daily as p) as decimal(38, 18)) as Previous,
    cast((select sum(c.LineCount) from closed_cost_daily as c) as bigint) as LineCount
from (select distinct BillingPeriodStart, BillingCurrency from cost_daily) as d
`

// keptLake is a lake of two months with a model that reads what is kept.
func keptLake(t *testing.T) *lake {
	l := newLake(t)
	l.models["marts/change.sql"] = tinyModels(map[string]string{"marts/change.sql": ""})["marts/change.sql"]
	l.models["marts/change.sql"].Data = []byte(change)
	l.unit("2026-08", lines("2026-08", 3))
	l.unit("2026-09", lines("2026-09", 3))
	return l
}

func (l *lake) kept(relation, period, query string) Kept {
	l.t.Helper()
	f := l.parquet(filepath.Join(l.dir, "kept", period), relation, query)
	return Kept{
		Relation: relation, Table: "cost_daily", Period: period, Path: "kept/" + period + "/" + f.Path,
		Rows: f.Rows, Bytes: f.Bytes, SHA256: f.SHA256,
	}
}

func TestKeptRowsAreReadByPeriodWithTheColumnsOfToday(t *testing.T) {
	l := keptLake(t)
	o := l.options()
	l.run(o)
	if diff := cmp.Diff([]string{"2026-08-01   ", "2026-09-01   "}, l.query("select BillingPeriodStart, Closed, Previous, LineCount from change")); diff != "" {
		t.Errorf("nothing kept (-want +got):\n%s", diff)
	}
	// LineCount is not there yet, Gone no longer, and a whole number was enough then.
	o.Kept = []Kept{
		l.kept(Closed, "2026-08", "select 7 as BilledCost, 'x' as Gone"),
		l.kept(Closed, "2026-07", "select 1000::decimal(38, 18) as BilledCost"),
		l.kept(Previous, "", "select 0.000000000000000001::decimal(38, 18) as BilledCost, 5 as LineCount"),
	}
	r := l.run(o)
	wantOutcomes(t, r, Built, "change 2026-07", "change 2026-08", "change 2026-09")
	want := []string{"2026-08-01 7.000000000000000000 0.000000000000000001 ", "2026-09-01  0.000000000000000001 "}
	if diff := cmp.Diff(want, l.query("select BillingPeriodStart, Closed, Previous, LineCount from change")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if r := l.run(o); len(outcomes(r, Built)) > 0 {
		t.Errorf("built again: %v", outcomes(r, Built))
	}
	o.Kept[0] = l.kept(Closed, "2026-08", "select 8 as BilledCost")
	wantOutcomes(t, l.run(o), Built, "change 2026-08")
}

func TestDamagedKeptFileIsRefused(t *testing.T) {
	l := keptLake(t)
	o := l.options()
	o.Kept = []Kept{l.kept(Closed, "2026-08", "select 7 as BilledCost")}
	path := filepath.Join(l.dir, o.Kept[0].Path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	l.writeText(path, string(text))
	_, err = Run(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "azledger verify") {
		t.Errorf("got error %v", err)
	}
}

func TestKeptIsChecked(t *testing.T) {
	for _, c := range []struct {
		kept Kept
		want string
	}{
		{Kept{Relation: "older", Path: "x"}, `x: kept as "older"; there are closed and previous`},
		{Kept{Relation: Closed, Path: "x", Period: "all"}, `x: kept for the period "all", which is not yyyy-mm`},
		{Kept{Relation: Closed, Path: "../x"}, "../x: kept, but not below the lake"},
	} {
		l := keptLake(t)
		o := l.options()
		o.Kept = []Kept{c.kept}
		if _, err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got error %v, want %q", err, c.want)
		}
	}
}
