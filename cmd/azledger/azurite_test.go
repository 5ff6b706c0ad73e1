package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// The account and key of every Azurite, as in its manual.
const (
	emulatorAccount = "devstoreaccount1"
	emulatorKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// emulatorInput is kept so that nothing closes it before the process ends.
var emulatorInput io.Closer

// azurite starts the emulator once for all tests and returns its URL, or why there is
// none. Its shell ends it when its input ends, which is when the tests do.
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
	// azblob speaks a later version of the protocol than Azurite knows, hence --skipApiVersionCheck.
	args := append([]string{"-c", `folder=$1; shift; "$@" & pid=$!; read -r _; kill $pid; wait; rm -rf "$folder"`, "sh", folder}, program...)
	cmd := exec.Command("sh", append(args, "--blobHost", "127.0.0.1", "--blobPort", port, "--location", folder,
		"--silent", "--disableTelemetry", "--skipApiVersionCheck")...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if emulatorInput, err = cmd.StdinPipe(); err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
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
		name = "../../.tools/azurite/node_modules/.bin/azurite-blob"
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

// bucket is a container of the emulator.
type bucket struct {
	t      *testing.T
	url    string
	client *container.Client
}

// newBucket creates an empty container. Without an emulator the test is skipped, or
// fails where one is required.
func newBucket(t *testing.T) bucket {
	t.Helper()
	base, err := azurite()
	switch {
	case err != nil && (os.Getenv("CI") != "" || os.Getenv("AZLEDGER_REQUIRE_AZURITE") == "1"):
		t.Fatalf("Azurite is required: %v", err)
	case err != nil:
		t.Skipf("no Azurite: %v", err)
	}
	name := fmt.Sprintf("test-%d", time.Now().UnixNano())
	client, err := container.NewClientFromConnectionString(emulatorConnection(base), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Delete(context.Background(), nil) })
	return bucket{t, base + "/" + name, client}
}

func emulatorConnection(base string) string {
	return fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=%s;", emulatorAccount, emulatorKey, base)
}

func (b bucket) connection() string { return emulatorConnection(b.url[:strings.LastIndex(b.url, "/")]) }

// put writes a blob, whatever was there.
func (b bucket) put(name string, text []byte) {
	b.t.Helper()
	if _, err := b.client.NewBlockBlobClient(name).UploadBuffer(b.t.Context(), text, nil); err != nil {
		b.t.Fatal(err)
	}
}

// upload writes the files below a folder under a prefix.
func (b bucket) upload(dir, prefix string) {
	b.t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		b.put(prefix+filepath.ToSlash(name), text)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// names lists the blobs below a prefix, without it.
func (b bucket) names(prefix string) map[string]int64 {
	b.t.Helper()
	found := map[string]int64{}
	pager := b.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: &prefix})
	for pager.More() {
		page, err := pager.NextPage(context.Background())
		if err != nil {
			b.t.Fatal(err)
		}
		for _, item := range page.Segment.BlobItems {
			found[strings.TrimPrefix(*item.Name, prefix)] = *item.Properties.ContentLength
		}
	}
	return found
}

// get reads a blob.
func (b bucket) get(name string) []byte {
	b.t.Helper()
	answer, err := b.client.NewBlobClient(name).DownloadStream(context.Background(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		b.t.Fatal(err)
	}
	return text.Bytes()
}

// empty deletes the blobs below a prefix.
func (b bucket) empty(prefix string) {
	b.t.Helper()
	for name := range b.names(prefix) {
		if _, err := b.client.NewBlobClient(prefix+name).Delete(context.Background(), nil); err != nil {
			b.t.Fatal(err)
		}
	}
}
