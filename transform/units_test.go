package transform

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBlockSizesOfKnownUnits holds block_size to the list of all units that the FinOps
// toolkit keeps: it must find the size of each block by reading its name.
func TestBlockSizesOfKnownUnits(t *testing.T) {
	root := os.Getenv("AZLEDGER_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "shared")
	}
	path := filepath.Join(root, "azure", "examples", "finops-toolkit", "open-data", "PricingUnits.csv")
	file, err := os.Open(path)
	if err != nil {
		t.Skipf("the list of units is not there (set AZLEDGER_SHARED): %v", err)
	}
	defer file.Close()
	units, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	s, _ := fixtureSession(t)
	named := 0
	for _, u := range units[1:] {
		quoted := "'" + strings.ReplaceAll(u[0], "'", "''") + "'"
		if got, err := scalar(s, "block_size("+quoted+") = "+u[2]); err != nil || got != "true" {
			t.Errorf("block_size(%q) is not %s: %v", u[0], u[2], err)
		}
		if got, err := scalar(s, "unit_name("+quoted+")"); err == nil && got == u[3] {
			named++
		}
	}
	if len(units) < 300 || named < 290 {
		t.Errorf("of %d units %d have the name that the list gives them", len(units)-1, named)
	}
}
