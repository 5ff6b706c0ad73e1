package azuresim

import (
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
)

// reservationSummaries serves the used hours of reservations by day or month. They are the hours of the covered rows of
// amortized cost; on the missing day they are all there is.
func (s *server) reservationSummaries(r *http.Request, t *target) (*answer, error) {
	grain := strings.ToLower(r.URL.Query().Get("grain"))
	if grain != "daily" && grain != "monthly" {
		return nil, badRequest("The query parameter grain is required and must be daily or monthly.")
	}
	from, to, err := s.e.reservationDays(r, t, grain == "daily")
	if err != nil {
		return nil, err
	}
	var list []any
	for _, c := range reservationsOf(r, t) {
		for _, span := range s.e.spans(grain, from, to) {
			if o := c.summary(r, span[0], span[1]); o != nil {
				list = append(list, o)
			}
		}
	}
	return listPage(r, list, s.e.config.PageSize, "consumption")
}

// reservationDetails serves one row for each reservation, day and machine. reservedHours is that of the reservation, the
// same on each of its rows.
func (s *server) reservationDetails(r *http.Request, t *target) (*answer, error) {
	from, to, err := s.e.reservationDays(r, t, true)
	if err != nil {
		return nil, err
	}
	var list []any
	for _, c := range reservationsOf(r, t) {
		for day := from; day <= to; day++ {
			if !c.active(day) {
				continue
			}
			for _, i := range c.lines {
				if hours := c.used(i, day); hours > 0 {
					list = append(list, c.detail(r, i, day, num{hours, 4}))
				}
			}
		}
	}
	return listPage(r, list, s.e.config.PageSize, "consumption")
}

// reservationDays reads the range of a request: $filter at the enrollment and at an order, startDate and endDate at a
// billing profile. Three months is the most.
func (e *Enterprise) reservationDays(r *http.Request, t *target, required bool) (from, to int, err error) {
	if t.a == nil || t.sub != nil || t.a.kind == customerAgreement && t.profile == nil && t.order == "" {
		return 0, 0, badRequest("Reservation usage is not supported for this scope.")
	}
	q := r.URL.Query()
	given := false
	from, to = e.months[0].start, e.asOf-1
	if t.a.kind == customerAgreement && t.order == "" {
		for name, bound := range map[string]*int{"startDate": &from, "endDate": &to} {
			if text := q.Get(name); text != "" {
				given = true
				if *bound, err = parseDay(text); err != nil {
					return 0, 0, badRequest("Invalid %s '%s'.", name, text)
				}
			}
		}
	} else {
		conditions, err := parseFilter(q.Get("$filter"))
		if err != nil {
			return 0, 0, err
		}
		from, to = 0, 1<<30
		for _, c := range conditions {
			if c.field != "usagedate" {
				return 0, 0, badRequest("Invalid filter: field '%s' is not supported.", c.field)
			}
			given = true
			if err := c.narrow(&from, &to); err != nil {
				return 0, 0, err
			}
		}
	}
	if required && !given {
		return 0, 0, badRequest("A range of usage dates is required.")
	}
	if given && to-from > 93 {
		return 0, 0, badRequest("The range of usage dates must not exceed three months.")
	}
	return max(from, e.months[0].start), min(to, e.asOf-1), nil
}

// reservationsOf are the reservations of a scope. Savings plans are not served here.
func reservationsOf(r *http.Request, t *target) []*commitment {
	q := r.URL.Query()
	order, id := strings.ToLower(q.Get("reservationOrderId")), strings.ToLower(q.Get("reservationId"))
	if t.order != "" {
		order, id = t.order, t.reservation
	}
	var list []*commitment
	for _, c := range t.a.commitments {
		if !c.plan && (t.profile == nil || c.profile == t.profile) && (order == "" || c.order == order) && (id == "" || c.id == id) {
			list = append(list, c)
		}
	}
	return list
}

// spans cuts a range into days, or into its months as far as they lie in it.
func (e *Enterprise) spans(grain string, from, to int) [][2]int {
	var all [][2]int
	if grain == "daily" {
		for day := from; day <= to; day++ {
			all = append(all, [2]int{day, day})
		}
		return all
	}
	for _, m := range e.months {
		if m.start <= to && m.last() >= from {
			all = append(all, [2]int{m.start, min(m.last(), e.asOf-1)})
		}
	}
	return all
}

// usageDate is midnight; later versions of the API put the offset of Redmond on it, and only the date is meant.
func usageDate(r *http.Request, day int) string {
	if r.URL.Query().Get("api-version") >= "2019-10-01" {
		return dayTime(day).Format("2006-01-02T15:04:05") + "-07:00"
	}
	return dayTime(day).Format("2006-01-02T15:04:05Z")
}

// hoursText writes fifteen fraction digits, all of them, as the service does.
func hoursText(n num) json.Number {
	b := appendUint(nil, uint64(n.c)/pow10[n.s])
	b = appendPadded(append(b, '.'), uint64(n.c)%pow10[n.s]*pow10[15-n.s], 15)
	return json.Number(b)
}

// percent is part of whole, cut at ten digits.
func percent(part, whole int64) json.Number {
	if whole == 0 {
		return hoursText(num{})
	}
	v := new(big.Int).Mul(big.NewInt(part), big.NewInt(1e12))
	return hoursText(num{v.Quo(v, big.NewInt(whole)).Int64(), 10})
}

// summary adds up the days of c in a range, or is nil when there are none.
func (c *commitment) summary(r *http.Request, from, to int) object {
	var reserved, used, low, high int64 = 0, 0, 1 << 60, 0
	for day := from; day <= to; day++ {
		if !c.active(day) {
			continue
		}
		hours := c.usedAll(day).c
		reserved, used, low, high = reserved+c.reserved()*1_0000, used+hours, min(low, hours), max(high, hours)
	}
	if reserved == 0 {
		return nil
	}
	full := c.reserved() * 1_0000
	label := dayTime(from).Format("20060102")
	quantity := hoursText(num{c.quantity, 0})
	return object{
		"id":   "providers/Microsoft.Capacity/reservationOrders/" + c.order + "/reservations/" + c.id + "/providers/Microsoft.Consumption/reservationSummaries/" + label,
		"name": c.order + "_" + c.id + "_" + label, "type": "Microsoft.Consumption/reservationSummaries", "tags": nil,
		"properties": object{
			"reservationOrderId": c.order, "reservationId": c.id, "skuName": c.meter.sku, "kind": "Reservation", "usageDate": usageDate(r, from),
			"reservedHours": hoursText(num{reserved, 4}), "usedHours": hoursText(num{used, 4}),
			"minUtilizationPercentage": percent(low, full), "avgUtilizationPercentage": percent(used, reserved), "maxUtilizationPercentage": percent(high, full),
			"purchasedQuantity": quantity, "totalReservedQuantity": quantity, "remainingQuantity": hoursText(num{(reserved - used) / 24, 4}),
			"usedQuantity": hoursText(num{used / 24, 4}), "utilizedPercentage": percent(used, reserved),
		},
	}
}

// reservationUse is what one machine used of a reservation on one day.
type reservationUse struct {
	resource, kind, group, ratio string
	reserved, used, quantity     json.Number
}

func (c *commitment) use(i, day int, hours num) reservationUse {
	var line row
	c.a.base(&line, i, &c.a.e.months[0], day, amortized)
	return reservationUse{
		resource: strings.ToLower(string(appendResourceID(&line, nil))), kind: "Reservation", group: strings.Fields(c.meter.sub)[0], ratio: "1",
		reserved: hoursText(num{c.reserved(), 0}), used: hoursText(hours), quantity: hoursText(num{c.quantity, 0}),
	}
}

func (c *commitment) detail(r *http.Request, i, day int, hours num) object {
	u := c.use(i, day, hours)
	label := dayTime(day).Format("20060102")
	return object{
		"id":   "providers/Microsoft.Capacity/reservationOrders/" + c.order + "/reservations/" + c.id + "/providers/Microsoft.Consumption/reservationDetails/" + label,
		"name": c.order + "_" + c.id + "_" + label, "type": "Microsoft.Consumption/reservationDetails", "tags": nil,
		"properties": object{
			"reservationOrderId": c.order, "reservationId": c.id, "skuName": c.meter.sku, "kind": u.kind, "usageDate": usageDate(r, day),
			"instanceId": u.resource, "reservedHours": u.reserved, "usedHours": u.used, "totalReservedQuantity": u.quantity,
			"instanceFlexibilityGroup": u.group, "instanceFlexibilityRatio": u.ratio,
		},
	}
}
