package extract

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// issued is an invoice as its list tells it, for planning what is read of it.
type issued struct {
	Name       string
	Properties struct {
		Status, DocumentType, InvoiceDate, InvoicePeriodStartDate, InvoicePeriodEndDate string

		SubTotal, TaxAmount, TotalAmount struct {
			Currency string
			Value    json.Number
		}
		Documents   []issuedDocument
		DownloadURL struct{ URL string } // of the API of 2018: signs itself, so it is used and never kept
	}
	version string // of the API that listed it
}

// issuedDocument is a download that an invoice offers.
type issuedDocument struct {
	Kind, Name, URL, Source string
}

// month is the month an invoice is filed under: that of its first day, as in table invoice.
func (v issued) month() (string, error) {
	for _, text := range []string{v.Properties.InvoicePeriodStartDate, v.Properties.InvoiceDate} {
		if at, err := time.Parse(time.DateOnly, text[:min(10, len(text))]); err == nil {
			return at.Format(monthLayout), nil
		}
	}
	return "", fmt.Errorf("invoice %s: neither invoicePeriodStartDate %q nor invoiceDate %q is a date", v.Name, v.Properties.InvoicePeriodStartDate, v.Properties.InvoiceDate)
}

// end is the last day of what is billed.
func (v issued) end() (time.Time, error) {
	text := v.Properties.InvoicePeriodEndDate
	end, err := time.Parse(time.DateOnly, text[:min(10, len(text))])
	if err != nil {
		err = fmt.Errorf("invoice %s: invoicePeriodEndDate %q is no date", v.Name, text)
	}
	return end, err
}

// amounts identify what an invoice says is owed. One that is corrected is another document.
func (v issued) amounts() string {
	p := v.Properties
	return fmt.Sprint(p.DocumentType, p.SubTotal, p.TaxAmount, p.TotalAmount)
}

// settling tells whether the invoice is so new that what belongs to it may still be coming.
func (v issued) settling(r *run) bool {
	text := cmp.Or(v.Properties.InvoiceDate, v.Properties.InvoicePeriodStartDate)
	at, err := time.Parse(time.DateOnly, text[:min(10, len(text))])
	return err != nil || !r.o.AsOf.After(at.AddDate(0, 0, r.o.LateDays))
}

// issuedByMonth lists an account's invoices by the months the run looks at.
func (r *run) issuedByMonth(ctx context.Context, a Account) (map[string][]issued, error) {
	all, found := r.listed[a.Name]
	if !found {
		var err error
		all, err = r.issuedInvoices(ctx, a)
		if hasStatus(err, http.StatusNotFound) {
			all, err = nil, nil // an account that has no invoices has nothing that belongs to them
		}
		if err != nil {
			return nil, err
		}
		r.listed[a.Name] = all // plans are made one after the other
	}
	months, err := r.months()
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, m := range months {
		wanted[m.Format(monthLayout)] = true
	}
	byMonth := map[string][]issued{}
	for _, v := range all {
		month, err := v.month()
		if err != nil {
			return nil, err
		}
		if wanted[month] {
			byMonth[month] = append(byMonth[month], v)
		}
	}
	return byMonth, nil
}

// issuedInvoices lists an account's invoices with the version of the API that has them,
// tried as the source invoices does.
func (r *run) issuedInvoices(ctx context.Context, a Account) ([]issued, error) {
	until := day(lastDay(monthOf(r.o.AsOf)))
	all, err := r.listInvoices(ctx, invoicesOf(a.Scope, until, billingVersion), billingVersion)
	if unknownVersion(err) {
		all, err = r.listInvoices(ctx, invoicesOf(a.Scope, until, oldInvoicesVersion), oldInvoicesVersion)
	}
	if !isSubscription(a.Scope) || !refused(err) {
		return all, err
	}
	p := legacyInvoicesOf(a.Scope)
	p.first.URL += "&$expand=downloadUrl"
	all, legacy := r.listInvoices(ctx, p, legacyInvoicesVersion)
	if legacy != nil {
		return nil, errors.Join(err, legacy)
	}
	return all, nil
}

func (r *run) listInvoices(ctx context.Context, p pull, version string) ([]issued, error) {
	all, err := listAll[issued](ctx, r, p.first, "invoices of "+p.first.Scope)
	for i := range all {
		all[i].version = version
	}
	return all, err
}

// originOf identifies what a month's invoices have, so that it is read once; anew each day
// while one of them is settling.
func (r *run) originOf(invoices []issued, more ...string) string {
	h := sha256.New()
	for _, v := range invoices {
		fmt.Fprintf(h, "%s\x00%s\x00", v.Name, v.amounts())
		if v.settling(r) {
			fmt.Fprintf(h, "%s\x00", r.asOf())
		}
	}
	for _, text := range more {
		fmt.Fprintf(h, "%s\x00", text)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
