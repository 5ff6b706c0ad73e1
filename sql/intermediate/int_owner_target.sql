-- int_owner_target is who owns the charges of one combination of subscription, resource group and tags, and from when to when.
--
-- The combinations are few where charges are many, so owners are looked for here and never for single charges.
--
-- The owner is that of the first rule that holds, by Priority: its subscription, resource group and tag are each either
-- empty, which is any, or equal to the charge's, without regard to case and repeated blanks; a tag key without a value asks
-- only for the tag. Two rules of one Priority are told apart by CostOwner, in alphabetical order. Where no rule holds on that
-- day, the owner is the value of the first owner tag the charge has, in lower case, or as a rule spells that owner.
--
-- reads:  cost_and_usage, owner_rule, owner_tag
-- grain:  BillingPeriodStart, SubAccountId, ResourceGroupName, Tags, FirstDate
-- period: BillingPeriodStart
-- with:   owner_rule where int_owner_target.OwnerBasis = 'Rule' and lower(trim(owner_rule.CostOwner)) = lower(int_owner_target.CostOwner)
--
-- column BillingPeriodStart  date     first day of the month the billing period starts in
-- column SubAccountId        varchar  subscription GUID in lower case; empty for none
-- column ResourceGroupName   varchar  in lower case; empty for none
-- column Tags                varchar  JSON object text; empty for none
-- column FirstDate           date     first day the owner holds; 0001-01-01 when no rule for it has days
-- column LastDate            date     last day the owner holds; 9999-12-31 when no rule for it has days
-- column CostOwner           varchar  who pays; null where no rule and no tag says
-- column OwnerBasis          varchar  Rule or Tag; null without an owner
--
-- check: FirstDate <= LastDate
-- total: not exists (select coalesce(SubAccountId, ''), coalesce(lower(x_ResourceGroupName), ''), coalesce(Tags, '') from cost_and_usage
--        except select SubAccountId, ResourceGroupName, Tags from int_owner_target)
with target as (
    select distinct
        month_start(cost_and_usage.BillingPeriodStart) as BillingPeriodStart,
        coalesce(cost_and_usage.SubAccountId, '') as SubAccountId,
        coalesce(lower(cost_and_usage.x_ResourceGroupName), '') as ResourceGroupName,
        coalesce(cost_and_usage.Tags, '') as Tags
    from cost_and_usage
),
-- chr(1) and chr(2) stand in for a blank while runs of blanks become one: regexp_replace means different things in
-- different engines.
configured_rule as (
    select
        row_number() over (
            order by
                owner_rule.Priority,
                owner_rule.CostOwner,
                owner_rule.SubscriptionId,
                owner_rule.ResourceGroup,
                owner_rule.TagKey,
                owner_rule.TagValue,
                owner_rule.ValidFrom,
                owner_rule.ValidTo
        ) as RuleRank,
        trim(owner_rule.CostOwner) as CostOwner,
        coalesce(lower(regexp_extract(trim(owner_rule.SubscriptionId), '([^/]*)$', 1)), '') as SubscriptionId,
        coalesce(lower(trim(owner_rule.ResourceGroup)), '') as ResourceGroup,
        coalesce(lower(trim(owner_rule.TagKey)), '') as TagKey,
        coalesce(lower(replace(replace(replace(trim(owner_rule.TagValue), ' ', chr(1) || chr(2)), chr(2) || chr(1), ''), chr(1) || chr(2), ' ')), '') as TagValue,
        owner_rule.ValidFrom as ValidFrom,
        owner_rule.ValidTo as ValidTo
    from owner_rule
),
asked_tag as (
    select configured_rule.TagKey from configured_rule where configured_rule.TagKey <> ''
    union
    select lower(trim(owner_tag.TagKey)) as TagKey from owner_tag where trim(owner_tag.TagKey) <> ''
),
served_tag as (
    select
        tagged.Tags,
        asked_tag.TagKey,
        tag_value(tagged.Tags, asked_tag.TagKey) as TagValue
    from (select distinct target.Tags from target where target.Tags <> '') as tagged
    cross join asked_tag
),
found_tag as (
    select
        served_tag.Tags,
        served_tag.TagKey,
        lower(replace(replace(replace(trim(served_tag.TagValue), ' ', chr(1) || chr(2)), chr(2) || chr(1), ''), chr(1) || chr(2), ' ')) as TagValue
    from served_tag
    where served_tag.TagValue is not null
),
-- Everything a rule could ask of a set of tags: nothing, that a key is there, that it has its value.
tag_sign as (
    select target.SubAccountId, target.ResourceGroupName, target.Tags, '' as TagKey, '' as TagValue
    from target
    union all
    select target.SubAccountId, target.ResourceGroupName, target.Tags, found_tag.TagKey, ''
    from target
    join found_tag on found_tag.Tags = target.Tags
    union all
    select target.SubAccountId, target.ResourceGroupName, target.Tags, found_tag.TagKey, found_tag.TagValue
    from target
    join found_tag on found_tag.Tags = target.Tags
    where found_tag.TagValue <> ''
),
-- … and of the place: any subscription or this one, any resource group or this one. So a rule is found by equality.
sign as (
    select
        tag_sign.SubAccountId,
        tag_sign.ResourceGroupName,
        tag_sign.Tags,
        tag_sign.TagKey,
        tag_sign.TagValue,
        case when asked.BySubscription = 1 then tag_sign.SubAccountId else '' end as AskedSubscription,
        case when asked.ByResourceGroup = 1 then tag_sign.ResourceGroupName else '' end as AskedResourceGroup
    from tag_sign
    cross join (values (0, 0), (0, 1), (1, 0), (1, 1)) as asked (BySubscription, ByResourceGroup)
),
holding_rule as (
    select
        sign.SubAccountId,
        sign.ResourceGroupName,
        sign.Tags,
        configured_rule.RuleRank,
        configured_rule.ValidFrom,
        configured_rule.ValidTo
    from sign
    join configured_rule
        on configured_rule.SubscriptionId = sign.AskedSubscription
        and configured_rule.ResourceGroup = sign.AskedResourceGroup
        and configured_rule.TagKey = sign.TagKey
        and configured_rule.TagValue = sign.TagValue
),
lasting_rule as (
    select
        holding_rule.SubAccountId,
        holding_rule.ResourceGroupName,
        holding_rule.Tags,
        min(holding_rule.RuleRank) as RuleRank
    from holding_rule
    group by holding_rule.SubAccountId, holding_rule.ResourceGroupName, holding_rule.Tags
    having max(holding_rule.ValidFrom) is null and max(holding_rule.ValidTo) is null
),
-- A target of which some rule holds only for a time has a row per day; any other has one for all days.
passing_target as (
    select distinct
        holding_rule.SubAccountId,
        holding_rule.ResourceGroupName,
        holding_rule.Tags
    from holding_rule
    where holding_rule.ValidFrom is not null or holding_rule.ValidTo is not null
),
charge_day as (
    select distinct cast(cost_and_usage.ChargePeriodStart as date) as ChargeDate
    from cost_and_usage
),
passing_rule as (
    select
        passing_target.SubAccountId,
        passing_target.ResourceGroupName,
        passing_target.Tags,
        charge_day.ChargeDate,
        min(holding_rule.RuleRank) as RuleRank
    from passing_target
    cross join charge_day
    left join holding_rule
        on holding_rule.SubAccountId = passing_target.SubAccountId
        and holding_rule.ResourceGroupName = passing_target.ResourceGroupName
        and holding_rule.Tags = passing_target.Tags
        and coalesce(holding_rule.ValidFrom, charge_day.ChargeDate) <= charge_day.ChargeDate
        and coalesce(holding_rule.ValidTo, charge_day.ChargeDate) >= charge_day.ChargeDate
    group by
        passing_target.SubAccountId,
        passing_target.ResourceGroupName,
        passing_target.Tags,
        charge_day.ChargeDate
),
ranked_tag as (
    select
        found_tag.Tags,
        found_tag.TagValue,
        row_number() over (partition by found_tag.Tags order by owner_tag.Priority, found_tag.TagKey) as recency
    from found_tag
    join owner_tag on lower(trim(owner_tag.TagKey)) = found_tag.TagKey
    where found_tag.TagValue <> ''
),
spelling as (
    select
        lower(replace(replace(replace(configured_rule.CostOwner, ' ', chr(1) || chr(2)), chr(2) || chr(1), ''), chr(1) || chr(2), ' ')) as FoldedOwner,
        min(configured_rule.CostOwner) as CostOwner
    from configured_rule
    group by 1
),
tag_owner as (
    select
        ranked_tag.Tags,
        coalesce(spelling.CostOwner, ranked_tag.TagValue) as CostOwner
    from ranked_tag
    left join spelling on spelling.FoldedOwner = ranked_tag.TagValue
    where ranked_tag.recency = 1
),
ruled as (
    select
        target.BillingPeriodStart,
        target.SubAccountId,
        target.ResourceGroupName,
        target.Tags,
        coalesce(passing_rule.ChargeDate, date '0001-01-01') as FirstDate,
        coalesce(passing_rule.ChargeDate, date '9999-12-31') as LastDate,
        coalesce(passing_rule.RuleRank, lasting_rule.RuleRank) as RuleRank
    from target
    left join lasting_rule
        on lasting_rule.SubAccountId = target.SubAccountId
        and lasting_rule.ResourceGroupName = target.ResourceGroupName
        and lasting_rule.Tags = target.Tags
    left join passing_rule
        on passing_rule.SubAccountId = target.SubAccountId
        and passing_rule.ResourceGroupName = target.ResourceGroupName
        and passing_rule.Tags = target.Tags
)
select
    ruled.BillingPeriodStart as BillingPeriodStart,
    ruled.SubAccountId as SubAccountId,
    ruled.ResourceGroupName as ResourceGroupName,
    ruled.Tags as Tags,
    ruled.FirstDate as FirstDate,
    ruled.LastDate as LastDate,
    coalesce(configured_rule.CostOwner, tag_owner.CostOwner) as CostOwner,
    case
        when configured_rule.CostOwner is not null then 'Rule'
        when tag_owner.CostOwner is not null then 'Tag'
    end as OwnerBasis
from ruled
left join configured_rule on configured_rule.RuleRank = ruled.RuleRank
left join tag_owner on tag_owner.Tags = ruled.Tags
