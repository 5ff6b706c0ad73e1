-- int_price_usage is what was billed of a meter in one billing period, by all that its price can hang on.
--
-- Charges are added up before anything is held against a price: a month of millions of charges has some thousand of these. What has
-- no price of its own in a price sheet is here too, under the reason (ChargeKind), so that no cost is lost on the way.
--
-- OwnCost is what the records say themselves: their quantity at their own price, in the billing currency. Where a record has no
-- price of its own, it is its cost.
--
-- The day whose price counts is the first of the period, unless the sheet has another price of the meter from a later day on; then
-- charges from that day on are priced by it. Pay-as-you-go usage keeps its day: its rate card changes on any.
--
-- reads:  cost_and_usage, int_price_sheet
-- grain:  BillingPeriodStart, Account, InvoiceId, SubAccountId, PriceScopeId, MeterId, SkuKey, OfferId, UnitOfMeasure, PricingCurrency, BillingCurrency, ExchangeRate, ChargeKind, PriceDay
-- period: BillingPeriodStart
-- from:   cost_and_usage on BillingCurrency where cost_and_usage.x_Account = int_price_usage.Account
--         and coalesce(nullif(cost_and_usage.InvoiceId, ''), 'Not invoiced') = int_price_usage.InvoiceId
--         and coalesce(nullif(cost_and_usage.SubAccountId, ''), 'Not assigned') = int_price_usage.SubAccountId
--         and coalesce(cost_and_usage.x_SkuMeterId, '') = int_price_usage.MeterId
--         and int_price_usage.ChargeKind = case
--             when cost_and_usage.x_PublisherType = 'Marketplace' then 'Marketplace'
--             when cost_and_usage.ChargeClass = 'Correction' then 'Refund'
--             when cost_and_usage.ChargeCategory not in ('Usage', 'Purchase') then 'Adjustment'
--             when cost_and_usage.x_PricingModel in ('Reservation', 'SavingsPlan') or cost_and_usage.CommitmentDiscountId is not null then 'Commitment'
--             when cost_and_usage.ChargeCategory = 'Purchase' then 'Purchase'
--             when cost_and_usage.x_CostAllocationRuleName <> '' then 'CostAllocation'
--             when cost_and_usage.x_PricingModel = 'Spot' then 'Spot'
--             when cost_and_usage.PricingQuantity is null then 'NoQuantity'
--             when cost_and_usage.x_EffectiveUnitPrice is null and cost_and_usage.BilledCost = 0 and cost_and_usage.PricingQuantity <> 0 then 'NoCost'
--             else 'Usage'
--         end
--
-- column BillingPeriodStart  date             first day of the billing period
-- column BillingPeriodEnd    date             exclusive
-- column Account             varchar          the account's name in the configuration
-- column Agreement           varchar          ea, mca or mosp
-- column InvoiceId           varchar          as the record says; Not invoiced for an enrollment, and before the invoice is made
-- column SubAccountId        varchar          subscription GUID in lower case, or Not assigned
-- column PriceScopeId        varchar          who the prices are for: mca: name of the billing profile, upper case; mosp: the subscription; empty of an enrollment
-- column MeterId             varchar          GUID in lower case; empty without one
-- column SkuKey              varchar          mca: product, upper case; else part number; empty without one
-- column OfferId             varchar          such as MS-AZR-0017P; mca: the plan, such as azure plan; empty without one
-- column UnitOfMeasure       varchar          what a price buys, such as 10K; empty without one
-- column PricingCurrency     varchar          ISO 4217
-- column BillingCurrency     varchar          ISO 4217
-- column ExchangeRate        decimal(38, 18)  BillingCurrency per PricingCurrency; 1 where both are one, 0 where the record has none
-- column ChargeKind          varchar          Usage, what a sheet can price; else the reason why not: Marketplace, Refund, Adjustment, Commitment, Purchase, CostAllocation, Spot, NoQuantity or NoCost
-- column PriceDay            date             the day whose price counts
-- column MeterName           varchar          service and meter
-- column BlockSize           decimal(38, 18)  single units in UnitOfMeasure; null without a unit
-- column QuantityScale       varchar          what the records' quantities count: Block, Unit and so on, Mixed where they differ; null where both are one
-- column PricingQuantity     decimal(38, 18)  UnitOfMeasure, billed
-- column BilledCost          decimal(38, 18)  BillingCurrency
-- column OwnCost             decimal(38, 18)  BillingCurrency, the quantity at the records' own price
-- column HighestPrice        decimal(38, 18)  PricingCurrency per UnitOfMeasure, the highest the records name; null without one
-- column ChargeCount         bigint           charges added up
--
-- check: ChargeCount > 0
-- total: not exists (select BillingCurrency, sum(BilledCost), count(*) from cost_and_usage group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(ChargeCount) from int_price_usage group by BillingCurrency)
with
change_days as (
    select
        int_price_sheet.Account as Account,
        int_price_sheet.MeterId as MeterId,
        int_price_sheet.EffectiveStartDate as FirstDay
    from int_price_sheet
    where int_price_sheet.PriceType = 'Consumption'
        and int_price_sheet.MeterId is not null
        and int_price_sheet.EffectiveStartDate > int_price_sheet.BillingPeriodStart
        and int_price_sheet.EffectiveStartDate < month_add(int_price_sheet.BillingPeriodStart, 1)
    group by 1, 2, 3
),
changes as (
    select
        change_days.Account as Account,
        change_days.MeterId as MeterId,
        change_days.FirstDay as FirstDay,
        coalesce(lead(change_days.FirstDay) over (partition by change_days.Account, change_days.MeterId order by change_days.FirstDay), date '9999-12-31') as EndDay
    from change_days
),
charges as (
    select
        cost_and_usage.*,
        case
            when cost_and_usage.x_PublisherType = 'Marketplace' then 'Marketplace'
            when cost_and_usage.ChargeClass = 'Correction' then 'Refund'
            when cost_and_usage.ChargeCategory not in ('Usage', 'Purchase') then 'Adjustment'
            when cost_and_usage.x_PricingModel in ('Reservation', 'SavingsPlan') or cost_and_usage.CommitmentDiscountId is not null then 'Commitment'
            when cost_and_usage.ChargeCategory = 'Purchase' then 'Purchase'
            when cost_and_usage.x_CostAllocationRuleName <> '' then 'CostAllocation'
            when cost_and_usage.x_PricingModel = 'Spot' then 'Spot'
            when cost_and_usage.PricingQuantity is null then 'NoQuantity'
            when cost_and_usage.x_EffectiveUnitPrice is null and cost_and_usage.BilledCost = 0 and cost_and_usage.PricingQuantity <> 0 then 'NoCost'
            else 'Usage'
        end as ChargeKind
    from cost_and_usage
),
sums as (
    -- Texts are put into shape after this, when there are fewer.
    select
        cast(charges.BillingPeriodStart as date) as BillingPeriodStart,
        charges.x_Account as Account,
        charges.x_Agreement as Agreement,
        charges.InvoiceId as InvoiceId,
        charges.SubAccountId as SubAccountId,
        case when charges.x_Agreement = 'mca' then charges.x_BillingProfileId end as BillingProfileId,
        charges.x_SkuMeterId as MeterId,
        case when charges.x_Agreement = 'mca' then charges.SkuId else charges.x_SkuPartNumber end as SkuKey,
        case when charges.x_Agreement = 'mca' then charges.x_SkuOrderName else charges.x_SkuOfferId end as OfferId,
        charges.x_PricingUnitDescription as UnitOfMeasure,
        charges.PricingCurrency as PricingCurrency,
        charges.BillingCurrency as BillingCurrency,
        case when charges.PricingCurrency <> charges.BillingCurrency then charges.x_BillingExchangeRate else cast(1 as decimal(38, 18)) end as ExchangeRate,
        charges.ChargeKind as ChargeKind,
        case
            when charges.ChargeKind <> 'Usage' then cast(charges.BillingPeriodStart as date)
            when charges.x_Agreement = 'mosp' then cast(charges.ChargePeriodStart as date)
            else coalesce(changes.FirstDay, cast(charges.BillingPeriodStart as date))
        end as PriceDay,
        case when charges.ChargeKind = 'Usage' then charges.x_EffectiveUnitPrice end as EffectivePrice,
        max(cast(charges.BillingPeriodEnd as date)) as BillingPeriodEnd,
        max(charges.ServiceName || ', ' || coalesce(charges.SkuMeter, charges.ChargeDescription)) as MeterName,
        max(charges.x_PricingBlockSize) as BlockSize,
        min(charges.x_QuantityScale) as FirstScale,
        max(charges.x_QuantityScale) as LastScale,
        sum(charges.PricingQuantity) as PricingQuantity,
        sum(charges.BilledCost) as BilledCost,
        count(*) as ChargeCount
    from charges
    left join changes
        on changes.Account = charges.x_Account
        and changes.MeterId = charges.x_SkuMeterId
        and changes.FirstDay <= cast(charges.ChargePeriodStart as date)
        and changes.EndDay > cast(charges.ChargePeriodStart as date)
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
),
shaped as (
    select
        sums.BillingPeriodStart as BillingPeriodStart,
        sums.Account as Account,
        sums.Agreement as Agreement,
        coalesce(nullif(sums.InvoiceId, ''), 'Not invoiced') as InvoiceId,
        coalesce(nullif(sums.SubAccountId, ''), 'Not assigned') as SubAccountId,
        case
            when sums.Agreement = 'mca' then coalesce(upper(regexp_extract(sums.BillingProfileId, '([^/]*)$', 1)), '')
            when sums.Agreement = 'mosp' then coalesce(nullif(sums.SubAccountId, ''), 'Not assigned')
            else ''
        end as PriceScopeId,
        coalesce(sums.MeterId, '') as MeterId,
        -- A record without a product has its meter for SkuId.
        case
            when sums.Agreement = 'mca' then coalesce(upper(case when sums.SkuKey <> sums.MeterId or sums.MeterId is null then sums.SkuKey end), '')
            else coalesce(sums.SkuKey, '')
        end as SkuKey,
        case
            when sums.Agreement = 'mca' then coalesce(replace(lower(sums.OfferId), 'microsoft ', ''), '')
            else coalesce(upper(sums.OfferId), '')
        end as OfferId,
        coalesce(sums.UnitOfMeasure, '') as UnitOfMeasure,
        coalesce(sums.PricingCurrency, sums.BillingCurrency) as PricingCurrency,
        sums.BillingCurrency as BillingCurrency,
        coalesce(sums.ExchangeRate, 0) as ExchangeRate,
        sums.ChargeKind as ChargeKind,
        sums.PriceDay as PriceDay,
        sums.EffectivePrice as EffectivePrice,
        sums.BillingPeriodEnd as BillingPeriodEnd,
        sums.MeterName as MeterName,
        sums.BlockSize as BlockSize,
        sums.FirstScale as FirstScale,
        sums.LastScale as LastScale,
        coalesce(sums.PricingQuantity, 0) as PricingQuantity,
        sums.BilledCost as BilledCost,
        case
            when sums.EffectivePrice is null or coalesce(sums.ExchangeRate, 0) = 0 then sums.BilledCost
            when sums.ExchangeRate = 1 then product(sums.PricingQuantity, sums.EffectivePrice)
            else product(product(sums.PricingQuantity, sums.EffectivePrice), sums.ExchangeRate)
        end as OwnCost,
        sums.ChargeCount as ChargeCount
    from sums
)
select
    shaped.BillingPeriodStart as BillingPeriodStart,
    max(shaped.BillingPeriodEnd) as BillingPeriodEnd,
    shaped.Account as Account,
    max(shaped.Agreement) as Agreement,
    shaped.InvoiceId as InvoiceId,
    shaped.SubAccountId as SubAccountId,
    shaped.PriceScopeId as PriceScopeId,
    shaped.MeterId as MeterId,
    shaped.SkuKey as SkuKey,
    shaped.OfferId as OfferId,
    shaped.UnitOfMeasure as UnitOfMeasure,
    shaped.PricingCurrency as PricingCurrency,
    shaped.BillingCurrency as BillingCurrency,
    shaped.ExchangeRate as ExchangeRate,
    shaped.ChargeKind as ChargeKind,
    shaped.PriceDay as PriceDay,
    max(shaped.MeterName) as MeterName,
    max(shaped.BlockSize) as BlockSize,
    case when min(shaped.FirstScale) = max(shaped.LastScale) then min(shaped.FirstScale) when min(shaped.FirstScale) <> max(shaped.LastScale) then 'Mixed' end as QuantityScale,
    cast(sum(shaped.PricingQuantity) as decimal(38, 18)) as PricingQuantity,
    cast(sum(shaped.BilledCost) as decimal(38, 18)) as BilledCost,
    cast(sum(shaped.OwnCost) as decimal(38, 18)) as OwnCost,
    max(shaped.EffectivePrice) as HighestPrice,
    cast(sum(shaped.ChargeCount) as bigint) as ChargeCount
from shaped
group by
    shaped.BillingPeriodStart,
    shaped.Account,
    shaped.InvoiceId,
    shaped.SubAccountId,
    shaped.PriceScopeId,
    shaped.MeterId,
    shaped.SkuKey,
    shaped.OfferId,
    shaped.UnitOfMeasure,
    shaped.PricingCurrency,
    shaped.BillingCurrency,
    shaped.ExchangeRate,
    shaped.ChargeKind,
    shaped.PriceDay
