// Package extract copies billing records from their sources into Parquet.
//
// A run works through units. A unit is one source, scope, billing period and
// dataset: "usage_details of enrollment 8608480, October 2026, amortized".
//
//  1. Each [Source] says which units an account has (its plan function). Closed
//     periods that were fetched after they closed are left alone.
//  2. A unit's records arrive page by page (an API, through [Client]) or file by
//     file (an export folder). API pages are kept in the journal as they come, so
//     that a run that dies resumes after its last page.
//  3. A landing turns pages and files into one typed Parquet file: numbers exactly
//     as the digits served, unknown fields in _extra, broken rows kept as rejects.
//  4. When the unit is whole, its files are renamed into the lake and its manifest
//     replaces the one before. A unit that fails leaves the last good version.
//
// Start with [Run]. A new API source is one file like usage_details.go.
package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// An Account is one agreement with Microsoft whose bill is copied.
type Account struct {
	Name      string   // the name the configuration gives it, unique
	Scope     string   // Azure scope: a billing account, billing profile, subscription, reservation order …; "" when only Exports are read
	Agreement string   // ea, mca, mosp, mpa; auto or "" asks Azure
	Sources   []string // names of sources to read; empty: all that the agreement supports
	Exports   string   // folder of Cost Management exports: a directory or a container URL; "" for none
	Offer     Offer    // what a pay-as-you-go subscription was bought as; the zero Offer where that is not known
}

// An Offer is what a pay-as-you-go subscription was bought as. Its rate card is asked for
// by all four.
type Offer struct {
	ID       string // such as MS-AZR-0003P
	Currency string // ISO 4217
	Locale   string // language of the names, such as en-US
	Region   string // ISO 3166 country it was bought in, such as DE
}

// Retail says which list prices are copied. They belong to no account.
type Retail struct {
	Currencies []string // ISO 4217, such as USD
	Families   []string // service families, such as Compute; empty: all
}

// Options say what a run copies and where to.
type Options struct {
	Lake      string    // directory that holds raw/ and journal/
	Elsewhere bool      // Lake is a working copy of a lake that may hold data files which are not here
	Client    *Client   // nil when no account has a scope
	Accounts  []Account //
	Periods   Range     // months to fetch whatever their state; zero: those that are open or missing
	AsOf      time.Time // the run date: decides which periods are open; its time of day is ignored
	History   int       // months of history to fetch where nothing is there yet, the open one included; 0 means 13
	LateDays  int       // days after its end in which a closed period is fetched again; 0 means 7 (Azure changes it until the 5th)
	Versions  int       // superseded versions kept of each unit; 0 means 14
	Sources   []string  // restricts every account to these sources; empty: no restriction
	Retail    Retail    // list prices to copy; the zero Retail copies none
	TagKeys   []string  // tag keys that get a column tag_<key> of their own
	Workers   int       // units copied at the same time; 0 means 2
	Refresh   bool      // fetch again what was fetched less than four hours ago
	// AcceptShrink replaces a unit even if it lost days or many rows since the last run.
	AcceptShrink bool
	// AcceptRejects copies a unit without its records that cannot be read. They are kept
	// beside it, and data_quality lists them.
	AcceptRejects bool
	// Fetch brings data files of the lake that are not here, if Elsewhere; nil: all are here.
	Fetch    func(ctx context.Context, paths []string) error
	Exports  ExportOpener     // opens Account.Exports; nil reads directories only
	Now      func() time.Time // the clock, for the journal alone; nil means time.Now
	Log      *slog.Logger     // nil discards
	Progress func(Event)      // called from several goroutines; may be nil
}

// An Event tells how a unit is getting on.
type Event struct {
	Unit  Unit
	Pages int64
	Rows  int64
	Done  bool
}

// A Unit is the smallest thing that becomes visible, or does not.
type Unit struct {
	Source  string `json:"source"`
	Account string `json:"account"`
	Scope   string `json:"scope"`
	Period  string `json:"period"`  // yyyy-mm, the month its billing period starts in; "all" for sources without periods
	Dataset string `json:"dataset"` // actual, amortized, daily, monthly, all
}

// String is how logs and errors name the unit.
func (u Unit) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", u.Source, u.Account, u.Period, u.Dataset))
}

// A UnitResult is what became of a unit.
type UnitResult struct {
	Unit
	Rows, Rejects, Pages int64
	Unchanged            bool  // the lake already held exactly this
	Absent               bool  // the API says there is no such thing for this scope
	Err                  error // the unit failed; its last good version stays
	Took                 time.Duration

	why error // what the API answered, if Absent
}

// A Result lists every unit of the run, in a fixed order.
type Result struct{ Units []UnitResult }

// Failed returns the units that failed.
func (r Result) Failed() []UnitResult {
	var failed []UnitResult
	for _, u := range r.Units {
		if u.Err != nil {
			failed = append(failed, u)
		}
	}
	return failed
}

// Run copies every unit that is open or missing. Units fail one by one (see
// [Result.Failed]); the error is for what stops the whole run: the lake cannot be
// written, or ctx is done, in which case running again resumes.
func Run(ctx context.Context, o Options) (Result, error) {
	r, err := newRun(o)
	if err != nil {
		return Result{}, err
	}
	// Invoices come first: months whose invoice has changed are fetched again.
	results := r.wave(ctx, func(s *Source) bool { return s.first })
	results = append(results, r.wave(ctx, func(s *Source) bool { return !s.first })...)
	sortResults(results)
	return Result{Units: results}, context.Cause(ctx)
}

// wave copies what the sources chosen have to copy.
func (r *run) wave(ctx context.Context, chosen func(*Source) bool) []UnitResult {
	planned, failed := r.plan(ctx, chosen)
	tasks := slices.DeleteFunc(planned, func(t task) bool { return t.skip != "" })
	var group errgroup.Group
	group.SetLimit(r.o.Workers)
	done := make([]UnitResult, len(tasks))
	for i, t := range tasks {
		group.Go(func() error {
			done[i] = r.copy(ctx, t)
			return nil
		})
	}
	_ = group.Wait() // units report their errors in their results
	r.refuseUnknownScopes(ctx, tasks, done)
	r.refuseGaps(ctx, tasks, done)
	return append(failed, done...)
}

// refuseUnknownScopes fails the units of a source that every account has, where the
// API knows none of them and never did. A period that is absent began before the
// account did, or after it ended; an account without any is a scope that is mistyped,
// and must not pass for one that spent nothing.
func (r *run) refuseUnknownScopes(ctx context.Context, tasks []task, results []UnitResult) {
	known := map[Unit]bool{}
	for i, t := range tasks {
		if !t.source.everywhere || !results[i].Absent || r.lake.knows(t.Unit) {
			known[account(t.Unit)] = true
		}
	}
	for i, t := range tasks {
		if !known[account(t.Unit)] {
			results[i].Err = fmt.Errorf("%s: the API knows no billing period of scope %s: is the scope right?", t.Unit, t.Scope)
			r.report(ctx, t, &results[i])
		}
	}
}

// refuseGaps fails the absent units of such a source in months that must be there: the
// lake has them, or the account's other dataset, or months before and after them. The
// cause may be an API that is retired, and months that are missing must not pass for
// months without costs, nor old records for those of today. Months before the first and
// after the last one known are left out; that all are is worth a warning.
func (r *run) refuseGaps(ctx context.Context, tasks []task, results []UnitResult) {
	spans, answered := map[Unit]Range{}, map[Unit]bool{}
	for i, t := range tasks {
		key := account(t.Unit)
		if _, ok := spans[key]; t.source.everywhere && !ok {
			spans[key] = r.lake.months(t.Unit)
		}
		if t.source.everywhere && !results[i].Absent && results[i].Err == nil {
			spans[key] = spans[key].with(t.Period)
		}
		answered[key] = answered[key] || !results[i].Absent
	}
	for i, t := range tasks {
		key := account(t.Unit)
		span := spans[key]
		switch {
		case !results[i].Absent || results[i].Err != nil || span.From == "":
		case span.From <= t.Period && t.Period <= span.To:
			results[i].Err = fmt.Errorf("%s: the API says that there is no such month, but there are months from %s to %s of scope %s; what was copied before stays: %w",
				t.Unit, span.From, span.To, t.Scope, results[i].why)
			r.report(ctx, t, &results[i])
		case !answered[key]:
			r.log.Warn("the API has none of the months asked for: has the account ended, or is the run date wrong?",
				"unit", t.Unit.String(), "scope", t.Scope, "last_month", span.To, "run_date", r.asOf())
		}
	}
}

// account is what the units of a source's scope have in common.
func account(u Unit) Unit { return Unit{Source: u.Source, Account: u.Account, Scope: u.Scope} }

// task is a unit and the way to fill it.
type task struct {
	Unit
	source *Source
	// origin identifies what would be fetched. When it equals the origin of the
	// version in the lake nothing is read. "" when only fetching can tell.
	origin string
	// skip, if set, says in words why the unit need not be fetched.
	skip string
	// asks is the kind of request that fetches the unit, and calls how many are made at
	// least; 0 means one. For the estimate of [Plan], which knows better once the unit has
	// been fetched.
	asks  request
	calls int
	// month, if set, is the only one whose days the unit may hold: the API was asked
	// by date.
	month time.Time
	// momentary: as of the source, for one dataset of it: charges not billed yet.
	momentary bool
	// prepare, if set, is asked when the unit is whole, just before it replaces the version
	// in the lake, which is nil where there is none.
	prepare func(ctx context.Context, r *run, before *manifest, l *landed) error
	fill    fill
}

// A fill reads the whole unit into the landing and returns the number of pages or files
// read. errAbsent says that the unit does not exist.
type fill func(ctx context.Context, r *run, l *landing, progress func(rows int64)) (pages int64, err error)

// errAbsent is returned by a fill when the API has no such thing for the scope:
// balances of an MCA account, a price sheet of an unknown period.
var errAbsent = errors.New("not available for this scope")

type run struct {
	o        Options
	log      *slog.Logger
	now      func() time.Time
	lake     lake
	invoices invoiceFiles
	exports  map[string]*exportsFound // by account
	// What planning asked Azure for, by scope. Two waves and many sources plan with it.
	agreements, children sync.Map
	listed               map[string][]issued // invoices by account, listed once for the plans of several sources
}

func newRun(o Options) (*run, error) {
	o.History = cmp.Or(o.History, 13)
	o.LateDays = cmp.Or(o.LateDays, 7)
	o.Versions = cmp.Or(o.Versions, 14)
	o.Workers = cmp.Or(o.Workers, 2)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Exports == nil {
		o.Exports = openExportDir
	}
	if err := os.MkdirAll(o.Lake, 0o755); err != nil {
		return nil, fmt.Errorf("lake %s: %w", o.Lake, err)
	}
	return &run{o: o, log: o.Log, now: o.Now, lake: lake{dir: o.Lake, elsewhere: o.Elsewhere}, listed: map[string][]issued{}}, nil
}

// copy brings one unit up to date. It never panics: a bug in one source must not
// cost the others.
func (r *run) copy(ctx context.Context, t task) (res UnitResult) {
	start := r.now()
	res.Unit = t.Unit
	defer func() {
		if p := recover(); p != nil {
			res.Err = fmt.Errorf("%s: internal error: %v\n%s", t.Unit, p, debug.Stack())
		}
		res.Took = r.now().Sub(start)
		r.report(ctx, t, &res)
	}()
	if err := ctx.Err(); err != nil {
		res.Err = err
		return res
	}
	before, err := r.lake.read(t.Unit)
	if err != nil {
		res.Err = err
		return res
	}
	if r.fresh(t, before) {
		res.Unchanged, res.Rows, res.Rejects, res.Pages = true, before.Rows, before.RejectRows, before.Pages
		return res
	}
	r.refresh(ctx, t, before, &res)
	return res
}

// fresh tells whether the version in the lake is what fetching would bring.
func (r *run) fresh(t task, before *manifest) bool {
	if before == nil || before.State != stateComplete || before.AsOf == "" || !r.lake.intact(t.Unit, before) {
		return false
	}
	if t.origin != "" {
		return t.origin == before.Origin && before.Layout == t.source.layout()
	}
	return !r.o.Refresh && before.AsOf == r.asOf() && before.Layout == t.source.layout() && r.lake.age(t.Unit, r.now()) < refreshAfter
}

// refreshAfter is how often Azure renews cost data: six times a day. Asking again
// sooner costs quota and brings the same rows.
const refreshAfter = 4 * time.Hour

func (r *run) asOf() string { return r.o.AsOf.Format(time.DateOnly) }

// refresh fetches the unit and makes it visible.
func (r *run) refresh(ctx context.Context, t task, before *manifest, res *UnitResult) {
	landed, pages, err := r.fill(ctx, t)
	res.Pages = pages
	if errors.Is(err, errAbsent) {
		res.Absent, res.why = true, err
		return
	}
	if err == nil {
		defer landed.discard()
		after := r.manifestOf(t, landed, pages)
		res.Rows, res.Rejects = after.Rows, after.RejectRows
		err = errors.Join(r.unreadable(landed), r.shrunk(t, before, after))
		if err == nil && t.prepare != nil {
			err = t.prepare(ctx, r, before, landed)
		}
		if err == nil {
			res.Unchanged, err = r.lake.commit(t.Unit, landed, after, r.o.Versions)
		}
	}
	if err != nil {
		res.Err = fmt.Errorf("%s: %w", t.Unit, t.source.explain(err))
	}
}

// fill lands the whole unit in a private folder of the lake.
func (r *run) fill(ctx context.Context, t task) (*landed, int64, error) {
	l, pages, err := r.attempt(ctx, t, false)
	if errors.Is(err, errRestart) {
		return r.attempt(ctx, t, true)
	}
	return l, pages, err
}

func (r *run) attempt(ctx context.Context, t task, again bool) (*landed, int64, error) {
	dir, err := r.lake.workDir(t.Unit)
	if err != nil {
		return nil, 0, err
	}
	o := origin{Source: t.Source, Account: t.Account, Scope: t.Scope, Period: t.Period, Dataset: t.Dataset}
	l, err := newLanding(dir, t.source.Columns, o, t.source.tagKeys(r.o.TagKeys))
	if err != nil {
		return nil, 0, err
	}
	defer l.abort()
	l.dateColumn, l.again = t.source.dateColumn, again
	if !t.month.IsZero() {
		l.within(t.month, lastDay(t.month))
	}
	pages, err := t.fill(ctx, r, l, func(rows int64) { r.progress(Event{Unit: t.Unit, Rows: rows}) })
	if err != nil {
		return nil, pages, err
	}
	done, err := l.close()
	return done, pages, err
}

func (r *run) manifestOf(t task, l *landed, pages int64) *manifest {
	return &manifest{
		Format: manifestFormat, Unit: t.Unit, State: stateComplete, AsOf: r.asOf(), Origin: t.origin, Layout: t.source.layout(),
		Rows: l.Rows, RejectRows: l.RejectRows, Pages: pages,
		Announced: l.Announced, Received: l.Received, Duplicates: l.Duplicates, Invoiced: r.invoiced(t),
		Rounded: l.Rounded, LargestRounding: l.LargestRounding, MinDate: l.MinDate, MaxDate: l.MaxDate,
	}
}

// unreadable refuses a version that lacks records which could not be read: sums without
// them would be published as if they were whole.
func (r *run) unreadable(l *landed) error {
	if r.o.AcceptRejects || l.Unreadable == 0 {
		return nil
	}
	return fmt.Errorf("refused: %d of %d records cannot be read, the first at %s; correct the file or ask Microsoft, or go on without them with accept_rejects: true", l.Unreadable, l.Rows+l.RejectRows, l.FirstUnreadable)
}

// shrunk refuses a version that lost its last days or many of its rows: an export
// of June 1 to 5 must not replace one of June 1 to 9. A cost period only grows
// until it closes, so a fall means that the source was not whole.
func (r *run) shrunk(t task, before, after *manifest) error {
	if t.momentary || t.source.momentary || r.o.AcceptShrink || before == nil || len(before.Files) == 0 {
		return nil
	}
	if after.MaxDate < before.MaxDate {
		return fmt.Errorf("refused: it now ends on %s but the last run had rows up to %s; if that is right run again with --accept-shrink <reason>", orNone(after.MaxDate), before.MaxDate)
	}
	if after.Rows*100 < before.Rows*shrinkPercent {
		return fmt.Errorf("refused: it fell from %d rows to %d; if that is right run again with --accept-shrink <reason>", before.Rows, after.Rows)
	}
	return nil
}

// shrinkPercent is how much of the last run's rows a unit must still have. Restated
// months lose a few rows in real accounts; losing a seventh has only been seen in
// truncated data.
const shrinkPercent = 85

func orNone(s string) string {
	if s == "" {
		return "no day at all"
	}
	return s
}

// report records a failure in the lake, and logs one line for the unit.
func (r *run) report(ctx context.Context, t task, res *UnitResult) {
	interrupted := res.Err != nil && ctx.Err() != nil
	if res.Err != nil && !interrupted {
		if err := r.lake.markFailed(t.Unit, res.Err); err != nil {
			res.Err = errors.Join(res.Err, err)
		}
	}
	r.progress(Event{Unit: t.Unit, Pages: res.Pages, Rows: res.Rows, Done: true})
	args := []any{"unit", t.Unit.String(), "scope", t.Scope, "pages", res.Pages, "rows", res.Rows, "rejects", res.Rejects, "took", res.Took.Round(time.Millisecond)}
	switch {
	case interrupted:
		r.log.Warn("unit interrupted, the next run resumes it", args...)
	case res.Err != nil:
		r.log.Error("unit failed", append(args, "error", res.Err)...)
	case res.Absent:
		r.log.Info("unit does not exist", args...)
	case res.Unchanged:
		r.log.Info("unit unchanged", args...)
	default:
		r.log.Info("unit copied", args...)
	}
}

func (r *run) progress(e Event) {
	if r.o.Progress != nil {
		r.o.Progress(e)
	}
}

func sortResults(units []UnitResult) {
	sort.SliceStable(units, func(i, j int) bool {
		a, b := units[i].Unit, units[j].Unit
		return strings.Join([]string{a.Account, a.Source, a.Scope, a.Period, a.Dataset}, "\x00") <
			strings.Join([]string{b.Account, b.Source, b.Scope, b.Period, b.Dataset}, "\x00")
	})
}
