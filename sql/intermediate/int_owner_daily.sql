-- int_owner_daily is what each owner spent each day, by subscription, service and kind of charge.
--
-- It is the one pass over the charges that chargeback, cost_trend_daily and month_to_date share. Owners come from
-- int_owner_target, by subscription, resource group, tags, invoice section and day; a charge nobody owns is Unallocated.
--
-- What Azure's own cost allocation has moved is a kind of its own, for nothing of ours moves it again. A commitment's unused
-- hours and its purchase, rounding and support plans belong to no resource: they keep a kind of their own whoever owns them.
--
-- ConditionSign, MeterId, SkuMeter and PricingUnit tell charges apart only in months whose rules ask for them: elsewhere they are
-- empty, and the columns behind them are not read.
--
-- reads:  cost_and_usage, int_owner_target, int_rule_set, int_charge_condition, allocation_rule, allocation_filter, allocation_rate
-- grain:  BillingPeriodStart, ChargeDate, Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency, CommitmentDiscountId, CommitmentDiscountStatus, ConditionSign, MeterId, SkuMeter, PricingUnit
-- period: BillingPeriodStart
-- from:   cost_and_usage on BillingCurrency where cost_and_usage.x_Account = int_owner_daily.Account
--         and cast(cost_and_usage.ChargePeriodStart as date) = int_owner_daily.ChargeDate
--         and coalesce(cost_and_usage.SubAccountId, 'Not assigned') = int_owner_daily.SubAccountId
--         and coalesce(cost_and_usage.ServiceName, 'Not assigned') = int_owner_daily.ServiceName
--         and coalesce(cost_and_usage.CommitmentDiscountId, '') = int_owner_daily.CommitmentDiscountId
--         and coalesce(cost_and_usage.CommitmentDiscountStatus, '') = int_owner_daily.CommitmentDiscountStatus
--         and (
--             int_owner_daily.MeterId || int_owner_daily.SkuMeter || int_owner_daily.PricingUnit = ''
--             and not exists (
--                 select 1 from int_rule_set inner join allocation_rule on allocation_rule.RuleSet = int_rule_set.RuleSet
--                 where int_rule_set.BillingPeriodStart = month_start(cost_and_usage.BillingPeriodStart) and allocation_rule.Split = 'Usage'
--             )
--             and not exists (
--                 select 1 from int_rule_set inner join allocation_rate on allocation_rate.RuleSet = int_rule_set.RuleSet
--                 where int_rule_set.BillingPeriodStart = month_start(cost_and_usage.BillingPeriodStart)
--             )
--             or int_owner_daily.MeterId = coalesce(cost_and_usage.x_SkuMeterId, '')
--             and int_owner_daily.SkuMeter in ('', coalesce(cost_and_usage.SkuMeter, ''))
--             and int_owner_daily.PricingUnit in ('', coalesce(cost_and_usage.PricingUnit, ''))
--         )
--         and int_owner_daily.AllocationKind = case
--             when cost_and_usage.x_CostAllocationRuleName <> '' then 'AzureAllocated'
--             when cost_and_usage.CommitmentDiscountStatus = 'Unused' then 'UnusedCommitment'
--             when cost_and_usage.x_ChargeType in ('Purchase', 'Refund') and cost_and_usage.x_PricingModel in ('Reservation', 'SavingsPlan') then 'CommitmentPurchase'
--             when cost_and_usage.x_ChargeType = 'RoundingAdjustment' then 'Rounding'
--             when cost_and_usage.ChargeCategory = 'Purchase' and coalesce(cost_and_usage.x_PublisherType, '') <> 'Marketplace'
--                 and (
--                     lower(cost_and_usage.x_SkuMeterCategory) like '%support%'
--                     or lower(cost_and_usage.ChargeDescription) like '%support plan%'
--                     or lower(cost_and_usage.ChargeDescription) like '%azure support%'
--                 ) then 'Support'
--             when int_owner_daily.CostOwner <> 'Unallocated' then 'Direct'
--             when cost_and_usage.SubAccountId is null then 'NoSubscription'
--             else 'Unallocated'
--         end
--         and coalesce(cost_and_usage.CommitmentDiscountId, '') = int_owner_daily.CommitmentDiscountId
--         and coalesce(cost_and_usage.CommitmentDiscountStatus, '') = int_owner_daily.CommitmentDiscountStatus
--         and int_owner_daily.MeterId in ('', cost_and_usage.x_SkuMeterId)
--         and int_owner_daily.SkuMeter in ('', cost_and_usage.SkuMeter)
--         and int_owner_daily.PricingUnit in ('', cost_and_usage.PricingUnit)
--         and exists (
--             select 1 from int_owner_target
--             where int_owner_target.BillingPeriodStart = month_start(cost_and_usage.BillingPeriodStart)
--                 and int_owner_target.SubAccountId = coalesce(cost_and_usage.SubAccountId, '')
--                 and int_owner_target.ResourceGroupName = coalesce(lower(cost_and_usage.x_ResourceGroupName), '')
--                 and int_owner_target.Tags = coalesce(cost_and_usage.Tags, '')
--                 and int_owner_target.InvoiceSectionId = coalesce(cost_and_usage.x_InvoiceSectionId, '')
--                 and int_owner_target.InvoiceSectionName = coalesce(cost_and_usage.x_InvoiceSectionName, '')
--                 and int_owner_target.FirstDate <= cast(cost_and_usage.ChargePeriodStart as date)
--                 and int_owner_target.LastDate >= cast(cost_and_usage.ChargePeriodStart as date)
--                 and coalesce(int_owner_target.CostOwner, 'Unallocated') = int_owner_daily.CostOwner
--                 and int_owner_daily.ConditionSign = coalesce((
--                     select max(int_charge_condition.Sign) from int_charge_condition
--                     where int_charge_condition.Row = cost_and_usage.x_Row
--                         and int_charge_condition.Page = cost_and_usage.x_Page
--                         and int_charge_condition.Account = cost_and_usage.x_Account
--                         and int_charge_condition.Source = cost_and_usage.x_Source
--                         and int_charge_condition.Scope = cost_and_usage.x_Scope
--                         and int_charge_condition.Dataset = cost_and_usage.x_Dataset
--                         and int_charge_condition.BillingPeriodStart = cost_and_usage.BillingPeriodStart
--                 ), '') || int_owner_target.TagSign
--         )
-- adds:   BilledCost, EffectiveCost, ListCost, ChargeCount = 1 when ConditionSign = '' and MeterId = '' and PricingUnit = ''
-- with:   int_owner_target via cost_and_usage where int_owner_target.SubAccountId = coalesce(cost_and_usage.SubAccountId, '')
--         and int_owner_target.ResourceGroupName = coalesce(lower(cost_and_usage.x_ResourceGroupName), '')
--         and int_owner_target.Tags = coalesce(cost_and_usage.Tags, '')
--         and int_owner_target.InvoiceSectionId = coalesce(cost_and_usage.x_InvoiceSectionId, '')
--         and int_owner_target.InvoiceSectionName = coalesce(cost_and_usage.x_InvoiceSectionName, '')
--         and int_owner_target.FirstDate <= cast(cost_and_usage.ChargePeriodStart as date)
--         and int_owner_target.LastDate >= cast(cost_and_usage.ChargePeriodStart as date)
--
-- column BillingPeriodStart        date             first day of the billing period
-- column ChargeDate                date             UTC day of the charge
-- column Account                   varchar          the account's name in the configuration
-- column CostOwner                 varchar          who pays; Unallocated where no rule and no tag says
-- column SubAccountId              varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName               varchar          Not assigned where the charge names none
-- column AllocationKind            varchar          Direct, AzureAllocated, Unallocated, NoSubscription, UnusedCommitment, CommitmentPurchase, Rounding or Support
-- column BillingCurrency           varchar          ISO 4217
-- column CommitmentDiscountId      varchar          ARM id of the reservation or savings plan in lower case; empty for none
-- column CommitmentDiscountStatus  varchar          Used or Unused; empty on purchases, and without a commitment
-- column ConditionSign             varchar          conditions of allocation rules that a pattern fits, each between blanks; empty for none
-- column MeterId                   varchar          GUID in lower case; empty where no rule and no rate asks for meters
-- column SkuMeter                  varchar          name of the meter; empty where no rate asks
-- column PricingUnit               varchar          what a price buys; empty where no rate asks
-- column SubAccountName            varchar          the subscription's name, the last in the alphabet where it was renamed; null without one
-- column BilledCost                decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column EffectiveCost             decimal(38, 18)  BillingCurrency, amortised, before tax
-- column ListCost                  decimal(38, 18)  BillingCurrency, at list price, before tax; charges without a list price add nothing
-- column PricingQuantity           decimal(38, 18)  PricingUnit, of charges that have one; 0 where no rate asks
-- column ConsumedQuantity          decimal(38, 18)  units of the meter used; 0 where no rule and no rate asks
-- column ChargeCount               bigint           charges added up
--
-- check: ChargeCount > 0
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost), count(*) from cost_and_usage group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount) from int_owner_daily group by BillingCurrency)
with asking as (
    select int_rule_set.BillingPeriodStart as BillingMonth
    from int_rule_set
    inner join allocation_filter on allocation_filter.RuleSet = int_rule_set.RuleSet
    union
    select int_rule_set.BillingPeriodStart
    from int_rule_set
    inner join allocation_rule on allocation_rule.RuleSet = int_rule_set.RuleSet
    where allocation_rule.Split = 'Usage'
    union
    select int_rule_set.BillingPeriodStart
    from int_rule_set
    inner join allocation_rate on allocation_rate.RuleSet = int_rule_set.RuleSet
),
metering as (
    select int_rule_set.BillingPeriodStart as BillingMonth
    from int_rule_set
    inner join allocation_rule on allocation_rule.RuleSet = int_rule_set.RuleSet
    where allocation_rule.Split = 'Usage'
    union
    select int_rule_set.BillingPeriodStart
    from int_rule_set
    inner join allocation_rate on allocation_rate.RuleSet = int_rule_set.RuleSet
),
rating as (
    select distinct int_rule_set.BillingPeriodStart as BillingMonth
    from int_rule_set
    inner join allocation_rate on allocation_rate.RuleSet = int_rule_set.RuleSet
),
-- A month stands in one of the two branches only; the other one's join is empty and reads nothing.
plain_month as (
    select distinct int_owner_target.BillingPeriodStart as BillingMonth
    from int_owner_target
    left join asking on asking.BillingMonth = int_owner_target.BillingPeriodStart
    where asking.BillingMonth is null
),
charge as (
    select
        cast(cost_and_usage.BillingPeriodStart as date) as BillingPeriodStart,
        cast(cost_and_usage.ChargePeriodStart as date) as ChargeDate,
        cost_and_usage.x_Account as Account,
        cost_and_usage.SubAccountId as SubAccountId,
        cost_and_usage.SubAccountName as SubAccountName,
        cost_and_usage.x_ResourceGroupName as ResourceGroupName,
        cost_and_usage.Tags as Tags,
        cost_and_usage.x_InvoiceSectionId as InvoiceSectionId,
        cost_and_usage.x_InvoiceSectionName as InvoiceSectionName,
        cost_and_usage.ServiceName as ServiceName,
        cost_and_usage.ChargeCategory as ChargeCategory,
        cost_and_usage.ChargeDescription as ChargeDescription,
        cost_and_usage.x_SkuMeterCategory as SkuMeterCategory,
        cost_and_usage.x_PublisherType as PublisherType,
        cost_and_usage.x_CostAllocationRuleName as CostAllocationRuleName,
        cost_and_usage.x_ChargeType as ChargeType,
        cost_and_usage.x_PricingModel as PricingModel,
        cost_and_usage.CommitmentDiscountId as CommitmentDiscountId,
        cost_and_usage.CommitmentDiscountStatus as CommitmentDiscountStatus,
        cost_and_usage.BillingCurrency as BillingCurrency,
        cost_and_usage.BilledCost as BilledCost,
        cost_and_usage.EffectiveCost as EffectiveCost,
        cost_and_usage.ListCost as ListCost,
        '' as ConditionSign,
        '' as MeterId,
        '' as SkuMeter,
        '' as PricingUnit,
        cast(null as decimal(38, 18)) as PricingQuantity,
        cast(null as decimal(38, 18)) as ConsumedQuantity
    from cost_and_usage
    inner join plain_month on plain_month.BillingMonth = month_start(cost_and_usage.BillingPeriodStart)
    union all
    select
        cast(cost_and_usage.BillingPeriodStart as date),
        cast(cost_and_usage.ChargePeriodStart as date),
        cost_and_usage.x_Account,
        cost_and_usage.SubAccountId,
        cost_and_usage.SubAccountName,
        cost_and_usage.x_ResourceGroupName,
        cost_and_usage.Tags,
        cost_and_usage.x_InvoiceSectionId,
        cost_and_usage.x_InvoiceSectionName,
        cost_and_usage.ServiceName,
        cost_and_usage.ChargeCategory,
        cost_and_usage.ChargeDescription,
        cost_and_usage.x_SkuMeterCategory,
        cost_and_usage.x_PublisherType,
        cost_and_usage.x_CostAllocationRuleName,
        cost_and_usage.x_ChargeType,
        cost_and_usage.x_PricingModel,
        cost_and_usage.CommitmentDiscountId,
        cost_and_usage.CommitmentDiscountStatus,
        cost_and_usage.BillingCurrency,
        cost_and_usage.BilledCost,
        cost_and_usage.EffectiveCost,
        cost_and_usage.ListCost,
        coalesce(int_charge_condition.Sign, ''),
        case when metering.BillingMonth is not null then coalesce(cost_and_usage.x_SkuMeterId, '') else '' end,
        case when rating.BillingMonth is not null then coalesce(cost_and_usage.SkuMeter, '') else '' end,
        case when rating.BillingMonth is not null then coalesce(cost_and_usage.PricingUnit, '') else '' end,
        case when rating.BillingMonth is not null then cost_and_usage.PricingQuantity end,
        case when metering.BillingMonth is not null then cost_and_usage.ConsumedQuantity end
    from cost_and_usage
    inner join asking on asking.BillingMonth = month_start(cost_and_usage.BillingPeriodStart)
    left join metering on metering.BillingMonth = asking.BillingMonth
    left join rating on rating.BillingMonth = asking.BillingMonth
    left join int_charge_condition
        on int_charge_condition.Row = cost_and_usage.x_Row
        and int_charge_condition.Page = cost_and_usage.x_Page
        and int_charge_condition.Account = cost_and_usage.x_Account
        and int_charge_condition.Source = cost_and_usage.x_Source
        and int_charge_condition.Scope = cost_and_usage.x_Scope
        and int_charge_condition.Dataset = cost_and_usage.x_Dataset
        and int_charge_condition.BillingPeriodStart = cost_and_usage.BillingPeriodStart
),
owned as (
    select
        charge.*,
        int_owner_target.CostOwner as CostOwner,
        charge.ConditionSign || int_owner_target.TagSign as Sign,
        case
            when charge.CostAllocationRuleName <> '' then 'AzureAllocated'
            when charge.CommitmentDiscountStatus = 'Unused' then 'UnusedCommitment'
            when charge.ChargeType in ('Purchase', 'Refund')
                and charge.PricingModel in ('Reservation', 'SavingsPlan') then 'CommitmentPurchase'
            when charge.ChargeType = 'RoundingAdjustment' then 'Rounding'
            when charge.ChargeCategory = 'Purchase'
                and coalesce(charge.PublisherType, '') <> 'Marketplace'
                and (
                    lower(charge.SkuMeterCategory) like '%support%'
                    or lower(charge.ChargeDescription) like '%support plan%'
                    or lower(charge.ChargeDescription) like '%azure support%'
                ) then 'Support'
            when int_owner_target.CostOwner is not null then 'Direct'
            when charge.SubAccountId is null then 'NoSubscription'
            else 'Unallocated'
        end as AllocationKind
    from charge
    inner join int_owner_target
        on int_owner_target.BillingPeriodStart = month_start(charge.BillingPeriodStart)
        and int_owner_target.SubAccountId = coalesce(charge.SubAccountId, '')
        and int_owner_target.ResourceGroupName = coalesce(lower(charge.ResourceGroupName), '')
        and int_owner_target.Tags = coalesce(charge.Tags, '')
        and int_owner_target.InvoiceSectionId = coalesce(charge.InvoiceSectionId, '')
        and int_owner_target.InvoiceSectionName = coalesce(charge.InvoiceSectionName, '')
        and int_owner_target.FirstDate <= charge.ChargeDate
        and int_owner_target.LastDate >= charge.ChargeDate
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
    coalesce(owned.CommitmentDiscountId, '') as CommitmentDiscountId,
    coalesce(owned.CommitmentDiscountStatus, '') as CommitmentDiscountStatus,
    owned.Sign as ConditionSign,
    owned.MeterId as MeterId,
    owned.SkuMeter as SkuMeter,
    owned.PricingUnit as PricingUnit,
    max(owned.SubAccountName) as SubAccountName,
    cast(sum(owned.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(owned.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
    cast(coalesce(sum(owned.ListCost), 0) as decimal(38, 18)) as ListCost,
    cast(coalesce(sum(owned.PricingQuantity), 0) as decimal(38, 18)) as PricingQuantity,
    cast(coalesce(sum(owned.ConsumedQuantity), 0) as decimal(38, 18)) as ConsumedQuantity,
    count(*) as ChargeCount
from owned
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
