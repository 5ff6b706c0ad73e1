-- int_share_weight is one owner among whom a rule or a policy divides cost, and how much of it falls to him.
--
-- ShareKey is what divides: Rule and its number; or, by the policy for what belongs to no single owner, UnusedCommitment and the
-- commitment, Rounding, or Support. Weights are of a month and, as costs are, of one currency:
--
-- - Even: 1 each. Fixed and Manual: as configured; the rows of a month stand in the place of those of every month.
-- - Proportional: the owner's direct cost, or the cost that the rule's Basis conditions fit, whoever's kind it is.
-- - Usage: what the owner used of the meter, in whatever currency.
-- - UnusedCommitment: the buyer, all of it: the owner of the purchase, else who has most cost in the subscription that
--   bought. Users: by the cost of what was used of the commitment. Central: the owner named.
-- - Rounding and Support: by direct cost, or all to the owner named.
--
-- Direct cost is the EffectiveCost of AllocationKind Direct, before anything is shared. What is not more than 0 weighs nothing and
-- has no row. All targets are the owners with direct cost, except those whose own cost some rule shares.
--
-- NextRuleId is the rule that passes on what this owner receives here: the first below that shares whatever he has
-- (PassesOn), if it holds in the month at all.
--
-- reads:  int_owner_daily, int_rule_set, int_allocation_match, int_commitment_buyer, int_commitment_subscription, allocation_rule, allocation_filter, allocation_target, allocation_policy
-- grain:  BillingPeriodStart, ShareKey, BillingCurrency, TargetOwner
-- period: BillingPeriodStart
--
-- column BillingPeriodStart  date             first day of the month the billing period starts in
-- column ShareKey            varchar          what divides
-- column BillingCurrency     varchar          ISO 4217, of the cost divided
-- column TargetOwner         varchar          who receives
-- column Weight              decimal(38, 18)  of this owner
-- column SparesSource        boolean          the owner who shares receives nothing of his own
-- column NextRuleId          bigint           the rule that passes on what is received; null for none
--
-- check: Weight > 0
-- check: TargetOwner <> ''
-- total: not exists (select 1 from int_share_weight where ShareKey not like 'Rule %' and NextRuleId is not null
--        and not exists (select 1 from allocation_rule))
with daily as (
    select
        month_start(int_owner_daily.BillingPeriodStart) as BillingMonth,
        int_rule_set.RuleSet as RuleSet,
        int_owner_daily.*
    from int_owner_daily
    inner join int_rule_set on int_rule_set.BillingPeriodStart = month_start(int_owner_daily.BillingPeriodStart)
),
month_currency as (
    select distinct daily.BillingMonth as BillingMonth, daily.RuleSet as RuleSet, daily.BillingCurrency as BillingCurrency
    from daily
),
-- An owner is spelled as his costs are.
spelling as (
    select
        daily.BillingMonth as BillingMonth,
        folded(daily.CostOwner) as FoldedOwner,
        min(daily.CostOwner) as CostOwner
    from daily
    group by 1, 2
),
direct as (
    select
        daily.BillingMonth as BillingMonth,
        daily.RuleSet as RuleSet,
        daily.BillingCurrency as BillingCurrency,
        daily.CostOwner as CostOwner,
        sum(daily.EffectiveCost) as EffectiveCost
    from daily
    where daily.AllocationKind = 'Direct'
    group by 1, 2, 3, 4
),
basis_rule as (
    select distinct allocation_filter.RuleSet as RuleSet, allocation_filter.RuleId as RuleId
    from allocation_filter
    where allocation_filter.Use = 'Basis'
),
proportion as (
    select
        direct.BillingMonth as BillingMonth,
        allocation_rule.RuleId as RuleId,
        direct.BillingCurrency as BillingCurrency,
        direct.CostOwner as CostOwner,
        direct.EffectiveCost as Weight
    from allocation_rule
    inner join direct on direct.RuleSet = allocation_rule.RuleSet
    left join basis_rule on basis_rule.RuleSet = allocation_rule.RuleSet and basis_rule.RuleId = allocation_rule.RuleId
    where allocation_rule.Split = 'Proportional'
        and basis_rule.RuleId is null
    union all
    select
        daily.BillingMonth,
        allocation_rule.RuleId,
        daily.BillingCurrency,
        daily.CostOwner,
        sum(daily.EffectiveCost)
    from allocation_rule
    inner join basis_rule on basis_rule.RuleSet = allocation_rule.RuleSet and basis_rule.RuleId = allocation_rule.RuleId
    inner join daily on daily.RuleSet = allocation_rule.RuleSet
    inner join int_allocation_match
        on int_allocation_match.BillingPeriodStart = daily.BillingMonth
        and int_allocation_match.RuleId = allocation_rule.RuleId
        and int_allocation_match.Use = 'Basis'
        and int_allocation_match.CostOwner = daily.CostOwner
        and int_allocation_match.ConditionSign = daily.ConditionSign
    where allocation_rule.Split = 'Proportional'
    group by 1, 2, 3, 4
),
used_meter as (
    select
        daily.BillingMonth as BillingMonth,
        allocation_rule.RuleId as RuleId,
        daily.CostOwner as CostOwner,
        sum(daily.ConsumedQuantity) as Weight
    from allocation_rule
    inner join daily on daily.RuleSet = allocation_rule.RuleSet and daily.MeterId = allocation_rule.MeterId
    where allocation_rule.Split = 'Usage'
    group by 1, 2, 3
),
monthly_target as (
    select distinct allocation_target.RuleSet as RuleSet, allocation_target.RuleId as RuleId, allocation_target.Month as TargetMonth
    from allocation_target
    where allocation_target.Month <> ''
),
named as (
    select
        month_currency.BillingMonth as BillingMonth,
        month_currency.RuleSet as RuleSet,
        month_currency.BillingCurrency as BillingCurrency,
        allocation_rule.RuleId as RuleId,
        allocation_rule.Split as Split,
        false as SparesSource,
        coalesce(spelling.CostOwner, allocation_target.CostOwner) as TargetOwner,
        allocation_target.Weight as Weight
    from month_currency
    inner join allocation_rule on allocation_rule.RuleSet = month_currency.RuleSet
    inner join allocation_target
        on allocation_target.RuleSet = allocation_rule.RuleSet
        and allocation_target.RuleId = allocation_rule.RuleId
    left join monthly_target
        on monthly_target.RuleSet = allocation_rule.RuleSet
        and monthly_target.RuleId = allocation_rule.RuleId
        and monthly_target.TargetMonth = month_text(month_currency.BillingMonth)
    left join spelling
        on spelling.BillingMonth = month_currency.BillingMonth
        and spelling.FoldedOwner = folded(allocation_target.CostOwner)
    where not allocation_rule.IsAllTargets
        and coalesce(allocation_target.Month, '') = coalesce(monthly_target.TargetMonth, '')
    union all
    select
        direct.BillingMonth,
        direct.RuleSet,
        direct.BillingCurrency,
        allocation_rule.RuleId,
        allocation_rule.Split,
        true,
        direct.CostOwner,
        cast(1 as decimal(38, 18))
    from direct
    inner join allocation_rule on allocation_rule.RuleSet = direct.RuleSet
    left join (
        select distinct sharing.RuleSet, sharing.SourceOwner
        from allocation_rule as sharing
        where sharing.SourceOwner <> ''
    ) as source
        on source.RuleSet = direct.RuleSet
        and source.SourceOwner = folded(direct.CostOwner)
    where allocation_rule.IsAllTargets
        and direct.EffectiveCost <> 0
        and source.SourceOwner is null
),
rule_weight as (
    select
        named.BillingMonth as BillingMonth,
        named.RuleSet as RuleSet,
        named.RuleId as RuleId,
        'Rule ' || cast(named.RuleId as varchar) as ShareKey,
        named.BillingCurrency as BillingCurrency,
        named.TargetOwner as TargetOwner,
        named.SparesSource as SparesSource,
        case named.Split
            when 'Even' then cast(1 as decimal(38, 18))
            when 'Proportional' then coalesce(proportion.Weight, 0)
            when 'Usage' then coalesce(used_meter.Weight, 0)
            else named.Weight
        end as Weight
    from named
    left join proportion
        on named.Split = 'Proportional'
        and proportion.BillingMonth = named.BillingMonth
        and proportion.RuleId = named.RuleId
        and proportion.BillingCurrency = named.BillingCurrency
        and proportion.CostOwner = named.TargetOwner
    left join used_meter
        on named.Split = 'Usage'
        and used_meter.BillingMonth = named.BillingMonth
        and used_meter.RuleId = named.RuleId
        and used_meter.CostOwner = named.TargetOwner
),
policy as (
    select
        month_currency.BillingMonth as BillingMonth,
        month_currency.RuleSet as RuleSet,
        month_currency.BillingCurrency as BillingCurrency,
        allocation_policy.Policy as Policy,
        allocation_policy.Treatment as Treatment,
        coalesce(spelling.CostOwner, nullif(allocation_policy.CostOwner, '')) as CostOwner
    from month_currency
    inner join allocation_policy on allocation_policy.RuleSet = month_currency.RuleSet
    left join spelling
        on spelling.BillingMonth = month_currency.BillingMonth
        and spelling.FoldedOwner = folded(allocation_policy.CostOwner)
    where allocation_policy.Policy in ('UnusedCommitment', 'Rounding', 'Support')
),
unused as (
    select distinct
        daily.BillingMonth as BillingMonth,
        daily.BillingCurrency as BillingCurrency,
        daily.CommitmentDiscountId as CommitmentDiscountId,
        regexp_extract(daily.CommitmentDiscountId, '/(?:reservationorders|savingsplanorders)/([^/]+)', 1) as CommitmentOrderId
    from daily
    where daily.AllocationKind = 'UnusedCommitment'
),
subscription_owner as (
    select
        daily.BillingMonth as BillingMonth,
        daily.SubAccountId as SubAccountId,
        daily.CostOwner as CostOwner,
        row_number() over (
            partition by daily.BillingMonth, daily.SubAccountId
            order by sum(daily.EffectiveCost) desc, daily.CostOwner
        ) as OwnerRank
    from daily
    where daily.AllocationKind = 'Direct'
    group by 1, 2, 3
),
unused_owner as (
    select
        unused.BillingMonth as BillingMonth,
        unused.BillingCurrency as BillingCurrency,
        unused.CommitmentDiscountId as CommitmentDiscountId,
        policy.RuleSet as RuleSet,
        case policy.Treatment
            when 'Buyer' then coalesce(int_commitment_buyer.CostOwner, subscription_owner.CostOwner, policy.CostOwner)
            else policy.CostOwner
        end as CostOwner
    from unused
    inner join policy
        on policy.BillingMonth = unused.BillingMonth
        and policy.BillingCurrency = unused.BillingCurrency
        and policy.Policy = 'UnusedCommitment'
        and policy.Treatment in ('Buyer', 'Central')
    left join int_commitment_buyer on int_commitment_buyer.CommitmentOrderId = unused.CommitmentOrderId
    left join int_commitment_subscription on int_commitment_subscription.CommitmentOrderId = unused.CommitmentOrderId
    left join subscription_owner
        on subscription_owner.BillingMonth = unused.BillingMonth
        and subscription_owner.SubAccountId = int_commitment_subscription.SubAccountId
        and subscription_owner.OwnerRank = 1
),
policy_weight as (
    select
        unused_owner.BillingMonth as BillingMonth,
        unused_owner.RuleSet as RuleSet,
        'UnusedCommitment ' || unused_owner.CommitmentDiscountId as ShareKey,
        unused_owner.BillingCurrency as BillingCurrency,
        unused_owner.CostOwner as TargetOwner,
        cast(1 as decimal(38, 18)) as Weight
    from unused_owner
    where unused_owner.CostOwner is not null
    union all
    select
        daily.BillingMonth,
        daily.RuleSet,
        'UnusedCommitment ' || daily.CommitmentDiscountId,
        daily.BillingCurrency,
        daily.CostOwner,
        cast(sum(daily.EffectiveCost) as decimal(38, 18))
    from daily
    inner join policy
        on policy.BillingMonth = daily.BillingMonth
        and policy.BillingCurrency = daily.BillingCurrency
        and policy.Policy = 'UnusedCommitment'
        and policy.Treatment = 'Users'
    where daily.CommitmentDiscountStatus = 'Used'
    group by 1, 2, 3, 4, 5
    union all
    select
        policy.BillingMonth,
        policy.RuleSet,
        policy.Policy,
        policy.BillingCurrency,
        policy.CostOwner,
        cast(1 as decimal(38, 18))
    from policy
    where policy.Policy in ('Rounding', 'Support')
        and policy.Treatment = 'Central'
        and policy.CostOwner is not null
    union all
    select
        policy.BillingMonth,
        policy.RuleSet,
        policy.Policy,
        policy.BillingCurrency,
        direct.CostOwner,
        cast(direct.EffectiveCost as decimal(38, 18))
    from policy
    inner join direct
        on direct.BillingMonth = policy.BillingMonth
        and direct.BillingCurrency = policy.BillingCurrency
    where policy.Policy in ('Rounding', 'Support')
        and policy.Treatment = 'Proportional'
),
weight as (
    select
        rule_weight.BillingMonth as BillingMonth,
        rule_weight.RuleSet as RuleSet,
        rule_weight.RuleId as RuleId,
        rule_weight.ShareKey as ShareKey,
        rule_weight.BillingCurrency as BillingCurrency,
        rule_weight.TargetOwner as TargetOwner,
        rule_weight.SparesSource as SparesSource,
        rule_weight.Weight as Weight
    from rule_weight
    union all
    select
        policy_weight.BillingMonth,
        policy_weight.RuleSet,
        0,
        policy_weight.ShareKey,
        policy_weight.BillingCurrency,
        policy_weight.TargetOwner,
        false,
        policy_weight.Weight
    from policy_weight
),
passing as (
    select
        weight.BillingMonth as BillingMonth,
        weight.ShareKey as ShareKey,
        weight.BillingCurrency as BillingCurrency,
        weight.TargetOwner as TargetOwner,
        min(below.RuleId) as NextRuleId
    from weight
    left join allocation_rule as sharing
        on sharing.RuleSet = weight.RuleSet
        and sharing.RuleId = weight.RuleId
    inner join allocation_rule as below
        on below.RuleSet = weight.RuleSet
        and below.PassesOn
        and below.RuleId > weight.RuleId
        and below.Level > coalesce(sharing.Level, 0)
        and coalesce(below.SourceOwner, '') in ('', folded(weight.TargetOwner))
        and coalesce(below.ValidFrom, weight.BillingMonth) < month_add(weight.BillingMonth, 1)
        and coalesce(below.ValidTo, weight.BillingMonth) >= weight.BillingMonth
    group by 1, 2, 3, 4
)
select
    weight.BillingMonth as BillingPeriodStart,
    weight.ShareKey as ShareKey,
    weight.BillingCurrency as BillingCurrency,
    weight.TargetOwner as TargetOwner,
    cast(weight.Weight as decimal(38, 18)) as Weight,
    weight.SparesSource as SparesSource,
    cast(passing.NextRuleId as bigint) as NextRuleId
from weight
left join passing
    on passing.BillingMonth = weight.BillingMonth
    and passing.ShareKey = weight.ShareKey
    and passing.BillingCurrency = weight.BillingCurrency
    and passing.TargetOwner = weight.TargetOwner
where weight.Weight > 0
