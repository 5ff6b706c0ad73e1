-- stg_price_sheet_file is a line of a price sheet as a file has it, downloaded or exported; Source says which.
--
-- Price types, terms and currencies are spelled one way: sheets say ReservedInstance and "Savings Plan", P1Y and "1 Year". Meter ids
-- are folded. UnitPrice is the price of the whole UnitOfMeasure ("100 Hours"), not of one unit, and of a reservation the price of the
-- whole term. A sheet of before prices had types lists consumption only.
--
-- Dataset current is the sheet as it was while its month was open, closed the sheet of a month that was over: that of an enrollment
-- has no prices of reservations any more. Which counts is decided in int_price_sheet.
--
-- reads:  raw_price_sheet_export, raw_price_sheet_download
-- grain:  Account, Source, Scope, BillingPeriodStart, Dataset, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- input _file               varchar
-- input EnrollmentNumber    varchar
-- input BillingAccountId    varchar
-- input BillingAccountName  varchar
-- input BillingProfileId    varchar
-- input BillingProfileName  varchar
-- input PriceType           varchar
-- input Term                varchar
-- input MeterId             varchar
-- input PartNumber          varchar
-- input OfferId             varchar
-- input ProductId           varchar
-- input SkuId               varchar
-- input ProductOrderName    varchar
-- input UnitOfMeasure       varchar
-- input UnitPrice           decimal(38, 18)
-- input BasePrice           decimal(38, 18)
-- input MarketPrice         decimal(38, 18)
-- input IncludedQuantity    decimal(38, 18)
-- input TierMinimumUnits    decimal(38, 18)
-- input Discount            decimal(38, 18)
-- input Currency            varchar
-- input BillingCurrency     varchar
-- input EffectiveStartDate  date
-- input EffectiveEndDate    date
-- input MeterName           varchar
-- input MeterType           varchar
-- input MeterCategory       varchar
-- input MeterSubCategory    varchar
-- input MeterRegion         varchar
-- input ServiceFamily       varchar
-- input Product             varchar
--
-- column Account             varchar          the account's name in the configuration
-- column Source              varchar          price_sheet_export or price_sheet_download
-- column Scope               varchar          the billing account or billing profile that was asked, or that is exported
-- column BillingPeriodStart  date             first day of the month the sheet is of
-- column Dataset             varchar          current or closed, see above
-- column Page                bigint           file of the download or the export
-- column Row                 bigint           line of the file
-- column File                varchar          name of the file
-- column BillingAccountId    varchar          ea: enrollment number; mca: billing account
-- column BillingAccountName  varchar          mca: its name
-- column BillingProfileId    varchar          mca: name of the billing profile, upper case, without the path before it
-- column BillingProfileName  varchar          mca: its name
-- column PriceType           varchar          Consumption, Reservation or SavingsPlan; others as served
-- column Term                varchar          months of the commitment, as text; null of consumption
-- column MeterId             varchar          GUID in lower case
-- column PartNumber          varchar          ea
-- column OfferId             varchar          ea: such as MS-AZR-0017P
-- column ProductId           varchar          product; with SkuId what mca calls a product in cost records
-- column SkuId               varchar          its SKU, without the product before it
-- column ProductOrderName    varchar          mca: plan the price is of, such as Azure plan or Azure plan for DevTest
-- column UnitOfMeasure       varchar          what UnitPrice buys, such as 100 Hours
-- column UnitPrice           decimal(38, 18)  CurrencyCode per UnitOfMeasure, the negotiated price; of a reservation for the whole term
-- column BasePrice           decimal(38, 18)  CurrencyCode per UnitOfMeasure, the price when the agreement was signed, or later the meter came
-- column MarketPrice         decimal(38, 18)  CurrencyCode per UnitOfMeasure, the list price
-- column IncludedQuantity    decimal(38, 18)  UnitOfMeasure, free of charge in the enrollment
-- column TierMinimumUnits    decimal(38, 18)  mca: quantity from which the price holds
-- column Discount            decimal(38, 18)  per cent; mca, older sheets
-- column CurrencyCode        varchar          ISO 4217, of the prices
-- column BillingCurrency     varchar          ISO 4217, of the invoices; null where the sheet does not say
-- column EffectiveStartDate  date             first day of the sheet or the price
-- column EffectiveEndDate    date             last day of it
-- column MeterName           varchar
-- column MeterType           varchar
-- column MeterCategory       varchar
-- column MeterSubCategory    varchar
-- column MeterRegion         varchar
-- column ServiceFamily       varchar
-- column ProductName         varchar
--
-- check: PriceType <> ''
-- total: (select count(*) from stg_price_sheet_file)
--        = (select count(*) from raw_price_sheet_export) + (select count(*) from raw_price_sheet_download)
-- total: not exists (select Source, CurrencyCode, sum(UnitPrice) from stg_price_sheet_file group by Source, CurrencyCode
--        except (select 'price_sheet_export', nullif(upper(trim(Currency)), ''), sum(UnitPrice) from raw_price_sheet_export group by nullif(upper(trim(Currency)), '')
--            union all select 'price_sheet_download', nullif(upper(trim(Currency)), ''), sum(UnitPrice) from raw_price_sheet_download group by nullif(upper(trim(Currency)), '')))
with
lines as (
    select
        raw_price_sheet_export.*,
        'price_sheet_export' as _source
    from raw_price_sheet_export
    union all
    select
        raw_price_sheet_download.*,
        'price_sheet_download' as _source
    from raw_price_sheet_download
)
select
    _account as Account,
    _source as Source,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    _file as File,
    coalesce(nullif(trim(EnrollmentNumber), ''), nullif(trim(BillingAccountId), '')) as BillingAccountId,
    nullif(trim(BillingAccountName), '') as BillingAccountName,
    nullif(upper(regexp_extract(trim(BillingProfileId), '([^/]*)$', 1)), '') as BillingProfileId,
    nullif(trim(BillingProfileName), '') as BillingProfileName,
    case
        when coalesce(trim(PriceType), '') = '' and coalesce(trim(Term), '') = '' then 'Consumption'
        when coalesce(trim(PriceType), '') = '' then 'Unknown'
        when lower(replace(PriceType, ' ', '')) = 'consumption' then 'Consumption'
        when lower(replace(PriceType, ' ', '')) in ('reservedinstance', 'reservation') then 'Reservation'
        when lower(replace(PriceType, ' ', '')) = 'savingsplan' then 'SavingsPlan'
        else trim(PriceType)
    end as PriceType,
    case
        when upper(replace(Term, ' ', '')) in ('1YEAR', 'P1Y') then '12'
        when upper(replace(Term, ' ', '')) in ('3YEARS', '3YEAR', 'P3Y') then '36'
        when upper(replace(Term, ' ', '')) in ('5YEARS', '5YEAR', 'P5Y') then '60'
        when upper(replace(Term, ' ', '')) in ('1MONTH', 'P1M') then '1'
        else nullif(trim(Term), '')
    end as Term,
    nullif(lower(trim(MeterId)), '') as MeterId,
    nullif(trim(PartNumber), '') as PartNumber,
    nullif(trim(OfferId), '') as OfferId,
    nullif(trim(ProductId), '') as ProductId,
    nullif(regexp_extract(trim(SkuId), '([^/]*)$', 1), '') as SkuId,
    nullif(trim(ProductOrderName), '') as ProductOrderName,
    nullif(trim(UnitOfMeasure), '') as UnitOfMeasure,
    UnitPrice as UnitPrice,
    BasePrice as BasePrice,
    MarketPrice as MarketPrice,
    IncludedQuantity as IncludedQuantity,
    TierMinimumUnits as TierMinimumUnits,
    Discount as Discount,
    nullif(upper(trim(Currency)), '') as CurrencyCode,
    nullif(upper(trim(BillingCurrency)), '') as BillingCurrency,
    EffectiveStartDate as EffectiveStartDate,
    EffectiveEndDate as EffectiveEndDate,
    nullif(trim(MeterName), '') as MeterName,
    nullif(trim(MeterType), '') as MeterType,
    nullif(trim(MeterCategory), '') as MeterCategory,
    nullif(trim(MeterSubCategory), '') as MeterSubCategory,
    nullif(trim(MeterRegion), '') as MeterRegion,
    nullif(trim(ServiceFamily), '') as ServiceFamily,
    nullif(trim(Product), '') as ProductName
from lines
