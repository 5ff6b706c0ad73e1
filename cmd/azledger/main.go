package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// version is the release; `azledger version` adds the revision it was built from.
const version = "0.1.0"

func main() {
	ctx, stop := untilSignal(context.Background())
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the command: what it is given, what it prints, what it exits with.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := &app{out: stdout, err: stderr, now: time.Now, env: os.Environ()}
	return a.execute(ctx, args)
}

func (a *app) execute(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if !a.started {
		err = usageError{err}
	}
	code := exitCode(ctx, err)
	switch {
	case code > 128:
		fmt.Fprintf(a.err, "azledger: %v: stopped; the same command goes on from here\n", context.Cause(ctx))
	case errors.Is(err, errSaid):
	default:
		fmt.Fprintf(a.err, "azledger: %v\n", err)
	}
	return code
}

// Exit codes. They are documented in the manual, and scripts rely on them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitLocked      = 3
	exitCheck       = 4
	exitPartial     = 5
	exitUnexplained = 6
	exitSignal      = 128 // plus the number of the signal
)

// codedError is an error that has an exit code of its own.
type codedError interface {
	error
	exitCode() int
}

func exitCode(ctx context.Context, err error) int {
	var stopped signalError
	if errors.As(context.Cause(ctx), &stopped) {
		return exitSignal + int(stopped)
	}
	var coded codedError
	if errors.As(err, &coded) {
		return coded.exitCode()
	}
	return exitFailed
}

// usageError is a mistake in the command line or the configuration.
type usageError struct{ error }

func (usageError) exitCode() int   { return exitUsage }
func (e usageError) Unwrap() error { return e.error }

// usagef is fmt.Errorf for mistakes of the user.
func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// errSaid is the error of a command that has already printed what is wrong.
var errSaid = errors.New("")

// signalError is why the context ended when a signal came.
type signalError syscall.Signal

func (s signalError) Error() string { return syscall.Signal(s).String() }

// untilSignal returns a context that ends at the first interrupt or termination. A
// second one ends the process at once, as it would without us.
func untilSignal(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		s, ok := <-signals
		if !ok {
			return
		}
		signal.Stop(signals)
		cancel(signalError(s.(syscall.Signal)))
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
