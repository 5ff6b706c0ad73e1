package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// printReconciled prints invoices: for programs the table's own rows, worst first.
func (a *app) printReconciled(invoices []*reconciledInvoice, whole bool) error {
	if a.format != "table" {
		return a.printComponents(invoices)
	}
	if err := a.printInvoices(invoices); err != nil {
		return err
	}
	for _, v := range invoices {
		if v.status != "Matched" || whole {
			if err := a.printInvoice(v); err != nil {
				return err
			}
		}
	}
	return a.printClosing(invoices)
}

func (a *app) printComponents(invoices []*reconciledInvoice) error {
	p := formats[a.format](a.out, invoices[0].columns)
	for _, v := range invoices {
		for _, c := range v.components {
			if err := p.row(c.row, c.null); err != nil {
				return err
			}
		}
	}
	return p.close()
}

func (a *app) printInvoices(invoices []*reconciledInvoice) error {
	columns := []column{
		{name: "period"},
		{name: "account"},
		{name: "invoice"},
		{name: "currency"},
		{name: "status"},
		{name: "invoiced", number: true},
		{name: "calculated", number: true},
		{name: "difference", number: true},
		{name: "where it lies", wrap: 42},
	}
	var rows [][]string
	for _, v := range invoices {
		rows = append(rows, []string{v.month, v.account, v.id, v.currency, v.status, v.invoiced(), money(v.calculated), money(v.difference), v.where()})
	}
	return a.print(columns, rows)
}

// invoiced is what the invoice asks for, "-" where there is none yet.
func (v *reconciledInvoice) invoiced() string {
	if v.total == "" || v.status == "Estimated" {
		return "-"
	}
	return money(v.total)
}

// where says in which components the difference lies, the largest first.
func (v *reconciledInvoice) where() string {
	var order []string
	sums := map[string]sum{}
	for _, c := range v.components {
		if c.isOrdinary {
			continue
		}
		if _, there := sums[c.name]; !there {
			order = append(order, c.name)
		}
		sums[c.name] = sums[c.name].plus(c.amount)
	}
	slices.SortStableFunc(order, func(a, b string) int { return sums[b].abs().Cmp(sums[a].abs()) })
	var parts []string
	for _, name := range order {
		if amount := money(sums[name].text()); amount != "0.00" {
			parts = append(parts, inWords(name)+" "+amount)
		}
	}
	if v.repeats {
		parts = append(parts, "(repeats what its periods state)")
	}
	return strings.Join(parts, ", ")
}

// inWords is a component as people say it: PurchaseTiming is Purchase timing.
func inWords(component string) string {
	var words strings.Builder
	for i, r := range component {
		if i > 0 && unicode.IsUpper(r) {
			words.WriteRune(' ')
			r = unicode.ToLower(r)
		}
		words.WriteRune(r)
	}
	return words.String()
}

// printInvoice prints the components of one invoice. Their amounts add up to it.
func (a *app) printInvoice(v *reconciledInvoice) error {
	fmt.Fprintf(a.out, "\n%s, invoice %s, %s, %s: %s%s\n\n", v.account, v.id, v.month, v.currency, v.status, v.remains())
	columns := []column{
		{name: "component"},
		{name: "invoiced", number: true},
		{name: "calculated", number: true},
		{name: "difference", number: true},
		{name: "amount", number: true},
		{name: "invoice"},
		{name: "in words", wrap: 70},
	}
	var rows [][]string
	for _, c := range v.components {
		rows = append(rows, []string{inWords(c.name), orDash(c.invoiced), orDash(c.calculated), orDash(c.difference), orDash(c.amount), c.related, c.detail})
	}
	total := "the invoice"
	if v.status == "Estimated" {
		total = "so far"
	}
	return a.print(columns, append(rows, []string{total, "", "", "", orDash(v.total), "", ""}))
}

// remains says what of an invoice nothing explains, and what is too little to count.
func (v *reconciledInvoice) remains() string {
	if v.status != "Unexplained" && money(v.remaining) == "0.00" {
		return ""
	}
	return fmt.Sprintf(", %s %s remain (tolerance %s)", money(v.remaining), v.currency, money(v.tolerance))
}

func orDash(amount string) string {
	if amount == "" {
		return "-"
	}
	return money(amount)
}

// statuses are in the order of concern.
var statuses = []string{"Unexplained", "Explained", "Matched", "Estimated"}

// closingLine adds up the invoices of one currency and status.
type closingLine struct {
	count                                    int
	invoiced, calculated, difference, remain sum
}

// printClosing adds up the invoices of each currency and status.
func (a *app) printClosing(invoices []*reconciledInvoice) error {
	lines := closingLines(invoices)
	keys := slices.SortedFunc(maps.Keys(lines), func(a, b [2]string) int {
		return cmp.Or(strings.Compare(a[0], b[0]), slices.Index(statuses, a[1])-slices.Index(statuses, b[1]))
	})
	columns := []column{
		{name: "currency"},
		{name: "status"},
		{name: "invoices", number: true},
		{name: "invoiced", number: true},
		{name: "calculated", number: true},
		{name: "difference", number: true},
		{name: "remains", number: true},
	}
	var rows [][]string
	for _, key := range keys {
		l := lines[key]
		invoiced := money(l.invoiced.text())
		if key[1] == "Estimated" {
			invoiced = "-"
		}
		rows = append(rows, []string{key[0], key[1], fmt.Sprint(l.count), invoiced, money(l.calculated.text()), money(l.difference.text()), money(l.remain.text())})
	}
	fmt.Fprintln(a.out)
	return a.print(columns, rows)
}

// closingLines are by currency and status. Invoices that repeat what others state are left out.
func closingLines(invoices []*reconciledInvoice) map[[2]string]closingLine {
	lines := map[[2]string]closingLine{}
	for _, v := range invoices {
		if v.repeats {
			continue
		}
		key := [2]string{v.currency, v.status}
		l := lines[key]
		l.count++
		l.invoiced, l.calculated = l.invoiced.plus(v.total), l.calculated.plus(v.calculated)
		l.difference, l.remain = l.difference.plus(v.difference), l.remain.plus(v.remaining)
		lines[key] = l
	}
	return lines
}
