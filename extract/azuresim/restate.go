package azuresim

// A Restatement is a closed month that Azure tells otherwise than it did when it was billed: on five days one meter was used a
// tenth more, one charge is gone, and the resources of one subscription have another tag. Invoices, balances and the rounding
// that belongs to them stand as they were issued; everything else, exports with a run of their own, tells the new story.
type Restatement struct {
	Month   string // 2026-09
	Account string // ea or mca; "" is both
}

// restatedMonth is a month of an account, by its index.
type restatedMonth struct {
	account string
	month   int
}

// The days of a restated month, counted from 0, on which a meter was used more, and the one on which it has no charge.
const (
	risenFrom, risenTo = 18, 22
	vanishedOn         = 26
)

// restatedTags are what the resources of the restated subscription have instead of their own.
var restatedTags = tagSet{text: `"owner": "platform","env": "prod"`, object: `{"owner":"platform","env":"prod"}`, owner: true}

// restatedLines are the lines that a restatement changes, on demand in both agreements.
var restatedLines = map[string]int{"ea": shortLine, "mca": 4}

// Closed tells whether a month, as 2026-09, is closed, so that it can be restated.
func (e *Enterprise) Closed(name string) bool {
	for _, m := range e.months {
		if m.iso() == name {
			return m.closed
		}
	}
	return false
}

func (e *Enterprise) setRestated() {
	e.restated = map[restatedMonth]bool{}
	for _, r := range e.config.Restated {
		for _, m := range e.months {
			for _, a := range e.accounts() {
				if m.iso() == r.Month && m.closed && (r.Account == "" || r.Account == a.key) {
					e.restated[restatedMonth{a.key, m.index}] = true
				}
			}
		}
	}
}

// restatedSub is the subscription whose resources have another tag.
func (a *account) restatedSub() *subscription { return a.subs[2] }

// restate changes a row of a restated month, or tells that it is gone.
func (r *row) restate() bool {
	if r.sub == r.a.restatedSub() {
		r.tags = &restatedTags
	}
	if r.line != restatedLines[r.a.key] {
		return true
	}
	if r.onDays(r.month, risenFrom, risenTo) {
		r.setCost(r.q.percent(110), r.unit)
	}
	return !r.onDays(r.month, vanishedOn, vanishedOn)
}

// A TruthRestatement is what restating a month changed: Changes on single charges, which are alike in actual and amortized
// cost, and what the rows of the subscription with another tag cost.
type TruthRestatement struct {
	Account       string              `json:"account"`
	Period        string              `json:"period"`
	Changes       []TruthRestated     `json:"changes"`
	Currency      string              `json:"currency"`
	Delta         string              `json:"delta"` // of all changes
	Subscription  string              `json:"taggedSubscriptionId"`
	Tags          map[string]string   `json:"tags"` // instead of those before
	TaggedRows    int64               `json:"taggedRows"`
	TaggedActual  string              `json:"taggedActual"`
	TaggedAmortis string              `json:"taggedAmortized"`
	TaggedDays    []TruthRestatedDays `json:"taggedDays,omitempty"`
}

// TruthRestatedDays is what a day's rows with another tag cost, amortized.
type TruthRestatedDays struct {
	Day  string `json:"day"`
	Rows int64  `json:"rows"`
	Cost string `json:"cost"`
}

// TruthRestated is one charge that was restated.
type TruthRestated struct {
	Kind         string `json:"kind"` // Changed or Vanished
	Day          string `json:"day"`
	Subscription string `json:"subscriptionId"`
	MeterID      string `json:"meterId"`
	Before       string `json:"before"`
	After        string `json:"after"`
	Delta        string `json:"delta"`
}

func (e *Enterprise) truthRestatements() []TruthRestatement {
	var all []TruthRestatement
	for _, a := range e.accounts() {
		for _, m := range e.months {
			if e.restated[restatedMonth{a.key, m.index}] {
				all = append(all, a.truthRestated(&m))
			}
		}
	}
	return all
}

func (a *account) truthRestated(m *month) TruthRestatement {
	sub, line := a.restatedSub(), restatedLines[a.key]
	t := TruthRestatement{
		Account: a.key, Period: m.iso(), Currency: a.subOf(line).section.profile.currency, Subscription: sub.id, Tags: map[string]string{"owner": "platform", "env": "prod"},
	}
	var delta amount
	for day := m.start; day < m.start+m.data; day++ {
		var r row
		if a.silent(day) || !a.fill(&r, line, m, day, actual, change{}) {
			continue
		}
		before, after, kind := r.cost.rounded(), amount{}, "Vanished"
		if r.restate() {
			after, kind = r.cost.rounded(), "Changed"
		}
		if before != after {
			delta = delta.add(after.sub(before))
			t.Changes = append(t.Changes, TruthRestated{kind, isoDay(day), r.sub.id, r.meter.id, before.String(), after.String(), after.sub(before).String()})
		}
	}
	t.Delta = delta.String()
	a.truthTagged(&t, m)
	return t
}

// truthTagged adds up the rows whose tags were restated. Payments of the subscription keep theirs, which are none.
func (a *account) truthTagged(t *TruthRestatement, m *month) {
	var sums [2]tally
	days := map[int]*tally{}
	for _, ds := range []dataset{actual, amortized} {
		c := a.e.cursor(selection{a: a, ds: ds, first: m.index, last: m.index, sub: a.restatedSub()}, position{})
		var r row
		for c.next(&r) {
			if r.tags != &restatedTags {
				continue
			}
			sums[ds].add(&r, r.cost.rounded())
			if ds == amortized {
				if days[r.day] == nil {
					days[r.day] = &tally{}
				}
				days[r.day].add(&r, r.cost.rounded())
			}
		}
	}
	t.TaggedRows, t.TaggedActual, t.TaggedAmortis = sums[amortized].rows, sums[actual].cost.String(), sums[amortized].cost.String()
	for day := m.start; day < m.start+m.data; day++ {
		if d := days[day]; d != nil {
			t.TaggedDays = append(t.TaggedDays, TruthRestatedDays{isoDay(day), d.rows, d.cost.String()})
		}
	}
}
