package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(publishAndDie())
	}
	code := m.Run()
	if stopAzurite != nil {
		stopAzurite()
	}
	os.Exit(code)
}

// The account and key of every Azurite, as in its manual.
const (
	emulatorAccount = "devstoreaccount1"
	emulatorKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

var stopAzurite func()

// azurite starts the emulator once for all tests and returns its URL, or why there is none.
var azurite = sync.OnceValues(func() (string, error) {
	program, err := azuriteProgram()
	if err != nil {
		return "", err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	folder, err := os.MkdirTemp("", "azurite-*")
	if err != nil {
		return "", err
	}
	// azblob 1.8.3 speaks a later version of the protocol than Azurite 3.37.0 knows, hence --skipApiVersionCheck. The shell
	// ends the emulator when its input ends, so it does not outlive tests that were killed.
	args := append([]string{"-c", `"$@" & pid=$!; read -r _; kill $pid; wait`, "sh"}, program...)
	cmd := exec.Command("sh", append(args, "--blobHost", "127.0.0.1", "--blobPort", port, "--location", folder,
		"--silent", "--disableTelemetry", "--skipApiVersionCheck")...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	stopAzurite = func() {
		stdin.Close()
		cmd.Wait()
		os.RemoveAll(folder)
	}
	url := "http://127.0.0.1:" + port + "/" + emulatorAccount
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if answer, err := http.Get(url); err == nil {
			answer.Body.Close()
			return url, nil
		}
	}
	return "", fmt.Errorf("azurite does not answer at %s after a minute: %s", url, output.String())
})

func azuriteProgram() ([]string, error) {
	name := os.Getenv("AZLEDGER_AZURITE")
	if name == "" {
		name = "../.tools/azurite/node_modules/.bin/azurite-blob"
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(abs); err != nil {
		return nil, fmt.Errorf("%w: run make tools, or set AZLEDGER_AZURITE", err)
	}
	if filepath.Ext(abs) == ".js" {
		return []string{"node", abs}, nil
	}
	return []string{abs}, nil
}

// needAzurite returns the emulator's URL. Without an emulator the test is skipped, or fails where one is required.
func needAzurite(t testing.TB) string {
	t.Helper()
	url, err := azurite()
	switch {
	case err == nil:
		return url
	case os.Getenv("CI") != "" || os.Getenv("AZLEDGER_REQUIRE_AZURITE") == "1":
		t.Fatalf("Azurite is required: %v", err)
	}
	t.Skipf("no Azurite: %v", err)
	return ""
}

// newContainer creates an empty container and returns its URL.
func newContainer(t testing.TB) string {
	t.Helper()
	base := needAzurite(t)
	name := fmt.Sprintf("test-%d", time.Now().UnixNano())
	client, err := container.NewClientFromConnectionString(connection(base), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Delete(context.Background(), nil) })
	return base + "/" + name
}

func connection(base string) string {
	return fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=%s;", emulatorAccount, emulatorKey, base)
}

// openAzurite opens a store below a container with small blocks, so that small files make many.
func openAzurite(t testing.TB, containerURL string, transport policy.Transporter) *Azure {
	t.Helper()
	base := containerURL[:strings.LastIndex(containerURL, "/")]
	a, err := OpenAzure(containerURL+"/some/prefix", AzureOptions{
		ConnectionString: NewSecret(connection(base)),
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
