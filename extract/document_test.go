package extract

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/azledger/azledger/extract/azuresim"
)

func TestTotalsOfLocales(t *testing.T) {
	for _, c := range []struct {
		line string
		want printedTotal
	}{
		{"Total Amount USD 1,234.56", printedTotal{Total: "1234.56", Currency: "USD"}},
		{"Total Amount: 0.00 USD", printedTotal{Total: "0", Currency: "USD"}},
		{"Total (including Tax) $1,234,567.80", printedTotal{Total: "1234567.8"}},
		{"Gesamtbetrag (inkl. 19 % USt.) 1.234,56 EUR", printedTotal{Total: "1234.56", Currency: "EUR"}},
		{"Rechnungsbetrag 1234,5 €", printedTotal{Total: "1234.5", Currency: "EUR"}},
		{"Montant total (TTC) 1 234,56 €", printedTotal{Total: "1234.56", Currency: "EUR"}},
		{"Montant total 12\u202f345\u00a0678,90 EUR", printedTotal{Total: "12345678.9", Currency: "EUR"}},
		{"Importe total 1.234,56 EUR", printedTotal{Total: "1234.56", Currency: "EUR"}},
		{"Gesamtbetrag CHF 1'234.50", printedTotal{Total: "1234.5", Currency: "CHF"}},
		{"Total Amount INR 12,34,567.00", printedTotal{Total: "1234567", Currency: "INR"}},
		{"合計金額 JPY 123,456", printedTotal{Total: "123456", Currency: "JPY"}},
		{"Łączna kwota 1 234,00 zł", printedTotal{Total: "1234", Currency: "PLN"}},
		{"Total Amount (1,234.56) USD", printedTotal{Total: "-1234.56", Currency: "USD"}},
		{"Gesamtbetrag -1.234,56 EUR", printedTotal{Total: "-1234.56", Currency: "EUR"}},
		{"Gesamtbetrag 1.234,56- EUR", printedTotal{Total: "-1234.56", Currency: "EUR"}},
		{"Total 1.234", printedTotal{Total: "1234"}},
		{"Total 0.123", printedTotal{Total: "0.123"}},
		{"Total tax 12.00", printedTotal{Reason: "no total was found in its text"}},
		{"Subtotal USD 12.00", printedTotal{Reason: "no total was found in its text"}},
		{"Total due by 05/12/2026 12.00", printedTotal{Reason: "no total was found in its text"}},
		{"Total Amount 12.34.56", printedTotal{Reason: "no total was found in its text"}},
		{"Totality 12.00", printedTotal{Reason: "no total was found in its text"}},
	} {
		if got := findTotal([]string{"Invoice", c.line}); got != c.want {
			t.Errorf("%q: %+v, want %+v", c.line, got, c.want)
		}
	}
}

func TestTotalAmongLines(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  printedTotal
	}{
		"below its label":        {[]string{"Total Amount", "EUR 12.00"}, printedTotal{Total: "12", Currency: "EUR"}},
		"more exact words":       {[]string{"Total 10.00", "Total Amount 12.00"}, printedTotal{Total: "12"}},
		"paid already":           {[]string{"Total 12.00", "Amount due 0.00"}, printedTotal{Total: "12"}},
		"twice the same":         {[]string{"Total Amount 12.00", "x", "Total Amount EUR 12,00"}, printedTotal{Total: "12", Currency: "EUR"}},
		"two different":          {[]string{"Total 12.00", "Total 13.00 EUR"}, printedTotal{Reason: "it states several totals: 12 and 13 EUR"}},
		"nothing of that kind":   {[]string{"Invoice", "G1"}, printedTotal{Reason: "no total was found in its text"}},
		"a text below is no sum": {[]string{"Total Amount", "Page 1 of 2"}, printedTotal{Reason: "no total was found in its text"}},
	} {
		if got := findTotal(c.lines); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// printedInvoice fetches the document of one of the simulator's invoices.
func printedInvoice(t *testing.T, sim simulated, name string) []byte {
	t.Helper()
	client, account := &http.Client{Timeout: time.Minute}, ""
	for _, v := range sim.Truth().Invoices {
		if v.Name == name {
			account = map[string]string{"ea": azuresim.EnrollmentPath, "mca": azuresim.CustomerPath}[v.Account]
		}
	}
	r := &run{o: sim.options(t, t.TempDir(), nil)}
	link, err := r.documentLink(t.Context(), invoiceDocument{invoice: issued{Name: name, version: billingVersion}, base: account})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v %s", link, err, answer.Status)
	}
	return body
}

func TestTextOfPrintedInvoices(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500})
	scanned := 0
	for _, v := range sim.Truth().Invoices {
		text := readText(printedInvoice(t, sim, v.Name))
		if v.Printed == "" {
			scanned++
			if text.Reason != "it has no text: it is a picture" || text.Pages != 1 {
				t.Errorf("%s is scanned: %+v", v.Name, text)
			}
			continue
		}
		total := findTotal(text.Lines)
		if total.Total != v.Printed || total.Currency != v.Currency {
			t.Errorf("%s: %+v, printed is %s %s: %q %s", v.Name, total, v.Printed, v.Currency, text.Lines, text.Reason)
		}
	}
	if scanned != 1 {
		t.Errorf("%d documents are scanned, want 1", scanned)
	}
}

// A document that is damaged in any way has no text, or the text it has: never a crash, and
// never a wait.
func TestDamagedDocuments(t *testing.T) {
	sim := simulate(t, azuresim.Config{Rows: 500})
	file := printedInvoice(t, sim, sim.Truth().Invoices[0].Name)
	began := time.Now()
	for cut := 0; cut < len(file); cut += 7 {
		readText(file[:cut])
		changed := bytes.Clone(file)
		changed[cut] ^= 0xff
		readText(changed)
	}
	for name, damage := range map[string][2]string{
		"pages in a circle":     {"/Kids [3 0 R]", "/Kids [2 0 R]"},
		"very many pages":       {"/Count 1", "/Count 9999999"},
		"a page of itself":      {"/Contents 4 0 R", "/Contents 3 0 R"},
		"a font in a circle":    {"/F1 5 0 R", "/F1 3 0 R"},
		"an endless table":      {"0 7\n0000000000", "0 9999999\n0000000000"},
		"a table far away":      {"0 7\n0000000000", "99999999 7\n0000000000"},
		"objects beyond reason": {"/Size 7", "/Size 99999999"},
	} {
		text := readText(bytes.Replace(file, []byte(damage[0]), []byte(damage[1]), 1))
		t.Logf("%s: %q %s", name, text.Lines, text.Reason)
	}
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("reading damaged documents took %s", took)
	}
}

func TestUnreadableDocuments(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"empty":      {"", "it is empty"},
		"a sign-in":  {"<html>sign in</html>", "it is not a PDF"},
		"an archive": {"PK\x03\x04....", "it is a ZIP archive, not a PDF"},
		"cut":        {"%PDF-1.4\n1 0 obj", "it is damaged: not a PDF file: missing %%EOF"},
		"too large":  {"%PDF-1.4\n" + strings.Repeat(" ", maxDocument), "it is larger than 32 MB"},
	} {
		if diff := gocmp.Diff(documentText{Reason: c.want}, readText([]byte(c.file))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte("%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>\nendobj\n4 0 obj\n<< /Length 30 >>\nstream\nBT /F1 11 Tf 60 60 Td (Total 1) Tj ET\nendstream\nendobj\nxref\n0 5\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \n0000000180 00000 n \ntrailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n271\n%%EOF\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		began := time.Now()
		if reason := refuseDocument(file); reason != "" {
			return
		}
		text := guardedText(file, began.Add(time.Second))
		if (text.Reason == "") != (len(text.Lines) > 0) {
			t.Errorf("%d lines, and the reason %q", len(text.Lines), text.Reason)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func FuzzTotal(f *testing.F) {
	f.Add("Total Amount USD 1,234.56")
	f.Add("Gesamtbetrag 1.234,56-")
	f.Fuzz(func(t *testing.T, line string) {
		got := findTotal([]string{line})
		if (got.Total == "") == (got.Reason == "") {
			t.Errorf("%q: %+v", line, got)
		}
		if got.Total != "" {
			if _, _, err := parseDecimal([]byte(got.Total), nil); err != nil {
				t.Errorf("%q: %q is no decimal: %v", line, got.Total, err)
			}
		}
	})
}
