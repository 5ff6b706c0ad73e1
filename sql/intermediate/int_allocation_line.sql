-- int_allocation_line is what one owner spent in a billing period on one service of one subscription, as far as one rule takes it.
--
-- The first rule from the top that fits a charge on its day takes it (RuleId; 0 is none). What Azure's own cost allocation has
-- moved is taken by none. In the same way a charge has the first rate (RateId) and the first mark-up (MarkUpId) that fits it on
-- its day; where there is a rate there is no mark-up. A rate prices usage and purchases that are somebody's or nobody's, but not
-- what has a kind of its own. RatedAmount and MarkUpAmount say what they come to; whether they are charged is decided in
-- int_markup, as who receives a shared cost pays for it and not who gave it away.
--
-- reads:  int_owner_daily, int_rule_set, int_allocation_match, allocation_rule, allocation_rate, allocation_markup
-- grain:  BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency, CommitmentDiscountId, RuleId, RateId, MarkUpId
-- period: BillingPeriodStart
-- from:   int_owner_daily on Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency
--         where case when int_owner_daily.AllocationKind = 'UnusedCommitment' then int_owner_daily.CommitmentDiscountId else '' end
--             = int_allocation_line.CommitmentDiscountId
--         and int_allocation_line.RuleId = case when int_owner_daily.AllocationKind = 'AzureAllocated' then 0 else coalesce((
--             select min(allocation_rule.RuleId)
--             from int_rule_set
--             inner join allocation_rule on allocation_rule.RuleSet = int_rule_set.RuleSet
--             inner join int_allocation_match on int_allocation_match.RuleId = allocation_rule.RuleId
--                 and int_allocation_match.BillingPeriodStart = int_rule_set.BillingPeriodStart
--             where int_rule_set.BillingPeriodStart = month_start(int_owner_daily.BillingPeriodStart)
--                 and int_allocation_match.CostOwner = int_owner_daily.CostOwner
--                 and int_allocation_match.ConditionSign = int_owner_daily.ConditionSign
--                 and int_allocation_match.Use = 'Pool'
--                 and coalesce(allocation_rule.ValidFrom, int_owner_daily.ChargeDate) <= int_owner_daily.ChargeDate
--                 and coalesce(allocation_rule.ValidTo, int_owner_daily.ChargeDate) >= int_owner_daily.ChargeDate
--         ), 0) end
-- adds:   BilledCost, EffectiveCost, ListCost, ChargeCount when int_allocation_line.RateId = 0 and int_allocation_line.MarkUpId = 0
--             and not exists (select 1 from allocation_rate) and not exists (select 1 from allocation_markup)
-- with:   int_rule_set where int_rule_set.BillingPeriodStart = month_start(int_allocation_line.BillingPeriodStart)
-- with:   allocation_markup where allocation_markup.MarkUpId = int_allocation_line.MarkUpId and allocation_markup.RuleSet in (
--             select int_rule_set.RuleSet from int_rule_set where int_rule_set.BillingPeriodStart = month_start(int_allocation_line.BillingPeriodStart)
--         )
-- with:   allocation_rate where allocation_rate.RateId = int_allocation_line.RateId and allocation_rate.RuleSet in (
--             select int_rule_set.RuleSet from int_rule_set where int_rule_set.BillingPeriodStart = month_start(int_allocation_line.BillingPeriodStart)
--         )
--
-- column BillingPeriodStart    date             first day of the billing period
-- column Account               varchar          the account's name in the configuration
-- column CostOwner             varchar          as in int_owner_daily
-- column SubAccountId          varchar          as in int_owner_daily
-- column ServiceName           varchar          as in int_owner_daily
-- column AllocationKind        varchar          as in int_owner_daily
-- column BillingCurrency       varchar          ISO 4217
-- column CommitmentDiscountId  varchar          of unused commitment; else empty
-- column RuleId                bigint           the rule that takes it; 0 for none
-- column RateId                bigint           the rate of the internal rate card that prices it; 0 for none
-- column MarkUpId              bigint           the mark-up it has; 0 for none
-- column SubAccountName        varchar          the subscription's name, the last in the alphabet where it was renamed; null without one
-- column BilledCost            decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column EffectiveCost         decimal(38, 18)  BillingCurrency, amortised, before tax
-- column ListCost              decimal(38, 18)  BillingCurrency, at list price, before tax
-- column RatedAmount           decimal(38, 18)  BillingCurrency, at the internal price; 0 without a rate
-- column MarkUpAmount          decimal(38, 18)  BillingCurrency, what the mark-up adds; 0 without one
-- column ChargeCount           bigint           charges added up
--
-- check: AllocationKind <> 'AzureAllocated' or RuleId = 0
-- check: RateId = 0 or MarkUpId = 0
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ChargeCount) from int_owner_daily group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ChargeCount) from int_allocation_line group by BillingCurrency)
with daily as (
    select
        month_start(int_owner_daily.BillingPeriodStart) as BillingMonth,
        coalesce(int_rule_set.RuleSet, 'current') as RuleSet,
        int_owner_daily.*
    from int_owner_daily
    left join int_rule_set on int_rule_set.BillingPeriodStart = month_start(int_owner_daily.BillingPeriodStart)
),
case_of_rule as (
    select distinct
        daily.BillingMonth as BillingMonth,
        daily.RuleSet as RuleSet,
        daily.ChargeDate as ChargeDate,
        daily.CostOwner as CostOwner,
        daily.ConditionSign as ConditionSign
    from daily
),
taking as (
    select
        case_of_rule.BillingMonth as BillingMonth,
        case_of_rule.ChargeDate as ChargeDate,
        case_of_rule.CostOwner as CostOwner,
        case_of_rule.ConditionSign as ConditionSign,
        min(allocation_rule.RuleId) as RuleId
    from case_of_rule
    inner join int_allocation_match
        on int_allocation_match.BillingPeriodStart = case_of_rule.BillingMonth
        and int_allocation_match.CostOwner = case_of_rule.CostOwner
        and int_allocation_match.ConditionSign = case_of_rule.ConditionSign
        and int_allocation_match.Use = 'Pool'
    inner join allocation_rule
        on allocation_rule.RuleSet = case_of_rule.RuleSet
        and allocation_rule.RuleId = int_allocation_match.RuleId
    where coalesce(allocation_rule.ValidFrom, case_of_rule.ChargeDate) <= case_of_rule.ChargeDate
        and coalesce(allocation_rule.ValidTo, case_of_rule.ChargeDate) >= case_of_rule.ChargeDate
    group by case_of_rule.BillingMonth, case_of_rule.ChargeDate, case_of_rule.CostOwner, case_of_rule.ConditionSign
),
case_of_rate as (
    select distinct
        daily.BillingMonth as BillingMonth,
        daily.RuleSet as RuleSet,
        daily.ChargeDate as ChargeDate,
        daily.ServiceName as ServiceName,
        daily.MeterId as MeterId,
        daily.SkuMeter as SkuMeter,
        daily.PricingUnit as PricingUnit,
        daily.BillingCurrency as BillingCurrency
    from daily
    where daily.PricingUnit <> ''
),
rating as (
    select
        case_of_rate.BillingMonth as BillingMonth,
        case_of_rate.ChargeDate as ChargeDate,
        case_of_rate.ServiceName as ServiceName,
        case_of_rate.MeterId as MeterId,
        case_of_rate.SkuMeter as SkuMeter,
        case_of_rate.PricingUnit as PricingUnit,
        case_of_rate.BillingCurrency as BillingCurrency,
        min(allocation_rate.RateId) as RateId
    from case_of_rate
    inner join allocation_rate
        on allocation_rate.RuleSet = case_of_rate.RuleSet
        and allocation_rate.BillingCurrency = case_of_rate.BillingCurrency
        and folded(allocation_rate.PricingUnit) = folded(case_of_rate.PricingUnit)
    where coalesce(allocation_rate.MeterId, '') in ('', case_of_rate.MeterId)
        and coalesce(allocation_rate.ServiceName, '') in ('', folded(case_of_rate.ServiceName))
        and coalesce(allocation_rate.SkuMeter, '') in ('', folded(case_of_rate.SkuMeter))
        and coalesce(allocation_rate.ValidFrom, case_of_rate.ChargeDate) <= case_of_rate.ChargeDate
        and coalesce(allocation_rate.ValidTo, case_of_rate.ChargeDate) >= case_of_rate.ChargeDate
    group by 1, 2, 3, 4, 5, 6, 7
),
case_of_markup as (
    select distinct
        daily.BillingMonth as BillingMonth,
        daily.RuleSet as RuleSet,
        daily.ChargeDate as ChargeDate,
        daily.CostOwner as CostOwner,
        daily.ServiceName as ServiceName
    from daily
),
marking as (
    select
        case_of_markup.BillingMonth as BillingMonth,
        case_of_markup.ChargeDate as ChargeDate,
        case_of_markup.CostOwner as CostOwner,
        case_of_markup.ServiceName as ServiceName,
        min(allocation_markup.MarkUpId) as MarkUpId
    from case_of_markup
    inner join allocation_markup on allocation_markup.RuleSet = case_of_markup.RuleSet
    where coalesce(folded(allocation_markup.CostOwner), '') in ('', folded(case_of_markup.CostOwner))
        and (
            coalesce(allocation_markup.ServiceName, '') = ''
            or folded(case_of_markup.ServiceName) like allocation_markup.ServiceName escape '\'
        )
        and coalesce(allocation_markup.ValidFrom, case_of_markup.ChargeDate) <= case_of_markup.ChargeDate
        and coalesce(allocation_markup.ValidTo, case_of_markup.ChargeDate) >= case_of_markup.ChargeDate
    group by 1, 2, 3, 4
),
judged as (
    select
        daily.*,
        case when daily.AllocationKind = 'AzureAllocated' then 0 else coalesce(taking.RuleId, 0) end as RuleId,
        case when daily.AllocationKind in ('Direct', 'Unallocated', 'NoSubscription') then coalesce(rating.RateId, 0) else 0 end as RateId,
        coalesce(marking.MarkUpId, 0) as FittingMarkUpId
    from daily
    left join taking
        on taking.BillingMonth = daily.BillingMonth
        and taking.ChargeDate = daily.ChargeDate
        and taking.CostOwner = daily.CostOwner
        and taking.ConditionSign = daily.ConditionSign
    left join rating
        on rating.BillingMonth = daily.BillingMonth
        and rating.ChargeDate = daily.ChargeDate
        and rating.ServiceName = daily.ServiceName
        and rating.MeterId = daily.MeterId
        and rating.SkuMeter = daily.SkuMeter
        and rating.PricingUnit = daily.PricingUnit
        and rating.BillingCurrency = daily.BillingCurrency
    left join marking
        on marking.BillingMonth = daily.BillingMonth
        and marking.ChargeDate = daily.ChargeDate
        and marking.CostOwner = daily.CostOwner
        and marking.ServiceName = daily.ServiceName
),
line as (
    select
        judged.RuleSet as RuleSet,
        judged.BillingPeriodStart as BillingPeriodStart,
        judged.Account as Account,
        judged.CostOwner as CostOwner,
        judged.SubAccountId as SubAccountId,
        judged.ServiceName as ServiceName,
        judged.AllocationKind as AllocationKind,
        judged.BillingCurrency as BillingCurrency,
        case when judged.AllocationKind = 'UnusedCommitment' then judged.CommitmentDiscountId else '' end as CommitmentDiscountId,
        judged.RuleId as RuleId,
        judged.RateId as RateId,
        case when judged.RateId = 0 then judged.FittingMarkUpId else 0 end as MarkUpId,
        max(judged.SubAccountName) as SubAccountName,
        cast(sum(judged.BilledCost) as decimal(38, 18)) as BilledCost,
        cast(sum(judged.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
        cast(sum(judged.ListCost) as decimal(38, 18)) as ListCost,
        cast(sum(judged.PricingQuantity) as decimal(38, 18)) as PricingQuantity,
        cast(sum(judged.ChargeCount) as bigint) as ChargeCount
    from judged
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12
)
select
    line.BillingPeriodStart as BillingPeriodStart,
    line.Account as Account,
    line.CostOwner as CostOwner,
    line.SubAccountId as SubAccountId,
    line.ServiceName as ServiceName,
    line.AllocationKind as AllocationKind,
    line.BillingCurrency as BillingCurrency,
    line.CommitmentDiscountId as CommitmentDiscountId,
    cast(line.RuleId as bigint) as RuleId,
    cast(line.RateId as bigint) as RateId,
    cast(line.MarkUpId as bigint) as MarkUpId,
    line.SubAccountName as SubAccountName,
    line.BilledCost as BilledCost,
    line.EffectiveCost as EffectiveCost,
    line.ListCost as ListCost,
    cast(coalesce(product(allocation_rate.UnitPrice, line.PricingQuantity), 0) as decimal(38, 18)) as RatedAmount,
    cast(coalesce(product(line.EffectiveCost, ratio(allocation_markup.PercentAdded, cast(100 as decimal(38, 18)))), 0) as decimal(38, 18)) as MarkUpAmount,
    line.ChargeCount as ChargeCount
from line
left join allocation_rate on allocation_rate.RuleSet = line.RuleSet and allocation_rate.RateId = line.RateId
left join allocation_markup on allocation_markup.RuleSet = line.RuleSet and allocation_markup.MarkUpId = line.MarkUpId
