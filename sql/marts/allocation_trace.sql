-- allocation_trace is a shared amount's way from the owner who had it to one who pays it, by one rule or policy.
--
-- A pool is what one rule takes of an owner's cost of one service of one subscription: charges that fit it and, where the rule
-- shares whatever the owner has, what he received of that from rules above (Level: a rule of level 2 shares what rules of level
-- 1 gave). It is divided by weights, exactly: each share is cut at the eighteenth digit, and the units missing go to the shares that
-- lost most, the first in the alphabet where they lost alike. So the amounts of a pool are the pool, to the last digit.
--
-- A policy for what belongs to no single owner comes before the rules, at level 0, for what no rule takes: unused commitment
-- (CommitmentDiscountId), rounding and support plans.
--
-- An owner can be among those his cost is divided among: that share stays with him. Where nobody is there to receive, or all
-- weights are 0, nothing moves: one row without a TargetOwner says so in Reason.
--
-- Billed cost and list cost go the same way, so that what one owner gave away is no longer on his bill. A pool of which all
-- three are 0 is none.
--
-- reads:  int_allocation_line, int_share_weight, int_rule_set, allocation_rule, allocation_policy
-- grain:  BillingPeriodStart, RuleId, RuleName, Account, SourceOwner, SubAccountId, ServiceName, BillingCurrency, CommitmentDiscountId, TargetOwner
-- period: BillingPeriodStart
-- from:   int_allocation_line on Account, SubAccountId, ServiceName, BillingCurrency
--         where int_allocation_line.CostOwner = allocation_trace.SourceOwner
--         and int_allocation_line.CommitmentDiscountId = allocation_trace.CommitmentDiscountId
--         and case
--             when allocation_trace.RuleId > 0 then int_allocation_line.RuleId = allocation_trace.RuleId
--             else int_allocation_line.RuleId = 0 and int_allocation_line.AllocationKind = allocation_trace.RuleName
--         end
--         or allocation_trace.Level > 1 and int_allocation_line.RuleId > 0
-- with:   int_share_weight on BillingCurrency, TargetOwner
--         where int_share_weight.BillingPeriodStart = month_start(allocation_trace.BillingPeriodStart)
--         and case
--             when allocation_trace.RuleId > 0 then int_share_weight.ShareKey = 'Rule ' || cast(allocation_trace.RuleId as varchar)
--             else starts_with(int_share_weight.ShareKey, allocation_trace.RuleName)
--         end
-- with:   allocation_rule where allocation_rule.RuleId = allocation_trace.RuleId and allocation_rule.RuleSet in (
--             select int_rule_set.RuleSet from int_rule_set where int_rule_set.BillingPeriodStart = month_start(allocation_trace.BillingPeriodStart)
--         )
-- with:   allocation_policy where allocation_trace.RuleId = 0 and allocation_policy.Policy = allocation_trace.RuleName and allocation_policy.RuleSet in (
--             select int_rule_set.RuleSet from int_rule_set where int_rule_set.BillingPeriodStart = month_start(allocation_trace.BillingPeriodStart)
--         )
--
-- column BillingPeriodStart    date             first day of the billing period
-- column RuleId                bigint           the rule, counted from the top; 0 for a policy
-- column RuleName              varchar          its name; of a policy UnusedCommitment, Rounding or Support
-- column Level                 bigint           place in the order of sharing: 0 for policies, 1 for rules that only share charges, then one more than what they receive from
-- column Account               varchar          the account's name in the configuration
-- column SourceOwner           varchar          who had the cost
-- column SubAccountId          varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName           varchar          Not assigned where the charge names none
-- column BillingCurrency       varchar          ISO 4217
-- column CommitmentDiscountId  varchar          the commitment that was not used; empty for anything else
-- column TargetOwner           varchar          who receives; empty where nothing moves
-- column PoolAmount            decimal(38, 18)  BillingCurrency, amortised cost that is divided
-- column Weight                decimal(38, 18)  of TargetOwner: a number, a percentage, a cost or a quantity, as the rule splits
-- column TotalWeight           decimal(38, 18)  of all that the pool is divided among
-- column Amount                decimal(38, 18)  BillingCurrency, of PoolAmount to TargetOwner
-- column PoolBilledAmount      decimal(38, 18)  BillingCurrency, billed cost that is divided
-- column BilledAmount          decimal(38, 18)  BillingCurrency, of PoolBilledAmount to TargetOwner
-- column PoolListAmount        decimal(38, 18)  BillingCurrency, list cost that is divided
-- column ListAmount            decimal(38, 18)  BillingCurrency, of PoolListAmount to TargetOwner
-- column NextRuleId            bigint           the rule that shares this amount further; null where it stays
-- column Reason                varchar          how the share was found, in words
--
-- check: TargetOwner <> '' or Amount = 0 and BilledAmount = 0 and ListAmount = 0
-- check: TotalWeight >= Weight
-- total: not exists (
--        select 1 from allocation_trace where TargetOwner <> ''
--        group by BillingPeriodStart, RuleId, RuleName, Account, SourceOwner, SubAccountId, ServiceName, BillingCurrency, CommitmentDiscountId
--        having sum(Amount) <> max(PoolAmount) or sum(BilledAmount) <> max(PoolBilledAmount) or sum(ListAmount) <> max(PoolListAmount)
--            or max(PoolAmount) <> min(PoolAmount) or max(TotalWeight) <> sum(Weight))
-- total: not exists (
--        select BillingCurrency, RuleId, sum(EffectiveCost), sum(BilledCost) from int_allocation_line where RuleId > 0 group by BillingCurrency, RuleId
--        having sum(EffectiveCost) <> 0 or sum(BilledCost) <> 0
--        except select pool.BillingCurrency, pool.RuleId, sum(pool.PoolAmount) - max(coalesce(passed.Amount, 0)), sum(pool.PoolBilledAmount) - max(coalesce(passed.BilledAmount, 0))
--        from (select distinct BillingPeriodStart, RuleId, Account, SourceOwner, SubAccountId, ServiceName, BillingCurrency, PoolAmount, PoolBilledAmount
--            from allocation_trace where RuleId > 0) as pool
--        left join (select BillingCurrency, NextRuleId, sum(Amount) as Amount, sum(BilledAmount) as BilledAmount
--            from allocation_trace where NextRuleId is not null group by BillingCurrency, NextRuleId) as passed
--            on passed.BillingCurrency = pool.BillingCurrency and passed.NextRuleId = pool.RuleId
--        group by pool.BillingCurrency, pool.RuleId)
with recursive rule as (
    select
        int_rule_set.BillingPeriodStart as BillingMonth,
        allocation_rule.RuleId as RuleId,
        allocation_rule.RuleName as RuleName,
        allocation_rule.Level as Level,
        allocation_rule.Split as Split
    from allocation_rule
    inner join int_rule_set on int_rule_set.RuleSet = allocation_rule.RuleSet
),
taken as (
    select
        line.BillingPeriodStart as BillingPeriodStart,
        line.Account as Account,
        line.CostOwner as CostOwner,
        line.SubAccountId as SubAccountId,
        line.ServiceName as ServiceName,
        line.BillingCurrency as BillingCurrency,
        line.EffectiveCost as EffectiveCost,
        line.BilledCost as BilledCost,
        line.ListCost as ListCost,
        rule.RuleId as RuleId,
        rule.Level as Level,
        'Rule ' || cast(rule.RuleId as varchar) as ShareKey,
        '' as CommitmentDiscountId
    from int_allocation_line as line
    inner join rule
        on rule.BillingMonth = month_start(line.BillingPeriodStart)
        and rule.RuleId = line.RuleId
    union all
    select
        line.BillingPeriodStart,
        line.Account,
        line.CostOwner,
        line.SubAccountId,
        line.ServiceName,
        line.BillingCurrency,
        line.EffectiveCost,
        line.BilledCost,
        line.ListCost,
        0,
        0,
        case when line.AllocationKind = 'UnusedCommitment' then 'UnusedCommitment ' || line.CommitmentDiscountId else line.AllocationKind end,
        line.CommitmentDiscountId
    from int_allocation_line as line
    inner join int_rule_set on int_rule_set.BillingPeriodStart = month_start(line.BillingPeriodStart)
    inner join allocation_policy
        on allocation_policy.RuleSet = int_rule_set.RuleSet
        and allocation_policy.Policy = line.AllocationKind
    where line.RuleId = 0
        and line.AllocationKind in ('UnusedCommitment', 'Rounding', 'Support')
        and allocation_policy.Treatment <> 'None'
),
-- A row is an amount that has come to TargetOwner, at Step, and waits for NextRuleId at NextLevel. Charges begin it; each step
-- divides what is due at its level and hands on the rest of what waits (IsWaiting).
flow as (
    select
        cast(-1 as bigint) as Step,
        true as IsWaiting,
        taken.BillingPeriodStart as BillingPeriodStart,
        cast(0 as bigint) as RuleId,
        taken.Account as Account,
        '' as SourceOwner,
        taken.SubAccountId as SubAccountId,
        taken.ServiceName as ServiceName,
        taken.BillingCurrency as BillingCurrency,
        taken.CommitmentDiscountId as CommitmentDiscountId,
        taken.CostOwner as TargetOwner,
        cast(taken.RuleId as bigint) as NextRuleId,
        cast(taken.Level as bigint) as NextLevel,
        taken.ShareKey as ShareKey,
        cast(0 as decimal(38, 18)) as PoolAmount,
        cast(0 as decimal(38, 18)) as PoolBilledAmount,
        cast(0 as decimal(38, 18)) as PoolListAmount,
        cast(0 as decimal(38, 18)) as Weight,
        cast(0 as decimal(38, 18)) as TotalWeight,
        taken.EffectiveCost as Amount,
        taken.BilledCost as BilledAmount,
        taken.ListCost as ListAmount
    from taken
    union all
    select *
    from (
        with due as (
            select
                flow.Step + 1 as Step,
                flow.BillingPeriodStart as BillingPeriodStart,
                flow.NextRuleId as RuleId,
                flow.Account as Account,
                flow.TargetOwner as SourceOwner,
                flow.SubAccountId as SubAccountId,
                flow.ServiceName as ServiceName,
                flow.BillingCurrency as BillingCurrency,
                flow.CommitmentDiscountId as CommitmentDiscountId,
                flow.ShareKey as ShareKey,
                cast(sum(flow.Amount) as decimal(38, 18)) as PoolAmount,
                cast(sum(flow.BilledAmount) as decimal(38, 18)) as PoolBilledAmount,
                cast(sum(flow.ListAmount) as decimal(38, 18)) as PoolListAmount
            from flow
            where flow.IsWaiting
                and flow.NextLevel = flow.Step + 1
            group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
            having sum(flow.Amount) <> 0 or sum(flow.BilledAmount) <> 0 or sum(flow.ListAmount) <> 0
        ),
        weighed as (
            select
                due.*,
                int_share_weight.TargetOwner as TargetOwner,
                int_share_weight.NextRuleId as NextRuleId,
                int_share_weight.Weight as Weight,
                cast(sum(int_share_weight.Weight) over (
                    partition by due.BillingPeriodStart, due.RuleId, due.Account, due.SourceOwner, due.SubAccountId,
                        due.ServiceName, due.BillingCurrency, due.ShareKey
                ) as decimal(38, 18)) as TotalWeight
            from due
            left join int_share_weight
                on int_share_weight.BillingPeriodStart = month_start(due.BillingPeriodStart)
                and int_share_weight.ShareKey = due.ShareKey
                and int_share_weight.BillingCurrency = due.BillingCurrency
                and (not int_share_weight.SparesSource or int_share_weight.TargetOwner <> due.SourceOwner)
        ),
        cut as (
            select
                weighed.*,
                share(weighed.PoolAmount, weighed.Weight, weighed.TotalWeight) as Amount,
                share(weighed.PoolBilledAmount, weighed.Weight, weighed.TotalWeight) as BilledAmount,
                share(weighed.PoolListAmount, weighed.Weight, weighed.TotalWeight) as ListAmount,
                share_rest(weighed.PoolAmount, weighed.Weight, weighed.TotalWeight) as AmountRest,
                share_rest(weighed.PoolBilledAmount, weighed.Weight, weighed.TotalWeight) as BilledRest,
                share_rest(weighed.PoolListAmount, weighed.Weight, weighed.TotalWeight) as ListRest
            from weighed
        ),
        ranked as (
            select
                cut.*,
                product(abs(cut.PoolAmount - cast(sum(cut.Amount) over (
                    partition by cut.BillingPeriodStart, cut.RuleId, cut.Account, cut.SourceOwner, cut.SubAccountId, cut.ServiceName, cut.BillingCurrency, cut.ShareKey
                ) as decimal(38, 18))), cast(1000000000000000000 as decimal(38, 18))) as AmountMissing,
                product(abs(cut.PoolBilledAmount - cast(sum(cut.BilledAmount) over (
                    partition by cut.BillingPeriodStart, cut.RuleId, cut.Account, cut.SourceOwner, cut.SubAccountId, cut.ServiceName, cut.BillingCurrency, cut.ShareKey
                ) as decimal(38, 18))), cast(1000000000000000000 as decimal(38, 18))) as BilledMissing,
                product(abs(cut.PoolListAmount - cast(sum(cut.ListAmount) over (
                    partition by cut.BillingPeriodStart, cut.RuleId, cut.Account, cut.SourceOwner, cut.SubAccountId, cut.ServiceName, cut.BillingCurrency, cut.ShareKey
                ) as decimal(38, 18))), cast(1000000000000000000 as decimal(38, 18))) as ListMissing,
                row_number() over (
                    partition by cut.BillingPeriodStart, cut.RuleId, cut.Account, cut.SourceOwner, cut.SubAccountId, cut.ServiceName, cut.BillingCurrency, cut.ShareKey
                    order by cut.AmountRest desc, cut.TargetOwner
                ) as AmountRank,
                row_number() over (
                    partition by cut.BillingPeriodStart, cut.RuleId, cut.Account, cut.SourceOwner, cut.SubAccountId, cut.ServiceName, cut.BillingCurrency, cut.ShareKey
                    order by cut.BilledRest desc, cut.TargetOwner
                ) as BilledRank,
                row_number() over (
                    partition by cut.BillingPeriodStart, cut.RuleId, cut.Account, cut.SourceOwner, cut.SubAccountId, cut.ServiceName, cut.BillingCurrency, cut.ShareKey
                    order by cut.ListRest desc, cut.TargetOwner
                ) as ListRank
            from cut
        ),
        divided as (
            select
                ranked.*,
                case
                    when ranked.TargetOwner is null then 0
                    when ranked.AmountRank > ranked.AmountMissing then ranked.Amount
                    when ranked.PoolAmount < 0 then ranked.Amount - cast('0.000000000000000001' as decimal(38, 18))
                    else ranked.Amount + cast('0.000000000000000001' as decimal(38, 18))
                end as WholeAmount,
                case
                    when ranked.TargetOwner is null then 0
                    when ranked.BilledRank > ranked.BilledMissing then ranked.BilledAmount
                    when ranked.PoolBilledAmount < 0 then ranked.BilledAmount - cast('0.000000000000000001' as decimal(38, 18))
                    else ranked.BilledAmount + cast('0.000000000000000001' as decimal(38, 18))
                end as WholeBilledAmount,
                case
                    when ranked.TargetOwner is null then 0
                    when ranked.ListRank > ranked.ListMissing then ranked.ListAmount
                    when ranked.PoolListAmount < 0 then ranked.ListAmount - cast('0.000000000000000001' as decimal(38, 18))
                    else ranked.ListAmount + cast('0.000000000000000001' as decimal(38, 18))
                end as WholeListAmount
            from ranked
        )
        -- What an owner keeps of his own is not received, and so not passed on.
        select
            divided.Step,
            role.IsWaiting,
            divided.BillingPeriodStart,
            divided.RuleId,
            divided.Account,
            divided.SourceOwner,
            divided.SubAccountId,
            divided.ServiceName,
            divided.BillingCurrency,
            case when role.IsWaiting then '' else divided.CommitmentDiscountId end,
            coalesce(divided.TargetOwner, ''),
            case when divided.TargetOwner <> divided.SourceOwner then divided.NextRuleId end,
            case when role.IsWaiting then rule.Level end,
            case when role.IsWaiting then 'Rule ' || cast(divided.NextRuleId as varchar) else divided.ShareKey end,
            divided.PoolAmount,
            divided.PoolBilledAmount,
            divided.PoolListAmount,
            coalesce(divided.Weight, 0),
            coalesce(divided.TotalWeight, 0),
            cast(divided.WholeAmount as decimal(38, 18)),
            cast(divided.WholeBilledAmount as decimal(38, 18)),
            cast(divided.WholeListAmount as decimal(38, 18))
        from divided
        cross join (values (false), (true)) as role (IsWaiting)
        left join rule
            on rule.BillingMonth = month_start(divided.BillingPeriodStart)
            and rule.RuleId = divided.NextRuleId
        where not role.IsWaiting
            or (divided.NextRuleId is not null and divided.TargetOwner <> divided.SourceOwner)
        union all
        select
            flow.Step + 1,
            true,
            flow.BillingPeriodStart,
            flow.RuleId,
            flow.Account,
            flow.SourceOwner,
            flow.SubAccountId,
            flow.ServiceName,
            flow.BillingCurrency,
            flow.CommitmentDiscountId,
            flow.TargetOwner,
            flow.NextRuleId,
            flow.NextLevel,
            flow.ShareKey,
            flow.PoolAmount,
            flow.PoolBilledAmount,
            flow.PoolListAmount,
            flow.Weight,
            flow.TotalWeight,
            flow.Amount,
            flow.BilledAmount,
            flow.ListAmount
        from flow
        where flow.IsWaiting
            and flow.NextLevel > flow.Step + 1
    ) as step
)
select
    flow.BillingPeriodStart as BillingPeriodStart,
    flow.RuleId as RuleId,
    coalesce(rule.RuleName, split_part(flow.ShareKey, ' ', 1)) as RuleName,
    flow.Step as Level,
    flow.Account as Account,
    flow.SourceOwner as SourceOwner,
    flow.SubAccountId as SubAccountId,
    flow.ServiceName as ServiceName,
    flow.BillingCurrency as BillingCurrency,
    flow.CommitmentDiscountId as CommitmentDiscountId,
    flow.TargetOwner as TargetOwner,
    flow.PoolAmount as PoolAmount,
    flow.Weight as Weight,
    flow.TotalWeight as TotalWeight,
    flow.Amount as Amount,
    flow.PoolBilledAmount as PoolBilledAmount,
    flow.BilledAmount as BilledAmount,
    flow.PoolListAmount as PoolListAmount,
    flow.ListAmount as ListAmount,
    flow.NextRuleId as NextRuleId,
    case
        when flow.TargetOwner = '' and flow.ShareKey like 'UnusedCommitment %' then 'Nothing moves: no owner bought the commitment or used it'
        when flow.TargetOwner = '' then 'Nothing moves: no owner it is shared among weighs more than 0 in this month and currency'
        when flow.TargetOwner = flow.SourceOwner then 'Stays with its owner, who is among those it is shared among'
        when flow.ShareKey like 'UnusedCommitment %' then 'Unused commitment, by the policy for it'
        when rule.Split = 'Even' then 'In equal parts'
        when rule.Split = 'Fixed' then 'By fixed weights'
        when rule.Split = 'Manual' then 'By the percentages entered'
        when rule.Split = 'Usage' then 'By what each used of the meter'
        when rule.Split = 'Proportional' then 'In proportion to cost'
        else 'By the policy for ' || lower(flow.ShareKey)
    end as Reason
from flow
left join rule
    on rule.BillingMonth = month_start(flow.BillingPeriodStart)
    and rule.RuleId = flow.RuleId
where not flow.IsWaiting
