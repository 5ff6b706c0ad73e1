package extract

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tries counts what one request has cost so far. Being throttled is not an error
// and is counted apart: it is paid for in time.
type tries struct {
	attempts  int
	failures  int           // 5xx answers and broken bodies
	throttled int           // 429 answers
	waited    time.Duration // because of them
	renewed   bool          // an expired token was renewed
}

// repeat calls try until it succeeds, or fails in a way that trying again does not
// mend, or has failed too often.
func (c *Client) repeat(ctx context.Context, try func() error) error {
	var t tries
	for {
		t.attempts++
		err := try()
		if err == nil {
			return nil
		}
		wait, again := c.again(&t, err)
		if !again {
			return t.final(err)
		}
		if wait > c.maxWait {
			return fmt.Errorf("asked to wait %s, longer than the %s that one wait may take; run again later: %w", wait, c.maxWait, t.final(err))
		}
		c.log.Warn("asking again", "after", wait.Round(time.Millisecond), "attempt", t.attempts, "because", err)
		if stopped := c.sleep(ctx, wait+c.jitter(wait)); stopped != nil {
			return fmt.Errorf("interrupted while waiting %s: %w: %w", wait, stopped, err)
		}
	}
}

// final notes on an error how often the request was tried.
func (t *tries) final(err error) error {
	if e, ok := errors.AsType[*APIError](err); ok {
		e.Attempts = t.attempts
	}
	if e, ok := errors.AsType[*transferError](err); ok {
		e.attempts = t.attempts
	}
	return err
}

// again says whether and when a failed request is worth repeating. Only what is
// listed here is: never 400, 403, 404, 409 or 422, and 401 once if the token expired.
func (c *Client) again(t *tries, err error) (time.Duration, bool) {
	if e, ok := errors.AsType[*transferError](err); ok {
		return c.afterFailure(t, 0, e.again)
	}
	e, ok := errors.AsType[*APIError](err)
	if !ok {
		return 0, false
	}
	switch e.Status {
	case http.StatusTooManyRequests:
		return c.afterThrottling(t, e)
	case http.StatusServiceUnavailable, http.StatusInternalServerError, http.StatusBadGateway, http.StatusGatewayTimeout:
		return c.afterFailure(t, e.wait, true)
	case http.StatusUnauthorized:
		// azcore's policy has dropped the token that earned a 401; the next attempt fetches one.
		first := !t.renewed
		t.renewed = true
		return 0, first && e.expiredToken()
	}
	return 0, false
}

// afterFailure doubles from two seconds; a Retry-After that asks for more gets it.
func (c *Client) afterFailure(t *tries, told time.Duration, worthwhile bool) (time.Duration, bool) {
	t.failures++
	if !worthwhile || t.failures > c.retries {
		return 0, false
	}
	return max(told, doubling(2*time.Second, t.failures, time.Minute)), true
}

// afterThrottling waits what Azure asks for; else a minute, growing. The request
// gives up when the next wait would bring them to four of the longest one, an hour
// by default: longer than any of Azure's buckets needs to fill.
func (c *Client) afterThrottling(t *tries, e *APIError) (time.Duration, bool) {
	t.throttled++
	wait := doubling(time.Minute, t.throttled, time.Hour)
	switch {
	case e.told:
		// "0" is seen too, and a server that keeps saying it must not be hammered.
		wait = max(e.wait, doubling(time.Second, t.throttled, time.Minute))
	case strings.EqualFold(e.Code, "ResourceRequestsThrottled"):
		wait = max(wait, 5*time.Minute)
	}
	t.waited += wait
	return wait, wait > c.maxWait || t.waited <= 4*c.maxWait
}

// doubling is first, twice first and so on, up to limit.
func doubling(first time.Duration, n int, limit time.Duration) time.Duration {
	return min(limit, first<<min(n-1, 20))
}

// retryAfter returns the longest wait that any header asks for, and whether one does.
// Beside Retry-After these are, today:
//
//	x-ms-ratelimit-microsoft.consumption-retry-after
//	x-ms-ratelimit-microsoft.costmanagement-{qpu,entity,tenant,client,clienttype}-retry-after
func retryAfter(h http.Header, now time.Time) (longest time.Duration, told bool) {
	for name, values := range h {
		name = strings.ToLower(name)
		if name != "retry-after" && !(strings.HasPrefix(name, "x-ms-ratelimit-") && strings.HasSuffix(name, "-retry-after")) {
			continue
		}
		for _, v := range values {
			if wait, ok := parseWait(v, h, now); ok {
				longest, told = max(longest, wait), true
			}
		}
	}
	return longest, told
}

// parseWait reads seconds, or a date, which counts from the server's clock if the
// answer says what that is.
func parseWait(v string, h http.Header, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil { //nolint:forbidigo // seconds to wait, no money
		const year = 365 * 24 * 3600
		return time.Duration(max(0, min(seconds, year)) * float64(time.Second)), true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0, false
	}
	if served, err := http.ParseTime(h.Get("Date")); err == nil {
		now = served
	}
	return max(0, at.Sub(now)), true
}

// wait pauses between two looks at a report that is being made: as long as the
// answer says, or fallback when it says nothing or 0.
func (c *Client) wait(ctx context.Context, answer *response, fallback time.Duration) error {
	told, _ := retryAfter(answer.Header, c.now())
	told = cmp.Or(told, fallback)
	if told > c.maxWait {
		return fmt.Errorf("%s: asked to wait %s, longer than the %s that one wait may take; run again later", redactURL(answer.URL), told, c.maxWait)
	}
	return c.sleep(ctx, told)
}

func sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// jitter adds up to a fifth, at most ten seconds, so that runs started by the same
// cron minute do not come back together.
func jitter(d time.Duration) time.Duration {
	return rand.N(min(d/5, 10*time.Second) + 1)
}

// transferError says that no whole answer came.
type transferError struct {
	method, url string
	err         error
	again       bool
	attempts    int
}

func (e *transferError) Error() string {
	text := fmt.Sprintf("%s %s: %s", e.method, e.url, hideQueries(e.err.Error()))
	if e.attempts > 1 {
		text += fmt.Sprintf(" (%d attempts)", e.attempts)
	}
	return text
}

func (e *transferError) Unwrap() error { return e.err }

// transient tells failures of the moment from those that stay: a wrong name, a
// certificate nobody trusts, a token that cannot be had.
func (c *Client) transient(err error) bool {
	if _, ok := errors.AsType[*CredentialError](err); ok {
		return false
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return false
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return false
	}
	if c.loopback && errors.Is(err, syscall.ECONNREFUSED) {
		return false // the simulated Azure is not running
	}
	return !errors.Is(err, errRedirect)
}
