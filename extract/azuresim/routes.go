package azuresim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// A target is what a path names: a scope, perhaps a billing period, and an operation. Providers and types are
// case-insensitive in paths, as on Azure.
type target struct {
	path        string
	a           *account
	sub         *subscription
	section     *section
	profile     *profile
	group       string
	order       string // reservation order
	reservation string
	month       *month
	management  string // management group

	enrollmentAccount string // its number
	payg              bool   // the pay-as-you-go subscription
	version           string // of an Enterprise Reporting path
	operation         string
	rest              []string
}

// route answers a request by the operation its path names.
func (s *server) route(r *http.Request) (*answer, error) {
	t, err := s.e.parsePath(r.URL.Path)
	if err != nil {
		return nil, err
	}
	o, ok := t.handler()
	if !ok {
		return nil, notFound(r.URL.Path)
	}
	if r.Method != o.method {
		return nil, refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The requested resource does not support http method '%s'.", r.Method)
	}
	return o.serve(s, r, t)
}

// handler finds the operation: one that the last word of the path names, as in pricesheets/default/download, before the one
// without it.
func (t *target) handler() (operation, bool) {
	name, actions := t.operation, t.rest
	if t.payg {
		name = "payg/" + name
	}
	if len(t.rest) > 1 {
		actions = []string{t.rest[len(t.rest)-1], t.rest[1]} // pricesheets/default/download, invoices/<name>/operationResults/<id>
	}
	for _, action := range actions {
		if o, ok := operations[name+"/"+strings.ToLower(action)]; ok {
			return o, true
		}
	}
	o, ok := operations[name]
	return o, ok
}

// An operation is what a path ends in, under its provider: "consumption/usagedetails".
type operation struct {
	method string
	serve  func(*server, *http.Request, *target) (*answer, error)
}

var operations = map[string]operation{}

// handle adds an operation. The file that speaks a route calls it in a package variable, so that a new route is that file.
func handle(method, name string, handler func(*server, *http.Request, *target) (*answer, error)) bool { //nolint:unparam // a result makes it callable there
	operations[name] = operation{method, handler}
	return true
}

var (
	_ = handle(http.MethodGet, "billing/billingaccounts", (*server).billingAccounts)
	_ = handle(http.MethodGet, "billing/billingprofiles", (*server).billingProfiles)
	_ = handle(http.MethodGet, "billing/billingperiods", (*server).billingPeriods)
	_ = handle(http.MethodGet, "billing/invoices", (*server).invoices)
	_ = handle(http.MethodGet, "consumption/usagedetails", (*server).usageDetails)
	_ = handle(http.MethodGet, "consumption/marketplaces", (*server).marketplaces)
	_ = handle(http.MethodGet, "consumption/pricesheets", (*server).priceSheet)
	_ = handle(http.MethodGet, "consumption/balances", (*server).balance)
	_ = handle(http.MethodGet, "consumption/budgets", (*server).budgets)
	_ = handle(http.MethodGet, "consumption/reservationsummaries", (*server).reservationSummaries)
	_ = handle(http.MethodGet, "consumption/reservationdetails", (*server).reservationDetails)
)

func notFound(path string) error {
	return refuse(http.StatusNotFound, "NotFound", "The resource '%s' was not found.", path)
}

// parsePath reads a path piece by piece.
func (e *Enterprise) parsePath(path string) (*target, error) {
	if strings.Contains(strings.ToLower(path), "/enrollments/") {
		return e.parseReporting(path)
	}
	t := &target{path: path}
	if strings.EqualFold(strings.TrimRight(path, "/"), retailPath) {
		t.operation = "retail/prices"
		return t, nil
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for len(parts) > 0 && t.operation == "" {
		used, err := e.parsePart(t, parts)
		if err != nil {
			return nil, err
		}
		if used == 0 {
			return nil, notFound(path)
		}
		parts = parts[used:]
	}
	t.rest = parts
	if t.operation == "" {
		return nil, notFound(path)
	}
	return t, nil
}

// parsePart reads the type at the head of parts, and the name after it, and tells how many parts that took.
func (e *Enterprise) parsePart(t *target, parts []string) (int, error) {
	name := ""
	if len(parts) > 1 {
		name = parts[1]
	}
	kind := strings.ToLower(parts[0])
	switch kind {
	case "providers":
		switch provider := strings.TrimPrefix(strings.ToLower(name), "microsoft."); provider {
		case "consumption", "costmanagement", "commerce":
			if len(parts) < 3 {
				return 0, nil
			}
			t.operation = provider + "/" + strings.ToLower(parts[2])
			return 3, nil
		case "billing", "capacity", "management", "billingbenefits":
			return 2, nil
		}
		return 0, nil
	case "billingperiods":
		return e.parsePeriod(t, parts)
	}
	if name == "" || lists[kind] {
		t.operation = "billing/" + kind
		return 1, nil
	}
	if err := e.parseScope(t, kind, name); err != nil {
		return 0, err
	}
	if len(parts) == 2 && shown[kind] {
		t.operation = "billing/" + kind
	}
	return 2, nil
}

// shown are the types of Microsoft.Billing that answer for themselves, not only in a list.
var shown = map[string]bool{"billingaccounts": true, "billingprofiles": true, "billingsubscriptions": true}

// lists are the types of Microsoft.Billing whose operations take the rest of the path as it is.
var lists = map[string]bool{"invoices": true, "transactions": true, "downloaddocuments": true, "availablebalance": true}

// parsePeriod reads billingPeriods: the list, one of them, or the period of what follows.
func (e *Enterprise) parsePeriod(t *target, parts []string) (int, error) {
	if len(parts) <= 2 {
		t.operation = "billing/billingperiods"
		return 1, nil
	}
	if t.a != nil && t.a.kind == customerAgreement {
		return 0, badRequest("Billing periods are not supported for Microsoft Customer Agreement.")
	}
	named := e.monthNamed
	if t.payg {
		named = e.paygPeriod
	}
	m, ok := named(parts[1])
	if !ok {
		return 0, refuse(http.StatusNotFound, "NotFound", "Billing period '%s' was not found.", parts[1])
	}
	t.month = &m
	return 2, nil
}

func (e *Enterprise) parseScope(t *target, kind, name string) error {
	found := false
	if (kind == "subscriptions" || kind == "billingsubscriptions") && strings.EqualFold(name, PaygID) {
		t.payg = true
		return nil
	}
	switch kind {
	case "subscriptions", "billingsubscriptions":
		t.a, t.sub = e.subscription(name)
		if t.sub == nil {
			return refuse(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", name)
		}
		found = true
	case "resourcegroups":
		t.group, found = name, true
	case "managementgroups":
		t.management, found = name, true
	case "enrollmentaccounts":
		found = e.findEnrollmentAccount(t, name)
	case "billingaccounts":
		found = strings.EqualFold(name, "default") // pay-as-you-go subscriptions stand under it
		for _, a := range e.accounts() {
			if strings.EqualFold(a.id, name) {
				t.a, found = a, true
			}
		}
	case "billingprofiles":
		found = t.a != nil && t.findProfile(name)
	case "departments", "invoicesections":
		found = e.findSection(t, name)
	case "reservationorders", "savingsplanorders":
		t.order = strings.ToLower(name)
		t.a = e.orderAccount(t.order)
		found = t.a != nil
	case "reservations", "savingsplans":
		t.reservation, found = strings.ToLower(name), true
	}
	if !found {
		return notFound(t.path)
	}
	return nil
}

func (e *Enterprise) subscription(id string) (*account, *subscription) {
	for _, a := range e.accounts() {
		for _, s := range a.subs {
			if strings.EqualFold(s.id, id) {
				return a, s
			}
		}
	}
	return nil, nil
}

func (t *target) findProfile(id string) bool {
	for _, p := range t.a.profiles {
		if strings.EqualFold(p.id, id) && t.a.kind == customerAgreement {
			t.profile = p
			return true
		}
	}
	return false
}

func (e *Enterprise) findSection(t *target, id string) bool {
	if t.a == nil {
		t.a = e.ea // departments stand alone in one of their two spellings
	}
	for _, s := range t.a.sections {
		if strings.EqualFold(s.id, id) {
			t.section = s
			return true
		}
	}
	return false
}

func (e *Enterprise) findEnrollmentAccount(t *target, id string) bool {
	t.a = e.ea
	t.enrollmentAccount = id
	return id == directAccount || slices.ContainsFunc(e.ea.sections, func(s *section) bool { return s.enrollmentNumber() == id })
}

func (e *Enterprise) orderAccount(order string) *account {
	for _, a := range e.accounts() {
		for _, c := range a.commitments {
			if c.order == order {
				return a
			}
		}
	}
	return nil
}

// A condition is one comparison of a $filter.
type condition struct{ field, op, value string }

// parseFilter reads the $filter grammar of Consumption: comparisons joined by and. The operators ne, or and not do not
// exist there.
func parseFilter(text string) ([]condition, error) {
	var all []condition
	for _, part := range splitFold(text, " and ") {
		fields := strings.Fields(part)
		if len(fields) < 3 {
			return nil, badRequest("Invalid filter: '%s'.", text)
		}
		c := condition{strings.ToLower(fields[0]), strings.ToLower(fields[1]), strings.Trim(strings.Join(fields[2:], " "), "'")}
		c.field = strings.TrimPrefix(c.field, "properties/")
		if !strings.Contains(" eq lt gt le ge ", " "+c.op+" ") {
			return nil, badRequest("Invalid filter: operator '%s' is not supported.", c.op)
		}
		all = append(all, c)
	}
	return all, nil
}

func splitFold(text, separator string) []string {
	var parts []string
	for text != "" {
		i := strings.Index(strings.ToLower(text), separator)
		if i < 0 {
			return append(parts, text)
		}
		parts, text = append(parts, text[:i]), text[i+len(separator):]
	}
	return parts
}

// narrow applies a comparison of days to a range.
func (c condition) narrow(from, to *int) error {
	day, err := parseDay(c.value)
	if err != nil {
		return badRequest("Invalid filter: '%s' is no date.", c.value)
	}
	switch c.op {
	case "eq":
		*from, *to = max(*from, day), min(*to, day)
	case "ge":
		*from = max(*from, day)
	case "gt":
		*from = max(*from, day+1)
	case "le":
		*to = min(*to, day)
	case "lt":
		*to = min(*to, day-1)
	}
	return nil
}

// topOf reads a page size, which must be between 1 and most.
func topOf(r *http.Request, name string, fallback, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	var top int
	if _, err := fmt.Sscanf(text, "%d", &top); err != nil || top < 1 || top > most {
		return 0, badRequest("Invalid query parameter %s: '%s' must be between 1 and %d.", name, text, most)
	}
	return top, nil
}

// link is the URL of the next page: the request's own parameters, less those of the previous link, decoded as the service
// decodes them, and the new ones.
func link(r *http.Request, extra ...string) string {
	var b strings.Builder
	b.WriteString(site(r) + r.URL.EscapedPath() + "?")
	b.WriteString(keptQuery(r))
	for _, part := range extra {
		b.WriteString("&" + part)
	}
	return b.String()
}

// site is where the simulated Azure stands, as the request has it.
func site(r *http.Request) string { return scheme(r) + "://" + r.Host }

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

var pageParameters = map[string]bool{"$skiptoken": true, "skiptokenver": true, "sessiontoken": true, "id": true}

func keptQuery(r *http.Request) string {
	var kept []string
	for _, part := range strings.Split(r.URL.RawQuery, "&") {
		key, value, _ := strings.Cut(unescapeQuery(part), "=")
		if key != "" && !pageParameters[strings.ToLower(key)] {
			kept = append(kept, key+"="+value)
		}
	}
	return strings.Join(kept, "&")
}

// unescapeQuery decodes a query part, and escapes again only what would break the link.
func unescapeQuery(s string) string {
	r := strings.NewReplacer("%2F", "/", "%2f", "/", "%2C", ",", "%2c", ",", "%24", "$", "%27", "'", "%3A", ":", "%3a", ":", "+", "%20")
	return r.Replace(s)
}
