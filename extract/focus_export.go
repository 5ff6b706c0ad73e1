package extract

import "slices"

// FOCUS exports are the FocusCost dataset of Cost Management: one line per charge, billed
// and amortized cost side by side. What a version lacks is null in its rows.
//
// What is odd about them:
//   - Five versions are in use: 1.0-preview(v1), 1.0, 1.0r2 (1.0 with seconds in its
//     dates), 1.2-preview and 1.2. 1.0-preview has ChargeSubcategory for ChargeClass and
//     CommitmentDiscountStatus, Region for RegionName, UsageQuantity for ConsumedQuantity
//     and x_OnDemandCost for ContractedCost. Each has a column of its own here: staging
//     says what stands for what.
//   - 1.2 renamed x_InvoiceId, x_PricingCurrency and x_SkuMeterName to InvoiceId,
//     PricingCurrency and SkuMeter; 1.2-preview declares the last under both names.
//   - Ends are exclusive: October ends on "2026-11-01T00:00:00Z".
//   - Microsoft's own list of columns calls ConsumedUnit a decimal. It holds "Hours".
//   - CapacityReservationId, CommitmentDiscountQuantity, SkuPriceDetails and their like
//     are declared and come empty, or not at all.
//   - Two versions may be exported of the same scope and month: the newer one counts.
var _ = registerExports(&Source{
	Name:       "focus_export",
	API:        "Cost Management exports (files), FocusCost",
	Version:    "1.0-preview(v1) to 1.2 datasets",
	Agreements: []string{ea, mca, mpa},
	Role:       "Storage Blob Data Reader on the container, or read access to the folder",
	Feeds:      "cost_and_usage",
	Status:     "current",
	Columns:    focusColumns(),
	dateColumn: "ChargePeriodStart",
	Instead:    map[string]string{mosp: "a pay-as-you-go subscription has no FOCUS export: its usage is in cost_export and usage_details"},
	exports: &exportFormat{
		types:  map[string]string{"focuscost": "focus"},
		known:  []string{"BilledCost", "EffectiveCost", "ChargePeriodStart"},
		months: []string{"BillingPeriodStart", "ChargePeriodStart"},
	},
})

func focusColumns() []Column {
	columns := []Column{
		{Name: "ChargePeriodStart", Type: Instant, Required: true},
		{Name: "BilledCost", Type: Decimal, Required: true},
		{Name: "EffectiveCost", Type: Decimal, Required: true},
		{Name: "Tags", Type: Tags},
		{Name: "x_SkuIsCreditEligible", Type: Bool},
	}
	return slices.Concat(columns,
		named(Instant, "BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodEnd", "x_BillingExchangeRateDate", "x_ServicePeriodStart", "x_ServicePeriodEnd"),
		named(Decimal, "ListCost", "ContractedCost", "ListUnitPrice", "ContractedUnitPrice", "PricingQuantity", "ConsumedQuantity",
			"CommitmentDiscountQuantity", "PricingCurrencyContractedUnitPrice", "PricingCurrencyEffectiveCost", "PricingCurrencyListUnitPrice",
			"UsageQuantity", "x_BilledCostInUsd", "x_BilledUnitPrice", "x_BillingExchangeRate", "x_ContractedCostInUsd", "x_EffectiveCostInUsd",
			"x_EffectiveUnitPrice", "x_ListCostInUsd", "x_OnDemandCost", "x_OnDemandCostInUsd", "x_OnDemandUnitPrice", "x_PartnerCreditRate",
			"x_PricingBlockSize"),
		named(Text, "AvailabilityZone", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency",
			"CapacityReservationId", "CapacityReservationStatus", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency",
			"ChargeSubcategory", "CommitmentDiscountCategory", "CommitmentDiscountId", "CommitmentDiscountName", "CommitmentDiscountStatus",
			"CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedUnit", "InvoiceId", "InvoiceIssuerName", "PricingCategory",
			"PricingCurrency", "PricingUnit", "ProviderName", "PublisherName", "Region", "RegionId", "RegionName", "ResourceId", "ResourceName",
			"ResourceType", "ServiceCategory", "ServiceName", "ServiceSubcategory", "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId",
			"SubAccountId", "SubAccountName", "SubAccountType", "UsageUnit"),
		named(Text, "x_AccountId", "x_AccountName", "x_AccountOwnerId", "x_AmortizationClass", "x_BillingAccountId", "x_BillingAccountName",
			"x_BillingProfileId", "x_BillingProfileName", "x_ChargeId", "x_CostAllocationRuleName", "x_CostCenter", "x_CustomerId",
			"x_CustomerName", "x_InvoiceId", "x_InvoiceIssuerId", "x_InvoiceSectionId", "x_InvoiceSectionName", "x_PartnerCreditApplied",
			"x_PricingCurrency", "x_PricingSubcategory", "x_PricingUnitDescription", "x_PublisherCategory", "x_PublisherId", "x_ResellerId",
			"x_ResellerName", "x_ResourceGroupName", "x_ResourceType", "x_ServiceModel", "x_SkuDescription", "x_SkuDetails",
			"x_SkuMeterCategory", "x_SkuMeterId", "x_SkuMeterName", "x_SkuMeterSubcategory", "x_SkuOfferId", "x_SkuOrderId",
			"x_SkuOrderName", "x_SkuPartNumber", "x_SkuPlanName", "x_SkuRegion", "x_SkuServiceFamily", "x_SkuTerm", "x_SkuTier"),
		named(Text, "_file"))
}
