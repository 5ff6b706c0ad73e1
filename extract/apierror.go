package extract

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An APIError is an answer that is a refusal. Its text says what to do.
type APIError struct {
	Status        int
	Code          string // Azure's word, as AuthorizationFailed; "" when it gave none
	Message       string
	Method        string
	URL           string // without secrets
	RequestID     string // to quote to Microsoft's support
	CorrelationID string
	Attempts      int

	wait time.Duration // the longest that a header asked for
	told bool          // a header asked
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %d %s", e.Method, e.URL, e.Status, cmp.Or(e.Code, http.StatusText(e.Status)))
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if advice := e.advice(); advice != "" {
		b.WriteString("; " + advice)
	}
	var notes []string
	if e.Attempts > 1 {
		notes = append(notes, fmt.Sprintf("%d attempts", e.Attempts))
	}
	if e.RequestID != "" {
		notes = append(notes, "request "+e.RequestID)
	}
	if e.CorrelationID != "" && e.CorrelationID != e.RequestID {
		notes = append(notes, "correlation "+e.CorrelationID)
	}
	if len(notes) > 0 {
		b.WriteString(" (" + strings.Join(notes, ", ") + ")")
	}
	return b.String()
}

// hasStatus tells whether err is a refusal by Azure with one of the statuses.
func hasStatus(err error, statuses ...int) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && slices.Contains(statuses, e.Status)
}

// hasCode tells whether err is a refusal by Azure with one of the codes.
func hasCode(err error, codes ...string) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && slices.Contains(codes, e.Code)
}

// isBadRequest tells whether the question was refused as such.
func isBadRequest(err error) bool {
	return hasStatus(err, http.StatusBadRequest)
}

// isGone tells whether Azure no longer knows what it was asked about.
func isGone(err error) bool {
	return hasStatus(err, http.StatusNotFound, http.StatusGone)
}

func (e *APIError) expiredToken() bool {
	return strings.EqualFold(e.Code, "ExpiredAuthenticationToken") || strings.Contains(strings.ToLower(e.Message), "token has expired")
}

const adviceRole = "the identity has no role here: it needs Cost Management Reader on a subscription or management group, " +
	"EnrollmentReader on an EA enrollment (a billing role, given to the object id of the enterprise application), " +
	"or Reader on an MCA billing account or billing profile"

// adviceByCode says what helps against each of Azure's codes. Keys are folded.
var adviceByCode = map[string]string{
	"authorizationfailed":              adviceRole,
	"rbacaccessdenied":                 adviceRole,
	"billingaccessdenied":              adviceRole,
	"accountcostdisabled":              "an EA administrator must switch on the policy that lets account owners view charges",
	"departmentcostdisabled":           "an EA administrator must switch on the policy that lets department administrators view charges",
	"indirectcostdisabled":             "the enrollment was bought through a partner, who must publish the markup first",
	"disallowedoperation":              "this type of subscription has no charges; take it out of the configuration",
	"subscriptionnotfound":             "check the scope; a new subscription takes up to 48 hours to appear",
	"resourcegroupnotfound":            "check the scope",
	"subscriptiontypenotsupported":     "the scope holds subscriptions of another agreement, as a management group with MCA subscriptions does; use a billing scope",
	"expiredauthenticationtoken":       "the token had expired, and so had the next one: check this machine's clock",
	"invalidauthenticationtoken":       "the token was made for another cloud or tenant: check cloud, endpoints and credential",
	"invalidauthenticationtokentenant": "the token is of another tenant than the scope: sign in to the tenant of the billing account",
	"missingapiversionparameter":       "the request lacks api-version, which is a fault of azledger",
	"invalidapiversionparameter":       "Azure no longer serves this api-version: use a newer azledger",
	"noregisteredproviderfound":        "Azure no longer serves this api-version here: use a newer azledger",
	"faileddependency":                 "there is not enough history, or there are several currencies",
	"authenticationfailed":             "a signed link has expired or is not meant for this: run again to get a new one",
	"blobnotfound":                     "the file has been deleted or replaced: run again to get a new link",
	"containernotfound":                "check the container's name",
}

// adviceByStatus says what helps when Azure gave no code worth a branch.
var adviceByStatus = map[int]string{
	http.StatusBadRequest:          "the agreement may not have this API, or the range or filter is one it does not take",
	http.StatusUnauthorized:        "the token was not accepted: check credential, cloud and tenant",
	http.StatusForbidden:           adviceRole,
	http.StatusNotFound:            "check the scope and the agreement of the account; the agreement may not have this API",
	http.StatusUnprocessableEntity: "this scope or offer is not supported by this API; use another source for it",
	http.StatusTooManyRequests:     "Azure's quota is used up; run again later, or fewer sources",
	http.StatusInternalServerError: "Azure failed; if it stays so ask for a smaller range (fewer months, or a scope further down)",
	http.StatusBadGateway:          "Azure failed; if it stays so ask for a smaller range (fewer months, or a scope further down)",
	http.StatusGatewayTimeout:      "Azure took too long; ask for a smaller range (fewer months, or a scope further down)",
	http.StatusServiceUnavailable:  "Azure is busy; run again later",
	http.StatusGone:                "Azure has retired this API; use another source",
}

func (e *APIError) advice() string {
	if e.Status == http.StatusNotFound && strings.Contains(e.URL, "?(signed)") {
		return adviceByCode["blobnotfound"]
	}
	if advice, ok := adviceByCode[strings.ToLower(e.Code)]; ok {
		return advice
	}
	return adviceByStatus[e.Status]
}

// newAPIError reads an error body: {"error":{"code","message"}}, the same with keys
// in upper case, {"code","message"}, a storage account's XML, HTML or nothing.
func newAPIError(status int, h http.Header, body []byte) *APIError {
	e := &APIError{Status: status, CorrelationID: h.Get("x-ms-correlation-request-id")}
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff"))
	if !e.readJSON(body) {
		e.readText(body)
	}
	e.Code = cmp.Or(e.Code, h.Get("x-ms-error-code"))
	if e.Code == strconv.Itoa(status) { // "429" as a code says nothing
		e.Code = ""
	}
	e.Message = strings.TrimRight(shorten(hideQueries(strings.Join(strings.Fields(e.Message), " ")), 500), ". ;")
	return e
}

// errorDetail is decoded without regard to the case of keys, as encoding/json does.
// Codes come as text and as numbers.
type errorDetail struct {
	Code        json.RawMessage `json:"code"`
	Message     json.RawMessage `json:"message"`
	Description json.RawMessage `json:"error_description"`
	Details     []errorDetail   `json:"details"`
}

func (e *APIError) readJSON(body []byte) bool {
	var outer struct {
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return false
	}
	if len(outer.Error) == 0 || outer.Error[0] != '{' {
		e.Code = textOf(outer.Error) // {"error":"invalid_client","error_description":"…"}
		outer.Error = body
	}
	var d errorDetail
	_ = json.Unmarshal(outer.Error, &d) // what cannot be read stays empty
	e.Code = cmp.Or(textOf(d.Code), e.Code)
	e.Message = cmp.Or(textOf(d.Message), textOf(d.Description))
	if e.Message == "" && len(d.Details) > 0 {
		e.Message = textOf(d.Details[0].Message)
	}
	return e.Code != "" || e.Message != ""
}

// textOf is a JSON value as a person would write it.
func textOf(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

var (
	xmlCode    = regexp.MustCompile(`<Code>([^<]*)</Code>`)
	xmlMessage = regexp.MustCompile(`<Message>([^<]*)</Message>`)
)

// readText quotes the beginning of a body that is not JSON. Storage's XML is
// searched for its message alone: further down it prints what a signature is made of.
func (e *APIError) readText(body []byte) {
	code, message := xmlCode.FindSubmatch(body), xmlMessage.FindSubmatch(body)
	switch {
	case code != nil:
		e.Code = string(code[1])
		if message != nil {
			first, _, _ := strings.Cut(string(message[1]), "\n") // RequestId and Time follow
			e.Message = first
		}
	case len(body) > 0:
		e.Message = fmt.Sprintf("%q", shorten(string(body), 100))
	}
}

// shorten cuts a text to n bytes, at a character.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

var (
	queryInText = regexp.MustCompile(`(https?://[^\s"'?<>]+)\?[^\s"'<>]*`)
	secretPair  = regexp.MustCompile(`(?i)\b(sig|client_secret|client_assertion|access_token|refresh_token|code|assertion|password)=[^&\s"'<>]+`)
	bearerToken = regexp.MustCompile(`(?i)\bbearer\s+[\w.~+/=-]{8,}`)
)

// hideQueries takes out of a text what may be secret: queries of addresses, which
// sign the links to blobs, and tokens.
func hideQueries(text string) string {
	text = queryInText.ReplaceAllString(text, "$1?(hidden)")
	text = secretPair.ReplaceAllString(text, "$1=(hidden)")
	return bearerToken.ReplaceAllString(text, "Bearer (hidden)")
}

// redactURL is an address as it may be shown: signed queries are left out, and
// the long tokens of pages shortened.
func redactURL(address string) string {
	path, query, found := strings.Cut(address, "?")
	if u, err := url.Parse(path); err != nil || u.User != nil {
		return "(address that cannot be shown)"
	}
	if !found {
		return path
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(name, "sig") || strings.EqualFold(name, "signature") {
			return path + "?(signed)"
		}
		if len(value) > 80 {
			pairs[i] = name + "=" + value[:12] + "…"
		}
	}
	return path + "?" + hideQueries(strings.Join(pairs, "&"))
}

// reason is what went wrong without the address, which net/http's errors quote with
// its query.
func reason(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
