-- stg_price_sheet is a price of an enrollment's price sheet in one billing period.
--
-- Meter ids come in upper case here and in lower case in cost records, so they are folded. UnitPrice is the price of the
-- whole UnitOfMeasure ("100 Hours"), not of one unit. IncludedQuantity is free at the level of the enrollment.
--
-- reads:  raw_price_sheet
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input billingPeriodId                     varchar
-- input meterId                             varchar
-- input unitOfMeasure                       varchar
-- input includedQuantity                    decimal(38, 18)
-- input partNumber                          varchar
-- input unitPrice                           decimal(38, 18)
-- input currencyCode                        varchar
-- input offerId                             varchar
-- input meterDetails_meterName              varchar
-- input meterDetails_meterCategory          varchar
-- input meterDetails_meterSubCategory       varchar
-- input meterDetails_unit                   varchar
-- input meterDetails_meterLocation          varchar
-- input meterDetails_totalIncludedQuantity  decimal(38, 18)
-- input meterDetails_pretaxStandardRate     decimal(38, 18)
-- input meterDetails_serviceName            varchar
-- input meterDetails_serviceTier            varchar
--
-- column Account                varchar          the account's name in the configuration
-- column Scope                  varchar          the scope the API was asked for
-- column BillingPeriodStart     date             first day of the billing period
-- column Page                   bigint           page the row came on
-- column Row                    bigint           row on that page
-- column BillingPeriodName      varchar          the API's name of the period, such as 202610
-- column MeterId                varchar          GUID in lower case
-- column PartNumber             varchar          x_SkuPartNumber of cost_and_usage
-- column OfferId                varchar          such as MS-AZR-0017P; null when the price holds for every offer
-- column UnitOfMeasure          varchar          what UnitPrice buys, such as 100 Hours
-- column UnitPrice              decimal(38, 18)  CurrencyCode per UnitOfMeasure, the negotiated price
-- column IncludedQuantity       decimal(38, 18)  UnitOfMeasure, free of charge in the enrollment
-- column CurrencyCode           varchar          ISO 4217, trimmed
-- column MeterName              varchar          null unless meter details were asked for
-- column MeterCategory          varchar          such as Virtual Machines
-- column MeterSubCategory       varchar          such as Dv3 Series
-- column MeterLocation          varchar          region of the meter
-- column MeterUnit              varchar          unit of StandardRate
-- column StandardRate           decimal(38, 18)  CurrencyCode per MeterUnit, the list price before tax
-- column TotalIncludedQuantity  decimal(38, 18)  MeterUnit
-- column ServiceName            varchar          the service of the meter
-- column ServiceTier            varchar          the tier of the service
--
-- total: (select count(*) from stg_price_sheet) = (select count(*) from raw_price_sheet)
-- total: not exists (select CurrencyCode, sum(UnitPrice) from stg_price_sheet group by CurrencyCode
--        except select nullif(trim(currencyCode), ''), sum(unitPrice) from raw_price_sheet group by nullif(trim(currencyCode), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    nullif(regexp_extract(billingPeriodId, '([^/]*)$', 1), '') as BillingPeriodName,
    nullif(lower(trim(meterId)), '') as MeterId,
    nullif(trim(partNumber), '') as PartNumber,
    nullif(trim(offerId), '') as OfferId,
    nullif(trim(unitOfMeasure), '') as UnitOfMeasure,
    unitPrice as UnitPrice,
    includedQuantity as IncludedQuantity,
    nullif(trim(currencyCode), '') as CurrencyCode,
    nullif(meterDetails_meterName, '') as MeterName,
    nullif(meterDetails_meterCategory, '') as MeterCategory,
    nullif(meterDetails_meterSubCategory, '') as MeterSubCategory,
    nullif(meterDetails_meterLocation, '') as MeterLocation,
    nullif(meterDetails_unit, '') as MeterUnit,
    meterDetails_pretaxStandardRate as StandardRate,
    meterDetails_totalIncludedQuantity as TotalIncludedQuantity,
    nullif(meterDetails_serviceName, '') as ServiceName,
    nullif(meterDetails_serviceTier, '') as ServiceTier
from raw_price_sheet
