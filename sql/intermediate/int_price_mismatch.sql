-- int_price_mismatch is what the usage of a subscription on an invoice was billed beyond its quantity at the price sheet's prices.
--
-- Only what price_check calls a mismatch is added up. What it calls rounding is none, and what no sheet prices is not here.
--
-- reads:  price_check
-- grain:  BillingPeriodStart, Account, InvoiceId, SubAccountId, BillingCurrency
-- period: BillingPeriodStart
-- from:   price_check on Account, InvoiceId, SubAccountId, BillingCurrency where price_check.Result in ('PriceMismatch', 'QuantityMismatch')
-- adds:   PriceMismatch, QuantityMismatch, ChargeCount
--
-- column BillingPeriodStart  date             first day of the billing period
-- column Account             varchar          the account's name in the configuration
-- column InvoiceId           varchar          as the record says; Not invoiced for an enrollment, and before the invoice is made
-- column SubAccountId        varchar          subscription GUID in lower case, or Not assigned
-- column BillingCurrency     varchar          ISO 4217
-- column PriceMismatch       decimal(38, 18)  BillingCurrency, billed beyond the calculated cost because of the price; below 0: too little
-- column QuantityMismatch    decimal(38, 18)  BillingCurrency, billed beyond the calculated cost because of the quantity
-- column ChargeCount         bigint           charges of the meters concerned
--
-- check: ChargeCount > 0
-- total: not exists (select BillingCurrency, sum(PriceMismatch), sum(QuantityMismatch) from int_price_mismatch group by BillingCurrency
--        except select BillingCurrency, sum(PriceMismatch), sum(QuantityMismatch) from price_check
--        where Result in ('PriceMismatch', 'QuantityMismatch') group by BillingCurrency)
select
    price_check.BillingPeriodStart as BillingPeriodStart,
    price_check.Account as Account,
    price_check.InvoiceId as InvoiceId,
    price_check.SubAccountId as SubAccountId,
    price_check.BillingCurrency as BillingCurrency,
    cast(sum(price_check.PriceMismatch) as decimal(38, 18)) as PriceMismatch,
    cast(sum(price_check.QuantityMismatch) as decimal(38, 18)) as QuantityMismatch,
    cast(sum(price_check.ChargeCount) as bigint) as ChargeCount
from price_check
where price_check.Result in ('PriceMismatch', 'QuantityMismatch')
group by 1, 2, 3, 4, 5
