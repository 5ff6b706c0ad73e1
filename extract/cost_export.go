package extract

// Cost exports are the files that Cost Management writes to blob storage: actual
// and amortized cost, one line per charge.
//
// What is odd about them:
//   - EA files have PascalCase headers, MCA files camelCase with exceptions
//     (ProductId, SubscriptionId, ResourceId, PayGPrice), pay-as-you-go files other
//     names (PreTaxCost, UsageQuantity), and downloads in German have
//     "Ressourcengruppe (ResourceGroup)". One raw column stands for all spellings.
//   - Older versions say Product, Cost, BillingCurrency and InvoiceSection for
//     ProductName, CostInBillingCurrency, BillingCurrencyCode and InvoiceSectionName.
//   - EA dates are MM/dd/yyyy, tags are "k": "v" without braces, each part of a
//     partitioned run has its own header and byte order mark.
//   - In EA files Quantity is already counted in blocks where UnitOfMeasure is a
//     block ("10K"): the columns land as served, staging decides.
var _ = registerExports(&Source{
	Name:       "cost_export",
	API:        "Cost Management exports (files)",
	Version:    "2019-10-01 to 2024-08-01 datasets",
	Agreements: []string{ea, mca, mpa, mosp},
	Role:       "Storage Blob Data Reader on the container, or read access to the folder",
	Feeds:      "cost_and_usage",
	Status:     "current",
	Columns:    costExportColumns(),
	dateColumn: "Date",
	exports: &exportFormat{
		types:  map[string]string{"actualcost": "actual", "amortizedcost": "amortized", "usage": "actual"},
		known:  []string{"Date", "CostInBillingCurrency"},
		months: []string{"BillingPeriodStartDate", "Date"},
	},
})

func costExportColumns() []Column {
	columns := []Column{
		{Name: "Date", Type: Date, Aliases: []string{"UsageDateTime", "UsageDate"}, Required: true},
		{Name: "CostInBillingCurrency", Type: Decimal, Aliases: []string{"Cost", "PreTaxCost"}, Required: true},
		{Name: "BillingCurrencyCode", Type: Text, Aliases: []string{"BillingCurrency", "Currency"}},
		{Name: "Quantity", Type: Decimal, Aliases: []string{"UsageQuantity", "ConsumedQuantity"}},
		{Name: "EffectivePrice", Type: Decimal, Aliases: []string{"ResourceRate"}},
		{Name: "ResourceId", Type: Text, Aliases: []string{"InstanceId", "InstanceName"}},
		{Name: "SubscriptionId", Type: Text, Aliases: []string{"SubscriptionGuid"}},
		{Name: "ResourceGroup", Type: Text, Aliases: []string{"ResourceGroupName"}},
		{Name: "ProductName", Type: Text, Aliases: []string{"Product"}},
		{Name: "InvoiceSectionName", Type: Text, Aliases: []string{"InvoiceSection", "DepartmentName"}},
		{Name: "PayGPrice", Type: Decimal, Aliases: []string{"MarketPrice"}},
		{Name: "Tags", Type: Tags},
		{Name: "IsAzureCreditEligible", Type: Bool},
		{Name: "AdditionalInfo", Type: Text},
	}
	columns = append(columns, named(Decimal, "UnitPrice", "CostInPricingCurrency", "CostInUsd", "PaygCostInBillingCurrency", "PaygCostInUsd",
		"ExchangeRatePricingToBilling", "PartnerEarnedCreditRate")...)
	columns = append(columns, named(Date, "BillingPeriodStartDate", "BillingPeriodEndDate", "ServicePeriodStartDate", "ServicePeriodEndDate", "ExchangeRateDate")...)
	return append(columns, named(Text, "AccountName", "AccountOwnerId", "AccountId", "SubscriptionName", "ResourceLocation",
		"MeterCategory", "MeterSubCategory", "MeterId", "MeterName", "MeterRegion", "UnitOfMeasure", "CostCenter", "ConsumedService",
		"OfferId", "ServiceInfo1", "ServiceInfo2", "ResourceName", "ReservationId", "ReservationName", "ProductOrderId", "ProductOrderName",
		"Term", "PublisherType", "PublisherName", "ChargeType", "Frequency", "PricingModel", "AvailabilityZone",
		"BillingAccountId", "BillingAccountName", "BillingProfileId", "BillingProfileName", "InvoiceSectionId", "PartNumber", "PlanName",
		"ServiceFamily", "CostAllocationRuleName", "BenefitId", "BenefitName",
		"InvoiceId", "PreviousInvoiceId", "ResellerName", "ResellerMpnId", "ProductId", "PublisherId", "PricingCurrency", "Provider",
		"PartnerTenantId", "PartnerName", "CustomerTenantId", "CustomerName", "PartnerEarnedCreditApplied",
		"ResourceType", "ServiceName", "ServiceTier", "Location", "ResourceLocationNormalized",
		"_file", "_agreement")...) // the landing fills the last two: the file's name, and ea, mca or mosp by its header
}

// named declares columns of a file by their headers.
func named(t Type, names ...string) []Column {
	columns := make([]Column, len(names))
	for i, n := range names {
		columns[i] = Column{Name: n, Type: t}
	}
	return columns
}
