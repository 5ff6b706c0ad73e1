-- stg_invoices is an invoice, credit note or other billing document, as the billing API lists it.
--
-- Every amount carries its own currency; they agree within an invoice, so BillingCurrency is the total's. Invoices of the
-- API of 2018 have no amounts at all: theirs are null, which means unknown, not zero, and their subscription stands in the id.
-- The end of the invoice period is served as the last tenth of a microsecond of its last day (2024-10-31T23:59:59.9999999Z).
--
-- reads:  raw_invoices
-- grain:  Account, Scope, Page, Row
--
-- input id                               varchar
-- input name                             varchar
-- input status                           varchar
-- input documentType                     varchar
-- input invoiceType                      varchar
-- input isMonthlyInvoice                 boolean
-- input invoiceDate                      timestamp
-- input dueDate                          timestamp
-- input invoicePeriodStartDate           timestamp
-- input invoicePeriodEndDate             timestamp
-- input billingProfileId                 varchar
-- input billingProfileDisplayName        varchar
-- input purchaseOrderNumber              varchar
-- input subscriptionId                   varchar
-- input subscriptionDisplayName          varchar
-- input billedAmount_value               decimal(38, 18)
-- input billedAmount_currency            varchar
-- input creditAmount_value               decimal(38, 18)
-- input azurePrepaymentApplied_value     decimal(38, 18)
-- input freeAzureCreditApplied_value     decimal(38, 18)
-- input subTotal_value                   decimal(38, 18)
-- input taxAmount_value                  decimal(38, 18)
-- input totalAmount_value                decimal(38, 18)
-- input totalAmount_currency             varchar
-- input amountDue_value                  decimal(38, 18)
-- input amountDue_currency               varchar
-- input billedDocumentId                 varchar
-- input creditForDocumentId              varchar
-- input payments                         varchar
-- input documents                        varchar
-- input rebillDetails                    varchar
-- input refundDetails                    varchar
--
-- column Account              varchar          the account's name in the configuration
-- column Scope                varchar          the scope the API was asked for
-- column Page                 bigint           page the row came on
-- column Row                  bigint           row on that page
-- column InvoiceId            varchar          the invoice's number, such as G123456789
-- column InvoiceStatus        varchar          Due, OverDue, Paid, Void, Locked, Other
-- column DocumentType         varchar          Invoice, CreditNote, VoidNote, TaxReceipt …; Invoice when not said
-- column InvoiceType          varchar          AzureServices, AzureMarketplace, AzureSupport; null when not said
-- column IsMonthlyInvoice     boolean          false for a purchase invoiced at once; null when not said
-- column InvoiceDate          timestamp        UTC, when it was issued
-- column DueDate              timestamp        UTC
-- column InvoicePeriodStart   date             first day of the invoiced period
-- column InvoicePeriodEnd     date             the day after the last
-- column BillingProfileId     varchar          last part of the profile's id; null for subscriptions
-- column BillingProfileName   varchar          the profile's name; null for subscriptions
-- column SubAccountId         varchar          subscription GUID in lower case of a pay-as-you-go invoice; else null
-- column SubAccountName       varchar          the subscription's name
-- column PurchaseOrderNumber  varchar          as the customer gave it; null without one
-- column BillingCurrency      varchar          ISO 4217, trimmed; null for an invoice without amounts
-- column BilledAmount         decimal(38, 18)  BillingCurrency, all charges, before tax
-- column CreditAmount         decimal(38, 18)  BillingCurrency, refunds for returns and cancellations, negative
-- column PrepaymentApplied    decimal(38, 18)  BillingCurrency, prepayment used, positive
-- column FreeCreditApplied    decimal(38, 18)  BillingCurrency, free credit used, positive
-- column Subtotal             decimal(38, 18)  BillingCurrency, due before tax
-- column TaxAmount            decimal(38, 18)  BillingCurrency
-- column TotalAmount          decimal(38, 18)  BillingCurrency, due when the invoice was made
-- column AmountDue            decimal(38, 18)  BillingCurrency, due now
-- column BilledDocumentId     varchar          of a voided invoice: the one that replaces it; last part of its id
-- column CreditForDocumentId  varchar          of a credit note: the voided invoice; last part of its id
-- column Payments             varchar          JSON array
-- column Documents            varchar          JSON array of downloads
-- column RebillDetails        varchar          JSON
-- column RefundDetails        varchar          JSON
--
-- total: (select count(*) from stg_invoices) = (select count(*) from raw_invoices)
-- total: coalesce((select sum(TotalAmount) from stg_invoices), 0) = coalesce((select sum(totalAmount_value) from raw_invoices), 0)
select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    name as InvoiceId,
    status as InvoiceStatus,
    coalesce(nullif(documentType, ''), 'Invoice') as DocumentType,
    nullif(invoiceType, '') as InvoiceType,
    isMonthlyInvoice as IsMonthlyInvoice,
    invoiceDate as InvoiceDate,
    dueDate as DueDate,
    cast(invoicePeriodStartDate as date) as InvoicePeriodStart,
    day_add(cast(invoicePeriodEndDate as date), 1) as InvoicePeriodEnd,
    nullif(regexp_extract(billingProfileId, '([^/]*)$', 1), '') as BillingProfileId,
    nullif(billingProfileDisplayName, '') as BillingProfileName,
    coalesce(
        nullif(lower(subscriptionId), ''),
        nullif(regexp_extract(lower(id), '^/subscriptions/([^/]*)/', 1), '')
    ) as SubAccountId,
    nullif(subscriptionDisplayName, '') as SubAccountName,
    nullif(purchaseOrderNumber, '') as PurchaseOrderNumber,
    nullif(trim(coalesce(totalAmount_currency, billedAmount_currency, amountDue_currency)), '') as BillingCurrency,
    billedAmount_value as BilledAmount,
    creditAmount_value as CreditAmount,
    azurePrepaymentApplied_value as PrepaymentApplied,
    freeAzureCreditApplied_value as FreeCreditApplied,
    subTotal_value as Subtotal,
    taxAmount_value as TaxAmount,
    totalAmount_value as TotalAmount,
    amountDue_value as AmountDue,
    nullif(regexp_extract(billedDocumentId, '([^/]*)$', 1), '') as BilledDocumentId,
    nullif(regexp_extract(creditForDocumentId, '([^/]*)$', 1), '') as CreditForDocumentId,
    payments as Payments,
    documents as Documents,
    rebillDetails as RebillDetails,
    refundDetails as RefundDetails
from raw_invoices
