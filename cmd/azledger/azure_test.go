package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/azledger/azledger/extract/azuresim"
)

// simulated is the Azure of one script. Its address stays while what answers there is
// exchanged.
type simulated struct {
	server *httptest.Server
	now    atomic.Pointer[azuresim.Enterprise]
}

func (s *simulated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.now.Load().Handler().ServeHTTP(w, r)
}

// healthy is an Azure without faults; with the same figures as before.
func (s *simulated) healthy() {
	s.now.Store(azuresim.New(azuresim.Config{Seed: 1, Months: 2, Rows: 500}))
}

// azure starts a simulated Azure, at $AZURE, and writes the enrollment's exports into
// a folder: azure exports. Without a folder it takes all faults back.
func azure(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(simulatedKey{}).(*simulated)
	s.healthy()
	if s.server == nil {
		s.server = httptest.NewServer(s)
		ts.Defer(s.server.Close)
		ts.Setenv("AZURE", s.server.URL)
		ts.Setenv("ENROLLMENT", azuresim.EnrollmentPath)
		ts.Setenv("CUSTOMER", azuresim.CustomerPath)
	}
	for _, dir := range args {
		ts.Check(writeExports(context.Background(), s.now.Load(), ts.MkAbs(dir)))
	}
}

// fault makes something go wrong from now on: fault '{"kind":"html","match":"balances"}'.
func fault(ts *testscript.TestScript, neg bool, args []string) {
	var f azuresim.Fault
	ts.Check(json.Unmarshal([]byte(strings.Join(args, " ")), &f))
	ts.Check(ts.Value(simulatedKey{}).(*simulated).now.Load().AddFault(f))
}

type simulatedKey struct{}

// expand replaces $NAME in files, which testscript does in commands only.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		path := ts.MkAbs(filepath.FromSlash(name))
		text := ts.ReadFile(name)
		for _, v := range []string{"AZURE", "ENROLLMENT", "CUSTOMER"} {
			text = strings.ReplaceAll(text, "$"+v, ts.Getenv(v))
		}
		ts.Check(replaceFile(path, []byte(text)))
	}
}
