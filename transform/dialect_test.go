package transform

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A function that only one of the dialect files has makes a model that runs in one engine only. The
// program's own functions are the engine's business: each stands behind one that models may call.
func TestDialectsDefineTheSameFunctions(t *testing.T) {
	duckdb := defined(t, "../sql/dialect/duckdb.sql", `(?m)^create or replace macro (\w+)\(`)
	trino := defined(t, "../sql/dialect/trino.sql", `(?m)^create function (\w+)\(`)
	if len(duckdb) == 0 {
		t.Fatal("no function was found: has the way they are written changed?")
	}
	if diff := cmp.Diff(duckdb, trino); diff != "" {
		t.Errorf("duckdb.sql (-) and trino.sql (+) define different functions:\n%s", diff)
	}
	s, _ := fixtureSession(t)
	ours, err := s.texts(t.Context(), "select distinct function_name from duckdb_functions() where starts_with(function_name, 'decimal_') and function_type = 'scalar' order by 1")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range ours {
		name := row[0].String
		if called := defined(t, "../sql/dialect/duckdb.sql", `(?m)^    (`+name+`)\(`); len(called) == 0 {
			t.Errorf("the program gives the engine %s, but no function of duckdb.sql stands for it", name)
		}
	}
	if len(ours) != 4 {
		t.Errorf("the program has %d functions of its own, want decimal_product, decimal_ratio, decimal_share and decimal_share_rest", len(ours))
	}
}

func defined(t *testing.T, file, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return names
}
