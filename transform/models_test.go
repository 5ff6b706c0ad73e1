package transform

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// shipped are the models of the program, by name.
func shipped(t *testing.T) map[string]*Model {
	t.Helper()
	models, err := Load(os.DirFS("../sql"))
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]*Model{}
	for _, m := range models {
		set[m.Name] = m
	}
	return set
}

// A rule may ask for any column of cost_and_usage with texts or with true and false, and int_charge_condition spells
// out each by hand. A column that was forgotten there would fit no pattern, and nobody would be told.
func TestConditionsKnowEveryColumn(t *testing.T) {
	set := shipped(t)
	query := set["int_charge_condition"].Query
	for _, c := range set["cost_and_usage"].Columns {
		value := "cost_and_usage." + c.Name
		switch c.Type {
		case "varchar":
		case "boolean":
			value = "cast(" + value + " as varchar)"
		default:
			continue
		}
		if want := fmt.Sprintf("when '%s' then coalesce(%s, '')", c.Name, value); !strings.Contains(query, want) {
			t.Errorf("int_charge_condition has no line\n%s", want)
		}
	}
}

// A number of a published table can be followed down. Where the header does not say how, columns of equal name lead
// on, which is the truth only where a row of the table is a row of the one table it reads.
func TestPublishedTablesSayWhatTheyAreMadeOf(t *testing.T) {
	set := shipped(t)
	for _, m := range set {
		if !m.Published() || slices.ContainsFunc(m.Edges, func(e Edge) bool { return e.Made }) {
			continue
		}
		var read []string
		for _, name := range m.Reads {
			if set[name] != nil {
				read = append(read, name)
			}
		}
		if len(read) != 1 {
			t.Errorf("%s reads %s, and no line from: says of which rows its own are made", m.Path, strings.Join(read, ", "))
			continue
		}
		if e := defaultEdge(m, read[0], set[read[0]].Columns); len(e) == 0 || !slices.Equal(e[0].On, m.Grain) {
			t.Errorf("%s: %s has not all the columns of its grain, and no line from: says of which rows its own are made", m.Path, read[0])
		}
	}
}
