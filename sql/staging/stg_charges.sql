-- stg_charges is what one part of a billing account cost in one month, as Microsoft adds it up.
--
-- Legacy records have plain amounts beside a currency, modern ones amounts with a currency of their own. Dataset is how the account
-- is split: billing_profile and invoice_section are two views of the same money, never to be added. The units of an enrollment are its
-- departments and the enrollment accounts in none: they add up. TotalCharges is before tax and credits. IsInvoiced false is an estimate.
-- An invoice section's id comes with and without its billing profile, so only its last part is kept.
--
-- reads:  raw_charges
-- grain:  Account, Scope, BillingPeriodStart, Dataset, Page, Row
-- period: BillingPeriodStart
--
-- input id                                varchar
-- input kind                              varchar
-- input billingPeriodId                   varchar
-- input currency                          varchar
-- input billingProfileId                  varchar
-- input invoiceSectionId                  varchar
-- input customerId                        varchar
-- input usageStart                        date
-- input usageEnd                          date
-- input isInvoiced                        boolean
-- input azureCharges                      decimal(38, 18)
-- input azureCharges_value                decimal(38, 18)
-- input azureCharges_currency             varchar
-- input chargesBilledSeparately           decimal(38, 18)
-- input chargesBilledSeparately_value     decimal(38, 18)
-- input chargesBilledSeparately_currency  varchar
-- input marketplaceCharges                decimal(38, 18)
-- input marketplaceCharges_value          decimal(38, 18)
-- input marketplaceCharges_currency       varchar
-- input olderMarketPlaceCharges           decimal(38, 18)
-- input azureMarketplaceCharges           decimal(38, 18)
--
-- column Account                  varchar          the account's name in the configuration
-- column Scope                    varchar          the scope the API was asked for
-- column BillingPeriodStart       date             first day of the billing period
-- column Dataset                  varchar          billing_profile, invoice_section or customer: how an account is split; all for a part of an enrollment
-- column Page                     bigint           page the row came on
-- column Row                      bigint           row on that page
-- column ChargeSummaryId          varchar          ARM id in lower case
-- column ChargeKind               varchar          legacy or modern; null in answers of before 2019
-- column BillingPeriodName        varchar          the API's name of the period, such as 202610
-- column UsageStart               date             first day
-- column UsageEnd                 date             last day
-- column BillingProfileId         varchar          the billing profile's code; null for an enrollment
-- column InvoiceSectionId         varchar          the invoice section's code; null where the record is not of one
-- column CustomerId               varchar          a partner's customer
-- column DepartmentId             varchar          number of the department; null where the record is not of one
-- column EnrollmentAccountId      varchar          number of the enrollment account; null where the record is not of one
-- column BillingCurrency          varchar          ISO 4217, trimmed
-- column AzureCharges             decimal(38, 18)  BillingCurrency, Azure services that a prepayment can pay for
-- column ChargesBilledSeparately  decimal(38, 18)  BillingCurrency, charges that a prepayment cannot pay for
-- column MarketplaceCharges       decimal(38, 18)  BillingCurrency, Azure Marketplace
-- column TotalCharges             decimal(38, 18)  BillingCurrency, the three together
-- column IsInvoiced               boolean          it is on an invoice; null for an enrollment
--
-- total: (select count(*) from stg_charges) = (select count(*) from raw_charges)
-- total: not exists (select Dataset, sum(TotalCharges) from stg_charges group by Dataset
--        except select _dataset, sum(coalesce(azureCharges, 0) + coalesce(azureCharges_value, 0) + coalesce(chargesBilledSeparately, 0)
--        + coalesce(chargesBilledSeparately_value, 0) + coalesce(marketplaceCharges, 0) + coalesce(marketplaceCharges_value, 0)
--        + coalesce(olderMarketPlaceCharges, 0) + coalesce(azureMarketplaceCharges, 0)) from raw_charges group by _dataset)
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    nullif(lower(id), '') as ChargeSummaryId,
    nullif(lower(kind), '') as ChargeKind,
    nullif(regexp_extract(billingPeriodId, '([^/]*)$', 1), '') as BillingPeriodName,
    usageStart as UsageStart,
    usageEnd as UsageEnd,
    nullif(regexp_extract(billingProfileId, '([^/]*)$', 1), '') as BillingProfileId,
    nullif(regexp_extract(invoiceSectionId, '([^/]*)$', 1), '') as InvoiceSectionId,
    nullif(regexp_extract(customerId, '([^/]*)$', 1), '') as CustomerId,
    nullif(regexp_extract(lower(_scope), '/departments/([^/]*)', 1), '') as DepartmentId,
    nullif(regexp_extract(lower(_scope), '/enrollmentaccounts/([^/]*)', 1), '') as EnrollmentAccountId,
    nullif(trim(coalesce(currency, azureCharges_currency, chargesBilledSeparately_currency, marketplaceCharges_currency)), '') as BillingCurrency,
    coalesce(azureCharges_value, azureCharges) as AzureCharges,
    coalesce(chargesBilledSeparately_value, chargesBilledSeparately) as ChargesBilledSeparately,
    coalesce(marketplaceCharges_value, marketplaceCharges, olderMarketPlaceCharges, azureMarketplaceCharges) as MarketplaceCharges,
    coalesce(coalesce(azureCharges_value, azureCharges), 0) + coalesce(coalesce(chargesBilledSeparately_value, chargesBilledSeparately), 0) + coalesce(coalesce(marketplaceCharges_value, marketplaceCharges, olderMarketPlaceCharges, azureMarketplaceCharges), 0) as TotalCharges,
    isInvoiced as IsInvoiced
from raw_charges
