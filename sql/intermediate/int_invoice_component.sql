-- int_invoice_component is what the cost records say of one component of one invoice.
--
-- Usage of an earlier month than the invoice's is a LateCharge. It stands three times, so that each invoice adds up and each
-- month's Usage is all of that month: as LateCharge on the invoice that bills it, and on the invoice of its own month as Usage
-- and, naming the later invoice, as a LateCharge that takes it off again. Purchases of another month than their invoice's stand
-- alike, as PurchaseTiming. Where the invoice of their own month is not listed, only the first of the three is there.
--
-- All charges of an invoice are converted at one rate, the one that most of its cost has. What another rate makes of the others
-- is ExchangeRate; less than half a cent of it is rounding and stays where it is.
--
-- reads:  int_invoice_cost, int_invoice_assignment, int_invoice_chain, stg_balances, stg_invoices
-- grain:  Account, InvoiceId, Component, RelatedInvoiceId, BillingCurrency
-- from:   int_invoice_cost on Account, BillingCurrency where exists (
--             select 1 from int_invoice_assignment
--             where int_invoice_assignment.BillingPeriodStart = int_invoice_cost.BillingPeriodStart
--                 and int_invoice_assignment.Account = int_invoice_cost.Account
--                 and int_invoice_assignment.RecordedInvoiceId = int_invoice_cost.InvoiceId
--                 and int_invoice_assignment.SubAccountId = int_invoice_cost.SubAccountId
--                 and int_invoice_assignment.IsMarketplace = int_invoice_cost.IsMarketplace
--                 and int_invoice_assignment.BillingCurrency = int_invoice_cost.BillingCurrency
--                 and case
--                     when int_invoice_component.Component in ('LateCharge', 'PurchaseTiming') then
--                         int_invoice_cost.Component = case when int_invoice_component.Component = 'LateCharge' then 'Usage' else 'Purchase' end
--                         and int_invoice_assignment.InvoiceId in (int_invoice_component.InvoiceId, int_invoice_component.RelatedInvoiceId)
--                         and month_start(int_invoice_cost.UsagePeriodStart) <> month_start(int_invoice_assignment.InvoicePeriodStart)
--                     when int_invoice_component.Component = 'ExchangeRate' then
--                         int_invoice_assignment.InvoiceId = int_invoice_component.InvoiceId
--                         and int_invoice_cost.PricingCurrency <> int_invoice_cost.BillingCurrency
--                     else int_invoice_assignment.InvoiceId = int_invoice_component.InvoiceId
--                         and int_invoice_cost.Component = int_invoice_component.Component
--                         and int_invoice_cost.PreviousInvoiceId = int_invoice_component.RelatedInvoiceId
--                 end
--         )
-- with:   int_invoice_assignment on Account, InvoiceId, BillingCurrency
--
-- column Account            varchar          the account's name in the configuration
-- column InvoiceId          varchar          as in int_invoice_assignment
-- column Component          varchar          as in int_invoice_cost, or LateCharge, PurchaseTiming or ExchangeRate
-- column RelatedInvoiceId   varchar          of LateCharge and PurchaseTiming the other invoice, of a Refund the one it corrects; else empty
-- column BillingCurrency    varchar          ISO 4217
-- column InvoiceKind        varchar          EnrollmentPeriod, Invoice, Pending or Missing
-- column FirstPeriodStart   date             first billing period its charges stand in
-- column CalculatedAmount   decimal(38, 18)  BillingCurrency, before tax
-- column EligibleAmount     decimal(38, 18)  BillingCurrency, of Azure: the part an enrollment's prepayment can pay
-- column MarketplaceAmount  decimal(38, 18)  BillingCurrency, of Marketplace
-- column ChargeCount        bigint           charges added up; 0 of what stands on another invoice
-- column LineCount          bigint           distinct invoice sections and services, about the lines of the invoice
--
-- check: ChargeCount >= 0
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(ChargeCount) from int_invoice_cost group by BillingCurrency
--        except select BillingCurrency, sum(CalculatedAmount), sum(ChargeCount) from int_invoice_component group by BillingCurrency)
with
located as (
    select
        int_invoice_cost.*,
        int_invoice_assignment.InvoiceId as OnInvoiceId,
        int_invoice_assignment.InvoiceKind as InvoiceKind,
        int_invoice_assignment.InvoicePeriodStart as InvoicePeriodStart
    from int_invoice_cost
    inner join int_invoice_assignment
        on int_invoice_assignment.BillingPeriodStart = int_invoice_cost.BillingPeriodStart
        and int_invoice_assignment.Account = int_invoice_cost.Account
        and int_invoice_assignment.RecordedInvoiceId = int_invoice_cost.InvoiceId
        and int_invoice_assignment.SubAccountId = int_invoice_cost.SubAccountId
        and int_invoice_assignment.IsMarketplace = int_invoice_cost.IsMarketplace
        and int_invoice_assignment.BillingCurrency = int_invoice_cost.BillingCurrency
),
rate as (
    select
        located.Account as Account,
        located.OnInvoiceId as OnInvoiceId,
        located.BillingCurrency as BillingCurrency,
        located.PricingCurrency as PricingCurrency,
        located.ExchangeRate as ExchangeRate,
        row_number() over (
            partition by located.Account, located.OnInvoiceId, located.BillingCurrency, located.PricingCurrency
            order by sum(abs(located.BilledCost)) desc, located.ExchangeRate
        ) as Place
    from located
    where located.InvoiceKind = 'Invoice'
        and located.PricingCurrency <> located.BillingCurrency
    group by 1, 2, 3, 4, 5
),
converted as (
    select
        located.*,
        case when rate.ExchangeRate <> located.ExchangeRate
            then located.BilledCost - product(located.PricingCost, rate.ExchangeRate)
            else 0
        end as RateDifference
    from located
    left join rate
        on rate.Account = located.Account
        and rate.OnInvoiceId = located.OnInvoiceId
        and rate.BillingCurrency = located.BillingCurrency
        and rate.PricingCurrency = located.PricingCurrency
        and rate.Place = 1
),
rated as (
    select
        converted.*,
        abs(sum(converted.RateDifference) over (partition by converted.Account, converted.OnInvoiceId, converted.BillingCurrency))
        > currency_unit(converted.BillingCurrency) * 0.5 as IsRateOff
    from converted
),
-- The invoices that can say whose month a charge is: by profile or subscription, monthly, and not voided.
monthly as (
    select
        stg_invoices.Account as Account,
        coalesce(stg_invoices.BillingProfileId, stg_invoices.SubAccountId) as Payer,
        coalesce(stg_invoices.InvoiceType, 'AzureServices') as InvoiceType,
        stg_invoices.BillingCurrency as BillingCurrency,
        month_start(stg_invoices.InvoicePeriodStart) as InvoiceMonth,
        min(stg_invoices.InvoiceId) as InvoiceId
    from stg_invoices
    left join int_invoice_chain
        on int_invoice_chain.Account = stg_invoices.Account
        and int_invoice_chain.InvoiceId = stg_invoices.InvoiceId
    where stg_invoices.DocumentType = 'Invoice'
        and stg_invoices.InvoiceStatus is distinct from 'Void'
        and coalesce(stg_invoices.IsMonthlyInvoice, true)
        and int_invoice_chain.InvoiceId is null
    group by 1, 2, 3, 4, 5
),
payer as (
    select
        stg_invoices.Account as Account,
        stg_invoices.InvoiceId as InvoiceId,
        min(coalesce(stg_invoices.BillingProfileId, stg_invoices.SubAccountId)) as Payer,
        min(coalesce(stg_invoices.InvoiceType, 'AzureServices')) as InvoiceType
    from stg_invoices
    group by 1, 2
),
balance_period as (
    select
        stg_balances.Account as Account,
        stg_balances.BillingPeriodStart as InvoiceMonth,
        stg_balances.BillingCurrency as BillingCurrency,
        min(stg_balances.EnrollmentId) || '-' || replace(month_text(stg_balances.BillingPeriodStart), '-', '') as InvoiceId
    from stg_balances
    group by 1, 2, 3
),
timed as (
    select
        rated.*,
        case
            when rated.Component = 'Usage' and month_start(rated.UsagePeriodStart) < month_start(rated.InvoicePeriodStart) then 'LateCharge'
            when rated.Component = 'Purchase' and month_start(rated.UsagePeriodStart) <> month_start(rated.InvoicePeriodStart) then 'PurchaseTiming'
            else rated.Component
        end as OnComponent,
        coalesce(case
            when rated.InvoiceKind = 'EnrollmentPeriod' then balance_period.InvoiceId
            when rated.InvoiceKind = 'Invoice' then nullif(monthly.InvoiceId, rated.OnInvoiceId)
        end, '') as OwnInvoiceId
    from rated
    left join balance_period
        on balance_period.Account = rated.Account
        and balance_period.InvoiceMonth = month_start(rated.UsagePeriodStart)
        and balance_period.BillingCurrency = rated.BillingCurrency
    left join payer
        on payer.Account = rated.Account
        and payer.InvoiceId = rated.OnInvoiceId
    left join monthly
        on monthly.Account = rated.Account
        and monthly.Payer = payer.Payer
        and monthly.InvoiceType = payer.InvoiceType
        and monthly.BillingCurrency = rated.BillingCurrency
        and monthly.InvoiceMonth = month_start(rated.UsagePeriodStart)
),
charge as (
    select
        timed.Account as Account,
        timed.OnInvoiceId as OnInvoiceId,
        timed.InvoiceKind as InvoiceKind,
        timed.BillingCurrency as BillingCurrency,
        timed.BillingPeriodStart as BillingPeriodStart,
        timed.OnComponent as OnComponent,
        timed.Component as Component,
        case
            when timed.OnComponent in ('LateCharge', 'PurchaseTiming') then timed.OwnInvoiceId
            else timed.PreviousInvoiceId
        end as RelatedInvoiceId,
        timed.InvoiceSectionName || '|' || timed.ServiceName as LineName,
        timed.IsMarketplace as IsMarketplace,
        case when timed.IsRateOff then timed.RateDifference else 0 end as RateDifference,
        timed.BilledCost as BilledCost,
        timed.BilledCost - case when timed.IsRateOff then timed.RateDifference else 0 end as Amount,
        case when timed.IsMarketplace then 0 else timed.EligibleCost end as EligibleCost,
        timed.ChargeCount as ChargeCount
    from timed
),
part as (
    select
        charge.Account as Account,
        charge.OnInvoiceId as InvoiceId,
        charge.OnComponent as Component,
        charge.RelatedInvoiceId as RelatedInvoiceId,
        charge.BillingCurrency as BillingCurrency,
        charge.InvoiceKind as InvoiceKind,
        charge.BillingPeriodStart as BillingPeriodStart,
        charge.Amount as Amount,
        charge.EligibleCost as EligibleAmount,
        case when charge.IsMarketplace then charge.BilledCost else 0 end as MarketplaceAmount,
        charge.ChargeCount as ChargeCount,
        charge.LineName as LineName
    from charge
    union all
    select
        charge.Account,
        charge.OnInvoiceId,
        'ExchangeRate',
        '',
        charge.BillingCurrency,
        charge.InvoiceKind,
        charge.BillingPeriodStart,
        charge.RateDifference,
        0,
        0,
        0,
        null
    from charge
    where charge.RateDifference <> 0
    union all
    select
        charge.Account,
        charge.RelatedInvoiceId,
        charge.Component,
        '',
        charge.BillingCurrency,
        charge.InvoiceKind,
        charge.BillingPeriodStart,
        charge.Amount,
        charge.EligibleCost,
        0,
        0,
        null
    from charge
    where charge.OnComponent in ('LateCharge', 'PurchaseTiming')
        and charge.RelatedInvoiceId <> ''
    union all
    select
        charge.Account,
        charge.RelatedInvoiceId,
        charge.OnComponent,
        charge.OnInvoiceId,
        charge.BillingCurrency,
        charge.InvoiceKind,
        charge.BillingPeriodStart,
        -charge.Amount,
        -charge.EligibleCost,
        0,
        0,
        null
    from charge
    where charge.OnComponent in ('LateCharge', 'PurchaseTiming')
        and charge.RelatedInvoiceId <> ''
)
select
    part.Account as Account,
    part.InvoiceId as InvoiceId,
    part.Component as Component,
    part.RelatedInvoiceId as RelatedInvoiceId,
    part.BillingCurrency as BillingCurrency,
    max(part.InvoiceKind) as InvoiceKind,
    min(part.BillingPeriodStart) as FirstPeriodStart,
    cast(sum(part.Amount) as decimal(38, 18)) as CalculatedAmount,
    cast(sum(part.EligibleAmount) as decimal(38, 18)) as EligibleAmount,
    cast(sum(part.MarketplaceAmount) as decimal(38, 18)) as MarketplaceAmount,
    cast(sum(part.ChargeCount) as bigint) as ChargeCount,
    count(distinct part.LineName) as LineCount
from part
group by
    part.Account,
    part.InvoiceId,
    part.Component,
    part.RelatedInvoiceId,
    part.BillingCurrency
