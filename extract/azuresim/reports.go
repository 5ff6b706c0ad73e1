package azuresim

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
)

var (
	_ = handle(http.MethodPost, "costmanagement/generatecostdetailsreport", (*server).costDetails)
	_ = handle(http.MethodPost, "costmanagement/generatedetailedcostreport", (*server).detailedCost)
	_ = handle(http.MethodPost, "costmanagement/generatereservationdetailsreport", (*server).reservationReport)
)

// costDetails makes the files of an export for a month: in parts, each with a header and a byte order mark. The answer for
// actual cost is flat, that for amortized cost stands under properties.
func (s *server) costDetails(r *http.Request, t *target) (*answer, error) {
	sel, period, err := s.e.selectReport(r, t)
	if err != nil {
		return nil, err
	}
	if sel.invoice != "" && t.profile == nil {
		return nil, badRequest("invoiceId is only supported at the scope of a billing profile or customer.")
	}
	j := &job{results: "costDetailsOperationResults", form: manifestForm, name: fmt.Sprintf("%s/costdetails-%s-%s", t.a.key, period, sel.ds)}
	if sel.ds == amortized {
		j.form = nestedForm(manifestForm)
	}
	j.files = s.e.costFiles(sel, s.e.config.ReportRows)
	return s.accept(r, t, j)
}

// detailedCost makes the same rows in one file.
func (s *server) detailedCost(r *http.Request, t *target) (*answer, error) {
	sel, period, err := s.e.selectReport(r, t)
	if err != nil {
		return nil, err
	}
	j := &job{results: "operationStatus", form: downloadForm, moved: true, name: fmt.Sprintf("%s/detailedcost-%s-%s", t.a.key, period, sel.ds)}
	j.files = s.e.costFiles(sel, math.MaxInt)
	return s.accept(r, t, j)
}

// reportRequest is the body of both reports of cost. Only one of the three ways to name a month may be there.
type reportRequest struct {
	Metric        string
	TimePeriod    *struct{ Start, End string }
	BillingPeriod string
	InvoiceID     string
}

// selectReport turns scope and body into a selection.
func (e *Enterprise) selectReport(r *http.Request, t *target) (sel selection, period string, err error) {
	if t.a == nil || t.management != "" || t.group != "" {
		return sel, "", badRequest("Cost details are not supported for this scope.")
	}
	var q reportRequest
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return sel, "", badRequest("The request body is invalid: %v.", err)
	}
	open := e.open()
	sel = selection{a: t.a, sub: t.sub, section: t.section, profile: t.profile, first: open.index, last: open.index}
	switch strings.ToLower(q.Metric) {
	case "", "actualcost":
	case "amortizedcost":
		sel.ds = amortized
	default:
		return sel, "", badRequest("Invalid metric '%s'.", q.Metric)
	}
	given := 0
	for _, is := range []bool{q.TimePeriod != nil, q.BillingPeriod != "", q.InvoiceID != ""} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		err = badRequest("Only one of timePeriod, billingPeriod and invoiceId may be given.")
	case q.TimePeriod != nil:
		period = q.TimePeriod.Start
		err = e.selectPeriod(&sel, q.TimePeriod.Start, q.TimePeriod.End)
	case q.BillingPeriod != "":
		period = q.BillingPeriod
		err = e.selectBillingPeriod(&sel, q.BillingPeriod)
	case q.InvoiceID != "":
		period = q.InvoiceID
		err = e.selectInvoice(&sel, q.InvoiceID)
	default:
		period = open.name
	}
	return sel, period, err
}

func (e *Enterprise) selectPeriod(sel *selection, start, end string) error {
	from, err := parseDay(start)
	if err != nil {
		return badRequest("Invalid start '%s'.", start)
	}
	to, err := parseDay(end)
	switch {
	case err != nil || to < from:
		return badRequest("Invalid end '%s'.", end)
	case to-from > 30:
		return badRequest("The time period must not exceed one month.")
	case from < epochDay(dayTime(e.asOf).AddDate(0, -14, 0)):
		return badRequest("The time period must not be more than 13 months in the past.")
	}
	e.selectRange(sel, from, to, 0)
	return nil
}

// selectBillingPeriod takes a month that the enrollment had no rows in as well: its report has no data.
func (e *Enterprise) selectBillingPeriod(sel *selection, name string) error {
	if sel.a.kind == customerAgreement {
		return badRequest("billingPeriod is only supported for Enterprise Agreement.")
	}
	if len(name) != 6 || strings.Trim(name, "0123456789") != "" {
		return badRequest("Invalid billingPeriod '%s'.", name)
	}
	sel.first, sel.last = len(e.months), -1
	if m, ok := e.monthNamed(name); ok {
		sel.first, sel.last = m.index, m.index
	}
	return nil
}

func (e *Enterprise) selectInvoice(sel *selection, name string) error {
	if sel.a.kind == enterpriseAgreement {
		return badRequest("invoiceId is not supported for Enterprise Agreement.")
	}
	all := e.invoices(sel.a)
	i := slices.IndexFunc(all, func(v invoice) bool { return v.name == name })
	if i < 0 {
		return refuse(http.StatusNotFound, "NotFound", "The invoice '%s' was not found.", name)
	}
	sel.invoice, sel.first, sel.last = name, all[i].month.index, all[i].month.index
	return nil
}

// costFiles counts the bytes of each part by writing it to nobody. What has changed since the request was made is not in
// them: the cursor keeps what it began with.
func (e *Enterprise) costFiles(sel selection, limit int) func(context.Context) ([]jobFile, error) {
	start := e.cursor(sel, position{})
	return func(ctx context.Context) ([]jobFile, error) {
		var files []jobFile
		c := start.fork()
		for c.any() {
			begin := c.fork()
			sum := md5.New()
			size := &counter{w: sum}
			rows, err := writeCSV(ctx, size, c, sel.a.fileColumns(), limit)
			if err != nil {
				return nil, err
			}
			files = append(files, jobFile{bytes: size.n, md5: base64.StdEncoding.EncodeToString(sum.Sum(nil)), rows: rows, write: func(ctx context.Context, w io.Writer) error {
				_, err := writeCSV(ctx, w, begin.fork(), sel.a.fileColumns(), limit)
				return err
			}})
		}
		return files, nil
	}
}

// fork is a cursor at the same row.
func (c *cursor) fork() *cursor {
	other := *c
	other.extra, other.extraAt = nil, position{month: -1}
	return &other
}

// any tells whether there is another row.
func (c *cursor) any() bool {
	var r row
	return c.fork().next(&r)
}

// reservationReport makes the rows of reservationDetails a file. Its dates stand in the query, and while it runs it answers
// 200 and says so.
func (s *server) reservationReport(r *http.Request, t *target) (*answer, error) {
	if t.a == nil || t.sub != nil || t.section != nil || t.order != "" || t.a.kind == customerAgreement && t.profile == nil {
		return nil, badRequest("Reservation details are not supported for this scope.")
	}
	from, err := parseDay(r.URL.Query().Get("startDate"))
	if err != nil {
		return nil, badRequest("Invalid startDate '%s'.", r.URL.Query().Get("startDate"))
	}
	to, err := parseDay(r.URL.Query().Get("endDate"))
	if err != nil || to < from {
		return nil, badRequest("Invalid endDate '%s'.", r.URL.Query().Get("endDate"))
	}
	from, to = max(from, s.e.months[0].start), min(to, s.e.asOf-1)
	j := &job{results: "reservationDetailsOperationResults", form: reportURLForm, runsWith: http.StatusOK, name: t.a.key + "/reservationdetails-" + r.URL.Query().Get("startDate")}
	list := reservationsOf(r, t)
	j.files = func(ctx context.Context) ([]jobFile, error) {
		sum := md5.New()
		size := &counter{w: sum}
		rows, err := writeReservations(ctx, size, list, from, to)
		if err != nil || rows == 0 {
			return nil, err
		}
		return []jobFile{{bytes: size.n, md5: base64.StdEncoding.EncodeToString(sum.Sum(nil)), rows: rows, write: func(ctx context.Context, w io.Writer) error {
			_, err := writeReservations(ctx, w, list, from, to)
			return err
		}}}, nil
	}
	return s.accept(r, t, j)
}

// writeReservations writes a header, and a line for each reservation, day and machine.
func writeReservations(ctx context.Context, out io.Writer, list []*commitment, from, to int) (rows int, err error) {
	const header = "InstanceFlexibilityGroup,InstanceFlexibilityRatio,InstanceId,Kind,ReservationId,ReservationOrderId,ReservedHours,SkuName,TotalReservedQuantity,UsageDate,UsedHours"
	if _, err := io.WriteString(out, byteOrderMark+header+"\r\n"); err != nil {
		return 0, err
	}
	for _, c := range list {
		for day := from; day <= to; day++ {
			if err := ctx.Err(); err != nil {
				return rows, err
			}
			if !c.active(day) {
				continue
			}
			for _, i := range c.lines {
				hours := c.used(i, day)
				if hours <= 0 {
					continue
				}
				u := c.use(i, day, num{hours, 4})
				rows++
				if _, err := fmt.Fprintf(out, "%s,%s,%s,%s,%s,%s,%s,%s,%s,%sT00:00:00-07:00,%s\r\n", u.group, u.ratio, u.resource, u.kind, c.id, c.order,
					u.reserved, c.meter.sku, u.quantity, isoDay(day), u.used); err != nil {
					return rows, err
				}
			}
		}
	}
	return rows, nil
}
