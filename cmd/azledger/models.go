package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/sql"
	"github.com/azledger/azledger/transform"
)

func (a *app) modelsCommand() *cobra.Command {
	all := false
	c := &cobra.Command{
		Use:   "models [table]",
		Short: "List the published tables, or describe one: its columns, its grain, what it is made from",
		Args:  cobra.MaximumNArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return a.models(args, all) },
	}
	c.Flags().BoolVar(&all, "all", false, "list the steps on the way to the published tables too")
	a.formatFlag(c)
	return c
}

func (a *app) models(args []string, all bool) error {
	if err := a.checkFormat(); err != nil {
		return err
	}
	models, err := models()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return a.listModels(models, all)
	}
	m := modelNamed(models, args[0])
	if m == nil {
		return usagef("%q is no table; azledger models --all lists them", args[0])
	}
	return a.describeModel(m, models)
}

// models are those of this program.
func models() ([]*transform.Model, error) { return transform.Load(sql.FS) }

// modelNamed finds a model, nil where there is none.
func modelNamed(models []*transform.Model, name string) *transform.Model {
	for _, m := range models {
		if m.Name == name {
			return m
		}
	}
	return nil
}

func (a *app) listModels(models []*transform.Model, all bool) error {
	columns := []column{{name: "table"}, {name: "columns", number: true, bare: true}, {name: "grain", wrap: 50}, {name: "one row is", wrap: 70}}
	var rows [][]string
	for _, m := range models {
		if all || m.Published() {
			rows = append(rows, []string{m.Name, strconv.Itoa(len(m.Columns)), strings.Join(m.Grain, ", "), strings.TrimPrefix(m.Doc, m.Name+" is ")})
		}
	}
	slices.SortFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	return a.print(columns, rows)
}

// describeModel prints one table: for programs its columns alone.
func (a *app) describeModel(m *transform.Model, models []*transform.Model) error {
	rows := make([][]string, len(m.Columns))
	for i, c := range m.Columns {
		rows[i] = []string{c.Name, c.Type, c.Doc}
	}
	columns := []column{{name: "column"}, {name: "type"}, {name: "meaning", wrap: 90}}
	if a.format != "table" {
		return a.print(columns, rows)
	}
	fmt.Fprintf(a.out, "%s\n\n", strings.TrimSpace(m.Text))
	a.fact("grain", m.Grain)
	a.fact("period", strings.Fields(m.Period))
	a.fact("reads", m.Reads)
	a.fact("sources", sourcesOf(m, models))
	a.fact("read by", readersOf(m, models))
	fmt.Fprintln(a.out)
	if err := a.print(columns, rows); err != nil {
		return err
	}
	a.rules("Every row:", m.Checks)
	a.rules("The table:", m.Totals)
	return nil
}

func (a *app) fact(name string, values []string) {
	if len(values) > 0 {
		fmt.Fprintf(a.out, "%-9s%s\n", name, strings.Join(values, ", "))
	}
}

func (a *app) rules(title string, rules []transform.Rule) {
	if len(rules) == 0 {
		return
	}
	fmt.Fprintf(a.out, "\n%s\n", title)
	for _, r := range rules {
		fmt.Fprintf(a.out, "  %s\n", strings.Join(strings.Fields(r.SQL), " "))
	}
}

// sourcesOf follows what a table reads down to the sources.
func sourcesOf(m *transform.Model, models []*transform.Model) []string {
	found := map[string]bool{}
	var visit func(m *transform.Model)
	visit = func(m *transform.Model) {
		for _, read := range m.Reads {
			if source, ok := strings.CutPrefix(read, "raw_"); ok && slices.Contains(sourceNames(), source) {
				found[source] = true
			}
			if read := modelNamed(models, read); read != nil {
				visit(read)
			}
		}
	}
	visit(m)
	return slices.Sorted(maps.Keys(found))
}

// readersOf are the tables made directly from this one.
func readersOf(m *transform.Model, models []*transform.Model) []string {
	found := map[string]bool{}
	for _, o := range models {
		if slices.Contains(o.Reads, m.Name) {
			found[o.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
