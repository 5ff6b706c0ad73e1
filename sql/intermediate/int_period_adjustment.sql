-- int_period_adjustment is the lines of chargeback for what changed in closed months, in the month they are booked in.
--
-- The units say which month is being built: adjustments themselves are kept in one piece.
--
-- reads:  period_adjustment, raw_unit
-- grain:  BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency, RuleName
-- period: BillingPeriodStart
-- from:   period_adjustment on BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
-- adds:   EffectiveCost, CommitmentTiming, BilledCost, ListCost, PolicyAmount, ChargebackAmount, ChargeCount
--
-- column BillingPeriodStart  date             first day of the month they are booked in
-- column Account             varchar          as in chargeback
-- column CostOwner           varchar          as in chargeback
-- column SubAccountId        varchar          as in chargeback
-- column ServiceName         varchar          as in chargeback
-- column AllocationKind      varchar          Adjustment
-- column BillingCurrency     varchar          ISO 4217
-- column RuleName            varchar          empty: no rule moved it here
-- column SubAccountName      varchar          as in chargeback
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, how much more it is
-- column CommitmentTiming    decimal(38, 18)  BillingCurrency, BilledCost - EffectiveCost
-- column BilledCost          decimal(38, 18)  BillingCurrency, how much more it is
-- column ListCost            decimal(38, 18)  BillingCurrency, how much more it is
-- column PolicyAmount        decimal(38, 18)  BillingCurrency, how much more is charged beyond EffectiveCost
-- column ChargebackAmount    decimal(38, 18)  BillingCurrency, how much more the owner pays
-- column ChargeCount         bigint           how many more charges there are
--
-- total: not exists (select BillingPeriodStart, BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(PolicyAmount), sum(ChargeCount) from int_period_adjustment group by 1, 2
--        except select BillingPeriodStart, BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(PolicyAmount), sum(ChargeCount) from period_adjustment group by 1, 2)
select
    period_adjustment.BillingPeriodStart as BillingPeriodStart,
    period_adjustment.Account as Account,
    period_adjustment.CostOwner as CostOwner,
    period_adjustment.SubAccountId as SubAccountId,
    period_adjustment.ServiceName as ServiceName,
    'Adjustment' as AllocationKind,
    period_adjustment.BillingCurrency as BillingCurrency,
    '' as RuleName,
    max(period_adjustment.SubAccountName) as SubAccountName,
    cast(sum(period_adjustment.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
    cast(sum(period_adjustment.CommitmentTiming) as decimal(38, 18)) as CommitmentTiming,
    cast(sum(period_adjustment.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(period_adjustment.ListCost) as decimal(38, 18)) as ListCost,
    cast(sum(period_adjustment.PolicyAmount) as decimal(38, 18)) as PolicyAmount,
    cast(sum(period_adjustment.ChargebackAmount) as decimal(38, 18)) as ChargebackAmount,
    cast(sum(period_adjustment.ChargeCount) as bigint) as ChargeCount
from period_adjustment
where period_adjustment.BillingPeriodStart in (
    select cast(concat(raw_unit.Period, '-01') as date) from raw_unit where raw_unit.Period <> 'all'
)
group by
    period_adjustment.BillingPeriodStart,
    period_adjustment.Account,
    period_adjustment.CostOwner,
    period_adjustment.SubAccountId,
    period_adjustment.ServiceName,
    period_adjustment.BillingCurrency
