-- int_cost_source is which unit of cost records counts, for each account, scope and month.
--
-- The same month can come from exports, FOCUS exports, reports and the usage details API, and from a billing account, its profiles
-- and its subscriptions at once. It is counted once. The account's own scope comes before billing profiles, invoice sections and
-- departments, those before management groups, those before subscriptions and resource groups; a scope inside another that
-- counts does not. Scopes of one level side by side all count.
--
-- Of one scope and month one source counts, with all it has, where it has both actual and amortized cost; a FOCUS export has both in
-- every row. So the two halves of a month come from one place, and what one source bills is never spread by another. Of several
-- such sources the first counts of: cost export, FOCUS export, cost details report, detailed cost report, usage details API. Where
-- no source has both, actual and amortized cost are each taken from the first that has them, for half of a month is less.
--
-- A unit that ends more than three days before the furthest of its scope is behind: an export that stopped, a fetch that failed. It
-- is taken for missing, unless nothing better is there; so a source that goes on takes over. Amortized cost that is behind is left
-- out even when it is the only one, because with it the month's usage comes from it: actual cost then stands for both. Actual cost
-- that is behind adds what was bought, and is kept. Three days, as exports are written once a day and miss a weekend.
--
-- Only units that hold records stand here, so an empty export silences nothing. A unit whose last fetch failed keeps the
-- files of the last good one and counts with them, if it is not behind.
--
-- A management group and a billing profile can overlap without their names saying so. Then the wider level wins and what
-- only the narrower one has is left out; source_completeness shows such a unit as not used.
--
-- reads:  int_cost_day, account
-- grain:  Account, Source, Scope, BillingPeriodStart, Dataset
-- period: BillingPeriodStart
-- from:   int_cost_day on Account, Source, Scope, Dataset
--
-- column Account             varchar  the account's name in the configuration
-- column Source              varchar  cost_export, focus_export, cost_details, detailed_cost or usage_details
-- column Scope               varchar  the scope the records were asked for
-- column BillingPeriodStart  date     first day of the month the billing period starts in
-- column Dataset             varchar  actual, amortized or focus
-- column IsUsed              boolean  its records count
-- column HasActual           boolean  actual cost counts in this scope and month
-- column HasAmortized        boolean  amortized cost counts in this scope and month
-- column Reason              varchar  why it counts or not, in words
--
-- check: Reason <> ''
-- total: (select count(*) from int_cost_source)
--        = (select count(*) from (select Account, Source, Scope, BillingPeriodStart, Dataset from int_cost_day group by 1, 2, 3, 4, 5) as units)
-- total: not exists (select Account, BillingPeriodStart, lower(Scope), Dataset from int_cost_source where IsUsed group by 1, 2, 3, 4 having count(*) > 1)
-- total: not exists (select Account, BillingPeriodStart, lower(Scope) from int_cost_source where IsUsed group by 1, 2, 3
--        having count(*) > 1 and count(*) filter (where Dataset = 'focus') > 0)
-- total: not exists (select 1 from int_cost_day) or exists (select 1 from int_cost_source where IsUsed)
with
units as (
    select
        int_cost_day.Account as Account,
        int_cost_day.Source as Source,
        int_cost_day.Scope as Scope,
        int_cost_day.BillingPeriodStart as BillingPeriodStart,
        int_cost_day.Dataset as Dataset,
        lower(int_cost_day.Scope) as ScopeKey,
        -- What was bought can be dated ahead; usage goes on day by day.
        coalesce(max(int_cost_day.ChargeDate) filter (where int_cost_day.UsageCount > 0), max(int_cost_day.ChargeDate)) as LastDay
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
        units.LastDay as LastDay,
        max(units.LastDay) over (partition by units.Account, units.BillingPeriodStart, units.ScopeKey) as FurthestDay,
        case
            when own.Account is not null then 1
            when units.ScopeKey like '/providers/microsoft.billing/%' then 2
            when units.ScopeKey like '/providers/microsoft.management/%' then 3
            else 4
        end as ScopeLevel,
        case units.Source
            when 'cost_export' then 1
            when 'focus_export' then 2
            when 'cost_details' then 3
            when 'detailed_cost' then 4
            else 5
        end as Preference,
        row_number() over (
            partition by units.Account, units.BillingPeriodStart, units.ScopeKey, units.Source, units.Dataset
            order by units.LastDay desc, units.Scope
        ) as Spelling
    from units
    left join own
        on own.Account = units.Account
        and own.ScopeKey = units.ScopeKey
),
dated as (
    select
        levelled.*,
        day_add(levelled.LastDay, 3) >= levelled.FurthestDay as IsCurrent,
        min(levelled.ScopeLevel) over (partition by levelled.Account, levelled.BillingPeriodStart) as WidestLevel
    from levelled
),
sources as (
    select
        dated.Account as Account,
        dated.BillingPeriodStart as BillingPeriodStart,
        dated.ScopeKey as ScopeKey,
        dated.Preference as Preference
    from dated
    where dated.IsCurrent
    group by 1, 2, 3, 4
    having count(*) filter (where dated.Dataset = 'focus') > 0
        or (count(*) filter (where dated.Dataset = 'actual') > 0 and count(*) filter (where dated.Dataset = 'amortized') > 0)
),
whole as (
    select
        sources.Account as Account,
        sources.BillingPeriodStart as BillingPeriodStart,
        sources.ScopeKey as ScopeKey,
        min(sources.Preference) as Preference
    from sources
    group by 1, 2, 3
),
ranked as (
    select
        dated.*,
        whole.Preference as WholePreference,
        row_number() over (
            partition by dated.Account, dated.BillingPeriodStart, dated.ScopeKey, dated.Dataset
            order by
                case when dated.IsCurrent then 0 else 1 end,
                dated.Preference,
                dated.Spelling
        ) as Place,
        first_value(dated.Preference) over (
            partition by dated.Account, dated.BillingPeriodStart, dated.ScopeKey, dated.Dataset
            order by
                case when dated.IsCurrent then 0 else 1 end,
                dated.Preference,
                dated.Spelling
        ) as FirstPreference
    from dated
    left join whole
        on whole.Account = dated.Account
        and whole.BillingPeriodStart = dated.BillingPeriodStart
        and whole.ScopeKey = dated.ScopeKey
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
            when ranked.Preference = ranked.WholePreference and ranked.Spelling = 1 then 'counts'
            when not ranked.IsCurrent and (ranked.WholePreference is not null or ranked.Dataset <> 'actual' or ranked.Place > 1)
                then 'it ends on ' || cast(ranked.LastDay as varchar) || ', other records of the same scope go on to ' || cast(ranked.FurthestDay as varchar)
            when ranked.WholePreference is null and ranked.Place = 1 then 'counts'
            else case coalesce(ranked.WholePreference, ranked.FirstPreference)
                when 1 then 'the export'
                when 2 then 'the FOCUS export'
                when 3 then 'the cost details report'
                when 4 then 'the detailed cost report'
                else 'the usage details API'
            end || ' of the same scope counts' || case
                when ranked.Preference < ranked.WholePreference then ', which has both actual and amortized cost'
                else ''
            end
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
        count(*) filter (where chosen.Dataset in ('actual', 'focus')) as ActualCount,
        count(*) filter (where chosen.Dataset in ('amortized', 'focus')) as AmortizedCount
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
