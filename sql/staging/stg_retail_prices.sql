-- stg_retail_prices is a public list price of Azure, as it was when it was last copied.
--
-- UnitPrice is for the whole UnitOfMeasure ("100 Hours"); of a reservation it is for the whole term, whatever UnitOfMeasure says.
-- RetailPrice is the same number. A graduated price has a row per tier, which holds from TierMinimumUnits of a month on.
--
-- Savings plans come as a JSON array in the record, [{"unitPrice":0.06,"retailPrice":0.06,"term":"1 Year"}]. Their prices are cut out
-- of its text, because JSON functions read numbers as doubles. The order of the names does not matter; their objects hold no others.
--
-- reads:  raw_retail_prices
-- grain:  Scope, Dataset, Page, Row
--
-- input currencyCode          varchar
-- input type                  varchar
-- input reservationTerm       varchar
-- input armRegionName         varchar
-- input location              varchar
-- input meterId               varchar
-- input meterName             varchar
-- input productId             varchar
-- input skuId                 varchar
-- input productName           varchar
-- input skuName               varchar
-- input serviceName           varchar
-- input serviceId             varchar
-- input serviceFamily         varchar
-- input unitOfMeasure         varchar
-- input armSkuName            varchar
-- input tierMinimumUnits      decimal(38, 18)
-- input retailPrice           decimal(38, 18)
-- input unitPrice             decimal(38, 18)
-- input effectiveStartDate    timestamp
-- input effectiveEndDate      timestamp
-- input isPrimaryMeterRegion  boolean
-- input savingsPlan           varchar
--
-- column Scope                      varchar          /retail/ and the currency
-- column Dataset                    varchar          the service family as its files are named; unlisted for those that azledger does not know
-- column Page                       bigint           thousand of the rows
-- column Row                        bigint           row in it
-- column PricingCurrency            varchar          ISO 4217; others than USD are for reference
-- column PriceType                  varchar          Consumption, Reservation or DevTestConsumption
-- column ReservationTerm            varchar          such as 1 Year; null unless a reservation
-- column MeterId                    varchar          GUID in lower case
-- column MeterName                  varchar          such as D2s v5
-- column ProductId                  varchar          such as DZH318Z0BQ4L
-- column SkuId                      varchar          such as DZH318Z0BQ4L/00TG
-- column ProductName                varchar          tells Windows from Linux
-- column SkuName                    varchar          tells Spot and Low Priority
-- column ServiceName                varchar          such as Virtual Machines
-- column ServiceId                  varchar          such as DZH313Z7MMC8
-- column ServiceFamily              varchar          such as Compute
-- column ArmSkuName                 varchar          such as Standard_D2s_v5; null where there is none
-- column RegionId                   varchar          such as westeurope; null for services without a region
-- column RegionName                 varchar          such as EU West
-- column UnitOfMeasure              varchar          what UnitPrice buys, such as 100 Hours
-- column TierMinimumUnits           decimal(38, 18)  UnitOfMeasure of a month from which the price holds
-- column UnitPrice                  decimal(38, 18)  PricingCurrency per UnitOfMeasure, or for a reservation's whole term
-- column RetailPrice                decimal(38, 18)  PricingCurrency, the same without any discount
-- column SavingsPlan1YearUnitPrice  decimal(38, 18)  PricingCurrency per UnitOfMeasure under a savings plan of a year; null without one
-- column SavingsPlan3YearUnitPrice  decimal(38, 18)  PricingCurrency per UnitOfMeasure under a savings plan of three years; null without one
-- column SavingsPlan                varchar          as served, JSON
-- column EffectiveStart             timestamp        the price holds from then on
-- column EffectiveEnd               timestamp        and until then; null mostly
-- column IsPrimaryMeterRegion       boolean          the meter is the one that usage in the region is charged by
--
-- check: coalesce((length(SavingsPlan) - length(replace(SavingsPlan, '"term":', ''))) / 7, 0)
--        = case when SavingsPlan1YearUnitPrice is null then 0 else 1 end + case when SavingsPlan3YearUnitPrice is null then 0 else 1 end
-- total: (select count(*) from stg_retail_prices) = (select count(*) from raw_retail_prices)
-- total: not exists (select PricingCurrency, sum(UnitPrice) from stg_retail_prices group by PricingCurrency
--        except select nullif(trim(currencyCode), ''), sum(unitPrice) from raw_retail_prices group by nullif(trim(currencyCode), ''))
select
    _scope as Scope,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    nullif(trim(currencyCode), '') as PricingCurrency,
    type as PriceType,
    reservationTerm as ReservationTerm,
    lower(meterId) as MeterId,
    meterName as MeterName,
    productId as ProductId,
    skuId as SkuId,
    productName as ProductName,
    skuName as SkuName,
    serviceName as ServiceName,
    serviceId as ServiceId,
    serviceFamily as ServiceFamily,
    nullif(trim(armSkuName), '') as ArmSkuName,
    nullif(lower(trim(armRegionName)), '') as RegionId,
    nullif(trim(location), '') as RegionName,
    nullif(trim(unitOfMeasure), '') as UnitOfMeasure,
    tierMinimumUnits as TierMinimumUnits,
    unitPrice as UnitPrice,
    retailPrice as RetailPrice,
    cast(nullif(regexp_extract(regexp_extract(savingsPlan, '\{[^{}]*"term":"1 Year"[^{}]*\}'), '"unitPrice":([-0-9.eE+]+)', 1), '')
        as decimal(38, 18)) as SavingsPlan1YearUnitPrice,
    cast(nullif(regexp_extract(regexp_extract(savingsPlan, '\{[^{}]*"term":"3 Years"[^{}]*\}'), '"unitPrice":([-0-9.eE+]+)', 1), '')
        as decimal(38, 18)) as SavingsPlan3YearUnitPrice,
    savingsPlan as SavingsPlan,
    effectiveStartDate as EffectiveStart,
    effectiveEndDate as EffectiveEnd,
    isPrimaryMeterRegion as IsPrimaryMeterRegion
from raw_retail_prices
