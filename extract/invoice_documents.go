package extract

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Invoice documents are the printed invoices, kept beside the lake's tables, with what their text
// says is owed. They are what is paid by: the API's amounts are held against them.
//
// What is odd about them:
//   - A download is a long operation: POST …/invoices/{name}/download, 202 with a Location, then
//     {"url":"https://…pdf?sv=…&sig=…","expiryTime":"…"}; expiryTime may be missing.
//   - 2020-05-01 wants the token that stands in the invoice's documents, and serves the whole
//     address to post to ("…/download?downloadToken=DRS_12345&api-version=2020-05-01").
//   - 2018-03-01-preview serves the signed link with the invoice, good for an hour.
//   - The link is asked without a token, and expires; then a new one is asked for.
//   - An invoice offers several documents (Invoice, VoidNote, CreditNote, TaxReceipt, Summary);
//     "Transactions" is a table of its lines, which the source transactions reads.
//   - Documents may be scanned, locked or damaged. That they cannot be read is a result.
//   - One that was issued never changes. If the invoice's amounts do, it is another document.
var _ = register(&Source{
	Name:       "invoice_documents",
	API:        "Billing invoices, download",
	Version:    billingVersion + ", else " + oldInvoicesVersion + "; " + legacyInvoicesVersion + " for subscriptions",
	Agreements: []string{ea, mca, mosp, mpa},
	Role:       "Billing account or billing profile reader; Invoice manager; Billing Reader on a subscription",
	Feeds:      "invoice_document",
	Status:     "current",
	Columns: slices.Concat(
		fields(Text, "invoice", "document", "kind", "source", "path", "sha256"), fields(Int, "bytes", "pages"), fields(Bool, "readable"),
		fields(Decimal, "total"), fields(Text, "currency", "reason")),
	plan: planInvoiceDocuments,
})

// invoiceDocument is a document of an invoice.
type invoiceDocument struct {
	base     string // what the invoice stands under: an account, or a subscription
	account  string
	invoice  issued
	document issuedDocument
}

func planInvoiceDocuments(ctx context.Context, r *run, a Account) ([]task, error) {
	byMonth, err := r.issuedByMonth(ctx, a)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, month := range slices.Sorted(maps.Keys(byMonth)) {
		documents := documentsOf(a, byMonth[month])
		if len(documents) == 0 {
			continue
		}
		u := Unit{Source: "invoice_documents", Account: a.Name, Scope: a.Scope, Period: month, Dataset: allDatasets}
		origin, err := r.documentsOrigin(u, byMonth[month], documents)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, task{Unit: u, origin: origin, calls: reportCalls * len(documents), fill: func(ctx context.Context, r *run, l *landing, progress func(int64)) (int64, error) {
			return r.fillDocuments(ctx, documents, l, progress)
		}})
	}
	return tasks, nil
}

// documentsOf lists the documents of invoices in a fixed order.
func documentsOf(a Account, invoices []issued) []invoiceDocument {
	base := billingAccountName.FindString(a.Scope)
	if isSubscription(a.Scope) {
		base = mospSubscription(a.Scope)
	}
	var all []invoiceDocument
	for _, v := range invoices {
		offered := v.Properties.Documents
		if v.version == legacyInvoicesVersion {
			base, offered = a.Scope+"/providers/Microsoft.Billing", []issuedDocument{{Kind: "Invoice"}}
		}
		for _, d := range offered {
			all = append(all, invoiceDocument{base: base, account: a.Name, invoice: v, document: d})
		}
	}
	slices.SortStableFunc(all, func(x, y invoiceDocument) int {
		return cmp.Or(strings.Compare(x.invoice.Name, y.invoice.Name), strings.Compare(x.name(), y.name()))
	})
	return all
}

// name is the document's own, or its kind's where it has none.
func (d invoiceDocument) name() string {
	return cmp.Or(d.document.Name, strings.ToLower(d.document.Kind), "invoice")
}

// isTable tells whether the document is not printed but a table.
func (d invoiceDocument) isTable() bool { return strings.EqualFold(d.document.Kind, "Transactions") }

// documentsOrigin identifies a month's documents. It is another one than that of the version in
// the lake while one of them is not held, be it lost or not to be had, so that it is asked for.
func (r *run) documentsOrigin(u Unit, invoices []issued, documents []invoiceDocument) (string, error) {
	var names []string
	for _, d := range documents {
		names = append(names, d.invoice.Name, d.name(), d.document.Kind)
	}
	origin := r.originOf(invoices, names...)
	other := origin + "+"
	before, err := r.lake.read(u)
	if err != nil || before == nil {
		return origin, err
	}
	held, err := r.lake.holdsAll(documents)
	if (held && before.Origin == other) || (!held && before.Origin == origin) {
		return other, err
	}
	return origin, err
}

// fillDocuments fetches the documents that the lake does not hold, and lands a row for each.
func (r *run) fillDocuments(ctx context.Context, documents []invoiceDocument, l *landing, progress func(int64)) (int64, error) {
	rows := make([]documentRow, 0, len(documents))
	for i, d := range documents {
		row, err := r.keepDocument(ctx, d)
		if err != nil {
			return int64(i), fmt.Errorf("document %s of invoice %s: %w", d.name(), d.invoice.Name, err)
		}
		rows = append(rows, row)
		progress(int64(len(rows)))
	}
	page, err := json.Marshal(map[string]any{"value": rows})
	if err != nil {
		return 0, err
	}
	_, err = l.jsonPage(1, "documents", page, jsonShape{Rows: "value"})
	return int64(len(documents)), err
}

// documentRow is a document in the raw table.
type documentRow struct {
	Invoice  string      `json:"invoice"`
	Document string      `json:"document"`
	Kind     string      `json:"kind"`
	Source   string      `json:"source"`
	Path     string      `json:"path,omitempty"` // in the lake
	SHA256   string      `json:"sha256,omitempty"`
	Bytes    int64       `json:"bytes,omitempty"`
	Pages    int         `json:"pages,omitempty"`
	Readable bool        `json:"readable"`
	Total    json.Number `json:"total,omitempty"`
	Currency string      `json:"currency,omitempty"`
	Reason   string      `json:"reason,omitempty"`
}

// keepDocument sees that the lake holds a document, and tells of it.
func (r *run) keepDocument(ctx context.Context, d invoiceDocument) (documentRow, error) {
	row := documentRow{Invoice: d.invoice.Name, Document: d.name(), Kind: d.document.Kind, Source: d.document.Source}
	if d.isTable() {
		row.Reason = "it is a table, not a printed document: the source transactions has its lines"
		return row, nil
	}
	stored, err := r.lake.adopt(d)
	if err == nil && stored == nil {
		stored, err = r.fetchDocument(ctx, d)
	}
	if isGone(err) {
		row.Reason = "Azure does not have it"
		return row, nil
	}
	if err != nil {
		return row, err
	}
	newest := stored.Files[len(stored.Files)-1]
	row.Path, row.SHA256, row.Bytes = documentsFolder+"/"+d.folder()+"/"+newest.Path, newest.SHA256, newest.Bytes
	row.Pages, row.Readable, row.Total = stored.Pages, stored.Reason == "", json.Number(stored.Total)
	row.Currency, row.Reason = stored.Currency, stored.Reason
	return row, nil
}

// fetchDocument downloads a document and keeps it. A link that has expired is asked for again, and so is what
// does not come whole.
func (r *run) fetchDocument(ctx context.Context, d invoiceDocument) (*storedDocument, error) {
	for attempt := 1; ; attempt++ {
		link, err := r.documentLink(ctx, d)
		if err != nil {
			return nil, err
		}
		var file bytes.Buffer
		_, err = r.o.Client.download(ctx, link, &limitedBuffer{&file})
		if err == nil {
			err = checkDocument(file.Bytes())
		}
		var damaged *damagedError
		if err == nil || attempt == downloadAttempts && errors.As(err, &damaged) {
			return r.lake.keepDocument(d, file.Bytes())
		}
		if attempt == downloadAttempts || !linkRefused(err) && !errors.As(err, &damaged) && !errors.Is(err, errNoDocument) {
			return nil, err
		}
		d.invoice.Properties.DownloadURL.URL = "" // of the API of 2018: it may have expired
		r.log.Warn("asking for another link to a document", "invoice", d.invoice.Name, "error", err)
	}
}

// downloadAttempts is how often a document is downloaded that comes damaged, or whose link is
// refused. One that is damaged each time is damaged at Microsoft's, and kept as it is.
const downloadAttempts = 3

// errNoDocument is a page of a proxy's in place of a document.
var errNoDocument = errors.New("the link led to a page, not to a document; run again")

type damagedError struct{ reason string }

func (e *damagedError) Error() string { return "the document came damaged: " + e.reason }

// checkDocument tells whether a download looks whole: what is kept is never asked for again.
func checkDocument(file []byte) error {
	head := bytes.TrimSpace(file[:min(len(file), 64)])
	switch {
	case len(file) == 0:
		return errNoDocument
	case bytes.HasPrefix(file, []byte("%PDF-")):
		if !bytes.Contains(file[max(0, len(file)-2048):], []byte("%%EOF")) {
			return &damagedError{"its end is missing"}
		}
	case len(head) > 0 && (head[0] == '<' || head[0] == '{'):
		return errNoDocument
	}
	return nil
}

// limitedBuffer takes as much as a document can have.
type limitedBuffer struct{ *bytes.Buffer }

const maxDownload = 256 << 20

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxDownload {
		return 0, fmt.Errorf("a document of more than %d MB is not taken", maxDownload>>20)
	}
	return b.Buffer.Write(p)
}

// documentLink asks where a document is. The answer signs itself: it is kept nowhere.
func (r *run) documentLink(ctx context.Context, d invoiceDocument) (string, error) {
	if d.invoice.version == legacyInvoicesVersion {
		return r.legacyLink(ctx, d)
	}
	post := request{API: billingAPI, Scope: d.base, Method: http.MethodPost, URL: d.downloadURL()}
	answer, err := r.o.Client.operation(ctx, post, "", nil)
	if err != nil {
		return "", err
	}
	report, err := readReport(answer)
	if err != nil {
		return "", err
	}
	if len(report.Parts) != 1 {
		return "", errors.New("the download has ended without a link to the document; run again")
	}
	return report.Parts[0].Link, nil
}

func (d invoiceDocument) downloadURL() string {
	if d.invoice.version == oldInvoicesVersion && d.document.URL != "" {
		if strings.Contains(d.document.URL, "api-version=") {
			return d.document.URL
		}
		return d.document.URL + "&api-version=" + oldInvoicesVersion
	}
	path := d.base + "/invoices/" + d.invoice.Name + "/download"
	if d.document.Name == "" {
		return query(path, "api-version", d.invoice.version)
	}
	return query(path, "documentName", d.document.Name, "api-version", d.invoice.version)
}

// legacyLink is the link that came with the list, or a new one.
func (r *run) legacyLink(ctx context.Context, d invoiceDocument) (string, error) {
	if link := d.invoice.Properties.DownloadURL.URL; link != "" {
		return link, nil
	}
	var invoice issued
	if err := r.get(ctx, query(d.base+"/invoices/"+d.invoice.Name, "api-version", legacyInvoicesVersion), &invoice); err != nil {
		return "", err
	}
	if invoice.Properties.DownloadURL.URL == "" {
		return "", errors.New("the invoice has no downloadUrl")
	}
	return invoice.Properties.DownloadURL.URL, nil
}
