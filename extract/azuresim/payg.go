package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A pay-as-you-go subscription (Microsoft Online Services Program), apart from the enterprise and its faults. It is billed in
// euros by the rate card, from the 18th of a month to the 17th of the next: what a meter includes is free, and tiers count over
// the billing period. Its billing periods are named by the month they end in, which invoices them: 202611-1 began on
// October 18.

// The subscription, and what it was bought as.
const (
	PaygID    = "1c3d5a77-3b0f-4f52-9a3e-6f0a4d1b2c90"
	PaygPath  = "/subscriptions/" + PaygID
	PaygOffer = "MS-AZR-0003P"
)

// paygDay is the day of the month, counted from 0, on which a billing period begins.
const paygDay = 17

var (
	_ = handle(http.MethodGet, "payg/billing/billingperiods", (*server).paygPeriodList)
	_ = handle(http.MethodGet, "payg/consumption/usagedetails", (*server).paygUsageDetails)
	_ = handle(http.MethodPost, "payg/costmanagement/query", (*server).paygQuery)
	_ = handle(http.MethodGet, "payg/billing/billingsubscriptions", (*server).paygSubscription)
)

// A paygPeriod is a billing period, by the month it begins in.
type paygPeriod struct {
	month  month
	start  int
	end    int // its last day
	name   string
	closed bool // invoiced, three days after its end
}

// paygPeriods are those that have begun.
func (e *Enterprise) paygPeriods() []paygPeriod {
	var all []paygPeriod
	for _, m := range e.months {
		p := paygPeriod{month: m, start: m.start + paygDay, end: m.start + m.length + paygDay - 1}
		if p.start >= e.asOf {
			break
		}
		p.name, p.closed = dayTime(p.end).Format("200601")+"-1", e.asOf >= p.invoiced()
		all = append(all, p)
	}
	return all
}

func (p paygPeriod) invoiced() int { return p.end + 3 }

func (p paygPeriod) path() string {
	return PaygPath + "/providers/Microsoft.Billing/billingPeriods/" + p.name
}

// paygPeriod finds the month that a billing period begins in by the period's name.
func (e *Enterprise) paygPeriod(name string) (month, bool) {
	for _, p := range e.paygPeriods() {
		if p.name == name {
			return p.month, true
		}
	}
	return month{}, false
}

func (s *server) paygPeriodList(r *http.Request, t *target) (*answer, error) {
	var list []any
	for _, p := range slices.Backward(s.e.paygPeriods()) {
		if len(t.rest) > 0 && t.rest[0] != p.name {
			continue
		}
		ids := []any{}
		if p.closed {
			for _, v := range s.e.paygInvoices(p) {
				ids = append(ids, v.id())
			}
		}
		list = append(list, object{"id": p.path(), "name": p.name, "type": "Microsoft.Billing/billingPeriods", "properties": object{
			"billingPeriodStartDate": s.e.text(p.start).iso, "billingPeriodEndDate": s.e.text(p.end).iso, "invoiceIds": ids,
		}})
	}
	if len(t.rest) == 0 {
		return listPage(r, list, 50, "billing")
	}
	if len(list) == 0 {
		return nil, notFound(t.path)
	}
	return ok(list[0], 1, "billing"), nil
}

func (s *server) paygSubscription(_ *http.Request, t *target) (*answer, error) {
	if len(t.rest) > 0 {
		return nil, notFound(t.path)
	}
	return ok(object{"id": paygScope, "name": PaygID, "type": "Microsoft.Billing/billingAccounts/billingSubscriptions", "properties": object{
		"subscriptionId": PaygID, "displayName": paygName, "status": "Active", "offerId": PaygOffer,
	}}, 1, "billing"), nil
}

const paygName = "Pay-As-You-Go"

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

var paygMeters = []string{"D2s v5", "Hot LRS Data Stored", "Standard Data Transfer Out", "B2ms", "S2 DTUs"}

// paygUses is everything the subscription used, day by day, since its first billing period began.
func (e *Enterprise) paygUses() []paygUse {
	var all []paygUse
	for day := e.months[0].start + paygDay; day < e.asOf; day++ {
		for i, meterName := range paygMeters {
			h := mix2(mix2(e.seed, uint64(day)), uint64(i))
			u := paygUse{day: day, reported: day + 1, hour: int(h % 24), meter: e.meterNamed(meterName, "northeurope"), name: fmt.Sprintf("lab-%d", i+1), h: h}
			u.quantity = num{int64(h>>8%240000) + 1, 4}
			if u.meter.runs == daily {
				u.quantity = num{1, 0}
			}
			if h>>32%20 == 0 {
				u.reported += 3 // billing learns of some records late
			}
			all = append(all, u)
		}
	}
	return all
}

// overmetered tells the uses that are billed at half as much again as was metered: three days of storage in the second
// period.
func overmetered(u paygUse, p paygPeriod) bool {
	return u.meter.meter == "Hot LRS Data Stored" && p.month.index == 1 && u.day-p.start >= 9 && u.day-p.start <= 11
}

// A paygRow is one charge: a use, or its part in one tier. Marketplace has an offer instead of a meter.
type paygRow struct {
	use    paygUse
	q      num
	price  num // 0 for what is included
	list   num // of the first tier
	offer  *offer
	charge string
	extra  num // of q, what was not metered
}

func (r paygRow) cost() amount { return mul(r.q, r.price) }

// paygRows are the charges of a billing period. A meter's tiers count up from its first day.
func (e *Enterprise) paygRows(p paygPeriod) []paygRow {
	var rows []paygRow
	used := map[*meter]int64{}
	for _, u := range e.paygUses() {
		if u.day < p.start || u.day > p.end {
			continue
		}
		extra := num{}
		if overmetered(u, p) {
			extra = u.quantity.percent(50)
			u.quantity = u.quantity.percent(150)
		}
		parts := e.paygParts(u, used[u.meter])
		parts[len(parts)-1].extra = extra
		rows = append(rows, parts...)
		used[u.meter] += u.quantity.scaled()
	}
	return append(rows, e.paygMarketplace(p)...)
}

// paygScale is the digits that quantities are counted up in.
const paygScale = 8

func (n num) scaled() int64 { return n.c * int64(pow10[paygScale-n.s]) }

// paygParts cuts a use at the bounds of what is included and of the tiers. before is what the meter used already.
func (e *Enterprise) paygParts(u paygUse, before int64) []paygRow {
	rate := e.paygRate(u.meter, u.day)
	one := int64(pow10[paygScale])
	var rows []paygRow
	add := func(from, to int64, price num) {
		from, to = max(from, before), min(to, before+u.quantity.scaled())
		if from < to {
			rows = append(rows, paygRow{use: u, q: num{to - from, paygScale}.trim(), price: price, list: rate.tiers[0].price, charge: "Usage"})
		}
	}
	add(0, rate.included*one, num{})
	for i, t := range rate.tiers {
		end := int64(1) << 62
		if i+1 < len(rate.tiers) {
			end = (rate.included + rate.tiers[i+1].lower) * one
		}
		add((rate.included+t.lower)*one, end, t.price)
	}
	return rows
}

// paygRate is the newest rate up to a day.
func (e *Enterprise) paygRate(m *meter, day int) paygRate {
	rates := e.paygRates(m)
	rate := rates[0]
	for _, r := range rates {
		if r.day <= day {
			rate = r
		}
	}
	return rate
}

// paygMarketplace is what a period is charged of Marketplace: a subscription on its third day, and a firewall on every other.
func (e *Enterprise) paygMarketplace(p paygPeriod) []paygRow {
	var rows []paygRow
	add := func(day int, o *offer, q num, charge string) {
		u := paygUse{day: day, meter: e.meters[0], name: "market-1", h: mix2(mix2(e.seed, uint64(day)), hashText(o.name))}
		rows = append(rows, paygRow{use: u, q: q, price: o.price, offer: o, charge: charge})
	}
	for day := p.start; day <= min(p.end, e.asOf-1); day++ {
		if day == p.start+2 {
			add(day, &offers[3], num{1, 0}, "Purchase")
		}
		if (day-p.start)%2 == 0 {
			add(day, &offers[0], num{24, 0}, "Usage")
		}
	}
	return rows
}

// paygAsked is the period that a path asks for: the newest where it names none.
func (e *Enterprise) paygAsked(t *target) (paygPeriod, bool) {
	var asked paygPeriod
	found := false
	for _, p := range e.paygPeriods() {
		if t.month == nil || t.month.index == p.month.index {
			asked, found = p, true
		}
	}
	return asked, found
}

func (s *server) paygUsageDetails(r *http.Request, t *target) (*answer, error) {
	list := []any{}
	if p, found := s.e.paygAsked(t); found {
		for _, row := range s.e.paygRows(p) {
			list = append(list, s.e.paygCharge(row, p))
		}
	}
	top, err := topOf(r, "$top", s.e.config.PageSize, maxPage)
	if err != nil {
		return nil, err
	}
	return listPage(r, list, top, "consumption")
}

func (e *Enterprise) paygCharge(row paygRow, p paygPeriod) object {
	u := row.use
	properties := object{
		"billingAccountId": PaygID, "billingPeriodStartDate": e.text(p.start).stamp, "billingPeriodEndDate": e.text(p.end).stamp, "billingProfileId": PaygID,
		"subscriptionId": PaygID, "subscriptionName": paygName, "date": e.text(u.day).stamp, "product": u.meter.title, "meterId": u.meter.id,
		"meterDetails": object{"meterName": u.meter.meter, "meterCategory": u.meter.category, "meterSubCategory": u.meter.sub, "unitOfMeasure": u.meter.unit, "serviceFamily": u.meter.family},
		"quantity":     retailNumber(row.q), "effectivePrice": retailNumber(row.price), "cost": json.Number(row.cost().String()), "unitPrice": retailNumber(row.price),
		"billingCurrency": "EUR", "resourceLocation": u.meter.region.raw, "consumedService": u.meter.provider, "resourceId": u.resource(), "resourceName": u.name,
		"resourceGroup": "Lab", "offerId": PaygOffer, "isAzureCreditEligible": true, "publisherName": "Microsoft", "publisherType": "Azure", "chargeType": row.charge,
		"frequency": "UsageBased", "payGPrice": retailNumber(row.list), "pricingModel": "OnDemand",
	}
	if row.offer != nil {
		row.offer.describe(properties, row.charge)
	}
	name := guid(u.h)
	return object{"kind": "legacy", "id": p.path() + "/providers/Microsoft.Consumption/usageDetails/" + name, "name": name, "type": "Microsoft.Consumption/usageDetails", "tags": nil, "properties": properties}
}

// describe makes a charge one of Marketplace, which has neither meter nor product.
func (o *offer) describe(properties object, charge string) {
	for _, name := range []string{"meterId", "meterDetails", "resourceLocation"} {
		delete(properties, name)
	}
	for name, value := range map[string]any{
		"publisherName": o.publisher, "publisherType": "Marketplace", "planName": o.plan, "consumedService": "Microsoft.SaaS", "isAzureCreditEligible": false, "payGPrice": 0,
		"resourceId": PaygPath + "/resourceGroups/Lab/providers/Microsoft.SaaS/resources/market-1", "product": o.name,
	} {
		properties[name] = value
	}
	if charge == "Purchase" {
		properties["frequency"] = "Recurring"
	}
}

// paygQuery adds up the days of any billing period.
func (s *server) paygQuery(r *http.Request, t *target) (*answer, error) {
	q, err := s.e.readQuestion(r, t)
	if err != nil {
		return nil, err
	}
	if len(q.Dataset.Grouping) > 0 {
		return nil, badRequest("Invalid query definition: the simulated subscription is not grouped.")
	}
	sums := map[int]amount{}
	for _, p := range s.e.paygPeriods() {
		for _, row := range s.e.paygRows(p) {
			sums[row.use.day] = sums[row.use.day].add(row.cost())
		}
	}
	var table [][]any
	for day := q.from; day <= q.to; day++ {
		if sum, found := sums[day]; found {
			table = append(table, []any{money(sum.round8()), dayNumber(day), "EUR"})
		}
	}
	return tablePage(r, t, q, []string{q.column, "UsageDate", "Currency"}, table, s.e.config.PageSize)
}

// paygScope is where the billing API keeps the subscription.
var paygScope = "/providers/Microsoft.Billing/billingAccounts/default/billingSubscriptions/" + strings.ToLower(PaygID)
