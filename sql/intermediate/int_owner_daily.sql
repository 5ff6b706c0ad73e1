-- int_owner_daily is what each owner spent each day, by subscription, service and kind of charge.
--
-- It is the one pass over the charges that chargeback, cost_trend_daily and month_to_date share. Owners come from
-- int_owner_target, by subscription, resource group, tags and day; a charge nobody owns is Unallocated.
--
-- A commitment's unused hours and its purchase belong to no resource: they keep a kind of their own whoever owns them.
--
-- reads:  cost_and_usage, int_owner_target
-- grain:  BillingPeriodStart, ChargeDate, Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency
-- period: BillingPeriodStart
-- from:   cost_and_usage on BillingCurrency where cost_and_usage.x_Account = int_owner_daily.Account
--         and cast(cost_and_usage.ChargePeriodStart as date) = int_owner_daily.ChargeDate
--         and coalesce(cost_and_usage.SubAccountId, 'Not assigned') = int_owner_daily.SubAccountId
--         and coalesce(cost_and_usage.ServiceName, 'Not assigned') = int_owner_daily.ServiceName
--         and int_owner_daily.AllocationKind = case
--             when cost_and_usage.CommitmentDiscountStatus = 'Unused' then 'UnusedCommitment'
--             when cost_and_usage.x_ChargeType in ('Purchase', 'Refund') and cost_and_usage.x_PricingModel in ('Reservation', 'SavingsPlan') then 'CommitmentPurchase'
--             when cost_and_usage.x_ChargeType = 'RoundingAdjustment' then 'Rounding'
--             when int_owner_daily.CostOwner <> 'Unallocated' then 'Direct'
--             when cost_and_usage.SubAccountId is null then 'NoSubscription'
--             else 'Unallocated'
--         end
--         and exists (
--             select 1 from int_owner_target
--             where int_owner_target.BillingPeriodStart = month_start(cost_and_usage.BillingPeriodStart)
--                 and int_owner_target.SubAccountId = coalesce(cost_and_usage.SubAccountId, '')
--                 and int_owner_target.ResourceGroupName = coalesce(lower(cost_and_usage.x_ResourceGroupName), '')
--                 and int_owner_target.Tags = coalesce(cost_and_usage.Tags, '')
--                 and int_owner_target.FirstDate <= cast(cost_and_usage.ChargePeriodStart as date)
--                 and int_owner_target.LastDate >= cast(cost_and_usage.ChargePeriodStart as date)
--                 and coalesce(int_owner_target.CostOwner, 'Unallocated') = int_owner_daily.CostOwner
--         )
-- adds:   BilledCost, EffectiveCost, ListCost, ChargeCount = 1
-- with:   int_owner_target via cost_and_usage where int_owner_target.SubAccountId = coalesce(cost_and_usage.SubAccountId, '')
--         and int_owner_target.ResourceGroupName = coalesce(lower(cost_and_usage.x_ResourceGroupName), '')
--         and int_owner_target.Tags = coalesce(cost_and_usage.Tags, '')
--         and int_owner_target.FirstDate <= cast(cost_and_usage.ChargePeriodStart as date)
--         and int_owner_target.LastDate >= cast(cost_and_usage.ChargePeriodStart as date)
--
-- column BillingPeriodStart  date             first day of the billing period
-- column ChargeDate          date             UTC day of the charge
-- column Account             varchar          the account's name in the configuration
-- column CostOwner           varchar          who pays; Unallocated where no rule and no tag says
-- column SubAccountId        varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName         varchar          Not assigned where the charge names none
-- column AllocationKind      varchar          Direct, Unallocated, NoSubscription, UnusedCommitment, CommitmentPurchase or Rounding
-- column BillingCurrency     varchar          ISO 4217
-- column SubAccountName      varchar          the subscription's name, the last in the alphabet where it was renamed; null without one
-- column BilledCost          decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, amortised, before tax
-- column ListCost            decimal(38, 18)  BillingCurrency, at list price, before tax; charges without a list price add nothing
-- column ChargeCount         bigint           charges added up
--
-- check: ChargeCount > 0
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost), count(*) from cost_and_usage group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount) from int_owner_daily group by BillingCurrency)
with owned as (
    select
        cast(cost_and_usage.BillingPeriodStart as date) as BillingPeriodStart,
        cast(cost_and_usage.ChargePeriodStart as date) as ChargeDate,
        cost_and_usage.x_Account as Account,
        int_owner_target.CostOwner as CostOwner,
        cost_and_usage.SubAccountId as SubAccountId,
        cost_and_usage.ServiceName as ServiceName,
        case
            when cost_and_usage.CommitmentDiscountStatus = 'Unused' then 'UnusedCommitment'
            when cost_and_usage.x_ChargeType in ('Purchase', 'Refund')
                and cost_and_usage.x_PricingModel in ('Reservation', 'SavingsPlan') then 'CommitmentPurchase'
            when cost_and_usage.x_ChargeType = 'RoundingAdjustment' then 'Rounding'
            when int_owner_target.CostOwner is not null then 'Direct'
            when cost_and_usage.SubAccountId is null then 'NoSubscription'
            else 'Unallocated'
        end as AllocationKind,
        cost_and_usage.BillingCurrency as BillingCurrency,
        cost_and_usage.SubAccountName as SubAccountName,
        cost_and_usage.BilledCost as BilledCost,
        cost_and_usage.EffectiveCost as EffectiveCost,
        cost_and_usage.ListCost as ListCost
    from cost_and_usage
    join int_owner_target
        on int_owner_target.BillingPeriodStart = month_start(cost_and_usage.BillingPeriodStart)
        and int_owner_target.SubAccountId = coalesce(cost_and_usage.SubAccountId, '')
        and int_owner_target.ResourceGroupName = coalesce(lower(cost_and_usage.x_ResourceGroupName), '')
        and int_owner_target.Tags = coalesce(cost_and_usage.Tags, '')
        and int_owner_target.FirstDate <= cast(cost_and_usage.ChargePeriodStart as date)
        and int_owner_target.LastDate >= cast(cost_and_usage.ChargePeriodStart as date)
)
select
    owned.BillingPeriodStart as BillingPeriodStart,
    owned.ChargeDate as ChargeDate,
    owned.Account as Account,
    coalesce(owned.CostOwner, 'Unallocated') as CostOwner,
    coalesce(owned.SubAccountId, 'Not assigned') as SubAccountId,
    coalesce(owned.ServiceName, 'Not assigned') as ServiceName,
    owned.AllocationKind as AllocationKind,
    owned.BillingCurrency as BillingCurrency,
    max(owned.SubAccountName) as SubAccountName,
    cast(sum(owned.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(owned.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
    cast(coalesce(sum(owned.ListCost), 0) as decimal(38, 18)) as ListCost,
    count(*) as ChargeCount
from owned
group by 1, 2, 3, 4, 5, 6, 7, 8
