package extract

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// The last answer of a report says where its files are. Each API says it in another way:
//
//	generateCostDetailsReport     {"status":"Completed","manifest":{"blobCount":2,"byteCount":9,"blobs":[{"blobLink":"https://…sig=…","byteCount":4},…]},"validTill":"…"}
//	generateDetailedCostReport    {"status":"Completed","properties":{"downloadUrl":"…","validTill":"…"},"error":{"code":"0","message":null}}
//	generateReservationDetails…   {"status":"Completed","properties":{"reportUrl":"…","validUntil":"…"}}
//	pricesheets …/download        {"downloadUrl":"…","expiryTime":"…"} or {"properties":{"downloadUrl":"…","expiryTime":"03/05/2019 20:13:06"}}
//	invoices …/download           {"url":"…"}
//
// A report of nothing is 204 or the status NoDataFound. Success carries an error too,
// of code "0", so only the status tells.
type reportAnswer struct {
	Status string
	Parts  []reportPart
	Count  int64  // files that it announces; -1 if it does not
	Bytes  int64  // all together; -1 if it does not say
	Until  string // when the links expire, in its own words
	Empty  bool   // there is no data
}

// reportPart is a file of a report.
type reportPart struct {
	Link  string // signed: shown and kept nowhere
	Bytes int64  // -1: not announced
}

// reportBody is any of the forms above. Keys are read without regard to their case.
type reportBody struct {
	Manifest *struct {
		BlobCount *int64
		ByteCount *int64
		Blobs     []struct {
			BlobLink  string
			ByteCount *int64
		}
	}
	DownloadURL, ReportURL, URL                     string
	ValidTill, ValidUntil, ExpiryTime, ValidityDate string
	Error                                           json.RawMessage
}

func (b reportBody) link() string { return cmp.Or(b.DownloadURL, b.ReportURL, b.URL) }
func (b reportBody) until() string {
	return cmp.Or(b.ValidTill, b.ValidUntil, b.ExpiryTime, b.ValidityDate)
}

// reportError is a report that Azure could not make.
type reportError struct{ status, code, message string }

func (e *reportError) Error() string {
	text := "Azure could not make the report: its status is " + e.status
	if e.code != "" && e.code != "0" {
		text += ", " + e.code
	}
	if e.message != "" {
		text += ": " + shorten(hideQueries(e.message), 500)
	}
	return text + "; the next run asks for it anew"
}

// readReport reads the last answer of an operation.
func readReport(answer *response) (*reportAnswer, error) {
	a := &reportAnswer{Count: -1, Bytes: -1}
	if answer.Status == http.StatusNoContent {
		a.Empty = true
		return a, nil
	}
	var flat struct {
		reportBody
		Properties reportBody
	}
	if err := json.Unmarshal(answer.Body, &flat); err != nil {
		return nil, fmt.Errorf("%s: the report's answer: %w", redactURL(answer.URL), err)
	}
	a.Status = statusOf(answer.Body)
	a.add(flat.reportBody)
	a.add(flat.Properties)
	return a, a.verdict(flat.Error, flat.Properties.Error)
}

// add takes what one of the two levels of an answer has.
func (a *reportAnswer) add(b reportBody) {
	a.Until = cmp.Or(a.Until, b.until())
	switch {
	case len(a.Parts) > 0:
	case b.Manifest != nil:
		for _, blob := range b.Manifest.Blobs {
			a.Parts = append(a.Parts, reportPart{blob.BlobLink, orUnknown(blob.ByteCount)})
		}
		a.Count, a.Bytes = orUnknown(b.Manifest.BlobCount), orUnknown(b.Manifest.ByteCount)
	case b.link() != "":
		a.Parts = []reportPart{{b.link(), -1}}
	}
}

func orUnknown(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

// verdict tells a report from none, and from one that failed.
func (a *reportAnswer) verdict(errs ...json.RawMessage) error {
	switch foldStatus(a.Status) {
	case "nodatafound":
		a.Empty, a.Parts, a.Count, a.Bytes = true, nil, -1, -1
		return nil
	case "failed", "timedout", "canceled", "cancelled":
		e := &reportError{status: a.Status}
		for _, text := range errs {
			var detail errorDetail
			_ = json.Unmarshal(text, &detail) // what cannot be read stays empty
			e.code, e.message = cmp.Or(e.code, textOf(detail.Code)), cmp.Or(e.message, textOf(detail.Message))
		}
		return e
	}
	if len(a.Parts) == 0 && a.Count == 0 {
		a.Empty = true
	}
	if len(a.Parts) == 0 && !a.Empty && a.Count < 0 {
		return fmt.Errorf("the report's answer has the status %q and no link to a file", a.Status)
	}
	return nil
}

// check holds what the answer lists to what it announces.
func (a *reportAnswer) check() error {
	if a.Count >= 0 && a.Count != int64(len(a.Parts)) {
		return fmt.Errorf("the report announces %d files and lists %d", a.Count, len(a.Parts))
	}
	var sum int64
	for i, p := range a.Parts {
		if p.Link == "" {
			return fmt.Errorf("the report lists file %d without a link", i+1)
		}
		if p.Bytes < 0 {
			return nil // nothing to add up
		}
		sum += p.Bytes
	}
	if a.Bytes >= 0 && !a.Empty && a.Bytes != sum {
		return fmt.Errorf("the report announces %d bytes, its files %d together", a.Bytes, sum)
	}
	return nil
}

// same identifies a part among the answers to one report, which sign its link anew:
// by its size, or by where it is when no size is given.
func (p reportPart) same() string {
	if p.Bytes >= 0 {
		return fmt.Sprint(p.Bytes, " bytes")
	}
	u, err := url.Parse(p.Link)
	if err != nil {
		return ""
	}
	return u.Host + u.Path
}

// announced is what the answer says there is.
func (a *reportAnswer) announced() extent {
	e := extent{Pages: int64(len(a.Parts)), Rows: -1, Bytes: a.Bytes}
	if e.Bytes < 0 && len(a.Parts) == 1 {
		e.Bytes = a.Parts[0].Bytes
	}
	if a.Empty {
		e = extent{}
	}
	return e
}

// linkRefused tells whether a signed link was refused as such: it has expired, or what
// it led to was removed.
func linkRefused(err error) bool {
	return hasStatus(err, http.StatusForbidden, http.StatusUnauthorized) || isGone(err)
}
