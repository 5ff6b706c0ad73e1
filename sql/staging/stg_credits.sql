-- stg_credits is the balance of one billing profile's credits.
--
-- CurrentBalance is that after the last invoice, EstimatedBalance that after everything under way. A billing profile without credits
-- has no row.
--
-- reads:  raw_credits
-- grain:  Account, Scope, Page, Row
--
-- input creditCurrency                                                 varchar
-- input billingCurrency                                                varchar
-- input reseller_resellerDescription                                   varchar
-- input balanceSummary_currentBalance_currency                         varchar
-- input balanceSummary_estimatedBalanceInBillingCurrency_currency      varchar
-- input isEstimatedBalance                                             boolean
-- input balanceSummary_currentBalance_value                            decimal(38, 18)
-- input balanceSummary_estimatedBalance_value                          decimal(38, 18)
-- input pendingEligibleCharges_value                                   decimal(38, 18)
-- input pendingCreditAdjustments_value                                 decimal(38, 18)
-- input expiredCredit_value                                            decimal(38, 18)
-- input balanceSummary_estimatedBalanceInBillingCurrency_value         decimal(38, 18)
-- input balanceSummary_estimatedBalanceInBillingCurrency_exchangeRate  decimal(38, 18)
--
-- column Account                 varchar          the account's name in the configuration
-- column Scope                   varchar          the scope the API was asked for
-- column Page                    bigint           page the row came on
-- column Row                     bigint           row on that page
-- column BillingProfileId        varchar          the billing profile's code
-- column CreditCurrency          varchar          ISO 4217, currency of the credits
-- column CurrentBalance          decimal(38, 18)  CreditCurrency, left after the last invoice
-- column EstimatedBalance        decimal(38, 18)  CreditCurrency, left after what is under way
-- column PendingEligibleCharges  decimal(38, 18)  CreditCurrency, charges not yet invoiced that credits can pay for
-- column PendingAdjustments      decimal(38, 18)  CreditCurrency, corrections not yet invoiced
-- column ExpiredCredit           decimal(38, 18)  CreditCurrency, expired
-- column BillingCurrency         varchar          ISO 4217, currency of the invoice
-- column EstimatedBalanceBilled  decimal(38, 18)  BillingCurrency
-- column ExchangeRate            decimal(38, 18)  BillingCurrency per CreditCurrency
-- column IsEstimated             boolean          the balance is an estimate; null where it is not said
-- column ResellerName            varchar          of credits that came through a reseller
--
-- total: (select count(*) from stg_credits) = (select count(*) from raw_credits)
-- total: not exists (select CreditCurrency, sum(CurrentBalance), sum(EstimatedBalance) from stg_credits group by CreditCurrency
--        except select nullif(trim(coalesce(creditCurrency, balanceSummary_currentBalance_currency)), ''), sum(balanceSummary_currentBalance_value),
--        sum(balanceSummary_estimatedBalance_value) from raw_credits group by nullif(trim(coalesce(creditCurrency, balanceSummary_currentBalance_currency)), ''))
select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    nullif(regexp_extract(lower(_scope), '/billingprofiles/([^/]*)', 1), '') as BillingProfileId,
    nullif(trim(coalesce(creditCurrency, balanceSummary_currentBalance_currency)), '') as CreditCurrency,
    balanceSummary_currentBalance_value as CurrentBalance,
    balanceSummary_estimatedBalance_value as EstimatedBalance,
    pendingEligibleCharges_value as PendingEligibleCharges,
    pendingCreditAdjustments_value as PendingAdjustments,
    expiredCredit_value as ExpiredCredit,
    nullif(trim(coalesce(billingCurrency, balanceSummary_estimatedBalanceInBillingCurrency_currency, creditCurrency, balanceSummary_currentBalance_currency)), '') as BillingCurrency,
    balanceSummary_estimatedBalanceInBillingCurrency_value as EstimatedBalanceBilled,
    balanceSummary_estimatedBalanceInBillingCurrency_exchangeRate as ExchangeRate,
    isEstimatedBalance as IsEstimated,
    nullif(reseller_resellerDescription, '') as ResellerName
from raw_credits
