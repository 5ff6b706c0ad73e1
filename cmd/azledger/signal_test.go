package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSignalEndsTheContext(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		ctx, stop := untilSignal(t.Context())
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		stop()
		var got signalError
		if !errors.As(context.Cause(ctx), &got) || syscall.Signal(got) != s {
			t.Errorf("after %v the cause is %v", s, context.Cause(ctx))
		}
	}
}

// A run that is stopped while Azure answers exits with the signal's code, publishes
// nothing and lets go of the lake.
func TestStoppedRun(t *testing.T) {
	for s, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, stop := context.WithCancelCause(t.Context())
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			stop(signalError(s))
			<-r.Context().Done()
		}))
		t.Cleanup(server.Close)
		dir := t.TempDir()
		config := filepath.Join(dir, "azledger.yaml")
		text := fmt.Sprintf("credential: none\nendpoints: {management: %q}\naccounts: [{name: a, agreement: mosp, scope: /subscriptions/s}]\n", server.URL)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		if code := run(ctx, []string{"run", "--config", config}, &out, &errOut); code != want {
			t.Errorf("%v: exit code %d, want %d: %s", s, code, want, errOut.String())
		}
		if !strings.Contains(errOut.String(), "azledger: "+s.String()+": stopped; the same command goes on from here") {
			t.Errorf("%v: says %s", s, errOut.String())
		}
		if _, err := os.Stat(filepath.Join(dir, "published", "current.json")); err == nil {
			t.Errorf("%v: something was published", s)
		}
		l, err := lockLake(filepath.Join(dir, "lake"), "run", time.Now())
		if err != nil {
			t.Fatalf("%v: the lake is still held: %v", s, err)
		}
		l.release()
	}
}
