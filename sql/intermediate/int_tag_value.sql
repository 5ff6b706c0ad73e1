-- int_tag_value is what the tags of one combination of subscription, resource group and tags say under one tag that is asked for.
--
-- Asked for are the owner tags and the tags of the policy, by the rules of the month. The resource's own tag goes before that of its
-- resource group, and this before that of its subscription (inherited_tag, for the days they hold). Keys and values are compared in
-- lower case with single blanks, after the map of spellings (tag_key, tag_value).
--
-- A value is held against the values that the policy allows, or, for a tag without such, against the owners (of rules, or of the list of
-- owners) and the values that the owner rules name, where any of them asks for this tag. Where there is nothing to hold it against, every value is as good as any.
--
-- A value that a rule leads to an owner, whatever the subscription, is another spelling of that owner where the tag names him
-- elsewhere by his own name: paymnets is payments then. A cost centre that a rule leads to an owner stays the cost centre it is.
--
-- A value not known is likely meant to be a known one that is the same without blanks and punctuation, or differs by one letter in
-- four, two at most (a letter swapped with its neighbour counts two, which six letters and more may have). A missing tag is likely
-- meant by a key that is as near.
--
-- reads:  int_owner_target, int_rule_set, owner_rule, owner_name, owner_tag, tag_key, tag_value, tag_policy, inherited_tag
-- grain:  BillingPeriodStart, SubAccountId, ResourceGroupName, Tags, TagKey, FirstDate
-- period: BillingPeriodStart
--
-- column BillingPeriodStart  date     first day of the month the billing period starts in
-- column SubAccountId        varchar  subscription GUID in lower case; empty for none
-- column ResourceGroupName   varchar  in lower case; empty for none
-- column Tags                varchar  JSON object text; empty for none
-- column TagKey              varchar  the tag asked for, in lower case
-- column FirstDate           date     first day it is so; 0001-01-01 unless inherited tags change
-- column LastDate            date     last day it is so; 9999-12-31 unless inherited tags change
-- column Reason              varchar  Tagged, Missing, UnknownValue or Conflicting
-- column TagValue            varchar  Tagged: the value, as rules and policy spell it; else null
-- column Found               varchar  what is there instead of a good value: the unknown one, those in conflict, a key spelled nearly so; empty where nothing is
-- column SuggestedValue      varchar  the value likely meant; null without one, and when tagged
-- column Suggestion          varchar  why, and what to do; null without SuggestedValue
--
-- check: FirstDate <= LastDate
-- check: Reason in ('Tagged', 'Missing', 'UnknownValue', 'Conflicting')
-- check: (Reason = 'Tagged') = (TagValue is not null)
-- check: (SuggestedValue is null) = (Suggestion is null)
-- total: not exists (select BillingPeriodStart, SubAccountId, ResourceGroupName, Tags from int_owner_target
--        where BillingPeriodStart in (select BillingPeriodStart from int_rule_set where RuleSet in (select RuleSet from owner_tag union select RuleSet from tag_policy))
--        except select BillingPeriodStart, SubAccountId, ResourceGroupName, Tags from int_tag_value)
with combination as (
    select distinct
        int_owner_target.BillingPeriodStart,
        int_rule_set.RuleSet,
        int_owner_target.SubAccountId,
        int_owner_target.ResourceGroupName,
        int_owner_target.Tags
    from int_owner_target
    join int_rule_set on int_rule_set.BillingPeriodStart = int_owner_target.BillingPeriodStart
),
asked_tag as (
    select owner_tag.RuleSet, lower(trim(owner_tag.TagKey)) as TagKey from owner_tag where trim(owner_tag.TagKey) <> ''
    union
    select tag_policy.RuleSet, lower(trim(tag_policy.TagKey)) as TagKey from tag_policy
),
-- The values that each tag may have, in the words of whoever wrote them down, and as they are compared.
listed_value as (
    select
        tag_policy.RuleSet,
        lower(trim(tag_policy.TagKey)) as TagKey,
        trim(tag_policy.TagValue) as Spelled,
        folded(tag_policy.TagValue) as Folded,
        false as IsPattern
    from tag_policy
),
owner_spelling as (
    select owner_rule.RuleSet, folded(owner_rule.CostOwner) as Folded, min(trim(owner_rule.CostOwner)) as Spelled
    from owner_rule
    group by 1, 2
    union
    select owner_name.RuleSet, folded(owner_name.CostOwner), trim(owner_name.CostOwner)
    from owner_name
),
asking_rule as (
    select
        asked_tag.RuleSet,
        asked_tag.TagKey,
        owner_rule.IsPattern,
        trim(owner_rule.TagValue) as Spelled,
        case when owner_rule.IsPattern then owner_rule.TagValue else folded(owner_rule.TagValue) end as Folded
    from asked_tag
    join owner_rule on owner_rule.RuleSet = asked_tag.RuleSet
    where (owner_rule.IsPattern and asked_tag.TagKey like owner_rule.TagKey escape '\'
            or not owner_rule.IsPattern and asked_tag.TagKey = lower(trim(owner_rule.TagKey)))
        and not exists (select 1 from listed_value where listed_value.RuleSet = asked_tag.RuleSet and listed_value.TagKey = asked_tag.TagKey)
),
known_value as (
    select listed_value.RuleSet, listed_value.TagKey, listed_value.Spelled, listed_value.Folded, listed_value.IsPattern from listed_value
    union all
    select asking_rule.RuleSet, asking_rule.TagKey, nullif(asking_rule.Spelled, ''), nullif(asking_rule.Folded, ''), asking_rule.IsPattern from asking_rule
    union all
    select asked.RuleSet, asked.TagKey, owner_spelling.Spelled, owner_spelling.Folded, false
    from (select distinct asking_rule.RuleSet, asking_rule.TagKey from asking_rule) as asked
    join owner_spelling on owner_spelling.RuleSet = asked.RuleSet
),
-- One entry without a value lets every value pass.
held_tag as (
    select known_value.RuleSet, known_value.TagKey
    from known_value
    group by known_value.RuleSet, known_value.TagKey
    having count(*) = count(known_value.Folded)
),
carried_tag as (
    select distinct
        combination.RuleSet,
        combination.Tags,
        folded(item.Spelling) as Spelling,
        folded(json_value_text(combination.Tags, item.Spelling)) as TagValue
    from (select distinct combination.RuleSet, combination.Tags from combination where combination.Tags <> '') as combination
    cross join unnest(json_names(combination.Tags)) as item (Spelling)
),
mapped_tag as (
    select
        carried_tag.RuleSet,
        carried_tag.Tags,
        carried_tag.Spelling,
        coalesce(lower(trim(tag_key.TagKey)), carried_tag.Spelling) as TagKey,
        carried_tag.TagValue
    from carried_tag
    left join tag_key
        on tag_key.RuleSet = carried_tag.RuleSet
        and tag_key.Spelling = carried_tag.Spelling
    where carried_tag.TagValue <> ''
),
-- A tag inherited from the resource group, and from the subscription, for the days each holds.
place as (
    select distinct combination.BillingPeriodStart, combination.RuleSet, combination.SubAccountId, combination.ResourceGroupName
    from combination
),
passed_on as (
    select
        place.BillingPeriodStart,
        place.RuleSet,
        place.SubAccountId,
        place.ResourceGroupName,
        inherited_tag.ResourceGroup <> '' as IsOfGroup,
        coalesce(lower(trim(tag_key.TagKey)), folded(inherited_tag.TagKey)) as TagKey,
        folded(inherited_tag.TagValue) as TagValue,
        inherited_tag.ValidFrom,
        inherited_tag.ValidTo
    from place
    join inherited_tag
        on inherited_tag.RuleSet = place.RuleSet
        and inherited_tag.SubscriptionId = place.SubAccountId
        and (inherited_tag.ResourceGroup = '' or inherited_tag.ResourceGroup = place.ResourceGroupName)
    left join tag_key
        on tag_key.RuleSet = inherited_tag.RuleSet
        and tag_key.Spelling = folded(inherited_tag.TagKey)
    where folded(inherited_tag.TagValue) <> ''
),
turn as (
    select place.BillingPeriodStart, place.SubAccountId, place.ResourceGroupName, date '0001-01-01' as FirstDate from place
    union
    select passed_on.BillingPeriodStart, passed_on.SubAccountId, passed_on.ResourceGroupName, passed_on.ValidFrom from passed_on where passed_on.ValidFrom is not null
    union
    select passed_on.BillingPeriodStart, passed_on.SubAccountId, passed_on.ResourceGroupName, day_add(passed_on.ValidTo, 1) from passed_on where passed_on.ValidTo is not null
),
span as (
    select
        turn.BillingPeriodStart,
        turn.SubAccountId,
        turn.ResourceGroupName,
        turn.FirstDate,
        coalesce(
            day_add(lead(turn.FirstDate) over (partition by turn.BillingPeriodStart, turn.SubAccountId, turn.ResourceGroupName order by turn.FirstDate), -1),
            date '9999-12-31'
        ) as LastDate
    from turn
),
-- Every value of a tag asked for, wherever it is, and after the map.
seen_value as (
    select mapped_tag.RuleSet, mapped_tag.TagKey, mapped_tag.TagValue from mapped_tag
    union
    select passed_on.RuleSet, passed_on.TagKey, passed_on.TagValue from passed_on
),
another_spelling as (
    select
        owner_rule.RuleSet,
        seen_value.TagKey,
        folded(owner_rule.TagValue) as TagValue,
        min(folded(owner_rule.CostOwner)) as Folded,
        min(trim(owner_rule.CostOwner)) as Spelled
    from owner_rule
    join seen_value
        on seen_value.RuleSet = owner_rule.RuleSet
        and seen_value.TagKey = lower(trim(owner_rule.TagKey))
        and seen_value.TagValue = folded(owner_rule.CostOwner)
    where not coalesce(owner_rule.IsPattern, false)
        and coalesce(owner_rule.SubscriptionId, '') = ''
        and coalesce(owner_rule.ResourceGroup, '') = ''
        and coalesce(owner_rule.InvoiceSection, '') = ''
    group by owner_rule.RuleSet, seen_value.TagKey, folded(owner_rule.TagValue)
    having count(distinct folded(owner_rule.CostOwner)) = 1
),
meant_value as (
    select
        seen_value.RuleSet,
        seen_value.TagKey,
        seen_value.TagValue,
        coalesce(another_spelling.Folded, folded(tag_value.TagValue), seen_value.TagValue) as Folded,
        coalesce(another_spelling.Spelled, trim(tag_value.TagValue), seen_value.TagValue) as Spelled
    from seen_value
    join asked_tag
        on asked_tag.RuleSet = seen_value.RuleSet
        and asked_tag.TagKey = seen_value.TagKey
    left join tag_value
        on tag_value.RuleSet = seen_value.RuleSet
        and tag_value.TagKey = seen_value.TagKey
        and tag_value.Spelling = seen_value.TagValue
    left join another_spelling
        on another_spelling.RuleSet = seen_value.RuleSet
        and another_spelling.TagKey = seen_value.TagKey
        and another_spelling.TagValue = coalesce(folded(tag_value.TagValue), seen_value.TagValue)
),
judged_value as (
    select
        meant_value.RuleSet,
        meant_value.TagKey,
        meant_value.TagValue,
        meant_value.Folded,
        held_tag.TagKey is null or count(known_value.TagKey) > 0 as IsKnown,
        coalesce(min(case when not known_value.IsPattern then known_value.Spelled end), min(meant_value.Spelled)) as Spelled
    from meant_value
    left join held_tag
        on held_tag.RuleSet = meant_value.RuleSet
        and held_tag.TagKey = meant_value.TagKey
    left join known_value
        on known_value.RuleSet = meant_value.RuleSet
        and known_value.TagKey = meant_value.TagKey
        and (known_value.Folded = meant_value.Folded
            or known_value.IsPattern and meant_value.Folded like known_value.Folded escape '\')
    group by meant_value.RuleSet, meant_value.TagKey, meant_value.TagValue, meant_value.Folded, held_tag.TagKey
),
likely_value as (
    select
        near.RuleSet,
        near.TagKey,
        near.TagValue,
        near.Spelled,
        row_number() over (partition by near.RuleSet, near.TagKey, near.TagValue order by near.Letters, near.Spelled) as NearRank
    from (
        select
            judged_value.RuleSet,
            judged_value.TagKey,
            judged_value.TagValue,
            known_value.Spelled,
            case
                when translate(judged_value.Folded, ' -_./&', '') = translate(known_value.Folded, ' -_./&', '') then 0
                else edit_distance(judged_value.Folded, known_value.Folded)
            end as Letters
        from judged_value
        join known_value
            on known_value.RuleSet = judged_value.RuleSet
            and known_value.TagKey = judged_value.TagKey
        where not judged_value.IsKnown
            and not known_value.IsPattern
    ) as near
    where near.Letters = 0
        or near.Letters = 1 and length(near.TagValue) >= 4
        or near.Letters = 2 and length(near.TagValue) >= 6
),
likely_key as (
    select
        near.RuleSet,
        near.Tags,
        near.TagKey,
        near.Spelling,
        near.TagValue,
        row_number() over (partition by near.RuleSet, near.Tags, near.TagKey order by near.Letters, near.Spelling, near.TagValue) as NearRank
    from (
        select
            mapped_tag.RuleSet,
            mapped_tag.Tags,
            asked_tag.TagKey,
            mapped_tag.Spelling,
            mapped_tag.TagValue,
            case
                when translate(mapped_tag.TagKey, ' -_./&', '') = translate(asked_tag.TagKey, ' -_./&', '') then 0
                else edit_distance(mapped_tag.TagKey, asked_tag.TagKey)
            end as Letters
        from mapped_tag
        join asked_tag on asked_tag.RuleSet = mapped_tag.RuleSet
        where not exists (select 1 from asked_tag as other where other.RuleSet = mapped_tag.RuleSet and other.TagKey = mapped_tag.TagKey)
    ) as near
    where near.Letters = 0
        or near.Letters = 1 and length(near.TagKey) >= 4
        or near.Letters = 2 and length(near.TagKey) >= 6
),
-- What the resources with these tags say themselves.
own as (
    select
        mapped_tag.RuleSet,
        mapped_tag.Tags,
        mapped_tag.TagKey,
        count(distinct judged_value.Folded) as ValueCount,
        min(judged_value.Folded) as FirstValue,
        max(judged_value.Folded) as LastValue,
        min(mapped_tag.TagValue) as TagValue
    from mapped_tag
    join judged_value
        on judged_value.RuleSet = mapped_tag.RuleSet
        and judged_value.TagKey = mapped_tag.TagKey
        and judged_value.TagValue = mapped_tag.TagValue
    group by mapped_tag.RuleSet, mapped_tag.Tags, mapped_tag.TagKey
),
-- What their resource group and their subscription say on those days.
given as (
    select
        span.BillingPeriodStart,
        span.SubAccountId,
        span.ResourceGroupName,
        span.FirstDate,
        passed_on.TagKey,
        min(case when passed_on.IsOfGroup then passed_on.TagValue end) as GroupValue,
        min(case when not passed_on.IsOfGroup then passed_on.TagValue end) as SubscriptionValue
    from span
    join passed_on
        on passed_on.BillingPeriodStart = span.BillingPeriodStart
        and passed_on.SubAccountId = span.SubAccountId
        and passed_on.ResourceGroupName = span.ResourceGroupName
        and coalesce(passed_on.ValidFrom, span.FirstDate) <= span.FirstDate
        and coalesce(passed_on.ValidTo, span.FirstDate) >= span.FirstDate
    group by span.BillingPeriodStart, span.SubAccountId, span.ResourceGroupName, span.FirstDate, passed_on.TagKey
),
answer as (
    select
        combination.BillingPeriodStart,
        combination.RuleSet,
        combination.SubAccountId,
        combination.ResourceGroupName,
        combination.Tags,
        asked_tag.TagKey,
        span.FirstDate,
        span.LastDate,
        own.ValueCount,
        own.FirstValue,
        own.LastValue,
        own.TagValue is not null as IsOwn,
        given.GroupValue,
        coalesce(own.TagValue, given.GroupValue, given.SubscriptionValue) as TagValue
    from combination
    join asked_tag on asked_tag.RuleSet = combination.RuleSet
    join span
        on span.BillingPeriodStart = combination.BillingPeriodStart
        and span.SubAccountId = combination.SubAccountId
        and span.ResourceGroupName = combination.ResourceGroupName
    left join own
        on own.RuleSet = combination.RuleSet
        and own.Tags = combination.Tags
        and own.TagKey = asked_tag.TagKey
    left join given
        on given.BillingPeriodStart = combination.BillingPeriodStart
        and given.SubAccountId = combination.SubAccountId
        and given.ResourceGroupName = combination.ResourceGroupName
        and given.FirstDate = span.FirstDate
        and given.TagKey = asked_tag.TagKey
),
reasoned as (
    select
        answer.*,
        case
            when answer.TagValue is null then 'Missing'
            when answer.ValueCount > 1 then 'Conflicting'
            when not judged_value.IsKnown then 'UnknownValue'
            when answer.IsOwn and groups_value.Folded <> judged_value.Folded then 'Conflicting'
            else 'Tagged'
        end as Reason,
        judged_value.Folded as Folded,
        judged_value.Spelled as Spelled,
        groups_value.Folded as GroupFolded,
        case when groups_value.IsKnown then groups_value.Spelled end as GroupSpelled
    from answer
    left join judged_value
        on judged_value.RuleSet = answer.RuleSet
        and judged_value.TagKey = answer.TagKey
        and judged_value.TagValue = answer.TagValue
    left join judged_value as groups_value
        on groups_value.RuleSet = answer.RuleSet
        and groups_value.TagKey = answer.TagKey
        and groups_value.TagValue = answer.GroupValue
)
select
    reasoned.BillingPeriodStart as BillingPeriodStart,
    reasoned.SubAccountId as SubAccountId,
    reasoned.ResourceGroupName as ResourceGroupName,
    reasoned.Tags as Tags,
    reasoned.TagKey as TagKey,
    reasoned.FirstDate as FirstDate,
    reasoned.LastDate as LastDate,
    reasoned.Reason as Reason,
    case when reasoned.Reason = 'Tagged' then reasoned.Spelled end as TagValue,
    case
        when reasoned.Reason = 'Missing' then coalesce(likely_key.Spelling || ': ' || likely_key.TagValue, '')
        when reasoned.Reason = 'UnknownValue' then reasoned.Folded
        when reasoned.Reason = 'Tagged' then ''
        when reasoned.ValueCount > 2 then reasoned.FirstValue || ' | … | ' || reasoned.LastValue
        when reasoned.ValueCount > 1 then reasoned.FirstValue || ' | ' || reasoned.LastValue
        else reasoned.Folded || ', its resource group ' || reasoned.GroupFolded
    end as Found,
    case reasoned.Reason
        when 'Missing' then likely_key.TagValue
        when 'UnknownValue' then coalesce(likely_value.Spelled, reasoned.GroupSpelled)
        when 'Conflicting' then reasoned.GroupSpelled
    end as SuggestedValue,
    case
        when reasoned.Reason = 'Missing' and likely_key.Spelling is not null
            then 'Add to the map of keys: ' || likely_key.Spelling || ' → ' || reasoned.TagKey || '.'
        when reasoned.Reason = 'UnknownValue' and likely_value.Spelled is not null
            then 'Add to the map of values: ' || reasoned.Folded || ' → ' || likely_value.Spelled || '.'
        when reasoned.Reason in ('UnknownValue', 'Conflicting') and reasoned.GroupSpelled is not null
            then 'The resource group is tagged ' || reasoned.GroupSpelled || '.'
    end as Suggestion
from reasoned
left join likely_key
    on likely_key.RuleSet = reasoned.RuleSet
    and likely_key.Tags = reasoned.Tags
    and likely_key.TagKey = reasoned.TagKey
    and likely_key.NearRank = 1
left join likely_value
    on likely_value.RuleSet = reasoned.RuleSet
    and likely_value.TagKey = reasoned.TagKey
    and likely_value.TagValue = reasoned.TagValue
    and likely_value.NearRank = 1
