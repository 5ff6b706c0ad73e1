-- stg_balances is the prepayment balance and usage of one enrollment in one billing period.
--
-- The API pads the currency ("USD  "), and leaves every amount null when the partner hides prices (PriceHidden).
-- Amounts are before tax. EndingBalance of the open period changes every day.
--
-- reads:  raw_balances
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input id                              varchar
-- input name                            varchar
-- input currency                        varchar
-- input beginningBalance                decimal(38, 18)
-- input endingBalance                   decimal(38, 18)
-- input newPurchases                    decimal(38, 18)
-- input newPurchasesDetails             varchar
-- input adjustments                     decimal(38, 18)
-- input adjustmentDetails               varchar
-- input utilized                        decimal(38, 18)
-- input serviceOverage                  decimal(38, 18)
-- input chargesBilledSeparately         decimal(38, 18)
-- input totalOverage                    decimal(38, 18)
-- input totalUsage                      decimal(38, 18)
-- input azureMarketplaceServiceCharges  decimal(38, 18)
-- input overageRefund                   decimal(38, 18)
-- input billingFrequency                varchar
-- input priceHidden                     boolean
--
-- column Account                  varchar          the account's name in the configuration
-- column Scope                    varchar          the scope the API was asked for
-- column BillingPeriodStart       date             first day of the billing period
-- column Page                     bigint           page the row came on
-- column Row                      bigint           row on that page
-- column EnrollmentId             varchar          the enrollment's number, the last part of the scope
-- column BillingCurrency          varchar          ISO 4217, trimmed
-- column BeginningBalance         decimal(38, 18)  BillingCurrency, prepayment left at the start
-- column NewPurchases             decimal(38, 18)  BillingCurrency, prepayment bought in the period
-- column Adjustments              decimal(38, 18)  BillingCurrency, promotions, transfers and corrections of the prepayment
-- column Utilized                 decimal(38, 18)  BillingCurrency, prepayment used
-- column EndingBalance            decimal(38, 18)  BillingCurrency, prepayment left at the end
-- column ServiceOverage           decimal(38, 18)  BillingCurrency, Azure services beyond the prepayment
-- column ChargesBilledSeparately  decimal(38, 18)  BillingCurrency, charges the prepayment cannot cover
-- column TotalOverage             decimal(38, 18)  BillingCurrency, ServiceOverage + ChargesBilledSeparately
-- column TotalUsage               decimal(38, 18)  BillingCurrency, Utilized + TotalOverage
-- column MarketplaceCharges       decimal(38, 18)  BillingCurrency, Azure Marketplace
-- column OverageRefund            decimal(38, 18)  BillingCurrency, overage given back; null where the API does not know it
-- column BillingFrequency         varchar          Month, Quarter or Year: how often overage is invoiced
-- column PriceHidden              boolean          the partner hides prices, so the amounts are empty
-- column NewPurchasesDetails      varchar          JSON array of name and value
-- column AdjustmentDetails        varchar          JSON array of name and value
--
-- total: (select count(*) from stg_balances) = (select count(*) from raw_balances)
-- total: not exists (select BillingCurrency, sum(TotalUsage), sum(MarketplaceCharges) from stg_balances group by BillingCurrency
--        except select nullif(trim(currency), ''), sum(totalUsage), sum(azureMarketplaceServiceCharges) from raw_balances group by nullif(trim(currency), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    regexp_extract(_scope, '([^/]*)$', 1) as EnrollmentId,
    nullif(trim(currency), '') as BillingCurrency,
    beginningBalance as BeginningBalance,
    newPurchases as NewPurchases,
    adjustments as Adjustments,
    utilized as Utilized,
    endingBalance as EndingBalance,
    serviceOverage as ServiceOverage,
    chargesBilledSeparately as ChargesBilledSeparately,
    totalOverage as TotalOverage,
    totalUsage as TotalUsage,
    azureMarketplaceServiceCharges as MarketplaceCharges,
    overageRefund as OverageRefund,
    nullif(trim(billingFrequency), '') as BillingFrequency,
    priceHidden as PriceHidden,
    newPurchasesDetails as NewPurchasesDetails,
    adjustmentDetails as AdjustmentDetails
from raw_balances
