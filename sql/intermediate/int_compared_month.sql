-- int_compared_month is one account's billing month that the run before had too, with the last day that was complete then.
--
-- Azure delivers a day's charges over one to two days, and days that had not come yet are no restatement when they come. The last
-- complete day of the run before is, as in month_to_date, the last before its run date on which the account had usage; purchases
-- of commitments come without. An account or a month that run did not have is compared with nothing.
--
-- reads:  previous_int_day_cost, compared_run
-- grain:  BillingPeriodStart, Account
--
-- column BillingPeriodStart  date     first day of the billing period
-- column Account             varchar  the account's name in the configuration
-- column CompleteTo          date     last day that was complete in the run before, whatever month it is in
--
-- total: (select count(*) from int_compared_month) = (select count(distinct Account || cast(BillingPeriodStart as varchar)) from previous_int_day_cost
--        where Account in (select Account from previous_int_day_cost cross join compared_run where ChargeCount > PurchaseCount and ChargeDate < coalesce(RunDate, date '9999-12-31')))
with complete as (
    select
        previous_int_day_cost.Account,
        max(previous_int_day_cost.ChargeDate) as CompleteTo
    from previous_int_day_cost
    cross join compared_run
    where previous_int_day_cost.ChargeCount > previous_int_day_cost.PurchaseCount
        and previous_int_day_cost.ChargeDate < coalesce(compared_run.RunDate, date '9999-12-31')
    group by previous_int_day_cost.Account
)
select distinct
    previous_int_day_cost.BillingPeriodStart as BillingPeriodStart,
    previous_int_day_cost.Account as Account,
    complete.CompleteTo as CompleteTo
from previous_int_day_cost
join complete on complete.Account = previous_int_day_cost.Account
