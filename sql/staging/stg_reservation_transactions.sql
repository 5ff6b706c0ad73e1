-- stg_reservation_transactions is one payment for a reservation, or one given back.
--
-- The name of a record is the minute it was made in and repeats, so only its place is a key. A month is asked for with one day
-- more, because nothing says whether the last day of the filter reaches to its end; what is of another month is left out here,
-- and stands in that month. Savings plans are not in this list.
--
-- reads:  raw_reservation_transactions
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input id                          varchar
-- input name                        varchar
-- input tags                        varchar
-- input eventDate                   timestamp
-- input eventType                   varchar
-- input billingMonth                date
-- input quantity                    decimal(38, 18)
-- input amount                      decimal(38, 18)
-- input monetaryCommitment          decimal(38, 18)
-- input overage                     decimal(38, 18)
-- input currency                    varchar
-- input description                 varchar
-- input reservationOrderId          varchar
-- input reservationOrderName        varchar
-- input armSkuName                  varchar
-- input term                        varchar
-- input region                      varchar
-- input billingFrequency            varchar
-- input purchasingEnrollment        varchar
-- input currentEnrollment           varchar
-- input purchasingSubscriptionGuid  varchar
-- input purchasingSubscriptionName  varchar
-- input accountName                 varchar
-- input accountOwnerEmail           varchar
-- input departmentName              varchar
-- input costCenter                  varchar
-- input billingProfileId            varchar
-- input billingProfileName          varchar
-- input invoiceSectionId            varchar
-- input invoiceSectionName          varchar
-- input invoice                     varchar
-- input invoiceId                   varchar
--
-- column Account               varchar          the account's name in the configuration
-- column Scope                 varchar          the scope the API was asked for
-- column BillingPeriodStart    date             first day of the month of the event
-- column Page                  bigint           page the row came on
-- column Row                   bigint           row on that page
-- column TransactionName       varchar          the record's name; repeats
-- column EventAt               timestamp        UTC
-- column EventType             varchar          Purchase, Refund or Cancel
-- column BilledMonth           date             first day of the month that bills it; null under a customer agreement
-- column CommitmentOrderId     varchar          GUID in lower case of the reservation order
-- column CommitmentOrderName   varchar          the order's name
-- column Description           varchar          what was bought
-- column SkuName               varchar          such as Standard_DS1_v2
-- column RegionId              varchar          such as westus
-- column Term                  varchar          as served, such as P1Y
-- column TermMonths            bigint           months; null where Term is none of years or months
-- column BillingFrequency      varchar          OneTime or Recurring
-- column Quantity              decimal(38, 18)  instances
-- column BillingCurrency       varchar          ISO 4217, trimmed
-- column Amount                decimal(38, 18)  BillingCurrency, before tax; negative when given back
-- column MonetaryCommitment    decimal(38, 18)  BillingCurrency, part paid from prepayment; enrollments only
-- column Overage               decimal(38, 18)  BillingCurrency, part beyond prepayment; enrollments only
-- column SubAccountId          varchar          GUID in lower case of the subscription that bought
-- column SubAccountName        varchar          its name
-- column PurchasingEnrollment  varchar          enrollment that bought
-- column CurrentEnrollment     varchar          enrollment that has it now
-- column AccountName           varchar          the enrollment account
-- column AccountOwnerId        varchar          its owner's address
-- column DepartmentName        varchar          the enrollment's department
-- column CostCenter            varchar          as entered at the enrollment
-- column BillingProfileId      varchar          the billing profile's code; customer agreements only
-- column BillingProfileName    varchar          customer agreements only
-- column InvoiceSectionId      varchar          the invoice section's code; customer agreements only
-- column InvoiceSectionName    varchar          customer agreements only
-- column InvoiceId             varchar          the invoice's number; null while not invoiced, and under an enrollment
-- column Tags                  varchar          JSON array
--
-- total: (select count(*) from stg_reservation_transactions) = (select count(*) from raw_reservation_transactions where eventDate is null or month_text(cast(eventDate as date)) = _period)
-- total: not exists (select BillingCurrency, sum(Amount), sum(Quantity) from stg_reservation_transactions group by BillingCurrency
--        except select nullif(trim(currency), ''), sum(amount), sum(quantity) from raw_reservation_transactions where eventDate is null or month_text(cast(eventDate as date)) = _period group by nullif(trim(currency), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    name as TransactionName,
    eventDate as EventAt,
    nullif(trim(raw_reservation_transactions.eventType), '') as EventType,
    billingMonth as BilledMonth,
    nullif(lower(reservationOrderId), '') as CommitmentOrderId,
    nullif(reservationOrderName, '') as CommitmentOrderName,
    nullif(raw_reservation_transactions.description, '') as Description,
    nullif(armSkuName, '') as SkuName,
    nullif(lower(region), '') as RegionId,
    nullif(raw_reservation_transactions.term, '') as Term,
    coalesce(
        12 * cast(nullif(regexp_extract(upper(raw_reservation_transactions.term), '^P([0-9]+)Y$', 1), '') as bigint),
        cast(nullif(regexp_extract(upper(raw_reservation_transactions.term), '^P([0-9]+)M$', 1), '') as bigint)
    ) as TermMonths,
    case lower(raw_reservation_transactions.billingFrequency)
        when 'onetime' then 'OneTime'
        when 'recurring' then 'Recurring'
        else nullif(raw_reservation_transactions.billingFrequency, '')
    end as BillingFrequency,
    raw_reservation_transactions.quantity as Quantity,
    nullif(trim(currency), '') as BillingCurrency,
    raw_reservation_transactions.amount as Amount,
    raw_reservation_transactions.monetaryCommitment as MonetaryCommitment,
    raw_reservation_transactions.overage as Overage,
    nullif(nullif(lower(purchasingSubscriptionGuid), ''), '00000000-0000-0000-0000-000000000000') as SubAccountId,
    nullif(purchasingSubscriptionName, '') as SubAccountName,
    nullif(raw_reservation_transactions.purchasingEnrollment, '') as PurchasingEnrollment,
    nullif(raw_reservation_transactions.currentEnrollment, '') as CurrentEnrollment,
    nullif(raw_reservation_transactions.accountName, '') as AccountName,
    nullif(accountOwnerEmail, '') as AccountOwnerId,
    nullif(raw_reservation_transactions.departmentName, '') as DepartmentName,
    nullif(raw_reservation_transactions.costCenter, '') as CostCenter,
    upper(nullif(regexp_extract(raw_reservation_transactions.billingProfileId, '([^/]*)$', 1), '')) as BillingProfileId,
    nullif(raw_reservation_transactions.billingProfileName, '') as BillingProfileName,
    upper(nullif(regexp_extract(raw_reservation_transactions.invoiceSectionId, '([^/]*)$', 1), '')) as InvoiceSectionId,
    nullif(raw_reservation_transactions.invoiceSectionName, '') as InvoiceSectionName,
    nullif(coalesce(invoice, regexp_extract(raw_reservation_transactions.invoiceId, '([^/]*)$', 1)), '') as InvoiceId,
    raw_reservation_transactions.tags as Tags
from raw_reservation_transactions
where eventDate is null or month_text(cast(eventDate as date)) = _period
