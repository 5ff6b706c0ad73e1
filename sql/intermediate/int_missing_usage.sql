-- int_missing_usage is a day of which Azure says that it cost more than the records that count.
--
-- Azure's own sum of the day (stg_query) has no line item on its way to us, so it is held against the records of that day, in
-- whatever period they stand. Azure rounds every sum at the eighth digit; half a unit of that for each is no difference.
--
-- The account's own scope speaks for the account; without its answer the scopes below it do, added up. A month whose counted
-- records have no actual cost is left out, because then nothing says what was billed on a day.
--
-- reads:  stg_query, int_cost_day, int_cost_source, account
-- grain:  Account, BillingPeriodStart, ChargeDate, BillingCurrency
--
-- column Account             varchar          the account's name in the configuration
-- column BillingPeriodStart  date             first day of the month the day is billed in
-- column ChargeDate          date             UTC day
-- column BillingCurrency     varchar          ISO 4217
-- column ExpectedCost        decimal(38, 18)  BillingCurrency, what Azure says of the day
-- column RecordedCost        decimal(38, 18)  BillingCurrency, actual cost of the day's records
-- column MissingCost         decimal(38, 18)  BillingCurrency, the difference
-- column Tolerance           decimal(38, 18)  BillingCurrency, what rounding may make of it
--
-- check: MissingCost > 0
-- check: MissingCost = ExpectedCost - RecordedCost
-- total: not exists (select Account, ChargeDate from int_missing_usage except select Account, ChargeDate from stg_query where Dataset = 'actual')
with
own as (
    select
        account.Account as Account,
        lower(account.Scope) as ScopeKey
    from account
    group by 1, 2
),
answer as (
    select
        stg_query.Account as Account,
        stg_query.BillingPeriodStart as BillingPeriodStart,
        stg_query.ChargeDate as ChargeDate,
        coalesce(upper(stg_query.BillingCurrency), 'XXX') as BillingCurrency,
        own.Account is not null as IsOwn,
        max(case when own.Account is not null then 1 else 0 end) over (partition by stg_query.Account, stg_query.BillingPeriodStart) as OwnCount,
        stg_query.Cost as Cost
    from stg_query
    left join own
        on own.Account = stg_query.Account
        and own.ScopeKey = lower(stg_query.Scope)
    where stg_query.Dataset = 'actual'
),
expected as (
    select
        answer.Account as Account,
        answer.BillingPeriodStart as BillingPeriodStart,
        answer.ChargeDate as ChargeDate,
        answer.BillingCurrency as BillingCurrency,
        coalesce(sum(answer.Cost), 0) as ExpectedCost,
        product(cast(count(*) as decimal(38, 18)), cast(0.000000005 as decimal(38, 18))) as Tolerance
    from answer
    where answer.IsOwn
        or answer.OwnCount = 0
    group by 1, 2, 3, 4
),
counted as (
    select
        int_cost_source.Account as Account,
        int_cost_source.BillingPeriodStart as BillingPeriodStart,
        min(case when int_cost_source.HasActual then 1 else 0 end) as HasActual
    from int_cost_source
    where int_cost_source.IsUsed
    group by 1, 2
),
recorded as (
    select
        int_cost_day.Account as Account,
        int_cost_day.ChargeDate as ChargeDate,
        int_cost_day.BillingCurrency as BillingCurrency,
        sum(int_cost_day.Cost) as Cost
    from int_cost_day
    inner join int_cost_source
        on int_cost_source.Account = int_cost_day.Account
        and int_cost_source.Source = int_cost_day.Source
        and int_cost_source.Scope = int_cost_day.Scope
        and int_cost_source.BillingPeriodStart = int_cost_day.BillingPeriodStart
        and int_cost_source.Dataset = int_cost_day.Dataset
    where int_cost_source.IsUsed
        and int_cost_day.Dataset in ('actual', 'focus')
    group by 1, 2, 3
)
select
    expected.Account as Account,
    expected.BillingPeriodStart as BillingPeriodStart,
    expected.ChargeDate as ChargeDate,
    expected.BillingCurrency as BillingCurrency,
    cast(expected.ExpectedCost as decimal(38, 18)) as ExpectedCost,
    cast(coalesce(recorded.Cost, 0) as decimal(38, 18)) as RecordedCost,
    cast(expected.ExpectedCost - coalesce(recorded.Cost, 0) as decimal(38, 18)) as MissingCost,
    expected.Tolerance as Tolerance
from expected
inner join counted
    on counted.Account = expected.Account
    and counted.BillingPeriodStart = expected.BillingPeriodStart
left join recorded
    on recorded.Account = expected.Account
    and recorded.ChargeDate = expected.ChargeDate
    and recorded.BillingCurrency = expected.BillingCurrency
where counted.HasActual = 1
    and expected.ExpectedCost - coalesce(recorded.Cost, 0) > expected.Tolerance
