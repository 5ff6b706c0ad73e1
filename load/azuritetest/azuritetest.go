// Package azuritetest gives tests the Azure storage emulator. [NewContainer] is all that most of them need.
package azuritetest

import (
	"bytes"
	"context"
	"errors"
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

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// The account and key of every Azurite, as in its manual.
const (
	Account = "devstoreaccount1"
	Key     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Need returns the emulator's URL. Without an emulator the test is skipped, or fails where one is required.
func Need(t testing.TB) string {
	t.Helper()
	e, err := start()
	switch {
	case err == nil:
		return e.url
	case os.Getenv("CI") != "" || os.Getenv("AZLEDGER_REQUIRE_AZURITE") == "1":
		t.Fatalf("Azurite is required: %v", err)
	}
	t.Skipf("no Azurite: %v", err)
	return ""
}

// NewContainer makes an empty container, which goes with the test, and returns its URL.
func NewContainer(t testing.TB) (string, *container.Client) {
	t.Helper()
	url := fmt.Sprintf("%s/test-%d", Need(t), time.Now().UnixNano())
	client, err := container.NewClientFromConnectionString(Connection(url), filepath.Base(url), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = client.Delete(context.Background(), nil) // the emulator's folder goes too
	})
	return url, client
}

// Connection is the connection string for a container.
func Connection(containerURL string) string {
	return fmt.Sprintf("DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=%s;", Account, Key, containerURL[:strings.LastIndex(containerURL, "/")])
}

// emulator is a running Azurite. Its input is kept so that nothing closes it before the process ends.
type emulator struct {
	url   string
	input io.Closer
}

// start starts the emulator once for all tests of a package, or says why there is none. Its shell ends it when its
// input ends, which is when the process does: it does not outlive tests that were killed.
var start = sync.OnceValues(func() (e emulator, err error) {
	program, err := program()
	if err != nil {
		return e, err
	}
	port, err := freePort()
	if err != nil {
		return e, err
	}
	folder, err := os.MkdirTemp("", "azurite-*")
	if err != nil {
		return e, err
	}
	// azblob speaks a later version of the protocol than Azurite knows, hence --skipApiVersionCheck.
	args := append([]string{"-c", `folder=$1; shift; "$@" & pid=$!; read -r _; kill $pid; wait; rm -rf "$folder"`, "sh", folder}, program...)
	cmd := exec.CommandContext(context.Background(), "sh", append(args, "--blobHost", "127.0.0.1", "--blobPort", port, "--location", folder,
		"--silent", "--disableTelemetry", "--skipApiVersionCheck")...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if e.input, err = cmd.StdinPipe(); err != nil {
		return e, err
	}
	if err := cmd.Start(); err != nil {
		return e, err
	}
	e.url = "http://127.0.0.1:" + port + "/" + Account
	if err := answers(e.url); err != nil {
		return e, fmt.Errorf("%w: %s", err, output.String())
	}
	return e, nil
})

func freePort() (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// answers waits until somebody answers at a URL.
func answers(url string) error {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err == nil {
			answer.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("azurite does not answer at %s after a minute", url)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// program is how the emulator is called: as make tools installs it, or as AZLEDGER_AZURITE says.
func program() ([]string, error) {
	name := os.Getenv("AZLEDGER_AZURITE")
	if name == "" {
		root, err := root()
		if err != nil {
			return nil, err
		}
		name = filepath.Join(root, ".tools/azurite/node_modules/.bin/azurite-blob")
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

// root is the folder of the module: tests run in the folder of their package.
func root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
	}
	return "", errors.New("no go.mod above this folder")
}
