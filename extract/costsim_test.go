package extract

import (
	"context"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

// A recordedCall is a request and its answer, as they went over the wire.
type recordedCall struct {
	Method, URL string
	Body        string
	Status      int
}

// costRecordings reads those of a folder whose address contains a text.
func costRecordings(t *testing.T, part string) []recordedCall {
	t.Helper()
	folder := sharedFolder(t, "data", "recordings")
	files, err := filepath.Glob(folder + "/*/*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings in %s (%v)", folder, err)
	}
	var all []recordedCall
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f struct{ Interactions []recordedCall }
		if err := json.Unmarshal(text, &f); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, i := range f.Interactions {
			if strings.Contains(strings.ToLower(i.URL), part) {
				all = append(all, i)
			}
		}
	}
	return all
}

// costSim is the made-up enterprise behind HTTP, small pages, with a client.
type costSim struct {
	t      *testing.T
	azure  *azuresim.Enterprise
	client *Client
	host   string
}

func newCostSim(t *testing.T, pageSize int) costSim {
	t.Helper()
	return newCostSimOf(t, azuresim.Config{Seed: 11, Months: 3, Rows: 600, PageSize: pageSize})
}

func newCostSimOf(t *testing.T, config azuresim.Config) costSim {
	t.Helper()
	sim := simulate(t, config)
	return costSim{t, sim.Enterprise, quickClient(t, sim.url), sim.url}
}

func (s costSim) options(source string, accounts ...Account) Options {
	return Options{
		Lake: s.t.TempDir(), Client: s.client, Workers: 1, Sources: []string{source}, Refresh: true, Accounts: accounts, History: 3,
		AsOf: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
	}
}

var simEnrollment = Account{Name: "group", Scope: azuresim.EnrollmentPath, Agreement: ea}

func within(a, b, most string) bool {
	x, ok1 := new(big.Rat).SetString(a)
	y, ok2 := new(big.Rat).SetString(b)
	limit, _ := new(big.Rat).SetString(most)
	return ok1 && ok2 && x.Sub(x, y).Abs(x).Cmp(limit) <= 0
}

// mendedFaults are those after which the same run goes on; refusedFaults fail the unit.
var (
	mendedFaults  = []string{"429", "500", "502", "503", "504", "html", "empty", "truncated_gzip", "short", "reset", "cut"}
	refusedFaults = []string{"error_200", "401", "403", "loop", "other_host"}
)

// Whatever goes wrong at any call, the rows are those of an undisturbed run, or the unit
// fails and says so. Of many calls that are alike the first two and the last are enough. It
// returns the rows.
func faultsAtEachCall(t *testing.T, pageSize int, source, month string, account Account, kinds ...string) []record {
	t.Helper()
	options := func(s costSim) Options {
		o := s.options(source, account)
		if month != "" {
			o.Periods = Range{From: month, To: month}
		}
		return o
	}
	undisturbed := newCostSim(t, pageSize)
	clean := options(undisturbed)
	mustRun(t, clean)
	want := rawRows(t, clean.Lake, source)
	calls := len(undisturbed.azure.Requests())
	for n := 1; n <= calls; n++ {
		if calls > 10 && n > 2 && n < calls {
			continue
		}
		for _, kind := range kinds {
			s := newCostSim(t, pageSize)
			fault := azuresim.Fault{Kind: kind, Nth: n}
			if kind == "429" {
				fault.Header = map[string]string{azuresim.ThrottleHeaders[2]: "17"}
			}
			if err := s.azure.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			o := options(s)
			res, err := Run(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Failed()) > 0 {
				if slices.Contains(mendedFaults, kind) {
					t.Errorf("%s at call %d: %v", kind, n, res.Failed()[0].Err)
				}
				continue
			}
			if diff := gocmp.Diff(want, rawRows(t, o.Lake, source)); diff != "" {
				t.Errorf("%s at call %d: rows differ (-want +got):\n%s", kind, n, diff)
			}
		}
	}
	return want
}
