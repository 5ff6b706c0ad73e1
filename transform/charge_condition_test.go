package transform

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestChargeConditionsOfManyColumns has a charge that meets conditions on six columns, one on the
// last of them, and one on none: conditions stand in the order of their columns, however many.
func TestChargeConditionsOfManyColumns(t *testing.T) {
	s, dir := fixtureSession(t)
	dir = filepath.Join(dir, "conditions")
	m := loadModels(t)["int_charge_condition"]
	asked := []string{"ChargeCategory", "ServiceName", "SkuMeter", "SubAccountName", "x_ResourceGroupName", "x_SkuMeterCategory"}
	filters := [][]string{{"RuleSet", "RuleId", "Use", "ConditionId", "ColumnName", "IsNegated", "Pattern"}}
	for i, column := range asked {
		filters = append(filters, []string{"r", "1", "Pool", fmt.Sprint(9 - i), column, "false", "a%"})
	}
	filters = append(filters, []string{"r", "2", "Basis", "1", "x_SkuMeterCategory", "false", "%b"})
	charges := [][]string{append([]string{"BillingPeriodStart", "x_Account", "x_Source", "x_Scope", "x_Dataset", "x_Page", "x_Row"}, asked...)}
	for i, values := range [][]string{{"a", "a", "a", "a", "a", "A  b"}, {"c", "", "c", "", "c", "b"}, {"c", "c", "c", "c", "c", "c"}} {
		charges = append(charges, append([]string{"2026-01-01", "contoso", "cost_export", "scope", "amortized", "1", fmt.Sprint(i)}, values...))
	}
	tables := map[string][][]string{
		"int_rule_set": {{"BillingPeriodStart", "RuleSet"}, {"2026-01-01", "r"}}, "allocation_filter": filters, "cost_and_usage": charges,
	}
	got := conditionSigns(t, s, dir, m, tables)
	want := map[string]string{"0": " 1Pool9  1Pool8  1Pool7  1Pool6  1Pool5  1Pool4  2Basis1 ", "1": " 2Basis1 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-) and got (+):\n%s", diff)
	}
}

// conditionSigns is int_charge_condition's Sign by row.
func conditionSigns(t *testing.T, s *session, dir string, m *Model, tables map[string][][]string) map[string]string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, read := range m.Reads {
		provideRows(t, s, dir, read, columnsOf(m, read, loadModels(t)), tables[read], func([][]string) {})
	}
	if _, broken, err := makeTable(t.Context(), s, m, "", filepath.Join(dir, "made.parquet")); err != nil || len(broken) > 0 {
		t.Fatalf("%v %v", err, broken)
	}
	rows, err := s.texts(t.Context(), "select cast(Row as varchar), Sign from work.int_charge_condition")
	if err != nil {
		t.Fatal(err)
	}
	signs := map[string]string{}
	for _, r := range rows {
		signs[r[0].String] = r[1].String
	}
	return signs
}
