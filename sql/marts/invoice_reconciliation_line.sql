-- invoice_reconciliation_line is one line of an invoice: what the invoice says of it, and what the cost records say.
--
-- Of a customer agreement a line is an invoice section, product order and service family, as the billing API's transactions have
-- them, before credits and tax. Names are compared in lower case, and without the Microsoft. that some families begin with. Where
-- the transactions of an invoice name no order, or no section, neither tells its lines apart. An enrollment's lines are what its
-- balance states: what the prepayment can pay, what is charged separately, and Marketplace. A pay-as-you-go invoice's lines are
-- its services; the API does not list them, price_check has their quantities.
--
-- Where an invoice has no lines at the API, InvoicedAmount is null; where it has no cost records, CalculatedAmount is. A line on one
-- side only is 0 on the other. Charges stand on the invoice that bills them, so a late charge is not on the line of its own month.
--
-- reads:  invoice, int_invoice_cost, int_invoice_assignment, int_invoice_billed
-- grain:  Account, InvoiceId, BillingCurrency, LineKind, InvoiceSectionName, ProductOrderName, ServiceFamily
-- from:   int_invoice_billed on Account, InvoiceId, BillingCurrency where invoice_reconciliation_line.LineKind <> 'Balance'
--         and lower(invoice_reconciliation_line.ServiceFamily) = case
--             when int_invoice_billed.Component = 'Rounding' then 'rounding'
--             when invoice_reconciliation_line.LineKind <> 'Service' and lower(int_invoice_billed.ServiceFamily) like 'microsoft.%' then lower(substr(int_invoice_billed.ServiceFamily, 11))
--             else lower(int_invoice_billed.ServiceFamily)
--         end
--         and (int_invoice_billed.Component = 'Rounding' or invoice_reconciliation_line.LineKind = 'Service'
--             or lower(int_invoice_billed.InvoiceSectionName) = lower(invoice_reconciliation_line.InvoiceSectionName)
--             and lower(int_invoice_billed.ProductOrderName) = lower(invoice_reconciliation_line.ProductOrderName))
-- adds:   InvoicedAmount = int_invoice_billed.BilledAmount when invoice_reconciliation_line.LineKind <> 'Balance'
-- from:   int_invoice_cost on Account, BillingCurrency where invoice_reconciliation_line.LineKind <> 'Balance' and exists (
--             select 1 from int_invoice_assignment
--             where int_invoice_assignment.Account = int_invoice_cost.Account
--                 and int_invoice_assignment.BillingPeriodStart = int_invoice_cost.BillingPeriodStart
--                 and int_invoice_assignment.RecordedInvoiceId = int_invoice_cost.InvoiceId
--                 and int_invoice_assignment.SubAccountId = int_invoice_cost.SubAccountId
--                 and int_invoice_assignment.IsMarketplace = int_invoice_cost.IsMarketplace
--                 and int_invoice_assignment.BillingCurrency = int_invoice_cost.BillingCurrency
--                 and int_invoice_assignment.InvoiceId = invoice_reconciliation_line.InvoiceId
--         )
--         and lower(invoice_reconciliation_line.ServiceFamily) = case
--             when int_invoice_cost.Component = 'Rounding' then 'rounding'
--             when invoice_reconciliation_line.LineKind = 'Service' then lower(int_invoice_cost.ServiceName)
--             when lower(int_invoice_cost.ServiceFamily) like 'microsoft.%' then lower(substr(int_invoice_cost.ServiceFamily, 11))
--             else lower(int_invoice_cost.ServiceFamily)
--         end
--         and (lower(int_invoice_cost.InvoiceSectionName) = lower(invoice_reconciliation_line.InvoiceSectionName)
--             or invoice_reconciliation_line.LineKind = 'Service' or int_invoice_cost.Component = 'Rounding'
--             or invoice_reconciliation_line.InvoiceSectionName = '' and exists (
--                 select 1 from int_invoice_billed
--                 where int_invoice_billed.Account = invoice_reconciliation_line.Account
--                     and int_invoice_billed.InvoiceId = invoice_reconciliation_line.InvoiceId
--                     and int_invoice_billed.BillingCurrency = invoice_reconciliation_line.BillingCurrency
--                 having count_if(int_invoice_billed.InvoiceSectionName <> '') = 0
--             ))
--         and (lower(int_invoice_cost.ProductOrderName) = lower(invoice_reconciliation_line.ProductOrderName)
--             or invoice_reconciliation_line.LineKind = 'Service' or int_invoice_cost.Component = 'Rounding'
--             or invoice_reconciliation_line.ProductOrderName = '' and exists (
--                 select 1 from int_invoice_billed
--                 where int_invoice_billed.Account = invoice_reconciliation_line.Account
--                     and int_invoice_billed.InvoiceId = invoice_reconciliation_line.InvoiceId
--                     and int_invoice_billed.BillingCurrency = invoice_reconciliation_line.BillingCurrency
--                 having count_if(int_invoice_billed.ProductOrderName <> '') = 0
--             ))
-- adds:   CalculatedAmount = int_invoice_cost.BilledCost, ChargeCount = int_invoice_cost.ChargeCount when invoice_reconciliation_line.LineKind <> 'Balance'
--         and invoice_reconciliation_line.CalculatedAmount is not null
-- from:   invoice on Account, InvoiceId, BillingCurrency where invoice_reconciliation_line.LineKind = 'Balance'
-- adds:   InvoicedAmount = invoice.EligibleAmount, CalculatedAmount = invoice.CalculatedEligible
--         when invoice_reconciliation_line.LineKind = 'Balance' and invoice_reconciliation_line.ServiceFamily = 'Eligible'
-- adds:   InvoicedAmount = invoice.SeparateAmount, CalculatedAmount = invoice.CalculatedSeparate
--         when invoice_reconciliation_line.LineKind = 'Balance' and invoice_reconciliation_line.ServiceFamily = 'Separate'
-- adds:   InvoicedAmount = invoice.MarketplaceAmount, CalculatedAmount = invoice.CalculatedMarketplace
--         when invoice_reconciliation_line.LineKind = 'Balance' and invoice_reconciliation_line.ServiceFamily = 'Marketplace'
--
-- column Account             varchar          the account's name in the configuration
-- column InvoiceId           varchar          as in invoice
-- column BillingCurrency     varchar          ISO 4217
-- column LineKind            varchar          Section (customer agreement, and charges without an invoice), Balance (enrollment) or Service (pay-as-you-go)
-- column InvoiceSectionName  varchar          invoice section; empty without one
-- column ProductOrderName    varchar          product order, such as Microsoft Azure Plan; empty where it is not said
-- column ServiceFamily       varchar          Compute, Storage …, or Rounding; of an enrollment Eligible, Separate or Marketplace; of pay-as-you-go the service
-- column InvoiceKind         varchar          as in invoice
-- column InvoicePeriodStart  date             first day of the invoiced period
-- column InvoicedAmount      decimal(38, 18)  BillingCurrency, before credits and tax; null where the invoice has no lines
-- column CalculatedAmount    decimal(38, 18)  BillingCurrency, of the cost records; null where the invoice has none
-- column Difference          decimal(38, 18)  BillingCurrency, InvoicedAmount - CalculatedAmount; null where one of them is
-- column Tolerance           decimal(38, 18)  BillingCurrency, what rounding explains of the difference
-- column IsEqual             boolean          the difference is no more than that; null where there is none
-- column ChargeCount         bigint           charges on the line; of an enrollment null, as they are counted on the invoice
--
-- check: coalesce(Difference = InvoicedAmount - CalculatedAmount, true)
-- total: not exists (select BillingCurrency, sum(BilledCost) from int_invoice_cost group by BillingCurrency
--        except select BillingCurrency, sum(coalesce(CalculatedAmount, 0)) from invoice_reconciliation_line group by BillingCurrency)
-- total: not exists (select int_invoice_billed.Account, int_invoice_billed.InvoiceId, int_invoice_billed.BillingCurrency, sum(int_invoice_billed.BilledAmount)
--        from int_invoice_billed inner join invoice on invoice.Account = int_invoice_billed.Account and invoice.InvoiceId = int_invoice_billed.InvoiceId
--        and invoice.BillingCurrency = int_invoice_billed.BillingCurrency and invoice.InvoiceKind = 'Invoice' group by 1, 2, 3
--        except select Account, InvoiceId, BillingCurrency, sum(InvoicedAmount) from invoice_reconciliation_line group by Account, InvoiceId, BillingCurrency)
with
kind as (
    select
        invoice.Account as Account,
        invoice.InvoiceId as InvoiceId,
        invoice.BillingCurrency as BillingCurrency,
        invoice.InvoiceKind as InvoiceKind,
        invoice.InvoicePeriodStart as InvoicePeriodStart,
        invoice.ChargeCount as ChargeCount,
        case
            when invoice.InvoiceKind = 'EnrollmentPeriod' then 'Balance'
            when invoice.InvoiceKind = 'Invoice' and invoice.SubAccountId is not null and invoice.BillingProfileId is null then 'Service'
            else 'Section'
        end as LineKind,
        currency_unit(invoice.BillingCurrency) as RoundingUnit
    from invoice
    where invoice.InvoiceKind <> 'EnrollmentInvoice'
),
told as (
    select
        int_invoice_billed.Account as Account,
        int_invoice_billed.InvoiceId as InvoiceId,
        int_invoice_billed.BillingCurrency as BillingCurrency,
        count_if(int_invoice_billed.ProductOrderName <> '') as OrderCount,
        count_if(int_invoice_billed.InvoiceSectionName <> '') as SectionCount,
        sum(int_invoice_billed.LineCount) as LineCount
    from int_invoice_billed
    group by 1, 2, 3
),
side as (
    select
        int_invoice_assignment.Account as Account,
        int_invoice_assignment.InvoiceId as InvoiceId,
        int_invoice_assignment.BillingCurrency as BillingCurrency,
        int_invoice_cost.Component as Component,
        int_invoice_cost.InvoiceSectionName as InvoiceSectionName,
        int_invoice_cost.ProductOrderName as ProductOrderName,
        int_invoice_cost.ServiceFamily as ServiceFamily,
        int_invoice_cost.ServiceName as ServiceName,
        cast(0 as decimal(38, 18)) as InvoicedAmount,
        int_invoice_cost.BilledCost as CalculatedAmount,
        int_invoice_cost.ChargeCount as ChargeCount,
        cast(0 as bigint) as LineCount
    from int_invoice_cost
    inner join int_invoice_assignment
        on int_invoice_assignment.BillingPeriodStart = int_invoice_cost.BillingPeriodStart
        and int_invoice_assignment.Account = int_invoice_cost.Account
        and int_invoice_assignment.RecordedInvoiceId = int_invoice_cost.InvoiceId
        and int_invoice_assignment.SubAccountId = int_invoice_cost.SubAccountId
        and int_invoice_assignment.IsMarketplace = int_invoice_cost.IsMarketplace
        and int_invoice_assignment.BillingCurrency = int_invoice_cost.BillingCurrency
    where int_invoice_assignment.InvoiceKind <> 'EnrollmentPeriod'
    union all
    select
        int_invoice_billed.Account,
        int_invoice_billed.InvoiceId,
        int_invoice_billed.BillingCurrency,
        int_invoice_billed.Component,
        int_invoice_billed.InvoiceSectionName,
        int_invoice_billed.ProductOrderName,
        int_invoice_billed.ServiceFamily,
        int_invoice_billed.ServiceFamily,
        int_invoice_billed.BilledAmount,
        0,
        0,
        int_invoice_billed.LineCount
    from int_invoice_billed
),
named as (
    select
        side.Account as Account,
        side.InvoiceId as InvoiceId,
        side.BillingCurrency as BillingCurrency,
        kind.LineKind as LineKind,
        kind.InvoiceKind as InvoiceKind,
        kind.InvoicePeriodStart as InvoicePeriodStart,
        kind.RoundingUnit as RoundingUnit,
        kind.ChargeCount as InvoiceChargeCount,
        told.Account is not null as IsTold,
        case when side.Component = 'Rounding' or kind.LineKind = 'Service' or told.SectionCount = 0 then '' else side.InvoiceSectionName end as InvoiceSectionName,
        case when side.Component = 'Rounding' or kind.LineKind = 'Service' or told.OrderCount = 0 then '' else side.ProductOrderName end as ProductOrderName,
        case
            when side.Component = 'Rounding' then 'Rounding'
            when kind.LineKind = 'Service' then side.ServiceName
            when lower(side.ServiceFamily) like 'microsoft.%' then substr(side.ServiceFamily, 11)
            else side.ServiceFamily
        end as ServiceFamily,
        side.InvoicedAmount as InvoicedAmount,
        side.CalculatedAmount as CalculatedAmount,
        side.ChargeCount as ChargeCount,
        -- What each line was rounded by comes together in the rounding of the invoice.
        case when side.Component = 'Rounding' then coalesce(told.LineCount, 1) else side.LineCount end as LineCount,
        side.Component as Component
    from side
    inner join kind
        on kind.Account = side.Account
        and kind.InvoiceId = side.InvoiceId
        and kind.BillingCurrency = side.BillingCurrency
    left join told
        on told.Account = side.Account
        and told.InvoiceId = side.InvoiceId
        and told.BillingCurrency = side.BillingCurrency
    where kind.LineKind <> 'Balance'
),
line as (
    select
        named.Account as Account,
        named.InvoiceId as InvoiceId,
        named.BillingCurrency as BillingCurrency,
        named.LineKind as LineKind,
        max(named.InvoiceSectionName) as InvoiceSectionName,
        max(named.ProductOrderName) as ProductOrderName,
        max(named.ServiceFamily) as ServiceFamily,
        max(named.InvoiceKind) as InvoiceKind,
        max(named.InvoicePeriodStart) as InvoicePeriodStart,
        case when bool_or(named.IsTold) then sum(named.InvoicedAmount) end as InvoicedAmount,
        case when max(named.InvoiceChargeCount) > 0 then sum(named.CalculatedAmount) end as CalculatedAmount,
        max(named.RoundingUnit) as RoundingUnit,
        greatest(case when max(named.Component) = 'Rounding' then max(named.LineCount) else sum(named.LineCount) end, 1) as LineCount,
        cast(sum(named.ChargeCount) as bigint) as ChargeCount
    from named
    group by
        named.Account,
        named.InvoiceId,
        named.BillingCurrency,
        named.LineKind,
        lower(named.InvoiceSectionName),
        lower(named.ProductOrderName),
        lower(named.ServiceFamily)
),
pot as (
    select 'Eligible' as Pot
    union all
    select 'Separate'
    union all
    select 'Marketplace'
),
period as (
    select
        invoice.Account as Account,
        invoice.InvoiceId as InvoiceId,
        invoice.BillingCurrency as BillingCurrency,
        invoice.InvoicePeriodStart as InvoicePeriodStart,
        pot.Pot as Pot,
        case pot.Pot
            when 'Eligible' then invoice.EligibleAmount
            when 'Separate' then invoice.SeparateAmount
            else invoice.MarketplaceAmount
        end as InvoicedAmount,
        case pot.Pot
            when 'Eligible' then invoice.CalculatedEligible
            when 'Separate' then invoice.CalculatedSeparate
            else invoice.CalculatedMarketplace
        end as CalculatedAmount
    from invoice
    cross join pot
    where invoice.InvoiceKind = 'EnrollmentPeriod'
),
joined as (
    select
        line.Account as Account,
        line.InvoiceId as InvoiceId,
        line.BillingCurrency as BillingCurrency,
        line.LineKind as LineKind,
        line.InvoiceSectionName as InvoiceSectionName,
        line.ProductOrderName as ProductOrderName,
        line.ServiceFamily as ServiceFamily,
        line.InvoiceKind as InvoiceKind,
        line.InvoicePeriodStart as InvoicePeriodStart,
        line.InvoicedAmount as InvoicedAmount,
        line.CalculatedAmount as CalculatedAmount,
        cast(line.LineCount * line.RoundingUnit as decimal(38, 18)) as Tolerance,
        line.ChargeCount as ChargeCount
    from line
    union all
    select
        period.Account,
        period.InvoiceId,
        period.BillingCurrency,
        'Balance',
        '',
        '',
        period.Pot,
        'EnrollmentPeriod',
        period.InvoicePeriodStart,
        period.InvoicedAmount,
        period.CalculatedAmount,
        cast(currency_unit(period.BillingCurrency) as decimal(38, 18)),
        null
    from period
)
select
    joined.Account as Account,
    joined.InvoiceId as InvoiceId,
    joined.BillingCurrency as BillingCurrency,
    joined.LineKind as LineKind,
    joined.InvoiceSectionName as InvoiceSectionName,
    joined.ProductOrderName as ProductOrderName,
    joined.ServiceFamily as ServiceFamily,
    joined.InvoiceKind as InvoiceKind,
    joined.InvoicePeriodStart as InvoicePeriodStart,
    cast(joined.InvoicedAmount as decimal(38, 18)) as InvoicedAmount,
    cast(joined.CalculatedAmount as decimal(38, 18)) as CalculatedAmount,
    cast(joined.InvoicedAmount - joined.CalculatedAmount as decimal(38, 18)) as Difference,
    joined.Tolerance as Tolerance,
    abs(joined.InvoicedAmount - joined.CalculatedAmount) <= joined.Tolerance as IsEqual,
    joined.ChargeCount as ChargeCount
from joined
