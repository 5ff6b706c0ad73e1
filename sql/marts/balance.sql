-- balance is the prepayment and usage of one enrollment in one billing period.
--
-- The amounts are those the enrollment portal shows, before tax. Those of the open period change every day. Where a partner
-- hides prices, all amounts are null. The three identities Microsoft documents are held as checks.
--
-- reads:  stg_balances
-- grain:  Account, EnrollmentId, BillingPeriodStart
-- period: BillingPeriodStart
--
-- column BillingPeriodStart       date             first day of the billing period
-- column Account                  varchar          the account's name in the configuration
-- column EnrollmentId             varchar          the enrollment's number
-- column BillingCurrency          varchar          ISO 4217
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
-- check: coalesce(TotalOverage = ServiceOverage + ChargesBilledSeparately, true)
-- check: coalesce(TotalUsage = Utilized + TotalOverage, true)
-- check: coalesce(EndingBalance = BeginningBalance + NewPurchases + Adjustments - Utilized, true)
-- total: not exists (select BillingCurrency, count(*), sum(TotalUsage), sum(MarketplaceCharges) from stg_balances group by BillingCurrency
--        except select BillingCurrency, count(*), sum(TotalUsage), sum(MarketplaceCharges) from balance group by BillingCurrency)
select
    stg_balances.BillingPeriodStart as BillingPeriodStart,
    stg_balances.Account as Account,
    stg_balances.EnrollmentId as EnrollmentId,
    stg_balances.BillingCurrency as BillingCurrency,
    stg_balances.BeginningBalance as BeginningBalance,
    stg_balances.NewPurchases as NewPurchases,
    stg_balances.Adjustments as Adjustments,
    stg_balances.Utilized as Utilized,
    stg_balances.EndingBalance as EndingBalance,
    stg_balances.ServiceOverage as ServiceOverage,
    stg_balances.ChargesBilledSeparately as ChargesBilledSeparately,
    stg_balances.TotalOverage as TotalOverage,
    stg_balances.TotalUsage as TotalUsage,
    stg_balances.MarketplaceCharges as MarketplaceCharges,
    stg_balances.OverageRefund as OverageRefund,
    stg_balances.BillingFrequency as BillingFrequency,
    stg_balances.PriceHidden as PriceHidden,
    stg_balances.NewPurchasesDetails as NewPurchasesDetails,
    stg_balances.AdjustmentDetails as AdjustmentDetails
from stg_balances
