package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// closedBooks is a ledger of both accounts whose Azure can be told otherwise.
type closedBooks struct {
	ledger
	sim    simulated
	config azuresim.Config
}

func newClosedBooks(t *testing.T) *closedBooks {
	t.Helper()
	b := &closedBooks{config: azuresim.Config{Seed: 7, Months: 4, Rows: 600, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}}
	server := httptest.NewServer(&b.sim)
	t.Cleanup(server.Close)
	b.ledger = newLedger(t, server.URL, fmt.Sprintf("    scope: %s\n    exports: exports\n  - name: digital\n    scope: %s\nperiods: { history: 4 }\nowners: owners.csv\n",
		azuresim.EnrollmentPath, azuresim.CustomerPath))
	b.owners("payments,owner,paymnets\nshop,owner,shop\n")
	b.tell()
	return b
}

func (b *closedBooks) owners(lines string) {
	b.t.Helper()
	check(b.t, os.WriteFile(filepath.Join(b.dir, "owners.csv"), []byte("CostOwner,TagKey,TagValue\n"+lines), 0o644))
}

// tell has Azure say from now on what the configuration of the simulation says.
func (b *closedBooks) tell(months ...string) azuresim.Truth {
	b.t.Helper()
	for _, m := range months {
		b.config.Restated = append(b.config.Restated, azuresim.Restatement{Month: m})
	}
	e := azuresim.New(b.config)
	b.sim.now.Store(e)
	check(b.t, writeExports(context.Background(), e, filepath.Join(b.dir, "exports")))
	return e.Truth()
}

// of are the files of a month among those of a folder.
func (b *closedBooks) of(month, folder string) map[string]string {
	files := contents(b.t, filepath.Join(b.dir, folder))
	for name := range files {
		if !strings.Contains(name, month) {
			delete(files, name)
		}
	}
	return files
}

// inForce are the published files of a month, as the manifest in force lists them.
func (b *closedBooks) inForce(month string) map[string]string {
	b.t.Helper()
	cfg, err := loadConfig(filepath.Join(b.dir, "azledger.yaml"), nil)
	check(b.t, err)
	_, m, err := cfg.published(b.t.Context())
	check(b.t, err)
	files := map[string]string{}
	for _, t := range m.Tables {
		for _, f := range t.Files {
			if f.Period == month {
				files[f.Path] = f.SHA256
			}
		}
	}
	return files
}

func same(t *testing.T, what string, want, got map[string]string) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: there are none", what)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-closed +now):\n%s", what, diff)
	}
}

const asOfClose = "2026-11-22"

// cost is what the published tables say that a month cost.
func (b *closedBooks) cost(month string) [][]string {
	return b.rows(`select 'charges', BillingCurrency, sum(BilledCost), sum(EffectiveCost) from cost_and_usage
			where strftime(BillingPeriodStart, '%Y-%m') = '` + month + `' group by 2
		union all select 'trend', BillingCurrency, sum(BilledCost), sum(EffectiveCost) from cost_trend_monthly
			where strftime(BillingMonth, '%Y-%m') = '` + month + `' group by 2
		order by 1, 2`)
}

func (b *closedBooks) adjusted(where string) [][]string {
	return b.rows(`select BillingCurrency, sum(BilledCost), sum(EffectiveCost) from period_adjustment where ` + where + ` group by 1 order by 1`)
}

// TestAClosedMonthStaysAndWhatChangesIsCharged closes a month, has Azure restate it, closes the next, and has Azure restate
// the first once more.
func TestAClosedMonthStaysAndWhatChangesIsCharged(t *testing.T) {
	t.Parallel()
	b := newClosedBooks(t)
	b.run(0, "run", "--as-of", asOfClose, "--quiet")
	b.run(0, "close", "2026-08", "--by", "me", "--accept", "the demo's overcharge is known")
	frozen, published, before := b.of("2026-08", "lake/closed"), b.inForce("2026-08"), b.cost("2026-08")

	truth := b.tell("2026-08")
	b.owners("payments,owner,paymnets\nsomebody else,owner,shop\n")
	b.run(0, "run", "--as-of", asOfClose, "--quiet", "--refresh", "--period", "2026-08..2026-11")
	same(t, "closed files", frozen, b.of("2026-08", "lake/closed"))
	same(t, "published files", published, b.inForce("2026-08"))
	if diff := cmp.Diff(before, b.cost("2026-08")); diff != "" {
		t.Errorf("the closed month costs something else (-closed +now):\n%s", diff)
	}
	want := restatedBy(t, truth)
	got := b.adjusted("ClosedPeriodStart = date '2026-08-01' and BillingPeriodStart = date '2026-09-01' and not IsFinal")
	sameSums(t, "the adjustment is not what Azure changed", want, got)
	b.wantRows(`select count(*) from chargeback where AllocationKind = 'Adjustment' and CostOwner = 'somebody else'`, []string{"0"})
	sameSums(t, "chargeback of the open month lacks adjustments", want,
		b.rows(`select BillingCurrency, sum(BilledCost), sum(EffectiveCost) from chargeback where AllocationKind = 'Adjustment' and BillingPeriodStart = date '2026-09-01' group by 1 order by 1`))
	if out, _ := b.run(0, "explain", "period_adjustment", "--sum", "ClosedPeriodStart=2026-08"); !strings.Contains(out, "int_closed_difference") {
		t.Errorf("explain does not lead to what was signed off:\n%s", out)
	}
	out, _ := b.run(0, "verify")
	if !strings.Contains(out, restated) {
		t.Errorf("verify does not say that raw files were restated:\n%s", out)
	}

	b.run(0, "close", "2026-09", "--by", "me", "--accept", "the demo's overcharge is known")
	final := b.adjusted("true")
	b.config.Restated = nil // Azure takes it all back
	check(t, os.RemoveAll(filepath.Join(b.dir, "exports")))
	b.tell()
	b.run(0, "run", "--as-of", asOfClose, "--quiet", "--refresh", "--period", "2026-08..2026-11")
	if diff := cmp.Diff(final, b.adjusted("IsFinal and BillingPeriodStart = date '2026-09-01'")); diff != "" {
		t.Errorf("what was charged in the month that is closed too is not final (-before +now):\n%s", diff)
	}
	if left := zeroless(b.rows(`select BillingCurrency, sum(BilledCost), sum(EffectiveCost) from period_adjustment group by 1`), 1); len(left) > 0 {
		t.Errorf("Azure took the change back, and the adjustments add up to %v", left)
	}
	b.run(0, "verify")
}

// restatedBy is what Azure changed, by currency.
func restatedBy(t *testing.T, truth azuresim.Truth) [][]string {
	t.Helper()
	var rows [][]string
	for _, r := range truth.Restatements {
		rows = append(rows, []string{r.Currency, r.Delta, r.Delta})
	}
	return adds(t, rows, 1)
}

func sameSums(t *testing.T, what string, want, got [][]string) {
	t.Helper()
	if len(want) == 0 || len(want) != len(got) {
		t.Errorf("%s: got %v, want %v", what, got, want)
		return
	}
	for i := range want {
		if !slices.EqualFunc(want[i], got[i], func(a, b string) bool { return a == b || sameNumber(a, b) }) {
			t.Errorf("%s: got %v, want %v", what, got[i], want[i])
		}
	}
}

// smallBooks is a ledger of one file of costs, for what is tried often.
func smallBooks(t *testing.T) ledger {
	t.Helper()
	l := newLedger(t, "", "    agreement: ea\n    exports: exports\nperiods: { history: 2 }\nowners: owners.csv\n")
	check(t, os.WriteFile(filepath.Join(l.dir, "owners.csv"), []byte("CostOwner,SubscriptionId\nshop,s1\n"), 0o644))
	check(t, os.Mkdir(filepath.Join(l.dir, "exports"), 0o755))
	l.costs("9", "0.1")
	l.costs("10", "0.2")
	l.run(0, "run", "--as-of", asOfClose, "--quiet")
	return l
}

// costs writes the file of a month, one charge of so much on its fifth day.
func (l ledger) costs(month, cost string) {
	l.t.Helper()
	text := "BillingAccountId,BillingPeriodStartDate,BillingPeriodEndDate,Date,SubscriptionId,ResourceId,MeterId,ChargeType,PublisherType,Quantity,EffectivePrice,CostInBillingCurrency,BillingCurrencyCode,UnitOfMeasure,Tags\n" +
		fmt.Sprintf("8608480,%[1]s/01/2026,%[1]s/30/2026,%[1]s/05/2026,s1,/subscriptions/s1/a,m1,Usage,Azure,1,%[2]s,%[2]s,EUR,1 Hour,\n", month, cost)
	check(l.t, os.WriteFile(filepath.Join(l.dir, "exports", month+".csv"), []byte(text), 0o644))
}

// TestOneFlippedByteIsFound turns one bit of every file of a closed month, one after the other.
func TestOneFlippedByteIsFound(t *testing.T) {
	t.Parallel()
	l := smallBooks(t)
	l.run(0, "close", "2026-09", "--quiet", "--accept", "no invoices here")
	l.run(0, "verify", "--quiet")
	tried := 0
	for _, folder := range []string{"lake/closed/2026-09", "lake/raw", "published/data"} {
		for name := range contents(t, filepath.Join(l.dir, folder)) {
			if folder != "lake/closed/2026-09" && !strings.Contains(name, "2026-09") || strings.Contains(name, "billing_period/") {
				continue
			}
			tried++
			name = filepath.Join(l.dir, folder, filepath.FromSlash(name))
			text, err := os.ReadFile(name)
			check(t, err)
			at := (tried * 37) % len(text)
			text[at] ^= 1 << (tried % 7)
			check(t, os.WriteFile(name, text, 0o644))
			if _, said := l.run(1, "verify", "--quiet"); !strings.Contains(said, filepath.Base(name)) {
				t.Errorf("byte %d of %s was flipped; verify says %s", at, name, said)
			}
			text[at] ^= 1 << (tried % 7)
			check(t, os.WriteFile(name, text, 0o644))
		}
	}
	if tried < 15 {
		t.Errorf("only %d files were tried", tried)
	}
	l.run(0, "verify", "--quiet")
}

// TestARawUnitWithoutAManifestIsNotRestated: what is no manifest is damage, and no later answer of Azure.
func TestARawUnitWithoutAManifestIsNotRestated(t *testing.T) {
	t.Parallel()
	l := smallBooks(t)
	l.run(0, "close", "2026-09", "--quiet", "--accept", "no invoices here")
	units, err := filepath.Glob(filepath.Join(l.dir, "lake", "raw", "*", "*", "period=2026-09", "*.json"))
	if err != nil || len(units) == 0 {
		t.Fatal(units, err)
	}
	for _, text := range []string{"{}", "null", "", "[]"} {
		check(t, os.WriteFile(units[0], []byte(text), 0o644))
		if out, said := l.run(1, "verify", "--quiet"); !strings.Contains(said, filepath.Base(units[0])) || !strings.Contains(out, "WRONG") {
			t.Errorf("%q: verify says %s%s", text, out, said)
		}
	}
}

// TestAFolderWithoutARecordIsTold: a host that dies while it saves a lake in a container leaves one.
func TestAFolderWithoutARecordIsTold(t *testing.T) {
	t.Parallel()
	l := smallBooks(t)
	l.run(0, "close", "2026-09", "--quiet", "--accept", "no invoices here")
	check(t, os.Remove(filepath.Join(l.dir, "lake", "closed", "2026-09", "record.json")))
	for _, command := range []string{"verify", "transform"} {
		if _, said := l.run(1, command, "--quiet"); !strings.Contains(said, "closed/2026-09: there is no record.json") || !strings.Contains(said, "remove the folder if the month is to be open") {
			t.Errorf("%s says %s", command, said)
		}
	}
}

// TestAChainIsNotExchanged: a month cannot be closed anew behind the back of the next, nor vanish.
func TestAChainIsNotExchanged(t *testing.T) {
	t.Parallel()
	l := smallBooks(t)
	l.run(0, "close", "2026-09", "--quiet", "--accept", "no invoices here", "--note", "first")
	september := filepath.Join(l.dir, "lake", "closed", "2026-09")
	check(t, os.Rename(september, september+".copy"))
	l.run(0, "transform", "--as-of", asOfClose, "--quiet")
	l.run(0, "close", "2026-09", "--quiet", "--accept", "no invoices here", "--note", "second")
	l.run(0, "transform", "--as-of", asOfClose, "--quiet")
	l.run(0, "close", "2026-10", "--quiet", "--accept", "no invoices here")
	l.run(0, "verify", "--quiet")
	check(t, os.Rename(september, september+".other"))
	check(t, os.Rename(september+".copy", september))
	if _, said := l.run(1, "verify", "--quiet"); !strings.Contains(said, "the record of 2026-09 is not the one it was made after") {
		t.Errorf("verify says %s", said)
	}
	check(t, os.Rename(september, september+".copy"))
	if _, said := l.run(1, "verify", "--quiet"); !strings.Contains(said, "2026-10") {
		t.Errorf("verify says %s", said)
	}
}

// TestOtherRulesInAClosedMonthAreNotComputedWith: by them the month would cost others something, as an adjustment.
func TestOtherRulesInAClosedMonthAreNotComputedWith(t *testing.T) {
	t.Parallel()
	l := smallBooks(t)
	l.run(0, "close", "2026-09", "--quiet", "--accept", "no invoices here")
	name := filepath.Join(l.dir, "lake", "closed", "2026-09", "rules", "owners.csv")
	text, err := os.ReadFile(name)
	check(t, err)
	check(t, os.WriteFile(name, []byte("CostOwner,SubscriptionId\nshap,s1\n"), 0o644))
	if _, said := l.run(1, "transform", "--as-of", asOfClose, "--quiet"); !strings.Contains(said, name) || !strings.Contains(said, "put the folder back from a copy") {
		t.Errorf("transform says %s", said)
	}
	check(t, os.WriteFile(name, text, 0o644))
	l.run(0, "transform", "--as-of", asOfClose, "--quiet")
}

// TestADamagedFileOfAClosedMonthIsNotToBeRemoved: it cannot be built again, so nobody is told to remove it.
func TestADamagedFileOfAClosedMonthIsNotToBeRemoved(t *testing.T) {
	t.Parallel()
	l := smallBooks(t)
	l.run(0, "close", "2026-09", "--quiet", "--accept", "no invoices here")
	l.run(0, "transform", "--as-of", asOfClose, "--quiet")
	l.run(0, "load", "--quiet")
	files, err := filepath.Glob(filepath.Join(l.dir, "lake", "closed", "2026-09", "tables", "chargeback", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	check(t, os.Remove(files[0]))
	check(t, os.WriteFile(files[0], []byte("half"), 0o644))
	_, said := l.run(1, "explain", "chargeback", "BillingPeriodStart=2026-09", "--sum")
	if !strings.Contains(said, files[0]) || !strings.Contains(said, "put it back from a copy") || strings.Contains(said, "remove") {
		t.Errorf("explain says %s", said)
	}
}

// TestKilledWhileClosing kills the process at several points: the month is closed or it is not.
func TestKilledWhileClosing(t *testing.T) {
	t.Parallel()
	l := smallBooks(t)
	self, err := os.Executable()
	check(t, err)
	beside, place := filepath.Join(l.dir, "lake", "closed", ".2026-09.new"), filepath.Join(l.dir, "lake", "closed", "2026-09")
	killed := 0
	for files := range 18 {
		c := exec.CommandContext(t.Context(), self, "close", "2026-09", "--quiet", "--accept", "no invoices here", "--config", filepath.Join(l.dir, "azledger.yaml"))
		c.Env = append(os.Environ(), asCommand+"=1")
		check(t, c.Start())
		done := make(chan error, 1)
		go func() { done <- c.Wait() }()
		for running := true; running; {
			select {
			case <-done:
				running = false
			case <-time.After(time.Millisecond):
				if count := filesBelow(beside); count > files {
					_ = c.Process.Kill()
				}
			}
		}
		if _, err := os.Stat(place); err == nil {
			l.run(0, "verify", "--quiet")
			check(t, os.RemoveAll(place))
			continue
		}
		killed++
		l.run(0, "transform", "--as-of", asOfClose, "--quiet")
	}
	if killed == 0 {
		t.Error("the process was never killed before the month was closed")
	}
	l.run(0, "close", "2026-09", "--quiet", "--accept", "no invoices here")
	l.run(0, "verify", "--quiet")
	if filesBelow(beside) > 0 {
		t.Error("what a killed process left is still there")
	}
}

func filesBelow(folder string) (n int) {
	_ = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return nil
	})
	return n
}

func TestASignatureThatIsGoneIsMissed(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	if err := (signature{SHA256: "aa"}).holds(key); err == nil {
		t.Error("a record without a signature passes for one that the key signed")
	}
	if err := (signature{SHA256: "aa"}).holds(nil); err != nil {
		t.Errorf("without a key: %v", err)
	}
}

// Whoever begins with a later month is told how to begin with an earlier one.
func TestCloseBeforeTheFirst(t *testing.T) {
	c := closing{closeAsk: closeAsk{month: "2026-08"}, months: []closedMonth{{record: record{Period: "2026-09"}}}}
	text := `{"Tables": [{"Name": "cost_and_usage", "Files": [{"Period": "2026-08", "Rows": 1}]}]}`
	if err := json.Unmarshal([]byte(text), &c.set); err != nil {
		t.Fatal(err)
	}
	if err := c.closable(t.Context()); err == nil || !strings.Contains(err.Error(), "open it again with --undo to begin with 2026-08") {
		t.Error(err)
	}
}
