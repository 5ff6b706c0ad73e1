-- int_chargeback is what each owner pays for each service of each subscription in one billing period, adjustments aside.
--
-- chargeback says what the lines mean. Here a month is always what the records say today; there a closed one is as it was signed off.
--
-- reads:  int_owner_daily, cost_and_usage
-- grain:  BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency
-- period: BillingPeriodStart
-- from:   int_owner_daily on BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency
-- adds:   EffectiveCost, CommitmentTiming = int_owner_daily.BilledCost - int_owner_daily.EffectiveCost, BilledCost, ListCost, ChargeCount
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column CostOwner           varchar          who pays; Unallocated where no rule and no tag says
-- column SubAccountId        varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName         varchar          Not assigned where the charge names none
-- column AllocationKind      varchar          Direct: owner known; Unallocated: not known; NoSubscription: charges of no subscription; UnusedCommitment; CommitmentPurchase; Rounding
-- column BillingCurrency     varchar          ISO 4217
-- column SubAccountName      varchar          the subscription's name, the last in the alphabet where it was renamed; null without one
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, amortised, before tax
-- column CommitmentTiming    decimal(38, 18)  BillingCurrency, BilledCost - EffectiveCost
-- column BilledCost          decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column ListCost            decimal(38, 18)  BillingCurrency, at list price, before tax; charges without a list price add nothing
-- column ChargeCount         bigint           charges added up
--
-- check: EffectiveCost + CommitmentTiming = BilledCost
-- check: AllocationKind <> 'Direct' or CostOwner <> 'Unallocated'
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost), count(*) from cost_and_usage group by BillingCurrency
--        except select BillingCurrency, sum(EffectiveCost) + sum(CommitmentTiming), sum(EffectiveCost), sum(ChargeCount) from int_chargeback group by BillingCurrency)
select
    int_owner_daily.BillingPeriodStart as BillingPeriodStart,
    int_owner_daily.Account as Account,
    int_owner_daily.CostOwner as CostOwner,
    int_owner_daily.SubAccountId as SubAccountId,
    int_owner_daily.ServiceName as ServiceName,
    int_owner_daily.AllocationKind as AllocationKind,
    int_owner_daily.BillingCurrency as BillingCurrency,
    max(int_owner_daily.SubAccountName) as SubAccountName,
    cast(sum(int_owner_daily.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
    cast(sum(int_owner_daily.BilledCost) - sum(int_owner_daily.EffectiveCost) as decimal(38, 18)) as CommitmentTiming,
    cast(sum(int_owner_daily.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(int_owner_daily.ListCost) as decimal(38, 18)) as ListCost,
    cast(sum(int_owner_daily.ChargeCount) as bigint) as ChargeCount
from int_owner_daily
group by
    int_owner_daily.BillingPeriodStart,
    int_owner_daily.Account,
    int_owner_daily.CostOwner,
    int_owner_daily.SubAccountId,
    int_owner_daily.ServiceName,
    int_owner_daily.AllocationKind,
    int_owner_daily.BillingCurrency
