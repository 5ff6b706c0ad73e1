package azuresim

import (
	"fmt"
	"math/bits"
	"strings"
)

// A table is a dataset whose lines are no charges. Its first line is the header.
type table struct {
	exportType, version string
	numbers, dates      string // columns that are no text in Parquet, separated by blanks
	lines               func(e *Enterprise, a *account, p *profile, m month, from, to int) [][]string
}

var tables = map[string]table{
	"prices": {
		"PriceSheet", "2023-05-01", "UnitPrice BasePrice MarketPrice IncludedQuantity unitPrice basePrice marketPrice tierMinimumUnits",
		"EffectiveStartDate EffectiveEndDate effectiveStartDate effectiveEndDate", priceLines,
	},
	"reservation-details": {"ReservationDetails", "2023-03-01", "ReservedHours TotalReservedQuantity UsedHours", "UsageDate", reservationLines},
	"reservation-recommendations": {
		"ReservationRecommendations", "2023-05-01", "InstanceFlexibilityRatio RecommendedQuantity RecommendedQuantityNormalized NetSavings", "FirstUsageDate", recommendationLines,
	},
	"reservation-transactions": {"ReservationTransactions", "2023-05-01", "Amount Quantity MonetaryCommitment Overage", "EventDate", transactionLines},
}

// A tableFeed gives the lines of a table as rows whose columns look back at it.
type tableFeed struct {
	list  []column
	lines [][]string
	line  []string
}

func newTableFeed(t table, e *Enterprise, a *account, p *profile, m month, from, to int) *tableFeed {
	if from == 0 && to == 0 {
		from, to = m.start, m.start+m.data-1
	}
	lines := t.lines(e, a, p, m, max(from, m.start), to)
	f := &tableFeed{lines: lines[1:]}
	for i, name := range lines[0] {
		c := column{name, free, func(_ *row, b []byte) []byte { return append(b, f.line[i]...) }}
		switch {
		case strings.Contains(" "+t.numbers+" ", " "+name+" "):
			c.kind = number
		case strings.Contains(" "+t.dates+" ", " "+name+" "):
			c.kind = date
		}
		f.list = append(f.list, c)
	}
	return f
}

func (f *tableFeed) columns() []column { return f.list }

func (f *tableFeed) more() bool { return len(f.lines) > 0 }

func (f *tableFeed) next(*row) bool {
	if len(f.lines) == 0 {
		return false
	}
	f.line, f.lines = f.lines[0], f.lines[1:]
	return true
}

// priceLines are the sheet of a month; the days asked for do not matter to it.
func priceLines(e *Enterprise, a *account, p *profile, m month, _, _ int) [][]string {
	if a.kind == enterpriseAgreement {
		return e.enrollmentSheet(m)()
	}
	return e.profileSheet(a, p, m)()
}

// reservationsIn are the reservations of a billing profile.
func (a *account) reservationsIn(p *profile) []*commitment {
	var list []*commitment
	for _, c := range a.commitments {
		if !c.plan && c.profile == p {
			list = append(list, c)
		}
	}
	return list
}

// reservationLines are what reservation details list: a line for each reservation, day and machine.
func reservationLines(_ *Enterprise, a *account, p *profile, _ month, from, to int) [][]string {
	lines := [][]string{strings.Split("InstanceFlexibilityGroup,InstanceFlexibilityRatio,InstanceId,Kind,ReservationOrderId,ReservationId,ReservedHours,SkuName,TotalReservedQuantity,UsageDate,UsedHours", ",")}
	for _, c := range a.reservationsIn(p) {
		for day := from; day <= to; day++ {
			for _, i := range c.lines {
				hours := c.used(i, day)
				if !c.active(day) || hours == 0 {
					continue
				}
				var line row
				a.base(&line, i, &a.e.months[0], day, amortized)
				lines = append(lines, []string{
					strings.Fields(c.meter.sub)[0], "1", strings.ToLower(string(appendResourceID(&line, nil))), "Reservation", c.order, c.id, fmt.Sprint(c.reserved()),
					c.meter.sku, fmt.Sprint(c.quantity), dayTime(day).Format("2006-01-02T15:04:05"), num{hours, 4}.String(),
				})
			}
		}
	}
	return lines
}

// transactionLines are the payments and refunds of reservations, with the amounts of the cost rows.
func transactionLines(e *Enterprise, a *account, p *profile, m month, from, to int) [][]string {
	header := "Amount,ArmSkuName,BillingFrequency,BillingProfileId,BillingProfileName,Currency,Description,EventDate,EventType,Invoice,InvoiceId,InvoiceSectionId,InvoiceSectionName," +
		"PurchasingSubscriptionGuid,PurchasingSubscriptionName,Quantity,Region,ReservationOrderId,ReservationOrderName,Term"
	if a.kind == enterpriseAgreement {
		header = "AccountName,AccountOwnerEmail,Amount,ArmSkuName,BillingFrequency,BillingMonth,CostCenter,Currency,CurrentEnrollmentId,DepartmentName,Description,EventDate,EventType," +
			"MonetaryCommitment,Overage,PurchasingSubscriptionGuid,PurchasingSubscriptionName,PurchasingEnrollment,Quantity,Region,ReservationOrderId,ReservationOrderName,Term"
	}
	lines := [][]string{strings.Split(header, ",")}
	for day := from; day <= to; day++ {
		for _, c := range a.reservationsIn(p) {
			for _, r := range a.payments(nil, c, &m, day) {
				lines = append(lines, e.transactionLine(c, &r))
			}
		}
	}
	return lines
}

func (e *Enterprise) transactionLine(c *commitment, r *row) []string {
	at := isoDay(r.day) + "T19:19:04Z"
	section, amount, term := c.sub.section, r.cost.String(), map[int]string{12: "P1Y", 36: "P3Y"}[c.months]
	frequency := "OneTime"
	if c.recurring {
		frequency = "Recurring"
	}
	if c.a.kind == enterpriseAgreement {
		return []string{
			section.account, section.owner, amount, c.meter.sku, frequency, dayTime(r.day).Format("200601") + "01", "", c.profile.currency, c.a.id, section.name, c.orderName(), at, r.charge,
			amount, "0", c.sub.id, c.sub.name, c.a.id, fmt.Sprint(c.quantity), c.meter.region.arm, c.order, c.name, term,
		}
	}
	invoice := ""
	if r.invoice != "" {
		invoice = c.a.path + "/invoices/" + r.invoice
	}
	return []string{
		amount, c.meter.sku, frequency, c.profile.path, c.profile.name, c.profile.currency, c.orderName(), at, r.charge, r.invoice, invoice, section.path, section.name,
		c.sub.id, c.sub.name, fmt.Sprint(c.quantity), c.meter.region.arm, c.order, c.name, term,
	}
}

// lookBack is the days that recommendations are made from.
const lookBack = 7

// recommendationLines are what machines that ran on demand for the last days would have cost with reservations. Those of a
// customer agreement have blanks in their headers and amounts with their currency.
func recommendationLines(e *Enterprise, a *account, p *profile, m month, _, to int) [][]string {
	header := "Cost With No ReservedInstances,First UsageDate,Instance Flexibility Ratio,Instance Flexibility Group,Location,LookBackPeriod,MeterID,Net Savings,Normalized Size," +
		"Recommended Quantity,Recommended Quantity Normalized,ResourceType,scope,SkuName,Sku Properties,Term,Total Cost With ReservedInstances"
	if a.kind == enterpriseAgreement {
		header = "SKU,Location,CostWithNoReservedInstances,FirstUsageDate,InstanceFlexibilityRatio,InstanceFlexibilityGroup,LookBackPeriod,MeterId,NetSavings,NormalizedSize," +
			"RecommendedQuantity,RecommendedQuantityNormalized,ResourceType,Scope,SkuProperties,Term,TotalCostWithReservedInstances"
	}
	lines := [][]string{strings.Split(header, ",")}
	for _, n := range e.idleNeeds(a, p, m, to) {
		lines = append(lines, n.line(a, p, "P1Y", 63), n.line(a, p, "P3Y", 41))
	}
	return lines
}

// uncovered is the machine hours of a size and region that nothing covers, and how many machines ran all the time.
type uncovered struct {
	meter    *meter
	hours    amount
	cost     amount
	price    amount // of an hour, in billing currency
	first    int
	quantity int64
}

func (e *Enterprise) idleNeeds(a *account, p *profile, m month, to int) []uncovered {
	from := max(to-lookBack+1, m.start)
	needs := make([]uncovered, len(e.meters))
	c := e.cursor(selection{a: a, ds: amortized, first: m.index, last: m.index, from: from, to: to, profile: p, usageOnly: true}, position{})
	var r row
	for c.next(&r) {
		if !r.metered() || r.c != nil || r.meter.category != "Virtual Machines" {
			continue
		}
		n := &needs[r.meter.index]
		if n.meter == nil {
			*n = uncovered{meter: r.meter, first: r.day, price: r.inBilling(r.eff)}
		}
		n.hours, n.cost = n.hours.add(r.q.amount()), n.cost.add(r.cost)
	}
	var list []uncovered
	for _, n := range needs {
		if n.meter == nil {
			continue
		}
		hi, lo, _ := n.hours.over(num{lookBack * 24, 0}).abs()
		whole, _ := bits.Div64(hi, lo, pow10[19])
		if n.quantity = int64(whole / 100); n.quantity > 0 { // amounts have 21 digits
			list = append(list, n)
		}
	}
	return list
}

// line is the recommendation for a term, at a share of the price in per cent.
func (n uncovered) line(a *account, p *profile, term string, share int64) []string {
	covered := n.price.times(num{lookBack * 24 * n.quantity, 0})
	saved := covered.times(num{100 - share, 2})
	quantity, first := fmt.Sprint(n.quantity), dayTime(n.first).Format("2006-01-02T15:04:05Z")
	group, region := strings.Fields(n.meter.sub)[0], n.meter.region.arm
	with := n.cost.sub(saved)
	if a.kind == enterpriseAgreement {
		return []string{
			n.meter.sku, region, n.cost.String(), first, "1", group, "Last7Days", n.meter.id, saved.String(), n.meter.sku,
			quantity, quantity, "virtualmachines", "Shared", "[]", term, with.String(),
		}
	}
	money := func(v amount) string { return fmt.Sprintf(`{"currency":"%s","value":%s}`, p.currency, v) }
	return []string{
		money(n.cost), first, "1", group, region, "7", n.meter.id, money(saved), n.meter.sku,
		quantity, quantity, "virtualmachines", "Shared", n.meter.sku, "[]", term, money(with),
	}
}
