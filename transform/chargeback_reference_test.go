package transform

import (
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
)

// amounts are effective, billed and list cost, in units of the eighteenth digit.
type amounts [3]*big.Int

func (a amounts) plus(b amounts) amounts {
	var sum amounts
	for i := range sum {
		sum[i] = new(big.Int)
		for _, x := range []*big.Int{a[i], b[i]} {
			if x != nil {
				sum[i].Add(sum[i], x)
			}
		}
	}
	return sum
}

func (a amounts) isZero() bool { return a[0].Sign() == 0 && a[1].Sign() == 0 && a[2].Sign() == 0 }

// place is where a cost stands, whoever pays it.
type place struct{ account, sub, service, currency string }

type lineKey struct {
	place
	owner, kind, commitment string
	rule, rate, markup      int
}

type poolKey struct {
	place
	rule          int
	share, source string
	commitment    string
	policy        string
}

type flowRef struct {
	poolKey
	target string
	next   int
	amounts
}

// reference is the chargeback of an enterprise, worked out charge by charge and with rationals.
type reference struct {
	*enterprise
	lines   map[lineKey]amounts
	priced  map[lineKey]*big.Int
	counts  map[lineKey]int
	flows   []flowRef
	gone    map[poolKey]bool
	entries map[string]*chargebackEntry
}

type chargebackEntry struct {
	amounts
	policy *big.Int
	count  int
}

func (e *enterprise) reference() map[string]string {
	r := &reference{enterprise: e, lines: map[lineKey]amounts{}, priced: map[lineKey]*big.Int{}, counts: map[lineKey]int{}, gone: map[poolKey]bool{}, entries: map[string]*chargebackEntry{}}
	for _, c := range e.charges {
		r.take(c)
	}
	r.share()
	r.enter()
	r.markUp()
	r.invoice()
	if len(r.entries) == 0 {
		return nil
	}
	rows := map[string]string{}
	for key, x := range r.entries {
		rows[key] = strings.Join([]string{inFull(x.amounts[0]), inFull(x.amounts[1]), inFull(x.amounts[2]), inFull(x.policy), fmt.Sprint(x.count)}, "|")
	}
	return rows
}

func (e *enterprise) owner(c *charge) string {
	if o := e.owners[c.sub]; o != "" {
		return o
	}
	return "Unallocated"
}

func (e *enterprise) kind(c *charge) string {
	kinds := map[string]string{"Unused": "UnusedCommitment", "Bought": "CommitmentPurchase", "Rounding": "Rounding", "Support": "Support"}
	switch {
	case c.isAllocated:
		return "AzureAllocated"
	case kinds[c.kind] != "":
		return kinds[c.kind]
	case e.owner(c) != "Unallocated":
		return "Direct"
	case c.sub == "":
		return "NoSubscription"
	}
	return "Unallocated"
}

func like(text, pattern string) bool {
	var re strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
			re.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case '%':
			re.WriteString(".*")
		case '_':
			re.WriteString(".")
		default:
			re.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	return regexp.MustCompile("^" + re.String() + "$").MatchString(strings.ToLower(text))
}

func (e *enterprise) meets(c *charge, conditions []condition) bool {
	texts := map[string]string{"ServiceName": c.service, "x_ResourceGroupName": c.rg, "tag.env": c.env, "CostOwner": e.owner(c), "x_SkuMeterId": c.meter}
	for _, x := range conditions {
		if slices.ContainsFunc(x.patterns, func(p string) bool { return like(texts[x.column], p) }) == x.isNegated {
			return false
		}
	}
	return true
}

func isOn(day, from, to int) bool { return (from < 0 || from <= day) && (to < 0 || day <= to) }

// take finds the rule, rate and mark-up of a charge and adds it to its line.
func (r *reference) take(c *charge) {
	key := lineKey{place: place{c.account, c.sub, c.service, c.currency}, owner: r.owner(c), kind: r.kind(c)}
	if key.sub == "" {
		key.sub = "Not assigned"
	}
	if key.kind == "UnusedCommitment" {
		key.commitment = r.commitmentID(c.commitment)
	}
	if !c.isAllocated {
		key.rule = 1 + slices.IndexFunc(r.rules, func(x rule) bool {
			return (x.source == "" || x.source == key.owner) && isOn(c.day, x.from, x.to) && r.meets(c, x.pool)
		})
	}
	if slices.Contains([]string{"Direct", "Unallocated", "NoSubscription"}, key.kind) && c.unit != "" {
		key.rate = 1 + slices.IndexFunc(r.rates, func(x rate) bool {
			return x.currency == c.currency && x.unit == c.unit && (x.meter == "" || x.meter == c.meter) && (x.service == "" || x.service == strings.ToLower(c.service)) && isOn(c.day, x.from, x.to)
		})
	}
	if key.rate == 0 {
		key.markup = 1 + slices.IndexFunc(r.markups, func(x markup) bool { return x.fits(key.owner, c.service) && isOn(c.day, x.from, x.to) })
	}
	r.lines[key] = r.lines[key].plus(amounts{c.effective, c.billed, c.list})
	r.counts[key]++
	if r.priced[key] == nil {
		r.priced[key] = new(big.Int)
	}
	if c.unit != "" {
		r.priced[key].Add(r.priced[key], c.priced)
	}
}

func (m markup) fits(owner, service string) bool {
	return (m.owner == "" || m.owner == owner) && (m.service == "" || like(service, m.service))
}

// share divides level after level what the rules took and what the policies move.
func (r *reference) share() {
	pools := map[poolKey]amounts{}
	for key, a := range r.lines {
		pool := poolKey{place: key.place, rule: key.rule, source: key.owner, share: fmt.Sprintf("Rule %d", key.rule)}
		if key.rule == 0 {
			if !slices.Contains([]string{"UnusedCommitment", "Rounding", "Support"}, key.kind) || r.policies[key.kind].treatment == "None" {
				continue
			}
			pool.share, pool.commitment, pool.policy = key.kind, key.commitment, key.kind
			if key.commitment != "" {
				pool.share += " " + key.commitment
			}
		}
		pools[pool] = pools[pool].plus(a)
	}
	for level := range 5 {
		for pool, a := range maps.Clone(pools) {
			if r.level(pool.rule) == level && !a.isZero() {
				r.divide(pools, pool, a)
			}
		}
	}
}

func (r *reference) level(rule int) int {
	if rule == 0 {
		return 0
	}
	return r.rules[rule-1].level
}

func (r *reference) divide(pools map[poolKey]amounts, pool poolKey, a amounts) {
	weights := r.weights(pool)
	if len(weights) == 0 {
		return
	}
	r.gone[pool] = true
	owners := slices.Sorted(maps.Keys(weights))
	var parts [3]map[string]*big.Int
	for i := range parts {
		parts[i] = largestRemainder(a[i], weights)
	}
	for _, owner := range owners {
		f := flowRef{poolKey: pool, target: owner, next: r.next(pool.rule, owner), amounts: amounts{parts[0][owner], parts[1][owner], parts[2][owner]}}
		if f.next > 0 {
			further := poolKey{place: pool.place, rule: f.next, source: owner, share: fmt.Sprintf("Rule %d", f.next)}
			pools[further] = pools[further].plus(f.amounts)
		}
		r.flows = append(r.flows, f)
	}
}

func (r *reference) next(current int, owner string) int {
	for i, x := range r.rules {
		if i+1 > current && x.passesOn && x.level > r.level(current) && (x.source == "" || x.source == owner) {
			return i + 1
		}
	}
	return 0
}

// largestRemainder divides an amount by weights: the exact share cut towards zero, and a unit more for those that lost most.
func largestRemainder(amount *big.Int, weights map[string]*big.Int) map[string]*big.Int {
	total, left := new(big.Int), new(big.Int).Set(amount)
	for _, w := range weights {
		total.Add(total, w)
	}
	parts, lost := map[string]*big.Int{}, map[string]*big.Rat{}
	for owner, w := range weights {
		exact := new(big.Rat).SetFrac(new(big.Int).Mul(amount, w), total)
		parts[owner] = new(big.Int).Quo(exact.Num(), exact.Denom())
		lost[owner] = new(big.Rat).Sub(exact, new(big.Rat).SetInt(parts[owner]))
		lost[owner].Abs(lost[owner])
		left.Sub(left, parts[owner])
	}
	owners := slices.Sorted(maps.Keys(weights))
	slices.SortStableFunc(owners, func(a, b string) int { return lost[b].Cmp(lost[a]) })
	for i := range int(new(big.Int).Abs(left).Int64()) {
		parts[owners[i]].Add(parts[owners[i]], big.NewInt(int64(amount.Sign())))
	}
	return parts
}

func (r *reference) sum(owner, currency string, of func(*charge) *big.Int, which func(*charge) bool) *big.Int {
	total := new(big.Int)
	for _, c := range r.charges {
		if r.owner(c) == owner && (currency == "" || c.currency == currency) && which(c) {
			total.Add(total, of(c))
		}
	}
	return total
}

func effectiveOf(c *charge) *big.Int { return c.effective }

func (r *reference) isDirect(c *charge) bool { return r.kind(c) == "Direct" }

// weights are who receives of a pool, and their weights above zero.
func (r *reference) weights(pool poolKey) map[string]*big.Int {
	weights := map[string]*big.Int{}
	set := func(owner string, w *big.Int) {
		if w.Sign() > 0 {
			weights[owner] = w
		}
	}
	if pool.rule == 0 {
		r.policyWeights(pool, set)
		return weights
	}
	x := r.rules[pool.rule-1]
	for owner, w := range r.targetsOf(x, pool) {
		switch {
		case x.split == "Even":
			w = unitOne
		case x.split == "Proportional" && len(x.basis) > 0:
			w = r.sum(owner, pool.currency, effectiveOf, func(c *charge) bool { return r.meets(c, x.basis) })
		case x.split == "Proportional":
			w = r.sum(owner, pool.currency, effectiveOf, r.isDirect)
		case x.split == "Usage":
			w = r.sum(owner, "", func(c *charge) *big.Int { return c.usage }, func(c *charge) bool { return c.meter == x.meter })
		}
		set(owner, w)
	}
	return weights
}

func (r *reference) targetsOf(x rule, pool poolKey) map[string]*big.Int {
	targets := map[string]*big.Int{}
	if x.all {
		for _, owner := range someOwners {
			isSource := slices.ContainsFunc(r.rules, func(other rule) bool { return other.source == owner })
			if !isSource && owner != pool.source && r.sum(owner, pool.currency, effectiveOf, r.isDirect).Sign() != 0 {
				targets[owner] = unitOne
			}
		}
		return targets
	}
	isMonthly := slices.ContainsFunc(x.targets, func(w target) bool { return w.monthly })
	for _, w := range x.targets {
		if w.monthly == isMonthly {
			targets[w.owner] = w.weight
		}
	}
	return targets
}

func (r *reference) policyWeights(pool poolKey, set func(string, *big.Int)) {
	p := r.policies[pool.policy]
	switch p.treatment {
	case "Central":
		set(p.owner, unitOne)
	case "Buyer":
		if owner := r.buyer(pool.commitment); owner != "" {
			set(owner, unitOne)
		}
	case "Users":
		for _, owner := range append([]string{"Unallocated"}, someOwners...) {
			set(owner, r.sum(owner, pool.currency, effectiveOf, func(c *charge) bool {
				return c.status == "Used" && r.commitmentID(c.commitment) == pool.commitment
			}))
		}
	case "Proportional":
		for _, owner := range someOwners {
			set(owner, r.sum(owner, pool.currency, effectiveOf, r.isDirect))
		}
	}
}

func orderOf(commitment string) string { return strings.Split(commitment, "/reservations/")[0] }

func (r *reference) buyer(commitment string) string {
	var first *charge
	for _, c := range r.charges {
		if r.kind(c) != "CommitmentPurchase" || r.owner(c) == "Unallocated" || orderOf(r.commitmentID(c.commitment)) != orderOf(commitment) {
			continue
		}
		if first == nil || c.day < first.day || c.day == first.day && r.owner(c) < r.owner(first) {
			first = c
		}
	}
	if first == nil {
		return ""
	}
	return r.owner(first)
}

func (r *reference) add(p place, owner, kind, name string, a amounts, policy *big.Int, count int) {
	key := strings.Join([]string{p.account, owner, p.sub, p.service, kind, p.currency, name}, "|")
	if r.entries[key] == nil {
		r.entries[key] = &chargebackEntry{amounts: amounts{}.plus(amounts{}), policy: new(big.Int)}
	}
	x := r.entries[key]
	x.amounts = x.amounts.plus(a)
	x.policy.Add(x.policy, policy)
	x.count += count
}

// enter writes the lines, and both sides of everything that moved.
func (r *reference) enter() {
	for key, a := range r.lines {
		r.add(key.place, key.owner, key.kind, "", a, new(big.Int), r.counts[key])
	}
	for _, f := range r.flows {
		if f.target == f.source {
			continue
		}
		kind, name := "Shared", fmt.Sprintf("rule %d", f.rule)
		if f.rule == 0 {
			kind, name = f.policy, ""
		}
		var back amounts
		for i := range back {
			back[i] = new(big.Int).Neg(f.amounts[i])
		}
		r.add(f.place, f.target, kind, name, f.amounts, new(big.Int), 0)
		r.add(f.place, f.source, kind+"Out", name, back, new(big.Int), 0)
	}
}

func percentOf(amount, percent *big.Int) *big.Int {
	exact := new(big.Rat).SetFrac(new(big.Int).Mul(amount, percent), new(big.Int).Mul(big.NewInt(100), new(big.Int).Mul(unitOne, unitOne)))
	return halfEven(exact)
}

func (r *reference) markUp() {
	added := map[lineKey]*big.Int{}
	note := func(p place, owner, kind string, id int, amount *big.Int) {
		key := lineKey{place: p, owner: owner, kind: kind, markup: id}
		if added[key] == nil {
			added[key] = new(big.Int)
		}
		added[key].Add(added[key], amount)
	}
	for key, a := range r.lines {
		if r.isGone(key) {
			continue
		}
		if key.rate > 0 {
			internal := halfEven(new(big.Rat).SetFrac(new(big.Int).Mul(r.rates[key.rate-1].price, r.priced[key]), new(big.Int).Mul(unitOne, unitOne)))
			note(key.place, key.owner, "RateCard", 0, internal.Sub(internal, a[0]))
		}
		if key.markup > 0 {
			note(key.place, key.owner, "MarkUp", key.markup, percentOf(a[0], r.markups[key.markup-1].percent))
		}
	}
	received := map[lineKey]amounts{}
	for _, f := range r.flows {
		further := poolKey{place: f.place, rule: f.next, source: f.target, share: fmt.Sprintf("Rule %d", f.next)}
		if f.next == 0 || !r.gone[further] {
			key := lineKey{place: f.place, owner: f.target}
			received[key] = received[key].plus(f.amounts)
		}
	}
	for key, a := range received {
		// On the last day of the month only what has no end holds.
		i := slices.IndexFunc(r.markups, func(x markup) bool { return x.to < 0 && x.fits(key.owner, key.service) })
		if i >= 0 {
			note(key.place, key.owner, "MarkUp", i+1, percentOf(a[0], r.markups[i].percent))
		}
	}
	for key, amount := range added {
		if amount.Sign() != 0 {
			name := ""
			if key.markup > 0 {
				name = fmt.Sprintf("markup %d", key.markup)
			}
			r.add(key.place, key.owner, key.kind, name, amounts{}, amount, 0)
		}
	}
}

func (r *reference) isGone(key lineKey) bool {
	pool := poolKey{place: key.place, rule: key.rule, source: key.owner, share: fmt.Sprintf("Rule %d", key.rule)}
	if key.rule == 0 {
		pool.share, pool.commitment, pool.policy = key.kind, key.commitment, key.kind
		if key.commitment != "" {
			pool.share += " " + key.commitment
		}
	}
	return r.gone[pool]
}

// invoice divides what only invoices know by what the owners of the account finally pay.
func (r *reference) invoice() {
	totals := map[[3]string]*big.Int{}
	for _, l := range r.invoices {
		policy := map[string]string{"Tax": "Tax", "Credit": "Credit", "SupportPlan": "Support"}[l.component]
		if policy == "" || r.policies[policy].treatment == "None" {
			continue
		}
		key := [3]string{l.account, policy, l.currency}
		if totals[key] == nil {
			totals[key] = new(big.Int)
		}
		totals[key].Add(totals[key], l.amount)
	}
	finals := map[[3]string]*big.Int{} // account, currency, owner
	for key, x := range r.entries {
		k := strings.Split(key, "|")
		at := [3]string{k[0], k[5], k[1]}
		if finals[at] == nil {
			finals[at] = new(big.Int)
		}
		finals[at].Add(finals[at], x.amounts[0])
	}
	for key, amount := range totals {
		if amount.Sign() == 0 {
			continue
		}
		weights := map[string]*big.Int{}
		if p := r.policies[key[1]]; p.treatment == "Central" {
			weights[p.owner] = unitOne
		} else {
			for at, w := range finals {
				if at[0] == key[0] && at[1] == key[2] && w.Sign() > 0 {
					weights[at[2]] = w
				}
			}
		}
		if len(weights) == 0 {
			weights["Unallocated"] = unitOne
		}
		for owner, part := range largestRemainder(amount, weights) {
			r.add(place{key[0], "Not assigned", "Not assigned", key[2]}, owner, key[1], "", amounts{}, part, 0)
		}
	}
}
