-- int_usage_metered is the quantity of a meter that billing was told of a pay-as-you-go subscription's day, whether billed or not.
--
-- Daily records count where a subscription has them, else hourly ones: both tell the same usage. A record can come in the month after
-- its day, so nothing is kept by month here.
--
-- reads:  stg_usage_aggregates
-- grain:  Account, SubAccountId, MeterId, UnitOfMeasure, ChargeDate
--
-- column Account        varchar          the account's name in the configuration
-- column SubAccountId   varchar          subscription GUID in lower case
-- column MeterId        varchar          GUID in lower case
-- column UnitOfMeasure  varchar          what Quantity counts; empty without one
-- column ChargeDate     date             UTC day of usage
-- column Quantity       decimal(38, 18)  UnitOfMeasure
-- column FirstDay       date             first day of usage that there is a record of for the subscription
-- column LastDay        date             last day of it
--
-- check: ChargeDate between FirstDay and LastDay
-- total: not exists (select Account, SubAccountId, MeterId, sum(Quantity) from int_usage_metered group by 1, 2, 3
--        except (select Account, SubAccountId, MeterId, sum(Quantity) from stg_usage_aggregates where Dataset = 'daily' group by 1, 2, 3
--        union all select Account, SubAccountId, MeterId, sum(Quantity) from stg_usage_aggregates where Dataset <> 'daily' group by 1, 2, 3))
with
days as (
    select
        stg_usage_aggregates.Account as Account,
        stg_usage_aggregates.SubAccountId as SubAccountId,
        stg_usage_aggregates.Dataset as Dataset,
        stg_usage_aggregates.MeterId as MeterId,
        coalesce(stg_usage_aggregates.UnitOfMeasure, '') as UnitOfMeasure,
        cast(stg_usage_aggregates.ChargePeriodStart as date) as ChargeDate,
        cast(sum(stg_usage_aggregates.Quantity) as decimal(38, 18)) as Quantity
    from stg_usage_aggregates
    where stg_usage_aggregates.MeterId is not null
        and stg_usage_aggregates.Quantity is not null
    group by 1, 2, 3, 4, 5, 6
),
subscriptions as (
    select
        days.Account as Account,
        days.SubAccountId as SubAccountId,
        min(days.Dataset) as Dataset
    from days
    group by 1, 2
)
select
    days.Account as Account,
    days.SubAccountId as SubAccountId,
    days.MeterId as MeterId,
    days.UnitOfMeasure as UnitOfMeasure,
    days.ChargeDate as ChargeDate,
    days.Quantity as Quantity,
    min(days.ChargeDate) over (partition by days.Account, days.SubAccountId) as FirstDay,
    max(days.ChargeDate) over (partition by days.Account, days.SubAccountId) as LastDay
from days
inner join subscriptions
    on subscriptions.Account = days.Account
    and subscriptions.SubAccountId = days.SubAccountId
    and subscriptions.Dataset = days.Dataset
