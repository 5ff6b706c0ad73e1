-- stg_cost_file is one charge as a cost file has it, whichever way the file came.
--
-- Exports, cost details reports and detailed cost reports are the same files, so they are read as one; Source says which way. The
-- columns are those of stg_usage_details too, name by name and type by type. Nothing is joined and nothing is left out: which
-- source counts is decided in int_cost_source. One line of a file is no charge of its own kind: the same usage stands in the actual
-- file and in the amortized file.
--
-- Empty text is null since landing. Charge types, pricing models, frequencies and terms are spelled one way, because the API writes
-- "On Demand" and the files "OnDemand", and one article "UnusedBenefit" where the data says "UnusedSavingsPlan".
--
-- reads:  raw_cost_export, raw_cost_details, raw_detailed_cost
-- grain:  Account, Source, Scope, BillingPeriodStart, Dataset, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- input _file                         varchar
-- input _agreement                    varchar
-- input Date                          date
-- input BillingPeriodStartDate        date
-- input BillingPeriodEndDate          date
-- input ServicePeriodStartDate        date
-- input ServicePeriodEndDate          date
-- input ChargeType                    varchar
-- input PricingModel                  varchar
-- input Frequency                     varchar
-- input BillingAccountId              varchar
-- input BillingAccountName            varchar
-- input BillingProfileId              varchar
-- input BillingProfileName            varchar
-- input InvoiceSectionId              varchar
-- input InvoiceSectionName            varchar
-- input InvoiceId                     varchar
-- input PreviousInvoiceId             varchar
-- input AccountName                   varchar
-- input AccountOwnerId                varchar
-- input CostCenter                    varchar
-- input SubscriptionId                varchar
-- input SubscriptionName              varchar
-- input ResourceGroup                 varchar
-- input ResourceId                    varchar
-- input ResourceName                  varchar
-- input ResourceLocation              varchar
-- input Location                      varchar
-- input ResourceLocationNormalized    varchar
-- input AvailabilityZone              varchar
-- input ConsumedService               varchar
-- input ServiceFamily                 varchar
-- input MeterCategory                 varchar
-- input MeterSubCategory              varchar
-- input MeterId                       varchar
-- input MeterName                     varchar
-- input MeterRegion                   varchar
-- input UnitOfMeasure                 varchar
-- input ProductId                     varchar
-- input ProductName                   varchar
-- input PartNumber                    varchar
-- input OfferId                       varchar
-- input PlanName                      varchar
-- input PublisherType                 varchar
-- input PublisherName                 varchar
-- input PublisherId                   varchar
-- input Provider                      varchar
-- input BenefitId                     varchar
-- input BenefitName                   varchar
-- input ReservationId                 varchar
-- input ReservationName               varchar
-- input ProductOrderId                varchar
-- input ProductOrderName              varchar
-- input Term                          varchar
-- input IsAzureCreditEligible         boolean
-- input CostAllocationRuleName        varchar
-- input CostInBillingCurrency         decimal(38, 18)
-- input BillingCurrencyCode           varchar
-- input Quantity                      decimal(38, 18)
-- input EffectivePrice                decimal(38, 18)
-- input UnitPrice                     decimal(38, 18)
-- input PayGPrice                     decimal(38, 18)
-- input PricingCurrency               varchar
-- input ExchangeRatePricingToBilling  decimal(38, 18)
-- input ExchangeRateDate              date
-- input CostInPricingCurrency         decimal(38, 18)
-- input CostInUsd                     decimal(38, 18)
-- input PaygCostInBillingCurrency     decimal(38, 18)
-- input PaygCostInUsd                 decimal(38, 18)
-- input PartnerTenantId               varchar
-- input PartnerName                   varchar
-- input PartnerEarnedCreditRate       decimal(38, 18)
-- input PartnerEarnedCreditApplied    varchar
-- input CustomerTenantId              varchar
-- input CustomerName                  varchar
-- input ResellerName                  varchar
-- input ResellerMpnId                 varchar
-- input ServiceInfo1                  varchar
-- input ServiceInfo2                  varchar
-- input AdditionalInfo                varchar
-- input Tags                          varchar
-- input _tags_raw                     varchar
--
-- column Account                     varchar          the account's name in the configuration
-- column Source                      varchar          cost_export, cost_details or detailed_cost
-- column Scope                       varchar          the scope the records were asked for
-- column BillingPeriodStart          date             first day of the month the billing period starts in
-- column Dataset                     varchar          actual or amortized
-- column Page                        bigint           file of the export, or page of the answer, the row came on
-- column Row                         bigint           row in that file or page
-- column File                        varchar          name of the export file; null for the API
-- column Agreement                   varchar          ea, mca or mosp
-- column ChargeDate                  date             UTC day of the charge
-- column ServedPeriodStart           date             first day of the billing period as the record says it; null when it does not
-- column ServedPeriodEnd             date             last day of the billing period, inclusive, as the record says it
-- column ServicePeriodStart          date             mca: first day of the rating period
-- column ServicePeriodEnd            date             mca: last day of the rating period, inclusive
-- column ChargeType                  varchar          Usage, Purchase, Refund, UnusedReservation, UnusedSavingsPlan, RoundingAdjustment, Tax, Credit or as served; Usage where nothing is said
-- column PricingModel                varchar          OnDemand, Reservation, SavingsPlan, Spot or as served
-- column Frequency                   varchar          UsageBased, Recurring, OneTime or as served
-- column BillingAccountId            varchar          ea: enrollment number; mca: billing account
-- column BillingAccountName          varchar
-- column BillingProfileId            varchar          mca: billing profile, the one invoiced; ea: the enrollment again
-- column BillingProfileName          varchar
-- column InvoiceSectionId            varchar          mca: invoice section; ea: department
-- column InvoiceSectionName          varchar
-- column InvoiceId                   varchar          mca: null until invoiced; ea: never
-- column PreviousInvoiceId           varchar          mca refunds: the invoice that is corrected
-- column AccountName                 varchar          ea: enrollment account
-- column AccountOwnerId              varchar          ea: owner of the enrollment account
-- column CostCenter                  varchar
-- column SubAccountId                varchar          subscription GUID in lower case; null for charges of no subscription, which older records spell with zeros
-- column SubAccountName              varchar
-- column ResourceGroupName           varchar
-- column ResourceId                  varchar          ARM id in lower case
-- column ResourceName                varchar          as served, else the last part of the ARM id
-- column ResourceLocation            varchar          region as served, in any spelling
-- column ResourceLocationNormalized  varchar          region in the spelling of the resource manager, where the record has one
-- column AvailabilityZone            varchar          only for connected clouds
-- column ConsumedService             varchar          resource provider; null for Marketplace
-- column ServiceFamily               varchar
-- column MeterCategory               varchar
-- column MeterSubCategory            varchar
-- column MeterId                     varchar          GUID in lower case; of a reservation: its primary meter
-- column MeterName                   varchar
-- column MeterRegion                 varchar
-- column UnitOfMeasure               varchar          such as 1 Hour or 10K; says nothing about the scale of Quantity
-- column ProductId                   varchar          mca: product and SKU
-- column ProductName                 varchar
-- column PartNumber                  varchar          ea: joins the price sheet
-- column OfferId                     varchar          such as MS-AZR-0017P
-- column PlanName                    varchar
-- column PublisherType               varchar          Azure, Marketplace, Microsoft, AWS
-- column PublisherName               varchar
-- column PublisherId                 varchar          mca
-- column Provider                    varchar          mca: Azure, Microsoft 365, …
-- column BenefitId                   varchar          ARM id of the reservation or savings plan in lower case
-- column BenefitName                 varchar
-- column ReservationId               varchar          GUID or ARM id, in lower case
-- column ReservationName             varchar
-- column ProductOrderId              varchar          reservation or savings plan order
-- column ProductOrderName            varchar
-- column Term                        varchar          months of the commitment, as text
-- column IsAzureCreditEligible       boolean          false: billed outside the prepayment
-- column CostAllocationRuleName      varchar          set: the row was moved by a cost allocation rule of Azure
-- column Cost                        decimal(38, 18)  BillingCurrency, before tax and credits
-- column BillingCurrency             varchar          ISO 4217; XXX where the record has none
-- column Quantity                    decimal(38, 18)  on the scale of EffectivePrice or of single units, see UnitOfMeasure
-- column EffectivePrice              decimal(38, 18)  PricingCurrency, really paid per unit; 0 where a commitment covers actual usage
-- column UnitPrice                   decimal(38, 18)  PricingCurrency, the negotiated price; null or 0 where none is served
-- column PayGPrice                   decimal(38, 18)  PricingCurrency, the list price; null or 0 where none is served
-- column PricingCurrency             varchar          ISO 4217; mca only
-- column ExchangeRate                decimal(38, 18)  BillingCurrency per PricingCurrency; mca only
-- column ExchangeRateDate            date             mca only
-- column CostInPricingCurrency       decimal(38, 18)  PricingCurrency; mca only
-- column CostInUsd                   decimal(38, 18)  USD; mca only
-- column PaygCostInBillingCurrency   decimal(38, 18)  BillingCurrency, at list price; mca only
-- column PaygCostInUsd               decimal(38, 18)  USD, at list price; mca only
-- column PartnerTenantId             varchar          partner agreements
-- column PartnerName                 varchar
-- column PartnerEarnedCreditRate     decimal(38, 18)
-- column PartnerEarnedCreditApplied  varchar          as served: 0, 1, true or false
-- column CustomerTenantId            varchar
-- column CustomerName                varchar
-- column ResellerName                varchar
-- column ResellerMpnId               varchar
-- column ServiceInfo1                varchar          opaque
-- column ServiceInfo2                varchar          opaque
-- column AdditionalInfo              varchar          JSON object text, now and then broken
-- column Tags                        varchar          JSON object text; null without tags, or when they could not be read
-- column TagsRaw                     varchar          the tags as served, only when they could not be read
--
-- total: (select count(*) from stg_cost_file)
--        = (select count(*) from raw_cost_export) + (select count(*) from raw_cost_details) + (select count(*) from raw_detailed_cost)
-- total: not exists (select Source, BillingCurrency, sum(Cost) from stg_cost_file group by Source, BillingCurrency
--        except (select 'cost_export', coalesce(nullif(upper(trim(BillingCurrencyCode)), ''), 'XXX'), sum(CostInBillingCurrency) from raw_cost_export group by coalesce(nullif(upper(trim(BillingCurrencyCode)), ''), 'XXX')
--            union all select 'cost_details', coalesce(nullif(upper(trim(BillingCurrencyCode)), ''), 'XXX'), sum(CostInBillingCurrency) from raw_cost_details group by coalesce(nullif(upper(trim(BillingCurrencyCode)), ''), 'XXX')
--            union all select 'detailed_cost', coalesce(nullif(upper(trim(BillingCurrencyCode)), ''), 'XXX'), sum(CostInBillingCurrency) from raw_detailed_cost group by coalesce(nullif(upper(trim(BillingCurrencyCode)), ''), 'XXX')))
with
lines as (
    select
        raw_cost_export.*,
        'cost_export' as _source
    from raw_cost_export
    union all
    select
        raw_cost_details.*,
        'cost_details' as _source
    from raw_cost_details
    union all
    select
        raw_detailed_cost.*,
        'detailed_cost' as _source
    from raw_detailed_cost
)
select
    _account as Account,
    _source as Source,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    _file as File,
    _agreement as Agreement,
    Date as ChargeDate,
    BillingPeriodStartDate as ServedPeriodStart,
    BillingPeriodEndDate as ServedPeriodEnd,
    ServicePeriodStartDate as ServicePeriodStart,
    ServicePeriodEndDate as ServicePeriodEnd,
    case
        when ChargeType in ('Usage', 'Purchase', 'Refund', 'UnusedReservation', 'UnusedSavingsPlan', 'RoundingAdjustment') then ChargeType
        when ChargeType is null then 'Usage'
        when lower(replace(ChargeType, ' ', '')) = 'unusedbenefit' then 'UnusedSavingsPlan'
        when lower(replace(ChargeType, ' ', '')) = 'usage' then 'Usage'
        when lower(replace(ChargeType, ' ', '')) = 'purchase' then 'Purchase'
        when lower(replace(ChargeType, ' ', '')) = 'refund' then 'Refund'
        when lower(replace(ChargeType, ' ', '')) = 'unusedreservation' then 'UnusedReservation'
        when lower(replace(ChargeType, ' ', '')) = 'unusedsavingsplan' then 'UnusedSavingsPlan'
        when lower(replace(ChargeType, ' ', '')) = 'roundingadjustment' then 'RoundingAdjustment'
        when lower(replace(ChargeType, ' ', '')) = 'tax' then 'Tax'
        when lower(replace(ChargeType, ' ', '')) = 'credit' then 'Credit'
        else trim(ChargeType)
    end as ChargeType,
    case
        when PricingModel in ('OnDemand', 'Reservation', 'SavingsPlan', 'Spot') then PricingModel
        when lower(replace(PricingModel, ' ', '')) = 'ondemand' then 'OnDemand'
        when lower(replace(PricingModel, ' ', '')) = 'reservation' then 'Reservation'
        when lower(replace(PricingModel, ' ', '')) = 'savingsplan' then 'SavingsPlan'
        when lower(replace(PricingModel, ' ', '')) = 'spot' then 'Spot'
        else trim(PricingModel)
    end as PricingModel,
    case
        when Frequency in ('UsageBased', 'Recurring', 'OneTime') then Frequency
        when lower(replace(replace(Frequency, ' ', ''), '-', '')) = 'usagebased' then 'UsageBased'
        when lower(replace(replace(Frequency, ' ', ''), '-', '')) = 'onetime' then 'OneTime'
        when lower(replace(replace(Frequency, ' ', ''), '-', '')) in ('recurring', 'monthly') then 'Recurring'
        else trim(Frequency)
    end as Frequency,
    BillingAccountId as BillingAccountId,
    BillingAccountName as BillingAccountName,
    BillingProfileId as BillingProfileId,
    BillingProfileName as BillingProfileName,
    InvoiceSectionId as InvoiceSectionId,
    InvoiceSectionName as InvoiceSectionName,
    InvoiceId as InvoiceId,
    PreviousInvoiceId as PreviousInvoiceId,
    AccountName as AccountName,
    AccountOwnerId as AccountOwnerId,
    CostCenter as CostCenter,
    nullif(lower(SubscriptionId), '00000000-0000-0000-0000-000000000000') as SubAccountId,
    SubscriptionName as SubAccountName,
    ResourceGroup as ResourceGroupName,
    lower(ResourceId) as ResourceId,
    coalesce(ResourceName, nullif(regexp_extract(ResourceId, '([^/]*)$', 1), '')) as ResourceName,
    coalesce(ResourceLocation, Location) as ResourceLocation,
    coalesce(ResourceLocationNormalized, Location) as ResourceLocationNormalized,
    AvailabilityZone as AvailabilityZone,
    ConsumedService as ConsumedService,
    ServiceFamily as ServiceFamily,
    MeterCategory as MeterCategory,
    MeterSubCategory as MeterSubCategory,
    lower(MeterId) as MeterId,
    MeterName as MeterName,
    MeterRegion as MeterRegion,
    UnitOfMeasure as UnitOfMeasure,
    ProductId as ProductId,
    ProductName as ProductName,
    PartNumber as PartNumber,
    OfferId as OfferId,
    PlanName as PlanName,
    PublisherType as PublisherType,
    PublisherName as PublisherName,
    PublisherId as PublisherId,
    Provider as Provider,
    lower(BenefitId) as BenefitId,
    BenefitName as BenefitName,
    lower(ReservationId) as ReservationId,
    ReservationName as ReservationName,
    ProductOrderId as ProductOrderId,
    ProductOrderName as ProductOrderName,
    case
        when Term in ('1', '12', '36', '60') then Term
        when upper(replace(Term, ' ', '')) in ('1YEAR', 'P1Y') then '12'
        when upper(replace(Term, ' ', '')) in ('3YEARS', 'P3Y') then '36'
        when upper(replace(Term, ' ', '')) in ('5YEARS', 'P5Y') then '60'
        when upper(replace(Term, ' ', '')) = 'P1M' then '1'
        else trim(Term)
    end as Term,
    IsAzureCreditEligible as IsAzureCreditEligible,
    CostAllocationRuleName as CostAllocationRuleName,
    CostInBillingCurrency as Cost,
    coalesce(nullif(upper(trim(BillingCurrencyCode)), ''), 'XXX') as BillingCurrency,
    Quantity as Quantity,
    EffectivePrice as EffectivePrice,
    UnitPrice as UnitPrice,
    PayGPrice as PayGPrice,
    upper(trim(PricingCurrency)) as PricingCurrency,
    ExchangeRatePricingToBilling as ExchangeRate,
    ExchangeRateDate as ExchangeRateDate,
    CostInPricingCurrency as CostInPricingCurrency,
    CostInUsd as CostInUsd,
    PaygCostInBillingCurrency as PaygCostInBillingCurrency,
    PaygCostInUsd as PaygCostInUsd,
    PartnerTenantId as PartnerTenantId,
    PartnerName as PartnerName,
    PartnerEarnedCreditRate as PartnerEarnedCreditRate,
    PartnerEarnedCreditApplied as PartnerEarnedCreditApplied,
    CustomerTenantId as CustomerTenantId,
    CustomerName as CustomerName,
    ResellerName as ResellerName,
    ResellerMpnId as ResellerMpnId,
    ServiceInfo1 as ServiceInfo1,
    ServiceInfo2 as ServiceInfo2,
    AdditionalInfo as AdditionalInfo,
    Tags as Tags,
    _tags_raw as TagsRaw
from lines
