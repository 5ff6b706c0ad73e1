-- int_price is a price that the month's sheet has for what a cost record names, where it has just one.
--
-- Records name their meter and unit, those of an enrollment the part number and the offer besides, those of a customer agreement the
-- billing profile and the product, with its SKU or without. Where the sheet has tiers or several prices for that, nothing says which
-- one was paid, and it is not here. Prices of commitments are not looked up: they are no prices of usage.
--
-- reads:  int_price_sheet
-- grain:  Account, BillingPeriodStart, BillingProfileId, MeterId, SkuKey, OfferId, UnitOfMeasure, CurrencyCode
-- period: BillingPeriodStart
--
-- column Account             varchar          the account's name in the configuration
-- column BillingPeriodStart  date             first day of the month
-- column BillingProfileId    varchar          mca: name of the billing profile, upper case; empty of an enrollment
-- column MeterId             varchar          GUID in lower case
-- column SkuKey              varchar          ea: part number; mca: product, or product and SKU, upper case
-- column OfferId             varchar          such as MS-AZR-0017P; empty: whatever the offer
-- column UnitOfMeasure       varchar          what the price buys, such as 100 Hours
-- column CurrencyCode        varchar          ISO 4217
-- column UnitPrice           decimal(38, 18)  CurrencyCode per UnitOfMeasure, the negotiated price
-- column MarketPrice         decimal(38, 18)  CurrencyCode per UnitOfMeasure, the list price; null where there is none or more than one
--
-- check: SkuKey <> ''
-- total: (select count(*) from int_price) <= 2 * (select count(*) from int_price_sheet where PriceType = 'Consumption')
-- total: not exists (select Account, BillingPeriodStart, MeterId, UnitOfMeasure, CurrencyCode, UnitPrice from int_price
--        except select Account, BillingPeriodStart, MeterId, UnitOfMeasure, CurrencyCode, UnitPrice from int_price_sheet where PriceType = 'Consumption')
with
consumption as (
    select
        int_price_sheet.Account as Account,
        int_price_sheet.BillingPeriodStart as BillingPeriodStart,
        coalesce(int_price_sheet.BillingProfileId, '') as BillingProfileId,
        int_price_sheet.MeterId as MeterId,
        int_price_sheet.PartNumber as PartNumber,
        int_price_sheet.OfferId as OfferId,
        upper(int_price_sheet.ProductId) as ProductId,
        upper(int_price_sheet.SkuId) as SkuId,
        int_price_sheet.UnitOfMeasure as UnitOfMeasure,
        int_price_sheet.CurrencyCode as CurrencyCode,
        int_price_sheet.UnitPrice as UnitPrice,
        int_price_sheet.MarketPrice as MarketPrice
    from int_price_sheet
    where int_price_sheet.PriceType = 'Consumption'
        and int_price_sheet.MeterId is not null
        and int_price_sheet.UnitOfMeasure is not null
        and int_price_sheet.CurrencyCode is not null
        and int_price_sheet.UnitPrice is not null
),
keyed as (
    select
        consumption.Account as Account,
        consumption.BillingPeriodStart as BillingPeriodStart,
        consumption.BillingProfileId as BillingProfileId,
        consumption.MeterId as MeterId,
        consumption.PartNumber as SkuKey,
        '' as OfferId,
        consumption.UnitOfMeasure as UnitOfMeasure,
        consumption.CurrencyCode as CurrencyCode,
        consumption.UnitPrice as UnitPrice,
        consumption.MarketPrice as MarketPrice
    from consumption
    where consumption.PartNumber is not null
    union all
    select
        consumption.Account as Account,
        consumption.BillingPeriodStart as BillingPeriodStart,
        consumption.BillingProfileId as BillingProfileId,
        consumption.MeterId as MeterId,
        consumption.PartNumber as SkuKey,
        consumption.OfferId as OfferId,
        consumption.UnitOfMeasure as UnitOfMeasure,
        consumption.CurrencyCode as CurrencyCode,
        consumption.UnitPrice as UnitPrice,
        consumption.MarketPrice as MarketPrice
    from consumption
    where consumption.PartNumber is not null
        and consumption.OfferId is not null
    union all
    select
        consumption.Account as Account,
        consumption.BillingPeriodStart as BillingPeriodStart,
        consumption.BillingProfileId as BillingProfileId,
        consumption.MeterId as MeterId,
        consumption.ProductId as SkuKey,
        '' as OfferId,
        consumption.UnitOfMeasure as UnitOfMeasure,
        consumption.CurrencyCode as CurrencyCode,
        consumption.UnitPrice as UnitPrice,
        consumption.MarketPrice as MarketPrice
    from consumption
    where consumption.PartNumber is null
        and consumption.ProductId is not null
    union all
    select
        consumption.Account as Account,
        consumption.BillingPeriodStart as BillingPeriodStart,
        consumption.BillingProfileId as BillingProfileId,
        consumption.MeterId as MeterId,
        consumption.ProductId || consumption.SkuId as SkuKey,
        '' as OfferId,
        consumption.UnitOfMeasure as UnitOfMeasure,
        consumption.CurrencyCode as CurrencyCode,
        consumption.UnitPrice as UnitPrice,
        consumption.MarketPrice as MarketPrice
    from consumption
    where consumption.PartNumber is null
        and consumption.ProductId is not null
        and consumption.SkuId is not null
)
select
    keyed.Account as Account,
    keyed.BillingPeriodStart as BillingPeriodStart,
    keyed.BillingProfileId as BillingProfileId,
    keyed.MeterId as MeterId,
    keyed.SkuKey as SkuKey,
    keyed.OfferId as OfferId,
    keyed.UnitOfMeasure as UnitOfMeasure,
    keyed.CurrencyCode as CurrencyCode,
    min(keyed.UnitPrice) as UnitPrice,
    case when min(keyed.MarketPrice) = max(keyed.MarketPrice) then min(keyed.MarketPrice) end as MarketPrice
from keyed
group by 1, 2, 3, 4, 5, 6, 7, 8
having min(keyed.UnitPrice) = max(keyed.UnitPrice)
