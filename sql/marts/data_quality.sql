-- data_quality is something in the data, or in what was made of it, that is not as it should be.
--
-- Each row says in Detail what was found and what it means. An error makes published numbers wrong or doubtful, a warning wants a
-- look, information explains a choice.
--
-- What counts as a spike stands in int_usage_spike, what as an idle commitment in int_commitment_idle; a week of that is reported.
-- An invoice is reported when invoice_reconciliation calls it unexplained, whatever is left over in sum: two wrongs can make a
-- right. Without any cost record of it, that is an error only if the account has cost records of the month.
--
-- reads:  check_result, raw_reject, raw_unit, source_completeness, source_completeness_cost, int_cost_source, int_cost_day, int_focus_flag, price_check,
--         int_price_missing, int_usage_spike, int_commitment_idle, invoice, invoice_reconciliation, invoice_document,
--         restatement, run_context
-- grain:  Rule, TableName, Account, Scope, BillingPeriod, Subject
-- from:   check_result on TableName where data_quality.Rule = 'check_broken' and data_quality.BillingPeriod = coalesce(check_result.BillingPeriod, 'all')
--         and data_quality.Subject = check_result.Kind || ': ' || check_result.Rule
-- from:   raw_reject on Account, Scope where data_quality.Rule = 'record_rejected' and data_quality.BillingPeriod = raw_reject.Period
--         and data_quality.TableName = 'raw_' || raw_reject.Source
-- from:   raw_unit on Account, Scope where data_quality.BillingPeriod = raw_unit.Period and data_quality.TableName = 'raw_' || raw_unit.Source
--         and starts_with(data_quality.Subject, raw_unit.Dataset)
--
-- column Rule                varchar          what is broken, such as missing_day
-- column TableName           varchar          the table it is about
-- column Account             varchar          the account's name in the configuration; all where it is about none
-- column Scope               varchar          the scope that was asked; all where it is about none
-- column BillingPeriod       varchar          such as 2026-10; all where it is about none
-- column Subject             varchar          what exactly: a rule, a source, a meter, a service, an invoice
-- column Severity            varchar          error, warning or info
-- column Detail              varchar          the finding in a sentence
-- column BillingPeriodStart  date             first day of the month of BillingPeriod; null for all
-- column FirstDay            date             first day it is about; null where it is about none
-- column LastDay             date             last day it is about
-- column AffectedRows        bigint           rows, records or days it is about
-- column Amount              decimal(38, 18)  BillingCurrency, what it is about; null where it is about no amount
-- column BillingCurrency     varchar          ISO 4217; null where it is about no amount
--
-- check: Severity in ('error', 'warning', 'info')
-- check: Detail <> ''
-- check: AffectedRows > 0
-- check: (Amount is null) = (BillingCurrency is null)
-- total: (select count(*) from data_quality where Rule = 'check_broken') = (select count(*) from check_result where BrokenCount > 0)
-- total: (select count(*) from data_quality where Rule = 'unit_failed') = (select count(*) from raw_unit where State is distinct from 'complete')
-- total: (select coalesce(sum(AffectedRows), 0) from data_quality where Rule = 'record_rejected') = (select count(*) from raw_reject)
with
broken_checks as (
    select
        'check_broken' as Rule,
        check_result.TableName as TableName,
        'all' as Account,
        'all' as Scope,
        coalesce(check_result.BillingPeriod, 'all') as BillingPeriod,
        check_result.Kind || ': ' || check_result.Rule as Subject,
        case when check_result.Kind = 'total' then 'error' else 'warning' end as Severity,
        case
            when check_result.Kind = 'total' then 'The table as a whole does not add up: ' || check_result.Rule || ' is not true.'
            else cast(check_result.BrokenCount as varchar) || ' rows break the rule ' || check_result.Rule || '; the first is '
                || coalesce(substr(check_result.Example, 1, 200) || case when length(check_result.Example) > 200 then ' …' else '' end, 'not shown') || '.'
        end as Detail,
        cast(null as date) as FirstDay,
        cast(null as date) as LastDay,
        check_result.BrokenCount as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from check_result
    where check_result.BrokenCount > 0
),
rejected_records as (
    select
        'record_rejected' as Rule,
        'raw_' || raw_reject.Source as TableName,
        raw_reject.Account as Account,
        raw_reject.Scope as Scope,
        raw_reject.Period as BillingPeriod,
        raw_reject.Dataset || ': ' || coalesce(raw_reject.Reason, 'no reason given') as Subject,
        'error' as Severity,
        cast(count(*) as varchar) || ' records could not be read and are in no table: ' || coalesce(raw_reject.Reason, 'no reason given')
            || '. The first is in row ' || coalesce(cast(min_by(raw_reject.Row, raw_reject.Page * 1000000000 + raw_reject.Row) as varchar), '?')
            || ' of page or file ' || coalesce(cast(min(raw_reject.Page) as varchar), '?') || '.' as Detail,
        cast(null as date) as FirstDay,
        cast(null as date) as LastDay,
        count(*) as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from raw_reject
    group by raw_reject.Source, raw_reject.Account, raw_reject.Scope, raw_reject.Period, raw_reject.Dataset, raw_reject.Reason
),
rounded_numbers as (
    select
        'digits_rounded' as Rule,
        'raw_' || raw_unit.Source as TableName,
        raw_unit.Account as Account,
        raw_unit.Scope as Scope,
        raw_unit.Period as BillingPeriod,
        raw_unit.Dataset as Subject,
        'info' as Severity,
        cast(raw_unit.RoundedCount as varchar) || ' numbers were served with more than 18 decimal places and rounded half to even; the largest difference is '
            || coalesce(raw_unit.LargestRounding, 'not known') || '.' as Detail,
        raw_unit.MinDate as FirstDay,
        raw_unit.MaxDate as LastDay,
        raw_unit.RoundedCount as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from raw_unit
    where raw_unit.RoundedCount > 0
),
failed_units as (
    select
        'unit_failed' as Rule,
        'raw_' || raw_unit.Source as TableName,
        raw_unit.Account as Account,
        raw_unit.Scope as Scope,
        raw_unit.Period as BillingPeriod,
        raw_unit.Dataset as Subject,
        'error' as Severity,
        'Fetching ' || raw_unit.Source || ' failed: ' || coalesce(nullif(raw_unit.Error, ''), 'no reason was recorded') || '. '
            || case
                when raw_unit.FileCount > 0 then 'The numbers are those of the last time it worked, up to ' || coalesce(cast(raw_unit.MaxDate as varchar), 'an unknown day') || '.'
                else 'Nothing of it was ever fetched, so its part of the numbers is missing.'
            end as Detail,
        raw_unit.MinDate as FirstDay,
        raw_unit.MaxDate as LastDay,
        greatest(coalesce(raw_unit.RowCount, 0), 1) as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from raw_unit
    where raw_unit.State is distinct from 'complete'
),
short_units as (
    select
        'less_than_announced' as Rule,
        'raw_' || source_completeness.Source as TableName,
        source_completeness.Account as Account,
        source_completeness.Scope as Scope,
        source_completeness.BillingPeriod as BillingPeriod,
        source_completeness.Dataset as Subject,
        'error' as Severity,
        'Less came than ' || source_completeness.Source || ' announced: '
            || coalesce(cast(source_completeness.GotPageCount as varchar), '?') || ' of ' || coalesce(cast(source_completeness.ExpectedPageCount as varchar), '?') || ' pages or files, '
            || coalesce(cast(source_completeness.GotRowCount as varchar), '?') || ' of ' || coalesce(cast(source_completeness.ExpectedRowCount as varchar), '?') || ' records, '
            || coalesce(cast(source_completeness.GotByteCount as varchar), '?') || ' of ' || coalesce(cast(source_completeness.ExpectedByteCount as varchar), '?')
            || ' bytes. Fetch it again.' as Detail,
        source_completeness.MinDate as FirstDay,
        source_completeness.MaxDate as LastDay,
        greatest(source_completeness.RowCount, 1) as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from source_completeness
    where source_completeness.IsShort
),
repeated_records as (
    select
        'record_served_twice' as Rule,
        'raw_' || source_completeness.Source as TableName,
        source_completeness.Account as Account,
        source_completeness.Scope as Scope,
        source_completeness.BillingPeriod as BillingPeriod,
        source_completeness.Dataset as Subject,
        'info' as Severity,
        cast(source_completeness.DuplicateCount as varchar) || ' records were served more than once exactly alike. All of them count, as two equal charges are two charges.' as Detail,
        source_completeness.MinDate as FirstDay,
        source_completeness.MaxDate as LastDay,
        source_completeness.DuplicateCount as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from source_completeness
    where source_completeness.DuplicateCount > 0
),
costs_that_differ as (
    select
        'cost_differs_from_query' as Rule,
        'cost_and_usage' as TableName,
        source_completeness_cost.Account as Account,
        source_completeness_cost.Scope as Scope,
        source_completeness_cost.BillingPeriod as BillingPeriod,
        source_completeness_cost.Source || ' ' || source_completeness_cost.CostType || ' ' || source_completeness_cost.BillingCurrency as Subject,
        case when source_completeness_cost.IsSettled then 'error' else 'info' end as Severity,
        'Azure itself adds up ' || source_completeness_cost.CostType || ' cost of the days of ' || source_completeness_cost.BillingPeriod || ' to '
            || cast(cast(source_completeness_cost.ExpectedCost as decimal(38, 2)) as varchar) || ' ' || source_completeness_cost.BillingCurrency
            || ', the records that count to ' || cast(cast(source_completeness_cost.GotCost as decimal(38, 2)) as varchar) || '; '
            || case when source_completeness_cost.DifferentDayCount = 1 then 'they differ on ' || cast(source_completeness_cost.FirstDifferentDay as varchar)
                else 'they differ on ' || cast(source_completeness_cost.DifferentDayCount as varchar) || ' days between '
                    || coalesce(cast(source_completeness_cost.FirstDifferentDay as varchar), '?') || ' and ' || coalesce(cast(source_completeness_cost.LastDifferentDay as varchar), '?') end
            || case when source_completeness_cost.IsSettled then '. Fetch the month again, and ask Microsoft if that changes nothing.'
                else '. The month still moves, or its late charges are not here yet.' end as Detail,
        source_completeness_cost.FirstDifferentDay as FirstDay,
        source_completeness_cost.LastDifferentDay as LastDay,
        greatest(source_completeness_cost.DifferentDayCount, 1) as AffectedRows,
        source_completeness_cost.Difference as Amount,
        source_completeness_cost.BillingCurrency as BillingCurrency
    from source_completeness_cost
    where source_completeness_cost.IsUsed
        and not source_completeness_cost.IsEqual
),
focus_flags as (
    select
        'focus_' || int_focus_flag.Flag as Rule,
        'cost_and_usage' as TableName,
        int_focus_flag.Account as Account,
        int_focus_flag.Scope as Scope,
        month_text(int_focus_flag.BillingPeriodStart) as BillingPeriod,
        int_focus_flag.BillingCurrency as Subject,
        case when int_focus_flag.Flag in ('commitment_purchase_amortised', 'standard_with_commitment') then 'warning' else 'info' end as Severity,
        'The FOCUS export has ' || cast(int_focus_flag.ChargeCount as varchar) || ' ' || case int_focus_flag.Flag
            when 'commitment_purchase_by_usage' then 'purchases of commitments that are said to be Usage-Based; they are One-Time here.'
            when 'commitment_purchase_amortised' then 'purchases of commitments with an EffectiveCost, which is spread over their use as well: it counts twice.'
            when 'list_below_contracted' then 'charges that cost less at list price than at the negotiated one.'
            when 'contracted_below_effective' then 'charges that cost less at the negotiated price than what was paid.'
            when 'standard_with_commitment' then 'usage charges at the standard price that name a commitment; they are Committed here.'
            when 'term_in_words' then 'charges whose term is in words, such as 3Years; it is in months here.'
            else 'charges whose billed and effective price differ by less than 0.0001, which is rounding.'
        end as Detail,
        cast(null as date) as FirstDay,
        cast(null as date) as LastDay,
        int_focus_flag.ChargeCount as AffectedRows,
        case when int_focus_flag.Cost <> 0 then int_focus_flag.Cost end as Amount,
        case when int_focus_flag.Cost <> 0 then int_focus_flag.BillingCurrency end as BillingCurrency
    from int_focus_flag
),
missing_days as (
    -- Actual and amortized cost mostly lack the same days; one line speaks of both.
    select
        'missing_day' as Rule,
        'cost_and_usage' as TableName,
        source_completeness.Account as Account,
        source_completeness.Scope as Scope,
        source_completeness.BillingPeriod as BillingPeriod,
        source_completeness.Source as Subject,
        case when max(case when source_completeness.IsClosed then 1 else 0 end) = 1 then 'error' else 'warning' end as Severity,
        'Usage goes on every day, but ' || case
            when max(source_completeness.MissingDayCount) = 1 then 'there is none on ' || cast(min(source_completeness.FirstMissingDay) as varchar)
            else 'on ' || cast(max(source_completeness.MissingDayCount) as varchar) || ' days between ' || cast(min(source_completeness.FirstMissingDay) as varchar)
                || ' and ' || cast(max(source_completeness.LastMissingDay) as varchar) || ' there is none'
        end || '. The cost of the period is probably too low: fetch it again, and ask Microsoft if that changes nothing.' as Detail,
        min(source_completeness.FirstMissingDay) as FirstDay,
        max(source_completeness.LastMissingDay) as LastDay,
        max(source_completeness.MissingDayCount) as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from source_completeness
    where source_completeness.MissingDayCount > 0
        and source_completeness.IsUsed
    group by source_completeness.Account, source_completeness.Scope, source_completeness.BillingPeriod, source_completeness.Source
),
unused_units as (
    select
        'source_not_used' as Rule,
        'cost_and_usage' as TableName,
        source_completeness.Account as Account,
        source_completeness.Scope as Scope,
        source_completeness.BillingPeriod as BillingPeriod,
        source_completeness.Source || ' ' || source_completeness.Dataset as Subject,
        'info' as Severity,
        cast(source_completeness.RowCount as varchar) || ' records are left out, so that nothing is counted twice: ' || source_completeness.UsedReason || '.' as Detail,
        source_completeness.MinDate as FirstDay,
        source_completeness.MaxDate as LastDay,
        source_completeness.RowCount as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from source_completeness
    where source_completeness.IsCost
        and not source_completeness.IsUsed
        and source_completeness.RowCount > 0
),
cost_sums as (
    select
        int_cost_source.Account as Account,
        int_cost_source.Scope as Scope,
        int_cost_source.BillingPeriodStart as BillingPeriodStart,
        int_cost_source.HasActual as HasActual,
        int_cost_source.HasAmortized as HasAmortized,
        int_cost_day.BillingCurrency as BillingCurrency,
        min(int_cost_day.ChargeDate) as FirstDay,
        max(int_cost_day.ChargeDate) as LastDay,
        coalesce(sum(int_cost_day.UncoveredCost) filter (where int_cost_day.Dataset = 'actual'), 0) as ActualUncovered,
        coalesce(sum(int_cost_day.UncoveredCost) filter (where int_cost_day.Dataset = 'amortized'), 0) as AmortizedUncovered,
        coalesce(sum(int_cost_day.CoveredCost) filter (where int_cost_day.Dataset = 'amortized'), 0) as AmortizedCovered,
        coalesce(sum(int_cost_day.CommitmentCost) filter (where int_cost_day.Dataset = 'actual'), 0) as Bought,
        coalesce(sum(int_cost_day.CommitmentCost) filter (where int_cost_day.Dataset = 'amortized'), 0) as AmortizedBought,
        coalesce(sum(int_cost_day.CoveredCount), 0) as CoveredCount,
        coalesce(sum(int_cost_day.ChargeCount) filter (where int_cost_day.Dataset = 'amortized'), 0) as AmortizedCount,
        coalesce(sum(int_cost_day.ZeroQuantityCount) filter (where int_cost_day.Dataset <> 'actual' or not int_cost_source.HasAmortized), 0) as ZeroQuantityCount,
        coalesce(sum(int_cost_day.ZeroQuantityCost) filter (where int_cost_day.Dataset <> 'actual' or not int_cost_source.HasAmortized), 0) as ZeroQuantityCost,
        coalesce(sum(int_cost_day.BadTagCount) filter (where int_cost_day.Dataset <> 'actual' or not int_cost_source.HasAmortized), 0) as BadTagCount,
        coalesce(sum(int_cost_day.NoCostCount), 0) as NoCostCount
    from int_cost_source
    inner join int_cost_day
        on int_cost_day.Account = int_cost_source.Account
        and int_cost_day.Source = int_cost_source.Source
        and int_cost_day.Scope = int_cost_source.Scope
        and int_cost_day.BillingPeriodStart = int_cost_source.BillingPeriodStart
        and int_cost_day.Dataset = int_cost_source.Dataset
    where int_cost_source.IsUsed
    group by 1, 2, 3, 4, 5, 6
),
cost_periods as (
    select
        cost_sums.*,
        month_text(cost_sums.BillingPeriodStart) as BillingPeriod
    from cost_sums
),
open_periods as (
    select
        source_completeness.Account as Account,
        source_completeness.Scope as Scope,
        source_completeness.BillingPeriodStart as BillingPeriodStart,
        min(case when source_completeness.IsClosed then 1 else 0 end) as ClosedCount
    from source_completeness
    where source_completeness.IsCost
    group by 1, 2, 3
),
datasets_missing as (
    select
        case when cost_periods.HasActual then 'amortized_missing' else 'actual_missing' end as Rule,
        'cost_and_usage' as TableName,
        cost_periods.Account as Account,
        cost_periods.Scope as Scope,
        cost_periods.BillingPeriod as BillingPeriod,
        cost_periods.BillingCurrency as Subject,
        'warning' as Severity,
        case
            when cost_periods.HasActual then 'Reservations or savings plans are in use, but there is no amortized cost, so EffectiveCost is what was billed and what a commitment covers costs 0. Read or export the amortized dataset too.'
            else 'Reservations or savings plans are in use, but there is no actual cost, so BilledCost lacks what was paid for them. Read or export the actual dataset too.'
        end as Detail,
        cost_periods.FirstDay as FirstDay,
        cost_periods.LastDay as LastDay,
        cast(cost_periods.CoveredCount + case when cost_periods.Bought <> 0 then 1 else 0 end as bigint) as AffectedRows,
        case when cost_periods.HasActual then cost_periods.Bought else cost_periods.AmortizedCovered end as Amount,
        cost_periods.BillingCurrency as BillingCurrency
    from cost_periods
    where (not cost_periods.HasAmortized or not cost_periods.HasActual)
        and (cost_periods.CoveredCount > 0 or cost_periods.Bought <> 0)
),
datasets_disagree as (
    select
        'datasets_disagree' as Rule,
        'cost_and_usage' as TableName,
        cost_periods.Account as Account,
        cost_periods.Scope as Scope,
        cost_periods.BillingPeriod as BillingPeriod,
        cost_periods.BillingCurrency as Subject,
        case when open_periods.ClosedCount = 1 then 'error' else 'warning' end as Severity,
        'What no commitment covers must cost the same in actual and in amortized cost, but actual cost has '
            || cast(cast(cost_periods.ActualUncovered as decimal(38, 2)) as varchar) || ' and amortized cost '
            || cast(cast(cost_periods.AmortizedUncovered as decimal(38, 2)) as varchar) || ' ' || cost_periods.BillingCurrency
            || '. BilledCost follows amortized cost here. One of the two is older or incomplete; fetch both again.' as Detail,
        cost_periods.FirstDay as FirstDay,
        cost_periods.LastDay as LastDay,
        cast(cost_periods.AmortizedCount as bigint) as AffectedRows,
        cost_periods.AmortizedUncovered - cost_periods.ActualUncovered as Amount,
        cost_periods.BillingCurrency as BillingCurrency
    from cost_periods
    left join open_periods
        on open_periods.Account = cost_periods.Account
        and open_periods.Scope = cost_periods.Scope
        and open_periods.BillingPeriodStart = cost_periods.BillingPeriodStart
    where cost_periods.HasActual
        and cost_periods.HasAmortized
        and abs(cost_periods.AmortizedUncovered - cost_periods.ActualUncovered) >= 0.01
),
purchases_in_amortized as (
    select
        'purchase_in_amortized' as Rule,
        'cost_and_usage' as TableName,
        cost_periods.Account as Account,
        cost_periods.Scope as Scope,
        cost_periods.BillingPeriod as BillingPeriod,
        cost_periods.BillingCurrency as Subject,
        'warning' as Severity,
        'Amortized cost holds purchases or refunds of reservations or savings plans, which belong into actual cost only. They are not counted a second time.' as Detail,
        cost_periods.FirstDay as FirstDay,
        cost_periods.LastDay as LastDay,
        cast(1 as bigint) as AffectedRows,
        cost_periods.AmortizedBought as Amount,
        cost_periods.BillingCurrency as BillingCurrency
    from cost_periods
    where cost_periods.AmortizedBought <> 0
        and cost_periods.HasActual
),
zero_quantities as (
    select
        'zero_quantity_with_cost' as Rule,
        'cost_and_usage' as TableName,
        cost_periods.Account as Account,
        cost_periods.Scope as Scope,
        cost_periods.BillingPeriod as BillingPeriod,
        cost_periods.BillingCurrency as Subject,
        'warning' as Severity,
        cast(cost_periods.ZeroQuantityCount as varchar) || ' usage records cost something for a quantity of 0; their price cannot be checked.' as Detail,
        cost_periods.FirstDay as FirstDay,
        cost_periods.LastDay as LastDay,
        cast(cost_periods.ZeroQuantityCount as bigint) as AffectedRows,
        cost_periods.ZeroQuantityCost as Amount,
        cost_periods.BillingCurrency as BillingCurrency
    from cost_periods
    where cost_periods.ZeroQuantityCount > 0
),
no_currency as (
    select
        'currency_missing' as Rule,
        'cost_and_usage' as TableName,
        cost_periods.Account as Account,
        cost_periods.Scope as Scope,
        cost_periods.BillingPeriod as BillingPeriod,
        'XXX' as Subject,
        'warning' as Severity,
        'Cost records state no currency, and are added up apart, under XXX. Export them with the column BillingCurrencyCode.' as Detail,
        cost_periods.FirstDay as FirstDay,
        cost_periods.LastDay as LastDay,
        cast(date_diff('day', cost_periods.FirstDay, cost_periods.LastDay) + 1 as bigint) as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from cost_periods
    where cost_periods.BillingCurrency = 'XXX'
),
bad_tags as (
    select
        'tags_unreadable' as Rule,
        'cost_and_usage' as TableName,
        cost_periods.Account as Account,
        cost_periods.Scope as Scope,
        cost_periods.BillingPeriod as BillingPeriod,
        cost_periods.BillingCurrency as Subject,
        'warning' as Severity,
        'The tags of ' || cast(cost_periods.BadTagCount as varchar) || ' records are no JSON, so these have no owner by tag. The text as served is in x_TagsRaw.' as Detail,
        cost_periods.FirstDay as FirstDay,
        cost_periods.LastDay as LastDay,
        cast(cost_periods.BadTagCount as bigint) as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from cost_periods
    where cost_periods.BadTagCount > 0
),
no_costs as (
    select
        'cost_missing' as Rule,
        'cost_and_usage' as TableName,
        cost_periods.Account as Account,
        cost_periods.Scope as Scope,
        cost_periods.BillingPeriod as BillingPeriod,
        cost_periods.BillingCurrency as Subject,
        'error' as Severity,
        cast(cost_periods.NoCostCount as varchar) || ' records have no cost and count as 0. An enrollment whose prices are hidden by the partner shows none.' as Detail,
        cost_periods.FirstDay as FirstDay,
        cost_periods.LastDay as LastDay,
        cast(cost_periods.NoCostCount as bigint) as AffectedRows,
        cast(null as decimal(38, 18)) as Amount,
        cast(null as varchar) as BillingCurrency
    from cost_periods
    where cost_periods.NoCostCount > 0
),
prices_above as (
    select
        'price_above_sheet' as Rule,
        'cost_and_usage' as TableName,
        price_check.Account as Account,
        'all' as Scope,
        month_text(price_check.BillingPeriodStart) as BillingPeriod,
        price_check.MeterId || case when price_check.PartNumber <> '' then ' ' || price_check.PartNumber when price_check.ProductId <> '' then ' ' || price_check.ProductId else '' end
            || ' ' || price_check.UnitOfMeasure || ' ' || price_check.BillingCurrency as Subject,
        'error' as Severity,
        max(price_check.MeterName) || ' was billed at up to ' || cast(cast(max(price_check.BilledUnitPrice) as decimal(38, 6)) as varchar) || ' '
            || max(price_check.PricingCurrency) || ' per ' || max(price_check.UnitOfMeasure) || ', the price sheet says '
            || cast(cast(max(price_check.SheetPrice) as decimal(38, 6)) as varchar) || '. ' || cast(sum(price_check.ChargeCount) as varchar)
            || ' charges are ' || cast(cast(sum(price_check.PriceMismatch) as decimal(38, 2)) as varchar) || ' ' || max(price_check.BillingCurrency) || ' too high.' as Detail,
        cast(null as date) as FirstDay,
        cast(null as date) as LastDay,
        cast(sum(price_check.ChargeCount) as bigint) as AffectedRows,
        cast(sum(price_check.PriceMismatch) as decimal(38, 18)) as Amount,
        max(price_check.BillingCurrency) as BillingCurrency
    from price_check
    where price_check.Result = 'PriceMismatch'
        and price_check.PriceMismatch > 0
    group by 3, 5, 6
    having sum(price_check.PriceMismatch) >= 0.01
),
sheet_readers as (
    select raw_unit.Account as Account
    from raw_unit
    where raw_unit.Source in ('price_sheet', 'price_sheet_download', 'price_sheet_export')
    group by 1
),
prices_missing as (
    -- That an account which never reads a price sheet has none is worth a word only where a record lacks its price.
    select
        case when int_price_missing.HasSheet then 'price_not_on_sheet' else 'price_missing' end as Rule,
        'cost_and_usage' as TableName,
        int_price_missing.Account as Account,
        'all' as Scope,
        month_text(int_price_missing.BillingPeriodStart) as BillingPeriod,
        int_price_missing.BillingCurrency as Subject,
        case
            when int_price_missing.HasSheet then 'info'
            when int_price_missing.IsOnlyCurrent and month_add(int_price_missing.BillingPeriodStart, 1) <= run_context.RunDate then 'info'
            else 'warning'
        end as Severity,
        case
            when int_price_missing.HasSheet then cast(int_price_missing.UnpricedCount as varchar)
                || ' usage charges have no negotiated price and the price sheet has none, or more than one, for them, such as '
                || coalesce(int_price_missing.MeterName, 'one without a name') || '. What was paid stands for their price.'
            else 'No price sheet of the month was there, so the prices of ' || cast(int_price_missing.ChargeCount as varchar) || ' usage charges were not checked'
                || case when int_price_missing.UnpricedCount > 0
                    then ', and for ' || cast(int_price_missing.UnpricedCount as varchar) || ' of them, whose records name no price, what was paid stands for it' else '' end
                || '. Costs are not touched. '
                || case when int_price_missing.IsOnlyCurrent and month_add(int_price_missing.BillingPeriodStart, 1) <= run_context.RunDate
                    then 'A customer agreement has a sheet of the open month only, so this one can come from an export alone.'
                    else 'The next run that finds the sheet prices the month anew.' end
        end as Detail,
        cast(null as date) as FirstDay,
        cast(null as date) as LastDay,
        int_price_missing.ChargeCount as AffectedRows,
        int_price_missing.EffectiveCost as Amount,
        int_price_missing.BillingCurrency as BillingCurrency
    from int_price_missing
    cross join run_context
    left join sheet_readers
        on sheet_readers.Account = int_price_missing.Account
    where int_price_missing.UnpricedCount > 0
        or sheet_readers.Account is not null
),
spikes as (
    select
        'spike' as Rule,
        'cost_trend_daily' as TableName,
        int_usage_spike.Account as Account,
        'all' as Scope,
        month_text(int_usage_spike.ChargeDate) as BillingPeriod,
        int_usage_spike.ServiceName || ' ' || int_usage_spike.SubAccountId || ' ' || int_usage_spike.BillingCurrency || ' ' || cast(int_usage_spike.ChargeDate as varchar) as Subject,
        'warning' as Severity,
        int_usage_spike.ServiceName || ' in ' || coalesce(int_usage_spike.SubAccountName, int_usage_spike.SubAccountId) || ' cost '
            || cast(cast(int_usage_spike.EffectiveCost as decimal(38, 2)) as varchar) || ' ' || int_usage_spike.BillingCurrency || ' on ' || cast(int_usage_spike.ChargeDate as varchar)
            || '; on the days of the two weeks before it was ' || cast(cast(int_usage_spike.UsualCost as decimal(38, 2)) as varchar) || ' a day.' as Detail,
        int_usage_spike.ChargeDate as FirstDay,
        int_usage_spike.ChargeDate as LastDay,
        cast(1 as bigint) as AffectedRows,
        int_usage_spike.EffectiveCost - int_usage_spike.UsualCost as Amount,
        int_usage_spike.BillingCurrency as BillingCurrency
    from int_usage_spike
),
idle_commitments as (
    select
        'commitment_not_used' as Rule,
        'reservation_utilisation' as TableName,
        int_commitment_idle.Account as Account,
        'all' as Scope,
        'all' as BillingPeriod,
        int_commitment_idle.CommitmentId || case when int_commitment_idle.UnusedCost is not null then ' ' || int_commitment_idle.BillingCurrency else '' end
            || ' from ' || cast(int_commitment_idle.FirstDay as varchar) as Subject,
        'warning' as Severity,
        int_commitment_idle.CommitmentType || ' ' || coalesce(int_commitment_idle.CommitmentName, int_commitment_idle.CommitmentId) || ' was not used at all on '
            || cast(int_commitment_idle.DayCount as varchar) || ' days in a row, from ' || cast(int_commitment_idle.FirstDay as varchar) || ' to ' || cast(int_commitment_idle.LastDay as varchar)
            || case when int_commitment_idle.UnusedCost is not null
                then ', which cost ' || cast(cast(int_commitment_idle.UnusedCost as decimal(38, 2)) as varchar) || ' ' || int_commitment_idle.BillingCurrency else '' end
            || '. Check its scope, exchange or return it.' as Detail,
        int_commitment_idle.FirstDay as FirstDay,
        int_commitment_idle.LastDay as LastDay,
        int_commitment_idle.DayCount as AffectedRows,
        int_commitment_idle.UnusedCost as Amount,
        case when int_commitment_idle.UnusedCost is not null then int_commitment_idle.BillingCurrency end as BillingCurrency
    from int_commitment_idle
    where int_commitment_idle.DayCount >= 7
),
cost_months as (
    select distinct
        int_cost_source.Account as Account,
        int_cost_source.BillingPeriodStart as BillingPeriodStart
    from int_cost_source
    where int_cost_source.IsUsed
),
unexplained as (
    select
        invoice_reconciliation.Account as Account,
        invoice_reconciliation.InvoiceId as InvoiceId,
        invoice_reconciliation.BillingCurrency as BillingCurrency,
        invoice_reconciliation.InvoiceKind as InvoiceKind,
        invoice_reconciliation.InvoicePeriodStart as InvoicePeriodStart,
        invoice_reconciliation.InvoicePeriodEnd as InvoicePeriodEnd,
        invoice_reconciliation.TotalAmount as TotalAmount,
        invoice_reconciliation.Amount as Amount,
        invoice_reconciliation.RemainingAmount as RemainingAmount,
        invoice.ChargeCount = 0 and invoice_reconciliation.InvoiceKind <> 'EnrollmentInvoice' as HasNoCosts,
        cost_months.Account is not null as HasCostMonth,
        abs(invoice_reconciliation.Amount) > coalesce(invoice_reconciliation.Tolerance, 0) as IsAmountOff,
        coalesce(abs(invoice.MarketplaceAmount - invoice.CalculatedMarketplace) > coalesce(invoice_reconciliation.Tolerance, 0), false) as IsMarketplaceOff,
        invoice.MarketplaceAmount as MarketplaceAmount,
        invoice.CalculatedMarketplace as CalculatedMarketplace
    from invoice_reconciliation
    left join invoice
        on invoice.Account = invoice_reconciliation.Account
        and invoice.InvoiceId = invoice_reconciliation.InvoiceId
        and invoice.BillingCurrency = invoice_reconciliation.BillingCurrency
    left join cost_months
        on cost_months.Account = invoice_reconciliation.Account
        and cost_months.BillingPeriodStart = month_start(invoice_reconciliation.InvoicePeriodStart)
    where invoice_reconciliation.Component = 'Unexplained'
        and invoice_reconciliation.Status = 'Unexplained'
),
unexplained_invoices as (
    select
        'invoice_unexplained' as Rule,
        'invoice_reconciliation' as TableName,
        unexplained.Account as Account,
        'all' as Scope,
        coalesce(month_text(unexplained.InvoicePeriodStart), 'all') as BillingPeriod,
        unexplained.InvoiceId || ' ' || unexplained.BillingCurrency as Subject,
        case when unexplained.HasNoCosts and not unexplained.HasCostMonth then 'warning' else 'error' end as Severity,
        'Invoice ' || unexplained.InvoiceId || ' bills ' || cast(cast(unexplained.TotalAmount as decimal(38, 2)) as varchar) || ' ' || unexplained.BillingCurrency
            || case
                when unexplained.HasNoCosts and unexplained.HasCostMonth then ', but none of the month''s cost records belongs to it.'
                when unexplained.HasNoCosts then ', but no cost records of its period were extracted.'
                when unexplained.InvoiceKind = 'EnrollmentInvoice' then '; ' || cast(cast(unexplained.Amount as decimal(38, 2)) as varchar)
                    || ' of it is in no balance of the months it bills.'
                when unexplained.IsAmountOff then '; ' || cast(cast(unexplained.Amount as decimal(38, 2)) as varchar) || ' of it is in no charge, credit or tax.'
                else ', which is what its charges, credits and taxes add up to.'
            end
            || case when unexplained.IsMarketplaceOff and not unexplained.HasNoCosts
                then ' Of Marketplace it states ' || cast(cast(unexplained.MarketplaceAmount as decimal(38, 2)) as varchar) || ', the cost records have '
                    || cast(cast(unexplained.CalculatedMarketplace as decimal(38, 2)) as varchar)
                    || case when unexplained.IsAmountOff then '.' else '; the other charges are off by as much the other way.' end
                else '' end as Detail,
        unexplained.InvoicePeriodStart as FirstDay,
        day_add(unexplained.InvoicePeriodEnd, -1) as LastDay,
        cast(1 as bigint) as AffectedRows,
        unexplained.RemainingAmount as Amount,
        unexplained.BillingCurrency as BillingCurrency
    from unexplained
),
-- An invoice's own lines can explain it; that its usage has no records is worth a look all the same.
recordless_invoices as (
    select
        'invoice_without_records' as Rule,
        'invoice_reconciliation' as TableName,
        invoice_reconciliation.Account as Account,
        'all' as Scope,
        coalesce(month_text(invoice_reconciliation.InvoicePeriodStart), 'all') as BillingPeriod,
        invoice_reconciliation.InvoiceId || ' ' || invoice_reconciliation.BillingCurrency as Subject,
        'warning' as Severity,
        'Invoice ' || invoice_reconciliation.InvoiceId || ' bills ' || cast(cast(invoice_reconciliation.Amount as decimal(38, 2)) as varchar) || ' '
            || invoice_reconciliation.BillingCurrency || ' of usage in its own lines, but none of the month''s cost records belongs to it.' as Detail,
        invoice_reconciliation.InvoicePeriodStart as FirstDay,
        day_add(invoice_reconciliation.InvoicePeriodEnd, -1) as LastDay,
        cast(1 as bigint) as AffectedRows,
        invoice_reconciliation.Amount as Amount,
        invoice_reconciliation.BillingCurrency as BillingCurrency
    from invoice_reconciliation
    inner join cost_months
        on cost_months.Account = invoice_reconciliation.Account
        and cost_months.BillingPeriodStart = month_start(invoice_reconciliation.InvoicePeriodStart)
    where invoice_reconciliation.Component = 'Usage'
        and invoice_reconciliation.Status <> 'Unexplained'
        and invoice_reconciliation.CalculatedAmount is null
        and invoice_reconciliation.Amount <> 0
),
printed_otherwise as (
    select
        'invoice_printed_otherwise' as Rule,
        'invoice_document' as TableName,
        invoice_document.Account as Account,
        'all' as Scope,
        coalesce(month_text(invoice_document.InvoicePeriodStart), 'all') as BillingPeriod,
        invoice_document.InvoiceId || ' ' || invoice_document.DocumentKind || ' ' || invoice_document.DocumentName as Subject,
        'error' as Severity,
        'The printed total is ' || cast(cast(invoice_document.DocumentTotal as decimal(38, 2)) as varchar) || coalesce(' ' || invoice_document.DocumentCurrency, '')
            || ', the API says ' || cast(cast(invoice_document.TotalAmount as decimal(38, 2)) as varchar) || ' ' || coalesce(invoice_document.BillingCurrency, '')
            || '. The document is what is owed: compare it (' || invoice_document.DocumentPath || ') and ask Microsoft.' as Detail,
        invoice_document.InvoicePeriodStart as FirstDay,
        invoice_document.InvoicePeriodStart as LastDay,
        cast(1 as bigint) as AffectedRows,
        invoice_document.Difference as Amount,
        case when invoice_document.Difference is not null then invoice_document.BillingCurrency end as BillingCurrency
    from invoice_document
    where invoice_document.Result = 'differs'
),
-- Rounding moves a month by cents at most.
restated_months as (
    select
        'month_restated' as Rule,
        'restatement' as TableName,
        restatement.Account as Account,
        'all' as Scope,
        month_text(month_start(restatement.BillingPeriodStart)) as BillingPeriod,
        restatement.ChangedBy || ' ' || restatement.What || ' ' || restatement.BillingCurrency as Subject,
        case when restatement.ChangedBy <> 'Rule' and restatement.What = 'Charges' then 'warning' else 'info' end as Severity,
        case
            when restatement.What = 'Allocation' then 'Owners are charged '
                || cast(cast(sum(greatest(restatement.EffectiveCostDifference + restatement.PolicyAmountDifference, cast(0 as decimal(38, 18)))) as decimal(38, 2)) as varchar)
                || ' ' || restatement.BillingCurrency || ' more of what is shared or added by policy, others '
                || cast(cast(sum(greatest(-restatement.EffectiveCostDifference - restatement.PolicyAmountDifference, cast(0 as decimal(38, 18)))) as decimal(38, 2)) as varchar)
                || ' ' || restatement.BillingCurrency || ' less,'
            when restatement.ChangedBy = 'Rule' then 'Other owners pay '
                || cast(cast(sum(greatest(restatement.EffectiveCostDifference, cast(0 as decimal(38, 18)))) as decimal(38, 2)) as varchar)
                || ' ' || restatement.BillingCurrency || ' of the charges'
            else 'The cost changed by ' || cast(cast(sum(restatement.EffectiveCostDifference) as decimal(38, 2)) as varchar)
                || ' amortised and ' || cast(cast(sum(restatement.BilledCostDifference) as decimal(38, 2)) as varchar)
                || ' ' || restatement.BillingCurrency || ' as billed'
        end || ' since the run of ' || coalesce(cast(min(restatement.PreviousRunDate) as varchar), 'an unknown day')
            || case
                when restatement.What = 'Allocation' then ''
                when count(distinct restatement.ChargeDate) = 1 then ', on ' || cast(min(restatement.ChargeDate) as varchar)
                else ', on ' || cast(count(distinct restatement.ChargeDate) as varchar) || ' days between ' || cast(min(restatement.ChargeDate) as varchar)
                    || ' and ' || cast(max(restatement.ChargeDate) as varchar)
            end
            || case restatement.ChangedBy
                when 'Azure' then ', because Azure''s records are others.'
                when 'Rule' then ', because the rules are others.'
                else ', because Azure''s records and the rules are others.'
            end as Detail,
        min(restatement.ChargeDate) as FirstDay,
        max(restatement.ChargeDate) as LastDay,
        count(distinct restatement.ChargeDate) as AffectedRows,
        cast(case
            when restatement.What = 'Allocation' then sum(greatest(restatement.EffectiveCostDifference + restatement.PolicyAmountDifference, cast(0 as decimal(38, 18))))
            when restatement.ChangedBy = 'Rule' then sum(greatest(restatement.EffectiveCostDifference, cast(0 as decimal(38, 18))))
            else sum(restatement.EffectiveCostDifference)
        end as decimal(38, 18)) as Amount,
        restatement.BillingCurrency as BillingCurrency
    from restatement
    cross join run_context
    where month_add(month_start(restatement.BillingPeriodStart), 1) <= run_context.RunDate
    group by restatement.Account, month_start(restatement.BillingPeriodStart), restatement.ChangedBy, restatement.What, restatement.BillingCurrency
    having sum(greatest(abs(restatement.EffectiveCostDifference), abs(restatement.BilledCostDifference), abs(restatement.PolicyAmountDifference))) > 0.05
),
findings as (
    select * from broken_checks
    union all
    select * from rejected_records
    union all
    select * from rounded_numbers
    union all
    select * from failed_units
    union all
    select * from short_units
    union all
    select * from repeated_records
    union all
    select * from costs_that_differ
    union all
    select * from focus_flags
    union all
    select * from missing_days
    union all
    select * from unused_units
    union all
    select * from datasets_missing
    union all
    select * from datasets_disagree
    union all
    select * from purchases_in_amortized
    union all
    select * from zero_quantities
    union all
    select * from no_currency
    union all
    select * from bad_tags
    union all
    select * from no_costs
    union all
    select * from prices_above
    union all
    select * from prices_missing
    union all
    select * from spikes
    union all
    select * from idle_commitments
    union all
    select * from unexplained_invoices
    union all
    select * from recordless_invoices
    union all
    select * from printed_otherwise
    union all
    select * from restated_months
)
select
    findings.Rule as Rule,
    findings.TableName as TableName,
    findings.Account as Account,
    findings.Scope as Scope,
    findings.BillingPeriod as BillingPeriod,
    findings.Subject as Subject,
    findings.Severity as Severity,
    findings.Detail as Detail,
    case when findings.BillingPeriod <> 'all' then cast(findings.BillingPeriod || '-01' as date) end as BillingPeriodStart,
    findings.FirstDay as FirstDay,
    findings.LastDay as LastDay,
    findings.AffectedRows as AffectedRows,
    findings.Amount as Amount,
    findings.BillingCurrency as BillingCurrency
from findings
