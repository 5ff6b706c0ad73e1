-- stg_ea_reservation_charges is a payment for a reservation, or what was given back, of the retired Enterprise Reporting.
--
-- The subscription is spelled in two ways by the API. Amounts are before tax, those of a refund negative or positive as served.
--
-- reads:  raw_ea_reservation_charges
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
--
-- input eventDate                   date
-- input quantity                    decimal(38, 18)
-- input amount                      decimal(38, 18)
-- input purchasingEnrollment        varchar
-- input armSkuName                  varchar
-- input term                        varchar
-- input region                      varchar
-- input purchasingSubscriptionGuid  varchar
-- input purchasingSubscriptionName  varchar
-- input documentedSubscriptionGuid  varchar
-- input documentedSubscriptionName  varchar
-- input accountName                 varchar
-- input accountOwnerEmail           varchar
-- input departmentName              varchar
-- input costCenter                  varchar
-- input currentEnrollment           varchar
-- input billingFrequency            varchar
-- input reservationOrderId          varchar
-- input reservationOrderName        varchar
-- input description                 varchar
-- input eventType                   varchar
-- input currency                    varchar
--
-- column Account                 varchar          the account's name in the configuration
-- column Scope                   varchar          the scope the API was asked for
-- column BillingPeriodStart      date             first day of the billing period
-- column Page                    bigint           page the row came on
-- column Row                     bigint           row on that page
-- column ChargeDate              date             the day
-- column EventType               varchar          Purchase, Cancel or Refund
-- column PurchasingEnrollmentId  varchar          enrollment that bought it
-- column CurrentEnrollmentId     varchar          enrollment that has it now
-- column ReservationOrderId      varchar          GUID in lower case
-- column ReservationOrderName    varchar
-- column SkuName                 varchar          such as Standard_F1s
-- column Term                    varchar          P1Y or P3Y
-- column RegionId                varchar          such as eastus
-- column SubAccountId            varchar          GUID of the purchasing subscription in lower case
-- column SubAccountName          varchar          name of the purchasing subscription
-- column AccountName             varchar          enrollment account
-- column AccountOwnerId          varchar          e-mail address of its owner
-- column InvoiceSectionName      varchar          name of the department
-- column CostCenter              varchar
-- column BillingFrequency        varchar          OneTime or Recurring; null in versions before 4
-- column EventDescription        varchar          in Microsoft's words
-- column Quantity                decimal(38, 18)  instances
-- column BillingCurrency         varchar          ISO 4217, trimmed
-- column Cost                    decimal(38, 18)  BillingCurrency, before tax
--
-- total: (select count(*) from stg_ea_reservation_charges) = (select count(*) from raw_ea_reservation_charges)
-- total: not exists (select BillingCurrency, sum(stg_ea_reservation_charges.Cost) from stg_ea_reservation_charges group by BillingCurrency
--        except select nullif(trim(currency), ''), sum(amount) from raw_ea_reservation_charges group by nullif(trim(currency), ''))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _page as Page,
    _row as Row,
    eventDate as ChargeDate,
    nullif(eventType, '') as EventType,
    nullif(purchasingEnrollment, '') as PurchasingEnrollmentId,
    nullif(currentEnrollment, '') as CurrentEnrollmentId,
    nullif(lower(trim(reservationOrderId)), '') as ReservationOrderId,
    nullif(reservationOrderName, '') as ReservationOrderName,
    nullif(armSkuName, '') as SkuName,
    nullif(upper(term), '') as Term,
    nullif(lower(trim(region)), '') as RegionId,
    nullif(lower(trim(coalesce(purchasingSubscriptionGuid, documentedSubscriptionGuid))), '') as SubAccountId,
    nullif(coalesce(purchasingSubscriptionName, documentedSubscriptionName), '') as SubAccountName,
    nullif(accountName, '') as AccountName,
    nullif(accountOwnerEmail, '') as AccountOwnerId,
    nullif(departmentName, '') as InvoiceSectionName,
    nullif(costCenter, '') as CostCenter,
    nullif(billingFrequency, '') as BillingFrequency,
    nullif(description, '') as EventDescription,
    quantity as Quantity,
    nullif(trim(currency), '') as BillingCurrency,
    amount as Cost
from raw_ea_reservation_charges
