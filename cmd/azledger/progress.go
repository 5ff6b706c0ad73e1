package main

import (
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// terminal tells whether stderr is one, and whether what goes there is for people.
func (a *app) terminal() bool {
	f, ok := a.err.(*os.File)
	return ok && a.logFormat != "json" && term.IsTerminal(int(f.Fd()))
}

// progress is one bar on the terminal, for one stage. Without a terminal it shows
// nothing: there the stages log a line for each thing they finish.
type progress struct {
	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	done int
}

// progress opens the bar of a stage, whose steps are not known beforehand.
func (a *app) progress(stage string) *progress {
	if a.quiet || !a.terminal() {
		return &progress{}
	}
	return &progress{bar: progressbar.NewOptions(-1,
		progressbar.OptionSetWriter(a.err),
		progressbar.OptionSetDescription(stage),
		progressbar.OptionShowCount(),
		progressbar.OptionSetElapsedTime(true),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSpinnerType(14),
	)}
}

// say names what is being worked on.
func (p *progress) say(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.Describe(what)
	}
}

// step counts one thing as finished.
func (p *progress) step(total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar == nil {
		return
	}
	if total > 0 && p.bar.GetMax() != total {
		p.bar.ChangeMax(total)
	}
	p.done++
	_ = p.bar.Set(p.done) // a bar that cannot be drawn is no reason to stop
}

// close takes the bar away.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
