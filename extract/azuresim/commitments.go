package azuresim

import (
	"fmt"
	"time"
)

// A commitment is a reservation or a savings plan: hours of a meter bought ahead, for a term. Both are modelled as a
// number of units that are paid for every hour of the term, used or not; a savings plan's hourly commitment is
// its units times its hourly price.
//
// The hourly price is the total over the hours of the term, cut to 12 digits. What the cut leaves over is
// charged in one hour of the last day, which is therefore never used, so that Σ amortized = Σ purchases − Σ refunds to
// the last digit.
type commitment struct {
	a         *account
	index     int
	plan      bool // a savings plan
	order, id string
	name      string
	meter     *meter // for a reservation, the primary meter of its rows
	quantity  int64
	profile   *profile
	sub       *subscription // that it was bought in; nil for savings plans
	start     int           // epoch day
	termEnd   int           // epoch day after the last day of the term
	end       int           // the same, or the day it was returned
	months    int
	recurring bool
	payment   num // price of one unit of one payment: the whole price when paid at once
	hourly    num // of one unit
	total     amount
	refund    amount // 0 when never returned
	remainder amount // charged on the last day
	lines     []int  // core lines it covers
}

// term is the length in months as rows spell it.
func (c *commitment) term() string { return fmt.Sprint(c.months) }

func (c *commitment) active(day int) bool { return day >= c.start && day < c.end }

// reserved is the hours paid for each day.
func (c *commitment) reserved() int64 { return 24 * c.quantity }

// model is the PricingModel of its rows.
func (c *commitment) model() string {
	if c.plan {
		return "SavingsPlan"
	}
	return "Reservation"
}

// unusedType is the ChargeType of the hours nobody used.
func (c *commitment) unusedType() string {
	if c.plan {
		return "UnusedSavingsPlan"
	}
	return "UnusedReservation"
}

// benefitID is the ARM id of the commitment; orders spell it with an empty tail on purchase rows.
func (c *commitment) benefitID(tail string) string {
	if c.plan {
		return "/providers/Microsoft.BillingBenefits/savingsPlanOrders/" + c.order + "/savingsPlans/" + tail
	}
	return "/providers/Microsoft.Capacity/reservationOrders/" + c.order + "/reservations/" + tail
}

// orderName is what was bought.
func (c *commitment) orderName() string {
	years := map[int]string{12: "1 Year", 36: "3 Years"}[c.months]
	if c.plan {
		return "Compute Savings Plan, " + years
	}
	return fmt.Sprintf("Reserved VM Instance, %s, %s, %s", c.meter.sku, c.meter.region.zone, years)
}

// used is the hours, in ten-thousandths, that core line i takes from c on a day.
func (c *commitment) used(i, day int) int64 {
	hours := c.a.coreHours(i, day)
	if day == c.end-1 && i == c.lines[0] && !c.remainder.isZero() {
		hours = min(hours, 22_0000)
	}
	return hours
}

// usedAll is the hours used on a day by all lines.
func (c *commitment) usedAll(day int) num {
	var sum int64
	for _, i := range c.lines {
		sum += c.used(i, day)
	}
	return num{sum, 4}
}

// paidOn tells whether a payment falls on a day: the day it started, and for a recurring one that day of each month.
func (c *commitment) paidOn(day int) bool {
	if !c.active(day) {
		return false
	}
	return day == c.start || c.recurring && dayTime(day).Day() == dayTime(c.start).Day()
}

// settle works out the hourly price, the total and the remainder from the payments.
func (c *commitment) settle() *commitment {
	first := dayTime(c.start)
	c.termEnd = epochDay(first.AddDate(0, c.months, 0))
	c.end = c.termEnd
	hours := int64(c.termEnd-c.start) * 24
	payments := int64(1)
	if c.recurring {
		payments = int64(c.months)
	}
	if c.plan {
		all := num{c.hourly.c * hours * c.quantity, c.hourly.s}
		c.payment = num{all.c / payments, all.s}
	} else {
		c.hourly = num{c.payment.c * payments * 1e10 / hours, 12}
	}
	units := c.quantity
	if c.plan {
		units = 1
	}
	c.total = mul(num{units * payments, 0}, c.payment)
	c.remainder = c.total.sub(mul(num{hours * c.quantity, 0}, c.hourly))
	return c
}

// returned ends c on a day: what has not been amortized by then is paid back, rounded down to the cent.
func (c *commitment) returned(day int) {
	c.end = day
	spent := mul(num{int64(day-c.start) * c.reserved(), 0}, c.hourly)
	left := c.total.sub(spent)
	c.refund = left.round2()
	if left.less(c.refund) {
		c.refund = c.refund.sub(cents(1))
	}
	c.remainder = left.sub(c.refund)
}

func (a *account) setCommitments(all []*commitment) {
	for i, c := range all {
		h := mix2(a.seed, uint64(900+i))
		c.a, c.index, c.order, c.id = a, i, guid(h), guid(mix(h))
		if c.profile == nil {
			c.profile = a.profiles[0]
		}
		prefix := "VM_RI_"
		if c.plan {
			prefix = "SavingsPlan_"
		}
		c.name = prefix + dayTime(c.start).Add(time.Duration(h%1440)*time.Minute).Format("01-02-2006_15-04")
	}
	a.commitments = all
}

// enrollmentCommitments are four reservations (well used, part used, idle, returned) and a savings plan with a third of it
// unused.
func enrollmentCommitments(e *Enterprise) []*commitment {
	first := e.months[0].start
	before := func(months int) int { return epochDay(dayTime(first).AddDate(0, -months, 0)) }
	all := []*commitment{
		{meter: e.meterNamed("D4s v5", "westeurope"), quantity: 2, start: first, months: 12, payment: num{100337, 2}},
		{meter: e.meterNamed("E4s v5", "westeurope"), quantity: 1, start: before(14), months: 36, payment: num{290011, 2}},
		{meter: e.meterNamed("B2ms", "northeurope"), quantity: 1, start: before(5), months: 36, payment: num{100003, 2}},
		{meter: e.meterNamed("F2s v2", "westeurope"), quantity: 1, start: first + 9, months: 12, payment: num{38999, 2}},
		{meter: e.meterNamed("D2s v5", "westeurope"), quantity: 3, start: first, months: 12, plan: true, recurring: true, hourly: num{7, 2}},
	}
	for i, c := range all {
		c.settle()
		if !c.plan {
			c.sub = e.ea.subs[i]
		}
	}
	if day, ok := e.refundDay(); ok {
		all[3].returned(day)
	}
	return all
}

// refundDay is the 20th of the second month, or the earliest day of it when that is the open one.
func (e *Enterprise) refundDay() (int, bool) {
	if len(e.months) < 2 {
		return 0, false
	}
	day := e.months[1].start + 19
	if len(e.months) == 2 {
		day = e.months[1].start + 1
	}
	return day, day < e.asOf
}

// customerCommitments are a reservation paid every month, in the profile billed in pounds, and a fully used savings plan
// paid at once, in the profile billed in dollars.
func customerCommitments(e *Enterprise) []*commitment {
	first := e.months[0].start
	seven := epochDay(dayTime(first).AddDate(0, -7, 4))
	return []*commitment{
		(&commitment{meter: e.meterNamed("D2s v5", "uksouth"), quantity: 1, start: seven, months: 36, recurring: true, payment: num{4135, 2}, sub: e.mca.subs[0]}).settle(),
		(&commitment{meter: e.meterNamed("D4s v5", "eastus"), quantity: 1, start: first, months: 12, plan: true, hourly: num{125, 3}, profile: e.mca.profiles[1]}).settle(),
	}
}

// A coreLine is one of the first lines of an account, which the planted facts hang on; all other lines are drawn.
type coreLine struct {
	meter      *meter
	sub        *subscription
	commitment *commitment
	low, span  int64 // hours a day in ten-thousandths, for lines with a commitment
	market     bool
}

func (a *account) setCore(core []coreLine) {
	a.core = core
	for i, line := range core {
		if line.commitment != nil {
			line.commitment.lines = append(line.commitment.lines, i)
		}
	}
}

func enrollmentCore(e *Enterprise) []coreLine {
	c, s := e.ea.commitments, e.ea.subs
	return []coreLine{
		{meter: c[0].meter, sub: s[0], commitment: c[0], low: 24_0000},
		{meter: c[0].meter, sub: s[3], commitment: c[0], low: 22_2500, span: 1_7500},
		{meter: c[1].meter, sub: s[1], commitment: c[1], low: 11_8000, span: 2_4000},
		{meter: c[3].meter, sub: s[2], commitment: c[3], low: 24_0000},
		{meter: c[4].meter, sub: s[4], commitment: c[4], low: 24_0000},
		{meter: c[4].meter, sub: s[5], commitment: c[4], low: 18_0000, span: 6_0000},
		{meter: e.plan.overMeter, sub: s[6%len(s)]},
		{meter: e.meterNamed("Standard Data Transfer Out", "westeurope"), sub: e.plan.spikeSub},
		{meter: e.meterNamed("D2s v5", "westeurope"), sub: s[0], market: true},
		{meter: e.meterNamed("Hot LRS Data Stored", "westeurope"), sub: s[7%len(s)]}, // costs of 21 fraction digits
	}
}

func customerCore(e *Enterprise) []coreLine {
	c := e.mca.commitments
	uk, us := e.mca.subs[0], e.mca.subs[0]
	for _, s := range e.mca.subs {
		if s.section.profile.index == 1 {
			us = s
			break
		}
	}
	return []coreLine{
		{meter: c[0].meter, sub: uk, commitment: c[0], low: 20_0000, span: 4_0000},
		{meter: c[1].meter, sub: us, commitment: c[1], low: 24_0000},
		{meter: e.meterNamed("D2s v5", "uksouth"), sub: uk, market: true},
		{meter: e.meterNamed("Delete Operations", "eastus"), sub: us}, // a price of 1.08E-07
		{meter: e.plan.digitalMeter, sub: us},
		{meter: e.meterNamed("vCore", "uksouth"), sub: uk},
	}
}

// coreHours is how long, in ten-thousandths of an hour, the machine of core line i runs on a day.
func (a *account) coreHours(i, day int) int64 {
	line := &a.core[i]
	return line.low + int64(mix2(a.seed^uint64(i)<<32, uint64(day))%uint64(line.span+1))
}
