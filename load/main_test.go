package load

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/azledger/azledger/load/azuritetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(publishAndDie())
	}
	os.Exit(m.Run())
}

// newContainer creates an empty container and returns its URL.
func newContainer(t testing.TB) string {
	t.Helper()
	url, _ := azuritetest.NewContainer(t)
	return url
}

// openAzurite opens a store below a container with small blocks, so that small files make many.
func openAzurite(t testing.TB, containerURL string, transport policy.Transporter) *Azure {
	t.Helper()
	a, err := OpenAzure(containerURL+"/some/prefix", AzureOptions{
		ConnectionString: NewSecret(azuritetest.Connection(containerURL)),
		Whole:            256 << 10,
		BlockSize:        64 << 10,
		Retry:            policy.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: 2 * time.Millisecond},
		Transport:        transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func openDir(t testing.TB, root string) *Dir {
	t.Helper()
	d, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A part is a file of a set to be written.
type part struct {
	table, period string
	rows          int64
	content       string
}

// writeSet writes a set as the transform leaves it and returns its folder. Files with a period are of tables by period.
func writeSet(t testing.TB, asOf string, parts ...part) string {
	t.Helper()
	folder := t.TempDir()
	var tables []Table
	for _, p := range parts {
		if len(tables) == 0 || tables[len(tables)-1].Name != p.table {
			tables = append(tables, Table{
				Name: p.table, Doc: p.table + " is a table.", Grain: []string{"Id"},
				Columns: []Column{{"Id", "varchar", "what tells rows apart"}},
				Checks:  []Check{{Rule: "Id <> ''", Kind: "check"}},
			})
		}
		last := &tables[len(tables)-1]
		if p.period != "" {
			last.Period = "BillingPeriodStart"
		}
		last.Files = append(last.Files, writePart(t, folder, p))
	}
	set := Manifest{Format: format, AsOf: Day(asOf), DataCompleteTo: Day(asOf), Tables: tables}
	check(t, os.WriteFile(filepath.Join(folder, setName), encode(set), 0o666))
	return folder
}

func writePart(t testing.TB, folder string, p part) File {
	t.Helper()
	sha := hashBytes([]byte(p.content))
	name := p.table + "/" + sha[:16] + ".parquet"
	if p.period != "" {
		name = p.table + "/BillingPeriod=" + p.period + "/" + sha[:16] + ".parquet"
	}
	check(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o777))
	check(t, os.WriteFile(filepath.Join(folder, name), []byte(p.content), 0o666))
	return File{Period: p.period, Path: name, Rows: p.rows, Bytes: int64(len(p.content)), SHA256: sha}
}

// at is a clock that stands still, so that publications can be compared byte by byte.
func at(text string) func() time.Time {
	return func() time.Time {
		now, err := time.Parse(time.RFC3339, text)
		if err != nil {
			panic(err)
		}
		return now
	}
}

var evening = Options{Now: at("2026-11-22T21:00:00Z"), Parallel: 1}

func publish(t testing.TB, store Store, folder string, o Options) Published {
	t.Helper()
	done, err := Publish(t.Context(), store, folder, o)
	check(t, err)
	return done
}

// tree returns all files of a store with their content.
func tree(t testing.TB, store Store) map[string]string {
	t.Helper()
	files := map[string]string{}
	for info, err := range store.List(t.Context(), "") {
		check(t, err)
		files[info.Name] = content(t, store, info.Name)
	}
	return files
}

func content(t testing.TB, store Store, name string) string {
	t.Helper()
	r, _, err := store.Open(t.Context(), name)
	check(t, err)
	defer r.Close()
	data, err := io.ReadAll(r)
	check(t, err)
	return string(data)
}

// sound checks that the version in force is one of the wanted and that all its files are as they should be.
func sound(t testing.TB, store Store, versions ...int64) {
	t.Helper()
	pointer, _, err := Current(t.Context(), store)
	check(t, err)
	problems, err := Verify(t.Context(), store, 0)
	check(t, err)
	if len(problems) > 0 {
		t.Fatalf("version %d: %v", pointer.Version, problems)
	}
	for _, v := range versions {
		if pointer.Version == v {
			return
		}
	}
	t.Fatalf("version %d is in force, want one of %v", pointer.Version, versions)
}

func localFile(t testing.TB, text string) LocalFile {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(name, []byte(text), 0o666))
	f, err := HashFile(t.Context(), name)
	check(t, err)
	return f
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func jsonOf(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	check(t, err)
	return string(text)
}
