-- int_invoice_billed is what the lines of one invoice say was billed, by component, section, product order and service family.
--
-- The lines are the billing API's transactions. A line says what it is in free text, so it is read for the words that Azure uses.
-- An amount is before the credits applied to it: credits are a component of their own.
--
-- reads:  stg_transactions
-- grain:  Account, InvoiceId, BillingCurrency, Component, InvoiceSectionName, ProductOrderName, ServiceFamily
-- from:   stg_transactions on Account, InvoiceId, BillingCurrency
--
-- column Account             varchar          the account's name in the configuration
-- column InvoiceId           varchar          the invoice's number
-- column BillingCurrency     varchar          ISO 4217; XXX where the lines have none
-- column Component           varchar          Usage, Purchase, Marketplace, SupportPlan, Refund, Rounding or Other
-- column InvoiceSectionName  varchar          the section's name; empty without one
-- column ProductOrderName    varchar          the order's or plan's name; empty where it is not said
-- column ServiceFamily       varchar          Compute, Storage …: free text; empty where it is not said
-- column BilledAmount        decimal(38, 18)  BillingCurrency, before tax and before the credits applied
-- column LineCount           bigint           lines, each of which is rounded on its own
--
-- check: LineCount > 0
-- total: not exists (select coalesce(BillingCurrency, 'XXX'), sum(coalesce(Subtotal, 0) + coalesce(AzureCreditApplied, 0)), count(*) from stg_transactions
--        where IsBilled and InvoiceId is not null group by coalesce(BillingCurrency, 'XXX')
--        except select BillingCurrency, sum(BilledAmount), sum(LineCount) from int_invoice_billed group by BillingCurrency)
with
line as (
    select
        stg_transactions.Account as Account,
        stg_transactions.InvoiceId as InvoiceId,
        coalesce(stg_transactions.BillingCurrency, 'XXX') as BillingCurrency,
        lower(coalesce(stg_transactions.TransactionType, '')) as Kind,
        lower(coalesce(stg_transactions.ProductName, '') || ' ' || coalesce(stg_transactions.ProductDescription, '')) as Product,
        lower(coalesce(stg_transactions.ProductFamily, '')) as Family,
        coalesce(stg_transactions.IsThirdParty, false) as IsThirdParty,
        coalesce(stg_transactions.TransactionKind, '') as TransactionKind,
        coalesce(stg_transactions.InvoiceSectionName, '') as InvoiceSectionName,
        coalesce(stg_transactions.OrderName, stg_transactions.AzurePlan, '') as ProductOrderName,
        coalesce(stg_transactions.ProductFamily, '') as ServiceFamily,
        coalesce(stg_transactions.Subtotal, 0) + coalesce(stg_transactions.AzureCreditApplied, 0) as BilledAmount
    from stg_transactions
    where stg_transactions.IsBilled
        and stg_transactions.InvoiceId is not null
)
select
    line.Account as Account,
    line.InvoiceId as InvoiceId,
    line.BillingCurrency as BillingCurrency,
    case
        when line.Kind like '%rounding%' or line.Product like '%rounding%' then 'Rounding'
        when line.Kind like '%refund%' or line.Kind like '%cancel%' or line.Kind like '%credit%' then 'Refund'
        when line.IsThirdParty or line.Family like '%marketplace%' then 'Marketplace'
        when line.Product like '%azure support%' or line.Product like '%support plan%' or line.Family like '%support%' then 'SupportPlan'
        when line.Kind like '%usage%' then 'Usage'
        when line.Kind like '%purchase%' or line.TransactionKind = 'Reservation' then 'Purchase'
        else 'Other'
    end as Component,
    line.InvoiceSectionName as InvoiceSectionName,
    line.ProductOrderName as ProductOrderName,
    line.ServiceFamily as ServiceFamily,
    cast(sum(line.BilledAmount) as decimal(38, 18)) as BilledAmount,
    count(*) as LineCount
from line
group by 1, 2, 3, 4, 5, 6, 7
