-- stg_ea_price_sheet is a price of the retired Enterprise Reporting's price sheet.
--
-- UnitPrice is the price of the whole UnitOfMeasure ("100 Hours"), not of one unit.
--
-- reads:  raw_ea_price_sheet
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input billingPeriodId   varchar
-- input meterId           varchar
-- input meterName         varchar
-- input unitOfMeasure     varchar
-- input partNumber        varchar
-- input currencyCode      varchar
-- input offerId           varchar
-- input serviceName       varchar
-- input serviceTier       varchar
-- input meterRegion       varchar
-- input includedQuantity  decimal(38, 18)
-- input unitPrice         decimal(38, 18)
--
-- column Account             varchar          the account's name in the configuration
-- column Scope               varchar          the scope the API was asked for
-- column BillingPeriodStart  date             first day of the billing period
-- column Page                bigint           page the row came on
-- column Row                 bigint           row on that page
-- column EnrollmentId        varchar          the enrollment's number
-- column BillingPeriodName   varchar          such as 201704
-- column MeterId             varchar          GUID in lower case
-- column MeterName           varchar
-- column MeterCategory       varchar          the service; null where it is not said
-- column MeterSubCategory    varchar          the tier; null where it is not said
-- column MeterRegion         varchar          null where it is not said
-- column PartNumber          varchar          x_SkuPartNumber of cost_and_usage
-- column OfferId             varchar          such as MS-AZR-0017P; null where it is not said
-- column UnitOfMeasure       varchar          what UnitPrice buys, such as 100 Hours
-- column UnitPrice           decimal(38, 18)  CurrencyCode per UnitOfMeasure, the negotiated price
-- column IncludedQuantity    decimal(38, 18)  UnitOfMeasure, free of charge in the enrollment
-- column CurrencyCode        varchar          ISO 4217, trimmed
--
-- total: (select count(*) from stg_ea_price_sheet) = (select count(*) from raw_ea_price_sheet)
-- total: coalesce((select sum(UnitPrice) from stg_ea_price_sheet), 0) = coalesce((select sum(unitPrice) from raw_ea_price_sheet), 0)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    regexp_extract(_scope, '([^/]*)$', 1) as EnrollmentId,
    nullif(billingPeriodId, '') as BillingPeriodName,
    nullif(lower(trim(meterId)), '') as MeterId,
    nullif(meterName, '') as MeterName,
    nullif(serviceName, '') as MeterCategory,
    nullif(serviceTier, '') as MeterSubCategory,
    nullif(meterRegion, '') as MeterRegion,
    nullif(trim(partNumber), '') as PartNumber,
    nullif(trim(offerId), '') as OfferId,
    nullif(trim(unitOfMeasure), '') as UnitOfMeasure,
    unitPrice as UnitPrice,
    includedQuantity as IncludedQuantity,
    nullif(trim(currencyCode), '') as CurrencyCode
from raw_ea_price_sheet
