-- reservation_transaction is one payment for a reservation, one given back, or one cancelled.
--
-- A reservation paid monthly has a row for each month. The same payments are charges of cost_and_usage (Purchase and Refund, which
-- savings plans have as well); this table is for what only their own records know of them: who bought, in which
-- enrollment account, and what prepayment paid of it. Never add the two. A month that an export of the same scope has is taken
-- from the export.
--
-- reads:  stg_reservation_transactions, stg_reservation_transactions_export
-- grain:  Account, Source, Scope, BillingPeriodStart, Page, Row
-- period: BillingPeriodStart
-- from:   stg_reservation_transactions_export on Account, Scope, Page, Row where reservation_transaction.Source = 'reservation_transactions_export'
-- from:   stg_reservation_transactions on Account, Scope, Page, Row where reservation_transaction.Source = 'reservation_transactions'
--
-- column BillingPeriodStart    date             first day of the month of the event
-- column Account               varchar          the account's name in the configuration
-- column Source                varchar          reservation_transactions or reservation_transactions_export
-- column Scope                 varchar          the scope the API was asked for, or that is exported
-- column Page                  bigint           page or file the row came on
-- column Row                   bigint           row on that page or in that file
-- column EventAt               timestamp        UTC
-- column EventType             varchar          Purchase, Refund or Cancel
-- column BilledMonth           date             first day of the month that bills it; null under a customer agreement
-- column CommitmentOrderId     varchar          GUID in lower case of the reservation order
-- column CommitmentOrderName   varchar          the order's name
-- column Description           varchar          what was bought
-- column SkuName               varchar          such as Standard_DS1_v2
-- column RegionId              varchar          such as westus
-- column Term                  varchar          as served, such as P1Y or 12
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
-- total: (select count(*) from reservation_transaction where Source = 'reservation_transactions_export')
--        = (select count(*) from stg_reservation_transactions_export)
-- total: not exists (select BillingCurrency, sum(Amount) from stg_reservation_transactions_export group by BillingCurrency
--        except select BillingCurrency, sum(Amount) from reservation_transaction where Source = 'reservation_transactions_export' group by BillingCurrency)
-- total: (select count(*) from reservation_transaction where Source = 'reservation_transactions')
--        = (select count(*) from stg_reservation_transactions left join (
--            select Account, Scope, BillingPeriodStart from stg_reservation_transactions_export group by 1, 2, 3) as exported
--            on exported.Account = stg_reservation_transactions.Account and lower(exported.Scope) = lower(stg_reservation_transactions.Scope)
--            and exported.BillingPeriodStart = stg_reservation_transactions.BillingPeriodStart where exported.Account is null)
with
exported as (
    select
        stg_reservation_transactions_export.Account as Account,
        lower(stg_reservation_transactions_export.Scope) as ScopeKey,
        stg_reservation_transactions_export.BillingPeriodStart as BillingPeriodStart
    from stg_reservation_transactions_export
    group by 1, 2, 3
)
select
    stg_reservation_transactions_export.BillingPeriodStart as BillingPeriodStart,
    stg_reservation_transactions_export.Account as Account,
    'reservation_transactions_export' as Source,
    stg_reservation_transactions_export.Scope as Scope,
    stg_reservation_transactions_export.Page as Page,
    stg_reservation_transactions_export.Row as Row,
    stg_reservation_transactions_export.EventDate as EventAt,
    stg_reservation_transactions_export.EventType as EventType,
    stg_reservation_transactions_export.BillingMonth as BilledMonth,
    stg_reservation_transactions_export.ReservationOrderId as CommitmentOrderId,
    stg_reservation_transactions_export.ReservationOrderName as CommitmentOrderName,
    stg_reservation_transactions_export.Description as Description,
    stg_reservation_transactions_export.SkuName as SkuName,
    stg_reservation_transactions_export.RegionId as RegionId,
    stg_reservation_transactions_export.Term as Term,
    cast(try_cast(stg_reservation_transactions_export.Term as integer) as bigint) as TermMonths,
    stg_reservation_transactions_export.BillingFrequency as BillingFrequency,
    stg_reservation_transactions_export.Quantity as Quantity,
    stg_reservation_transactions_export.BillingCurrency as BillingCurrency,
    stg_reservation_transactions_export.Amount as Amount,
    stg_reservation_transactions_export.MonetaryCommitment as MonetaryCommitment,
    stg_reservation_transactions_export.Overage as Overage,
    stg_reservation_transactions_export.SubAccountId as SubAccountId,
    stg_reservation_transactions_export.SubAccountName as SubAccountName,
    stg_reservation_transactions_export.PurchasingEnrollment as PurchasingEnrollment,
    stg_reservation_transactions_export.CurrentEnrollmentId as CurrentEnrollment,
    stg_reservation_transactions_export.AccountName as AccountName,
    stg_reservation_transactions_export.AccountOwnerId as AccountOwnerId,
    stg_reservation_transactions_export.DepartmentName as DepartmentName,
    stg_reservation_transactions_export.CostCenter as CostCenter,
    upper(nullif(regexp_extract(stg_reservation_transactions_export.BillingProfileId, '([^/]*)$', 1), '')) as BillingProfileId,
    stg_reservation_transactions_export.BillingProfileName as BillingProfileName,
    upper(nullif(regexp_extract(stg_reservation_transactions_export.InvoiceSectionId, '([^/]*)$', 1), '')) as InvoiceSectionId,
    stg_reservation_transactions_export.InvoiceSectionName as InvoiceSectionName,
    stg_reservation_transactions_export.InvoiceId as InvoiceId,
    cast(null as varchar) as Tags
from stg_reservation_transactions_export
union all
select
    stg_reservation_transactions.BillingPeriodStart as BillingPeriodStart,
    stg_reservation_transactions.Account as Account,
    'reservation_transactions' as Source,
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
left join exported
    on exported.Account = stg_reservation_transactions.Account
    and exported.ScopeKey = lower(stg_reservation_transactions.Scope)
    and exported.BillingPeriodStart = stg_reservation_transactions.BillingPeriodStart
where exported.Account is null
