package extract

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/google/go-cmp/cmp"
)

// testClock stands still but when it is slept on.
type testClock struct {
	mu    sync.Mutex
	at    time.Time
	slept []time.Duration
}

func (k *testClock) now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.at
}

func (k *testClock) sleep(ctx context.Context, d time.Duration) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.slept = append(k.slept, d)
	k.at = k.at.Add(d)
	return ctx.Err()
}

// newTestClient returns a client of a simulated Azure and the clock it waits on.
func newTestClient(t *testing.T, o ClientOptions, h http.HandlerFunc) (*Client, *testClock) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	clock := &testClock{at: time.Now()}
	o.Endpoints.Management = server.URL
	o.Now = clock.now
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	c.sleep = clock.sleep
	c.jitter = func(time.Duration) time.Duration { return 0 }
	return c, clock
}

// inTurn serves one handler after another, and the last for ever.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		i := int(n.Add(1)) - 1
		handlers[min(i, len(handlers)-1)](w, r)
	}
}

func answerWith(code int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, body)
	}
}

const okBody = `{"value":[{"id":"a"}]}`

var answerOK = answerWith(200, okBody)

func getThings(t *testing.T, c *Client) (*response, error) {
	t.Helper()
	return c.do(t.Context(), request{URL: "/things?api-version=1"})
}

func TestThrottlingHeadersAreAllHonoured(t *testing.T) {
	const vendor = "x-ms-ratelimit-microsoft."
	date := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name   string
		header []string
		want   time.Duration
	}{
		{"seconds", []string{"Retry-After", "17"}, 17 * time.Second},
		{"date", []string{"Date", date.Format(http.TimeFormat), "Retry-After", date.Add(90 * time.Second).Format(http.TimeFormat)}, 90 * time.Second},
		{"consumption", []string{vendor + "consumption-retry-after", "18"}, 18 * time.Second},
		{"qpu", []string{vendor + "costmanagement-qpu-retry-after", "19"}, 19 * time.Second},
		{"entity", []string{vendor + "costmanagement-entity-retry-after", "20"}, 20 * time.Second},
		{"tenant", []string{vendor + "costmanagement-tenant-retry-after", "21"}, 21 * time.Second},
		{"client", []string{vendor + "costmanagement-client-retry-after", "22"}, 22 * time.Second},
		{"clienttype", []string{vendor + "costmanagement-clienttype-retry-after", "23"}, 23 * time.Second},
		{"the longest of several", []string{"Retry-After", "5", vendor + "costmanagement-qpu-retry-after", "40", vendor + "costmanagement-entity-retry-after", "30"}, 40 * time.Second},
		{"what remains is no wait", []string{"Retry-After", "3", vendor + "costmanagement-qpu-remaining", "600", "x-ms-ratelimit-remaining-tenant-reads", "11999"}, 3 * time.Second},
		{"zero", []string{"Retry-After", "0"}, time.Second},
		{"none", nil, time.Minute},
		{"nonsense", []string{"Retry-After", "soon"}, time.Minute},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, clock := newTestClient(t, ClientOptions{}, inTurn(answerWith(429, `{"error":{"code":"429","message":"slow down"}}`, tc.header...), answerOK))
			if _, err := getThings(t, c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]time.Duration{tc.want}, clock.slept); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLongestWaitWinsInAnyOrder(t *testing.T) {
	h := http.Header{"Retry-After": {"5", "7"}, "X-Ms-Ratelimit-Microsoft.consumption-Retry-After": {"40"}, "X-Ms-Ratelimit-Microsoft.costmanagement-Qpu-Retry-After": {"30"}}
	for range 50 { // headers are visited in random order
		if got, told := retryAfter(h, time.Now()); got != 40*time.Second || !told {
			t.Fatalf("got %s", got)
		}
	}
}

func TestThrottlingIsNotCountedAsFailure(t *testing.T) {
	busy := answerWith(429, "", "Retry-After", "30")
	c, clock := newTestClient(t, ClientOptions{Retries: -1}, inTurn(busy, busy, busy, busy, busy, busy, busy, busy, answerOK))
	if _, err := getThings(t, c); err != nil {
		t.Fatal(err)
	}
	if len(clock.slept) != 8 {
		t.Errorf("slept %v, want 8 waits", clock.slept)
	}
}

func TestThrottlingWithoutHeaderGrowsAndEnds(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{}, answerWith(429, ""))
	_, err := getThings(t, c)
	want := []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute}
	if diff := cmp.Diff(want, clock.slept); diff != "" {
		t.Error(diff)
	}
	if err == nil || !strings.Contains(err.Error(), "asked to wait 16m0s, longer than the 15m0s") {
		t.Errorf("got %v", err)
	}
}

func TestThrottlingForEverEnds(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{}, answerWith(429, "", "Retry-After", "60"))
	_, err := getThings(t, c)
	if e, is := errors.AsType[*APIError](err); !is || e.Status != 429 || e.Attempts != 61 {
		t.Errorf("got %v", err)
	}
	if len(clock.slept) != 60 {
		t.Errorf("%d waits of a minute, want an hour of them", len(clock.slept))
	}
}

func TestResourceRequestsThrottledWaitsFiveMinutes(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{}, inTurn(answerWith(429, `{"error":{"code":"ResourceRequestsThrottled","message":"x"}}`), answerOK))
	if _, err := getThings(t, c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{5 * time.Minute}, clock.slept); diff != "" {
		t.Error(diff)
	}
}

func TestWaitLongerThanAllowedIsNamed(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{MaxWait: time.Minute}, answerWith(429, "", "Retry-After", "3600"))
	_, err := getThings(t, c)
	if err == nil || !strings.Contains(err.Error(), "1h0m0s") || !strings.Contains(err.Error(), "429") || len(clock.slept) != 0 {
		t.Errorf("got %v after waits %v", err, clock.slept)
	}
}

func TestCancelledWaitReturnsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, _ := newTestClient(t, ClientOptions{}, func(w http.ResponseWriter, r *http.Request) {
		time.AfterFunc(20*time.Millisecond, cancel)
		answerWith(429, "", "Retry-After", "600")(w, r)
	})
	c.sleep = sleep
	start := time.Now()
	_, err := c.do(ctx, request{URL: "/things"})
	if !errors.Is(err, context.Canceled) || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
}

func TestCancelledRequestReturnsAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, clock := newTestClient(t, ClientOptions{}, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := c.do(ctx, request{URL: "/things"}); !errors.Is(err, context.Canceled) || len(clock.slept) != 0 {
		t.Errorf("got %v after waits %v", err, clock.slept)
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	for code, want := range map[int]int{
		400: 1, 401: 1, 403: 1, 404: 1, 409: 1, 410: 1, 422: 1, 424: 1, 501: 1,
		500: 3, 502: 3, 503: 3, 504: 3,
	} {
		var calls atomic.Int64
		c, _ := newTestClient(t, ClientOptions{Retries: 2}, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			answerWith(code, `{"error":{"code":"Boom","message":"it broke"}}`)(w, r)
		})
		_, err := getThings(t, c)
		if e, is := errors.AsType[*APIError](err); !is || e.Status != code || e.Code != "Boom" {
			t.Errorf("%d: got %v", code, err)
		}
		if int(calls.Load()) != want {
			t.Errorf("%d: asked %d times, want %d", code, calls.Load(), want)
		}
	}
}

func TestServerErrorsBackOffAndAdviseASmallerRange(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{}, answerWith(504, `{"error":{"code":"GatewayTimeout","message":"too slow"}}`))
	_, err := getThings(t, c)
	want := []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second}
	if diff := cmp.Diff(want, clock.slept); diff != "" {
		t.Error(diff)
	}
	if err == nil || !strings.Contains(err.Error(), "smaller range") || !strings.Contains(err.Error(), "6 attempts") {
		t.Errorf("got %v", err)
	}
}

func TestUnavailableWaitsAsTold(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{}, inTurn(answerWith(503, "", "Retry-After", "45"), answerOK))
	if _, err := getThings(t, c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{45 * time.Second}, clock.slept); diff != "" {
		t.Error(diff)
	}
}

func gzipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.Bytes()
}

func answerRaw(body []byte, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Write(body)
	}
}

// cutOff promises more bytes than it sends, and closes the connection.
func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, okBody)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestBrokenBodiesAreFetchedAgain(t *testing.T) {
	packed := gzipped(okBody)
	for name, broken := range map[string]http.HandlerFunc{
		"truncated gzip": answerRaw(packed[:len(packed)-6], "Content-Encoding", "gzip"),
		"damaged gzip":   answerRaw(append([]byte("xx"), packed...), "Content-Encoding", "gzip"),
		"Content-Length": cutOff,
		"reset":          hangUp,
		"HTML":           answerWith(200, "<html>Sign in</html>"),
		"empty":          answerWith(200, ""),
		"half the JSON":  answerWith(200, okBody[:10]),
		"text":           answerWith(200, "upstream connect error"),
	} {
		t.Run(name, func(t *testing.T) {
			c, clock := newTestClient(t, ClientOptions{}, inTurn(broken, broken, answerRaw(packed, "Content-Encoding", "gzip")))
			got, err := getThings(t, c)
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Body) != okBody || len(clock.slept) != 2 {
				t.Errorf("got %q after %v", got.Body, clock.slept)
			}
			c, _ = newTestClient(t, ClientOptions{Retries: 1}, broken)
			if _, err := getThings(t, c); err == nil || !strings.Contains(err.Error(), "(2 attempts)") {
				t.Errorf("broken for ever: %v", err)
			}
		})
	}
}

// transport answers in the place of the network.
type transport func(*http.Request) (*http.Response, error)

func (f transport) Do(r *http.Request) (*http.Response, error) { return f(r) }

func TestShortBodyOfAnyTransportIsBroken(t *testing.T) {
	c, _ := newTestClient(t, ClientOptions{Retries: -1, Transport: transport(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(okBody)), ContentLength: 100, Request: r}, nil
	})}, answerOK)
	if _, err := getThings(t, c); err == nil || !strings.Contains(err.Error(), "Content-Length says 100") {
		t.Errorf("got %v", err)
	}
}

func TestSilentConnectionIsGivenUp(t *testing.T) {
	silent := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	half := func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, okBody[:5])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, h := range map[string]http.HandlerFunc{"before the answer": silent, "within it": half} {
		c, clock := newTestClient(t, ClientOptions{}, inTurn(h, answerOK))
		c.patience = patience{answer: 100 * time.Millisecond, body: 100 * time.Millisecond}
		if _, err := getThings(t, c); err != nil || len(clock.slept) != 1 {
			t.Errorf("%s: got %v after %v", name, err, clock.slept)
		}
	}
}

func TestSimulatedAzureThatIsNotRunningFailsAtOnce(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	clock := &testClock{}
	c, err := NewClient(ClientOptions{Endpoints: Endpoints{Management: server.URL}, Now: clock.now})
	if err != nil {
		t.Fatal(err)
	}
	c.sleep = clock.sleep
	if _, err := getThings(t, c); err == nil || !strings.Contains(err.Error(), "refused") || len(clock.slept) != 0 {
		t.Errorf("got %v after %v", err, clock.slept)
	}
}

func TestHTMLIsQuoted(t *testing.T) {
	c, _ := newTestClient(t, ClientOptions{Retries: -1}, answerWith(200, "<html>"+strings.Repeat("x", 500)))
	_, err := getThings(t, c)
	if err == nil || !strings.Contains(err.Error(), `HTML instead of JSON: "<html>xxx`) || strings.Contains(err.Error(), strings.Repeat("x", 100)) {
		t.Errorf("got %v", err)
	}
}

func TestBodyIsGivenWithoutByteOrderMark(t *testing.T) {
	c, _ := newTestClient(t, ClientOptions{}, answerWith(200, "\ufeff\r\n"+okBody+"\r\n", "x-ms-request-id", "r-1"))
	got, err := getThings(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(got.Body)) != okBody || got.RequestID != "r-1" || len(got.SHA256) != 64 || got.Status != 200 {
		t.Errorf("got %+v", got)
	}
}

func TestEmptyAnswersAreAnswers(t *testing.T) {
	for _, code := range []int{202, 204} {
		c, _ := newTestClient(t, ClientOptions{}, answerWith(code, "", "Location", "/poll"))
		got, err := getThings(t, c)
		if err != nil || got.Status != code || len(got.Body) != 0 || got.Header.Get("Location") != "/poll" {
			t.Errorf("%d: got %+v, %v", code, got, err)
		}
	}
}

func TestHeadersSent(t *testing.T) {
	var got http.Header
	c, _ := newTestClient(t, ClientOptions{Version: "1.2.3"}, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		body, _ := io.ReadAll(r.Body)
		got.Set("body", string(body))
		answerOK(w, r)
	})
	_, err := c.do(t.Context(), request{Method: "POST", URL: "/q", Body: []byte(`{"a":1}`), Header: http.Header{"authorization": {"Bearer mine"}, "X-Own": {"1"}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"User-Agent": "azledger/1.2.3", "ClientType": "azledger", "Accept-Encoding": "gzip", "Content-Type": "application/json",
		"X-Own": "1", "body": `{"a":1}`, "Authorization": "",
	} {
		if got.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.Get(name), want)
		}
	}
	if len(got.Get("x-ms-client-request-id")) != 36 {
		t.Errorf("x-ms-client-request-id %q", got.Get("x-ms-client-request-id"))
	}
}

func TestPostIsRepeatedWithItsBody(t *testing.T) {
	var bodies []string
	c, _ := newTestClient(t, ClientOptions{}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		if len(bodies) < 3 {
			w.WriteHeader(500)
			return
		}
		answerOK(w, r)
	})
	if _, err := c.do(t.Context(), request{Method: "POST", URL: "/q", Body: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`{"a":1}`, `{"a":1}`, `{"a":1}`}, bodies); diff != "" {
		t.Error(diff)
	}
}

func TestErrorShapes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		code   int
		body   string
		header []string
		want   APIError
		advice string
	}{
		{
			"envelope", 403, `{"error":{"code":"AuthorizationFailed","message":"The client has no access."}}`,
			[]string{"x-ms-request-id", "r", "x-ms-correlation-request-id", "c"},
			APIError{Code: "AuthorizationFailed", Message: "The client has no access", RequestID: "r", CorrelationID: "c"},
			"Cost Management Reader",
		},
		{"upper case", 401, `{"Error":{"Code":"AccountCostDisabled","Message":"off"}}`, nil, APIError{Code: "AccountCostDisabled", Message: "off"}, "policy that lets account owners"},
		{"flat", 404, `{"code":"NotFound","message":"no such"}`, nil, APIError{Code: "NotFound", Message: "no such"}, "agreement may not have"},
		{"number", 400, `{"error":{"code":"400","message":"bad"}}`, nil, APIError{Message: "bad"}, "filter"},
		{"details", 422, `{"error":{"code":"UnprocessableEntity","message":"","details":[{"code":"x","message":"not for PAYG"}]}}`, nil, APIError{Code: "UnprocessableEntity", Message: "not for PAYG"}, "another source"},
		{"oauth", 401, `{"error":"invalid_client","error_description":"who?"}`, nil, APIError{Code: "invalid_client", Message: "who?"}, "credential"},
		{"empty", 404, "", nil, APIError{}, "check the scope"},
		{"HTML", 403, "<html>\n<b>no</b>", nil, APIError{Message: `"<html>\n<b>no</b>"`}, "role"},
		{"disguised", 200, `{"error":{"code":"IndirectCostDisabled","message":"partner"}}`, nil, APIError{Code: "IndirectCostDisabled", Message: "partner"}, "markup"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := newTestClient(t, ClientOptions{}, answerWith(tc.code, tc.body, tc.header...))
			_, err := getThings(t, c)
			got, is := errors.AsType[*APIError](err)
			if !is {
				t.Fatalf("got %v", err)
			}
			if got.Status != tc.code || got.Code != tc.want.Code || got.Message != tc.want.Message || got.CorrelationID != tc.want.CorrelationID {
				t.Errorf("got %+v", got)
			}
			if tc.want.RequestID != "" && got.RequestID != tc.want.RequestID {
				t.Errorf("request id %q", got.RequestID)
			}
			if !strings.Contains(err.Error(), tc.advice) || !strings.Contains(err.Error(), "/things") {
				t.Errorf("got %v, want advice %q", err, tc.advice)
			}
		})
	}
}

func TestFinishedReportWithErrorZeroIsNoError(t *testing.T) {
	c, _ := newTestClient(t, ClientOptions{}, answerWith(200, `{"status":"Completed","error":{"code":"0","message":null}}`))
	if _, err := getThings(t, c); err != nil {
		t.Error(err)
	}
}

// testToken hands out tokens t1, t2, … that live as long as it says.
type testToken struct {
	life   time.Duration
	err    error
	issued int
	scopes []string
}

func (k *testToken) GetToken(_ context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	k.issued++
	k.scopes = o.Scopes
	return azcore.AccessToken{Token: fmt.Sprintf("secret-t%d", k.issued), ExpiresOn: time.Now().Add(k.life)}, k.err
}

func TestTokenIsRenewedWhileWorking(t *testing.T) {
	var seen []string
	serve := func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		answerOK(w, r)
	}
	short := &testToken{life: -time.Second}
	c, _ := newTestClient(t, ClientOptions{Credential: short, Endpoints: Endpoints{Audience: "https://management.azure.com/"}}, serve)
	for range 3 {
		if _, err := getThings(t, c); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"Bearer secret-t1", "Bearer secret-t2", "Bearer secret-t3"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"https://management.azure.com/.default"}, short.scopes); diff != "" {
		t.Error(diff)
	}
	long := &testToken{life: time.Hour}
	c, _ = newTestClient(t, ClientOptions{Credential: long}, serve)
	for range 3 {
		if _, err := getThings(t, c); err != nil {
			t.Fatal(err)
		}
	}
	if long.issued != 1 {
		t.Errorf("%d tokens for three calls within an hour", long.issued)
	}
}

func TestExpiredTokenIsRenewedOnce(t *testing.T) {
	expired := answerWith(401, `{"error":{"code":"ExpiredAuthenticationToken","message":"The access token expiry UTC time is earlier than current UTC time."}}`)
	token := &testToken{life: time.Hour}
	c, clock := newTestClient(t, ClientOptions{Credential: token}, inTurn(expired, answerOK))
	if _, err := getThings(t, c); err != nil || token.issued != 2 {
		t.Errorf("got %v with %d tokens after %v", err, token.issued, clock.slept)
	}
	token = &testToken{life: time.Hour}
	c, _ = newTestClient(t, ClientOptions{Credential: token}, expired)
	_, err := getThings(t, c)
	if e, is := errors.AsType[*APIError](err); !is || e.Attempts != 2 || !strings.Contains(err.Error(), "clock") {
		t.Errorf("got %v", err)
	}
}

func TestCredentialErrorSaysWhatToDo(t *testing.T) {
	token := &testToken{err: errors.New("EnvironmentCredential authentication failed.\nPOST https://login.microsoftonline.com/x/oauth2/v2.0/token\n----\n" +
		`{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Ensure the secret is the value. Trace ID: 1 Correlation ID: 2"}`)}
	c, clock := newTestClient(t, ClientOptions{Credential: &namedCredential{kind: CredentialEnvironment, inner: token}}, answerOK)
	_, err := getThings(t, c)
	e, is := errors.AsType[*CredentialError](err)
	if !is || e.Kind != "environment" || len(clock.slept) != 0 || token.issued != 1 {
		t.Fatalf("got %v after %v and %d tries", err, clock.slept, token.issued)
	}
	for _, want := range []string{"credential environment: AADSTS7000215: Invalid client secret provided", "AZURE_CLIENT_SECRET"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "Trace ID") || strings.Contains(err.Error(), "----") {
		t.Errorf("got %v", err)
	}
}

func TestNewCredential(t *testing.T) {
	for _, name := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TOKEN_CREDENTIALS"} {
		t.Setenv(name, "") // puts it back afterwards
		os.Unsetenv(name)
	}
	public, err := CloudEndpoints("public")
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]string{
		"environment":       "credential environment: missing environment variable AZURE_TENANT_ID",
		"workload_identity": "credential workload_identity: ",
		"password":          "use default, environment, managed_identity",
	} {
		if _, err := NewCredential(kind, public); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
	for _, kind := range []string{"", "default", "managed_identity", "cli"} {
		if got, err := NewCredential(kind, public); err != nil || got == nil {
			t.Errorf("%s: got %v, %v", kind, got, err)
		}
	}
	if got, err := NewCredential("none", public); got != nil || err != nil {
		t.Errorf("none: got %v, %v", got, err)
	}
	t.Setenv("AZURE_TENANT_ID", "11111111-1111-1111-1111-111111111111")
	t.Setenv("AZURE_CLIENT_ID", "22222222-2222-2222-2222-222222222222")
	t.Setenv("AZURE_CLIENT_SECRET", "hush")
	if _, err := NewCredential("environment", public); err != nil {
		t.Error(err)
	}
}

func TestNewClientKeepsTokensSafe(t *testing.T) {
	public, _ := CloudEndpoints("")
	for name, o := range map[string]ClientOptions{
		"no credential":    {Endpoints: public},
		"token over http":  {Endpoints: Endpoints{Management: "http://management.azure.com"}, Credential: &testToken{}},
		"no endpoint":      {},
		"user in endpoint": {Endpoints: Endpoints{Management: "https://u:p@management.azure.com"}, Credential: &testToken{}},
	} {
		if _, err := NewClient(o); err == nil || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := CloudEndpoints("moon"); err == nil {
		t.Error("cloud moon")
	}
}

func TestRequestToAnotherHostIsRefused(t *testing.T) {
	c, _ := newTestClient(t, ClientOptions{Credential: &testToken{life: time.Hour}}, answerOK)
	for _, address := range []string{"https://evil.example/x?sig=abc", "//evil.example/x", strings.Replace(c.base.String(), "127.0.0.1", "localhost", 1) + "/x", strings.Replace(c.base.String(), "http://", "http://me:pw@", 1) + "/x"} {
		if _, err := c.do(t.Context(), request{URL: address}); err == nil || !strings.Contains(err.Error(), "another host") || strings.Contains(err.Error(), "abc") || strings.Contains(err.Error(), "pw") {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

func TestRedirectTakesNoTokenToAnotherHost(t *testing.T) {
	var seen http.Header
	blob := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		answerOK(w, r)
	}))
	defer blob.Close()
	c, _ := newTestClient(t, ClientOptions{Credential: &testToken{life: time.Hour}}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, blob.URL+"/ratecard?sig=hush", http.StatusTemporaryRedirect)
	})
	got, err := getThings(t, c)
	if err != nil || string(got.Body) != okBody {
		t.Fatalf("got %v, %v", got, err)
	}
	if seen.Get("Authorization") != "" || seen.Get("Referer") != "" {
		t.Errorf("sent along: %v", seen)
	}
}

func TestRedirectWithinTheHostKeepsTheToken(t *testing.T) {
	c, _ := newTestClient(t, ClientOptions{Credential: &testToken{life: time.Hour}}, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/things":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case r.Header.Get("Authorization") == "":
			w.WriteHeader(401)
		default:
			answerOK(w, r)
		}
	})
	if _, err := getThings(t, c); err != nil {
		t.Error(err)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	var logged bytes.Buffer
	c, _ := newTestClient(t, ClientOptions{Retries: 2, Credential: &testToken{life: time.Hour}, Log: slog.New(slog.NewTextHandler(&logged, nil))}, inTurn(
		answerWith(500, `{"error":{"code":"X","message":"while reading https://a.blob.core.windows.net/c/f?sv=1&sig=hush for Bearer secret-t1"}}`),
		hangUp,
		func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/f?sig=hush", http.StatusFound)
		},
	))
	_, err := getThings(t, c)
	if err == nil {
		t.Fatal("no error")
	}
	text := err.Error() + logged.String()
	if strings.Contains(text, "hush") || strings.Contains(text, "secret-") {
		t.Errorf("a secret in: %s", text)
	}
	if !strings.Contains(logged.String(), "asking again") {
		t.Errorf("logged %s", logged.String())
	}
}

func TestClockSkewIsWarnedOfOnce(t *testing.T) {
	var logged bytes.Buffer
	late := answerWith(200, okBody, "Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
	c, _ := newTestClient(t, ClientOptions{Log: slog.New(slog.NewTextHandler(&logged, nil))}, late)
	for range 3 {
		if _, err := getThings(t, c); err != nil {
			t.Fatal(err)
		}
	}
	if n := strings.Count(logged.String(), "clock differs"); n != 1 {
		t.Errorf("warned %d times: %s", n, logged.String())
	}
}

func TestUsageIsPacedPerScope(t *testing.T) {
	for scope, want := range map[string]time.Duration{
		"/subscriptions/1": 6 * time.Second,
		"/providers/Microsoft.Billing/billingAccounts/8608480":                       10 * time.Second,
		"/providers/Microsoft.Billing/billingAccounts/8608480/departments/7":         30 * time.Second,
		"/providers/Microsoft.Management/managementGroups/all":                       30 * time.Second,
		"/providers/Microsoft.Billing/billingAccounts/1:2/billingProfiles/A-B-C-PGB": 10 * time.Second,
	} {
		clock := &testClock{at: time.Now()}
		p := &pacer{now: clock.now, sleep: clock.sleep}
		for range 3 {
			if err := p.wait(t.Context(), usageAPI, scope, 0); err != nil {
				t.Fatal(err)
			}
		}
		if len(clock.slept) != 2 || (clock.slept[0]-want).Abs() > time.Millisecond || (clock.slept[1]-want).Abs() > time.Millisecond {
			t.Errorf("%s: waited %v, want %s each", scope, clock.slept, want)
		}
		if err := p.wait(t.Context(), usageAPI, "/subscriptions/another", 0); err != nil || len(clock.slept) != 2 {
			t.Errorf("another scope waited: %v %v", clock.slept, err)
		}
	}
}

// In no span of a limit may more calls go out than the limit allows.
func TestPaceKeepsEveryLimit(t *testing.T) {
	for _, tc := range []struct {
		api    string
		scopes int
		units  int
		limits []Limit
	}{
		{billingAPI, 1, 1, []Limit{{Calls: 30, Per: time.Minute}}},
		{billingAPI, 50, 1, []Limit{{Calls: 200, Per: time.Minute}}},
		{queryAPI, 200, 1, []Limit{{Calls: 12, Per: 10 * time.Second}, {Calls: 60, Per: time.Minute}, {Calls: 600, Per: time.Hour}}},
		{queryAPI, 200, 3, []Limit{{Calls: 12, Per: 10 * time.Second}, {Calls: 60, Per: time.Minute}, {Calls: 600, Per: time.Hour}}},
	} {
		clock := &testClock{at: time.Now()}
		p := &pacer{now: clock.now, sleep: clock.sleep}
		var at []time.Time
		for i := range 800 {
			if err := p.wait(t.Context(), tc.api, fmt.Sprint("/subscriptions/", i%tc.scopes), tc.units); err != nil {
				t.Fatal(err)
			}
			at = append(at, clock.now())
		}
		for _, l := range tc.limits {
			n := l.Calls / tc.units
			for i := n; i < len(at); i++ {
				if span := at[i].Sub(at[i-n]); span < l.Per-time.Millisecond {
					t.Fatalf("%s of %d scopes: %d calls within %s, the limit is %d in %s", tc.api, tc.scopes, n+1, span, l.Calls, l.Per)
				}
			}
		}
	}
}

func TestPaceOfLoopbackAndOverride(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{Pace: map[string]Pace{"slow": {Scope: []Limit{{Calls: 1, Per: time.Hour}}}}}, answerOK)
	for _, api := range []string{usageAPI, usageAPI, queryAPI, "slow"} {
		if _, err := c.do(t.Context(), request{API: api, URL: "/x"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(clock.slept) != 0 {
		t.Errorf("waited %v for a simulated Azure", clock.slept)
	}
	if _, err := c.do(t.Context(), request{API: "slow", URL: "/x"}); err != nil {
		t.Fatal(err)
	}
	if len(clock.slept) != 1 || clock.slept[0] < 59*time.Minute {
		t.Errorf("waited %v, want an hour", clock.slept)
	}
}

func TestPacedWaitEndsWithTheContext(t *testing.T) {
	c, _ := newTestClient(t, ClientOptions{Pace: map[string]Pace{"slow": {Tenant: []Limit{{Calls: 1, Per: time.Hour}}}}}, answerOK)
	c.sleep = sleep
	if _, err := c.do(t.Context(), request{API: "slow", URL: "/x"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.do(ctx, request{API: "slow", URL: "/x"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestPollWait(t *testing.T) {
	c, clock := newTestClient(t, ClientOptions{MaxWait: time.Minute}, answerOK)
	for _, v := range []string{"20", "0", "", "3600"} {
		err := c.wait(t.Context(), &response{Header: http.Header{"Retry-After": {v}}, URL: "/poll"}, 10*time.Second)
		if (err != nil) != (v == "3600") {
			t.Errorf("%q: %v", v, err)
		}
	}
	if diff := cmp.Diff([]time.Duration{20 * time.Second, 10 * time.Second, 10 * time.Second}, clock.slept); diff != "" {
		t.Error(diff)
	}
}
