package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/azledger/azledger/transform"
)

// reconcileFlags narrow down what reconcile prints.
type reconcileFlags struct {
	accounts []string
	invoice  string
	fail     string
}

func (a *app) reconcileCommand() *cobra.Command {
	var f reconcileFlags
	c := &cobra.Command{
		Use:   "reconcile [period]",
		Short: "Print what the invoices say, what the charges add up to, and where the difference lies, worst first",
		Long: `Reconcile prints the published table invoice_reconciliation for a person: every invoice of the
period (all months that are known, where none is given), those with the largest amount that nothing
explains first; then the components of those that do not simply match, which add up to the invoice.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reconcile(c.Context(), strings.Join(args, ""), f)
		},
	}
	c.Flags().StringSliceVar(&f.accounts, "account", nil, "only this `account`; may be repeated")
	c.Flags().StringVar(&f.invoice, "invoice", "", "only this invoice, with all its components; its `id`")
	failFlag(c, &f.fail)
	a.formatFlag(c)
	return c
}

func (a *app) reconcile(ctx context.Context, period string, f reconcileFlags) error {
	if err := a.checkFormat(); err != nil {
		return err
	}
	limit, err := parseLimit(f.fail)
	if err != nil {
		return err
	}
	span, err := parseMonths("period", period)
	if err != nil {
		return err
	}
	cfg, err := loadConfig(a.configPath, a.env)
	if err != nil {
		return err
	}
	store, manifest, err := cfg.published(ctx)
	if err != nil {
		return err
	}
	views, err := cfg.views(ctx, store, manifest, reconciliationTable)
	if err != nil {
		return err
	}
	return a.reconcileTables(ctx, &cfg, views, span, f, limit)
}

// reconcileTables prints the reconciliation that lies in these files.
func (a *app) reconcileTables(ctx context.Context, cfg *config, views map[string][]string, span months, f reconcileFlags, limit *unexplainedLimit) error {
	known, err := cfg.reconciled(ctx, views)
	if err != nil {
		return err
	}
	chosen, err := chooseInvoices(known, span, f)
	if err != nil {
		return err
	}
	if err := a.printReconciled(chosen, f.invoice != ""); err != nil {
		return err
	}
	return limit.hold(chosen)
}

const reconciliationTable = "invoice_reconciliation"

// reconciledInvoice is one invoice with its components, as the table has them.
type reconciledInvoice struct {
	month, account, id, currency, status string
	total, calculated, difference        string // difference is what other components than the ordinary ones add up to
	remaining, tolerance                 string
	repeats                              bool // its amounts stand in other invoices too, and count there
	components                           []reconciledComponent
	columns                              []column
}

// unexplained says in words what is not explained.
func (v *reconciledInvoice) unexplained() string {
	for _, c := range v.components {
		if c.name == "Unexplained" {
			return c.detail
		}
	}
	return ""
}

type reconciledComponent struct {
	name, amount, invoiced, calculated, difference string
	related, detail                                string
	isOrdinary                                     bool
	row                                            []string // the row of the table
	null                                           []bool
}

// worstFirst is the table with what reconcile adds to it, in its order: in each currency, for amounts
// of two cannot be compared, the largest that nothing explains, then the most that something had to
// explain. Ordinary are the components that any bill has.
const worstFirst = `
	with component as (
		select *, Component in ('Usage', 'Purchase', 'Marketplace', 'SupportPlan', 'Rounding', 'Credit', 'Prepayment', 'Tax') as IsOrdinary
		from invoice_reconciliation
	),
	added as (
		select
			Account,
			InvoiceId,
			BillingCurrency,
			sum(case when IsOrdinary then Amount else 0 end) as OrdinaryAmount,
			sum(case when IsOrdinary then 0 else Amount end) as OtherAmount,
			sum(case when IsOrdinary then 0 else abs(Amount) end) as MovedAmount
		from component
		group by Account, InvoiceId, BillingCurrency
	)
	select
		coalesce(strftime(component.InvoicePeriodStart, '%Y-%m'), ''),
		component.IsOrdinary,
		added.OrdinaryAmount,
		added.OtherAmount,
		component.* exclude (IsOrdinary)
	from component
	join added on added.Account = component.Account and added.InvoiceId = component.InvoiceId and added.BillingCurrency = component.BillingCurrency
	order by
		component.BillingCurrency,
		case when component.Status = 'Estimated' then 1 else 0 end,
		abs(coalesce(component.RemainingAmount, 0)) desc,
		added.MovedAmount desc,
		component.Account,
		component.InvoicePeriodStart,
		component.InvoiceId,
		component.ComponentOrder,
		component.RelatedInvoiceId`

// firstColumn is where the table's own columns begin in worstFirst.
const firstColumn = 4

// reconciled reads the invoices that there are, worst first.
func (c *config) reconciled(ctx context.Context, views map[string][]string) (invoices []*reconciledInvoice, err error) {
	err = c.answer(ctx, views, worstFirst, func(infos []transform.ColumnInfo, row []string, null []bool) error {
		if row == nil {
			return nil
		}
		of := func(name string) string {
			i := slices.IndexFunc(infos, func(info transform.ColumnInfo) bool { return info.Name == name })
			if i < 0 || null[i] {
				return ""
			}
			return row[i]
		}
		last := len(invoices) - 1
		if last < 0 || invoices[last].account != of("Account") || invoices[last].id != of("InvoiceId") || invoices[last].currency != of("BillingCurrency") {
			invoices = append(invoices, newReconciled(infos, row, of))
			last++
		}
		invoices[last].components = append(invoices[last].components, reconciledComponent{
			name: of("Component"), amount: of("Amount"), invoiced: of("InvoicedAmount"), calculated: of("CalculatedAmount"), difference: of("Difference"),
			related: of("RelatedInvoiceId"), detail: of("Detail"), isOrdinary: row[1] == "true",
			row: slices.Clone(row[firstColumn:]), null: slices.Clone(null[firstColumn:]),
		})
		return nil
	})
	if err != nil {
		return nil, c.inOurWords(err)
	}
	return invoices, nil
}

func newReconciled(infos []transform.ColumnInfo, row []string, of func(string) string) *reconciledInvoice {
	return &reconciledInvoice{
		month: row[0], account: of("Account"), id: of("InvoiceId"), currency: of("BillingCurrency"), status: of("Status"),
		total: of("TotalAmount"), calculated: row[2], difference: row[3], remaining: of("RemainingAmount"), tolerance: of("Tolerance"),
		repeats: of("IsCounted") == "false", columns: printed(infos[firstColumn:]),
	}
}

// chooseInvoices narrows the invoices down to those asked for. To ask for what is not there is a
// mistake, not an empty answer: a misspelt month would look like a month without differences.
func chooseInvoices(known []*reconciledInvoice, span months, f reconcileFlags) ([]*reconciledInvoice, error) {
	if len(known) == 0 {
		return nil, usagef("there are no invoices yet, nor charges that wait for one")
	}
	for _, account := range f.accounts {
		if !slices.ContainsFunc(known, func(v *reconciledInvoice) bool { return v.account == account }) {
			return nil, usagef("--account %s: it has no invoices; there are those of %s", account, namesAmong(known, func(v *reconciledInvoice) string { return v.account }))
		}
	}
	chosen := slices.DeleteFunc(slices.Clone(known), func(v *reconciledInvoice) bool {
		return len(f.accounts) > 0 && !slices.Contains(f.accounts, v.account) || f.invoice != "" && !strings.EqualFold(v.id, f.invoice)
	})
	if len(chosen) == 0 {
		return nil, usagef("--invoice %s: there is no such invoice; there are %s", f.invoice, namesAmong(known, func(v *reconciledInvoice) string { return v.id }))
	}
	there := chosen
	chosen = slices.DeleteFunc(slices.Clone(chosen), func(v *reconciledInvoice) bool { return !span.has(v.month) })
	if len(chosen) == 0 {
		return nil, usagef("period %s: there are no invoices of it; there are those of %s", span, namesAmong(there, func(v *reconciledInvoice) string { return v.month }))
	}
	return chosen, nil
}

// namesAmong are the different names of invoices, the first thirty.
func namesAmong(invoices []*reconciledInvoice, name func(*reconciledInvoice) string) string {
	names := map[string]bool{}
	for _, v := range invoices {
		names[name(v)] = true
	}
	sorted := slices.Sorted(maps.Keys(names))
	if len(sorted) > 30 {
		return strings.Join(sorted[:30], ", ") + fmt.Sprintf(" and %d more", len(sorted)-30)
	}
	return strings.Join(sorted, ", ")
}
