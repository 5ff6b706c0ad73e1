-- price_sheet is one negotiated price of an account in one billing period.
--
-- A meter has a row per offer and part number (enrollment) or product, SKU and tier (customer agreement), and more for reservations and
-- savings plans. UnitPrice is the price of the whole UnitOfMeasure ("100 Hours"), not of one unit. The price of a reservation is that of
-- its whole term, whatever the unit says.
--
-- reads:  int_price_sheet
-- grain:  Account, Source, Scope, BillingPeriodStart, Dataset, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- column BillingPeriodStart     date             first day of the billing period
-- column Account                varchar          the account's name in the configuration
-- column Source                 varchar          where the line is from: price_sheet_export, price_sheet_download or price_sheet
-- column Scope                  varchar          the scope that was asked
-- column Dataset                varchar          current: the sheet as it was while the month was open; closed: after it was over; all: not said
-- column Page                   bigint           page or file the line came on
-- column Row                    bigint           line of it
-- column BillingAccountId       varchar          ea: enrollment number; mca: billing account; null of a page
-- column BillingProfileId       varchar          mca: name of the billing profile in upper case, x_BillingProfileId of cost_and_usage; null of an enrollment
-- column PriceType              varchar          Consumption, Reservation or SavingsPlan; others as served
-- column Term                   varchar          months of the commitment, as text, x_SkuTerm of cost_and_usage; null of consumption
-- column MeterId                varchar          GUID in lower case, x_SkuMeterId of cost_and_usage
-- column PartNumber             varchar          ea: x_SkuPartNumber of cost_and_usage
-- column OfferId                varchar          ea: x_SkuOfferId of cost_and_usage; null when the price holds for every offer
-- column ProductId              varchar          product; mca: with SkuId behind it the SkuId of cost_and_usage
-- column SkuId                  varchar          SKU of the product
-- column ProductOrderName       varchar          mca: plan the price is of, such as Azure plan for DevTest
-- column UnitOfMeasure          varchar          what UnitPrice buys, such as 100 Hours, x_PricingUnitDescription of cost_and_usage
-- column BlockSize              decimal(38, 18)  single units in UnitOfMeasure: 100
-- column PricingUnit            varchar          the single unit: Hours
-- column TierMinimumUnits       decimal(38, 18)  mca: quantity from which the price holds; 0 of the first tier
-- column IncludedQuantity       decimal(38, 18)  UnitOfMeasure, free of charge in the enrollment
-- column UnitPrice              decimal(38, 18)  CurrencyCode per UnitOfMeasure, the negotiated price; of a reservation for the whole term
-- column BasePrice              decimal(38, 18)  CurrencyCode per UnitOfMeasure, when the agreement was signed; null of a page
-- column MarketPrice            decimal(38, 18)  CurrencyCode per UnitOfMeasure, the list price; null of a page, see StandardRate
-- column SingleUnitPrice        decimal(38, 18)  CurrencyCode per PricingUnit: UnitPrice / BlockSize; null of a reservation
-- column Discount               decimal(38, 18)  per cent; mca, older sheets
-- column CurrencyCode           varchar          ISO 4217, of the prices
-- column BillingCurrency        varchar          ISO 4217, of the invoices; null where the sheet does not say
-- column EffectiveStartDate     date             first day of the sheet or the price; null of a page
-- column EffectiveEndDate       date             last day of it; null of a page
-- column ProductName            varchar          null of a page
-- column MeterName              varchar          null of a page unless meter details were asked for, as are the following
-- column MeterType              varchar          null of a page
-- column MeterCategory          varchar          such as Virtual Machines
-- column MeterSubCategory       varchar          such as Dv3 Series
-- column MeterLocation          varchar          region of the meter
-- column ServiceFamily          varchar          such as Compute; null of a page
-- column MeterUnit              varchar          unit of StandardRate; pages only
-- column StandardRate           decimal(38, 18)  CurrencyCode per MeterUnit, the list price before tax; pages only
-- column TotalIncludedQuantity  decimal(38, 18)  MeterUnit; pages only
-- column ServiceName            varchar          the service of the meter; pages only
-- column ServiceTier            varchar          the tier of the service; pages only
--
-- check: UnitPrice >= 0
-- check: BlockSize is null or BlockSize > 0
-- total: not exists (select PriceType, CurrencyCode, count(*), sum(UnitPrice) from int_price_sheet group by PriceType, CurrencyCode
--        except select PriceType, CurrencyCode, count(*), sum(UnitPrice) from price_sheet group by PriceType, CurrencyCode)
with
units as (
    select
        int_price_sheet.UnitOfMeasure as UnitOfMeasure,
        block_size(int_price_sheet.UnitOfMeasure) as BlockSize,
        unit_name(int_price_sheet.UnitOfMeasure) as PricingUnit
    from int_price_sheet
    where int_price_sheet.UnitOfMeasure is not null
    group by 1, 2, 3
)
select
    int_price_sheet.BillingPeriodStart as BillingPeriodStart,
    int_price_sheet.Account as Account,
    int_price_sheet.Source as Source,
    int_price_sheet.Scope as Scope,
    int_price_sheet.Dataset as Dataset,
    int_price_sheet.Page as Page,
    int_price_sheet.Row as Row,
    int_price_sheet.BillingAccountId as BillingAccountId,
    int_price_sheet.BillingProfileId as BillingProfileId,
    int_price_sheet.PriceType as PriceType,
    int_price_sheet.Term as Term,
    int_price_sheet.MeterId as MeterId,
    int_price_sheet.PartNumber as PartNumber,
    int_price_sheet.OfferId as OfferId,
    int_price_sheet.ProductId as ProductId,
    int_price_sheet.SkuId as SkuId,
    int_price_sheet.ProductOrderName as ProductOrderName,
    int_price_sheet.UnitOfMeasure as UnitOfMeasure,
    units.BlockSize as BlockSize,
    units.PricingUnit as PricingUnit,
    int_price_sheet.TierMinimumUnits as TierMinimumUnits,
    int_price_sheet.IncludedQuantity as IncludedQuantity,
    int_price_sheet.UnitPrice as UnitPrice,
    int_price_sheet.BasePrice as BasePrice,
    int_price_sheet.MarketPrice as MarketPrice,
    case when int_price_sheet.PriceType <> 'Reservation' then ratio(int_price_sheet.UnitPrice, units.BlockSize) end as SingleUnitPrice,
    int_price_sheet.Discount as Discount,
    int_price_sheet.CurrencyCode as CurrencyCode,
    int_price_sheet.BillingCurrency as BillingCurrency,
    int_price_sheet.EffectiveStartDate as EffectiveStartDate,
    int_price_sheet.EffectiveEndDate as EffectiveEndDate,
    int_price_sheet.ProductName as ProductName,
    int_price_sheet.MeterName as MeterName,
    int_price_sheet.MeterType as MeterType,
    int_price_sheet.MeterCategory as MeterCategory,
    int_price_sheet.MeterSubCategory as MeterSubCategory,
    int_price_sheet.MeterRegion as MeterLocation,
    int_price_sheet.ServiceFamily as ServiceFamily,
    int_price_sheet.MeterUnit as MeterUnit,
    int_price_sheet.StandardRate as StandardRate,
    int_price_sheet.TotalIncludedQuantity as TotalIncludedQuantity,
    int_price_sheet.ServiceName as ServiceName,
    int_price_sheet.ServiceTier as ServiceTier
from int_price_sheet
left join units
    on units.UnitOfMeasure = int_price_sheet.UnitOfMeasure
