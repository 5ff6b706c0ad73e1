package extract

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Long operations: Azure accepts a request with 202 and says in Location where to ask
// how it is getting on, and in Retry-After when. The end is 200 with the result, or 204.
//
// What is odd about them:
//   - Retry-After is 0 or missing at times, and the body of 202 empty.
//   - Location may change from answer to answer, and with it the name of the operation
//     (costDetailsOperationStatus, costDetailsOperationResults). It is followed as served.
//   - Some operations answer 200 while they still run, and say so in their body:
//     {"status":"InProgress"}, {"properties":{"status":"Running"}}, "Queued".
//   - Azure does not know a request by its content: submitting it again starts a second
//     operation, which costs quota. So what was accepted is only asked about.

// polling is how a long operation is waited for where Azure does not say.
type polling struct {
	first time.Duration // first pause; each is half of it longer
	most  time.Duration // longest pause
	total time.Duration // after which this run gives up waiting
}

func (p polling) pause(n int) time.Duration {
	return min(p.most, p.first+time.Duration(min(n, 100))*p.first/2)
}

// pollError is what became of asking how an operation is getting on. The operation
// itself may be well.
type pollError struct{ err error }

func (e *pollError) Error() string { return e.err.Error() }
func (e *pollError) Unwrap() error { return e.err }

// unfinishedError says that an operation took longer than a run waits.
type unfinishedError struct {
	location string
	waited   time.Duration
}

func (e *unfinishedError) Error() string {
	return fmt.Sprintf("timed out: Azure has not finished it after %s (%s); it goes on being made there, and a run within the next %s goes on waiting for it instead of asking for another",
		e.waited, redactURL(e.location), resumeWithin)
}

// operation submits first, unless location tells where one that was submitted before
// can be asked about, and returns its last answer: 200 or 204. The address to ask at
// goes to started before it is asked, so that a run that dies afterwards need not
// submit again.
//
// It submits once. The request is repeated only where nothing says that Azure took it:
// on an answer of 429 or of the 500s, or when the connection broke before the answer's
// headers were there. Had Azure accepted it just then, that first operation is made for
// nobody: there is no way to find it.
func (c *Client) operation(ctx context.Context, first request, location string, started func(location string) error) (*response, error) {
	if location == "" {
		answer, err := c.do(ctx, first)
		if err != nil || !stillRunning(answer) {
			return answer, err
		}
		if location, err = c.at(first.Service).place(answer); err != nil {
			return nil, err
		}
		if location == "" {
			return nil, fmt.Errorf("%s %s: accepted with %d, but without the Location to ask at", first.method(), redactURL(answer.URL), answer.Status)
		}
		if started != nil {
			if err := started(location); err != nil {
				return nil, err
			}
		}
		if err := c.wait(ctx, answer, c.polling.first); err != nil {
			return nil, &pollError{err}
		}
	}
	return c.poll(ctx, first, location)
}

// poll asks until the operation has ended, or this run has waited long enough.
func (c *Client) poll(ctx context.Context, first request, location string) (*response, error) {
	begin := c.now()
	for n := 1; ; n++ {
		answer, err := c.do(ctx, request{Service: first.Service, API: first.API, Scope: first.Scope, URL: location, Header: first.Header})
		if err != nil {
			return nil, &pollError{err}
		}
		if !stillRunning(answer) {
			return answer, nil
		}
		next, err := c.at(first.Service).place(answer)
		if err != nil {
			return nil, &pollError{err}
		}
		if next != "" {
			location = next
		}
		if waited := c.now().Sub(begin); waited >= c.polling.total {
			return nil, &unfinishedError{location, waited.Round(time.Second)}
		}
		if err := c.wait(ctx, answer, c.polling.pause(n)); err != nil {
			return nil, &pollError{err}
		}
	}
}

// place is where an answer says to ask next; "" when it does not say.
func (c *Client) place(answer *response) (string, error) {
	for _, name := range []string{"Location", "Azure-AsyncOperation", "Azure-Consumption-AsyncOperation"} {
		link := strings.TrimSpace(answer.Header.Get(name))
		if link == "" {
			continue
		}
		from, err := url.Parse(answer.URL)
		if err != nil {
			return "", reason(err)
		}
		to, err := c.follow(from, link)
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		return to.String(), nil
	}
	return "", nil
}

// runningStatus are the words of a 200 that is not the end yet, folded.
var runningStatus = map[string]bool{
	"inprogress": true, "running": true, "queued": true, "notstarted": true, "accepted": true, "pending": true, "creating": true,
}

// stillRunning tells whether an operation has to be asked about again.
func stillRunning(answer *response) bool {
	if answer.Status == http.StatusAccepted || answer.Status == http.StatusCreated {
		return true
	}
	return runningStatus[foldStatus(statusOf(answer.Body))]
}

// statusOf is the status that a body gives, flat or under properties.
func statusOf(body []byte) string {
	var flat struct {
		Status     json.RawMessage
		Properties json.RawMessage
	}
	var nested struct{ Status json.RawMessage }
	_ = json.Unmarshal(body, &flat) // what cannot be read has no status
	_ = json.Unmarshal(flat.Properties, &nested)
	for _, status := range []json.RawMessage{flat.Status, nested.Status} {
		var word string
		if json.Unmarshal(status, &word) == nil && word != "" {
			return word
		}
	}
	return ""
}

func foldStatus(s string) string { return strings.ToLower(strings.ReplaceAll(s, " ", "")) }
