-- int_price_list is a published price of a meter that a pay-as-you-go subscription used, from one day on.
--
-- The rate card of the subscription's offer says what it pays. A meter that the card lacks is looked up in the retail prices, in the
-- billing currency; of a dev/test offer first among the prices for that. Retail prices are known from the day they were last changed.
-- Only what was used is here: both lists have half a million prices.
--
-- reads:  int_price_usage, stg_rate_card, retail_price
-- grain:  Account, SubAccountId, OfferId, MeterId, Source, Preference, UnitOfMeasure, CurrencyCode, EffectiveStart, TierMinimumUnits
--
-- column Account           varchar          the account's name in the configuration
-- column SubAccountId      varchar          subscription GUID in lower case
-- column OfferId           varchar          such as MS-AZR-0003P, of the usage; empty without one
-- column MeterId           varchar          GUID in lower case
-- column Source            varchar          rate_card or retail_price
-- column Preference        bigint           1 the rate card, 2 the retail price for dev/test, 3 the retail price
-- column UnitOfMeasure     varchar          what a price buys; empty without one
-- column CurrencyCode      varchar          ISO 4217
-- column EffectiveStart    date             the price holds from then on
-- column TierMinimumUnits  decimal(38, 18)  UnitOfMeasure of a billing period, beyond IncludedQuantity, from which the price holds
-- column LowestPrice       decimal(38, 18)  CurrencyCode per UnitOfMeasure
-- column HighestPrice      decimal(38, 18)  CurrencyCode per UnitOfMeasure; other than LowestPrice where the list has several
-- column IncludedQuantity  decimal(38, 18)  UnitOfMeasure, free in a billing period
--
-- check: LowestPrice <= HighestPrice
-- total: not exists (select MeterId, CurrencyCode, HighestPrice from int_price_list where Source = 'rate_card'
--        except select MeterId, PricingCurrency, ListUnitPrice from stg_rate_card)
-- total: not exists (select MeterId, CurrencyCode, HighestPrice from int_price_list where Source = 'retail_price'
--        except select MeterId, PricingCurrency, ListUnitPrice from retail_price)
with
used as (
    select
        int_price_usage.Account as Account,
        int_price_usage.SubAccountId as SubAccountId,
        int_price_usage.OfferId as OfferId,
        int_price_usage.MeterId as MeterId,
        int_price_usage.PricingCurrency as CurrencyCode,
        replace(lower(int_price_usage.OfferId), '-', '_') || '_' as CardName
    from int_price_usage
    where int_price_usage.Agreement = 'mosp'
        and int_price_usage.ChargeKind = 'Usage'
        and int_price_usage.MeterId <> ''
    group by 1, 2, 3, 4, 5
),
cards as (
    select
        stg_rate_card.Account as Account,
        lower(regexp_extract(stg_rate_card.Scope, '([^/]*)$', 1)) as SubAccountId,
        stg_rate_card.Dataset as Dataset,
        stg_rate_card.MeterId as MeterId,
        coalesce(stg_rate_card.UnitOfMeasure, '') as UnitOfMeasure,
        stg_rate_card.PricingCurrency as CurrencyCode,
        coalesce(cast(stg_rate_card.EffectiveStart as date), date '2000-01-01') as EffectiveStart,
        stg_rate_card.TierMinimumUnits as TierMinimumUnits,
        stg_rate_card.ListUnitPrice as UnitPrice,
        coalesce(stg_rate_card.IncludedQuantity, 0) as IncludedQuantity
    from stg_rate_card
),
prices as (
    select
        used.Account as Account,
        used.SubAccountId as SubAccountId,
        used.OfferId as OfferId,
        used.MeterId as MeterId,
        'rate_card' as Source,
        cast(1 as bigint) as Preference,
        cards.UnitOfMeasure as UnitOfMeasure,
        cards.CurrencyCode as CurrencyCode,
        cards.EffectiveStart as EffectiveStart,
        cards.TierMinimumUnits as TierMinimumUnits,
        cards.UnitPrice as UnitPrice,
        cards.IncludedQuantity as IncludedQuantity
    from used
    inner join cards
        on cards.Account = used.Account
        and cards.SubAccountId = used.SubAccountId
        and cards.MeterId = used.MeterId
        and cards.CurrencyCode = used.CurrencyCode
    where used.OfferId = ''
        or strpos(cards.Dataset, used.CardName) = 1
    union all
    select
        used.Account as Account,
        used.SubAccountId as SubAccountId,
        used.OfferId as OfferId,
        used.MeterId as MeterId,
        'retail_price' as Source,
        cast(case when retail_price.PriceType = 'Consumption' then 3 else 2 end as bigint) as Preference,
        coalesce(retail_price.UnitOfMeasure, '') as UnitOfMeasure,
        retail_price.PricingCurrency as CurrencyCode,
        coalesce(cast(retail_price.EffectiveStart as date), date '2000-01-01') as EffectiveStart,
        coalesce(retail_price.TierMinimumUnits, 0) as TierMinimumUnits,
        retail_price.ListUnitPrice as UnitPrice,
        cast(0 as decimal(38, 18)) as IncludedQuantity
    from used
    inner join retail_price
        on retail_price.MeterId = used.MeterId
        and retail_price.PricingCurrency = used.CurrencyCode
    where retail_price.PriceType = 'Consumption'
        or retail_price.PriceType = 'DevTestConsumption' and used.OfferId = 'MS-AZR-0023P'
)
select
    prices.Account as Account,
    prices.SubAccountId as SubAccountId,
    prices.OfferId as OfferId,
    prices.MeterId as MeterId,
    prices.Source as Source,
    prices.Preference as Preference,
    prices.UnitOfMeasure as UnitOfMeasure,
    prices.CurrencyCode as CurrencyCode,
    prices.EffectiveStart as EffectiveStart,
    prices.TierMinimumUnits as TierMinimumUnits,
    min(prices.UnitPrice) as LowestPrice,
    max(prices.UnitPrice) as HighestPrice,
    max(prices.IncludedQuantity) as IncludedQuantity
from prices
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
