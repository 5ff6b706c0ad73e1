package azuresim

// The columns of usage details and of export files, by agreement. The order and the casing are the service's.

func accountID(r *row, b []byte) []byte { return append(b, r.a.id...) }

func accountName(r *row, b []byte) []byte { return append(b, r.a.name...) }

func profileID(r *row, b []byte) []byte { return append(b, r.profile.id...) }

func profileName(r *row, b []byte) []byte { return append(b, r.profile.name...) }

func currency(r *row, b []byte) []byte { return append(b, r.profile.currency...) }

func startStamp(r *row, b []byte) []byte { return append(b, r.periodStart().stamp...) }

func endStamp(r *row, b []byte) []byte { return append(b, r.periodEnd().stamp...) }

func startUS(r *row, b []byte) []byte { return append(b, r.periodStart().us...) }

func endUS(r *row, b []byte) []byte { return append(b, r.periodEnd().us...) }

func startISO(r *row, b []byte) []byte { return append(b, r.periodStart().iso...) }

func endISO(r *row, b []byte) []byte { return append(b, r.periodEnd().iso...) }

func chargeType(r *row, b []byte) []byte { return append(b, r.charge...) }

func frequency(r *row, b []byte) []byte { return append(b, r.frequency...) }

func invoiceID(r *row, b []byte) []byte { return append(b, r.invoice...) }

func previousInvoiceID(r *row, b []byte) []byte { return append(b, r.previous...) }

func ruleName(r *row, b []byte) []byte { return append(b, r.rule...) }

func rateText(r *row, b []byte) []byte { return appendNum(b, r.rate, false) }

func rateDate(r *row, b []byte) []byte {
	return append(b, r.a.e.text(r.a.e.months[r.billed].start).stamp...)
}

func rateDateISO(r *row, b []byte) []byte {
	return append(b, r.a.e.text(r.a.e.months[r.billed].start).iso...)
}

func publisherID(r *row, b []byte) []byte {
	if r.invoice == "" || r.offer == nil {
		return b
	}
	return appendUint(b, hashText(r.offer.publisher)%1e6)
}

// meterDetails is the nested object that legacy rows have only on request.
func meterDetails(r *row, b []byte) []byte {
	if !r.metered() {
		return append(b, "null"...)
	}
	p := r.meter.product
	b = append(appendQuoted(append(b, `{"meterName":`...), []byte(p.meter)), `,"meterCategory":`...)
	b = append(appendQuoted(b, []byte(p.category)), `,"meterSubCategory":`...)
	b = append(appendQuoted(b, []byte(p.sub)), `,"unitOfMeasure":`...)
	b = append(appendQuoted(b, []byte(p.unit)), `,"serviceFamily":`...)
	return append(appendQuoted(b, []byte(p.family)), '}')
}

func null(_ *row, b []byte) []byte { return append(b, "null"...) }

var (
	meterID    = ofMeter(func(m *meter) string { return m.id })
	meterName  = ofMeter(func(m *meter) string { return m.meter })
	meterSub   = ofMeter(func(m *meter) string { return m.sub })
	meterZone  = ofMeter(func(m *meter) string { return m.region.zone })
	family     = ofMeter(func(m *meter) string { return m.family })
	partText   = ofMeter(func(m *meter) string { return m.part })
	productKey = ofMeter(func(m *meter) string { return m.key })

	sectionID    = ofSection(func(s *section) string { return s.id })
	sectionName  = ofSection(func(s *section) string { return s.name })
	costCenter   = ofSection(func(s *section) string { return s.center })
	sectionOwner = ofSection(func(s *section) string { return s.owner })
	sectionUser  = ofSection(func(s *section) string { return s.account })

	reservationID   = ofReservation(func(c *commitment) string { return c.id })
	reservationName = ofReservation(func(c *commitment) string { return c.name })
	benefitName     = ofBenefit(func(c *commitment) string { return c.name })
)

// openCenter is the cost centre of modern rows, which is only filled while the period is open.
func openCenter(r *row, b []byte) []byte {
	if r.invoice != "" {
		return b
	}
	return costCenter(r, b)
}

func normalLocation(r *row, b []byte) []byte {
	if r.line < 0 {
		return b
	}
	return append(b, r.meter.region.zone...)
}

// legacyColumns are the properties of usage details of kind legacy.
var legacyColumns = []column{
	{"billingAccountId", word, accountID},
	{"billingAccountName", free, accountName},
	{"billingPeriodStartDate", date, startStamp},
	{"billingPeriodEndDate", date, endStamp},
	{"billingProfileId", word, profileID},
	{"billingProfileName", free, profileName},
	{"accountOwnerId", word, sectionOwner},
	{"accountName", free, sectionUser},
	{"subscriptionId", word, appendSubscriptionJSON},
	{"subscriptionName", free, appendSubscriptionName},
	{"date", date, appendDay},
	{"product", optional, appendProduct},
	{"partNumber", optional, partText},
	{"meterId", optional, meterID},
	{"meterDetails", verbatim, meterDetails},
	{"quantity", number, appendQuantity},
	{"effectivePrice", number, appendEffective},
	{"cost", number, appendCost},
	{"unitPrice", number, appendUnitPrice},
	{"billingCurrency", word, currency},
	{"resourceLocation", word, appendLocation},
	{"consumedService", word, appendService},
	{"resourceId", word, appendResourceID},
	{"resourceName", word, appendResourceName},
	{"serviceInfo1", optional, always("")},
	{"serviceInfo2", optional, always("")},
	{"additionalInfo", optional, appendInfo},
	{"invoiceSection", free, sectionName},
	{"costCenter", word, costCenter},
	{"resourceGroup", word, appendGroup},
	{"reservationId", optional, reservationID},
	{"reservationName", optional, reservationName},
	{"productOrderId", optional, appendOrder},
	{"productOrderName", optional, appendOrderName},
	{"offerId", word, appendOffer},
	{"isAzureCreditEligible", boolean, appendEligible("true", "false")},
	{"term", optional, appendTerm},
	{"publisherName", free, appendPublisher},
	{"publisherType", word, appendPublisherType},
	{"planName", optional, appendPlan},
	{"chargeType", word, chargeType},
	{"frequency", word, frequency},
	{"payGPrice", number, appendPayG},
	{"benefitId", optional, appendBenefit},
	{"benefitName", optional, benefitName},
	{"pricingModel", word, appendModelREST},
}

// modernColumns are the properties of usage details of kind modern.
var modernColumns = []column{
	{"billingAccountId", word, accountID},
	{"billingAccountName", free, accountName},
	{"billingPeriodStartDate", date, startStamp},
	{"billingPeriodEndDate", date, endStamp},
	{"billingProfileId", word, profileID},
	{"billingProfileName", free, profileName},
	{"subscriptionGuid", word, appendSubscriptionJSON},
	{"subscriptionName", free, appendSubscriptionName},
	{"date", date, appendDay},
	{"product", free, appendProduct},
	{"productIdentifier", word, productKey},
	{"meterId", word, meterID},
	{"meterName", free, meterName},
	{"meterRegion", word, meterZone},
	{"meterCategory", free, appendCategory},
	{"meterSubCategory", free, meterSub},
	{"quantity", number, appendQuantity},
	{"unitOfMeasure", word, appendUnit},
	{"unitPrice", number, appendUnitPrice},
	{"effectivePrice", number, appendEffective},
	{"marketPrice", number, appendPayG},
	{"payGPrice", number, appendPayG},
	{"costInBillingCurrency", number, appendCost},
	{"costInPricingCurrency", number, appendPricing},
	{"costInUSD", number, appendPricing},
	{"paygCostInBillingCurrency", number, appendPayGCostBilling},
	{"paygCostInUSD", number, appendPayGCost},
	{"billingCurrencyCode", word, currency},
	{"pricingCurrencyCode", word, always("USD")},
	{"exchangeRate", word, rateText},
	{"exchangeRatePricingToBilling", number, rateText},
	{"exchangeRateDate", date, rateDate},
	{"resourceLocation", word, appendLocation},
	{"resourceLocationNormalized", word, normalLocation},
	{"instanceName", word, appendResourceID},
	{"resourceGroup", word, appendGroup},
	{"consumedService", word, appendService},
	{"serviceFamily", word, family},
	{"serviceInfo1", free, always("")},
	{"serviceInfo2", free, always("")},
	{"additionalInfo", free, appendInfo},
	{"invoiceId", word, invoiceID},
	{"previousInvoiceId", word, previousInvoiceID},
	{"invoiceSectionId", word, sectionID},
	{"invoiceSectionName", free, sectionName},
	{"costCenter", word, openCenter},
	{"isAzureCreditEligible", boolean, appendEligible("true", "false")},
	{"servicePeriodStartDate", date, startStamp},
	{"servicePeriodEndDate", date, endStamp},
	{"publisherId", word, publisherID},
	{"publisherName", free, appendPublisher},
	{"publisherType", word, appendPublisherType},
	{"chargeType", word, chargeType},
	{"frequency", word, frequency},
	{"term", word, appendTerm},
	{"pricingModel", word, appendModelREST},
	{"reservationId", word, reservationID},
	{"reservationName", word, reservationName},
	{"benefitId", word, appendBenefit},
	{"benefitName", word, benefitName},
	{"productOrderId", word, appendOrder},
	{"productOrderName", free, appendOrderName},
	{"provider", word, always("Azure")},
	{"costAllocationRuleName", verbatim, null},
}

// enrollmentFile is the header of EA cost files of data version 2024-08-01.
var enrollmentFile = []column{
	{"InvoiceSectionName", free, sectionName},
	{"AccountName", free, sectionUser},
	{"AccountOwnerId", word, sectionOwner},
	{"SubscriptionId", word, appendSubscription},
	{"SubscriptionName", free, appendSubscriptionName},
	{"ResourceGroup", word, appendGroup},
	{"ResourceLocation", word, appendLocation},
	{"Date", date, appendDayUS},
	{"ProductName", free, appendProduct},
	{"MeterCategory", free, appendCategory},
	{"MeterSubCategory", free, meterSub},
	{"MeterId", word, meterID},
	{"MeterName", free, meterName},
	{"MeterRegion", word, meterZone},
	{"UnitOfMeasure", word, appendUnit},
	{"Quantity", number, appendQuantity},
	{"EffectivePrice", number, appendEffective},
	{"CostInBillingCurrency", number, appendCost},
	{"CostCenter", word, costCenter},
	{"ConsumedService", word, appendService},
	{"ResourceId", word, appendResourceID},
	{"Tags", free, appendTagText},
	{"OfferId", word, appendOffer},
	{"AdditionalInfo", free, appendInfo},
	{"ServiceInfo1", word, always("")},
	{"ServiceInfo2", word, always("")},
	{"ResourceName", word, appendResourceName},
	{"ReservationId", word, reservationID},
	{"ReservationName", word, reservationName},
	{"UnitPrice", number, appendUnitPrice},
	{"ProductOrderId", word, appendOrder},
	{"ProductOrderName", free, appendOrderName},
	{"Term", word, appendTerm},
	{"PublisherType", word, appendPublisherType},
	{"PublisherName", free, appendPublisher},
	{"ChargeType", word, chargeType},
	{"Frequency", word, frequency},
	{"PricingModel", word, appendModel},
	{"AvailabilityZone", word, always("")},
	{"BillingAccountId", word, accountID},
	{"BillingAccountName", free, accountName},
	{"BillingCurrencyCode", word, currency},
	{"BillingPeriodStartDate", date, startUS},
	{"BillingPeriodEndDate", date, endUS},
	{"BillingProfileId", word, profileID},
	{"BillingProfileName", free, profileName},
	{"InvoiceSectionId", word, sectionID},
	{"IsAzureCreditEligible", boolean, appendEligible("True", "False")},
	{"PartNumber", word, partText},
	{"PayGPrice", number, appendPayG},
	{"PlanName", free, appendPlan},
	{"ServiceFamily", word, family},
	{"CostAllocationRuleName", free, ruleName},
	{"benefitId", word, appendBenefit},
	{"benefitName", word, benefitName},
	{"AccountId", word, sectionOwner},
	{"ResourceLocationNormalized", word, normalLocation},
}

// customerFile is the header of MCA cost files of data version 2023-12-01-preview.
var customerFile = []column{
	{"invoiceId", word, invoiceID},
	{"previousInvoiceId", word, previousInvoiceID},
	{"billingAccountId", word, accountID},
	{"billingAccountName", free, accountName},
	{"billingProfileId", word, profileID},
	{"billingProfileName", free, profileName},
	{"invoiceSectionId", word, sectionID},
	{"invoiceSectionName", free, sectionName},
	{"resellerName", word, always("")},
	{"resellerMpnId", word, always("")},
	{"costCenter", word, openCenter},
	{"billingPeriodEndDate", date, endISO},
	{"billingPeriodStartDate", date, startISO},
	{"servicePeriodEndDate", date, endISO},
	{"servicePeriodStartDate", date, startISO},
	{"date", date, appendDayISO},
	{"serviceFamily", word, family},
	{"productOrderId", word, appendOrder},
	{"productOrderName", free, appendOrderName},
	{"consumedService", word, appendService},
	{"meterId", word, meterID},
	{"meterName", free, meterName},
	{"meterCategory", free, appendCategory},
	{"meterSubCategory", free, meterSub},
	{"meterRegion", word, meterZone},
	{"ProductId", word, productKey},
	{"ProductName", free, appendProduct},
	{"SubscriptionId", word, appendSubscription},
	{"subscriptionName", free, appendSubscriptionName},
	{"publisherType", word, appendPublisherType},
	{"publisherId", word, publisherID},
	{"publisherName", free, appendPublisher},
	{"resourceGroupName", word, appendGroup},
	{"ResourceId", word, appendResourceID},
	{"resourceLocation", word, appendLocation},
	{"location", word, normalLocation},
	{"effectivePrice", number, appendEffective},
	{"quantity", number, appendQuantity},
	{"unitOfMeasure", word, appendUnit},
	{"chargeType", word, chargeType},
	{"billingCurrency", word, currency},
	{"pricingCurrency", word, always("USD")},
	{"costInBillingCurrency", number, appendCost},
	{"costInPricingCurrency", number, appendPricing},
	{"costInUsd", number, appendPricing},
	{"paygCostInBillingCurrency", number, appendPayGCostBilling},
	{"paygCostInUsd", number, appendPayGCost},
	{"exchangeRatePricingToBilling", number, rateText},
	{"exchangeRateDate", date, rateDateISO},
	{"isAzureCreditEligible", boolean, appendEligible("True", "False")},
	{"serviceInfo1", word, always("")},
	{"serviceInfo2", word, always("")},
	{"additionalInfo", free, appendInfo},
	{"tags", free, appendTagText},
	{"PayGPrice", number, appendPayG},
	{"frequency", word, frequency},
	{"term", word, appendTerm},
	{"reservationId", word, reservationID},
	{"reservationName", word, reservationName},
	{"pricingModel", word, appendModel},
	{"unitPrice", number, appendUnitPrice},
	{"costAllocationRuleName", word, always("")},
	{"benefitId", word, appendBenefit},
	{"benefitName", word, benefitName},
	{"provider", word, always("Azure")},
}

func (a *account) fileColumns() []column {
	if a.kind == enterpriseAgreement {
		return enrollmentFile
	}
	return customerFile
}

// restColumns are the properties of the account's usage details, with those that must be asked for taken out.
func (a *account) restColumns(details, info bool) []column {
	if a.kind == customerAgreement {
		return modernColumns
	}
	var columns []column
	for _, c := range legacyColumns {
		switch {
		case c.name == "meterDetails" && !details:
			c.text = null
		case c.name == "additionalInfo" && !info:
			continue
		}
		columns = append(columns, c)
	}
	return columns
}
