-- stg_retail_price_changes is a list price that a run found new, gone, changed or described otherwise than the run before.
--
-- An offer is a sku and meter in a region, currency, price type, term and tier. Kind changed is another price or another savings plan;
-- described is the same price under another name, unit or date. A unit holds a day's changes of one service family.
--
-- reads:  raw_retail_price_changes
-- grain:  Scope, ChangeMonth, Dataset, Page, Row
-- period: ChangeMonth
--
-- input day                     date
-- input since                   date
-- input kind                    varchar
-- input currencyCode            varchar
-- input meterId                 varchar
-- input skuId                   varchar
-- input productId               varchar
-- input type                    varchar
-- input reservationTerm         varchar
-- input tierMinimumUnits        decimal(38, 18)
-- input armRegionName           varchar
-- input serviceFamily           varchar
-- input serviceName             varchar
-- input productName             varchar
-- input skuName                 varchar
-- input meterName               varchar
-- input armSkuName              varchar
-- input location                varchar
-- input unitOfMeasure           varchar
-- input old_unitPrice           decimal(38, 18)
-- input new_unitPrice           decimal(38, 18)
-- input old_retailPrice         decimal(38, 18)
-- input new_retailPrice         decimal(38, 18)
-- input old_effectiveStartDate  timestamp
-- input new_effectiveStartDate  timestamp
-- input old_savingsPlan         varchar
-- input new_savingsPlan         varchar
--
-- column Scope              varchar          /retail/ and the currency
-- column ChangeMonth        date             first day of the month of ChangeDate
-- column Dataset            varchar          the day and the service family
-- column Page               bigint           thousand of the rows
-- column Row                bigint           row in it
-- column ChangeDate         date             run date on which the change was found
-- column PreviousDate       date             run date of the prices compared with
-- column ChangeKind         varchar          new, gone, changed or described
-- column PricingCurrency    varchar          ISO 4217
-- column PriceType          varchar          Consumption, Reservation or DevTestConsumption
-- column ReservationTerm    varchar          such as 1 Year; null unless a reservation
-- column MeterId            varchar          GUID in lower case
-- column ProductId          varchar          such as DZH318Z0BQ4L
-- column SkuId              varchar          such as DZH318Z0BQ4L/00TG
-- column RegionId           varchar          such as westeurope; null for services without a region
-- column RegionName         varchar          such as EU West
-- column TierMinimumUnits   decimal(38, 18)  UnitOfMeasure of a month from which the price holds
-- column ServiceFamily      varchar          such as Compute
-- column ServiceName        varchar          such as Virtual Machines
-- column ProductName        varchar          tells Windows from Linux
-- column SkuName            varchar          tells Spot and Low Priority
-- column MeterName          varchar          such as D2s v5
-- column ArmSkuName         varchar          such as Standard_D2s_v5; null where there is none
-- column UnitOfMeasure      varchar          what the prices buy, such as 100 Hours
-- column OldUnitPrice       decimal(38, 18)  PricingCurrency per UnitOfMeasure before; null when new
-- column NewUnitPrice       decimal(38, 18)  PricingCurrency per UnitOfMeasure now; null when gone
-- column OldRetailPrice     decimal(38, 18)  PricingCurrency before
-- column NewRetailPrice     decimal(38, 18)  PricingCurrency now
-- column OldEffectiveStart  timestamp        the old price held from then on
-- column NewEffectiveStart  timestamp        the new price holds from then on
-- column OldSavingsPlan     varchar          prices under savings plans before, JSON
-- column NewSavingsPlan     varchar          prices under savings plans now, JSON
--
-- check: ChangeKind in ('new', 'gone', 'changed', 'described')
-- check: PreviousDate <= ChangeDate
-- total: (select count(*) from stg_retail_price_changes) = (select count(*) from raw_retail_price_changes)
-- total: not exists (select PricingCurrency, sum(OldUnitPrice), sum(NewUnitPrice) from stg_retail_price_changes group by PricingCurrency
--        except select nullif(trim(currencyCode), ''), sum(old_unitPrice), sum(new_unitPrice) from raw_retail_price_changes group by nullif(trim(currencyCode), ''))
select
    _scope as Scope,
    cast(_period || '-01' as date) as ChangeMonth,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    day as ChangeDate,
    since as PreviousDate,
    kind as ChangeKind,
    nullif(trim(currencyCode), '') as PricingCurrency,
    type as PriceType,
    reservationTerm as ReservationTerm,
    lower(meterId) as MeterId,
    productId as ProductId,
    skuId as SkuId,
    nullif(lower(trim(armRegionName)), '') as RegionId,
    nullif(trim(location), '') as RegionName,
    tierMinimumUnits as TierMinimumUnits,
    serviceFamily as ServiceFamily,
    serviceName as ServiceName,
    productName as ProductName,
    skuName as SkuName,
    meterName as MeterName,
    nullif(trim(armSkuName), '') as ArmSkuName,
    nullif(trim(unitOfMeasure), '') as UnitOfMeasure,
    old_unitPrice as OldUnitPrice,
    new_unitPrice as NewUnitPrice,
    old_retailPrice as OldRetailPrice,
    new_retailPrice as NewRetailPrice,
    old_effectiveStartDate as OldEffectiveStart,
    new_effectiveStartDate as NewEffectiveStart,
    old_savingsPlan as OldSavingsPlan,
    new_savingsPlan as NewSavingsPlan
from raw_retail_price_changes
