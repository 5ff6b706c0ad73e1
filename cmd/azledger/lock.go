package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A lake has one writer at a time: cron and a person at the keyboard may start a
// run at the same moment. The lock is the operating system's, on <lake>/lock, so a
// process that dies leaves none behind; the file's text says who has it.
type lock struct{ file *os.File }

// holder is what the lock file says.
type holder struct {
	Command string    `json:"command"`
	Process int       `json:"process"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
}

// lockedError is returned when another run has the lake.
type lockedError struct {
	lake string
	by   holder
}

func (lockedError) exitCode() int { return exitLocked }

func (e lockedError) Error() string {
	if e.by.Process == 0 {
		return fmt.Sprintf("lake %s: another run holds it; wait until it is done", e.lake)
	}
	return fmt.Sprintf("lake %s: azledger %s (process %d on %s, since %s) holds it; wait until it is done, or stop it",
		e.lake, e.by.Command, e.by.Process, e.by.Host, e.by.Since.Format(time.RFC3339))
}

// lockLake takes the lake for a command, or says who has it.
func lockLake(lake, command string, now time.Time) (*lock, error) {
	if err := os.MkdirAll(lake, 0o755); err != nil {
		return nil, fmt.Errorf("lake %s: %w", lake, err)
	}
	file, err := os.OpenFile(filepath.Join(lake, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lake %s: %w", lake, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer file.Close()
		return nil, lockedError{lake, readHolder(file)}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	if err := sign(file, command, now); err != nil {
		file.Close()
		return nil, err
	}
	return &lock{file}, nil
}

// sign writes down who holds the lock.
func sign(file *os.File, command string, now time.Time) error {
	host, _ := os.Hostname() // for people to read; nothing depends on it
	text, err := json.Marshal(holder{command, os.Getpid(), host, now.UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return fmt.Errorf("lock %s: %w", file.Name(), err)
	}
	_, err = file.WriteAt(append(text, '\n'), 0)
	return err
}

// readHolder reads a lock file; one that is being written right now reads as nobody.
func readHolder(r io.Reader) holder {
	var h holder
	if json.NewDecoder(r).Decode(&h) != nil {
		return holder{}
	}
	return h
}

func (l *lock) release() {
	_ = l.file.Truncate(0) // the lock ends with the file, whatever the file says
	l.file.Close()
}
