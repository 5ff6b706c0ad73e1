package azuresim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var (
	_ = handle(http.MethodGet, "consumption/lots", (*server).lotList)
	_ = handle(http.MethodGet, "consumption/credits", (*server).creditSummary)
	_ = handle(http.MethodGet, "consumption/events", (*server).eventList)
)

const (
	purchasedCredit   = "PurchasedCredit"
	promotionalCredit = "PromotionalCredit"
	macc              = "ConsumptionCommitment"
)

// A lot is prepayment bought, a credit given, or a commitment to consume, with all that happened to it in order.
type lot struct {
	a        *account
	profile  *profile // whose credit it is; nil for a commitment, which is the account's
	name     string
	source   string
	currency string
	original amount
	start    int // days
	end      int
	order    string
	events   []creditEvent
}

// A creditEvent changes a lot's balance: added − taken.
type creditEvent struct {
	kind    string
	day     int
	text    string
	invoice string // "" for what is not billed yet
	added   amount
	charges amount
	expired amount
	profile *profile // whose charges they are, of a commitment
}

func (v creditEvent) change() amount { return v.added.sub(v.charges).sub(v.expired) }

func (v creditEvent) pending() bool { return strings.HasPrefix(v.kind, "Pending") }

// closed is the balance as of the last invoice, and left what it is estimated to be once everything is billed.
func (l *lot) closed() amount { return l.balance(false) }

func (l *lot) left() amount { return l.balance(true) }

func (l *lot) balance(pending bool) amount {
	var sum amount
	for _, v := range l.events {
		if pending || !v.pending() {
			sum = sum.add(v.change())
		}
	}
	return sum
}

func (l *lot) status() string {
	switch {
	case slices.ContainsFunc(l.events, func(v creditEvent) bool { return !v.expired.isZero() }):
		return "Expired"
	case l.closed().isZero():
		return "Complete"
	}
	return "Active"
}

// lots are an account's: what its invoices say was paid with prepayment or credit, prepayment bought in the open month, and
// a commitment that every invoiced month takes off. They follow from the invoices, so the events of a lot, its closing
// balance and what the invoices say agree.
func (e *Enterprise) lots(a *account) []*lot {
	var all []*lot
	for _, v := range e.invoices(a) {
		if a.kind == enterpriseAgreement || !v.monthly || v.month.index > 0 || !v.counts() {
			continue
		}
		if !v.prepaid.isZero() {
			all = append(all, e.prepayment(a, v))
		}
		if !v.free.isZero() {
			all = append(all, e.promotion(a, v))
		}
	}
	if a.kind == customerAgreement {
		all = append(all, e.freshPrepayment(a))
	}
	return append(all, e.commitmentLot(a))
}

func (a *account) newLot(p *profile, source string, salt uint64, original amount, start int) *lot {
	return &lot{a: a, profile: p, name: guid(mix2(a.seed, 7000+salt)), source: source, currency: p.currency, original: original, start: start, end: start + 365, order: fmt.Sprint(4000 + salt)}
}

// prepayment was bought for the first month and used up by its invoice.
func (e *Enterprise) prepayment(a *account, v invoice) *lot {
	l := a.newLot(v.profile, purchasedCredit, 1, v.prepaid, v.month.start)
	l.events = []creditEvent{
		{kind: "NewCredit", day: l.start, text: "New credits added", invoice: v.name, added: l.original},
		{kind: "SettledCharges", day: v.day, text: "Balance after invoice " + v.name, invoice: v.name, charges: v.prepaid},
	}
	return l
}

// promotionLeft is what expires of the promotion's credit.
var promotionLeft = cents(5000)

// promotion was given for two months: the first invoice used most of it, the rest expires.
func (e *Enterprise) promotion(a *account, v invoice) *lot {
	l := a.newLot(v.profile, promotionalCredit, 2, v.free.add(promotionLeft), v.month.start)
	l.end, l.order = v.month.last()+30, ""
	l.events = []creditEvent{
		{kind: "NewCredit", day: l.start, text: "New credits added", invoice: v.name, added: l.original},
		{kind: "SettledCharges", day: v.day, text: "Balance after invoice " + v.name, invoice: v.name, charges: v.free},
	}
	if l.end < e.asOf {
		l.events = append(l.events, creditEvent{kind: "CreditExpired", day: l.end, text: "Credit expired", invoice: v.name, expired: promotionLeft})
	}
	return l
}

// freshPrepayment was bought in the open month, whose charges so far wait for it.
func (e *Enterprise) freshPrepayment(a *account) *lot {
	open, p := e.open(), a.profiles[0]
	l := a.newLot(p, purchasedCredit, 3, cents(2_500_000), open.start)
	l.events = []creditEvent{{kind: "NewCredit", day: open.start, text: "New credits added", added: l.original}}
	waiting, _ := e.partsOf(a, open.index).sum(func(q part) bool { return q.profile == p })
	pending := waiting.azure.round2()
	if l.original.less(pending) {
		pending = l.original
	}
	if (amount{}).less(pending) {
		l.events = append(l.events, creditEvent{kind: "PendingCharges", day: e.asOf - 1, text: "Pending eligible charges", charges: pending})
	}
	return l
}

// commitmentLot is an account's commitment to consume: in dollars for the customer agreement, in its own currency for the
// enrollment. It is ten times the first month, and each invoiced month takes off what it cost.
func (e *Enterprise) commitmentLot(a *account) *lot {
	used := func(p *profile, month int) amount {
		sum, _ := e.partsOf(a, month).sum(func(q part) bool { return q.profile == p })
		return sum.pricing.round2()
	}
	first := amount{}
	for _, p := range a.profiles {
		first = first.add(used(p, 0))
	}
	l := &lot{a: a, name: fmt.Sprintf("G%012d", mix2(a.seed, 7004)%1e12), source: macc, currency: "USD", start: e.months[0].start, end: e.months[0].start + 3*365, order: "4004"}
	if a.kind == enterpriseAgreement {
		l.currency = a.profiles[0].currency
	}
	l.original = fromCents(first.share(1000, 100), 100_000).add(cents(100_000))
	l.events = []creditEvent{{kind: "NewCredit", day: l.start, text: "New MACC Added", added: l.original, profile: a.profiles[0]}}
	for _, v := range e.invoices(a) {
		if !v.monthly || !v.counts() {
			continue
		}
		taken := used(v.profile, v.month.index)
		if left := l.closed(); left.less(taken) {
			taken = left
		}
		l.events = append(l.events, creditEvent{kind: "SettledCharges", day: v.day, text: "Balance after invoice " + v.name, invoice: v.name, charges: taken, profile: v.profile})
	}
	return l
}

func (l *lot) path() string {
	scope := l.a.profiles[0].path // a commitment's id names a billing profile as well
	if l.profile != nil {
		scope = l.profile.path
	}
	return scope + "/providers/Microsoft.Consumption/lots/" + l.name
}

// wants tells whether the target and the $filter ask for the lot.
func (t *target) wantsLot(l *lot, conditions []condition) bool {
	if t.profile != nil && l.profile != t.profile {
		return false
	}
	for _, c := range conditions {
		value := map[string]string{"source": l.source, "lotsource": l.source, "status": l.status(), "lotid": l.name}[c.field]
		if c.op != "eq" || !strings.EqualFold(value, c.value) {
			return false
		}
	}
	return true
}

func (s *server) wantedLots(r *http.Request, t *target) ([]*lot, error) {
	if t.a == nil || t.sub != nil || t.section != nil {
		return nil, notFound(t.path)
	}
	conditions, err := parseFilter(r.URL.Query().Get("$filter"))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(s.e.lots(t.a), func(l *lot) bool { return !t.wantsLot(l, conditions) }), nil
}

func (s *server) lotList(r *http.Request, t *target) (*answer, error) {
	lots, err := s.wantedLots(r, t)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, l := range lots {
		list = append(list, l.object())
	}
	return listPage(r, list, min(50, s.e.config.PageSize), "consumption")
}

func (l *lot) object() object {
	p := object{
		"originalAmount": moneyIn(l.currency, l.original), "closedBalance": moneyIn(l.currency, l.closed()), "source": l.source,
		"startDate": instant(l.start), "expirationDate": instant(l.end), "poNumber": l.order, "creditCurrency": l.currency, "billingCurrency": l.currency,
	}
	if l.profile == nil {
		p["purchasedDate"], p["status"] = instant(l.start-14), l.status()
	} else {
		p["originalAmountInBillingCurrency"] = object{"currency": l.currency, "value": money(l.original), "exchangeRate": money(cents(100)), "exchangeRateMonth": 1}
		p["reseller"] = object{"resellerId": nil, "resellerDescription": nil}
	}
	return object{"id": l.path(), "name": l.name, "type": "Microsoft.Consumption/lots", "properties": p}
}

// creditSummary is the balance of a billing profile's lots; a profile without any has no body.
func (s *server) creditSummary(_ *http.Request, t *target) (*answer, error) {
	if t.profile == nil || t.section != nil || len(t.rest) != 1 || !strings.EqualFold(t.rest[0], "balanceSummary") {
		return nil, notFound(t.path)
	}
	var current, left, pending, expired amount
	found := false
	for _, l := range s.e.lots(t.a) {
		if l.profile != t.profile {
			continue
		}
		found = true
		current, left = current.add(l.closed()), left.add(l.left())
		for _, v := range l.events {
			if expired = expired.add(v.expired); v.pending() {
				pending = pending.add(v.charges)
			}
		}
	}
	if !found {
		return noContent(), nil
	}
	c := t.profile.currency
	return ok(object{"id": t.profile.path + "/providers/Microsoft.Consumption/credits/balanceSummary/" + t.profile.id, "name": t.profile.id, "type": "Microsoft.Consumption/credits/balanceSummary", "properties": object{
		"creditCurrency": c, "billingCurrency": c, "isEstimatedBalance": true,
		"balanceSummary":           object{"estimatedBalance": moneyIn(c, left), "currentBalance": moneyIn(c, current)},
		"pendingCreditAdjustments": moneyIn(c, amount{}), "expiredCredit": moneyIn(c, expired), "pendingEligibleCharges": moneyIn(c, pending),
	}}, 1, "consumption"), nil
}

// eventList serves what happened to lots. A billing profile demands dates and runs one balance over all its lots; an
// account takes none, and each of its lots has a balance of its own.
func (s *server) eventList(r *http.Request, t *target) (*answer, error) {
	lots, err := s.wantedLots(r, t)
	if err != nil {
		return nil, err
	}
	from, to := 0, 1<<30
	if t.profile != nil {
		q := r.URL.Query()
		var err1, err2 error
		from, err1 = parseDay(q.Get("startDate"))
		to, err2 = parseDay(q.Get("endDate"))
		if err1 != nil || err2 != nil || to < from {
			return nil, badRequest("The query parameters startDate and endDate are required and must be dates.")
		}
	}
	var list []any
	for _, l := range ledgers(t, lots) {
		var balance amount
		for i, v := range l.events {
			balance = balance.add(v.change())
			if v.day >= from && v.day <= to {
				list = append(list, l.event(i, v, balance, t.profile))
			}
		}
	}
	return listPage(r, append([]any{}, list...), min(50, s.e.config.PageSize), "consumption")
}

// ledgers are the lots as an events list accounts for them: those of a billing profile are one.
func ledgers(t *target, lots []*lot) []*lot {
	if t.profile == nil || len(lots) == 0 {
		return lots
	}
	one := *lots[0]
	one.events = nil
	for _, l := range lots {
		one.events = append(one.events, l.events...)
	}
	slices.SortStableFunc(one.events, func(a, b creditEvent) int { return a.day - b.day })
	return []*lot{&one}
}

func (l *lot) event(i int, v creditEvent, balance amount, p *profile) object {
	name := guid(hashText(l.name) + uint64(i))
	properties := object{
		"transactionDate": instant(v.day), "description": v.text, "eventType": v.kind, "invoiceNumber": v.invoice,
		"newCredit": moneyIn(l.currency, v.added), "charges": moneyIn(l.currency, v.charges), "closedBalance": moneyIn(l.currency, balance),
	}
	scope := l.a.path
	if p != nil {
		scope = p.path
		properties["adjustments"], properties["creditExpired"] = moneyIn(l.currency, amount{}), moneyIn(l.currency, v.expired)
		properties["creditCurrency"], properties["billingCurrency"] = l.currency, l.currency
	} else {
		properties["lotSource"], properties["lotId"] = l.source, l.a.path+"/Microsoft.Consumption/lots/"+l.name
		if v.profile != nil {
			properties["billingProfileId"], properties["billingProfileDisplayName"] = v.profile.path, v.profile.name
		}
	}
	return object{"id": scope + "/providers/Microsoft.Consumption/events/" + name, "name": name, "type": "Microsoft.Consumption/events", "properties": properties}
}
