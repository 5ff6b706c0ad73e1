package main

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedBooks is a ledger of one file of costs, that shop shares among four.
func sharedBooks(t *testing.T) ledger {
	t.Helper()
	l := newLedger(t, "", "    agreement: ea\n    exports: exports\nperiods: { history: 2 }\nowners: owners.csv\nallocation: allocation.yaml\n")
	check(t, os.WriteFile(filepath.Join(l.dir, "owners.csv"), []byte("CostOwner,SubscriptionId\nshop,s1\n"), 0o644))
	l.allocation("owners: [a, b, c, d]\nrules:\n  - {name: Shop, from: shop, split: even, to: [a, b, c, d]}\n")
	check(t, os.Mkdir(filepath.Join(l.dir, "exports"), 0o755))
	l.costs("9", "0.1")
	l.costs("10", "0.2")
	l.run(0, "run", "--as-of", asOfClose, "--quiet")
	return l
}

func (l ledger) allocation(text string) {
	l.t.Helper()
	check(l.t, os.WriteFile(filepath.Join(l.dir, "allocation.yaml"), []byte(text), 0o644))
}

// TestARuleThatGoesTakesItsLinesAlong: fewer lines of chargeback are no lost records.
func TestARuleThatGoesTakesItsLinesAlong(t *testing.T) {
	t.Parallel()
	l := sharedBooks(t)
	l.wantRows(`select count(*) from chargeback where CostOwner = 'd'`, []string{"2"})
	l.allocation("")
	l.run(0, "run", "--as-of", asOfClose, "--quiet")
	l.wantRows(`select CostOwner, sum(ChargebackAmount) from chargeback group by 1`, []string{"shop", "0.300000000000000000"})
}
