package extract

import (
	"context"
	"time"
)

// The price sheet of a period lists what each meter costs under the agreement.
//
// What is odd about it:
//   - The document is one object; its rows are in properties.pricesheets and the
//     link to the next page is properties.nextLink.
//   - Meter ids are upper case here and lower case in usage.
//   - The price is for a block of units ("10 Hours", "1000000 Operations").
//   - An enrollment's sheet may be asked for at the enrollment's own path.
//   - It has prices of usage alone. The download has those of commitments too, so the pages
//     are read only where the download cannot be had: for a subscription of an enrollment.
var _ = register(&Source{
	Name:       "price_sheet",
	API:        "Consumption pricesheets",
	Version:    consumptionVersion,
	Agreements: []string{ea},
	Role:       "EnrollmentReader, or Reader on a subscription of the enrollment",
	Feeds:      "price_sheet; finding meters billed above their price",
	Status:     "current",
	Instead: map[string]string{
		mca:  "the price sheet of a customer agreement is in price_sheet_download",
		mpa:  "the prices of a partner agreement are in the charges themselves; list prices are in retail_prices",
		mosp: "the prices of a pay-as-you-go offer are in rate_card; list prices are in retail_prices",
	},
	Columns: append(
		fields(Text, "billingPeriodId", "meterId", "unitOfMeasure", "partNumber", "currencyCode", "offerId",
			"meterDetails.meterName", "meterDetails.meterCategory", "meterDetails.meterSubCategory", "meterDetails.unit",
			"meterDetails.meterLocation", "meterDetails.serviceName", "meterDetails.serviceTier"),
		fields(Decimal, "includedQuantity", "unitPrice", "meterDetails.totalIncludedQuantity", "meterDetails.pretaxStandardRate")...),
	standard: func(a Account) bool { return !isBilled(a) },
	plan:     planPriceSheet,
})

func planPriceSheet(ctx context.Context, r *run, a Account) ([]task, error) {
	unit := Unit{Source: "price_sheet", Account: a.Name, Scope: a.Scope}
	return r.monthly(ctx, unit, []string{allDatasets}, func(u Unit, month time.Time) task {
		url := query(billingPeriodScope(a.Scope, month.Format("200601"))+"/providers/Microsoft.Consumption/pricesheets/default",
			"$expand", "properties/meterDetails", "$top", "1000", "api-version", consumptionVersion)
		p := consumptionList(consumptionAPI, a.Scope, url)
		p.shape = jsonShape{Rows: "properties.pricesheets", Next: "properties.nextLink"}
		p.absent = notFound // a period before the enrollment began, or the first hours of a month
		return p.task(u)
	})
}
