-- quality is what is wrong: a rule that is broken, or a line that was rejected.
--
-- reads: check_result, raw_reject, raw_unit
-- grain: Subject, Rule, Period
--
-- column Subject  varchar  table or source
-- column Rule     varchar  the rule, or the reason of the rejection
-- column Period   varchar  yyyy-mm, or all
-- column Amount   bigint   rows
select TableName as Subject, Rule as Rule, coalesce(BillingPeriod, 'all') as Period, BrokenCount as Amount
from check_result
union all
select raw_reject.Source as Subject, raw_reject.Reason as Rule, raw_reject.Period as Period, count(*) as Amount
from raw_reject
join raw_unit
    on raw_unit.Source = raw_reject.Source
    and raw_unit.Period = raw_reject.Period
group by raw_reject.Source, raw_reject.Reason, raw_reject.Period
