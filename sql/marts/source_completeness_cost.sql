-- source_completeness_cost is what the cost records of one unit add up to in one currency, beside what Azure itself says they must.
--
-- The expectation is the answer of the Cost Management query API, asked for the same scope: a sum for each day, which no line item
-- goes into on its way to us. A charge counts there on its own day, whichever billing period bills it, so the records are added up by
-- day as well: those of the month's days, late ones in the next period's unit among them. Of a unit that counts, these are all
-- records that count in its scope, should the next month come from another source; of any other, those of its own source.
--
-- A FOCUS export has two sums, what is billed and what is amortised, so it has two rows; CostType says which.
--
-- Azure rounds every sum at the eighth digit, so half a unit of that for each is no difference. An open month moves between two
-- calls; that it differs says little. Nor does a closed month whose next period is not here, because its late charges are not.
--
-- Where the account's own scope has no cost records of its own in a month, its sums are held against all records of the account
-- that count, profiles' or subscriptions'. That row has Source and Dataset all; without any record GotCost is 0.
--
-- reads:  int_cost_day, int_cost_source, source_completeness, stg_query
-- grain:  Source, Account, Scope, BillingPeriod, Dataset, CostType, BillingCurrency
-- from:   int_cost_day on Account, Source, Scope, Dataset, BillingCurrency
--         where month_text(int_cost_day.BillingPeriodStart) = source_completeness_cost.BillingPeriod
-- with:   stg_query on Account where month_text(stg_query.BillingPeriodStart) = source_completeness_cost.BillingPeriod
--         and lower(stg_query.Scope) = lower(source_completeness_cost.Scope)
-- with:   int_cost_source on Account, Source, Scope, Dataset
--         where month_text(int_cost_source.BillingPeriodStart) = source_completeness_cost.BillingPeriod
--
-- column Source              varchar          the source, such as cost_export; all for what counts of the whole account
-- column Account             varchar          the account's name in the configuration
-- column Scope               varchar          the scope that was asked
-- column BillingPeriod       varchar          such as 2026-10
-- column Dataset             varchar          actual, amortized or focus; all for what counts of the whole account
-- column CostType            varchar          actual: as billed; amortized: commitments spread over their use
-- column BillingCurrency     varchar          ISO 4217; ? where the record has none
-- column BillingPeriodStart  date             first day of the month the billing period starts in
-- column IsUsed              boolean          its records count
-- column IsSettled           boolean          the period is over, late charges are in, and the next period is here to hold them
-- column ExpectedFrom        varchar          query: the Cost Management query API; null where nothing is expected
-- column ExpectedCost        decimal(38, 18)  BillingCurrency, what the records of the month's days must add up to; null where not known
-- column GotCost             decimal(38, 18)  BillingCurrency, what they add up to; without an expectation all records of the unit
-- column Difference          decimal(38, 18)  BillingCurrency, GotCost less ExpectedCost; null where not known
-- column Tolerance           decimal(38, 18)  BillingCurrency, what rounding explains; null where not known
-- column IsEqual             boolean          the difference is no more than that; null where not known
-- column DayCount            bigint           days with records or expected cost
-- column DifferentDayCount   bigint           days that differ by more than rounding; null where not known
-- column FirstDifferentDay   date             the first of them; null without one
-- column LastDifferentDay    date             the last of them; null without one
--
-- check: CostType in ('actual', 'amortized')
-- check: (ExpectedCost is null) = (ExpectedFrom is null)
-- check: ExpectedCost is null or Difference = GotCost - ExpectedCost
-- total: not exists (select Account, Source, lower(Scope), BillingPeriodStart, Dataset from int_cost_source
--        except select Account, Source, lower(Scope), BillingPeriodStart, Dataset from source_completeness_cost)
-- total: not exists (select Account, lower(Scope), BillingPeriodStart, CostType, BillingCurrency, ExpectedCost from source_completeness_cost where ExpectedCost <> 0
--        except select Account, lower(Scope), BillingPeriodStart, Dataset, coalesce(upper(BillingCurrency), '?'), sum(Cost) from stg_query group by 1, 2, 3, 4, 5)
with
expected_days as (
    select
        stg_query.Account as Account,
        lower(stg_query.Scope) as ScopeKey,
        stg_query.BillingPeriodStart as BillingPeriodStart,
        stg_query.Dataset as CostType,
        coalesce(upper(stg_query.BillingCurrency), '?') as BillingCurrency,
        stg_query.ChargeDate as ChargeDate,
        coalesce(sum(stg_query.Cost), 0) as Cost,
        count(*) as SumCount
    from stg_query
    group by 1, 2, 3, 4, 5, 6
),
asked as (
    -- An answer without a row says that nothing was spent.
    select
        source_completeness.Account as Account,
        lower(source_completeness.Scope) as ScopeKey,
        min(source_completeness.Scope) as Scope,
        source_completeness.BillingPeriod as BillingPeriod,
        source_completeness.BillingPeriodStart as BillingPeriodStart,
        source_completeness.Dataset as CostType
    from source_completeness
    where source_completeness.Source = 'query'
        and source_completeness.IsUsed
    group by 1, 2, 4, 5, 6
),
day_periods as (
    -- The month that a day is asked for in: its own, but for billing periods that begin in the middle of one.
    select
        expected_days.Account as Account,
        expected_days.ScopeKey as ScopeKey,
        expected_days.ChargeDate as ChargeDate,
        min(expected_days.BillingPeriodStart) as BillingPeriodStart
    from expected_days
    group by 1, 2, 3
),
costs as (
    select
        int_cost_day.Account as Account,
        int_cost_day.Source as Source,
        int_cost_day.Scope as Scope,
        lower(int_cost_day.Scope) as ScopeKey,
        int_cost_day.Dataset as Dataset,
        int_cost_day.BillingPeriodStart as BillingPeriodStart,
        case when int_cost_day.Dataset = 'amortized' then 'amortized' else 'actual' end as CostType,
        int_cost_day.BillingCurrency as BillingCurrency,
        int_cost_day.ChargeDate as ChargeDate,
        int_cost_day.FirstDay as FirstDay,
        int_cost_day.Cost as Cost
    from int_cost_day
    union all
    select
        int_cost_day.Account as Account,
        int_cost_day.Source as Source,
        int_cost_day.Scope as Scope,
        lower(int_cost_day.Scope) as ScopeKey,
        int_cost_day.Dataset as Dataset,
        int_cost_day.BillingPeriodStart as BillingPeriodStart,
        'amortized' as CostType,
        int_cost_day.BillingCurrency as BillingCurrency,
        int_cost_day.ChargeDate as ChargeDate,
        int_cost_day.FirstDay as FirstDay,
        int_cost_day.EffectiveCost as Cost
    from int_cost_day
    where int_cost_day.Dataset = 'focus'
),
dated as (
    select
        costs.*,
        int_cost_source.IsUsed as IsUsed,
        coalesce(
            day_periods.BillingPeriodStart,
            case when extract(day from costs.FirstDay) = 1 then month_start(costs.ChargeDate) else costs.BillingPeriodStart end
        ) as DayPeriod
    from costs
    inner join int_cost_source
        on int_cost_source.Account = costs.Account
        and int_cost_source.Source = costs.Source
        and int_cost_source.Scope = costs.Scope
        and int_cost_source.BillingPeriodStart = costs.BillingPeriodStart
        and int_cost_source.Dataset = costs.Dataset
    left join day_periods
        on day_periods.Account = costs.Account
        and day_periods.ScopeKey = costs.ScopeKey
        and day_periods.ChargeDate = costs.ChargeDate
),
units as (
    select
        dated.Account as Account,
        dated.Source as Source,
        dated.Scope as Scope,
        dated.ScopeKey as ScopeKey,
        dated.Dataset as Dataset,
        dated.BillingPeriodStart as BillingPeriodStart,
        dated.CostType as CostType,
        dated.IsUsed as IsUsed,
        asked.Account is not null as IsAsked,
        false as IsWhole
    from dated
    left join asked
        on asked.Account = dated.Account
        and asked.ScopeKey = dated.ScopeKey
        and asked.BillingPeriodStart = dated.BillingPeriodStart
        and asked.CostType = dated.CostType
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
    union all
    select
        asked.Account as Account,
        'all' as Source,
        asked.Scope as Scope,
        asked.ScopeKey as ScopeKey,
        'all' as Dataset,
        asked.BillingPeriodStart as BillingPeriodStart,
        asked.CostType as CostType,
        true as IsUsed,
        true as IsAsked,
        true as IsWhole
    from asked
    left join dated
        on dated.Account = asked.Account
        and dated.ScopeKey = asked.ScopeKey
        and dated.BillingPeriodStart = asked.BillingPeriodStart
    where dated.Account is null
),
sides as (
    select
        units.*,
        expected_days.BillingCurrency as BillingCurrency,
        expected_days.ChargeDate as ChargeDate,
        expected_days.Cost as ExpectedCost,
        expected_days.SumCount as SumCount,
        cast(0 as decimal(38, 18)) as GotCost
    from units
    inner join expected_days
        on expected_days.Account = units.Account
        and expected_days.ScopeKey = units.ScopeKey
        and expected_days.BillingPeriodStart = units.BillingPeriodStart
        and expected_days.CostType = units.CostType
    where units.IsAsked
    union all
    select
        units.*,
        dated.BillingCurrency as BillingCurrency,
        dated.ChargeDate as ChargeDate,
        cast(0 as decimal(38, 18)) as ExpectedCost,
        cast(0 as bigint) as SumCount,
        dated.Cost as GotCost
    from units
    inner join dated
        on dated.Account = units.Account
        and dated.CostType = units.CostType
    where case
        when units.IsWhole then dated.IsUsed and dated.DayPeriod = units.BillingPeriodStart
        when dated.ScopeKey <> units.ScopeKey then false
        when not units.IsAsked then dated.Source = units.Source and dated.Dataset = units.Dataset and dated.BillingPeriodStart = units.BillingPeriodStart
        when units.IsUsed then dated.IsUsed and dated.DayPeriod = units.BillingPeriodStart
        else dated.Source = units.Source and dated.Dataset = units.Dataset and dated.DayPeriod = units.BillingPeriodStart
    end
    union all
    -- Asked, and neither cost nor records: a unit whose records are all of other months has nothing to add up.
    select
        units.*,
        '?' as BillingCurrency,
        cast(null as date) as ChargeDate,
        cast(0 as decimal(38, 18)) as ExpectedCost,
        cast(0 as bigint) as SumCount,
        cast(0 as decimal(38, 18)) as GotCost
    from units
),
days as (
    select
        sides.Account as Account,
        sides.Source as Source,
        sides.Scope as Scope,
        sides.ScopeKey as ScopeKey,
        sides.Dataset as Dataset,
        sides.BillingPeriodStart as BillingPeriodStart,
        sides.CostType as CostType,
        sides.IsUsed as IsUsed,
        sides.IsAsked as IsAsked,
        sides.BillingCurrency as BillingCurrency,
        sides.ChargeDate as ChargeDate,
        sum(sides.ExpectedCost) as ExpectedCost,
        sum(sides.GotCost) as GotCost,
        product(cast(sum(sides.SumCount) as decimal(38, 18)), cast(0.000000005 as decimal(38, 18))) as Tolerance
    from sides
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
),
sums as (
    select
        days.Account as Account,
        days.Source as Source,
        days.Scope as Scope,
        days.Dataset as Dataset,
        days.BillingPeriodStart as BillingPeriodStart,
        days.CostType as CostType,
        days.IsUsed as IsUsed,
        days.IsAsked as IsAsked,
        days.BillingCurrency as BillingCurrency,
        count(*) over (
            partition by days.Account, days.Source, days.Scope, days.Dataset, days.BillingPeriodStart, days.CostType
        ) as CurrencyCount,
        sum(days.ExpectedCost) as ExpectedCost,
        sum(days.GotCost) as GotCost,
        sum(days.Tolerance) as Tolerance,
        count(days.ChargeDate) as DayCount,
        count(*) filter (where abs(days.GotCost - days.ExpectedCost) > days.Tolerance) as DifferentDayCount,
        min(days.ChargeDate) filter (where abs(days.GotCost - days.ExpectedCost) > days.Tolerance) as FirstDifferentDay,
        max(days.ChargeDate) filter (where abs(days.GotCost - days.ExpectedCost) > days.Tolerance) as LastDifferentDay
    from days
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
),
periods as (
    select
        source_completeness.Account as Account,
        source_completeness.BillingPeriodStart as BillingPeriodStart,
        min(case when source_completeness.IsClosed then 1 else 0 end) as ClosedCount
    from source_completeness
    where source_completeness.IsCost
        or source_completeness.Source = 'query'
    group by 1, 2
),
used_periods as (
    select
        int_cost_source.Account as Account,
        int_cost_source.BillingPeriodStart as BillingPeriodStart
    from int_cost_source
    where int_cost_source.IsUsed
    group by 1, 2
)
select
    sums.Source as Source,
    sums.Account as Account,
    sums.Scope as Scope,
    month_text(sums.BillingPeriodStart) as BillingPeriod,
    sums.Dataset as Dataset,
    sums.CostType as CostType,
    sums.BillingCurrency as BillingCurrency,
    sums.BillingPeriodStart as BillingPeriodStart,
    sums.IsUsed as IsUsed,
    coalesce(periods.ClosedCount, 0) = 1 and used_periods.Account is not null as IsSettled,
    case when sums.IsAsked then 'query' end as ExpectedFrom,
    case when sums.IsAsked then cast(sums.ExpectedCost as decimal(38, 18)) end as ExpectedCost,
    cast(sums.GotCost as decimal(38, 18)) as GotCost,
    case when sums.IsAsked then cast(sums.GotCost - sums.ExpectedCost as decimal(38, 18)) end as Difference,
    case when sums.IsAsked then cast(sums.Tolerance as decimal(38, 18)) end as Tolerance,
    case when sums.IsAsked then abs(sums.GotCost - sums.ExpectedCost) <= sums.Tolerance end as IsEqual,
    sums.DayCount as DayCount,
    case when sums.IsAsked then sums.DifferentDayCount end as DifferentDayCount,
    case when sums.IsAsked then sums.FirstDifferentDay end as FirstDifferentDay,
    case when sums.IsAsked then sums.LastDifferentDay end as LastDifferentDay
from sums
left join periods
    on periods.Account = sums.Account
    and periods.BillingPeriodStart = sums.BillingPeriodStart
left join used_periods
    on used_periods.Account = sums.Account
    and used_periods.BillingPeriodStart = month_add(sums.BillingPeriodStart, 1)
where sums.BillingCurrency <> '?'
    or sums.DayCount > 0
    or sums.CurrencyCount = 1
