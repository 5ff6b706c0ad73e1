-- int_invoice_share is one owner's part of what only an invoice knows: tax, credits, and support that is in no cost record.
--
-- Each is divided by its policy in proportion to what the owners of the account finally pay in the invoice's month and currency,
-- after everything else was shared, or charged to one central owner. Who pays nothing, or less than nothing, has no part. Where
-- nobody has cost, it is Unallocated. The parts are cut at the eighteenth digit, and the units missing go to those that lost most,
-- the first in the alphabet where they lost alike, so they add up to the invoice's amount.
--
-- An invoice of a single purchase is of that day. Its parts stand in the billing period the day is in, with those of the month's
-- other invoices, so that chargeback has the periods of the charges and no others. The months are those of int_rule_set.
--
-- reads:  int_invoice_pool, int_rule_set, int_allocation_line, allocation_trace
-- grain:  BillingPeriodStart, Account, CostOwner, AllocationKind, BillingCurrency
-- period: BillingPeriodStart
-- from:   int_invoice_pool on Account, AllocationKind, BillingCurrency
--         where month_start(int_invoice_pool.InvoicePeriodStart) = month_start(int_invoice_share.BillingPeriodStart)
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
--        except select month_start(InvoicePeriodStart), Account, AllocationKind, BillingCurrency, sum(Amount) from int_invoice_pool group by 1, 2, 3, 4)
with charged as (
    select distinct int_allocation_line.Account as Account, int_allocation_line.BillingPeriodStart as BillingPeriodStart
    from int_allocation_line
),
billing_period as (
    select
        int_invoice_pool.Account as Account,
        int_invoice_pool.InvoicePeriodStart as InvoicePeriodStart,
        coalesce(max(charged.BillingPeriodStart), int_invoice_pool.InvoicePeriodStart) as BillingPeriodStart
    from int_invoice_pool
    inner join int_rule_set on int_rule_set.BillingPeriodStart = month_start(int_invoice_pool.InvoicePeriodStart)
    left join charged
        on charged.Account = int_invoice_pool.Account
        and month_start(charged.BillingPeriodStart) = month_start(int_invoice_pool.InvoicePeriodStart)
        and charged.BillingPeriodStart <= int_invoice_pool.InvoicePeriodStart
    group by int_invoice_pool.Account, int_invoice_pool.InvoicePeriodStart
),
invoiced as (
    select
        billing_period.BillingPeriodStart as BillingPeriodStart,
        int_invoice_pool.Account as Account,
        int_invoice_pool.AllocationKind as AllocationKind,
        int_invoice_pool.BillingCurrency as BillingCurrency,
        int_invoice_pool.Treatment as Treatment,
        int_invoice_pool.CentralOwner as CentralOwner,
        cast(sum(int_invoice_pool.Amount) as decimal(38, 18)) as Amount
    from int_invoice_pool
    inner join billing_period
        on billing_period.Account = int_invoice_pool.Account
        and billing_period.InvoicePeriodStart = int_invoice_pool.InvoicePeriodStart
    group by 1, 2, 3, 4, 5, 6
    having sum(int_invoice_pool.Amount) <> 0
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
