package extract

import (
	"context"
	"slices"
	"strings"
)

// Reservation recommendations say how many of what to reserve, and what that would have
// saved in the look-back period.
//
// What is odd about them:
//   - Each answer is for one scope, resource type and look-back period, with defaults
//     (Single, VirtualMachines, 7 days) that are easily mistaken for all there is. Each
//     of them is a dataset here.
//   - Records come in two kinds. Legacy ones have amounts as numbers, without a currency (it
//     is that of the scope), and lookBackPeriod "Last7Days". Modern ones have
//     {currency, value}, and 7.
//   - Amounts are of the look-back period, not of the term.
//   - firstUsageDate has an offset; its date part is the day meant.
//   - subscriptionId is only there for a recommendation that is for one subscription.
//   - 204 means that there is nothing to recommend.
//   - MCA has no route for the billing account: each billing profile is asked.
//
// All resource types, scopes and look-back periods would be 84 calls for a scope, which has
// 30 a minute. The seven types below are nearly all of what can be reserved by the hour;
// 30 days is the least that holds whole weeks and a month's end. Shared is what to buy,
// Single tells whose use it is.
var _ = register(&Source{
	Name:       "reservation_recommendations",
	API:        "Consumption reservationRecommendations",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca, mosp},
	Role:       "EnrollmentReader; Billing profile reader; Reader on a subscription",
	Feeds:      "stg_reservation_recommendations",
	Status:     "current",
	Instead: map[string]string{
		mpa: "a partner agreement has no recommendations of its own: add the customer's subscription as an account",
	},
	Columns:   reservationRecommendationColumns(),
	momentary: true,
	standard:  getsAdvice,
	plan:      planReservationRecommendations,
})

func reservationRecommendationColumns() []Column {
	columns := slices.Concat(fields(Text, "kind"), resource(), fields(Text, "etag", "location", "sku"), []Column{{Name: "tags", Type: Tags}},
		properties(Text, "scope", "subscriptionId", "resourceType", "lookBackPeriod", "term", "skuName", "meterId", "normalizedSize", "instanceFlexibilityGroup"),
		[]Column{{Name: "properties_location", Path: "properties.location"}},
		properties(Decimal, "instanceFlexibilityRatio", "recommendedQuantity", "recommendedQuantityNormalized"),
		days(properties(Date, "firstUsageDate")), properties(JSONText, "skuProperties"))
	for _, amount := range []string{"costWithNoReservedInstances", "totalCostWithReservedInstances", "netSavings"} {
		columns = append(columns, properties(Decimal, amount, amount+".value")...)
		columns = append(columns, properties(Text, amount+".currency")...)
	}
	return columns
}

var (
	reservableTypes    = []string{"VirtualMachines", "SQLDatabases", "CosmosDB", "RedisCache", "AppService", "PostgreSQL", "MySQL"}
	reservationScopes  = []string{"Shared", "Single"}
	reservationHistory = "Last30Days"
)

func planReservationRecommendations(ctx context.Context, r *run, a Account) ([]task, error) {
	scopes, err := r.profileScopes(ctx, a)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, scope := range scopes {
		for _, shared := range reservationScopes {
			for _, kind := range reservableTypes {
				u := Unit{Source: "reservation_recommendations", Account: a.Name, Scope: scope, Period: allPeriods, Dataset: strings.ToLower(shared + "_" + kind + "_" + reservationHistory)}
				tasks = append(tasks, reservationRecommendations(scope, shared, kind).task(u))
			}
		}
	}
	return tasks, nil
}

func reservationRecommendations(scope, shared, resourceType string) pull {
	filter := "properties/scope eq '" + shared + "' and properties/resourceType eq '" + resourceType + "' and properties/lookBackPeriod eq '" + reservationHistory + "'"
	p := consumptionList(consumptionAPI, scope, query(scope+"/providers/Microsoft.Consumption/reservationRecommendations", "$filter", filter, "api-version", consumptionVersion))
	p.absent = notFound
	return p
}
