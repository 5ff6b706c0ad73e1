package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// A section of the demo's closing words: a question put to the published tables.
type section struct {
	title string
	money []string // columns that are amounts
	prose []string // columns that are sentences
	sql   string
}

var sections = []section{
	{title: "Is the bill right? What each month's invoices ask for, against what its charges add up to", money: []string{"Charges", "Credits and tax", "Together", "Invoiced", "Remains"}, sql: `
		with invoices as (
			select
				Account,
				InvoiceId,
				BillingCurrency,
				min(InvoicePeriodStart) as PeriodStart,
				sum(Amount) filter (where Component not in ('Credit', 'Prepayment', 'Tax', 'Unexplained')) as Charges,
				coalesce(sum(Amount) filter (where Component in ('Credit', 'Prepayment', 'Tax')), 0) as Settled,
				sum(Amount) filter (where Component <> 'Unexplained') as Together,
				max(Status) = 'Estimated' as IsOpen,
				max(case Status when 'Unexplained' then 3 when 'Explained' then 2 else 1 end) as Concern,
				max(TotalAmount) as Invoiced,
				coalesce(sum(Amount) filter (where Component = 'Unexplained'), 0) as Remains
			from invoice_reconciliation
			where IsCounted
			group by Account, InvoiceId, BillingCurrency
		)
		select
			strftime(PeriodStart, '%Y-%m') as Month,
			Account,
			BillingCurrency as Currency,
			sum(Charges) as Charges,
			sum(Settled) as "Credits and tax",
			sum(Together) as Together,
			sum(Invoiced) filter (where not IsOpen) as Invoiced,
			sum(Remains) filter (where not IsOpen) as Remains,
			case
				when bool_and(IsOpen) then 'Not invoiced yet'
				else ['Matched', 'Explained', 'Unexplained'][max(Concern) filter (where not IsOpen)]
					|| case when bool_or(IsOpen) then ', rest not invoiced yet' else '' end
			end as Status
		from invoices
		group by Month, Account, Currency
		order by Month, Account, Currency`},
	{title: "Where does it differ? What an invoice bills beside its month's usage and purchases at the prices of the sheet", money: []string{"Amount"}, sql: `
		select
			strftime(InvoicePeriodStart, '%Y-%m') as Month,
			Account,
			BillingCurrency as Currency,
			case Component
				when 'LateCharge' then 'Late charges'
				when 'PurchaseTiming' then 'Purchase timing'
				when 'PriceMismatch' then 'Price mismatch'
				when 'QuantityMismatch' then 'Quantity mismatch'
				when 'MissingUsage' then 'Missing usage'
				when 'ExchangeRate' then 'Exchange rate'
				else Component
			end as "Where it lies",
			sum(Amount) as Amount
		from invoice_reconciliation
		where IsCounted
			and Status in ('Explained', 'Unexplained')
			and Component not in ('Usage', 'Purchase', 'Marketplace', 'SupportPlan', 'Rounding', 'Credit', 'Prepayment', 'Tax', 'Rebill', 'Other')
		group by Month, Account, Currency, Component
		having abs(sum(Amount)) >= 0.005
		order by abs(sum(Amount)) desc, Month, Account, Currency, Component
		limit 10`},
	{title: "Who pays? All these months before tax, the four highest in each currency", money: []string{"Own cost", "Shared", "Unused commitments", "Added", "Charged"}, sql: `
		with owners as (
			select
				BillingCurrency as Currency,
				CostOwner as Owner,
				coalesce(sum(EffectiveCost) filter (where AllocationKind in ('Shared', 'SharedOut')), 0) as Shared,
				coalesce(sum(EffectiveCost) filter (where AllocationKind like 'UnusedCommitment%'), 0) as Unused,
				sum(EffectiveCost) as Cost,
				sum(PolicyAmount) as Added,
				sum(ChargebackAmount) as Charged,
				row_number() over (partition by BillingCurrency order by sum(ChargebackAmount) desc, CostOwner) as Rank
			from chargeback
			group by BillingCurrency, CostOwner
		)
		select
			Currency,
			case when Rank <= 4 then Owner else 'all others' end as Owner,
			sum(Cost - Shared - Unused) as "Own cost",
			sum(Shared) as Shared,
			sum(Unused) as "Unused commitments",
			sum(Added) as Added,
			sum(Charged) as Charged
		from owners
		group by Currency, case when Rank <= 4 then Owner else 'all others' end
		order by Currency, min(Rank)`},
	{title: "This month so far, amortised, before tax", money: []string{"Spent", "Same days last month", "Last month"}, sql: `
		select
			BillingCurrency as Currency,
			min(DataCompleteTo) as "Complete to",
			sum(Spent) as Spent,
			sum(SpentSameDaysLastMonth) as "Same days last month",
			sum(SpentLastMonth) as "Last month"
		from month_to_date
		group by Currency
		order by Currency`},
	{title: "Is what was bought used?", money: []string{"Unused cost"}, sql: `
		select
			CommitmentType as Commitment,
			BillingCurrency as Currency,
			count(distinct CommitmentId) as "How many",
			cast(100 * sum(UsedCost) / nullif(sum(UsedCost) + sum(UnusedCost), 0) as decimal(9, 1)) as "Used %",
			sum(UnusedCost) as "Unused cost"
		from reservation_utilisation
		where UsedCost is not null
		group by Commitment, Currency
		order by Commitment, Currency`},
	{title: "What wants a look? The simulated bill has mistakes on purpose", prose: []string{"Finding"}, sql: `
		select
			Severity,
			Account,
			BillingPeriod as Period,
			Detail as Finding
		from data_quality
		where Severity <> 'info'
			and Rule <> 'check_broken'
		order by Severity, Rule, Account, Period, Subject`},
}

// summary prints what the demo found, and where to go from here.
func (a *app) summary(ctx context.Context, out string) error {
	cfg, err := loadConfig(a.configPath, nil)
	if err != nil {
		return err
	}
	store, manifest, err := cfg.published(ctx)
	if err != nil {
		return err
	}
	for _, s := range sections {
		views, err := cfg.views(ctx, store, manifest, s.sql)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s\n\n", s.title)
		if err := cfg.ask(ctx, views, s.sql, func(columns []column) printer { return s.printer(a, columns) }); err != nil {
			return err
		}
		fmt.Fprintln(a.out)
	}
	fmt.Fprintf(a.out, "The tables are in %s: azledger models lists them. Ask them something:\n\n  azledger query --config %s %q\n",
		filepath.Join(out, "published"), a.configPath, "select ServiceName, BillingCurrency, round(sum(EffectiveCost), 2) as Cost from cost_trend_monthly group by all order by all")
	return nil
}

// printer shows the section's amounts as people write them.
func (s section) printer(a *app, columns []column) printer {
	var p moneyPrinter
	for i, c := range columns {
		if slices.Contains(s.money, c.name) {
			p.money = append(p.money, i)
		}
		if slices.Contains(s.prose, c.name) {
			columns[i].wrap = 90
		}
	}
	p.printer = newTablePrinter(a.out, columns)
	return p
}

type moneyPrinter struct {
	printer
	money []int
}

func (p moneyPrinter) row(values []string, null []bool) error {
	values = slices.Clone(values)
	for _, i := range p.money {
		if !null[i] {
			values[i] = money(values[i])
		}
	}
	return p.printer.row(values, null)
}
