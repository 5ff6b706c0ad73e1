-- int_rule_set is which rules of ours hold in each month.
--
-- A closed month keeps the rules it was closed with, which rule_set names; every other month has the rules of the row without a
-- month.
--
-- reads:  int_cost_source, rule_set
-- grain:  BillingPeriodStart
-- period: BillingPeriodStart
--
-- column BillingPeriodStart  date     first day of the month the billing period starts in
-- column RuleSet             varchar  name of the rules, as in the tables of configuration
--
-- total: (select count(distinct month_start(BillingPeriodStart)) from int_cost_source) = (select count(*) from int_rule_set)
with billed_month as (
    select distinct month_start(int_cost_source.BillingPeriodStart) as BillingPeriodStart
    from int_cost_source
)
select
    billed_month.BillingPeriodStart as BillingPeriodStart,
    coalesce(max(own.RuleSet), max(general.RuleSet), 'current') as RuleSet
from billed_month
left join rule_set as own on own.BillingPeriod = month_text(billed_month.BillingPeriodStart)
left join rule_set as general on coalesce(general.BillingPeriod, '') = ''
group by 1
