-- cost_and_usage is a charge, in the columns of FOCUS 1.2 and, with x_, in what else Azure says about it.
--
-- A month is put together from two datasets that tell it twice: all rows of amortized cost, and of actual cost only what was
-- bought and refunded of reservations and savings plans. So each charge stands once, BilledCost adds up to actual cost and
-- EffectiveCost to amortized cost. Where a month has only actual cost, its rows stand for both and EffectiveCost is BilledCost
-- (x_IsAmortized is false); where it has only amortized cost, what was bought is missing. Both are said in data_quality.
-- Which units count is int_cost_source's to decide; no row is left out here but for that.
--
-- A FOCUS export says what is billed and what is amortised in one row. Where one counts, its charges stand here as int_charge_focus
-- has them; all that follows is about cost files and the usage details API.
--
-- Commitment not used is no bill: it was billed when it was bought. Microsoft's text takes only covered usage out of BilledCost;
-- with the unused rows left in, BilledCost would not be actual cost.
--
-- "10K" does not say what a quantity counts. In real enrollments Quantity × EffectivePrice is Cost for such rows, so Quantity
-- counts blocks of ten thousand, while the documentation has it count single units. Each row is tried: x_QuantityScale says what
-- was found. A row that costs nothing cannot be tried and follows the other rows of its meter in the month.
--
-- The trial calculates with doubles. It is a comparison that tells numbers apart which differ by a factor of two and more; no
-- amount comes from it.
--
-- Where a record has no negotiated price (cost allocation, MCA reservations) it is taken from the price sheet of the month, when
-- that has one price for the meter, part and unit, and else is what was paid. What a commitment covers comes without a list price
-- too; it takes the one that the account's on-demand usage of the meter, part and unit has in the month, when there is just one, and
-- else the price sheet's.
--
-- A refund has no price: it gives back a part of one. An amount refunded of a Marketplace product comes with the product's whole
-- price as UnitPrice and a quantity of 1, and only its cost says what came back. So its negotiated and its list cost are its cost.
--
-- reads:  stg_cost_file, stg_usage_details, int_charge_focus, int_price, int_cost_source, int_service, int_region
-- grain:  x_Account, x_Source, x_Scope, BillingPeriodStart, x_Dataset, x_Page, x_Row
-- period: BillingPeriodStart
-- order:  insertion
-- from:   stg_cost_file where stg_cost_file.Account = cost_and_usage.x_Account and stg_cost_file.Source = cost_and_usage.x_Source
--         and stg_cost_file.Scope = cost_and_usage.x_Scope and stg_cost_file.Dataset = cost_and_usage.x_Dataset
--         and stg_cost_file.Page = cost_and_usage.x_Page and stg_cost_file.Row = cost_and_usage.x_Row
-- adds:   EffectiveCost = stg_cost_file.Cost
--         when cost_and_usage.x_Source not in ('usage_details', 'focus_export') and cost_and_usage.x_Dataset = 'amortized'
-- from:   stg_usage_details where stg_usage_details.Account = cost_and_usage.x_Account and stg_usage_details.Source = cost_and_usage.x_Source
--         and stg_usage_details.Scope = cost_and_usage.x_Scope and stg_usage_details.Dataset = cost_and_usage.x_Dataset
--         and stg_usage_details.Page = cost_and_usage.x_Page and stg_usage_details.Row = cost_and_usage.x_Row
-- adds:   EffectiveCost = stg_usage_details.Cost when cost_and_usage.x_Source = 'usage_details' and cost_and_usage.x_Dataset = 'amortized'
-- from:   int_charge_focus on x_Account, x_Source, x_Scope, x_Dataset, x_Page, x_Row
-- adds:   BilledCost, EffectiveCost, ListCost when cost_and_usage.x_Source = 'focus_export'
-- with:   int_cost_source where int_cost_source.Account = cost_and_usage.x_Account and int_cost_source.Source = cost_and_usage.x_Source
--         and int_cost_source.Scope = cost_and_usage.x_Scope and int_cost_source.Dataset = cost_and_usage.x_Dataset
--
-- column BillingAccountId                    varchar          ea: enrollment; mca: billing profile, the one invoiced; mosp: billing account or subscription
-- column BillingAccountName                  varchar          its name, or the name of the account in the configuration
-- column BillingAccountType                  varchar          Billing Account, Billing Profile or Subscription
-- column BillingPeriodStart                  timestamp        UTC, first day of the billing period
-- column BillingPeriodEnd                    timestamp        UTC, exclusive
-- column ChargePeriodStart                   timestamp        UTC, the day of the charge
-- column ChargePeriodEnd                     timestamp        UTC, exclusive: the next day
-- column InvoiceId                           varchar          mca: name of the invoice, null until invoiced; ea: always null
-- column InvoiceIssuerName                   varchar          Microsoft, or the partner
-- column ProviderName                        varchar          Microsoft
-- column PublisherName                       varchar          who made what was used; Microsoft where the record says nothing
-- column SubAccountId                        varchar          subscription GUID in lower case; null for charges of no subscription
-- column SubAccountName                      varchar          its name; null without SubAccountId
-- column SubAccountType                      varchar          Subscription; null without SubAccountId
-- column ChargeCategory                      varchar          Usage, Purchase, Credit, Tax or Adjustment; commitment not used is Usage, a refund is Purchase
-- column ChargeClass                         varchar          Correction for refunds, else null
-- column ChargeDescription                   varchar          product, or words made from the record where it names none
-- column ChargeFrequency                     varchar          One-Time, Recurring or Usage-Based; a purchase said to be by usage is One-Time, as FOCUS has no other
-- column PricingCategory                     varchar          Standard, Dynamic (spot), Committed (covered by a commitment) or Other; null for tax, credits and adjustments
-- column BillingCurrency                     varchar          ISO 4217
-- column PricingCurrency                     varchar          ISO 4217; BillingCurrency unless the agreement prices in another
-- column BilledCost                          decimal(38, 18)  BillingCurrency, what the invoice bills: 0 where a commitment covers, the whole price on the day it is bought
-- column EffectiveCost                       decimal(38, 18)  BillingCurrency, amortised: commitments are spread over their use, 0 on the day they are bought
-- column ContractedCost                      decimal(38, 18)  BillingCurrency, at the negotiated price without commitments
-- column ListCost                            decimal(38, 18)  BillingCurrency, at the list price
-- column ContractedUnitPrice                 decimal(38, 18)  BillingCurrency per PricingUnit, negotiated; see x_ContractedPriceSource; null for refunds, adjustments, credits and tax
-- column ListUnitPrice                       decimal(38, 18)  BillingCurrency per PricingUnit; where no list price is served, that of on-demand usage, else the negotiated price; null for refunds, adjustments, credits and tax
-- column PricingCurrencyContractedUnitPrice  decimal(38, 18)  PricingCurrency per PricingUnit
-- column PricingCurrencyListUnitPrice        decimal(38, 18)  PricingCurrency per PricingUnit
-- column PricingCurrencyEffectiveCost        decimal(38, 18)  PricingCurrency, EffectiveCost there
-- column PricingQuantity                     decimal(38, 18)  PricingUnit, on the scale of the prices; null for tax
-- column PricingUnit                         varchar          what a price buys, such as Hours or 10000 Transactions; null without PricingQuantity
-- column ConsumedQuantity                    decimal(38, 18)  ConsumedUnit, used; null for anything but used usage
-- column ConsumedUnit                        varchar          such as Hours or GB; null without ConsumedQuantity
-- column CommitmentDiscountId                varchar          ARM id of the reservation or savings plan in lower case
-- column CommitmentDiscountName              varchar          its name on that day
-- column CommitmentDiscountCategory          varchar          Usage (reservation) or Spend (savings plan)
-- column CommitmentDiscountType              varchar          Reservation or Savings Plan
-- column CommitmentDiscountStatus            varchar          Used or Unused; null on purchases and refunds
-- column CommitmentDiscountQuantity          decimal(38, 18)  CommitmentDiscountUnit, used, unused, or bought for the term or for the month of a recurring purchase; null on refunds
-- column CommitmentDiscountUnit              varchar          PricingCurrency (savings plan), or ConsumedUnit, of virtual machines normalised to the size bought
-- column CapacityReservationId               varchar          GUID or ARM id of the capacity reservation, in lower case
-- column CapacityReservationStatus           varchar          Used, or Unused for what the reservation itself is charged; null without one
-- column ServiceName                         varchar          meter category, or the publisher for Marketplace charges without one
-- column ServiceCategory                     varchar          one of FOCUS's
-- column ServiceSubcategory                  varchar          one of FOCUS's, within the category
-- column SkuId                               varchar          mca and FOCUS exports: product; else ea and mosp: meter; null for tax
-- column SkuMeter                            varchar          name of the meter
-- column SkuPriceId                          varchar          SkuId with what else decides the price: meter (mca) or part number (ea)
-- column SkuPriceDetails                     varchar          JSON object text of FOCUS's InstanceType and CoreCount; all that Azure says is in x_SkuDetails
-- column ResourceId                          varchar          ARM id in lower case; of commitment bought or not used: the commitment
-- column ResourceName                        varchar          as served, of a commitment its name; null without ResourceId
-- column ResourceType                        varchar          such as Virtual machine; the type in ResourceId where it has no plain name; null without ResourceId
-- column RegionId                            varchar          such as eastus2; null without a location
-- column RegionName                          varchar          such as East US 2
-- column AvailabilityZone                    varchar          only of connected clouds
-- column Tags                                varchar          JSON object text; null without tags, or when they could not be read
-- column x_Account                           varchar          the account's name in the configuration
-- column x_Source                            varchar          cost_export, focus_export, cost_details, detailed_cost or usage_details
-- column x_Scope                             varchar          the scope the records were asked for
-- column x_Dataset                           varchar          the dataset the row comes from: focus; amortized, or actual for bought commitments and where nothing else is there
-- column x_Page                              bigint           file of the export, or page of the answer, the row came on
-- column x_Row                               bigint           row in that file or page
-- column x_File                              varchar          name of the export file; null for the API
-- column x_Agreement                         varchar          ea, mca or mosp
-- column x_IsAmortized                       boolean          false: amortised cost of the month is not there, so EffectiveCost is BilledCost
-- column x_ChargeType                        varchar          Usage, Purchase, Refund, UnusedReservation, UnusedSavingsPlan, RoundingAdjustment, or as served
-- column x_PricingModel                      varchar          OnDemand, Reservation, SavingsPlan, Spot, or as served
-- column x_Frequency                         varchar          UsageBased, Recurring, OneTime, or as served
-- column x_AccountName                       varchar          ea: enrollment account
-- column x_AccountOwnerId                    varchar          ea: owner of the enrollment account
-- column x_BillingAccountId                  varchar          ea: enrollment; mca: billing account
-- column x_BillingAccountName                varchar          its name
-- column x_BillingProfileId                  varchar          mca: billing profile; ea: the enrollment again
-- column x_InvoiceSectionId                  varchar          mca: invoice section; ea: department
-- column x_InvoiceSectionName                varchar          its name
-- column x_PreviousInvoiceId                 varchar          mca refunds: the invoice that is corrected
-- column x_CostCenter                        varchar          of the invoice section or department
-- column x_CostAllocationRuleName            varchar          set: the row was moved by a cost allocation rule of Azure
-- column x_CustomerId                        varchar          partner agreements: the customer's tenant
-- column x_CustomerName                      varchar          partner agreements
-- column x_InvoiceIssuerId                   varchar          the partner's tenant
-- column x_ResellerId                        varchar          the reseller's MPN id
-- column x_ResellerName                      varchar          partner agreements
-- column x_PartnerCreditApplied              boolean          partner earned credit was applied
-- column x_PartnerCreditRate                 decimal(38, 18)  share
-- column x_PublisherId                       varchar          mca
-- column x_PublisherType                     varchar          Azure, Microsoft, Marketplace, AWS
-- column x_Provider                          varchar          mca: Azure, Microsoft 365, …
-- column x_BilledCostInUsd                   decimal(38, 18)  USD, BilledCost there; mca only
-- column x_EffectiveCostInUsd                decimal(38, 18)  USD, EffectiveCost there; mca only
-- column x_ListCostInUsd                     decimal(38, 18)  USD, ListCost there, where the record says it; mca only
-- column x_BillingExchangeRate               decimal(38, 18)  BillingCurrency per PricingCurrency; mca only
-- column x_BillingExchangeRateDate           date             day of that rate
-- column x_EffectiveUnitPrice                decimal(38, 18)  PricingCurrency per PricingUnit, really paid
-- column x_ContractedPriceSource             varchar          Record, Price sheet, or where neither has one Billed price (of FOCUS exports) or Effective price; null without a price, and for refunds
-- column x_PricingUnitDescription            varchar          unit of measure as served, such as 10K
-- column x_PricingBlockSize                  decimal(38, 18)  single units in what a price buys: 10000 for 10K
-- column x_QuantityScale                     varchar          Block or Unit: what the record's quantity counts, tried against its cost; Assumed block where nothing could be tried; Divided block where a FOCUS export had divided by the block once too often; null where both are one
-- column x_ResourceGroupName                 varchar          as served
-- column x_ResourceType                      varchar          such as microsoft.compute/virtualmachines
-- column x_ConsumedService                   varchar          resource provider
-- column x_ServicePeriodStart                date             mca: first day of the rating period
-- column x_ServicePeriodEnd                  date             mca: last day of the rating period, inclusive
-- column x_ReservationId                     varchar          GUID or ARM id in lower case
-- column x_SkuDetails                        varchar          JSON object text, additional info of the record, now and then broken
-- column x_SkuIsCreditEligible               boolean          false: billed outside the prepayment
-- column x_SkuMeterCategory                  varchar          meter category as served
-- column x_SkuMeterId                        varchar          GUID in lower case
-- column x_SkuMeterSubcategory               varchar          meter subcategory as served
-- column x_SkuOfferId                        varchar          such as MS-AZR-0017P
-- column x_SkuOrderId                        varchar          reservation or savings plan order
-- column x_SkuOrderName                      varchar          its name
-- column x_SkuPartNumber                     varchar          ea: joins the price sheet
-- column x_SkuPlanName                       varchar          plan of a Marketplace product
-- column x_SkuRegion                         varchar          the meter's region as served
-- column x_SkuServiceFamily                  varchar          service family as served
-- column x_SkuTerm                           varchar          months of the commitment, as text
-- column x_TagsRaw                           varchar          the tags as served, only when they could not be read
--
-- check: BillingCurrency is not null and length(BillingCurrency) = 3
-- check: ChargeCategory in ('Usage', 'Purchase', 'Credit', 'Tax', 'Adjustment')
-- check: ListUnitPrice is null or ListUnitPrice >= 0
-- check: CommitmentDiscountStatus is null or CommitmentDiscountId is not null
-- check: ChargeClass is null or not (ContractedCost > 0 and BilledCost < 0 or ContractedCost < 0 and BilledCost > 0
--        or ListCost > 0 and BilledCost < 0 or ListCost < 0 and BilledCost > 0)
-- total: (select count(*) from cost_and_usage) = (
--        select count(*)
--        from (select Account, Source, Scope, BillingPeriodStart, Dataset, ChargeType, PricingModel from stg_cost_file
--            union all select Account, Source, Scope, BillingPeriodStart, Dataset, ChargeType, PricingModel from stg_usage_details) as c
--        inner join int_cost_source as s on s.Account = c.Account and s.Source = c.Source and s.Scope = c.Scope
--            and s.BillingPeriodStart = c.BillingPeriodStart and s.Dataset = c.Dataset and s.IsUsed
--        where case when c.PricingModel in ('Reservation', 'SavingsPlan') and c.ChargeType in ('Purchase', 'Refund')
--            then c.Dataset = 'actual' or not s.HasActual else c.Dataset = 'amortized' or not s.HasAmortized end)
--        + (select count(*) from int_charge_focus)
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost) from cost_and_usage where x_Dataset = 'focus' group by BillingCurrency
--        except select BillingCurrency, sum(BilledCost), sum(EffectiveCost) from int_charge_focus group by BillingCurrency)
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost) from cost_and_usage where x_Dataset <> 'focus' group by BillingCurrency
--        except select c.BillingCurrency,
--            coalesce(sum(c.Cost) filter (where c.Dataset = 'actual' or coalesce(c.PricingModel, '') not in ('Reservation', 'SavingsPlan')
--                or c.ChargeType not in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan')), 0),
--            coalesce(sum(c.Cost) filter (where not s.HasAmortized or coalesce(c.PricingModel, '') not in ('Reservation', 'SavingsPlan')
--                or c.ChargeType not in ('Purchase', 'Refund')), 0)
--        from (select Account, Source, Scope, BillingPeriodStart, Dataset, ChargeType, PricingModel, BillingCurrency, Cost from stg_cost_file
--            union all select Account, Source, Scope, BillingPeriodStart, Dataset, ChargeType, PricingModel, BillingCurrency, Cost from stg_usage_details) as c
--        inner join int_cost_source as s on s.Account = c.Account and s.Source = c.Source and s.Scope = c.Scope
--            and s.BillingPeriodStart = c.BillingPeriodStart and s.Dataset = c.Dataset and s.IsUsed
--        where case when c.PricingModel in ('Reservation', 'SavingsPlan') and c.ChargeType in ('Purchase', 'Refund')
--            then c.Dataset = 'actual' or not s.HasActual else c.Dataset = 'amortized' or not s.HasAmortized end
--        group by c.BillingCurrency)
-- total: not exists (select BillingCurrency, sum(EffectiveCost) from cost_and_usage where x_ChargeType in ('UnusedReservation', 'UnusedSavingsPlan') group by BillingCurrency
--        except select BillingCurrency, sum(EffectiveCost) from cost_and_usage where CommitmentDiscountStatus = 'Unused' group by BillingCurrency)
with
unamortized as (
    select
        int_cost_source.Account as Account,
        int_cost_source.Source as Source,
        int_cost_source.Scope as Scope,
        int_cost_source.BillingPeriodStart as BillingPeriodStart
    from int_cost_source
    where int_cost_source.Dataset = 'actual'
        and int_cost_source.IsUsed
        and not int_cost_source.HasAmortized
),
charges as (
    -- The two sources have the same columns in the same order, which is what staging is for. Each is read in three parts, so
    -- that the bulk of actual cost, which nearly every month leaves out, is left before its hundred columns are read.
    select stg_cost_file.*
    from stg_cost_file
    where stg_cost_file.Dataset = 'amortized'
    union all
    select stg_cost_file.*
    from stg_cost_file
    where stg_cost_file.Dataset = 'actual'
        and stg_cost_file.PricingModel in ('Reservation', 'SavingsPlan')
        and stg_cost_file.ChargeType in ('Purchase', 'Refund')
    union all
    select stg_cost_file.*
    from stg_cost_file
    inner join unamortized
        on unamortized.Account = stg_cost_file.Account
        and unamortized.Source = stg_cost_file.Source
        and unamortized.Scope = stg_cost_file.Scope
        and unamortized.BillingPeriodStart = stg_cost_file.BillingPeriodStart
    where stg_cost_file.Dataset = 'actual'
        and not (
            coalesce(stg_cost_file.PricingModel, '') in ('Reservation', 'SavingsPlan')
            and stg_cost_file.ChargeType in ('Purchase', 'Refund')
        )
    union all
    select stg_usage_details.*
    from stg_usage_details
    where stg_usage_details.Dataset = 'amortized'
    union all
    select stg_usage_details.*
    from stg_usage_details
    where stg_usage_details.Dataset = 'actual'
        and stg_usage_details.PricingModel in ('Reservation', 'SavingsPlan')
        and stg_usage_details.ChargeType in ('Purchase', 'Refund')
    union all
    select stg_usage_details.*
    from stg_usage_details
    inner join unamortized
        on unamortized.Account = stg_usage_details.Account
        and unamortized.Source = stg_usage_details.Source
        and unamortized.Scope = stg_usage_details.Scope
        and unamortized.BillingPeriodStart = stg_usage_details.BillingPeriodStart
    where stg_usage_details.Dataset = 'actual'
        and not (
            coalesce(stg_usage_details.PricingModel, '') in ('Reservation', 'SavingsPlan')
            and stg_usage_details.ChargeType in ('Purchase', 'Refund')
        )
),
kept as (
    select
        charges.*,
        int_cost_source.HasAmortized as HasAmortized,
        coalesce(charges.PricingModel, '') in ('Reservation', 'SavingsPlan')
            and charges.ChargeType in ('Purchase', 'Refund') as IsCommitmentCharge,
        coalesce(charges.PricingModel, '') in ('Reservation', 'SavingsPlan')
            and charges.ChargeType in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan') as IsCovered,
        -- Prices stand in the pricing currency, so what is held against them must too. Not every record has its cost there.
        coalesce(
            charges.CostInPricingCurrency,
            case when charges.PricingCurrency <> charges.BillingCurrency and charges.ExchangeRate > 0
                then ratio(charges.Cost, charges.ExchangeRate) else charges.Cost end
        ) as PricedCost,
        -- What the month's price sheet calls it; only records that lack a price ask for one.
        case
            when charges.ChargeType = 'Usage' and (coalesce(charges.UnitPrice, 0) = 0 or coalesce(charges.PayGPrice, 0) = 0) then charges.MeterId
        end as SheetMeterId,
        case when charges.Agreement = 'mca' then upper(charges.ProductId) else charges.PartNumber end as SheetSkuKey,
        case when charges.Agreement = 'mca' then upper(regexp_extract(charges.BillingProfileId, '([^/]*)$', 1)) else '' end as SheetProfileId
    from charges
    inner join int_cost_source
        on int_cost_source.Account = charges.Account
        and int_cost_source.Source = charges.Source
        and int_cost_source.Scope = charges.Scope
        and int_cost_source.BillingPeriodStart = charges.BillingPeriodStart
        and int_cost_source.Dataset = charges.Dataset
    where int_cost_source.IsUsed
        -- A commitment bought or refunded stands in actual cost. Should it stand in amortized cost too, it counts once.
        and not (
            charges.Dataset = 'amortized'
            and int_cost_source.HasActual
            and coalesce(charges.PricingModel, '') in ('Reservation', 'SavingsPlan')
            and charges.ChargeType in ('Purchase', 'Refund')
        )
),
unit_texts as (
    select stg_cost_file.UnitOfMeasure as UnitOfMeasure
    from stg_cost_file
    union
    select stg_usage_details.UnitOfMeasure as UnitOfMeasure
    from stg_usage_details
),
units as (
    -- FOCUS writes a price of ten thousand as 10000 Units.
    select
        unit_texts.UnitOfMeasure as UnitOfMeasure,
        block_size(unit_texts.UnitOfMeasure) as BlockSize,
        unit_name(unit_texts.UnitOfMeasure) as Unit,
        case when block_size(unit_texts.UnitOfMeasure) = 1 then '' else cast(cast(block_size(unit_texts.UnitOfMeasure) as bigint) as varchar) || ' ' end
            || unit_name(unit_texts.UnitOfMeasure) as PricingUnit
    from unit_texts
    where unit_texts.UnitOfMeasure is not null
),
paid as (
    select
        stg_cost_file.Account as Account,
        stg_cost_file.MeterId as MeterId,
        stg_cost_file.UnitOfMeasure as UnitOfMeasure,
        stg_cost_file.EffectivePrice as EffectivePrice,
        stg_cost_file.Quantity as Quantity,
        stg_cost_file.CostInPricingCurrency as CostInPricingCurrency,
        stg_cost_file.PricingCurrency as PricingCurrency,
        stg_cost_file.BillingCurrency as BillingCurrency,
        stg_cost_file.ExchangeRate as ExchangeRate,
        stg_cost_file.Cost as Cost
    from stg_cost_file
    where stg_cost_file.Cost > 0
        and stg_cost_file.EffectivePrice > 0
    union all
    select
        stg_usage_details.Account as Account,
        stg_usage_details.MeterId as MeterId,
        stg_usage_details.UnitOfMeasure as UnitOfMeasure,
        stg_usage_details.EffectivePrice as EffectivePrice,
        stg_usage_details.Quantity as Quantity,
        stg_usage_details.CostInPricingCurrency as CostInPricingCurrency,
        stg_usage_details.PricingCurrency as PricingCurrency,
        stg_usage_details.BillingCurrency as BillingCurrency,
        stg_usage_details.ExchangeRate as ExchangeRate,
        stg_usage_details.Cost as Cost
    from stg_usage_details
    where stg_usage_details.Cost > 0
        and stg_usage_details.EffectivePrice > 0
),
trials as (
    -- The largest cost at a price belongs to the largest quantity. Trying only these saves turning every row into doubles.
    select
        paid.Account as Account,
        paid.MeterId as MeterId,
        paid.UnitOfMeasure as UnitOfMeasure,
        paid.EffectivePrice as EffectivePrice,
        max(paid.Quantity) as Quantity,
        max(coalesce(
            paid.CostInPricingCurrency,
            case when paid.PricingCurrency <> paid.BillingCurrency and paid.ExchangeRate > 0
                then ratio(paid.Cost, paid.ExchangeRate) else paid.Cost end
        )) as Cost
    from paid
    inner join units
        on units.UnitOfMeasure = paid.UnitOfMeasure
    where units.BlockSize <> 1
    group by 1, 2, 3, 4
),
trial_results as (
    select
        trials.Account as Account,
        trials.MeterId as MeterId,
        trials.UnitOfMeasure as UnitOfMeasure,
        abs(cast(trials.Quantity as double) * cast(trials.EffectivePrice as double) - cast(trials.Cost as double))
            <= cast(trials.Cost as double) * 0.1e0 as IsBlock,
        abs(cast(trials.Quantity as double) * cast(trials.EffectivePrice as double) / cast(units.BlockSize as double) - cast(trials.Cost as double))
            <= cast(trials.Cost as double) * 0.1e0 as IsUnit
    from trials
    inner join units
        on units.UnitOfMeasure = trials.UnitOfMeasure
),
meter_scales as (
    select
        trial_results.Account as Account,
        trial_results.MeterId as MeterId,
        trial_results.UnitOfMeasure as UnitOfMeasure,
        case when count(*) filter (where trial_results.IsBlock) > 0 then 'Block' else 'Unit' end as QuantityScale
    from trial_results
    where trial_results.IsBlock or trial_results.IsUnit
    group by 1, 2, 3
),
on_demand_prices as (
    select
        stg_cost_file.Account as Account,
        stg_cost_file.BillingPeriodStart as BillingPeriodStart,
        stg_cost_file.MeterId as MeterId,
        stg_cost_file.PartNumber as PartNumber,
        stg_cost_file.UnitOfMeasure as UnitOfMeasure,
        coalesce(stg_cost_file.PricingCurrency, stg_cost_file.BillingCurrency) as CurrencyCode,
        min(stg_cost_file.PayGPrice) as LowestPrice,
        max(stg_cost_file.PayGPrice) as HighestPrice
    from stg_cost_file
    where stg_cost_file.ChargeType = 'Usage'
        and coalesce(stg_cost_file.PricingModel, 'OnDemand') = 'OnDemand'
        and stg_cost_file.PayGPrice > 0
        and stg_cost_file.MeterId is not null
    group by 1, 2, 3, 4, 5, 6
    union all
    select
        stg_usage_details.Account as Account,
        stg_usage_details.BillingPeriodStart as BillingPeriodStart,
        stg_usage_details.MeterId as MeterId,
        stg_usage_details.PartNumber as PartNumber,
        stg_usage_details.UnitOfMeasure as UnitOfMeasure,
        coalesce(stg_usage_details.PricingCurrency, stg_usage_details.BillingCurrency) as CurrencyCode,
        min(stg_usage_details.PayGPrice) as LowestPrice,
        max(stg_usage_details.PayGPrice) as HighestPrice
    from stg_usage_details
    where stg_usage_details.ChargeType = 'Usage'
        and coalesce(stg_usage_details.PricingModel, 'OnDemand') = 'OnDemand'
        and stg_usage_details.PayGPrice > 0
        and stg_usage_details.MeterId is not null
    group by 1, 2, 3, 4, 5, 6
),
list_prices as (
    select
        on_demand_prices.Account as Account,
        on_demand_prices.BillingPeriodStart as BillingPeriodStart,
        on_demand_prices.MeterId as MeterId,
        coalesce(on_demand_prices.PartNumber, '') as PartNumber,
        on_demand_prices.UnitOfMeasure as UnitOfMeasure,
        on_demand_prices.CurrencyCode as CurrencyCode,
        min(on_demand_prices.LowestPrice) as PayGPrice
    from on_demand_prices
    group by 1, 2, 3, 4, 5, 6
    having min(on_demand_prices.LowestPrice) = max(on_demand_prices.HighestPrice)
),
described as (
    select
        kept.*,
        units.BlockSize as BlockSize,
        units.Unit as Unit,
        units.PricingUnit as PricingUnit,
        coalesce(kept.ChargeDate, kept.BillingPeriodStart) as ChargeDay,
        -- The month a row is kept under decides; what the record says only refines it (pay-as-you-go periods begin mid-month).
        case when month_start(kept.ServedPeriodStart) = kept.BillingPeriodStart
            then kept.ServedPeriodStart else kept.BillingPeriodStart end as PeriodFirstDay,
        case when month_start(kept.ServedPeriodStart) = kept.BillingPeriodStart and kept.ServedPeriodEnd >= kept.ServedPeriodStart
            then kept.ServedPeriodEnd else day_add(month_add(kept.BillingPeriodStart, 1), -1) end as PeriodLastDay,
        case
            when kept.Agreement = 'mca' then coalesce(kept.BillingProfileId, kept.BillingAccountId, kept.SubAccountId, kept.Scope)
            else coalesce(kept.BillingAccountId, kept.SubAccountId, kept.Scope)
        end as BillingAccountKey,
        case
            when kept.ChargeType in ('Usage', 'UnusedReservation', 'UnusedSavingsPlan') then 'Usage'
            when kept.ChargeType in ('Purchase', 'Refund') then 'Purchase'
            when kept.ChargeType in ('Credit', 'Tax') then kept.ChargeType
            else 'Adjustment'
        end as ChargeCategory,
        coalesce(
            kept.MeterCategory,
            case when kept.ChargeType = 'RoundingAdjustment' then 'Rounding Adjustment' end,
            case when kept.PublisherType = 'Marketplace' then kept.PublisherName end,
            kept.MeterSubCategory,
            kept.ConsumedService,
            kept.PublisherName,
            'Unassigned'
        ) as ServiceName,
        -- A commitment is no resource in a region; the region of its meter is the one it is good for.
        lower(replace(replace(coalesce(
            kept.ResourceLocationNormalized,
            kept.ResourceLocation,
            case when kept.IsCommitmentCharge or kept.ChargeType in ('UnusedReservation', 'UnusedSavingsPlan') then kept.MeterRegion end
        ), ' ', ''), '_', '')) as LocationKey,
        case when kept.ChargeType <> 'Tax' then coalesce(kept.ProductId, kept.MeterId) end as SkuKey,
        -- The benefit of a purchase ends in "/reservations/": ReservationId is then the reservation, or the order once more.
        case
            when kept.BenefitId like '%/reservations/' and kept.ReservationId like '________-____-____-____-____________'
                and strpos(kept.BenefitId, '/' || kept.ReservationId || '/') = 0 then kept.BenefitId || kept.ReservationId
            when kept.BenefitId like '%/reservations/' then substr(kept.BenefitId, 1, length(kept.BenefitId) - 14)
            when kept.BenefitId is not null then kept.BenefitId
            when not (kept.IsCovered or kept.IsCommitmentCharge) then null
            when kept.ReservationId like '/%' then kept.ReservationId
            when kept.ReservationId is not null and kept.ProductOrderId is not null and kept.ReservationId <> lower(kept.ProductOrderId)
                then '/providers/microsoft.capacity/reservationorders/' || lower(kept.ProductOrderId) || '/reservations/' || kept.ReservationId
            when kept.PricingModel = 'SavingsPlan' and kept.ProductOrderId is not null
                then '/providers/microsoft.billingbenefits/savingsplanorders/' || lower(kept.ProductOrderId)
            else '/providers/microsoft.capacity/reservationorders/' || lower(coalesce(kept.ProductOrderId, kept.ReservationId))
        end as CommitmentId,
        coalesce(kept.BenefitId like '%/microsoft.billingbenefits/%', false)
            or (coalesce(kept.BenefitId, '') not like '%/microsoft.capacity/%' and coalesce(kept.PricingModel, '') = 'SavingsPlan') as IsSpend,
        -- Looking for a word is cheaper than reading JSON, and most rows have neither.
        case when strpos(kept.AdditionalInfo, 'VMCapacityReservationId') > 0
            then lower(json_value_text(kept.AdditionalInfo, 'VMCapacityReservationId')) end as NamedCapacityReservationId,
        case when strpos(kept.AdditionalInfo, '"ServiceType"') > 0
            then nullif(regexp_extract(json_value_text(kept.AdditionalInfo, 'ServiceType'), '^((?:Standard|Basic)_[A-Za-z0-9_.-]+)$', 1), '') end as InstanceType,
        case when strpos(kept.AdditionalInfo, '"VCPUs"') > 0
            then nullif(regexp_extract(json_value_text(kept.AdditionalInfo, 'VCPUs'), '^([0-9]+)$', 1), '') end as CoreCount,
        case when kept.IsCovered and strpos(kept.AdditionalInfo, '"RINormalizationRatio"') > 0
            then try_cast(json_value_text(kept.AdditionalInfo, 'RINormalizationRatio') as decimal(38, 18)) end as NormalizationRatio,
        -- Rounding, credits and tax come with their amount in the place of a price, and often a negative one. Of refunds see above.
        case
            when kept.ChargeType not in ('Usage', 'Purchase', 'UnusedReservation', 'UnusedSavingsPlan') then null
            when kept.UnitPrice > 0 then kept.UnitPrice
            when kept.ChargeType = 'Usage' and offer_price.UnitPrice > 0 then offer_price.UnitPrice
            when kept.ChargeType = 'Usage' and sku_price.UnitPrice > 0 then sku_price.UnitPrice
            when kept.ChargeType = 'Usage' and kept.IsCovered then nullif(kept.EffectivePrice, 0)
            when kept.EffectivePrice >= 0 then kept.EffectivePrice
        end as ContractedPrice,
        case
            when kept.ChargeType not in ('Usage', 'Purchase', 'UnusedReservation', 'UnusedSavingsPlan') then null
            when kept.UnitPrice > 0 then 'Record'
            when kept.ChargeType = 'Usage' and (offer_price.UnitPrice > 0 or sku_price.UnitPrice > 0) then 'Price sheet'
            when kept.UnitPrice = 0 and kept.EffectivePrice = 0 and not kept.IsCovered then 'Record'
            when kept.EffectivePrice > 0 then 'Effective price'
        end as ContractedPriceSource,
        case
            when units.BlockSize = 1 or units.BlockSize is null then null
            when kept.Cost = 0 or kept.EffectivePrice = 0 or kept.EffectivePrice is null
                then coalesce(meter_scales.QuantityScale, 'Assumed block')
            when abs(cast(kept.Quantity as double) * cast(kept.EffectivePrice as double) - cast(kept.PricedCost as double))
                <= abs(cast(kept.PricedCost as double)) * 0.1e0 then 'Block'
            when abs(cast(kept.Quantity as double) * cast(kept.EffectivePrice as double) / cast(units.BlockSize as double)
                - cast(kept.PricedCost as double))
                <= abs(cast(kept.PricedCost as double)) * 0.1e0 then 'Unit'
            else coalesce(meter_scales.QuantityScale, 'Assumed block')
        end as QuantityScale,
        list_prices.PayGPrice as OnDemandPrice,
        coalesce(offer_price.MarketPrice, sku_price.MarketPrice) as SheetListPrice
    from kept
    left join units
        on units.UnitOfMeasure = kept.UnitOfMeasure
    left join meter_scales
        on meter_scales.Account = kept.Account
        and meter_scales.UnitOfMeasure = kept.UnitOfMeasure
        and meter_scales.MeterId = kept.MeterId
    left join int_price as offer_price
        on offer_price.Account = kept.Account
        and offer_price.BillingPeriodStart = kept.BillingPeriodStart
        and offer_price.BillingProfileId = kept.SheetProfileId
        and offer_price.SkuKey = kept.SheetSkuKey
        and offer_price.OfferId = kept.OfferId
        and offer_price.UnitOfMeasure = kept.UnitOfMeasure
        and offer_price.CurrencyCode = coalesce(kept.PricingCurrency, kept.BillingCurrency)
        and offer_price.MeterId = kept.SheetMeterId
    left join int_price as sku_price
        on sku_price.Account = kept.Account
        and sku_price.BillingPeriodStart = kept.BillingPeriodStart
        and sku_price.BillingProfileId = kept.SheetProfileId
        and sku_price.SkuKey = kept.SheetSkuKey
        and sku_price.OfferId = ''
        and sku_price.UnitOfMeasure = kept.UnitOfMeasure
        and sku_price.CurrencyCode = coalesce(kept.PricingCurrency, kept.BillingCurrency)
        and sku_price.MeterId = kept.SheetMeterId
    left join list_prices
        on list_prices.Account = kept.Account
        and list_prices.BillingPeriodStart = kept.BillingPeriodStart
        and list_prices.PartNumber = coalesce(kept.PartNumber, '')
        and list_prices.UnitOfMeasure = kept.UnitOfMeasure
        and list_prices.CurrencyCode = coalesce(kept.PricingCurrency, kept.BillingCurrency)
        and list_prices.MeterId = case when coalesce(kept.PayGPrice, 0) = 0 and kept.IsCovered and kept.ChargeType = 'Usage' then kept.MeterId end
),
placed as (
    select
        described.*,
        case when described.IsCommitmentCharge or described.ChargeType in ('UnusedReservation', 'UnusedSavingsPlan')
            then coalesce(described.CommitmentId, described.ResourceId) else described.ResourceId end as ResourceKey,
        case
            when described.QuantityScale = 'Unit' then ratio(described.Quantity, described.BlockSize)
            else described.Quantity
        end as PricingQuantity,
        case
            when described.QuantityScale in ('Block', 'Assumed block') then product(described.Quantity, described.BlockSize)
            else described.Quantity
        end as SingleQuantity,
        case
            when described.ChargeCategory not in ('Usage', 'Purchase') or described.ChargeType = 'Refund' then null
            when described.PayGPrice > 0 then described.PayGPrice
            when described.OnDemandPrice > 0 then described.OnDemandPrice
            when described.IsCovered and described.SheetListPrice > 0 then described.SheetListPrice
            else described.ContractedPrice
        end as ListPrice,
        -- A month of only actual cost stands for both; a covered row costs nothing there anyway.
        described.Dataset = 'actual' or not described.IsCovered as IsBilled,
        not described.HasAmortized or not described.IsCommitmentCharge as IsEffective,
        case
            when described.ChargeType = 'Usage' then coalesce(described.NormalizationRatio, cast(1 as decimal(38, 18)))
            when described.ChargeType = 'Purchase' and described.Unit = 'Hours' and described.Frequency = 'Recurring'
                then cast(24 * date_diff('day', described.PeriodFirstDay, day_add(described.PeriodLastDay, 1)) as decimal(38, 18))
            when described.ChargeType = 'Purchase' and described.Unit = 'Hours'
                then product(cast(730 as decimal(38, 18)), coalesce(try_cast(described.Term as decimal(38, 18)), cast(1 as decimal(38, 18))))
            else cast(1 as decimal(38, 18))
        end as CommitmentFactor
    from described
),
typed as (
    select
        placed.*,
        -- The provider that stands last: extensions of a resource carry it behind the resource's own.
        case
            when strpos(placed.ResourceKey, '/providers/') = 0 then null
            when split_part(placed.ResourceKey, '/providers/', 3) <> '' then split_part(placed.ResourceKey, '/providers/', 3)
            else split_part(placed.ResourceKey, '/providers/', 2)
        end as ResourcePath,
        -- Prices stand in the pricing currency, FOCUS wants them in the billing currency as well.
        case
            when placed.ExchangeRate is null or placed.ExchangeRate = 1 or placed.PricingCurrency = placed.BillingCurrency then placed.ContractedPrice
            else product(placed.ContractedPrice, placed.ExchangeRate)
        end as ContractedUnitPrice,
        case
            when placed.ExchangeRate is null or placed.ExchangeRate = 1 or placed.PricingCurrency = placed.BillingCurrency then placed.ListPrice
            else product(placed.ListPrice, placed.ExchangeRate)
        end as ListUnitPrice,
        case when placed.IsBilled then coalesce(placed.Cost, 0) else cast(0 as decimal(38, 18)) end as BilledCost,
        case when placed.IsEffective then coalesce(placed.Cost, 0) else cast(0 as decimal(38, 18)) end as EffectiveCost
    from placed
),
costed as (
    select
        typed.*,
        -- The cost as billed is exact where price times quantity is rounded, so it goes first where both are one.
        case
            when typed.ContractedPrice = typed.EffectivePrice then typed.Cost
            else product(typed.ContractedUnitPrice, typed.PricingQuantity)
        end as ContractedCost,
        -- The served cost at list price; of a partial refund it can be the whole price, and with the sign of a charge.
        coalesce(
            typed.PayGPrice > 0
                and typed.PaygCostInBillingCurrency <> 0
                and not (typed.Cost > 0 and typed.PaygCostInBillingCurrency < 0 or typed.Cost < 0 and typed.PaygCostInBillingCurrency > 0),
            false
        ) as IsAtPayGCost,
        case
            when typed.ResourcePath is null and strpos(typed.ResourceKey, '/resourcegroups/') > 0 then 'microsoft.resources/resourcegroups'
            when typed.ResourcePath is null and typed.ResourceKey like '/subscriptions/%' then 'microsoft.resources/subscriptions'
            when split_part(typed.ResourcePath, '/', 4) = '' then split_part(typed.ResourcePath, '/', 1) || '/' || split_part(typed.ResourcePath, '/', 2)
            when split_part(typed.ResourcePath, '/', 6) = '' then split_part(typed.ResourcePath, '/', 1) || '/' || split_part(typed.ResourcePath, '/', 2)
                || '/' || split_part(typed.ResourcePath, '/', 4)
            else split_part(typed.ResourcePath, '/', 1) || '/' || split_part(typed.ResourcePath, '/', 2)
                || '/' || split_part(typed.ResourcePath, '/', 4) || '/' || split_part(typed.ResourcePath, '/', 6)
        end as ResourceTypeCode
    from typed
),
priced as (
    select
        costed.*,
        case
            when costed.ResourceTypeCode = 'microsoft.compute/capacityreservationgroups/capacityreservations'
                then coalesce(costed.NamedCapacityReservationId, costed.ResourceId)
            else costed.NamedCapacityReservationId
        end as CapacityReservationId,
        case
            when costed.IsAtPayGCost then costed.PaygCostInBillingCurrency
            when costed.ListPrice = costed.EffectivePrice then costed.Cost
            when costed.ListPrice = costed.ContractedPrice then costed.ContractedCost
            else product(costed.ListUnitPrice, costed.PricingQuantity)
        end as ListCost
    from costed
),
resource_types as (
    select *
    from (
        values
            ('microsoft.aad/domainservices', 'Domain service'),
            ('microsoft.analysisservices/servers', 'Analysis Services server'),
            ('microsoft.apimanagement/service', 'API Management service'),
            ('microsoft.app/containerapps', 'Container app'),
            ('microsoft.app/managedenvironments', 'Container Apps environment'),
            ('microsoft.appconfiguration/configurationstores', 'App Configuration store'),
            ('microsoft.automation/automationaccounts', 'Automation account'),
            ('microsoft.avs/privateclouds', 'VMware private cloud'),
            ('microsoft.azureactivedirectory/b2cdirectories', 'B2C tenant'),
            ('microsoft.batch/batchaccounts', 'Batch account'),
            ('microsoft.billingbenefits/savingsplanorders', 'Savings plan order'),
            ('microsoft.billingbenefits/savingsplanorders/savingsplans', 'Savings plan'),
            ('microsoft.botservice/botservices', 'Bot service'),
            ('microsoft.cache/redis', 'Redis cache'),
            ('microsoft.cache/redisenterprise', 'Redis enterprise cache'),
            ('microsoft.capacity/reservationorders', 'Reservation order'),
            ('microsoft.capacity/reservationorders/reservations', 'Reservation'),
            ('microsoft.cdn/profiles', 'Front Door and CDN profile'),
            ('microsoft.cdn/profiles/endpoints', 'CDN endpoint'),
            ('microsoft.cognitiveservices/accounts', 'AI service'),
            ('microsoft.communication/communicationservices', 'Communication service'),
            ('microsoft.compute/availabilitysets', 'Availability set'),
            ('microsoft.compute/capacityreservationgroups/capacityreservations', 'Capacity reservation'),
            ('microsoft.compute/cloudservices', 'Cloud service'),
            ('microsoft.compute/disks', 'Disk'),
            ('microsoft.compute/galleries', 'Compute gallery'),
            ('microsoft.compute/galleries/images/versions', 'Image version'),
            ('microsoft.compute/hostgroups/hosts', 'Dedicated host'),
            ('microsoft.compute/images', 'Image'),
            ('microsoft.compute/restorepointcollections', 'Restore point collection'),
            ('microsoft.compute/snapshots', 'Snapshot'),
            ('microsoft.compute/virtualmachines', 'Virtual machine'),
            ('microsoft.compute/virtualmachinescalesets', 'Virtual machine scale set'),
            ('microsoft.containerinstance/containergroups', 'Container group'),
            ('microsoft.containerregistry/registries', 'Container registry'),
            ('microsoft.containerservice/managedclusters', 'Kubernetes service'),
            ('microsoft.dashboard/grafana', 'Managed Grafana'),
            ('microsoft.databricks/workspaces', 'Databricks workspace'),
            ('microsoft.datafactory/factories', 'Data factory'),
            ('microsoft.datalakestore/accounts', 'Data Lake Store'),
            ('microsoft.dataprotection/backupvaults', 'Backup vault'),
            ('microsoft.dbformariadb/servers', 'MariaDB server'),
            ('microsoft.dbformysql/flexibleservers', 'MySQL flexible server'),
            ('microsoft.dbformysql/servers', 'MySQL server'),
            ('microsoft.dbforpostgresql/flexibleservers', 'PostgreSQL flexible server'),
            ('microsoft.dbforpostgresql/servers', 'PostgreSQL server'),
            ('microsoft.desktopvirtualization/hostpools', 'Host pool'),
            ('microsoft.desktopvirtualization/workspaces', 'Virtual desktop workspace'),
            ('microsoft.devices/iothubs', 'IoT hub'),
            ('microsoft.devices/provisioningservices', 'Device provisioning service'),
            ('microsoft.devtestlab/labs', 'Lab'),
            ('microsoft.digitaltwins/digitaltwinsinstances', 'Digital twins instance'),
            ('microsoft.documentdb/databaseaccounts', 'Cosmos DB account'),
            ('microsoft.elasticsan/elasticsans', 'Elastic SAN'),
            ('microsoft.eventgrid/systemtopics', 'Event Grid system topic'),
            ('microsoft.eventgrid/topics', 'Event Grid topic'),
            ('microsoft.eventhub/clusters', 'Event Hubs cluster'),
            ('microsoft.eventhub/namespaces', 'Event Hubs namespace'),
            ('microsoft.fabric/capacities', 'Fabric capacity'),
            ('microsoft.hdinsight/clusters', 'HDInsight cluster'),
            ('microsoft.hybridcompute/machines', 'Arc server'),
            ('microsoft.insights/components', 'Application Insights'),
            ('microsoft.insights/metricalerts', 'Metric alert rule'),
            ('microsoft.insights/scheduledqueryrules', 'Log search alert rule'),
            ('microsoft.insights/webtests', 'Availability test'),
            ('microsoft.keyvault/vaults', 'Key vault'),
            ('microsoft.kusto/clusters', 'Data Explorer cluster'),
            ('microsoft.loadtestservice/loadtests', 'Load test'),
            ('microsoft.logic/workflows', 'Logic app'),
            ('microsoft.machinelearningservices/workspaces', 'Machine learning workspace'),
            ('microsoft.maps/accounts', 'Maps account'),
            ('microsoft.netapp/netappaccounts/capacitypools', 'NetApp capacity pool'),
            ('microsoft.netapp/netappaccounts/capacitypools/volumes', 'NetApp volume'),
            ('microsoft.network/applicationgateways', 'Application gateway'),
            ('microsoft.network/azurefirewalls', 'Firewall'),
            ('microsoft.network/bastionhosts', 'Bastion'),
            ('microsoft.network/connections', 'Connection'),
            ('microsoft.network/ddosprotectionplans', 'DDoS protection plan'),
            ('microsoft.network/dnsresolvers', 'DNS resolver'),
            ('microsoft.network/dnszones', 'DNS zone'),
            ('microsoft.network/expressroutecircuits', 'ExpressRoute circuit'),
            ('microsoft.network/expressroutegateways', 'ExpressRoute gateway'),
            ('microsoft.network/frontdoors', 'Front Door'),
            ('microsoft.network/loadbalancers', 'Load balancer'),
            ('microsoft.network/natgateways', 'NAT gateway'),
            ('microsoft.network/networkinterfaces', 'Network interface'),
            ('microsoft.network/networkwatchers', 'Network watcher'),
            ('microsoft.network/privatednszones', 'Private DNS zone'),
            ('microsoft.network/privateendpoints', 'Private endpoint'),
            ('microsoft.network/privatelinkservices', 'Private link service'),
            ('microsoft.network/publicipaddresses', 'Public IP address'),
            ('microsoft.network/publicipprefixes', 'Public IP prefix'),
            ('microsoft.network/trafficmanagerprofiles', 'Traffic Manager profile'),
            ('microsoft.network/virtualhubs', 'Virtual hub'),
            ('microsoft.network/virtualnetworkgateways', 'Virtual network gateway'),
            ('microsoft.network/virtualnetworks', 'Virtual network'),
            ('microsoft.network/vpngateways', 'VPN gateway'),
            ('microsoft.notificationhubs/namespaces', 'Notification Hubs namespace'),
            ('microsoft.operationalinsights/workspaces', 'Log Analytics workspace'),
            ('microsoft.powerbidedicated/capacities', 'Power BI Embedded capacity'),
            ('microsoft.purview/accounts', 'Purview account'),
            ('microsoft.recoveryservices/vaults', 'Recovery Services vault'),
            ('microsoft.redhatopenshift/openshiftclusters', 'OpenShift cluster'),
            ('microsoft.relay/namespaces', 'Relay namespace'),
            ('microsoft.resources/resourcegroups', 'Resource group'),
            ('microsoft.resources/subscriptions', 'Subscription'),
            ('microsoft.saas/resources', 'SaaS subscription'),
            ('microsoft.saas/saasresources', 'SaaS subscription'),
            ('microsoft.search/searchservices', 'AI Search service'),
            ('microsoft.security/pricings', 'Defender plan'),
            ('microsoft.servicebus/namespaces', 'Service Bus namespace'),
            ('microsoft.servicefabric/clusters', 'Service Fabric cluster'),
            ('microsoft.signalrservice/signalr', 'SignalR'),
            ('microsoft.signalrservice/webpubsub', 'Web PubSub service'),
            ('microsoft.sql/managedinstances', 'SQL managed instance'),
            ('microsoft.sql/servers', 'SQL server'),
            ('microsoft.sql/servers/databases', 'SQL database'),
            ('microsoft.sql/servers/elasticpools', 'SQL elastic pool'),
            ('microsoft.sqlvirtualmachine/sqlvirtualmachines', 'SQL virtual machine'),
            ('microsoft.storage/storageaccounts', 'Storage account'),
            ('microsoft.streamanalytics/streamingjobs', 'Stream Analytics job'),
            ('microsoft.synapse/workspaces', 'Synapse workspace'),
            ('microsoft.synapse/workspaces/bigdatapools', 'Synapse Spark pool'),
            ('microsoft.synapse/workspaces/sqlpools', 'Synapse SQL pool'),
            ('microsoft.visualstudio/account', 'DevOps organization'),
            ('microsoft.web/certificates', 'App Service certificate'),
            ('microsoft.web/hostingenvironments', 'App Service environment'),
            ('microsoft.web/serverfarms', 'App Service plan'),
            ('microsoft.web/sites', 'App Service'),
            ('microsoft.web/staticsites', 'Static web app')
    ) as list (ResourceTypeCode, ResourceType)
)
select
    priced.BillingAccountKey as BillingAccountId,
    coalesce(case when priced.Agreement = 'mca' then priced.BillingProfileName else priced.BillingAccountName end, priced.Account) as BillingAccountName,
    case
        when priced.Agreement = 'mca' and priced.BillingProfileId is not null then 'Billing Profile'
        when priced.BillingAccountId is null then 'Subscription'
        else 'Billing Account'
    end as BillingAccountType,
    cast(priced.PeriodFirstDay as timestamp) as BillingPeriodStart,
    cast(day_add(priced.PeriodLastDay, 1) as timestamp) as BillingPeriodEnd,
    cast(priced.ChargeDay as timestamp) as ChargePeriodStart,
    cast(day_add(priced.ChargeDay, 1) as timestamp) as ChargePeriodEnd,
    priced.InvoiceId as InvoiceId,
    coalesce(priced.PartnerName, 'Microsoft') as InvoiceIssuerName,
    'Microsoft' as ProviderName,
    coalesce(priced.PublisherName, 'Microsoft') as PublisherName,
    priced.SubAccountId as SubAccountId,
    case when priced.SubAccountId is not null then coalesce(priced.SubAccountName, priced.SubAccountId) end as SubAccountName,
    case when priced.SubAccountId is not null then 'Subscription' end as SubAccountType,
    priced.ChargeCategory as ChargeCategory,
    case when priced.ChargeType = 'Refund' then 'Correction' end as ChargeClass,
    coalesce(
        priced.ProductName,
        case
            when priced.ChargeType = 'UnusedReservation' then 'Unused reservation ' || coalesce(priced.BenefitName, priced.ReservationName, '')
            when priced.ChargeType = 'UnusedSavingsPlan' then 'Unused savings plan ' || coalesce(priced.BenefitName, '')
            when priced.ChargeType = 'RoundingAdjustment' then 'Rounding adjustment'
        end,
        priced.ServiceName || ' ' || coalesce(priced.MeterName, priced.PlanName, priced.ChargeType)
    ) as ChargeDescription,
    case
        when priced.Frequency = 'Recurring' then 'Recurring'
        when priced.Frequency = 'OneTime' then 'One-Time'
        when priced.ChargeCategory = 'Usage' then 'Usage-Based'
        else 'One-Time'
    end as ChargeFrequency,
    case
        when priced.ChargeCategory not in ('Usage', 'Purchase') then null
        when priced.IsCommitmentCharge then 'Standard'
        when priced.IsCovered then 'Committed'
        when priced.PricingModel = 'Spot' then 'Dynamic'
        when coalesce(priced.PricingModel, 'OnDemand') = 'OnDemand' then 'Standard'
        else 'Other'
    end as PricingCategory,
    priced.BillingCurrency as BillingCurrency,
    coalesce(priced.PricingCurrency, priced.BillingCurrency) as PricingCurrency,
    priced.BilledCost as BilledCost,
    priced.EffectiveCost as EffectiveCost,
    coalesce(priced.ContractedCost, priced.Cost, 0) as ContractedCost,
    coalesce(priced.ListCost, priced.ContractedCost, priced.Cost, 0) as ListCost,
    priced.ContractedUnitPrice as ContractedUnitPrice,
    priced.ListUnitPrice as ListUnitPrice,
    priced.ContractedPrice as PricingCurrencyContractedUnitPrice,
    priced.ListPrice as PricingCurrencyListUnitPrice,
    case when priced.IsEffective then coalesce(priced.PricedCost, 0) else cast(0 as decimal(38, 18)) end as PricingCurrencyEffectiveCost,
    case when priced.ChargeCategory <> 'Tax' then priced.PricingQuantity end as PricingQuantity,
    case when priced.ChargeCategory <> 'Tax' and priced.PricingQuantity is not null then coalesce(priced.PricingUnit, 'Units') end as PricingUnit,
    case when priced.ChargeType = 'Usage' then priced.SingleQuantity end as ConsumedQuantity,
    case when priced.ChargeType = 'Usage' and priced.SingleQuantity is not null then coalesce(priced.Unit, 'Units') end as ConsumedUnit,
    priced.CommitmentId as CommitmentDiscountId,
    case when priced.CommitmentId is not null then coalesce(priced.BenefitName, priced.ReservationName) end as CommitmentDiscountName,
    case when priced.CommitmentId is null then null when priced.IsSpend then 'Spend' else 'Usage' end as CommitmentDiscountCategory,
    case when priced.CommitmentId is null then null when priced.IsSpend then 'Savings Plan' else 'Reservation' end as CommitmentDiscountType,
    case
        when priced.CommitmentId is null or priced.ChargeCategory <> 'Usage' then null
        when priced.ChargeType = 'Usage' then 'Used'
        else 'Unused'
    end as CommitmentDiscountStatus,
    case
        when priced.CommitmentId is null or priced.ChargeType not in ('Usage', 'Purchase', 'UnusedReservation', 'UnusedSavingsPlan') then null
        when priced.IsSpend then priced.PricedCost
        else product(priced.SingleQuantity, priced.CommitmentFactor)
    end as CommitmentDiscountQuantity,
    case
        when priced.CommitmentId is null or priced.ChargeType not in ('Usage', 'Purchase', 'UnusedReservation', 'UnusedSavingsPlan') then null
        when priced.IsSpend then case when priced.PricedCost is not null then coalesce(priced.PricingCurrency, priced.BillingCurrency) end
        when priced.SingleQuantity is null then null
        when priced.ServiceName = 'Virtual Machines' then 'Normalized ' || coalesce(priced.Unit, 'Units')
        else coalesce(priced.Unit, 'Units')
    end as CommitmentDiscountUnit,
    priced.CapacityReservationId as CapacityReservationId,
    case
        when priced.CapacityReservationId is null or priced.ChargeCategory <> 'Usage' then null
        when priced.ResourceTypeCode = 'microsoft.compute/capacityreservationgroups/capacityreservations' then 'Unused'
        else 'Used'
    end as CapacityReservationStatus,
    priced.ServiceName as ServiceName,
    coalesce(int_service.ServiceCategory, 'Other') as ServiceCategory,
    coalesce(int_service.ServiceSubcategory, 'Other (Other)') as ServiceSubcategory,
    priced.SkuKey as SkuId,
    case when priced.SkuKey is not null then coalesce(priced.MeterName, priced.MeterSubCategory) end as SkuMeter,
    case
        when priced.SkuKey is null then null
        when priced.ProductId is not null then priced.SkuKey || coalesce('_' || priced.MeterId, '')
        else priced.SkuKey || coalesce('_' || priced.PartNumber, '')
    end as SkuPriceId,
    case
        when priced.SkuKey is null or priced.InstanceType is null then null
        when priced.CoreCount is null then '{"InstanceType":"' || priced.InstanceType || '"}'
        else '{"InstanceType":"' || priced.InstanceType || '","CoreCount":' || priced.CoreCount || '}'
    end as SkuPriceDetails,
    priced.ResourceKey as ResourceId,
    case when priced.ResourceKey is not null then coalesce(priced.ResourceName, case when priced.ResourceKey = priced.CommitmentId then priced.BenefitName end) end as ResourceName,
    case when priced.ResourceKey is not null then coalesce(resource_types.ResourceType, priced.ResourceTypeCode, 'Resource') end as ResourceType,
    int_region.RegionId as RegionId,
    int_region.RegionName as RegionName,
    priced.AvailabilityZone as AvailabilityZone,
    priced.Tags as Tags,
    priced.Account as x_Account,
    priced.Source as x_Source,
    priced.Scope as x_Scope,
    priced.Dataset as x_Dataset,
    priced.Page as x_Page,
    priced.Row as x_Row,
    priced.File as x_File,
    priced.Agreement as x_Agreement,
    priced.HasAmortized as x_IsAmortized,
    priced.ChargeType as x_ChargeType,
    priced.PricingModel as x_PricingModel,
    priced.Frequency as x_Frequency,
    priced.AccountName as x_AccountName,
    priced.AccountOwnerId as x_AccountOwnerId,
    priced.BillingAccountId as x_BillingAccountId,
    priced.BillingAccountName as x_BillingAccountName,
    priced.BillingProfileId as x_BillingProfileId,
    priced.InvoiceSectionId as x_InvoiceSectionId,
    priced.InvoiceSectionName as x_InvoiceSectionName,
    priced.PreviousInvoiceId as x_PreviousInvoiceId,
    priced.CostCenter as x_CostCenter,
    priced.CostAllocationRuleName as x_CostAllocationRuleName,
    priced.CustomerTenantId as x_CustomerId,
    priced.CustomerName as x_CustomerName,
    priced.PartnerTenantId as x_InvoiceIssuerId,
    priced.ResellerMpnId as x_ResellerId,
    priced.ResellerName as x_ResellerName,
    case lower(priced.PartnerEarnedCreditApplied) when '1' then true when 'true' then true when '0' then false when 'false' then false end as x_PartnerCreditApplied,
    priced.PartnerEarnedCreditRate as x_PartnerCreditRate,
    priced.PublisherId as x_PublisherId,
    priced.PublisherType as x_PublisherType,
    priced.Provider as x_Provider,
    case when priced.IsBilled then priced.CostInUsd when priced.CostInUsd is not null then cast(0 as decimal(38, 18)) end as x_BilledCostInUsd,
    case when priced.IsEffective then priced.CostInUsd when priced.CostInUsd is not null then cast(0 as decimal(38, 18)) end as x_EffectiveCostInUsd,
    case
        when priced.IsAtPayGCost then nullif(priced.PaygCostInUsd, 0)
        when coalesce(priced.ListCost, priced.ContractedCost, priced.Cost, 0) = priced.Cost then priced.CostInUsd
    end as x_ListCostInUsd,
    priced.ExchangeRate as x_BillingExchangeRate,
    priced.ExchangeRateDate as x_BillingExchangeRateDate,
    priced.EffectivePrice as x_EffectiveUnitPrice,
    priced.ContractedPriceSource as x_ContractedPriceSource,
    priced.UnitOfMeasure as x_PricingUnitDescription,
    priced.BlockSize as x_PricingBlockSize,
    priced.QuantityScale as x_QuantityScale,
    priced.ResourceGroupName as x_ResourceGroupName,
    priced.ResourceTypeCode as x_ResourceType,
    priced.ConsumedService as x_ConsumedService,
    priced.ServicePeriodStart as x_ServicePeriodStart,
    priced.ServicePeriodEnd as x_ServicePeriodEnd,
    priced.ReservationId as x_ReservationId,
    priced.AdditionalInfo as x_SkuDetails,
    priced.IsAzureCreditEligible as x_SkuIsCreditEligible,
    priced.MeterCategory as x_SkuMeterCategory,
    priced.MeterId as x_SkuMeterId,
    priced.MeterSubCategory as x_SkuMeterSubcategory,
    priced.OfferId as x_SkuOfferId,
    priced.ProductOrderId as x_SkuOrderId,
    priced.ProductOrderName as x_SkuOrderName,
    priced.PartNumber as x_SkuPartNumber,
    priced.PlanName as x_SkuPlanName,
    priced.MeterRegion as x_SkuRegion,
    priced.ServiceFamily as x_SkuServiceFamily,
    priced.Term as x_SkuTerm,
    priced.TagsRaw as x_TagsRaw
from priced
left join int_service
    on int_service.ServiceName = priced.ServiceName
    and int_service.BillingPeriodStart = priced.BillingPeriodStart
left join int_region
    on int_region.LocationKey = priced.LocationKey
    and int_region.BillingPeriodStart = priced.BillingPeriodStart
left join resource_types
    on resource_types.ResourceTypeCode = priced.ResourceTypeCode
union all
select int_charge_focus.*
from int_charge_focus
