-- int_usage_spike is a day on which a service in a subscription cost far more than it usually does.
--
-- That is five times the mean of its days in the two weeks before, if it is at least 1 % of what the account costs a day and 1 in
-- its currency. The service must have had usage on ten of those fourteen days, and none like it a month before: what comes once a
-- month is no spike. Purchases, Marketplace and adjustments never count.
--
-- reads:  int_usage_daily
-- grain:  Account, SubAccountId, ServiceName, BillingCurrency, ChargeDate
--
-- column Account         varchar          the account's name in the configuration
-- column SubAccountId    varchar          subscription; Not assigned without one
-- column ServiceName     varchar          as in cost_and_usage
-- column BillingCurrency varchar          ISO 4217; ? where the record has none
-- column ChargeDate      date             UTC day
-- column EffectiveCost   decimal(38, 18)  BillingCurrency, of the day
-- column UsualCost       decimal(38, 18)  BillingCurrency, mean of the days with usage in the two weeks before
-- column SubAccountName  varchar          null without a subscription
--
-- check: EffectiveCost >= 1
-- check: EffectiveCost > UsualCost
-- total: (select count(*) from int_usage_spike) <= (select count(*) from int_usage_daily)
with
service_days as (
    -- A late charge keeps its day, so a day can stand in two periods.
    select
        int_usage_daily.Account as Account,
        int_usage_daily.SubAccountId as SubAccountId,
        int_usage_daily.ServiceName as ServiceName,
        int_usage_daily.BillingCurrency as BillingCurrency,
        int_usage_daily.ChargeDate as ChargeDate,
        sum(int_usage_daily.EffectiveCost) as EffectiveCost,
        max(int_usage_daily.SubAccountName) as SubAccountName
    from int_usage_daily
    group by 1, 2, 3, 4, 5
),
account_days as (
    select
        service_days.Account as Account,
        service_days.BillingCurrency as BillingCurrency,
        service_days.ChargeDate as ChargeDate,
        sum(service_days.EffectiveCost) as EffectiveCost
    from service_days
    group by 1, 2, 3
),
account_norms as (
    select
        today.Account as Account,
        today.BillingCurrency as BillingCurrency,
        today.ChargeDate as ChargeDate,
        sum(before.EffectiveCost) as EffectiveCost,
        count(*) as DayCount
    from account_days as today
    inner join account_days as before
        on before.Account = today.Account
        and before.BillingCurrency = today.BillingCurrency
        and before.ChargeDate between day_add(today.ChargeDate, -14) and day_add(today.ChargeDate, -1)
    group by 1, 2, 3
),
large_days as (
    -- Few days are large enough to matter, so the two weeks before are looked up for these alone.
    select
        service_days.Account as Account,
        service_days.SubAccountId as SubAccountId,
        service_days.ServiceName as ServiceName,
        service_days.BillingCurrency as BillingCurrency,
        service_days.ChargeDate as ChargeDate,
        service_days.EffectiveCost as EffectiveCost,
        service_days.SubAccountName as SubAccountName
    from service_days
    inner join account_norms
        on account_norms.Account = service_days.Account
        and account_norms.BillingCurrency = service_days.BillingCurrency
        and account_norms.ChargeDate = service_days.ChargeDate
    where service_days.EffectiveCost >= 1
        and service_days.EffectiveCost * account_norms.DayCount * 100 >= account_norms.EffectiveCost
),
weighed_days as (
    select
        large_days.Account as Account,
        large_days.SubAccountId as SubAccountId,
        large_days.ServiceName as ServiceName,
        large_days.BillingCurrency as BillingCurrency,
        large_days.ChargeDate as ChargeDate,
        large_days.EffectiveCost as EffectiveCost,
        max(large_days.SubAccountName) as SubAccountName,
        sum(before.EffectiveCost) filter (where before.ChargeDate >= day_add(large_days.ChargeDate, -14)) as CostBefore,
        count(*) filter (where before.ChargeDate >= day_add(large_days.ChargeDate, -14) and before.EffectiveCost > 0) as DaysBefore,
        count(*) filter (where before.ChargeDate <= day_add(large_days.ChargeDate, -26) and before.EffectiveCost * 2 >= large_days.EffectiveCost) as AlikeBefore
    from large_days
    inner join service_days as before
        on before.Account = large_days.Account
        and before.SubAccountId = large_days.SubAccountId
        and before.ServiceName = large_days.ServiceName
        and before.BillingCurrency = large_days.BillingCurrency
        and before.ChargeDate between day_add(large_days.ChargeDate, -33) and day_add(large_days.ChargeDate, -1)
    group by 1, 2, 3, 4, 5, 6
)
select
    weighed_days.Account as Account,
    weighed_days.SubAccountId as SubAccountId,
    weighed_days.ServiceName as ServiceName,
    weighed_days.BillingCurrency as BillingCurrency,
    weighed_days.ChargeDate as ChargeDate,
    weighed_days.EffectiveCost as EffectiveCost,
    ratio(weighed_days.CostBefore, cast(weighed_days.DaysBefore as decimal(38, 18))) as UsualCost,
    weighed_days.SubAccountName as SubAccountName
from weighed_days
where weighed_days.DaysBefore >= 10
    and weighed_days.AlikeBefore = 0
    and weighed_days.EffectiveCost * weighed_days.DaysBefore >= weighed_days.CostBefore * 5
