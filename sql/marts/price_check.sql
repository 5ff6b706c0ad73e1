-- price_check is a meter of a billing period priced anew from the price sheet of that period, held against what was billed.
--
-- On-demand usage is priced: quantity times the sheet's price, in graduated tiers after what is included, times the exchange rate of
-- the record. Which sheet counts stands in int_price_tier. Tiers and included quantities count over the billing period and the pricing
-- scope (enrollment, billing profile, or pay-as-you-go subscription); each subscription and invoice has its share of every tier. Where the
-- price changes in the period, the tiers go on from where they were.
-- Azure bills the tiers of a meter as one, so the tiers below the highest reached are taken as billed, and what differs stands in that.
--
-- BilledCost is always CalculatedCost, PriceMismatch and QuantityMismatch together. A price mismatch is that the records' price is not the
-- sheet's. A quantity mismatch is that the records' cost is not their quantity at their own price, or, of pay-as-you-go usage, that another
-- quantity was billed than billing was told of (once it knows the period and three days more, since records come late). Sheets and records round prices: what differs by
-- less than half a percent, and by less than 0.00005 of a price, is Rounding, and so is half of the eighth decimal of each quantity.
--
-- What cannot be priced is here as well, with its cost and the reason as Result; its cost is taken as billed, so CalculatedCost is null.
--
-- reads:  int_price_usage, int_price_tier, int_usage_metered
-- grain:  BillingPeriodStart, Account, InvoiceId, SubAccountId, BillingProfileId, MeterId, PartNumber, ProductId, OfferId, UnitOfMeasure, PricingCurrency, BillingCurrency, ExchangeRate, Result, PriceFrom, TierMinimumUnits
-- period: BillingPeriodStart
-- from:   int_price_usage on Account, InvoiceId, SubAccountId, MeterId, OfferId, UnitOfMeasure, PricingCurrency, BillingCurrency
-- with:   int_price_tier on Account, MeterId, OfferId, UnitOfMeasure, PricingCurrency
-- with:   int_usage_metered on Account, SubAccountId, MeterId, UnitOfMeasure where month_start(int_usage_metered.ChargeDate) = month_start(price_check.BillingPeriodStart)
--
-- column BillingPeriodStart    date             first day of the billing period
-- column Account               varchar          the account's name in the configuration
-- column InvoiceId             varchar          as the record says; Not invoiced for an enrollment, and before the invoice is made
-- column SubAccountId          varchar          subscription GUID in lower case, or Not assigned
-- column BillingProfileId      varchar          mca: name of the billing profile, upper case; else empty
-- column MeterId               varchar          GUID in lower case; empty without one
-- column PartNumber            varchar          ea: joins the price sheet; empty without one
-- column ProductId             varchar          mca: product and SKU, upper case; empty without one
-- column OfferId               varchar          such as MS-AZR-0017P; mca: the plan, such as azure plan; empty without one
-- column UnitOfMeasure         varchar          what a price buys, such as 10K; empty without one
-- column PricingCurrency       varchar          ISO 4217
-- column BillingCurrency       varchar          ISO 4217
-- column ExchangeRate          decimal(38, 18)  BillingCurrency per PricingCurrency; 1 where both are one, 0 where the record has none
-- column Result                varchar          Matched, Rounding, PriceMismatch or QuantityMismatch; what cannot be priced: NoSheet, NotInSheet, SeveralPrices, CurrencyDiffers, UnitDiffers, NoExchangeRate, NoQuantity, NoCost, Spot, CostAllocation, Commitment, Purchase, Marketplace, Refund or Adjustment
-- column PriceFrom             date             first day that SheetPrice holds for; the first of the period where there is no price
-- column TierMinimumUnits      decimal(38, 18)  UnitOfMeasure of the period, beyond what is included, from which SheetPrice holds
-- column MeterName             varchar          service and meter
-- column PriceSource           varchar          price_sheet_export, price_sheet_download, price_sheet, rate_card or retail_price; null without a price
-- column BlockSize             decimal(38, 18)  single units in UnitOfMeasure: 10000 of 10K; null without a unit
-- column QuantityScale         varchar          what the records' quantities count: Block, Unit and so on, Mixed where they differ; null where both are one
-- column BilledQuantity        decimal(38, 18)  UnitOfMeasure, of the records; what is billed beyond ConsumedQuantity stands in the highest tier reached
-- column ConsumedQuantity      decimal(38, 18)  UnitOfMeasure, to be billed: that of the records, or what was metered; IncludedQuantity and BillableQuantity
-- column IncludedQuantity      decimal(38, 18)  UnitOfMeasure, free of charge
-- column BillableQuantity      decimal(38, 18)  UnitOfMeasure, at SheetPrice
-- column MeteredQuantity       decimal(38, 18)  mosp: UnitOfMeasure, what billing was told the subscription used of the meter in the period; null where it is not known
-- column BilledCost            decimal(38, 18)  BillingCurrency
-- column BilledUnitPrice       decimal(38, 18)  PricingCurrency per UnitOfMeasure, the highest that the records name; null without one
-- column SheetPrice            decimal(38, 18)  PricingCurrency per UnitOfMeasure; null without one
-- column CalculatedCost        decimal(38, 18)  BillingCurrency, BillableQuantity at SheetPrice; null where it cannot be priced
-- column PriceMismatch         decimal(38, 18)  BillingCurrency, billed beyond CalculatedCost because of the price
-- column QuantityMismatch      decimal(38, 18)  BillingCurrency, billed beyond CalculatedCost because of the quantity
-- column ChargeCount           bigint           charges added up; 0 in all tiers but the highest reached
-- column Detail                varchar          the result in a sentence
--
-- check: BilledCost = coalesce(CalculatedCost, BilledCost) + PriceMismatch + QuantityMismatch
-- check: ConsumedQuantity = IncludedQuantity + BillableQuantity
-- check: (CalculatedCost is not null) = (Result in ('Matched', 'Rounding', 'PriceMismatch', 'QuantityMismatch'))
-- check: Detail <> ''
-- total: not exists (select BillingPeriodStart, BillingCurrency, sum(BilledCost), sum(ChargeCount) from price_check group by 1, 2
--        except select BillingPeriodStart, BillingCurrency, sum(BilledCost), sum(ChargeCount) from int_price_usage group by 1, 2)
-- total: not exists (select BillingPeriodStart, UnitOfMeasure, sum(BilledQuantity) from price_check group by 1, 2
--        except select BillingPeriodStart, UnitOfMeasure, sum(PricingQuantity) from int_price_usage group by 1, 2)
-- total: not exists (select BillingPeriodStart, BillingCurrency, sum(BilledCost), sum(ChargeCount) from int_price_usage group by 1, 2
--        except select BillingPeriodStart, BillingCurrency, sum(BilledCost), sum(ChargeCount) from price_check group by 1, 2)
with
days as (
    select int_price_tier.*
    from int_price_tier
    where int_price_tier.TierMinimumUnits = 0
),
judged as (
    select
        int_price_usage.*,
        case
            when int_price_usage.ChargeKind <> 'Usage' then int_price_usage.ChargeKind
            when days.Status <> 'Priced' then days.Status
            when int_price_usage.ExchangeRate = 0 then 'NoExchangeRate'
            else 'Priced'
        end as Status,
        coalesce(days.PriceFrom, int_price_usage.BillingPeriodStart) as PriceFrom,
        days.PriceSource as PriceSource,
        days.LowestPrice as LowestPrice,
        days.HighestPrice as HighestSheetPrice,
        days.SheetUnit as SheetUnit
    from int_price_usage
    left join days
        on days.BillingPeriodStart = int_price_usage.BillingPeriodStart
        and days.Account = int_price_usage.Account
        and days.PriceScopeId = int_price_usage.PriceScopeId
        and days.MeterId = int_price_usage.MeterId
        and days.SkuKey = int_price_usage.SkuKey
        and days.OfferId = int_price_usage.OfferId
        and days.UnitOfMeasure = int_price_usage.UnitOfMeasure
        and days.PricingCurrency = int_price_usage.PricingCurrency
        and days.PriceDay = int_price_usage.PriceDay
        and int_price_usage.ChargeKind = 'Usage'
),
lines as (
    select
        judged.BillingPeriodStart as BillingPeriodStart,
        judged.Account as Account,
        judged.InvoiceId as InvoiceId,
        judged.SubAccountId as SubAccountId,
        judged.PriceScopeId as PriceScopeId,
        judged.MeterId as MeterId,
        judged.SkuKey as SkuKey,
        judged.OfferId as OfferId,
        judged.UnitOfMeasure as UnitOfMeasure,
        judged.PricingCurrency as PricingCurrency,
        judged.BillingCurrency as BillingCurrency,
        judged.ExchangeRate as ExchangeRate,
        judged.Status as Status,
        judged.PriceFrom as PriceFrom,
        max(judged.BillingPeriodEnd) as BillingPeriodEnd,
        max(judged.Agreement) as Agreement,
        max(judged.MeterName) as MeterName,
        max(judged.PriceSource) as PriceSource,
        max(judged.BlockSize) as BlockSize,
        case when min(judged.QuantityScale) = max(judged.QuantityScale) then min(judged.QuantityScale)
            when min(judged.QuantityScale) <> max(judged.QuantityScale) then 'Mixed' end as QuantityScale,
        min(judged.LowestPrice) as LowestPrice,
        max(judged.HighestSheetPrice) as HighestSheetPrice,
        max(judged.SheetUnit) as SheetUnit,
        cast(sum(judged.PricingQuantity) as decimal(38, 18)) as Quantity,
        cast(sum(judged.BilledCost) as decimal(38, 18)) as BilledCost,
        cast(sum(judged.OwnCost) as decimal(38, 18)) as OwnCost,
        max(judged.HighestPrice) as BilledUnitPrice,
        cast(sum(judged.ChargeCount) as bigint) as ChargeCount
    from judged
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14
),
billed_meters as (
    -- What a pay-as-you-go subscription was billed of a meter, to hold against what was metered.
    select
        lines.Account as Account,
        lines.SubAccountId as SubAccountId,
        lines.MeterId as MeterId,
        lines.BillingPeriodStart as BillingPeriodStart,
        max(lines.BillingPeriodEnd) as BillingPeriodEnd,
        max(lines.BlockSize) as BlockSize,
        max(unit_name(lines.UnitOfMeasure)) as Unit,
        sum(lines.Quantity) as Quantity
    from lines
    where lines.Status = 'Priced'
        and lines.Agreement = 'mosp'
    group by 1, 2, 3, 4
    having min(lines.UnitOfMeasure) = max(lines.UnitOfMeasure)
),
metered as (
    select
        billed_meters.Account as Account,
        billed_meters.SubAccountId as SubAccountId,
        billed_meters.MeterId as MeterId,
        billed_meters.BillingPeriodStart as BillingPeriodStart,
        max(billed_meters.Quantity) as BilledQuantity,
        sum(int_usage_metered.Quantity) as MeteredQuantity
    from billed_meters
    inner join int_usage_metered
        on int_usage_metered.Account = billed_meters.Account
        and int_usage_metered.SubAccountId = billed_meters.SubAccountId
        and int_usage_metered.MeterId = billed_meters.MeterId
        and int_usage_metered.ChargeDate >= billed_meters.BillingPeriodStart
        and int_usage_metered.ChargeDate < billed_meters.BillingPeriodEnd
    where int_usage_metered.FirstDay <= billed_meters.BillingPeriodStart
        and int_usage_metered.LastDay >= day_add(billed_meters.BillingPeriodEnd, 3)
    group by 1, 2, 3, 4
    having min(case when block_size(int_usage_metered.UnitOfMeasure) = billed_meters.BlockSize
        and lower(unit_name(int_usage_metered.UnitOfMeasure)) = lower(billed_meters.Unit) then 1 else 0 end) = 1
        and max(billed_meters.Quantity) > 0
        and sum(int_usage_metered.Quantity) > 0
),
measured as (
    -- RightQuantity is what should have been billed: its part of the metered quantity, where that is known.
    select
        lines.*,
        metered.MeteredQuantity as MeteredQuantity,
        metered.BilledQuantity as BilledQuantity,
        case
            when metered.MeteredQuantity is null or metered.MeteredQuantity = metered.BilledQuantity then lines.Quantity
            when abs(lines.Quantity) < 1000000000 and metered.MeteredQuantity < 1000000000
                then ratio(product(lines.Quantity, metered.MeteredQuantity), metered.BilledQuantity)
            else product(lines.Quantity, ratio(metered.MeteredQuantity, metered.BilledQuantity))
        end as RightQuantity
    from lines
    left join metered
        on metered.Account = lines.Account
        and metered.SubAccountId = lines.SubAccountId
        and metered.MeterId = lines.MeterId
        and metered.BillingPeriodStart = lines.BillingPeriodStart
        and lines.Status = 'Priced'
),
prices as (
    -- The days of one price have the same tiers.
    select
        int_price_tier.BillingPeriodStart as BillingPeriodStart,
        int_price_tier.Account as Account,
        int_price_tier.PriceScopeId as PriceScopeId,
        int_price_tier.MeterId as MeterId,
        int_price_tier.SkuKey as SkuKey,
        int_price_tier.OfferId as OfferId,
        int_price_tier.UnitOfMeasure as UnitOfMeasure,
        int_price_tier.PricingCurrency as PricingCurrency,
        int_price_tier.PriceFrom as PriceFrom,
        int_price_tier.TierMinimumUnits as TierMinimumUnits,
        int_price_tier.TierEndUnits as TierEndUnits,
        int_price_tier.UnitPrice as UnitPrice,
        int_price_tier.IncludedQuantity as FreeQuantity
    from int_price_tier
    where int_price_tier.Status = 'Priced'
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
),
pool_sums as (
    select
        measured.BillingPeriodStart as BillingPeriodStart,
        measured.Account as Account,
        measured.PriceScopeId as PriceScopeId,
        measured.MeterId as MeterId,
        measured.SkuKey as SkuKey,
        measured.OfferId as OfferId,
        measured.UnitOfMeasure as UnitOfMeasure,
        measured.PricingCurrency as PricingCurrency,
        measured.PriceFrom as PriceFrom,
        cast(sum(measured.RightQuantity) as decimal(38, 18)) as PoolQuantity,
        cast(sum(measured.Quantity) as decimal(38, 18)) as PoolBilled
    from measured
    where measured.Status = 'Priced'
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
),
pools as (
    -- What a scope used at one price goes up the tiers from where the price before it ended.
    select
        pool_sums.*,
        greatest(cast(sum(pool_sums.PoolQuantity) over ladder as decimal(38, 18)) - pool_sums.PoolQuantity, cast(0 as decimal(38, 18))) as StartQuantity,
        greatest(cast(sum(pool_sums.PoolBilled) over ladder as decimal(38, 18)) - pool_sums.PoolBilled, cast(0 as decimal(38, 18))) as StartBilled
    from pool_sums
    window ladder as (
        partition by pool_sums.BillingPeriodStart, pool_sums.Account, pool_sums.PriceScopeId, pool_sums.MeterId, pool_sums.SkuKey, pool_sums.OfferId,
            pool_sums.UnitOfMeasure, pool_sums.PricingCurrency
        order by pool_sums.PriceFrom
    )
),
steps as (
    -- From and To are where a pool begins and ends, counted from what is included on; of what is given back both are the beginning.
    select
        pools.*,
        prices.TierMinimumUnits as TierMinimumUnits,
        prices.TierEndUnits as TierEndUnits,
        prices.UnitPrice as UnitPrice,
        prices.FreeQuantity as FreeQuantity,
        greatest(pools.StartQuantity - prices.FreeQuantity, cast(0 as decimal(38, 18))) as FromUnits,
        greatest(pools.StartQuantity + greatest(pools.PoolQuantity, cast(0 as decimal(38, 18))) - prices.FreeQuantity, cast(0 as decimal(38, 18))) as ToUnits,
        greatest(pools.StartBilled - prices.FreeQuantity, cast(0 as decimal(38, 18))) as FromBilled,
        greatest(pools.StartBilled + greatest(pools.PoolBilled, cast(0 as decimal(38, 18))) - prices.FreeQuantity, cast(0 as decimal(38, 18))) as ToBilled
    from pools
    inner join prices
        on prices.BillingPeriodStart = pools.BillingPeriodStart
        and prices.Account = pools.Account
        and prices.PriceScopeId = pools.PriceScopeId
        and prices.MeterId = pools.MeterId
        and prices.SkuKey = pools.SkuKey
        and prices.OfferId = pools.OfferId
        and prices.UnitOfMeasure = pools.UnitOfMeasure
        and prices.PricingCurrency = pools.PricingCurrency
        and prices.PriceFrom = pools.PriceFrom
),
tier_parts as (
    select
        steps.*,
        greatest(
            least(steps.ToUnits, coalesce(steps.TierEndUnits, steps.ToUnits)) - greatest(steps.FromUnits, steps.TierMinimumUnits),
            cast(0 as decimal(38, 18))
        ) as TierQuantity,
        greatest(
            least(steps.ToBilled, coalesce(steps.TierEndUnits, steps.ToBilled)) - greatest(steps.FromBilled, steps.TierMinimumUnits),
            cast(0 as decimal(38, 18))
        ) as TierBilled,
        steps.TierMinimumUnits <= steps.FromUnits and coalesce(steps.FromUnits < steps.TierEndUnits, true) as IsFirst
    from steps
),
ladders as (
    -- PoolCost is what the billed quantity costs at the sheet's prices, in the pricing currency.
    select
        tier_parts.*,
        case
            when tier_parts.ToUnits = tier_parts.FromUnits then tier_parts.IsFirst
            else tier_parts.TierMinimumUnits < tier_parts.ToUnits and coalesce(tier_parts.TierEndUnits >= tier_parts.ToUnits, true)
        end as IsLast,
        sum(product(tier_parts.TierBilled, tier_parts.UnitPrice)) over (
            partition by tier_parts.BillingPeriodStart, tier_parts.Account, tier_parts.PriceScopeId, tier_parts.MeterId, tier_parts.SkuKey, tier_parts.OfferId,
                tier_parts.UnitOfMeasure, tier_parts.PricingCurrency, tier_parts.PriceFrom
        ) as PoolCost
    from tier_parts
),
shared as (
    -- Where nothing is included and one tier is reached, all is the last tier's. Shares are exact where their product fits a decimal.
    select
        measured.*,
        ladders.TierMinimumUnits as TierMinimumUnits,
        ladders.UnitPrice as UnitPrice,
        ladders.IsFirst as IsFirst,
        ladders.IsLast as IsLast,
        ladders.PoolBilled as PoolBilled,
        ladders.PoolCost as PoolCost,
        case
            when ladders.FreeQuantity <= ladders.StartQuantity or ladders.PoolQuantity <= 0 then cast(0 as decimal(38, 18))
            when ladders.ToUnits = 0 then measured.RightQuantity
            when abs(measured.RightQuantity) < 1000000000 and ladders.FreeQuantity < 1000000000
                then ratio(product(measured.RightQuantity, ladders.FreeQuantity - ladders.StartQuantity), ladders.PoolQuantity)
            else product(measured.RightQuantity, ratio(ladders.FreeQuantity - ladders.StartQuantity, ladders.PoolQuantity))
        end as LineIncluded,
        case
            when ladders.IsLast then cast(0 as decimal(38, 18))
            when abs(measured.RightQuantity) < 1000000000 and ladders.TierQuantity < 1000000000
                then ratio(product(measured.RightQuantity, ladders.TierQuantity), ladders.PoolQuantity)
            else product(measured.RightQuantity, ratio(ladders.TierQuantity, ladders.PoolQuantity))
        end as LowerQuantity
    from measured
    inner join ladders
        on ladders.BillingPeriodStart = measured.BillingPeriodStart
        and ladders.Account = measured.Account
        and ladders.PriceScopeId = measured.PriceScopeId
        and ladders.MeterId = measured.MeterId
        and ladders.SkuKey = measured.SkuKey
        and ladders.OfferId = measured.OfferId
        and ladders.UnitOfMeasure = measured.UnitOfMeasure
        and ladders.PricingCurrency = measured.PricingCurrency
        and ladders.PriceFrom = measured.PriceFrom
    where measured.Status = 'Priced'
        and (ladders.IsFirst or ladders.IsLast or ladders.TierQuantity > 0)
),
tiered as (
    select
        shared.*,
        case when shared.IsFirst then shared.LineIncluded else cast(0 as decimal(38, 18)) end as IncludedQuantity,
        case when shared.IsLast then shared.RightQuantity - shared.LineIncluded - sum(shared.LowerQuantity) over line
            else shared.LowerQuantity end as BillableQuantity
    from shared
    window line as (
        partition by shared.BillingPeriodStart, shared.Account, shared.InvoiceId, shared.SubAccountId, shared.PriceScopeId, shared.MeterId, shared.SkuKey,
            shared.OfferId, shared.UnitOfMeasure, shared.PricingCurrency, shared.BillingCurrency, shared.ExchangeRate, shared.PriceFrom
    )
),
calculated as (
    select
        tiered.*,
        case when tiered.ExchangeRate = 1 then product(tiered.BillableQuantity, tiered.UnitPrice)
            else product(product(tiered.BillableQuantity, tiered.UnitPrice), tiered.ExchangeRate) end as CalculatedCost
    from tiered
),
summed as (
    select
        calculated.*,
        sum(calculated.CalculatedCost) over line as LineCost,
        count(*) over line as TierCount
    from calculated
    window line as (
        partition by calculated.BillingPeriodStart, calculated.Account, calculated.InvoiceId, calculated.SubAccountId, calculated.PriceScopeId, calculated.MeterId,
            calculated.SkuKey, calculated.OfferId, calculated.UnitOfMeasure, calculated.PricingCurrency, calculated.BillingCurrency, calculated.ExchangeRate,
            calculated.PriceFrom
    )
),
limited as (
    -- CostAtSheet is the billed quantity at the sheet's price; LineCost that of the right quantity.
    select
        summed.*,
        case
            when summed.RightQuantity = summed.Quantity then summed.LineCost
            when summed.Quantity = summed.PoolBilled then product(summed.PoolCost, summed.ExchangeRate)
            else product(product(summed.PoolCost, ratio(summed.Quantity, summed.PoolBilled)), summed.ExchangeRate)
        end as CostAtSheet,
        product(cast(summed.ChargeCount as decimal(38, 18)), cast(0.000000001 as decimal(38, 18))) as DigitLimit,
        greatest(
            product(cast(summed.ChargeCount as decimal(38, 18)), cast(0.000000001 as decimal(38, 18))),
            least(
                product(abs(summed.LineCost), cast(0.005 as decimal(38, 18))),
                product(product(abs(summed.Quantity), summed.ExchangeRate), cast(0.00005 as decimal(38, 18)))
            )
        ) as RoundingLimit,
        product(
            product(cast(summed.ChargeCount as decimal(38, 18)), cast(0.000000005 as decimal(38, 18))),
            product(coalesce(summed.BilledUnitPrice, summed.UnitPrice), summed.ExchangeRate)
        ) as QuantityLimit
    from summed
),
split as (
    select
        limited.*,
        limited.BilledCost - limited.LineCost as Difference,
        abs(limited.OwnCost - limited.CostAtSheet) <= limited.RoundingLimit as IsSamePrice,
        abs(limited.BilledCost - limited.OwnCost) <= limited.RoundingLimit + limited.QuantityLimit
            and abs(limited.CostAtSheet - limited.LineCost) <= limited.DigitLimit as IsSameQuantity
    from limited
),
results as (
    select
        split.*,
        case
            when not split.IsSamePrice and not split.IsSameQuantity then split.OwnCost - split.CostAtSheet
            when split.IsSameQuantity then split.Difference
            else cast(0 as decimal(38, 18))
        end as LinePriceMismatch,
        case
            when not split.IsSamePrice and not split.IsSameQuantity then split.Difference - (split.OwnCost - split.CostAtSheet)
            when split.IsSameQuantity then cast(0 as decimal(38, 18))
            else split.Difference
        end as LineQuantityMismatch,
        case
            when split.IsSamePrice and split.IsSameQuantity and abs(split.Difference) <= split.DigitLimit then 'Matched'
            when split.IsSamePrice and split.IsSameQuantity then 'Rounding'
            when split.IsSamePrice then 'QuantityMismatch'
            when split.IsSameQuantity then 'PriceMismatch'
            when abs(split.OwnCost - split.CostAtSheet) >= abs(split.Difference - (split.OwnCost - split.CostAtSheet)) then 'PriceMismatch'
            else 'QuantityMismatch'
        end as LineResult
    from split
),
rows_told as (
    select
        results.BillingPeriodStart as BillingPeriodStart,
        results.Account as Account,
        results.InvoiceId as InvoiceId,
        results.SubAccountId as SubAccountId,
        results.PriceScopeId as PriceScopeId,
        results.Agreement as Agreement,
        results.MeterId as MeterId,
        results.SkuKey as SkuKey,
        results.OfferId as OfferId,
        results.UnitOfMeasure as UnitOfMeasure,
        results.PricingCurrency as PricingCurrency,
        results.BillingCurrency as BillingCurrency,
        results.ExchangeRate as ExchangeRate,
        case when results.IsLast then results.LineResult else 'Matched' end as Result,
        results.PriceFrom as PriceFrom,
        results.TierMinimumUnits as TierMinimumUnits,
        results.MeterName as MeterName,
        results.PriceSource as PriceSource,
        results.BlockSize as BlockSize,
        results.QuantityScale as QuantityScale,
        results.IncludedQuantity + results.BillableQuantity
            + case when results.IsLast then results.Quantity - results.RightQuantity else cast(0 as decimal(38, 18)) end as Quantity,
        results.IncludedQuantity as IncludedQuantity,
        results.BillableQuantity as BillableQuantity,
        results.MeteredQuantity as MeteredQuantity,
        case when results.IsLast then results.BilledCost - (results.LineCost - results.CalculatedCost) else results.CalculatedCost end as BilledCost,
        results.BilledUnitPrice as BilledUnitPrice,
        results.UnitPrice as SheetPrice,
        results.CalculatedCost as CalculatedCost,
        case when results.IsLast then results.LinePriceMismatch else cast(0 as decimal(38, 18)) end as PriceMismatch,
        case when results.IsLast then results.LineQuantityMismatch else cast(0 as decimal(38, 18)) end as QuantityMismatch,
        case when results.IsLast then results.ChargeCount else cast(0 as bigint) end as ChargeCount,
        results.TierCount as TierCount,
        results.BilledQuantity as MeterBilled,
        results.LowestPrice as LowestPrice,
        results.HighestSheetPrice as HighestSheetPrice,
        results.SheetUnit as SheetUnit
    from results
    union all
    select
        lines.BillingPeriodStart as BillingPeriodStart,
        lines.Account as Account,
        lines.InvoiceId as InvoiceId,
        lines.SubAccountId as SubAccountId,
        lines.PriceScopeId as PriceScopeId,
        lines.Agreement as Agreement,
        lines.MeterId as MeterId,
        lines.SkuKey as SkuKey,
        lines.OfferId as OfferId,
        lines.UnitOfMeasure as UnitOfMeasure,
        lines.PricingCurrency as PricingCurrency,
        lines.BillingCurrency as BillingCurrency,
        lines.ExchangeRate as ExchangeRate,
        lines.Status as Result,
        lines.PriceFrom as PriceFrom,
        cast(0 as decimal(38, 18)) as TierMinimumUnits,
        lines.MeterName as MeterName,
        cast(null as varchar) as PriceSource,
        lines.BlockSize as BlockSize,
        lines.QuantityScale as QuantityScale,
        lines.Quantity as Quantity,
        cast(0 as decimal(38, 18)) as IncludedQuantity,
        lines.Quantity as BillableQuantity,
        cast(null as decimal(38, 18)) as MeteredQuantity,
        lines.BilledCost as BilledCost,
        lines.BilledUnitPrice as BilledUnitPrice,
        cast(null as decimal(38, 18)) as SheetPrice,
        cast(null as decimal(38, 18)) as CalculatedCost,
        cast(0 as decimal(38, 18)) as PriceMismatch,
        cast(0 as decimal(38, 18)) as QuantityMismatch,
        lines.ChargeCount as ChargeCount,
        cast(1 as bigint) as TierCount,
        cast(null as decimal(38, 18)) as MeterBilled,
        lines.LowestPrice as LowestPrice,
        lines.HighestSheetPrice as HighestSheetPrice,
        lines.SheetUnit as SheetUnit
    from lines
    where lines.Status <> 'Priced'
)
select
    rows_told.BillingPeriodStart as BillingPeriodStart,
    rows_told.Account as Account,
    rows_told.InvoiceId as InvoiceId,
    rows_told.SubAccountId as SubAccountId,
    case when rows_told.Agreement = 'mca' then rows_told.PriceScopeId else '' end as BillingProfileId,
    rows_told.MeterId as MeterId,
    case when rows_told.Agreement = 'mca' then '' else rows_told.SkuKey end as PartNumber,
    case when rows_told.Agreement = 'mca' then rows_told.SkuKey else '' end as ProductId,
    rows_told.OfferId as OfferId,
    rows_told.UnitOfMeasure as UnitOfMeasure,
    rows_told.PricingCurrency as PricingCurrency,
    rows_told.BillingCurrency as BillingCurrency,
    rows_told.ExchangeRate as ExchangeRate,
    rows_told.Result as Result,
    rows_told.PriceFrom as PriceFrom,
    rows_told.TierMinimumUnits as TierMinimumUnits,
    rows_told.MeterName as MeterName,
    rows_told.PriceSource as PriceSource,
    rows_told.BlockSize as BlockSize,
    rows_told.QuantityScale as QuantityScale,
    rows_told.Quantity as BilledQuantity,
    rows_told.IncludedQuantity + rows_told.BillableQuantity as ConsumedQuantity,
    rows_told.IncludedQuantity as IncludedQuantity,
    rows_told.BillableQuantity as BillableQuantity,
    rows_told.MeteredQuantity as MeteredQuantity,
    rows_told.BilledCost as BilledCost,
    rows_told.BilledUnitPrice as BilledUnitPrice,
    rows_told.SheetPrice as SheetPrice,
    rows_told.CalculatedCost as CalculatedCost,
    rows_told.PriceMismatch as PriceMismatch,
    rows_told.QuantityMismatch as QuantityMismatch,
    rows_told.ChargeCount as ChargeCount,
    case rows_told.Result
        when 'Matched' then 'Billed as the sheet says.'
        when 'Rounding' then 'Billed as the sheet says, but that the sheet or the records round.'
        when 'PriceMismatch' then 'Billed at up to ' || coalesce(cast(cast(rows_told.BilledUnitPrice as decimal(38, 6)) as varchar), 'no price') || ' ' || rows_told.PricingCurrency
            || ' per ' || rows_told.UnitOfMeasure || ', the sheet says ' || cast(cast(rows_told.SheetPrice as decimal(38, 6)) as varchar)
            || case when rows_told.TierCount > 1 then ' in the highest of ' || cast(rows_told.TierCount as varchar) || ' tiers reached' else '' end || '.'
        when 'QuantityMismatch' then
            case when rows_told.MeteredQuantity <> rows_told.MeterBilled
                then 'Billed ' || cast(cast(rows_told.MeterBilled as decimal(38, 6)) as varchar) || ' times ' || rows_told.UnitOfMeasure || ', metered '
                    || cast(cast(rows_told.MeteredQuantity as decimal(38, 6)) as varchar) || '.'
                else 'The cost is not the record''s own quantity at its own price.' end
        when 'NoSheet' then
            case rows_told.Agreement
                when 'mca' then 'There is no price sheet of the month; it can be had while the month is open, and not afterwards.'
                when 'mosp' then 'There is no rate card and no retail price of what the subscription used.'
                else 'There is no price sheet of the month.' end
        when 'NotInSheet' then 'The price sheet of the month has no price of this meter for this part, product or day.'
        when 'SeveralPrices' then 'The price sheet has several prices for it, from ' || coalesce(cast(cast(rows_told.LowestPrice as decimal(38, 6)) as varchar), '?')
            || ' to ' || coalesce(cast(cast(rows_told.HighestSheetPrice as decimal(38, 6)) as varchar), '?') || ', and nothing says which was meant.'
        when 'CurrencyDiffers' then 'The price sheet has its price in another currency than ' || rows_told.PricingCurrency || '.'
        when 'UnitDiffers' then 'The price sheet has its price per ' || coalesce(rows_told.SheetUnit, 'another unit') || ', which is no number of ' || rows_told.UnitOfMeasure || '.'
        when 'NoExchangeRate' then 'The record has no exchange rate from ' || rows_told.PricingCurrency || ' to ' || rows_told.BillingCurrency || '.'
        when 'NoQuantity' then 'The record has no quantity.'
        when 'NoCost' then 'The record has neither a price nor a cost, as where a partner hides them.'
        when 'Spot' then 'The price of spot capacity changes by the hour and is in no sheet.'
        when 'CostAllocation' then 'A cost allocation rule of Azure moved it, so it is no quantity at a price.'
        when 'Commitment' then 'Reservations and savings plans are priced by their order, and what they cover costs nothing more.'
        when 'Purchase' then 'A purchase is no usage and has its own price.'
        when 'Marketplace' then 'Marketplace offers are priced by their publisher.'
        when 'Refund' then 'A refund gives back an amount and has no price.'
        else 'An adjustment is an amount and has no price.'
    end as Detail
from rows_told
