package extract

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// origin says where the rows of a landing are from. It stands in every row.
type origin struct{ Source, Account, Scope, Period, Dataset string }

// A landing turns the pages or files of one unit into a raw Parquet file, and a
// second one for the rows that could not be read. It is used by one goroutine:
//
//	l, err := newLanding(dir, columns, origin, tagKeys)
//	defer l.abort()
//	… l.jsonPage, l.csv or l.parquet for each page, in their order …
//	landed, err := l.close()
//
// Memory does not grow with the input: a batch of rows, a row group, a page.
type landing struct {
	// dateColumn names the column of type Date or Instant whose range close reports.
	dateColumn string
	// announced is what the source said the unit has; received counts the bytes that came.
	announced extent
	received  int64
	// eachRecord, if set, is called with the text of each record of a JSON page.
	eachRecord func(record []byte)
	duplicates int64
	again      bool // an attempt before was given up because its list changed

	dir     string
	origin  origin
	columns []Column
	headers headerIndex
	tree    *node
	batch   *batch
	record  uint32 // records read, for the tree
	out     *fileWriter
	rejects *fileWriter // made with the first reject
	landed  landed
	round   rounding
	min     int64 // of dateColumn, in its own unit
	max     int64
	dated   int  // index of dateColumn + 1
	ended   bool // closed or aborted
	failed  error
}

// landed is what a landing has made. The files are complete and synced but still
// have temporary names in the landing's folder.
type landed struct {
	Announced        extent      // what the source said there is
	Received         int64       // bytes that came
	Duplicates       int64       // records served more than once, letter by letter the same; all count
	File             *landedFile // always there, also without rows: an empty day is a fact
	Rejects          *landedFile // nil without rejects
	Rows, RejectRows int64
	Unreadable       int64  // rejects but for those that belong to another unit
	FirstUnreadable  string // where the first one is, and why
	Rounded          int64  // numbers with more than 18 decimal places
	LargestRounding  string // the largest error made by rounding one; "0" without
	MinDate, MaxDate string // range of the date column, yyyy-mm-dd; "" without
	BadTags          int64  // rows whose tags could not be read and stand in _tags_raw
	Doubles          []string
}

// extent is how much a source says there is; -1 where it does not say.
type extent struct {
	Pages int64 `json:"pages"` // pages, parts or files
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
}

var unannounced = extent{-1, -1, -1}

type landedFile struct {
	Path   string
	Rows   int64
	Bytes  int64
	SHA256 string
}

// originColumns are the columns that every raw file has first.
func originColumns() []fileColumn {
	return []fileColumn{
		{name: "_account"},
		{name: "_scope"},
		{name: "_period"},
		{name: "_dataset"},
		{name: "_page", typ: Int},
		{name: "_row", typ: Int},
	}
}

const pageColumn, rowColumn, firstColumn = 4, 5, 6

// newLanding starts a landing in dir, which must be on the file system of the lake.
func newLanding(dir string, cols []Column, o origin, tagKeys []string) (*landing, error) {
	l := &landing{dir: dir, origin: o, columns: cols, announced: unannounced}
	var err error
	if l.headers, err = newHeaderIndex(cols); err != nil {
		return nil, fmt.Errorf("landing(%s): %w", o.Source, err)
	}
	if l.tree, err = newTree(cols); err != nil {
		return nil, fmt.Errorf("landing(%s): %w", o.Source, err)
	}
	if l.batch, err = newBatch(cols, tagKeys); err != nil {
		return nil, fmt.Errorf("landing(%s): %w", o.Source, err)
	}
	columns := originColumns()
	for _, c := range l.batch.cols {
		columns = append(columns, fileColumn{c.Name, c.Type, c.Unique})
	}
	if l.out, err = newFileWriter(dir, columns); err != nil {
		return nil, fmt.Errorf("landing(%s): %w", o.Source, err)
	}
	return l, nil
}

// within makes rejects of rows whose date lies outside from and to.
func (l *landing) within(from, to time.Time) {
	for i, c := range l.columns {
		if c.Name == l.dateColumn && c.Type == Date {
			l.batch.window = dayWindow{column: i, from: epochDay(from), to: epochDay(to), set: true}
		}
	}
}

func epochDay(t time.Time) int32 { return int32(t.Unix() / (24 * 60 * 60)) }

var errEnded = errors.New("the landing has ended")

// broken marks the landing as one that can only be aborted.
func (l *landing) broken(err error) error {
	if l.failed == nil {
		l.failed = err
	}
	return err
}

// startFile sets the columns that have one value for the whole file: _file, its
// name, and _agreement, if the source has such columns. Pages have no headers.
func (l *landing) startFile(name string, headers []string) error {
	if l.ended {
		return errEnded
	}
	if l.failed != nil {
		return fmt.Errorf("the landing failed before: %w", l.failed)
	}
	l.batch.fill, l.batch.strict, l.batch.where = l.batch.fill[:0], headers == nil, ""
	if headers != nil {
		l.batch.where = ", in file " + name
	}
	l.fillColumn("_file", filepath.Base(name))
	l.fillColumn("_agreement", headerAgreement(headers))
	return nil
}

// headerAgreement tells the agreement of a cost file by headers that only it has.
// "" means that none of them is there.
func headerAgreement(headers []string) string {
	has := map[string]bool{}
	for _, h := range headers {
		has[foldHeader(h)] = true
	}
	switch {
	case has["pricingcurrency"], has["costinpricingcurrency"], has["exchangeratepricingtobilling"]:
		return "mca"
	case has["accountownerid"], has["accountname"]:
		return "ea"
	case has["pretaxcost"]:
		return "mosp"
	}
	return ""
}

func (l *landing) fillColumn(name, text string) {
	for i, c := range l.columns {
		if c.Name == name && c.Type == Text && text != "" {
			l.batch.fill = append(l.batch.fill, filled{col: i, text: text})
		}
	}
}

// commit writes the batch. After an error of the disk the landing is broken.
func (l *landing) commit(page int64) error {
	if err := l.write(page); err != nil {
		return l.broken(fmt.Errorf("landing(%s page %d): %w", l.origin.Source, page, err))
	}
	b := l.batch
	l.landed.Rows += int64(b.rows)
	l.landed.RejectRows += int64(len(b.rejects))
	l.countUnreadable(page)
	l.landed.BadTags += b.badTags
	l.round.count += b.rounding.count
	l.round.larger(b.rounding.largest)
	b.reset(nil)
	return nil
}

// countUnreadable takes note of rejects that are lost to the tables.
func (l *landing) countUnreadable(page int64) {
	for _, r := range l.batch.rejects {
		if r.foreign {
			continue
		}
		if l.landed.Unreadable++; l.landed.Unreadable == 1 {
			l.landed.FirstUnreadable = fmt.Sprintf("page %d row %d: %s", page, r.row, r.reason)
		}
	}
}

func (l *landing) write(page int64) error {
	b := l.batch
	for from := 0; from < b.rows; {
		to := min(b.rows, from+l.out.room())
		l.writeOrigin(l.out, page, to-from)
		row := l.out.chunks[rowColumn]
		for _, n := range b.rowNo[from:to] {
			row.number(n)
		}
		for i := range b.cols {
			l.writeCells(l.out.chunks[firstColumn+i], &b.cols[i], from, to)
		}
		l.widen(from, to)
		if err := l.out.appended(to - from); err != nil {
			return err
		}
		from = to
	}
	for _, r := range b.rejects {
		if err := l.writeReject(page, r); err != nil {
			return err
		}
	}
	return nil
}

func (l *landing) writeOrigin(w *fileWriter, page int64, rows int) {
	for i, s := range []string{l.origin.Account, l.origin.Scope, l.origin.Period, l.origin.Dataset} {
		text := []byte(s)
		for range rows {
			w.chunks[i].textOrNull(text)
		}
	}
	for range rows {
		w.chunks[pageColumn].number(page)
	}
}

func (c *chunk) textOrNull(s []byte) {
	if len(s) == 0 {
		c.null()
	} else {
		c.text(s)
	}
}

func (l *landing) writeCells(to *chunk, c *cells, from, until int) {
	for row := from; row < until; row++ {
		switch {
		case c.null(row):
			to.null()
		case c.Type == Decimal:
			to.decimal(c.dec[row])
		case c.Type == Date:
			to.number(int64(c.day[row]))
		case c.Type == Instant || c.Type == Int:
			to.number(c.num[row])
		case c.Type == Bool:
			to.bool(c.bit[row] == 2)
		default:
			to.text(l.batch.bytes(c.text[row]))
		}
	}
}

// widen takes the dates of rows into the range of dates.
func (l *landing) widen(from, to int) {
	if l.dateColumn == "" {
		return
	}
	for i := range l.columns {
		c := &l.batch.cols[i]
		if c.Name != l.dateColumn || c.Type != Date && c.Type != Instant {
			continue
		}
		for row := from; row < to; row++ {
			if c.null(row) {
				continue
			}
			n := c.epochDay(row)
			if l.dated == 0 {
				l.min, l.max, l.dated = n, n, i+1
			}
			l.min, l.max = min(l.min, n), max(l.max, n)
		}
	}
}

// epochDay is the day of a row's Date or Instant.
func (c *cells) epochDay(row int) int64 {
	if c.Type == Date {
		return int64(c.day[row])
	}
	return floorDiv(c.num[row], nanosPerDay/1000)
}

func floorDiv(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}

func (l *landing) writeReject(page int64, r reject) (err error) {
	if l.rejects == nil {
		columns := append(originColumns()[:pageColumn], fileColumn{name: "_source"},
			fileColumn{name: "_page", typ: Int}, fileColumn{name: "_row", typ: Int},
			fileColumn{name: "reason"}, fileColumn{name: "text", unique: true})
		if l.rejects, err = newFileWriter(l.dir, columns); err != nil {
			return err
		}
	}
	c := l.rejects.chunks
	for i, s := range []string{l.origin.Account, l.origin.Scope, l.origin.Period, l.origin.Dataset, l.origin.Source} {
		c[i].textOrNull([]byte(s))
	}
	c[5].number(page)
	c[6].number(r.row)
	c[7].text([]byte(r.reason))
	c[8].text([]byte(r.text))
	return l.rejects.appended(1)
}

// close finishes the files and brings them to the disk. After an error there are no
// files.
func (l *landing) close() (*landed, error) {
	if l.ended {
		return nil, errEnded
	}
	if l.failed != nil {
		l.abort()
		return nil, fmt.Errorf("landing(%s): %w", l.origin.Source, l.failed)
	}
	if err := l.finish(); err != nil {
		l.abort()
		return nil, fmt.Errorf("landing(%s): %w", l.origin.Source, err)
	}
	l.ended = true
	return &l.landed, nil
}

func (l *landing) finish() (err error) {
	if l.rejects != nil {
		if l.landed.Rejects, err = l.rejects.close(); err != nil {
			return err
		}
	}
	if l.landed.File, err = l.out.close(); err != nil {
		return err
	}
	l.landed.Announced, l.landed.Received = l.announced, l.received
	l.landed.Duplicates = l.duplicates
	l.landed.Rounded, l.landed.LargestRounding = l.round.count, l.round.String()
	if l.dated > 0 {
		l.landed.MinDate, l.landed.MaxDate = dayText(l.min), dayText(l.max)
	}
	return nil
}

func dayText(day int64) string {
	return time.Unix(day*86400, 0).UTC().Format(time.DateOnly)
}

// abort removes the files. After close or abort it does nothing, so it can be
// deferred.
func (l *landing) abort() {
	if l.ended {
		return
	}
	l.ended = true
	l.out.abort()
	if l.rejects != nil {
		l.rejects.abort()
	}
	if l.landed.Rejects != nil {
		_ = os.Remove(l.landed.Rejects.Path)
	}
}
