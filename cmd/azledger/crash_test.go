package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// asCommand makes this test binary behave as azledger: a process that can be killed.
const asCommand = "TEST_AS_AZLEDGER"

// contents maps the files below a folder to their hashes.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		sum := sha256.Sum256(text)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = hex.EncodeToString(sum[:8])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// published are the tables' files; the pointer is left out, as it says when.
func (l ledger) published() map[string]string {
	return contents(l.t, filepath.Join(l.dir, "published", "data"))
}

func TestTheWholeRunTwiceMakesTheSameBytes(t *testing.T) {
	t.Parallel()
	e := newEnterprise(t, 2, 800)
	e.run(0, "run", "--as-of", "2026-11-22")
	first, pointer := e.published(), e.pointer()
	e.run(0, "run", "--as-of", "2026-11-22")
	if diff := cmp.Diff(first, e.published()); diff != "" {
		t.Errorf("a second run changed the tables:\n%s", diff)
	}
	if e.pointer() != pointer {
		t.Error("a second run of the same data published a new version")
	}
	other := newEnterprise(t, 2, 800)
	other.run(0, "run", "--as-of", "2026-11-22")
	if diff := cmp.Diff(first, other.published()); diff != "" {
		t.Errorf("the same run in another folder makes other tables:\n%s", diff)
	}
}

func (l ledger) pointer() string {
	l.t.Helper()
	text, err := os.ReadFile(filepath.Join(l.dir, "published", "current.json"))
	if err != nil {
		l.t.Fatal(err)
	}
	return string(text)
}

// killer is a simulated Azure that kills the process which asks it the n-th question.
type killer struct {
	handler http.Handler
	asked   atomic.Int64
	killAt  atomic.Int64
	victim  atomic.Pointer[os.Process]
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if k.asked.Add(1) == k.killAt.Load() {
		if p := k.victim.Load(); p != nil {
			_ = p.Kill()
		}
	}
	k.handler.ServeHTTP(w, r)
}

func TestKilledAtAnyPageAndRunAgainTheBytesAreTheSame(t *testing.T) {
	t.Parallel()
	sim := azuresim.New(azuresim.Config{Seed: 3, Months: 2, Rows: 2600, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	k := &killer{handler: sim.Handler()}
	server := httptest.NewServer(k) // one for all: invoices name the host they were served by
	t.Cleanup(server.Close)
	whole := newKilled(t, k, server.URL, 0)
	whole.extract()
	wantRaw, pages := contents(t, filepath.Join(whole.dir, "lake", "raw")), whole.killer.asked.Load()
	whole.run(0, "run", "--as-of", "2026-11-22")
	want := whole.published()
	for n := int64(1); n <= pages; n += max(1, pages/12) {
		t.Run(fmt.Sprintf("request %d of %d", n, pages), func(t *testing.T) {
			l := newKilled(t, k, server.URL, n)
			if state := l.extract(); state == nil || state.Success() {
				t.Fatal("the process was not killed")
			}
			l.killer.killAt.Store(0)
			l.extract()
			if diff := cmp.Diff(wantRaw, contents(t, filepath.Join(l.dir, "lake", "raw"))); diff != "" {
				t.Errorf("killed and run again, the lake differs:\n%s", diff)
			}
			// Planning is done again, and two workers were each in the middle of a page.
			if again := l.killer.asked.Load() - pages; again > 10 {
				t.Errorf("%d requests more than an undisturbed run: pages were fetched twice", again)
			}
			if n*2 > pages && n*2 <= pages+2*max(1, pages/12) { // the tables once, half-way
				l.run(0, "run", "--as-of", "2026-11-22")
				if diff := cmp.Diff(want, l.published()); diff != "" {
					t.Errorf("killed and run again, the tables differ:\n%s", diff)
				}
			}
		})
	}
}

type killed struct {
	ledger
	killer *killer
}

// newKilled is a ledger whose process is killed at its n-th request; 0 spares it.
func newKilled(t *testing.T, k *killer, url string, n int64) killed {
	t.Helper()
	k.asked.Store(0)
	k.killAt.Store(n)
	l := newLedger(t, url, fmt.Sprintf("    scope: %s\n    agreement: mca\nperiods: { history: 2 }\n", azuresim.CustomerPath))
	return killed{l, k}
}

// extract runs azledger extract in a process of its own.
func (k killed) extract() *os.ProcessState {
	k.t.Helper()
	self, err := os.Executable()
	if err != nil {
		k.t.Fatal(err)
	}
	c := exec.CommandContext(context.Background(), self, "extract", "--as-of", "2026-11-22", "--config", filepath.Join(k.dir, "azledger.yaml"))
	c.Env = append(os.Environ(), asCommand+"=1")
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.killer.victim.Store(c.Process)
	if err := c.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
		k.t.Fatalf("azledger extract: %v\n%s", err, output.String())
	}
	return c.ProcessState
}
