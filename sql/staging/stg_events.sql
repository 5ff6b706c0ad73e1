-- stg_events is a change of a credit or a commitment, with the balance after it.
--
-- Amounts that an event does not have are null. Charges, expired and canceled credit are positive where they take off the balance.
-- Events without an invoice are not billed yet, and change from day to day. Commitments' events are all listed at once, credits' by
-- month. The id of a lot is a resource id, of which the last part is kept.
--
-- reads:  raw_events
-- grain:  Account, Scope, BillingPeriod, Dataset, Page, Row
-- from:   raw_events where raw_events._account = stg_events.Account and raw_events._scope = stg_events.Scope
--         and raw_events._period = stg_events.BillingPeriod and raw_events._dataset = stg_events.Dataset
--         and raw_events._page = stg_events.Page and raw_events._row = stg_events.Row
--
-- input id                                     varchar
-- input eventType                              varchar
-- input description                            varchar
-- input invoiceNumber                          varchar
-- input billingProfileId                       varchar
-- input lotId                                  varchar
-- input lotSource                              varchar
-- input creditCurrency                         varchar
-- input billingCurrency                        varchar
-- input closedBalance_currency                 varchar
-- input charges_currency                       varchar
-- input transactionDate                        timestamp
-- input newCredit_value                        decimal(38, 18)
-- input adjustments_value                      decimal(38, 18)
-- input charges_value                          decimal(38, 18)
-- input creditExpired_value                    decimal(38, 18)
-- input canceledCredit_value                   decimal(38, 18)
-- input closedBalance_value                    decimal(38, 18)
-- input chargesInBillingCurrency_value         decimal(38, 18)
-- input chargesInBillingCurrency_exchangeRate  decimal(38, 18)
--
-- column Account           varchar          the account's name in the configuration
-- column Scope             varchar          the scope the API was asked for
-- column BillingPeriod     varchar          month asked for, such as 2026-10; all for commitments
-- column Dataset           varchar          commitment or credit
-- column Page              bigint           page the row came on
-- column Row               bigint           row on that page
-- column EventId           varchar          ARM id in lower case
-- column EventType         varchar          NewCredit, SettledCharges, PendingCharges, PendingAdjustments, PendingNewCredit, PendingExpiredCredit …
-- column EventDate         date             the day
-- column EventDescription  varchar          in Microsoft's words
-- column InvoiceId         varchar          the invoice that has it; null for what is not billed yet
-- column IsPending         boolean          it is not billed yet, and may change
-- column BillingProfileId  varchar          the billing profile's code
-- column LotName           varchar          the lot; null where the balance is that of all lots of a billing profile
-- column LotSource         varchar          ConsumptionCommitment; null for credits
-- column CreditCurrency    varchar          ISO 4217
-- column NewCredit         decimal(38, 18)  CreditCurrency, added
-- column Adjustments       decimal(38, 18)  CreditCurrency, corrections
-- column Charges           decimal(38, 18)  CreditCurrency, taken off for charges
-- column ExpiredCredit     decimal(38, 18)  CreditCurrency, expired
-- column CanceledCredit    decimal(38, 18)  CreditCurrency, taken back
-- column ClosedBalance     decimal(38, 18)  CreditCurrency, left after the event
-- column BillingCurrency   varchar          ISO 4217, currency of the invoice
-- column ChargesBilled     decimal(38, 18)  BillingCurrency, Charges; null where only a rate is served
-- column ExchangeRate      decimal(38, 18)  BillingCurrency per CreditCurrency
--
-- total: (select count(*) from stg_events) = (select count(*) from raw_events)
-- total: not exists (select CreditCurrency, sum(NewCredit), sum(Charges) from stg_events group by CreditCurrency
--        except select nullif(trim(coalesce(creditCurrency, closedBalance_currency, charges_currency)), ''), sum(newCredit_value), sum(charges_value)
--        from raw_events group by nullif(trim(coalesce(creditCurrency, closedBalance_currency, charges_currency)), ''))
select
    _account as Account,
    _scope as Scope,
    _period as BillingPeriod,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    nullif(lower(id), '') as EventId,
    nullif(eventType, '') as EventType,
    cast(transactionDate as date) as EventDate,
    nullif(description, '') as EventDescription,
    nullif(trim(invoiceNumber), '') as InvoiceId,
    coalesce(lower(eventType) like 'pending%', false) as IsPending,
    upper(nullif(regexp_extract(lower(coalesce(billingProfileId, _scope)), '/billingprofiles/([^/]*)', 1), '')) as BillingProfileId,
    nullif(regexp_extract(lotId, '([^/]*)$', 1), '') as LotName,
    nullif(lotSource, '') as LotSource,
    nullif(trim(coalesce(creditCurrency, closedBalance_currency, charges_currency)), '') as CreditCurrency,
    newCredit_value as NewCredit,
    adjustments_value as Adjustments,
    charges_value as Charges,
    creditExpired_value as ExpiredCredit,
    canceledCredit_value as CanceledCredit,
    closedBalance_value as ClosedBalance,
    nullif(trim(coalesce(billingCurrency, creditCurrency, closedBalance_currency, charges_currency)), '') as BillingCurrency,
    chargesInBillingCurrency_value as ChargesBilled,
    chargesInBillingCurrency_exchangeRate as ExchangeRate
from raw_events
