-- int_invoice_pool is what only an invoice knows and a policy divides among owners: tax, credits, support that is in no cost record.
--
-- It keeps int_invoice_share from being built anew for every month whenever any invoice's reconciliation changes, which the open
-- month's does every night.
--
-- reads:  invoice_reconciliation, int_rule_set, allocation_policy
-- grain:  InvoicePeriodStart, Account, AllocationKind, BillingCurrency
-- from:   invoice_reconciliation on Account, BillingCurrency
--         where invoice_reconciliation.InvoicePeriodStart = int_invoice_pool.InvoicePeriodStart
--         and case invoice_reconciliation.Component when 'SupportPlan' then 'Support' else invoice_reconciliation.Component end = int_invoice_pool.AllocationKind
-- with:   allocation_policy where allocation_policy.Policy = int_invoice_pool.AllocationKind and allocation_policy.RuleSet in (
--             select int_rule_set.RuleSet from int_rule_set where int_rule_set.BillingPeriodStart = month_start(int_invoice_pool.InvoicePeriodStart)
--         )
--
-- column InvoicePeriodStart  date             first day of the invoiced period, or the day of a single purchase
-- column Account             varchar          the account's name in the configuration
-- column AllocationKind      varchar          Tax, Credit or Support
-- column BillingCurrency     varchar          ISO 4217
-- column Treatment           varchar          Proportional or Central
-- column CentralOwner        varchar          who pays all of it; null unless Central
-- column Amount              decimal(38, 18)  BillingCurrency, the invoices' amount
--
-- check: Amount <> 0
-- total: not exists (select InvoicePeriodStart, Account, AllocationKind, BillingCurrency, Amount from int_invoice_pool
--        except select InvoicePeriodStart, Account, case Component when 'SupportPlan' then 'Support' else Component end, BillingCurrency, sum(Amount)
--        from invoice_reconciliation where Component <> 'SupportPlan' or coalesce(CalculatedAmount, 0) = 0 group by 1, 2, 3, 4)
select
    invoice_reconciliation.InvoicePeriodStart as InvoicePeriodStart,
    invoice_reconciliation.Account as Account,
    allocation_policy.Policy as AllocationKind,
    invoice_reconciliation.BillingCurrency as BillingCurrency,
    allocation_policy.Treatment as Treatment,
    nullif(allocation_policy.CostOwner, '') as CentralOwner,
    cast(sum(invoice_reconciliation.Amount) as decimal(38, 18)) as Amount
from invoice_reconciliation
inner join int_rule_set on int_rule_set.BillingPeriodStart = month_start(invoice_reconciliation.InvoicePeriodStart)
inner join allocation_policy
    on allocation_policy.RuleSet = int_rule_set.RuleSet
    and allocation_policy.Policy = case invoice_reconciliation.Component when 'SupportPlan' then 'Support' else invoice_reconciliation.Component end
where allocation_policy.Policy in ('Tax', 'Credit', 'Support')
    and allocation_policy.Treatment in ('Proportional', 'Central')
    and (invoice_reconciliation.Component <> 'SupportPlan' or coalesce(invoice_reconciliation.CalculatedAmount, 0) = 0)
group by 1, 2, 3, 4, 5, 6
having sum(invoice_reconciliation.Amount) <> 0
