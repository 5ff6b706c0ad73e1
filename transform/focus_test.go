package transform

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cost_and_usage takes the charges of FOCUS exports by position. Two columns of one type that change
// places would not fail there.
func TestFocusChargesHaveTheColumnsOfCostAndUsage(t *testing.T) {
	models, err := Load(os.DirFS("../sql"))
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	for _, m := range models {
		for _, c := range m.Columns {
			columns[m.Name] = append(columns[m.Name], c.Name+" "+c.Type)
		}
	}
	if diff := cmp.Diff(columns["cost_and_usage"], columns["int_charge_focus"]); diff != "" {
		t.Errorf("(-cost_and_usage +int_charge_focus):\n%s", diff)
	}
}
