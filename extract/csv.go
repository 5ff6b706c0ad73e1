package extract

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
)

// CSV files are read in pieces of about a megabyte. The fields of the complete
// records in a piece are spans of it, so most text is copied once, into the column
// writers. A record cut by the end of a piece is moved to the front of the next.
//
// The format is RFC 4180: quotes doubled, line breaks inside quotes, CRLF or LF, empty
// lines ignored. A quote within an unquoted field stands for itself. A quoted field
// that goes on after its closing quote makes the row a reject: where it should have
// ended would be a guess.
const (
	csvPiece     = 1 << 20
	csvMaxRecord = 64 << 20 // a quote that is never closed must not swallow the file
)

// A csvReader splits text into records.
type csvReader struct {
	headers []string
	target  []int // column of each header, -1 for _extra
	rows    int64

	r       io.Reader
	b       *batch
	buf     []byte // buf[pos:] is not read yet
	pos     int
	eof     bool
	line    int64 // lines before buf
	fields  []span
	damaged bool // the record has a field that goes on after its closing quote
}

// more moves what is unread to the front and reads on. The spans of the batch are
// void afterwards.
func (c *csvReader) more() error {
	c.line += int64(bytes.Count(c.buf[:c.pos], []byte{'\n'}))
	rest := copy(c.buf, c.buf[c.pos:])
	c.pos = 0
	if rest > csvMaxRecord {
		return fmt.Errorf("line %d: a record of more than %d bytes; is a quote not closed?", c.line+1, csvMaxRecord)
	}
	size := max(csvPiece, 2*rest)
	if cap(c.buf) < size {
		c.buf = append(make([]byte, 0, size), c.buf[:rest]...)
	}
	n, err := io.ReadFull(c.r, c.buf[rest:size])
	c.buf = c.buf[:rest+n]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		c.eof = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("after line %d: %w", c.line+int64(bytes.Count(c.buf, []byte{'\n'})), err)
	}
	return nil
}

// record reads the record at pos into fields and moves on. ok is false when it does
// not end in this piece.
func (c *csvReader) record() (ok bool) {
	c.fields, c.damaged = c.fields[:0], false
	arena := len(c.b.arena)
	for i := c.pos; ; {
		f, end := c.field(i)
		if end < 0 {
			c.b.arena = c.b.arena[:arena]
			return false
		}
		c.fields = append(c.fields, f)
		if end == len(c.buf) || c.buf[end] == '\n' {
			c.pos = min(end+1, len(c.buf))
			return true
		}
		if c.buf[end] == '\r' {
			c.pos = min(end+2, len(c.buf))
			return true
		}
		i = end + 1
	}
}

// field reads the field at i. end is at the comma or line break behind it, or -1 when
// it goes on beyond the piece.
func (c *csvReader) field(i int) (f span, end int) {
	if i < len(c.buf) && c.buf[i] == '"' {
		return c.quoted(i + 1)
	}
	end = c.unquotedEnd(i)
	if end == len(c.buf) && !c.eof {
		return f, -1
	}
	if end > i && c.buf[end-1] == '\r' && (end == len(c.buf) || c.buf[end] == '\n') {
		end--
	}
	return span{uint32(i), uint32(end - i)}, end
}

// unquotedEnd finds a comma or a line break, eight bytes at a time.
func (c *csvReader) unquotedEnd(i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	b := c.buf
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		comma, newline := w^(ones*','), w^(ones*'\n')
		if m := ((comma-ones)&^comma | (newline-ones)&^newline) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(b) && b[i] != ',' && b[i] != '\n' {
		i++
	}
	return i
}

// quoted reads a field whose opening quote is before i. Text with doubled quotes is
// put together in the arena.
func (c *csvReader) quoted(i int) (f span, end int) {
	arena, start, copied := len(c.b.arena), i, false
	for {
		k := bytes.IndexByte(c.buf[i:], '"')
		if k < 0 {
			return f, -1 // also at the end of the file, where it is an error: see csvRows
		}
		k += i
		if end = c.fieldEnd(k + 1); end >= 0 {
			i = k
			break
		}
		if end == cannotTell {
			return f, -1
		}
		// A doubled quote; or a stray one, which is kept for the reject's text.
		c.b.arena = append(c.b.arena, c.buf[start:k+1]...)
		if i = k + 1; c.buf[i] == '"' {
			i++
		} else {
			c.damaged = true
		}
		start, copied = i, true
	}
	if !copied {
		return span{uint32(start), uint32(i - start)}, end
	}
	c.b.arena = append(c.b.arena, c.buf[start:i]...)
	return c.b.since(arena), end
}

const (
	cannotEnd  = -1 - iota // the field goes on
	cannotTell             // not in this piece
)

// fieldEnd returns i if a field can end there, else cannotEnd or cannotTell.
func (c *csvReader) fieldEnd(i int) int {
	switch {
	case i == len(c.buf) && !c.eof:
		return cannotTell
	case i == len(c.buf), c.buf[i] == ',', c.buf[i] == '\n':
		return i
	case c.buf[i] != '\r':
		return cannotEnd
	case i+1 == len(c.buf) && !c.eof:
		return cannotTell
	case i+1 == len(c.buf), c.buf[i+1] == '\n':
		return i
	}
	return cannotEnd
}

// An aheadReader inflates on a goroutine of its own, so that one core inflates while
// the other takes the text apart. It keeps four pieces in flight.
type aheadReader struct {
	full  chan []byte
	empty chan []byte
	err   error // valid when full is closed
	piece []byte
	rest  []byte
	quit  chan struct{}
}

func readAhead(r io.Reader) *aheadReader {
	const pieces = 4
	a := &aheadReader{
		full:  make(chan []byte, pieces),
		empty: make(chan []byte, pieces),
		quit:  make(chan struct{}),
	}
	for range pieces {
		a.empty <- make([]byte, csvPiece/2)
	}
	go a.inflate(r)
	return a
}

func (a *aheadReader) inflate(r io.Reader) {
	defer close(a.full)
	for a.err == nil {
		var piece []byte
		select {
		case piece = <-a.empty:
		case <-a.quit:
			return
		}
		n, err := io.ReadFull(r, piece[:cap(piece)])
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		a.err = err
		a.full <- piece[:n]
	}
}

func (a *aheadReader) Read(p []byte) (int, error) {
	if len(a.rest) == 0 {
		if a.piece != nil {
			a.empty <- a.piece
		}
		if a.piece = <-a.full; a.piece == nil {
			return 0, a.err
		}
		a.rest = a.piece
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// stop ends the goroutine and waits for it.
func (a *aheadReader) stop() {
	close(a.quit)
	for range a.full {
	}
}

// errCut is a file that ends before its end, which is not the end of its text.
var errCut = errors.New("the file is cut short")

// A cutReader gives a stream's unexpected end a name that io.ReadFull does not use
// for another thing.
type cutReader struct{ r io.Reader }

func (c cutReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errCut
	}
	return n, err
}

// openCSV undoes gzip, told by its first bytes and not by the file's name, and takes
// off the byte order mark.
func openCSV(r io.Reader) (text *bufio.Reader, stop func(), err error) {
	stop = func() {}
	br := bufio.NewReaderSize(cutReader{r}, 256<<10)
	if magic, _ := br.Peek(2); string(magic) == "\x1f\x8b" {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, stop, cutError(err)
		}
		ahead := readAhead(cutReader{zr})
		br, stop = bufio.NewReaderSize(ahead, 4<<10), ahead.stop
	}
	head, err := br.Peek(len(byteOrderMark))
	if err != nil && !errors.Is(err, io.EOF) {
		stop()
		return nil, func() {}, err
	}
	if bytes.Equal(head, byteOrderMark) {
		_, _ = br.Discard(len(byteOrderMark))
	}
	return br, stop, nil
}

// cutError names an end within the header of a compressed file.
func cutError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

// csv lands a file, or one part of an export: each part has its own header, and its
// rows are numbered from 1 behind it. Rows of a file that fails half-way may have
// been written, so afterwards the landing can only be aborted.
func (l *landing) csv(page int64, name string, r io.Reader) (rows int64, err error) {
	text, stop, err := openCSV(r)
	if err != nil {
		return 0, l.broken(fmt.Errorf("csv(%s): %w", name, err))
	}
	defer stop()
	rows, err = l.csvRows(page, name, &csvReader{r: text, b: l.batch})
	if err != nil {
		return rows, l.broken(fmt.Errorf("csv(%s): %w", name, err))
	}
	return rows, nil
}

func (l *landing) csvRows(page int64, name string, c *csvReader) (rows int64, err error) {
	if err := l.csvHeader(name, c); err != nil {
		return 0, err
	}
	for {
		c.piece()
		if err := l.commit(page); err != nil {
			return c.rows, err
		}
		if c.eof && c.pos == len(c.buf) {
			return c.rows, nil
		}
		if c.eof {
			return c.rows, fmt.Errorf("line %d: the file ends within a quoted field of the record that begins here", c.lineAt(c.pos))
		}
		if err := c.more(); err != nil {
			return c.rows, err
		}
		l.batch.reset(c.buf)
	}
}

// lineAt is the line number of a place in buf.
func (c *csvReader) lineAt(i int) int64 {
	return c.line + int64(bytes.Count(c.buf[:i], []byte{'\n'})) + 1
}

// piece reads the records that end in this piece.
func (c *csvReader) piece() {
	valid := utf8.Valid(c.buf[c.pos:])
	for c.pos < len(c.buf) {
		start := c.pos
		if !c.record() {
			return
		}
		if len(c.fields) == 1 && c.fields[0] == (span{uint32(start), 0}) {
			continue // an empty line
		}
		c.rows++
		text := bytes.TrimRight(c.buf[start:c.pos], "\r\n")
		if why := c.wrong(text, valid); why != "" {
			c.b.reason = fmt.Sprintf("line %d: %s", c.lineAt(start), why)
		} else {
			c.put()
		}
		c.b.end(c.rows, text)
	}
}

// wrong says what is wrong with the record as a whole, if anything.
func (c *csvReader) wrong(text []byte, valid bool) string {
	switch {
	case c.damaged:
		return "text after a closing quote"
	case len(c.fields) != len(c.headers):
		return fmt.Sprintf("%d fields, want %d", len(c.fields), len(c.headers))
	case !valid && !utf8.Valid(text):
		return "not UTF-8"
	}
	return ""
}

func (c *csvReader) put() {
	for i, f := range c.fields {
		if c.target[i] >= 0 {
			c.b.put(c.target[i], f)
		} else if f.n > 0 {
			c.b.keepText(c.headers[i], f)
		}
	}
}

// csvHeader reads the first record and finds the columns it means.
func (l *landing) csvHeader(name string, c *csvReader) (err error) {
	if err := l.firstRecord(c); err != nil {
		return err
	}
	for _, f := range c.fields {
		h := string(bytes.TrimSpace(l.batch.bytes(f)))
		if !utf8.ValidString(h) || strings.Contains(h, "\x00") {
			return errors.New("line 1: the header is not UTF-8 text")
		}
		c.headers = append(c.headers, h)
	}
	if c.target, err = l.headers.match(c.headers); err != nil {
		return err
	}
	return l.startFile(name, c.headers)
}

// firstRecord reads the first record that is no empty line.
func (l *landing) firstRecord(c *csvReader) error {
	for {
		if err := c.more(); err != nil {
			return err
		}
		l.batch.reset(c.buf)
		for c.pos < len(c.buf) && (c.buf[c.pos] == '\n' || c.buf[c.pos] == '\r') {
			c.pos++
		}
		switch {
		case c.pos == len(c.buf) && c.eof:
			return errors.New("the file is empty; even an export without rows has a header")
		case c.pos < len(c.buf) && c.record():
			return nil
		case c.eof:
			return errors.New("line 1: the file ends within a quoted field of the header")
		}
	}
}
