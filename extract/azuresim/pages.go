package azuresim

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// usageDetails serves cost rows: kind legacy for the enrollment, kind modern for the customer agreement.
func (s *server) usageDetails(r *http.Request, t *target) (*answer, error) {
	sel, err := s.e.selectUsage(r, t)
	if err != nil {
		return nil, err
	}
	expand := strings.ToLower(r.URL.Query().Get("$expand"))
	columns := t.a.restColumns(strings.Contains(expand, "meterdetails"), strings.Contains(expand, "additionalinfo"))
	return s.rowPage(r, sel, func(w *writer, row *row) { w.appendUsage(row, columns) })
}

// selectUsage turns scope, period, filter and dates into a selection.
func (e *Enterprise) selectUsage(r *http.Request, t *target) (selection, error) {
	q := r.URL.Query()
	open := e.open()
	sel := selection{a: t.a, sub: t.sub, section: t.section, profile: t.profile, resource: strings.ToLower(t.group), first: open.index, last: open.index}
	if t.a == nil {
		return sel, notFound(t.path)
	}
	switch metric := strings.ToLower(q.Get("metric")); metric {
	case "", "actualcost":
	case "amortizedcost":
		sel.ds = amortized
	case "usage":
		sel.usageOnly = true
	default:
		return sel, badRequest("Invalid metric '%s'.", metric)
	}
	if t.month != nil {
		sel.first, sel.last = t.month.index, t.month.index
	}
	if t.a.kind == customerAgreement {
		return sel, e.selectDates(r, &sel)
	}
	return sel, e.selectFilter(r, t, &sel)
}

// selectDates reads startDate and endDate, which modern rows are chosen by; a $filter is not supported for them.
func (e *Enterprise) selectDates(r *http.Request, sel *selection) error {
	q := r.URL.Query()
	if q.Get("$filter") != "" {
		return badRequest("The $filter parameter is not supported for Microsoft Customer Agreement.")
	}
	if q.Get("startDate") == "" && q.Get("endDate") == "" {
		return nil
	}
	from, err := parseDay(q.Get("startDate"))
	if err != nil {
		return badRequest("Invalid startDate '%s'.", q.Get("startDate"))
	}
	to, err := parseDay(q.Get("endDate"))
	if err != nil || to < from {
		return badRequest("Invalid endDate '%s'.", q.Get("endDate"))
	}
	e.selectRange(sel, from, to, 0)
	return nil
}

// selectRange limits a selection to days. Rows of the enrollment can be billed a month after their day.
func (e *Enterprise) selectRange(sel *selection, from, to, after int) {
	sel.from, sel.to = from, to
	sel.first, sel.last = len(e.months), -1
	for _, m := range e.months {
		if m.start <= to && m.last() >= from {
			sel.first, sel.last = min(sel.first, m.index), min(m.index+after, len(e.months)-1)
		}
	}
}

// selectFilter reads the $filter of legacy rows.
func (e *Enterprise) selectFilter(r *http.Request, t *target, sel *selection) error {
	conditions, err := parseFilter(r.URL.Query().Get("$filter"))
	if err != nil {
		return err
	}
	from, to, dated := 0, 1<<30, false
	for _, c := range conditions {
		switch c.field {
		case "usagestart", "usageend", "date":
			dated = true
			err = c.narrow(&from, &to)
		case "resourcegroup":
			sel.resource = c.value
		case "chargetype":
			sel.chargeType = c.value
		default:
			err = badRequest("Invalid filter: field '%s' is not supported.", c.field)
		}
		if err != nil {
			return err
		}
	}
	if dated {
		e.selectRange(sel, from, to, 1)
		if t.month != nil {
			sel.first, sel.last = t.month.index, t.month.index
		}
	}
	return nil
}

// appendUsage writes a row as usage details do. Its name is an opaque id that several charges can share.
func (w *writer) appendUsage(r *row, columns []column) {
	w.buf = append(w.buf, '{')
	ahead := r.today%50 == 1 // keys come in no fixed order
	if ahead {
		w.appendProperties(r, columns)
		w.buf = append(w.buf, ',')
	}
	w.buf = append(w.buf, `"kind":"`...)
	if r.a.kind == enterpriseAgreement {
		w.buf = append(w.buf, "legacy"...)
	} else {
		w.buf = append(w.buf, "modern"...)
	}
	w.buf = append(append(append(w.buf, `","id":"`...), r.a.path...), "/providers/Microsoft.Billing/billingPeriods/"...)
	w.buf = append(append(w.buf, r.period().name...), "/providers/Microsoft.Consumption/usageDetails/"...)
	w.buf = appendGUID(w.buf, r.id)
	w.buf = append(w.buf, `","name":"`...)
	w.buf = appendGUID(w.buf, r.id)
	w.buf = append(w.buf, `","type":"Microsoft.Consumption/usageDetails","tags":`...)
	w.buf = appendTagObject(r, w.buf)
	if !ahead {
		w.buf = append(w.buf, ',')
		w.appendProperties(r, columns)
	}
	w.buf = append(w.buf, '}')
}

// appendProperties writes the properties of a row; one in twenty has fields that no documentation knows.
func (w *writer) appendProperties(r *row, columns []column) {
	w.buf = append(w.buf, `"properties":{`...)
	w.appendFields(r, columns)
	if r.today%20 == 3 {
		w.buf = append(w.buf, `,"subscriptionTenant":null,"previewDetails":{"source":"sim","weights":[1,2.50]}`...)
	}
	w.buf = append(w.buf, '}')
}

// rowPage serves one page of cost rows.
func (s *server) rowPage(r *http.Request, sel selection, render func(*writer, *row)) (*answer, error) {
	page, rows, next, err := s.rowArray(r, sel, render)
	if err != nil {
		return nil, err
	}
	body := append([]byte(`{"value":`), page...)
	if next != "" {
		body = append(append(body, `,"nextLink":`...), encode(next)...)
	}
	return &answer{status: http.StatusOK, header: http.Header{}, body: append(body, '}'), rows: rows, service: "consumption", last: next == ""}, nil
}

// rowArray writes the rows of one page, and the link to the next. The link holds the cursor's position, sealed with an id, so
// that one made by hand is refused, as it is by the service.
func (s *server) rowArray(r *http.Request, sel selection, render func(*writer, *row)) (page []byte, rows int, link string, err error) {
	top, err := topOf(r, "$top", s.e.config.PageSize, maxPage)
	if err != nil {
		return nil, 0, "", err
	}
	at, err := s.e.openLink(r)
	if err != nil {
		return nil, 0, "", err
	}
	c := s.e.cursor(sel, at)
	w := &writer{buf: make([]byte, 0, top*1600)}
	w.buf = append(w.buf, '[')
	var next row
	for ; rows < top && c.next(&next); rows++ {
		if rows > 0 {
			w.buf = append(w.buf, ',')
		}
		render(w, &next)
	}
	w.buf = append(w.buf, ']')
	here := c.position
	if rows == top && c.next(&next) {
		link = s.e.sealLink(r, here)
	}
	return w.buf, rows, link, nil
}

// sealLink writes a link in the service's manner: $skiptoken is the hex of a text with bars in it.
func (e *Enterprise) sealLink(r *http.Request, p position) string {
	token := strings.ToUpper(hex.EncodeToString(fmt.Appendf(nil, "1|%d|%d|%d|%d|%d|False|", p.month, p.day, p.part, p.i, p.k)))
	session := fmt.Sprintf("sessiontoken=15:%d", 2_000_000+mix(uint64(p.i))%1_000_000)
	return link(r, session, "$skiptoken="+token, "skiptokenver=v1", "id="+e.seal(r, token))
}

func (e *Enterprise) seal(r *http.Request, token string) string {
	return guid(hashText(strings.ToLower(r.URL.Path)+"|"+strings.ToLower(r.URL.Query().Get("metric"))+"|"+token) ^ e.seed)
}

// openLink reads the position of a link, or the beginning.
func (e *Enterprise) openLink(r *http.Request) (position, error) {
	q := r.URL.Query()
	token := q.Get("$skiptoken")
	if token == "" {
		return position{}, nil
	}
	if q.Get("skiptokenver") != "v1" || q.Get("id") != e.seal(r, token) {
		return position{}, badRequest("Invalid $skiptoken. Use the nextLink of the previous response as it is.")
	}
	text, err := hex.DecodeString(token)
	var p position
	if err == nil {
		_, err = fmt.Sscanf(string(text), "1|%d|%d|%d|%d|%d|", &p.month, &p.day, &p.part, &p.i, &p.k)
	}
	if err != nil {
		return position{}, badRequest("Invalid $skiptoken.")
	}
	return p, nil
}

// marketplaces serves the Marketplace charges of the enrollment.
func (s *server) marketplaces(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.a.kind == customerAgreement {
		return nil, refuse(http.StatusNotFound, "NotFound", "Marketplaces are not supported for this scope.")
	}
	sel, err := s.e.selectUsage(r, t)
	if err != nil {
		return nil, err
	}
	sel.ds, sel.market = actual, true
	return s.rowPage(r, sel, func(w *writer, row *row) { w.appendMarketplace(row) })
}

// appendMarketplace writes a Marketplace charge. Its cost is that of the cost row.
func (w *writer) appendMarketplace(r *row) {
	id := r.a.path + "/providers/Microsoft.Billing/billingPeriods/" + r.period().name
	w.buf = append(append(w.buf, `{"id":"`...), strings.TrimPrefix(id, "/")...)
	w.buf = append(append(w.buf, "/providers/Microsoft.Consumption/marketplaces/"...), guid(r.id)...)
	w.buf = append(append(append(w.buf, `","name":"`...), guid(r.id)...), `","type":"Microsoft.Consumption/marketplaces","tags":`...)
	w.buf = appendTagObject(r, w.buf)
	w.buf = append(append(append(w.buf, `,"properties":{"billingPeriodId":"`...), id...), `",`...)
	w.appendFields(r, marketplaceColumns)
	w.buf = append(w.buf, '}', '}')
}

func nextDay(r *row, b []byte) []byte { return append(b, r.a.e.text(r.day+1).stamp...) }

func offerName(r *row, b []byte) []byte {
	if r.charge == "RoundingAdjustment" {
		return append(b, r.title...)
	}
	return append(b, r.offer.name...)
}

func orderNumber(r *row, b []byte) []byte {
	return appendGUID(b, hashText(r.offer.name)+r.a.seed)
}

func marketInfo(r *row, b []byte) []byte { return append(b, `{"imageType":"`+r.offer.plan+`"}`...) }

func estimated(r *row, b []byte) []byte { return fmt.Append(b, !r.period().closed) }

func recurring(r *row, b []byte) []byte { return fmt.Append(b, r.frequency == "Recurring") }

func zeroMeter(_ *row, b []byte) []byte { return append(b, "00000000-0000-0000-0000-000000000000"...) }

var marketplaceColumns = []column{
	{"usageStart", date, appendDay},
	{"usageEnd", date, nextDay},
	{"resourceRate", number, appendEffective},
	{"offerName", free, offerName},
	{"resourceGroup", word, appendGroup},
	{"additionalInfo", free, marketInfo},
	{"orderNumber", word, orderNumber},
	{"instanceName", word, appendResourceName},
	{"instanceId", word, appendResourceID},
	{"currency", word, currency},
	{"consumedQuantity", number, appendQuantity},
	{"unitOfMeasure", word, appendUnit},
	{"pretaxCost", number, appendCost},
	{"isEstimated", boolean, estimated},
	{"meterId", word, zeroMeter},
	{"subscriptionGuid", word, appendSubscriptionJSON},
	{"subscriptionName", free, appendSubscriptionName},
	{"accountName", free, sectionUser},
	{"departmentName", free, sectionName},
	{"consumedService", word, always("")},
	{"costCenter", word, costCenter},
	{"additionalProperties", free, always("")},
	{"publisherName", free, appendPublisher},
	{"planName", free, appendPlan},
	{"isRecurringCharge", boolean, recurring},
}

// offset reads the $skiptoken of short lists: four bytes in base64, as in AQAAAA==.
func offset(r *http.Request) (int, error) {
	token := r.URL.Query().Get("$skiptoken")
	if token == "" {
		return 0, nil
	}
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil || len(raw) != 4 {
		return 0, badRequest("Invalid $skiptoken.")
	}
	return int(binary.LittleEndian.Uint32(raw)), nil
}

func offsetToken(n int) string {
	raw := binary.LittleEndian.AppendUint32(nil, uint32(n))
	return strings.NewReplacer("=", "%3D", "+", "%2B").Replace(base64.StdEncoding.EncodeToString(raw))
}

// window cuts one page out of a short list.
func window[T any](r *http.Request, list []T, top int) (page []T, next int, err error) {
	from, err := offset(r)
	if err != nil {
		return nil, 0, err
	}
	from = min(from, len(list))
	to := min(from+top, len(list))
	if to < len(list) {
		next = to
	}
	return list[from:to], next, nil
}

// listPage is one page of a short list of records.
func listPage(r *http.Request, list []any, top int, service string) (*answer, error) {
	page, next, err := window(r, list, top)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"value": append([]any{}, page...)}
	if next > 0 {
		body["nextLink"] = link(r, "$skiptoken="+offsetToken(next))
	}
	return ok(body, len(page), service), nil
}

// accepted is an answer that says where to ask for the result.
func accepted(place, service string) *answer {
	return &answer{status: http.StatusAccepted, header: http.Header{"Location": {place}, "Retry-After": {"0"}}, service: service}
}

// noContent is the answer where there is nothing.
func noContent() *answer {
	return &answer{status: http.StatusNoContent, header: http.Header{}, service: "consumption"}
}

func ok(body any, rows int, service string) *answer {
	return &answer{status: http.StatusOK, header: http.Header{}, body: encode(body), rows: rows, service: service}
}
