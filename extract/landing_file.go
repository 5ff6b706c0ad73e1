package extract

import (
	"archive/zip"
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// Files of reports come as CSV, gzip, zip, Parquet or JSON, and neither their names nor
// the answers that lead to them say reliably which. Their first bytes do.

// entriesOfPart is how many entries of a zip file have page numbers: entry 2 of part 1
// is page 10002.
const entriesOfPart = 10_000

// file lands a file of any of these kinds and counts its bytes as received. A zip file's
// entries are landed in the order of their names, each as a file with a header of its
// own. Nothing is held in memory but a piece of it.
func (l *landing) file(ctx context.Context, number int64, name string, f *os.File) (rows int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var magic [4]byte
	n, err := f.ReadAt(magic[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	l.received += info.Size()
	counted := &countingReader{ctx: ctx, r: io.NewSectionReader(f, 0, info.Size())}
	switch head := string(magic[:n]); {
	case head == "PK\x03\x04" || head == "PK\x05\x06":
		return l.zip(ctx, number, name, f, info.Size())
	case head == "PAR1":
		return l.parquet(number, name, f.Name())
	}
	return l.text(number, name, counted)
}

// zip lands the entries of a zip file.
func (l *landing) zip(ctx context.Context, number int64, name string, f io.ReaderAt, size int64) (rows int64, err error) {
	archive, err := zip.NewReader(f, size)
	if err != nil {
		return 0, l.broken(fmt.Errorf("zip(%s): %w", name, err))
	}
	entries := slices.DeleteFunc(archive.File, func(e *zip.File) bool { return strings.HasSuffix(e.Name, "/") })
	slices.SortFunc(entries, func(a, b *zip.File) int { return cmp.Compare(a.Name, b.Name) })
	if len(entries) == 0 || len(entries) >= entriesOfPart {
		return 0, l.broken(fmt.Errorf("zip(%s): it holds %d files, want 1 to %d", name, len(entries), entriesOfPart-1))
	}
	for i, e := range entries {
		n, err := l.zipEntry(ctx, number*entriesOfPart+int64(i+1), e)
		if err != nil {
			return rows, l.broken(fmt.Errorf("zip(%s): %w", name, err))
		}
		rows += n
	}
	return rows, nil
}

func (l *landing) zipEntry(ctx context.Context, number int64, e *zip.File) (int64, error) {
	body, err := e.Open()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", e.Name, err)
	}
	defer body.Close()
	r := bufio.NewReader(&countingReader{ctx: ctx, r: body})
	if magic, _ := r.Peek(4); string(magic) == "PAR1" {
		return landParquet(l, number, e.Name, r)
	}
	return l.text(number, e.Name, r)
}

// text lands CSV or JSON, as it is or in gzip.
func (l *landing) text(number int64, name string, r io.Reader) (rows int64, err error) {
	text, stop, err := openCSV(r)
	if err != nil {
		return 0, l.broken(fmt.Errorf("file(%s): %w", name, err))
	}
	defer stop()
	kind := "csv"
	if isJSON(text) {
		kind = "json"
		rows, err = l.jsonFile(number, name, text)
	} else {
		rows, err = l.csvRows(number, name, &csvReader{r: text, b: l.batch})
	}
	if err != nil {
		return rows, l.broken(fmt.Errorf("%s(%s): %w", kind, name, err))
	}
	return rows, nil
}

// isJSON tells JSON by its first byte. No CSV header begins with a bracket.
func isJSON(r *bufio.Reader) bool { return opensWith(r, '{') || opensWith(r, '[') }

// opensWith tells whether c is the first byte that is no blank.
func opensWith(r *bufio.Reader, c byte) bool {
	for n := 1; ; n++ {
		head, err := r.Peek(n)
		if err != nil {
			return false
		}
		if !strings.ContainsRune(" \t\r\n", rune(head[n-1])) {
			return head[n-1] == c
		}
	}
}

// jsonFile lands a file of JSON records: one array of them, or one after the other. Their
// keys are matched to columns as the headers of a CSV file are; those of one record need
// not be those of the next.
func (l *landing) jsonFile(page int64, name string, r *bufio.Reader) (rows int64, err error) {
	bounded := &boundedReader{r: r, left: csvMaxRecord}
	f := &jsonRecords{landing: l, d: json.NewDecoder(bounded), name: name, file: bounded, array: opensWith(r, '[')}
	if f.array {
		if _, err := f.d.Token(); err != nil {
			return 0, err
		}
	}
	for {
		l.batch.reset(nil)
		for len(l.batch.arena) < csvPiece && l.batch.rows+len(l.batch.rejects) < recordsOfBatch && f.d.More() {
			if err := f.record(); err != nil {
				return f.rows, fmt.Errorf("record %d: %w", f.rows+1, err)
			}
		}
		if err := l.commit(page); err != nil {
			return f.rows, err
		}
		if !f.d.More() {
			return f.rows, f.end()
		}
	}
}

const recordsOfBatch = 2048

// jsonRecords takes the records of a file apart.
type jsonRecords struct {
	*landing
	d      *json.Decoder
	file   *boundedReader
	name   string
	array  bool
	rows   int64
	keys   []string // of the record before
	target []int    // column of each key, -1 for _extra
}

// end makes sure that nothing is missing or left over.
func (f *jsonRecords) end() error {
	if f.array {
		if _, err := f.d.Token(); err != nil {
			return cutError(err)
		}
	}
	if _, err := f.d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("after record %d: want the end of the file (%w)", f.rows, cmp.Or(err, errors.New("there is more")))
	}
	return nil
}

func (f *jsonRecords) record() error {
	f.file.left = csvMaxRecord
	var text json.RawMessage
	if err := f.d.Decode(&text); err != nil {
		return cutError(err)
	}
	keys, values, err := members(text)
	if err != nil {
		return err
	}
	if err := f.match(keys); err != nil {
		return err
	}
	b := f.batch
	if !utf8.Valid(text) {
		b.reason, values = "not UTF-8", nil
	}
	for i, v := range values {
		at := len(b.arena)
		b.arena = append(b.arena, jsonText(v)...)
		s := b.since(at)
		if s.n == 0 {
			continue
		}
		if f.target[i] >= 0 {
			b.put(f.target[i], s)
		} else {
			b.keepText(keys[i], s)
		}
	}
	f.rows++
	b.end(f.rows, text)
	return nil
}

// match finds the columns of a record's keys. The first record's are the file's header.
func (f *jsonRecords) match(keys []string) error {
	if f.keys != nil && slices.Equal(keys, f.keys) {
		return nil
	}
	target, err := f.headers.match(keys)
	if target == nil || err != nil && f.keys == nil {
		return err
	}
	if f.keys == nil {
		if err := f.startFile(f.name, keys); err != nil {
			return err
		}
		f.batch.strict = true // a later record may lack what the first one has
	}
	f.keys, f.target = keys, target
	return nil
}

// members are the keys and values of an object in their order.
func members(text json.RawMessage) (keys []string, values []json.RawMessage, err error) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, fmt.Errorf("found %q, want an object", short(text))
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, nil, err
		}
		keys, values = append(keys, key.(string)), append(values, value)
	}
	return keys, values, nil
}

// jsonText is a value as a CSV file would have it: null is nothing, text has no quotes.
func jsonText(v json.RawMessage) string {
	if string(v) == "null" {
		return ""
	}
	return textOf(v)
}

// A boundedReader refuses to read more than left, which is set anew for each record: one
// that does not end must not fill the memory.
type boundedReader struct {
	r    io.Reader
	left int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a record of more than %d bytes; is a quote not closed?", csvMaxRecord)
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
