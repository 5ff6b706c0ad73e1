package azuresim

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Parquet exports hold numbers as DECIMAL(38, 18), days and times as timestamps and everything else as text. Digits beyond the 18th
// are rounded half to even, which is all that a Parquet export can hold of them.
var (
	parquetDecimal = &arrow.Decimal128Type{Precision: 38, Scale: 18}
	parquetDay     = &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "UTC"}
)

// parquetRows is the size of a row group.
const parquetRows = 20_000

func parquetSchema(columns []column) *arrow.Schema {
	var fields []arrow.Field
	for _, c := range columns {
		f := arrow.Field{Name: c.name, Type: arrow.BinaryTypes.String, Nullable: true}
		switch c.kind {
		case number:
			f.Type = parquetDecimal
		case date:
			f.Type = parquetDay
		case boolean:
			f.Type = arrow.FixedWidthTypes.Boolean
		}
		fields = append(fields, f)
	}
	return arrow.NewSchema(fields, nil)
}

// writeParquet writes up to limit rows.
func writeParquet(ctx context.Context, out io.Writer, c rower, columns []column, limit int) (int, error) {
	schema := parquetSchema(columns)
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy))
	file, err := pqarrow.NewFileWriter(schema, out, properties, pqarrow.DefaultWriterProps())
	if err != nil {
		return 0, fmt.Errorf("parquet: %w", err)
	}
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	rows := 0
	var r row
	var text []byte
	for rows < limit && c.next(&r) {
		for i := range columns {
			text = columns[i].text(&r, text[:0])
			if err := appendArrow(builder.Field(i), columns[i].kind, text); err != nil {
				return rows, fmt.Errorf("parquet column %s: %w", columns[i].name, err)
			}
		}
		if rows++; rows%parquetRows == 0 {
			if err := flushArrow(ctx, file, builder); err != nil {
				return rows, err
			}
		}
	}
	if err := flushArrow(ctx, file, builder); err != nil {
		return rows, err
	}
	return rows, file.Close()
}

func flushArrow(ctx context.Context, file *pqarrow.FileWriter, builder *array.RecordBuilder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	record := builder.NewRecordBatch()
	defer record.Release()
	if err := file.Write(record); err != nil {
		return fmt.Errorf("parquet row group: %w", err)
	}
	return nil
}

func appendArrow(b array.Builder, k kind, text []byte) error {
	if len(text) == 0 {
		b.AppendNull()
		return nil
	}
	switch k {
	case number:
		v, err := parseAmount(string(text))
		if err != nil {
			return err
		}
		v = v.rounded()
		hi, lo, negative := v.abs()
		hi, lo = divEven(0, hi, lo, 1000)
		n := decimal128.New(int64(hi), lo)
		if negative {
			n = n.Negate()
		}
		b.(*array.Decimal128Builder).Append(n)
	case date:
		if at, err := time.Parse(time.RFC3339, string(text)); err == nil {
			b.(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMilli()))
			return nil
		}
		t, err := parseDay(string(text))
		if err != nil {
			return err
		}
		b.(*array.TimestampBuilder).Append(arrow.Timestamp(int64(t) * 86_400_000))
	case boolean:
		b.(*array.BooleanBuilder).Append(strings.EqualFold(string(text), "true"))
	default:
		b.(*array.StringBuilder).Append(string(text))
	}
	return nil
}
