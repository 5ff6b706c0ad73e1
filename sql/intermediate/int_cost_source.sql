-- int_cost_source is which unit of cost records counts, for each account, scope and month.
--
-- The same month can come from exports and from the usage details API, and from a billing account, its profiles and its
-- subscriptions at once. It is counted once. The account's own scope comes before billing profiles, invoice sections and
-- departments, those before management groups, those before subscriptions and resource groups; a scope inside another that
-- counts does not. Of one scope and dataset the export comes before the API. Scopes of one level side by side all count.
--
-- Only units that hold records stand here, so an empty export silences nothing. A unit whose last fetch failed keeps the
-- files of the last good one and counts with them.
--
-- A management group and a billing profile can overlap without their names saying so. Then the wider level wins and what
-- only the narrower one has is left out; source_completeness shows such a unit as not used.
--
-- reads:  int_cost_day, account
-- grain:  Account, Source, Scope, BillingPeriodStart, Dataset
-- period: BillingPeriodStart
--
-- column Account             varchar  the account's name in the configuration
-- column Source              varchar  cost_export or usage_details
-- column Scope               varchar  the scope the records were asked for
-- column BillingPeriodStart  date     first day of the month the billing period starts in
-- column Dataset             varchar  actual or amortized
-- column IsUsed              boolean  its records count
-- column HasActual           boolean  actual cost counts in this scope and month
-- column HasAmortized        boolean  amortized cost counts in this scope and month
-- column Reason              varchar  why it counts or not, in words
--
-- check: Reason <> ''
-- total: (select count(*) from int_cost_source)
--        = (select count(*) from (select Account, Source, Scope, BillingPeriodStart, Dataset from int_cost_day group by 1, 2, 3, 4, 5) as units)
-- total: not exists (select Account, BillingPeriodStart, lower(Scope), Dataset from int_cost_source where IsUsed group by 1, 2, 3, 4 having count(*) > 1)
-- total: not exists (select 1 from int_cost_day) or exists (select 1 from int_cost_source where IsUsed)
with
units as (
    select
        int_cost_day.Account as Account,
        int_cost_day.Source as Source,
        int_cost_day.Scope as Scope,
        int_cost_day.BillingPeriodStart as BillingPeriodStart,
        int_cost_day.Dataset as Dataset,
        lower(int_cost_day.Scope) as ScopeKey
    from int_cost_day
    group by 1, 2, 3, 4, 5, 6
),
own as (
    select
        account.Account as Account,
        lower(account.Scope) as ScopeKey
    from account
    group by 1, 2
),
levelled as (
    select
        units.Account as Account,
        units.Source as Source,
        units.Scope as Scope,
        units.BillingPeriodStart as BillingPeriodStart,
        units.Dataset as Dataset,
        units.ScopeKey as ScopeKey,
        case
            when own.Account is not null then 1
            when units.ScopeKey like '/providers/microsoft.billing/%' then 2
            when units.ScopeKey like '/providers/microsoft.management/%' then 3
            else 4
        end as ScopeLevel
    from units
    left join own
        on own.Account = units.Account
        and own.ScopeKey = units.ScopeKey
),
ranked as (
    select
        levelled.Account as Account,
        levelled.Source as Source,
        levelled.Scope as Scope,
        levelled.BillingPeriodStart as BillingPeriodStart,
        levelled.Dataset as Dataset,
        levelled.ScopeKey as ScopeKey,
        levelled.ScopeLevel as ScopeLevel,
        min(levelled.ScopeLevel) over (
            partition by levelled.Account, levelled.BillingPeriodStart
        ) as WidestLevel,
        -- cost_export stands before usage_details in the alphabet too
        row_number() over (
            partition by levelled.Account, levelled.BillingPeriodStart, levelled.ScopeKey, levelled.Dataset
            order by levelled.Source, levelled.Scope
        ) as Preference
    from levelled
),
nested as (
    select distinct
        narrow.Account as Account,
        narrow.BillingPeriodStart as BillingPeriodStart,
        narrow.ScopeKey as ScopeKey
    from ranked as narrow
    inner join ranked as wide
        on wide.Account = narrow.Account
        and wide.BillingPeriodStart = narrow.BillingPeriodStart
        and substr(narrow.ScopeKey, 1, length(wide.ScopeKey) + 1) = wide.ScopeKey || '/'
),
chosen as (
    select
        ranked.Account as Account,
        ranked.Source as Source,
        ranked.Scope as Scope,
        ranked.BillingPeriodStart as BillingPeriodStart,
        ranked.Dataset as Dataset,
        ranked.ScopeKey as ScopeKey,
        case
            when ranked.ScopeLevel > ranked.WidestLevel then 'a wider scope counts'
            when nested.Account is not null then 'a wider scope counts'
            when ranked.Preference > 1 then 'the export of the same scope counts'
            else 'counts'
        end as Reason
    from ranked
    left join nested
        on nested.Account = ranked.Account
        and nested.BillingPeriodStart = ranked.BillingPeriodStart
        and nested.ScopeKey = ranked.ScopeKey
),
datasets as (
    select
        chosen.Account as Account,
        chosen.BillingPeriodStart as BillingPeriodStart,
        chosen.ScopeKey as ScopeKey,
        count(*) filter (where chosen.Dataset = 'actual') as ActualCount,
        count(*) filter (where chosen.Dataset = 'amortized') as AmortizedCount
    from chosen
    where chosen.Reason = 'counts'
    group by 1, 2, 3
)
select
    chosen.Account as Account,
    chosen.Source as Source,
    chosen.Scope as Scope,
    chosen.BillingPeriodStart as BillingPeriodStart,
    chosen.Dataset as Dataset,
    chosen.Reason = 'counts' as IsUsed,
    coalesce(datasets.ActualCount, 0) > 0 as HasActual,
    coalesce(datasets.AmortizedCount, 0) > 0 as HasAmortized,
    chosen.Reason as Reason
from chosen
left join datasets
    on datasets.Account = chosen.Account
    and datasets.BillingPeriodStart = chosen.BillingPeriodStart
    and datasets.ScopeKey = chosen.ScopeKey
