package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestOneRunAtATime(t *testing.T) {
	dir := t.TempDir()
	first, err := lockLake(filepath.Join(dir, "lake"), "run", time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "azledger.yaml")
	if err := os.WriteFile(config, []byte("accounts: [{name: a, exports: exports}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"run", "extract", "transform", "load"} {
		var out, errOut bytes.Buffer
		if code := run(t.Context(), []string{command, "--config", config}, &out, &errOut); code != exitLocked {
			t.Errorf("%s exits with %d, want %d", command, code, exitLocked)
		}
		for _, want := range []string{"azledger run", "process " + strconv.Itoa(os.Getpid()), "since 2026-11-22T01:02:03Z"} {
			if !strings.Contains(errOut.String(), want) {
				t.Errorf("%s says %q, want %q in it", command, errOut.String(), want)
			}
		}
	}
	first.release()
	second, err := lockLake(filepath.Join(dir, "lake"), "run", time.Now())
	if err != nil {
		t.Fatalf("the lake is still held after its release: %v", err)
	}
	second.release()
}

// A process that dies leaves its text in the lock file, and no lock.
func TestDeadHolderDoesNotLock(t *testing.T) {
	lake := t.TempDir()
	if err := os.WriteFile(filepath.Join(lake, "lock"), []byte(`{"command":"run","process":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := lockLake(lake, "run", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l.release()
}
