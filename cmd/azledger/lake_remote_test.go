package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
	"github.com/azledger/azledger/load"
)

func newSecret(text string) load.Secret { return load.NewSecret(text) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gate is a simulated Azure that counts what it is asked, and does something at the n-th
// question.
type gate struct {
	handler http.Handler
	asked   atomic.Int64
	at      atomic.Int64
	do      func()
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.asked.Add(1) == g.at.Load() {
		g.do()
	}
	g.handler.ServeHTTP(w, r)
}

// arm makes the gate do something at the n-th question from now.
func (g *gate) arm(n int64, do func()) {
	g.do = do
	g.asked.Store(0)
	g.at.Store(n)
}

// remote is an azledger whose exports, lake and publication are in a container, and one
// on directories that copies the same enterprise.
type remote struct {
	bucket
	gate   *gate
	near   ledger
	config string
}

func newRemote(t *testing.T) remote {
	t.Helper()
	b := newBucket(t)
	sim := azuresim.New(azuresim.Config{Seed: 5, Months: 2, Rows: 1500, AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	g := &gate{handler: sim.Handler()}
	server := httptest.NewServer(g) // one for both: invoices name the host they were served by
	t.Cleanup(server.Close)
	near := newLedger(t, server.URL, fmt.Sprintf("    scope: %s\n    agreement: ea\n    exports: exports\n"+
		"  - name: digital\n    scope: %s\n    agreement: mca\nperiods: { history: 2 }\n", azuresim.EnrollmentPath, azuresim.CustomerPath))
	check(t, writeExports(t.Context(), sim, filepath.Join(near.dir, "exports")))
	b.upload(filepath.Join(near.dir, "exports"), "exports/")
	text, err := os.ReadFile(filepath.Join(near.dir, "azledger.yaml"))
	check(t, err)
	far := strings.NewReplacer("lake: lake", "lake: "+b.url+"/lake", "publish: published", "publish: "+b.url+"/published",
		"exports: exports", "exports: "+b.url+"/exports").Replace(string(text))
	config := filepath.Join(t.TempDir(), "azledger.yaml")
	check(t, os.WriteFile(config, []byte(far), 0o644))
	return remote{b, g, near, config}
}

// host is a machine: a disk for working copies.
type host struct {
	remote
	temp  string
	lease time.Duration
}

func (r remote) host() host { return host{r, r.t.TempDir(), 0} }

func (h host) env() []string {
	return append(os.Environ(), "AZLEDGER_LIMITS_TEMP="+h.temp, "AZLEDGER_STORAGE_CONNECTION_STRING="+h.connection())
}

// run runs a command on the host and returns its exit code and what it said.
func (h host) run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	a := &app{out: &out, err: &errs, now: time.Now, env: h.env(), lease: h.lease}
	code = a.execute(ctx, append(args, "--config", h.config))
	return code, out.String(), errs.String()
}

// must runs a command that must end with an exit code.
func (h host) must(want int, args ...string) (stdout, stderr string) {
	h.t.Helper()
	code, out, errs := h.run(h.t.Context(), args...)
	if code != want {
		h.t.Fatalf("%v exits with %d, want %d\n%s", args, code, want, errs)
	}
	return out, errs
}

// parquet are the Parquet files on the host's disk.
func (h host) parquet() (names []string) {
	for name := range contents(h.t, h.temp) {
		if strings.HasSuffix(name, ".parquet") && !strings.Contains(name, "/cache/") {
			names = append(names, name)
		}
	}
	return names
}

// A change of rules is planned on a machine that has nothing of the lake, with what the last run noted there.
func TestAllocationPlanOfALakeInAContainer(t *testing.T) {
	t.Parallel()
	r := newRemote(t)
	r.host().must(0, wholeRun...)
	text, err := os.ReadFile(r.config)
	check(t, err)
	check(t, os.WriteFile(filepath.Join(filepath.Dir(r.config), "owners.csv"), []byte("CostOwner,TagKey,TagValue\nresearch,owner,web*\n"), 0o644))
	check(t, os.WriteFile(r.config, append(text, "owners: owners.csv\n"...), 0o644))
	lake, tables := r.names("lake/"), r.published()
	out, _ := r.host().must(0, "allocation", "plan", "--format", "csv", "--period", "2026-10")
	if !strings.Contains(out, "\n2026-10,EUR,research,") || !strings.Contains(out, "\n2026-10,EUR,web,") || strings.Contains(out, "2026-11") {
		t.Errorf("the plan is\n%s", out)
	}
	after := r.names("lake/")
	lake["lock.json"] = after["lock.json"] // it says who had the lake last
	if diff := cmp.Diff(tables, r.published()) + cmp.Diff(lake, after); diff != "" {
		t.Errorf("planning changed the container:\n%s", diff)
	}
}

// published are the published files in the container and their hashes.
func (r remote) published() map[string]string {
	files := map[string]string{}
	for name := range r.names("published/data/") {
		sum := sha256.Sum256(r.get("published/data/" + name))
		files[name] = hex.EncodeToString(sum[:8])
	}
	return files
}

var wholeRun = []string{"run", "--as-of", "2026-11-22"}

func TestLakeInAContainer(t *testing.T) {
	t.Parallel()
	r := newRemote(t)
	r.near.run(0, wholeRun...)
	want := r.near.published()
	first := r.host()
	first.must(0, wholeRun...)
	if diff := cmp.Diff(want, r.published()); diff != "" {
		t.Fatalf("a lake in a container makes other tables than one in a directory:\n%s", diff)
	}
	t.Run("the lake has the names of a directory", func(t *testing.T) {
		here := map[string]bool{}
		for name := range contents(t, filepath.Join(r.near.dir, "lake")) {
			top, _, _ := strings.Cut(name, "/")
			if top == "raw" || top == "documents" || top == "journal" || top == "rules" || top == "tables" {
				here[name] = true
			}
		}
		there := map[string]bool{}
		for name := range r.names("lake/") {
			if name != "lock.json" {
				there[name] = true
			}
		}
		if diff := cmp.Diff(here, there); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("again on the same disk nothing is fetched at all", func(t *testing.T) {
		_, stderr := first.must(0, wholeRun...)
		if !strings.Contains(stderr, " fetching=0 ") || strings.Contains(stderr, "msg=fetched") {
			t.Errorf("says %s", stderr)
		}
	})
	t.Run("again on a new disk nothing is fetched twice", func(t *testing.T) {
		pointer := r.get("published/current.json")
		r.gate.arm(0, nil)
		r.near.run(0, wholeRun...)
		planning := r.gate.asked.Load()
		r.gate.arm(0, nil)
		second := r.host()
		_, stderr := second.must(0, wholeRun...)
		if got := r.gate.asked.Load(); got != planning {
			t.Errorf("Azure was asked %d questions, a lake in a directory asks %d", got, planning)
		}
		if got := second.parquet(); len(got) > 0 {
			t.Errorf("nothing is to be built, and these were fetched: %v\n%s", got, stderr)
		}
		if !bytes.Equal(pointer, r.get("published/current.json")) {
			t.Error("a new version was published")
		}
	})
	t.Run("the day after only what is built from is fetched", func(t *testing.T) {
		third := r.host()
		third.must(0, "run", "--as-of", "2026-11-23")
		r.near.run(0, "run", "--as-of", "2026-11-23")
		if diff := cmp.Diff(r.near.published(), r.published()); diff != "" {
			t.Errorf("other tables than those of a directory:\n%s", diff)
		}
		for _, name := range third.parquet() {
			if strings.Contains(name, "/raw/") && strings.Contains(name, "period=2026-10") {
				t.Errorf("%s is of a month that is finished", name)
			}
		}
	})
	t.Run("stages one by one, each on a disk of its own", func(t *testing.T) {
		r.host().must(0, "extract", "--as-of", "2026-11-24")
		r.host().must(0, "transform", "--as-of", "2026-11-24")
		r.host().must(0, "load")
		r.near.run(0, "run", "--as-of", "2026-11-24")
		if diff := cmp.Diff(r.near.published(), r.published()); diff != "" {
			t.Errorf("other tables than those of a directory:\n%s", diff)
		}
	})
	t.Run("a published file that was lost is fetched from the lake", func(t *testing.T) {
		r.empty("published/data/cost_and_usage/")
		r.host().must(0, "load")
		if diff := cmp.Diff(r.near.published(), r.published()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("a directory copied there with another tool is a lake", func(t *testing.T) {
		r.empty("lake/")
		r.upload(filepath.Join(r.near.dir, "lake"), "lake/")
		r.gate.arm(0, nil)
		r.near.run(0, "run", "--as-of", "2026-11-24")
		planning := r.gate.asked.Load()
		for _, again := range []bool{false, true} {
			r.gate.arm(0, nil)
			other := r.host()
			other.must(0, "run", "--as-of", "2026-11-24")
			if got := r.gate.asked.Load(); got != planning {
				t.Errorf("Azure was asked %d questions, a lake in a directory asks %d", got, planning)
			}
			if got := other.parquet(); again && len(got) > 0 { // the first time it reads the exports, whose copies have other dates
				t.Errorf("nothing is to be built, and these were fetched: %v", got)
			}
		}
		if diff := cmp.Diff(r.near.published(), r.published()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("query", func(t *testing.T) {
		const question = "select count(*), sum(BilledCost) from cost_and_usage"
		out, _ := r.host().must(0, "query", "--format", "csv", question)
		if near, _ := r.near.run(0, "query", "--format", "csv", question); out != near {
			t.Errorf("got %s, a directory answers %s", out, near)
		}
	})
}

// The working copy's name can be guessed, and anybody may have made the folder before us.
func TestWorkingCopyIsOurs(t *testing.T) {
	c := config{Lake: "https://a.blob.core.windows.net/lake/?sig=one", Limits: limitConfig{Temp: filepath.Join(t.TempDir(), "new")}}
	again := c
	again.Lake = "https://a.blob.core.windows.net/lake?sig=two"
	if c.workingCopy() != again.workingCopy() {
		t.Error("another signature makes another working copy")
	}
	c.workHere()
	check(t, c.ownFolder())
	check(t, c.ownFolder())
	check(t, os.Chmod(c.Lake, 0o777))
	if err := c.ownFolder(); err == nil {
		t.Error("a folder that others can write to was accepted")
	}
	check(t, os.Remove(c.Lake))
	check(t, os.Symlink(t.TempDir(), c.Lake))
	if err := c.ownFolder(); err == nil {
		t.Error("a link to elsewhere was accepted")
	}
}

// process starts azledger on the host in a process of its own, which can be killed.
func (h host) process(args ...string) *exec.Cmd {
	h.t.Helper()
	self, err := os.Executable()
	check(h.t, err)
	c := exec.CommandContext(context.Background(), self, append(args, "--config", h.config)...)
	c.Env = append(h.env(), asCommand+"=1")
	return c
}

// expire makes the claim to the lake look as old as it is after some minutes.
func (r remote) expire() {
	r.t.Helper()
	var claim map[string]any
	check(r.t, json.Unmarshal(r.get("lake/lock.json"), &claim))
	claim["expires"] = time.Now().Add(-time.Second)
	text, err := json.Marshal(claim)
	check(r.t, err)
	r.put("lake/lock.json", text)
}

func TestKilledWithALakeInAContainer(t *testing.T) {
	t.Parallel()
	r := newRemote(t)
	r.gate.arm(0, nil)
	r.near.run(0, wholeRun...)
	want, pages := r.near.published(), r.gate.asked.Load()
	for _, at := range []int64{2, pages / 2, pages - 1} {
		t.Run(fmt.Sprintf("request %d of %d", at, pages), func(t *testing.T) {
			r.empty("lake/")
			first := r.host()
			c := first.process(wholeRun...)
			r.gate.arm(at, func() { _ = c.Process.Kill() })
			if err := c.Run(); err == nil {
				t.Fatal("the process was not killed")
			}
			other := r.host()
			if _, stderr := other.must(exitLocked, wholeRun...); !strings.Contains(stderr, "azledger run (process "+fmt.Sprint(c.Process.Pid)) {
				t.Errorf("another host says %s", stderr)
			}
			heir := first // its disk has the pages, and says who left the lock
			if at == pages/2 {
				r.expire()
				heir = other
				heir.lease = 2 * time.Second
			}
			heir.must(0, wholeRun...)
			if again := r.gate.asked.Load() - pages; heir.temp == first.temp && again > 12 {
				t.Errorf("%d requests more than an undisturbed run", again)
			}
			if diff := cmp.Diff(want, r.published()); diff != "" {
				t.Errorf("killed and run again, the tables differ:\n%s", diff)
			}
		})
	}
}

// A run that is told to stop saves the pages it has, for a host without them.
func TestStoppedWithALakeInAContainer(t *testing.T) {
	t.Parallel()
	r := newRemote(t)
	r.gate.arm(0, nil)
	r.near.run(0, "extract", "--as-of", "2026-11-22")
	pages := r.gate.asked.Load()
	ctx, stop := context.WithCancelCause(t.Context())
	r.gate.arm(pages*2/3, func() { stop(signalError(syscall.SIGTERM)) })
	if code, _, stderr := r.host().run(ctx, wholeRun...); code != 143 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	if len(r.names("lake/journal/")) == 0 {
		t.Fatal("nothing was saved")
	}
	r.host().must(0, "extract", "--as-of", "2026-11-22")
	if again := r.gate.asked.Load() - pages; again > 12 {
		t.Errorf("%d requests more than an undisturbed run: pages were fetched twice", again)
	}
}

func TestTwoHostsOneLake(t *testing.T) {
	r := newRemote(t)
	first, second := r.host(), r.host()
	release, code := first.held(wholeRun...)
	if _, stderr := second.must(exitLocked, wholeRun...); !strings.Contains(stderr, "holds it") {
		t.Errorf("the second host says %s", stderr)
	}
	release()
	if got := <-code; got != 0 {
		t.Fatalf("the first host exits with %d", got)
	}
	want := r.names("lake/")

	// Now the first is taken for dead, and comes back.
	first.temp = t.TempDir()
	release, code = first.held("run", "--as-of", "2026-11-22", "--refresh")
	r.expire()
	second.lease = 2 * time.Second
	second.must(0, wholeRun...)
	release()
	if got := <-code; got != exitLocked {
		t.Errorf("the host that lost the lake exits with %d, want %d", got, exitLocked)
	}
	got := r.names("lake/")
	delete(want, "lock.json")
	delete(got, "lock.json")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the loser changed the lake:\n%s", diff)
	}
}

// held starts a run and stops it in the middle of a page, until it is released.
func (h host) held(args ...string) (release func(), code chan int) {
	waiting, goOn := make(chan struct{}), make(chan struct{})
	h.gate.arm(6, func() { close(waiting); <-goOn })
	code = make(chan int, 1)
	go func() {
		c, _, stderr := h.run(context.Background(), args...)
		h.t.Log(stderr)
		code <- c
	}()
	<-waiting
	release = sync.OnceFunc(func() { close(goOn) })
	h.t.Cleanup(release) // a test that fails before it would wait for the server to close, for ever
	return release, code
}

// A month that one host closes is closed for the others, and its files are with the lake.
func TestClosedWithALakeInAContainer(t *testing.T) {
	t.Parallel()
	r := newRemote(t)
	first := r.host()
	first.must(0, wholeRun...)
	first.must(0, "close", "2026-10", "--accept", "the simulation's findings")
	second := r.host()
	out, _ := second.must(0, "verify", "--format", "csv")
	if !strings.Contains(out, "2026-10,tables,ok,") {
		t.Errorf("verify on another host says\n%s", out)
	}
	before := r.published()
	second.must(0, wholeRun...)
	if diff := cmp.Diff(before, r.published()); diff != "" {
		t.Errorf("closing changed what is published:\n%s", diff)
	}
	third := r.host()
	third.must(0, "close", "2026-10", "--undo", "--reason", "a test")
	third.must(0, "transform", "--as-of", "2026-11-22")
	if _, said := r.host().must(1, "verify", "2026-10"); !strings.Contains(said, "not closed") {
		t.Errorf("verify says %s", said)
	}
	kept := 0
	for name := range r.names("lake/closed/") {
		if !strings.HasPrefix(name, "undone/2026-10-") {
			t.Errorf("%s is still there", name)
		}
		kept++
	}
	if kept < 10 {
		t.Errorf("of the month that was opened again %d files are kept", kept)
	}
}
