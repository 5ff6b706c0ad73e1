package extract

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
)

// The details of a recommendation show the use of each hour it was made from, and what
// other quantities would have saved.
//
// What is odd about them:
//   - There is no list: each recommendation is asked for by scope, region, term, look-back
//     period and product, all of them required, and none of them a $filter. So the
//     recommendations are asked for first, and each costs a call: read on request.
//   - It is one object, not a list; 204 means that there is none.
//   - Its id is the same for all, and has neither region nor product.
//   - Recommendations come and go. The lake files details under the month they were read in.
var _ = register(&Source{
	Name:       "reservation_recommendation_details",
	API:        "Consumption reservationRecommendationDetails",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca, mosp},
	Role:       "EnrollmentReader; Billing profile reader; Reader on a subscription",
	Feeds:      "stg_reservation_recommendation_details",
	Status:     "current",
	Instead: map[string]string{
		mpa: "a partner agreement has no recommendations of its own: add the customer's subscription as an account",
	},
	Columns:   reservationRecommendationDetailColumns(),
	momentary: true,
	standard:  onRequest,
	plan:      planReservationRecommendationDetails,
})

func reservationRecommendationDetailColumns() []Column {
	return slices.Concat(resource(), fields(Text, "etag", "location", "sku"), []Column{{Name: "tags", Type: Tags}},
		properties(Text, "currency", "scope", "resourceGroup", "resource.product", "resource.region", "resource.resourceType",
			"savings.lookBackPeriod", "savings.reservationOrderTerm", "savings.savingsType", "savings.unitOfMeasure", "usage.lookBackUnitType", "usage.usageGrain"),
		properties(Decimal, "resource.onDemandRate", "resource.reservationRate", "savings.recommendedQuantity"),
		properties(Instant, "usage.firstConsumptionDate", "usage.lastConsumptionDate"),
		properties(JSONText, "resource.appliedScopes", "savings.calculatedSavings", "usage.usageData"))
}

// A recommended reservation is what its details are asked for by.
type recommended struct {
	Location, Sku string
	Properties    struct{ Location, SkuName, Term, Scope string }
}

func planReservationRecommendationDetails(ctx context.Context, r *run, a Account) ([]task, error) {
	month := monthOf(r.o.AsOf).Format(monthLayout)
	if !r.o.Periods.contains(month) {
		return nil, nil
	}
	scopes, err := r.profileScopes(ctx, a)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, scope := range scopes {
		known := map[string]bool{}
		for _, kind := range reservableTypes {
			list, err := r.recommendedReservations(ctx, scope, kind)
			if err != nil {
				return nil, err
			}
			for _, one := range list {
				u := Unit{Source: "reservation_recommendation_details", Account: a.Name, Scope: scope, Period: month, Dataset: one.dataset()}
				if !known[u.Dataset] { // sizes of one flexibility group are recommended as one
					tasks = append(tasks, recommendationDetails(scope, one).task(u))
				}
				known[u.Dataset] = true
			}
		}
	}
	return tasks, nil
}

func (r *run) recommendedReservations(ctx context.Context, scope, kind string) ([]recommended, error) {
	p := reservationRecommendations(scope, "Shared", kind)
	all, err := listAll[recommended](ctx, r, p.first, "recommendations of "+scope)
	if errors.Is(p.explain(err), errAbsent) {
		return nil, nil
	}
	return all, err
}

func (d recommended) region() string  { return cmp.Or(d.Location, d.Properties.Location) }
func (d recommended) product() string { return cmp.Or(d.Sku, d.Properties.SkuName) }
func (d recommended) scope() string   { return cmp.Or(d.Properties.Scope, "Shared") }

func (d recommended) dataset() string {
	return strings.ToLower(strings.Join([]string{d.scope(), reservationHistory, d.Properties.Term, d.region(), d.product()}, "_"))
}

func recommendationDetails(scope string, d recommended) pull {
	p := consumptionList(consumptionAPI, scope, query(scope+"/providers/Microsoft.Consumption/reservationRecommendationDetails",
		"scope", d.scope(), "region", d.region(), "term", d.Properties.Term, "lookBackPeriod", reservationHistory, "product", d.product(), "api-version", consumptionVersion))
	p.shape = jsonShape{}
	p.absent = notFound
	return p
}
