-- stg_rate_card is the price of a meter in one tier of a pay-as-you-go offer, from one day on.
--
-- MeterRates is a JSON object, {"0":1.99,"100":0.99}: each name is the lower bound of a tier, and its value the price of a unit
-- in that tier, until the next begins. It is taken apart as text, because JSON functions read numbers as doubles; neither names nor
-- values hold a comma or a colon. The first IncludedQuantity units of a month are free, and tiers count from there. A meter has
-- entries from several days on: the newest up to the day of usage counts.
--
-- The document is landed as three pages: the meters, the terms of the offer, and what stands beside the two.
--
-- reads:  raw_rate_card
-- grain:  Account, Scope, Dataset, Row, TierMinimumUnits
--
-- input MeterId           varchar
-- input MeterName         varchar
-- input MeterCategory     varchar
-- input MeterSubCategory  varchar
-- input MeterRegion       varchar
-- input Unit              varchar
-- input MeterTags         varchar
-- input MeterRates        varchar
-- input EffectiveDate     timestamp
-- input IncludedQuantity  decimal(38, 18)
-- input Currency          varchar
--
-- column Account           varchar          the account's name in the configuration
-- column Scope             varchar          the subscription
-- column Dataset           varchar          offer, currency and region, such as ms_azr_0003p_eur_de
-- column Row               bigint           the meter's row in the card
-- column TierMinimumUnits  decimal(38, 18)  UnitOfMeasure of a month, beyond IncludedQuantity, from which the price holds
-- column PricingCurrency   varchar          ISO 4217, as asked for where the card does not say it
-- column ListUnitPrice     decimal(38, 18)  PricingCurrency per UnitOfMeasure, before tax
-- column UnitOfMeasure     varchar          such as 100 Hours
-- column IncludedQuantity  decimal(38, 18)  UnitOfMeasure, free in a month
-- column EffectiveStart    timestamp        the price holds from then on
-- column MeterId           varchar          GUID in lower case
-- column MeterName         varchar          such as D2s v5
-- column MeterCategory     varchar          such as Virtual Machines
-- column MeterSubCategory  varchar          such as Dsv5 Series
-- column MeterRegion       varchar          such as EU West; null where it does not matter
-- column MeterTags         varchar          JSON array, such as ["Third Party"]
--
-- check: TierMinimumUnits >= 0
-- total: (select count(*) from stg_rate_card)
--        = (select coalesce(sum(length(MeterRates) - length(replace(MeterRates, ':', ''))), 0) from raw_rate_card where MeterId is not null)
-- total: (select count(*) from (select distinct Account, Scope, Dataset, Row from stg_rate_card) as meters)
--        = (select count(*) from raw_rate_card where MeterId is not null and MeterRates is not null and MeterRates <> '{}')
with
cards as (
    select
        raw_rate_card._account as Account,
        raw_rate_card._scope as Scope,
        raw_rate_card._dataset as Dataset,
        max(raw_rate_card.Currency) as Currency
    from raw_rate_card
    group by 1, 2, 3
),
tiers as (
    select
        raw_rate_card._account as Account,
        raw_rate_card._scope as Scope,
        raw_rate_card._dataset as Dataset,
        raw_rate_card._row as Row,
        replace(tier.Rate, '"', '') as Rate
    from raw_rate_card
    cross join unnest(split(replace(replace(raw_rate_card.MeterRates, '{', ''), '}', ''), ',')) as tier (Rate)
    where raw_rate_card.MeterId is not null
        and raw_rate_card.MeterRates <> '{}'
)

select
    raw_rate_card._account as Account,
    raw_rate_card._scope as Scope,
    raw_rate_card._dataset as Dataset,
    raw_rate_card._row as Row,
    cast(split_part(tiers.Rate, ':', 1) as decimal(38, 18)) as TierMinimumUnits,
    coalesce(nullif(trim(cards.Currency), ''), nullif(upper(regexp_extract(raw_rate_card._dataset, '_([a-z]{3})_[a-z]{2}$', 1)), '')) as PricingCurrency,
    cast(split_part(tiers.Rate, ':', 2) as decimal(38, 18)) as ListUnitPrice,
    raw_rate_card.Unit as UnitOfMeasure,
    raw_rate_card.IncludedQuantity as IncludedQuantity,
    raw_rate_card.EffectiveDate as EffectiveStart,
    lower(raw_rate_card.MeterId) as MeterId,
    raw_rate_card.MeterName as MeterName,
    raw_rate_card.MeterCategory as MeterCategory,
    nullif(raw_rate_card.MeterSubCategory, '') as MeterSubCategory,
    nullif(raw_rate_card.MeterRegion, '') as MeterRegion,
    nullif(raw_rate_card.MeterTags, '[]') as MeterTags
from raw_rate_card
join tiers
    on tiers.Account = raw_rate_card._account
        and tiers.Scope = raw_rate_card._scope
        and tiers.Dataset = raw_rate_card._dataset
        and tiers.Row = raw_rate_card._row
join cards
    on cards.Account = raw_rate_card._account
        and cards.Scope = raw_rate_card._scope
        and cards.Dataset = raw_rate_card._dataset
where raw_rate_card.MeterId is not null
