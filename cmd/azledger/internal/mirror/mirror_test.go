package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/load"
)

// short is a lease for tests of leases; the others must not lose theirs on a busy machine.
const short = 400 * time.Millisecond

var someone = Holder{Command: "run", Process: 7, Host: "nightly", Since: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newStore(t *testing.T) load.Store {
	t.Helper()
	s, err := load.OpenDir(filepath.Join(t.TempDir(), "store"))
	check(t, err)
	return s
}

func open(t *testing.T, s load.Store, dir string) *Mirror {
	t.Helper()
	m, err := Open(t.Context(), s, dir, someone, Options{LeaseTime: time.Hour, Parallel: 1, watch: time.Millisecond})
	check(t, err)
	return m
}

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// write writes a file as the stages do.
func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, []byte(text), 0o644))
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	check(t, os.RemoveAll(filepath.Join(dir, filepath.FromSlash(name))))
}

func partJSON(name, text string) string {
	return fmt.Sprintf(`{"path":%q,"bytes":%d,"sha256":%q}`, name, len(text), sum(text))
}

const (
	rawUnit     = "raw/balances/scope=a/period=2026-10/"
	journalUnit = "journal/balances/scope=a/period=2026-10/all/"
	table       = "tables/balance/BillingPeriod=2026-10/"
)

// stage makes of a working copy what extract and transform would: a version of one unit,
// with the version before kept, and of one table, with the one before swept.
func stage(t *testing.T, dir string, version int) {
	t.Helper()
	rows, built := fmt.Sprintf("rows %d", version), fmt.Sprintf("table %d", version)
	data, parquet := "all-"+sum(rows)[:16]+".parquet", sum(built)[:16]+".parquet"
	if before, err := os.ReadFile(filepath.Join(dir, rawUnit+"all.json")); err == nil && !strings.Contains(string(before), data) {
		write(t, dir, journalUnit+"versions/000001.json", string(before))
	}
	write(t, dir, rawUnit+data, rows)
	write(t, dir, rawUnit+"all.json", `{"files":[`+partJSON(data, rows)+`],"rejects":null}`)
	write(t, dir, journalUnit+"pages.jsonl", fmt.Sprintf("pages %d", version))
	write(t, dir, journalUnit+"fetched", fmt.Sprintf("2026-11-%02dT00:00:00Z", version))
	remove(t, dir, journalUnit+"partial")
	remove(t, dir, table)
	write(t, dir, table+parquet, built)
	write(t, dir, table+"state.json", `{"file":`+partJSON(parquet, built)+`}`)
	write(t, dir, "tables/set.json", `{"tables":[{"files":[`+partJSON(strings.TrimPrefix(table, "tables/")+parquet, built)+`]}]}`)
}

func contentOf(t *testing.T, s load.Store, name string) string {
	t.Helper()
	r, _, err := s.Open(t.Context(), name)
	check(t, err)
	defer r.Close()
	text, err := io.ReadAll(r)
	check(t, err)
	return string(text)
}

// tree is the lake in the store without its lock.
func tree(t *testing.T, s load.Store) map[string]string {
	t.Helper()
	files := map[string]string{}
	for info, err := range s.List(t.Context(), "") {
		check(t, err)
		if info.Name != lockName {
			files[info.Name] = contentOf(t, s, info.Name)
		}
	}
	return files
}

// whole fails if anything in the lake refers to a file that is not there.
func whole(t *testing.T, s load.Store) {
	t.Helper()
	files := tree(t, s)
	for name, text := range files {
		parts, err := refersTo(name, []byte(text))
		check(t, err)
		for part, p := range parts {
			if sum(files[part]) != p.SHA256 {
				t.Errorf("%s lists %s, which holds %q", name, part, files[part])
			}
		}
	}
}

func TestSavedAndOpenedElsewhere(t *testing.T) {
	s, here, there := newStore(t), t.TempDir(), t.TempDir()
	m := open(t, s, here)
	stage(t, here, 1)
	write(t, here, journalUnit+"work/landing.parquet", "being written")
	write(t, here, rawUnit+"all.json.new", "being written")
	write(t, here, "inputs/run_context.csv", "of this run")
	check(t, m.Save(t.Context()))
	m.Close(t.Context())
	want := slices.Sorted(maps.Keys(tree(t, s)))
	for _, name := range want {
		if strings.Contains(name, "work") || strings.HasSuffix(name, ".new") || strings.HasPrefix(name, "inputs") {
			t.Errorf("%s is nobody else's business", name)
		}
	}
	other := open(t, s, there)
	var brought []string
	names, err := other.walk()
	check(t, err)
	for _, name := range want {
		if k := kindOf(name); k != data && k != journal {
			brought = append(brought, name)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff(brought, names); diff != "" {
		t.Errorf("the working copy has other files than the small ones:\n%s", diff)
	}
	parquet := filepath.Join(there, rawUnit+"all-"+sum("rows 1")[:16]+".parquet")
	check(t, other.Fetch(t.Context(), []string{parquet}))
	if text, err := os.ReadFile(parquet); err != nil || string(text) != "rows 1" {
		t.Errorf("fetched %q, %v", text, err)
	}
	if err := other.Fetch(t.Context(), []string{filepath.Join(there, rawUnit, "other.parquet")}); err == nil {
		t.Error("a file that nothing lists was fetched")
	}
	before := tree(t, s)
	check(t, other.Save(t.Context()))
	if diff := cmp.Diff(before, tree(t, s)); diff != "" {
		t.Errorf("a run that did nothing changed the lake:\n%s", diff)
	}
	stage(t, there, 2)
	check(t, other.Save(t.Context()))
	other.Close(t.Context())
	whole(t, s)
	back := open(t, s, here)
	defer back.Close(t.Context())
	if text, _ := os.ReadFile(filepath.Join(here, journalUnit+"fetched")); !strings.Contains(string(text), "-02T") {
		t.Errorf("the first host did not get the second's work: %q", text)
	}
	if _, err := os.Stat(filepath.Join(here, table+sum("table 1")[:16]+".parquet")); err == nil {
		t.Error("a table that the lake no longer has is still on the first host's disk")
	}
}

// dying is a store whose process dies at the n-th step that changes something, before
// the step or after it.
type dying struct {
	load.Store
	mu    sync.Mutex
	left  int
	after bool
}

var errDead = errors.New("the process is dead")

func (d *dying) step(do func() error) error {
	d.mu.Lock()
	d.left--
	left := d.left
	d.mu.Unlock()
	switch {
	case left > 0:
		return do()
	case left == 0 && d.after:
		_ = do()
	}
	return errDead
}

func (d *dying) Put(ctx context.Context, name string, f load.LocalFile) error {
	return d.step(func() error { return d.Store.Put(ctx, name, f) })
}

func (d *dying) Swap(ctx context.Context, name string, data []byte, old string) (etag string, err error) {
	err = d.step(func() error {
		etag, err = d.Store.Swap(ctx, name, data, old)
		return err
	})
	return etag, err
}

func (d *dying) Delete(ctx context.Context, name string) error {
	return d.step(func() error { return d.Store.Delete(ctx, name) })
}

func (d *dying) Open(ctx context.Context, name string) (io.ReadCloser, load.Info, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left <= 0 {
		return nil, load.Info{}, errDead
	}
	return d.Store.Open(ctx, name)
}

func (d *dying) List(ctx context.Context, prefix string) iter.Seq2[load.Info, error] {
	return d.Store.List(ctx, prefix)
}

// A process that dies at any write leaves a whole lake, from which another host, or
// the same one, gets where an undisturbed run gets.
func TestDeadAtAnyWrite(t *testing.T) {
	undisturbed, dir := newStore(t), t.TempDir()
	m := open(t, undisturbed, dir)
	for version := 1; version <= 2; version++ {
		stage(t, dir, version)
		check(t, m.Save(t.Context()))
	}
	m.Close(t.Context())
	want := tree(t, undisturbed)
	if finished := dieAndHeal(t, writes, false, true, want); !finished {
		t.Fatalf("a run writes more than %d times", writes)
	}
	for n := 2; n <= writes; n++ { // the first write takes the lake
		for _, after := range []bool{false, true} {
			for _, sameHost := range []bool{false, true} {
				t.Run(fmt.Sprintf("write %d, after it %v, same host %v", n, after, sameHost), func(t *testing.T) {
					t.Parallel()
					dieAndHeal(t, n, after, sameHost, want)
				})
			}
		}
	}
}

// writes is more than the second run of TestDeadAtAnyWrite changes in the lake.
const writes = 16

func dieAndHeal(t *testing.T, n int, after, sameHost bool, want map[string]string) (finished bool) {
	t.Helper()
	s, here := newStore(t), t.TempDir()
	m := open(t, s, here)
	stage(t, here, 1)
	check(t, m.Save(t.Context()))
	m.Close(t.Context())
	d := &dying{Store: s, left: n, after: after}
	m, err := Open(t.Context(), d, here, someone, Options{LeaseTime: time.Hour, Parallel: 1})
	check(t, err)
	stage(t, here, 2)
	finished = m.Save(t.Context()) == nil
	m.lease.stop()
	<-m.lease.done
	whole(t, s)
	if !sameHost {
		here = t.TempDir()
		expire(t, s)
	}
	m = open(t, s, here)
	stage(t, here, 2)
	check(t, m.Save(t.Context()))
	m.Close(t.Context())
	if diff := cmp.Diff(want, tree(t, s)); diff != "" {
		t.Errorf("dead at write %d (after it: %v, same host: %v), then run again:\n%s", n, after, sameHost, diff)
	}
	return finished
}

// expire makes the claim to the lake an old one.
func expire(t *testing.T, s load.Store) {
	t.Helper()
	c, etag, err := readClaim(t.Context(), s)
	check(t, err)
	past := time.Now().Add(-time.Minute)
	c.Expires = &past
	text, err := json.Marshal(c)
	check(t, err)
	_, err = s.Swap(t.Context(), lockName, text, etag)
	check(t, err)
}

// What a killed process had not saved is saved by the next run on the same disk, unless
// somebody else had the lake in between.
func TestUnsavedWork(t *testing.T) {
	for _, between := range []bool{false, true} {
		s, here := newStore(t), t.TempDir()
		m := open(t, s, here)
		stage(t, here, 1)
		check(t, m.Save(t.Context()))
		write(t, here, journalUnit+"partial/pages.jsonl", "page 1")
		write(t, here, journalUnit+"partial/000001.json.zst", "body 1")
		m.Close(t.Context()) // killed, as far as the lake can tell
		if between {
			other := open(t, s, t.TempDir())
			other.Close(t.Context())
		}
		m = open(t, s, here)
		check(t, m.Save(t.Context()))
		m.Close(t.Context())
		if _, saved := tree(t, s)[journalUnit+"partial/000001.json.zst"]; saved == between {
			t.Errorf("another host in between: %v; the page was saved: %v", between, saved)
		}
		stage(t, here, 2)
		m = open(t, s, here)
		check(t, m.Save(t.Context()))
		m.Close(t.Context())
		if _, left := tree(t, s)[journalUnit+"partial/000001.json.zst"]; left && !between {
			t.Error("the pages of a finished unit are still in the lake")
		}
	}
}

func TestSaveRefuses(t *testing.T) {
	t.Run("a file that was damaged on this disk", func(t *testing.T) {
		s, here := newStore(t), t.TempDir()
		m := open(t, s, here)
		defer m.Close(t.Context())
		stage(t, here, 1)
		write(t, here, rawUnit+"all-"+sum("rows 1")[:16]+".parquet", "rows !")
		if err := m.Save(t.Context()); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("got %v", err)
		}
		if got := tree(t, s)[rawUnit+"all.json"]; got != "" {
			t.Error("the manifest was written without its file")
		}
	})
	t.Run("to delete what a cleaned working copy no longer lists", func(t *testing.T) {
		s, here := newStore(t), t.TempDir()
		m := open(t, s, here)
		defer m.Close(t.Context())
		stage(t, here, 1)
		check(t, m.Save(t.Context()))
		want := tree(t, s)
		remove(t, here, "raw")
		if err := m.Save(t.Context()); err == nil || !strings.Contains(err.Error(), "gone from the working copy") {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff(want, tree(t, s)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatIsLostInTheStore(t *testing.T) {
	s, here := newStore(t), t.TempDir()
	m := open(t, s, here)
	stage(t, here, 1)
	check(t, m.Save(t.Context()))
	m.Close(t.Context())
	check(t, s.Delete(t.Context(), table+sum("table 1")[:16]+".parquet"))
	check(t, s.Delete(t.Context(), rawUnit+"all-"+sum("rows 1")[:16]+".parquet"))
	there := t.TempDir()
	m = open(t, s, there)
	defer m.Close(t.Context())
	if _, err := os.Stat(filepath.Join(there, table+"state.json")); err == nil {
		t.Error("a table whose file is gone is not built again")
	}
	if _, err := os.Stat(filepath.Join(there, rawUnit+"all.json")); err != nil {
		t.Errorf("a bill that may exist nowhere else was forgotten: %v", err)
	}
	err := m.Fetch(t.Context(), []string{filepath.Join(there, rawUnit+"all-"+sum("rows 1")[:16]+".parquet")})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestOneHolder(t *testing.T) {
	s := newStore(t)
	first, err := Open(t.Context(), s, t.TempDir(), someone, Options{LeaseTime: short})
	check(t, err)
	_, err = Open(t.Context(), s, t.TempDir(), Holder{Command: "extract"}, Options{LeaseTime: short})
	var held *HeldError
	if !errors.As(err, &held) || held.By.Host != "nightly" || held.By.Process != 7 {
		t.Fatalf("got %v", err)
	}
	time.Sleep(3 * short) // it is being renewed
	if _, err := Open(t.Context(), s, t.TempDir(), someone, Options{LeaseTime: short}); !errors.As(err, &held) {
		t.Fatalf("got %v", err)
	}
	first.Close(t.Context())
	open(t, s, t.TempDir()).Close(t.Context())
}

// A host whose clock is hours ahead takes every claim for an old one. It watches it first.
func TestClaimIsWatchedBeforeItIsBroken(t *testing.T) {
	s := newStore(t)
	first, err := Open(t.Context(), s, t.TempDir(), someone, Options{LeaseTime: short})
	check(t, err)
	defer first.Close(t.Context())
	c, etag, err := readClaim(t.Context(), s)
	check(t, err)
	past := time.Now().Add(-time.Hour)
	c.Expires = &past
	l := &lease{store: s, log: first.Log}
	var held *HeldError
	if err := l.outlive(t.Context(), c, etag, 2*short); !errors.As(err, &held) {
		t.Errorf("a claim that is being renewed was taken for dead: %v", err)
	}
}

// Two hosts find a dead one's claim at the same moment: one gets the lake.
func TestRaceForADeadClaim(t *testing.T) {
	s := newStore(t)
	dead := open(t, s, t.TempDir())
	dead.lease.stop()
	<-dead.lease.done
	expire(t, s)
	var mu sync.Mutex
	var got []*Mirror
	var group sync.WaitGroup
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	for _, dir := range dirs {
		group.Go(func() {
			m, err := Open(t.Context(), s, dir, someone, Options{watch: 10 * time.Millisecond})
			var held *HeldError
			if err != nil && !errors.As(err, &held) && !errors.Is(err, load.ErrChanged) {
				t.Error(err)
			}
			if err == nil {
				mu.Lock()
				got = append(got, m)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(got) != 1 {
		t.Fatalf("%d hosts have the lake", len(got))
	}
	got[0].Close(t.Context())
}

// A host that was taken for dead and comes back writes nothing, and is told.
func TestLoserWritesNothing(t *testing.T) {
	s, here, there := newStore(t), t.TempDir(), t.TempDir()
	m, err := Open(t.Context(), s, here, someone, Options{LeaseTime: time.Hour})
	check(t, err)
	guarded, stop := m.Guard(t.Context())
	defer stop()
	expire(t, s)
	other := open(t, s, there)
	stage(t, there, 2)
	check(t, other.Save(t.Context()))
	other.Close(t.Context())
	want := tree(t, s)
	stage(t, here, 1)
	var lost *LostError
	if err := m.Save(t.Context()); !errors.As(err, &lost) {
		t.Errorf("got %v", err)
	}
	<-guarded.Done()
	if !errors.As(context.Cause(guarded), &lost) {
		t.Errorf("the run ends because of %v", context.Cause(guarded))
	}
	m.Close(t.Context())
	if diff := cmp.Diff(want, tree(t, s)); diff != "" {
		t.Errorf("the loser changed the lake:\n%s", diff)
	}
}

// A run that is interrupted saves what it has.
func TestSaveAfterTheEnd(t *testing.T) {
	s, here := newStore(t), t.TempDir()
	m := open(t, s, here)
	defer m.Close(t.Context())
	stage(t, here, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	check(t, m.Save(ctx))
	whole(t, s)
	if len(tree(t, s)) == 0 {
		t.Error("nothing was saved")
	}
}

func TestKinds(t *testing.T) {
	for name, want := range map[string]kind{
		"raw/s/scope=a/period=all/all.json":                        manifest,
		"raw/s/scope=a/period=all/all.json.new":                    ours,
		"documents/contoso/G1/G1-0011.pdf":                         data,
		"documents/contoso/G1/G1-0011.pdf.new":                     ours,
		"documents/contoso/G1/G1.json":                             manifest,
		"raw/s/scope=a/period=all/all-0011.parquet":                data,
		"raw/s/scope=a/period=all/all-0011.rejects.parquet":        data,
		"journal/s/scope=a/period=all/all/fetched":                 fetched,
		"journal/s/scope=a/period=all/all/pages.jsonl":             journal,
		"journal/s/scope=a/period=all/all/partial/pages.jsonl":     page,
		"journal/s/scope=a/period=all/all/partial/000001.json.zst": page,
		"journal/s/scope=a/period=all/all/versions/000001.json":    version,
		"journal/s/scope=a/period=all/all/work/x.parquet":          ours,
		"tables/set.json":                             set,
		"rules/journal.csv":                           rules,
		"closed/2026-09/record.json":                  closed,
		"closed/2026-09/signature.json":               signed,
		"closed/2026-09/rules/owners.csv":             signed,
		"closed/2026-09/tables/t/0011.parquet":        data,
		"closed/.2026-09.new/record.json":             ours,
		"closed/undone/2026-09-0011/record.json":      closed,
		"closed/undone/2026-09-0011.json":             signed,
		"tables/previous.json":                        set,
		"rules/272165bf613d8dfa/owners.csv":           rules,
		"tables/t/state.json":                         state,
		"tables/t/BillingPeriod=2026-10/state.json":   state,
		"tables/t/BillingPeriod=2026-10/0011.parquet": data,
		"tables/t/building.parquet.tmp":               ours,
		"tables/t/.fetch-1.parquet":                   ours,
		"lock.json":                                   ours,
		"inputs/account.csv":                          ours,
		"cache/0011.parquet":                          ours,
	} {
		if got := kindOf(name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

// lateStore does what it is told, and cuts the answer off.
type lateStore struct {
	load.Store
	cut context.CancelFunc // nil: answers in time
}

func (s *lateStore) Swap(ctx context.Context, name string, data []byte, old string) (string, error) {
	etag, err := s.Store.Swap(context.WithoutCancel(ctx), name, data, old)
	if s.cut != nil {
		s.cut()
		s.cut = nil
		return "", ctx.Err()
	}
	return etag, err
}

// A renewal that reached the store and whose answer did not come must not make the next one think that the lake is lost.
func TestARenewalWhoseAnswerIsLostIsStillOurs(t *testing.T) {
	dir, err := load.OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	store := &lateStore{Store: dir}
	l, err := take(t.Context(), store, Holder{Command: "run"}, newToken(), "", Options{LeaseTime: time.Hour, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.release(t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	store.cut = cancel
	if err := l.beat(ctx); err == nil {
		t.Fatal("the answer was not cut off")
	}
	if err := l.confirm(t.Context()); err != nil {
		t.Errorf("the lake counts as lost: %v", err)
	}
}

// closeMonth writes what closing a month does.
func closeMonth(t *testing.T, dir string) {
	t.Helper()
	write(t, dir, "closed/2026-09/tables/balance/0011.parquet", "september")
	write(t, dir, "closed/2026-09/rules/owners.csv", "CostOwner")
	write(t, dir, "closed/2026-09/signature.json", "{}")
	write(t, dir, "closed/2026-09/record.json", `{"tables":[{"files":[`+partJSON("tables/balance/0011.parquet", "september")+`]}]}`)
	write(t, dir, "tables/set.json", `{"tables":[{"files":[`+partJSON("../closed/2026-09/tables/balance/0011.parquet", "september")+`]}]}`)
}

func TestClosedMonths(t *testing.T) {
	s, here, there := newStore(t), t.TempDir(), t.TempDir()
	m := open(t, s, here)
	stage(t, here, 1)
	closeMonth(t, here)
	check(t, m.Save(t.Context()))
	m.Close(t.Context())
	whole(t, s)
	if tree(t, s)["closed/2026-09/tables/balance/0011.parquet"] != "september" {
		t.Fatal("the tables of the closed month are not in the store")
	}

	m = open(t, s, there)
	remove(t, there, "closed/2026-09/signature.json")
	if err := m.Save(t.Context()); err == nil || !strings.Contains(err.Error(), "closed/2026-09/signature.json is gone from the working copy") {
		t.Errorf("a file of a closed month that is missing: got %v", err)
	}
	m.Close(t.Context())

	m = open(t, s, there)
	check(t, m.Fetch(t.Context(), []string{filepath.Join(there, "closed/2026-09/tables/balance/0011.parquet")}))
	write(t, there, "closed/undone/2026-09-0011.json", "why")
	check(t, os.Rename(filepath.Join(there, "closed/2026-09"), filepath.Join(there, "closed/undone/2026-09-0011")))
	write(t, there, "tables/set.json", `{"tables":[]}`)
	check(t, m.Save(t.Context()))
	m.Close(t.Context())
	whole(t, s)
	files := tree(t, s)
	for name := range files {
		if strings.HasPrefix(name, "closed/2026-09/") {
			t.Errorf("%s is still there", name)
		}
	}
	if files["closed/undone/2026-09-0011/tables/balance/0011.parquet"] != "september" || files["closed/undone/2026-09-0011.json"] != "why" {
		t.Errorf("what was opened again is not kept: %v", slices.Sorted(maps.Keys(files)))
	}
}
