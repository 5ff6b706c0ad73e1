-- restatement is a past day of one service of one subscription that is not what it was in the run before.
--
-- The run before is the last one whose costs or owners were others: running again with nothing new changes nothing here. A day that
-- was not complete then is new, and not here; neither is an account or a month that was not there.
--
-- Where the charges of a day add up to something else, Azure changed them: one row, for all owners. Where they add up to the same
-- and are other owners', each of these has a row, which together come to nothing: by Rule if the rules are others, else by Azure,
-- whose records have other tags. Where a day adds up to something else, the rules are others and an owner came or went, each owner
-- has a row for AzureAndRule, since both may have had a part in each.
--
-- What rules and policies of allocation share and add is decided by month, and so is what changed of it (Allocation): a row for
-- each owner who gets, gives or is charged another amount for a month that was complete, beside the rows for its days. What is
-- shared comes to nothing together; PolicyAmount is charged beyond cost.
--
-- When a new version of azledger calculates otherwise, it has nothing to compare its first run with, and the table is empty.
--
-- reads:  int_day_cost, previous_int_day_cost, int_month_share, previous_int_month_share, int_compared_month, compared_run
-- grain:  BillingPeriodStart, ChargeDate, Account, SubAccountId, ServiceName, BillingCurrency, CostOwner, What
-- from:   int_day_cost on BillingPeriodStart, ChargeDate, Account, SubAccountId, ServiceName, BillingCurrency where restatement.What = 'Charges'
--         and restatement.CostOwner in ('all', int_day_cost.CostOwner)
-- adds:   BilledCostAfter = int_day_cost.BilledCost, EffectiveCostAfter = int_day_cost.EffectiveCost, ChargeCountAfter = int_day_cost.ChargeCount when What = 'Charges'
-- from:   previous_int_day_cost on BillingPeriodStart, ChargeDate, Account, SubAccountId, ServiceName, BillingCurrency where restatement.What = 'Charges'
--         and restatement.CostOwner in ('all', previous_int_day_cost.CostOwner)
-- adds:   BilledCostBefore = previous_int_day_cost.BilledCost, EffectiveCostBefore = previous_int_day_cost.EffectiveCost, ChargeCountBefore = previous_int_day_cost.ChargeCount when What = 'Charges'
-- from:   int_month_share on BillingPeriodStart, Account, SubAccountId, ServiceName, BillingCurrency, CostOwner where restatement.What = 'Allocation'
-- adds:   BilledCostAfter = int_month_share.BilledCost, EffectiveCostAfter = int_month_share.EffectiveCost, PolicyAmountAfter = int_month_share.PolicyAmount when What = 'Allocation'
-- from:   previous_int_month_share on BillingPeriodStart, Account, SubAccountId, ServiceName, BillingCurrency, CostOwner where restatement.What = 'Allocation'
-- adds:   BilledCostBefore = previous_int_month_share.BilledCost, EffectiveCostBefore = previous_int_month_share.EffectiveCost, PolicyAmountBefore = previous_int_month_share.PolicyAmount when What = 'Allocation'
--
-- column BillingPeriodStart       date             first day of the billing period
-- column ChargeDate               date             UTC day of the charges; of Allocation the first day of the billing period
-- column Account                  varchar          the account's name in the configuration
-- column SubAccountId             varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName              varchar          Not assigned where the charges name none
-- column BillingCurrency          varchar          ISO 4217
-- column CostOwner                varchar          who pays; all where the day as a whole changed
-- column What                     varchar          Charges, or Allocation: what rules and policies give to the owner, or take
-- column ChangedBy                varchar          Azure, Rule or AzureAndRule
-- column Change                   varchar          Added (nothing before), Removed (none now) or Changed
-- column ChargeCountBefore        bigint           charges in the run before
-- column ChargeCountAfter         bigint           charges now
-- column BilledCostBefore         decimal(38, 18)  BillingCurrency, as invoiced, before tax, in the run before
-- column BilledCostAfter          decimal(38, 18)  BillingCurrency, as invoiced, before tax, now
-- column BilledCostDifference     decimal(38, 18)  BillingCurrency, after − before
-- column EffectiveCostBefore      decimal(38, 18)  BillingCurrency, amortised, before tax, in the run before
-- column EffectiveCostAfter       decimal(38, 18)  BillingCurrency, amortised, before tax, now
-- column EffectiveCostDifference  decimal(38, 18)  BillingCurrency, after − before
-- column PolicyAmountBefore       decimal(38, 18)  BillingCurrency, charged beyond cost in the run before; 0 for Charges
-- column PolicyAmountAfter        decimal(38, 18)  BillingCurrency, charged beyond cost now; 0 for Charges
-- column PolicyAmountDifference   decimal(38, 18)  BillingCurrency, after − before
-- column PreviousRunDate          date             the day the run before was made for
-- column RulesBefore              varchar          digest of the rules in force in the run before
-- column RulesAfter               varchar          digest of the rules in force now
--
-- check: BilledCostDifference = BilledCostAfter - BilledCostBefore
-- check: EffectiveCostDifference = EffectiveCostAfter - EffectiveCostBefore
-- check: PolicyAmountDifference = PolicyAmountAfter - PolicyAmountBefore
-- check: ChargeCountBefore <> ChargeCountAfter or BilledCostDifference <> 0 or EffectiveCostDifference <> 0 or PolicyAmountDifference <> 0
-- check: ChangedBy = 'Azure' or RulesBefore <> RulesAfter
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount) from (
--            select BillingPeriodStart, Account, ChargeDate, BillingCurrency, BilledCost, EffectiveCost, ChargeCount from int_day_cost
--            union all select BillingPeriodStart, Account, ChargeDate, BillingCurrency, -BilledCost, -EffectiveCost, -ChargeCount from previous_int_day_cost) as moved
--        where exists (select 1 from int_compared_month as m where m.BillingPeriodStart = moved.BillingPeriodStart and m.Account = moved.Account and m.CompleteTo >= moved.ChargeDate)
--        group by BillingCurrency having sum(BilledCost) <> 0 or sum(EffectiveCost) <> 0 or sum(ChargeCount) <> 0
--        except select BillingCurrency, sum(BilledCostDifference), sum(EffectiveCostDifference), sum(ChargeCountAfter - ChargeCountBefore) from restatement where What = 'Charges' group by BillingCurrency)
-- total: not exists (select BillingCurrency, sum(BilledCostDifference), sum(EffectiveCostDifference), sum(ChargeCountAfter - ChargeCountBefore) from restatement where What = 'Charges' group by BillingCurrency
--        having sum(BilledCostDifference) <> 0 or sum(EffectiveCostDifference) <> 0 or sum(ChargeCountAfter - ChargeCountBefore) <> 0
--        except select BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount) from (
--            select BillingPeriodStart, Account, ChargeDate, BillingCurrency, BilledCost, EffectiveCost, ChargeCount from int_day_cost
--            union all select BillingPeriodStart, Account, ChargeDate, BillingCurrency, -BilledCost, -EffectiveCost, -ChargeCount from previous_int_day_cost) as moved
--        where exists (select 1 from int_compared_month as m where m.BillingPeriodStart = moved.BillingPeriodStart and m.Account = moved.Account and m.CompleteTo >= moved.ChargeDate)
--        group by BillingCurrency)
-- total: not exists (select BillingPeriodStart, Account, BillingCurrency from restatement where What = 'Allocation'
--        group by BillingPeriodStart, Account, BillingCurrency having sum(BilledCostDifference) <> 0 or sum(EffectiveCostDifference) <> 0)
-- total: not exists (select BillingPeriodStart, ChargeDate, Account, SubAccountId, ServiceName, BillingCurrency from restatement where What = 'Charges' and ChangedBy = 'Rule'
--        group by BillingPeriodStart, ChargeDate, Account, SubAccountId, ServiceName, BillingCurrency having sum(BilledCostDifference) <> 0 or sum(EffectiveCostDifference) <> 0)
with entry as (
    select
        int_day_cost.BillingPeriodStart,
        int_day_cost.ChargeDate,
        int_day_cost.Account,
        int_day_cost.SubAccountId,
        int_day_cost.ServiceName,
        int_day_cost.BillingCurrency,
        int_day_cost.CostOwner,
        cast(0 as decimal(38, 18)) as BilledCostBefore,
        int_day_cost.BilledCost as BilledCostAfter,
        cast(0 as decimal(38, 18)) as EffectiveCostBefore,
        int_day_cost.EffectiveCost as EffectiveCostAfter,
        cast(0 as bigint) as ChargeCountBefore,
        int_day_cost.ChargeCount as ChargeCountAfter
    from int_day_cost
    union all
    select
        previous_int_day_cost.BillingPeriodStart,
        previous_int_day_cost.ChargeDate,
        previous_int_day_cost.Account,
        previous_int_day_cost.SubAccountId,
        previous_int_day_cost.ServiceName,
        previous_int_day_cost.BillingCurrency,
        previous_int_day_cost.CostOwner,
        previous_int_day_cost.BilledCost,
        cast(0 as decimal(38, 18)),
        previous_int_day_cost.EffectiveCost,
        cast(0 as decimal(38, 18)),
        previous_int_day_cost.ChargeCount,
        cast(0 as bigint)
    from previous_int_day_cost
),
by_owner as (
    select
        entry.BillingPeriodStart,
        entry.ChargeDate,
        entry.Account,
        entry.SubAccountId,
        entry.ServiceName,
        entry.BillingCurrency,
        entry.CostOwner,
        cast(sum(entry.BilledCostBefore) as decimal(38, 18)) as BilledCostBefore,
        cast(sum(entry.BilledCostAfter) as decimal(38, 18)) as BilledCostAfter,
        cast(sum(entry.EffectiveCostBefore) as decimal(38, 18)) as EffectiveCostBefore,
        cast(sum(entry.EffectiveCostAfter) as decimal(38, 18)) as EffectiveCostAfter,
        cast(sum(entry.ChargeCountBefore) as bigint) as ChargeCountBefore,
        cast(sum(entry.ChargeCountAfter) as bigint) as ChargeCountAfter
    from entry
    join int_compared_month
        on int_compared_month.BillingPeriodStart = entry.BillingPeriodStart
        and int_compared_month.Account = entry.Account
        and int_compared_month.CompleteTo >= entry.ChargeDate
    group by 1, 2, 3, 4, 5, 6, 7
),
judged as (
    select
        by_owner.*,
        by_owner.BilledCostBefore <> by_owner.BilledCostAfter
            or by_owner.EffectiveCostBefore <> by_owner.EffectiveCostAfter
            or by_owner.ChargeCountBefore <> by_owner.ChargeCountAfter as IsOther,
        case when by_owner.ChargeCountBefore = 0 or by_owner.ChargeCountAfter = 0 then 1 else 0 end as IsNewOrGone
    from by_owner
),
by_day as (
    select
        judged.BillingPeriodStart,
        judged.ChargeDate,
        judged.Account,
        judged.SubAccountId,
        judged.ServiceName,
        judged.BillingCurrency,
        cast(sum(judged.BilledCostBefore) as decimal(38, 18)) as BilledCostBefore,
        cast(sum(judged.BilledCostAfter) as decimal(38, 18)) as BilledCostAfter,
        cast(sum(judged.EffectiveCostBefore) as decimal(38, 18)) as EffectiveCostBefore,
        cast(sum(judged.EffectiveCostAfter) as decimal(38, 18)) as EffectiveCostAfter,
        cast(sum(judged.ChargeCountBefore) as bigint) as ChargeCountBefore,
        cast(sum(judged.ChargeCountAfter) as bigint) as ChargeCountAfter,
        max(judged.IsNewOrGone) as HasOtherOwners
    from judged
    group by 1, 2, 3, 4, 5, 6
    having max(case when judged.IsOther then 1 else 0 end) = 1
),
-- A day that came or went as a whole has no owner that came or went beside it.
reasoned as (
    select
        by_day.*,
        case
            when by_day.BilledCostBefore = by_day.BilledCostAfter
                and by_day.EffectiveCostBefore = by_day.EffectiveCostAfter
                and by_day.ChargeCountBefore = by_day.ChargeCountAfter
                then case when compared_run.RulesBefore <> compared_run.RulesAfter then 'Rule' else 'Tags' end
            when compared_run.RulesBefore <> compared_run.RulesAfter
                and by_day.HasOtherOwners = 1
                and by_day.ChargeCountBefore > 0
                and by_day.ChargeCountAfter > 0 then 'AzureAndRule'
            else 'Azure'
        end as Cause
    from by_day
    cross join compared_run
),
changed as (
    select
        reasoned.BillingPeriodStart,
        reasoned.ChargeDate,
        reasoned.Account,
        reasoned.SubAccountId,
        reasoned.ServiceName,
        reasoned.BillingCurrency,
        'all' as CostOwner,
        reasoned.Cause,
        reasoned.BilledCostBefore,
        reasoned.BilledCostAfter,
        reasoned.EffectiveCostBefore,
        reasoned.EffectiveCostAfter,
        reasoned.ChargeCountBefore,
        reasoned.ChargeCountAfter
    from reasoned
    where reasoned.Cause = 'Azure'
    union all
    select
        judged.BillingPeriodStart,
        judged.ChargeDate,
        judged.Account,
        judged.SubAccountId,
        judged.ServiceName,
        judged.BillingCurrency,
        judged.CostOwner,
        reasoned.Cause,
        judged.BilledCostBefore,
        judged.BilledCostAfter,
        judged.EffectiveCostBefore,
        judged.EffectiveCostAfter,
        judged.ChargeCountBefore,
        judged.ChargeCountAfter
    from judged
    join reasoned
        on reasoned.BillingPeriodStart = judged.BillingPeriodStart
        and reasoned.ChargeDate = judged.ChargeDate
        and reasoned.Account = judged.Account
        and reasoned.SubAccountId = judged.SubAccountId
        and reasoned.ServiceName = judged.ServiceName
        and reasoned.BillingCurrency = judged.BillingCurrency
    where reasoned.Cause <> 'Azure'
        and judged.IsOther
),
share_entry as (
    select
        int_month_share.BillingPeriodStart,
        int_month_share.Account,
        int_month_share.SubAccountId,
        int_month_share.ServiceName,
        int_month_share.BillingCurrency,
        int_month_share.CostOwner,
        cast(0 as decimal(38, 18)) as BilledCostBefore,
        int_month_share.BilledCost as BilledCostAfter,
        cast(0 as decimal(38, 18)) as EffectiveCostBefore,
        int_month_share.EffectiveCost as EffectiveCostAfter,
        cast(0 as decimal(38, 18)) as PolicyAmountBefore,
        int_month_share.PolicyAmount as PolicyAmountAfter
    from int_month_share
    union all
    select
        previous_int_month_share.BillingPeriodStart,
        previous_int_month_share.Account,
        previous_int_month_share.SubAccountId,
        previous_int_month_share.ServiceName,
        previous_int_month_share.BillingCurrency,
        previous_int_month_share.CostOwner,
        previous_int_month_share.BilledCost,
        cast(0 as decimal(38, 18)),
        previous_int_month_share.EffectiveCost,
        cast(0 as decimal(38, 18)),
        previous_int_month_share.PolicyAmount,
        cast(0 as decimal(38, 18))
    from previous_int_month_share
),
share as (
    select
        share_entry.BillingPeriodStart,
        share_entry.Account,
        share_entry.SubAccountId,
        share_entry.ServiceName,
        share_entry.BillingCurrency,
        share_entry.CostOwner,
        cast(sum(share_entry.BilledCostBefore) as decimal(38, 18)) as BilledCostBefore,
        cast(sum(share_entry.BilledCostAfter) as decimal(38, 18)) as BilledCostAfter,
        cast(sum(share_entry.EffectiveCostBefore) as decimal(38, 18)) as EffectiveCostBefore,
        cast(sum(share_entry.EffectiveCostAfter) as decimal(38, 18)) as EffectiveCostAfter,
        cast(sum(share_entry.PolicyAmountBefore) as decimal(38, 18)) as PolicyAmountBefore,
        cast(sum(share_entry.PolicyAmountAfter) as decimal(38, 18)) as PolicyAmountAfter
    from share_entry
    join int_compared_month
        on int_compared_month.BillingPeriodStart = share_entry.BillingPeriodStart
        and int_compared_month.Account = share_entry.Account
        and int_compared_month.CompleteTo >= day_add(month_add(share_entry.BillingPeriodStart, 1), -1)
    group by 1, 2, 3, 4, 5, 6
    having sum(share_entry.BilledCostBefore) <> sum(share_entry.BilledCostAfter)
        or sum(share_entry.EffectiveCostBefore) <> sum(share_entry.EffectiveCostAfter)
        or sum(share_entry.PolicyAmountBefore) <> sum(share_entry.PolicyAmountAfter)
),
-- Months in which Azure changed charges, which moves what is shared of them.
touched as (
    select distinct reasoned.BillingPeriodStart, reasoned.Account
    from reasoned
    where reasoned.Cause <> 'Rule'
),
line as (
    select
        changed.BillingPeriodStart,
        changed.ChargeDate,
        changed.Account,
        changed.SubAccountId,
        changed.ServiceName,
        changed.BillingCurrency,
        changed.CostOwner,
        'Charges' as What,
        case when changed.Cause = 'Tags' then 'Azure' else changed.Cause end as ChangedBy,
        changed.ChargeCountBefore = 0 as IsNew,
        changed.ChargeCountAfter = 0 as IsGone,
        changed.ChargeCountBefore,
        changed.ChargeCountAfter,
        changed.BilledCostBefore,
        changed.BilledCostAfter,
        changed.EffectiveCostBefore,
        changed.EffectiveCostAfter,
        cast(0 as decimal(38, 18)) as PolicyAmountBefore,
        cast(0 as decimal(38, 18)) as PolicyAmountAfter
    from changed
    union all
    select
        share.BillingPeriodStart,
        share.BillingPeriodStart,
        share.Account,
        share.SubAccountId,
        share.ServiceName,
        share.BillingCurrency,
        share.CostOwner,
        'Allocation',
        case
            when compared_run.RulesBefore = compared_run.RulesAfter then 'Azure'
            when touched.Account is null then 'Rule'
            else 'AzureAndRule'
        end,
        share.BilledCostBefore = 0 and share.EffectiveCostBefore = 0 and share.PolicyAmountBefore = 0,
        share.BilledCostAfter = 0 and share.EffectiveCostAfter = 0 and share.PolicyAmountAfter = 0,
        cast(0 as bigint),
        cast(0 as bigint),
        share.BilledCostBefore,
        share.BilledCostAfter,
        share.EffectiveCostBefore,
        share.EffectiveCostAfter,
        share.PolicyAmountBefore,
        share.PolicyAmountAfter
    from share
    cross join compared_run
    left join touched
        on touched.BillingPeriodStart = share.BillingPeriodStart
        and touched.Account = share.Account
)
select
    line.BillingPeriodStart as BillingPeriodStart,
    line.ChargeDate as ChargeDate,
    line.Account as Account,
    line.SubAccountId as SubAccountId,
    line.ServiceName as ServiceName,
    line.BillingCurrency as BillingCurrency,
    line.CostOwner as CostOwner,
    line.What as What,
    line.ChangedBy as ChangedBy,
    case when line.IsNew then 'Added' when line.IsGone then 'Removed' else 'Changed' end as Change,
    line.ChargeCountBefore as ChargeCountBefore,
    line.ChargeCountAfter as ChargeCountAfter,
    line.BilledCostBefore as BilledCostBefore,
    line.BilledCostAfter as BilledCostAfter,
    cast(line.BilledCostAfter - line.BilledCostBefore as decimal(38, 18)) as BilledCostDifference,
    line.EffectiveCostBefore as EffectiveCostBefore,
    line.EffectiveCostAfter as EffectiveCostAfter,
    cast(line.EffectiveCostAfter - line.EffectiveCostBefore as decimal(38, 18)) as EffectiveCostDifference,
    line.PolicyAmountBefore as PolicyAmountBefore,
    line.PolicyAmountAfter as PolicyAmountAfter,
    cast(line.PolicyAmountAfter - line.PolicyAmountBefore as decimal(38, 18)) as PolicyAmountDifference,
    compared_run.RunDate as PreviousRunDate,
    compared_run.RulesBefore as RulesBefore,
    compared_run.RulesAfter as RulesAfter
from line
cross join compared_run
