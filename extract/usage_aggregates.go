package extract

import (
	"context"
	"slices"
	"time"
)

// Usage aggregates are the quantities a pay-as-you-go subscription used, by the hour or the
// day. They have no cost, so they are read on request only: usage details have both.
//
// What is odd about them:
//   - The range is of the times at which billing got to know of the usage, end exclusive,
//     and not of the usage. A record of October 31 that came late is in November's range. So
//     a unit is a month of reporting, which does not change once it is over, and staging
//     goes by usageStartTime.
//   - Daily wants both times at midnight in UTC; times are given as
//     2026-10-01T00%3a00%3a00%2b00%3a00.
//   - A range that is not worked out yet is answered with 202 and a body that looks like an
//     error. It is asked for again for some minutes.
//   - instanceData is JSON in a text: "{\"Microsoft.Resources\":{\"resourceUri\":…}}".
//     Staging reads it.
//   - infoFields is an object that only classic services fill: {"project":"…"}.
//   - The link to the next page repeats the request with a continuationToken.
var _ = register(&Source{
	Name:       "usage_aggregates",
	API:        "Commerce UsageAggregates",
	Version:    commerceVersion,
	Agreements: []string{mosp},
	Role:       "Reader on the subscription",
	Feeds:      "stg_usage_aggregates: quantities by the hour",
	Status:     "current",
	Columns:    usageAggregateColumns(),
	Instead: map[string]string{
		ea:  "only pay-as-you-go subscriptions have usage by the hour: an enrollment's is in usage_details and cost_export by the day",
		mca: "only pay-as-you-go subscriptions have usage by the hour: a customer agreement's is in usage_details and cost_export by the day",
		mpa: "only pay-as-you-go subscriptions have usage by the hour: a partner agreement's is in usage_details and cost_export by the day",
	},
	standard: onRequest,
	plan:     planUsageAggregates,
})

const (
	commerceVersion = "2015-06-01-preview"
	commerceAPI     = "commerce"
)

func usageAggregateColumns() []Column {
	columns := resource()
	columns = append(columns, properties(Text, "subscriptionId", "meterId", "meterName", "meterCategory", "meterSubCategory", "meterRegion", "unit")...)
	columns = append(columns, properties(Instant, "usageStartTime", "usageEndTime")...)
	columns = append(columns, properties(Decimal, "quantity")...)
	columns = append(columns, unique(properties(JSONText, "instanceData"))...)
	return append(columns, properties(JSONText, "infoFields")...)
}

var granularities = map[string]string{"daily": "Daily", "hourly": "Hourly"}

func planUsageAggregates(ctx context.Context, r *run, a Account) ([]task, error) {
	unit := Unit{Source: "usage_aggregates", Account: a.Name, Scope: a.Scope}
	tasks, err := r.monthly(ctx, unit, []string{"daily", "hourly"}, func(u Unit, month time.Time) task {
		return usageAggregates(a.Scope, month, r.reportedUntil(month), u.Dataset).task(u)
	})
	return slices.DeleteFunc(tasks, func(t task) bool {
		return r.o.AsOf.Day() == 1 && t.Period == r.o.AsOf.Format(monthLayout) // nothing was reported yet
	}), err
}

// reportedUntil is where the range of a month ends: with the month, or with yesterday, as
// today is still being reported.
func (r *run) reportedUntil(month time.Time) time.Time {
	today := time.Date(r.o.AsOf.Year(), r.o.AsOf.Month(), r.o.AsOf.Day(), 0, 0, 0, 0, time.UTC)
	if end := month.AddDate(0, 1, 0); end.Before(today) {
		return end
	}
	return today
}

func usageAggregates(scope string, from, to time.Time, dataset string) pull {
	const midnight = "T00%3a00%3a00%2b00%3a00"
	url := scope + "/providers/Microsoft.Commerce/UsageAggregates?api-version=" + commerceVersion +
		"&reportedStartTime=" + day(from) + midnight + "&reportedEndTime=" + day(to) + midnight +
		"&aggregationGranularity=" + granularities[dataset] + "&showDetails=true"
	return consumptionList(commerceAPI, scope, url)
}
