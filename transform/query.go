package transform

import (
	"context"
	"errors"
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
	dir, err := os.MkdirTemp(o.Temp, "azledger-query-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	options := sessionOptions{dir: filepath.Join(dir, "database"), memory: o.Memory, threads: o.Threads, dialect: o.Dialect}
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
	return s.ask(ctx, sql, fn)
}
