-- retail_price_change is a public list price that a run found new, gone, changed or described otherwise than the run before.
--
-- An offer is a sku and meter in a region, currency, price type, term and tier. Azure does not tell when a price changed; ChangeDate is
-- the run that saw it, and NewEffectiveStart the day that Azure gives the price. A savings plan's price may change while the
-- list price stays: then Change is 0.
--
-- reads:  stg_retail_price_changes
-- grain:  ChangeMonth, ChangeDate, Scope, Dataset, Page, Row
-- period: ChangeMonth
--
-- column ChangeMonth        date             first day of the month of ChangeDate
-- column ChangeDate         date             run date on which the change was found
-- column PreviousDate       date             run date of the prices compared with
-- column Scope              varchar          /retail/ and the currency
-- column Dataset            varchar          the day and the service family
-- column Page               bigint           thousand of the rows
-- column Row                bigint           row in it
-- column ChangeKind         varchar          new, gone, changed or described (another name, unit or date)
-- column PricingCurrency    varchar          ISO 4217
-- column OldListUnitPrice   decimal(38, 18)  PricingCurrency per UnitOfMeasure before; null when new
-- column NewListUnitPrice   decimal(38, 18)  PricingCurrency per UnitOfMeasure now; null when gone
-- column Change             decimal(38, 18)  PricingCurrency per UnitOfMeasure, new less old; null when new or gone
-- column ChangeShare        decimal(38, 18)  Change divided by the old price: 0.03 is three per cent more; null where there is none, or it was 0
-- column PriceType          varchar          Consumption, Reservation or DevTestConsumption
-- column ReservationTerm    varchar          such as 1 Year; null unless a reservation
-- column TierMinimumUnits   decimal(38, 18)  UnitOfMeasure of a month from which the price holds
-- column UnitOfMeasure      varchar          what the prices buy, such as 100 Hours
-- column OldEffectiveStart  timestamp        the old price held from then on
-- column NewEffectiveStart  timestamp        the new price holds from then on
-- column MeterId            varchar          GUID in lower case, x_SkuMeterId of cost_and_usage
-- column MeterName          varchar          such as D2s v5
-- column SkuId              varchar          such as DZH318Z0BQ4L/00TG
-- column ProductId          varchar          such as DZH318Z0BQ4L
-- column ProductName        varchar          tells Windows from Linux
-- column SkuName            varchar          tells Spot and Low Priority
-- column ArmSkuName         varchar          such as Standard_D2s_v5; null where there is none
-- column ServiceName        varchar          such as Virtual Machines
-- column ServiceFamily      varchar          such as Compute
-- column RegionId           varchar          such as westeurope; null for services without a region
-- column RegionName         varchar          such as EU West
-- column OldSavingsPlan     varchar          prices under savings plans before, JSON
-- column NewSavingsPlan     varchar          prices under savings plans now, JSON
--
-- check: (OldListUnitPrice is null) = (ChangeKind = 'new')
-- check: (NewListUnitPrice is null) = (ChangeKind = 'gone')
-- check: ChangeKind <> 'described' or Change = 0
-- total: not exists (select PricingCurrency, ChangeKind, count(*), sum(OldUnitPrice), sum(NewUnitPrice) from stg_retail_price_changes group by PricingCurrency, ChangeKind
--        except select PricingCurrency, ChangeKind, count(*), sum(OldListUnitPrice), sum(NewListUnitPrice) from retail_price_change group by PricingCurrency, ChangeKind)
select
    stg_retail_price_changes.ChangeMonth as ChangeMonth,
    stg_retail_price_changes.ChangeDate as ChangeDate,
    stg_retail_price_changes.PreviousDate as PreviousDate,
    stg_retail_price_changes.Scope as Scope,
    stg_retail_price_changes.Dataset as Dataset,
    stg_retail_price_changes.Page as Page,
    stg_retail_price_changes.Row as Row,
    stg_retail_price_changes.ChangeKind as ChangeKind,
    stg_retail_price_changes.PricingCurrency as PricingCurrency,
    stg_retail_price_changes.OldUnitPrice as OldListUnitPrice,
    stg_retail_price_changes.NewUnitPrice as NewListUnitPrice,
    stg_retail_price_changes.NewUnitPrice - stg_retail_price_changes.OldUnitPrice as Change,
    ratio(stg_retail_price_changes.NewUnitPrice - stg_retail_price_changes.OldUnitPrice, stg_retail_price_changes.OldUnitPrice) as ChangeShare,
    stg_retail_price_changes.PriceType as PriceType,
    stg_retail_price_changes.ReservationTerm as ReservationTerm,
    stg_retail_price_changes.TierMinimumUnits as TierMinimumUnits,
    stg_retail_price_changes.UnitOfMeasure as UnitOfMeasure,
    stg_retail_price_changes.OldEffectiveStart as OldEffectiveStart,
    stg_retail_price_changes.NewEffectiveStart as NewEffectiveStart,
    stg_retail_price_changes.MeterId as MeterId,
    stg_retail_price_changes.MeterName as MeterName,
    stg_retail_price_changes.SkuId as SkuId,
    stg_retail_price_changes.ProductId as ProductId,
    stg_retail_price_changes.ProductName as ProductName,
    stg_retail_price_changes.SkuName as SkuName,
    stg_retail_price_changes.ArmSkuName as ArmSkuName,
    stg_retail_price_changes.ServiceName as ServiceName,
    stg_retail_price_changes.ServiceFamily as ServiceFamily,
    stg_retail_price_changes.RegionId as RegionId,
    stg_retail_price_changes.RegionName as RegionName,
    stg_retail_price_changes.OldSavingsPlan as OldSavingsPlan,
    stg_retail_price_changes.NewSavingsPlan as NewSavingsPlan
from stg_retail_price_changes
