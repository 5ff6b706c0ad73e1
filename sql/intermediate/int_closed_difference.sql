-- int_closed_difference is what each owner's costs of a closed month were when it was signed off, and what they are now.
--
-- The month is still built from what Azure says today, with the rules it was closed with; only what is published stays. So the
-- two differ by what changed since. A line that is the same in both stays here as well: where a month has lines, its raw
-- files are still in the lake. Where these are gone nothing can be compared, and nothing is.
--
-- reads:  int_chargeback, closed_chargeback, period_close, raw_unit
-- grain:  BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
-- period: BillingPeriodStart
-- from:   int_chargeback on BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
-- adds:   EffectiveCost, BilledCost, ListCost, PolicyAmount, ChargeCount
-- with:   closed_chargeback on BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
--         where closed_chargeback.AllocationKind <> 'Adjustment'
-- adds:   ClosedEffectiveCost = closed_chargeback.EffectiveCost, ClosedBilledCost = closed_chargeback.BilledCost,
--         ClosedListCost = closed_chargeback.ListCost, ClosedChargeCount = closed_chargeback.ChargeCount
--
-- column BillingPeriodStart   date             first day of the closed billing period
-- column Account              varchar          as in chargeback
-- column CostOwner            varchar          as in chargeback
-- column SubAccountId         varchar          as in chargeback
-- column ServiceName          varchar          as in chargeback
-- column BillingCurrency      varchar          ISO 4217
-- column SubAccountName       varchar          as in chargeback
-- column ClosedEffectiveCost  decimal(38, 18)  BillingCurrency, as signed off
-- column EffectiveCost        decimal(38, 18)  BillingCurrency, as it is now
-- column ClosedBilledCost     decimal(38, 18)  BillingCurrency, as signed off
-- column BilledCost           decimal(38, 18)  BillingCurrency, as it is now
-- column ClosedListCost       decimal(38, 18)  BillingCurrency, as signed off
-- column ListCost             decimal(38, 18)  BillingCurrency, as it is now
-- column ClosedPolicyAmount   decimal(38, 18)  BillingCurrency, as signed off
-- column PolicyAmount         decimal(38, 18)  BillingCurrency, as it is now
-- column ClosedChargeCount    bigint           charges, as signed off
-- column ChargeCount          bigint           charges, as they are now
-- column ClosedLineCount      bigint           lines of chargeback, as signed off
-- column LineCount            bigint           lines of chargeback, as they are now
--
-- total: not exists (select 1 from int_closed_difference) or not exists (
--        select BillingCurrency, sum(ClosedBilledCost), sum(ClosedEffectiveCost), sum(ClosedPolicyAmount), sum(ClosedLineCount) from int_closed_difference
--        group by BillingCurrency having sum(ClosedLineCount) > 0
--        except select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(coalesce(PolicyAmount, 0)), count(*) from closed_chargeback where AllocationKind <> 'Adjustment' group by BillingCurrency)
with line as (
    select
        int_chargeback.BillingPeriodStart as BillingPeriodStart,
        int_chargeback.Account as Account,
        int_chargeback.CostOwner as CostOwner,
        int_chargeback.SubAccountId as SubAccountId,
        int_chargeback.ServiceName as ServiceName,
        int_chargeback.BillingCurrency as BillingCurrency,
        int_chargeback.SubAccountName as SubAccountName,
        false as IsClosed,
        int_chargeback.EffectiveCost as EffectiveCost,
        int_chargeback.BilledCost as BilledCost,
        int_chargeback.ListCost as ListCost,
        int_chargeback.PolicyAmount as PolicyAmount,
        int_chargeback.ChargeCount as ChargeCount
    from int_chargeback
    union all
    select
        closed_chargeback.BillingPeriodStart,
        closed_chargeback.Account,
        closed_chargeback.CostOwner,
        closed_chargeback.SubAccountId,
        closed_chargeback.ServiceName,
        closed_chargeback.BillingCurrency,
        closed_chargeback.SubAccountName,
        true,
        closed_chargeback.EffectiveCost,
        closed_chargeback.BilledCost,
        closed_chargeback.ListCost,
        closed_chargeback.PolicyAmount,
        closed_chargeback.ChargeCount
    from closed_chargeback
    where closed_chargeback.AllocationKind <> 'Adjustment'
)
select
    line.BillingPeriodStart as BillingPeriodStart,
    line.Account as Account,
    line.CostOwner as CostOwner,
    line.SubAccountId as SubAccountId,
    line.ServiceName as ServiceName,
    line.BillingCurrency as BillingCurrency,
    max(line.SubAccountName) as SubAccountName,
    cast(coalesce(sum(line.EffectiveCost) filter (where line.IsClosed), 0) as decimal(38, 18)) as ClosedEffectiveCost,
    cast(coalesce(sum(line.EffectiveCost) filter (where not line.IsClosed), 0) as decimal(38, 18)) as EffectiveCost,
    cast(coalesce(sum(line.BilledCost) filter (where line.IsClosed), 0) as decimal(38, 18)) as ClosedBilledCost,
    cast(coalesce(sum(line.BilledCost) filter (where not line.IsClosed), 0) as decimal(38, 18)) as BilledCost,
    cast(coalesce(sum(line.ListCost) filter (where line.IsClosed), 0) as decimal(38, 18)) as ClosedListCost,
    cast(coalesce(sum(line.ListCost) filter (where not line.IsClosed), 0) as decimal(38, 18)) as ListCost,
    cast(coalesce(sum(line.PolicyAmount) filter (where line.IsClosed), 0) as decimal(38, 18)) as ClosedPolicyAmount,
    cast(coalesce(sum(line.PolicyAmount) filter (where not line.IsClosed), 0) as decimal(38, 18)) as PolicyAmount,
    cast(coalesce(sum(line.ChargeCount) filter (where line.IsClosed), 0) as bigint) as ClosedChargeCount,
    cast(coalesce(sum(line.ChargeCount) filter (where not line.IsClosed), 0) as bigint) as ChargeCount,
    count(*) filter (where line.IsClosed) as ClosedLineCount,
    count(*) filter (where not line.IsClosed) as LineCount
from line
where month_start(line.BillingPeriodStart) in (select cast(concat(period_close.BillingPeriod, '-01') as date) from period_close)
    and month_start(line.BillingPeriodStart) in (
        select cast(concat(raw_unit.Period, '-01') as date) from raw_unit where raw_unit.Period <> 'all'
    )
group by
    line.BillingPeriodStart,
    line.Account,
    line.CostOwner,
    line.SubAccountId,
    line.ServiceName,
    line.BillingCurrency
