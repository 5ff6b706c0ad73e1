package extract

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// A price is a record of a raw file of list prices: its columns as text, without the null
// ones and those that tell where it stands.
type price map[string]string

func (p price) join(columns []string) string {
	var key strings.Builder
	for _, c := range columns {
		key.WriteString(p[c])
		key.WriteByte(0)
	}
	return key.String()
}

// A priceFile is read from its first price to its last. They are in the order of meters.
type priceFile struct {
	file  *file.Reader
	rows  pqarrow.RecordReader
	names map[string]bool // columns that are read
	batch []price
	err   error
}

func openPrices(ctx context.Context, path string) (*priceFile, error) {
	r, err := openParquet(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	records, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 1024}, memory.DefaultAllocator)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	rows, err := records.GetRecordReader(ctx, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f := &priceFile{file: r, rows: rows, names: map[string]bool{}}
	for _, field := range rows.Schema().Fields() {
		f.names[field.Name] = !strings.HasPrefix(field.Name, "_")
	}
	return f, nil
}

// share leaves out the columns that the other file does not have: a newer azledger may know
// more, which is no change of the price.
func (f *priceFile) share(other *priceFile) {
	for _, name := range slices.Concat(slices.Collect(maps.Keys(f.names)), slices.Collect(maps.Keys(other.names))) {
		both := f.names[name] && other.names[name]
		f.names[name], other.names[name] = both, both
	}
}

func (f *priceFile) close() {
	f.rows.Release()
	_ = f.file.Close() // was only read
}

// meter is that of the next price; false at the end, or after an error.
func (f *priceFile) meter() (meter [16]byte, ok bool) {
	for len(f.batch) == 0 && f.err == nil {
		if !f.rows.Next() {
			f.err = f.rows.Err()
			return meter, false
		}
		f.err = f.read()
	}
	if f.err != nil {
		return meter, false
	}
	return meterOrder(f.batch[0]["meterId"]), true
}

func (f *priceFile) read() (err error) {
	defer recoverDamage(&err)
	batch := f.rows.RecordBatch()
	for row := range int(batch.NumRows()) {
		p := price{}
		for i, field := range batch.Schema().Fields() {
			text, err := appendValue(nil, batch.Column(i), row)
			if err != nil {
				return fmt.Errorf("column %s: %w", field.Name, err)
			}
			if len(text) > 0 && f.names[field.Name] {
				p[field.Name] = string(text)
			}
		}
		f.batch = append(f.batch, p)
	}
	return nil
}

// take takes the prices of a meter.
func (f *priceFile) take(meter [16]byte) []price {
	var taken []price
	for {
		next, ok := f.meter()
		if !ok || next != meter {
			return taken
		}
		taken, f.batch = append(taken, f.batch[0]), f.batch[1:]
	}
}
