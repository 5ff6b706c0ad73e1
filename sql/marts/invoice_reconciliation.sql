-- invoice_reconciliation is one invoice's way from its charges to its total, one component a row.
--
-- Usage, Purchase, Marketplace, SupportPlan, Refund and Rounding are added up from the cost records, and with them what of it
-- lies on another invoice (LateCharge, PurchaseTiming) or was converted at another rate (ExchangeRate). Usage is what we calculate
-- ourselves where the price sheet of the month has the meter; PriceMismatch and QuantityMismatch are what was charged beyond it.
-- Credit, Prepayment and Tax are never in cost records and come from the invoice, and so does a support plan that has no record.
-- MissingUsage is what the records fall short of Azure's own sums of days, as far as the invoice bills it. What is left is
-- Unexplained, so the amounts of an invoice add up to its total to the last digit.
--
-- An invoice without any cost record has the components that its own lines (transactions) name. Where those are not there either,
-- all it bills before credits and tax is Unexplained, and Detail says why.
--
-- A voided invoice and the credit note over it are Rebill, each the other's opposite; their charges are on the invoice that replaced
-- them. A document of an enrollment repeats what its periods' balances state (IsCounted is false) and is held against those.
--
-- creditAmount repeats the refunds for some invoices, where billedAmount leaves them out, and stands beside them for others.
-- Whichever of the two comes closer to billedAmount, the charges with or without the refunds, decides; in the first
-- case Credit is only what the refunds do not already hold.
--
-- Status is Estimated where there is no invoice yet or the period can still change; Unexplained where more remains than rounding
-- explains; Explained where components beyond the ordinary ones (Usage, Purchase, Marketplace, SupportPlan, Rounding, Credit,
-- Prepayment, Tax) were needed; else Matched. An invoice that states no amounts has nothing to explain: it is Explained, and
-- Detail says so. Two wrongs do not make a right: where Marketplace of an enrollment is not what its balance states, that remains.
--
-- reads:  invoice, int_invoice_component, int_invoice_assignment, int_invoice_cost, int_invoice_chain, int_invoice_billed, int_enrollment_invoice,
--         int_missing_usage, int_price_mismatch, stg_balances
-- grain:  Account, InvoiceId, BillingCurrency, Component, RelatedInvoiceId
-- from:   int_invoice_component on Account, InvoiceId, BillingCurrency, Component, RelatedInvoiceId
-- adds:   Amount = int_invoice_component.CalculatedAmount when invoice_reconciliation.Component in ('LateCharge', 'PurchaseTiming', 'ExchangeRate', 'Rounding')
-- from:   invoice on Account, InvoiceId, BillingCurrency where invoice_reconciliation.Component not in
--         ('Usage', 'LateCharge', 'Purchase', 'PurchaseTiming', 'Marketplace', 'Rounding', 'ExchangeRate', 'PriceMismatch', 'QuantityMismatch')
-- adds:   Amount = invoice.TaxAmount when invoice_reconciliation.Component = 'Tax'
-- from:   int_price_mismatch on Account, BillingCurrency where invoice_reconciliation.Component in ('PriceMismatch', 'QuantityMismatch') and exists (
--             select 1 from int_invoice_assignment
--             where int_invoice_assignment.Account = int_price_mismatch.Account
--                 and int_invoice_assignment.BillingPeriodStart = int_price_mismatch.BillingPeriodStart
--                 and int_invoice_assignment.RecordedInvoiceId = int_price_mismatch.InvoiceId
--                 and int_invoice_assignment.SubAccountId = int_price_mismatch.SubAccountId
--                 and int_invoice_assignment.BillingCurrency = int_price_mismatch.BillingCurrency
--                 and int_invoice_assignment.InvoiceId = invoice_reconciliation.InvoiceId
--         )
-- adds:   Amount = int_price_mismatch.PriceMismatch when invoice_reconciliation.Component = 'PriceMismatch'
-- adds:   Amount = int_price_mismatch.QuantityMismatch when invoice_reconciliation.Component = 'QuantityMismatch'
-- from:   int_invoice_billed on Account, InvoiceId, BillingCurrency, Component
-- from:   int_enrollment_invoice on Account, InvoiceId, BillingCurrency
-- with:   int_missing_usage on Account, BillingCurrency where invoice_reconciliation.Component = 'MissingUsage'
--         and int_missing_usage.BillingPeriodStart = invoice_reconciliation.InvoicePeriodStart
--
-- column Account             varchar          the account's name in the configuration
-- column InvoiceId           varchar          as in invoice
-- column BillingCurrency     varchar          ISO 4217
-- column Component           varchar          Usage, LateCharge, Purchase, PurchaseTiming, SupportPlan, Marketplace, Refund, Rounding, ExchangeRate, PriceMismatch, QuantityMismatch, MissingUsage, Rebill, Other, Credit, Prepayment, Tax or Unexplained
-- column ComponentOrder      bigint           place in the waterfall, from 1
-- column RelatedInvoiceId    varchar          the other invoice of a late charge, purchase, refund or rebill; empty where there is none
-- column InvoiceKind         varchar          as in invoice
-- column IsCounted           boolean          as in invoice: false repeats amounts of other rows, leave it out of sums
-- column InvoicePeriodStart  date             first day of the invoiced period
-- column InvoicePeriodEnd    date             the day after the last
-- column InvoicedAmount      decimal(38, 18)  BillingCurrency, as the invoice or balance states this component; null where it does not
-- column CalculatedAmount    decimal(38, 18)  BillingCurrency, what we calculate for it; null where that cannot be
-- column Difference          decimal(38, 18)  BillingCurrency, InvoicedAmount - CalculatedAmount; null where one of them is
-- column Amount              decimal(38, 18)  BillingCurrency, this component's part of TotalAmount
-- column TotalAmount         decimal(38, 18)  BillingCurrency, of the whole invoice; of charges without an invoice, their sum; null when not stated
-- column RemainingAmount     decimal(38, 18)  BillingCurrency, of the whole invoice: what stays unexplained; null without TotalAmount
-- column Tolerance           decimal(38, 18)  BillingCurrency, what rounding may leave unexplained
-- column Status              varchar          of the whole invoice: Matched, Explained, Unexplained or Estimated
-- column Detail              varchar          what the row says, in a sentence
--
-- check: Status in ('Matched', 'Explained', 'Unexplained', 'Estimated')
-- check: Detail <> ''
-- total: not exists (select Account, InvoiceId, BillingCurrency, TotalAmount from invoice where IsCounted and TotalAmount is not null
--        except select Account, InvoiceId, BillingCurrency, sum(Amount) from invoice_reconciliation group by Account, InvoiceId, BillingCurrency)
-- total: not exists (select Account, InvoiceId, BillingCurrency from invoice_reconciliation where TotalAmount is not null
--        group by Account, InvoiceId, BillingCurrency having sum(Amount) <> max(TotalAmount))
-- total: not exists (select BillingCurrency, sum(CalculatedAmount) from int_invoice_component group by BillingCurrency
--        except select BillingCurrency, sum(case when Component in ('ExchangeRate', 'PriceMismatch', 'QuantityMismatch') then Amount else CalculatedAmount end)
--        from invoice_reconciliation where IsCounted and Component not in ('MissingUsage', 'Unexplained') group by BillingCurrency)
with
calculated as (
    select
        int_invoice_component.Account as Account,
        int_invoice_component.InvoiceId as InvoiceId,
        int_invoice_component.BillingCurrency as BillingCurrency,
        count_if(int_invoice_component.Component = 'SupportPlan') as SupportCount,
        count_if(int_invoice_component.Component = 'Rounding') as RoundingCount,
        sum(int_invoice_component.LineCount) as LineCount
    from int_invoice_component
    group by 1, 2, 3
),
balance_refund as (
    select
        stg_balances.Account as Account,
        stg_balances.BillingPeriodStart as BillingPeriodStart,
        stg_balances.BillingCurrency as BillingCurrency,
        sum(coalesce(stg_balances.OverageRefund, 0)) as OverageRefund
    from stg_balances
    group by 1, 2, 3
),
billed_line as (
    select
        int_invoice_billed.*,
        case when lower(int_invoice_billed.ServiceFamily) like 'microsoft.%' then substr(lower(int_invoice_billed.ServiceFamily), 11)
            else lower(int_invoice_billed.ServiceFamily) end as FamilyKey
    from int_invoice_billed
),
recorded_family as (
    select
        int_invoice_assignment.Account as Account,
        int_invoice_assignment.InvoiceId as InvoiceId,
        int_invoice_assignment.BillingCurrency as BillingCurrency,
        case when lower(int_invoice_cost.ServiceFamily) like 'microsoft.%' then substr(lower(int_invoice_cost.ServiceFamily), 11)
            else lower(int_invoice_cost.ServiceFamily) end as FamilyKey
    from int_invoice_cost
    inner join int_invoice_assignment
        on int_invoice_assignment.BillingPeriodStart = int_invoice_cost.BillingPeriodStart
        and int_invoice_assignment.Account = int_invoice_cost.Account
        and int_invoice_assignment.RecordedInvoiceId = int_invoice_cost.InvoiceId
        and int_invoice_assignment.SubAccountId = int_invoice_cost.SubAccountId
        and int_invoice_assignment.IsMarketplace = int_invoice_cost.IsMarketplace
        and int_invoice_assignment.BillingCurrency = int_invoice_cost.BillingCurrency
    group by 1, 2, 3, 4
),
-- What an invoice bills in lines of which cost records hold nothing, such as support and products that are not of Azure.
unrecorded as (
    select
        billed_line.Account as Account,
        billed_line.InvoiceId as InvoiceId,
        billed_line.BillingCurrency as BillingCurrency,
        count(*) as LineCount,
        coalesce(sum(billed_line.BilledAmount) filter (where billed_line.Component = 'SupportPlan'), 0) as SupportAmount,
        coalesce(sum(billed_line.BilledAmount) filter (where billed_line.Component in ('Purchase', 'Other') and recorded_family.FamilyKey is null), 0) as OtherAmount
    from billed_line
    left join recorded_family
        on recorded_family.Account = billed_line.Account
        and recorded_family.InvoiceId = billed_line.InvoiceId
        and recorded_family.BillingCurrency = billed_line.BillingCurrency
        and recorded_family.FamilyKey = billed_line.FamilyKey
    group by 1, 2, 3
),
held as (
    select
        invoice.*,
        case when invoice.InvoiceKind in ('Pending', 'Missing') then invoice.CalculatedAmount else invoice.TotalAmount end as Total,
        coalesce(calculated.SupportCount, 0) as SupportCount,
        coalesce(unrecorded.LineCount, 0) as BilledLineCount,
        coalesce(unrecorded.SupportAmount, 0) as UnrecordedSupport,
        coalesce(unrecorded.OtherAmount, 0) as UnrecordedOther,
        coalesce(balance_refund.OverageRefund, 0) as OverageRefund,
        int_invoice_chain.FinalInvoiceId as FinalInvoiceId,
        int_enrollment_invoice.MonthCount as MonthCount,
        int_enrollment_invoice.BalanceCount as BalanceCount,
        coalesce(int_enrollment_invoice.BalanceCount = int_enrollment_invoice.MonthCount, false) as HasBalances,
        int_enrollment_invoice.PrepaymentAmount as BalancePrepayment,
        case when credited.InvoiceStatus = 'Void' then credited.TotalAmount end as VoidedAmount,
        invoice.DocumentType = 'CreditNote' and invoice.CreditForDocumentId is not null
            and (credited.InvoiceId is null or credited.InvoiceStatus = 'Void') as IsVoiding,
        invoice.DocumentType = 'CreditNote' and credited.InvoiceId is not null and credited.InvoiceStatus is distinct from 'Void' as IsCrediting,
        -- Rounding rows make a bill add up; without them each line of the invoice was rounded on its own.
        case
            when calculated.RoundingCount > 0 then 1
            else greatest(coalesce(calculated.LineCount, 1), 1)
        end as RoundedCount,
        currency_unit(invoice.BillingCurrency) as RoundingUnit
    from invoice
    left join calculated
        on calculated.Account = invoice.Account
        and calculated.InvoiceId = invoice.InvoiceId
        and calculated.BillingCurrency = invoice.BillingCurrency
    left join unrecorded
        on unrecorded.Account = invoice.Account
        and unrecorded.InvoiceId = invoice.InvoiceId
        and unrecorded.BillingCurrency = invoice.BillingCurrency
        and invoice.InvoiceKind = 'Invoice'
    left join balance_refund
        on balance_refund.Account = invoice.Account
        and balance_refund.BillingPeriodStart = invoice.InvoicePeriodStart
        and balance_refund.BillingCurrency = invoice.BillingCurrency
        and invoice.InvoiceKind = 'EnrollmentPeriod'
    left join int_invoice_chain
        on int_invoice_chain.Account = invoice.Account
        and int_invoice_chain.InvoiceId = invoice.InvoiceId
    left join int_enrollment_invoice
        on int_enrollment_invoice.Account = invoice.Account
        and int_enrollment_invoice.InvoiceId = invoice.InvoiceId
        and int_enrollment_invoice.BillingCurrency = invoice.BillingCurrency
    left join invoice as credited
        on credited.Account = invoice.Account
        and credited.InvoiceId = invoice.CreditForDocumentId
        and credited.BillingCurrency = invoice.BillingCurrency
    where invoice.IsCounted
        or (invoice.InvoiceKind = 'EnrollmentInvoice' and invoice.DocumentType in ('Invoice', 'CreditNote'))
),
mismatch as (
    select
        int_invoice_assignment.Account as Account,
        int_invoice_assignment.InvoiceId as InvoiceId,
        int_invoice_assignment.BillingCurrency as BillingCurrency,
        sum(int_price_mismatch.PriceMismatch) as PriceMismatch,
        sum(int_price_mismatch.QuantityMismatch) as QuantityMismatch
    from int_price_mismatch
    inner join int_invoice_assignment
        on int_invoice_assignment.BillingPeriodStart = int_price_mismatch.BillingPeriodStart
        and int_invoice_assignment.Account = int_price_mismatch.Account
        and int_invoice_assignment.RecordedInvoiceId = int_price_mismatch.InvoiceId
        and int_invoice_assignment.SubAccountId = int_price_mismatch.SubAccountId
        and int_invoice_assignment.BillingCurrency = int_price_mismatch.BillingCurrency
        and not int_invoice_assignment.IsMarketplace
    group by 1, 2, 3
),
told as (
    select
        held.*,
        coalesce(held.IsVoiding, false) or (held.InvoiceStatus is not distinct from 'Void' and held.ChargeCount = 0) as IsRebill,
        held.InvoiceKind = 'Invoice' and held.ChargeCount = 0 as IsSilent,
        cast(held.RoundedCount * held.RoundingUnit as decimal(38, 18)) as Tolerance
    from held
),
-- What the charges, or where there are none the invoice's own lines, say.
part as (
    select
        told.Account as Account,
        told.InvoiceId as InvoiceId,
        told.BillingCurrency as BillingCurrency,
        int_invoice_component.Component as Component,
        int_invoice_component.RelatedInvoiceId as RelatedInvoiceId,
        int_invoice_component.CalculatedAmount as Amount,
        case when int_invoice_component.Component = 'ExchangeRate' then 0 else int_invoice_component.CalculatedAmount end as CalculatedAmount,
        case when int_invoice_component.Component = 'ExchangeRate' then int_invoice_component.CalculatedAmount end as InvoicedAmount
    from told
    inner join int_invoice_component
        on int_invoice_component.Account = told.Account
        and int_invoice_component.InvoiceId = told.InvoiceId
        and int_invoice_component.BillingCurrency = told.BillingCurrency
    union all
    select
        mismatch.Account,
        mismatch.InvoiceId,
        mismatch.BillingCurrency,
        'Usage',
        '',
        -mismatch.PriceMismatch - mismatch.QuantityMismatch,
        -mismatch.PriceMismatch - mismatch.QuantityMismatch,
        null
    from mismatch
    where mismatch.PriceMismatch + mismatch.QuantityMismatch <> 0
    union all
    select mismatch.Account, mismatch.InvoiceId, mismatch.BillingCurrency, 'PriceMismatch', '', mismatch.PriceMismatch, 0, mismatch.PriceMismatch
    from mismatch
    where mismatch.PriceMismatch <> 0
    union all
    select mismatch.Account, mismatch.InvoiceId, mismatch.BillingCurrency, 'QuantityMismatch', '', mismatch.QuantityMismatch, 0, mismatch.QuantityMismatch
    from mismatch
    where mismatch.QuantityMismatch <> 0
    union all
    select
        told.Account,
        told.InvoiceId,
        told.BillingCurrency,
        int_invoice_billed.Component,
        '',
        int_invoice_billed.BilledAmount,
        cast(null as decimal(38, 18)),
        int_invoice_billed.BilledAmount
    from told
    inner join int_invoice_billed
        on int_invoice_billed.Account = told.Account
        and int_invoice_billed.InvoiceId = told.InvoiceId
        and int_invoice_billed.BillingCurrency = told.BillingCurrency
    where told.IsSilent
        and not told.IsRebill
    union all
    select
        told.Account,
        told.InvoiceId,
        told.BillingCurrency,
        'SupportPlan',
        '',
        coalesce(told.BilledAmount, told.Subtotal, told.Total - coalesce(told.TaxAmount, 0)),
        null,
        coalesce(told.BilledAmount, told.Subtotal, told.Total - coalesce(told.TaxAmount, 0))
    from told
    where told.IsSilent
        and not told.IsRebill
        and told.InvoiceType = 'AzureSupport'
        and told.BilledLineCount = 0
        and told.Total is not null
    union all
    select
        told.Account,
        told.InvoiceId,
        told.BillingCurrency,
        'Usage',
        '',
        int_enrollment_invoice.UsageAmount,
        int_enrollment_invoice.UsageAmount,
        null
    from told
    inner join int_enrollment_invoice
        on int_enrollment_invoice.Account = told.Account
        and int_enrollment_invoice.InvoiceId = told.InvoiceId
        and int_enrollment_invoice.BillingCurrency = told.BillingCurrency
    where told.InvoiceKind = 'EnrollmentInvoice'
        and told.HasBalances
        and int_enrollment_invoice.UsageAmount <> 0
    union all
    select
        told.Account,
        told.InvoiceId,
        told.BillingCurrency,
        'Marketplace',
        '',
        int_enrollment_invoice.MarketplaceAmount,
        int_enrollment_invoice.MarketplaceAmount,
        null
    from told
    inner join int_enrollment_invoice
        on int_enrollment_invoice.Account = told.Account
        and int_enrollment_invoice.InvoiceId = told.InvoiceId
        and int_enrollment_invoice.BillingCurrency = told.BillingCurrency
    where told.InvoiceKind = 'EnrollmentInvoice'
        and told.HasBalances
        and int_enrollment_invoice.MarketplaceAmount <> 0
    union all
    select
        told.Account,
        told.InvoiceId,
        told.BillingCurrency,
        'Other',
        '',
        coalesce(told.Subtotal, told.Total - coalesce(told.TaxAmount, 0)),
        null,
        coalesce(told.Subtotal, told.Total - coalesce(told.TaxAmount, 0))
    from told
    where told.InvoiceKind = 'EnrollmentInvoice'
        and not told.IsRebill
        and not told.HasBalances
        and told.Total is not null
),
summed as (
    select
        part.Account as Account,
        part.InvoiceId as InvoiceId,
        part.BillingCurrency as BillingCurrency,
        sum(part.Amount) as Amount,
        coalesce(sum(part.Amount) filter (where part.Component = 'Refund'), 0) as Refund
    from part
    group by 1, 2, 3
),
refunded as (
    select
        told.*,
        summed.Account is not null as HasParts,
        coalesce(summed.Amount, 0) as PartAmount,
        case
            when told.InvoiceKind = 'Invoice'
                and told.CreditAmount <> 0
                and abs(told.BilledAmount - summed.Amount + summed.Refund) < abs(told.BilledAmount - summed.Amount)
                then summed.Refund
            else 0
        end as RefundInCredit
    from told
    left join summed
        on summed.Account = told.Account
        and summed.InvoiceId = told.InvoiceId
        and summed.BillingCurrency = told.BillingCurrency
),
settled as (
    select
        refunded.*,
        case
            when refunded.IsRebill or (refunded.InvoiceKind = 'EnrollmentInvoice' and not refunded.HasBalances) then 0
            else coalesce(refunded.CreditAmount, 0) - refunded.RefundInCredit - coalesce(refunded.FreeCreditApplied, 0)
        end as Credit,
        case
            when refunded.IsRebill then 0
            when refunded.InvoiceKind = 'EnrollmentInvoice' and refunded.HasBalances then refunded.BalancePrepayment
            when refunded.InvoiceKind = 'EnrollmentInvoice' then 0
            else -coalesce(refunded.PrepaymentApplied, 0)
        end as Prepayment,
        case when refunded.IsRebill then 0 else coalesce(refunded.TaxAmount, 0) end as Tax
    from refunded
),
-- From here on Gap is what the components so far leave over; each step takes from it what it explains.
first_gap as (
    select
        settled.*,
        settled.Total - settled.PartAmount - settled.Credit - settled.Prepayment - settled.Tax as Gap
    from settled
),
rebilled as (
    select
        first_gap.*,
        coalesce(case
            when first_gap.IsVoiding then coalesce(-first_gap.VoidedAmount, first_gap.Gap)
            when first_gap.IsRebill then first_gap.Gap
            when first_gap.InvoiceStatus = 'Void' and abs(first_gap.Gap) > first_gap.Tolerance then first_gap.Gap
        end, 0) as Rebill,
        coalesce(case when first_gap.IsCrediting and first_gap.IsSilent then first_gap.Gap end, 0) as GivenBack
    from first_gap
),
supported as (
    select
        rebilled.*,
        rebilled.Gap - rebilled.Rebill - rebilled.GivenBack as SecondGap,
        case
            when rebilled.OverageRefund <> 0
                and abs(rebilled.Gap + rebilled.OverageRefund) < abs(rebilled.Gap) then -rebilled.OverageRefund
            else 0
        end as RefundedOverage,
        case
            when rebilled.ChargeCount > 0
                and rebilled.SupportCount = 0
                and rebilled.UnrecordedSupport <> 0
                and abs(rebilled.Gap - rebilled.Rebill - rebilled.UnrecordedSupport) < abs(rebilled.Gap - rebilled.Rebill)
                then rebilled.UnrecordedSupport
            else 0
        end as Support
    from rebilled
),
completed as (
    select
        supported.*,
        case
            when supported.ChargeCount > 0
                and supported.UnrecordedOther <> 0
                and abs(supported.SecondGap - supported.RefundedOverage - supported.Support) > supported.Tolerance
                and abs(supported.SecondGap - supported.RefundedOverage - supported.Support - supported.UnrecordedOther) <= supported.Tolerance
                then supported.UnrecordedOther
            else 0
        end as OtherLines
    from supported
),
short as (
    select
        int_missing_usage.Account as Account,
        int_missing_usage.BillingPeriodStart as BillingPeriodStart,
        int_missing_usage.BillingCurrency as BillingCurrency,
        sum(int_missing_usage.MissingCost + int_missing_usage.Tolerance) as MissingCost,
        count(*) as DayCount,
        min(int_missing_usage.ChargeDate) as FirstDay,
        max(int_missing_usage.ChargeDate) as LastDay
    from int_missing_usage
    group by 1, 2, 3
),
third_gap as (
    select
        completed.*,
        completed.SecondGap - completed.RefundedOverage - completed.Support - completed.OtherLines as ThirdGap,
        short.MissingCost as MissingCost,
        short.DayCount as MissingDays,
        short.FirstDay as FirstMissingDay,
        short.LastDay as LastMissingDay
    from completed
    left join short
        on short.Account = completed.Account
        and short.BillingPeriodStart = month_start(completed.InvoicePeriodStart)
        and short.BillingCurrency = completed.BillingCurrency
        and completed.InvoiceKind in ('Invoice', 'EnrollmentPeriod')
        and completed.ChargeCount > 0
        and not completed.IsRebill
        and completed.SecondGap - completed.RefundedOverage - completed.Support - completed.OtherLines > completed.Tolerance
),
-- One month's missing days are on its invoices, on that with the largest gap first, and never beyond a gap. Azure rounds its
-- sums, so a gap may be larger by that much.
completing as (
    select
        third_gap.*,
        coalesce(sum(third_gap.ThirdGap) filter (where third_gap.MissingCost is not null) over (
            partition by third_gap.Account, month_start(third_gap.InvoicePeriodStart), third_gap.BillingCurrency
            order by case when third_gap.MissingCost is null then 1 else 0 end, third_gap.ThirdGap desc, third_gap.InvoiceId
            rows between unbounded preceding and 1 preceding
        ), 0) as TakenBefore
    from third_gap
),
explained as (
    select
        completing.*,
        case when completing.MissingCost is not null
            then greatest(least(completing.ThirdGap, completing.MissingCost - completing.TakenBefore), 0)
            else 0
        end as Missing
    from completing
),
remaining as (
    select
        explained.*,
        explained.ThirdGap - explained.Missing as Unexplained,
        coalesce(explained.MarketplaceAmount - explained.CalculatedMarketplace, 0)
        - greatest(least(coalesce(explained.MarketplaceAmount - explained.CalculatedMarketplace, 0), explained.Missing), 0) as MarketplaceOff
    from explained
),
step as (
    select
        part.Account as Account,
        part.InvoiceId as InvoiceId,
        part.BillingCurrency as BillingCurrency,
        part.Component as Component,
        part.RelatedInvoiceId as RelatedInvoiceId,
        part.Amount as Amount,
        part.CalculatedAmount as CalculatedAmount,
        part.InvoicedAmount as InvoicedAmount
    from part
    union all
    select remaining.Account, remaining.InvoiceId, remaining.BillingCurrency, 'SupportPlan', '', remaining.Support, null, remaining.Support
    from remaining
    where remaining.Support <> 0
    union all
    select remaining.Account, remaining.InvoiceId, remaining.BillingCurrency, 'Other', '', remaining.OtherLines, null, remaining.OtherLines
    from remaining
    where remaining.OtherLines <> 0
    union all
    select remaining.Account, remaining.InvoiceId, remaining.BillingCurrency, 'Refund', remaining.CreditForDocumentId, remaining.GivenBack, null, remaining.GivenBack
    from remaining
    where remaining.GivenBack <> 0
    union all
    select
        remaining.Account,
        remaining.InvoiceId,
        remaining.BillingCurrency,
        'Rebill',
        coalesce(case when remaining.IsVoiding then remaining.CreditForDocumentId else remaining.FinalInvoiceId end, ''),
        remaining.Rebill,
        null,
        remaining.Total
    from remaining
    where remaining.Rebill <> 0
    union all
    select remaining.Account, remaining.InvoiceId, remaining.BillingCurrency, 'MissingUsage', '', remaining.Missing, 0, remaining.Missing
    from remaining
    where remaining.Missing <> 0
    union all
    select
        remaining.Account,
        remaining.InvoiceId,
        remaining.BillingCurrency,
        'Credit',
        '',
        remaining.Credit + remaining.RefundedOverage,
        null,
        remaining.Credit + remaining.RefundedOverage
    from remaining
    where remaining.Credit + remaining.RefundedOverage <> 0
    union all
    select
        remaining.Account,
        remaining.InvoiceId,
        remaining.BillingCurrency,
        'Prepayment',
        '',
        remaining.Prepayment,
        case when remaining.InvoiceKind = 'EnrollmentInvoice' then remaining.Prepayment end,
        -coalesce(remaining.PrepaymentApplied, 0)
    from remaining
    where remaining.Prepayment <> 0
    union all
    select remaining.Account, remaining.InvoiceId, remaining.BillingCurrency, 'Tax', '', remaining.Tax, null, remaining.Tax
    from remaining
    where remaining.Tax <> 0
    union all
    select remaining.Account, remaining.InvoiceId, remaining.BillingCurrency, 'Unexplained', '', remaining.Unexplained, null, null
    from remaining
    where remaining.Unexplained is not null
    union all
    select remaining.Account, remaining.InvoiceId, remaining.BillingCurrency, 'Other', '', 0, null, null
    from remaining
    where remaining.Unexplained is null
        and not remaining.HasParts
),
-- One row for each component; a component that every source leaves unsaid stays null.
stepped as (
    select
        step.Account as Account,
        step.InvoiceId as InvoiceId,
        step.BillingCurrency as BillingCurrency,
        step.Component as Component,
        step.RelatedInvoiceId as RelatedInvoiceId,
        sum(step.Amount) as Amount,
        sum(step.CalculatedAmount) as CalculatedAmount,
        sum(step.InvoicedAmount) as InvoicedAmount
    from step
    group by 1, 2, 3, 4, 5
),
extraordinary as (
    select
        stepped.Account as Account,
        stepped.InvoiceId as InvoiceId,
        stepped.BillingCurrency as BillingCurrency,
        count_if(stepped.Amount <> 0 and stepped.Component in (
            'LateCharge', 'PurchaseTiming', 'Refund', 'Rebill', 'ExchangeRate', 'PriceMismatch', 'QuantityMismatch', 'MissingUsage', 'Other'
        )) as ExtraCount
    from stepped
    group by 1, 2, 3
),
judged as (
    select
        remaining.*,
        case
            when abs(remaining.Unexplained) <= remaining.Tolerance and abs(remaining.MarketplaceOff) > remaining.Tolerance then remaining.MarketplaceOff
            else remaining.Unexplained
        end as RemainingAmount,
        case
            when remaining.InvoiceKind in ('Pending', 'Missing') or remaining.InvoiceStatus = 'Estimated' then 'Estimated'
            when remaining.Total is null then 'Explained'
            when abs(remaining.Unexplained) > remaining.Tolerance or abs(remaining.MarketplaceOff) > remaining.Tolerance then 'Unexplained'
            when extraordinary.ExtraCount > 0 then 'Explained'
            else 'Matched'
        end as Status
    from remaining
    left join extraordinary
        on extraordinary.Account = remaining.Account
        and extraordinary.InvoiceId = remaining.InvoiceId
        and extraordinary.BillingCurrency = remaining.BillingCurrency
)
select
    stepped.Account as Account,
    stepped.InvoiceId as InvoiceId,
    stepped.BillingCurrency as BillingCurrency,
    stepped.Component as Component,
    cast(
        case stepped.Component
            when 'Usage' then 1
            when 'LateCharge' then 2
            when 'Purchase' then 3
            when 'PurchaseTiming' then 4
            when 'SupportPlan' then 5
            when 'Marketplace' then 6
            when 'Refund' then 7
            when 'Rounding' then 8
            when 'ExchangeRate' then 9
            when 'PriceMismatch' then 10
            when 'QuantityMismatch' then 11
            when 'MissingUsage' then 12
            when 'Rebill' then 13
            when 'Other' then 14
            when 'Credit' then 15
            when 'Prepayment' then 16
            when 'Tax' then 17
            else 18
        end as bigint
    ) as ComponentOrder,
    stepped.RelatedInvoiceId as RelatedInvoiceId,
    judged.InvoiceKind as InvoiceKind,
    judged.IsCounted as IsCounted,
    judged.InvoicePeriodStart as InvoicePeriodStart,
    judged.InvoicePeriodEnd as InvoicePeriodEnd,
    cast(case
        when stepped.Component = 'Marketplace' and judged.MarketplaceAmount is not null then judged.MarketplaceAmount - (judged.CalculatedMarketplace - stepped.CalculatedAmount)
        when stepped.Component = 'Refund' and judged.RefundInCredit <> 0 and stepped.Amount = judged.RefundInCredit then judged.CreditAmount
        else stepped.InvoicedAmount
    end as decimal(38, 18)) as InvoicedAmount,
    cast(stepped.CalculatedAmount as decimal(38, 18)) as CalculatedAmount,
    cast(case
        when stepped.Component = 'Marketplace' and judged.MarketplaceAmount is not null then judged.MarketplaceAmount - judged.CalculatedMarketplace
        when stepped.Component = 'Refund' and judged.RefundInCredit <> 0 and stepped.Amount = judged.RefundInCredit then judged.CreditAmount - stepped.CalculatedAmount
        else stepped.InvoicedAmount - stepped.CalculatedAmount
    end as decimal(38, 18)) as Difference,
    cast(stepped.Amount as decimal(38, 18)) as Amount,
    cast(judged.Total as decimal(38, 18)) as TotalAmount,
    cast(judged.RemainingAmount as decimal(38, 18)) as RemainingAmount,
    judged.Tolerance as Tolerance,
    judged.Status as Status,
    case
        when judged.Total is null and stepped.Component = 'Other' then 'The document states no amounts, so there is nothing to explain.'
        when judged.InvoiceKind = 'EnrollmentInvoice' and not judged.HasBalances and stepped.Component = 'Other'
            then 'The balances of ' || cast(coalesce(judged.BalanceCount, 0) as varchar) || ' of the ' || cast(coalesce(judged.MonthCount, 0) as varchar)
                || ' months it bills are here, so it is taken as stated.'
        when judged.InvoiceKind = 'EnrollmentInvoice' and stepped.Component in ('Usage', 'Marketplace', 'Prepayment')
            then 'As the balances of the ' || cast(coalesce(judged.MonthCount, 0) as varchar) || ' months it bills state it.'
        when stepped.CalculatedAmount is null and stepped.Component in ('Usage', 'Purchase', 'Marketplace', 'SupportPlan', 'Refund', 'Rounding', 'Other')
            then case when judged.IsSilent then 'As the invoice itself states it; no cost records of this invoice are here.'
                else 'As the lines of the invoice state it; cost records never hold it.' end
        when stepped.Component = 'Usage' then 'Usage of the period.'
        when stepped.Component = 'LateCharge' and stepped.Amount < 0 and judged.InvoiceKind <> 'Pending' and stepped.RelatedInvoiceId <> ''
            then 'Usage of this period that invoice ' || stepped.RelatedInvoiceId || ' bills.'
        when stepped.Component = 'LateCharge' and stepped.RelatedInvoiceId <> '' then 'Usage of an earlier period, that of invoice ' || stepped.RelatedInvoiceId || ', which reached this one late.'
        when stepped.Component = 'LateCharge' then 'Usage of an earlier period whose invoice is not listed.'
        when stepped.Component = 'Purchase' then 'Bought in the period.'
        when stepped.Component = 'PurchaseTiming' and stepped.RelatedInvoiceId <> ''
            then 'Bought in one period and billed in the other: see invoice ' || stepped.RelatedInvoiceId || '.'
        when stepped.Component = 'PurchaseTiming' then 'Bought in another period, whose invoice is not listed.'
        when stepped.Component = 'SupportPlan' then 'Support plan.'
        when stepped.Component = 'Marketplace' then 'Products of other sellers.'
        when stepped.Component = 'Refund' and stepped.RelatedInvoiceId <> '' then 'Given back of what invoice ' || stepped.RelatedInvoiceId || ' billed.'
        when stepped.Component = 'Refund' then 'Given back; the record names no invoice.'
        when stepped.Component = 'Rounding' then 'Rounding of the bill to whole cents.'
        when stepped.Component = 'ExchangeRate' then 'Charges converted at another rate than most of this invoice.'
        when stepped.Component = 'PriceMismatch' then 'Charged at another price than the price sheet''s; price_check lists the meters.'
        when stepped.Component = 'QuantityMismatch' then 'Charged for another quantity than was used; price_check lists the meters.'
        when stepped.Component = 'MissingUsage'
            then 'Azure''s own sums of ' || cast(judged.MissingDays as varchar) || case when judged.MissingDays = 1 then ' day (' else ' days (' end
                || cast(judged.FirstMissingDay as varchar)
                || case when judged.MissingDays = 1 then '' else ' to ' || cast(judged.LastMissingDay as varchar) end
                || ') are higher than the cost records. The invoice bills it: fetch them again.'
        when stepped.Component = 'Rebill' and judged.IsVoiding then 'Takes back the voided invoice ' || judged.CreditForDocumentId || '.'
        when stepped.Component = 'Rebill' and judged.FinalInvoiceId is not null then 'Voided; its charges are on invoice ' || judged.FinalInvoiceId || ', which replaces it.'
        when stepped.Component = 'Rebill' then 'Voided; no invoice is listed that replaces it.'
        when stepped.Component = 'Other' then 'Neither usage nor a purchase.'
        when stepped.Component = 'Credit' then 'Credits, as the invoice states them.'
        when stepped.Component = 'Prepayment' then 'Paid from the prepayment, as the invoice or balance states it.'
        when stepped.Component = 'Tax' then 'Tax, as the invoice states it.'
        when judged.InvoiceKind = 'Pending' and judged.InvoiceStatus = 'Closed' then 'No invoice is listed for these charges, though their period is over.'
        when judged.InvoiceKind = 'Pending' then 'These charges wait for their invoice.'
        when judged.InvoiceKind = 'Missing' then 'The charges name an invoice that the billing API does not list.'
        when judged.Status = 'Estimated' then 'The period can still change.'
        when judged.Status <> 'Unexplained' and stepped.Amount = 0 then 'Nothing is left.'
        when judged.Status <> 'Unexplained' then 'What rounding leaves.'
        when abs(stepped.Amount) <= judged.Tolerance
            then 'The total is what its charges, credits and taxes add up to, but Marketplace is stated as '
                || cast(cast(judged.MarketplaceAmount as decimal(38, 2)) as varchar) || ' and recorded as '
                || cast(cast(judged.CalculatedMarketplace as decimal(38, 2)) as varchar) || '; the other charges are off by as much the other way.'
        when judged.IsRebill then 'The credit note takes back another amount than the voided invoice billed.'
        when judged.InvoiceKind = 'EnrollmentInvoice' then 'The document asks for another amount than the balances of its months.'
        when judged.ChargeCount = 0 then 'There are no cost records of this invoice, so what it bills cannot be explained.'
        when abs(judged.MarketplaceOff) > judged.Tolerance
            then 'In no charge, credit or tax. Marketplace is stated as ' || cast(cast(judged.MarketplaceAmount as decimal(38, 2)) as varchar)
                || ' and recorded as ' || cast(cast(judged.CalculatedMarketplace as decimal(38, 2)) as varchar) || '.'
        else 'In no charge, credit or tax.'
    end as Detail
from stepped
inner join judged
    on judged.Account = stepped.Account
    and judged.InvoiceId = stepped.InvoiceId
    and judged.BillingCurrency = stepped.BillingCurrency
