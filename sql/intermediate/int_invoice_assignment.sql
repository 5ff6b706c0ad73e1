-- int_invoice_assignment is the invoice that charges are on: where the records of one period, invoice and subscription belong.
--
-- Every charge goes to exactly one invoice. An enrollment's charges carry no invoice: they go to the period's balance. A
-- pay-as-you-go subscription's go to the invoice of that subscription and period, Marketplace to its Marketplace invoice. All
-- others go where their InvoiceId says, in whatever month they stand, or to the invoice that replaced it. What is left waits
-- for an invoice (Pending), or names one that the billing API did not list (Missing).
--
-- reads:  int_invoice_cost, int_invoice_chain, stg_balances, stg_invoices
-- grain:  BillingPeriodStart, Account, RecordedInvoiceId, SubAccountId, IsMarketplace, BillingCurrency
--
-- column BillingPeriodStart  date     first day of the billing period
-- column Account             varchar  the account's name in the configuration
-- column RecordedInvoiceId   varchar  InvoiceId as in int_invoice_cost: as the record says, or Not invoiced
-- column SubAccountId        varchar  as in int_invoice_cost
-- column IsMarketplace       boolean  as in int_invoice_cost
-- column BillingCurrency     varchar  ISO 4217
-- column InvoiceId           varchar  the invoice; <enrollment>-<yyyymm> for an enrollment, <account>-<yyyymm>-pending without one
-- column InvoiceKind         varchar  EnrollmentPeriod, Invoice, Pending or Missing
-- column InvoicePeriodStart  date     first day of the period that the invoice bills; of charges without one, BillingPeriodStart
--
-- check: InvoiceKind in ('EnrollmentPeriod', 'Invoice', 'Pending', 'Missing')
-- total: not exists (select BillingPeriodStart, Account, InvoiceId, SubAccountId, IsMarketplace, BillingCurrency from int_invoice_cost
--        except select BillingPeriodStart, Account, RecordedInvoiceId, SubAccountId, IsMarketplace, BillingCurrency from int_invoice_assignment)
with
recorded as (
    select
        int_invoice_cost.BillingPeriodStart as BillingPeriodStart,
        int_invoice_cost.Account as Account,
        int_invoice_cost.InvoiceId as InvoiceId,
        int_invoice_cost.SubAccountId as SubAccountId,
        int_invoice_cost.IsMarketplace as IsMarketplace,
        int_invoice_cost.BillingCurrency as BillingCurrency
    from int_invoice_cost
    group by 1, 2, 3, 4, 5, 6
),
enrollment as (
    select
        stg_balances.Account as Account,
        stg_balances.BillingPeriodStart as BillingPeriodStart,
        stg_balances.BillingCurrency as BillingCurrency,
        min(stg_balances.EnrollmentId) || '-' || replace(month_text(stg_balances.BillingPeriodStart), '-', '') as InvoiceId
    from stg_balances
    where stg_balances.BillingCurrency is not null
    group by 1, 2, 3
),
listed as (
    select
        stg_invoices.Account as Account,
        stg_invoices.InvoiceId as InvoiceId,
        stg_invoices.BillingCurrency as BillingCurrency,
        min(stg_invoices.InvoicePeriodStart) as InvoicePeriodStart
    from stg_invoices
    group by 1, 2, 3
),
subscription_invoice as (
    select
        stg_invoices.Account as Account,
        stg_invoices.SubAccountId as SubAccountId,
        stg_invoices.InvoicePeriodStart as InvoicePeriodStart,
        stg_invoices.BillingCurrency as BillingCurrency,
        min(stg_invoices.InvoiceId) filter (where stg_invoices.InvoiceType = 'AzureMarketplace') as MarketplaceInvoiceId,
        min(stg_invoices.InvoiceId) filter (where coalesce(stg_invoices.InvoiceType, 'AzureServices') = 'AzureServices') as ServicesInvoiceId
    from stg_invoices
    left join int_invoice_chain
        on int_invoice_chain.Account = stg_invoices.Account
        and int_invoice_chain.InvoiceId = stg_invoices.InvoiceId
    where stg_invoices.SubAccountId is not null
        and stg_invoices.BillingProfileId is null
        and stg_invoices.DocumentType = 'Invoice'
        and stg_invoices.InvoiceStatus is distinct from 'Void'
        and int_invoice_chain.InvoiceId is null
    group by 1, 2, 3, 4
),
matched as (
    select
        recorded.*,
        enrollment.InvoiceId as EnrollmentInvoiceId,
        coalesce(replacement.InvoiceId, listed.InvoiceId) as ListedInvoiceId,
        coalesce(replacement.InvoicePeriodStart, listed.InvoicePeriodStart) as ListedPeriodStart,
        nullif(recorded.InvoiceId, 'Not invoiced') as ServedInvoiceId,
        case
            when recorded.InvoiceId <> 'Not invoiced' then null
            when recorded.IsMarketplace then subscription_invoice.MarketplaceInvoiceId
            else subscription_invoice.ServicesInvoiceId
        end as SubscriptionInvoiceId
    from recorded
    left join enrollment
        on enrollment.Account = recorded.Account
        and enrollment.BillingPeriodStart = month_start(recorded.BillingPeriodStart)
        and enrollment.BillingCurrency = recorded.BillingCurrency
    left join listed
        on listed.Account = recorded.Account
        and listed.InvoiceId = recorded.InvoiceId
        and listed.BillingCurrency = recorded.BillingCurrency
    left join int_invoice_chain
        on int_invoice_chain.Account = recorded.Account
        and int_invoice_chain.InvoiceId = recorded.InvoiceId
    left join listed as replacement
        on replacement.Account = recorded.Account
        and replacement.InvoiceId = int_invoice_chain.FinalInvoiceId
        and replacement.BillingCurrency = recorded.BillingCurrency
    left join subscription_invoice
        on subscription_invoice.Account = recorded.Account
        and subscription_invoice.SubAccountId = recorded.SubAccountId
        and subscription_invoice.InvoicePeriodStart = recorded.BillingPeriodStart
        and subscription_invoice.BillingCurrency = recorded.BillingCurrency
)
select
    matched.BillingPeriodStart as BillingPeriodStart,
    matched.Account as Account,
    matched.InvoiceId as RecordedInvoiceId,
    matched.SubAccountId as SubAccountId,
    matched.IsMarketplace as IsMarketplace,
    matched.BillingCurrency as BillingCurrency,
    coalesce(
        matched.EnrollmentInvoiceId,
        matched.ListedInvoiceId,
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
    case
        when matched.EnrollmentInvoiceId is not null then matched.BillingPeriodStart
        else coalesce(matched.ListedPeriodStart, matched.BillingPeriodStart)
    end as InvoicePeriodStart
from matched
