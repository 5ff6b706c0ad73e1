package extract

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// A forecast is what Azure expects a scope to cost on each day to the end of the next month.
//
// What is odd about it:
//   - Its answer is a table like that of a query, with the column CostStatus: Actual for
//     the days that were asked for along with the forecast, Forecast for those to come. A day
//     that is under way can have both.
//   - Where there are not four weeks of history, or costs in several currencies, it answers
//     424 FailedDependency or 204: there is no forecast, which is no failure of the run.
//   - A customer agreement's account can have profiles of several currencies, so each
//     billing profile is asked.
//   - It costs a processing unit for each month, and only goes by days with Custom.
//   - What it said last month is gone today. The lake files it under the month it was made in.
var _ = register(&Source{
	Name:       "forecast",
	API:        "Cost Management forecast",
	Version:    costAPIVersion,
	Agreements: []string{ea, mca, mosp},
	Role:       "Cost Management Reader; EnrollmentReader on an enrollment; Billing profile reader on an MCA account",
	Feeds:      "stg_forecast",
	Status:     "current",
	Instead: map[string]string{
		mpa: "a partner agreement has no forecast of its own: Azure forecasts each customer's subscriptions; add the subscription as an account",
	},
	Columns:  forecastColumns(),
	standard: hasCosts,
	plan:     planForecast,
})

func forecastColumns() []Column {
	return append(queryColumns(), fields(Text, "CostStatus")...)
}

// planForecast plans the open month and the next: nothing else can be forecast.
func planForecast(ctx context.Context, r *run, a Account) ([]task, error) {
	open := monthOf(r.o.AsOf)
	if !r.o.Periods.contains(open.Format(monthLayout)) {
		return nil, nil
	}
	scopes, err := r.profileScopes(ctx, a)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, scope := range scopes {
		u := Unit{Source: "forecast", Account: a.Name, Scope: scope, Period: open.Format(monthLayout), Dataset: "actual"}
		tasks = append(tasks, forecastTask(u, open))
	}
	return tasks, nil
}

func forecastTask(u Unit, open time.Time) task {
	return task{Unit: u, asks: request{API: queryAPI, Scope: u.Scope, Units: 2}, fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
		pages, err := costForecast(u, "Cost", open).fill(ctx, r, u, l, progress)
		if pages == 0 && isBadRequest(err) {
			var again error
			if pages, again = costForecast(u, "PreTaxCost", open).fill(ctx, r, u, l, progress); !isBadRequest(again) {
				err = again
			}
		}
		if err == nil && l.landed.Rows == 0 {
			err = fmt.Errorf("%w: Azure makes no forecast, it has too little history of this scope", errAbsent)
		}
		if errors.Is(err, errAbsent) {
			r.log.Info("no forecast", "unit", u.String(), "scope", u.Scope, "because", err)
		}
		return pages, err
	}}
}

func costForecast(u Unit, column string, open time.Time) pull {
	question := costPerDay(costTypes[u.Dataset], column, open, lastDay(open.AddDate(0, 1, 0)))
	yes := true
	question.IncludeActualCost, question.IncludeFreshPartialCost = &yes, &yes
	p := costTable(u.Scope, "forecast", question)
	p.first.Units = 2
	p.absent = noForecast
	return p
}

func noForecast(e *APIError) bool {
	return notFound(e) || e.Status == http.StatusFailedDependency
}
