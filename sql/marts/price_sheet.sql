-- price_sheet is one negotiated price of an enrollment in one billing period.
--
-- A meter has a row per offer and part number. UnitPrice is the price of the whole UnitOfMeasure ("100 Hours"), not of one unit.
--
-- reads:  stg_price_sheet
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- column BillingPeriodStart     date             first day of the billing period
-- column Account                varchar          the account's name in the configuration
-- column Scope                  varchar          the scope the API was asked for
-- column Page                   bigint           page the row came on
-- column Row                    bigint           row on that page
-- column MeterId                varchar          GUID in lower case, x_SkuMeterId of cost_and_usage
-- column PartNumber             varchar          x_SkuPartNumber of cost_and_usage
-- column OfferId                varchar          x_SkuOfferId of cost_and_usage; null when the price holds for every offer
-- column UnitOfMeasure          varchar          what UnitPrice buys, such as 100 Hours
-- column UnitPrice              decimal(38, 18)  CurrencyCode per UnitOfMeasure, the negotiated price
-- column IncludedQuantity       decimal(38, 18)  UnitOfMeasure, free of charge in the enrollment
-- column CurrencyCode           varchar          ISO 4217
-- column MeterName              varchar          null unless meter details were asked for, as are the following
-- column MeterCategory          varchar          such as Virtual Machines
-- column MeterSubCategory       varchar          such as Dv3 Series
-- column MeterLocation          varchar          region of the meter
-- column MeterUnit              varchar          unit of StandardRate
-- column StandardRate           decimal(38, 18)  CurrencyCode per MeterUnit, the list price before tax
-- column TotalIncludedQuantity  decimal(38, 18)  MeterUnit
-- column ServiceName            varchar          the service of the meter
-- column ServiceTier            varchar          the tier of the service
--
-- check: UnitPrice >= 0
-- total: not exists (select CurrencyCode, count(*), sum(UnitPrice) from stg_price_sheet group by CurrencyCode
--        except select CurrencyCode, count(*), sum(UnitPrice) from price_sheet group by CurrencyCode)
select
    stg_price_sheet.BillingPeriodStart as BillingPeriodStart,
    stg_price_sheet.Account as Account,
    stg_price_sheet.Scope as Scope,
    stg_price_sheet.Page as Page,
    stg_price_sheet.Row as Row,
    stg_price_sheet.MeterId as MeterId,
    stg_price_sheet.PartNumber as PartNumber,
    stg_price_sheet.OfferId as OfferId,
    stg_price_sheet.UnitOfMeasure as UnitOfMeasure,
    stg_price_sheet.UnitPrice as UnitPrice,
    stg_price_sheet.IncludedQuantity as IncludedQuantity,
    stg_price_sheet.CurrencyCode as CurrencyCode,
    stg_price_sheet.MeterName as MeterName,
    stg_price_sheet.MeterCategory as MeterCategory,
    stg_price_sheet.MeterSubCategory as MeterSubCategory,
    stg_price_sheet.MeterLocation as MeterLocation,
    stg_price_sheet.MeterUnit as MeterUnit,
    stg_price_sheet.StandardRate as StandardRate,
    stg_price_sheet.TotalIncludedQuantity as TotalIncludedQuantity,
    stg_price_sheet.ServiceName as ServiceName,
    stg_price_sheet.ServiceTier as ServiceTier
from stg_price_sheet
