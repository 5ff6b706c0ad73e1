-- int_day_cost is what an owner spent on a service of a subscription on one day, and no more than is compared with the run before.
--
-- What is not in it (names, list prices, kinds of allocation) may change without a day being restated.
--
-- reads:  int_owner_daily
-- grain:  BillingPeriodStart, ChargeDate, Account, SubAccountId, ServiceName, BillingCurrency, CostOwner
-- period: BillingPeriodStart
-- from:   int_owner_daily on BillingPeriodStart, ChargeDate, Account, SubAccountId, ServiceName, BillingCurrency, CostOwner
-- adds:   BilledCost, EffectiveCost, ChargeCount
--
-- column BillingPeriodStart  date             first day of the billing period
-- column ChargeDate          date             UTC day of the charge
-- column Account             varchar          the account's name in the configuration
-- column SubAccountId        varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName         varchar          Not assigned where the charge names none
-- column BillingCurrency     varchar          ISO 4217
-- column CostOwner           varchar          who pays; Unallocated where no rule and no tag says
-- column BilledCost          decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, amortised, before tax
-- column ChargeCount         bigint           charges added up
-- column PurchaseCount       bigint           of these, purchases of commitments, which come without any usage
--
-- check: ChargeCount > 0
-- check: PurchaseCount <= ChargeCount
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount) from int_owner_daily group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount) from int_day_cost group by BillingCurrency)
select
    int_owner_daily.BillingPeriodStart as BillingPeriodStart,
    int_owner_daily.ChargeDate as ChargeDate,
    int_owner_daily.Account as Account,
    int_owner_daily.SubAccountId as SubAccountId,
    int_owner_daily.ServiceName as ServiceName,
    int_owner_daily.BillingCurrency as BillingCurrency,
    int_owner_daily.CostOwner as CostOwner,
    cast(sum(int_owner_daily.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(int_owner_daily.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
    cast(sum(int_owner_daily.ChargeCount) as bigint) as ChargeCount,
    cast(sum(case when int_owner_daily.AllocationKind = 'CommitmentPurchase' then int_owner_daily.ChargeCount else 0 end) as bigint) as PurchaseCount
from int_owner_daily
group by 1, 2, 3, 4, 5, 6, 7
