-- int_invoice_share is one owner's part of what only an invoice knows: tax, credits, and support that is in no cost record.
--
-- Each is divided by its policy in proportion to what the owners of the account finally pay in the invoice's month and currency,
-- after everything else was shared, or charged to one central owner. Who pays nothing, or less than nothing, has no part. Where
-- nobody has cost, it is Unallocated. The parts are cut at the eighteenth digit, and the units missing go to those that lost most,
-- the first in the alphabet where they lost alike, so they add up to the invoice's amount.
--
-- An invoice of a single purchase is of that day. Its parts stand in the billing period the day is in, with those of the month's
-- other invoices, so that chargeback has the periods of the charges and no others.
--
-- reads:  invoice_reconciliation, int_rule_set, int_allocation_line, allocation_trace, allocation_policy
-- grain:  BillingPeriodStart, Account, CostOwner, AllocationKind, BillingCurrency
-- period: BillingPeriodStart
-- from:   invoice_reconciliation on Account, BillingCurrency
--         where month_start(invoice_reconciliation.InvoicePeriodStart) = month_start(int_invoice_share.BillingPeriodStart)
--         and case invoice_reconciliation.Component when 'SupportPlan' then 'Support' else invoice_reconciliation.Component end = int_invoice_share.AllocationKind
-- with:   allocation_policy where allocation_policy.Policy = int_invoice_share.AllocationKind and allocation_policy.RuleSet in (
--             select int_rule_set.RuleSet from int_rule_set where int_rule_set.BillingPeriodStart = month_start(int_invoice_share.BillingPeriodStart)
--         )
--
-- column BillingPeriodStart  date             first day of the billing period; of the invoiced one where the account has no charges in its month
-- column Account             varchar          the account's name in the configuration
-- column CostOwner           varchar          who pays it
-- column AllocationKind      varchar          Tax, Credit or Support
-- column BillingCurrency     varchar          ISO 4217
-- column PolicyAmount        decimal(38, 18)  BillingCurrency, part of the invoices' amount
--
-- total: not exists (
--        select month_start(BillingPeriodStart), Account, AllocationKind, BillingCurrency, sum(PolicyAmount) from int_invoice_share group by 1, 2, 3, 4
--        except select month_start(InvoicePeriodStart), Account, case Component when 'SupportPlan' then 'Support' else Component end, BillingCurrency, sum(Amount)
--        from invoice_reconciliation where Component <> 'SupportPlan' or coalesce(CalculatedAmount, 0) = 0 group by 1, 2, 3, 4)
with charged as (
    select distinct int_allocation_line.Account as Account, int_allocation_line.BillingPeriodStart as BillingPeriodStart
    from int_allocation_line
),
invoice_period as (
    select distinct invoice_reconciliation.Account as Account, invoice_reconciliation.InvoicePeriodStart as InvoicePeriodStart
    from invoice_reconciliation
),
billing_period as (
    select
        invoice_period.Account as Account,
        invoice_period.InvoicePeriodStart as InvoicePeriodStart,
        coalesce(max(charged.BillingPeriodStart), invoice_period.InvoicePeriodStart) as BillingPeriodStart
    from invoice_period
    left join charged
        on charged.Account = invoice_period.Account
        and month_start(charged.BillingPeriodStart) = month_start(invoice_period.InvoicePeriodStart)
        and charged.BillingPeriodStart <= invoice_period.InvoicePeriodStart
    group by invoice_period.Account, invoice_period.InvoicePeriodStart
),
invoiced as (
    select
        billing_period.BillingPeriodStart as BillingPeriodStart,
        invoice_reconciliation.Account as Account,
        allocation_policy.Policy as AllocationKind,
        invoice_reconciliation.BillingCurrency as BillingCurrency,
        allocation_policy.Treatment as Treatment,
        nullif(allocation_policy.CostOwner, '') as CentralOwner,
        cast(sum(invoice_reconciliation.Amount) as decimal(38, 18)) as Amount
    from invoice_reconciliation
    inner join billing_period
        on billing_period.Account = invoice_reconciliation.Account
        and billing_period.InvoicePeriodStart = invoice_reconciliation.InvoicePeriodStart
    inner join int_rule_set on int_rule_set.BillingPeriodStart = month_start(invoice_reconciliation.InvoicePeriodStart)
    inner join allocation_policy
        on allocation_policy.RuleSet = int_rule_set.RuleSet
        and allocation_policy.Policy = case invoice_reconciliation.Component when 'SupportPlan' then 'Support' else invoice_reconciliation.Component end
    where allocation_policy.Policy in ('Tax', 'Credit', 'Support')
        and allocation_policy.Treatment in ('Proportional', 'Central')
        and (invoice_reconciliation.Component <> 'SupportPlan' or coalesce(invoice_reconciliation.CalculatedAmount, 0) = 0)
    group by 1, 2, 3, 4, 5, 6
    having sum(invoice_reconciliation.Amount) <> 0
),
cost as (
    select
        month_start(int_allocation_line.BillingPeriodStart) as BillingMonth,
        int_allocation_line.Account as Account,
        int_allocation_line.CostOwner as CostOwner,
        int_allocation_line.BillingCurrency as BillingCurrency,
        int_allocation_line.EffectiveCost as EffectiveCost
    from int_allocation_line
    union all
    select
        month_start(allocation_trace.BillingPeriodStart),
        allocation_trace.Account,
        allocation_trace.TargetOwner,
        allocation_trace.BillingCurrency,
        allocation_trace.Amount
    from allocation_trace
    where allocation_trace.TargetOwner <> ''
    union all
    select
        month_start(allocation_trace.BillingPeriodStart),
        allocation_trace.Account,
        allocation_trace.SourceOwner,
        allocation_trace.BillingCurrency,
        -allocation_trace.Amount
    from allocation_trace
    where allocation_trace.TargetOwner <> ''
),
paying as (
    select
        cost.BillingMonth as BillingMonth,
        cost.Account as Account,
        cost.BillingCurrency as BillingCurrency,
        cost.CostOwner as CostOwner,
        cast(sum(cost.EffectiveCost) as decimal(38, 18)) as Weight
    from cost
    group by 1, 2, 3, 4
    having sum(cost.EffectiveCost) > 0
),
weighed as (
    select
        invoiced.BillingPeriodStart as BillingPeriodStart,
        invoiced.Account as Account,
        invoiced.AllocationKind as AllocationKind,
        invoiced.BillingCurrency as BillingCurrency,
        invoiced.Amount as PoolAmount,
        coalesce(paying.CostOwner, invoiced.CentralOwner, 'Unallocated') as CostOwner,
        coalesce(paying.Weight, cast(1 as decimal(38, 18))) as Weight
    from invoiced
    left join paying
        on invoiced.Treatment = 'Proportional'
        and paying.BillingMonth = month_start(invoiced.BillingPeriodStart)
        and paying.Account = invoiced.Account
        and paying.BillingCurrency = invoiced.BillingCurrency
),
totalled as (
    select
        weighed.*,
        cast(sum(weighed.Weight) over (
            partition by weighed.BillingPeriodStart, weighed.Account, weighed.AllocationKind, weighed.BillingCurrency
        ) as decimal(38, 18)) as TotalWeight
    from weighed
),
cut as (
    select
        totalled.*,
        share(totalled.PoolAmount, totalled.Weight, totalled.TotalWeight) as Amount,
        share_rest(totalled.PoolAmount, totalled.Weight, totalled.TotalWeight) as Rest
    from totalled
),
ranked as (
    select
        cut.*,
        product(abs(cut.PoolAmount - cast(sum(cut.Amount) over (
            partition by cut.BillingPeriodStart, cut.Account, cut.AllocationKind, cut.BillingCurrency
        ) as decimal(38, 18))), cast(1000000000000000000 as decimal(38, 18))) as Missing,
        row_number() over (
            partition by cut.BillingPeriodStart, cut.Account, cut.AllocationKind, cut.BillingCurrency
            order by cut.Rest desc, cut.CostOwner
        ) as RestRank
    from cut
)
select
    ranked.BillingPeriodStart as BillingPeriodStart,
    ranked.Account as Account,
    ranked.CostOwner as CostOwner,
    ranked.AllocationKind as AllocationKind,
    ranked.BillingCurrency as BillingCurrency,
    cast(case
        when ranked.RestRank > ranked.Missing then ranked.Amount
        when ranked.PoolAmount < 0 then ranked.Amount - cast('0.000000000000000001' as decimal(38, 18))
        else ranked.Amount + cast('0.000000000000000001' as decimal(38, 18))
    end as decimal(38, 18)) as PolicyAmount
from ranked
