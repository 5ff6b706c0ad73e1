package extract

import (
	"context"
	"time"
)

// Usage details are the line items of the bill, one record per charge.
//
// What is odd about them:
//   - Records come in two kinds. EA and pay-as-you-go records are "legacy", MCA
//     records "modern"; the same thing has another name in each (subscriptionId and
//     subscriptionGuid, cost and costInBillingCurrency, resourceId and instanceName).
//     Answers to old subscriptions still have a third shape, of 2017: usageStart,
//     usageQuantity, pretaxCost, and no kind. All three land in one raw table under
//     the names they came with; staging brings them together.
//   - The same id stands on several different charges. It is no key.
//   - Meter names of legacy records are only there with $expand.
//   - $filter is refused for MCA, which takes startDate and endDate instead. Legacy
//     periods go by the billing period's name, so late charges of an earlier day
//     are in the period that bills them.
//   - nextLink carries parameters that no specification names (skiptokenver, id,
//     sessiontoken). It is followed as served.
//   - Tags are an object, null, or in the 2017 shape an empty array, beside
//     properties and not inside.
//
// Accounts that have cost details reports read those instead, see hasOnlyUsageDetails.
var _ = register(&Source{
	Name:       "usage_details",
	API:        "Consumption usageDetails",
	Version:    consumptionVersion,
	Agreements: []string{ea, mca, mosp, mpa},
	Role:       "Cost Management Reader; EnrollmentReader on an enrollment; Billing account reader on an MCA account",
	Feeds:      "cost_and_usage where there is neither export nor report",
	Status:     "deprecated",
	Successor:  "cost_details or cost_export",
	Columns:    usageDetailsColumns(),
	billed:     true,
	behind:     costExports,
	dateColumn: "date",
	everywhere: true,
	standard:   hasOnlyUsageDetails,
	plan:       planUsageDetails,
})

const consumptionVersion = "2023-05-01"

func usageDetailsColumns() []Column {
	columns := fields(Text, "kind")
	columns = append(columns, resource()...)
	columns = append(columns, fields(Text, "etag")...)
	columns = append(columns, Column{Name: "tags", Type: Tags, Path: "tags"})
	columns = append(columns, properties(Date,
		"date", "billingPeriodStartDate", "billingPeriodEndDate", "servicePeriodStartDate", "servicePeriodEndDate", "exchangeRateDate")...)
	columns = append(columns, properties(Decimal,
		"quantity", "effectivePrice", "cost", "unitPrice", "payGPrice", "marketPrice",
		"costInBillingCurrency", "costInPricingCurrency", "costInUSD", "paygCostInBillingCurrency", "paygCostInUSD",
		"exchangeRate", "exchangeRatePricingToBilling", "partnerEarnedCreditRate")...)
	columns = append(columns, properties(Bool, "isAzureCreditEligible")...)
	columns = append(columns, properties(Text,
		"billingAccountId", "billingAccountName", "billingProfileId", "billingProfileName", "accountOwnerId", "accountName",
		"subscriptionId", "subscriptionGuid", "subscriptionName", "product", "productIdentifier", "partNumber", "meterId",
		"meterName", "meterRegion", "meterCategory", "meterSubCategory", "unitOfMeasure",
		"meterDetails.meterName", "meterDetails.meterCategory", "meterDetails.meterSubCategory", "meterDetails.unitOfMeasure", "meterDetails.serviceFamily",
		"billingCurrency", "billingCurrencyCode", "pricingCurrencyCode",
		"resourceLocation", "resourceLocationNormalized", "consumedService", "resourceId", "resourceName", "instanceName",
		"serviceFamily", "serviceInfo1", "serviceInfo2", "additionalInfo",
		"invoiceId", "previousInvoiceId", "invoiceSection", "invoiceSectionId", "invoiceSectionName", "costCenter", "resourceGroup",
		"reservationId", "reservationName", "productOrderId", "productOrderName", "offerId", "term",
		"publisherId", "publisherName", "publisherType", "planName", "chargeType", "frequency", "benefitId", "benefitName", "pricingModel",
		"provider", "costAllocationRuleName", "availabilityZone",
		"partnerTenantId", "partnerName", "resellerName", "resellerMpnId", "customerTenantId", "customerName", "partnerEarnedCreditApplied")...)
	return append(columns, oldUsageColumns()...)
}

// oldUsageColumns are the fields that only the 2017 shape has.
func oldUsageColumns() []Column {
	columns := properties(Instant, "usageStart", "usageEnd")
	columns = append(columns, properties(Decimal, "usageQuantity", "billableQuantity", "pretaxCost")...)
	columns = append(columns, properties(Bool, "isEstimated")...)
	return append(columns, properties(Text,
		"billingPeriodId", "invoiceName", "instanceId", "instanceLocation", "currency", "departmentName", "additionalProperties",
		"meterDetails.unit", "meterDetails.meterLocation")...)
}

// usageMetrics are the two views of the same usage. Their sums differ by design and
// must never be added to each other.
var usageMetrics = map[string]string{"actual": "actualcost", "amortized": "amortizedcost"}

func planUsageDetails(ctx context.Context, r *run, a Account) ([]task, error) {
	unit := Unit{Source: "usage_details", Account: a.Name, Scope: a.Scope}
	if a.Agreement == mosp {
		return r.perBillingPeriod(ctx, unit, []string{"actual"}, func(u Unit, period string, _, _ time.Time) task {
			return legacyUsage(a.Scope, period, u.Dataset).task(u)
		})
	}
	return r.monthly(ctx, unit, []string{"actual", "amortized"}, func(u Unit, month time.Time) task {
		if a.Agreement == ea {
			return legacyUsage(a.Scope, month.Format("200601"), u.Dataset).task(u)
		}
		return modernUsage(a.Scope, month, u.Dataset).task(u)
	})
}

func legacyUsage(scope, period, dataset string) pull {
	url := query(billingPeriodScope(scope, period)+"/providers/Microsoft.Consumption/usageDetails",
		"$expand", "properties/meterDetails,properties/additionalInfo",
		"metric", usageMetrics[dataset], "$top", "1000", "api-version", consumptionVersion)
	p := consumptionList(usageAPI, scope, url)
	p.absent = notFound // a period before the enrollment began
	return p
}

func modernUsage(scope string, month time.Time, dataset string) pull {
	url := query(scope+"/providers/Microsoft.Consumption/usageDetails",
		"startDate", day(month), "endDate", day(lastDay(month)),
		"metric", usageMetrics[dataset], "$top", "1000", "api-version", consumptionVersion)
	p := consumptionList(usageAPI, scope, url)
	p.month = month
	return p
}
