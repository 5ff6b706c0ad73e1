package extract

import (
	"context"
	"slices"
)

// Reservation recommendations of Enterprise Reporting say which reservations would have
// saved money, judged by the last 7, 30 or 60 days.
//
// What is odd about them:
//   - Shared and single recommendations are two operations; only single ones name a
//     subscription.
//   - instanceFlexibilityRatio and recommendedQuantityNormalized are numbers here and
//     the ratio is text in usage.
var _ = register(&Source{
	Name:       "ea_reservation_recommendations",
	API:        "Enterprise Reporting Shared- and SingleReservationRecommendations",
	Version:    enterpriseVersion,
	Agreements: []string{ea},
	Role:       enterpriseRole,
	Feeds:      "archives; reservation_recommendations has it since",
	Status:     statusRetired,
	Successor:  "reservation_recommendations",
	Columns: slices.Concat(
		fields(Decimal, "costWithNoRI", "recommendedQuantity", "totalCostWithRI", "netSavings", "instanceFlexibilityRatio", "recommendedQuantityNormalized"),
		fields(Date, "firstUsageDate"),
		fields(Text, "subscriptionId", "lookBackPeriod", "meterId", "skuName", "term", "region", "resourceType", "instanceFlexibilityGroup", "normalizedSize", "currencyCode"),
		fields(JSONText, "skuProperties")),
	Instead:  onlyEnrollments,
	standard: onRequest,
	plan:     planOldRecommendations,
})

// oldRecommendations are the operations and look-back periods, by the name of the dataset.
var oldRecommendations = []struct{ dataset, operation, days string }{
	{"shared_7", "Shared", "7"},
	{"shared_30", "Shared", "30"},
	{"shared_60", "Shared", "60"},
	{"single_7", "Single", "7"},
	{"single_30", "Single", "30"},
	{"single_60", "Single", "60"},
}

func planOldRecommendations(_ context.Context, _ *run, a Account) ([]task, error) {
	api := reportingAPI{source: "ea_reservation_recommendations", shape: jsonShape{Rows: wholeArray}}
	var tasks []task
	for _, o := range oldRecommendations {
		call, err := api.call(a, query("/"+o.operation+"ReservationRecommendations", "lookBackPeriod", o.days))
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, call.task(Unit{Source: api.source, Account: a.Name, Scope: a.Scope, Period: allPeriods, Dataset: o.dataset}))
	}
	return tasks, nil
}
