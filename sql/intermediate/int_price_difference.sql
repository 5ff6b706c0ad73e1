-- int_price_difference is a meter that was billed above the price sheet of the month.
--
-- On-demand usage is held against the dearest price the sheet has for its meter, part number, unit and currency, so that tiers
-- make no difference. Half a percent is let pass: sheets and records round prices differently. A meter the sheet does not have
-- is not here, nor is one whose unit reads otherwise, because then nothing says that both mean the same.
--
-- reads:  cost_and_usage, int_price_sheet
-- grain:  Account, BillingPeriodStart, MeterId, PartNumber, UnitOfMeasure, BillingCurrency
-- period: BillingPeriodStart
--
-- column Account             varchar          the account's name in the configuration
-- column BillingPeriodStart  date             first day of the month the billing period starts in
-- column MeterId             varchar          GUID in lower case
-- column PartNumber          varchar          empty where there is none
-- column UnitOfMeasure       varchar          such as 10K
-- column BillingCurrency     varchar          ISO 4217
-- column MeterName           varchar          service and meter
-- column SheetPrice          decimal(38, 18)  BillingCurrency per UnitOfMeasure, the dearest
-- column HighestPrice        decimal(38, 18)  BillingCurrency per UnitOfMeasure, billed
-- column ChargeCount         bigint           charges above the sheet
-- column BilledCost          decimal(38, 18)  BillingCurrency, of these
-- column SheetCost           decimal(38, 18)  BillingCurrency, their quantity at SheetPrice
-- column Overcharge          decimal(38, 18)  BillingCurrency, BilledCost - SheetCost
--
-- check: HighestPrice > SheetPrice
-- check: ChargeCount > 0
-- total: (select coalesce(sum(ChargeCount), 0) from int_price_difference) <= (select count(*) from cost_and_usage)
with
sheet as (
    select
        int_price_sheet.Account as Account,
        int_price_sheet.BillingPeriodStart as BillingPeriodStart,
        int_price_sheet.MeterId as MeterId,
        coalesce(int_price_sheet.PartNumber, '') as PartNumber,
        int_price_sheet.UnitOfMeasure as UnitOfMeasure,
        int_price_sheet.CurrencyCode as CurrencyCode,
        max(int_price_sheet.UnitPrice) as SheetPrice,
        product(max(int_price_sheet.UnitPrice), cast(1.005 as decimal(38, 18))) as PriceLetPass
    from int_price_sheet
    where int_price_sheet.PriceType = 'Consumption'
        and int_price_sheet.UnitPrice > 0
    group by 1, 2, 3, 4, 5, 6
),
above as (
    select
        cost_and_usage.x_Account as Account,
        sheet.BillingPeriodStart as BillingPeriodStart,
        cost_and_usage.x_SkuMeterId as MeterId,
        coalesce(cost_and_usage.x_SkuPartNumber, '') as PartNumber,
        cost_and_usage.x_PricingUnitDescription as UnitOfMeasure,
        cost_and_usage.BillingCurrency as BillingCurrency,
        cost_and_usage.ServiceName || ', ' || coalesce(cost_and_usage.SkuMeter, cost_and_usage.ChargeDescription) as MeterName,
        sheet.SheetPrice as SheetPrice,
        cost_and_usage.x_EffectiveUnitPrice as BilledPrice,
        cost_and_usage.PricingQuantity as PricingQuantity,
        cost_and_usage.BilledCost as BilledCost
    from cost_and_usage
    inner join sheet
        on sheet.Account = cost_and_usage.x_Account
        and sheet.BillingPeriodStart = month_start(cost_and_usage.BillingPeriodStart)
        and sheet.MeterId = cost_and_usage.x_SkuMeterId
        and sheet.PartNumber = coalesce(cost_and_usage.x_SkuPartNumber, '')
        and sheet.UnitOfMeasure = cost_and_usage.x_PricingUnitDescription
        and sheet.CurrencyCode = cost_and_usage.BillingCurrency
    where cost_and_usage.x_ChargeType = 'Usage'
        and coalesce(cost_and_usage.x_PricingModel, 'OnDemand') = 'OnDemand'
        and cost_and_usage.PricingCurrency = cost_and_usage.BillingCurrency
        and cost_and_usage.BilledCost > 0
        and cost_and_usage.x_EffectiveUnitPrice > sheet.PriceLetPass
)
select
    above.Account as Account,
    above.BillingPeriodStart as BillingPeriodStart,
    above.MeterId as MeterId,
    above.PartNumber as PartNumber,
    above.UnitOfMeasure as UnitOfMeasure,
    above.BillingCurrency as BillingCurrency,
    max(above.MeterName) as MeterName,
    max(above.SheetPrice) as SheetPrice,
    max(above.BilledPrice) as HighestPrice,
    count(*) as ChargeCount,
    sum(above.BilledCost) as BilledCost,
    product(sum(above.PricingQuantity), max(above.SheetPrice)) as SheetCost,
    sum(above.BilledCost) - product(sum(above.PricingQuantity), max(above.SheetPrice)) as Overcharge
from above
group by 1, 2, 3, 4, 5, 6
