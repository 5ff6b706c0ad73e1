package azuresim

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Transactions are the lines of invoices: the rows that an invoice bills, added up by product family, product and invoice
// section in whole cents, less the credits it applies. Their subtotals, taxes and amounts add up to those of the invoice.
var (
	_ = handle(http.MethodGet, "billing/invoices/transactions", (*server).billedTransactions)
	_ = handle(http.MethodGet, "billing/transactions", (*server).unbilledTransactions)
)

// A billLine is one transaction.
type billLine struct {
	section   *section
	family    string
	product   string
	charge    string // Usage, Purchase, Refund …
	benefit   bool
	rows      int64
	exact     amount
	gross     amount // in whole cents
	credit    amount // applied to it
	sub       amount
	tax       amount
	first     int
	last      int
	immediate bool
	profile   *profile
}

type lineKey struct {
	profile                  int
	immediate                bool
	section, product, charge string
}

// lineCache keeps a month's lines, which take a walk over its rows.
type lineCache struct {
	mu     sync.Mutex
	months map[totalsKey][]*billLine
}

// linesOf are the lines of all invoices of a month, before credits and tax.
func (e *Enterprise) linesOf(a *account, month int) []*billLine {
	key := totalsKey{a.key, month, e.snapshot().version}
	e.lines.mu.Lock()
	defer e.lines.mu.Unlock()
	if lines, ok := e.lines.months[key]; ok {
		return lines
	}
	lines := e.makeLines(a, month)
	if e.lines.months == nil {
		e.lines.months = map[totalsKey][]*billLine{}
	}
	e.lines.months[key] = lines
	return lines
}

func (e *Enterprise) makeLines(a *account, month int) []*billLine {
	lines := map[lineKey]*billLine{}
	c := e.cursor(selection{a: a, ds: actual, first: month, last: month, unrounded: true, whole: true, billed: true}, position{})
	var r row
	for c.next(&r) {
		if r.billed == month {
			addLine(lines, &r)
		}
	}
	if a.kind == customerAgreement && month > 0 {
		for _, r := range a.lateRows(nil, &e.months[month-1], actual) {
			addLine(lines, &r)
		}
	}
	all := make([]*billLine, 0, len(lines))
	for _, l := range lines {
		l.gross = l.exact.round2()
		all = append(all, l)
	}
	slices.SortFunc(all, func(x, y *billLine) int {
		return cmp.Or(cmp.Compare(x.profile.index, y.profile.index), strings.Compare(x.sectionID(), y.sectionID()), strings.Compare(x.family, y.family),
			strings.Compare(x.product, y.product), strings.Compare(x.charge, y.charge))
	})
	return all
}

func addLine(lines map[lineKey]*billLine, r *row) {
	product := string(appendCategory(r, nil))
	if r.title != "" || product == "" {
		product = string(appendProduct(r, nil))
	}
	if r.offer != nil {
		product = r.offer.name
	}
	key := lineKey{profile: r.profile.index, immediate: r.instant, product: product, charge: r.charge}
	if r.section != nil {
		key.section = r.section.id
	}
	l := lines[key]
	if l == nil {
		l = &billLine{
			section: r.section, family: string(family(r, nil)), product: product, charge: r.charge, benefit: r.c != nil && r.charge != "Usage",
			first: r.day, last: r.day, immediate: r.instant, profile: r.profile,
		}
		lines[key] = l
	}
	l.rows, l.exact = l.rows+1, l.exact.add(r.cost.rounded())
	l.first, l.last = min(l.first, r.day), max(l.last, r.day)
}

func (l *billLine) sectionID() string {
	if l.section == nil {
		return ""
	}
	return l.section.id
}

// invoiceLines are the transactions of an invoice.
func (e *Enterprise) invoiceLines(a *account, v invoice) []billLine {
	if v.creditFor != nil {
		return e.creditLines(a, v)
	}
	var lines []billLine
	open := v.billed // what the lines so far have left over
	for _, l := range e.linesOf(a, v.month.index) {
		if l.profile == v.profile && (a.kind == enterpriseAgreement || l.immediate != v.monthly) {
			lines = append(lines, *l)
			open = open.sub(l.gross)
		}
	}
	if v.status == "Void" {
		lines, open = wrongLines(lines, v), open.sub(rebilledBy)
	}
	rest := billLine{family: "Other", profile: v.profile, first: v.month.last(), last: v.month.last(), rows: 1}
	if !open.isZero() {
		rest.product, rest.charge, rest.gross = "Rounding Adjustment", "RoundingAdjustment", open
		lines = append(lines, rest)
	}
	if !v.credit.isZero() {
		rest.product, rest.charge, rest.gross = "Credit", "Refund", v.credit
		lines = append(lines, rest)
	}
	settleLines(lines, v)
	return lines
}

// settleLines applies the invoice's credits to its lines, largest charges or not, one after the other, and shares out its tax.
// What rounding leaves of the tax is on the last line.
func settleLines(lines []billLine, v invoice) {
	left, taxLeft := v.prepaid.add(v.free), v.tax
	for i := range lines {
		l := &lines[i]
		if (amount{}).less(l.gross) && (amount{}).less(left) {
			l.credit = l.gross
			if left.less(l.credit) {
				l.credit = left
			}
			left = left.sub(l.credit)
		}
		l.sub = l.gross.sub(l.credit)
		l.tax = l.sub.share(v.profile.taxBasis, 10000)
		taxLeft = taxLeft.sub(l.tax)
	}
	if n := len(lines); n > 0 {
		lines[n-1].tax = lines[n-1].tax.add(taxLeft)
	}
}

func (s *server) billedTransactions(r *http.Request, t *target) (*answer, error) {
	if t.a == nil {
		return nil, notFound(t.path)
	}
	v, found := s.e.invoiceNamed(t.a, t.rest[0])
	if !found {
		return nil, notFound(t.path)
	}
	var list []any
	for i, l := range s.e.invoiceLines(t.a, v) {
		list = append(list, s.e.transaction(t.a, l, v.name, i))
	}
	return s.scopePage(r, list)
}

// unbilledTransactions are those of the months of the range that are not invoiced yet.
func (s *server) unbilledTransactions(r *http.Request, t *target) (*answer, error) {
	q := r.URL.Query()
	if t.profile == nil {
		return nil, notFound(t.path)
	}
	if !strings.EqualFold(q.Get("type"), "Unbilled") {
		return nil, badRequest("The query parameter type is required; the simulator lists Unbilled by billing profile.")
	}
	from, err1 := parseDay(q.Get("periodStartDate"))
	to, err2 := parseDay(q.Get("periodEndDate"))
	if err1 != nil || err2 != nil {
		return nil, badRequest("The query parameters periodStartDate and periodEndDate are required and must be dates.")
	}
	var list []any
	for _, m := range s.e.months {
		if m.closed || m.start < from || m.start > to {
			continue
		}
		for _, l := range s.e.linesOf(t.a, m.index) {
			if l.profile == t.profile {
				line := *l
				line.sub = line.gross
				line.tax = line.sub.share(line.profile.taxBasis, 10000)
				list = append(list, s.e.transaction(t.a, line, "", m.index<<16+len(list)))
			}
		}
	}
	return s.scopePage(r, list)
}

func (e *Enterprise) transaction(a *account, l billLine, invoice string, number int) object {
	currency := l.profile.currency
	id := guid(mix2(hashText(invoice+l.profile.id), uint64(number)))
	kind := "Other"
	if l.benefit {
		kind = "Reservation"
	}
	p := object{
		"kind": kind, "date": e.text(l.last).iso + "T00:00:00Z", "invoice": "Pending", "transactionType": l.charge,
		"productFamily": l.family, "productType": l.product, "productDescription": l.product, "quantity": 1, "units": json.Number("1.0"),
		"billingProfileId": l.profile.path, "billingProfileDisplayName": l.profile.name, "billingCurrency": currency, "pricingCurrency": "USD",
		"exchangeRate": json.Number("1"), "isThirdParty": l.family == "Marketplace",
		"servicePeriodStartDate": e.text(l.first).iso + "T00:00:00Z", "servicePeriodEndDate": e.text(l.last).iso + "T00:00:00Z",
	}
	for name, value := range map[string]amount{"subTotal": l.sub, "tax": l.tax, "transactionAmount": l.sub.add(l.tax), "azureCreditApplied": l.credit, "effectivePrice": l.gross} {
		p[name] = moneyIn(currency, value)
	}
	if invoice != "" {
		p["invoice"], p["invoiceId"] = invoice, a.path+"/invoices/"+invoice
	}
	if a.kind == enterpriseAgreement {
		p["pricingCurrency"], p["partNumber"] = currency, "AAA-"+id[:5]
	} else if l.section != nil {
		p["invoiceSectionId"], p["invoiceSectionDisplayName"] = l.section.path, l.section.name
	}
	return object{"id": a.path + "/transactions/" + id, "name": id, "type": "Microsoft.Billing/billingAccounts/transactions", "properties": p}
}
