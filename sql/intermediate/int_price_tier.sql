-- int_price_tier is the price that the month's list has for something billed, in one tier, or why it has none.
--
-- An enrollment and a billing profile are priced by their price sheet of the billing period, whatever day a late charge is of; a
-- pay-as-you-go subscription by int_price_list, with the newest price up to the day of usage. A sheet names the part number or the
-- product and SKU, and the offer or plan: the price of that offer comes before one for every offer, and that before the price of other
-- offers, which counts where they all have the same. A record that names no part or product is priced by its meter.
--
-- A price for another number of the same unit (100 Hours for 1 Hour) is converted. Of prices that begin on different days the newest up
-- to PriceDay counts; where none had begun, the first that does. Several prices from the same day on are none: nothing says which was meant.
--
-- reads:  int_price_usage, int_price_sheet, int_price_list
-- grain:  BillingPeriodStart, Account, PriceScopeId, MeterId, SkuKey, OfferId, UnitOfMeasure, PricingCurrency, PriceDay, TierMinimumUnits
-- period: BillingPeriodStart
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column PriceScopeId        varchar          as in int_price_usage, like the following
-- column MeterId             varchar          GUID in lower case
-- column SkuKey              varchar          product or part number
-- column OfferId             varchar          offer or plan
-- column UnitOfMeasure       varchar          what UnitPrice buys
-- column PricingCurrency     varchar          ISO 4217
-- column PriceDay            date             the day whose price counts
-- column Status              varchar          Priced, or NoSheet, NotInSheet, CurrencyDiffers, UnitDiffers, SeveralPrices
-- column PriceSource         varchar          price_sheet_export, price_sheet_download, price_sheet, rate_card or retail_price; null without a price
-- column PriceFrom           date             first day in the period that this price holds for; of a list, the day it began
-- column TierMinimumUnits    decimal(38, 18)  UnitOfMeasure of a billing period, beyond IncludedQuantity, from which the price holds
-- column TierEndUnits        decimal(38, 18)  up to which it holds; null of the last tier
-- column UnitPrice           decimal(38, 18)  PricingCurrency per UnitOfMeasure; null unless Priced
-- column IncludedQuantity    decimal(38, 18)  UnitOfMeasure, free in a billing period
-- column LowestPrice         decimal(38, 18)  of SeveralPrices the lowest, of others UnitPrice
-- column HighestPrice        decimal(38, 18)  of SeveralPrices the highest
-- column SheetUnit           varchar          what the list's price buys, where it is not UnitOfMeasure
--
-- check: (Status = 'Priced') = (UnitPrice is not null)
-- check: Status in ('Priced', 'NoSheet', 'NotInSheet', 'CurrencyDiffers', 'UnitDiffers', 'SeveralPrices')
-- check: Status = 'Priced' or TierMinimumUnits = 0
-- total: not exists (select Account, PriceScopeId, MeterId, SkuKey, OfferId, UnitOfMeasure, PricingCurrency, PriceDay from int_price_usage where ChargeKind = 'Usage'
--        except select Account, PriceScopeId, MeterId, SkuKey, OfferId, UnitOfMeasure, PricingCurrency, PriceDay from int_price_tier where TierMinimumUnits = 0)
with
wanted as (
    select
        int_price_usage.BillingPeriodStart as BillingPeriodStart,
        int_price_usage.Account as Account,
        int_price_usage.Agreement as Agreement,
        int_price_usage.PriceScopeId as PriceScopeId,
        int_price_usage.MeterId as MeterId,
        int_price_usage.SkuKey as SkuKey,
        int_price_usage.OfferId as OfferId,
        int_price_usage.UnitOfMeasure as UnitOfMeasure,
        int_price_usage.PricingCurrency as PricingCurrency,
        int_price_usage.PriceDay as PriceDay
    from int_price_usage
    where int_price_usage.ChargeKind = 'Usage'
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),
sheets as (
    select
        int_price_sheet.Account as Account,
        int_price_sheet.BillingPeriodStart as SheetMonth,
        coalesce(int_price_sheet.BillingProfileId, '') as PriceScopeId
    from int_price_sheet
    where int_price_sheet.PriceType = 'Consumption'
    group by 1, 2, 3
    union
    select
        int_price_list.Account as Account,
        month_start(wanted.BillingPeriodStart) as SheetMonth,
        int_price_list.SubAccountId as PriceScopeId
    from int_price_list
    inner join wanted
        on wanted.Account = int_price_list.Account
        and wanted.PriceScopeId = int_price_list.SubAccountId
),
found as (
    select
        wanted.*,
        int_price_sheet.Source as PriceSource,
        int_price_sheet.UnitOfMeasure as SheetUnit,
        int_price_sheet.CurrencyCode as SheetCurrency,
        coalesce(int_price_sheet.TierMinimumUnits, 0) as TierMinimumUnits,
        int_price_sheet.UnitPrice as LowestPrice,
        int_price_sheet.UnitPrice as HighestPrice,
        coalesce(int_price_sheet.IncludedQuantity, 0) as IncludedQuantity,
        wanted.PriceDay as PriceFrom,
        case
            when wanted.SkuKey = '' then 4
            when not coalesce(int_price_sheet.PartNumber = wanted.SkuKey, false)
                and not coalesce(upper(int_price_sheet.ProductId) = wanted.SkuKey, false)
                and not coalesce(upper(int_price_sheet.ProductId) || upper(int_price_sheet.SkuId) = wanted.SkuKey, false) then null
            when upper(int_price_sheet.OfferId) = wanted.OfferId
                or replace(lower(int_price_sheet.ProductOrderName), 'microsoft ', '') = wanted.OfferId then 1
            when int_price_sheet.OfferId is null and int_price_sheet.ProductOrderName is null then 2
            else 3
        end as Preference,
        -- Days since the price began, the fewest first; those yet to begin after all that have.
        case
            when int_price_sheet.EffectiveStartDate is null then 0
            when int_price_sheet.EffectiveStartDate <= wanted.PriceDay then date_diff('day', int_price_sheet.EffectiveStartDate, wanted.PriceDay)
            else 100000 + date_diff('day', wanted.PriceDay, int_price_sheet.EffectiveStartDate)
        end as AgeInDays
    from wanted
    inner join int_price_sheet
        on int_price_sheet.Account = wanted.Account
        and int_price_sheet.MeterId = wanted.MeterId
        and int_price_sheet.BillingPeriodStart = month_start(wanted.BillingPeriodStart)
        and coalesce(int_price_sheet.BillingProfileId, '') = wanted.PriceScopeId
    where int_price_sheet.PriceType = 'Consumption'
        and int_price_sheet.UnitPrice is not null
        -- A price that ended before the day, within the period, is over.
        and not coalesce(int_price_sheet.EffectiveEndDate >= wanted.BillingPeriodStart and int_price_sheet.EffectiveEndDate < wanted.PriceDay, false)
    union all
    select
        wanted.*,
        int_price_list.Source as PriceSource,
        int_price_list.UnitOfMeasure as SheetUnit,
        int_price_list.CurrencyCode as SheetCurrency,
        int_price_list.TierMinimumUnits as TierMinimumUnits,
        int_price_list.LowestPrice as LowestPrice,
        int_price_list.HighestPrice as HighestPrice,
        int_price_list.IncludedQuantity as IncludedQuantity,
        int_price_list.EffectiveStart as PriceFrom,
        int_price_list.Preference as Preference,
        date_diff('day', int_price_list.EffectiveStart, wanted.PriceDay) as AgeInDays
    from wanted
    inner join int_price_list
        on int_price_list.Account = wanted.Account
        and int_price_list.SubAccountId = wanted.PriceScopeId
        and int_price_list.OfferId = wanted.OfferId
        and int_price_list.MeterId = wanted.MeterId
        and int_price_list.EffectiveStart <= wanted.PriceDay
),
unit_texts as (
    select found.UnitOfMeasure as UnitOfMeasure
    from found
    union
    select found.SheetUnit as UnitOfMeasure
    from found
),
units as (
    select
        unit_texts.UnitOfMeasure as UnitOfMeasure,
        block_size(unit_texts.UnitOfMeasure) as BlockSize,
        lower(unit_name(unit_texts.UnitOfMeasure)) as Unit
    from unit_texts
    where unit_texts.UnitOfMeasure is not null
),
compared as (
    select
        found.*,
        record_unit.BlockSize as BlockSize,
        sheet_unit.BlockSize as SheetBlockSize,
        coalesce(found.SheetCurrency = found.PricingCurrency, false) as IsCurrency,
        coalesce(record_unit.Unit = sheet_unit.Unit, false) as IsUnit,
        case when found.SheetUnit = found.UnitOfMeasure then 0 else 1 end as IsConverted
    from found
    left join units as record_unit
        on record_unit.UnitOfMeasure = found.UnitOfMeasure
    left join units as sheet_unit
        on sheet_unit.UnitOfMeasure = found.SheetUnit
    where found.Preference is not null
),
reasons as (
    select
        compared.BillingPeriodStart as BillingPeriodStart,
        compared.Account as Account,
        compared.PriceScopeId as PriceScopeId,
        compared.MeterId as MeterId,
        compared.SkuKey as SkuKey,
        compared.OfferId as OfferId,
        compared.UnitOfMeasure as UnitOfMeasure,
        compared.PricingCurrency as PricingCurrency,
        compared.PriceDay as PriceDay,
        max(case when compared.IsCurrency then 1 else 0 end) as HasCurrency,
        max(compared.SheetUnit) as SheetUnit
    from compared
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
),
preferred as (
    -- An entry of a rate card has all its tiers, and a newer one replaces them all.
    select
        compared.*,
        rank() over (
            partition by compared.BillingPeriodStart, compared.Account, compared.PriceScopeId, compared.MeterId, compared.SkuKey, compared.OfferId,
                compared.UnitOfMeasure, compared.PricingCurrency, compared.PriceDay
            order by compared.Preference, compared.IsConverted, case when compared.PriceSource = 'rate_card' then compared.AgeInDays else 0 end
        ) as Place
    from compared
    where compared.IsCurrency
        and compared.IsUnit
),
ranked as (
    -- Elsewhere each tier has a day of its own from which its price holds.
    select
        preferred.*,
        rank() over (
            partition by preferred.BillingPeriodStart, preferred.Account, preferred.PriceScopeId, preferred.MeterId, preferred.SkuKey, preferred.OfferId,
                preferred.UnitOfMeasure, preferred.PricingCurrency, preferred.PriceDay, preferred.TierMinimumUnits
            order by preferred.AgeInDays
        ) as TierPlace
    from preferred
    where preferred.Place = 1
),
tiers as (
    select
        ranked.BillingPeriodStart as BillingPeriodStart,
        ranked.Account as Account,
        ranked.PriceScopeId as PriceScopeId,
        ranked.MeterId as MeterId,
        ranked.SkuKey as SkuKey,
        ranked.OfferId as OfferId,
        ranked.UnitOfMeasure as UnitOfMeasure,
        ranked.PricingCurrency as PricingCurrency,
        ranked.PriceDay as PriceDay,
        case when ranked.IsConverted = 0 or ranked.BlockSize = ranked.SheetBlockSize then ranked.TierMinimumUnits
            else ratio(product(ranked.TierMinimumUnits, ranked.SheetBlockSize), ranked.BlockSize) end as TierMinimumUnits,
        max(ranked.PriceSource) as PriceSource,
        max(ranked.PriceFrom) as PriceFrom,
        max(nullif(ranked.SheetUnit, ranked.UnitOfMeasure)) as SheetUnit,
        min(case when ranked.IsConverted = 0 or ranked.BlockSize = ranked.SheetBlockSize then ranked.LowestPrice
            else ratio(product(ranked.LowestPrice, ranked.BlockSize), ranked.SheetBlockSize) end) as LowestPrice,
        max(case when ranked.IsConverted = 0 or ranked.BlockSize = ranked.SheetBlockSize then ranked.HighestPrice
            else ratio(product(ranked.HighestPrice, ranked.BlockSize), ranked.SheetBlockSize) end) as HighestPrice,
        max(case when ranked.IsConverted = 0 or ranked.BlockSize = ranked.SheetBlockSize then ranked.IncludedQuantity
            else ratio(product(ranked.IncludedQuantity, ranked.SheetBlockSize), ranked.BlockSize) end) as IncludedQuantity
    from ranked
    where ranked.TierPlace = 1
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
),
laddered as (
    select
        tiers.*,
        row_number() over ladder as TierNumber,
        lead(tiers.TierMinimumUnits) over ladder as TierEndUnits,
        min(tiers.TierMinimumUnits) over whole as FirstTier,
        max(case when tiers.LowestPrice <> tiers.HighestPrice then 1 else 0 end) over whole as IsSeveral,
        min(tiers.LowestPrice) over whole as LowestOfAll,
        max(tiers.HighestPrice) over whole as HighestOfAll,
        max(tiers.IncludedQuantity) over whole as IncludedOfAll,
        max(tiers.PriceFrom) over whole as NewestPriceFrom
    from tiers
    window
        whole as (
            partition by tiers.BillingPeriodStart, tiers.Account, tiers.PriceScopeId, tiers.MeterId, tiers.SkuKey, tiers.OfferId,
                tiers.UnitOfMeasure, tiers.PricingCurrency, tiers.PriceDay
        ),
        ladder as (
            partition by tiers.BillingPeriodStart, tiers.Account, tiers.PriceScopeId, tiers.MeterId, tiers.SkuKey, tiers.OfferId,
                tiers.UnitOfMeasure, tiers.PricingCurrency, tiers.PriceDay
            order by tiers.TierMinimumUnits
        )
),
judged as (
    select
        wanted.*,
        case
            when sheets.Account is null then 'NoSheet'
            when reasons.Account is null then 'NotInSheet'
            when reasons.HasCurrency = 0 then 'CurrencyDiffers'
            when laddered.Account is null then 'UnitDiffers'
            when laddered.IsSeveral = 1 then 'SeveralPrices'
            when laddered.FirstTier <> 0 then 'NotInSheet'
            else 'Priced'
        end as Status,
        laddered.PriceSource as PriceSource,
        laddered.NewestPriceFrom as PriceFrom,
        laddered.TierNumber as TierNumber,
        laddered.TierMinimumUnits as TierMinimumUnits,
        laddered.TierEndUnits as TierEndUnits,
        laddered.LowestPrice as LowestPrice,
        laddered.LowestOfAll as LowestOfAll,
        laddered.HighestOfAll as HighestOfAll,
        laddered.IncludedOfAll as IncludedOfAll,
        coalesce(laddered.SheetUnit, nullif(reasons.SheetUnit, wanted.UnitOfMeasure)) as SheetUnit
    from wanted
    left join sheets
        on sheets.Account = wanted.Account
        and sheets.SheetMonth = month_start(wanted.BillingPeriodStart)
        and sheets.PriceScopeId = wanted.PriceScopeId
    left join reasons
        on reasons.BillingPeriodStart = wanted.BillingPeriodStart
        and reasons.Account = wanted.Account
        and reasons.PriceScopeId = wanted.PriceScopeId
        and reasons.MeterId = wanted.MeterId
        and reasons.SkuKey = wanted.SkuKey
        and reasons.OfferId = wanted.OfferId
        and reasons.UnitOfMeasure = wanted.UnitOfMeasure
        and reasons.PricingCurrency = wanted.PricingCurrency
        and reasons.PriceDay = wanted.PriceDay
    left join laddered
        on laddered.BillingPeriodStart = wanted.BillingPeriodStart
        and laddered.Account = wanted.Account
        and laddered.PriceScopeId = wanted.PriceScopeId
        and laddered.MeterId = wanted.MeterId
        and laddered.SkuKey = wanted.SkuKey
        and laddered.OfferId = wanted.OfferId
        and laddered.UnitOfMeasure = wanted.UnitOfMeasure
        and laddered.PricingCurrency = wanted.PricingCurrency
        and laddered.PriceDay = wanted.PriceDay
)
select
    judged.BillingPeriodStart as BillingPeriodStart,
    judged.Account as Account,
    judged.PriceScopeId as PriceScopeId,
    judged.MeterId as MeterId,
    judged.SkuKey as SkuKey,
    judged.OfferId as OfferId,
    judged.UnitOfMeasure as UnitOfMeasure,
    judged.PricingCurrency as PricingCurrency,
    judged.PriceDay as PriceDay,
    judged.Status as Status,
    case when judged.Status = 'Priced' then judged.PriceSource end as PriceSource,
    case when judged.Status = 'Priced' then judged.PriceFrom else judged.BillingPeriodStart end as PriceFrom,
    case when judged.Status = 'Priced' then judged.TierMinimumUnits else cast(0 as decimal(38, 18)) end as TierMinimumUnits,
    case when judged.Status = 'Priced' then judged.TierEndUnits end as TierEndUnits,
    case when judged.Status = 'Priced' then judged.LowestPrice end as UnitPrice,
    case when judged.Status = 'Priced' then judged.IncludedOfAll else cast(0 as decimal(38, 18)) end as IncludedQuantity,
    case when judged.Status = 'Priced' then judged.LowestPrice else judged.LowestOfAll end as LowestPrice,
    case when judged.Status = 'Priced' then judged.LowestPrice else judged.HighestOfAll end as HighestPrice,
    judged.SheetUnit as SheetUnit
from judged
where judged.Status = 'Priced'
    or coalesce(judged.TierNumber, 1) = 1
