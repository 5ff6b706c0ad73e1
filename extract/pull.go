package extract

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A pull reads a unit from an API: request after request until the last page.
type pull struct {
	first request
	// rest are lists to read after the first, such as the transactions of one invoice after
	// another: their pages are numbered on, in one journal, and are one unit.
	rest  []request
	shape jsonShape
	// absent tells which answers mean that there is no such thing for the scope.
	absent func(*APIError) bool
	// month is set where records are asked for by date: the only one they may be of.
	month time.Time
	// clean takes secrets out of a page before anything of it is kept. It is not nil only
	// where the API serves some.
	clean func(body []byte) []byte
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
	s, err := r.lake.openSpool(u, pageLine{URL: first.String(), Asked: p.asked()}, r.now())
	if err != nil {
		return 0, err
	}
	defer s.close()
	f := &filling{pull: p, run: r, landing: l, spool: s, progress: progress, lists: append([]request{p.first}, p.rest...), total: -1, seen: newSeen()}
	l.eachRecord = f.seen.record
	if err := f.replay(); err != nil {
		return 0, err
	}
	resumed := len(s.lines)
	if f.list == len(f.lists) {
		return f.finish() // the run died between the last page and the commit
	}
	err = f.fetch(ctx)
	if errors.Is(err, errRestated) {
		r.log.Warn("the list changed while it was being read, beginning the unit anew", "unit", u.String(), "error", err)
		return 0, errors.Join(errRestart, err, s.clear())
	}
	if resumed > 0 && expired(err) {
		r.log.Warn("the link to the next page has expired since the last run, beginning the unit anew", "unit", u.String(), "error", err)
		return 0, errors.Join(errRestart, s.clear())
	}
	if err != nil {
		return int64(len(s.lines)), p.explain(err)
	}
	return f.finish()
}

// asked identifies the body that is sent: the same address answers another question
// with another body.
func (p pull) asked() string {
	if p.first.Body == nil {
		return ""
	}
	return hashOf(p.first.Body)
}

// errRestart asks for the unit to be landed again from its first page.
var errRestart = errors.New("begin the unit anew")

// explain turns the answer "no such thing" into errAbsent.
func (p pull) explain(err error) error {
	if api, ok := errors.AsType[*APIError](err); ok && p.absent != nil && p.absent(api) {
		return fmt.Errorf("%w: %w", errAbsent, err)
	}
	return err
}

// expired tells whether a link was refused as a request: skiptokens die within hours.
func expired(err error) bool {
	return isBadRequest(err) || isGone(err)
}

// filling is one attempt at a unit.
type filling struct {
	pull
	run      *run
	landing  *landing
	spool    *spool
	progress func(int64)
	lists    []request
	list     int // the one being read; len(lists) after the last
	rows     int64
	earlier  int64 // rows of the lists before
	total    int64 // rows that the API says there are up to the end of this list, -1 if it does not say
	seen     *seen
}

// replay lands the pages that the journal has. Lists that are not those of the last run
// begin the unit anew.
func (f *filling) replay() error {
	begins := true
	for _, l := range f.spool.lines {
		if begins && !f.isHead(l) {
			return errors.Join(errRestart, f.spool.clear())
		}
		body, err := f.spool.body(l)
		if err != nil {
			return err
		}
		if _, err := f.land(l.Number, l.URL, body); err != nil {
			return err
		}
		if begins = l.Next == ""; begins {
			if err := f.endList(); err != nil {
				return err
			}
		}
	}
	return nil
}

// isHead tells whether a page is the first one of the list whose turn it is.
func (f *filling) isHead(l pageLine) bool {
	if f.list == len(f.lists) {
		return false
	}
	head, err := f.run.o.Client.at(f.first.Service).locate(f.lists[f.list].URL)
	return err == nil && head.String() == l.URL
}

// endList holds the rows to the number the API announced, and turns to the next list.
func (f *filling) endList() error {
	if f.total >= 0 && f.total != f.rows {
		err := fmt.Errorf("the API announced %d records and served %d; run again", f.total-f.earlier, f.rows-f.earlier)
		return errors.Join(err, f.spool.clear())
	}
	if f.list++; f.list < len(f.lists) {
		f.earlier, f.total, f.seen.within = f.rows, -1, false
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
		if _, broken := errors.AsType[*pageError](err); !broken {
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
	for f.list < len(f.lists) {
		if err := f.walkList(ctx); err != nil {
			return err
		}
		if err := f.endList(); err != nil {
			return err
		}
	}
	return nil
}

// walkList reads the list whose turn it is from where the spool ends.
func (f *filling) walkList(ctx context.Context) error {
	number := len(f.spool.lines)
	next := func(body []byte) (string, error) {
		number++
		return f.land(number, fmt.Sprintf("page %d", number), f.cleaned(body))
	}
	at := f.cursor()
	for p, err := range f.run.o.Client.pages(ctx, f.lists[f.list], at, next) {
		if err != nil {
			return f.without(err, at)
		}
		if err := f.keep(p); err != nil {
			return err
		}
		at.Next = p.Next
		f.progress(f.rows)
	}
	return nil
}

// keep makes a page durable.
func (f *filling) keep(p page) error {
	line := pageLine{Number: p.Number, URL: p.URL, Asked: f.asked(), Next: p.Next, RequestID: p.RequestID, At: p.At, Bytes: len(p.Body), SHA256: p.SHA256, RowsHash: p.Rows}
	if body := f.cleaned(p.Body); !bytes.Equal(body, p.Body) {
		line.Bytes, line.SHA256, p.Body = len(body), hashOf(body), body
	}
	return f.spool.add(line, p.Body)
}

func (f *filling) cleaned(body []byte) []byte {
	if f.clean == nil {
		return body
	}
	return f.clean(body)
}

// without goes on where one of several lists does not exist, as an invoice that has no
// transactions yet: its page is an empty one.
func (f *filling) without(err error, at cursor) error {
	head := at.Next == "" || at.Next == f.lists[f.list].URL
	if len(f.lists) == 1 || !head || !errors.Is(f.explain(err), errAbsent) {
		return err
	}
	url, locateErr := f.run.o.Client.at(f.first.Service).locate(f.lists[f.list].URL)
	if locateErr != nil {
		return locateErr
	}
	return f.keep(page{Number: len(f.spool.lines) + 1, URL: url.String(), At: f.run.now(), SHA256: hashOf(nil)})
}

// cursor says where the spool ends: within a list, or before the one whose turn it is.
func (f *filling) cursor() cursor {
	var c cursor
	for _, l := range f.spool.lines {
		c = c.after(l)
	}
	if c.Next == "" && f.list > 0 {
		c.Next, c.Number = f.lists[f.list].URL, len(f.spool.lines)+1
	}
	return c
}

// land adds a page's rows and returns its link to the next. A page without a body is an
// answer 204.
func (f *filling) land(number int, name string, body []byte) (string, error) {
	if len(body) == 0 {
		return "", nil
	}
	f.seen.page = f.seen.page[:0]
	info, err := f.landing.jsonPage(int64(number), name, body, f.shape)
	if err != nil {
		return "", &pageError{err}
	}
	f.rows += info.Rows + info.Rejects
	f.landing.received += int64(len(body))
	shifted := f.seen.turn()
	f.landing.duplicates = f.seen.duplicates
	if f.total >= 0 && info.Total >= 0 && f.earlier+info.Total != f.total {
		return "", fmt.Errorf("%w: it announced %d records and now announces %d", errRestated, f.total-f.earlier, info.Total)
	}
	// When the second walk meets the same again, it is two charges that are alike.
	if shifted && !f.landing.again {
		return "", fmt.Errorf("%w: page %d begins with the record that page %d ended with", errRestated, number, number-1)
	}
	if info.Total >= 0 {
		f.total = f.earlier + info.Total
	}
	return info.Next, nil
}

// errRestated says that Azure renewed the list between two of its pages.
var errRestated = errors.New("the pages are not of one list")

// finish notes what the API announced. Several lists none of which exists are no unit.
func (f *filling) finish() (int64, error) {
	pages := int64(len(f.spool.lines))
	f.landing.announced.Rows = f.total
	empty := !slices.ContainsFunc(f.spool.lines, func(l pageLine) bool { return l.Bytes > 0 })
	if len(f.lists) > 1 && empty {
		return pages, errAbsent
	}
	return pages, nil
}

// task makes the pull a unit's task.
func (p pull) task(u Unit) task {
	return task{Unit: u, month: p.month, asks: p.first, fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
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
