package mirror

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/azledger/azledger/load"
)

// A lake in a store has one writer at a time, on whichever host. lock.json says who it is:
//
//	{"command":"run","process":17,"host":"nightly-1","since":"…","expires":"…","token":"…","beat":3}
//
// It is only ever exchanged on its ETag, so of two that want it one gets it. The writer renews it while it works; one
// that died stops renewing. The file stays when the lake is released, without "expires": its token tells the next run
// whether anybody else had the lake since (see Mirror).
const lockName = "lock.json"

// LeaseTime is how long a claim to a lake lasts that is not renewed: a host that died keeps others out no longer. It is
// renewed four times as often, so two renewals in a row may fail.
const LeaseTime = 2 * time.Minute

// A Holder is who works on a lake, for people to read.
type Holder struct {
	Command string    `json:"command"`
	Process int       `json:"process"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
}

// claim is the content of lock.json.
type claim struct {
	Holder
	Expires *time.Time `json:"expires,omitempty"` // nil: released
	Token   string     `json:"token"`             // of one taking of the lake
	Beat    int64      `json:"beat"`              // renewals, so that each has another content and another ETag
}

// HeldError is returned by Open when another run has the lake.
type HeldError struct {
	Store   string
	By      Holder
	Expires time.Time
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("lake %s: azledger %s (process %d on %s, since %s) holds it; wait until it is done, or, if that host is gone, until %s",
		e.Store, e.By.Command, e.By.Process, e.By.Host, e.By.Since.Format(time.RFC3339), e.Expires.Format(time.RFC3339))
}

// LostError says that the lake was taken over, or could not be held: what was not saved yet must not be saved any more.
type LostError struct {
	Store string
	Cause error
}

func (e *LostError) Error() string {
	how := "could not be held"
	if errors.Is(e.Cause, load.ErrChanged) {
		how = "lost to another run"
	}
	return fmt.Sprintf("lake %s: %s (%v); nothing more was written to it", e.Store, how, e.Cause)
}

func (e *LostError) Unwrap() error { return e.Cause }

// lease is a claim that is being renewed.
type lease struct {
	store    load.Store
	time     time.Duration
	log      *slog.Logger
	previous string // token of whoever had the lake before

	alive context.Context // ends with a *LostError as its cause when the lease is lost
	lose  context.CancelCauseFunc
	stop  context.CancelFunc
	done  chan struct{}

	mu    sync.Mutex
	claim claim
	etag  string
}

// take claims the lake, or says who has it. ours is the token of the last claim of this working copy: the caller has
// the copy locked, so whoever made that claim is dead.
func take(ctx context.Context, store load.Store, by Holder, token, ours string, o Options) (*lease, error) {
	l := &lease{store: store, time: o.LeaseTime, log: o.Log, claim: claim{Holder: by, Token: token}}
	before, etag, err := readClaim(ctx, store)
	if err != nil {
		return nil, err
	}
	if before.Expires != nil && before.Token != ours {
		if err := l.outlive(ctx, before, etag, o.watch); err != nil {
			return nil, err
		}
		o.Log.Warn("the run that held the lake is gone, taking it over", "lake", store.String(), "host", before.Host, "process", before.Process)
	}
	l.previous, l.etag = before.Token, etag
	if err := l.beat(ctx); err != nil {
		return nil, l.beaten(ctx, err)
	}
	l.keep(ctx)
	return l, nil
}

// beaten turns the news that somebody else was faster into who it was.
func (l *lease) beaten(ctx context.Context, err error) error {
	if !errors.Is(err, load.ErrChanged) {
		return err
	}
	if now, _, rerr := readClaim(ctx, l.store); rerr == nil && now.Expires != nil {
		return l.held(now)
	}
	return err
}

func (l *lease) held(c claim) error {
	return &HeldError{Store: l.store.String(), By: c.Holder, Expires: *c.Expires}
}

// outlive finds out whether a claim is dead. By the clock it must have expired; but the two hosts' clocks may differ by
// hours, so it is also watched for longer than a living run goes without renewing it.
func (l *lease) outlive(ctx context.Context, c claim, etag string, watch time.Duration) error {
	if time.Now().Before(*c.Expires) {
		return l.held(c)
	}
	l.log.Info("the claim of another run has expired, watching whether it is renewed", "lake", l.store.String(), "host", c.Host, "wait", watch)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(watch):
	}
	now, again, err := readClaim(ctx, l.store)
	if err == nil && again != etag && now.Expires != nil {
		return l.held(now)
	}
	if err == nil && again != etag {
		err = fmt.Errorf("lake %s: another run has just ended: try again", l.store)
	}
	return err
}

// readClaim reads lock.json; a lake that nobody ever had has none.
func readClaim(ctx context.Context, store load.Store) (claim, string, error) {
	text, info, err := load.ReadSmall(ctx, store, lockName)
	if errors.Is(err, fs.ErrNotExist) {
		return claim{}, "", nil
	}
	if err != nil {
		return claim{}, "", err
	}
	var c claim
	if err := json.Unmarshal(text, &c); err != nil {
		return c, "", fmt.Errorf("%s/%s: %w: if no run is at work, delete it", store, lockName, err)
	}
	return c, info.ETag, nil
}

// keep renews the claim until release.
func (l *lease) keep(ctx context.Context) {
	// The claim outlives an interrupted run: what is complete is still saved under it.
	base := context.WithoutCancel(ctx)
	l.alive, l.lose = context.WithCancelCause(base)
	ticking, stop := context.WithCancel(base)
	l.stop, l.done = stop, make(chan struct{})
	go func() {
		defer close(l.done)
		for {
			select {
			case <-ticking.Done():
				return
			case <-time.After(l.time / 4):
				l.renew(ticking)
			}
		}
	}()
}

// renew renews the claim. Where that fails it gives the lake up before others may take it.
func (l *lease) renew(ctx context.Context) {
	try, cancel := context.WithTimeout(ctx, l.time/4)
	defer cancel()
	switch err := l.beat(try); {
	case err == nil, ctx.Err() != nil:
	case errors.Is(err, load.ErrChanged), time.Until(l.expires()) < l.time/4:
		l.lose(&LostError{l.store.String(), err})
	default:
		l.log.Warn("the claim to the lake could not be renewed, trying again", "lake", l.store.String(), "error", err)
	}
}

func (l *lease) expires() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *l.claim.Expires
}

// confirm renews the claim now, before something is written that is only right under it.
func (l *lease) confirm(ctx context.Context) error {
	if l.alive.Err() != nil {
		return context.Cause(l.alive)
	}
	err := l.beat(ctx)
	if errors.Is(err, load.ErrChanged) {
		l.lose(&LostError{l.store.String(), err})
		return context.Cause(l.alive)
	}
	return err
}

// beat writes the claim with a new date of expiry. One that has expired meanwhile is as good as new if nobody took it:
// its ETag says so.
func (l *lease) beat(ctx context.Context) error {
	expires := time.Now().Add(l.time).UTC().Truncate(time.Millisecond)
	return l.write(ctx, &expires)
}

// write exchanges the claim. An exchange may have reached the store and its answer not
// us: then the ETag is not the one we know, but the token is ours, and so is the lake.
func (l *lease) write(ctx context.Context, expires *time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.exchange(ctx, expires)
	if !errors.Is(err, load.ErrChanged) {
		return err
	}
	now, etag, rerr := readClaim(ctx, l.store)
	if rerr != nil || now.Token != l.claim.Token {
		return err
	}
	l.claim.Beat, l.etag = now.Beat, etag
	return l.exchange(ctx, expires)
}

func (l *lease) exchange(ctx context.Context, expires *time.Time) error {
	next := l.claim
	next.Expires = expires
	next.Beat++
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	etag, err := swap(ctx, l.store, lockName, append(text, '\n'), l.etag)
	if err != nil {
		return err
	}
	l.claim, l.etag = next, etag
	return nil
}

// release gives the lake back. Where that fails it is free when the claim expires.
func (l *lease) release(ctx context.Context) {
	l.stop()
	<-l.done
	if l.alive.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := l.write(ctx, nil); err != nil {
		l.log.Warn("the lake could not be released, it is free when the claim expires", "lake", l.store.String(), "expires", l.expires(), "error", err)
	}
}

// swap is Store.Swap that recognises its own write: the answer to a request may get lost after the store has done its
// part, and the repetition then finds the file changed.
func swap(ctx context.Context, store load.Store, name string, data []byte, old string) (string, error) {
	etag, err := store.Swap(ctx, name, data, old)
	if err == nil || ctx.Err() != nil {
		return etag, err
	}
	got, info, rerr := load.ReadSmall(ctx, store, name)
	if rerr == nil && bytes.Equal(got, data) {
		return info.ETag, nil
	}
	return "", err
}

func newToken() string { return rand.Text() }
