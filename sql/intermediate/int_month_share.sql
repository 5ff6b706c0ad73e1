-- int_month_share is what rules and policies of allocation give an owner in a month, or take from him, beside the charges that are his own.
--
-- It is the part of chargeback that no day of a charge shows. Owners and services with nothing shared are left out.
--
-- reads:  int_chargeback, int_day_cost
-- grain:  BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
-- period: BillingPeriodStart
-- from:   int_chargeback on BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
-- with:   int_day_cost on BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column CostOwner           varchar          who pays; Unallocated where no rule and no tag says
-- column SubAccountId        varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName         varchar          Not assigned where the charge names none
-- column BillingCurrency     varchar          ISO 4217
-- column BilledCost          decimal(38, 18)  BillingCurrency, as invoiced, before tax; below zero: taken
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, amortised, before tax; below zero: taken
-- column PolicyAmount        decimal(38, 18)  BillingCurrency, charged beyond cost: mark-up, internal price, tax, credits, support
--
-- check: BilledCost <> 0 or EffectiveCost <> 0 or PolicyAmount <> 0
-- total: not exists (select BillingPeriodStart, Account, BillingCurrency from int_month_share group by BillingPeriodStart, Account, BillingCurrency
--        having sum(BilledCost) <> 0 or sum(EffectiveCost) <> 0)
-- total: not exists (select BillingCurrency, sum(PolicyAmount) from int_chargeback group by BillingCurrency having sum(PolicyAmount) <> 0
--        except select BillingCurrency, sum(PolicyAmount) from int_month_share group by BillingCurrency)
with entry as (
    select
        int_chargeback.BillingPeriodStart,
        int_chargeback.Account,
        int_chargeback.CostOwner,
        int_chargeback.SubAccountId,
        int_chargeback.ServiceName,
        int_chargeback.BillingCurrency,
        int_chargeback.BilledCost,
        int_chargeback.EffectiveCost,
        int_chargeback.PolicyAmount
    from int_chargeback
    union all
    select
        int_day_cost.BillingPeriodStart,
        int_day_cost.Account,
        int_day_cost.CostOwner,
        int_day_cost.SubAccountId,
        int_day_cost.ServiceName,
        int_day_cost.BillingCurrency,
        -int_day_cost.BilledCost,
        -int_day_cost.EffectiveCost,
        cast(0 as decimal(38, 18))
    from int_day_cost
)
select
    entry.BillingPeriodStart as BillingPeriodStart,
    entry.Account as Account,
    entry.CostOwner as CostOwner,
    entry.SubAccountId as SubAccountId,
    entry.ServiceName as ServiceName,
    entry.BillingCurrency as BillingCurrency,
    cast(sum(entry.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(entry.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
    cast(sum(entry.PolicyAmount) as decimal(38, 18)) as PolicyAmount
from entry
group by 1, 2, 3, 4, 5, 6
having sum(entry.BilledCost) <> 0 or sum(entry.EffectiveCost) <> 0 or sum(entry.PolicyAmount) <> 0
