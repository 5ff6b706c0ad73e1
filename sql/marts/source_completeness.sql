-- source_completeness is whether one source, scope, period and dataset has been fetched whole, and up to which day.
--
-- A day is missing when an account whose usage goes on nearly every day has none on it: between its first and last day of usage
-- in the period, before the first where the period before had usage up to its end, and after the last where the period is over.
-- Accounts that use something now and then have no missing days.
--
-- What a source said it has (pages, parts or files, records, bytes) stands beside what came. Not every source says it, and files landed
-- by versions of azledger before it was noted have neither. What the records must add up to is in source_completeness_cost.
--
-- reads:  raw_unit, int_cost_source, int_cost_day, int_price_sheet, int_reservation_detail, reservation_transaction, run_context
-- grain:  Source, Account, Scope, BillingPeriod, Dataset
-- from:   raw_unit on Source, Account, Scope, Dataset where raw_unit.Period = source_completeness.BillingPeriod
-- with:   int_cost_source on Account, Source, Scope, Dataset where month_text(int_cost_source.BillingPeriodStart) = source_completeness.BillingPeriod
--
-- column Source              varchar  the source, such as cost_export
-- column Account             varchar  the account's name in the configuration
-- column Scope               varchar  the scope that was asked
-- column BillingPeriod       varchar  such as 2026-10; all for sources without periods
-- column Dataset             varchar  actual, amortized, focus, daily, monthly or all
-- column BillingPeriodStart  date     first day of the month the billing period starts in; null for sources without periods
-- column State               varchar  complete, or failed: then the rows are those of the last time it worked
-- column Error               varchar  why it failed; null when complete
-- column RowCount            bigint   records
-- column RejectCount         bigint   records that could not be read and are not in the tables
-- column DuplicateCount      bigint   records that the source served more than once exactly alike; all of them count; null when not known
-- column ExpectedPageCount   bigint   pages, parts or files the source announced; null when it said nothing
-- column GotPageCount        bigint   pages, parts or files that came
-- column ExpectedRowCount    bigint   records the source announced; null when it said nothing
-- column GotRowCount         bigint   records that came, those that could not be read among them
-- column ExpectedByteCount   bigint   bytes the source announced; null when it said nothing
-- column GotByteCount        bigint   bytes that came; null when not known
-- column IsShort             boolean  less came than was announced
-- column MinDate             date     first day with a record
-- column MaxDate             date     last day with a record
-- column IsClosed            boolean  the period is over and late charges are in; true for sources without periods
-- column IsCost              boolean  it holds cost records, which come from several sources: not all count
-- column IsUsed              boolean  its records count; of charges, prices, details of and payments for reservations one source is chosen
-- column UsedReason          varchar  why its records count or not, in words
-- column ExpectedDayCount    bigint   days that should have usage; null where usage does not go on every day
-- column GotDayCount         bigint   days that have usage; null of anything but cost records
-- column MissingDayCount     bigint   days without usage that should have some
-- column FirstMissingDay     date     the first of them; null without one
-- column LastMissingDay      date     the last of them; null without one
-- column CompleteTo          date     last day before anything is missing; null when not known
-- column IsComplete          boolean  closed, fetched whole, nothing less than announced, nothing rejected, no day missing
-- column DataCompleteTo      date     CompleteTo, only for cost records that count in an account's newest period; the least of these is how far all cost data goes
--
-- check: RowCount >= 0
-- check: not IsComplete or State = 'complete'
-- check: (MissingDayCount > 0) = (FirstMissingDay is not null)
-- check: ExpectedDayCount is null or ExpectedDayCount = GotDayCount + MissingDayCount
-- check: not (IsShort and IsComplete)
-- total: (select count(*) from source_completeness) = (select count(*) from raw_unit)
-- total: (select count(*) from source_completeness where IsCost and IsUsed)
--        = (select count(*) from int_cost_source where IsUsed)
with
usage_days as (
    select
        int_cost_day.Account as Account,
        int_cost_day.Source as Source,
        int_cost_day.Scope as Scope,
        int_cost_day.BillingPeriodStart as BillingPeriodStart,
        int_cost_day.Dataset as Dataset,
        int_cost_day.ChargeDate as ChargeDate,
        min(int_cost_day.FirstDay) as FirstDay,
        max(int_cost_day.LastDay) as LastDay
    from int_cost_day
    where int_cost_day.UsageCount > 0
    group by 1, 2, 3, 4, 5, 6
),
spans as (
    -- A record may name another period than the one it came with; the period's own month bounds what it says.
    select
        usage_days.Account as Account,
        usage_days.Source as Source,
        usage_days.Scope as Scope,
        usage_days.BillingPeriodStart as BillingPeriodStart,
        usage_days.Dataset as Dataset,
        greatest(min(usage_days.FirstDay), usage_days.BillingPeriodStart) as FirstDay,
        case
            when max(usage_days.LastDay) between usage_days.BillingPeriodStart and day_add(month_add(usage_days.BillingPeriodStart, 2), -1) then max(usage_days.LastDay)
            else day_add(month_add(usage_days.BillingPeriodStart, 1), -1)
        end as LastDay
    from usage_days
    group by 1, 2, 3, 4, 5
),
used_spans as (
    select
        spans.Account as Account,
        spans.Source as Source,
        spans.Scope as Scope,
        spans.BillingPeriodStart as BillingPeriodStart,
        spans.Dataset as Dataset,
        spans.FirstDay as FirstDay,
        spans.LastDay as LastDay,
        min(usage_days.ChargeDate) as FirstUsage,
        max(usage_days.ChargeDate) as LastUsage,
        count(*) as UsageDayCount
    from spans
    inner join usage_days
        on usage_days.Account = spans.Account
        and usage_days.Source = spans.Source
        and usage_days.Scope = spans.Scope
        and usage_days.BillingPeriodStart = spans.BillingPeriodStart
        and usage_days.Dataset = spans.Dataset
        and usage_days.ChargeDate between spans.FirstDay and spans.LastDay
    group by 1, 2, 3, 4, 5, 6, 7
),
expected_spans as (
    select
        used_spans.Account as Account,
        used_spans.Source as Source,
        used_spans.Scope as Scope,
        used_spans.BillingPeriodStart as BillingPeriodStart,
        used_spans.Dataset as Dataset,
        used_spans.FirstDay as PeriodFirstDay,
        used_spans.LastDay as PeriodLastDay,
        used_spans.LastUsage as LastUsage,
        used_spans.UsageDayCount as UsageDayCount,
        case when earlier.LastUsage >= day_add(used_spans.FirstDay, -2) then used_spans.FirstDay else used_spans.FirstUsage end as FirstExpected,
        case when used_spans.LastDay < run_context.RunDate and day_add(used_spans.LastDay, cast(run_context.LateDays as integer)) < run_context.RunDate
            then used_spans.LastDay else used_spans.LastUsage end as LastExpected,
        -- Nearly every day: two of three between the first and the last, and a week at least.
        used_spans.UsageDayCount >= 7
            and used_spans.UsageDayCount * 3 >= (date_diff('day', used_spans.FirstUsage, used_spans.LastUsage) + 1) * 2 as IsDaily
    from used_spans
    cross join run_context
    left join used_spans as earlier
        on earlier.Account = used_spans.Account
        and earlier.Source = used_spans.Source
        and earlier.Scope = used_spans.Scope
        and earlier.Dataset = used_spans.Dataset
        and month_add(earlier.BillingPeriodStart, 1) = used_spans.BillingPeriodStart
),
digits as (
    select *
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as list (Digit)
),
day_numbers as (
    select
        tens.Digit * 10 + ones.Digit as DayNumber
    from digits as tens
    cross join digits as ones
    where tens.Digit < 7
),
missing_days as (
    select
        expected_spans.Account as Account,
        expected_spans.Source as Source,
        expected_spans.Scope as Scope,
        expected_spans.BillingPeriodStart as BillingPeriodStart,
        expected_spans.Dataset as Dataset,
        count(*) as MissingDayCount,
        min(day_add(expected_spans.PeriodFirstDay, day_numbers.DayNumber)) as FirstMissingDay,
        max(day_add(expected_spans.PeriodFirstDay, day_numbers.DayNumber)) as LastMissingDay
    from expected_spans
    cross join day_numbers
    left join usage_days
        on usage_days.Account = expected_spans.Account
        and usage_days.Source = expected_spans.Source
        and usage_days.Scope = expected_spans.Scope
        and usage_days.BillingPeriodStart = expected_spans.BillingPeriodStart
        and usage_days.Dataset = expected_spans.Dataset
        and usage_days.ChargeDate = day_add(expected_spans.PeriodFirstDay, day_numbers.DayNumber)
    where expected_spans.IsDaily
        and day_add(expected_spans.PeriodFirstDay, day_numbers.DayNumber) between expected_spans.FirstExpected and expected_spans.LastExpected
        and usage_days.ChargeDate is null
    group by 1, 2, 3, 4, 5
),
newest as (
    -- An account that ended long ago holds nothing back.
    select
        int_cost_source.Account as Account,
        max(int_cost_source.BillingPeriodStart) as BillingPeriodStart
    from int_cost_source
    cross join run_context
    where int_cost_source.IsUsed
    group by int_cost_source.Account, run_context.RunDate
    having max(int_cost_source.BillingPeriodStart) >= month_add(month_start(run_context.RunDate), -2)
),
units as (
    select
        raw_unit.Source as Source,
        raw_unit.Account as Account,
        raw_unit.Scope as Scope,
        raw_unit.Period as BillingPeriod,
        raw_unit.Dataset as Dataset,
        case when raw_unit.Period <> 'all' then cast(raw_unit.Period || '-01' as date) end as BillingPeriodStart,
        raw_unit.State as State,
        nullif(raw_unit.Error, '') as Error,
        coalesce(raw_unit.RowCount, 0) as RowCount,
        coalesce(raw_unit.RejectCount, 0) as RejectCount,
        raw_unit.MinDate as MinDate,
        raw_unit.MaxDate as MaxDate,
        raw_unit.DuplicateCount as DuplicateCount,
        raw_unit.AnnouncedPageCount as ExpectedPageCount,
        coalesce(raw_unit.PageCount, 0) as GotPageCount,
        raw_unit.AnnouncedRowCount as ExpectedRowCount,
        coalesce(raw_unit.RowCount, 0) + coalesce(raw_unit.RejectCount, 0) as GotRowCount,
        raw_unit.AnnouncedByteCount as ExpectedByteCount,
        raw_unit.ReceivedByteCount as GotByteCount,
        coalesce(
            raw_unit.PageCount < raw_unit.AnnouncedPageCount
                or raw_unit.RowCount + coalesce(raw_unit.RejectCount, 0) < raw_unit.AnnouncedRowCount
                or raw_unit.ReceivedByteCount < raw_unit.AnnouncedByteCount,
            false
        ) as IsShort,
        coalesce(raw_unit.FileCount, 0) as FileCount,
        raw_unit.Source in ('cost_export', 'focus_export', 'cost_details', 'detailed_cost', 'usage_details') as IsCost,
        raw_unit.Source in (
            'price_sheet_export', 'price_sheet_download', 'price_sheet',
            'reservation_details_export', 'reservation_details_report', 'reservation_details',
            'reservation_transactions_export', 'reservation_transactions'
        ) as IsChosen
    from raw_unit
),
chosen as (
    -- What can come from several sources, and did come from one.
    select
        int_price_sheet.Account as Account,
        int_price_sheet.Source as Source,
        int_price_sheet.Scope as Scope,
        int_price_sheet.BillingPeriodStart as BillingPeriodStart,
        int_price_sheet.Dataset as Dataset
    from int_price_sheet
    group by 1, 2, 3, 4, 5
    union all
    select
        int_reservation_detail.Account as Account,
        int_reservation_detail.Source as Source,
        int_reservation_detail.Scope as Scope,
        int_reservation_detail.BillingPeriodStart as BillingPeriodStart,
        'daily' as Dataset
    from int_reservation_detail
    group by 1, 2, 3, 4, 5
    union all
    select
        reservation_transaction.Account as Account,
        reservation_transaction.Source as Source,
        reservation_transaction.Scope as Scope,
        reservation_transaction.BillingPeriodStart as BillingPeriodStart,
        'all' as Dataset
    from reservation_transaction
    group by 1, 2, 3, 4, 5
),
placed as (
    select
        units.Source as Source,
        units.Account as Account,
        units.Scope as Scope,
        units.BillingPeriod as BillingPeriod,
        units.Dataset as Dataset,
        units.BillingPeriodStart as BillingPeriodStart,
        units.State as State,
        units.Error as Error,
        units.RowCount as RowCount,
        units.RejectCount as RejectCount,
        units.DuplicateCount as DuplicateCount,
        units.ExpectedPageCount as ExpectedPageCount,
        units.GotPageCount as GotPageCount,
        units.ExpectedRowCount as ExpectedRowCount,
        units.GotRowCount as GotRowCount,
        units.ExpectedByteCount as ExpectedByteCount,
        units.GotByteCount as GotByteCount,
        units.IsShort as IsShort,
        units.MinDate as MinDate,
        units.MaxDate as MaxDate,
        units.IsCost as IsCost,
        case
            when units.BillingPeriodStart is null then true
            else day_add(
                coalesce(expected_spans.PeriodLastDay, day_add(month_add(units.BillingPeriodStart, 1), -1)),
                cast(run_context.LateDays as integer)
            ) < run_context.RunDate
        end as IsClosed,
        case
            when units.IsCost then coalesce(int_cost_source.IsUsed, false)
            when units.IsChosen then chosen.Account is not null
            else units.State = 'complete' or units.FileCount > 0
        end as IsUsed,
        case
            when units.IsCost then coalesce(int_cost_source.Reason, 'it holds no records')
            when units.IsChosen and units.RowCount = 0 then 'it holds no records'
            when units.IsChosen and chosen.Account is null then 'a better source of the same month counts'
            when units.State = 'complete' then 'counts'
            when units.FileCount > 0 then 'counts with what was fetched last'
            else 'nothing was ever fetched'
        end as UsedReason,
        case when expected_spans.IsDaily then date_diff('day', expected_spans.FirstExpected, expected_spans.LastExpected) + 1 end as ExpectedDayCount,
        case when units.IsCost then coalesce(expected_spans.UsageDayCount, 0) end as GotDayCount,
        coalesce(missing_days.MissingDayCount, 0) as MissingDayCount,
        missing_days.FirstMissingDay as FirstMissingDay,
        missing_days.LastMissingDay as LastMissingDay,
        coalesce(expected_spans.PeriodLastDay, day_add(month_add(units.BillingPeriodStart, 1), -1)) as PeriodLastDay,
        expected_spans.LastUsage as LastUsage,
        newest.Account is not null as IsNewest
    from units
    cross join run_context
    left join chosen
        on chosen.Account = units.Account
        and chosen.Source = units.Source
        and chosen.Scope = units.Scope
        and chosen.BillingPeriodStart = units.BillingPeriodStart
        and chosen.Dataset = units.Dataset
    left join int_cost_source
        on int_cost_source.Account = units.Account
        and int_cost_source.Source = units.Source
        and int_cost_source.Scope = units.Scope
        and int_cost_source.BillingPeriodStart = units.BillingPeriodStart
        and int_cost_source.Dataset = units.Dataset
    left join expected_spans
        on expected_spans.Account = units.Account
        and expected_spans.Source = units.Source
        and expected_spans.Scope = units.Scope
        and expected_spans.BillingPeriodStart = units.BillingPeriodStart
        and expected_spans.Dataset = units.Dataset
    left join missing_days
        on missing_days.Account = units.Account
        and missing_days.Source = units.Source
        and missing_days.Scope = units.Scope
        and missing_days.BillingPeriodStart = units.BillingPeriodStart
        and missing_days.Dataset = units.Dataset
    left join newest
        on newest.Account = units.Account
        and newest.BillingPeriodStart = units.BillingPeriodStart
),
completed as (
    select
        placed.*,
        case
            when placed.FirstMissingDay is not null then day_add(placed.FirstMissingDay, -1)
            when placed.IsClosed and placed.State = 'complete' then placed.PeriodLastDay
            else coalesce(placed.LastUsage, placed.MaxDate)
        end as CompleteTo
    from placed
)
select
    completed.Source as Source,
    completed.Account as Account,
    completed.Scope as Scope,
    completed.BillingPeriod as BillingPeriod,
    completed.Dataset as Dataset,
    completed.BillingPeriodStart as BillingPeriodStart,
    completed.State as State,
    completed.Error as Error,
    completed.RowCount as RowCount,
    completed.RejectCount as RejectCount,
    completed.DuplicateCount as DuplicateCount,
    completed.ExpectedPageCount as ExpectedPageCount,
    completed.GotPageCount as GotPageCount,
    completed.ExpectedRowCount as ExpectedRowCount,
    completed.GotRowCount as GotRowCount,
    completed.ExpectedByteCount as ExpectedByteCount,
    completed.GotByteCount as GotByteCount,
    completed.IsShort as IsShort,
    completed.MinDate as MinDate,
    completed.MaxDate as MaxDate,
    completed.IsClosed as IsClosed,
    completed.IsCost as IsCost,
    completed.IsUsed as IsUsed,
    completed.UsedReason as UsedReason,
    completed.ExpectedDayCount as ExpectedDayCount,
    completed.GotDayCount as GotDayCount,
    completed.MissingDayCount as MissingDayCount,
    completed.FirstMissingDay as FirstMissingDay,
    completed.LastMissingDay as LastMissingDay,
    completed.CompleteTo as CompleteTo,
    completed.IsClosed and completed.State = 'complete' and not completed.IsShort
        and completed.RejectCount = 0 and completed.MissingDayCount = 0 as IsComplete,
    case when completed.IsCost and completed.IsUsed and completed.IsNewest then completed.CompleteTo end as DataCompleteTo
from completed
