-- stg_transactions is a line of an invoice, or a charge that waits for one, as the billing API adds them up by product and section.
--
-- Invoice is "Pending", in whatever case, where there is none yet. Every amount carries its own currency; they agree within a
-- line, but for prices, which can be in the pricing currency. The period is the month of the invoice, which the charge of a
-- late day or of a subscription bought for a year need not lie in.
--
-- reads:  raw_transactions
-- grain:  Account, Scope, BillingPeriodStart, IsBilled, Page, Row
-- period: BillingPeriodStart
--
-- input id                                      varchar
-- input name                                    varchar
-- input kind                                    varchar
-- input invoice                                 varchar
-- input date                                    timestamp
-- input transactionType                         varchar
-- input transactionAmount_value                 decimal(38, 18)
-- input transactionAmount_currency              varchar
-- input subTotal_value                          decimal(38, 18)
-- input subTotal_currency                       varchar
-- input tax_value                               decimal(38, 18)
-- input azureCreditApplied_value                decimal(38, 18)
-- input consumptionCommitmentDecremented_value  decimal(38, 18)
-- input effectivePrice_value                    decimal(38, 18)
-- input effectivePrice_currency                 varchar
-- input marketPrice_value                       decimal(38, 18)
-- input billingCurrency                         varchar
-- input pricingCurrency                         varchar
-- input exchangeRate                            decimal(38, 18)
-- input discount                                decimal(38, 18)
-- input quantity                                decimal(38, 18)
-- input units                                   decimal(38, 18)
-- input unitType                                varchar
-- input unitOfMeasure                           varchar
-- input productFamily                           varchar
-- input productTypeId                           varchar
-- input productType                             varchar
-- input productDescription                      varchar
-- input partNumber                              varchar
-- input orderId                                 varchar
-- input orderName                               varchar
-- input azurePlan                               varchar
-- input isThirdParty                            boolean
-- input creditType                              varchar
-- input reasonCode                              varchar
-- input servicePeriodStartDate                  timestamp
-- input servicePeriodEndDate                    timestamp
-- input billingProfileId                        varchar
-- input billingProfileDisplayName               varchar
-- input invoiceSectionId                        varchar
-- input invoiceSectionDisplayName               varchar
-- input customerId                              varchar
-- input customerDisplayName                     varchar
-- input subscriptionId                          varchar
-- input subscriptionName                        varchar
--
-- column Account               varchar          the account's name in the configuration
-- column Scope                 varchar          the scope the API was asked for
-- column BillingPeriodStart    date             first day of the invoice's month, or of the month that waits for it
-- column IsBilled              boolean          stands on an invoice
-- column Page                  bigint           page the row came on
-- column Row                   bigint           row on that page
-- column TransactionId         varchar          Azure's name for the line
-- column InvoiceId             varchar          the invoice's number; null without one
-- column TransactionDate       date             day of the charge, or the last one of the usage it adds up
-- column TransactionType       varchar          Purchase, Usage charge, Cancel, Refund …: free text
-- column TransactionKind       varchar          Reservation or Other; null when not said
-- column BillingCurrency       varchar          ISO 4217, trimmed
-- column TransactionAmount     decimal(38, 18)  BillingCurrency, what is charged for the line, with tax
-- column Subtotal              decimal(38, 18)  BillingCurrency, before tax
-- column TaxAmount             decimal(38, 18)  BillingCurrency
-- column AzureCreditApplied    decimal(38, 18)  BillingCurrency, credit used for it, positive
-- column CommitmentDecrement   decimal(38, 18)  BillingCurrency, what it counts towards a consumption commitment (MACC)
-- column PricingCurrency       varchar          ISO 4217
-- column ExchangeRate          decimal(38, 18)  BillingCurrency per PricingCurrency
-- column DiscountFraction      decimal(38, 18)  0.1 is ten per cent; null without
-- column EffectivePrice        decimal(38, 18)  EffectiveCurrency, per unit
-- column EffectiveCurrency     varchar          ISO 4217, of EffectivePrice
-- column ListUnitPrice         decimal(38, 18)  market price per unit
-- column Quantity              decimal(38, 18)  how many were bought; 1 for usage
-- column Units                 decimal(38, 18)  units used
-- column UnitOfMeasure         varchar          of Units
-- column ProductFamily         varchar          Compute, Storage, Marketplace …: free text
-- column ProductId             varchar          of the product type
-- column ProductName           varchar          type of the product
-- column ProductDescription    varchar          the line's text
-- column PartNumber            varchar          of an enrollment; else null
-- column OrderId               varchar          of a purchase; null when not said
-- column OrderName             varchar          of a purchase; null when not said
-- column AzurePlan             varchar          plan it was bought under
-- column IsThirdParty          boolean          sold by others on the Marketplace; null when not said
-- column CreditType            varchar          of a credit; else null
-- column ReasonCode            varchar          of a credit or refund; else null
-- column ServicePeriodStart    date             first day it is for
-- column ServicePeriodEnd      date             the last
-- column BillingProfileId      varchar          last part of the profile's id
-- column BillingProfileName    varchar          the profile's name
-- column InvoiceSectionId      varchar          last part of the section's id; null for an enrollment
-- column InvoiceSectionName    varchar          the section's name
-- column CustomerId            varchar          a partner's customer, last part of the id
-- column CustomerName          varchar          a partner's customer
-- column SubAccountId          varchar          subscription GUID in lower case; null where the line adds up several
-- column SubAccountName        varchar          the subscription's name
--
-- total: (select count(*) from stg_transactions) = (select count(*) from raw_transactions)
-- total: not exists (select BillingCurrency, sum(Subtotal), sum(TransactionAmount) from stg_transactions group by BillingCurrency
--        except select nullif(trim(coalesce(billingCurrency, transactionAmount_currency, subTotal_currency)), ''), sum(subTotal_value), sum(transactionAmount_value)
--        from raw_transactions group by nullif(trim(coalesce(billingCurrency, transactionAmount_currency, subTotal_currency)), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset = 'billed' as IsBilled,
    _page as Page,
    _row as Row,
    name as TransactionId,
    case when lower(trim(invoice)) not in ('pending', '') then trim(invoice) end as InvoiceId,
    cast(date as date) as TransactionDate,
    nullif(transactionType, '') as TransactionType,
    nullif(kind, '') as TransactionKind,
    nullif(trim(coalesce(billingCurrency, transactionAmount_currency, subTotal_currency)), '') as BillingCurrency,
    transactionAmount_value as TransactionAmount,
    subTotal_value as Subtotal,
    tax_value as TaxAmount,
    azureCreditApplied_value as AzureCreditApplied,
    consumptionCommitmentDecremented_value as CommitmentDecrement,
    nullif(trim(pricingCurrency), '') as PricingCurrency,
    exchangeRate as ExchangeRate,
    discount as DiscountFraction,
    effectivePrice_value as EffectivePrice,
    nullif(trim(effectivePrice_currency), '') as EffectiveCurrency,
    marketPrice_value as ListUnitPrice,
    quantity as Quantity,
    units as Units,
    coalesce(nullif(unitOfMeasure, ''), nullif(unitType, '')) as UnitOfMeasure,
    nullif(productFamily, '') as ProductFamily,
    nullif(productTypeId, '') as ProductId,
    nullif(productType, '') as ProductName,
    nullif(productDescription, '') as ProductDescription,
    nullif(partNumber, '') as PartNumber,
    nullif(orderId, '') as OrderId,
    nullif(orderName, '') as OrderName,
    nullif(azurePlan, '') as AzurePlan,
    isThirdParty as IsThirdParty,
    nullif(creditType, '') as CreditType,
    nullif(reasonCode, '') as ReasonCode,
    cast(servicePeriodStartDate as date) as ServicePeriodStart,
    cast(servicePeriodEndDate as date) as ServicePeriodEnd,
    nullif(regexp_extract(billingProfileId, '([^/]*)$', 1), '') as BillingProfileId,
    nullif(billingProfileDisplayName, '') as BillingProfileName,
    nullif(regexp_extract(invoiceSectionId, '([^/]*)$', 1), '') as InvoiceSectionId,
    nullif(invoiceSectionDisplayName, '') as InvoiceSectionName,
    nullif(regexp_extract(customerId, '([^/]*)$', 1), '') as CustomerId,
    nullif(customerDisplayName, '') as CustomerName,
    nullif(regexp_extract(lower(subscriptionId), '([^/]*)$', 1), '') as SubAccountId,
    nullif(subscriptionName, '') as SubAccountName
from raw_transactions
