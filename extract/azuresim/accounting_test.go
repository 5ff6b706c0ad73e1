package azuresim

import (
	"context"
	"encoding/csv"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// small is an enterprise whose every row a test can look at.
func small(t testing.TB, months int) *Enterprise {
	t.Helper()
	return New(Config{Seed: 7, Months: months, Rows: 600})
}

// each calls f with every row of a dataset of an account.
func each(e *Enterprise, a *account, ds dataset, f func(*row)) {
	c := e.cursor(selection{a: a, ds: ds, last: len(e.months) - 1}, position{})
	var r row
	for c.next(&r) {
		f(&r)
	}
}

func TestAmountsAgreeWithBigNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := num{rapid.Int64Range(-1e15, 1e15).Draw(t, "q"), uint8(rapid.IntRange(0, 12).Draw(t, "qs"))}
		p := num{rapid.Int64Range(-1e9, 1e9).Draw(t, "p"), uint8(rapid.IntRange(0, 9).Draw(t, "ps"))}
		want := new(big.Rat).Mul(rat(q), rat(p))
		if want.Cmp(big.NewRat(1e15, 1)) > 0 || want.Cmp(big.NewRat(-1e15, 1)) < 0 {
			t.Skip("beyond what an amount holds")
		}
		got := mul(q, p)
		if ratio(t, got.String()).Cmp(want) != 0 {
			t.Errorf("mul(%v, %v) = %s, want %s", q, p, got, want.FloatString(22))
		}
		if back, err := parseAmount(string(appendAmount(nil, got, true))); err != nil || back != got {
			t.Errorf("parseAmount(%s) = %v, %v", appendAmount(nil, got, true), back, err)
		}
		rate := num{rapid.Int64Range(1, 1e10).Draw(t, "rate"), 10}
		exact := new(big.Rat).Mul(want, rat(rate))
		off := new(big.Rat).Sub(ratio(t, got.times(rate).String()), exact)
		if off.Abs(off).Cmp(big.NewRat(1, 2e18)) > 0 {
			t.Errorf("(%s).times(%v) is off by %s", got, rate, off.FloatString(25))
		}
	})
}

type failer interface{ Fatalf(string, ...any) }

func ratio(t failer, s string) *big.Rat {
	v, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return v
}

func rat(n num) *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(n.c), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.s)), nil))
}

func ratOf(t failer, n num) *big.Rat { return ratio(t, n.String()) }

func TestRowsObeyTheirRules(t *testing.T) {
	e := small(t, 5)
	for _, a := range e.accounts() {
		for _, ds := range []dataset{actual, amortized} {
			each(e, a, ds, func(r *row) {
				if r.isShort() {
					return
				}
				product := new(big.Rat).Mul(ratOf(t, r.q), ratio(t, r.eff.String()))
				if product.Cmp(ratio(t, r.pricing.String())) != 0 {
					t.Errorf("%s %s day %s: %s × %s ≠ %s", a.key, r.charge, e.text(r.day).iso, r.q.amount(), r.eff, r.pricing)
				}
				product.Mul(product, ratOf(t, r.rate))
				off := product.Sub(product, ratio(t, r.cost.String()))
				if off.Abs(off).Cmp(big.NewRat(1, 1e17)) > 0 {
					t.Errorf("%s %s: cost %s is off by %s", a.key, r.charge, r.cost, off.FloatString(20))
				}
				if ds == amortized && r.c != nil && (r.charge == "Purchase" || r.charge == "Refund") {
					t.Errorf("amortized cost has a %s of %s", r.charge, r.c.name)
				}
				if ds == actual && r.c != nil && r.charge == "Usage" && !r.cost.isZero() {
					t.Errorf("actual cost charges %s for covered usage", r.cost)
				}
			})
		}
	}
}

func TestPriceSheetExplainsUsage(t *testing.T) {
	e := small(t, 5)
	over := 0
	each(e, e.ea, actual, func(r *row) {
		if !r.metered() || r.line < 0 || r.unit == r.meter.eur[r.month] {
			return
		}
		over++
		if r.meter != e.plan.overMeter || r.month != e.plan.overbilled || r.unit.amount() != r.meter.eur[r.month].percent(107).amount() {
			t.Errorf("%s in %s costs %s, the sheet says %s", r.meter.title, r.period().name, r.unit.amount(), r.meter.eur[r.month].amount())
		}
	})
	if over == 0 {
		t.Error("no row is over-billed")
	}
}

// A commitment whose whole life lies in the window amortizes to what was paid, to the last digit, remainder included.
func TestCommitmentsAmortizeToTheirPrice(t *testing.T) {
	e := small(t, 14)
	e.plan.missing = e.firstDay // nothing is missing
	complete := 0
	for _, c := range e.Truth().Commitments {
		if !c.Complete {
			continue
		}
		complete++
		paid := new(big.Rat).Add(ratio(t, c.Purchases), ratio(t, c.Refunds))
		if paid.Cmp(ratio(t, c.Amortized)) != 0 {
			t.Errorf("%s %s: amortized %s, paid %s", c.Account, c.Name, c.Amortized, paid.FloatString(21))
		}
	}
	if complete != 4 {
		t.Errorf("%d commitments are complete, want a reservation used to its end, one returned, and two plans", complete)
	}
}

func TestReservationsAreUsedAsPlanned(t *testing.T) {
	e := small(t, 4)
	share := map[int]float64{}
	for _, c := range e.ea.commitments {
		var used, reserved int64
		for day := e.months[0].start; day < e.asOf; day++ {
			if c.active(day) {
				used, reserved = used+c.usedAll(day).c, reserved+c.reserved()*1_0000
			}
		}
		share[c.index] = float64(used) / float64(reserved)
	}
	if share[0] < 0.95 || share[1] < 0.4 || share[1] > 0.7 || share[2] != 0 || share[4] > 0.7 {
		t.Errorf("utilisation is %v", share)
	}
}

func TestInvoicesAddUp(t *testing.T) {
	e := small(t, 5)
	sums := map[string]*big.Rat{}
	for _, a := range e.accounts() {
		each(e, a, actual, func(r *row) {
			if r.invoice != "" {
				if sums[r.invoice] == nil {
					sums[r.invoice] = new(big.Rat)
				}
				sums[r.invoice].Add(sums[r.invoice], ratio(t, r.cost.rounded().String()))
			}
		})
		for _, v := range e.invoices(a) {
			if v.sub != v.billed.add(v.credit).sub(v.prepaid).sub(v.free) || v.total != v.sub.add(v.tax) || (v.status == "Paid" || v.status == "Void") != v.due.isZero() {
				t.Errorf("invoice %s does not add up: %+v", v.name, v)
			}
			if a.kind == customerAgreement && v.counts() && ratio(t, v.billed.String()).Cmp(sums[v.name]) != 0 {
				t.Errorf("invoice %s bills %s, its rows are %s", v.name, v.billed, sums[v.name].FloatString(20))
			}
			delete(sums, v.name)
		}
	}
	if len(sums) > 0 {
		t.Errorf("rows name invoices that do not exist: %v", sums)
	}
}

func TestBalancesFollowFromRows(t *testing.T) {
	e := small(t, 6)
	left := amount{}
	for i, b := range e.balances() {
		if i > 0 && b.begin != left {
			t.Errorf("%s begins with %s, the month before ended with %s", b.month.name, b.begin, left)
		}
		left = b.end
		if b.end != b.begin.add(b.purchases).add(b.adjustments).sub(b.utilized) {
			t.Errorf("%s: the ending balance is wrong: %+v", b.month.name, b)
		}
		var azure, apart, market amount
		c := e.cursor(selection{a: e.ea, first: i, last: i, whole: true}, position{})
		for r := (row{}); c.next(&r); {
			cost := r.cost.rounded()
			switch {
			case r.offer != nil:
				market = market.add(cost)
			case r.eligible:
				azure = azure.add(cost)
			default:
				apart = apart.add(cost)
			}
		}
		if !b.month.closed {
			continue
		}
		want := amount{}
		if i == 0 {
			want = unbalancedBy
		}
		if off := b.utilized.add(b.overage).sub(azure); off != want {
			t.Errorf("%s: utilized + serviceOverage exceed the rows by %s, want %s", b.month.name, off, want)
		}
		if b.separate != apart || b.marketplace != market {
			t.Errorf("%s: separate %s (rows %s), marketplace %s (rows %s)", b.month.name, b.separate, apart, b.marketplace, market)
		}
	}
}

func TestPlantedFaultsAreInTheRows(t *testing.T) {
	e := small(t, 5)
	f := e.Truth().Faults
	var day, spike amount
	rowsOn := map[string]int{}
	each(e, e.ea, actual, func(r *row) {
		rowsOn[e.text(r.day).iso]++
		if r.metered() && r.sub == e.plan.spikeSub && r.meter.category == f.Spike.Service {
			if e.text(r.day).iso == f.Spike.Day {
				spike = spike.add(r.cost)
			} else if e.text(r.day+7).iso == f.Spike.Day {
				day = day.add(r.cost)
			}
		}
	})
	if rowsOn[f.MissingDay.Day] != 0 || rowsOn[f.Spike.Day] == 0 {
		t.Errorf("rows on the missing day: %d", rowsOn[f.MissingDay.Day])
	}
	if spike.String() != f.Spike.Cost || spike.less(day.add(day).add(day).add(day).add(day).add(day)) {
		t.Errorf("the spike is %s, a week before it was %s, truth says %s", spike, day, f.Spike.Cost)
	}
	if f.UnbalancedPeriod.Amount != "123.45" || f.IdleReservation.Used != "0" || f.OverbilledMeter.Rows == 0 {
		t.Errorf("faults: %+v", f)
	}
}

func TestOddRowsExist(t *testing.T) {
	e := New(Config{Seed: 7, Months: 2, Rows: 2000})
	ids, charges := map[uint64]string{}, map[string]bool{}
	var shared, untagged, long, short, tagged int
	var last string
	twins := 0
	w := &writer{}
	each(e, e.ea, amortized, func(r *row) {
		charges[r.charge] = true
		w.buf = w.buf[:0]
		w.appendCSV(r, enrollmentFile)
		if text := string(w.buf); text == last {
			twins++
		}
		last = string(w.buf)
		key := string(appendCost(r, appendQuantity(r, nil)))
		if old, ok := ids[r.id]; ok && old != key {
			shared++
		}
		ids[r.id] = key
		if r.line >= 0 {
			tagged++
			if r.tags.empty {
				untagged++
			}
		}
		if _, fraction, _ := strings.Cut(r.cost.String(), "."); len(fraction) > 18 {
			long++
		}
		if strings.Contains(string(w.buf), "E-0") {
			short++
		}
	})
	if twins == 0 || shared == 0 || long == 0 || short == 0 || untagged*100 < tagged*4 || untagged*100 > tagged*25 {
		t.Errorf("twins %d, shared ids %d, long fractions %d, exponents %d, untagged %d of %d", twins, shared, long, short, untagged, tagged)
	}
	for _, charge := range []string{"Usage", "Purchase", "RoundingAdjustment", "UnusedReservation", "UnusedSavingsPlan"} {
		if !charges[charge] {
			t.Errorf("no %s row", charge)
		}
	}
}

// fileSums adds up export files with nothing but encoding/csv and rational numbers.
func fileSums(t *testing.T, dir, cost string) (rows int, sum *big.Rat, charges map[string]int) {
	t.Helper()
	sum, charges = new(big.Rat), map[string]int{}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "part_*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no parts in %s: %v", dir, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		in := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), byteOrderMark)))
		header, err := in.Read()
		if err != nil {
			t.Fatal(err)
		}
		at := map[string]int{}
		for i, h := range header {
			at[strings.ToLower(h)] = i
		}
		for {
			record, err := in.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			rows++
			sum.Add(sum, ratio(t, record[at[cost]]))
			charges[record[at["chargetype"]]]++
		}
	}
	return rows, sum, charges
}

func TestFilesAddUpToTruth(t *testing.T) {
	e := small(t, 3)
	truth := e.Truth()
	for _, a := range e.accounts() {
		dir := t.TempDir()
		if err := e.WriteExports(context.Background(), dir, ExportOptions{Account: a.key, RowsPerPart: 150}); err != nil {
			t.Fatal(err)
		}
		for _, ds := range []dataset{actual, amortized} {
			for _, m := range e.months {
				days := dayTime(m.start).Format("20060102") + "-" + dayTime(m.last()).Format("20060102")
				rows, sum, charges := fileSums(t, filepath.Join(dir, "costs", a.key+"-"+ds.String(), days), "costinbillingcurrency")
				wantRows, wantSum, wantCharges := 0, new(big.Rat), map[string]int{}
				for _, p := range truth.Periods {
					if p.Account == a.key && p.Period == m.iso() {
						d := p.Actual
						if ds == amortized {
							d = p.Amortized
						}
						wantRows += int(d.Rows)
						wantSum.Add(wantSum, ratio(t, d.Exact))
						for k, c := range d.Charges {
							wantCharges[k] += int(c.Rows)
						}
					}
				}
				if rows != wantRows || sum.Cmp(wantSum) != 0 {
					t.Errorf("%s %s %s: %d rows of %s, truth has %d of %s", a.key, ds, m.iso(), rows, sum.FloatString(21), wantRows, wantSum.FloatString(21))
				}
				if diff := cmp.Diff(charges, wantCharges); diff != "" {
					t.Errorf("%s %s %s: charge types (got, want): %s", a.key, ds, m.iso(), diff)
				}
			}
		}
	}
}

// The parts of truth are cuts of the same whole.
func TestTruthAgreesWithItself(t *testing.T) {
	truth := small(t, 4).Truth()
	type key struct{ account, period, currency string }
	subs, services := map[key]*big.Rat{}, map[key]*big.Rat{}
	add := func(m map[key]*big.Rat, k key, s string) {
		if m[k] == nil {
			m[k] = new(big.Rat)
		}
		m[k].Add(m[k], ratio(t, s))
	}
	for _, s := range truth.Subs {
		add(subs, key{s.Account, s.Period, s.Currency}, s.Amortized.Cost)
	}
	for _, s := range truth.Services {
		add(services, key{s.Account, s.Period, s.Currency}, s.Amortized.Cost)
	}
	for _, p := range truth.Periods {
		k := key{p.Account, p.Period, p.Currency}
		if want := ratio(t, p.Amortized.Cost); subs[k].Cmp(want) != 0 || services[k].Cmp(want) != 0 {
			t.Errorf("%v: subscriptions %s, services %s, want %s", k, subs[k].FloatString(18), services[k].FloatString(18), want.FloatString(18))
		}
	}
}

func TestAnySizeAndDayHolds(t *testing.T) {
	for _, config := range []Config{
		{Rows: 1, Months: 1},
		{Rows: 500, Months: 1, AsOf: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
		{Rows: 500, Months: 2, AsOf: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)},
		{Rows: 500, Months: 2, AsOf: time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)},
		{Rows: 500, Months: 3, AsOf: time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)},
		{Rows: 500, Months: 26, AsOf: time.Date(2028, 3, 30, 0, 0, 0, 0, time.UTC)},
	} {
		e := New(config)
		truth := e.Truth()
		if got := len(truth.Balances); got != config.Months {
			t.Errorf("%+v: %d balances", config, got)
		}
		for _, c := range truth.Commitments {
			paid := new(big.Rat).Add(ratio(t, c.Purchases), ratio(t, c.Refunds))
			if c.Complete && paid.Cmp(ratio(t, c.Amortized)) != 0 {
				t.Errorf("%+v: %s amortizes to %s, paid %s", config, c.Name, c.Amortized, paid.FloatString(21))
			}
		}
	}
}

func TestRowCountIsAboutWhatWasAsked(t *testing.T) {
	for _, rows := range []int{500, 5_000, 200_000} {
		e := New(Config{Rows: rows, Months: 2})
		got := 0
		for _, a := range e.accounts() {
			c := e.cursor(selection{a: a}, position{})
			for r := (row{}); c.next(&r); {
				got++
			}
		}
		if got < rows*85/100 || got > rows*115/100 {
			t.Errorf("a month has %d rows, want about %d", got, rows)
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	write := func(seed uint64) map[string]string {
		dir := t.TempDir()
		e := New(Config{Seed: seed, Months: 2, Rows: 500})
		for _, format := range []string{"csv", "csv.gz", "parquet"} {
			o := ExportOptions{Account: "mca", Format: format, Root: "r" + format, Months: []string{e.months[0].iso()}, OlderRun: true, Incomplete: true}
			if err := e.WriteExports(context.Background(), dir, o); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.WriteTruth(filepath.Join(dir, "truth.json")); err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			name, _ := filepath.Rel(dir, path)
			files[name] = string(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	first, again, other := write(1), write(1), write(2)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same seed wrote other bytes: %s", diff)
	}
	if first["truth.json"] == other["truth.json"] {
		t.Error("another seed wrote the same truth")
	}
}

// What was true of a day stays true when the window grows by a month.
func TestHistoryStandsStill(t *testing.T) {
	sum := func(e *Enterprise, first int) (total amount) {
		c := e.cursor(selection{a: e.ea, first: first, last: first, unrounded: true, usageOnly: true}, position{})
		for r := (row{}); c.next(&r); {
			total = total.add(r.cost)
		}
		return total
	}
	now := New(Config{Months: 5, Rows: 600, AsOf: time.Date(2026, 10, 20, 0, 0, 0, 0, time.UTC)})
	later := New(Config{Months: 6, Rows: 600, AsOf: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)})
	for month := range 4 {
		if a, b := sum(now, month), sum(later, month); a != b {
			t.Errorf("month %d was %s, is %s", month, a, b)
		}
	}
}

// A million rows must not need more memory than a thousand.
func TestMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a million rows")
	}
	e := New(Config{Months: 2, Rows: 1_900_000})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	c := e.cursor(selection{a: e.ea, unrounded: true}, position{})
	rows, err := writeCSV(context.Background(), io.Discard, c, enrollmentFile, 1_000_000)
	runtime.ReadMemStats(&after)
	if err != nil || rows != 1_000_000 {
		t.Fatalf("wrote %d rows: %v", rows, err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("writing a million rows allocated %d MB in all", grown>>20)
	}
}

func BenchmarkRows(b *testing.B) {
	e := New(Config{Rows: 100_000, Months: 2})
	for _, columns := range []struct {
		name string
		list []column
	}{{"walk", nil}, {"csv", enrollmentFile}} {
		b.Run(columns.name, func(b *testing.B) {
			w := &writer{}
			rows := 0
			for b.Loop() {
				c := e.cursor(selection{a: e.ea}, position{})
				for r := (row{}); c.next(&r); rows++ {
					w.buf = w.buf[:0]
					w.appendCSV(&r, columns.list)
				}
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
