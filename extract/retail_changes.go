package extract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Retail price changes are what a run found changed in the list prices since the run
// before: prices that are new, gone, changed or described otherwise. Azure does not tell;
// they are found by comparing the records of a family with those in the lake.
//
// A unit holds the changes of one day, family and currency. It is written just before the
// prices themselves, and names in its origin the version of the prices that it compares
// with. From that follows what a run does that finds one:
//
//   - A unit of the same day: this is the second run of the day, or the first one died. The
//     comparison is made again with the version named, so that the unit always says how the
//     day's last prices differ from those before the day.
//   - A unit of a later day than that of the prices in the lake: the run that wrote it died
//     before its prices were in place. It is emptied, and its changes are found again.
//
// A family that is read for the first time has no changes.
var _ = register(&Source{
	Name:       "retail_price_changes",
	API:        "Retail Prices, compared with the run before",
	Version:    retailVersion,
	Agreements: []string{ea, mca, mosp, mpa},
	Role:       "none, it is open to everybody",
	Feeds:      "retail_price_change",
	Status:     "current",
	Columns:    changeColumns(),
	global:     true,
	plan:       planRetailChanges,
})

// planRetailChanges plans the prices, as there are no changes without them, unless they are
// read anyway.
func planRetailChanges(ctx context.Context, r *run, a Account) ([]task, error) {
	if r.wants(a, retailPrices) {
		return nil, nil
	}
	tasks, err := planRetailPrices(ctx, r, a)
	for i := range tasks {
		tasks[i].source = retailPrices
	}
	return tasks, err
}

// Kinds of changes.
const (
	priceIsNew     = "new"
	priceIsGone    = "gone"
	priceChanged   = "changed"   // a price, or one of its savings plans
	priceDescribed = "described" // the price stays: names, dates, units
)

// placeColumns tell offers apart: records that agree in all of them are the same offer, at
// another price or from another day on.
var placeColumns = []string{"currencyCode", "meterId", "skuId", "productId", "type", "reservationTerm", "tierMinimumUnits", "armRegionName"}

// describingColumns are told as the newer record has them.
var describingColumns = []string{"serviceFamily", "serviceName", "productName", "skuName", "meterName", "armSkuName", "location", "unitOfMeasure"}

// changingColumns are told as they were and as they are.
var changingColumns = []string{"unitPrice", "retailPrice", "effectiveStartDate", "savingsPlan"}

func changeColumns() []Column {
	columns := append(fields(Date, "day", "since"), fields(Text, "kind")...)
	types := map[string]Type{}
	for _, c := range retailColumns() {
		types[c.Name] = c.Type
	}
	for _, name := range slices.Concat(placeColumns, describingColumns) {
		columns = append(columns, fields(types[name], name)...)
	}
	for _, name := range changingColumns {
		columns = append(columns, fields(types[name], "old."+name, "new."+name)...)
	}
	return columns
}

// recordChanges writes what changed between the version in the lake and the one that is
// about to replace it.
func (s retailShard) recordChanges(ctx context.Context, r *run, before *manifest, after *landed) error {
	if before == nil || len(before.Files) == 0 {
		return nil
	}
	if err := s.emptyOrphans(r, before); err != nil {
		return err
	}
	day := max(r.asOf(), before.AsOf)
	unit := s.changesOn(day)
	recorded, err := r.lake.read(unit)
	if err != nil {
		return err
	}
	base := before
	if recorded != nil {
		if base, err = r.lake.version(s.unit(), before, recorded.Origin, day); err != nil {
			return err
		}
	}
	if base == nil || recorded == nil && base.Files[0].SHA256 == after.File.SHA256 {
		return nil
	}
	return s.compare(ctx, r, unit, base, after, recorded != nil)
}

func (s retailShard) changesOn(day string) Unit {
	return Unit{Source: "retail_price_changes", Account: noAccount, Scope: retailScope(s.currency), Period: day[:len(monthLayout)], Dataset: day + "_" + s.dataset}
}

// version finds the newest version of a unit that has the hashes given and is from before
// a day; one of that day if there is no other, and nil if it is gone.
func (k lake) version(u Unit, current *manifest, hash, day string) (*manifest, error) {
	kept, err := filepath.Glob(filepath.Join(k.journal(u), "versions", "*.json"))
	if err != nil {
		return nil, err
	}
	versions := []*manifest{current}
	for _, path := range slices.Backward(kept) {
		m, err := readManifest(path)
		if err != nil || m == nil {
			return nil, err
		}
		versions = append(versions, m)
	}
	versions = slices.DeleteFunc(versions, func(m *manifest) bool { return hashes(m) != hash })
	if i := slices.IndexFunc(versions, func(m *manifest) bool { return m.AsOf < day }); i >= 0 {
		return versions[i], nil
	}
	if len(versions) > 0 {
		return versions[0], nil
	}
	return nil, nil
}

// emptyOrphans empties units of changes whose prices never came into the lake. The one of
// today is written anew anyway.
func (s retailShard) emptyOrphans(r *run, before *manifest) error {
	like := s.changesOn(r.asOf())
	found, err := filepath.Glob(filepath.Join(filepath.Dir(r.lake.raw(like)), "period=*", "*_"+s.dataset+".json"))
	if err != nil {
		return err
	}
	for _, path := range found {
		day := strings.TrimSuffix(filepath.Base(path), "_"+s.dataset+".json")
		if len(day) != len("2006-01-02") || day <= before.AsOf || day == r.asOf() {
			continue
		}
		m, err := readManifest(path)
		if err != nil {
			return err
		}
		if m.Rows > 0 {
			r.log.Warn("changes of prices that never came into the lake are found again", "unit", m.Unit.String())
			none := func(func(map[string]string) error) error { return nil }
			if err := r.commitChanges(m.Unit, m.Origin, true, none); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare writes the unit of changes. One without any is written only over another.
func (s retailShard) compare(ctx context.Context, r *run, unit Unit, base *manifest, after *landed, always bool) error {
	old := filepath.Join(r.lake.raw(s.unit()), base.Files[0].Path)
	if _, err := os.Stat(old); err != nil && r.o.Fetch != nil {
		if err := r.o.Fetch(ctx, []string{old}); err != nil {
			return fmt.Errorf("what changed since %s: %w", base.AsOf, err)
		}
	}
	if _, err := os.Stat(old); err != nil {
		r.log.Warn("what changed in the list prices is not known, as the last version's file is gone", "unit", s.unit().String(), "since", base.AsOf, "error", err)
		return nil
	}
	err := r.commitChanges(unit, hashes(base), always, func(write func(map[string]string) error) error {
		return comparePrices(ctx, old, after.File.Path, func(change map[string]string) error {
			if change["kind"] == priceIsGone && !s.has(change["serviceFamily"]) {
				return nil // its family has become a unit of its own, and the price is there
			}
			change["day"], change["since"] = unit.Dataset[:len("2006-01-02")], base.AsOf
			return write(change)
		})
	})
	if err != nil {
		return fmt.Errorf("what changed since %s: %w", base.AsOf, err)
	}
	return nil
}

// commitChanges makes a unit of changes visible, one without any only if empty says so.
func (r *run) commitChanges(unit Unit, from string, empty bool, find func(func(map[string]string) error) error) error {
	dir, err := r.lake.workDir(unit)
	if err != nil {
		return err
	}
	t := task{Unit: unit, origin: from, source: sourceOf(unit.Source)}
	l, err := newLanding(dir, t.source.Columns, origin(unit), nil)
	if err != nil {
		return err
	}
	defer l.abort()
	w := &recordWriter{landing: l}
	if err := errors.Join(find(w.add), w.flush()); err != nil {
		return err
	}
	done, err := l.close()
	if err != nil {
		return err
	}
	defer done.discard()
	if err := r.unreadable(done); err != nil || done.Rows == 0 && !empty {
		return err
	}
	_, err = r.lake.commit(unit, done, r.manifestOf(t, done, w.pages), r.o.Versions)
	return err
}

// recordWriter lands records that were made here, a thousand at a time.
type recordWriter struct {
	landing *landing
	body    []byte
	rows    int
	pages   int64
}

func (w *recordWriter) add(record map[string]string) error {
	text, err := json.Marshal(nested(record))
	if err != nil {
		return err
	}
	if w.rows++; w.rows > 1 {
		w.body = append(w.body, ',')
	}
	w.body = append(w.body, text...)
	if w.rows < retailPageRows {
		return nil
	}
	return w.flush()
}

// nested turns old.unitPrice into unitPrice of old.
func nested(record map[string]string) map[string]any {
	made := map[string]any{}
	for path, text := range record {
		outer, inner, found := strings.Cut(path, ".")
		if !found {
			made[path] = text
			continue
		}
		if made[outer] == nil {
			made[outer] = map[string]string{}
		}
		made[outer].(map[string]string)[inner] = text
	}
	return made
}

func (w *recordWriter) flush() error {
	if w.rows == 0 {
		return nil
	}
	w.pages++
	body := append(append([]byte(`{"value":[`), w.body...), `]}`...)
	w.body, w.rows = nil, 0
	_, err := w.landing.jsonPage(w.pages, "changes", body, jsonShape{Rows: "value"})
	return err
}

// comparePrices goes through two files of prices, which are in the order of their meters,
// and holds a meter's records of both in memory at a time.
func comparePrices(ctx context.Context, before, after string, found func(map[string]string) error) error {
	a, err := openPrices(ctx, before)
	if err != nil {
		return err
	}
	defer a.close()
	b, err := openPrices(ctx, after)
	if err != nil {
		return err
	}
	defer b.close()
	a.share(b)
	for {
		meter, ok := lesser(a, b)
		if !ok {
			return errors.Join(a.err, b.err)
		}
		if err := compareMeter(a.take(meter), b.take(meter), found); err != nil {
			return err
		}
	}
}

func lesser(a, b *priceFile) (meter [16]byte, ok bool) {
	x, more := a.meter()
	y, others := b.meter()
	if a.err != nil || b.err != nil {
		return meter, false
	}
	if !more || others && bytes.Compare(y[:], x[:]) < 0 {
		return y, others
	}
	return x, true
}

// compareMeter tells what became of a meter's records, in the order of their offers.
func compareMeter(before, after []price, found func(map[string]string) error) error {
	old, now := byPlace(before), byPlace(after)
	places := maps.Clone(old)
	maps.Copy(places, now)
	for _, place := range slices.Sorted(maps.Keys(places)) {
		for _, pair := range pairs(old[place], now[place]) {
			if err := found(pair.change()); err != nil {
				return err
			}
		}
	}
	return nil
}

func byPlace(prices []price) map[string][]price {
	places := map[string][]price{}
	for _, p := range prices {
		key := p.join(placeColumns)
		places[key] = append(places[key], p)
	}
	return places
}

// A priceChange is an offer before and after; nil where there is none.
type priceChange struct{ old, now price }

// pairs sets aside records that are in both. An offer mostly has one left on either side.
// Of several, those from the same day on belong together, then they go by their days.
func pairs(old, now []price) []priceChange {
	old, now = without(old, now), without(now, old)
	var all []priceChange
	for _, match := range []func(a, b price) bool{
		func(a, b price) bool { return a["effectiveStartDate"] == b["effectiveStartDate"] },
		func(price, price) bool { return true },
	} {
		for i := 0; i < len(old); i++ {
			if k := slices.IndexFunc(now, func(p price) bool { return match(old[i], p) }); k >= 0 {
				all = append(all, priceChange{old[i], now[k]})
				old, now, i = slices.Delete(old, i, i+1), slices.Delete(now, k, k+1), i-1
			}
		}
	}
	for _, p := range old {
		all = append(all, priceChange{old: p})
	}
	for _, p := range now {
		all = append(all, priceChange{now: p})
	}
	return all
}

// without are the prices that are not among others, ordered by their days.
func without(prices, others []price) []price {
	var left []price
	for _, p := range prices {
		if !slices.ContainsFunc(others, func(o price) bool { return maps.Equal(p, o) }) {
			left = append(left, p)
		}
	}
	slices.SortStableFunc(left, func(a, b price) int { return strings.Compare(a["effectiveStartDate"], b["effectiveStartDate"]) })
	return left
}

func (c priceChange) change() map[string]string {
	made := map[string]string{"kind": c.kind()}
	told := c.now
	if told == nil {
		told = c.old
	}
	for _, name := range slices.Concat(placeColumns, describingColumns) {
		made[name] = told[name]
	}
	for _, name := range changingColumns {
		made["old."+name], made["new."+name] = c.old[name], c.now[name]
	}
	return made
}

func (c priceChange) kind() string {
	switch {
	case c.old == nil:
		return priceIsNew
	case c.now == nil:
		return priceIsGone
	}
	for _, name := range []string{"unitPrice", "retailPrice", "savingsPlan"} {
		if c.old[name] != c.now[name] {
			return priceChanged
		}
	}
	return priceDescribed
}
