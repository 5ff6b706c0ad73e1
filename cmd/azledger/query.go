package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/load"
	"github.com/azledger/azledger/sql"
	"github.com/azledger/azledger/transform"
)

func (a *app) queryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "query <select>",
		Short: "Ask the published tables a question in SQL",
		Args:  cobra.ExactArgs(1),
		RunE:  func(c *cobra.Command, args []string) error { return a.query(c.Context(), args[0]) },
	}
	a.formatFlag(c)
	return c
}

func (a *app) query(ctx context.Context, text string) error {
	if err := a.checkFormat(); err != nil {
		return err
	}
	cfg, err := loadConfig(a.configPath, a.env)
	if err != nil {
		return err
	}
	store, manifest, err := cfg.published(ctx)
	if err != nil {
		return err
	}
	views, err := cfg.views(ctx, store, manifest, text)
	if err != nil {
		return err
	}
	err = cfg.ask(ctx, views, text, func(columns []column) printer { return formats[a.format](a.out, columns) })
	if err == nil || ctx.Err() != nil {
		return err
	}
	return errors.Join(cfg.inOurWords(err), damaged(ctx, store, manifest, views, err))
}

// ask runs a query over views and prints its rows.
func (c *config) ask(ctx context.Context, views map[string][]string, text string, open func([]column) printer) error {
	var p printer
	err := c.answer(ctx, views, text, func(infos []transform.ColumnInfo, row []string, null []bool) error {
		if p == nil {
			p = open(printed(infos))
		}
		if row == nil {
			return nil
		}
		return p.row(row, null)
	})
	if err != nil {
		return err
	}
	return p.close()
}

// eachRow calls fn for each row of an answer.
func (c *config) eachRow(ctx context.Context, views map[string][]string, text string, fn func(row []string) error) error {
	return c.answer(ctx, views, text, func(_ []transform.ColumnInfo, row []string, _ []bool) error {
		if row == nil {
			return nil
		}
		return fn(row)
	})
}

// answer calls fn for each row of an answer, once with nil where there is none, so that its columns are known. The
// query may use the functions that the models use.
func (c *config) answer(ctx context.Context, views map[string][]string, text string, fn func([]transform.ColumnInfo, []string, []bool) error) error {
	o, err := c.queryOptions(views)
	if err != nil {
		return err
	}
	return transform.Query(ctx, o, text, fn)
}

func (c *config) queryOptions(views map[string][]string) (transform.QueryOptions, error) {
	functions, err := sql.FS.ReadFile("dialect/duckdb.sql")
	if err != nil {
		return transform.QueryOptions{}, err
	}
	empty, err := emptyTables(views)
	return transform.QueryOptions{
		Views: views, Empty: empty, Dialect: string(functions), Temp: c.Limits.Temp, Memory: c.Limits.Memory, Threads: c.Limits.Threads,
	}, err
}

// emptyTables are the columns of published tables that have no file, because they have no
// row: list prices that never changed.
func emptyTables(views map[string][]string) (map[string][]transform.Column, error) {
	empty := map[string][]transform.Column{}
	for name, files := range views {
		if len(files) > 0 {
			continue
		}
		models, err := models()
		if err != nil {
			return nil, err
		}
		if m := modelNamed(models, name); m != nil {
			empty[name] = m.Columns
		}
	}
	return empty, nil
}

var numeric = regexp.MustCompile(`(?i)^(u?(tiny|small|big|huge)?int(eger)?|decimal.*|double|float)$`)

// small are the numbers that readers of JSON take as they are. Decimals and integers of
// 128 bits are not: most readers turn numbers into fractions of 53 bits.
var small = regexp.MustCompile(`(?i)^(u?(tiny|small|big)?int(eger)?|double|float)$`)

func printed(infos []transform.ColumnInfo) []column {
	columns := make([]column, len(infos))
	for i, info := range infos {
		columns[i] = column{
			name: info.Name, number: numeric.MatchString(info.Type),
			bare: strings.EqualFold(info.Type, "boolean") || small.MatchString(info.Type),
		}
	}
	return columns
}

// views brings the tables that the query may mean within reach. A table in a container
// is copied below the lake first, so those that the text does not mention are left out.
func (c *config) views(ctx context.Context, store load.Store, m load.Manifest, text string) (map[string][]string, error) {
	views := map[string][]string{}
	if err := c.ownFolder(); err != nil {
		return nil, err
	}
	for _, t := range m.Tables {
		if !mentions(text, t.Name) {
			continue
		}
		views[t.Name] = nil
		for _, f := range t.Files {
			path, err := load.Fetch(ctx, store, f, filepath.Join(c.Lake, "cache"))
			if err != nil {
				return nil, fmt.Errorf("table %s: %w", t.Name, err)
			}
			views[t.Name] = append(views[t.Name], path)
		}
	}
	return views, nil
}

// mentions tells whether the table's name stands in the query as a word.
func mentions(text, table string) bool {
	return regexp.MustCompile(`(?i)\b` + regexp.QuoteMeta(table) + `\b`).MatchString(text)
}
