-- reservation_transaction is one payment for a reservation, one given back, or one cancelled.
--
-- A reservation paid monthly has a row for each month. The same payments are charges of cost_and_usage (Purchase and Refund, which
-- savings plans have as well); this table is for what only the API knows of them: who bought, in which enrollment account,
-- and what prepayment paid of it. Never add the two.
--
-- reads:  stg_reservation_transactions
-- grain:  Account, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- column BillingPeriodStart    date             first day of the month of the event
-- column Account               varchar          the account's name in the configuration
-- column Scope                 varchar          the scope the API was asked for
-- column Page                  bigint           page the row came on
-- column Row                   bigint           row on that page
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
-- column BillingProfileId      varchar          ARM id in lower case; customer agreements only
-- column BillingProfileName    varchar          customer agreements only
-- column InvoiceSectionId      varchar          ARM id in lower case; customer agreements only
-- column InvoiceSectionName    varchar          customer agreements only
-- column InvoiceId             varchar          the invoice's number; null while not invoiced, and under an enrollment
-- column Tags                  varchar          JSON array
--
-- total: not exists (select BillingCurrency, count(*), sum(Amount) from stg_reservation_transactions group by BillingCurrency
--        except select BillingCurrency, count(*), sum(Amount) from reservation_transaction group by BillingCurrency)
select
    stg_reservation_transactions.BillingPeriodStart as BillingPeriodStart,
    stg_reservation_transactions.Account as Account,
    stg_reservation_transactions.Scope as Scope,
    stg_reservation_transactions.Page as Page,
    stg_reservation_transactions.Row as Row,
    stg_reservation_transactions.EventAt as EventAt,
    stg_reservation_transactions.EventType as EventType,
    stg_reservation_transactions.BilledMonth as BilledMonth,
    stg_reservation_transactions.CommitmentOrderId as CommitmentOrderId,
    stg_reservation_transactions.CommitmentOrderName as CommitmentOrderName,
    stg_reservation_transactions.Description as Description,
    stg_reservation_transactions.SkuName as SkuName,
    stg_reservation_transactions.RegionId as RegionId,
    stg_reservation_transactions.Term as Term,
    stg_reservation_transactions.TermMonths as TermMonths,
    stg_reservation_transactions.BillingFrequency as BillingFrequency,
    stg_reservation_transactions.Quantity as Quantity,
    stg_reservation_transactions.BillingCurrency as BillingCurrency,
    stg_reservation_transactions.Amount as Amount,
    stg_reservation_transactions.MonetaryCommitment as MonetaryCommitment,
    stg_reservation_transactions.Overage as Overage,
    stg_reservation_transactions.SubAccountId as SubAccountId,
    stg_reservation_transactions.SubAccountName as SubAccountName,
    stg_reservation_transactions.PurchasingEnrollment as PurchasingEnrollment,
    stg_reservation_transactions.CurrentEnrollment as CurrentEnrollment,
    stg_reservation_transactions.AccountName as AccountName,
    stg_reservation_transactions.AccountOwnerId as AccountOwnerId,
    stg_reservation_transactions.DepartmentName as DepartmentName,
    stg_reservation_transactions.CostCenter as CostCenter,
    stg_reservation_transactions.BillingProfileId as BillingProfileId,
    stg_reservation_transactions.BillingProfileName as BillingProfileName,
    stg_reservation_transactions.InvoiceSectionId as InvoiceSectionId,
    stg_reservation_transactions.InvoiceSectionName as InvoiceSectionName,
    stg_reservation_transactions.InvoiceId as InvoiceId,
    stg_reservation_transactions.Tags as Tags
from stg_reservation_transactions
