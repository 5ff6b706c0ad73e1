-- int_owner_target is who owns the charges of one combination of subscription, resource group, tags and invoice section, and from
-- when to when.
--
-- The combinations are few where charges are many, so owners are looked for here and never for single charges.
--
-- The owner is that of the first rule that holds, by Priority: its subscription, resource group, invoice section (by name or by
-- id) and tag are each either empty, which is any, or equal to the charge's, without regard to case and repeated blanks, or, in a
-- rule of patterns, like it; a tag key without a value asks only for the tag. Two rules of one Priority are told apart by
-- CostOwner, in alphabetical order. Where no rule holds on that day, the owner is the value of the first owner tag the charge
-- has, in lower case, or as a rule or the list of owners spells that owner.
--
-- Spellings of a tag's key and of its value are led to what is meant first. A tag that the charge lacks, or has without a value, is
-- that of its resource group, or else of its subscription, on that day.
--
-- TagSign says which conditions of allocation rules about tags these tags meet: a word per condition, see int_charge_condition.
--
-- Days matter only where rules or inherited tags begin or end within the days charged: there, every combination has a row for each
-- span between.
--
-- reads:  cost_and_usage, int_rule_set, owner_rule, owner_name, owner_tag, tag_key, tag_value, inherited_tag, allocation_filter
-- grain:  BillingPeriodStart, SubAccountId, ResourceGroupName, Tags, InvoiceSectionId, InvoiceSectionName, FirstDate
-- period: BillingPeriodStart
-- from:   cost_and_usage where coalesce(cost_and_usage.SubAccountId, '') = int_owner_target.SubAccountId
--         and coalesce(lower(cost_and_usage.x_ResourceGroupName), '') = int_owner_target.ResourceGroupName
--         and coalesce(cost_and_usage.Tags, '') = int_owner_target.Tags
--         and coalesce(cost_and_usage.x_InvoiceSectionId, '') = int_owner_target.InvoiceSectionId
--         and coalesce(cost_and_usage.x_InvoiceSectionName, '') = int_owner_target.InvoiceSectionName
-- with:   int_rule_set on BillingPeriodStart
-- with:   owner_rule where int_owner_target.OwnerBasis = 'Rule' and lower(trim(owner_rule.CostOwner)) = lower(int_owner_target.CostOwner)
--         and coalesce(owner_rule.ValidFrom, int_owner_target.LastDate) <= int_owner_target.LastDate
--         and coalesce(owner_rule.ValidTo, int_owner_target.FirstDate) >= int_owner_target.FirstDate
--         and exists (
--             select 1 from int_rule_set
--             where int_rule_set.BillingPeriodStart = int_owner_target.BillingPeriodStart and int_rule_set.RuleSet = owner_rule.RuleSet
--         )
-- with:   owner_tag where int_owner_target.OwnerBasis = 'Tag' and exists (
--             select 1 from int_rule_set
--             where int_rule_set.BillingPeriodStart = int_owner_target.BillingPeriodStart and int_rule_set.RuleSet = owner_tag.RuleSet
--         )
--
-- column BillingPeriodStart  date     first day of the month the billing period starts in
-- column SubAccountId        varchar  subscription GUID in lower case; empty for none
-- column ResourceGroupName   varchar  in lower case; empty for none
-- column Tags                varchar  JSON object text; empty for none
-- column InvoiceSectionId    varchar  mca: invoice section; ea: department; empty for none
-- column InvoiceSectionName  varchar  its name; empty for none
-- column FirstDate           date     first day the owner holds; 0001-01-01 when that is before all charges
-- column LastDate            date     last day the owner holds; 9999-12-31 when that is after all charges
-- column CostOwner           varchar  who pays; null where no rule and no tag says
-- column OwnerBasis          varchar  Rule or Tag; null without an owner
-- column TagSign             varchar  conditions on tags that hold, each between blanks; empty for none
--
-- check: FirstDate <= LastDate
-- total: not exists (select coalesce(SubAccountId, ''), coalesce(lower(x_ResourceGroupName), ''), coalesce(Tags, ''), coalesce(x_InvoiceSectionId, ''),
--        coalesce(x_InvoiceSectionName, '') from cost_and_usage
--        except select SubAccountId, ResourceGroupName, Tags, InvoiceSectionId, InvoiceSectionName from int_owner_target)
with charged as (
    select
        month_start(cost_and_usage.BillingPeriodStart) as BillingPeriodStart,
        coalesce(cost_and_usage.SubAccountId, '') as SubAccountId,
        coalesce(lower(cost_and_usage.x_ResourceGroupName), '') as ResourceGroupName,
        coalesce(cost_and_usage.Tags, '') as Tags,
        coalesce(cost_and_usage.x_InvoiceSectionId, '') as InvoiceSectionId,
        coalesce(cost_and_usage.x_InvoiceSectionName, '') as InvoiceSectionName,
        min(cast(cost_and_usage.ChargePeriodStart as date)) as FirstCharge,
        max(cast(cost_and_usage.ChargePeriodStart as date)) as LastCharge
    from cost_and_usage
    group by 1, 2, 3, 4, 5, 6
),
target as (
    select
        row_number() over (
            order by
                charged.BillingPeriodStart,
                charged.SubAccountId,
                charged.ResourceGroupName,
                charged.Tags,
                charged.InvoiceSectionId,
                charged.InvoiceSectionName
        ) as TargetId,
        coalesce(int_rule_set.RuleSet, 'current') as RuleSet,
        charged.*
    from charged
    left join int_rule_set on int_rule_set.BillingPeriodStart = charged.BillingPeriodStart
),
configured_rule as (
    select
        row_number() over (
            order by
                owner_rule.Priority,
                owner_rule.CostOwner,
                owner_rule.Line,
                owner_rule.SubscriptionId,
                owner_rule.ResourceGroup,
                owner_rule.InvoiceSection,
                owner_rule.TagKey,
                owner_rule.TagValue,
                owner_rule.ValidFrom,
                owner_rule.ValidTo
        ) as RuleRank,
        owner_rule.RuleSet as RuleSet,
        trim(owner_rule.CostOwner) as CostOwner,
        coalesce(folded(owner_rule.SubscriptionId), '') as SubscriptionId,
        coalesce(folded(owner_rule.ResourceGroup), '') as ResourceGroup,
        coalesce(folded(owner_rule.InvoiceSection), '') as InvoiceSection,
        coalesce(folded(owner_rule.TagKey), '') as TagKey,
        coalesce(folded(owner_rule.TagValue), '') as TagValue,
        coalesce(owner_rule.IsPattern, false) as IsPattern,
        coalesce(owner_rule.ValidFrom, date '0001-01-01') as ValidFrom,
        coalesce(owner_rule.ValidTo, date '9999-12-31') as ValidTo
    from owner_rule
),
given_tag as (
    select
        inherited_tag.RuleSet as RuleSet,
        inherited_tag.SubscriptionId as SubscriptionId,
        coalesce(inherited_tag.ResourceGroup, '') as ResourceGroup,
        coalesce(folded(tag_key.TagKey), folded(inherited_tag.TagKey)) as TagKey,
        inherited_tag.TagValue as TagValue,
        coalesce(inherited_tag.ValidFrom, date '0001-01-01') as ValidFrom,
        coalesce(inherited_tag.ValidTo, date '9999-12-31') as ValidTo
    from inherited_tag
    left join tag_key
        on tag_key.RuleSet = inherited_tag.RuleSet
        and tag_key.Spelling = folded(inherited_tag.TagKey)
),
-- The days charged, cut wherever a rule or an inherited tag begins or has ended. FromDay is the day that stands for the span.
month_day as (
    select
        target.BillingPeriodStart as BillingPeriodStart,
        target.RuleSet as RuleSet,
        min(target.FirstCharge) as FirstCharge,
        max(target.LastCharge) as LastCharge
    from target
    group by target.BillingPeriodStart, target.RuleSet
),
cut as (
    select configured_rule.RuleSet as RuleSet, configured_rule.ValidFrom as CutDate
    from configured_rule
    union
    select configured_rule.RuleSet, day_add(configured_rule.ValidTo, 1)
    from configured_rule
    where configured_rule.ValidTo < date '9999-12-31'
    union
    select given_tag.RuleSet, given_tag.ValidFrom
    from given_tag
    union
    select given_tag.RuleSet, day_add(given_tag.ValidTo, 1)
    from given_tag
    where given_tag.ValidTo < date '9999-12-31'
),
opening as (
    select
        month_day.BillingPeriodStart as BillingPeriodStart,
        date '0001-01-01' as FirstDate,
        month_day.FirstCharge as FromDay
    from month_day
    union all
    select
        month_day.BillingPeriodStart,
        cut.CutDate,
        cut.CutDate
    from month_day
    inner join cut
        on cut.RuleSet = month_day.RuleSet
        and cut.CutDate > month_day.FirstCharge
        and cut.CutDate <= month_day.LastCharge
),
span as (
    select
        opening.BillingPeriodStart as BillingPeriodStart,
        opening.FirstDate as FirstDate,
        opening.FromDay as FromDay,
        coalesce(
            day_add(lead(opening.FirstDate) over (partition by opening.BillingPeriodStart order by opening.FirstDate), -1),
            date '9999-12-31'
        ) as LastDate
    from opening
),
tagged as (
    select distinct target.RuleSet as RuleSet, target.Tags as Tags
    from target
    where target.Tags <> ''
),
-- A rule of patterns can ask for any key, so keys are collected only where there is one.
key_pattern as (
    select distinct configured_rule.RuleSet as RuleSet, configured_rule.TagKey as TagKey
    from configured_rule
    where configured_rule.IsPattern and configured_rule.TagKey <> ''
),
present_key as (
    select tagged.RuleSet as RuleSet, folded(names.TagKey) as TagKey
    from tagged
    inner join (select distinct key_pattern.RuleSet from key_pattern) as asking on asking.RuleSet = tagged.RuleSet
    cross join unnest(json_names(tagged.Tags)) as names (TagKey)
    union
    select given_tag.RuleSet, given_tag.TagKey
    from given_tag
),
asked_key as (
    select configured_rule.RuleSet as RuleSet, configured_rule.TagKey as TagKey
    from configured_rule
    where configured_rule.TagKey <> '' and not configured_rule.IsPattern
    union
    select present_key.RuleSet, coalesce(folded(tag_key.TagKey), present_key.TagKey)
    from present_key
    left join tag_key on tag_key.RuleSet = present_key.RuleSet and tag_key.Spelling = present_key.TagKey
    inner join key_pattern
        on key_pattern.RuleSet = present_key.RuleSet
        and coalesce(folded(tag_key.TagKey), present_key.TagKey) like key_pattern.TagKey escape '\'
    union
    select owner_tag.RuleSet, coalesce(folded(tag_key.TagKey), folded(owner_tag.TagKey))
    from owner_tag
    left join tag_key on tag_key.RuleSet = owner_tag.RuleSet and tag_key.Spelling = folded(owner_tag.TagKey)
    where trim(owner_tag.TagKey) <> ''
    union
    select allocation_filter.RuleSet, substr(allocation_filter.ColumnName, 5)
    from allocation_filter
    where allocation_filter.ColumnName like 'tag.%'
),
spelled_key as (
    select asked_key.RuleSet as RuleSet, asked_key.TagKey as TagKey, asked_key.TagKey as Spelling
    from asked_key
    union
    select asked_key.RuleSet, asked_key.TagKey, tag_key.Spelling
    from asked_key
    inner join tag_key on tag_key.RuleSet = asked_key.RuleSet and folded(tag_key.TagKey) = asked_key.TagKey
),
-- 1 is the charge's own tag, 2 its resource group's, 3 its subscription's, 4 its own without a value.
own_tag as (
    select
        tagged.RuleSet as RuleSet,
        tagged.Tags as Tags,
        spelled_key.TagKey as TagKey,
        spelled_key.Spelling as Spelling,
        folded(tag_value(tagged.Tags, spelled_key.Spelling)) as TagValue
    from tagged
    inner join spelled_key on spelled_key.RuleSet = tagged.RuleSet
),
offered_tag as (
    select
        target.TargetId as TargetId,
        span.FirstDate as FirstDate,
        target.RuleSet as RuleSet,
        own_tag.TagKey as TagKey,
        case when own_tag.TagValue = '' then 4 else 1 end as Place,
        case when own_tag.Spelling = own_tag.TagKey then '' else own_tag.Spelling end as Spelling,
        own_tag.TagValue as TagValue
    from target
    inner join span on span.BillingPeriodStart = target.BillingPeriodStart
    inner join own_tag on own_tag.RuleSet = target.RuleSet and own_tag.Tags = target.Tags
    where own_tag.TagValue is not null
    union all
    select
        target.TargetId,
        span.FirstDate,
        target.RuleSet,
        given_tag.TagKey,
        case when given_tag.ResourceGroup = '' then 3 else 2 end,
        '',
        coalesce(folded(given_tag.TagValue), '')
    from target
    inner join span on span.BillingPeriodStart = target.BillingPeriodStart
    inner join given_tag
        on given_tag.RuleSet = target.RuleSet
        and given_tag.SubscriptionId = target.SubAccountId
        and given_tag.ResourceGroup in ('', target.ResourceGroupName)
        and given_tag.ValidFrom <= span.FromDay
        and given_tag.ValidTo >= span.FromDay
    inner join asked_key on asked_key.RuleSet = given_tag.RuleSet and asked_key.TagKey = given_tag.TagKey
),
nearest_tag as (
    select
        offered_tag.*,
        row_number() over (
            partition by offered_tag.TargetId, offered_tag.FirstDate, offered_tag.TagKey
            order by offered_tag.Place, offered_tag.Spelling, offered_tag.TagValue
        ) as PlaceRank
    from offered_tag
),
found_tag as (
    select
        nearest_tag.TargetId as TargetId,
        nearest_tag.FirstDate as FirstDate,
        nearest_tag.RuleSet as RuleSet,
        nearest_tag.TagKey as TagKey,
        coalesce(folded(tag_value.TagValue), nearest_tag.TagValue) as TagValue
    from nearest_tag
    left join tag_value
        on tag_value.RuleSet = nearest_tag.RuleSet
        and tag_value.TagKey = nearest_tag.TagKey
        and tag_value.Spelling = nearest_tag.TagValue
    where nearest_tag.PlaceRank = 1
),
-- Everything a rule could ask of the tags: nothing, that a key is there, that it has its value.
tag_sign as (
    select target.TargetId as TargetId, span.FirstDate as FirstDate, '' as TagKey, '' as TagValue
    from target
    inner join span on span.BillingPeriodStart = target.BillingPeriodStart
    union all
    select found_tag.TargetId, found_tag.FirstDate, found_tag.TagKey, ''
    from found_tag
    union all
    select found_tag.TargetId, found_tag.FirstDate, found_tag.TagKey, found_tag.TagValue
    from found_tag
    where found_tag.TagValue <> ''
),
-- … and of the place, as far as some rule asks it. So a rule is found by equality.
asked_place as (
    select distinct
        configured_rule.RuleSet as RuleSet,
        configured_rule.SubscriptionId <> '' as BySubscription,
        configured_rule.ResourceGroup <> '' as ByResourceGroup,
        named.SectionKind as SectionKind
    from configured_rule
    inner join (values (0), (1), (2)) as named (SectionKind)
        on (configured_rule.InvoiceSection = '') = (named.SectionKind = 0)
    where not configured_rule.IsPattern
),
sign as (
    select
        tag_sign.TargetId as TargetId,
        tag_sign.FirstDate as FirstDate,
        tag_sign.TagKey as TagKey,
        tag_sign.TagValue as TagValue,
        target.RuleSet as RuleSet,
        case when asked_place.BySubscription then target.SubAccountId else '' end as SubscriptionId,
        case when asked_place.ByResourceGroup then target.ResourceGroupName else '' end as ResourceGroup,
        case asked_place.SectionKind
            when 1 then folded(target.InvoiceSectionId)
            when 2 then folded(target.InvoiceSectionName)
            else ''
        end as InvoiceSection
    from tag_sign
    inner join target on target.TargetId = tag_sign.TargetId
    inner join asked_place on asked_place.RuleSet = target.RuleSet
),
holding_rule as (
    select
        sign.TargetId as TargetId,
        sign.FirstDate as FirstDate,
        configured_rule.RuleRank as RuleRank,
        configured_rule.ValidFrom as ValidFrom,
        configured_rule.ValidTo as ValidTo
    from sign
    inner join configured_rule
        on configured_rule.RuleSet = sign.RuleSet
        and configured_rule.SubscriptionId = sign.SubscriptionId
        and configured_rule.ResourceGroup = sign.ResourceGroup
        and configured_rule.InvoiceSection = sign.InvoiceSection
        and configured_rule.TagKey = sign.TagKey
        and configured_rule.TagValue = sign.TagValue
    where not configured_rule.IsPattern
    union all
    select
        tag_sign.TargetId,
        tag_sign.FirstDate,
        configured_rule.RuleRank,
        configured_rule.ValidFrom,
        configured_rule.ValidTo
    from tag_sign
    inner join target on target.TargetId = tag_sign.TargetId
    inner join configured_rule
        on configured_rule.RuleSet = target.RuleSet
        and (configured_rule.TagKey = '') = (tag_sign.TagKey = '')
        and (configured_rule.TagValue = '') = (tag_sign.TagValue = '')
    where configured_rule.IsPattern
        and (configured_rule.SubscriptionId = '' or target.SubAccountId like configured_rule.SubscriptionId escape '\')
        and (configured_rule.ResourceGroup = '' or folded(target.ResourceGroupName) like configured_rule.ResourceGroup escape '\')
        and (
            configured_rule.InvoiceSection = ''
            or folded(target.InvoiceSectionId) like configured_rule.InvoiceSection escape '\'
            or folded(target.InvoiceSectionName) like configured_rule.InvoiceSection escape '\'
        )
        and (configured_rule.TagKey = '' or tag_sign.TagKey like configured_rule.TagKey escape '\')
        and (configured_rule.TagValue = '' or tag_sign.TagValue like configured_rule.TagValue escape '\')
),
first_rule as (
    select
        holding_rule.TargetId as TargetId,
        holding_rule.FirstDate as FirstDate,
        min(holding_rule.RuleRank) as RuleRank
    from holding_rule
    inner join target on target.TargetId = holding_rule.TargetId
    inner join span
        on span.BillingPeriodStart = target.BillingPeriodStart
        and span.FirstDate = holding_rule.FirstDate
    where holding_rule.ValidFrom <= span.FromDay
        and holding_rule.ValidTo >= span.FromDay
    group by holding_rule.TargetId, holding_rule.FirstDate
),
ranked_tag as (
    select
        found_tag.TargetId as TargetId,
        found_tag.FirstDate as FirstDate,
        found_tag.RuleSet as RuleSet,
        found_tag.TagValue as TagValue,
        row_number() over (partition by found_tag.TargetId, found_tag.FirstDate order by owner_tag.Priority, found_tag.TagKey) as TagRank
    from found_tag
    inner join owner_tag on owner_tag.RuleSet = found_tag.RuleSet
    left join tag_key on tag_key.RuleSet = owner_tag.RuleSet and tag_key.Spelling = folded(owner_tag.TagKey)
    where found_tag.TagValue <> ''
        and found_tag.TagKey = coalesce(folded(tag_key.TagKey), folded(owner_tag.TagKey))
),
spelling as (
    select
        configured_rule.RuleSet as RuleSet,
        folded(configured_rule.CostOwner) as FoldedOwner,
        min(configured_rule.CostOwner) as CostOwner
    from configured_rule
    group by 1, 2
    union all
    select owner_name.RuleSet, folded(owner_name.CostOwner), owner_name.CostOwner
    from owner_name
),
tag_owner as (
    select
        ranked_tag.TargetId as TargetId,
        ranked_tag.FirstDate as FirstDate,
        coalesce(spelling.CostOwner, ranked_tag.TagValue) as CostOwner
    from ranked_tag
    left join spelling
        on spelling.RuleSet = ranked_tag.RuleSet
        and spelling.FoldedOwner = ranked_tag.TagValue
    where ranked_tag.TagRank = 1
),
tag_condition as (
    select distinct
        target.TargetId as TargetId,
        span.FirstDate as FirstDate,
        cast(allocation_filter.RuleId as varchar) || allocation_filter.Use || cast(allocation_filter.ConditionId as varchar) as Condition
    from target
    inner join span on span.BillingPeriodStart = target.BillingPeriodStart
    inner join allocation_filter
        on allocation_filter.RuleSet = target.RuleSet
        and allocation_filter.ColumnName like 'tag.%'
    left join found_tag
        on found_tag.TargetId = target.TargetId
        and found_tag.FirstDate = span.FirstDate
        and found_tag.TagKey = substr(allocation_filter.ColumnName, 5)
    where coalesce(found_tag.TagValue, '') like allocation_filter.Pattern escape '\'
),
signed as (
    select
        tag_condition.TargetId as TargetId,
        tag_condition.FirstDate as FirstDate,
        joined(array_agg(' ' || tag_condition.Condition || ' ' order by tag_condition.Condition), '') as TagSign
    from tag_condition
    group by tag_condition.TargetId, tag_condition.FirstDate
)
select
    target.BillingPeriodStart as BillingPeriodStart,
    target.SubAccountId as SubAccountId,
    target.ResourceGroupName as ResourceGroupName,
    target.Tags as Tags,
    target.InvoiceSectionId as InvoiceSectionId,
    target.InvoiceSectionName as InvoiceSectionName,
    span.FirstDate as FirstDate,
    span.LastDate as LastDate,
    coalesce(configured_rule.CostOwner, tag_owner.CostOwner) as CostOwner,
    case
        when configured_rule.CostOwner is not null then 'Rule'
        when tag_owner.CostOwner is not null then 'Tag'
    end as OwnerBasis,
    coalesce(signed.TagSign, '') as TagSign
from target
inner join span on span.BillingPeriodStart = target.BillingPeriodStart
left join first_rule on first_rule.TargetId = target.TargetId and first_rule.FirstDate = span.FirstDate
left join configured_rule on configured_rule.RuleRank = first_rule.RuleRank
left join tag_owner on tag_owner.TargetId = target.TargetId and tag_owner.FirstDate = span.FirstDate
left join signed on signed.TargetId = target.TargetId and signed.FirstDate = span.FirstDate
