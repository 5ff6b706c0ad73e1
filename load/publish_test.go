package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/load/azuritetest"
)

// october and november are two nights' sets: the second changes one file, adds one and keeps one.
func october(t testing.TB) string {
	return writeSet(t, "2026-11-21",
		part{"cost", "2026-09", 90, "september"}, part{"cost", "2026-10", 100, "october"}, part{"invoice", "", 3, "invoices"})
}

func november(t testing.TB) string {
	return writeSet(t, "2026-11-22",
		part{"cost", "2026-09", 90, "september"}, part{"cost", "2026-10", 101, "october with a late row"},
		part{"cost", "2026-11", 50, "november"}, part{"invoice", "", 3, "invoices"})
}

func TestPublishLaysOutData(t *testing.T) {
	store := openDir(t, t.TempDir())
	o := evening
	o.Sources = json.RawMessage(`[{"Source":"usage_details","State":"complete"}]`)
	done := publish(t, store, writeSet(t, "2026-11-22", part{"cost", "2026-10", 7, "rows & <more>"}), o)
	if !done.Changed || done.Files != 1 || done.Bytes != 13 || done.Pointer.Version != 1 {
		t.Errorf("got %+v", done)
	}
	sha := hashBytes([]byte("rows & <more>"))
	manifest := fmt.Sprintf(`{
  "format": 1,
  "version": 1,
  "as_of": "2026-11-22",
  "data_complete_to": "2026-11-22",
  "tables": [
    {
      "name": "cost",
      "doc": "cost is a table.",
      "grain": [
        "Id"
      ],
      "period": "BillingPeriodStart",
      "columns": [
        {
          "name": "Id",
          "type": "varchar",
          "doc": "what tells rows apart"
        }
      ],
      "files": [
        {
          "period": "2026-10",
          "path": "data/cost/BillingPeriod=2026-10/%s.parquet",
          "rows": 7,
          "bytes": 13,
          "sha256": "%s"
        }
      ],
      "checks": [
        {
          "rule": "Id <> ''",
          "kind": "check",
          "broken": 0
        }
      ]
    }
  ],
  "sources": [
    {
      "Source": "usage_details",
      "State": "complete"
    }
  ]
}
`, sha[:16], sha)
	want := map[string]string{
		"data/cost/BillingPeriod=2026-10/" + sha[:16] + ".parquet": "rows & <more>",
		"manifests/000001.json": manifest,
		"current.json": fmt.Sprintf(`{
  "format": 1,
  "version": 1,
  "manifest": "manifests/000001.json",
  "manifest_sha256": "%s",
  "published_at": "2026-11-22T21:00:00Z",
  "data_complete_to": "2026-11-22"
}
`, hashBytes([]byte(manifest))),
	}
	if diff := cmp.Diff(want, tree(t, store)); diff != "" {
		t.Error(diff)
	}
}

func TestPublishAgainChangesNothing(t *testing.T) {
	store := openDir(t, t.TempDir())
	folder := october(t)
	publish(t, store, folder, evening)
	before := tree(t, store)
	o := evening
	o.Now = at("2027-01-01T00:00:00Z")
	done := publish(t, store, folder, o)
	if done.Changed || done.Files != 0 || done.Kept != 3 || done.Pointer.Version != 1 {
		t.Errorf("got %+v", done)
	}
	if diff := cmp.Diff(before, tree(t, store)); diff != "" {
		t.Error(diff)
	}
}

func TestPublishSendsOnlyWhatIsMissing(t *testing.T) {
	store := openDir(t, t.TempDir())
	publish(t, store, october(t), evening)
	old, _, err := Current(t.Context(), store)
	check(t, err)
	var steps []Progress
	o := Options{Progress: func(p Progress) { steps = append(steps, p) }}
	done := publish(t, store, november(t), o)
	if done.Files != 2 || done.Kept != 2 || done.Pointer.Version != 2 {
		t.Errorf("got %+v", done)
	}
	if want := (Progress{2, 2, 31, 31}); len(steps) != 2 || steps[1] != want {
		t.Errorf("progress: got %v, want it to end with %v", steps, want)
	}
	sound(t, store, 2)
	if _, err := readManifest(t.Context(), store, old); err != nil {
		t.Errorf("a reader of version 1 lost it: %v", err)
	}
}

func TestDataCompleteToMayBeUnknown(t *testing.T) {
	folder := october(t)
	edit(t, folder, `"data_complete_to": "2026-11-21"`, `"data_complete_to": null`)
	store := openDir(t, t.TempDir())
	publish(t, store, folder, evening)
	if text := content(t, store, pointerName); !strings.Contains(text, `"data_complete_to": null`) {
		t.Error(text)
	}
	sound(t, store, 1)
}

// edit replaces a text in set.json.
func edit(t *testing.T, folder, old, new string) {
	t.Helper()
	name := filepath.Join(folder, setName)
	data, err := os.ReadFile(name)
	check(t, err)
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s has no %s", name, old)
	}
	check(t, os.WriteFile(name, []byte(strings.ReplaceAll(string(data), old, new)), 0o666))
}

func TestPublishRefusesAWrongSet(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		want     string // in the error
	}{
		"path out of the folder": {`"path": "invoice/`, `"path": "../invoice/`, "not a path within the folder"},
		"table name":             {`"name": "invoice"`, `"name": "in/voice"`, "lower_case"},
		"table twice":            {`"name": "invoice"`, `"name": "cost"`, "twice"},
		"broken total": {`"kind": "check",
          "broken": 0`, `"kind": "total", "broken": 2`, "does not hold"},
		"no date":                {`"as_of": "2026-11-21"`, `"as_of": "21.11.2026"`, "not a date"},
		"no as_of":               {`"as_of": "2026-11-21"`, `"as_of": null`, "as_of"},
		"later format":           {`"format": 1`, `"format": 2`, "format 2"},
		"cut off":                {`"tables": [`, `"tables": `, "set.json"},
		"no month":               {`"period": "2026-10"`, `"period": "2026-13"`, "not a month"},
		"no hash":                {`"sha256": "`, `"sha256": "x`, "hex"},
		"period in other table":  {`"period": "BillingPeriodStart"`, `"period": ""`, "period column"},
		"empty file":             {`"bytes": 9`, `"bytes": 0`, "0 bytes"},
		"other size":             {`"bytes": 9`, `"bytes": 8`, "run the transform again"},
		"file that is not there": {`"path": "cost/BillingPeriod=2026-10/`, `"path": "cost/BillingPeriod=2026-11/`, "run the transform again"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := october(t)
			edit(t, folder, c.old, c.new)
			store := openDir(t, t.TempDir())
			_, err := Publish(t.Context(), store, folder, evening)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), folder) {
				t.Errorf("got %v, want an error with %q and the folder", err, c.want)
			}
			if _, ok := tree(t, store)[pointerName]; ok {
				t.Error("it was published")
			}
		})
	}
}

func TestPublishWithoutASet(t *testing.T) {
	_, err := Publish(t.Context(), openDir(t, t.TempDir()), t.TempDir(), evening)
	if err == nil || !strings.Contains(err.Error(), "run the transform first") {
		t.Errorf("got %v", err)
	}
}

func TestPublishRefusesADamagedLocalFile(t *testing.T) {
	folder, store := november(t), openDir(t, t.TempDir())
	publish(t, store, october(t), evening)
	files, err := filepath.Glob(filepath.Join(folder, "cost", "BillingPeriod=2026-11", "*"))
	check(t, err)
	check(t, os.WriteFile(files[0], []byte("noWember"), 0o666)) // one bit
	_, err = Publish(t.Context(), store, folder, evening)
	if err == nil || !strings.Contains(err.Error(), files[0]) {
		t.Errorf("got %v, want an error that names %s", err, files[0])
	}
	sound(t, store, 1)
}

func TestPublishRepairsTheStore(t *testing.T) {
	for name, harm := range map[string]func(file string) error{
		"deleted": os.Remove,
		"emptied": func(file string) error { return os.WriteFile(file, nil, 0o666) },
		"cut off": func(file string) error { return os.Truncate(file, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			store, folder := openDir(t, t.TempDir()), october(t)
			publish(t, store, folder, evening)
			want := tree(t, store)
			file := filepath.Join(store.root, storedName("invoice", File{SHA256: hashBytes([]byte("invoices"))}))
			check(t, harm(file))
			problems, err := Verify(t.Context(), store, 0)
			check(t, err)
			if len(problems) != 1 || problems[0].Table != "invoice" {
				t.Errorf("Verify: got %v, want the invoice file", problems)
			}
			if done := publish(t, store, folder, evening); done.Changed || done.Files != 1 {
				t.Errorf("got %+v", done)
			}
			if diff := cmp.Diff(want, tree(t, store)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A file overwritten by one of the same size is found by its time, without reading the others.
func TestPublishRepairsWhatWasOverwritten(t *testing.T) {
	store, folder := openDir(t, t.TempDir()), october(t)
	publish(t, store, folder, evening)
	want := tree(t, store)
	age(t, store.root)
	file := filepath.Join(store.root, storedName("invoice", File{SHA256: hashBytes([]byte("invoices"))}))
	check(t, os.WriteFile(file, []byte("invoiceX"), 0o666))
	opened := &opens{Store: store}
	var log bytes.Buffer
	o := evening
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	if done := publish(t, opened, folder, o); done.Changed || done.Files != 1 || done.Kept != 2 {
		t.Errorf("got %+v", done)
	}
	if diff := cmp.Diff(want, tree(t, store)); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(log.String(), "replacing a damaged file") {
		t.Errorf("the log does not tell: %s", log.String())
	}
	if len(opened.data) != 1 || !strings.Contains(opened.data[0], "invoice") {
		t.Errorf("read %v, want the one file that is newer than the pointer", opened.data)
	}
}

// age makes the data files an hour older than the pointer, as they are by the next night.
func age(t *testing.T, root string) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	check(t, filepath.WalkDir(filepath.Join(root, "data"), func(name string, d fs.DirEntry, err error) error {
		return errors.Join(err, os.Chtimes(name, old, old))
	}))
}

// opens notes which data files are read.
type opens struct {
	Store
	data []string
}

func (o *opens) Open(ctx context.Context, name string) (io.ReadCloser, Info, error) {
	if strings.HasPrefix(name, "data/") {
		o.data = append(o.data, name)
	}
	return o.Store.Open(ctx, name)
}

func TestShrinkGuard(t *testing.T) {
	last := []part{{"cost", "2026-08", 100, "a"}, {"cost", "2026-09", 100, "b"}, {"cost", "2026-10", 100, "c"}, {"cost", "2026-11", 100, "d"}, {"restatement", "2026-09", 5, "e"}}
	for name, c := range map[string]struct {
		asOf string
		next []part
		want string
	}{
		"same":                      {"2026-11-22", last, ""},
		"three fifths":              {"2026-11-22", with(last, 1, 60), ""},
		"below three fifths":        {"2026-11-22", with(last, 1, 59), "cost 2026-09 from 100 to 59 rows"},
		"empty":                     {"2026-11-22", with(last, 2, 0), "cost 2026-10 from 100 to 0 rows"},
		"open month":                {"2026-11-22", with(last, 3, 0), ""},
		"month closed meanwhile":    {"2026-12-01", with(last, 3, 0), "cost 2026-11 from 100 to 0 rows"},
		"period gone":               {"2026-11-22", append(last[:1:1], last[2:]...), "cost 2026-09 from 100 to 0 rows"},
		"oldest gone, same month":   {"2026-11-22", last[1:], "cost 2026-08 from 100 to 0 rows"},
		"oldest gone, month passed": {"2026-12-02", last[1:], ""},
		"two gone, month passed":    {"2026-12-02", last[2:], "cost 2026-09 from 100 to 0 rows"},
		"table gone":                {"2026-11-22", last[4:], "cost is gone (400 rows)"},
		"may shrink":                {"2026-11-22", with(last, 4, 0), ""},
		"two at once":               {"2026-11-22", with(with(last, 1, 1), 2, 2), "cost 2026-09 from 100 to 1 rows, cost 2026-10 from 100 to 2 rows"},
		"grown":                     {"2026-11-22", with(last, 1, 1000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			store := openDir(t, t.TempDir())
			publish(t, store, writeSet(t, "2026-11-22", last...), evening)
			o := evening
			o.MayShrink = []string{"restatement"}
			folder := writeSet(t, c.asOf, c.next...)
			_, err := Publish(t.Context(), store, folder, o)
			var shrink *ShrinkError
			if errors.As(err, &shrink) != (c.want != "") || (c.want != "" && !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if c.want == "" {
				check(t, err)
				return
			}
			sound(t, store, 1)
			o.AcceptShrink = "jane: export was wrong"
			done := publish(t, store, folder, o)
			_, m, err := Current(t.Context(), store)
			check(t, err)
			if done.Pointer.Version != 2 || len(m.Accepted) != len(shrink.Falls) || m.Accepted[0].By != o.AcceptShrink {
				t.Errorf("accepted: got %s", jsonOf(t, m.Accepted))
			}
			o.AcceptShrink = ""
			if publish(t, store, folder, o).Changed {
				t.Error("publishing the accepted set again changed something")
			}
		})
	}
}

// with returns parts with other rows in one of them.
func with(parts []part, i int, rows int64) []part {
	parts = append([]part(nil), parts...)
	parts[i].rows = rows
	return parts
}

func TestPublishRefusesOlderData(t *testing.T) {
	store := openDir(t, t.TempDir())
	publish(t, store, november(t), evening)
	folder := writeSet(t, "2026-11-21", part{"cost", "2026-09", 90, "september"}, part{"cost", "2026-10", 100, "october"}, part{"invoice", "", 3, "invoices"})
	if _, err := Publish(t.Context(), store, folder, evening); !errors.Is(err, ErrOlder) || !strings.Contains(err.Error(), "--accept-shrink") {
		t.Errorf("got %v, want ErrOlder and the flag that lets it through", err)
	}
	sound(t, store, 1)
	o := evening
	o.AcceptOlder = true
	publish(t, store, folder, o)
	sound(t, store, 2)
}

// A rival publishes something just before the pointer is exchanged for the first time.
type rival struct {
	Store
	once sync.Once
	act  func()
}

func (r *rival) Swap(ctx context.Context, name string, data []byte, old string) (string, error) {
	if name == pointerName {
		r.once.Do(r.act)
	}
	return r.Store.Swap(ctx, name, data, old)
}

// The numbers rise by two, since the one that came too late had taken a number already.
func TestCompetingPublishers(t *testing.T) {
	for name, c := range map[string]struct {
		other   func(testing.TB) string
		want    error
		version int64
		changed bool
	}{
		"the other set is newer": {func(t testing.TB) string {
			return writeSet(t, "2026-11-23", part{"cost", "2026-09", 90, "september"}, part{"cost", "2026-10", 101, "x"}, part{"invoice", "", 3, "y"})
		}, ErrOlder, 3, false},
		"the other set is the same": {november, nil, 2, false},
		"the other set is of the same day": {func(t testing.TB) string {
			return writeSet(t, "2026-11-22", part{"cost", "2026-09", 90, "september"}, part{"cost", "2026-10", 101, "x"}, part{"invoice", "", 3, "y"})
		}, nil, 4, true},
		"the other set had more rows": {func(t testing.TB) string {
			return writeSet(t, "2026-11-22", part{"cost", "2026-09", 900, "nine hundred"}, part{"invoice", "", 3, "y"})
		}, &ShrinkError{}, 3, false},
	} {
		t.Run(name, func(t *testing.T) {
			store := openDir(t, t.TempDir())
			publish(t, store, october(t), evening)
			o := evening
			o.AcceptShrink = "the test"
			o.Now = at("2026-11-22T20:59:59Z")
			contested := &rival{Store: store, act: func() { publish(t, store, c.other(t), o) }}
			done, err := Publish(t.Context(), contested, november(t), evening)
			var shrink *ShrinkError
			switch c.want.(type) {
			case nil:
				check(t, err)
			case *ShrinkError:
				if !errors.As(err, &shrink) {
					t.Errorf("got %v, want a ShrinkError", err)
				}
			default:
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			}
			if done.Changed != c.changed {
				t.Errorf("changed: got %v", done.Changed)
			}
			sound(t, store, c.version)
		})
	}
}

func TestManyPublishersAtOnce(t *testing.T) {
	azuritetest.Need(t)
	root, containerURL := t.TempDir(), newContainer(t)
	for name, open := range map[string]func() Store{
		"directory": func() Store { return openDir(t, root) },
		"azure":     func() Store { return openAzurite(t, containerURL, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			var group sync.WaitGroup
			versions := make([]int64, 4)
			for i := range versions {
				folder := writeSet(t, "2026-11-22", part{"cost", "2026-10", 100, fmt.Sprint("set ", i)}, part{"common", "", 1, "common"})
				group.Go(func() {
					done, err := Publish(t.Context(), open(), folder, Options{})
					if err != nil {
						t.Error(err)
					}
					versions[i] = done.Pointer.Version
				})
			}
			group.Wait()
			seen := map[int64]bool{}
			for _, v := range versions {
				if seen[v] {
					t.Errorf("two publishers say they made version %d: %v", v, versions)
				}
				seen[v] = true
			}
			pointer, _, err := Current(t.Context(), open())
			check(t, err)
			if pointer.Version < 4 {
				t.Errorf("4 publications ended at version %d: %v", pointer.Version, versions)
			}
			sound(t, open(), pointer.Version)
		})
	}
}

func TestANumberThatWasLeftBehindIsSkipped(t *testing.T) {
	store := openDir(t, t.TempDir())
	publish(t, store, october(t), evening)
	_, err := store.Swap(t.Context(), manifestName(2), []byte("a manifest whose publisher died before the pointer"), "")
	check(t, err)
	if done := publish(t, store, november(t), evening); done.Pointer.Version != 3 {
		t.Errorf("got version %d, want 3", done.Pointer.Version)
	}
	sound(t, store, 3)
}

func TestALostPointerDoesNotTurnTimeBack(t *testing.T) {
	store := openDir(t, t.TempDir())
	publish(t, store, october(t), evening)
	publish(t, store, november(t), evening)
	check(t, store.Delete(t.Context(), pointerName))
	folder := writeSet(t, "2026-11-23", part{"cost", "2026-09", 90, "september"})
	if done := publish(t, store, folder, evening); done.Pointer.Version != 3 {
		t.Errorf("got version %d, want 3", done.Pointer.Version)
	}
}

func TestALostManifestNeedsAcceptance(t *testing.T) {
	store := openDir(t, t.TempDir())
	publish(t, store, october(t), evening)
	check(t, store.Delete(t.Context(), manifestName(1)))
	_, err := Publish(t.Context(), store, november(t), evening)
	if err == nil || !strings.Contains(err.Error(), "manifests/000001.json, which is not there") || !strings.Contains(err.Error(), "azledger load --accept-shrink") {
		t.Errorf("got %v", err)
	}
	o := evening
	o.AcceptShrink = "jane: manifest was deleted by mistake"
	publish(t, store, november(t), o)
	sound(t, store, 2)
}

func TestReadersRefuseADamagedPublication(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, d *Dir){
		"manifest changed": func(t *testing.T, d *Dir) { replace(t, d, "manifests/000001.json", `"rows": 90`, `"rows": 91`) },
		"pointer changed":  func(t *testing.T, d *Dir) { replace(t, d, pointerName, `"version": 1`, `"version": 2`) },
		"pointer cut off":  func(t *testing.T, d *Dir) { replace(t, d, pointerName, "}", "") },
		"pointer of a later release": func(t *testing.T, d *Dir) {
			replace(t, d, pointerName, `"format": 1`, `"format": 2`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := openDir(t, t.TempDir())
			publish(t, store, october(t), evening)
			harm(t, store)
			if pointer, _, err := Current(t.Context(), store); err == nil {
				t.Errorf("got version %d, want an error", pointer.Version)
			}
		})
	}
}

func replace(t *testing.T, d *Dir, name, old, new string) {
	t.Helper()
	before := content(t, d, name)
	after := strings.ReplaceAll(before, old, new)
	if before == after {
		t.Fatalf("%s has no %q: %s", name, old, before)
	}
	check(t, os.WriteFile(filepath.Join(d.root, name), []byte(after), 0o666))
}

func TestFetch(t *testing.T) {
	dir := openDir(t, t.TempDir())
	publish(t, dir, october(t), evening)
	_, m, err := Current(t.Context(), dir)
	check(t, err)
	files, ok := m.Files("invoice")
	if !ok {
		t.Fatal("no table invoice")
	}
	if name, err := Fetch(t.Context(), dir, files[0], t.TempDir()); err != nil || !strings.HasPrefix(name, dir.root) {
		t.Errorf("a directory's file is used where it lies: got %s, %v", name, err)
	}
	cache := filepath.Join(t.TempDir(), "cache")
	remote := &faulty{Store: dir} // no *Dir, so it is downloaded
	for range 2 {
		name, err := Fetch(t.Context(), remote, files[0], cache)
		check(t, err)
		if data, err := os.ReadFile(name); err != nil || string(data) != "invoices" || filepath.Ext(name) != ".parquet" {
			t.Errorf("got %s: %q, %v", name, data, err)
		}
	}
	if remote.calls.Load() != 1 {
		t.Errorf("it was downloaded %d times", remote.calls.Load())
	}
}

func TestFetchRefusesWhatIsDamaged(t *testing.T) {
	dir := openDir(t, t.TempDir())
	publish(t, dir, october(t), evening)
	_, m, err := Current(t.Context(), dir)
	check(t, err)
	files, _ := m.Files("invoice")
	check(t, os.WriteFile(filepath.Join(dir.root, files[0].Path), []byte("invoiceS"), 0o666))
	cache := t.TempDir()
	if name, err := Fetch(t.Context(), &faulty{Store: dir}, files[0], cache); err == nil {
		t.Errorf("got %s", name)
	}
	if left, _ := os.ReadDir(cache); len(left) > 0 {
		t.Errorf("left in the cache: %v", left)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	const hidden = "s3cr3t"
	o := AzureOptions{SAS: NewSecret(hidden), ConnectionString: NewSecret(hidden)}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "sas", o.SAS, "options", o)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "sas", o.SAS, "options", o)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb+verb, o.SAS, o)
	}
	log.WriteString(jsonOf(t, map[string]any{"a": o.SAS, "b": map[Secret]int{o.SAS: 1}}))
	if strings.Contains(log.String(), hidden) || strings.Contains(log.String(), fmt.Sprintf("%x", hidden)) {
		t.Errorf("printed: %s", log.String())
	}
	if !strings.Contains(log.String(), redacted) || o.SAS.Reveal() != hidden {
		t.Errorf("got %s", log.String())
	}
}
