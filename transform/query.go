package transform

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// QueryOptions say which tables a query sees and what it may use.
type QueryOptions struct {
	Views   map[string][]string // table → its Parquet files; a table without files is left out
	Empty   map[string][]Column // tables that have no rows
	Dialect string              // the text of dialect/duckdb.sql, for our functions; "" does without
	Temp    string              // folder for what does not fit in memory; "" is the system's
	Memory  string              // "" is 2GB
	Threads int                 // 0 is one per core

	writable string // a folder that may be written to
}

// ColumnInfo is a column of an answer.
type ColumnInfo struct {
	Name string
	Type string // as the engine writes it: DECIMAL(38,18)
}

// Query asks published tables one question and calls fn for every row of the answer, with values as
// text: decimals with all their places, dates as 2026-10-31. Where null[i] is set the value is
// unknown and its text empty. fn is called once with a nil row where there is no row, so that the
// columns are known. Nothing can be written, and no file seen but those of the tables.
func Query(ctx context.Context, o QueryOptions, sql string, fn func(columns []ColumnInfo, row []string, null []bool) error) (err error) {
	return withViews(ctx, o, func(s *session) error { return s.ask(ctx, sql, fn) })
}

// SaveRows writes the answer to a question about published tables as a Parquet file, in the order the
// question asks for, and returns the number of its rows. The same rows are the same bytes.
func SaveRows(ctx context.Context, o QueryOptions, sql, path string) (rows int64, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return 0, err
	}
	o.Threads, o.writable = 1, filepath.Dir(path)
	err = withViews(ctx, o, func(s *session) error {
		return s.value(ctx, "copy ("+sql+") to "+quote(path)+" (format parquet, compression zstd, compression_level 3, use_tmp_file false)", &rows)
	})
	switch {
	case isDiskFull(err):
		return 0, fmt.Errorf("the disk of %s is full: free some space and do it again: %w", filepath.Dir(path), err)
	case err != nil:
		return 0, err
	}
	return rows, syncFile(path)
}

// withViews opens a database that sees the tables of o.
func withViews(ctx context.Context, o QueryOptions, fn func(*session) error) (err error) {
	dir, err := os.MkdirTemp(o.Temp, "azledger-query-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	options := sessionOptions{dir: filepath.Join(dir, "database"), memory: o.Memory, threads: o.Threads, dialect: o.Dialect}
	if o.writable != "" {
		options.readable = []string{o.writable}
	}
	views := map[string][]file{}
	for table, paths := range o.Views {
		for _, path := range paths {
			if path, err = filepath.Abs(path); err != nil {
				return err
			}
			options.files = append(options.files, path)
			views[table] = append(views[table], file{Path: path})
		}
	}
	s, err := openSession(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for table, files := range views {
		if err := s.fileView(ctx, table, files); err != nil {
			return err
		}
	}
	for table, columns := range o.Empty {
		if err := s.emptyTable(ctx, table, columns); err != nil {
			return err
		}
	}
	return fn(s)
}
