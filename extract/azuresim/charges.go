package azuresim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

var (
	_ = handle(http.MethodGet, "consumption/charges", (*server).chargeSummaries)
	_ = handle(http.MethodGet, "consumption/aggregatedcost", (*server).aggregatedCost)
	_ = handle(http.MethodGet, "consumption/tags", (*server).tagKeys)
)

// A part is what charges are summed by: whose they are, and whether an invoice has them.
type part struct {
	section  *section // nil for what the enrollment bought without a subscription
	profile  *profile
	sub      *subscription
	invoiced bool
}

// partSum is what a part cost in a month, each row rounded at the 18th digit.
type partSum struct {
	azure, separate, market amount
	pricing                 amount // all three, in pricing currency
}

func (s *partSum) add(o partSum) {
	s.azure, s.separate, s.market, s.pricing = s.azure.add(o.azure), s.separate.add(o.separate), s.market.add(o.market), s.pricing.add(o.pricing)
}

// parts are the sums of an account's month, and the tags on its rows by subscription.
type parts struct {
	sums map[part]partSum
	tags map[*subscription]map[*tagSet]bool
}

// partsOf adds up the actual cost of a month, once, the day that the records lack included.
func (e *Enterprise) partsOf(a *account, month int) *parts {
	key := totalsKey{a.key, month, e.snapshot().version}
	v, _ := e.parts.LoadOrStore(key, sync.OnceValue(func() *parts { return e.addParts(a, month) }))
	return v.(func() *parts)()
}

func (e *Enterprise) addParts(a *account, month int) *parts {
	all := &parts{map[part]partSum{}, map[*subscription]map[*tagSet]bool{}}
	c := e.cursor(selection{a: a, ds: actual, first: month, last: month, whole: true}, position{})
	var r row
	for c.next(&r) {
		cost := r.cost.rounded()
		sum := partSum{pricing: r.pricing.rounded()}
		switch {
		case r.offer != nil:
			sum.market = cost
		case !r.eligible:
			sum.separate = cost
		default:
			sum.azure = cost
		}
		key := part{r.section, r.profile, r.sub, r.invoice != ""}
		before := all.sums[key]
		before.add(sum)
		all.sums[key] = before
		if all.tags[r.sub] == nil {
			all.tags[r.sub] = map[*tagSet]bool{}
		}
		all.tags[r.sub][r.tags] = true
	}
	return all
}

// sum adds up the parts that want tells.
func (p *parts) sum(want func(part) bool) (partSum, bool) {
	var total partSum
	found := false
	for key, s := range p.sums {
		if want(key) {
			total.add(s)
			found = true
		}
	}
	return total, found
}

// chargeSummaries serves charges: of a department or an enrollment account, with plain numbers, or of a billing account, a
// billing profile or an invoice section, with their currency, split as $apply says.
func (s *server) chargeSummaries(r *http.Request, t *target) (*answer, error) {
	switch {
	case t.a == nil:
		return nil, notFound(t.path)
	case t.a.kind == customerAgreement:
		return s.modernCharges(r, t)
	case t.section == nil && t.enrollmentAccount == "":
		return nil, badRequest("Charges are not supported for the enrollment. Use a department or an enrollment account.")
	}
	first, last, err := s.e.chargeMonths(r, t)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, m := range s.e.months[first : last+1] {
		sum, found := s.e.partsOf(t.a, m.index).sum(func(p part) bool { return t.holds(p.section) })
		if found {
			list = append(list, s.e.legacyCharge(t, m, sum))
		}
	}
	return ok(object{"value": list}, len(list), "consumption"), nil
}

// holds tells whether a section's charges are those of the target. The account in no department has what belongs to no
// section.
func (t *target) holds(s *section) bool {
	if t.enrollmentAccount != "" {
		return s == nil && t.enrollmentAccount == directAccount || s != nil && s.enrollmentNumber() == t.enrollmentAccount
	}
	return s == t.section
}

// chargeMonths reads the months asked for: the path's, those of the $filter, or the open one.
func (e *Enterprise) chargeMonths(r *http.Request, t *target) (first, last int, err error) {
	if t.month != nil {
		return t.month.index, t.month.index, nil
	}
	open := e.open().index
	q := r.URL.Query()
	from, to := q.Get("startDate"), q.Get("endDate")
	conditions, err := parseFilter(q.Get("$filter"))
	if err != nil {
		return 0, 0, err
	}
	for _, c := range conditions {
		switch c.field {
		case "usagestart":
			from = c.value
		case "usageend":
			to = c.value
		default:
			return 0, 0, badRequest("Invalid filter: field '%s' is not supported.", c.field)
		}
	}
	if from == "" && to == "" {
		return open, open, nil
	}
	begin, err1 := parseDay(from)
	end, err2 := parseDay(to)
	if err1 != nil || err2 != nil || end < begin {
		return 0, 0, badRequest("Invalid dates '%s' and '%s'.", from, to)
	}
	sel := selection{}
	e.selectRange(&sel, begin, end, 0)
	return sel.first, max(sel.last, sel.first-1), nil
}

func (e *Enterprise) legacyCharge(t *target, m month, sum partSum) object {
	scope, _, _ := strings.Cut(t.path, "/providers/Microsoft.Consumption")
	name := guid(hashText(scope + m.name))
	return object{
		"id": scope + "/providers/Microsoft.Consumption/charges/" + name, "name": name, "type": "Microsoft.Consumption/charges", "kind": "legacy",
		"properties": object{
			"billingPeriodId": t.a.path + "/providers/Microsoft.Billing/billingPeriods/" + m.name, "usageStart": e.text(m.start).iso, "usageEnd": e.text(m.last()).iso,
			"azureCharges": money(sum.azure), "chargesBilledSeparately": money(sum.separate), "marketplaceCharges": money(sum.market), "currency": t.a.profiles[0].currency,
		},
	}
}

// modernCharges splits a month by profile or section, by currency in any case, and by whether it is invoiced.
func (s *server) modernCharges(r *http.Request, t *target) (*answer, error) {
	split := strings.ToLower(r.URL.Query().Get("$apply"))
	byProfile, bySection := split == "groupby((properties/billingprofileid))", split == "groupby((properties/invoicesectionid))"
	if split != "" && !byProfile && !bySection {
		return nil, badRequest("Invalid $apply '%s'.", split)
	}
	if t.month != nil || r.URL.Query().Get("$filter") != "" {
		return nil, badRequest("The $filter parameter and billing periods are not supported for Microsoft Customer Agreement.")
	}
	first, last, err := s.e.chargeMonths(r, t)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, m := range s.e.months[first : last+1] {
		all := s.e.partsOf(t.a, m.index)
		for _, key := range t.splits(bySection) {
			for _, invoiced := range []bool{true, false} {
				sum, found := all.sum(func(p part) bool {
					return p.profile == key.profile && p.invoiced == invoiced && (key.section == nil || p.section == key.section)
				})
				if found {
					key.invoiced = invoiced
					list = append(list, s.e.modernCharge(t, m, key, sum, byProfile || bySection))
				}
			}
		}
	}
	return ok(object{"value": list}, len(list), "consumption"), nil
}

// splits are the parts that an answer has records of.
func (t *target) splits(bySection bool) []part {
	var all []part
	for _, p := range t.a.profiles {
		if t.profile != nil && t.profile != p {
			continue
		}
		for _, s := range t.a.sections {
			if (bySection || t.section != nil) && s.profile == p && (t.section == nil || t.section == s) {
				all = append(all, part{section: s, profile: p})
			}
		}
		if !bySection && t.section == nil {
			all = append(all, part{profile: p})
		}
	}
	return all
}

func (e *Enterprise) modernCharge(t *target, m month, key part, sum partSum, grouped bool) object {
	scope := t.a.path
	properties := object{
		"isInvoiced": key.invoiced, "billingPeriodId": t.a.path + "/providers/Microsoft.Billing/billingPeriods/" + m.name,
		"usageStart": e.text(m.start).iso, "usageEnd": e.text(m.last()).iso, "billingAccountId": t.a.path, "billingProfileId": nil, "invoiceSectionId": nil,
	}
	if grouped || t.profile != nil {
		scope = key.profile.path
		properties["billingProfileId"] = scope
	}
	if key.section != nil {
		scope = key.section.path
		properties["invoiceSectionId"] = scope
	}
	for name, a := range map[string]amount{"azureCharges": sum.azure, "chargesBilledSeparately": sum.separate, "marketplaceCharges": sum.market} {
		properties[name] = moneyIn(key.profile.currency, a)
	}
	name := guid(hashText(scope+m.name) + hashText(key.profile.currency))
	return object{"id": scope + "/providers/Microsoft.Consumption/charges/" + name, "name": name, "type": "Microsoft.Consumption/charges", "kind": "modern", "properties": properties}
}

// directAccount is the enrollment account in no department.
const directAccount = "90001"

// A group is a management group: the tenant's root has all subscriptions, two groups below it share those of the
// enrollment, and a third has those of the customer agreement, which are left out of the figures.
type group struct {
	name     string
	children []string
	holds    func(*subscription) bool
}

func (e *Enterprise) groups() []group {
	enrollment := func(s *subscription) bool { return slices.Contains(e.ea.subs, s) }
	return []group{
		{"contoso", []string{"contoso-platform", "contoso-business", "contoso-digital"}, func(*subscription) bool { return true }},
		{"contoso-platform", nil, func(s *subscription) bool { return enrollment(s) && s.index%2 == 0 }},
		{"contoso-business", nil, func(s *subscription) bool { return enrollment(s) && s.index%2 == 1 }},
		{"contoso-digital", nil, func(s *subscription) bool { return !enrollment(s) }},
	}
}

// aggregatedCost adds up a management group's month. The root's figure has what the enrollment bought without a
// subscription as well, so it is that of the enrollment.
func (s *server) aggregatedCost(_ *http.Request, t *target) (*answer, error) {
	m := s.e.open()
	if t.month != nil {
		m = *t.month
	}
	for _, g := range s.e.groups() {
		if strings.EqualFold(g.name, t.management) {
			return ok(s.e.groupCost(g, m), 1, "consumption"), nil
		}
	}
	return nil, notFound(t.path)
}

func (e *Enterprise) groupCost(g group, m month) object {
	sum, _ := e.partsOf(e.ea, m.index).sum(func(p part) bool { return p.sub == nil && g.children != nil || p.sub != nil && g.holds(p.sub) })
	included, excluded, children := []any{}, []any{}, []any{}
	for _, a := range e.accounts() {
		for _, sub := range a.subs {
			switch {
			case g.holds(sub) && a == e.ea:
				included = append(included, sub.id)
			case g.holds(sub):
				excluded = append(excluded, sub.id)
			}
		}
	}
	for _, child := range e.groups() {
		if slices.Contains(g.children, child.name) {
			children = append(children, e.groupCost(child, m))
		}
	}
	name := guid(hashText(g.name + m.name))
	scope := "/providers/Microsoft.Management/managementGroups/" + g.name
	return object{"id": scope + "/providers/Microsoft.Consumption/aggregatedcost/" + name, "name": name, "type": "Microsoft.Consumption/aggregatedcost", "properties": object{
		"billingPeriodId": scope + "/providers/Microsoft.Billing/billingPeriods/" + m.name, "usageStart": e.text(m.start).stamp, "usageEnd": e.text(m.last()).stamp,
		"azureCharges": money(sum.azure), "marketplaceCharges": money(sum.market), "chargesBilledSeparately": money(sum.separate), "currency": e.ea.profiles[0].currency,
		"includedSubscriptions": included, "excludedSubscriptions": excluded, "children": children,
	}}
}

// tagKeys lists the tags on the rows of a scope, with their values when $expand asks for them. Keys stay as spelled.
func (s *server) tagKeys(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.a.kind == customerAgreement {
		return nil, badRequest("Tags are not supported for this scope.")
	}
	values := s.e.tagValues(t)
	if len(values) == 0 {
		return noContent(), nil
	}
	top, err := topOf(r, "$top", s.e.config.PageSize, maxPage)
	if err != nil {
		return nil, err
	}
	keys, next, err := window(r, sortedKeys(values), top)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, k := range keys {
		tag := object{"key": k}
		if strings.Contains(strings.ToLower(r.URL.Query().Get("$expand")), "properties/tags/value") {
			tag["value"] = sortedKeys(values[k])
		}
		list = append(list, tag)
	}
	properties := object{"tags": list, "previousLink": nil}
	if next > 0 {
		properties["nextLink"] = link(r, "$skiptoken="+offsetToken(next))
	}
	scope, _, _ := strings.Cut(t.path, "/providers/Microsoft.Consumption")
	return ok(object{"id": scope + "/providers/Microsoft.Consumption/tags/tags1", "name": "tags1", "type": "Microsoft.Consumption/tags", "eTag": "\"1d34d012214157f\"", "properties": properties}, len(list), "consumption"), nil
}

func (e *Enterprise) tagValues(t *target) map[string]map[string]bool {
	values := map[string]map[string]bool{}
	for _, m := range e.months {
		for sub, sets := range e.partsOf(t.a, m.index).tags {
			if t.sub != nil && t.sub != sub || t.section != nil && (sub == nil || sub.section != t.section) {
				continue
			}
			for set := range sets {
				set.addTo(values)
			}
		}
	}
	return values
}

func (s *tagSet) addTo(values map[string]map[string]bool) {
	pairs := map[string]string{}
	if err := json.Unmarshal([]byte(s.object), &pairs); err != nil {
		return // no tags at all
	}
	for k, v := range pairs {
		if values[k] == nil {
			values[k] = map[string]bool{}
		}
		values[k][v] = true
	}
}
