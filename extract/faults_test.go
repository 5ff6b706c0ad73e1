package extract

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// everythingOf is a run over both accounts of a simulated enterprise, every source they read
// without being asked to, and list prices.
func everythingOf(t *testing.T) *chargedRun {
	t.Helper()
	asOf := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	b := &chargedRun{t: t, sim: azuresim.New(azuresim.Config{Seed: 7, Months: 2, Rows: 200, PageSize: 60, AsOf: asOf}), lake: t.TempDir()}
	server := httptest.NewServer(b.sim.Handler())
	t.Cleanup(server.Close)
	// All ask the same address, whichever port the simulator has: records hold links.
	const address = "http://127.0.0.1:9"
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: address, Retail: address}, Transport: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	client.sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	for _, other := range client.others {
		other.sleep = client.sleep
	}
	b.o = Options{
		Lake: b.lake, Client: client, Workers: 1, Accounts: []Account{chargedEnrollment, digital}, History: 2, AsOf: asOf,
		Retail: Retail{Currencies: []string{"EUR"}, Families: []string{"Storage", "Databases"}}, Now: func() time.Time { return asOf },
	}
	return b
}

// Every seventh request meets a fault, of twelve kinds and more in turn, in seven runs, so that
// every request meets one. Whatever that does to a run, the files of each unit are those of an
// undisturbed run, or the unit fails and says so, and the next run brings what is missing.
func TestEverySourceThroughFaultsAtEveryCall(t *testing.T) {
	if testing.Short() {
		t.Skip("copies everything fifteen times")
	}
	undisturbed := everythingOf(t)
	all := mustRun(t, undisturbed.o).Units
	want, asked := rawFiles(t, undisturbed.lake), undisturbed.sim.Requests()
	sources := map[string]bool{}
	for _, u := range all {
		sources[u.Source] = true
	}
	for _, s := range Sources() { // the first list of prices has no changes
		if s.Name != "retail_price_changes" && (readUnasked(s, chargedEnrollment) || readUnasked(s, digital)) && !sources[s.Name] {
			t.Errorf("%s was not copied", s.Name)
		}
	}
	const every = 7
	var failed, whole atomic.Int64
	var struck sync.Map
	t.Run("runs", func(t *testing.T) {
		for run := range every {
			t.Run(fmt.Sprint(run+1), func(t *testing.T) {
				t.Parallel()
				b := everythingOf(t)
				for n := run; n < len(asked); n += every {
					if err := b.sim.AddFault(faultOn(asked, n, n/every+5*run)); err != nil {
						t.Fatal(err)
					}
				}
				res, err := Run(t.Context(), b.o)
				if err != nil {
					t.Fatal(err)
				}
				became := map[Unit]UnitResult{}
				says := map[string]bool{} // sources of accounts of which something is said to have failed
				for _, u := range res.Units {
					became[u.Unit] = u
					if u.Err != nil {
						failed.Add(1)
						says[u.Source+" "+u.Account] = true
					}
				}
				got := rawFiles(t, b.lake)
				for _, u := range all {
					if now, planned := became[u.Unit]; now.Err != nil || !planned && says[u.Source+" "+u.Account] {
						continue
					}
					whole.Add(1)
					if diff := gocmp.Diff(dataOf(want, u.Unit), dataOf(got, u.Unit)); diff != "" {
						t.Errorf("%s did not fail, and its files are not those of an undisturbed run", u.Unit)
					}
				}
				for _, q := range b.sim.Requests() {
					if q.Fault != "" {
						struck.Store(q.Fault, true)
					}
				}
				mend(t, b)
				mustRun(t, b.o)
				got = rawFiles(t, b.lake)
				for _, u := range all {
					if diff := gocmp.Diff(dataOf(want, u.Unit), dataOf(got, u.Unit)); diff != "" {
						t.Errorf("run again, the files of %s are not those of an undisturbed run", u.Unit)
					}
				}
			})
		}
	})
	var kinds []string
	struck.Range(func(kind, _ any) bool { kinds = append(kinds, kind.(string)); return true })
	slices.Sort(kinds)
	t.Logf("%d requests of %d sources met %v: %d units came through and %d failed", len(asked), len(sources), kinds, whole.Load(), failed.Load())
	if failed.Load() == 0 || whole.Load() < 5*failed.Load() || len(kinds) < 12 {
		t.Error("want most units to come through, some to fail, and twelve kinds of faults")
	}
}

// faultOn is a fault that strikes the nth of the requests given, of the kind whose turn it is.
func faultOn(asked []azuresim.Request, n, turn int) azuresim.Fault {
	kinds := []string{"429", "reset", "500", "cut", "short", "truncated_gzip", "503", "html", "lost", "error_200", "empty", "repeat"}
	at, before := asked[n], 0
	for _, q := range asked[:n] {
		if q.Path == at.Path {
			before++
		}
	}
	f := azuresim.Fault{Kind: kinds[turn%len(kinds)], Match: at.Path + "?", Nth: before + 1}
	if f.Kind == "429" {
		f.Header = map[string]string{azuresim.ThrottleHeaders[turn%len(azuresim.ThrottleHeaders)]: "3"}
	}
	follows := func(q azuresim.Request) bool { return q.Path == at.Path && strings.Contains(q.Query, "skip") }
	switch last := n+1 == len(asked) || !follows(asked[n+1]); {
	case strings.HasPrefix(at.Path, "/_blob/") && n%2 == 0:
		f.Kind = "expired"
	case follows(at) && n%2 == 0:
		f.Kind = "repeat"
	case f.Kind == "repeat" && !follows(at) && !last: // the first page of several
		f.Kind = "loop"
	case f.Kind == "repeat" && !follows(at):
		f.Kind = "502"
	}
	return f
}

// dataOf are the Parquet files of a unit, by name.
func dataOf(files map[string]string, u Unit) map[string]string {
	prefix := lake{}.raw(u) + string(filepath.Separator) + u.Dataset + "-"
	data := map[string]string{}
	for name, text := range files {
		if rest, ok := strings.CutPrefix(name, prefix); ok && strings.HasSuffix(name, ".parquet") && len(rest) < 40 {
			data[name] = text
		}
	}
	return data
}

// mend ends every fault.
func mend(t *testing.T, b *chargedRun) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodDelete, "/_sim/faults", nil)
	b.sim.Handler().ServeHTTP(httptest.NewRecorder(), r)
	if len(b.sim.Requests()) == 0 {
		t.Fatal("the simulator forgot its requests")
	}
}

// readUnasked tells whether a run over an account reads the source without being told to.
func readUnasked(s *Source, a Account) bool { return s.global || s.needs(a) && s.isStandard(a) }
