package azuresim

// shortLine is the line of the enrollment, and exchangeLine that of the customer agreement, that a fault hangs on: both are
// charged on demand every day, whatever the size of the enterprise.
const (
	shortLine    = 7
	exchangeLine = 5
)

// onDays tells whether a row stands on one of the days, counted from 0, of a month.
func (r *row) onDays(month, from, to int) bool {
	return r.month == month && r.line >= 0 && r.day-r.period().start >= from && r.day-r.period().start <= to
}

// The days of a month, counted from 0, on which they do.
const (
	shortFrom, shortTo       = 4, 13
	exchangeFrom, exchangeTo = 7, 11
)

// isShort tells a row that charges for twice what it says was used.
func (r *row) isShort() bool {
	return r.a.kind == enterpriseAgreement && r.line == shortLine && r.onDays(r.a.e.plan.short, shortFrom, shortTo)
}

// shorten takes half off the quantity of such a row; what it costs stays.
func (r *row) shorten() {
	if r.isShort() {
		r.q = r.q.percent(50)
	}
}

// isExchanged tells a row that is converted at another rate than its invoice.
func (r *row) isExchanged() bool {
	return r.a.kind == customerAgreement && r.line == exchangeLine && r.billed == r.month && r.onDays(r.a.e.plan.exchange, exchangeFrom, exchangeTo)
}

// exchange sets that rate, a tenth above the right one.
func (r *row) exchange() {
	if r.isExchanged() {
		r.rate = r.rate.percent(110)
	}
}
