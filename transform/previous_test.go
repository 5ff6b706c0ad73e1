package transform

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// moved says what all months cost more than in the run before.
const moved = `-- moved is what everything costs more than in the run before.
--
-- reads:  cost_daily, previous_cost_daily, compared_run
-- grain:  RunDate
--
-- column RunDate     date             of the run before; 0001-01-01 without one
-- column LineCount   bigint           lines now less those before
-- column BilledCost  decimal(38, 18)  cost now less that before
select
    coalesce((select min(b.RunDate) from compared_run as b), date '0001-01-01') as RunDate,
    cast(coalesce(sum(d.LineCount), 0) as bigint) as LineCount,
    cast(coalesce(sum(d.BilledCost), 0) as decimal(38, 18)) as BilledCost
from (
    select cost_daily.LineCount, cost_daily.BilledCost from cost_daily
    union all
    select -previous_cost_daily.LineCount, -previous_cost_daily.BilledCost from previous_cost_daily
) as d
`

// movingLake is a lake of two months with a model that compares.
func movingLake(t *testing.T) *lake {
	l := newLake(t)
	l.models["marts/moved.sql"] = &fstest.MapFile{Data: []byte(moved)}
	l.unit("2026-08", lines("2026-08", 3))
	l.unit("2026-09", lines("2026-09", 3))
	return l
}

func (l *lake) wantMoved(when, want string) {
	l.t.Helper()
	if diff := cmp.Diff([]string{want}, l.query("select RunDate, LineCount, BilledCost from moved")); diff != "" {
		l.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func TestARunIsComparedWithTheLastOneThatWasOther(t *testing.T) {
	l := movingLake(t)
	l.run(l.options())
	l.wantMoved("the first run has all of it", "0001-01-01 6 6.600000000000000000")
	first := l.tree()
	l.runDate("2026-10-16")
	wantOutcomes(t, l.run(l.options()), Built, "cost_month") // it asks for the run date
	if got := l.tree(); got["moved/state.json"] != first["moved/state.json"] || got[previousFile] != first[previousFile] {
		t.Error("with nothing new the comparison changed")
	}

	l.unit("2026-09", lines("2026-09", 4))
	l.run(l.options())
	l.wantMoved("a line more", "2026-10-15 1 3.100000000000000000")
	l.runDate("2026-10-17")
	l.run(l.options())
	l.wantMoved("a line more, said again", "2026-10-15 1 3.100000000000000000")

	l.unit("2026-08", lines("2026-08", 2))
	l.run(l.options())
	l.wantMoved("a line less than the day before", "2026-10-16 -1 -2.100000000000000000")
	for name := range first {
		if strings.HasPrefix(name, "cost_daily/BillingPeriod=2026-09/") && strings.HasSuffix(name, ".parquet") && l.tree()[name] != "" {
			t.Errorf("%s is of no run that could be compared with, and still there", name)
		}
	}
}

func TestTheSameHistoryIsTheSameBytes(t *testing.T) {
	var trees []map[string]string
	for range 2 {
		l := movingLake(t)
		for n := range 3 {
			l.unit("2026-09", lines("2026-09", 3+n))
			l.run(l.options())
		}
		trees = append(trees, l.tree())
	}
	if diff := cmp.Diff(trees[0], trees[1]); diff != "" {
		t.Errorf("two lakes with one history differ:\n%s", diff)
	}
}

// A process may die after the set was written and before the run is remembered, or before anything
// was swept. The next run is compared with the same rows.
func TestAfterACrashTheComparisonIsTheSame(t *testing.T) {
	l := movingLake(t)
	l.run(l.options())
	l.unit("2026-09", lines("2026-09", 4))
	l.run(l.options())
	before := l.contents()
	l.unit("2026-08", lines("2026-08", 5))
	l.run(l.options())
	whole := l.tree()
	for _, crash := range []struct {
		name     string
		remember bool
	}{{"before it is remembered", false}, {"before the sweep", true}} {
		for name, text := range before {
			path := filepath.Join(l.dir, "tables", name)
			if _, err := os.Stat(path); err != nil || name == previousFile && !crash.remember {
				l.writeText(path, text)
			}
		}
		l.run(l.options())
		if diff := cmp.Diff(whole, l.tree()); diff != "" {
			t.Errorf("killed %s and run again (-whole +killed):\n%s", crash.name, diff)
		}
	}
}

func (l *lake) contents() map[string]string {
	l.t.Helper()
	texts := map[string]string{}
	for name := range l.tree() {
		text, err := os.ReadFile(filepath.Join(l.dir, "tables", name))
		if err != nil {
			l.t.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}

func TestARunThatFailedIsNotTheRunBefore(t *testing.T) {
	l := movingLake(t)
	l.run(l.options())
	kept := l.contents()[previousFile]
	l.unit("2026-09", lines("2026-09", 4))
	good := l.models["marts/cost_month.sql"].Data
	l.edit("marts/cost_month.sql", "select", "selec")
	if _, err := Run(context.Background(), l.options()); err == nil {
		t.Fatal("a query that is none was run")
	}
	if l.contents()[previousFile] != kept {
		t.Error("a run that failed was remembered")
	}
	l.models["marts/cost_month.sql"] = &fstest.MapFile{Data: good}
	l.run(l.options())
	l.wantMoved("the run after", "2026-10-15 1 3.100000000000000000")
}

func TestAnotherVersionIsComparedOnlyIfItCalculatesTheSame(t *testing.T) {
	l := movingLake(t)
	l.run(l.options())
	l.unit("2026-09", lines("2026-09", 4))
	l.run(l.options())
	l.edit("staging/stg_cost.sql", "select", "select /* said otherwise */")
	l.run(l.options())
	l.wantMoved("the same rows by another query", "2026-10-15 1 3.100000000000000000")

	var log bytes.Buffer
	l.edit("marts/cost_daily.sql", "sum(BilledCost) as", "sum(BilledCost) * 2 as")
	l.edit("marts/cost_daily.sql", "-- total: not exists (select BillingCurrency, sum(BilledCost) from", "-- total: not exists (select BillingCurrency, sum(BilledCost) * 2 from")
	o := l.options()
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	l.run(o)
	l.wantMoved("other rows by another query", "0001-01-01 7 19.400000000000000000")
	if !strings.Contains(log.String(), "nothing is compared with the run before") {
		t.Errorf("the log does not say so:\n%s", log.String())
	}
	l.run(l.options())
	l.wantMoved("and again", "0001-01-01 7 19.400000000000000000")
	l.unit("2026-09", lines("2026-09", 5))
	l.run(l.options())
	l.wantMoved("the change after", "2026-10-15 1 8.200000000000000000")
}

func TestADamagedHistoryIsNoBase(t *testing.T) {
	for name, damage := range map[string]func(l *lake, text string){
		"cut off": func(l *lake, text string) {
			l.writeText(filepath.Join(l.dir, "tables", previousFile), text[:len(text)/2])
		},
		"another format": func(l *lake, text string) {
			l.writeText(filepath.Join(l.dir, "tables", previousFile), strings.Replace(text, `"format": 1`, `"format": 2`, 1))
		},
		"outside": func(l *lake, text string) {
			l.writeText(filepath.Join(l.dir, "tables", previousFile), strings.Replace(text, `"path": "cost`, `"path": "../cost`, 1))
		},
		"a file is gone": func(l *lake, _ string) {
			kept := readHistory(l.dir, false).of(runBefore)
			if err := os.Remove(filepath.Join(l.dir, kept[1].Path)); err != nil {
				l.t.Fatal(err)
			}
		},
	} {
		l := movingLake(t)
		l.run(l.options())
		l.unit("2026-09", lines("2026-09", 4))
		l.run(l.options())
		damage(l, l.contents()[previousFile])
		var log strings.Builder
		o := l.options()
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		l.run(o)
		if !strings.Contains(log.String(), "level=WARN msg=\"nothing is compared with the run before") {
			t.Errorf("%s: the log does not say that nothing is compared:\n%s", name, log.String())
		}
		l.wantMoved(name, "0001-01-01 7 9.700000000000000000")
	}
}

func TestARowOfTheRunBeforeWithAFlippedBitIsRefused(t *testing.T) {
	l := movingLake(t)
	l.run(l.options())
	kept := readHistory(l.dir, false).of(runLast)
	l.unit("2026-09", lines("2026-09", 4))
	path := filepath.Join(l.dir, kept[1].Path)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	l.writeText(path, string(text))
	if _, err = Run(context.Background(), l.options()); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove tables/previous.json") {
		t.Fatalf("got error %v", err)
	}
	if err := os.Remove(filepath.Join(l.dir, "tables", previousFile)); err != nil {
		t.Fatal(err)
	}
	l.run(l.options())
	l.wantMoved("without it", "0001-01-01 7 9.700000000000000000")
}

func TestRulesInForceHaveADigest(t *testing.T) {
	rules := func(text string) string {
		path := filepath.Join(t.TempDir(), "owner_rule.csv")
		if err := os.WriteFile(path, []byte("RuleSet,Priority,Line,CostOwner\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := runner{given: map[string]Input{"owner_rule": {Name: "owner_rule", Path: path}}}
		return r.rulesDigest()
	}
	one := rules("current,1,2,Shop\n")
	if rules("current,1,2,Web\n") == one {
		t.Error("another rule has the same digest")
	}
	if rules("current,1,9,Shop\n") != one {
		t.Error("a rule that stands on another line is another rule")
	}
	if rules("2026-09,1,2,Web\ncurrent,1,2,Shop\n") != one {
		t.Error("the rules of a closed month are in the digest of those in force")
	}
}
