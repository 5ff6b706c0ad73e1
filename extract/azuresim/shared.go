package azuresim

import "strings"

// sharedTags are those of what the enrollment's other subscriptions share.
var sharedTags = tagSet{
	text: `"owner": "platform","environment": "shared","costcenter": "CC1322"`, object: `{"owner":"platform","environment":"shared","costcenter":"CC1322"}`, owner: true,
}

// allocationRule is the name of Azure's own cost allocation rule.
const allocationRule = "Shared network"

// setHub makes the fifth subscription the one that the others share: firewalls, gateways and logs in one resource group.
func (a *account) setHub() {
	a.hub = a.subs[4]
	a.hub.name, a.hub.groups[0] = "Connectivity Hub", "rg-hub-network"
}

// shares tells whether line i is a shared resource: the first drawn line, and two or three of every twenty.
func (a *account) shares(i int) bool {
	if a.hub == nil || i < len(a.core) {
		return false
	}
	turn := (i - len(a.core)) % 20
	return turn == 0 || turn == 6 || turn == 13
}

// sharedMeter is what a shared line uses, by turns.
func (a *account) sharedMeter(i int) *meter {
	name := map[int]string{0: "Standard Deployment", 6: "VpnGw1", 13: "Pay-as-you-go Data Ingestion"}[(i-len(a.core))%20]
	return a.e.meterNamed(name, "westeurope")
}

// allocationShares are what the rule moves of the first firewall's hours, in tenths, and to whom.
var allocationShares = []int64{60, 36, 24}

// allocations are the rows of Azure's cost allocation: half a day of the first firewall leaves the hub and comes to three
// subscriptions, which adds up to nothing. An enterprise too small for a firewall has none.
func (a *account) allocations(rows []row, m *month, day int, ds dataset) []row {
	line := len(a.core)
	if line >= a.lines {
		return rows
	}
	add := func(s *subscription, q int64) {
		var r row
		a.base(&r, line, m, day, ds)
		r.sub, r.section, r.group, r.rule = s, s.section, s.groups[0], allocationRule
		r.id = mix(r.id + uint64(len(rows)) + 1)
		r.setPrices(m)
		r.setCost(num{q, 1}, r.unit)
		rows = append(rows, r)
	}
	var moved int64
	for i, q := range allocationShares {
		add(a.subs[i], q)
		moved += q
	}
	add(a.hub, -moved)
	return rows
}

// groupOwner is who answers for a resource group of a subscription, tagged or not.
func groupOwner(s *subscription, g int) string {
	if strings.HasPrefix(s.groups[g], "rg-hub") {
		return "platform"
	}
	return owners[(s.index+g)%len(owners)][0]
}

// A TruthGroup is a resource group with its own tag, and what its resources without any tags cost.
type TruthGroup struct {
	Account      string              `json:"account"`
	Subscription string              `json:"subscriptionId"`
	Group        string              `json:"resourceGroup"`
	Tags         map[string]string   `json:"tags"`
	Untagged     []TruthGroupedMonth `json:"untagged"`
}

// TruthGroupedMonth is what untagged resources of a group cost in a month, amortized.
type TruthGroupedMonth struct {
	Period   string `json:"period"`
	Currency string `json:"currency"`
	Rows     int64  `json:"rows"`
	Cost     string `json:"cost"`
}

// TruthAllocation is what Azure's own cost allocation moved in a month; the amounts add up to nothing.
type TruthAllocation struct {
	Account  string             `json:"account"`
	Rule     string             `json:"ruleName"`
	Period   string             `json:"period"`
	Currency string             `json:"currency"`
	Source   string             `json:"sourceSubscriptionId"`
	Moved    string             `json:"moved"` // negative
	Targets  []TruthAllocatedTo `json:"targets"`
	Rows     int64              `json:"rows"`
}

// TruthAllocatedTo is what a subscription received.
type TruthAllocatedTo struct {
	Subscription string `json:"subscriptionId"`
	Cost         string `json:"cost"`
}

func (e *Enterprise) truthGroups(b books) []TruthGroup {
	var all []TruthGroup
	for _, a := range e.accounts() {
		for _, s := range a.subs {
			for g, name := range s.groups {
				t := TruthGroup{Account: a.key, Subscription: s.id, Group: name, Tags: map[string]string{"owner": groupOwner(s, g)}}
				for _, m := range e.months {
					sum := b[cut{ds: amortized, account: a.key, profile: s.section.profile.index, month: m.index, kind: cutGroup, name: name, number: s.index}]
					if sum != nil {
						t.Untagged = append(t.Untagged, TruthGroupedMonth{m.iso(), s.section.profile.currency, sum.rows, sum.cost.String()})
					}
				}
				all = append(all, t)
			}
		}
	}
	return all
}

func (e *Enterprise) truthAllocations(b books) []TruthAllocation {
	var all []TruthAllocation
	for _, m := range e.months {
		of := func(s *subscription) *tally {
			return b[cut{ds: actual, account: e.ea.key, month: m.index, kind: cutRule, name: allocationRule, number: s.index}]
		}
		if of(e.ea.hub) == nil {
			continue
		}
		t := TruthAllocation{Account: e.ea.key, Rule: allocationRule, Period: m.iso(), Currency: "EUR", Source: e.ea.hub.id, Moved: of(e.ea.hub).cost.String(), Rows: of(e.ea.hub).rows}
		for i := range allocationShares {
			s := e.ea.subs[i]
			t.Targets = append(t.Targets, TruthAllocatedTo{s.id, of(s).cost.String()})
			t.Rows += of(s).rows
		}
		all = append(all, t)
	}
	return all
}
