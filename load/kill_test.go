package load

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// childEnv makes the test binary publish and kill itself: "step root folder".
const childEnv = "AZLEDGER_LOAD_CHILD"

// publishAndDie is the child. It kills itself with SIGKILL at a step, with half of what the step would write.
func publishAndDie() int {
	f := strings.Fields(os.Getenv(childEnv))
	at, err := strconv.Atoi(f[0])
	if err != nil {
		return 2
	}
	steps := 0
	die := func(half func()) error {
		half()
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	store := &Dir{root: f[1], disk: brokenDisk{osDisk{}, &steps, at, die}}
	if _, err := Publish(context.Background(), store, f[2], evening); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestKillAtEveryStep kills a process that publishes to a directory before each step after which a crash would find
// something different: each file created, written (also half), synced, renamed or removed, each directory made or synced.
func TestKillAtEveryStep(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a hundred processes")
	}
	first, second := october(t), november(t)
	want := reference(t, first, second)
	for _, start := range []int{1, 2} {
		t.Run(fmt.Sprintf("steps %d, %d …", start, start+2), func(t *testing.T) {
			t.Parallel()
			for n := start; killAt(t, n, first, second, want); n += 2 {
			}
		})
	}
}

// killAt says whether there was an n-th step.
func killAt(t *testing.T, n int, first, second string, want map[string]string) bool {
	root := t.TempDir()
	publish(t, openDir(t, root), first, evening)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s %s", childEnv, n, root, second))
	output, err := cmd.CombinedOutput()
	if err == nil {
		t.Logf("%d steps", n-1)
		if n < 30 {
			t.Errorf("the child made only %d steps", n-1)
		}
		return false
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("step %d: %v: %s", n, err, output)
		return false
	}
	healed(t, fmt.Sprint("killed at step ", n), root, second, want)
	return true
}
