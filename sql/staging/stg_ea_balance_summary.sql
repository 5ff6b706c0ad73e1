-- stg_ea_balance_summary is the prepayment balance of one enrollment in one billing period, of the retired Enterprise Reporting.
--
-- The columns are those of stg_balances.
--
-- reads:  raw_ea_balance_summary
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input currencyCode                    varchar
-- input newPurchasesDetails             varchar
-- input adjustmentDetails               varchar
-- input beginningBalance                decimal(38, 18)
-- input newPurchases                    decimal(38, 18)
-- input adjustments                     decimal(38, 18)
-- input utilized                        decimal(38, 18)
-- input endingBalance                   decimal(38, 18)
-- input serviceOverage                  decimal(38, 18)
-- input chargesBilledSeparately         decimal(38, 18)
-- input totalOverage                    decimal(38, 18)
-- input totalUsage                      decimal(38, 18)
-- input azureMarketplaceServiceCharges  decimal(38, 18)
--
-- column Account                  varchar          the account's name in the configuration
-- column Scope                    varchar          the scope the API was asked for
-- column BillingPeriodStart       date             first day of the billing period
-- column Page                     bigint           page the row came on
-- column Row                      bigint           row on that page
-- column EnrollmentId             varchar          the enrollment's number
-- column BillingCurrency          varchar          ISO 4217, trimmed
-- column BeginningBalance         decimal(38, 18)  BillingCurrency, prepayment left at the start
-- column NewPurchases             decimal(38, 18)  BillingCurrency, prepayment bought in the period
-- column Adjustments              decimal(38, 18)  BillingCurrency, corrections of the prepayment
-- column Utilized                 decimal(38, 18)  BillingCurrency, prepayment used
-- column EndingBalance            decimal(38, 18)  BillingCurrency, prepayment left at the end
-- column ServiceOverage           decimal(38, 18)  BillingCurrency, Azure services beyond the prepayment
-- column ChargesBilledSeparately  decimal(38, 18)  BillingCurrency, charges the prepayment cannot cover
-- column TotalOverage             decimal(38, 18)  BillingCurrency, ServiceOverage + ChargesBilledSeparately
-- column TotalUsage               decimal(38, 18)  BillingCurrency, Utilized + TotalOverage
-- column MarketplaceCharges       decimal(38, 18)  BillingCurrency, Azure Marketplace
-- column NewPurchasesDetails      varchar          JSON array of name and value
-- column AdjustmentDetails        varchar          JSON array of name and value
--
-- total: (select count(*) from stg_ea_balance_summary) = (select count(*) from raw_ea_balance_summary)
-- total: not exists (select BillingCurrency, sum(TotalUsage), sum(MarketplaceCharges) from stg_ea_balance_summary group by BillingCurrency
--        except select nullif(trim(currencyCode), ''), sum(totalUsage), sum(azureMarketplaceServiceCharges) from raw_ea_balance_summary group by nullif(trim(currencyCode), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    regexp_extract(_scope, '([^/]*)$', 1) as EnrollmentId,
    nullif(trim(currencyCode), '') as BillingCurrency,
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
    newPurchasesDetails as NewPurchasesDetails,
    adjustmentDetails as AdjustmentDetails
from raw_ea_balance_summary
