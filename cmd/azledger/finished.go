package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/azledger/azledger/load"
	"github.com/azledger/azledger/transform"
)

// finishedSet is what transform left in the lake, as set.json says.
type finishedSet struct {
	AsOf   string `json:"as_of"`
	Tables []struct {
		Name    string
		Period  string
		Columns []transform.Column
		Files   []load.File
	}
}

func (c *config) finishedSet() (s finishedSet, err error) {
	name := filepath.Join(c.tables(), "set.json")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return s, errors.New("there are no finished tables yet: azledger run makes them")
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// files are the files of a table, below the folder of tables.
func (s finishedSet) files(table string) (files []load.File) {
	for _, t := range s.Tables {
		if t.Name == table {
			files = append(files, t.Files...)
		}
	}
	return files
}

// periods are the months of which a table has rows.
func (s finishedSet) periods(table string) (months []string) {
	for _, f := range s.files(table) {
		if f.Rows > 0 {
			months = append(months, f.Period)
		}
	}
	return months
}

// has tells whether a finished table has a column.
func (s finishedSet) has(table, column string) bool {
	for _, t := range s.Tables {
		if t.Name == table {
			return slices.ContainsFunc(t.Columns, func(c transform.Column) bool { return c.Name == column })
		}
	}
	return false
}

// finished are the paths of the files of a table in the set.
func (c *config) finished(table string) (paths []string, err error) {
	set, err := c.finishedSet()
	if err != nil {
		return nil, err
	}
	for _, f := range set.files(table) {
		paths = append(paths, filepath.Join(c.tables(), filepath.FromSlash(f.Path)))
	}
	return paths, nil
}

// finished brings the files of a table in the set within reach.
func (j *job) finished(ctx context.Context, table string) ([]string, error) {
	files, err := j.cfg.finished(table)
	if err != nil || j.mirror == nil {
		return files, err
	}
	return files, j.mirror.Fetch(ctx, files)
}

// finishedViews are the files of tables in the set.
func (j *job) finishedViews(ctx context.Context, tables ...string) (map[string][]string, error) {
	views := map[string][]string{}
	for _, t := range tables {
		files, err := j.finished(ctx, t)
		if err != nil {
			return nil, err
		}
		views[t] = files
	}
	return views, nil
}
