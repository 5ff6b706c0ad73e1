package extract

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"
)

// A query's answer is what Azure says the scope costs on each day: the figure that the
// line items of usage_details or of an export must add up to.
//
// What is odd about it:
//   - Rows are arrays, in the order of properties.columns, see json_rows.go.
//   - The day is a number: 20180331. Grouped by month it is BillingMonth, a text.
//   - A day's charges count on their day, not in the period that bills them: a late charge
//     of an enrollment is in the next billing period and here still on its day.
//   - The amount is the column Cost, but for old pay-as-you-go scopes, which refuse that
//     with 400 and know PreTaxCost.
//   - Currency comes as a column without being asked for. Where profiles have different
//     ones, a day has a row for each.
//   - properties.nextLink is followed with POST and the same body.
//   - 204 means that nothing was spent.
//   - A call costs a processing unit for each month that it ranges over, of 12 in ten
//     seconds for the tenant. A closed month is asked for once, an open one every day.
var _ = register(&Source{
	Name:       "query",
	API:        "Cost Management query",
	Version:    costAPIVersion,
	Agreements: []string{ea, mca, mosp, mpa},
	Role:       "Cost Management Reader; EnrollmentReader on an enrollment; Billing account reader on an MCA account",
	Feeds:      "stg_query; proof that a month's charges are complete",
	Status:     "current",
	Columns:    queryColumns(),
	dateColumn: "UsageDate",
	standard:   hasCosts,
	plan:       planQuery,
})

const costAPIVersion = "2023-11-01"

func queryColumns() []Column {
	columns := fields(Date, "UsageDate", "BillingMonth")
	columns = append(columns, fields(Decimal, "Cost", "PreTaxCost", "CostUSD", "PreTaxCostUSD")...)
	return append(columns, fields(Text, "Currency")...)
}

// costTypes are the two views of the same charges.
var costTypes = map[string]string{"actual": "ActualCost", "amortized": "AmortizedCost"}

func planQuery(ctx context.Context, r *run, a Account) ([]task, error) {
	unit := Unit{Source: "query", Account: a.Name, Scope: a.Scope}
	var refused atomic.Bool // Cost, by this scope
	datasets := []string{"actual", "amortized"}
	if a.Agreement == mosp {
		return r.perBillingPeriod(ctx, unit, datasets, func(u Unit, _ string, from, to time.Time) task {
			return queryTask(u, from, to, &refused)
		})
	}
	return r.monthly(ctx, unit, datasets, func(u Unit, month time.Time) task {
		t := queryTask(u, month, lastDay(month), &refused)
		t.month = month
		return t
	})
}

// queryTask asks for Cost and, where the scope does not know that, for PreTaxCost. A page
// landed means that it does.
func queryTask(u Unit, from, to time.Time, refused *atomic.Bool) task {
	return task{Unit: u, asks: request{API: queryAPI, Scope: u.Scope}, fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
		var first error
		if !refused.Load() {
			pages, err := costQuery(u, "Cost", from, to).fill(ctx, r, u, l, progress)
			if pages > 0 || !isBadRequest(err) {
				return pages, err
			}
			first = err
		}
		pages, err := costQuery(u, "PreTaxCost", from, to).fill(ctx, r, u, l, progress)
		if first != nil && isBadRequest(err) {
			return pages, first // it was not the column
		}
		refused.Store(refused.Load() || err == nil)
		return pages, err
	}}
}

// A costQuestion is the body of a query and of a forecast.
type costQuestion struct {
	Type       string       `json:"type"`
	Timeframe  string       `json:"timeframe"`
	TimePeriod costPeriod   `json:"timePeriod"`
	Dataset    costGrouping `json:"dataset"`
	// Forecasts only.
	IncludeActualCost       *bool `json:"includeActualCost,omitempty"`
	IncludeFreshPartialCost *bool `json:"includeFreshPartialCost,omitempty"`
}

type costPeriod struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type costGrouping struct {
	Granularity string             `json:"granularity"`
	Aggregation map[string]costSum `json:"aggregation"`
}

type costSum struct {
	Name     string `json:"name"`
	Function string `json:"function"`
}

// costPerDay asks for the sum of a column for each day from one to another, both included.
func costPerDay(kind, column string, from, to time.Time) costQuestion {
	return costQuestion{
		Type: kind, Timeframe: "Custom",
		TimePeriod: costPeriod{From: day(from) + "T00:00:00+00:00", To: day(to) + "T23:59:59+00:00"},
		Dataset:    costGrouping{Granularity: "Daily", Aggregation: map[string]costSum{"totalCost": {column, "Sum"}}},
	}
}

func costQuery(u Unit, column string, from, to time.Time) pull {
	p := costTable(u.Scope, "query", costPerDay(costTypes[u.Dataset], column, from, to))
	p.absent = notFound // a month before the account began
	return p
}

// costTable is a call whose answer is a table. It costs a unit for each month.
func costTable(scope, operation string, question costQuestion) pull {
	body, err := json.Marshal(question)
	if err != nil {
		panic(err) // a struct of texts
	}
	return pull{
		first: request{
			API: queryAPI, Scope: scope, Units: 1, Method: http.MethodPost, Body: body,
			URL: query(scope+"/providers/Microsoft.CostManagement/"+operation, "api-version", costAPIVersion),
		},
		shape: jsonShape{Rows: "properties.rows", Columns: "properties.columns", Next: "properties.nextLink"},
	}
}
