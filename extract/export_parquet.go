package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// A Parquet file is read from its end, so one that comes as a stream is put on disk
// first, in dir.
func onDisk(dir, name string, r io.Reader) (file string, err error) {
	f, err := os.CreateTemp(dir, "export-*.parquet")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("file %s: %w", name, err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// landParquet lands a Parquet export that comes as a stream.
func landParquet(l *landing, number int64, name string, r io.Reader) (int64, error) {
	file, err := onDisk(l.dir, name, r)
	if err != nil {
		return 0, err
	}
	defer os.Remove(file)
	rows, err := l.parquet(number, name, file)
	if err != nil {
		return rows, fmt.Errorf("file %s: %w", name, err)
	}
	return rows, nil
}

// parquet looks at a Parquet export without manifest, as csv does.
func (s *inspected) parquet(served io.Reader) (err error) {
	file, err := onDisk("", s.name, served)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	r, err := openParquet(file)
	if err != nil {
		return err
	}
	defer r.Close()
	defer recoverDamage(&err)
	records, err := pqarrow.NewFileReader(r, pqarrow.ArrowReadProperties{BatchSize: 2048}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	rows, err := records.GetRecordReader(context.Background(), nil, nil)
	if err != nil {
		return err
	}
	defer rows.Release()
	var header []string
	for _, f := range rows.Schema().Fields() {
		header = append(header, f.Name)
	}
	if s.header, err = recognise(header); err != nil {
		return err
	}
	for rows.Next() {
		if err := s.addRecords(header, rows.RecordBatch()); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *inspected) addRecords(header []string, batch arrow.RecordBatch) error {
	line := make([]string, len(header))
	for row := range int(batch.NumRows()) {
		for i := range line {
			text, err := appendValue(nil, batch.Column(i), row)
			if err != nil {
				return fmt.Errorf("column %s: %w", header[i], err)
			}
			line[i] = string(text)
		}
		s.add(line)
	}
	return nil
}
