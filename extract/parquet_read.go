package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Exports in Parquet have the columns of the CSV exports, matched by the same names,
// with types that differ between dataset versions: amounts are DECIMAL or DOUBLE,
// dates are timestamps, dates or text, tags are text or a map. Each value is written
// out as the text a CSV export would have and read from there, so that a number means
// the same whichever form it came in.
//
// A DOUBLE has no exact decimal meaning. The shortest text that gives the same double
// (0.1, not 0.1000000000000000055…) is what the writer had before it made a double of
// it; the columns where that was done are named in landed.Doubles.

// parquet lands a file that stands on disk under another name than it was served
// under. As after csv, an error leaves only abort.
func (l *landing) parquet(page int64, name, path string) (rows int64, err error) {
	r, err := openParquet(path)
	if err != nil {
		return 0, l.broken(fmt.Errorf("parquet(%s): %w", name, err))
	}
	defer r.Close()
	rows, err = l.parquetRows(page, name, r)
	if err != nil {
		return rows, l.broken(fmt.Errorf("parquet(%s): row %d: %w", name, rows+1, err))
	}
	return rows, nil
}

// openParquet opens a file and refuses what must not be read: DuckDB and others ship
// a Brotli decoder with a known hole, and no Azure export is compressed with it.
func openParquet(path string) (_ *file.Reader, err error) {
	defer recoverDamage(&err)
	r, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, fmt.Errorf("is no Parquet file (it should begin and end with PAR1): %w", err)
	}
	for g := range r.NumRowGroups() {
		group := r.MetaData().RowGroup(g)
		for i := range group.NumColumns() {
			chunk, err := group.ColumnChunk(i)
			if err == nil && chunk.Compression() == compress.Codecs.Brotli {
				err = errors.New("is compressed with brotli, which is not read; export it with snappy, or as CSV with gzip")
			}
			if err != nil {
				r.Close()
				return nil, err
			}
		}
	}
	return r, nil
}

// recoverDamage makes an error of a panic in the Parquet library: it panics on some
// files whose bytes do not fit together.
func recoverDamage(err *error) {
	if r := recover(); r != nil && *err == nil {
		*err = fmt.Errorf("damaged: %v", r)
	}
}

func (l *landing) parquetRows(page int64, name string, r *file.Reader) (rows int64, err error) {
	defer recoverDamage(&err)
	fr, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 2048}, memory.DefaultAllocator)
	if err != nil {
		return 0, err
	}
	target, headers, err := l.parquetHeader(name, fr)
	if err != nil {
		return 0, err
	}
	rr, err := fr.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return 0, err
	}
	defer rr.Release()
	for rr.Next() {
		if err := l.parquetBatch(page, rr.RecordBatch(), target, headers, rows); err != nil {
			return rows, err
		}
		rows += rr.RecordBatch().NumRows()
	}
	return rows, errIfCut(rr.Err(), rows, r.NumRows())
}

// parquetHeader finds the columns that the file's columns mean.
func (l *landing) parquetHeader(name string, fr *pqarrow.FileReader) (target []int, headers []string, err error) {
	schema, err := fr.Schema()
	if err != nil {
		return nil, nil, err
	}
	for _, f := range schema.Fields() {
		headers = append(headers, f.Name)
	}
	if target, err = l.headers.match(headers); err != nil {
		return nil, nil, err
	}
	return target, headers, l.startFile(name, headers)
}

func errIfCut(err error, rows, want int64) error {
	if err == nil && rows != want {
		err = fmt.Errorf("%d rows read, the footer says %d", rows, want)
	}
	return err
}

func (l *landing) parquetBatch(page int64, rec arrow.RecordBatch, target []int, headers []string, before int64) error {
	b := l.batch
	b.reset(nil)
	for i, col := range rec.Columns() {
		if target[i] >= 0 && isFloat(col.DataType()) && !slices.Contains(l.landed.Doubles, headers[i]) {
			l.landed.Doubles = append(l.landed.Doubles, headers[i])
		}
	}
	for row := range int(rec.NumRows()) {
		start := len(b.arena)
		for i, col := range rec.Columns() {
			at := len(b.arena)
			var err error
			if b.arena, err = appendValue(b.arena, col, row); err != nil {
				return fmt.Errorf("column %s: %w", headers[i], err)
			}
			if s := b.since(at); s.n == 0 {
				continue
			} else if target[i] >= 0 {
				b.put(target[i], s)
			} else {
				b.keepText(headers[i], s)
			}
		}
		text := b.arena[start:]
		if b.reason != "" {
			text, _ = rec.NewSlice(int64(row), int64(row)+1).MarshalJSON()
		}
		b.end(before+int64(row)+1, text)
	}
	return l.commit(page)
}

func isFloat(t arrow.DataType) bool {
	return t.ID() == arrow.FLOAT64 || t.ID() == arrow.FLOAT32 || t.ID() == arrow.FLOAT16
}

// appendValue appends a value's text; null has none.
func appendValue(dst []byte, col arrow.Array, row int) ([]byte, error) {
	if col.IsNull(row) {
		return dst, nil
	}
	switch c := col.(type) {
	case *array.String:
		return append(dst, c.Value(row)...), nil
	case *array.LargeString:
		return append(dst, c.Value(row)...), nil
	case *array.Binary:
		return append(dst, c.Value(row)...), nil
	case *array.Dictionary:
		return appendValue(dst, c.Dictionary(), c.GetValueIndex(row))
	case *array.Float64:
		return strconv.AppendFloat(dst, c.Value(row), 'g', -1, 64), nil
	case *array.Float32:
		return strconv.AppendFloat(dst, float64(c.Value(row)), 'g', -1, 32), nil
	case *array.Decimal128: // ValueStr would go through a big.Float and write 3.1e-05
		return append(dst, shortDecimal(c.Value(row).ToString(c.DataType().(arrow.DecimalType).GetScale()))...), nil
	case *array.Decimal256:
		return append(dst, shortDecimal(c.Value(row).ToString(c.DataType().(arrow.DecimalType).GetScale()))...), nil
	case *array.Decimal64:
		return append(dst, shortDecimal(decimal128.FromI64(int64(c.Value(row))).ToString(c.DataType().(arrow.DecimalType).GetScale()))...), nil
	case *array.Decimal32:
		return append(dst, shortDecimal(decimal128.FromI64(int64(c.Value(row))).ToString(c.DataType().(arrow.DecimalType).GetScale()))...), nil
	case *array.Date32:
		return c.Value(row).ToTime().AppendFormat(dst, time.DateOnly), nil
	case *array.Date64:
		return c.Value(row).ToTime().AppendFormat(dst, time.DateOnly), nil
	case *array.Timestamp:
		unit := c.DataType().(*arrow.TimestampType).Unit
		return c.Value(row).ToTime(unit).AppendFormat(dst, "2006-01-02T15:04:05.999999999Z"), nil
	case *array.Map:
		return appendMap(dst, c, row)
	case array.ListLike, *array.Struct:
		text, err := json.Marshal(c.GetOneForMarshal(row))
		return append(dst, text...), err
	}
	return append(dst, col.ValueStr(row)...), nil
}

// shortDecimal takes off the zeros that a column's scale adds: where a text is wanted, a
// CSV export has none.
func shortDecimal(digits string) string {
	if !strings.Contains(digits, ".") {
		return digits
	}
	return strings.TrimSuffix(strings.TrimRight(digits, "0"), ".")
}

// appendMap writes a map of text, which is how some writers keep tags, as an object.
func appendMap(dst []byte, c *array.Map, row int) ([]byte, error) {
	from, to := c.ValueOffsets(row)
	dst = append(dst, '{')
	for k := int(from); k < int(to); k++ {
		if k > int(from) {
			dst = append(dst, ',')
		}
		key, err := appendValue(nil, c.Keys(), k)
		if err != nil {
			return dst, err
		}
		dst = append(appendJSONString(dst, key), ':')
		if c.Items().IsNull(k) {
			dst = append(dst, "null"...)
			continue
		}
		value, err := appendValue(nil, c.Items(), k)
		if err != nil {
			return dst, err
		}
		dst = appendJSONString(dst, value)
	}
	return append(dst, '}'), nil
}
