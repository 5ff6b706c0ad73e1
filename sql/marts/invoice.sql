-- invoice is an invoice, another billing document or an enrollment's period, with what the cost records say of it.
--
-- A customer agreement and pay-as-you-go have invoices at the billing API. An enrollment is settled by billing period: its
-- balance is the document that states the period's amounts, under the number <enrollment>-<yyyymm>. Invoices that the API also
-- lists for an enrollment repeat those amounts, by quarter or year if it is billed so; they are shown, but IsCounted is false.
-- Charges that wait for their invoice, or name one that is not listed, stand on a row of their own, so that every charge is
-- on exactly one row with IsCounted. Late charges keep their month and come with the next month's invoice, so what waits is
-- overdue only when that one is. A voided invoice, its credit note and its replacement all count: together they are what is due.
--
-- reads:  stg_invoices, stg_balances, int_invoice_component, run_context
-- grain:  Account, InvoiceId, BillingCurrency
-- from:   stg_invoices on Account, InvoiceId where coalesce(stg_invoices.BillingCurrency, 'XXX') = invoice.BillingCurrency
-- from:   stg_balances on Account where stg_balances.BillingPeriodStart = invoice.InvoicePeriodStart and invoice.InvoiceKind = 'EnrollmentPeriod'
-- from:   int_invoice_component on Account, InvoiceId, BillingCurrency
--
-- column Account                varchar          the account's name in the configuration
-- column InvoiceId              varchar          the invoice's number; <enrollment>-<yyyymm> for an enrollment's period, <account>-<yyyymm>-pending before there is one
-- column BillingCurrency        varchar          ISO 4217; XXX for an invoice without amounts
-- column InvoiceKind            varchar          Invoice, EnrollmentPeriod, EnrollmentInvoice, Pending (not invoiced yet) or Missing (not listed by the API)
-- column DocumentType           varchar          Invoice, CreditNote, VoidNote, TaxReceipt …; null where there is no document
-- column InvoiceType            varchar          AzureServices, AzureMarketplace, AzureSupport; null when not said
-- column InvoiceStatus          varchar          Due, OverDue, Paid, Void, Locked, Other; of a period: Estimated while it can change, then Closed
-- column IsCounted              boolean          false for a document that repeats amounts of other rows: leave it out of sums
-- column IsMonthlyInvoice       boolean          false for a purchase invoiced at once; null when not said
-- column InvoicePeriodStart     date             first day of the invoiced period
-- column InvoicePeriodEnd       date             the day after the last
-- column InvoiceDate            timestamp        UTC, when it was issued; null where there is no document
-- column DueDate                timestamp        UTC
-- column BillingProfileId       varchar          last part of the profile's id
-- column BillingProfileName     varchar          the profile's name; null for subscriptions
-- column SubAccountId           varchar          subscription of a pay-as-you-go invoice
-- column PurchaseOrderNumber    varchar          as the customer gave it; null without one
-- column BilledAmount           decimal(38, 18)  BillingCurrency, all charges, before tax; null when not stated, as are the other amounts
-- column CreditAmount           decimal(38, 18)  BillingCurrency, refunds, negative
-- column PrepaymentApplied      decimal(38, 18)  BillingCurrency, prepayment used, positive
-- column FreeCreditApplied      decimal(38, 18)  BillingCurrency, free credit used, positive
-- column Subtotal               decimal(38, 18)  BillingCurrency, due before tax
-- column TaxAmount              decimal(38, 18)  BillingCurrency; an enrollment's tax is only on its printed invoice
-- column TotalAmount            decimal(38, 18)  BillingCurrency, due when the invoice was made
-- column AmountDue              decimal(38, 18)  BillingCurrency, due now
-- column EligibleAmount         decimal(38, 18)  BillingCurrency, enrollment: charges the prepayment can pay, used or beyond it
-- column SeparateAmount         decimal(38, 18)  BillingCurrency, enrollment: charges billed separately
-- column MarketplaceAmount      decimal(38, 18)  BillingCurrency, enrollment: Marketplace
-- column CalculatedAmount       decimal(38, 18)  BillingCurrency, sum of the charges, before tax; 0 without cost records
-- column CalculatedEligible     decimal(38, 18)  BillingCurrency, charges of Azure the prepayment can pay
-- column CalculatedSeparate     decimal(38, 18)  BillingCurrency, charges of Azure it cannot
-- column CalculatedMarketplace  decimal(38, 18)  BillingCurrency, charges of Marketplace, refunds among them
-- column ChargeCount            bigint           charges on this invoice
-- column TotalMatches           boolean          total = subtotal + tax; null when an amount is not stated
-- column SubtotalMatches        boolean          subtotal = billed + credit - prepayment - free credit; null when an amount is not stated
-- column StatusMatches          boolean          Paid exactly when nothing is due; null for other states than Due, OverDue and Paid
-- column BilledDocumentId       varchar          of a voided invoice: the one that replaces it
-- column CreditForDocumentId    varchar          of a credit note: the voided invoice
--
-- check: coalesce(TotalMatches, true)
-- check: coalesce(SubtotalMatches, true)
-- check: coalesce(StatusMatches, true)
-- check: InvoiceKind <> 'EnrollmentPeriod' or InvoiceStatus <> 'Closed' or ChargeCount = 0
--        or coalesce(abs(EligibleAmount - CalculatedEligible) <= 0.01, true)
--        or coalesce(abs(EligibleAmount + SeparateAmount - CalculatedEligible - CalculatedSeparate) > 0.01, true)
-- total: not exists (select BillingCurrency, sum(CalculatedAmount), sum(ChargeCount) from int_invoice_component group by BillingCurrency
--        except select BillingCurrency, sum(CalculatedAmount), sum(ChargeCount) from invoice where ChargeCount > 0 group by BillingCurrency)
-- total: not exists (select InvoiceId, TotalAmount from stg_invoices except select InvoiceId, TotalAmount from invoice)
-- total: coalesce((select sum(TotalUsage + MarketplaceCharges) from stg_balances), 0)
--        = coalesce((select sum(BilledAmount) from invoice where InvoiceKind = 'EnrollmentPeriod'), 0)
with component as (
    select
        int_invoice_component.Account,
        int_invoice_component.InvoiceId,
        int_invoice_component.BillingCurrency,
        max(int_invoice_component.InvoiceKind) as InvoiceKind,
        min(int_invoice_component.FirstPeriodStart) as FirstPeriodStart,
        sum(int_invoice_component.CalculatedAmount) as CalculatedAmount,
        sum(int_invoice_component.EligibleAmount) as CalculatedEligible,
        sum(int_invoice_component.CalculatedAmount - int_invoice_component.EligibleAmount - int_invoice_component.MarketplaceAmount) as CalculatedSeparate,
        sum(int_invoice_component.MarketplaceAmount) as CalculatedMarketplace,
        sum(int_invoice_component.ChargeCount) as ChargeCount
    from int_invoice_component
    group by int_invoice_component.Account, int_invoice_component.InvoiceId, int_invoice_component.BillingCurrency
),
enrollment_account as (
    select distinct stg_balances.Account from stg_balances
),
-- The account's list and a billing profile's list name the same invoice.
listed as (
    select
        stg_invoices.*,
        enrollment_account.Account is not null as IsEnrollment,
        row_number() over (
            partition by stg_invoices.Account, stg_invoices.InvoiceId, stg_invoices.BillingCurrency
            order by stg_invoices.Scope, stg_invoices.Page, stg_invoices.Row
        ) as recency
    from stg_invoices
    left join enrollment_account on enrollment_account.Account = stg_invoices.Account
),
document as (
    select
        listed.Account,
        listed.InvoiceId,
        coalesce(listed.BillingCurrency, 'XXX') as BillingCurrency,
        case when listed.IsEnrollment then 'EnrollmentInvoice' else 'Invoice' end as InvoiceKind,
        listed.DocumentType,
        listed.InvoiceType,
        listed.InvoiceStatus,
        not listed.IsEnrollment and listed.DocumentType in ('Invoice', 'CreditNote') as IsCounted,
        listed.IsMonthlyInvoice,
        listed.InvoicePeriodStart,
        listed.InvoicePeriodEnd,
        listed.InvoiceDate,
        listed.DueDate,
        listed.BillingProfileId,
        listed.BillingProfileName,
        listed.SubAccountId,
        listed.PurchaseOrderNumber,
        listed.BilledAmount,
        listed.CreditAmount,
        listed.PrepaymentApplied,
        listed.FreeCreditApplied,
        listed.Subtotal,
        listed.TaxAmount,
        listed.TotalAmount,
        listed.AmountDue,
        cast(null as decimal(38, 18)) as EligibleAmount,
        cast(null as decimal(38, 18)) as SeparateAmount,
        cast(null as decimal(38, 18)) as MarketplaceAmount,
        listed.BilledDocumentId,
        listed.CreditForDocumentId
    from listed
    where listed.recency = 1
),
period as (
    select
        stg_balances.Account,
        stg_balances.EnrollmentId || '-' || replace(month_text(stg_balances.BillingPeriodStart), '-', '') as InvoiceId,
        coalesce(stg_balances.BillingCurrency, 'XXX') as BillingCurrency,
        'EnrollmentPeriod' as InvoiceKind,
        cast(null as varchar) as DocumentType,
        cast(null as varchar) as InvoiceType,
        case
            when run_context.RunDate < day_add(month_add(stg_balances.BillingPeriodStart, 1), run_context.LateDays) then 'Estimated'
            else 'Closed'
        end as InvoiceStatus,
        true as IsCounted,
        cast(null as boolean) as IsMonthlyInvoice,
        stg_balances.BillingPeriodStart as InvoicePeriodStart,
        month_add(stg_balances.BillingPeriodStart, 1) as InvoicePeriodEnd,
        cast(null as timestamp) as InvoiceDate,
        cast(null as timestamp) as DueDate,
        cast(null as varchar) as BillingProfileId,
        cast(null as varchar) as BillingProfileName,
        cast(null as varchar) as SubAccountId,
        cast(null as varchar) as PurchaseOrderNumber,
        stg_balances.TotalUsage + stg_balances.MarketplaceCharges as BilledAmount,
        cast(null as decimal(38, 18)) as CreditAmount,
        stg_balances.Utilized as PrepaymentApplied,
        cast(null as decimal(38, 18)) as FreeCreditApplied,
        stg_balances.TotalOverage + stg_balances.MarketplaceCharges as Subtotal,
        cast(null as decimal(38, 18)) as TaxAmount,
        stg_balances.TotalOverage + stg_balances.MarketplaceCharges as TotalAmount,
        cast(null as decimal(38, 18)) as AmountDue,
        stg_balances.Utilized + stg_balances.ServiceOverage as EligibleAmount,
        stg_balances.ChargesBilledSeparately as SeparateAmount,
        stg_balances.MarketplaceCharges as MarketplaceAmount,
        cast(null as varchar) as BilledDocumentId,
        cast(null as varchar) as CreditForDocumentId
    from stg_balances
    cross join run_context
),
unlisted as (
    select
        component.Account,
        component.InvoiceId,
        component.BillingCurrency,
        component.InvoiceKind,
        cast(null as varchar) as DocumentType,
        cast(null as varchar) as InvoiceType,
        case
            when run_context.RunDate < day_add(
                month_add(component.FirstPeriodStart, case when component.InvoiceKind = 'Pending' then 2 else 1 end),
                run_context.LateDays
            ) then 'Estimated'
            else 'Closed'
        end as InvoiceStatus,
        true as IsCounted,
        cast(null as boolean) as IsMonthlyInvoice,
        component.FirstPeriodStart as InvoicePeriodStart,
        month_add(component.FirstPeriodStart, 1) as InvoicePeriodEnd,
        cast(null as timestamp) as InvoiceDate,
        cast(null as timestamp) as DueDate,
        cast(null as varchar) as BillingProfileId,
        cast(null as varchar) as BillingProfileName,
        cast(null as varchar) as SubAccountId,
        cast(null as varchar) as PurchaseOrderNumber,
        cast(null as decimal(38, 18)) as BilledAmount,
        cast(null as decimal(38, 18)) as CreditAmount,
        cast(null as decimal(38, 18)) as PrepaymentApplied,
        cast(null as decimal(38, 18)) as FreeCreditApplied,
        cast(null as decimal(38, 18)) as Subtotal,
        cast(null as decimal(38, 18)) as TaxAmount,
        cast(null as decimal(38, 18)) as TotalAmount,
        cast(null as decimal(38, 18)) as AmountDue,
        cast(null as decimal(38, 18)) as EligibleAmount,
        cast(null as decimal(38, 18)) as SeparateAmount,
        cast(null as decimal(38, 18)) as MarketplaceAmount,
        cast(null as varchar) as BilledDocumentId,
        cast(null as varchar) as CreditForDocumentId
    from component
    cross join run_context
    where component.InvoiceKind in ('Pending', 'Missing')
),
stated as (
    select * from document
    union all
    select * from period
    union all
    select * from unlisted
)
select
    stated.Account as Account,
    stated.InvoiceId as InvoiceId,
    stated.BillingCurrency as BillingCurrency,
    stated.InvoiceKind as InvoiceKind,
    stated.DocumentType as DocumentType,
    stated.InvoiceType as InvoiceType,
    stated.InvoiceStatus as InvoiceStatus,
    stated.IsCounted as IsCounted,
    stated.IsMonthlyInvoice as IsMonthlyInvoice,
    stated.InvoicePeriodStart as InvoicePeriodStart,
    stated.InvoicePeriodEnd as InvoicePeriodEnd,
    stated.InvoiceDate as InvoiceDate,
    stated.DueDate as DueDate,
    stated.BillingProfileId as BillingProfileId,
    stated.BillingProfileName as BillingProfileName,
    stated.SubAccountId as SubAccountId,
    stated.PurchaseOrderNumber as PurchaseOrderNumber,
    stated.BilledAmount as BilledAmount,
    stated.CreditAmount as CreditAmount,
    stated.PrepaymentApplied as PrepaymentApplied,
    stated.FreeCreditApplied as FreeCreditApplied,
    stated.Subtotal as Subtotal,
    stated.TaxAmount as TaxAmount,
    stated.TotalAmount as TotalAmount,
    stated.AmountDue as AmountDue,
    stated.EligibleAmount as EligibleAmount,
    stated.SeparateAmount as SeparateAmount,
    stated.MarketplaceAmount as MarketplaceAmount,
    cast(coalesce(component.CalculatedAmount, 0) as decimal(38, 18)) as CalculatedAmount,
    cast(coalesce(component.CalculatedEligible, 0) as decimal(38, 18)) as CalculatedEligible,
    cast(coalesce(component.CalculatedSeparate, 0) as decimal(38, 18)) as CalculatedSeparate,
    cast(coalesce(component.CalculatedMarketplace, 0) as decimal(38, 18)) as CalculatedMarketplace,
    cast(coalesce(component.ChargeCount, 0) as bigint) as ChargeCount,
    stated.TotalAmount = stated.Subtotal + case when stated.InvoiceKind = 'EnrollmentPeriod' then 0 else stated.TaxAmount end as TotalMatches,
    stated.Subtotal = stated.BilledAmount + coalesce(stated.CreditAmount, 0) - coalesce(stated.PrepaymentApplied, 0) - coalesce(stated.FreeCreditApplied, 0) as SubtotalMatches,
    case when stated.InvoiceStatus in ('Paid', 'Due', 'OverDue') then (stated.InvoiceStatus = 'Paid') = (stated.AmountDue = 0) end as StatusMatches,
    stated.BilledDocumentId as BilledDocumentId,
    stated.CreditForDocumentId as CreditForDocumentId
from stated
left join component
    on component.Account = stated.Account
    and component.InvoiceId = stated.InvoiceId
    and component.BillingCurrency = stated.BillingCurrency
