package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// A pull reads a unit from an API: request after request until the last page.
type pull struct {
	first request
	shape jsonShape
	// absent tells which answers mean that there is no such thing for the scope.
	absent func(*APIError) bool
	// month is set where records are asked for by date: the only one they may be of.
	month time.Time
}

// pageAttempts is how often a page whose JSON is damaged is asked for. Connections
// that break are retried below; this is for bodies that arrived complete and wrong.
const pageAttempts = 3

// fill lands all pages: first those the journal has from an interrupted run, then
// the rest. When a link from the journal has expired, the journal is emptied and
// errRestart returned, so that pages of two snapshots are never mixed.
func (p pull) fill(ctx context.Context, r *run, u Unit, l *landing, progress func(int64)) (int64, error) {
	first, err := r.o.Client.at(p.first.Service).locate(p.first.URL)
	if err != nil {
		return 0, err
	}
	s, err := r.lake.openSpool(u, first.String(), r.now())
	if err != nil {
		return 0, err
	}
	defer s.close()
	f := &filling{pull: p, run: r, landing: l, spool: s, progress: progress}
	if err := f.replay(); err != nil {
		return 0, err
	}
	resumed := len(s.lines)
	if resumed > 0 && s.lines[resumed-1].Next == "" {
		return f.finish() // the run died between the last page and the commit
	}
	err = f.fetch(ctx)
	if resumed > 0 && expired(err) {
		r.log.Warn("the link to the next page has expired since the last run, beginning the unit anew", "unit", u.String(), "error", err)
		return 0, errors.Join(errRestart, s.clear())
	}
	if err != nil {
		return int64(len(s.lines)), p.explain(err)
	}
	return f.finish()
}

// errRestart asks for the unit to be landed again from its first page.
var errRestart = errors.New("begin the unit anew")

// explain turns the answer "no such thing" into errAbsent.
func (p pull) explain(err error) error {
	var api *APIError
	if p.absent != nil && errors.As(err, &api) && p.absent(api) {
		return fmt.Errorf("%w: %w", errAbsent, err)
	}
	return err
}

// expired tells whether a link was refused as a request: skiptokens die within hours.
func expired(err error) bool {
	var api *APIError
	return errors.As(err, &api) && (api.Status == http.StatusBadRequest || api.Status == http.StatusGone || api.Status == http.StatusNotFound)
}

// filling is one attempt at a unit.
type filling struct {
	pull
	run      *run
	landing  *landing
	spool    *spool
	progress func(int64)
	rows     int64
	total    int64 // rows the API says there are, -1 if it does not say
}

func (f *filling) replay() error {
	f.total = -1
	for _, l := range f.spool.lines {
		body, err := f.spool.body(l)
		if err != nil {
			return err
		}
		if _, err := f.land(l.Number, l.URL, body); err != nil {
			return err
		}
	}
	return nil
}

// fetch asks for the pages the spool does not have. A page that arrives whole but
// does not parse is asked for again from where the spool ends, and so is one that Azure
// is still working on, after a while.
func (f *filling) fetch(ctx context.Context) error {
	for attempt, unready := 1, 0; ; attempt++ {
		before := len(f.spool.lines)
		err := f.walk(ctx)
		if early, ok := errors.AsType[*unreadyError](err); ok {
			if unready++; unready > unreadyWaits {
				return fmt.Errorf("%w; run again later (asked %d times)", err, unready)
			}
			wait := cmp.Or(min(early.told, f.run.o.Client.maxWait), doubling(15*time.Second, unready, 2*time.Minute))
			if err := f.run.o.Client.sleep(ctx, wait); err != nil {
				return err
			}
			attempt = 0
			continue
		}
		var broken *pageError
		if err == nil || !errors.As(err, &broken) {
			return err
		}
		if len(f.spool.lines) > before {
			attempt = 1
		}
		if attempt == pageAttempts {
			return fmt.Errorf("%w (asked %d times)", err, attempt)
		}
		f.run.log.Warn("page is damaged, asking again", "error", err)
	}
}

// unreadyWaits is how often a page that Azure is still working on is waited for: ten
// minutes in all, unless Azure names other times.
const unreadyWaits = 7

// pageError says that a page's content is not what the API documents.
type pageError struct{ err error }

func (e *pageError) Error() string { return e.err.Error() }
func (e *pageError) Unwrap() error { return e.err }

func (f *filling) walk(ctx context.Context) error {
	number := len(f.spool.lines)
	next := func(body []byte) (string, error) {
		number++
		return f.land(number, fmt.Sprintf("page %d", number), body)
	}
	for p, err := range f.run.o.Client.pages(ctx, f.first, f.cursor(), next) {
		if err != nil {
			return err
		}
		line := pageLine{Number: p.Number, URL: p.URL, Next: p.Next, RequestID: p.RequestID, At: p.At, Bytes: len(p.Body), SHA256: p.SHA256, RowsHash: p.Rows}
		if err := f.spool.add(line, p.Body); err != nil {
			return err
		}
		f.progress(f.rows)
	}
	return nil
}

// cursor says where the spool ends.
func (f *filling) cursor() cursor {
	var c cursor
	for _, l := range f.spool.lines {
		c = c.after(l)
	}
	return c
}

// land adds a page's rows and returns its link to the next.
func (f *filling) land(number int, name string, body []byte) (string, error) {
	info, err := f.landing.jsonPage(int64(number), name, body, f.shape)
	if err != nil {
		return "", &pageError{err}
	}
	f.rows += info.Rows + info.Rejects
	f.landing.received += int64(len(body))
	if info.Total >= 0 {
		f.total = info.Total
	}
	return info.Next, nil
}

// finish holds the rows to the number the API announced.
func (f *filling) finish() (int64, error) {
	pages := int64(len(f.spool.lines))
	f.landing.announced.Rows = f.total
	if f.total >= 0 && f.total != f.rows {
		return pages, fmt.Errorf("the API announced %d records and served %d over %d pages; run again", f.total, f.rows, pages)
	}
	return pages, nil
}

// task makes the pull a unit's task.
func (p pull) task(u Unit) task {
	return task{Unit: u, month: p.month, fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
		return p.fill(ctx, r, u, l, progress)
	}}
}

// query appends parameters to a URL in the order given, spaces as %20: Azure's
// filters are read by several gateways and not all know "+".
func query(url string, pairs ...string) string {
	separator := "?"
	for i := 0; i < len(pairs); i += 2 {
		url += separator + pairs[i] + "=" + escapeQuery(pairs[i+1])
		separator = "&"
	}
	return url
}

var queryEscaper = strings.NewReplacer("%", "%25", " ", "%20", "#", "%23", "&", "%26", "+", "%2B", "\"", "%22")

func escapeQuery(s string) string { return queryEscaper.Replace(s) }

// notFound are answers that mean "there is none" where the source says so.
func notFound(e *APIError) bool { return e.Status == http.StatusNotFound }

func day(t time.Time) string { return t.Format(time.DateOnly) }

// Pacing families, see pace.go: usage details have the tightest budget.
const (
	usageAPI       = "consumption-usage"
	consumptionAPI = "consumption"
	billingAPI     = "billing"
)

// consumptionList is a list operation whose rows are in "value".
func consumptionList(api, scope, url string) pull {
	return pull{
		first: request{API: api, Scope: scope, Method: http.MethodGet, URL: url},
		shape: jsonShape{Rows: "value", Next: "nextLink"},
	}
}

// billingPeriodScope narrows a scope to a billing period of a classic agreement.
func billingPeriodScope(scope, period string) string {
	return scope + "/providers/Microsoft.Billing/billingPeriods/" + period
}
