-- int_allocation_match is a rule, or the cost a rule measures by, and one combination of owner and conditions met that fits it.
--
-- A charge says by its ConditionSign which conditions it meets, so rules are tried on the few different signs of each owner and
-- never on charges. All conditions of a rule and use must hold; a negated one holds where no pattern fits. A rule without
-- conditions fits every charge of its SourceOwner.
--
-- reads:  int_owner_daily, int_rule_set, allocation_rule, allocation_filter
-- grain:  BillingPeriodStart, RuleId, Use, CostOwner, ConditionSign
-- period: BillingPeriodStart
--
-- column BillingPeriodStart  date     first day of the month the billing period starts in
-- column RuleId              bigint   the rule, counted from the top
-- column Use                 varchar  Pool: the rule shares such charges; Basis: its shares are measured by such charges
-- column CostOwner           varchar  as in int_owner_daily
-- column ConditionSign       varchar  as in int_owner_daily
--
-- total: not exists (select distinct RuleId from int_allocation_match except select RuleId from allocation_rule)
with seen as (
    select distinct
        month_start(int_owner_daily.BillingPeriodStart) as BillingMonth,
        int_rule_set.RuleSet as RuleSet,
        int_owner_daily.CostOwner as CostOwner,
        folded(int_owner_daily.CostOwner) as FoldedOwner,
        int_owner_daily.ConditionSign as ConditionSign
    from int_owner_daily
    inner join int_rule_set on int_rule_set.BillingPeriodStart = month_start(int_owner_daily.BillingPeriodStart)
),
condition as (
    select distinct
        allocation_filter.RuleSet as RuleSet,
        allocation_filter.RuleId as RuleId,
        allocation_filter.Use as Use,
        allocation_filter.ConditionId as ConditionId,
        allocation_filter.IsNegated as IsNegated,
        ' ' || cast(allocation_filter.RuleId as varchar) || allocation_filter.Use || cast(allocation_filter.ConditionId as varchar) || ' ' as Word
    from allocation_filter
),
owner_condition as (
    select distinct
        allocation_filter.RuleSet as RuleSet,
        allocation_filter.RuleId as RuleId,
        allocation_filter.Use as Use,
        allocation_filter.ConditionId as ConditionId,
        owners.FoldedOwner as FoldedOwner
    from allocation_filter
    inner join (select distinct seen.RuleSet, seen.FoldedOwner from seen) as owners
        on owners.RuleSet = allocation_filter.RuleSet
        and owners.FoldedOwner like allocation_filter.Pattern escape '\'
    where allocation_filter.ColumnName = 'CostOwner'
),
asking as (
    select
        allocation_rule.RuleSet as RuleSet,
        allocation_rule.RuleId as RuleId,
        'Pool' as Use,
        coalesce(allocation_rule.SourceOwner, '') as SourceOwner
    from allocation_rule
    union
    select
        condition.RuleSet,
        condition.RuleId,
        condition.Use,
        ''
    from condition
    where condition.Use = 'Basis'
),
tried as (
    select
        seen.BillingMonth as BillingMonth,
        seen.RuleSet as RuleSet,
        seen.CostOwner as CostOwner,
        seen.FoldedOwner as FoldedOwner,
        seen.ConditionSign as ConditionSign,
        asking.RuleId as RuleId,
        asking.Use as Use
    from seen
    inner join asking
        on asking.RuleSet = seen.RuleSet
        and asking.SourceOwner in ('', seen.FoldedOwner)
)
select
    tried.BillingMonth as BillingPeriodStart,
    tried.RuleId as RuleId,
    tried.Use as Use,
    tried.CostOwner as CostOwner,
    tried.ConditionSign as ConditionSign
from tried
left join condition
    on condition.RuleSet = tried.RuleSet
    and condition.RuleId = tried.RuleId
    and condition.Use = tried.Use
left join owner_condition
    on owner_condition.RuleSet = condition.RuleSet
    and owner_condition.RuleId = condition.RuleId
    and owner_condition.Use = condition.Use
    and owner_condition.ConditionId = condition.ConditionId
    and owner_condition.FoldedOwner = tried.FoldedOwner
group by tried.BillingMonth, tried.RuleId, tried.Use, tried.CostOwner, tried.ConditionSign
having count(*) filter (
    where condition.RuleId is not null
        and (strpos(tried.ConditionSign, condition.Word) > 0 or owner_condition.RuleId is not null) = condition.IsNegated
) = 0
