package azuresim

import (
	"encoding/json"
	"fmt"
	"math/bits"
	"net/http"
	"slices"
	"strings"
)

var (
	_ = handle(http.MethodGet, "consumption/reservationrecommendations", (*server).reservationRecommendations)
	_ = handle(http.MethodGet, "consumption/reservationrecommendationdetails", (*server).recommendationDetails)
	_ = handle(http.MethodGet, "consumption/reservationtransactions", (*server).reservationTransactions)
)

// An ask is what advice is asked for: whose use of which days, bought for how long.
type ask struct {
	scope        string // shared or single
	resourceType string
	days         int
	term         string
	subscription string
}

var lookBackDays = map[string]int{"last7days": 7, "last30days": 30, "last60days": 60}

// readAsk reads a $filter over the defaults of the operation.
func readAsk(r *http.Request, q ask) (ask, error) {
	conditions, err := parseFilter(r.URL.Query().Get("$filter"))
	if err != nil {
		return q, err
	}
	for _, c := range conditions {
		value := strings.ToLower(c.value)
		switch {
		case c.op != "eq":
			return q, badRequest("Invalid filter: operator '%s' is not supported.", c.op)
		case c.field == "scope" && (value == "shared" || value == "single"):
			q.scope = value
		case c.field == "resourcetype":
			q.resourceType = value
		case c.field == "lookbackperiod" && lookBackDays[value] > 0:
			q.days = lookBackDays[value]
		case c.field == "term" && (value == "p1y" || value == "p3y"):
			q.term = strings.ToUpper(value)
		case c.field == "subscriptionid":
			q.subscription = value
		default:
			return q, badRequest("Invalid filter: '%s %s %s' is not supported.", c.field, c.op, c.value)
		}
	}
	return q, nil
}

// advised are the scopes that get advice: subscriptions, the enrollment, billing profiles.
func advised(t *target) error {
	if t.a == nil || t.order != "" || t.section != nil || t.a.kind == customerAgreement && t.profile == nil && t.sub == nil {
		return badRequest("Recommendations are not supported for this scope.")
	}
	return nil
}

// A need is the machine hours of one size in one region that nothing covers, over the days looked back.
type need struct {
	meter *meter
	sub   *subscription // of Single advice
	hours amount
	cost  amount
	first int
	money string
}

// quantity is how many machines ran all the time.
func (n *need) quantity(days int) int64 {
	hi, lo, _ := n.hours.over(num{int64(days) * 24, 0}).abs()
	whole, _ := bits.Div64(hi, lo, pow10[19])
	return int64(whole / 100) // amounts have 21 digits
}

// needs adds up the on-demand machine hours of a scope, in the order of size, region and subscription.
func (e *Enterprise) needs(t *target, q ask) []*need {
	sel := selection{a: t.a, sub: t.sub, profile: t.profile, resource: strings.ToLower(t.group), usageOnly: true}
	e.selectRange(&sel, e.asOf-q.days, e.asOf-1, 1)
	all := map[string]*need{}
	c := e.cursor(sel, position{})
	var r row
	for c.next(&r) {
		if !r.metered() || r.model != "OnDemand" || r.meter.category != "Virtual Machines" {
			continue
		}
		key := fmt.Sprintf("%04d", r.meter.index)
		if q.scope == "single" {
			key += r.sub.id
		}
		n := all[key]
		if n == nil {
			n = &need{meter: r.meter, first: r.day, money: r.profile.currency}
			if q.scope == "single" {
				n.sub = r.sub
			}
			all[key] = n
		}
		n.hours, n.cost, n.first = n.hours.add(r.q.amount()), n.cost.add(r.cost), min(n.first, r.day)
	}
	var list []*need
	for _, key := range sortedKeys(all) {
		list = append(list, all[key])
	}
	return list
}

// discounts are what a term costs of the on-demand price.
var discounts = map[string]num{"P1Y": {63, 2}, "P3Y": {41, 2}}

// bought works out what quantity reserved machines and the rest on demand would have cost.
func (n *need) bought(q ask, term string, quantity int64) (reserved, rest amount) {
	covered := n.cost.dividedBy(n.hours).times(num{int64(q.days) * 24 * quantity, 0})
	return covered.times(discounts[term]), n.cost.sub(covered)
}

// reservationRecommendations recommends machines that ran all the time: legacy records for the enrollment, modern ones for
// the customer agreement. What is not a machine gets 204.
func (s *server) reservationRecommendations(r *http.Request, t *target) (*answer, error) {
	if err := advised(t); err != nil {
		return nil, err
	}
	q, err := readAsk(r, ask{scope: "single", resourceType: "virtualmachines", days: 7})
	if err != nil {
		return nil, err
	}
	var list []any
	if q.resourceType == "virtualmachines" {
		for _, n := range s.e.needs(t, q) {
			if n.quantity(q.days) == 0 {
				continue
			}
			for _, term := range []string{"P1Y", "P3Y"} {
				list = append(list, n.recommendation(t, q, term))
			}
		}
	}
	if len(list) == 0 {
		return noContent(), nil
	}
	return listPage(r, list, s.e.config.PageSize, "consumption")
}

func (n *need) recommendation(t *target, q ask, term string) object {
	quantity := n.quantity(q.days)
	reserved, rest := n.bought(q, term, quantity)
	p := object{
		"meterId": n.meter.id, "resourceType": "virtualMachines", "term": term, "scope": map[string]string{"shared": "Shared", "single": "Single"}[q.scope],
		"recommendedQuantity": quantity, "recommendedQuantityNormalized": json.Number(fmt.Sprintf("%d.0", quantity)), "normalizedSize": n.meter.sku,
		"instanceFlexibilityRatio": 1, "instanceFlexibilityGroup": n.meter.sub,
		"firstUsageDate": dayTime(n.first).Format("2006-01-02T15:04:05") + "-07:00",
		"skuProperties":  []any{object{"name": "SkuDisplayName", "value": n.meter.meter}},
	}
	amounts := map[string]amount{"costWithNoReservedInstances": n.cost, "totalCostWithReservedInstances": reserved.add(rest), "netSavings": n.cost.sub(reserved).sub(rest)}
	kind := "legacy"
	if t.a.kind == customerAgreement {
		kind = "modern"
	}
	for name, a := range amounts {
		p[name] = money(a.rounded())
		if kind == "modern" {
			p[name] = moneyIn(n.money, a.rounded())
		}
	}
	p["lookBackPeriod"] = fmt.Sprintf("Last%dDays", q.days)
	if kind == "modern" {
		p["lookBackPeriod"], p["location"], p["skuName"] = q.days, n.meter.region.arm, n.meter.sku
	}
	id := guid(hashText(n.meter.id + term + q.scope))
	if n.sub != nil {
		p["subscriptionId"] = n.sub.id
		id = guid(hashText(n.meter.id + term + n.sub.id))
	}
	return object{
		"kind": kind, "id": t.path + "/" + id, "name": id, "type": "Microsoft.Consumption/reservationRecommendations",
		"location": n.meter.region.arm, "sku": n.meter.sku, "properties": p,
	}
}

// recommendationDetails shows what one recommendation was made from. All its parameters are required.
func (s *server) recommendationDetails(r *http.Request, t *target) (*answer, error) {
	if err := advised(t); err != nil {
		return nil, err
	}
	v := r.URL.Query()
	for _, name := range []string{"scope", "region", "term", "lookBackPeriod", "product"} {
		if v.Get(name) == "" {
			return nil, badRequest("The query parameter %s is required.", name)
		}
	}
	q := ask{scope: strings.ToLower(v.Get("scope")), days: lookBackDays[strings.ToLower(v.Get("lookBackPeriod"))], term: v.Get("term")}
	if q.days == 0 || discounts[q.term].c == 0 {
		return nil, badRequest("Invalid lookBackPeriod or term.")
	}
	for _, n := range s.e.needs(t, q) {
		if n.quantity(q.days) > 0 && strings.EqualFold(n.meter.sku, v.Get("product")) && strings.EqualFold(n.meter.region.arm, v.Get("region")) {
			return ok(s.e.detailObject(t, q, n), 1, "consumption"), nil
		}
	}
	return noContent(), nil
}

func (e *Enterprise) detailObject(t *target, q ask, n *need) object {
	best := n.quantity(q.days)
	var savings []any
	for quantity := int64(1); quantity <= best; quantity++ {
		reserved, rest := n.bought(q, q.term, quantity)
		savings = append(savings, object{
			"quantity": quantity, "onDemandCost": money(n.cost.rounded()), "overageCost": money(rest.rounded()), "reservationCost": money(reserved.rounded()),
			"totalReservationCost": money(reserved.add(rest).rounded()), "reservedUnitCount": quantity, "savings": money(n.cost.sub(reserved).sub(rest).rounded()),
		})
	}
	price := n.cost.dividedBy(n.hours)
	var usage []any
	for range q.days * 24 {
		usage = append(usage, money(n.hours.over(num{int64(q.days) * 24, 0}).round8()))
	}
	return object{
		"id": strings.TrimPrefix(t.path, "/"), "name": "reservationRecommendationDetails", "type": "Microsoft.Consumption/ReservationRecommendationDetails",
		"location": n.meter.region.arm, "sku": n.meter.sku,
		"properties": object{
			"currency": n.money, "scope": map[string]string{"shared": "Shared", "single": "Single"}[q.scope], "resourceGroup": nil,
			"resource": object{
				"appliedScopes": []any{}, "onDemandRate": money(price.round8()), "product": n.meter.sku, "region": n.meter.region.arm,
				"reservationRate": money(price.times(discounts[q.term]).round8()), "resourceType": "virtualmachines",
			},
			"savings": object{
				"calculatedSavings": savings, "lookBackPeriod": q.days, "recommendedQuantity": json.Number(fmt.Sprintf("%d.0", best)),
				"reservationOrderTerm": q.term, "savingsType": "instance", "unitOfMeasure": "hour",
			},
			"usage": object{
				"firstConsumptionDate": dayTime(n.first).Format("2006-01-02T15:04:05"), "lastConsumptionDate": dayTime(e.asOf - 1).Format("2006-01-02T15:04:05"),
				"lookBackUnitType": "virtualMachine quantity", "usageData": usage, "usageGrain": "hourly",
			},
		},
	}
}

// benefitRecommendations recommends a savings plan over six tenths of what machines cost on demand, and shows three others.
func (s *server) benefitRecommendations(r *http.Request, t *target) (*answer, error) {
	if err := advised(t); err != nil {
		return nil, err
	}
	q, err := readAsk(r, ask{scope: "shared", days: 60, term: "P3Y"})
	if err != nil {
		return nil, err
	}
	if q.scope == "single" && q.subscription == "" {
		return nil, badRequest("properties/subscriptionId is required for a single scope.")
	}
	shared := q
	shared.scope = "shared"
	cost, currency, first := amount{}, "", s.e.asOf
	for _, n := range s.e.needs(t, shared) {
		cost, currency, first = cost.add(n.cost), n.money, min(first, n.first)
	}
	if cost.isZero() {
		return noContent(), nil
	}
	return listPage(r, []any{s.e.planObject(r, t, q, cost, currency, first)}, s.e.config.PageSize, "consumption")
}

func (e *Enterprise) planObject(r *http.Request, t *target, q ask, cost amount, currency string, first int) object {
	hours := int64(q.days) * 24
	var charges, others []any
	for range hours {
		charges = append(charges, money(cost.over(num{hours, 0}).round8()))
	}
	for _, part := range []int64{4, 5, 8} {
		others = append(others, planDetail(cost, q.term, hours, part))
	}
	p := object{
		"firstConsumptionDate": dayTime(first).Format("2006-01-02T15:04:05Z"), "lastConsumptionDate": dayTime(e.asOf - 1).Format("2006-01-02T15:04:05Z"),
		"lookBackPeriod": fmt.Sprintf("Last%dDays", q.days), "totalHours": hours, "armSkuName": "Compute_Savings_Plan", "term": q.term,
		"commitmentGranularity": "Hourly", "currencyCode": currency, "costWithoutBenefit": money(cost.round8()), "scope": map[string]string{"shared": "Shared", "single": "Single"}[q.scope],
		"recommendationDetails": planDetail(cost, q.term, hours, 6),
	}
	expand := strings.ToLower(r.URL.Query().Get("$expand"))
	if strings.Contains(expand, "properties/usage") {
		p["usage"] = object{"usageGrain": "Hourly", "charges": charges}
	}
	if strings.Contains(expand, "allrecommendationdetails") {
		p["allRecommendationDetails"] = object{"value": others}
	}
	if q.subscription != "" {
		p["subscriptionId"] = q.subscription
	}
	name := guid(hashText(t.path+q.term+q.scope) ^ uint64(q.days))
	return object{"id": t.path + "/" + name, "name": name, "type": "Microsoft.CostManagement/benefitRecommendations", "kind": "SavingsPlan", "properties": p}
}

// planDetail is a plan that covers so many tenths of the cost and is always used: its benefits cost commitment × hours.
func planDetail(cost amount, term string, hours, tenths int64) object {
	covered := cost.times(num{tenths, 1})
	each := covered.times(discounts[term]).over(num{hours, 0}).round8()
	benefit := each.times(num{hours, 0})
	overage := cost.sub(covered).round8()
	total := benefit.add(overage)
	saved := cost.round8().sub(total)
	return object{
		"averageUtilizationPercentage": money(num{100, 0}.amount()), "coveragePercentage": money(num{tenths * 10, 0}.amount()),
		"commitmentAmount": money(each), "benefitCost": money(benefit), "overageCost": money(overage), "totalCost": money(total), "wastageCost": money(amount{}),
		"savingsAmount": money(saved), "savingsPercentage": money(saved.times(num{100, 0}).dividedBy(cost).round8()),
	}
}

// dividedBy is a ÷ b, cut at the last digit.
func (a amount) dividedBy(b amount) amount {
	v := a.big()
	v.Mul(v, num{1, 0}.amount().big())
	return fromBig(v.Quo(v, b.big()))
}

// reservationTransactions are the payments for reservations, and what was paid back. The days of the filter reach to their
// end.
func (s *server) reservationTransactions(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.sub != nil || t.section != nil || t.order != "" || t.a.kind == customerAgreement && t.profile == nil {
		return nil, badRequest("Reservation transactions are not supported for this scope.")
	}
	conditions, err := parseFilter(r.URL.Query().Get("$filter"))
	if err != nil {
		return nil, err
	}
	from, to := s.e.months[0].start, s.e.asOf-1
	for _, c := range conditions {
		if c.field != "eventdate" {
			return nil, badRequest("Invalid filter: field '%s' is not supported.", c.field)
		}
		if err := c.narrow(&from, &to); err != nil {
			return nil, err
		}
	}
	var list []any
	for day := from; day <= to; day++ {
		for _, c := range t.a.commitments {
			if !c.plan && (t.profile == nil || c.profile == t.profile) {
				list = append(list, c.transactions(day)...)
			}
		}
	}
	slices.Reverse(list) // newest first
	return listPage(r, list, s.e.config.PageSize, "consumption")
}

// transactions are the payment and the refund of a day, with the amounts that the cost rows have.
func (c *commitment) transactions(day int) []any {
	var list []any
	for _, m := range c.a.e.months {
		if m.start <= day && day <= m.last() {
			for _, r := range c.a.payments(nil, c, &m, day) {
				list = append(list, c.transaction(day, r.charge, r.cost, r.invoice))
			}
		}
	}
	return list
}

func (c *commitment) transaction(day int, kind string, amount amount, invoice string) object {
	a, sub := c.a, c.sub
	at := isoDay(day) + "T19:19:04Z"
	frequency := "OneTime"
	if c.recurring {
		frequency = "Recurring"
	}
	p := object{
		"eventDate": at, "eventType": kind, "description": c.orderName(), "quantity": c.quantity, "amount": money(amount), "currency": c.profile.currency,
		"reservationOrderId": c.order, "reservationOrderName": c.name, "armSkuName": c.meter.sku, "term": map[int]string{12: "P1Y", 36: "P3Y"}[c.months],
		"region": c.meter.region.arm, "purchasingSubscriptionGuid": sub.id, "purchasingSubscriptionName": sub.name, "billingFrequency": frequency,
	}
	path := a.path
	if a.kind == enterpriseAgreement {
		p["purchasingEnrollment"], p["currentEnrollment"] = a.id, a.id
		p["accountName"], p["accountOwnerEmail"], p["departmentName"], p["costCenter"] = sub.section.account, sub.section.owner, sub.section.name, ""
		p["billingMonth"] = json.Number(dayTime(day).Format("200601") + "01")
		p["monetaryCommitment"], p["overage"] = money(amount), money(num{}.amount())
	} else {
		path = c.profile.path
		p["billingProfileId"], p["billingProfileName"] = c.profile.path, c.profile.name
		p["invoiceSectionId"], p["invoiceSectionName"] = sub.section.path, sub.section.name
		if invoice != "" {
			p["invoice"], p["invoiceId"] = invoice, a.path+"/invoices/"+invoice
		}
	}
	name := strings.NewReplacer("-", "", "T", "", ":", "").Replace(at[:16]) // of a minute; it repeats
	return object{
		"id": path + "/providers/Microsoft.Consumption/reservationtransactions/" + name, "name": name, "type": "Microsoft.Consumption/reservationTransactions",
		"tags": []any{}, "properties": p,
	}
}
