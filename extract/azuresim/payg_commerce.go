package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

var (
	_ = handle(http.MethodGet, "payg/commerce/usageaggregates", (*server).usageAggregates)
	_ = handle(http.MethodGet, "payg/commerce/ratecard", (*server).rateCard)
)

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

// rateCardBody is every meter at list price, from each day on which its price changes.
func (e *Enterprise) rateCardBody() []byte {
	var meters []any
	for _, m := range e.meters {
		rates := e.paygRates(m)
		for i := range rates {
			meters = append(meters, rates[len(rates)-1-i].record(m))
		}
	}
	return encode(object{
		"OfferTerms": []any{object{"Name": "Monetary Credit", "EffectiveDate": "2024-02-01T00:00:00Z", "Credit": json.Number("0.0"), "ExcludedMeterIds": []any{e.meters[0].id}}},
		"Meters":     meters, "Currency": "EUR", "Locale": "en-US", "IsTaxIncluded": false,
	})
}

// A paygRate is what a meter costs from a day on: nothing for the first units of a billing period, then the price of the tier.
// Tiers count from the units included.
type paygRate struct {
	from     string // as the rate card has it
	day      int    // epoch day
	included int64
	tiers    []paygTier
}

type paygTier struct {
	lower int64
	price num
}

// paygRates are a meter's, oldest first. One meter in ten was dearer until 2024, the list price of some rises in the third
// month, and B2ms gets cheaper then. The first units of what is stored and sent are included; a database gets cheaper the
// longer it is there, and what is sent the more there is.
func (e *Enterprise) paygRates(m *meter) []paygRate {
	var rates []paygRate
	if m.index%10 == 0 {
		rates = append(rates, paygRate{from: "2021-05-01T00:00:00Z", tiers: []paygTier{{0, m.eurPay[0].percent(110)}}})
	}
	for i, price := range m.eurPay {
		from, day := instant(e.months[i].start), e.months[i].start
		if m.meter == "B2ms" && i < 2 && len(m.eurPay) > 2 {
			price = price.percent(110)
		}
		if i == 0 {
			from, day = "2024-02-01T00:00:00Z", 1
		} else if last := rates[len(rates)-1].tiers[0].price; last == price {
			continue
		}
		rates = append(rates, paygRate{from: from, day: day, included: paygIncluded[m.meter], tiers: m.paygTiers(price)})
	}
	return rates
}

var paygIncluded = map[string]int64{"Standard Data Transfer Out": 100, "Hot LRS Data Stored": 5}

func (m *meter) paygTiers(price num) []paygTier {
	switch {
	case m.runs == daily:
		return []paygTier{{0, price}, {20, price.percent(95)}, {100, price.percent(90)}}
	case m.meter == "Standard Data Transfer Out":
		return []paygTier{{0, price}, {150, price.percent(90)}}
	}
	return []paygTier{{0, price}}
}

// record is the rate as the card has it. Tiers come in no fixed order, and some are spelled with all their digits.
func (p paygRate) record(m *meter) object {
	rates := object{}
	for _, t := range p.tiers {
		name := fmt.Sprint(t.lower)
		if m.runs == daily && t.lower != 20 {
			name += ".0000000000"
		}
		rates[name] = retailNumber(t.price)
	}
	return object{
		"MeterId": m.id, "MeterName": m.meter, "MeterCategory": m.category, "MeterSubCategory": m.sub, "Unit": m.unit, "MeterTags": []any{},
		"MeterRegion": m.region.zone, "MeterRates": rates, "EffectiveDate": p.from, "IncludedQuantity": json.Number(fmt.Sprintf("%d.0", p.included)),
	}
}
