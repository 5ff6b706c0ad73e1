-- retail_price is a public list price of Azure, as it was when it was last copied.
--
-- ListUnitPrice buys one PricingUnit, as in cost_and_usage: 10000 Units where Azure writes 10K. A graduated price has a row per tier,
-- which holds for the part of a month's quantity from TierMinimumUnits on. A reservation's price is for the whole term.
-- Several rows of a meter and sku can differ in nothing but a name, such as that of the operating system.
--
-- reads:  stg_retail_prices
-- grain:  Scope, Dataset, Page, Row
--
-- column Scope                          varchar          /retail/ and the currency
-- column Dataset                        varchar          the service family as its files are named; unlisted for those that azledger does not know
-- column Page                           bigint           thousand of the rows
-- column Row                            bigint           row in it
-- column PricingCurrency                varchar          ISO 4217; others than USD are for reference
-- column PriceType                      varchar          Consumption, Reservation or DevTestConsumption
-- column TermMonths                     bigint           12, 36 or 60; null unless a reservation
-- column ListUnitPrice                  decimal(38, 18)  PricingCurrency per PricingUnit, before any discount
-- column PricingUnit                    varchar          what ListUnitPrice buys, such as 10000 Units, Hours, or Reservations for a whole term
-- column BlockSize                      decimal(38, 18)  single units in a PricingUnit: 10000 for 10000 Units
-- column SingleUnitListPrice            decimal(38, 18)  PricingCurrency per single unit, ListUnitPrice divided by BlockSize
-- column TierMinimumUnits               decimal(38, 18)  PricingUnit of a month from which the price holds
-- column SavingsPlan1YearListUnitPrice  decimal(38, 18)  PricingCurrency per PricingUnit under a savings plan of a year; null without one
-- column SavingsPlan3YearListUnitPrice  decimal(38, 18)  PricingCurrency per PricingUnit under a savings plan of three years; null without one
-- column EffectiveStart                 timestamp        the price holds from then on
-- column EffectiveEnd                   timestamp        and until then; null mostly
-- column MeterId                        varchar          GUID in lower case, x_SkuMeterId of cost_and_usage
-- column MeterName                      varchar          such as D2s v5
-- column SkuId                          varchar          such as DZH318Z0BQ4L/00TG
-- column ProductId                      varchar          such as DZH318Z0BQ4L
-- column ProductName                    varchar          tells Windows from Linux
-- column SkuName                        varchar          tells Spot and Low Priority
-- column ArmSkuName                     varchar          such as Standard_D2s_v5; null where there is none
-- column ServiceName                    varchar          such as Virtual Machines
-- column ServiceFamily                  varchar          such as Compute
-- column RegionId                       varchar          such as westeurope; null for services without a region
-- column RegionName                     varchar          such as EU West
-- column IsPrimaryMeterRegion           boolean          the meter is the one that usage in the region is charged by
-- column UnitOfMeasure                  varchar          Azure's own word for the unit, such as 10K
--
-- check: ListUnitPrice >= 0
-- check: BlockSize > 0
-- check: (TermMonths is null) = (PriceType is distinct from 'Reservation')
-- total: not exists (select PricingCurrency, PriceType, count(*), sum(UnitPrice) from stg_retail_prices group by PricingCurrency, PriceType
--        except select PricingCurrency, PriceType, count(*), sum(ListUnitPrice) from retail_price group by PricingCurrency, PriceType)
with
unit_texts as (
    select distinct stg_retail_prices.UnitOfMeasure as UnitOfMeasure
    from stg_retail_prices
    where stg_retail_prices.UnitOfMeasure is not null
),
unit_parts as (
    -- As cost_and_usage reads them: "10K/Month" is 10, K and /Month; "100 Hours" 100 and Hours; "GB" is all unit.
    select
        unit_texts.UnitOfMeasure as UnitOfMeasure,
        coalesce(regexp_extract(unit_texts.UnitOfMeasure, '^([0-9]+(?:\.[0-9]+)?)[KMB]?(?:$|[ /])', 1), '') as Number,
        coalesce(regexp_extract(unit_texts.UnitOfMeasure, '^[0-9]+(?:\.[0-9]+)?([KMB])(?:$|[ /])', 1), '') as Magnitude,
        trim(coalesce(regexp_extract(unit_texts.UnitOfMeasure, '^[0-9.]+[KMB]?([ /].*)$', 1), '')) as Rest
    from unit_texts
),
unit_sizes as (
    select
        unit_parts.UnitOfMeasure as UnitOfMeasure,
        unit_parts.Number as Number,
        unit_parts.Magnitude as Magnitude,
        case
            when unit_parts.Number = '' then cast(1 as decimal(38, 18))
            when unit_parts.Magnitude = 'K' then product(cast(unit_parts.Number as decimal(38, 18)), cast(1000 as decimal(38, 18)))
            when unit_parts.Magnitude = 'M' then product(cast(unit_parts.Number as decimal(38, 18)), cast(1000000 as decimal(38, 18)))
            when unit_parts.Magnitude = 'B' then product(cast(unit_parts.Number as decimal(38, 18)), cast(1000000000 as decimal(38, 18)))
            when cast(unit_parts.Number as decimal(38, 18)) = 0 then cast(1 as decimal(38, 18))
            else cast(unit_parts.Number as decimal(38, 18))
        end as BlockSize,
        case
            when unit_parts.Number = '' then unit_parts.UnitOfMeasure
            when unit_parts.Rest = '' then 'Units'
            when unit_parts.Rest like '/%' then 'Units' || unit_parts.Rest
            when unit_parts.Rest like '%Hour' or unit_parts.Rest like '%Day' or unit_parts.Rest like '%Month'
                or unit_parts.Rest like '%Minute' or unit_parts.Rest like '%Second' then
                case when unit_parts.Rest like '%/%' then unit_parts.Rest else unit_parts.Rest || 's' end
            else unit_parts.Rest
        end as Unit
    from unit_parts
),
units as (
    select
        unit_sizes.UnitOfMeasure as UnitOfMeasure,
        unit_sizes.BlockSize as BlockSize,
        case
            when unit_sizes.BlockSize = 1 then unit_sizes.Unit
            when unit_sizes.Magnitude = '' then unit_sizes.Number || ' ' || unit_sizes.Unit
            else cast(cast(unit_sizes.BlockSize as bigint) as varchar) || ' ' || unit_sizes.Unit
        end as PricingUnit
    from unit_sizes
)

select
    stg_retail_prices.Scope as Scope,
    stg_retail_prices.Dataset as Dataset,
    stg_retail_prices.Page as Page,
    stg_retail_prices.Row as Row,
    stg_retail_prices.PricingCurrency as PricingCurrency,
    stg_retail_prices.PriceType as PriceType,
    case
        when stg_retail_prices.PriceType is distinct from 'Reservation' then null
        when lower(stg_retail_prices.ReservationTerm) like '%year%'
            then 12 * cast(nullif(regexp_extract(stg_retail_prices.ReservationTerm, '^([0-9]+)', 1), '') as bigint)
        when lower(stg_retail_prices.ReservationTerm) like '%month%'
            then cast(nullif(regexp_extract(stg_retail_prices.ReservationTerm, '^([0-9]+)', 1), '') as bigint)
    end as TermMonths,
    stg_retail_prices.UnitPrice as ListUnitPrice,
    case when stg_retail_prices.PriceType = 'Reservation' then 'Reservations' else units.PricingUnit end as PricingUnit,
    case
        when stg_retail_prices.PriceType = 'Reservation' or units.BlockSize is null then cast(1 as decimal(38, 18))
        else units.BlockSize
    end as BlockSize,
    ratio(
        stg_retail_prices.UnitPrice,
        case
            when stg_retail_prices.PriceType = 'Reservation' or units.BlockSize is null then cast(1 as decimal(38, 18))
            else units.BlockSize
        end
    ) as SingleUnitListPrice,
    stg_retail_prices.TierMinimumUnits as TierMinimumUnits,
    stg_retail_prices.SavingsPlan1YearUnitPrice as SavingsPlan1YearListUnitPrice,
    stg_retail_prices.SavingsPlan3YearUnitPrice as SavingsPlan3YearListUnitPrice,
    stg_retail_prices.EffectiveStart as EffectiveStart,
    stg_retail_prices.EffectiveEnd as EffectiveEnd,
    stg_retail_prices.MeterId as MeterId,
    stg_retail_prices.MeterName as MeterName,
    stg_retail_prices.SkuId as SkuId,
    stg_retail_prices.ProductId as ProductId,
    stg_retail_prices.ProductName as ProductName,
    stg_retail_prices.SkuName as SkuName,
    stg_retail_prices.ArmSkuName as ArmSkuName,
    stg_retail_prices.ServiceName as ServiceName,
    stg_retail_prices.ServiceFamily as ServiceFamily,
    stg_retail_prices.RegionId as RegionId,
    stg_retail_prices.RegionName as RegionName,
    stg_retail_prices.IsPrimaryMeterRegion as IsPrimaryMeterRegion,
    stg_retail_prices.UnitOfMeasure as UnitOfMeasure
from stg_retail_prices
left join units
    on units.UnitOfMeasure = stg_retail_prices.UnitOfMeasure
