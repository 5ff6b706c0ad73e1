package azuresim

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/klauspost/compress/zlib"
)

// Invoices can be downloaded: a request is accepted, asked about once in vain, and then answered with a link that signs
// itself. 2020-05-01 demands the token that stands in the invoice's documents. The printed invoices are in English, those
// in euros in German. Two are odd: see document.
var (
	_ = handle(http.MethodPost, "billing/invoices/download", (*server).downloadInvoice)
	_ = handle(http.MethodGet, "billing/invoices/operationresults", (*server).downloadResult)
)

func (s *server) downloadInvoice(r *http.Request, t *target) (*answer, error) {
	if len(t.rest) != 2 {
		return nil, notFound(t.path)
	}
	v, found := s.e.issuedInvoice(t, t.rest[0])
	if !found {
		return nil, notFound(t.path)
	}
	q := r.URL.Query()
	if q.Get("api-version") < "2024-04-01" && q.Get("downloadToken") != "DRS_"+v.name {
		return nil, badRequest("The query parameter downloadToken is required.")
	}
	place := fmt.Sprintf("%s%s/operationResults/invoiceDownload_%s_1?api-version=%s", site(r), strings.TrimSuffix(r.URL.EscapedPath(), "/download"), guid(hashText(v.name)), q.Get("api-version"))
	return accepted(place, "billing"), nil
}

func (s *server) downloadResult(r *http.Request, t *target) (*answer, error) {
	if len(t.rest) != 3 {
		return nil, notFound(t.path)
	}
	v, found := s.e.issuedInvoice(t, t.rest[0])
	operation, tries, _ := strings.Cut(strings.TrimPrefix(t.rest[2], "invoiceDownload_"), "_")
	if !found || operation != guid(hashText(v.name)) {
		return nil, notFound(t.path)
	}
	if tries == "1" {
		return accepted(fmt.Sprintf("%s%s2?%s", site(r), strings.TrimSuffix(r.URL.EscapedPath(), "1"), r.URL.RawQuery), "billing"), nil
	}
	return ok(s.e.signedLink(r, v.name), 1, "billing"), nil
}

func (e *Enterprise) invoiceNamed(a *account, name string) (invoice, bool) {
	for _, v := range e.invoices(a) {
		if strings.EqualFold(v.name, name) {
			return v, true
		}
	}
	return invoice{}, false
}

// signedLink is where a document is, for whoever has the link.
func (e *Enterprise) signedLink(r *http.Request, name string) object {
	return object{
		"url":        fmt.Sprintf("%s/_blob/invoices/%s.pdf?sv=2021-08-06&sr=b&sp=r&sig=%x", site(r), name, hashText(name+"sig")),
		"expiryTime": isoDay(e.asOf) + "T01:00:00Z",
	}
}

// serveInvoice serves a printed invoice as blob storage does. Faults strike it like any other answer.
func (s *server) serveInvoice(w http.ResponseWriter, r *http.Request) {
	number := s.begin(r)
	fault := s.faultFor(r)
	a := s.refuseByFault(fault)
	if a == nil {
		a = s.invoiceFile(r)
	}
	fault.change(r, a)
	s.finish(number, r, a, fault)
	s.write(w, r, a, number, fault)
}

func (s *server) invoiceFile(r *http.Request) *answer {
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/_blob/invoices/"), ".pdf")
	text := s.e.printed(name)
	switch {
	case r.Header.Get("Authorization") != "":
		return blobError(http.StatusBadRequest, "InvalidAuthenticationInfo")
	case r.URL.Query().Get("sig") != fmt.Sprintf("%x", hashText(name+"sig")):
		return blobError(http.StatusForbidden, "AuthenticationFailed")
	case text == nil:
		return blobError(http.StatusNotFound, "BlobNotFound")
	}
	return &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/pdf"}}, body: text}
}

// legacyInvoices lists a subscription's invoices as 2018-03-01-preview does: without amounts, newest first.
func (s *server) legacyInvoices(r *http.Request, t *target) (*answer, error) {
	q := r.URL.Query()
	var list []any
	for _, m := range slices.Backward(s.e.months) {
		if !m.closed {
			continue
		}
		name, scope := legacyName(t.sub, m), "/subscriptions/"+t.sub.id+"/providers/Microsoft.Billing/"
		p := object{
			"invoicePeriodStartDate": s.e.text(m.start).iso, "invoicePeriodEndDate": s.e.text(m.last()).iso,
			"billingPeriodIds": []any{scope + "billingPeriods/" + m.name},
		}
		one := len(t.rest) == 1
		if one || strings.EqualFold(q.Get("$expand"), "downloadUrl") {
			p["downloadUrl"] = s.e.signedLink(r, name)
		}
		shown := object{"id": scope + "invoices/" + name, "name": name, "type": "Microsoft.Billing/invoices", "properties": p}
		if one && (strings.EqualFold(t.rest[0], name) || strings.EqualFold(t.rest[0], "latest")) {
			return ok(shown, 1, "billing"), nil
		}
		list = append(list, shown)
	}
	if len(t.rest) > 0 {
		return nil, notFound(t.path)
	}
	top, err := topOf(r, "$top", min(100, s.e.config.PageSize), 100)
	if err != nil {
		return nil, err
	}
	return listPage(r, list, top, "billing")
}

func legacyName(sub *subscription, m month) string {
	return fmt.Sprintf("%04d-%02d-05-%09d", m.year, m.number, hashText(sub.id)%1e9)
}

// printed is the document of an invoice, of either API.
func (e *Enterprise) printed(name string) []byte {
	if v, found := e.issuedInvoice(&target{payg: true}, name); found {
		return paper{name: name, currency: v.profile.currency, sub: v.sub, tax: v.tax, total: v.total}.pdf()
	}
	for _, a := range e.accounts() {
		if v, found := e.invoiceNamed(a, name); found {
			return e.document(a, v).pdf()
		}
		for _, sub := range a.subs {
			for _, m := range e.months {
				if m.closed && legacyName(sub, m) == name {
					cost := e.totalsOf(a, m.index).sub[sub.index].round2()
					return paper{name: name, currency: sub.section.profile.currency, sub: cost, total: cost}.pdf()
				}
			}
		}
	}
	return nil
}

// paper is what is printed on an invoice.
type paper struct {
	name, currency  string
	title           string // when it is no invoice
	sub, tax, total amount
	scanned         bool
}

// misprint is what the total of the wrongly printed invoice is too high by.
var misprint = cents(1000)

// document is the printed invoice: the first month's of the second profile is scanned, the second month's of the first has
// a wrong total.
func (e *Enterprise) document(a *account, v invoice) paper {
	p := paper{name: v.name, currency: v.profile.currency, sub: v.sub, tax: v.tax, total: v.total}
	if v.creditFor != nil {
		p.title = "Credit note"
	}
	if a.kind == customerAgreement && v.monthly {
		p.scanned = v.profile.index == 1 && v.month.index == 0
		if v.profile.index == 0 && v.month.index == 1 {
			p.total = p.total.add(misprint)
		}
	}
	return p
}

// figure prints an amount: 1,234.56, or 1.234,56 in German.
func (p paper) figure(a amount) string {
	text := a.String()
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, part, _ := strings.Cut(text, ".")
	part = (part + "00")[:2]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if p.german() {
		return sign + strings.ReplaceAll(whole, ",", ".") + "," + part
	}
	return sign + whole + "." + part
}

func (p paper) german() bool { return p.currency == "EUR" }

// lines are label and figure, as they stand beside each other.
func (p paper) lines() [][2]string {
	if p.german() {
		return [][2]string{
			{"Rechnung", ""},
			{"Rechnungsnummer", p.name},
			{"Fälliger Zeitraum", "Kalendermonat"},
			{"Zwischensumme", p.figure(p.sub)},
			{"USt.", p.figure(p.tax)},
			{"Gesamtbetrag (inkl. USt.)", p.figure(p.total) + " " + p.currency},
		}
	}
	return [][2]string{
		{cmp.Or(p.title, "Invoice"), ""},
		{"Invoice number", p.name},
		{"Billing period", "Calendar month"},
		{"Subtotal", p.currency + " " + p.figure(p.sub)},
		{"Tax", p.currency + " " + p.figure(p.tax)},
		{"Total Amount", p.currency + " " + p.figure(p.total)},
	}
}

// pdf writes the smallest file that is a PDF of one page. German ones are compressed. Scanned ones have a picture of one
// grey point instead of text.
func (p paper) pdf() []byte {
	content := "q 500 0 0 700 40 40 cm /Im1 Do Q"
	if !p.scanned {
		content = p.content()
	}
	stream, filter := []byte(content), ""
	if p.german() {
		var packed bytes.Buffer
		w := zlib.NewWriter(&packed)
		_, _ = w.Write(stream) // into memory
		_ = w.Close()
		stream, filter = packed.Bytes(), " /Filter /FlateDecode"
	}
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> /XObject << /Im1 6 0 R >> >> /Contents 4 0 R >>",
		fmt.Sprintf("<< /Length %d%s >>\nstream\n%s\nendstream", len(stream), filter, stream),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding /FirstChar 32 /LastChar 255 /Widths [" + strings.Repeat("556 ", 224) + "] >>",
		"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>\nstream\n\x80\nendstream",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	places := make([]int, len(objects))
	for i, o := range objects {
		places[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, place := range places {
		fmt.Fprintf(&b, "%010d 00000 n \n", place)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

func (p paper) content() string {
	var b strings.Builder
	y := 780
	for _, line := range p.lines() {
		for i, text := range line {
			if text != "" {
				fmt.Fprintf(&b, "BT /F1 11 Tf %d %d Td (%s) Tj ET\n", 60+i*280, y, winAnsi(text))
			}
		}
		y -= 24
	}
	return b.String()
}

// winAnsi encodes the letters of Latin 1, in which it agrees with Unicode, and escapes what ends a string.
func winAnsi(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(`()\`, r) {
			b.WriteByte('\\')
		}
		b.WriteByte(byte(r))
	}
	return b.String()
}

// shown is the total as printed; nothing where there is no text.
func (p paper) shown() string {
	if p.scanned {
		return ""
	}
	return p.total.String()
}
