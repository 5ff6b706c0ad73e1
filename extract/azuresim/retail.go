package azuresim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The list prices that everybody may see, outside Azure Resource Manager and without a token. They are those that the
// enrollment's price sheet calls standard and that cost rows call PayGPrice, with terms, tiers, savings plans and a crowd
// of meters nobody here uses. Some of the crowd change, come and go with the day of Config.AsOf.

var _ = handle(http.MethodGet, "retail/prices", (*server).retailPrices)

const retailPath = "/api/retail/prices"

// retailFillers is how many list prices there are of meters nobody uses.
const retailFillers = 1500

// A retailPrice is a record of the list, with what decides its place in a walk.
type retailPrice struct {
	family string
	h      uint64
	fields object
}

// retailRates are the prices of a currency per US dollar; dollars and euros come from the meters themselves.
var retailRates = map[string]num{"USD": {1, 0}, "EUR": {1, 0}, "GBP": {78, 2}}

func (s *server) retailPrices(r *http.Request, _ *target) (*answer, error) {
	q := r.URL.Query()
	currency := strings.Trim(cmp.Or(q.Get("currencyCode"), "'USD'"), "'")
	if _, known := retailRates[currency]; !known {
		return nil, badRequest("The currency '%s' is not supported.", currency)
	}
	if code := q.Get("currencyCode"); code != "" && code != "'"+currency+"'" {
		return nil, badRequest("Invalid currencyCode %s: it wants quotes.", code)
	}
	conditions, err := parseRetailFilter(q.Get("$filter"))
	if err != nil {
		return nil, err
	}
	skip, err := strconv.Atoi(cmp.Or(q.Get("$skip"), "0"))
	if err != nil || skip < 0 {
		return nil, badRequest("Invalid $skip '%s'.", q.Get("$skip"))
	}
	list := slices.DeleteFunc(slices.Clone(s.retail(currency)), func(p retailPrice) bool { return !p.matches(conditions) })
	list = s.disturbed(r, list, skip)
	from := min(skip, len(list))
	to := min(from+s.e.config.PageSize, len(list))
	items := []any{}
	for _, p := range list[from:to] {
		items = append(items, p.fields)
	}
	body := object{"BillingCurrency": currency, "CustomerEntityId": "Default", "CustomerEntityType": "Retail", "Items": items, "NextPageLink": nil, "Count": len(items)}
	if to < len(list) {
		body["NextPageLink"] = retailLink(r, to)
	}
	return ok(body, len(items), "retail"), nil
}

// retailLink is absolute; where the port is the scheme's own it is written all the same.
func retailLink(r *http.Request, skip int) string {
	host := r.Host
	if r.URL.Port() == "" && !strings.Contains(host, ":") {
		host += map[string]string{"http": ":80", "https": ":443"}[scheme(r)]
	}
	q := r.URL.Query()
	q.Set("$skip", strconv.Itoa(skip))
	return scheme(r) + "://" + host + retailPath + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

var retailCondition = regexp.MustCompile(`^\s*(\w+) eq '((?:[^']|'')*)'\s*(?:and\s+|$)`)

// parseRetailFilter reads "a eq 'x' and b eq 'y'". A value may hold " and " itself, and doubled quotes.
func parseRetailFilter(text string) (map[string]string, error) {
	conditions := map[string]string{}
	for text != "" {
		match := retailCondition.FindStringSubmatch(text)
		if match == nil {
			return nil, badRequest("Invalid OData parameters supplied: %s", text)
		}
		field := match[1]
		if field == "priceType" {
			field = "type"
		}
		conditions[field] = strings.ReplaceAll(match[2], "''", "'")
		text = text[len(match[0]):]
	}
	return conditions, nil
}

// matches compares letter by letter, as the service does since 2023-01-01-preview.
func (p retailPrice) matches(conditions map[string]string) bool {
	for field, value := range conditions {
		if p.fields[field] != value {
			return false
		}
	}
	return true
}

// disturbed is the list as a walk through its pages meets it under the faults unstable and shrunken.
func (s *server) disturbed(r *http.Request, list []retailPrice, skip int) []retailPrice {
	s.mu.Lock()
	defer s.mu.Unlock()
	unstable := s.asked("unstable", r)
	if s.asked("shrunken", r) {
		list = slices.DeleteFunc(list, func(p retailPrice) bool { return mix(p.h+1)%4 == 0 })
	}
	if !unstable {
		return list
	}
	if s.walks == nil {
		s.walks = map[string]int{}
	}
	key := r.URL.Query().Get("currencyCode") + r.URL.Query().Get("$filter")
	if skip == 0 {
		s.walks[key]++
	}
	return shaken(list, uint64(s.walks[key]))
}

// asked tells whether a fault that lasts was asked for. The caller holds the lock.
func (s *server) asked(kind string, r *http.Request) bool {
	return slices.ContainsFunc(s.faults, func(f *activeFault) bool { return f.Kind == kind && f.matches(r) })
}

// shaken loses a record in eight, serves one in sixteen twice, and puts them in another order, by the number of the walk.
func shaken(list []retailPrice, walk uint64) []retailPrice {
	var met []retailPrice
	for _, p := range list {
		switch h := mix2(p.h, walk); {
		case h%8 == 0:
		case h%16 == 1:
			met = append(met, p, p)
		default:
			met = append(met, p)
		}
	}
	slices.SortStableFunc(met, func(a, b retailPrice) int { return cmp.Compare(mix2(a.h+walk, 7), mix2(b.h+walk, 7)) })
	return met
}

// retail is the whole list in one currency, made once.
func (s *server) retail(currency string) []retailPrice {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prices == nil {
		s.prices = map[string][]retailPrice{}
	}
	if s.prices[currency] == nil {
		s.prices[currency] = s.e.retail(currency)
	}
	return s.prices[currency]
}

func (e *Enterprise) retail(currency string) []retailPrice {
	var list []retailPrice
	for _, m := range e.meters {
		price := m.usdPay[e.open().index]
		if currency == "EUR" {
			price = m.eurPay[e.open().index]
		}
		list = append(list, retailOf(m, currency, times(price, retailRates[currency]))...)
	}
	for i := range retailFillers {
		if p, there := e.retailFiller(i, currency); there {
			list = append(list, p)
		}
	}
	return list
}

func times(a, b num) num { return num{a.c * b.c, a.s + b.s}.trim() }

// retailOf is a meter of the enterprise in all its terms and tiers.
func retailOf(m *meter, currency string, price num) []retailPrice {
	plain := retailRecord(m, currency, price)
	list := []retailPrice{plain}
	if m.runs == amounts && hashText(m.id)%5 == 0 {
		list = append(list, plain.with(object{"tierMinimumUnits": json.Number("1000.0"), "unitPrice": retailNumber(price.percent(80)), "retailPrice": retailNumber(price.percent(80))}))
	}
	if m.category != "Virtual Machines" {
		return list
	}
	plain.fields["savingsPlan"] = []any{
		object{"unitPrice": retailNumber(price.percent(72)), "retailPrice": retailNumber(price.percent(72)), "term": "1 Year"},
		object{"unitPrice": retailNumber(price.percent(49)), "retailPrice": retailNumber(price.percent(49)), "term": "3 Years"},
	}
	for _, term := range []struct {
		name  string
		hours int64 // of the whole term, in hundredths, less the discount
	}{{"1 Year", 8760 * 63}, {"3 Years", 3 * 8760 * 43}} {
		whole := retailNumber(times(price, num{term.hours, 2}))
		list = append(list, plain.with(object{"type": "Reservation", "reservationTerm": term.name, "unitPrice": whole, "retailPrice": whole}))
	}
	list = append(list, plain.with(object{"type": "DevTestConsumption"}))
	// Windows and Linux differ in nothing but a name.
	return append(list, plain.with(object{"productName": m.category + " " + m.sub + " Windows"}))
}

func retailNumber(n num) json.Number { return json.Number(appendNum(nil, n, true)) }

func retailRecord(m *meter, currency string, price num) retailPrice {
	h := hashText(m.id + currency)
	return retailPrice{m.family, h, object{
		"currencyCode": currency, "tierMinimumUnits": json.Number("0.0"), "retailPrice": retailNumber(price), "unitPrice": retailNumber(price),
		"armRegionName": m.region.arm, "location": m.region.zone, "effectiveStartDate": "2024-02-01T00:00:00Z", "meterId": m.id, "meterName": m.meter,
		"productId": m.key, "skuId": m.key + "/" + code(h)[:4], "productName": m.category + " " + m.sub, "skuName": m.meter, "serviceName": m.category,
		"serviceId": "DZH31" + code(hashText(m.category))[:4], "serviceFamily": m.family, "unitOfMeasure": m.unit, "type": "Consumption",
		"isPrimaryMeterRegion": true, "armSkuName": m.sku,
	}}
}

// with is the record with other values, as a record of its own.
func (p retailPrice) with(values object) retailPrice {
	fields := object{}
	for name, value := range p.fields {
		fields[name] = value
	}
	if values["type"] != nil {
		delete(fields, "savingsPlan")
	}
	for name, value := range values {
		fields[name] = value
	}
	return retailPrice{p.family, mix(p.h ^ hashText(fmt.Sprint(values))), fields}
}

// retailFiller is a meter nobody uses. Its price changes every forty days, and it is there nine times ninety days and
// then away for as many.
func (e *Enterprise) retailFiller(i int, currency string) (retailPrice, bool) {
	h := hashText("retail") + uint64(i)
	if (e.asOf+int(mix(h)%900))/90%10 == 0 {
		return retailPrice{}, false
	}
	p := products[mix(h+1)%uint64(drawn)]
	p.meter = fmt.Sprintf("%s R%04d", p.meter, i)
	switch i % 100 {
	case 1:
		p.family = "Orbital Services" // no list of families has it
	case 2:
		p.family = ""
	}
	phase := int(mix(h+2) % 40)
	level := (e.asOf + phase) / 40
	price := num{int64(mix2(h, uint64(level)) % 99999), 6}.trim()
	m := &meter{product: &p, region: &regions[mix(h+3)%uint64(len(regions))], id: guid(h), key: "DZH318Z1" + strings.ReplaceAll(code(h)[:9], "-", "")}
	record := retailRecord(m, currency, times(price, retailRates[currency]))
	record.fields["effectiveStartDate"] = dayTime(level*40 - phase).Format("2006-01-02T15:04:05Z")
	if i%7 == 0 {
		record.fields["armRegionName"], record.fields["location"] = "", ""
	}
	return record, true
}

// isRetail tells the open address from those that want a token.
func isRetail(u *url.URL) bool { return strings.EqualFold(strings.TrimRight(u.Path, "/"), retailPath) }
