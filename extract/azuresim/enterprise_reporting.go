package azuresim

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
)

// Enterprise Reporting is another host with a key of its own; here its paths, /v3/enrollments/…, tell it apart. Its documents
// are arrays without an envelope, but for usage.

var (
	_ = handle(http.MethodGet, "enterprise/billingperiods", (*server).oldPeriods)
	_ = handle(http.MethodGet, "enterprise/usagedetails", (*server).oldUsage)
	_ = handle(http.MethodGet, "enterprise/marketplacecharges", (*server).oldMarketplace)
	_ = handle(http.MethodGet, "enterprise/balancesummary", (*server).oldBalance)
	_ = handle(http.MethodGet, "enterprise/pricesheet", (*server).oldSheet)
	_ = handle(http.MethodGet, "enterprise/reservationcharges", (*server).oldReservationCharges)
	_ = handle(http.MethodGet, "enterprise/sharedreservationrecommendations", (*server).oldRecommendations)
	_ = handle(http.MethodGet, "enterprise/singlereservationrecommendations", (*server).oldRecommendations)
)

var reportingPath = regexp.MustCompile(`(?i)^/(v[1-4])/enrollments/([^/]+)(?:/billingPeriods/([^/]+))?/([a-z]+)$`)

// parseReporting reads the path of an Enterprise Reporting call.
func (e *Enterprise) parseReporting(path string) (*target, error) {
	match := reportingPath.FindStringSubmatch(path)
	if match == nil {
		return nil, notFound(path)
	}
	if match[2] != e.ea.id {
		return nil, badRequest("The enrollment '%s' is not known.", match[2])
	}
	t := &target{path: path, a: e.ea, version: strings.ToLower(match[1]), operation: "enterprise/" + strings.ToLower(match[4])}
	open := e.open()
	t.month = &open
	if match[3] != "" {
		m, found := e.monthNamed(match[3])
		if !found {
			return nil, badRequest("The billing period '%s' is not known.", match[3])
		}
		t.month = &m
	}
	return t, nil
}

func isReporting(r *http.Request) bool { return reportingPath.MatchString(r.URL.Path) }

// admitKey looks at the enrollment's key, and says it again when it is wrong: that has been seen.
func (s *server) admitKey(r *http.Request) error {
	given := r.Header.Get("Authorization")
	if key := s.e.config.EnterpriseKey; key != "" && given != "bearer "+key {
		return refuse(http.StatusUnauthorized, "401", "The key %s is not valid for the enrollment.", strings.TrimPrefix(given, "bearer "))
	}
	return nil
}

func (s *server) oldPeriods(_ *http.Request, t *target) (*answer, error) {
	list := []any{}
	for i := len(s.e.months) - 1; i >= 0; i-- {
		m := s.e.months[i]
		at := "/" + t.version + "/enrollments/" + t.a.id + "/billingPeriods/" + m.name
		o := object{
			"billingPeriodId": m.name, "billingStart": instant(m.start), "billingEnd": isoDay(m.last()) + "T11:59:59Z",
			"balanceSummary": at + "/balancesummary", "usageDetails": at + "/usagedetails", "marketplaceCharges": nil, "priceSheet": at + "/pricesheet",
		}
		if sum, _ := s.e.partsOf(t.a, i).sum(func(part) bool { return true }); !sum.market.isZero() {
			o["marketplaceCharges"] = at + "/marketplacecharges"
		}
		list = append(list, o)
	}
	return ok(list, len(list), "billing"), nil
}

// number writes digits as JSON has numbers.
func digits(text func(*row, []byte) []byte) func(*row, []byte) []byte {
	return func(r *row, b []byte) []byte {
		if b = text(r, b); len(b) == 0 {
			return append(b, '0')
		}
		return b
	}
}

func tagText(r *row, b []byte) []byte { return append(b, r.tags.object...) }

func oldDay(r *row, b []byte) []byte {
	return append(b, dayTime(r.day).Format("2006-01-02T15:04:05")...)
}

func oldNumber(r *row, b []byte) []byte { return appendUint(b, r.h%1e6) }

func oldSubscription(r *row, b []byte) []byte {
	if r.sub == nil {
		return b
	}
	return appendUint(b, hashText(r.sub.id)%1e7)
}

var meterTier = ofMeter(func(m *meter) string { return m.sub })

var oldUsageColumns = []column{
	{"accountId", verbatim, digits(ofSection((*section).enrollmentNumber))},
	{"productId", verbatim, oldNumber},
	{"resourceLocationId", verbatim, oldNumber},
	{"consumedServiceId", verbatim, oldNumber},
	{"departmentId", verbatim, digits(sectionID)},
	{"accountOwnerEmail", free, sectionOwner},
	{"accountName", free, sectionUser},
	{"serviceAdministratorId", free, sectionOwner},
	{"subscriptionId", verbatim, digits(oldSubscription)},
	{"subscriptionGuid", word, appendSubscriptionJSON},
	{"subscriptionName", free, appendSubscriptionName},
	{"date", word, oldDay},
	{"product", free, appendProduct},
	{"meterId", word, meterID},
	{"meterCategory", free, appendCategory},
	{"meterSubCategory", free, meterSub},
	{"meterRegion", word, meterZone},
	{"meterName", free, meterName},
	{"consumedQuantity", number, appendQuantity},
	{"resourceRate", number, appendEffective},
	{"cost", number, appendCost},
	{"resourceLocation", word, appendLocation},
	{"consumedService", word, appendService},
	{"instanceId", word, appendResourceID},
	{"serviceInfo1", word, always("")},
	{"serviceInfo2", word, always("")},
	{"additionalInfo", free, appendInfo},
	{"tags", free, tagText},
	{"storeServiceIdentifier", word, always("")},
	{"departmentName", free, sectionName},
	{"costCenter", word, costCenter},
	{"unitOfMeasure", word, appendUnit},
	{"resourceGroup", word, appendGroup},
	{"serviceName", free, appendCategory},
	{"serviceTier", free, meterTier},
	{"location", word, normalLocation},
	{"chargesBilledSeparately", boolean, appendEligible("false", "true")},
	{"partNumber", word, partText},
	{"resourceGuid", word, meterID},
	{"offerId", word, appendOffer},
	{"isRecurringCharge", boolean, recurring},
}

// columnsOf are the columns of a version: the second says Cost, and lacks what the third has more.
func oldColumns(version string) []column {
	if version != "v2" {
		return oldUsageColumns
	}
	var columns []column
	for _, c := range oldUsageColumns {
		if c.name == "serviceName" {
			break
		}
		if c.name == "cost" {
			c.name = "Cost"
		}
		columns = append(columns, c)
	}
	return columns
}

// oldUsage serves the charges of a period but for Marketplace. The last page has an empty link.
func (s *server) oldUsage(r *http.Request, t *target) (*answer, error) {
	columns := oldColumns(t.version)
	sel := selection{a: t.a, first: t.month.index, last: t.month.index, azure: true}
	page, rows, next, err := s.rowArray(r, sel, func(w *writer, row *row) {
		w.buf = append(w.buf, '{')
		w.appendFields(row, columns)
		w.buf = append(w.buf, '}')
	})
	if err != nil {
		return nil, err
	}
	body := append(append([]byte(`{"id":"`+guid(hashText(t.path))+`","data":`), page...), `,"nextLink":`...)
	body = append(append(body, encode(next)...), '}')
	return &answer{status: http.StatusOK, header: http.Header{}, body: body, rows: rows, service: "billing"}, nil
}

var oldMarketColumns = []column{
	{"id", word, func(r *row, b []byte) []byte { return appendGUID(b, r.id) }},
	{"subscriptionGuid", word, appendSubscriptionJSON},
	{"subscriptionName", free, appendSubscriptionName},
	{"meterId", word, zeroMeter},
	{"usageStartDate", word, func(r *row, b []byte) []byte { return append(b, instant(r.day)...) }},
	{"usageEndDate", word, func(r *row, b []byte) []byte { return append(append(b, r.a.e.text(r.day).iso...), "T23:59:59Z"...) }},
	{"offerName", free, offerName},
	{"resourceGroup", word, appendGroup},
	{"instanceId", word, appendResourceID},
	{"additionalInfo", free, marketInfo},
	{"tags", free, tagText},
	{"orderNumber", word, orderNumber},
	{"unitOfMeasure", word, appendUnit},
	{"costCenter", word, costCenter},
	{"accountId", verbatim, digits(ofSection((*section).enrollmentNumber))},
	{"accountName", free, sectionUser},
	{"accountOwnerId", free, sectionOwner},
	{"departmentId", verbatim, digits(sectionID)},
	{"departmentName", free, sectionName},
	{"publisherName", free, appendPublisher},
	{"planName", free, appendPlan},
	{"consumedQuantity", number, appendQuantity},
	{"resourceRate", number, appendEffective},
	{"extendedCost", number, appendCost},
	{"isRecurringCharge", boolean, recurring},
}

func (s *server) oldMarketplace(_ *http.Request, t *target) (*answer, error) {
	w := &writer{buf: []byte{'['}}
	c := s.e.cursor(selection{a: t.a, first: t.month.index, last: t.month.index, market: true}, position{})
	var row row
	rows := 0
	for ; c.next(&row); rows++ {
		if rows > 0 {
			w.buf = append(w.buf, ',')
		}
		w.buf = append(w.buf, '{')
		w.appendFields(&row, oldMarketColumns)
		w.buf = append(w.buf, '}')
	}
	return &answer{status: http.StatusOK, header: http.Header{}, body: append(w.buf, ']'), rows: rows, service: "billing"}, nil
}

func (s *server) oldBalance(_ *http.Request, t *target) (*answer, error) {
	b := s.e.balances()[t.month.index]
	details := func(name string, a amount) []any {
		if a.isZero() {
			return []any{}
		}
		return []any{object{"name": name, "value": money(a)}}
	}
	return ok(object{
		"id": "enrollments/" + t.a.id + "/billingperiods/" + b.month.name + "/balancesummaries", "billingPeriodId": json.Number(b.month.name), "currencyCode": t.a.profiles[0].currency,
		"beginningBalance": money(b.begin), "endingBalance": money(b.end), "newPurchases": money(b.purchases), "adjustments": money(b.adjustments),
		"utilized": money(b.utilized), "serviceOverage": money(b.overage), "chargesBilledSeparately": money(b.separate), "totalOverage": money(b.totalOverage()),
		"totalUsage": money(b.totalUsage()), "azureMarketplaceServiceCharges": money(b.marketplace),
		"newPurchasesDetails": details("Azure Prepayment", b.purchases), "adjustmentDetails": details("Promo Credit", b.adjustments),
	}, 1, "billing"), nil
}

func (s *server) oldSheet(_ *http.Request, t *target) (*answer, error) {
	list := []any{}
	id := "enrollments/" + t.a.id + "/billingperiods/" + t.month.name
	for _, row := range s.e.sheet(t.month.index) {
		m := row.meter
		list = append(list, object{
			"id": id + "/products/" + m.part + "/pricesheets", "billingPeriodId": t.month.name, "meterId": m.id, "meterName": m.meter, "unitOfMeasure": m.unit,
			"includedQuantity": json.Number("0"), "partNumber": m.part, "unitPrice": json.Number(row.price.String()), "currencyCode": t.a.profiles[0].currency, "offerId": row.offer,
		})
	}
	return ok(list, len(list), "billing"), nil
}

// oldReservationCharges are payments for reservations and what was given back, between two dates.
func (s *server) oldReservationCharges(r *http.Request, t *target) (*answer, error) {
	q := r.URL.Query()
	from, err1 := parseDay(q.Get("startDate"))
	to, err2 := parseDay(q.Get("endDate"))
	if err1 != nil || err2 != nil || to < from {
		return nil, badRequest("The dates '%s' and '%s' are not valid.", q.Get("startDate"), q.Get("endDate"))
	}
	sel := selection{a: t.a}
	s.e.selectRange(&sel, from, to, 0)
	list := []any{}
	c := s.e.cursor(sel, position{})
	var row row
	for sel.last >= sel.first && c.next(&row) {
		if row.c != nil && !row.c.plan && row.line < 0 {
			list = append(list, oldReservationCharge(&row, t.version))
		}
	}
	return ok(list, len(list), "billing"), nil
}

func oldReservationCharge(r *row, version string) object {
	o := object{
		"purchasingEnrollment": r.a.id, "armSkuName": r.c.meter.sku, "term": map[int]string{12: "P1Y", 36: "P3Y"}[r.c.months], "region": r.c.meter.region.arm,
		"PurchasingsubscriptionGuid": r.c.sub.id, "PurchasingsubscriptionName": r.c.sub.name, "accountName": r.section.account, "accountOwnerEmail": r.section.owner,
		"departmentName": r.section.name, "costCenter": r.section.center, "currentEnrollment": r.a.id, "eventDate": dayTime(r.day).Format("2006-01-02T15:04:05"),
		"reservationOrderId": r.c.order, "description": r.c.orderName(), "eventType": r.charge, "quantity": r.c.quantity, "amount": money(r.cost),
		"currency": r.profile.currency, "reservationOrderName": r.c.name,
	}
	if version == "v4" {
		o["billingFrequency"] = r.frequency
	}
	return o
}

// oldRecommendations advise reservations for the machines that no commitment covers, each two of a size, for a year at two
// thirds of the price.
func (s *server) oldRecommendations(r *http.Request, t *target) (*answer, error) {
	days := map[string]int64{"7": 7, "30": 30, "60": 60}[r.URL.Query().Get("lookBackPeriod")]
	if days == 0 {
		return nil, badRequest("The lookBackPeriod must be 7, 30 or 60.")
	}
	single := strings.HasPrefix(t.operation, "enterprise/single")
	list := []any{}
	for _, name := range []string{"D2s v5", "E4s v5"} {
		m := s.e.meterNamed(name, "westeurope")
		without := mul(num{2 * 24 * days, 0}, m.eur[t.month.index])
		with := without.share(2, 3)
		o := object{
			"lookBackPeriod": "Last" + r.URL.Query().Get("lookBackPeriod") + "Days", "meterId": m.id, "skuName": m.sku, "term": "P1Y", "region": m.region.arm, "costWithNoRI": money(without),
			"recommendedQuantity": 2, "totalCostWithRI": money(with), "netSavings": money(without.sub(with)), "firstUsageDate": instant(t.month.start), "resourceType": "virtualmachines",
			"instanceFlexibilityRatio": 1, "instanceFlexibilityGroup": m.sub, "normalizedSize": m.sku, "recommendedQuantityNormalized": 2, "skuProperties": []any{object{"name": "Cores", "value": "2"}},
		}
		if single {
			o["subscriptionId"] = t.a.subs[0].id
		}
		list = append(list, o)
	}
	return ok(list, len(list), "billing"), nil
}
