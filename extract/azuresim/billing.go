package azuresim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

type object = map[string]any

// money is an amount with the service's own .0 on whole numbers.
func money(a amount) json.Number {
	text := a.String()
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return json.Number(text)
}

func moneyIn(currency string, a amount) object {
	return object{"currency": currency, "value": money(a)}
}

func stamp(day int, seed uint64) string {
	t := dayTime(day).Add(time.Duration(mix(seed)%50000) * time.Second)
	return t.Format("2006-01-02T15:04:05.") + fmt.Sprintf("%07dZ", mix(seed+1)%1e7)
}

// billingAccounts lists the accounts, or shows one: agreementType is how a client tells the agreements apart.
func (s *server) billingAccounts(r *http.Request, t *target) (*answer, error) {
	if t.a != nil {
		return ok(t.a.object(), 1, "billing"), nil
	}
	var list []any
	for _, a := range s.e.accounts() {
		list = append(list, a.object())
	}
	return listPage(r, list, 50, "billing")
}

func (a *account) object() object {
	properties := object{
		"displayName": a.name, "accountStatus": "Active", "accountType": "Enterprise", "agreementType": "MicrosoftCustomerAgreement",
		"hasReadAccess": true, "soldTo": object{"companyName": a.name, "country": "GB"}, "billingProfiles": object{"hasMoreResults": false},
	}
	if a.kind == enterpriseAgreement {
		properties["agreementType"] = "EnterpriseAgreement"
		properties["enrollmentDetails"] = object{
			"currency": "EUR", "billingCycle": "Monthly", "channel": "Direct", "countryCode": "DE", "markupStatus": "Locked",
			"startDate": "2023-07-01T00:00:00Z", "endDate": "2029-06-30T00:00:00Z", "supportLevel": "Standard",
		}
	}
	return object{"id": a.path, "name": a.id, "type": "Microsoft.Billing/billingAccounts", "properties": properties}
}

// billingPeriods lists the months, newest first. Modern accounts have none, and say so with a 400.
func (s *server) billingPeriods(r *http.Request, t *target) (*answer, error) {
	if t.a == nil {
		return nil, notFound(t.path)
	}
	if t.a.kind == customerAgreement {
		return nil, badRequest("Billing periods are not supported for Microsoft Customer Agreement subscriptions.")
	}
	scope := t.a.path
	if t.sub != nil {
		scope = "/subscriptions/" + t.sub.id
	}
	if len(t.rest) == 1 {
		return s.onePeriod(t, scope)
	}
	top, err := topOf(r, "$top", 50, 100)
	if err != nil {
		return nil, err
	}
	from, to := 0, 1<<30
	conditions, err := parseFilter(r.URL.Query().Get("$filter"))
	if err != nil {
		return nil, err
	}
	for _, c := range conditions {
		if err := c.narrow(&from, &to); err != nil {
			return nil, err
		}
	}
	var list []any
	for _, m := range slices.Backward(s.e.months) {
		if m.last() >= from && m.last() <= to {
			list = append(list, s.e.periodObject(m, scope))
		}
	}
	return listPage(r, list, top, "billing")
}

func (s *server) onePeriod(t *target, scope string) (*answer, error) {
	m, found := s.e.monthNamed(t.rest[0])
	if !found {
		return nil, notFound(t.path)
	}
	return ok(s.e.periodObject(m, scope), 1, "billing"), nil
}

func (e *Enterprise) periodObject(m month, scope string) object {
	properties := object{"billingPeriodStartDate": e.text(m.start).iso, "billingPeriodEndDate": e.text(m.last()).iso}
	if m.closed {
		properties["invoiceIds"] = []any{EnrollmentPath + "/invoices/" + e.ea.makeInvoiceName(e.ea.profiles[0], m.index, false)}
	}
	return object{"id": scope + "/providers/Microsoft.Billing/billingPeriods/" + m.name, "name": m.name, "type": "Microsoft.Billing/BillingPeriods", "properties": properties}
}

// invoices lists the invoices of an account or a billing profile, newest first. Version 2020-05-01 demands the dates and
// answers with relative links in which a blank stands as it is; 2024-04-01 takes top (without $) up to 50.
func (s *server) invoices(r *http.Request, t *target) (*answer, error) {
	if t.a == nil {
		return nil, notFound(t.path)
	}
	q := r.URL.Query()
	old := q.Get("api-version") < "2024-04-01"
	if q.Get("api-version") < "2020" && t.sub != nil {
		return s.legacyInvoices(r, t)
	}
	if len(t.rest) == 1 {
		return s.oneInvoice(r, t)
	}
	from, to := 0, 1<<30
	for name, bound := range map[string]*int{"periodStartDate": &from, "periodEndDate": &to} {
		text := q.Get(name)
		if text == "" && !old {
			continue
		}
		day, err := parseDay(text)
		if err != nil {
			return nil, badRequest("The query parameter %s is required and must be a date.", name)
		}
		*bound = day
	}
	top, err := topOf(r, map[bool]string{true: "$top", false: "top"}[old], min(50, s.e.config.PageSize), 50)
	if err != nil {
		return nil, err
	}
	list := s.e.invoiceObjects(r, t, from, to)
	page, next, err := window(r, list, top)
	if err != nil {
		return nil, err
	}
	body := object{"value": append([]any{}, page...)}
	if old || q.Get("count") == "true" {
		body["totalCount"] = len(list)
	}
	if next > 0 {
		body["nextLink"] = link(r, "$skiptoken="+offsetToken(next))
		if old {
			body["nextLink"] = oldInvoiceLink(r, t, next, top)
		}
	}
	return ok(body, len(page), "billing"), nil
}

// oldInvoiceLink is relative and holds blanks: ….&periodStartDate=2000-01-01 00:00:00Z&….
func oldInvoiceLink(r *http.Request, t *target, next, top int) string {
	q := r.URL.Query()
	day := func(name string) string { return q.Get(name)[:10] + " 00:00:00Z" }
	return fmt.Sprintf("%s?$skiptoken=%s&$top=%d&api-version=%s&periodStartDate=%s&periodEndDate=%s", t.path, offsetToken(next), top, q.Get("api-version"), day("periodStartDate"), day("periodEndDate"))
}

func (e *Enterprise) invoiceObjects(r *http.Request, t *target, from, to int) []any {
	var list []any
	for _, v := range slices.Backward(e.invoices(t.a)) {
		if v.day >= from && v.day <= to && (t.profile == nil || t.profile == v.profile) {
			list = append(list, e.invoiceObject(r, t.a, v))
		}
	}
	return list
}

func (s *server) oneInvoice(r *http.Request, t *target) (*answer, error) {
	v, found := s.e.invoiceNamed(t.a, t.rest[0])
	if !found {
		return nil, notFound(t.path)
	}
	return ok(s.e.invoiceObject(r, t.a, v), 1, "billing"), nil
}

func (e *Enterprise) invoiceObject(r *http.Request, a *account, v invoice) object {
	id := a.path + "/invoices/" + v.name
	h := hashText(v.name)
	start, end := dayTime(v.month.start).Format("2006-01-02T15:04:05.0000000Z"), isoDay(v.month.last())+"T23:59:59.9999999Z"
	if !v.monthly {
		start = stamp(v.day, h+2)
		end = start
	}
	p := object{
		"invoiceDate": stamp(v.day, h), "dueDate": stamp(v.day+30, h), "invoicePeriodStartDate": start, "invoicePeriodEndDate": end,
		"isMonthlyInvoice": v.monthly, "status": v.status, "documentType": "Invoice", "invoiceType": "AzureServices", "payments": []any{}, "purchaseOrderNumber": "PO-4711",
		"billingProfileId": v.profile.path, "billingProfileDisplayName": v.profile.name,
		"documents": []any{object{"kind": "Invoice", "name": v.name, "source": "DRS", "url": site(r) + id + "/download?downloadToken=DRS_" + v.name + "&api-version=2020-05-01"}},
	}
	for name, value := range map[string]amount{
		"billedAmount": v.billed, "creditAmount": v.credit, "azurePrepaymentApplied": v.prepaid, "freeAzureCreditApplied": v.free,
		"subTotal": v.sub, "taxAmount": v.tax, "totalAmount": v.total, "amountDue": v.due,
	} {
		p[name] = moneyIn(v.profile.currency, value)
	}
	v.link(a, p)
	if v.status == "Paid" && (amount{}).less(v.total) {
		p["payments"] = []any{object{"paymentType": "Debited", "amount": moneyIn(v.profile.currency, v.total), "date": stamp(v.day+12, h), "paymentMethodFamily": "CheckWire", "paymentMethodType": "check"}}
	}
	return object{"id": id, "name": v.name, "type": "Microsoft.Billing/billingAccounts/invoices", "properties": p}
}

// balance serves the prepayment balance of the enrollment, now or in a past period. The currency is padded, as served.
func (s *server) balance(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.a.kind == customerAgreement || t.sub != nil {
		return nil, refuse(http.StatusNotFound, "NotFound", "Balances are only available for enterprise enrollments.")
	}
	all := s.e.balances()
	b := all[len(all)-1]
	if t.month != nil {
		b = all[t.month.index]
	}
	details := func(name string, a amount) []any {
		if a.isZero() {
			return []any{}
		}
		return []any{object{"name": name, "value": money(a)}}
	}
	id := fmt.Sprintf("%s/providers/Microsoft.Billing/billingPeriods/%s/providers/Microsoft.Consumption/balances/%s", t.a.path, b.month.name, b.month.name)
	return ok(object{"id": id, "name": b.month.name, "type": "Microsoft.Consumption/balances", "properties": object{
		"currency": "EUR  ", "beginningBalance": money(b.begin), "endingBalance": money(b.end), "newPurchases": money(b.purchases), "adjustments": money(b.adjustments),
		"utilized": money(b.utilized), "serviceOverage": money(b.overage), "chargesBilledSeparately": money(b.separate),
		"totalOverage": money(b.totalOverage()), "totalUsage": money(b.totalUsage()), "azureMarketplaceServiceCharges": money(b.marketplace),
		"overageRefund": money(amount{}), "billingFrequency": "Month", "priceHidden": false,
		"newPurchasesDetails": details("Azure Prepayment", b.purchases), "adjustmentDetails": details("Promo Credit", b.adjustments),
	}}, 1, "consumption"), nil
}

// priceSheet serves the enrollment's price sheet. Its nextLink stands inside properties.
func (s *server) priceSheet(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.a.kind == customerAgreement || len(t.rest) != 1 || !strings.EqualFold(t.rest[0], "default") {
		return nil, notFound(t.path)
	}
	m := s.e.open()
	if t.month != nil {
		m = *t.month
	}
	top, err := topOf(r, "$top", s.e.config.PageSize, maxPage)
	if err != nil {
		return nil, err
	}
	rows, next, err := window(r, s.e.sheet(m.index), top)
	if err != nil {
		return nil, err
	}
	scope := strings.TrimPrefix(t.a.path, "/")
	if t.sub != nil {
		scope = "subscriptions/" + t.sub.id
	}
	period := scope + "/providers/Microsoft.Billing/billingPeriods/" + m.name
	expand := strings.Contains(strings.ToLower(r.URL.Query().Get("$expand")), "meterdetails")
	prices := []any{}
	for _, row := range rows {
		prices = append(prices, row.object(period, expand))
	}
	properties := object{"download": nil, "pricesheets": prices}
	if next > 0 {
		properties["nextLink"] = link(r, "$skiptoken="+offsetToken(next))
	}
	return ok(object{"id": period + "/providers/Microsoft.Consumption/pricesheets/default", "name": "default", "type": "Microsoft.Consumption/pricesheets", "tags": nil, "properties": properties}, len(rows), "consumption"), nil
}

func (row sheetRow) object(period string, expand bool) object {
	m := row.meter
	o := object{
		"billingPeriodId": period, "meterId": m.shown, "unitOfMeasure": m.unit, "includedQuantity": json.Number("0.0000"), "partNumber": m.part,
		"unitPrice": json.Number(appendNum(nil, row.price, m.index%2 == 0)), "currencyCode": "EUR", "offerId": row.offer, "meterDetails": nil,
	}
	if expand {
		o["meterDetails"] = object{
			"meterName": m.meter, "meterCategory": m.category, "meterSubCategory": m.sub, "unit": m.unit, "meterLocation": m.region.zone,
			"totalIncludedQuantity": json.Number("0"), "pretaxStandardRate": json.Number(row.standard.String()), "serviceName": m.category, "serviceTier": m.sub,
		}
	}
	return o
}

// A budget is a limit on the cost of a scope: a subscription, a billing profile, or the enrollment.
type budget struct {
	name    string
	grain   string
	amount  amount
	spent   amount
	sub     *subscription
	profile *profile // nil for the enrollment and for subscriptions
	scope   string
	unit    string
}

// budgetsOf are a yearly and a monthly budget for each billing profile (for the enrollment they are its own), and a monthly
// one for every third subscription, a tenth too small. The customer agreement has none at the account, which has
// no one currency.
func (e *Enterprise) budgetsOf(a *account) []budget {
	open := e.open()
	now, before := e.totalsOf(a, open.index), e.totalsOf(a, max(open.index-1, 0))
	limit := func(x amount, part int64) amount { return fromCents(x.share(part, 100), 10000).add(cents(10000)) }
	var list []budget
	for i, p := range a.profiles {
		year := amount{}
		for _, m := range e.months {
			if m.year == open.year {
				year = year.add(e.totalsOf(a, m.index).cost[i])
			}
		}
		b := budget{name: a.key + "-monthly", grain: "Monthly", amount: limit(before.cost[i], 105), spent: now.cost[i].round2(), scope: p.path, unit: p.currency}
		if a.kind == customerAgreement {
			b.profile = p
		}
		yearly := b
		yearly.name, yearly.grain, yearly.amount, yearly.spent = a.key+"-yearly", "Annually", limit(before.cost[i], 1300), year.round2()
		list = append(list, b, yearly)
	}
	for _, sub := range a.subs {
		if sub.index%3 == 0 {
			list = append(list, budget{
				name: "limit-" + strings.ToLower(strings.ReplaceAll(sub.name, " ", "-")), grain: "Monthly", sub: sub,
				amount: limit(before.sub[sub.index], 90), spent: now.sub[sub.index].round2(), scope: "/subscriptions/" + sub.id, unit: sub.section.profile.currency,
			})
		}
	}
	return list
}

// fromCents cuts an amount to whole multiples of unit cents.
func fromCents(a amount, unit int64) amount {
	hi, lo, _ := a.abs()
	_, c := divEven(0, hi, lo, pow10[19])
	return cents(int64(c) / unit * unit)
}

func (s *server) budgets(r *http.Request, t *target) (*answer, error) {
	if t.a == nil {
		return nil, notFound(t.path)
	}
	list := []any{}
	for _, b := range s.e.budgetsOf(t.a) {
		if b.sub == t.sub && b.profile == t.profile && t.section == nil && t.group == "" {
			list = append(list, s.e.budgetObject(b))
		}
	}
	return listPage(r, list, 50, "consumption")
}

func (e *Enterprise) budgetObject(b budget) object {
	start := dayTime(e.months[0].start)
	forecast := b.spent
	if open := e.open(); open.data > 0 && b.grain == "Monthly" {
		forecast = b.spent.share(int64(open.length), int64(open.data))
	}
	return object{
		"id": strings.TrimPrefix(b.scope, "/") + "/providers/Microsoft.Consumption/budgets/" + b.name, "name": b.name, "type": "Microsoft.Consumption/budgets",
		"eTag": fmt.Sprintf("\"%x\"", hashText(b.name)>>16),
		"properties": object{
			"category": "Cost", "amount": money(b.amount), "timeGrain": b.grain,
			"timePeriod":   object{"startDate": start.Format("2006-01-02T15:04:05Z"), "endDate": start.AddDate(10, 0, 0).Format("2006-01-02T15:04:05Z")},
			"currentSpend": object{"amount": money(b.spent), "unit": b.unit}, "forecastSpend": object{"amount": money(forecast), "unit": b.unit},
			"notifications": object{"Actual_GreaterThan_80_Percent": object{
				"enabled": true, "operator": "GreaterThan", "threshold": json.Number("80.0"), "thresholdType": "Actual",
				"contactEmails": []any{"finops@contoso.example"}, "contactRoles": []any{"Owner"}, "contactGroups": []any{}, "locale": "en-us",
			}},
		},
	}
}
