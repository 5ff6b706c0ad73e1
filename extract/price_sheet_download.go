package extract

import "strings"

// priceSheetColumns are the columns of a price sheet in a file, whether it was downloaded
// or exported.
//
// What is odd about the files:
//   - An enrollment's have "MeterID", "SkuID", "OfferID" and "CurrencyCode" where a
//     customer agreement's have "meterId", "skuId" and "currency", or the same with
//     another case: headers are matched whatever their case. Each agreement has columns
//     that the other lacks. One raw column stands for all spellings.
//   - "currency" is what prices are in, "billingCurrency" what the profile is billed in.
//   - Parts as JSON have the names in camel case, but "billingAccountID".
//   - Downloads of before 2023 have "discount" and "includedQuantity" for customer
//     agreements too.
func priceSheetColumns() []Column {
	columns := named(Decimal, "UnitPrice", "BasePrice", "MarketPrice", "IncludedQuantity", "TierMinimumUnits", "Discount")
	columns = append(columns, days(named(Date, "EffectiveStartDate", "EffectiveEndDate"))...)
	columns = append(columns, named(Text, "EnrollmentNumber", "BillingAccountId", "BillingAccountName", "BillingProfileId", "BillingProfileName",
		"MeterId", "MeterName", "MeterType", "MeterCategory", "MeterSubCategory", "MeterRegion", "ServiceFamily", "Product", "ProductId", "SkuId",
		"ProductOrderName", "UnitOfMeasure", "PartNumber", "OfferId", "Term", "PriceType", "Currency", "BillingCurrency")...)
	aliases := map[string][]string{
		"Currency":         {"CurrencyCode", "PricingCurrency"},
		"MeterSubCategory": {"Meter Sub-Category"},
		"EnrollmentNumber": {"EnrollmentId"},
	}
	for i, c := range columns {
		columns[i].Aliases = aliases[c.Name]
		columns[i].Path = strings.ToLower(c.Name[:1]) + c.Name[1:]
		if c.Name == "BillingAccountId" {
			columns[i].Path = "billingAccountID"
		}
	}
	return append(columns, named(Text, "_file")...)
}
