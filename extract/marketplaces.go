package extract

import (
	"context"
	"time"
)

// Marketplace charges are what third parties sell through Azure.
//
// What is odd about them:
//   - The type served is "Microsoft.Consumption/usageDetails".
//   - usageEnd can be years after usageStart ("2018-01-30" to "2023-05-01").
//   - Pay-as-you-go periods go by names that need not be their month.
var _ = register(&Source{
	Name:       "marketplaces",
	API:        "Consumption marketplaces",
	Version:    consumptionVersion,
	Agreements: []string{ea, mosp},
	Role:       "Cost Management Reader; EnrollmentReader on an enrollment",
	Feeds:      "marketplace_charge",
	Status:     "deprecated",
	Successor:  "cost_details or cost_export",
	Instead: map[string]string{
		mca: "marketplace charges of a customer agreement are in cost_details, where PublisherType is Marketplace",
		mpa: "marketplace charges of a partner agreement are in cost_details, where PublisherType is Marketplace",
	},
	Columns:    marketplaceColumns(),
	billed:     true,
	dateColumn: "usageStart",
	plan:       planMarketplaces,
})

func marketplaceColumns() []Column {
	columns := resource()
	columns = append(columns, Column{Name: "tags", Type: Tags, Path: "tags"})
	columns = append(columns, properties(Instant, "usageStart", "usageEnd")...)
	columns = append(columns, properties(Decimal, "resourceRate", "consumedQuantity", "pretaxCost")...)
	columns = append(columns, properties(Bool, "isEstimated", "isRecurringCharge")...)
	return append(columns, properties(Text,
		"billingPeriodId", "offerName", "resourceGroup", "additionalInfo", "orderNumber", "instanceName", "instanceId", "currency",
		"unitOfMeasure", "meterId", "subscriptionGuid", "subscriptionName", "accountName", "departmentName", "consumedService",
		"costCenter", "additionalProperties", "publisherName", "planName")...)
}

func planMarketplaces(ctx context.Context, r *run, a Account) ([]task, error) {
	unit := Unit{Source: "marketplaces", Account: a.Name, Scope: a.Scope}
	if a.Agreement == mosp {
		return r.perBillingPeriod(ctx, unit, []string{allDatasets}, func(u Unit, period string, _, _ time.Time) task {
			return marketplacesOf(a.Scope, period).task(u)
		})
	}
	return r.monthly(ctx, unit, []string{allDatasets}, func(u Unit, month time.Time) task {
		return marketplacesOf(a.Scope, month.Format("200601")).task(u)
	})
}

func marketplacesOf(scope, period string) pull {
	p := consumptionList(consumptionAPI, scope, query(billingPeriodScope(scope, period)+"/providers/Microsoft.Consumption/marketplaces",
		"$top", "1000", "api-version", consumptionVersion))
	p.absent = notFound
	return p
}
