-- int_price_sheet is a price of the sheet that counts for an account, scope and month.
--
-- The same sheet can be exported, downloaded as a file and read page by page. For each account, scope, month and price type one
-- counts, whole: the export before the download, and that before the pages, which list consumption alone.
--
-- Of a month that is over a file can be there twice: as it was when the month was open (current), and made afterwards (closed). The
-- later one counts, since prices are restated, wherever it is from; but an enrollment's sheet has prices of reservations only while
-- its month is open, so these come from the last sheet of the open month, and so does any price type that the later sheet lacks.
--
-- reads:  stg_price_sheet_file, stg_price_sheet
-- grain:  Account, Source, Scope, BillingPeriodStart, Dataset, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
-- from:   stg_price_sheet_file on Account, Source, Scope, Dataset, Page, Row
-- from:   stg_price_sheet on Account, Scope, Page, Row where int_price_sheet.Source = 'price_sheet'
--
-- column Account                varchar          the account's name in the configuration
-- column Source                 varchar          price_sheet_export, price_sheet_download or price_sheet
-- column Scope                  varchar          the scope that was asked
-- column BillingPeriodStart     date             first day of the month the sheet is of
-- column Dataset                varchar          current: as it was while the month was open; closed: after it was over; all: not said
-- column Page                   bigint           page or file of the sheet
-- column Row                    bigint           line of it
-- column File                   varchar          name of the file; null of a page
-- column BillingAccountId       varchar          ea: enrollment number; mca: billing account; null of a page
-- column BillingProfileId       varchar          mca: name of the billing profile, upper case; null of an enrollment's sheet
-- column PriceType              varchar          Consumption, Reservation or SavingsPlan; others as served
-- column Term                   varchar          months of the commitment, as text; null of consumption
-- column MeterId                varchar          GUID in lower case
-- column PartNumber             varchar          ea
-- column OfferId                varchar          ea; null when the price holds for every offer
-- column ProductId              varchar          product
-- column SkuId                  varchar          its SKU
-- column ProductOrderName       varchar          mca: plan the price is of
-- column UnitOfMeasure          varchar          what UnitPrice buys, such as 100 Hours
-- column UnitPrice              decimal(38, 18)  CurrencyCode per UnitOfMeasure, the negotiated price; of a reservation for the whole term
-- column BasePrice              decimal(38, 18)  CurrencyCode per UnitOfMeasure, when the agreement was signed
-- column MarketPrice            decimal(38, 18)  CurrencyCode per UnitOfMeasure, the list price
-- column IncludedQuantity       decimal(38, 18)  UnitOfMeasure, free of charge in the enrollment
-- column TierMinimumUnits       decimal(38, 18)  mca: quantity from which the price holds
-- column Discount               decimal(38, 18)  per cent; mca, older sheets
-- column CurrencyCode           varchar          ISO 4217, of the prices
-- column BillingCurrency        varchar          ISO 4217, of the invoices; null where the sheet does not say
-- column EffectiveStartDate     date             first day of the sheet or the price; null of a page
-- column EffectiveEndDate       date             last day of it
-- column MeterName              varchar          null of a page unless meter details were asked for
-- column MeterType              varchar
-- column MeterCategory          varchar
-- column MeterSubCategory       varchar
-- column MeterRegion            varchar          region of the meter
-- column ServiceFamily          varchar
-- column ProductName            varchar
-- column MeterUnit              varchar          unit of StandardRate; pages only
-- column StandardRate           decimal(38, 18)  CurrencyCode per MeterUnit, the list price; pages only
-- column TotalIncludedQuantity  decimal(38, 18)  MeterUnit; pages only
-- column ServiceName            varchar          pages only
-- column ServiceTier            varchar          pages only
--
-- check: PriceType <> ''
-- total: not exists (select Account, lower(Scope), BillingPeriodStart, PriceType from int_price_sheet
--        group by 1, 2, 3, 4 having count(distinct Source || ' ' || Dataset) > 1)
-- total: not exists (select Account, lower(Scope), BillingPeriodStart, PriceType from stg_price_sheet_file
--        except select Account, lower(Scope), BillingPeriodStart, PriceType from int_price_sheet)
-- total: not exists (select Account, lower(Scope), BillingPeriodStart from stg_price_sheet
--        except select Account, lower(Scope), BillingPeriodStart from int_price_sheet where PriceType = 'Consumption')
-- total: not exists (select Account, Source, Scope, BillingPeriodStart, Dataset, PriceType, CurrencyCode, count(*), sum(UnitPrice) from int_price_sheet
--        where Source <> 'price_sheet' group by 1, 2, 3, 4, 5, 6, 7
--        except select Account, Source, Scope, BillingPeriodStart, Dataset, PriceType, CurrencyCode, count(*), sum(UnitPrice) from stg_price_sheet_file
--        group by 1, 2, 3, 4, 5, 6, 7)
-- total: not exists (select Account, Scope, BillingPeriodStart, CurrencyCode, count(*), sum(UnitPrice) from int_price_sheet
--        where Source = 'price_sheet' group by 1, 2, 3, 4
--        except select Account, Scope, BillingPeriodStart, CurrencyCode, count(*), sum(UnitPrice) from stg_price_sheet group by 1, 2, 3, 4)
with
lines as (
    select
        stg_price_sheet_file.Account as Account,
        stg_price_sheet_file.Source as Source,
        stg_price_sheet_file.Scope as Scope,
        stg_price_sheet_file.BillingPeriodStart as BillingPeriodStart,
        stg_price_sheet_file.Dataset as Dataset,
        stg_price_sheet_file.Page as Page,
        stg_price_sheet_file.Row as Row,
        stg_price_sheet_file.File as File,
        stg_price_sheet_file.BillingAccountId as BillingAccountId,
        coalesce(
            stg_price_sheet_file.BillingProfileId,
            nullif(upper(regexp_extract(stg_price_sheet_file.Scope, '/billing[pP]rofiles/([^/]+)', 1)), '')
        ) as BillingProfileId,
        stg_price_sheet_file.PriceType as PriceType,
        stg_price_sheet_file.Term as Term,
        stg_price_sheet_file.MeterId as MeterId,
        stg_price_sheet_file.PartNumber as PartNumber,
        stg_price_sheet_file.OfferId as OfferId,
        stg_price_sheet_file.ProductId as ProductId,
        stg_price_sheet_file.SkuId as SkuId,
        stg_price_sheet_file.ProductOrderName as ProductOrderName,
        stg_price_sheet_file.UnitOfMeasure as UnitOfMeasure,
        stg_price_sheet_file.UnitPrice as UnitPrice,
        stg_price_sheet_file.BasePrice as BasePrice,
        stg_price_sheet_file.MarketPrice as MarketPrice,
        stg_price_sheet_file.IncludedQuantity as IncludedQuantity,
        stg_price_sheet_file.TierMinimumUnits as TierMinimumUnits,
        stg_price_sheet_file.Discount as Discount,
        stg_price_sheet_file.CurrencyCode as CurrencyCode,
        stg_price_sheet_file.BillingCurrency as BillingCurrency,
        stg_price_sheet_file.EffectiveStartDate as EffectiveStartDate,
        stg_price_sheet_file.EffectiveEndDate as EffectiveEndDate,
        stg_price_sheet_file.MeterName as MeterName,
        stg_price_sheet_file.MeterType as MeterType,
        stg_price_sheet_file.MeterCategory as MeterCategory,
        stg_price_sheet_file.MeterSubCategory as MeterSubCategory,
        stg_price_sheet_file.MeterRegion as MeterRegion,
        stg_price_sheet_file.ServiceFamily as ServiceFamily,
        stg_price_sheet_file.ProductName as ProductName,
        cast(null as varchar) as MeterUnit,
        cast(null as decimal(38, 18)) as StandardRate,
        cast(null as decimal(38, 18)) as TotalIncludedQuantity,
        cast(null as varchar) as ServiceName,
        cast(null as varchar) as ServiceTier
    from stg_price_sheet_file
    union all
    select
        stg_price_sheet.Account as Account,
        'price_sheet' as Source,
        stg_price_sheet.Scope as Scope,
        stg_price_sheet.BillingPeriodStart as BillingPeriodStart,
        'all' as Dataset,
        stg_price_sheet.Page as Page,
        stg_price_sheet.Row as Row,
        cast(null as varchar) as File,
        cast(null as varchar) as BillingAccountId,
        cast(null as varchar) as BillingProfileId,
        'Consumption' as PriceType,
        cast(null as varchar) as Term,
        stg_price_sheet.MeterId as MeterId,
        stg_price_sheet.PartNumber as PartNumber,
        stg_price_sheet.OfferId as OfferId,
        cast(null as varchar) as ProductId,
        cast(null as varchar) as SkuId,
        cast(null as varchar) as ProductOrderName,
        stg_price_sheet.UnitOfMeasure as UnitOfMeasure,
        stg_price_sheet.UnitPrice as UnitPrice,
        cast(null as decimal(38, 18)) as BasePrice,
        cast(null as decimal(38, 18)) as MarketPrice,
        stg_price_sheet.IncludedQuantity as IncludedQuantity,
        cast(null as decimal(38, 18)) as TierMinimumUnits,
        cast(null as decimal(38, 18)) as Discount,
        stg_price_sheet.CurrencyCode as CurrencyCode,
        cast(null as varchar) as BillingCurrency,
        cast(null as date) as EffectiveStartDate,
        cast(null as date) as EffectiveEndDate,
        stg_price_sheet.MeterName as MeterName,
        cast(null as varchar) as MeterType,
        stg_price_sheet.MeterCategory as MeterCategory,
        stg_price_sheet.MeterSubCategory as MeterSubCategory,
        stg_price_sheet.MeterLocation as MeterRegion,
        cast(null as varchar) as ServiceFamily,
        cast(null as varchar) as ProductName,
        stg_price_sheet.MeterUnit as MeterUnit,
        stg_price_sheet.StandardRate as StandardRate,
        stg_price_sheet.TotalIncludedQuantity as TotalIncludedQuantity,
        stg_price_sheet.ServiceName as ServiceName,
        stg_price_sheet.ServiceTier as ServiceTier
    from stg_price_sheet
),
ranked as (
    select
        lines.Account as Account,
        lower(lines.Scope) as ScopeKey,
        lines.BillingPeriodStart as BillingPeriodStart,
        lines.PriceType as PriceType,
        lines.Source as Source,
        lines.Dataset as Dataset,
        row_number() over (
            partition by lines.Account, lower(lines.Scope), lines.BillingPeriodStart, lines.PriceType
            order by
                case when lines.Dataset = 'closed' then 1 when lines.Dataset = 'current' then 2 else 3 end,
                case when lines.Source = 'price_sheet_export' then 1 when lines.Source = 'price_sheet_download' then 2 else 3 end
        ) as Preference
    from lines
    group by 1, 2, 3, 4, 5, 6
)
select
    lines.*
from lines
inner join ranked
    on ranked.Account = lines.Account
    and ranked.ScopeKey = lower(lines.Scope)
    and ranked.BillingPeriodStart = lines.BillingPeriodStart
    and ranked.PriceType = lines.PriceType
    and ranked.Source = lines.Source
    and ranked.Dataset = lines.Dataset
where ranked.Preference = 1
