-- stg_lots is a prepayment, a credit or a commitment to consume.
--
-- Dataset is commitment for what the billing account has, credit for what its billing profiles have. Balances are those after the last
-- invoice. Amounts in the currency of the invoice are null where only a rate is served.
--
-- reads:  raw_lots
-- grain:  Account, Scope, Dataset, Page, Row
--
-- input id                                           varchar
-- input name                                         varchar
-- input source                                       varchar
-- input status                                       varchar
-- input poNumber                                     varchar
-- input creditCurrency                               varchar
-- input billingCurrency                              varchar
-- input orgType                                      varchar
-- input reseller_resellerDescription                 varchar
-- input originalAmount_currency                      varchar
-- input originalAmountInBillingCurrency_currency     varchar
-- input startDate                                    timestamp
-- input expirationDate                               timestamp
-- input purchasedDate                                timestamp
-- input isEstimatedBalance                           boolean
-- input originalAmount_value                         decimal(38, 18)
-- input closedBalance_value                          decimal(38, 18)
-- input usedAmount_value                             decimal(38, 18)
-- input originalAmountInBillingCurrency_value        decimal(38, 18)
-- input closedBalanceInBillingCurrency_value         decimal(38, 18)
-- input closedBalanceInBillingCurrency_exchangeRate  decimal(38, 18)
--
-- column Account               varchar          the account's name in the configuration
-- column Scope                 varchar          the scope the API was asked for
-- column Dataset               varchar          commitment or credit
-- column Page                  bigint           page the row came on
-- column Row                   bigint           row on that page
-- column LotId                 varchar          ARM id in lower case
-- column LotName               varchar          the last part of the id
-- column LotSource             varchar          PurchasedCredit, PromotionalCredit or ConsumptionCommitment
-- column LotStatus             varchar          Active, Inactive, Expired, Complete or Canceled; null where it is not said
-- column BillingProfileId      varchar          the billing profile's code; null for a lot of the whole account
-- column CustomerId            varchar          a partner's customer
-- column StartDate             date             first day
-- column ExpirationDate        date             the day it expires
-- column PurchasedDate         date             the day it was bought; null for credits
-- column PurchaseOrderNumber   varchar          of the buyer
-- column CreditCurrency        varchar          ISO 4217, currency of the lot
-- column OriginalAmount        decimal(38, 18)  CreditCurrency, what it began with
-- column ClosedBalance         decimal(38, 18)  CreditCurrency, what was left after the last invoice
-- column UsedAmount            decimal(38, 18)  CreditCurrency, what one contributor used; null but for shared commitments
-- column BillingCurrency       varchar          ISO 4217, currency of the invoice
-- column OriginalAmountBilled  decimal(38, 18)  BillingCurrency
-- column ClosedBalanceBilled   decimal(38, 18)  BillingCurrency
-- column ExchangeRate          decimal(38, 18)  BillingCurrency per CreditCurrency
-- column IsEstimated           boolean          the balance is an estimate; null where it is not said
-- column OrganizationType      varchar          the account bought a shared commitment or contributes to it
-- column ResellerName          varchar          of a lot bought through a reseller
--
-- total: (select count(*) from stg_lots) = (select count(*) from raw_lots)
-- total: not exists (select CreditCurrency, sum(OriginalAmount), sum(ClosedBalance) from stg_lots group by CreditCurrency
--        except select nullif(trim(coalesce(creditCurrency, originalAmount_currency)), ''), sum(originalAmount_value), sum(closedBalance_value)
--        from raw_lots group by nullif(trim(coalesce(creditCurrency, originalAmount_currency)), ''))
select
    _account as Account,
    _scope as Scope,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    nullif(lower(id), '') as LotId,
    nullif(name, '') as LotName,
    nullif(source, '') as LotSource,
    nullif(status, '') as LotStatus,
    upper(nullif(regexp_extract(lower(_scope), '/billingprofiles/([^/]*)', 1), '')) as BillingProfileId,
    nullif(regexp_extract(lower(_scope), '/customers/([^/]*)', 1), '') as CustomerId,
    cast(startDate as date) as StartDate,
    cast(expirationDate as date) as ExpirationDate,
    cast(purchasedDate as date) as PurchasedDate,
    nullif(trim(poNumber), '') as PurchaseOrderNumber,
    nullif(trim(coalesce(creditCurrency, originalAmount_currency)), '') as CreditCurrency,
    originalAmount_value as OriginalAmount,
    closedBalance_value as ClosedBalance,
    usedAmount_value as UsedAmount,
    nullif(trim(coalesce(billingCurrency, originalAmountInBillingCurrency_currency, creditCurrency, originalAmount_currency)), '') as BillingCurrency,
    originalAmountInBillingCurrency_value as OriginalAmountBilled,
    closedBalanceInBillingCurrency_value as ClosedBalanceBilled,
    closedBalanceInBillingCurrency_exchangeRate as ExchangeRate,
    isEstimatedBalance as IsEstimated,
    nullif(orgType, '') as OrganizationType,
    nullif(reseller_resellerDescription, '') as ResellerName
from raw_lots
