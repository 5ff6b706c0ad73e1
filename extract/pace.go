package extract

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Pace is how often an API may be called, so that Azure need not say 429. All its
// limits hold together; the zero Pace has none.
type Pace struct {
	Scope  []Limit // each holds for one scope
	Tenant []Limit // each holds for all scopes together
}

// A Limit allows Calls in any span of length Per.
type Limit struct {
	Calls int
	Per   time.Duration
	Burst int // calls that may come at once after a pause; 0 means 1. A larger burst makes the steady pace a little slower.
}

// limiter returns a token bucket that never lets more than Calls through in any
// span: a full bucket of Burst tokens, and as many as trickle in until the span ends.
func (l Limit) limiter() *rate.Limiter {
	burst := max(1, min(l.Burst, l.Calls))
	return rate.NewLimiter(rate.Limit(float64(l.Calls-burst+1)/l.Per.Seconds()), burst)
}

// queryAPI is the family of the calls that cost query processing units: query and
// forecast. Families that have no pace below share the general one.
const queryAPI = "costmanagement-query"

// generalPace is what Cost Management allows one application: 30 calls a minute for
// a scope, 200 a minute for the tenant. Microsoft.Billing and the rest of
// Microsoft.Consumption publish no numbers and are held to the same.
var generalPace = Pace{
	Scope:  []Limit{{Calls: 30, Per: time.Minute, Burst: 5}},
	Tenant: []Limit{{Calls: 200, Per: time.Minute, Burst: 20}},
}

// queryPace is Azure's quota of query processing units. A query costs one for each
// month it ranges over (request.Units).
var queryPace = Pace{Tenant: []Limit{
	{Calls: 12, Per: 10 * time.Second, Burst: 4},
	{Calls: 60, Per: time.Minute, Burst: 12},
	{Calls: 600, Per: time.Hour, Burst: 60},
}}

var slowScope = regexp.MustCompile(`(?i)/(managementGroups|enrollmentAccounts|departments)/[^/]+/?$`)

// usagePace is what usageDetails allows a scope. The numbers are Microsoft's answer
// in its forum (question 1190190), and the lowest of all: a page takes 6 to 30 s.
func usagePace(scope string) Pace {
	calls := 6
	switch {
	case slowScope.MatchString(scope):
		calls = 2
	case isSubscription(scope):
		calls = 10
	}
	return Pace{Scope: []Limit{{Calls: calls, Per: time.Minute}}}
}

// pacer holds back calls until every bucket they draw from has room.
type pacer struct {
	own   map[string]Pace // by API family, instead of Azure's limits
	free  bool            // families without a pace of their own are not held back
	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	mu      sync.Mutex
	buckets map[string][]*rate.Limiter
}

// wait returns when the call may be made. Units is what it costs, at least 1.
func (p *pacer) wait(ctx context.Context, api, scope string, units int) error {
	now, delay := p.now(), time.Duration(0)
	var reserved []*rate.Reservation
	for _, bucket := range p.bucketsOf(api, scope) {
		r := bucket.ReserveN(now, max(1, min(units, bucket.Burst())))
		reserved = append(reserved, r)
		delay = max(delay, r.DelayFrom(now))
	}
	if delay == 0 {
		return ctx.Err()
	}
	if err := p.sleep(ctx, delay); err != nil {
		for _, r := range reserved {
			r.CancelAt(p.now())
		}
		return err
	}
	return nil
}

// A budget is what all calls under one name share: "general" for the tenant, "general
// /subscriptions/…" for a scope.
type budget struct {
	name   string
	limits []Limit
}

// budgets lists what a call of an API family for a scope draws from. [Plan] counts with
// the same.
func (p *pacer) budgets(api, scope string) []budget {
	if own, ok := p.own[api]; ok {
		return own.budgets(api, scope)
	}
	if p.free {
		return nil
	}
	all := generalPace.budgets("general", scope)
	switch api {
	case usageAPI:
		all = append(all, usagePace(scope).budgets(api, scope)...)
	case queryAPI:
		all = append(all, queryPace.budgets(api, scope)...)
	}
	return all
}

func (p Pace) budgets(name, scope string) []budget {
	var all []budget
	if len(p.Tenant) > 0 {
		all = append(all, budget{name, p.Tenant})
	}
	if len(p.Scope) > 0 {
		all = append(all, budget{name + " " + strings.ToLower(scope), p.Scope})
	}
	return all
}

// bucketsOf returns the buckets of a call, made when first asked for.
func (p *pacer) bucketsOf(api, scope string) []*rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buckets == nil {
		p.buckets = map[string][]*rate.Limiter{}
	}
	var all []*rate.Limiter
	for _, b := range p.budgets(api, scope) {
		if _, ok := p.buckets[b.name]; !ok {
			for _, l := range b.limits {
				p.buckets[b.name] = append(p.buckets[b.name], l.limiter())
			}
		}
		all = append(all, p.buckets[b.name]...)
	}
	return all
}

// least is the shortest time in which so many calls can be made.
func (l Limit) least(calls int) time.Duration {
	bucket := l.limiter()
	if calls <= bucket.Burst() {
		return 0
	}
	return time.Duration(float64(calls-bucket.Burst()) / float64(bucket.Limit()) * float64(time.Second))
}
