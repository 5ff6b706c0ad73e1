-- int_markup is what a mark-up adds to one owner's cost, or an internal price to what was paid.
--
-- What an owner gave away is not marked up, what he received is: by the first mark-up that fits owner and service on the last day
-- of the month, as a share has no day of its own. All other charges have the mark-up of their day. In the same way the rate
-- card prices what stayed with its owner; its amount is the internal price of the quantity less what the charges cost.
--
-- reads:  int_allocation_line, allocation_trace, int_rule_set, allocation_markup
-- grain:  BillingPeriodStart, Account, CostOwner, SubAccountId, ServiceName, AllocationKind, BillingCurrency, RuleName
-- period: BillingPeriodStart
-- from:   int_allocation_line on Account, CostOwner, SubAccountId, ServiceName, BillingCurrency
-- with:   allocation_markup where allocation_markup.MarkUpName = int_markup.RuleName and allocation_markup.RuleSet in (
--             select int_rule_set.RuleSet from int_rule_set where int_rule_set.BillingPeriodStart = month_start(int_markup.BillingPeriodStart)
--         )
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column CostOwner           varchar          who pays it
-- column SubAccountId        varchar          as in int_owner_daily
-- column ServiceName         varchar          as in int_owner_daily
-- column AllocationKind      varchar          MarkUp or RateCard
-- column BillingCurrency     varchar          ISO 4217
-- column RuleName            varchar          name of the mark-up; empty for the rate card
-- column PolicyAmount        decimal(38, 18)  BillingCurrency, what is added to EffectiveCost; negative where an internal price is below it
--
-- total: not exists (select 1 from int_markup) or exists (select 1 from allocation_markup)
--        or not exists (select 1 from int_markup where AllocationKind = 'MarkUp')
with gone as (
    select distinct
        allocation_trace.BillingPeriodStart as BillingPeriodStart,
        allocation_trace.RuleId as RuleId,
        allocation_trace.Account as Account,
        allocation_trace.SourceOwner as SourceOwner,
        allocation_trace.SubAccountId as SubAccountId,
        allocation_trace.ServiceName as ServiceName,
        allocation_trace.BillingCurrency as BillingCurrency,
        allocation_trace.CommitmentDiscountId as CommitmentDiscountId,
        case when allocation_trace.RuleId = 0 then allocation_trace.RuleName else '' end as Policy
    from allocation_trace
    where allocation_trace.TargetOwner <> ''
),
stayed as (
    select int_allocation_line.*
    from int_allocation_line
    left join gone
        on gone.BillingPeriodStart = int_allocation_line.BillingPeriodStart
        and gone.RuleId = int_allocation_line.RuleId
        and gone.Account = int_allocation_line.Account
        and gone.SourceOwner = int_allocation_line.CostOwner
        and gone.SubAccountId = int_allocation_line.SubAccountId
        and gone.ServiceName = int_allocation_line.ServiceName
        and gone.BillingCurrency = int_allocation_line.BillingCurrency
        and gone.Policy in ('', int_allocation_line.AllocationKind)
        and gone.CommitmentDiscountId in ('', int_allocation_line.CommitmentDiscountId)
    where gone.RuleId is null
),
received as (
    select
        allocation_trace.BillingPeriodStart as BillingPeriodStart,
        allocation_trace.Account as Account,
        allocation_trace.TargetOwner as CostOwner,
        allocation_trace.SubAccountId as SubAccountId,
        allocation_trace.ServiceName as ServiceName,
        allocation_trace.BillingCurrency as BillingCurrency,
        sum(allocation_trace.Amount) as Amount
    from allocation_trace
    left join gone
        on gone.RuleId = allocation_trace.NextRuleId
        and gone.BillingPeriodStart = allocation_trace.BillingPeriodStart
        and gone.Account = allocation_trace.Account
        and gone.SourceOwner = allocation_trace.TargetOwner
        and gone.SubAccountId = allocation_trace.SubAccountId
        and gone.ServiceName = allocation_trace.ServiceName
        and gone.BillingCurrency = allocation_trace.BillingCurrency
    where allocation_trace.TargetOwner <> ''
        and gone.RuleId is null
    group by 1, 2, 3, 4, 5, 6
),
received_markup as (
    select
        received.BillingPeriodStart as BillingPeriodStart,
        received.Account as Account,
        received.CostOwner as CostOwner,
        received.SubAccountId as SubAccountId,
        received.ServiceName as ServiceName,
        received.BillingCurrency as BillingCurrency,
        cast(received.Amount as decimal(38, 18)) as Amount,
        int_rule_set.RuleSet as RuleSet,
        min(allocation_markup.MarkUpId) as MarkUpId
    from received
    inner join int_rule_set on int_rule_set.BillingPeriodStart = month_start(received.BillingPeriodStart)
    inner join allocation_markup on allocation_markup.RuleSet = int_rule_set.RuleSet
    where coalesce(folded(allocation_markup.CostOwner), '') in ('', folded(received.CostOwner))
        and (
            coalesce(allocation_markup.ServiceName, '') = ''
            or folded(received.ServiceName) like allocation_markup.ServiceName escape '\'
        )
        and coalesce(allocation_markup.ValidFrom, int_rule_set.BillingPeriodStart) < month_add(int_rule_set.BillingPeriodStart, 1)
        and coalesce(allocation_markup.ValidTo, date '9999-12-31') >= day_add(month_add(int_rule_set.BillingPeriodStart, 1), -1)
    group by 1, 2, 3, 4, 5, 6, 7, 8
),
added as (
    select
        stayed.BillingPeriodStart as BillingPeriodStart,
        stayed.Account as Account,
        stayed.CostOwner as CostOwner,
        stayed.SubAccountId as SubAccountId,
        stayed.ServiceName as ServiceName,
        stayed.BillingCurrency as BillingCurrency,
        int_rule_set.RuleSet as RuleSet,
        stayed.MarkUpId as MarkUpId,
        stayed.MarkUpAmount as Amount
    from stayed
    inner join int_rule_set on int_rule_set.BillingPeriodStart = month_start(stayed.BillingPeriodStart)
    where stayed.MarkUpId > 0
    union all
    select
        received_markup.BillingPeriodStart,
        received_markup.Account,
        received_markup.CostOwner,
        received_markup.SubAccountId,
        received_markup.ServiceName,
        received_markup.BillingCurrency,
        received_markup.RuleSet,
        received_markup.MarkUpId,
        product(received_markup.Amount, ratio(allocation_markup.PercentAdded, cast(100 as decimal(38, 18))))
    from received_markup
    inner join allocation_markup
        on allocation_markup.RuleSet = received_markup.RuleSet
        and allocation_markup.MarkUpId = received_markup.MarkUpId
)
select
    added.BillingPeriodStart as BillingPeriodStart,
    added.Account as Account,
    added.CostOwner as CostOwner,
    added.SubAccountId as SubAccountId,
    added.ServiceName as ServiceName,
    'MarkUp' as AllocationKind,
    added.BillingCurrency as BillingCurrency,
    allocation_markup.MarkUpName as RuleName,
    cast(sum(added.Amount) as decimal(38, 18)) as PolicyAmount
from added
inner join allocation_markup
    on allocation_markup.RuleSet = added.RuleSet
    and allocation_markup.MarkUpId = added.MarkUpId
group by 1, 2, 3, 4, 5, 6, 7, 8
having sum(added.Amount) <> 0
union all
select
    stayed.BillingPeriodStart,
    stayed.Account,
    stayed.CostOwner,
    stayed.SubAccountId,
    stayed.ServiceName,
    'RateCard',
    stayed.BillingCurrency,
    '',
    cast(sum(stayed.RatedAmount - stayed.EffectiveCost) as decimal(38, 18))
from stayed
where stayed.RateId > 0
group by 1, 2, 3, 4, 5, 6, 7, 8
having sum(stayed.RatedAmount - stayed.EffectiveCost) <> 0
