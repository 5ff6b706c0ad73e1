-- stg_reservation_transactions_export is what was bought, refunded or cancelled of a reservation, from an export file.
--
-- An enrollment's row says how the amount was paid, a customer agreement's on which invoice it is. A reservation paid by month has a
-- row each month. Savings plans are not here.
--
-- reads:  raw_reservation_transactions_export
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input _file                       varchar
-- input EventDate                   timestamp
-- input EventType                   varchar
-- input ReservationOrderId          varchar
-- input ReservationOrderName        varchar
-- input Description                 varchar
-- input ArmSkuName                  varchar
-- input Region                      varchar
-- input Term                        varchar
-- input BillingFrequency            varchar
-- input BillingMonth                date
-- input Quantity                    decimal(38, 18)
-- input Amount                      decimal(38, 18)
-- input Currency                    varchar
-- input MonetaryCommitment          decimal(38, 18)
-- input Overage                     decimal(38, 18)
-- input PurchasingSubscriptionGuid  varchar
-- input PurchasingSubscriptionName  varchar
-- input PurchasingEnrollment        varchar
-- input CurrentEnrollmentId         varchar
-- input AccountName                 varchar
-- input AccountOwnerEmail           varchar
-- input DepartmentName              varchar
-- input CostCenter                  varchar
-- input BillingProfileId            varchar
-- input BillingProfileName          varchar
-- input Invoice                     varchar
-- input InvoiceId                   varchar
-- input InvoiceSectionId            varchar
-- input InvoiceSectionName          varchar
--
-- column Account               varchar          the account's name in the configuration
-- column Scope                 varchar          the scope that is exported
-- column BillingPeriodStart    date             first day of the month of the export
-- column Page                  bigint           file of the export the row came on
-- column Row                   bigint           row in that file
-- column File                  varchar          name of the export file
-- column EventDate             timestamp        UTC
-- column EventType             varchar          Purchase, Refund, Cancel or as served
-- column ReservationOrderId    varchar          GUID in lower case
-- column ReservationOrderName  varchar
-- column Description           varchar
-- column SkuName               varchar          such as Standard_B2ms
-- column RegionId              varchar          such as westus
-- column Term                  varchar          months of the commitment, as text
-- column BillingFrequency      varchar          OneTime or Recurring, as served
-- column BillingMonth          date             ea: first day of the month it is billed in
-- column Quantity              decimal(38, 18)  instances
-- column Amount                decimal(38, 18)  BillingCurrency, before tax; refunds are negative
-- column BillingCurrency       varchar          ISO 4217
-- column MonetaryCommitment    decimal(38, 18)  BillingCurrency, ea: what the prepayment paid
-- column Overage               decimal(38, 18)  BillingCurrency, ea: what the prepayment did not pay
-- column SubAccountId          varchar          GUID in lower case of the subscription that bought
-- column SubAccountName        varchar
-- column PurchasingEnrollment  varchar          ea
-- column CurrentEnrollmentId   varchar          ea: the enrollment it is in now
-- column AccountName           varchar          ea: enrollment account
-- column AccountOwnerId        varchar          ea: owner of the enrollment account
-- column DepartmentName        varchar          ea
-- column CostCenter            varchar          ea
-- column BillingProfileId      varchar          mca
-- column BillingProfileName    varchar          mca
-- column InvoiceId             varchar          mca: name of the invoice
-- column InvoiceSectionId      varchar          mca
-- column InvoiceSectionName    varchar          mca
--
-- total: (select count(*) from stg_reservation_transactions_export) = (select count(*) from raw_reservation_transactions_export)
-- total: not exists (select BillingCurrency, sum(Amount) from stg_reservation_transactions_export group by BillingCurrency
--        except select nullif(upper(trim(Currency)), ''), sum(Amount) from raw_reservation_transactions_export group by nullif(upper(trim(Currency)), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    _file as File,
    EventDate as EventDate,
    nullif(trim(EventType), '') as EventType,
    nullif(regexp_extract(lower(trim(ReservationOrderId)), '([^/]*)$', 1), '') as ReservationOrderId,
    nullif(trim(ReservationOrderName), '') as ReservationOrderName,
    nullif(trim(Description), '') as Description,
    nullif(trim(ArmSkuName), '') as SkuName,
    nullif(lower(trim(Region)), '') as RegionId,
    case
        when upper(replace(Term, ' ', '')) in ('1YEAR', 'P1Y') then '12'
        when upper(replace(Term, ' ', '')) in ('3YEARS', '3YEAR', 'P3Y') then '36'
        when upper(replace(Term, ' ', '')) in ('5YEARS', '5YEAR', 'P5Y') then '60'
        when upper(replace(Term, ' ', '')) in ('1MONTH', 'P1M') then '1'
        else nullif(trim(Term), '')
    end as Term,
    nullif(trim(BillingFrequency), '') as BillingFrequency,
    BillingMonth as BillingMonth,
    Quantity as Quantity,
    Amount as Amount,
    nullif(upper(trim(Currency)), '') as BillingCurrency,
    MonetaryCommitment as MonetaryCommitment,
    Overage as Overage,
    nullif(lower(trim(PurchasingSubscriptionGuid)), '') as SubAccountId,
    nullif(trim(PurchasingSubscriptionName), '') as SubAccountName,
    nullif(trim(PurchasingEnrollment), '') as PurchasingEnrollment,
    nullif(trim(CurrentEnrollmentId), '') as CurrentEnrollmentId,
    nullif(trim(AccountName), '') as AccountName,
    nullif(trim(AccountOwnerEmail), '') as AccountOwnerId,
    nullif(trim(DepartmentName), '') as DepartmentName,
    nullif(trim(CostCenter), '') as CostCenter,
    nullif(trim(BillingProfileId), '') as BillingProfileId,
    nullif(trim(BillingProfileName), '') as BillingProfileName,
    nullif(regexp_extract(trim(coalesce(InvoiceId, Invoice)), '([^/]*)$', 1), '') as InvoiceId,
    nullif(trim(InvoiceSectionId), '') as InvoiceSectionId,
    nullif(trim(InvoiceSectionName), '') as InvoiceSectionName
from raw_reservation_transactions_export
