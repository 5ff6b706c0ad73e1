package extract

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A report reads a unit from files that Azure makes on request: it asks for them, waits
// until they are made, and downloads and lands them all.
type report struct {
	submit request
	// absent tells which answers to the request mean that there is no such thing for the scope.
	absent func(*APIError) bool
	// month is set where records are asked for by date: the only one they may be of.
	month time.Time
}

// reportCalls is the least that a report takes: it is submitted, asked about, and found
// finished. Its files are not counted: they come from blob storage.
const reportCalls = 3

// task makes the report a unit's task.
func (p report) task(u Unit) task {
	return task{Unit: u, month: p.month, asks: p.submit, calls: reportCalls, fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
		return p.fill(ctx, r, u, l, progress)
	}}
}

// fill fetches all files of the report, and lands them once they are all there. It
// returns their number.
func (p report) fill(ctx context.Context, r *run, u Unit, l *landing, progress func(int64)) (int64, error) {
	address, err := r.o.Client.at(p.submit.Service).locate(p.submit.URL)
	if err != nil {
		return 0, err
	}
	identity := reportRequest(p.submit.method(), address.String(), p.submit.Body)
	j, err := r.lake.openReport(u, identity, r.now())
	if err != nil {
		return 0, err
	}
	f := &fetching{report: p, run: r, unit: u, journal: j, resumed: j.Location != ""}
	answer, err := f.fetch(ctx)
	if err != nil {
		return int64(len(j.Parts)), errors.Join(p.explain(err), f.forget(err))
	}
	l.announced = answer.announced()
	return f.finish(ctx, l, progress)
}

// finish lands the files. Those that cannot be read are fetched again, once in this run
// and else by the next: a file that came whole may still be a gateway's page.
func (f *fetching) finish(ctx context.Context, l *landing, progress func(int64)) (int64, error) {
	files, err := f.land(ctx, l, progress)
	switch {
	case ctx.Err() != nil:
		return files, err
	case err != nil && !l.again:
		f.run.log.Warn("a file of the report cannot be read, fetching it again", "unit", f.unit.String(), "error", err)
		return files, errors.Join(errRestart, f.journal.expect(nil))
	case err != nil || l.landed.Unreadable > 0 && !f.run.o.AcceptRejects:
		return files, errors.Join(err, f.journal.expect(nil))
	}
	return files, nil
}

// explain turns the answer "no such thing" to the request into errAbsent.
func (p report) explain(err error) error {
	if _, polled := errors.AsType[*pollError](err); polled {
		return err
	}
	return pull{absent: p.absent}.explain(err)
}

// fetching is one attempt at a report.
type fetching struct {
	report
	run     *run
	unit    Unit
	journal *reportJournal
	resumed bool // it was submitted by an earlier run
}

// forget drops a report that has come to nothing, so that the next run asks for another.
func (f *fetching) forget(err error) error {
	_, failed := errors.AsType[*reportError](err)
	_, polled := errors.AsType[*pollError](err)
	if failed || polled && expired(err) {
		return f.journal.clear(f.journal.Request)
	}
	return nil
}

// partError says that the report's files are not as its answer has them: a link has
// expired, a file is cut, the list is not whole. Asking again may bring them.
type partError struct{ err error }

func (e *partError) Error() string { return e.err.Error() }
func (e *partError) Unwrap() error { return e.err }

// fetch brings all parts to disk. Where that fails because of what the answer lists,
// the operation is asked for another answer, which signs new links.
func (f *fetching) fetch(ctx context.Context) (*reportAnswer, error) {
	for attempt := 1; ; attempt++ {
		answer, err := f.ask(ctx)
		if err != nil {
			return nil, err
		}
		before := len(f.journal.Parts)
		err = f.parts(ctx, answer)
		broken, again := errors.AsType[*partError](err)
		if !again {
			return answer, err
		}
		if len(f.journal.Parts) > before {
			attempt = 1
		}
		if attempt == pageAttempts {
			return nil, fmt.Errorf("%w (asked %d times; links valid until %s)", err, attempt, cmp.Or(answer.Until, "an unknown time"))
		}
		f.run.log.Warn("a file of the report cannot be had, asking for its links again", "unit", f.unit.String(), "because", broken)
		if err := f.run.o.Client.sleep(ctx, f.run.o.Client.polling.pause(attempt)); err != nil {
			return nil, err
		}
	}
}

// ask waits until the report is made. One that an earlier run asked for and Azure has
// forgotten since is asked for anew; nothing else leads to a second request.
func (f *fetching) ask(ctx context.Context) (*reportAnswer, error) {
	started := func(location string) error { return f.journal.begin(location, f.run.now()) }
	c := f.run.o.Client
	answer, err := c.operation(ctx, f.submit, f.journal.Location, started)
	if f.resumed && isGone(err) {
		f.run.log.Warn("the report of the last run is gone, asking for it anew", "unit", f.unit.String(), "error", err)
		if err := f.journal.clear(f.journal.Request); err != nil {
			return nil, err
		}
		answer, err = c.operation(ctx, f.submit, "", started)
	}
	f.resumed = false
	if err != nil {
		return nil, err
	}
	f.journal.RequestID = answer.RequestID
	return readReport(answer)
}

// parts downloads the parts that are not there yet.
func (f *fetching) parts(ctx context.Context, answer *reportAnswer) error {
	if err := answer.check(); err != nil {
		return &partError{err}
	}
	if err := f.journal.expect(answer.Parts); err != nil {
		return err
	}
	for i, p := range answer.Parts {
		if f.journal.has(i + 1) {
			continue
		}
		if err := f.journal.store(i+1, func(w io.Writer) (int64, error) { return f.download(ctx, i+1, p, w) }); err != nil {
			return err
		}
	}
	return nil
}

func (f *fetching) download(ctx context.Context, number int, p reportPart, w io.Writer) (int64, error) {
	n, err := f.run.o.Client.download(ctx, p.Link, w)
	switch {
	case linkRefused(err), errors.Is(err, errChanged), errors.Is(err, errDamaged):
		return n, &partError{fmt.Errorf("file %d of the report: %w", number, err)}
	case err != nil:
		return n, fmt.Errorf("file %d of the report: %w", number, err)
	case p.Bytes >= 0 && n != p.Bytes:
		return n, &partError{fmt.Errorf("file %d of the report: it has %d bytes, %d were announced", number, n, p.Bytes)}
	}
	return n, nil
}

// land lands the files in their order. They are named by it: Azure's names for them are
// others each time, and rows that have not changed are to make the same bytes.
func (f *fetching) land(ctx context.Context, l *landing, progress func(int64)) (int64, error) {
	var total int64
	for i := range f.journal.Listed {
		rows, err := f.landPart(ctx, l, i+1)
		if err != nil {
			return int64(i), err
		}
		total += rows
		progress(total)
	}
	return int64(len(f.journal.Listed)), nil
}

func (f *fetching) landPart(ctx context.Context, l *landing, number int) (int64, error) {
	file, err := os.Open(f.journal.path(number))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return l.file(ctx, int64(number), fmt.Sprintf("part_%d", number), file)
}
