package extract

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Type is how a raw column is stored.
type Type uint8

// The types of raw columns. Whatever the type, null and empty text are null.
const (
	Text     Type = iota // as served; a number where text was expected keeps its digits
	Decimal              // decimal(38, 18): money, prices, quantities, rates
	Date                 // a day
	Instant              // microseconds in UTC
	Bool                 // true, True, "true" …
	Int                  // 64 bits
	JSONText             // text; an array or object becomes its JSON text without blanks
	Tags                 // JSON object text, whatever form the tags came in; at most one column
)

// A Column describes one column of a source's raw files.
type Column struct {
	Name     string
	Type     Type
	Path     string   // where the value stands in a JSON record, dot-separated ("properties.meterDetails.meterName"); "" means Name
	Aliases  []string // further headers of files that mean this column
	Unique   bool     // values hardly repeat, so a dictionary would be wasted
	Required bool     // a file must have it; a JSON record in which it is null is a reject
	DatePart bool     // Date only: the day as printed, whatever the offset ("2018-09-30T17:00:00-07:00" is the 30th)
}

// foldHeader makes headers comparable: "Meter Sub_Category" is metersubcategory, and
// the localised "Ressourcengruppe (ResourceGroup)" is resourcegroup.
func foldHeader(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexByte(s, '('); i > 0 && strings.HasSuffix(s, ")") {
		s = s[i+1 : len(s)-1]
	}
	return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "\u00a0", "").Replace(s))
}

// headerIndex finds the column a header means. A name wins over an alias.
type headerIndex struct {
	columns        []Column
	names, aliases map[string]int
}

func newHeaderIndex(cols []Column) (headerIndex, error) {
	x := headerIndex{cols, map[string]int{}, map[string]int{}}
	for i, c := range cols {
		if j, dup := x.names[foldHeader(c.Name)]; dup {
			return x, fmt.Errorf("columns %s and %s fold to one header", cols[j].Name, c.Name)
		}
		x.names[foldHeader(c.Name)] = i
		for _, a := range c.Aliases {
			if j, dup := x.aliases[foldHeader(a)]; dup && j != i {
				return x, fmt.Errorf("alias %s means both %s and %s", a, cols[j].Name, c.Name)
			}
			x.aliases[foldHeader(a)] = i
		}
	}
	return x, nil
}

// match returns for each header its column, or -1 for one that goes to _extra. Of two
// headers for one column the name wins over the alias and the first alias over the
// second; the loser goes to _extra, so nothing is lost.
func (x headerIndex) match(headers []string) ([]int, error) {
	target, taken, err := x.find(headers)
	if err != nil {
		return nil, err
	}
	return target, x.check(headers, target, taken)
}

// find is match without refusing a header that lacks columns.
func (x headerIndex) find(headers []string) (target []int, taken map[int]string, err error) {
	target = make([]int, len(headers))
	taken = map[int]string{}
	for i, h := range headers {
		c, ok := x.names[foldHeader(h)]
		if !ok {
			target[i] = -1
			continue
		}
		if before, dup := taken[c]; dup {
			return nil, nil, fmt.Errorf("headers %q and %q both mean %s", before, h, x.columns[c].Name)
		}
		target[i], taken[c] = c, h
	}
	for i, h := range headers {
		c, ok := x.aliases[foldHeader(h)]
		if _, dup := taken[c]; target[i] < 0 && ok && !dup {
			target[i], taken[c] = c, h
		}
	}
	return target, taken, nil
}

// check refuses a file that lacks what its source cannot do without.
func (x headerIndex) check(headers []string, target []int, taken map[int]string) error {
	var missing, unknown []string
	for i, c := range x.columns {
		if _, ok := taken[i]; c.Required && !ok {
			missing = append(missing, c.Name)
		}
	}
	for i, h := range headers {
		if target[i] < 0 {
			unknown = append(unknown, short([]byte(h)))
		}
	}
	switch {
	case len(missing) > 0:
		return fmt.Errorf("the header lacks %s (headers not known: %s)", strings.Join(missing, ", "), listOr(unknown, "none"))
	case len(taken) == 0:
		return fmt.Errorf("the header has none of the columns expected: %s", listOr(unknown, "it is empty"))
	}
	return nil
}

func listOr(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	if len(names) > 20 {
		names = append(slices.Clone(names[:20]), fmt.Sprintf("and %d more", len(names)-20))
	}
	return strings.Join(names, ", ")
}

// short cuts text for a message.
func short(s []byte) string {
	if len(s) > 80 {
		s = append(slices.Clone(s[:80]), "…"...)
	}
	return strings.ToValidUTF8(string(s), "?")
}

// A span is text in a batch: in its body, or, with the high bit of off set, in its
// arena. The zero span is null. Spans hold no pointers, so the garbage collector
// does not look at them, and the arena may move while it grows.
type span struct{ off, n uint32 }

const inArena = 1 << 31

// cells are the values of one column in a batch; one slice is used, by type.
type cells struct {
	Column
	text []span
	dec  []decimal
	num  []int64
	day  []int32
	bit  []uint8 // 0 null, 1 false, 2 true

	lastText []byte // date text parsed last: days come in long runs
	lastNum  int64
	lastDay  int32
	exact    bool
}

func (c *cells) grow(n int) {
	switch c.Type {
	case Decimal:
		c.dec = append(c.dec, slices.Repeat([]decimal{noDecimal}, n)...)
	case Date:
		c.day = append(c.day, slices.Repeat([]int32{noDay}, n)...)
	case Instant, Int:
		c.num = append(c.num, slices.Repeat([]int64{noInt64}, n)...)
	case Bool:
		c.bit = append(c.bit, make([]uint8, n)...)
	default:
		c.text = append(c.text, make([]span, n)...)
	}
}

// clear makes rows from up to to null.
func (c *cells) clear(from, to int) {
	switch c.Type {
	case Decimal:
		for i := from; i < to; i++ {
			c.dec[i] = noDecimal
		}
	case Date:
		for i := from; i < to; i++ {
			c.day[i] = noDay
		}
	case Instant, Int:
		for i := from; i < to; i++ {
			c.num[i] = noInt64
		}
	case Bool:
		clear(c.bit[from:to])
	default:
		clear(c.text[from:to])
	}
}

func (c *cells) null(row int) bool {
	switch c.Type {
	case Decimal:
		return c.dec[row] == noDecimal
	case Date:
		return c.day[row] == noDay
	case Instant, Int:
		return c.num[row] == noInt64
	case Bool:
		return c.bit[row] == 0
	}
	return c.text[row].n == 0
}

// A reject is a row that could not be read, as it was served.
type reject struct {
	row          int64
	reason, text string
	foreign      bool // it can be read, and belongs to another unit
}

// An extraField is a part of a row that no column holds.
type extraField struct {
	key  string
	text span
	json bool // text is JSON already; else it is plain text to be quoted
}

// A filled column has one text for all rows of a file.
type filled struct {
	col  int
	text string
	at   span // in the arena, once it is there
}

// A batch is the rows of one page, or of one piece of a file, in columns. It is
// filled row by row (begin, put and keep, end), handed to the landing as a whole,
// and used again.
type batch struct {
	cols     []cells // the source's columns, tag_<key>, _tags_raw, _extra
	tags     int     // index of the Tags column, or -1
	tagKeys  []string
	tagCols  int // index of the first tag_<key>
	tagsRaw  int // index of _tags_raw, or -1
	extraCol int
	required []int
	window   dayWindow
	strict   bool     // a required column that is null makes the row a reject
	fill     []filled // columns that have one value for the whole file

	body, arena []byte
	rows        int
	rowNo       []int64
	rejects     []reject
	rounding    rounding
	badTags     int64

	// The row under way.
	where    string // names the file in reasons
	reason   string
	extra    []extraField
	lost     [][]byte // rounding errors of the row
	scratch  []byte
	badTag   bool
	lastTags tagMemory
	keys     map[string]string // interned keys of unknown fields
}

func newBatch(cols []Column, tagKeys []string) (*batch, error) {
	b := &batch{tags: -1, tagsRaw: -1, tagKeys: tagKeys, keys: map[string]string{}}
	for i, c := range cols {
		if c.Type == Tags && b.tags >= 0 {
			return nil, errors.New("more than one column of tags")
		} else if c.Type == Tags {
			b.tags = i
		}
		if c.Required {
			b.required = append(b.required, i)
		}
		b.cols = append(b.cols, cells{Column: c})
	}
	if b.tags < 0 && len(tagKeys) > 0 {
		return nil, errors.New("tag keys are configured but the source has no tags")
	}
	b.tagCols = len(b.cols)
	for _, k := range tagKeys {
		b.cols = append(b.cols, cells{Column: Column{Name: "tag_" + k}})
	}
	if b.tags >= 0 {
		b.tagsRaw = len(b.cols)
		b.cols = append(b.cols, cells{Column: Column{Name: "_tags_raw"}})
	}
	b.extraCol = len(b.cols)
	b.cols = append(b.cols, cells{Column: Column{Name: "_extra"}})
	return b, nil
}

// reset empties the batch for the rows in body, which must stay as it is until the
// batch has been written. Memory that one huge page made grow is given back.
func (b *batch) reset(body []byte) {
	const rowsKept, arenaKept = 1 << 15, 16 << 20
	for i := range b.cols {
		if len(b.rowNo) > rowsKept {
			b.cols[i] = cells{Column: b.cols[i].Column}
		} else {
			b.cols[i].clear(0, b.rows)
		}
	}
	if len(b.rowNo) > rowsKept {
		b.rowNo = nil
	}
	if cap(b.arena) > arenaKept {
		b.arena = nil
	}
	b.body, b.arena, b.rows = body, b.arena[:0], 0
	b.rejects, b.badTags = nil, 0
	b.rounding = rounding{}
	b.lastTags.valid = false
	for i := range b.fill {
		b.fill[i].at = span{}
	}
	b.begin()
}

// begin starts a row.
func (b *batch) begin() {
	if b.rows == len(b.rowNo) {
		n := max(1024, len(b.rowNo))
		b.rowNo = append(b.rowNo, make([]int64, n)...)
		for i := range b.cols {
			b.cols[i].grow(n)
		}
	}
	b.reason, b.extra, b.lost, b.badTag = "", b.extra[:0], b.lost[:0], false
}

func (b *batch) bytes(s span) []byte {
	if s.off&inArena != 0 {
		at := s.off &^ inArena
		return b.arena[at : at+s.n]
	}
	return b.body[s.off : s.off+s.n]
}

// since is the span of what was appended to the arena from the given length on.
func (b *batch) since(length int) span {
	return span{uint32(length) | inArena, uint32(len(b.arena) - length)}
}

func (b *batch) store(text []byte) span {
	at := len(b.arena)
	b.arena = append(b.arena, text...)
	return b.since(at)
}

// put sets a column of the row from its text. What cannot be read makes the row a
// reject.
func (b *batch) put(col int, s span) {
	if s.n == 0 {
		return
	}
	c := &b.cols[col]
	switch c.Type {
	case Decimal:
		b.putDecimal(c, s)
	case Date:
		b.putDay(c, s)
	case Instant:
		b.putInstant(c, s)
	case Bool:
		b.putBool(c, s)
	case Int:
		b.putInt(c, s)
	case Tags:
		b.putTags(s)
	default:
		c.text[b.rows] = s
	}
}

func (b *batch) refuse(c *cells, text []byte, why error) {
	if b.reason == "" {
		b.reason = fmt.Sprintf("%s: %q %v", c.Name, short(text), why)
	}
}

// plain is the text of a number, a date or a truth. "null" and "(null)", which some
// programs write where nothing is, are nothing, but not where there must be a value.
func (b *batch) plain(c *cells, s span) []byte {
	text := bytes.TrimSpace(b.bytes(s))
	if n := len(text); n == 0 || c.Required || text[n-1]|0x20 != 'l' && text[n-1] != ')' {
		return text
	}
	if bytes.EqualFold(text, []byte("null")) || bytes.EqualFold(text, []byte("(null)")) {
		return nil
	}
	return text
}

func (b *batch) putDecimal(c *cells, s span) {
	text := b.plain(c, s)
	if len(text) == 0 {
		return
	}
	d, lost, err := parseDecimal(text, b.scratch)
	b.scratch = lost
	if err != nil {
		b.refuse(c, text, err)
		return
	}
	if len(lost) > 0 {
		b.lost = append(b.lost, slices.Clone(lost))
		b.keepText(c.Name, s)
	}
	c.dec[b.rows] = d
}

func (b *batch) putInt(c *cells, s span) {
	text := b.plain(c, s)
	if len(text) == 0 {
		return
	}
	d, lost, err := parseDecimal(text, b.scratch)
	b.scratch = lost
	if err == nil && len(lost) > 0 {
		err = errNotWhole
	}
	var n int64
	if err == nil {
		n, err = d.int64()
	}
	if err != nil {
		b.refuse(c, text, err)
		return
	}
	c.num[b.rows] = n
}

var (
	errNoDate    = errors.New("is no date")
	errNoInstant = errors.New("is no date and time")
	errNoBool    = errors.New("is neither true nor false")
)

func (b *batch) putDay(c *cells, s span) {
	text := b.plain(c, s)
	if len(text) == 0 {
		return
	}
	if !bytes.Equal(text, c.lastText) || len(c.lastText) == 0 {
		day, exact, ok := parseDay(text, c.DatePart)
		if !ok {
			b.refuse(c, text, errNoDate)
			return
		}
		c.lastText, c.lastDay, c.exact = append(c.lastText[:0], text...), day, exact
	}
	c.day[b.rows] = c.lastDay
	if !c.exact {
		b.keepText(c.Name, s)
	}
}

func (b *batch) putInstant(c *cells, s span) {
	text := b.plain(c, s)
	if len(text) == 0 {
		return
	}
	if !bytes.Equal(text, c.lastText) || len(c.lastText) == 0 {
		micros, exact, ok := parseInstant(text)
		if !ok {
			b.refuse(c, text, errNoInstant)
			return
		}
		c.lastText, c.lastNum, c.exact = append(c.lastText[:0], text...), micros, exact
	}
	c.num[b.rows] = c.lastNum
	if !c.exact {
		b.keepText(c.Name, s)
	}
}

func (b *batch) putBool(c *cells, s span) {
	text := b.plain(c, s)
	switch {
	case len(text) == 0:
	case bytes.EqualFold(text, []byte("true")):
		c.bit[b.rows] = 2
	case bytes.EqualFold(text, []byte("false")):
		c.bit[b.rows] = 1
	default:
		b.refuse(c, text, errNoBool)
	}
}

// keepText puts text that a column holds in part only into _extra, under the
// column's name and quoted: a JSON number would be read as a double by most.
func (b *batch) keepText(name string, s span) {
	b.extra = append(b.extra, extraField{name, s, false})
}

// keepJSON puts an unknown field into _extra.
func (b *batch) keepJSON(key string, s span) {
	b.extra = append(b.extra, extraField{key, s, true})
}

// key interns the key of an unknown field.
func (b *batch) key(prefix string, name []byte) string {
	b.scratch = append(append(b.scratch[:0], prefix...), name...)
	if k, ok := b.keys[string(b.scratch)]; ok {
		return k
	}
	k := string(b.scratch)
	if len(b.keys) < 10_000 {
		b.keys[k] = k
	}
	return k
}

// end finishes the row that was served as number no. The text is what a reject keeps.
func (b *batch) end(no int64, text []byte) {
	if b.strict {
		b.checkRequired()
	}
	foreign := false
	if b.reason == "" {
		b.reason = b.window.refuse(b)
		foreign = b.reason != ""
	}
	if b.reason != "" {
		for i := range b.cols {
			b.cols[i].clear(b.rows, b.rows+1)
		}
		b.rejects = append(b.rejects, reject{no, b.reason + b.where, escapeInvalid(text), foreign})
		b.begin()
		return
	}
	b.accept(no)
}

func (b *batch) checkRequired() {
	for _, col := range b.required {
		if c := &b.cols[col]; b.reason == "" && c.null(b.rows) {
			b.reason = c.Name + ": is required and null"
		}
	}
}

func (b *batch) accept(no int64) {
	for i := range b.fill {
		f := &b.fill[i]
		if f.at.n == 0 {
			f.at = b.store([]byte(f.text))
		}
		b.cols[f.col].text[b.rows] = f.at
	}
	if len(b.extra) > 0 {
		b.cols[b.extraCol].text[b.rows] = b.writeExtra()
	}
	for _, lost := range b.lost {
		b.rounding.add(lost)
	}
	if b.badTag {
		b.badTags++
	}
	b.rowNo[b.rows] = no
	b.rows++
	b.begin()
}

// escapeInvalid makes text fit for a Parquet string: bytes that are not UTF-8 are
// written as \xff.
func escapeInvalid(text []byte) string {
	if utf8.Valid(text) {
		return string(text)
	}
	var s strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&s, `\x%02x`, text[0])
		} else {
			s.Write(text[:n])
		}
		text = text[n:]
	}
	return s.String()
}

// writeExtra writes the row's extra fields as one JSON object, ordered by key. Of
// equal keys (a field of the record and one of its properties, or a field served
// twice) the later get _2, _3 …
func (b *batch) writeExtra() span {
	slices.SortStableFunc(b.extra, func(x, y extraField) int { return strings.Compare(x.key, y.key) })
	at, again := len(b.arena), 1
	b.arena = append(b.arena, '{')
	for i, f := range b.extra {
		key := f.key
		if again++; i == 0 || b.extra[i-1].key != key {
			again = 1
		} else {
			key = fmt.Sprintf("%s_%d", key, again)
		}
		if i > 0 {
			b.arena = append(b.arena, ',')
		}
		b.arena = append(appendJSONString(b.arena, key), ':')
		if f.json {
			b.arena = appendCompact(b.arena, b.bytes(f.text))
		} else {
			b.arena = appendJSONString(b.arena, b.bytes(f.text))
		}
	}
	b.arena = append(b.arena, '}')
	return b.since(at)
}

// A dayWindow is the days that the rows of a unit may be of. Services sometimes
// ignore a date filter; the rows they add belong to another unit, and counting them
// here would count them twice.
type dayWindow struct {
	column   int // index of a Date column
	from, to int32
	set      bool
}

// refuse says why the row under way is outside the window; "" when it is not.
func (w dayWindow) refuse(b *batch) string {
	if !w.set || b.cols[w.column].null(b.rows) {
		return ""
	}
	if day := b.cols[w.column].day[b.rows]; day < w.from || day > w.to {
		return fmt.Sprintf("%s: %s is not in the period asked for, %s to %s", b.cols[w.column].Name, dayText(int64(day)), dayText(int64(w.from)), dayText(int64(w.to)))
	}
	return ""
}
