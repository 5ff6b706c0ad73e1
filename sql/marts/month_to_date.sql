-- month_to_date is what each owner has spent in the month of the run date, beside the same days of the month before.
--
-- Days are charge days, whatever period bills them. Azure delivers a day's charges over one to two days, so the run date's own
-- charges are in Spent but in no rate. DataCompleteTo is the last day before the run date on which the account has more than
-- purchases of commitments in the currency, as billing profiles of one account, each with its currency, do not arrive together; an
-- owner without charges on such a day spent nothing on it. Amortised cost spreads those purchases over their term, so they make
-- no peak.
--
-- reads:  int_owner_daily, run_context
-- grain:  Account, CostOwner, BillingCurrency
-- from:   int_owner_daily on Account, CostOwner, BillingCurrency
--         where month_start(int_owner_daily.ChargeDate) = (select month_start(run_context.RunDate) from run_context)
-- adds:   Spent = int_owner_daily.EffectiveCost, SpentBilled = int_owner_daily.BilledCost
-- with:   int_owner_daily on Account, CostOwner, BillingCurrency
--         where month_start(int_owner_daily.ChargeDate) = (select month_add(month_start(run_context.RunDate), -1) from run_context)
-- adds:   SpentLastMonth = int_owner_daily.EffectiveCost
--
-- column RunDate                 date             the day the figures are of
-- column BillingMonth            date             first day of the month of RunDate
-- column Account                 varchar          the account's name in the configuration
-- column CostOwner               varchar          who pays; Unallocated where no rule and no tag says
-- column BillingCurrency         varchar          ISO 4217
-- column DataCompleteTo          date             the account's last complete day in BillingCurrency; in an earlier month when this one has none
-- column CompleteDays            bigint           days of this month up to DataCompleteTo
-- column Spent                   decimal(38, 18)  BillingCurrency, amortised, before tax, all that is known of this month
-- column SpentBilled             decimal(38, 18)  BillingCurrency, as invoiced, before tax, all that is known of this month
-- column SpentCompleteDays       decimal(38, 18)  BillingCurrency, amortised, up to DataCompleteTo
-- column SpentSameDaysLastMonth  decimal(38, 18)  BillingCurrency, amortised, the same days of the month before
-- column SpentLastMonth          decimal(38, 18)  BillingCurrency, amortised, the whole month before
-- column RunRate                 decimal(38, 18)  BillingCurrency per day, SpentCompleteDays / CompleteDays; null without a complete day
-- column PeakDate                date             the complete day of this month with the highest cost, the earlier of two; null without one
-- column PeakCost                decimal(38, 18)  BillingCurrency, amortised cost of that day
-- column LastDayCost             decimal(38, 18)  BillingCurrency, amortised cost of DataCompleteTo; null without a complete day
--
-- check: CompleteDays >= 0
-- total: not exists (select BillingCurrency, sum(EffectiveCost), sum(BilledCost) from int_owner_daily cross join run_context
--        where ChargeDate >= month_start(RunDate) and ChargeDate < month_add(month_start(RunDate), 1) group by BillingCurrency
--        except select BillingCurrency, sum(Spent), sum(SpentBilled) from month_to_date group by BillingCurrency)
with this_run as (
    select
        run_context.RunDate,
        month_start(run_context.RunDate) as BillingMonth,
        month_add(month_start(run_context.RunDate), 1) as NextMonth,
        month_add(month_start(run_context.RunDate), -1) as LastMonth
    from run_context
),
recent as (
    select
        this_run.RunDate,
        this_run.BillingMonth,
        this_run.LastMonth,
        int_owner_daily.Account,
        int_owner_daily.CostOwner,
        int_owner_daily.BillingCurrency,
        int_owner_daily.ChargeDate,
        max(case when int_owner_daily.AllocationKind <> 'CommitmentPurchase' then 1 else 0 end) as HasUsage,
        sum(int_owner_daily.EffectiveCost) as EffectiveCost,
        sum(int_owner_daily.BilledCost) as BilledCost
    from int_owner_daily
    cross join this_run
    where int_owner_daily.ChargeDate >= this_run.LastMonth
        and int_owner_daily.ChargeDate < this_run.NextMonth
    group by
        this_run.RunDate,
        this_run.BillingMonth,
        this_run.LastMonth,
        int_owner_daily.Account,
        int_owner_daily.CostOwner,
        int_owner_daily.BillingCurrency,
        int_owner_daily.ChargeDate
),
complete as (
    select
        recent.Account,
        recent.BillingCurrency,
        max(recent.ChargeDate) as DataCompleteTo
    from recent
    where recent.HasUsage = 1 and recent.ChargeDate < recent.RunDate
    group by recent.Account, recent.BillingCurrency
),
dated as (
    select
        recent.RunDate,
        recent.BillingMonth,
        recent.Account,
        recent.CostOwner,
        recent.BillingCurrency,
        recent.ChargeDate,
        recent.EffectiveCost,
        recent.BilledCost,
        complete.DataCompleteTo,
        greatest(coalesce(date_diff('day', recent.BillingMonth, complete.DataCompleteTo) + 1, 0), 0) as CompleteDays,
        recent.ChargeDate >= recent.BillingMonth as IsThisMonth,
        recent.ChargeDate >= recent.BillingMonth and coalesce(recent.ChargeDate <= complete.DataCompleteTo, false) as IsCompleteDay,
        recent.ChargeDate < recent.BillingMonth
            and date_diff('day', recent.LastMonth, recent.ChargeDate)
                <= coalesce(date_diff('day', recent.BillingMonth, complete.DataCompleteTo), -1) as IsSameDay
    from recent
    left join complete
        on complete.Account = recent.Account
        and complete.BillingCurrency = recent.BillingCurrency
),
ranked as (
    select
        dated.Account,
        dated.CostOwner,
        dated.BillingCurrency,
        dated.ChargeDate,
        dated.EffectiveCost,
        row_number() over (
            partition by dated.Account, dated.CostOwner, dated.BillingCurrency
            order by dated.EffectiveCost desc, dated.ChargeDate
        ) as recency
    from dated
    where dated.IsCompleteDay
),
added as (
    select
        dated.RunDate,
        dated.BillingMonth,
        dated.Account,
        dated.CostOwner,
        dated.BillingCurrency,
        dated.DataCompleteTo,
        dated.CompleteDays,
        coalesce(sum(dated.EffectiveCost) filter (where dated.IsThisMonth), 0) as Spent,
        coalesce(sum(dated.BilledCost) filter (where dated.IsThisMonth), 0) as SpentBilled,
        coalesce(sum(dated.EffectiveCost) filter (where dated.IsCompleteDay), 0) as SpentCompleteDays,
        coalesce(sum(dated.EffectiveCost) filter (where dated.IsSameDay), 0) as SpentSameDaysLastMonth,
        coalesce(sum(dated.EffectiveCost) filter (where not dated.IsThisMonth), 0) as SpentLastMonth,
        coalesce(sum(dated.EffectiveCost) filter (where dated.IsCompleteDay and dated.ChargeDate = dated.DataCompleteTo), 0) as LastDayCost
    from dated
    group by
        dated.RunDate,
        dated.BillingMonth,
        dated.Account,
        dated.CostOwner,
        dated.BillingCurrency,
        dated.DataCompleteTo,
        dated.CompleteDays
)
select
    added.RunDate as RunDate,
    added.BillingMonth as BillingMonth,
    added.Account as Account,
    added.CostOwner as CostOwner,
    added.BillingCurrency as BillingCurrency,
    added.DataCompleteTo as DataCompleteTo,
    cast(added.CompleteDays as bigint) as CompleteDays,
    cast(added.Spent as decimal(38, 18)) as Spent,
    cast(added.SpentBilled as decimal(38, 18)) as SpentBilled,
    cast(added.SpentCompleteDays as decimal(38, 18)) as SpentCompleteDays,
    cast(added.SpentSameDaysLastMonth as decimal(38, 18)) as SpentSameDaysLastMonth,
    cast(added.SpentLastMonth as decimal(38, 18)) as SpentLastMonth,
    ratio(cast(added.SpentCompleteDays as decimal(38, 18)), cast(added.CompleteDays as decimal(38, 18))) as RunRate,
    ranked.ChargeDate as PeakDate,
    cast(ranked.EffectiveCost as decimal(38, 18)) as PeakCost,
    cast(case when added.CompleteDays > 0 then added.LastDayCost end as decimal(38, 18)) as LastDayCost
from added
left join ranked
    on ranked.Account = added.Account
    and ranked.CostOwner = added.CostOwner
    and ranked.BillingCurrency = added.BillingCurrency
    and ranked.recency = 1
