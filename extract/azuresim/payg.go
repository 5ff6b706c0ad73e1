package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A pay-as-you-go subscription (Microsoft Online Services Program), apart from the enterprise and its truth: four resources,
// billed by the calendar month in euros at list price. Its billing periods are named by the month that invoices them, as
// real ones can be: 202611-1 is October.

// The subscription, and what it was bought as.
const (
	PaygID    = "1c3d5a77-3b0f-4f52-9a3e-6f0a4d1b2c90"
	PaygPath  = "/subscriptions/" + PaygID
	PaygOffer = "MS-AZR-0003P"
)

var (
	_ = handle(http.MethodGet, "payg/billing/billingperiods", (*server).paygPeriods)
	_ = handle(http.MethodGet, "payg/consumption/usagedetails", (*server).paygUsageDetails)
	_ = handle(http.MethodGet, "payg/commerce/usageaggregates", (*server).usageAggregates)
	_ = handle(http.MethodGet, "payg/commerce/ratecard", (*server).rateCard)
)

// paygPeriod finds a month by the name of its billing period.
func (e *Enterprise) paygPeriod(name string) (month, bool) {
	i := slices.IndexFunc(e.months, func(m month) bool { return m.paygName() == name })
	if i < 0 {
		return month{}, false
	}
	return e.months[i], true
}

func (m month) paygName() string { return dayTime(m.last()+1).Format("200601") + "-1" }

func (s *server) paygPeriods(r *http.Request, t *target) (*answer, error) {
	var list []any
	for _, m := range slices.Backward(s.e.months) {
		if len(t.rest) == 0 || t.rest[0] == m.paygName() {
			list = append(list, object{
				"id": PaygPath + "/providers/Microsoft.Billing/billingPeriods/" + m.paygName(), "name": m.paygName(), "type": "Microsoft.Billing/billingPeriods",
				"properties": object{"billingPeriodStartDate": s.e.text(m.start).iso, "billingPeriodEndDate": s.e.text(m.last()).iso, "invoiceIds": []any{}},
			})
		}
	}
	if len(t.rest) == 0 {
		return listPage(r, list, 50, "billing")
	}
	if len(list) == 0 {
		return nil, notFound(t.path)
	}
	return ok(list[0], 1, "billing"), nil
}

// A paygUse is what a resource used on a day.
type paygUse struct {
	day      int
	reported int // epoch day on which billing got to know of it
	hour     int
	meter    *meter
	name     string
	quantity num
	h        uint64
}

func (u paygUse) resource() string {
	return PaygPath + "/resourceGroups/Lab/providers/" + u.meter.provider + "/" + u.meter.kind + "/" + u.name
}

// paygUses is everything the subscription used, day by day.
func (e *Enterprise) paygUses() []paygUse {
	var all []paygUse
	for day := e.months[0].start; day < e.asOf; day++ {
		for i, meterName := range []string{"D2s v5", "Hot LRS Data Stored", "Standard Data Transfer Out", "B2ms"} {
			h := mix2(mix2(e.seed, uint64(day)), uint64(i))
			u := paygUse{day: day, reported: day + 1, hour: int(h % 24), meter: e.meterNamed(meterName, "northeurope"), name: fmt.Sprintf("lab-%d", i+1), h: h}
			u.quantity = num{int64(h>>8%240000) + 1, 4}
			if h>>32%20 == 0 {
				u.reported += 3 // billing learns of some records late
			}
			all = append(all, u)
		}
	}
	return all
}

func (s *server) paygUsageDetails(r *http.Request, t *target) (*answer, error) {
	m := s.e.open()
	if t.month != nil {
		m = *t.month
	}
	var list []any
	for _, u := range s.e.paygUses() {
		if u.day >= m.start && u.day <= m.last() {
			list = append(list, s.e.paygCharge(u, m))
		}
	}
	top, err := topOf(r, "$top", s.e.config.PageSize, maxPage)
	if err != nil {
		return nil, err
	}
	return listPage(r, list, top, "consumption")
}

func (e *Enterprise) paygCharge(u paygUse, m month) object {
	price := u.meter.eurPay[m.index]
	properties := object{
		"billingAccountId": PaygID, "billingPeriodStartDate": e.text(m.start).stamp, "billingPeriodEndDate": e.text(m.last()).stamp, "billingProfileId": PaygID,
		"subscriptionId": PaygID, "subscriptionName": "Pay-As-You-Go", "date": e.text(u.day).stamp, "product": u.meter.title, "meterId": u.meter.id,
		"meterDetails": object{"meterName": u.meter.meter, "meterCategory": u.meter.category, "meterSubCategory": u.meter.sub, "unitOfMeasure": u.meter.unit, "serviceFamily": u.meter.family},
		"quantity":     retailNumber(u.quantity), "effectivePrice": retailNumber(price), "cost": json.Number(mul(u.quantity, price).String()), "unitPrice": retailNumber(price),
		"billingCurrency": "EUR", "resourceLocation": u.meter.region.raw, "consumedService": u.meter.provider, "resourceId": u.resource(), "resourceName": u.name,
		"resourceGroup": "Lab", "offerId": PaygOffer, "isAzureCreditEligible": true, "publisherName": "Microsoft", "publisherType": "Azure", "chargeType": "Usage",
		"frequency": "UsageBased", "payGPrice": retailNumber(price), "pricingModel": "OnDemand",
	}
	id := PaygPath + "/providers/Microsoft.Billing/billingPeriods/" + m.paygName() + "/providers/Microsoft.Consumption/usageDetails/" + guid(u.h)
	return object{"kind": "legacy", "id": id, "name": guid(u.h), "type": "Microsoft.Consumption/usageDetails", "tags": nil, "properties": properties}
}

// usageAggregates serves quantities by the day on which billing got them, end exclusive. What it is still to get is
// answered with 202.
func (s *server) usageAggregates(r *http.Request, _ *target) (*answer, error) {
	q := r.URL.Query()
	daily := q.Get("aggregationGranularity") != "Hourly"
	var times [2]time.Time
	for i, name := range []string{"reportedStartTime", "reportedEndTime"} {
		at, err := time.Parse(time.RFC3339, q.Get(name))
		if err != nil || at.UTC().Truncate(time.Hour) != at.UTC() || daily && at.UTC().Truncate(24*time.Hour) != at.UTC() {
			return nil, badRequest("%s '%s' must be midnight in UTC for Daily and a full hour for Hourly.", name, q.Get(name))
		}
		times[i] = at.UTC()
	}
	from, to := epochDay(times[0]), epochDay(times[1])
	if to > s.e.asOf {
		a := errorAnswer(refuse(http.StatusAccepted, "ProcessingNotCompleted", "The usage of the range is not processed yet."))
		return a, nil
	}
	var list []any
	for _, u := range s.e.paygUses() {
		if u.reported >= from && u.reported < to {
			list = append(list, u.aggregate(daily, q.Get("showDetails") != "false"))
		}
	}
	return aggregatePage(r, list, s.e.config.PageSize)
}

// aggregatePage pages with a continuationToken in nextLink.
func aggregatePage(r *http.Request, list []any, top int) (*answer, error) {
	from := 0
	if token := r.URL.Query().Get("continuationToken"); token != "" {
		if _, err := fmt.Sscanf(token, "page:%d", &from); err != nil {
			return nil, badRequest("Invalid continuationToken.")
		}
	}
	from = min(from, len(list))
	to := min(from+top, len(list))
	body := object{"value": append([]any{}, list[from:to]...)}
	if to < len(list) {
		q := r.URL.Query()
		q.Set("continuationToken", fmt.Sprintf("page:%d", to))
		body["nextLink"] = site(r) + r.URL.EscapedPath() + "?" + q.Encode()
	}
	return ok(body, to-from, "commerce"), nil
}

func (u paygUse) aggregate(daily, details bool) object {
	start, grain, length := dayTime(u.day), "Daily", 24*time.Hour
	if !daily {
		start, grain, length = start.Add(time.Duration(u.hour)*time.Hour), "Hourly", time.Hour
	}
	p := object{
		"subscriptionId": PaygID, "usageStartTime": start.Format("2006-01-02T15:04:05+00:00"), "usageEndTime": start.Add(length).Format("2006-01-02T15:04:05+00:00"),
		"meterName": u.meter.meter, "meterCategory": u.meter.category, "meterSubCategory": u.meter.sub, "meterRegion": u.meter.region.zone, "unit": u.meter.unit,
		"meterId": u.meter.id, "quantity": retailNumber(u.quantity), "infoFields": object{},
	}
	if details {
		p["instanceData"] = string(encode(object{"Microsoft.Resources": object{
			"resourceUri": u.resource(), "location": u.meter.region.arm, "tags": object{"env": "lab"}, "additionalInfo": object{"ServiceType": u.meter.sku}, "partNumber": "", "orderNumber": "",
		}}))
	}
	name := fmt.Sprintf("%s_BRSDT_%s_%04d", grain, dayTime(u.day).Format("20060102"), u.h%10000)
	return object{"id": PaygPath + "/providers/Microsoft.Commerce/UsageAggregates/" + name, "name": name, "type": "Microsoft.Commerce/UsageAggregate", "properties": p}
}

// rateCard answers with a redirect to a signed link on another host, which wants no token.
func (s *server) rateCard(r *http.Request, _ *target) (*answer, error) {
	want := fmt.Sprintf("OfferDurableId eq '%s' and Currency eq 'EUR' and Locale eq 'en-US' and RegionInfo eq 'DE'", PaygOffer)
	if got := r.URL.Query().Get("$filter"); got != want {
		return nil, badRequest("The rate card of the filter %q is not there; want %q.", got, want)
	}
	host := strings.Replace(r.Host, "127.0.0.1", "localhost", 1)
	if host == r.Host {
		host = strings.Replace(r.Host, "localhost", "127.0.0.1", 1)
	}
	return &answer{status: http.StatusFound, header: http.Header{"Location": {scheme(r) + "://" + host + rateCardBlob + "?sig=simulated"}}, service: "commerce"}, nil
}

const rateCardBlob = "/_blob/_ratecard.json"

// rateCardBody is every meter at list price. Some have tiers, one was dearer until a day.
func (e *Enterprise) rateCardBody() []byte {
	open := e.open().index
	var meters []any
	for _, m := range e.meters {
		rates := object{"0": retailNumber(m.eurPay[open])}
		if m.runs == daily {
			rates = object{"0.0000000000": retailNumber(m.eurPay[open]), "100.0000000000": retailNumber(m.eurPay[open].percent(90)), "20": retailNumber(m.eurPay[open].percent(95))}
		}
		record := object{
			"MeterId": m.id, "MeterName": m.meter, "MeterCategory": m.category, "MeterSubCategory": m.sub, "Unit": m.unit, "MeterTags": []any{},
			"MeterRegion": m.region.zone, "MeterRates": rates, "EffectiveDate": "2024-02-01T00:00:00Z", "IncludedQuantity": json.Number("0.0"),
		}
		meters = append(meters, record)
		if m.index%10 == 0 {
			before := object{}
			for name, value := range record {
				before[name] = value
			}
			before["EffectiveDate"], before["MeterRates"] = "2021-05-01T00:00:00Z", object{"0": retailNumber(m.eurPay[open].percent(110))}
			meters = append(meters, before)
		}
	}
	return encode(object{
		"OfferTerms": []any{object{"Name": "Monetary Credit", "EffectiveDate": "2024-02-01T00:00:00Z", "Credit": json.Number("0.0"), "ExcludedMeterIds": []any{e.meters[0].id}}},
		"Meters":     meters, "Currency": "EUR", "Locale": "en-US", "IsTaxIncluded": false,
	})
}
