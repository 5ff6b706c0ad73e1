-- run is one run of azledger: what it was given and how far its data goes.
--
-- It holds no clock, so the same data gives the same row; when a version was published is in the publication's pointer.
--
-- reads:  run_context, rule_set, raw_unit, source_completeness
-- grain:  RunDate
-- from:   run_context on RunDate
-- with:   raw_unit where raw_unit.State <> 'complete'
--
-- column RunDate            date     the day the run was made for
-- column Version            varchar  of azledger
-- column ConfigDigest       varchar  of the configuration, without secrets
-- column RulesDigest        varchar  of the rules that say who pays; the lake keeps them in the folder rules/<digest>
-- column UnitCount          bigint   units of a source, scope, period and dataset
-- column CompleteUnitCount  bigint   of these, fetched whole
-- column FailedUnitCount    bigint   of these, failed: their last good records are used, where there are any
-- column UsedUnitCount      bigint   of these, counted in the tables
-- column RowCount           bigint   records
-- column RejectCount        bigint   records that could not be read
-- column RoundedCount       bigint   numbers with more than 18 decimal places
-- column DataCompleteTo     date     up to which day the cost data of every account is there; null without cost data
--
-- check: UnitCount = CompleteUnitCount + FailedUnitCount
-- total: (select count(*) from run) = 1
-- total: (select sum(RowCount) from run) = (select coalesce(sum(RowCount), 0) from raw_unit)
with
units as (
    select
        count(*) as UnitCount,
        count(*) filter (where raw_unit.State = 'complete') as CompleteUnitCount,
        count(*) filter (where raw_unit.State is distinct from 'complete') as FailedUnitCount,
        coalesce(sum(raw_unit.RowCount), 0) as RowCount,
        coalesce(sum(raw_unit.RejectCount), 0) as RejectCount,
        coalesce(sum(raw_unit.RoundedCount), 0) as RoundedCount
    from raw_unit
),
used as (
    select
        count(*) filter (where source_completeness.IsUsed) as UsedUnitCount,
        min(source_completeness.DataCompleteTo) as DataCompleteTo
    from source_completeness
)
select
    run_context.RunDate as RunDate,
    run_context.Version as Version,
    run_context.ConfigDigest as ConfigDigest,
    (select max(rule_set.RulesDigest) from rule_set where rule_set.BillingPeriod = '') as RulesDigest,
    units.UnitCount as UnitCount,
    units.CompleteUnitCount as CompleteUnitCount,
    units.FailedUnitCount as FailedUnitCount,
    used.UsedUnitCount as UsedUnitCount,
    cast(units.RowCount as bigint) as RowCount,
    cast(units.RejectCount as bigint) as RejectCount,
    cast(units.RoundedCount as bigint) as RoundedCount,
    used.DataCompleteTo as DataCompleteTo
from run_context
cross join units
cross join used
