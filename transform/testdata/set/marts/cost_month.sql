-- cost_month is what each month cost.
--
-- reads: cost_daily, run_context
-- grain: BillingPeriodStart, BillingCurrency
--
-- column BillingPeriodStart  date             first day of the billing period
-- column BillingCurrency     varchar          ISO 4217
-- column BilledCost          decimal(38, 18)  BillingCurrency, before tax
-- column CostPerDay          decimal(38, 18)  BillingCurrency a day with cost
-- column IsOpen              boolean          the run date lies in the month
select
    cost_daily.BillingPeriodStart as BillingPeriodStart,
    cost_daily.BillingCurrency as BillingCurrency,
    cast(sum(cost_daily.BilledCost) as decimal(38, 18)) as BilledCost,
    ratio(sum(cost_daily.BilledCost), count(distinct cost_daily.ChargeDate)) as CostPerDay,
    month_start(max(run_context.RunDate)) = cost_daily.BillingPeriodStart as IsOpen
from cost_daily
cross join run_context
group by cost_daily.BillingPeriodStart, cost_daily.BillingCurrency
