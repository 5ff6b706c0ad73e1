-- int_chargeback is what each owner pays for each service of each subscription in one billing period, adjustments aside.
--
-- chargeback says what the lines mean. Here a month is always what the records say today; there a closed one is as it was signed off.
--
-- reads:  int_allocation_line, allocation_trace, int_markup, int_invoice_share, cost_and_usage
-- grain:  BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency, RuleName
-- period: BillingPeriodStart
-- from:   int_allocation_line on Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency where int_chargeback.RuleName = ''
-- adds:   EffectiveCost, BilledCost, ListCost, ChargeCount
--         when AllocationKind in ('Direct', 'AzureAllocated', 'NoSubscription', 'Unallocated', 'CommitmentPurchase')
-- from:   allocation_trace on Account, SubAccountId, ServiceName, BillingCurrency
--         where allocation_trace.TargetOwner <> '' and allocation_trace.TargetOwner <> allocation_trace.SourceOwner
--         and case when allocation_trace.RuleId = 0 then '' else allocation_trace.RuleName end = int_chargeback.RuleName
--         and int_chargeback.AllocationKind || ' ' || int_chargeback.CostOwner in (
--             case when allocation_trace.RuleId = 0 then allocation_trace.RuleName else 'Shared' end || ' ' || allocation_trace.TargetOwner,
--             case when allocation_trace.RuleId = 0 then allocation_trace.RuleName else 'Shared' end || 'Out ' || allocation_trace.SourceOwner
--         )
-- adds:   EffectiveCost = allocation_trace.Amount, BilledCost = allocation_trace.BilledAmount, ListCost = allocation_trace.ListAmount
--         when AllocationKind = 'Shared'
-- adds:   EffectiveCost = -allocation_trace.Amount, BilledCost = -allocation_trace.BilledAmount, ListCost = -allocation_trace.ListAmount
--         when AllocationKind = 'SharedOut'
-- from:   int_markup on Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency, RuleName
-- adds:   PolicyAmount when AllocationKind in ('MarkUp', 'RateCard')
-- from:   int_invoice_share on Account, CostOwner, AllocationKind, BillingCurrency where int_chargeback.SubAccountId = 'Not assigned'
-- adds:   PolicyAmount when AllocationKind in ('Tax', 'Credit')
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column CostOwner           varchar          who pays; Unallocated where no rule and no tag says
-- column SubAccountId        varchar          subscription GUID in lower case; Not assigned for charges of no subscription
-- column ServiceName         varchar          Not assigned where the charge names none
-- column AllocationKind      varchar          Direct: owner known; Unallocated: not known; NoSubscription: charges of no subscription; AzureAllocated: moved by Azure's own cost allocation; UnusedCommitment; CommitmentPurchase; Rounding; Support; Shared: received by a rule; MarkUp; RateCard; Tax; Credit; and with Out what was given away
-- column BillingCurrency     varchar          ISO 4217
-- column RuleName            varchar          the rule that shared it, or the mark-up; empty for none
-- column SubAccountName      varchar          the subscription's name, the last in the alphabet where it was renamed; null without one
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, amortised, before tax
-- column CommitmentTiming    decimal(38, 18)  BillingCurrency, BilledCost - EffectiveCost
-- column BilledCost          decimal(38, 18)  BillingCurrency, as invoiced, before tax
-- column ListCost            decimal(38, 18)  BillingCurrency, at list price, before tax; charges without a list price add nothing
-- column PolicyAmount        decimal(38, 18)  BillingCurrency, charged beyond EffectiveCost: mark-up, internal price, tax, credits, support
-- column ChargebackAmount    decimal(38, 18)  BillingCurrency, EffectiveCost + PolicyAmount: what the owner pays
-- column ChargeCount         bigint           charges added up; 0 for what was shared or added
--
-- check: EffectiveCost + CommitmentTiming = BilledCost
-- check: EffectiveCost + PolicyAmount = ChargebackAmount
-- check: AllocationKind <> 'Direct' or CostOwner <> 'Unallocated'
-- check: PolicyAmount = 0 or AllocationKind in ('MarkUp', 'RateCard', 'Tax', 'Credit', 'Support')
-- total: not exists (select cast(BillingPeriodStart as date), BillingCurrency, sum(BilledCost), sum(EffectiveCost), count(*) from cost_and_usage group by 1, 2
--        except select BillingPeriodStart, BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ChargeCount) from int_chargeback group by 1, 2)
-- total: not exists (select BillingCurrency, sum(EffectiveCost) + sum(PolicyAmount) from int_chargeback group by 1
--        except select BillingCurrency, sum(ChargebackAmount) from int_chargeback group by 1)
-- total: not exists (select BillingCurrency, sum(Amount) from (select BillingCurrency, PolicyAmount as Amount from int_markup
--            union all select BillingCurrency, PolicyAmount from int_invoice_share) as added group by 1
--        except select BillingCurrency, sum(PolicyAmount) from int_chargeback group by 1)
-- total: not exists (select BillingPeriodStart, Account, BillingCurrency from int_chargeback where ChargeCount = 0 group by 1, 2, 3
--        having sum(EffectiveCost) <> 0 or sum(BilledCost) <> 0 or sum(ListCost) <> 0)
with moved as (
    select
        allocation_trace.*,
        case when allocation_trace.RuleId = 0 then allocation_trace.RuleName else 'Shared' end as AllocationKind,
        case when allocation_trace.RuleId = 0 then '' else allocation_trace.RuleName end as MovedBy
    from allocation_trace
    where allocation_trace.TargetOwner <> ''
        and allocation_trace.TargetOwner <> allocation_trace.SourceOwner
),
entry as (
    select
        int_allocation_line.BillingPeriodStart as BillingPeriodStart,
        int_allocation_line.Account as Account,
        int_allocation_line.CostOwner as CostOwner,
        int_allocation_line.SubAccountId as SubAccountId,
        int_allocation_line.ServiceName as ServiceName,
        int_allocation_line.AllocationKind as AllocationKind,
        int_allocation_line.BillingCurrency as BillingCurrency,
        '' as RuleName,
        int_allocation_line.EffectiveCost as EffectiveCost,
        int_allocation_line.BilledCost as BilledCost,
        int_allocation_line.ListCost as ListCost,
        cast(0 as decimal(38, 18)) as PolicyAmount,
        int_allocation_line.ChargeCount as ChargeCount
    from int_allocation_line
    union all
    select
        moved.BillingPeriodStart,
        moved.Account,
        moved.TargetOwner,
        moved.SubAccountId,
        moved.ServiceName,
        moved.AllocationKind,
        moved.BillingCurrency,
        moved.MovedBy,
        moved.Amount,
        moved.BilledAmount,
        moved.ListAmount,
        0,
        0
    from moved
    union all
    select
        moved.BillingPeriodStart,
        moved.Account,
        moved.SourceOwner,
        moved.SubAccountId,
        moved.ServiceName,
        moved.AllocationKind || 'Out',
        moved.BillingCurrency,
        moved.MovedBy,
        -moved.Amount,
        -moved.BilledAmount,
        -moved.ListAmount,
        0,
        0
    from moved
    union all
    select
        int_markup.BillingPeriodStart,
        int_markup.Account,
        int_markup.CostOwner,
        int_markup.SubAccountId,
        int_markup.ServiceName,
        int_markup.AllocationKind,
        int_markup.BillingCurrency,
        int_markup.RuleName,
        0,
        0,
        0,
        int_markup.PolicyAmount,
        0
    from int_markup
    union all
    select
        int_invoice_share.BillingPeriodStart,
        int_invoice_share.Account,
        int_invoice_share.CostOwner,
        'Not assigned',
        'Not assigned',
        int_invoice_share.AllocationKind,
        int_invoice_share.BillingCurrency,
        '',
        0,
        0,
        0,
        int_invoice_share.PolicyAmount,
        0
    from int_invoice_share
),
named as (
    select
        int_allocation_line.SubAccountId as SubAccountId,
        max(int_allocation_line.SubAccountName) as SubAccountName
    from int_allocation_line
    group by int_allocation_line.SubAccountId
)
select
    entry.BillingPeriodStart as BillingPeriodStart,
    entry.Account as Account,
    entry.CostOwner as CostOwner,
    entry.SubAccountId as SubAccountId,
    entry.ServiceName as ServiceName,
    entry.AllocationKind as AllocationKind,
    entry.BillingCurrency as BillingCurrency,
    entry.RuleName as RuleName,
    max(named.SubAccountName) as SubAccountName,
    cast(sum(entry.EffectiveCost) as decimal(38, 18)) as EffectiveCost,
    cast(sum(entry.BilledCost) - sum(entry.EffectiveCost) as decimal(38, 18)) as CommitmentTiming,
    cast(sum(entry.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(entry.ListCost) as decimal(38, 18)) as ListCost,
    cast(sum(entry.PolicyAmount) as decimal(38, 18)) as PolicyAmount,
    cast(sum(entry.EffectiveCost) + sum(entry.PolicyAmount) as decimal(38, 18)) as ChargebackAmount,
    cast(sum(entry.ChargeCount) as bigint) as ChargeCount
from entry
left join named on named.SubAccountId = entry.SubAccountId
group by 1, 2, 3, 4, 5, 6, 7, 8
