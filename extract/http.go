package extract

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
)

// ClientOptions say how to reach Azure.
type ClientOptions struct {
	Endpoints  Endpoints
	Credential azcore.TokenCredential // nil only when Endpoints.Management is on this machine
	Transport  policy.Transporter     // nil: an HTTP client of our own. Redirects of an *http.Client are followed as told at followRedirect
	Log        *slog.Logger           // nil discards
	Now        func() time.Time       // nil: time.Now
	MaxWait    time.Duration          // one wait longer than this is an error that names it; 0: 15 minutes
	Retries    int                    // repetitions after 5xx answers and broken bodies; 0: 5, negative: none
	Pace       map[string]Pace        // by API family, instead of Azure's published limits
	Version    string                 // of azledger, for the User-Agent

	EnterpriseKey string // the API key of an enrollment, for Endpoints.Enterprise; a secret
}

// A Client asks Azure. It keeps to the limits that Azure publishes, waits as long
// as it is told, and tries again what is worth trying again. Safe for concurrent use.
type Client struct {
	base     *url.URL         // the management endpoint
	signed   runtime.Pipeline // with a bearer token, for the management endpoint only
	plain    runtime.Pipeline // without one, for signed links
	loopback bool             // Azure is simulated on this machine
	log      *slog.Logger
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error
	jitter   func(time.Duration) time.Duration
	pace     *pacer
	maxWait  time.Duration
	retries  int
	agent    string
	maxPages int
	patience patience
	polling  polling // of long operations
	skew     sync.Once
	others   map[service]*Client
	key      string // what an answer may not repeat into a log: the enrollment's API key
}

// A service is a host of Azure's with rules of its own.
type service string

const (
	managementService service = ""           // Azure Resource Manager, with a bearer token
	retailService     service = "retail"     // list prices, open to everybody
	enterpriseService service = "enterprise" // consumption.azure.com, with an enrollment's API key
)

// at is the client for a service. All share the pace, the clock and the log.
func (c *Client) at(s service) *Client {
	if other := c.others[s]; other != nil {
		return other
	}
	return c
}

// NewClient returns a client for one cloud and one identity.
func NewClient(o ClientOptions) (*Client, error) {
	base, err := parseEndpoint("management", o.Endpoints.Management)
	if err != nil {
		return nil, err
	}
	c := &Client{
		base: base, loopback: isLoopback(base), log: o.Log, now: o.Now, sleep: sleep, jitter: jitter,
		maxWait: cmp.Or(o.MaxWait, 15*time.Minute), retries: max(0, cmp.Or(o.Retries, 5)),
		agent: "azledger/" + cmp.Or(o.Version, "dev"), maxPages: 100_000,
		patience: patience{answer: 5 * time.Minute, body: 2 * time.Minute},
		polling:  polling{first: 10 * time.Second, most: 30 * time.Second, total: time.Hour},
	}
	if c.loopback {
		c.polling.first = 20 * time.Millisecond // a simulated Azure is ready at once
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	if err := c.checkIdentity(o.Credential); err != nil {
		return nil, err
	}
	// The pacer sleeps through the client so that a test's clock serves both.
	c.pace = &pacer{own: o.Pace, free: c.loopback, now: c.now, sleep: func(ctx context.Context, d time.Duration) error { return c.sleep(ctx, d) }}
	c.plain = newPipeline(o.Transport, nil)
	c.signed = c.plain
	if o.Credential != nil {
		c.signed = newPipeline(o.Transport, c.bearer(o))
	}
	return c, c.addServices(o)
}

// addServices makes the clients for the hosts that are not the resource manager.
func (c *Client) addServices(o ClientOptions) error {
	c.others = map[service]*Client{}
	for s, endpoint := range map[service]string{retailService: o.Endpoints.Retail, enterpriseService: o.Endpoints.Enterprise} {
		if endpoint == "" {
			continue
		}
		base, err := parseEndpoint(string(s), endpoint)
		if err != nil {
			return err
		}
		other := &Client{
			base: base, signed: c.plain, plain: c.plain, loopback: isLoopback(base), log: c.log, now: c.now, sleep: c.pace.sleep, jitter: func(d time.Duration) time.Duration { return c.jitter(d) },
			pace: c.pace, maxWait: c.maxWait, retries: c.retries, agent: c.agent, maxPages: c.maxPages, patience: c.patience, polling: c.polling,
		}
		if s == enterpriseService {
			if !other.loopback && base.Scheme != "https" {
				return fmt.Errorf("enterprise endpoint %s: a key is only sent over https", base)
			}
			key, err := enterpriseKey(o.EnterpriseKey, other.loopback)
			if err != nil {
				return err
			}
			other.signed, other.key = newPipeline(o.Transport, keyPolicy(key)), key
		}
		c.others[s] = other
	}
	return nil
}

// enterpriseKey checks an enrollment's key before it is sent. A replay on this machine may
// go without.
func enterpriseKey(key string, loopback bool) (string, error) {
	key = strings.TrimSpace(key)
	switch {
	case key == "" && !loopback:
		return "", errors.New("endpoints.enterprise is set and AZLEDGER_ENTERPRISE_KEY is not: it holds the enrollment's API key")
	case strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c >= 0x7f }):
		return "", errors.New("AZLEDGER_ENTERPRISE_KEY holds blanks or letters that no key has: copy it again")
	}
	return key, nil
}

// keyPolicy sends an enrollment's API key, for the enterprise endpoint only.
type keyPolicy string

func (k keyPolicy) Do(req *policy.Request) (*http.Response, error) {
	if k != "" {
		req.Raw().Header.Set("Authorization", "bearer "+string(k))
	}
	return req.Next()
}

func parseEndpoint(name, endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, fmt.Errorf("%s endpoint %q: want an address like https://management.azure.com", name, endpoint)
	}
	if u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%s endpoint %s: it may not hold a user or a query", name, redactURL(endpoint))
	}
	return u, nil
}

// checkIdentity refuses to go without a token, or to send one in the clear, anywhere
// but on this machine.
func (c *Client) checkIdentity(credential azcore.TokenCredential) error {
	switch {
	case c.loopback:
		return nil
	case credential == nil:
		return fmt.Errorf("credential none is only for a simulated Azure on this machine, and the management endpoint is %s: "+
			"set credential to default, environment, managed_identity, workload_identity or cli", c.base)
	case c.base.Scheme != "https":
		return fmt.Errorf("management endpoint %s: a token is only sent over https", c.base)
	}
	return nil
}

// bearer asks for a token before each request, so that one that expires during a
// long walk through pages is renewed.
func (c *Client) bearer(o ClientOptions) policy.Policy {
	credential := o.Credential
	if _, ok := credential.(*namedCredential); !ok {
		credential = &namedCredential{kind: "given", inner: credential}
	}
	return runtime.NewBearerTokenPolicy(credential, []string{o.Endpoints.tokenScope()},
		&policy.BearerTokenOptions{InsecureAllowCredentialWithHTTP: c.loopback})
}

// newPipeline is azcore's pipeline with its retries off: attempts are counted in
// Client.repeat, which knows Azure's billing headers.
func newPipeline(transport policy.Transporter, auth policy.Policy) runtime.Pipeline {
	perRetry := []policy.Policy{runtime.NewRequestIDPolicy()}
	if auth != nil {
		perRetry = append(perRetry, auth)
	}
	return runtime.NewPipeline("azledger", "", runtime.PipelineOptions{PerRetry: perRetry}, &policy.ClientOptions{
		Retry:     policy.RetryOptions{MaxRetries: -1},
		Telemetry: policy.TelemetryOptions{Disabled: true}, // User-Agent is ours
		Transport: withRedirects(transport),
	})
}

// withRedirects makes an HTTP client follow redirects as followRedirect says.
func withRedirects(t policy.Transporter) policy.Transporter {
	if t == nil {
		t = &http.Client{Transport: newTransport()}
	}
	if client, ok := t.(*http.Client); ok {
		mine := *client
		mine.CheckRedirect = followRedirect
		return &mine
	}
	return t
}

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 8
	t.DisableCompression = true // gzip is undone in readBody, which notices when it breaks off
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	return t
}

var errRedirect = errors.New("redirect refused")

// followRedirect lets a redirect take neither the token nor the address it came
// from (which may be a signed link) to another host. The rate card, for one,
// answers with a redirect to a blob.
func followRedirect(to *http.Request, via []*http.Request) error {
	to.Header.Del("Referer")
	if len(via) >= 10 {
		return fmt.Errorf("%w: ten in a row", errRedirect)
	}
	if via[0].URL.Scheme == "https" && to.URL.Scheme != "https" {
		return fmt.Errorf("%w: from https to %s", errRedirect, to.URL.Scheme)
	}
	if !sameHost(via[0].URL, to.URL) {
		to.Header.Del("Authorization")
	}
	return nil
}

// request is one call.
type request struct {
	Service service // which host; "" is the management endpoint
	API     string  // family whose pace it keeps: consumption-usage, consumption, costmanagement-query, billing …
	Scope   string  // Azure scope it counts against
	Units   int     // what it costs: months a query ranges over; 0 means 1
	Method  string  // "" means GET
	URL     string  // absolute, or relative to the management endpoint: /subscriptions/…
	Body    []byte  // JSON
	Header  http.Header
}

func (r request) method() string { return cmp.Or(r.Method, http.MethodGet) }

// response is a call's answer, whole and unpacked.
type response struct {
	Status    int
	Header    http.Header
	Body      []byte // JSON without a byte order mark; empty only for 202 and 204
	URL       string // what was asked
	RequestID string // Azure's, or ours when it gave none
	At        time.Time
	SHA256    string // of Body
}

// do sends the request until it is answered. Answers of the 200s are returned;
// any other is an *[APIError].
func (c *Client) do(ctx context.Context, r request) (*response, error) {
	if c.others != nil && r.Service != managementService && c.others[r.Service] == nil {
		return nil, fmt.Errorf("%s: endpoints.%s is not configured", redactURL(r.URL), r.Service)
	}
	c = c.at(r.Service)
	target, err := c.locate(r.URL)
	if err != nil {
		return nil, err
	}
	var answer *response
	err = c.repeat(ctx, func() error {
		if err := c.pace.wait(ctx, r.API, r.Scope, r.Units); err != nil {
			return fmt.Errorf("%s %s: waiting for its turn: %w", r.method(), redactURL(target.String()), err)
		}
		answer, err = c.ask(ctx, r, target)
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// locate makes the address of a request absolute. One on another host than the
// management endpoint's is refused: it would be given our token.
func (c *Client) locate(address string) (*url.URL, error) {
	if strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") {
		address = strings.TrimRight(c.base.String(), "/") + address
	}
	return c.follow(c.base, address)
}

// follow resolves a link against the address that served it. Links are sent as
// served, with no escape added or undone that HTTP does not ask for: Azure compares
// them byte by byte.
func (c *Client) follow(from *url.URL, link string) (*url.URL, error) {
	u, err := url.Parse(escapeForbidden(strings.TrimSpace(link)))
	if err != nil {
		return nil, fmt.Errorf("link %s: %w", redactURL(link), reason(err))
	}
	u = from.ResolveReference(u)
	if u.User != nil || !sameHost(c.base, u) {
		return nil, fmt.Errorf("link %s: it leaves %s://%s, and a token is not sent to another host", redactURL(u.String()), c.base.Scheme, c.base.Host)
	}
	return u, nil
}

// ask sends the request once.
func (c *Client) ask(ctx context.Context, r request, target *url.URL) (*response, error) {
	x, err := c.exchange(ctx, c.signed, r, target, redactURL(target.String()))
	if err != nil {
		return nil, err
	}
	defer x.close()
	body, err := x.readBody()
	if x.StatusCode == http.StatusAccepted && x.Header.Get("Location") != "" {
		body, err = nil, nil // all it says is in its headers, and asking again would be another operation
	}
	if err == nil || x.StatusCode >= 300 {
		// What an error says is worth having even when its body is broken.
		err = x.refusal(body)
	}
	if err == nil && x.StatusCode < http.StatusAccepted {
		err = x.checkJSON(body)
	}
	if err != nil {
		return nil, err
	}
	return &response{
		Status: x.StatusCode, Header: x.Header, Body: body, URL: target.String(),
		RequestID: x.requestID(), At: c.now(), SHA256: hashOf(body),
	}, nil
}

// exchange is a request on its way: an answer whose body is not read yet.
type exchange struct {
	*http.Response
	client *Client
	method string
	shown  string // url without secrets
	sentID string
	cancel context.CancelCauseFunc
	ctx    context.Context
	parent context.Context
	stall  *time.Timer
}

// patience is how long nothing may come before a connection is taken for dead, which
// would hold a nightly run for ever. Azure cuts its own calls at one to four minutes.
type patience struct {
	answer time.Duration // until the answer begins
	body   time.Duration // between two pieces of it
}

var errStalled = errors.New("nothing came for too long, the connection is taken for dead")

func (c *Client) exchange(parent context.Context, through runtime.Pipeline, r request, target *url.URL, shown string) (*exchange, error) {
	ctx, cancel := context.WithCancelCause(parent)
	x := &exchange{client: c, method: r.method(), shown: shown, cancel: cancel, ctx: ctx, parent: parent}
	x.stall = time.AfterFunc(c.patience.answer, func() { cancel(errStalled) })
	req, err := c.newRequest(ctx, r, target)
	if err == nil {
		x.Response, err = through.Do(req) //nolint:bodyclose // exchange.close does, when the body has been read
		x.sentID = req.Raw().Header.Get("x-ms-client-request-id")
	}
	// azcore reads the bodies of errors itself; one that broke off still has a status.
	if x.Response == nil || (err != nil && x.StatusCode < 400) {
		err = x.fail(err)
		x.close()
		return nil, err
	}
	c.checkClock(x.Header)
	return x, nil
}

func (c *Client) newRequest(ctx context.Context, r request, target *url.URL) (*policy.Request, error) {
	req, err := runtime.NewRequest(ctx, r.method(), target.String())
	if err != nil {
		return nil, err
	}
	runtime.SkipBodyDownload(req)
	h := req.Raw().Header
	h.Set("Accept", "application/json")
	h.Set("Accept-Encoding", "gzip")
	for name, values := range r.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	h.Set("User-Agent", c.agent)
	h.Set("ClientType", "azledger") // one of Azure's throttling buckets is per client type
	h.Del("Authorization")
	if r.Body != nil {
		err = req.SetBody(streaming.NopCloser(bytes.NewReader(r.Body)), "application/json")
	}
	return req, err
}

func (x *exchange) close() {
	x.stall.Stop()
	if x.Response != nil && x.Body != nil {
		x.Body.Close()
	}
	x.cancel(nil)
}

// Read reads the body as it comes over the wire.
func (x *exchange) Read(p []byte) (int, error) {
	if x.Body == nil {
		return 0, io.EOF
	}
	x.stall.Reset(x.client.patience.body)
	return x.Body.Read(p)
}

// fail says that no whole answer came. When the caller gave up that is all it says.
func (x *exchange) fail(err error) error {
	if x.parent.Err() != nil {
		return fmt.Errorf("%s %s: %w", x.method, x.shown, x.parent.Err())
	}
	if cause := context.Cause(x.ctx); errors.Is(cause, errStalled) {
		err = cause
	}
	return &transferError{method: x.method, url: x.shown, err: reason(err), again: x.client.transient(err)}
}

func (x *exchange) requestID() string {
	return cmp.Or(x.Header.Get("x-ms-request-id"), x.Header.Get("x-ms-correlation-request-id"), x.sentID)
}

// maxBody bounds what one answer may take of memory. Azure's largest, a price sheet
// of 1000 rows with meter details, is 1 MB.
const maxBody = 512 << 20

// readBody returns the body, unpacked, if all of it came.
func (x *exchange) readBody() ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(x, maxBody+1))
	switch {
	case err != nil:
		return nil, x.fail(fmt.Errorf("the answer broke off after %d bytes: %w", len(raw), err))
	case x.ContentLength > 0 && int64(len(raw)) != x.ContentLength:
		return nil, x.fail(fmt.Errorf("the answer has %d bytes but Content-Length says %d", len(raw), x.ContentLength))
	}
	if strings.EqualFold(x.Header.Get("Content-Encoding"), "gzip") && len(raw) > 0 {
		if raw, err = gunzip(raw); err != nil {
			return nil, x.fail(fmt.Errorf("the answer is broken gzip: %w", err))
		}
	}
	if len(raw) > maxBody {
		return nil, fmt.Errorf("%s %s: the answer is larger than %d MB; ask for a smaller range", x.method, x.shown, maxBody>>20)
	}
	if x.client.key != "" { // services that refuse a key have quoted it
		raw = bytes.ReplaceAll(raw, []byte(x.client.key), []byte("(hidden)"))
	}
	return bytes.TrimPrefix(raw, []byte("\ufeff")), nil
}

func gunzip(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxBody+1))
}

// checkJSON tells an answer from a sign-in page, a proxy's excuse or half a page.
func (x *exchange) checkJSON(body []byte) error {
	trimmed := bytes.TrimSpace(body)
	if len(trimmed) == 0 {
		return x.fail(fmt.Errorf("%d with an empty body instead of JSON", x.StatusCode))
	}
	first, last := trimmed[0], trimmed[len(trimmed)-1]
	if first != '{' && first != '[' {
		kind := "text"
		if first == '<' {
			kind = "HTML"
		}
		return x.fail(fmt.Errorf("%d with %s instead of JSON: %q", x.StatusCode, kind, trimmed[:min(100, len(trimmed))]))
	}
	if last != first+2 { // in ASCII both closing brackets stand two after the opening ones
		return x.fail(fmt.Errorf("the JSON ends in the middle: …%q", trimmed[max(0, len(trimmed)-40):]))
	}
	return nil
}

// refusal returns the *APIError that the answer is, if it is one.
func (x *exchange) refusal(body []byte) error {
	if x.StatusCode >= 200 && x.StatusCode < 300 && !errorInDisguise(body) {
		return nil
	}
	e := newAPIError(x.StatusCode, x.Header, body)
	e.Method, e.URL, e.RequestID = x.method, x.shown, x.requestID()
	e.wait, e.told = retryAfter(x.Header, x.client.now())
	return e
}

// errorInDisguise recognises {"error":{…}} served with 200. Reports that went well
// carry an error as well, of code "0", beside other keys.
func errorInDisguise(body []byte) bool {
	if len(body) > 64<<10 {
		return false
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(body, &keys) != nil || len(keys) != 1 {
		return false
	}
	var detail errorDetail
	return json.Unmarshal(keys["error"], &detail) == nil && (len(detail.Code) > 0 || len(detail.Message) > 0) && textOf(detail.Code) != "0"
}

// checkClock warns once when this machine's clock and Azure's are far apart: tokens
// then look expired, or not valid yet.
func (c *Client) checkClock(h http.Header) {
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	if off := c.now().Sub(theirs); off.Abs() > 5*time.Minute {
		c.skew.Do(func() {
			c.log.Warn("this machine's clock differs from Azure's; set it right, tokens depend on it", "by", off.Round(time.Second), "azure", theirs)
		})
	}
}
