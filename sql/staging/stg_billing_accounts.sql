-- stg_billing_accounts is a part of the billing organisation as the billing API lists it: an account, a billing profile, an
-- invoice section, a department, an enrollment account, a customer, a subscription, or the available balance of one of them.
--
-- The kinds share one raw table; what a kind does not have is null. An enrollment's subscriptions name their enrollment account by
-- its number, its enrollment accounts their department by its number; all else is named by whole ids, of which the last part is
-- kept. Parents that no field names stand in the id: /billingAccounts/x/billingProfiles/y/invoiceSections/z.
--
-- reads:  raw_billing_accounts
-- grain:  Account, Scope, Kind, Page, Row
--
-- input id                            varchar
-- input name                          varchar
-- input displayName                   varchar
-- input agreementType                 varchar
-- input accountType                   varchar
-- input accountStatus                 varchar
-- input status                        varchar
-- input state                         varchar
-- input enrollmentDetails_status      varchar
-- input enrollmentDetails_currency    varchar
-- input enrollmentDetails_poNumber    varchar
-- input enrollmentDetails_startDate   timestamp
-- input enrollmentDetails_endDate     timestamp
-- input currency                      varchar
-- input poNumber                      varchar
-- input costCenter                    varchar
-- input consumptionCostCenter         varchar
-- input accountOwner                  varchar
-- input principalName                 varchar
-- input departmentId                  varchar
-- input enrollmentAccountId           varchar
-- input invoiceSectionId              varchar
-- input billingProfileId              varchar
-- input customerId                    varchar
-- input subscriptionId                varchar
-- input offerId                       varchar
-- input skuDescription                varchar
-- input startDate                     timestamp
-- input endDate                       timestamp
-- input purchaseDate                  timestamp
-- input termEndDate                   timestamp
-- input monthToDateCharges_value      decimal(38, 18)
-- input monthToDateCharges_currency   varchar
-- input lastMonthCharges_value        decimal(38, 18)
-- input lastMonthCharges_currency     varchar
-- input amount_value                  decimal(38, 18)
-- input amount_currency               varchar
-- input totalPaymentsOnAccount_value  decimal(38, 18)
-- input tags                          varchar
--
-- column Account              varchar          the account's name in the configuration
-- column Scope                varchar          the scope the API was asked for
-- column Page                 bigint           page the row came on
-- column Row                  bigint           row on that page
-- column Kind                 varchar          account, profile, section, department, enrollment_account, customer, subscription or balance
-- column ScopeId              varchar          id in lower case; of a balance, that of what it belongs to
-- column Id                   varchar          last part of the id: a profile's code, a department's number
-- column Name                 varchar          the name that people gave it; null without one
-- column Status               varchar          Active, Deleted, Warned …; null when not said
-- column AgreementType        varchar          of an account: EnterpriseAgreement, MicrosoftCustomerAgreement …
-- column AccountType          varchar          of an account: Enterprise, Individual, Partner …
-- column BillingCurrency      varchar          ISO 4217: the enrollment's or profile's, or that of the amounts; null when not said
-- column CostCenter           varchar          as the customer gave it
-- column Owner                varchar          of an enrollment account: who owns it; else null
-- column PurchaseOrderNumber  varchar          as the customer gave it
-- column BillingProfileId     varchar          profile it belongs to, last part of its id
-- column InvoiceSectionId     varchar          section a subscription is billed to, last part of its id
-- column DepartmentId         varchar          department of an enrollment account, its number
-- column EnrollmentAccountId  varchar          enrollment account of a subscription, its number
-- column CustomerId           varchar          a partner's customer, last part of the id
-- column SubAccountId         varchar          of a subscription: its GUID in lower case
-- column OfferId              varchar          of a subscription: MS-AZR-0017P …
-- column PlanName             varchar          of a subscription: the plan or product it was sold as
-- column StartDate            date             when it began; null when not said
-- column EndDate              date             when it ends; null when not said
-- column MonthToDateCharges   decimal(38, 18)  BillingCurrency, rounded and late: Azure's own count
-- column LastMonthCharges     decimal(38, 18)  BillingCurrency, rounded: Azure's own count
-- column AvailableBalance     decimal(38, 18)  BillingCurrency, of a balance: credit that can settle invoices
-- column PaymentsOnAccount    decimal(38, 18)  BillingCurrency, of a balance: payments not used yet
-- column Tags                 varchar          JSON object text; null without tags
--
-- total: (select count(*) from stg_billing_accounts) = (select count(*) from raw_billing_accounts)
-- total: coalesce((select sum(AvailableBalance) from stg_billing_accounts), 0) = coalesce((select sum(amount_value) from raw_billing_accounts), 0)
select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    _dataset as Kind,
    case when _dataset = 'balance' then regexp_extract(lower(id), '^(.*?)(/availablebalance(/default)?)?$', 1) else lower(id) end as ScopeId,
    name as Id,
    nullif(trim(displayName), '') as Name,
    nullif(coalesce(accountStatus, status, state, enrollmentDetails_status), '') as Status,
    agreementType as AgreementType,
    accountType as AccountType,
    nullif(trim(coalesce(currency, enrollmentDetails_currency, amount_currency, monthToDateCharges_currency, lastMonthCharges_currency)), '')
        as BillingCurrency,
    coalesce(nullif(trim(costCenter), ''), nullif(trim(consumptionCostCenter), '')) as CostCenter,
    coalesce(nullif(accountOwner, ''), nullif(principalName, '')) as Owner,
    coalesce(nullif(poNumber, ''), nullif(enrollmentDetails_poNumber, '')) as PurchaseOrderNumber,
    coalesce(
        nullif(regexp_extract(billingProfileId, '([^/]*)$', 1), ''),
        nullif(regexp_extract(id, '(?i)/billingProfiles/([^/]*)', 1), '')
    ) as BillingProfileId,
    coalesce(
        nullif(regexp_extract(invoiceSectionId, '([^/]*)$', 1), ''),
        nullif(regexp_extract(id, '(?i)/invoiceSections/([^/]*)', 1), '')
    ) as InvoiceSectionId,
    coalesce(
        nullif(regexp_extract(departmentId, '([^/]*)$', 1), ''),
        nullif(regexp_extract(id, '(?i)/departments/([^/]*)', 1), '')
    ) as DepartmentId,
    coalesce(
        nullif(regexp_extract(enrollmentAccountId, '([^/]*)$', 1), ''),
        nullif(regexp_extract(id, '(?i)/enrollmentAccounts/([^/]*)', 1), '')
    ) as EnrollmentAccountId,
    coalesce(
        nullif(regexp_extract(customerId, '([^/]*)$', 1), ''),
        nullif(regexp_extract(id, '(?i)/customers/([^/]*)', 1), '')
    ) as CustomerId,
    nullif(lower(subscriptionId), '') as SubAccountId,
    nullif(offerId, '') as OfferId,
    nullif(skuDescription, '') as PlanName,
    cast(coalesce(startDate, enrollmentDetails_startDate, purchaseDate) as date) as StartDate,
    cast(coalesce(endDate, enrollmentDetails_endDate, termEndDate) as date) as EndDate,
    monthToDateCharges_value as MonthToDateCharges,
    lastMonthCharges_value as LastMonthCharges,
    amount_value as AvailableBalance,
    totalPaymentsOnAccount_value as PaymentsOnAccount,
    tags as Tags
from raw_billing_accounts
