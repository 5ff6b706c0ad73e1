package extract

import (
	"context"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azledger/azledger/extract/azuresim"
)

const testKey = "eyJhbGciOi.an-enrollments-key.of-test"

// quickClient asks a test server and does not wait between attempts.
func quickClient(t *testing.T, url string) *Client {
	t.Helper()
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: url, Retail: url, Enterprise: url}, EnterpriseKey: testKey})
	if err != nil {
		t.Fatal(err)
	}
	client.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return client
}

// simulated is a simulated Azure and the options of a run against it.
type simulated struct {
	*azuresim.Enterprise
	url string
}

func simulate(t *testing.T, config azuresim.Config) simulated {
	t.Helper()
	enterprise := azuresim.New(config)
	server := httptest.NewServer(enterprise.Handler())
	t.Cleanup(server.Close)
	return simulated{enterprise, server.URL}
}

func (s simulated) options(t *testing.T, lake string, accounts []Account, sources ...string) Options {
	t.Helper()
	return Options{
		Lake: lake, Client: quickClient(t, s.url), Accounts: accounts, Sources: sources, Workers: 1, Refresh: true,
		AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), History: 4,
	}
}

var (
	enrollment = Account{Name: "ea", Scope: azuresim.EnrollmentPath, Agreement: ea}
	customer   = Account{Name: "mca", Scope: azuresim.CustomerPath, Agreement: mca}
)

// rawRows reads the rows that a run landed for a source, in the order of unit, page and row.
func rawRows(t *testing.T, lake, source string) []record {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(lake, "raw", source, "scope=*", "period=*", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var rows []record
	for _, path := range manifests {
		m, err := readManifest(path)
		if err != nil {
			t.Fatal(err)
		}
		if m.RejectRows > 0 {
			t.Errorf("%s has %d rejects", m.Unit, m.RejectRows)
		}
		for _, f := range m.Files {
			_, got := readBack(t, &landedFile{Path: filepath.Join(filepath.Dir(path), f.Path), Rows: f.Rows})
			for _, row := range got {
				row["_dataset"], row["_period"] = m.Dataset, m.Period
			}
			rows = append(rows, got...)
		}
	}
	return rows
}

func mustRun(t *testing.T, o Options) Result {
	t.Helper()
	res, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range res.Failed() {
		t.Errorf("%s failed: %v", u.Unit, u.Err)
	}
	return res
}

// rawFiles maps every file below raw/ to its content.
func rawFiles(t *testing.T, lake string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(filepath.Join(lake, "raw"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(lake, path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// dataFiles are the names of data files, which are hashes of their content.
func dataFiles(files map[string]string) []string {
	var names []string
	for name := range files {
		if strings.HasSuffix(name, ".parquet") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
