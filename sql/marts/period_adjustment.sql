-- period_adjustment is what changed in a closed month since it was signed off, and the month in which that is charged.
--
-- A closed month is published as it was signed off. What Azure changes in it later is booked in the first month that is open: as
-- signed off plus its adjustments is what the month costs today, to the last digit. When that month is closed too, the
-- adjustments booked in it are final; only what changes after that is booked in the next.
--
-- reads:  int_closed_difference, closed_period_adjustment, period_close
-- grain:  BillingPeriodStart, ClosedPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
-- from:   int_closed_difference on Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
--         where int_closed_difference.BillingPeriodStart = period_adjustment.ClosedPeriodStart
-- with:   closed_period_adjustment on ClosedPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
--
-- column BillingPeriodStart  date             first day of the month it is charged in, the one after the last closed month; of a final adjustment, that month
-- column ClosedPeriodStart   date             first day of the closed billing period it is about
-- column Account             varchar          as in chargeback
-- column CostOwner           varchar          who pays, by the rules the month was closed with
-- column SubAccountId        varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName         varchar          Not assigned where the charge names none
-- column BillingCurrency     varchar          ISO 4217
-- column SubAccountName      varchar          as in chargeback; null without one
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, amortised, before tax: how much more it is
-- column CommitmentTiming    decimal(38, 18)  BillingCurrency, BilledCost - EffectiveCost
-- column BilledCost          decimal(38, 18)  BillingCurrency, before tax: how much more it is
-- column ListCost            decimal(38, 18)  BillingCurrency, at list price, before tax: how much more it is
-- column PolicyAmount        decimal(38, 18)  BillingCurrency, charged beyond EffectiveCost: how much more it is
-- column ChargebackAmount    decimal(38, 18)  BillingCurrency, EffectiveCost + PolicyAmount: how much more the owner pays
-- column ChargeCount         bigint           how many more charges there are; below 0 where there are fewer
-- column Reason              varchar          NewCharges: nothing of it was signed off; GoneCharges: nothing of it is left; ChangedCharges
-- column IsFinal             boolean          the month it is charged in is closed too
--
-- check: EffectiveCost + CommitmentTiming = BilledCost
-- check: EffectiveCost + PolicyAmount = ChargebackAmount
-- check: BillingPeriodStart > ClosedPeriodStart
-- total: not exists (select 1 from (
--        select BillingPeriodStart as ClosedPeriodStart, BillingCurrency, BilledCost - ClosedBilledCost as BilledCost, EffectiveCost - ClosedEffectiveCost as EffectiveCost,
--            PolicyAmount - ClosedPolicyAmount as PolicyAmount from int_closed_difference
--        union all select ClosedPeriodStart, BillingCurrency, -BilledCost, -EffectiveCost, -PolicyAmount from period_adjustment
--        where month_start(ClosedPeriodStart) in (select month_start(BillingPeriodStart) from int_closed_difference)) as changes
--        group by ClosedPeriodStart, BillingCurrency having sum(BilledCost) <> 0 or sum(EffectiveCost) <> 0 or sum(PolicyAmount) <> 0)
-- total: (select count(*) from closed_period_adjustment) = (select count(*) from period_adjustment where IsFinal)
with change as (
    select
        int_closed_difference.BillingPeriodStart as ClosedPeriodStart,
        int_closed_difference.Account as Account,
        int_closed_difference.CostOwner as CostOwner,
        int_closed_difference.SubAccountId as SubAccountId,
        int_closed_difference.ServiceName as ServiceName,
        int_closed_difference.BillingCurrency as BillingCurrency,
        int_closed_difference.SubAccountName as SubAccountName,
        int_closed_difference.EffectiveCost - int_closed_difference.ClosedEffectiveCost as EffectiveCost,
        int_closed_difference.BilledCost - int_closed_difference.ClosedBilledCost as BilledCost,
        int_closed_difference.ListCost - int_closed_difference.ClosedListCost as ListCost,
        int_closed_difference.PolicyAmount - int_closed_difference.ClosedPolicyAmount as PolicyAmount,
        int_closed_difference.ChargeCount - int_closed_difference.ClosedChargeCount as ChargeCount,
        int_closed_difference.ClosedLineCount as ClosedLineCount,
        int_closed_difference.LineCount as LineCount
    from int_closed_difference
    union all
    select
        closed_period_adjustment.ClosedPeriodStart,
        closed_period_adjustment.Account,
        closed_period_adjustment.CostOwner,
        closed_period_adjustment.SubAccountId,
        closed_period_adjustment.ServiceName,
        closed_period_adjustment.BillingCurrency,
        closed_period_adjustment.SubAccountName,
        -closed_period_adjustment.EffectiveCost,
        -closed_period_adjustment.BilledCost,
        -closed_period_adjustment.ListCost,
        -coalesce(closed_period_adjustment.PolicyAmount, 0),
        -closed_period_adjustment.ChargeCount,
        0,
        0
    from closed_period_adjustment
    where month_start(closed_period_adjustment.ClosedPeriodStart) in (select month_start(int_closed_difference.BillingPeriodStart) from int_closed_difference)
),
open_change as (
    select
        change.ClosedPeriodStart,
        change.Account,
        change.CostOwner,
        change.SubAccountId,
        change.ServiceName,
        change.BillingCurrency,
        max(change.SubAccountName) as SubAccountName,
        sum(change.EffectiveCost) as EffectiveCost,
        sum(change.BilledCost) as BilledCost,
        sum(change.ListCost) as ListCost,
        sum(change.PolicyAmount) as PolicyAmount,
        sum(change.ChargeCount) as ChargeCount,
        sum(change.ClosedLineCount) as ClosedLineCount,
        sum(change.LineCount) as LineCount
    from change
    group by
        change.ClosedPeriodStart,
        change.Account,
        change.CostOwner,
        change.SubAccountId,
        change.ServiceName,
        change.BillingCurrency
),
open_month as (
    select month_add(max(cast(concat(period_close.BillingPeriod, '-01') as date)), 1) as BillingPeriodStart
    from period_close
)
select
    closed_period_adjustment.BillingPeriodStart as BillingPeriodStart,
    closed_period_adjustment.ClosedPeriodStart as ClosedPeriodStart,
    closed_period_adjustment.Account as Account,
    closed_period_adjustment.CostOwner as CostOwner,
    closed_period_adjustment.SubAccountId as SubAccountId,
    closed_period_adjustment.ServiceName as ServiceName,
    closed_period_adjustment.BillingCurrency as BillingCurrency,
    closed_period_adjustment.SubAccountName as SubAccountName,
    closed_period_adjustment.EffectiveCost as EffectiveCost,
    closed_period_adjustment.CommitmentTiming as CommitmentTiming,
    closed_period_adjustment.BilledCost as BilledCost,
    closed_period_adjustment.ListCost as ListCost,
    coalesce(closed_period_adjustment.PolicyAmount, 0) as PolicyAmount,
    coalesce(closed_period_adjustment.ChargebackAmount, closed_period_adjustment.EffectiveCost) as ChargebackAmount,
    closed_period_adjustment.ChargeCount as ChargeCount,
    closed_period_adjustment.Reason as Reason,
    true as IsFinal
from closed_period_adjustment
union all
select
    open_month.BillingPeriodStart,
    open_change.ClosedPeriodStart,
    open_change.Account,
    open_change.CostOwner,
    open_change.SubAccountId,
    open_change.ServiceName,
    open_change.BillingCurrency,
    open_change.SubAccountName,
    cast(open_change.EffectiveCost as decimal(38, 18)),
    cast(open_change.BilledCost - open_change.EffectiveCost as decimal(38, 18)),
    cast(open_change.BilledCost as decimal(38, 18)),
    cast(open_change.ListCost as decimal(38, 18)),
    cast(open_change.PolicyAmount as decimal(38, 18)),
    cast(open_change.EffectiveCost + open_change.PolicyAmount as decimal(38, 18)),
    cast(open_change.ChargeCount as bigint),
    case
        when open_change.ClosedLineCount = 0 then 'NewCharges'
        when open_change.LineCount = 0 then 'GoneCharges'
        else 'ChangedCharges'
    end,
    false
from open_change
cross join open_month
where open_change.EffectiveCost <> 0
    or open_change.BilledCost <> 0
    or open_change.ListCost <> 0
    or open_change.PolicyAmount <> 0
    or open_change.ChargeCount <> 0
