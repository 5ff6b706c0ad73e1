-- int_invoice_cost is what the cost records of one billing period say was billed, by invoice, subscription, component and line.
--
-- A charge is one component: what is given back is a Refund, of Marketplace as well, because it names the invoice it corrects. All
-- else of Marketplace is Marketplace, because an enrollment is billed for it apart; then Rounding, SupportPlan, Purchase and Usage.
-- What is none of these (credit or tax, which cost records should never hold) is Other.
--
-- The billing period a charge belongs to by its day is UsagePeriodStart. It is another than BillingPeriodStart where a charge came
-- late or was dated ahead. Periods that begin in the middle of a month are counted back from the one the record names.
--
-- reads:  cost_and_usage
-- grain:  BillingPeriodStart, Account, InvoiceId, SubAccountId, Component, IsMarketplace, UsagePeriodStart, PreviousInvoiceId,
--         InvoiceSectionName, ProductOrderName, ServiceFamily, ServiceName, PricingCurrency, ExchangeRate, BillingCurrency
-- period: BillingPeriodStart
-- from:   cost_and_usage on BillingCurrency where cost_and_usage.x_Account = int_invoice_cost.Account
--         and coalesce(nullif(cost_and_usage.InvoiceId, ''), 'Not invoiced') = int_invoice_cost.InvoiceId
--         and coalesce(nullif(cost_and_usage.SubAccountId, ''), 'Not assigned') = int_invoice_cost.SubAccountId
--         and coalesce(cost_and_usage.x_PublisherType = 'Marketplace', false) = int_invoice_cost.IsMarketplace
--         and coalesce(cost_and_usage.x_InvoiceSectionName, '') = int_invoice_cost.InvoiceSectionName
--         and coalesce(cost_and_usage.x_SkuOrderName, '') = int_invoice_cost.ProductOrderName
--         and coalesce(cost_and_usage.x_SkuServiceFamily, '') = int_invoice_cost.ServiceFamily
--         and coalesce(cost_and_usage.ServiceName, '') = int_invoice_cost.ServiceName
--         and coalesce(cost_and_usage.PricingCurrency, cost_and_usage.BillingCurrency) = int_invoice_cost.PricingCurrency
--         and coalesce(nullif(cost_and_usage.x_BillingExchangeRate, 0), 1) = int_invoice_cost.ExchangeRate
--         and (int_invoice_cost.Component <> 'Refund' or coalesce(cost_and_usage.x_PreviousInvoiceId, '') = int_invoice_cost.PreviousInvoiceId)
--         and cast(coalesce(cost_and_usage.ChargePeriodStart, cost_and_usage.BillingPeriodStart) as date) >= int_invoice_cost.UsagePeriodStart
--         and cast(coalesce(cost_and_usage.ChargePeriodStart, cost_and_usage.BillingPeriodStart) as date) < month_add(int_invoice_cost.UsagePeriodStart, 1)
--         and int_invoice_cost.Component = case
--             when cost_and_usage.x_ChargeType = 'Refund' then 'Refund'
--             when cost_and_usage.x_PublisherType = 'Marketplace' then 'Marketplace'
--             when cost_and_usage.x_ChargeType = 'RoundingAdjustment' then 'Rounding'
--             when cost_and_usage.ChargeCategory = 'Purchase'
--                 and (
--                     lower(cost_and_usage.x_SkuMeterCategory) like '%support%'
--                     or lower(cost_and_usage.ChargeDescription) like '%support plan%'
--                     or lower(cost_and_usage.ChargeDescription) like '%azure support%'
--                 ) then 'SupportPlan'
--             when cost_and_usage.ChargeCategory = 'Purchase' then 'Purchase'
--             when cost_and_usage.ChargeCategory = 'Usage' then 'Usage'
--             else 'Other'
--         end
-- adds:   BilledCost, ChargeCount = 1
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column InvoiceId           varchar          as the record says; Not invoiced for an enrollment, and before the invoice is made
-- column SubAccountId        varchar          subscription GUID in lower case, or Not assigned
-- column Component           varchar          Usage, Marketplace, Purchase, Refund, Rounding, SupportPlan or Other
-- column IsMarketplace       boolean          sold by others: an enrollment and pay-as-you-go are billed for it apart
-- column UsagePeriodStart    date             first day of the billing period that the charge's day lies in
-- column PreviousInvoiceId   varchar          of a refund: the invoice it corrects; empty where none is named
-- column InvoiceSectionName  varchar          mca: invoice section; ea: department; empty without one
-- column ProductOrderName    varchar          mca: product order, such as Microsoft Azure Plan; empty without one
-- column ServiceFamily       varchar          as served; empty without one
-- column ServiceName         varchar          as in cost_and_usage; empty without one
-- column PricingCurrency     varchar          ISO 4217
-- column ExchangeRate        decimal(38, 18)  BillingCurrency per PricingCurrency; 1 where the record has none
-- column BillingCurrency     varchar          ISO 4217
-- column BilledCost          decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column PricingCost         decimal(38, 18)  PricingCurrency, the same there
-- column EligibleCost        decimal(38, 18)  BillingCurrency, the part an enrollment's prepayment can pay
-- column ChargeCount         bigint           charges added up
--
-- check: ChargeCount > 0
-- total: not exists (select BillingCurrency, sum(BilledCost), count(*) from cost_and_usage group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(ChargeCount) from int_invoice_cost group by BillingCurrency)
with
charge as (
    select
        cast(cost_and_usage.BillingPeriodStart as date) as BillingPeriodStart,
        cast(coalesce(cost_and_usage.ChargePeriodStart, cost_and_usage.BillingPeriodStart) as date) as ChargeDay,
        cost_and_usage.x_Account as Account,
        coalesce(nullif(cost_and_usage.InvoiceId, ''), 'Not invoiced') as InvoiceId,
        coalesce(nullif(cost_and_usage.SubAccountId, ''), 'Not assigned') as SubAccountId,
        case
            when cost_and_usage.x_ChargeType = 'Refund' then 'Refund'
            when cost_and_usage.x_PublisherType = 'Marketplace' then 'Marketplace'
            when cost_and_usage.x_ChargeType = 'RoundingAdjustment' then 'Rounding'
            when cost_and_usage.ChargeCategory = 'Purchase'
                and (
                    lower(cost_and_usage.x_SkuMeterCategory) like '%support%'
                    or lower(cost_and_usage.ChargeDescription) like '%support plan%'
                    or lower(cost_and_usage.ChargeDescription) like '%azure support%'
                ) then 'SupportPlan'
            when cost_and_usage.ChargeCategory = 'Purchase' then 'Purchase'
            when cost_and_usage.ChargeCategory = 'Usage' then 'Usage'
            else 'Other'
        end as Component,
        coalesce(cost_and_usage.x_PublisherType = 'Marketplace', false) as IsMarketplace,
        coalesce(cost_and_usage.x_PreviousInvoiceId, '') as PreviousInvoiceId,
        coalesce(cost_and_usage.x_InvoiceSectionName, '') as InvoiceSectionName,
        coalesce(cost_and_usage.x_SkuOrderName, '') as ProductOrderName,
        coalesce(cost_and_usage.x_SkuServiceFamily, '') as ServiceFamily,
        coalesce(cost_and_usage.ServiceName, '') as ServiceName,
        coalesce(cost_and_usage.PricingCurrency, cost_and_usage.BillingCurrency) as PricingCurrency,
        coalesce(nullif(cost_and_usage.x_BillingExchangeRate, 0), 1) as ExchangeRate,
        cost_and_usage.BillingCurrency as BillingCurrency,
        cost_and_usage.BilledCost as BilledCost,
        case
            when cost_and_usage.BilledCost = cost_and_usage.EffectiveCost then cost_and_usage.PricingCurrencyEffectiveCost
            when cost_and_usage.BilledCost = 0 then 0
            when cost_and_usage.x_BillingExchangeRate <> 0 then ratio(cost_and_usage.BilledCost, cost_and_usage.x_BillingExchangeRate)
        end as PricingCost,
        case when cost_and_usage.x_SkuIsCreditEligible then cost_and_usage.BilledCost else 0 end as EligibleCost
    from cost_and_usage
),
dated as (
    select
        charge.*,
        12 * (extract(year from charge.ChargeDay) - extract(year from charge.BillingPeriodStart))
        + extract(month from charge.ChargeDay) - extract(month from charge.BillingPeriodStart) as MonthsOn
    from charge
),
placed as (
    select
        dated.*,
        case
            when dated.ChargeDay >= dated.BillingPeriodStart and dated.ChargeDay < month_add(dated.BillingPeriodStart, 1) then dated.BillingPeriodStart
            when month_add(dated.BillingPeriodStart, dated.MonthsOn) <= dated.ChargeDay then month_add(dated.BillingPeriodStart, dated.MonthsOn)
            else month_add(dated.BillingPeriodStart, dated.MonthsOn - 1)
        end as UsagePeriodStart
    from dated
)
select
    placed.BillingPeriodStart as BillingPeriodStart,
    placed.Account as Account,
    placed.InvoiceId as InvoiceId,
    placed.SubAccountId as SubAccountId,
    placed.Component as Component,
    placed.IsMarketplace as IsMarketplace,
    placed.UsagePeriodStart as UsagePeriodStart,
    case when placed.Component = 'Refund' then placed.PreviousInvoiceId else '' end as PreviousInvoiceId,
    placed.InvoiceSectionName as InvoiceSectionName,
    placed.ProductOrderName as ProductOrderName,
    placed.ServiceFamily as ServiceFamily,
    placed.ServiceName as ServiceName,
    placed.PricingCurrency as PricingCurrency,
    cast(placed.ExchangeRate as decimal(38, 18)) as ExchangeRate,
    placed.BillingCurrency as BillingCurrency,
    cast(sum(placed.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(coalesce(placed.PricingCost, placed.BilledCost)) as decimal(38, 18)) as PricingCost,
    cast(sum(placed.EligibleCost) as decimal(38, 18)) as EligibleCost,
    count(*) as ChargeCount
from placed
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
