-- cost_trend_monthly is what each subscription spent on each service in each month, beside the month before.
--
-- Months are those the charges are billed in, so that they add up to the invoices. A service that is no longer used has a row
-- with cost 0 in the first month without it; the month before counts as 0 for what is new, and is not known for the first
-- month the account has data of. The open month is compared as it stands (IsOpenMonth): it is not over. A closed month is as it
-- was signed off, in its days as here.
--
-- reads:  cost_trend_daily, closed_cost_trend_daily, period_close, run_context
-- grain:  BillingMonth, Account, SubAccountId, ServiceName, BillingCurrency
-- from:   cost_trend_daily on Account, SubAccountId, ServiceName, BillingCurrency
--         where month_start(cost_trend_daily.BillingPeriodStart) = cost_trend_monthly.BillingMonth
-- adds:   BilledCost, EffectiveCost, ListCost, ChargeCount
-- with:   cost_trend_daily on Account, SubAccountId, ServiceName, BillingCurrency
--         where month_start(cost_trend_daily.BillingPeriodStart) = month_add(cost_trend_monthly.BillingMonth, -1)
-- adds:   PreviousBilledCost = cost_trend_daily.BilledCost, PreviousEffectiveCost = cost_trend_daily.EffectiveCost
--         when cost_trend_monthly.PreviousEffectiveCost is not null
--
-- column BillingMonth           date             first day of the month the charges are billed in
-- column Account                varchar          the account's name in the configuration
-- column SubAccountId           varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName            varchar          Not assigned where the charge names none
-- column BillingCurrency        varchar          ISO 4217
-- column SubAccountName         varchar          the subscription's name, the last in the alphabet where it was renamed; null without one
-- column IsOpenMonth            boolean          the month was not over on the run date
-- column BilledCost             decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column EffectiveCost          decimal(38, 18)  BillingCurrency, amortised, before tax
-- column ListCost               decimal(38, 18)  BillingCurrency, at list price, before tax; charges without a list price add nothing
-- column ChargeCount            bigint           charges added up; 0 in the first month without any
-- column PreviousBilledCost     decimal(38, 18)  BillingCurrency, of the month before; null when that month is not known
-- column PreviousEffectiveCost  decimal(38, 18)  BillingCurrency, of the month before; null when that month is not known
-- column BilledCostChange       decimal(38, 18)  BillingCurrency, BilledCost - PreviousBilledCost
-- column EffectiveCostChange    decimal(38, 18)  BillingCurrency, EffectiveCost - PreviousEffectiveCost
-- column EffectiveCostRatio     decimal(38, 18)  EffectiveCostChange / PreviousEffectiveCost, 0.25 is a quarter more; null when that is 0 or not known
--
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount)
--        from (select * from cost_trend_daily where month_text(BillingPeriodStart) not in (select BillingPeriod from period_close)
--            union all select * from closed_cost_trend_daily) as published group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount) from cost_trend_monthly group by BillingCurrency)
with day as (
    select *
    from cost_trend_daily
    where month_text(cost_trend_daily.BillingPeriodStart) not in (select period_close.BillingPeriod from period_close)
    union all
    select *
    from closed_cost_trend_daily
),
spent as (
    select
        month_start(day.BillingPeriodStart) as BillingMonth,
        day.Account as Account,
        day.SubAccountId as SubAccountId,
        day.ServiceName as ServiceName,
        day.BillingCurrency as BillingCurrency,
        max(day.SubAccountName) as SubAccountName,
        sum(day.BilledCost) as BilledCost,
        sum(day.EffectiveCost) as EffectiveCost,
        sum(day.ListCost) as ListCost,
        sum(day.ChargeCount) as ChargeCount
    from day
    group by 1, 2, 3, 4, 5
),
known_month as (
    select distinct
        spent.Account,
        spent.BillingMonth
    from spent
),
compared as (
    select
        coalesce(spent.BillingMonth, month_add(previous.BillingMonth, 1)) as BillingMonth,
        coalesce(spent.Account, previous.Account) as Account,
        coalesce(spent.SubAccountId, previous.SubAccountId) as SubAccountId,
        coalesce(spent.ServiceName, previous.ServiceName) as ServiceName,
        coalesce(spent.BillingCurrency, previous.BillingCurrency) as BillingCurrency,
        coalesce(spent.SubAccountName, previous.SubAccountName) as SubAccountName,
        coalesce(spent.BilledCost, 0) as BilledCost,
        coalesce(spent.EffectiveCost, 0) as EffectiveCost,
        coalesce(spent.ListCost, 0) as ListCost,
        coalesce(spent.ChargeCount, 0) as ChargeCount,
        coalesce(previous.BilledCost, 0) as PreviousBilledCost,
        coalesce(previous.EffectiveCost, 0) as PreviousEffectiveCost
    from spent
    full outer join spent as previous
        on month_add(previous.BillingMonth, 1) = spent.BillingMonth
        and previous.Account = spent.Account
        and previous.SubAccountId = spent.SubAccountId
        and previous.ServiceName = spent.ServiceName
        and previous.BillingCurrency = spent.BillingCurrency
),
placed as (
    select
        compared.BillingMonth,
        compared.Account,
        compared.SubAccountId,
        compared.ServiceName,
        compared.BillingCurrency,
        compared.SubAccountName,
        compared.BilledCost,
        compared.EffectiveCost,
        compared.ListCost,
        compared.ChargeCount,
        case when month_before.BillingMonth is not null then compared.PreviousBilledCost end as PreviousBilledCost,
        case when month_before.BillingMonth is not null then compared.PreviousEffectiveCost end as PreviousEffectiveCost
    from compared
    join known_month
        on known_month.Account = compared.Account
        and known_month.BillingMonth = compared.BillingMonth
    left join known_month as month_before
        on month_before.Account = compared.Account
        and month_add(month_before.BillingMonth, 1) = compared.BillingMonth
)
select
    placed.BillingMonth as BillingMonth,
    placed.Account as Account,
    placed.SubAccountId as SubAccountId,
    placed.ServiceName as ServiceName,
    placed.BillingCurrency as BillingCurrency,
    placed.SubAccountName as SubAccountName,
    run_context.RunDate < month_add(placed.BillingMonth, 1) as IsOpenMonth,
    cast(placed.BilledCost as decimal(38, 18)) as BilledCost,
    cast(placed.EffectiveCost as decimal(38, 18)) as EffectiveCost,
    cast(placed.ListCost as decimal(38, 18)) as ListCost,
    cast(placed.ChargeCount as bigint) as ChargeCount,
    cast(placed.PreviousBilledCost as decimal(38, 18)) as PreviousBilledCost,
    cast(placed.PreviousEffectiveCost as decimal(38, 18)) as PreviousEffectiveCost,
    cast(placed.BilledCost - placed.PreviousBilledCost as decimal(38, 18)) as BilledCostChange,
    cast(placed.EffectiveCost - placed.PreviousEffectiveCost as decimal(38, 18)) as EffectiveCostChange,
    ratio(
        cast(placed.EffectiveCost - placed.PreviousEffectiveCost as decimal(38, 18)),
        cast(placed.PreviousEffectiveCost as decimal(38, 18))
    ) as EffectiveCostRatio
from placed
cross join run_context
