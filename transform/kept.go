package transform

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Kept is a file of one of our tables as it was at an earlier time: [Closed], of a month signed off,
// or [Previous], of an earlier run. A model reads them as closed_<table> and previous_<table>, with
// the columns the table has today: what an old file lacks is null, what only it has is not seen.
// Where nothing is kept the relation is empty. Reading it is no edge of the build order, so a table
// may be compared with what it was.
type Kept struct {
	Relation string // Closed or Previous
	Table    string
	Period   string // yyyy-mm; "": every piece of a reader sees it
	Path     string // below the lake, with slashes
	Rows     int64
	Bytes    int64
	SHA256   string
}

// The relations of what is kept.
const (
	Closed   = "closed"
	Previous = "previous"
)

var keptRelations = []string{Closed, Previous}

// keptTable splits the name of a relation of kept rows into what it is and the table; both are ""
// for any other name.
func keptTable(read string) (relation, table string) {
	relation, table, _ = strings.Cut(read, "_")
	if table == "" || !slices.Contains(keptRelations, relation) {
		return "", ""
	}
	return relation, table
}

func isKept(read string) bool {
	relation, _ := keptTable(read)
	return relation != ""
}

// checkKept refuses files that no model could read.
func (r *runner) checkKept() error {
	for _, k := range r.Kept {
		switch {
		case !slices.Contains(keptRelations, k.Relation):
			return fmt.Errorf("%s: kept as %q; there are %s", k.Path, k.Relation, strings.Join(keptRelations, " and "))
		case k.Period != "" && !month.MatchString(k.Period):
			return fmt.Errorf("%s: kept for the period %q, which is not yyyy-mm", k.Path, k.Period)
		case !filepath.IsLocal(filepath.FromSlash(k.Path)):
			return fmt.Errorf("%s: kept, but not below the lake", k.Path)
		}
	}
	return nil
}

// keptFiles are the files of a relation that a piece sees: those of its period, or all.
func (r *runner) keptFiles(read string, p piece) (files []file) {
	relation, table := keptTable(read)
	for _, k := range r.keptOf(relation) {
		if k.Relation != relation || k.Table != table || p.period != "" && k.Period != "" && k.Period != p.period {
			continue
		}
		files = append(files, file{
			Path: filepath.Join(r.Lake, filepath.FromSlash(k.Path)), Rows: k.Rows, Bytes: k.Bytes, SHA256: k.SHA256,
		})
	}
	return files
}

// keptOf are the files kept of a relation: those the caller gives, and of the run before, which is
// remembered here, those it does not give.
func (r *runner) keptOf(relation string) []Kept {
	if relation == Previous && !r.givesPrevious() {
		return r.base().kept
	}
	return r.Kept
}

func (r *runner) keptPeriods(read string) (periods []string) {
	relation, table := keptTable(read)
	for _, k := range r.Kept {
		if k.Relation == relation && k.Table == table && k.Period != "" {
			periods = append(periods, k.Period)
		}
	}
	if relation == Previous && !r.givesPrevious() {
		periods = append(periods, r.pastPeriods(table)...)
	}
	return periods
}

// closedPieces are the files of a published table that stand in the set as they were signed off, whatever
// the table would be today. A table that a closed month does not know yet is published as it is built.
func (r *runner) closedPieces(m *Model) (parts []setPart) {
	for _, k := range r.Kept {
		if m.Published() && m.Period != "" && k.Relation == Closed && k.Table == m.Name && k.Period != "" {
			parts = append(parts, setPart{Period: k.Period, file: file{Path: "../" + k.Path, Rows: k.Rows, Bytes: k.Bytes, SHA256: k.SHA256}})
		}
	}
	return parts
}

func isSignedOff(closed []setPart, period string) bool {
	return slices.ContainsFunc(closed, func(part setPart) bool { return part.Period == period })
}

// keptView makes a table of files of several ages. Each is read by itself: columns unified by the
// engine over files of different types could leave the exact ones.
func (s *session) keptView(ctx context.Context, name string, columns []Column, files []file) error {
	present, err := s.fileColumns(ctx, files)
	if err != nil {
		return err
	}
	var parts []string
	for _, f := range files {
		var selected []string
		for _, c := range columns {
			value := "null"
			if present[[2]string{f.Path, c.Name}] {
				value = ident(c.Name)
			}
			selected = append(selected, fmt.Sprintf("cast(%s as %s) as %s", value, c.Type, ident(c.Name)))
		}
		parts = append(parts, "select "+strings.Join(selected, ", ")+" from "+parquet([]file{f}))
	}
	return s.exec(ctx, fmt.Sprintf("create view work.%s as %s", ident(name), strings.Join(parts, " union all ")))
}

// fileColumns are the columns each file has, as pairs of path and name.
func (s *session) fileColumns(ctx context.Context, files []file) (map[[2]string]bool, error) {
	rows, err := s.texts(ctx, "select file_name, name from parquet_schema("+paths(files)+") where duckdb_type is not null")
	present := map[[2]string]bool{}
	for _, row := range rows {
		present[[2]string{row[0].String, row[1].String}] = true
	}
	return present, err
}

// errKept is what is wrong with a relation of kept rows that no table stands behind.
func errKept(m *Model, read string) error {
	relation, table := keptTable(read)
	return errors.New(m.Path + ": reads " + read + ", but no model makes " + table + ", of which " + relation + " rows could be")
}
