-- int_invoice_component is what the cost records say of one component of one invoice.
--
-- Every charge goes to exactly one invoice. An enrollment's charges carry no invoice: they go to the period's balance. A
-- pay-as-you-go subscription's go to the invoice of that subscription and period, Marketplace to its Marketplace invoice. All
-- others go where their InvoiceId says, in whatever month they stand; usage of a month before the invoice's is a LateCharge of
-- it. What is left waits for an invoice (Pending), or names
-- one that the billing API did not list (Missing).
--
-- reads:  int_invoice_cost, stg_balances, stg_invoices
-- grain:  Account, InvoiceId, Component, BillingCurrency
--
-- column Account           varchar          the account's name in the configuration
-- column InvoiceId         varchar          the invoice; <enrollment>-<yyyymm> for an enrollment, <account>-<yyyymm>-pending without one
-- column Component         varchar          as in int_invoice_cost
-- column BillingCurrency   varchar          ISO 4217
-- column InvoiceKind       varchar          EnrollmentPeriod, Invoice, Pending or Missing
-- column FirstPeriodStart  date             first billing period its charges stand in
-- column CalculatedAmount  decimal(38, 18)  BillingCurrency, before tax
-- column EligibleAmount    decimal(38, 18)  BillingCurrency, the part an enrollment's prepayment can pay
-- column ChargeCount       bigint           charges added up
-- column LineCount         bigint           distinct invoice sections and services, about the lines of the invoice
--
-- check: ChargeCount > 0
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(ChargeCount) from int_invoice_cost group by BillingCurrency
--        except select BillingCurrency, sum(CalculatedAmount), sum(ChargeCount) from int_invoice_component group by BillingCurrency)
with enrollment as (
    select
        stg_balances.Account,
        stg_balances.BillingPeriodStart,
        stg_balances.BillingCurrency,
        min(stg_balances.EnrollmentId) || '-' || replace(month_text(stg_balances.BillingPeriodStart), '-', '') as InvoiceId
    from stg_balances
    where stg_balances.BillingCurrency is not null
    group by stg_balances.Account, stg_balances.BillingPeriodStart, stg_balances.BillingCurrency
),
listed as (
    select
        stg_invoices.Account,
        stg_invoices.InvoiceId,
        stg_invoices.BillingCurrency,
        min(stg_invoices.InvoicePeriodStart) as InvoicePeriodStart
    from stg_invoices
    group by stg_invoices.Account, stg_invoices.InvoiceId, stg_invoices.BillingCurrency
),
subscription_invoice as (
    select
        stg_invoices.Account,
        stg_invoices.SubAccountId,
        stg_invoices.InvoicePeriodStart,
        stg_invoices.BillingCurrency,
        min(stg_invoices.InvoiceId) filter (where stg_invoices.InvoiceType = 'AzureMarketplace') as MarketplaceInvoiceId,
        min(stg_invoices.InvoiceId) filter (where coalesce(stg_invoices.InvoiceType, 'AzureServices') = 'AzureServices') as ServicesInvoiceId
    from stg_invoices
    where stg_invoices.SubAccountId is not null
        and stg_invoices.BillingProfileId is null
        and stg_invoices.DocumentType = 'Invoice'
        and stg_invoices.InvoiceStatus <> 'Void'
    group by
        stg_invoices.Account,
        stg_invoices.SubAccountId,
        stg_invoices.InvoicePeriodStart,
        stg_invoices.BillingCurrency
),
matched as (
    select
        int_invoice_cost.Account,
        int_invoice_cost.BillingPeriodStart,
        case
            when int_invoice_cost.Component = 'Usage'
                and month_start(int_invoice_cost.BillingPeriodStart) < month_start(listed.InvoicePeriodStart) then 'LateCharge'
            else int_invoice_cost.Component
        end as Component,
        int_invoice_cost.BillingCurrency,
        int_invoice_cost.BilledCost,
        int_invoice_cost.EligibleCost,
        int_invoice_cost.ChargeCount,
        int_invoice_cost.LineCount,
        enrollment.InvoiceId as EnrollmentInvoiceId,
        listed.InvoiceId as ListedInvoiceId,
        nullif(int_invoice_cost.InvoiceId, 'Not invoiced') as ServedInvoiceId,
        case
            when int_invoice_cost.InvoiceId <> 'Not invoiced' then null
            when int_invoice_cost.Component = 'Marketplace' then subscription_invoice.MarketplaceInvoiceId
            else subscription_invoice.ServicesInvoiceId
        end as SubscriptionInvoiceId
    from int_invoice_cost
    left join enrollment
        on enrollment.Account = int_invoice_cost.Account
        and enrollment.BillingPeriodStart = month_start(int_invoice_cost.BillingPeriodStart)
        and enrollment.BillingCurrency = int_invoice_cost.BillingCurrency
    left join listed
        on listed.Account = int_invoice_cost.Account
        and listed.InvoiceId = int_invoice_cost.InvoiceId
        and listed.BillingCurrency = int_invoice_cost.BillingCurrency
    left join subscription_invoice
        on subscription_invoice.Account = int_invoice_cost.Account
        and subscription_invoice.SubAccountId = int_invoice_cost.SubAccountId
        and subscription_invoice.InvoicePeriodStart = int_invoice_cost.BillingPeriodStart
        and subscription_invoice.BillingCurrency = int_invoice_cost.BillingCurrency
),
assigned as (
    select
        matched.Account,
        coalesce(
            matched.EnrollmentInvoiceId,
            matched.ServedInvoiceId,
            matched.SubscriptionInvoiceId,
            matched.Account || '-' || replace(month_text(matched.BillingPeriodStart), '-', '') || '-pending'
        ) as InvoiceId,
        case
            when matched.EnrollmentInvoiceId is not null then 'EnrollmentPeriod'
            when coalesce(matched.ListedInvoiceId, matched.SubscriptionInvoiceId) is not null then 'Invoice'
            when matched.ServedInvoiceId is not null then 'Missing'
            else 'Pending'
        end as InvoiceKind,
        matched.BillingPeriodStart,
        matched.Component,
        matched.BillingCurrency,
        matched.BilledCost,
        matched.EligibleCost,
        matched.ChargeCount,
        matched.LineCount
    from matched
)
select
    assigned.Account as Account,
    assigned.InvoiceId as InvoiceId,
    assigned.Component as Component,
    assigned.BillingCurrency as BillingCurrency,
    max(assigned.InvoiceKind) as InvoiceKind,
    min(assigned.BillingPeriodStart) as FirstPeriodStart,
    cast(sum(assigned.BilledCost) as decimal(38, 18)) as CalculatedAmount,
    cast(sum(assigned.EligibleCost) as decimal(38, 18)) as EligibleAmount,
    cast(sum(assigned.ChargeCount) as bigint) as ChargeCount,
    cast(sum(assigned.LineCount) as bigint) as LineCount
from assigned
group by assigned.Account, assigned.InvoiceId, assigned.Component, assigned.BillingCurrency
