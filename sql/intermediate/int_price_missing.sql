-- int_price_missing is a month of an account whose usage could not be held against the price sheet, or not all of it.
--
-- Costs are published whether a sheet is there or not: a sheet can come a day later than the usage it prices, and the month is built
-- anew when it does. Until then what was paid stands for a price that a record lacks. Marketplace usage is in no sheet.
--
-- Whether the account reads price sheets at all is not asked here.
--
-- reads:  cost_and_usage, int_price_sheet
-- grain:  Account, BillingPeriodStart, BillingCurrency
-- period: BillingPeriodStart
--
-- column Account             varchar          the account's name in the configuration
-- column BillingPeriodStart  date             first day of the month the billing period starts in
-- column BillingCurrency     varchar          ISO 4217
-- column HasSheet            boolean          a price sheet of the account and month is there
-- column ChargeCount         bigint           usage charges that no sheet was there for; with a sheet, those it has no one price for
-- column UnpricedCount       bigint           charges whose record has no negotiated price either
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, of UnpricedCount
-- column MeterName           varchar          a meter of them, the alphabetically first; null without one
-- column IsOnlyCurrent       boolean          a customer agreement's: a sheet is had while its month is open, and never afterwards
--
-- check: ChargeCount > 0
-- check: UnpricedCount <= ChargeCount
-- total: (select coalesce(sum(ChargeCount), 0) from int_price_missing) <= (select count(*) from cost_and_usage)
-- total: (select coalesce(sum(UnpricedCount), 0) from int_price_missing)
--        = (select count(*) from cost_and_usage where x_ChargeType = 'Usage' and coalesce(x_PublisherType, '') <> 'Marketplace'
--        and x_SkuMeterId is not null and x_ContractedPriceSource = 'Effective price')
with
sheets as (
    select
        int_price_sheet.Account as Account,
        int_price_sheet.BillingPeriodStart as BillingPeriodStart
    from int_price_sheet
    group by 1, 2
),
usage as (
    select
        cost_and_usage.x_Account as Account,
        month_start(cost_and_usage.BillingPeriodStart) as BillingPeriodStart,
        cost_and_usage.BillingCurrency as BillingCurrency,
        count(*) as UsageCount,
        count(*) filter (where cost_and_usage.x_ContractedPriceSource = 'Effective price') as UnpricedCount,
        coalesce(sum(cost_and_usage.EffectiveCost) filter (where cost_and_usage.x_ContractedPriceSource = 'Effective price'), 0) as EffectiveCost,
        min(cost_and_usage.ServiceName || ', ' || coalesce(cost_and_usage.SkuMeter, cost_and_usage.ChargeDescription))
            filter (where cost_and_usage.x_ContractedPriceSource = 'Effective price') as MeterName,
        max(case when cost_and_usage.x_Agreement = 'mca' then 1 else 0 end) = 1 as IsOnlyCurrent
    from cost_and_usage
    where cost_and_usage.x_ChargeType = 'Usage'
        and coalesce(cost_and_usage.x_PublisherType, '') <> 'Marketplace'
        and cost_and_usage.x_SkuMeterId is not null
    group by 1, 2, 3
)
select
    usage.Account as Account,
    usage.BillingPeriodStart as BillingPeriodStart,
    usage.BillingCurrency as BillingCurrency,
    sheets.Account is not null as HasSheet,
    case when sheets.Account is not null then usage.UnpricedCount else usage.UsageCount end as ChargeCount,
    usage.UnpricedCount as UnpricedCount,
    cast(usage.EffectiveCost as decimal(38, 18)) as EffectiveCost,
    usage.MeterName as MeterName,
    usage.IsOnlyCurrent as IsOnlyCurrent
from usage
left join sheets
    on sheets.Account = usage.Account
    and sheets.BillingPeriodStart = usage.BillingPeriodStart
where usage.UnpricedCount > 0
    or sheets.Account is null
