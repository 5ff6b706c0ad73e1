-- int_enrollment_invoice is what an invoice of an enrollment must ask for, by the balances of the periods it covers.
--
-- An enrollment is invoiced for what its prepayment does not pay, by month, quarter or year; a document of more months is held
-- against the sum of their balances. In some countries Marketplace has an invoice of its own: where one is listed for a period,
-- the other does not hold it. Of several documents of one period the first is held against what the others leave over.
--
-- reads:  stg_invoices, stg_balances
-- grain:  Account, InvoiceId, BillingCurrency
-- from:   stg_invoices on Account, InvoiceId
-- with:   stg_balances on Account
--
-- column Account             varchar          the account's name in the configuration
-- column InvoiceId           varchar          the document's number
-- column BillingCurrency     varchar          ISO 4217
-- column MonthCount          bigint           months of the document's period
-- column BalanceCount        bigint           months of them whose balance is here
-- column UsageAmount         decimal(38, 18)  BillingCurrency, used of Azure: paid from the prepayment, beyond it, or charged separately
-- column MarketplaceAmount   decimal(38, 18)  BillingCurrency, Marketplace
-- column PrepaymentAmount    decimal(38, 18)  BillingCurrency, prepayment used, negative
--
-- check: BalanceCount <= MonthCount
-- total: not exists (select InvoiceId from int_enrollment_invoice except select InvoiceId from stg_invoices)
with
balance_month as (
    select
        stg_balances.Account as Account,
        stg_balances.BillingCurrency as BillingCurrency,
        stg_balances.BillingPeriodStart as BillingPeriodStart,
        sum(stg_balances.TotalUsage) as TotalUsage,
        sum(stg_balances.Utilized) as Utilized,
        sum(stg_balances.MarketplaceCharges) as MarketplaceCharges
    from stg_balances
    where stg_balances.TotalUsage is not null
    group by 1, 2, 3
),
enrollment as (
    select distinct stg_balances.Account as Account from stg_balances
),
listed as (
    select
        stg_invoices.Account as Account,
        stg_invoices.InvoiceId as InvoiceId,
        stg_invoices.BillingCurrency as BillingCurrency,
        stg_invoices.InvoicePeriodStart as InvoicePeriodStart,
        stg_invoices.InvoicePeriodEnd as InvoicePeriodEnd,
        stg_invoices.InvoiceDate as InvoiceDate,
        coalesce(stg_invoices.InvoiceType, '') = 'AzureMarketplace' as IsMarketplace,
        coalesce(stg_invoices.Subtotal, stg_invoices.TotalAmount - coalesce(stg_invoices.TaxAmount, 0), 0) as Subtotal,
        row_number() over (
            partition by stg_invoices.Account, stg_invoices.InvoiceId, stg_invoices.BillingCurrency
            order by stg_invoices.Scope, stg_invoices.Page, stg_invoices.Row
        ) as Recency
    from stg_invoices
    inner join enrollment
        on enrollment.Account = stg_invoices.Account
    where stg_invoices.InvoiceStatus is distinct from 'Void'
        and stg_invoices.CreditForDocumentId is null
        and stg_invoices.InvoicePeriodStart is not null
),
document as (
    select
        listed.*,
        cast(greatest(
            12 * (extract(year from day_add(listed.InvoicePeriodEnd, -1)) - extract(year from listed.InvoicePeriodStart))
            + extract(month from day_add(listed.InvoicePeriodEnd, -1)) - extract(month from listed.InvoicePeriodStart) + 1,
            1
        ) as bigint) as MonthCount,
        max(case when listed.IsMarketplace then 1 else 0 end)
            over (partition by listed.Account, listed.BillingCurrency, listed.InvoicePeriodStart, listed.InvoicePeriodEnd) as MarketplaceDocuments,
        row_number() over (
            partition by listed.Account, listed.BillingCurrency, listed.InvoicePeriodStart, listed.InvoicePeriodEnd, listed.IsMarketplace
            order by listed.InvoiceDate, listed.InvoiceId
        ) as Place,
        sum(listed.Subtotal) over (
            partition by listed.Account, listed.BillingCurrency, listed.InvoicePeriodStart, listed.InvoicePeriodEnd, listed.IsMarketplace
        ) - listed.Subtotal as OtherSubtotal
    from listed
    where listed.Recency = 1
),
settled as (
    select
        document.Account as Account,
        document.InvoiceId as InvoiceId,
        document.BillingCurrency as BillingCurrency,
        document.IsMarketplace as IsMarketplace,
        document.MarketplaceDocuments as MarketplaceDocuments,
        document.MonthCount as MonthCount,
        document.Place as Place,
        document.Subtotal as Subtotal,
        document.OtherSubtotal as OtherSubtotal,
        count(balance_month.BillingPeriodStart) as BalanceCount,
        coalesce(sum(balance_month.TotalUsage), 0) as TotalUsage,
        coalesce(sum(balance_month.Utilized), 0) as Utilized,
        coalesce(sum(balance_month.MarketplaceCharges), 0) as MarketplaceCharges
    from document
    left join balance_month
        on balance_month.Account = document.Account
        and balance_month.BillingCurrency = document.BillingCurrency
        and balance_month.BillingPeriodStart >= month_start(document.InvoicePeriodStart)
        and balance_month.BillingPeriodStart < document.InvoicePeriodEnd
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
)
select
    settled.Account as Account,
    settled.InvoiceId as InvoiceId,
    coalesce(settled.BillingCurrency, 'XXX') as BillingCurrency,
    settled.MonthCount as MonthCount,
    settled.BalanceCount as BalanceCount,
    cast(case
        when settled.Place > 1 and not settled.IsMarketplace then settled.Subtotal
        when settled.IsMarketplace then 0
        else settled.TotalUsage - settled.OtherSubtotal
    end as decimal(38, 18)) as UsageAmount,
    cast(case
        when settled.Place > 1 and settled.IsMarketplace then settled.Subtotal
        when settled.Place > 1 then 0
        when settled.IsMarketplace then settled.MarketplaceCharges - settled.OtherSubtotal
        when settled.MarketplaceDocuments > 0 then 0
        else settled.MarketplaceCharges
    end as decimal(38, 18)) as MarketplaceAmount,
    cast(case when settled.Place > 1 or settled.IsMarketplace then 0 else -settled.Utilized end as decimal(38, 18)) as PrepaymentAmount
from settled
