package azuresim

import (
	"slices"
	"strconv"
	"strings"
)

// FOCUS exports are the same charges as the cost exports: all of amortized cost, and of actual cost what was bought of
// commitments and given back. What Microsoft's own files leave out or leave 0 is left out here: there are no columns for
// capacity reservations and commitment quantities, Marketplace and covered usage have no list price, covered usage
// of a customer agreement no contracted price, and commitments no publisher.

var focusVersions = []string{"1.0-preview", "1.0", "1.0r2", "1.2-preview", "1.2"}

func focusNames() []string {
	var names []string
	for _, v := range focusVersions {
		names = append(names, "focus-"+v)
	}
	return names
}

func (e *Enterprise) focusSet(a *account, version string) exportSet {
	set := exportSet{name: a.key + "-focus-" + strings.ReplaceAll(version, ".", "-"), scope: a.path, exportType: "FocusCost", version: version, salt: hashText(version)}
	if version == "1.0-preview" {
		set.version = "1.0-preview(v1)"
	}
	set.feed = func(m month, from, to int) feed {
		return &costFeed{
			cursors: []*cursor{e.daysOf(a, amortized, m, from, to), e.daysOf(a, actual, m, from, to)},
			wanted:  func(r *row) bool { return r.ds == amortized || r.bought() },
			list:    focusColumns(version),
		}
	}
	return set
}

// bought tells a purchase or a refund of a commitment.
func (r *row) bought() bool { return r.c != nil && (r.charge == "Purchase" || r.charge == "Refund") }

// covered tells what a commitment pays for, or would have.
func (r *row) covered() bool { return r.c != nil && !r.bought() }

// when writes text where a row has the property, and nothing elsewhere.
func when(has func(*row) bool, text func(*row, []byte) []byte) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte {
		if !has(r) {
			return b
		}
		return text(r, b)
	}
}

func isEnrollment(r *row) bool { return r.a.kind == enterpriseAgreement }

func isCustomer(r *row) bool { return r.a.kind == customerAgreement }

func hasResource(r *row) bool { return r.line >= 0 }

func hasSubscription(r *row) bool { return r.sub != nil }

func hasCommitment(r *row) bool { return r.c != nil }

// inBilling converts from pricing to billing currency.
func (r *row) inBilling(v amount) amount {
	if r.rate.s > 0 {
		return v.times(r.rate)
	}
	return v
}

// focusCosts are the four costs of a row, and its two prices, in billing currency.
type focusCosts struct{ billed, effective, contracted, list, contractedPrice, listPrice amount }

func (r *row) focusCosts() focusCosts {
	f := focusCosts{billed: r.cost, effective: r.cost, contracted: r.cost, list: r.cost}
	f.contractedPrice, f.listPrice = r.inBilling(r.eff), r.inBilling(r.eff)
	if r.covered() {
		f.billed = amount{}
	}
	if r.bought() {
		f.effective = amount{}
	}
	reservation := r.covered() && !r.c.plan
	switch {
	case r.offer != nil && isEnrollment(r), reservation && isCustomer(r):
		f.contracted, f.contractedPrice = amount{}, amount{}
	case r.hasUnit:
		f.contracted, f.contractedPrice = r.inBilling(mul(r.q, r.unit)), r.inBilling(r.unit.amount())
	}
	switch {
	case r.offer != nil, reservation:
		f.list, f.listPrice = amount{}, amount{}
	case r.hasPayg:
		f.list, f.listPrice = r.inBilling(mul(r.q, r.payg)), r.inBilling(r.payg.amount())
	}
	return f
}

func ofCosts(of func(focusCosts) amount) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte { return appendAmount(b, of(r.focusCosts()), false) }
}

var (
	billedCost      = ofCosts(func(f focusCosts) amount { return f.billed })
	effectiveCost   = ofCosts(func(f focusCosts) amount { return f.effective })
	contractedCost  = ofCosts(func(f focusCosts) amount { return f.contracted })
	listCost        = ofCosts(func(f focusCosts) amount { return f.list })
	contractedPrice = ofCosts(func(f focusCosts) amount { return f.contractedPrice })
	listPrice       = ofCosts(func(f focusCosts) amount { return f.listPrice })
)

// inDollars is a cost of a customer agreement in USD, which is what it is priced in.
func inDollars(zero func(*row) bool) func(*row, []byte) []byte {
	return when(isCustomer, func(r *row, b []byte) []byte {
		if zero(r) {
			return append(b, '0')
		}
		return appendPricing(r, b)
	})
}

// focusUnit takes a unit of measure apart: 10K is blocks of 10000 Units.
func (r *row) focusUnit() (block int64, unit string) {
	text := string(appendUnit(r, nil))
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	block, _ = strconv.ParseInt(text[:digits], 10, 64)
	rest := strings.TrimSpace(text[digits:])
	for suffix, factor := range map[string]int64{"K": 1000, "M": 1000000} {
		if rest == suffix {
			block, rest = block*factor, ""
		}
	}
	switch rest {
	case "":
		rest = "Units"
	case "Hour", "/Hour":
		rest = "Hours"
	case "/Month":
		rest = "Units/Month"
	case "/Day":
		rest = "Units/Day"
	}
	return max(block, 1), rest
}

func consumed(r *row) bool { return r.charge == "Usage" }

func consumedQuantity(r *row, b []byte) []byte {
	block, _ := r.focusUnit()
	return appendAmount(b, r.q.amount().times(num{block, 0}), false)
}

func focusUnitText(r *row, b []byte) []byte {
	_, unit := r.focusUnit()
	return append(b, unit...)
}

func priced(r *row) bool { return r.metered() }

// spelled maps one enumeration to another; what is not in it is nothing.
func spelled(of func(*row) string, words map[string]string) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte { return append(b, words[of(r)]...) }
}

func chargeOf(r *row) string { return r.charge }

func commitmentKind(reservation, plan string) func(*row, []byte) []byte {
	return when(hasCommitment, func(r *row, b []byte) []byte {
		if r.c.plan {
			return append(b, plan...)
		}
		return append(b, reservation...)
	})
}

func focusStatus(r *row, b []byte) []byte {
	switch {
	case !r.covered():
		return b
	case strings.HasPrefix(r.charge, "Unused"):
		return append(b, "Unused"...)
	}
	return append(b, "Used"...)
}

// subcategory is what 1.0-preview had for ChargeClass and CommitmentDiscountStatus.
func subcategory(r *row, b []byte) []byte {
	switch {
	case r.charge == "Refund":
		return append(b, "Refund"...)
	case r.charge == "RoundingAdjustment":
		return append(b, "Rounding Error"...)
	case r.charge == "Usage" && r.c == nil:
		return append(b, "On-Demand"...)
	}
	status := string(focusStatus(r, nil))
	if status == "" {
		return b
	}
	return append(b, status+" Commitment"...)
}

// focusDay writes days as the version does: without seconds in 1.0.
func focusDay(version string, of func(*row) int) func(*row, []byte) []byte {
	tail := "T00:00:00Z"
	if version == "1.0" || version == "1.0-preview" {
		tail = "T00:00Z"
	}
	return func(r *row, b []byte) []byte { return append(append(b, r.a.e.text(of(r)).iso...), tail...) }
}

func focusAccount(r *row, b []byte) []byte {
	if isCustomer(r) {
		return append(b, r.profile.path...)
	}
	return append(b, r.a.path...)
}

func focusAccountName(r *row, b []byte) []byte {
	if isCustomer(r) {
		return profileName(r, b)
	}
	return accountName(r, b)
}

// focusDescription is nothing for savings plans that nobody used.
func focusDescription(r *row, b []byte) []byte {
	if r.c != nil && r.c.plan && r.covered() && !hasResource(r) {
		return b
	}
	return appendProduct(r, b)
}

// focusService is nothing for Marketplace in the enrollment, and in the customer agreement for commitments bought and
// for rounding.
func focusService(r *row, b []byte) []byte {
	if r.bought() && isCustomer(r) || r.charge == "RoundingAdjustment" {
		return b
	}
	return appendCategory(r, b)
}

var focusCategories = map[string]string{
	"Compute": "Compute", "Storage": "Storage", "Databases": "Databases", "Networking": "Networking", "Security": "Security",
	"Management and Governance": "Management and Governance", "Internet of Things": "Internet of Things", "Containers": "Compute",
}

func focusCategory(r *row, b []byte) []byte {
	return append(b, focusCategories[string(family(r, nil))]...)
}

func focusPriceID(r *row, b []byte) []byte {
	b = append(meterID(r, append(productKey(r, b), '_')), '_')
	return partText(r, b)
}

func lowered(text func(*row, []byte) []byte) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte { return append(b, strings.ToLower(string(text(r, nil)))...) }
}

func focusTags(r *row, b []byte) []byte {
	if r.tags.empty {
		return b
	}
	return append(b, r.tags.object...)
}

func focusRegion(of func(*region) string) func(*row, []byte) []byte {
	return when(hasResource, func(r *row, b []byte) []byte { return append(b, of(r.meter.region)...) })
}

func blockText(r *row, b []byte) []byte {
	block, _ := r.focusUnit()
	return strconv.AppendInt(b, block, 10)
}

// focusColumns is the header of a version: that of 1.2, under the names of the version and without what it lacks.
func focusColumns(version string) []column {
	columns := focusColumnsNow(version)
	columns = append(columns, focusDetails(version)...)
	if strings.HasPrefix(version, "1.2") {
		return columns
	}
	renamed := map[string]string{"InvoiceId": "x_InvoiceId", "PricingCurrency": "x_PricingCurrency", "SkuMeter": "x_SkuMeterName", "ServiceSubcategory": "", "x_AmortizationClass": "", "x_ServiceModel": "", "x_SkuPlanName": ""}
	if version == "1.0-preview" {
		for now, then := range map[string]string{
			"ConsumedQuantity": "UsageQuantity", "ConsumedUnit": "UsageUnit", "ContractedCost": "x_OnDemandCost", "ContractedUnitPrice": "x_OnDemandUnitPrice",
			"x_ContractedCostInUsd": "x_OnDemandCostInUsd", "RegionName": "Region", "RegionId": "", "ChargeClass": "", "CommitmentDiscountStatus": "", "x_AccountId": "", "x_ListCostInUsd": "",
		} {
			renamed[now] = then
		}
		columns = append(columns, column{"ChargeSubcategory", word, subcategory}, column{"AvailabilityZone", word, always("")}, column{"x_ChargeId", word, always("")})
	}
	for i, c := range columns {
		if then, ok := renamed[c.name]; ok {
			columns[i].name = then
		}
	}
	return slices.DeleteFunc(columns, func(c column) bool { return c.name == "" })
}

// focusColumnsNow are the columns of FOCUS that Microsoft fills.
func focusColumnsNow(version string) []column {
	at := func(of func(*row) int) func(*row, []byte) []byte { return focusDay(version, of) }
	return []column{
		{"BilledCost", number, billedCost},
		{"BillingAccountId", word, focusAccount},
		{"BillingAccountName", free, focusAccountName},
		{"BillingAccountType", word, func(r *row, b []byte) []byte {
			if isCustomer(r) {
				return append(b, "Billing Profile"...)
			}
			return append(b, "Billing Account"...)
		}},
		{"BillingCurrency", word, currency},
		{"BillingPeriodEnd", date, at(func(r *row) int { return r.period().last() + 1 })},
		{"BillingPeriodStart", date, at(func(r *row) int { return r.period().start })},
		{"ChargeCategory", word, spelled(chargeOf, map[string]string{
			"Usage": "Usage", "UnusedReservation": "Usage", "UnusedSavingsPlan": "Usage", "Purchase": "Purchase", "Refund": "Purchase", "RoundingAdjustment": "Adjustment",
		})},
		{"ChargeClass", word, spelled(chargeOf, map[string]string{"Refund": "Correction"})},
		{"ChargeDescription", free, focusDescription},
		{"ChargeFrequency", word, spelled(func(r *row) string { return r.frequency }, map[string]string{"OneTime": "One-Time", "Recurring": "Recurring", "UsageBased": "Usage-Based"})},
		{"ChargePeriodEnd", date, at(func(r *row) int { return r.day + 1 })},
		{"ChargePeriodStart", date, at(func(r *row) int { return r.day })},
		{"CommitmentDiscountCategory", word, commitmentKind("Usage", "Spend")},
		{"CommitmentDiscountId", word, appendBenefit},
		{"CommitmentDiscountName", free, benefitName},
		{"CommitmentDiscountStatus", word, focusStatus},
		{"CommitmentDiscountType", word, commitmentKind("Reservation", "Savings Plan")},
		{"ConsumedQuantity", number, when(consumed, consumedQuantity)},
		{"ConsumedUnit", word, when(consumed, focusUnitText)},
		{"ContractedCost", number, contractedCost},
		{"ContractedUnitPrice", number, contractedPrice},
		{"EffectiveCost", number, effectiveCost},
		{"InvoiceId", word, when(isCustomer, invoiceID)},
		{"InvoiceIssuerName", word, always("Microsoft")},
		{"ListCost", number, listCost},
		{"ListUnitPrice", number, listPrice},
		{"PricingCategory", word, spelled(func(r *row) string {
			if r.charge == "RoundingAdjustment" {
				return ""
			}
			return r.model
		}, map[string]string{"OnDemand": "Standard", "Spot": "Dynamic", "Reservation": "Committed", "SavingsPlan": "Committed"})},
		{"PricingCurrency", word, func(r *row, b []byte) []byte {
			if isCustomer(r) {
				return append(b, "USD"...)
			}
			return currency(r, b)
		}},
		{"PricingQuantity", number, appendQuantity},
		{"PricingUnit", word, focusUnitText},
		{"ProviderName", word, always("Microsoft")},
		{"PublisherName", free, appendPublisher},
		{"RegionId", word, focusRegion(func(g *region) string { return g.arm })},
		{"RegionName", word, focusRegion(func(g *region) string { return g.name })},
		{"ResourceId", word, lowered(appendResourceID)},
		{"ResourceName", word, appendResourceName},
		{"ResourceType", word, when(hasResource, func(r *row, b []byte) []byte { return append(b, r.meter.kind...) })},
		{"ServiceCategory", word, focusCategory},
		{"ServiceName", free, focusService},
		{"ServiceSubcategory", word, always("")},
		{"SkuId", word, when(priced, productKey)},
		{"SkuMeter", free, meterName},
		{"SkuPriceId", word, when(priced, focusPriceID)},
		{"SubAccountId", word, when(hasSubscription, func(r *row, b []byte) []byte { return append(append(b, "/subscriptions/"...), r.sub.id...) })},
		{"SubAccountName", free, appendSubscriptionName},
		{"SubAccountType", word, when(hasSubscription, always("Subscription"))},
		{"Tags", free, focusTags},
	}
}

// focusDetails are Microsoft's own columns.
func focusDetails(version string) []column {
	at := func(of func(*row) int) func(*row, []byte) []byte { return focusDay(version, of) }
	never := func(*row) bool { return false }
	return []column{
		{"x_AccountId", word, when(isEnrollment, sectionOwner)},
		{"x_AccountName", free, when(isEnrollment, sectionUser)},
		{"x_AccountOwnerId", word, when(isEnrollment, sectionOwner)},
		{"x_AmortizationClass", word, func(r *row, b []byte) []byte {
			switch {
			case r.bought():
				return append(b, "Principal"...)
			case r.covered():
				return append(b, "Amortized Charge"...)
			}
			return b
		}},
		{"x_BilledCostInUsd", number, inDollars((*row).covered)},
		{"x_BilledUnitPrice", number, when(func(r *row) bool { return !r.covered() }, appendEffective)},
		{"x_BillingAccountId", word, accountID},
		{"x_BillingAccountName", free, accountName},
		{"x_BillingExchangeRate", number, rateText},
		{"x_BillingExchangeRateDate", date, at(func(r *row) int { return r.a.e.months[r.billed].start })},
		{"x_BillingProfileId", word, profileID},
		{"x_BillingProfileName", free, profileName},
		{"x_ContractedCostInUsd", number, inDollars(func(r *row) bool { return r.covered() && !r.c.plan })},
		{"x_CostAllocationRuleName", free, ruleName},
		{"x_CostCenter", word, costCenter},
		{"x_CustomerId", word, always("")},
		{"x_CustomerName", word, always("")},
		{"x_EffectiveCostInUsd", number, inDollars((*row).bought)},
		{"x_EffectiveUnitPrice", number, appendEffective},
		{"x_InvoiceIssuerId", word, always("")},
		{"x_InvoiceSectionId", word, sectionID},
		{"x_InvoiceSectionName", free, sectionName},
		{"x_ListCostInUsd", number, inDollars(never)},
		{"x_PartnerCreditApplied", word, always("")},
		{"x_PartnerCreditRate", number, always("")},
		{"x_PricingBlockSize", number, blockText},
		{"x_PricingSubcategory", word, always("")},
		{"x_PricingUnitDescription", word, appendUnit},
		{"x_PublisherCategory", word, func(r *row, b []byte) []byte {
			if r.offer != nil {
				return append(b, "Vendor"...)
			}
			return append(b, "Cloud Provider"...)
		}},
		{"x_PublisherId", word, publisherID},
		{"x_ResellerId", word, always("")},
		{"x_ResellerName", word, always("")},
		{"x_ResourceGroupName", word, appendGroup},
		{"x_ResourceType", word, when(hasResource, func(r *row, b []byte) []byte {
			return append(b, strings.ToLower(r.meter.provider+"/"+r.meter.kind)...)
		})},
		{"x_ServiceModel", word, always("")},
		{"x_ServicePeriodEnd", date, when(isCustomer, at(func(r *row) int { return r.period().last() + 1 }))},
		{"x_ServicePeriodStart", date, when(isCustomer, at(func(r *row) int { return r.period().start }))},
		{"x_SkuDescription", free, focusDescription},
		{"x_SkuDetails", free, appendInfo},
		{"x_SkuIsCreditEligible", boolean, appendEligible("true", "false")},
		{"x_SkuMeterCategory", free, appendCategory},
		{"x_SkuMeterId", word, meterID},
		{"x_SkuMeterSubcategory", free, meterSub},
		{"x_SkuOfferId", word, when(isEnrollment, appendOffer)},
		{"x_SkuOrderId", word, appendOrder},
		{"x_SkuOrderName", free, appendOrderName},
		{"x_SkuPartNumber", word, when(isEnrollment, partText)},
		{"x_SkuPlanName", free, appendPlan},
		{"x_SkuRegion", word, meterZone},
		{"x_SkuServiceFamily", free, family},
		{"x_SkuTerm", word, appendTerm},
		{"x_SkuTier", word, always("")},
	}
}
