-- stg_offer_terms is a term of a pay-as-you-go offer, as its rate card states it.
--
-- A monetary credit is given each month, a monetary commitment is paid in advance, a recurring charge is paid each month. Meters in
-- ExcludedMeterIds are paid beside them.
--
-- reads:  raw_rate_card
-- grain:  Account, Scope, Dataset, Row
--
-- input Name              varchar
-- input MeterId           varchar
-- input EffectiveDate     timestamp
-- input Credit            decimal(38, 18)
-- input RecurringCharge   decimal(38, 18)
-- input TieredDiscount    varchar
-- input ExcludedMeterIds  varchar
--
-- column Account           varchar          the account's name in the configuration
-- column Scope             varchar          the subscription
-- column Dataset           varchar          offer, currency and region, such as ms_azr_0003p_eur_de
-- column Row               bigint           the term's row in the card
-- column TermName          varchar          Monetary Credit, Monetary Commitment or Recurring Charge
-- column EffectiveStart    timestamp        the term holds from then on
-- column Credit            decimal(38, 18)  currency of the card, given each month; null unless a credit
-- column RecurringCharge   decimal(38, 18)  currency of the card, paid each month; null unless a recurring charge
-- column TieredDiscount    varchar          JSON object of commitments and the discounts for them
-- column ExcludedMeterIds  varchar          JSON array of meters that the term does not cover
--
-- total: (select count(*) from stg_offer_terms) = (select count(*) from raw_rate_card where Name is not null and MeterId is null)
select
    _account as Account,
    _scope as Scope,
    _dataset as Dataset,
    _row as Row,
    Name as TermName,
    EffectiveDate as EffectiveStart,
    Credit as Credit,
    RecurringCharge as RecurringCharge,
    TieredDiscount as TieredDiscount,
    nullif(ExcludedMeterIds, '[]') as ExcludedMeterIds
from raw_rate_card
where Name is not null
    and MeterId is null
