-- untagged_spend is what was spent in one month without a good value of one tag that is asked for, by owner and reason.
--
-- Asked for are the owner tags and the tags of the policy. A charge counts once under each of them, so amounts are added for one
-- TagKey at a time; with the rows of Reason Tagged each TagKey and currency adds up to the whole cost.
--
-- Untaggable is what no resource makes (commitments bought and not used, rounding, support plans, other purchases, charges that
-- name no resource) and what a resource makes that Azure lets nobody tag: classic resources, Defender plans, subscriptions to
-- software. It takes a rule by subscription or invoice section, or a policy. All else that has no tag is Missing.
--
-- Where tags alone suggest nothing, the value that more than half of the tagged cost of the resource group carries is suggested.
--
-- reads:  cost_and_usage, int_owner_target, int_tag_value
-- grain:  BillingPeriodStart, Account, CostOwner, TagKey, Reason, Found, SubAccountId, ResourceGroup, BillingCurrency
-- period: BillingPeriodStart
-- from:   cost_and_usage on BillingCurrency where cost_and_usage.x_Account = untagged_spend.Account
--         and cast(cost_and_usage.BillingPeriodStart as date) = untagged_spend.BillingPeriodStart
--         and coalesce(cost_and_usage.SubAccountId, 'Not assigned') = untagged_spend.SubAccountId
--         and coalesce(nullif(lower(cost_and_usage.x_ResourceGroupName), ''), 'Not assigned') = untagged_spend.ResourceGroup
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
--                 and coalesce(int_owner_target.CostOwner, 'Unallocated') = untagged_spend.CostOwner
--         )
--         and exists (
--             select 1 from int_tag_value
--             where int_tag_value.BillingPeriodStart = month_start(cost_and_usage.BillingPeriodStart)
--                 and int_tag_value.SubAccountId = coalesce(cost_and_usage.SubAccountId, '')
--                 and int_tag_value.ResourceGroupName = coalesce(lower(cost_and_usage.x_ResourceGroupName), '')
--                 and int_tag_value.Tags = coalesce(cost_and_usage.Tags, '')
--                 and int_tag_value.FirstDate <= cast(cost_and_usage.ChargePeriodStart as date)
--                 and int_tag_value.LastDate >= cast(cost_and_usage.ChargePeriodStart as date)
--                 and int_tag_value.TagKey = untagged_spend.TagKey
--                 and case untagged_spend.Reason when 'Untaggable' then int_tag_value.Reason = 'Missing'
--                     else int_tag_value.Reason = untagged_spend.Reason and int_tag_value.Found = untagged_spend.Found end
--         )
--         and (untagged_spend.Reason not in ('Untaggable', 'Missing') or coalesce(
--             case
--                 when cost_and_usage.CommitmentDiscountStatus = 'Unused' then 'commitment not used'
--                 when cost_and_usage.x_ChargeType = 'RoundingAdjustment' then 'rounding'
--                 when cost_and_usage.x_ChargeType in ('Purchase', 'Refund')
--                     and cost_and_usage.x_PricingModel in ('Reservation', 'SavingsPlan') then 'commitment bought'
--                 when cost_and_usage.ChargeCategory = 'Purchase'
--                     and (
--                         lower(cost_and_usage.x_SkuMeterCategory) like '%support%'
--                         or lower(cost_and_usage.ChargeDescription) like '%support plan%'
--                         or lower(cost_and_usage.ChargeDescription) like '%azure support%'
--                     ) then 'support plan'
--                 when cost_and_usage.x_PublisherType = 'Marketplace'
--                     and (cost_and_usage.ResourceId is null or cost_and_usage.x_ResourceType = 'microsoft.saas/saasresources') then 'Marketplace subscription'
--                 when cost_and_usage.ChargeCategory = 'Purchase' then 'purchase'
--                 when cost_and_usage.ChargeCategory <> 'Usage' then lower(cost_and_usage.ChargeCategory)
--                 when cost_and_usage.ResourceId is null then 'charge without a resource'
--                 when cost_and_usage.x_ResourceType like 'microsoft.classic%'
--                     or cost_and_usage.x_ResourceType like 'microsoft.capacity/%'
--                     or cost_and_usage.x_ResourceType like 'microsoft.billingbenefits/%'
--                     or cost_and_usage.x_ResourceType in ('microsoft.security/pricings', 'microsoft.saas/saasresources', 'microsoft.softwareplan/hybridusebenefits')
--                     then cost_and_usage.x_ResourceType
--             end, '') = case untagged_spend.Reason when 'Untaggable' then untagged_spend.Found else '' end)
-- adds:   EffectiveCost, ChargeCount = 1
-- with:   int_tag_value via cost_and_usage where int_tag_value.SubAccountId = coalesce(cost_and_usage.SubAccountId, '')
--         and int_tag_value.ResourceGroupName = coalesce(lower(cost_and_usage.x_ResourceGroupName), '')
--         and int_tag_value.Tags = coalesce(cost_and_usage.Tags, '')
--         and int_tag_value.FirstDate <= cast(cost_and_usage.ChargePeriodStart as date)
--         and int_tag_value.LastDate >= cast(cost_and_usage.ChargePeriodStart as date)
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column CostOwner           varchar          who pays it now; Unallocated where no rule and no tag says
-- column TagKey              varchar          the tag asked for, in lower case
-- column Reason              varchar          Untaggable, Missing, UnknownValue, Conflicting or Tagged
-- column Found               varchar          UnknownValue: that value; Conflicting: the values; Missing: a key spelled nearly so, with its value; Untaggable: what it is; else empty
-- column SubAccountId        varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ResourceGroup       varchar          in lower case; Not assigned for charges of none
-- column BillingCurrency     varchar          ISO 4217
-- column SubAccountName      varchar          the subscription's name, the last in the alphabet where it was renamed; null without one
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, amortised, before tax
-- column ChargeCount         bigint           charges added up
-- column ResourceCount       bigint           resources they are of
-- column SuggestedValue      varchar          the value likely meant; null without one
-- column Suggestion          varchar          why, and what to do; null without SuggestedValue
--
-- check: Reason in ('Untaggable', 'Missing', 'UnknownValue', 'Conflicting', 'Tagged')
-- check: ChargeCount > 0
-- check: (SuggestedValue is null) = (Suggestion is null)
-- total: not exists (select BillingPeriodStart, BillingCurrency, sum(EffectiveCost), sum(ChargeCount) from untagged_spend group by BillingPeriodStart, BillingCurrency, TagKey
--        except select cast(BillingPeriodStart as date), BillingCurrency, sum(EffectiveCost), count(*) from cost_and_usage group by 1, 2)
-- total: (select count(*) from (select distinct month_start(BillingPeriodStart), TagKey from untagged_spend))
--        = (select count(*) from (select distinct BillingPeriodStart, TagKey from int_tag_value))
with tag_span as (
    select distinct
        int_tag_value.BillingPeriodStart,
        int_tag_value.SubAccountId,
        int_tag_value.ResourceGroupName,
        int_tag_value.FirstDate,
        int_tag_value.LastDate
    from int_tag_value
),
-- The one pass over the charges: what a resource costs under one set of tags.
spent as (
    select
        cast(cost_and_usage.BillingPeriodStart as date) as BillingPeriodStart,
        cost_and_usage.x_Account as Account,
        coalesce(int_owner_target.CostOwner, 'Unallocated') as CostOwner,
        int_owner_target.SubAccountId as SubAccountId,
        int_owner_target.ResourceGroupName as ResourceGroupName,
        int_owner_target.Tags as Tags,
        tag_span.FirstDate as FirstDate,
        cost_and_usage.BillingCurrency as BillingCurrency,
        cost_and_usage.ResourceId as ResourceId,
        case
            when cost_and_usage.CommitmentDiscountStatus = 'Unused' then 'commitment not used'
            when cost_and_usage.x_ChargeType = 'RoundingAdjustment' then 'rounding'
            when cost_and_usage.x_ChargeType in ('Purchase', 'Refund')
                and cost_and_usage.x_PricingModel in ('Reservation', 'SavingsPlan') then 'commitment bought'
            when cost_and_usage.ChargeCategory = 'Purchase'
                and (
                    lower(cost_and_usage.x_SkuMeterCategory) like '%support%'
                    or lower(cost_and_usage.ChargeDescription) like '%support plan%'
                    or lower(cost_and_usage.ChargeDescription) like '%azure support%'
                ) then 'support plan'
            when cost_and_usage.x_PublisherType = 'Marketplace'
                and (cost_and_usage.ResourceId is null or cost_and_usage.x_ResourceType = 'microsoft.saas/saasresources') then 'Marketplace subscription'
            when cost_and_usage.ChargeCategory = 'Purchase' then 'purchase'
            when cost_and_usage.ChargeCategory <> 'Usage' then lower(cost_and_usage.ChargeCategory)
            when cost_and_usage.ResourceId is null then 'charge without a resource'
            when cost_and_usage.x_ResourceType like 'microsoft.classic%'
                or cost_and_usage.x_ResourceType like 'microsoft.capacity/%'
                or cost_and_usage.x_ResourceType like 'microsoft.billingbenefits/%'
                or cost_and_usage.x_ResourceType in ('microsoft.security/pricings', 'microsoft.saas/saasresources', 'microsoft.softwareplan/hybridusebenefits')
                then cost_and_usage.x_ResourceType
        end as Untaggable,
        max(cost_and_usage.SubAccountName) as SubAccountName,
        sum(cost_and_usage.EffectiveCost) as EffectiveCost,
        count(*) as ChargeCount
    from cost_and_usage
    join int_owner_target
        on int_owner_target.BillingPeriodStart = month_start(cost_and_usage.BillingPeriodStart)
        and int_owner_target.SubAccountId = coalesce(cost_and_usage.SubAccountId, '')
        and int_owner_target.ResourceGroupName = coalesce(lower(cost_and_usage.x_ResourceGroupName), '')
        and int_owner_target.Tags = coalesce(cost_and_usage.Tags, '')
        and int_owner_target.InvoiceSectionId = coalesce(cost_and_usage.x_InvoiceSectionId, '')
        and int_owner_target.InvoiceSectionName = coalesce(cost_and_usage.x_InvoiceSectionName, '')
        and int_owner_target.FirstDate <= cast(cost_and_usage.ChargePeriodStart as date)
        and int_owner_target.LastDate >= cast(cost_and_usage.ChargePeriodStart as date)
    join tag_span
        on tag_span.BillingPeriodStart = int_owner_target.BillingPeriodStart
        and tag_span.SubAccountId = int_owner_target.SubAccountId
        and tag_span.ResourceGroupName = int_owner_target.ResourceGroupName
        and tag_span.FirstDate <= cast(cost_and_usage.ChargePeriodStart as date)
        and tag_span.LastDate >= cast(cost_and_usage.ChargePeriodStart as date)
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),
judged as (
    select
        spent.*,
        int_tag_value.TagKey,
        int_tag_value.TagValue,
        case
            when int_tag_value.Reason = 'Missing' and spent.Untaggable is not null then 'Untaggable'
            else int_tag_value.Reason
        end as Reason,
        case
            when int_tag_value.Reason = 'Missing' and spent.Untaggable is not null then spent.Untaggable
            else int_tag_value.Found
        end as Found,
        case when int_tag_value.Reason <> 'Missing' or spent.Untaggable is null then int_tag_value.SuggestedValue end as SuggestedValue,
        case when int_tag_value.Reason <> 'Missing' or spent.Untaggable is null then int_tag_value.Suggestion end as Suggestion
    from spent
    join int_tag_value
        on int_tag_value.BillingPeriodStart = month_start(spent.BillingPeriodStart)
        and int_tag_value.SubAccountId = spent.SubAccountId
        and int_tag_value.ResourceGroupName = spent.ResourceGroupName
        and int_tag_value.Tags = spent.Tags
        and int_tag_value.FirstDate = spent.FirstDate
),
carried as (
    select
        judged.BillingPeriodStart,
        judged.Account,
        judged.SubAccountId,
        judged.ResourceGroupName,
        judged.TagKey,
        judged.BillingCurrency,
        judged.TagValue,
        cast(sum(judged.EffectiveCost) as decimal(38, 18)) as EffectiveCost
    from judged
    where judged.Reason = 'Tagged'
        and judged.ResourceGroupName <> ''
        and judged.EffectiveCost > 0
    group by 1, 2, 3, 4, 5, 6, 7
),
ranked as (
    select
        carried.*,
        cast(sum(carried.EffectiveCost) over (
            partition by carried.BillingPeriodStart, carried.Account, carried.SubAccountId, carried.ResourceGroupName, carried.TagKey, carried.BillingCurrency
        ) as decimal(38, 18)) as GroupCost,
        row_number() over (
            partition by carried.BillingPeriodStart, carried.Account, carried.SubAccountId, carried.ResourceGroupName, carried.TagKey, carried.BillingCurrency
            order by carried.EffectiveCost desc, carried.TagValue
        ) as CostRank
    from carried
),
prevailing as (
    select
        ranked.*,
        cast(floor(product(ratio(ranked.EffectiveCost, ranked.GroupCost), 100)) as bigint) as PercentShare
    from ranked
    where ranked.CostRank = 1
        and ranked.EffectiveCost + ranked.EffectiveCost > ranked.GroupCost
),
counted as (
    select
        judged.BillingPeriodStart,
        judged.Account,
        judged.CostOwner,
        judged.TagKey,
        judged.Reason,
        judged.Found,
        judged.SubAccountId,
        judged.ResourceGroupName,
        judged.BillingCurrency,
        max(judged.SubAccountName) as SubAccountName,
        cast(sum(judged.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
        cast(sum(judged.ChargeCount) as bigint) as ChargeCount,
        count(distinct judged.ResourceId) as ResourceCount,
        min(judged.SuggestedValue) as SuggestedValue,
        min(judged.Suggestion) as Suggestion
    from judged
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
)
select
    counted.BillingPeriodStart as BillingPeriodStart,
    counted.Account as Account,
    counted.CostOwner as CostOwner,
    counted.TagKey as TagKey,
    counted.Reason as Reason,
    counted.Found as Found,
    coalesce(nullif(counted.SubAccountId, ''), 'Not assigned') as SubAccountId,
    coalesce(nullif(counted.ResourceGroupName, ''), 'Not assigned') as ResourceGroup,
    counted.BillingCurrency as BillingCurrency,
    counted.SubAccountName as SubAccountName,
    counted.EffectiveCost as EffectiveCost,
    counted.ChargeCount as ChargeCount,
    counted.ResourceCount as ResourceCount,
    coalesce(counted.SuggestedValue, prevailing.TagValue) as SuggestedValue,
    coalesce(
        counted.Suggestion,
        cast(prevailing.PercentShare as varchar) || ' % of the tagged cost of the resource group carries ' || prevailing.TagValue || '.'
    ) as Suggestion
from counted
left join prevailing
    on prevailing.BillingPeriodStart = counted.BillingPeriodStart
    and prevailing.Account = counted.Account
    and prevailing.SubAccountId = counted.SubAccountId
    and prevailing.ResourceGroupName = counted.ResourceGroupName
    and prevailing.TagKey = counted.TagKey
    and prevailing.BillingCurrency = counted.BillingCurrency
    and counted.Reason in ('Missing', 'UnknownValue', 'Conflicting')
