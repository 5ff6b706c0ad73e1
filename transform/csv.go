package transform

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

// csvTable makes work.<name> of a CSV file with exactly the given columns. With missing, columns
// that the file lacks are null; without, they are an error, as an unknown one always is.
func (s *session) csvTable(ctx context.Context, name, file string, columns []Column, missing bool) error {
	header, err := checkCSV(file, columns, missing)
	if err != nil {
		return err
	}
	var typed []Column
	for _, h := range header {
		typed = append(typed, columns[columnIndex(columns, h)])
	}
	if err := s.csvFile(ctx, name, file, columns, typed); err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	return nil
}

// exactDecimal is what DECIMAL(38, 18) holds; the engine would round the rest away without a word.
var exactDecimal = regexp.MustCompile(`^[+-]?\d{1,20}(\.\d{0,18})?$`)

// checkCSV reads a file through for what the engine does not complain of, and returns its header.
func checkCSV(file string, columns []Column, missing bool) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	record, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:1: there is no header line", file)
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	header := slices.Clone(record)
	if err := checkCSVHeader(header, columns, missing); err != nil {
		return nil, fmt.Errorf("%s:1: %w", file, err)
	}
	decimal := make([]bool, len(header))
	for i, h := range header {
		decimal[i] = strings.HasPrefix(columns[columnIndex(columns, h)].Type, "decimal")
	}
	for {
		if record, err = r.Read(); errors.Is(err, io.EOF) {
			return header, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for i, value := range record {
			if decimal[i] && value != "" && !exactDecimal.MatchString(value) {
				line, _ := r.FieldPos(i)
				return nil, fmt.Errorf("%s:%d: %s: %q is no decimal of at most 18 places", file, line, header[i], value)
			}
		}
	}
}

func checkCSVHeader(header []string, columns []Column, missing bool) error {
	for i, h := range header {
		switch {
		case !hasColumn(columns, h):
			return fmt.Errorf("there is no column %q; there are %s", h, strings.Join(columnNames(columns), ", "))
		case slices.Contains(header[:i], h):
			return fmt.Errorf("the column %s stands twice", h)
		}
	}
	for _, c := range columns {
		if !missing && !slices.Contains(header, c.Name) {
			return fmt.Errorf("the column %s is missing", c.Name)
		}
	}
	return nil
}

func columnNames(columns []Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

// readRows reads a small CSV file whole, the header line first. No field of it is told to be null.
func readRows(path string) (rows [][]string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = cmp.Or(err, f.Close()) }()
	if rows, err = csv.NewReader(f).ReadAll(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: has no header line", path)
	}
	return rows, nil
}
