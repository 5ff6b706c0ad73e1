-- int_cost_day is what one unit of cost records says about one day, in one currency.
--
-- It is small and it is all that choosing between sources, looking for missing days and comparing actual with amortized
-- cost need, so that no later step reads the records for that.
--
-- Records of actual and of amortized cost have one cost. Those of a FOCUS export have two: Cost is what was billed, EffectiveCost
-- what is amortised; of the others EffectiveCost is Cost.
--
-- reads:  stg_cost_file, stg_focus_export, stg_usage_details
-- grain:  Account, Source, Scope, BillingPeriodStart, Dataset, ChargeDate, BillingCurrency
-- period: BillingPeriodStart
-- from:   stg_cost_file on Account, Source, Scope, Dataset where coalesce(stg_cost_file.ChargeDate, stg_cost_file.BillingPeriodStart) = int_cost_day.ChargeDate
--         and coalesce(stg_cost_file.BillingCurrency, 'XXX') = int_cost_day.BillingCurrency
-- adds:   Cost when int_cost_day.Source not in ('usage_details', 'focus_export')
-- from:   stg_usage_details on Account, Source, Scope, Dataset where coalesce(stg_usage_details.ChargeDate, stg_usage_details.BillingPeriodStart) = int_cost_day.ChargeDate
--         and coalesce(stg_usage_details.BillingCurrency, 'XXX') = int_cost_day.BillingCurrency
-- adds:   Cost when int_cost_day.Source = 'usage_details'
-- from:   stg_focus_export on Account, Source, Scope, Dataset where coalesce(cast(stg_focus_export.ChargePeriodStart as date), stg_focus_export.BillingPeriodStart) = int_cost_day.ChargeDate
--         and coalesce(stg_focus_export.BillingCurrency, 'XXX') = int_cost_day.BillingCurrency
-- adds:   Cost = stg_focus_export.BilledCost when int_cost_day.Source = 'focus_export'
--
-- column Account             varchar          the account's name in the configuration
-- column Source              varchar          cost_export, focus_export, cost_details, detailed_cost or usage_details
-- column Scope               varchar          the scope the records were asked for
-- column BillingPeriodStart  date             first day of the month the billing period starts in
-- column Dataset             varchar          actual, amortized or focus
-- column ChargeDate          date             UTC day of the charges
-- column BillingCurrency     varchar          ISO 4217; XXX where the record has none
-- column FirstDay            date             first day of the billing period, as the records of the day say it
-- column LastDay             date             last day of the billing period, inclusive
-- column ChargeCount         bigint           records
-- column UsageCount          bigint           records of usage, which go on day by day; not purchases, refunds or rounding
-- column Cost                decimal(38, 18)  BillingCurrency, of all records
-- column EffectiveCost       decimal(38, 18)  BillingCurrency, amortised; where records have one cost, that
-- column CommitmentCost      decimal(38, 18)  BillingCurrency, of buying and refunding reservations and savings plans
-- column CoveredCost         decimal(38, 18)  BillingCurrency, of usage a commitment covers and of commitment not used
-- column UncoveredCost       decimal(38, 18)  BillingCurrency, of the rest, which actual and amortized cost must agree on
-- column CoveredCount        bigint           records of such usage and such commitment
-- column ZeroQuantityCount   bigint           records of usage that cost something for a quantity of nothing
-- column ZeroQuantityCost    decimal(38, 18)  BillingCurrency, what those cost
-- column BadTagCount         bigint           records whose tags could not be read
-- column NoCostCount         bigint           records without a cost, counted as 0
--
-- check: ChargeCount > 0
-- check: Cost = CommitmentCost + CoveredCost + UncoveredCost
-- total: (select coalesce(sum(ChargeCount), 0) from int_cost_day)
--        = (select count(*) from stg_cost_file) + (select count(*) from stg_focus_export) + (select count(*) from stg_usage_details)
-- total: (select coalesce(sum(EffectiveCost), 0) from int_cost_day where Dataset = 'focus') = (select coalesce(sum(EffectiveCost), 0) from stg_focus_export)
with
classified as (
    select
        stg_cost_file.Account as Account,
        stg_cost_file.Source as Source,
        stg_cost_file.Scope as Scope,
        stg_cost_file.BillingPeriodStart as BillingPeriodStart,
        stg_cost_file.Dataset as Dataset,
        stg_cost_file.ChargeDate as ChargeDate,
        stg_cost_file.BillingCurrency as BillingCurrency,
        stg_cost_file.ServedPeriodStart as ServedPeriodStart,
        stg_cost_file.ServedPeriodEnd as ServedPeriodEnd,
        stg_cost_file.ChargeType as ChargeType,
        stg_cost_file.PricingModel as PricingModel,
        stg_cost_file.Cost as Cost,
        stg_cost_file.Cost as EffectiveCost,
        stg_cost_file.Quantity as Quantity,
        stg_cost_file.TagsRaw as TagsRaw
    from stg_cost_file
    union all
    select
        stg_focus_export.Account as Account,
        stg_focus_export.Source as Source,
        stg_focus_export.Scope as Scope,
        stg_focus_export.BillingPeriodStart as BillingPeriodStart,
        stg_focus_export.Dataset as Dataset,
        cast(stg_focus_export.ChargePeriodStart as date) as ChargeDate,
        stg_focus_export.BillingCurrency as BillingCurrency,
        cast(stg_focus_export.ServedPeriodStart as date) as ServedPeriodStart,
        day_add(cast(stg_focus_export.BillingPeriodEnd as date), -1) as ServedPeriodEnd,
        case
            when stg_focus_export.ChargeCategory = 'Usage' and stg_focus_export.CommitmentDiscountStatus = 'Unused' then 'UnusedReservation'
            when stg_focus_export.ChargeCategory in ('Usage', 'Purchase') then stg_focus_export.ChargeCategory
        end as ChargeType,
        case when stg_focus_export.CommitmentDiscountId is not null or stg_focus_export.PricingCategory = 'Committed' then 'Reservation' end as PricingModel,
        stg_focus_export.BilledCost as Cost,
        stg_focus_export.EffectiveCost as EffectiveCost,
        coalesce(stg_focus_export.ConsumedQuantity, stg_focus_export.PricingQuantity) as Quantity,
        stg_focus_export.TagsRaw as TagsRaw
    from stg_focus_export
    union all
    select
        stg_usage_details.Account as Account,
        stg_usage_details.Source as Source,
        stg_usage_details.Scope as Scope,
        stg_usage_details.BillingPeriodStart as BillingPeriodStart,
        stg_usage_details.Dataset as Dataset,
        stg_usage_details.ChargeDate as ChargeDate,
        stg_usage_details.BillingCurrency as BillingCurrency,
        stg_usage_details.ServedPeriodStart as ServedPeriodStart,
        stg_usage_details.ServedPeriodEnd as ServedPeriodEnd,
        stg_usage_details.ChargeType as ChargeType,
        stg_usage_details.PricingModel as PricingModel,
        stg_usage_details.Cost as Cost,
        stg_usage_details.Cost as EffectiveCost,
        stg_usage_details.Quantity as Quantity,
        stg_usage_details.TagsRaw as TagsRaw
    from stg_usage_details
),
kinds as (
    select
        classified.Account as Account,
        classified.Source as Source,
        classified.Scope as Scope,
        classified.BillingPeriodStart as BillingPeriodStart,
        classified.Dataset as Dataset,
        coalesce(classified.ChargeDate, classified.BillingPeriodStart) as ChargeDate,
        coalesce(classified.BillingCurrency, 'XXX') as BillingCurrency,
        classified.ServedPeriodStart as ServedPeriodStart,
        classified.ServedPeriodEnd as ServedPeriodEnd,
        case
            when coalesce(classified.PricingModel, '') not in ('Reservation', 'SavingsPlan') then 'uncovered'
            when classified.ChargeType in ('Purchase', 'Refund') then 'commitment'
            when classified.ChargeType in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan') then 'covered'
            else 'uncovered'
        end as Kind,
        classified.ChargeType = 'Usage' as IsUsage,
        classified.Cost as Cost,
        classified.EffectiveCost as EffectiveCost,
        classified.Quantity as Quantity,
        classified.TagsRaw as TagsRaw
    from classified
)
select
    kinds.Account as Account,
    kinds.Source as Source,
    kinds.Scope as Scope,
    kinds.BillingPeriodStart as BillingPeriodStart,
    kinds.Dataset as Dataset,
    kinds.ChargeDate as ChargeDate,
    kinds.BillingCurrency as BillingCurrency,
    coalesce(min(kinds.ServedPeriodStart), kinds.BillingPeriodStart) as FirstDay,
    coalesce(max(kinds.ServedPeriodEnd), day_add(month_add(kinds.BillingPeriodStart, 1), -1)) as LastDay,
    count(*) as ChargeCount,
    count(*) filter (where kinds.IsUsage) as UsageCount,
    coalesce(sum(kinds.Cost), 0) as Cost,
    coalesce(sum(kinds.EffectiveCost), 0) as EffectiveCost,
    coalesce(sum(kinds.Cost) filter (where kinds.Kind = 'commitment'), 0) as CommitmentCost,
    coalesce(sum(kinds.Cost) filter (where kinds.Kind = 'covered'), 0) as CoveredCost,
    coalesce(sum(kinds.Cost) filter (where kinds.Kind = 'uncovered'), 0) as UncoveredCost,
    count(*) filter (where kinds.Kind = 'covered') as CoveredCount,
    count(*) filter (where kinds.IsUsage and kinds.Quantity = 0 and kinds.Cost <> 0) as ZeroQuantityCount,
    coalesce(sum(kinds.Cost) filter (where kinds.IsUsage and kinds.Quantity = 0), 0) as ZeroQuantityCost,
    count(kinds.TagsRaw) as BadTagCount,
    count(*) filter (where kinds.Cost is null) as NoCostCount
from kinds
group by 1, 2, 3, 4, 5, 6, 7
