-- stg_usage_details is a record of the usage details API.
--
-- Its columns are those of stg_cost_file, name by name and type by type, so that both can be read as one. Nothing is joined
-- and nothing is left out. Three shapes come in: legacy (EA, pay-as-you-go), modern (MCA), and the one of 2017 and 2018 with
-- usageStart, usageQuantity, pretaxCost and no kind, charge type or price. The API repeats ids: no two rows are the same
-- because their ids are.
--
-- instanceName is the ARM id in the modern shape and the bare name in the oldest one. invoiceSection (legacy) and departmentName
-- (oldest) are the department, which is what an invoice section is to an enrollment.
--
-- reads:  raw_usage_details
-- grain:  Account, Source, Scope, BillingPeriodStart, Dataset, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- input kind                           varchar
-- input costInBillingCurrency          decimal(38, 18)
-- input accountOwnerId                 varchar
-- input accountName                    varchar
-- input invoiceSection                 varchar
-- input departmentName                 varchar
-- input date                           date
-- input usageStart                     timestamp
-- input billingPeriodStartDate         date
-- input billingPeriodEndDate           date
-- input servicePeriodStartDate         date
-- input servicePeriodEndDate           date
-- input chargeType                     varchar
-- input pricingModel                   varchar
-- input frequency                      varchar
-- input billingAccountId               varchar
-- input billingAccountName             varchar
-- input billingProfileId               varchar
-- input billingProfileName             varchar
-- input invoiceSectionId               varchar
-- input invoiceSectionName             varchar
-- input invoiceId                      varchar
-- input previousInvoiceId              varchar
-- input costCenter                     varchar
-- input subscriptionId                 varchar
-- input subscriptionGuid               varchar
-- input subscriptionName               varchar
-- input resourceGroup                  varchar
-- input resourceId                     varchar
-- input instanceId                     varchar
-- input instanceName                   varchar
-- input resourceName                   varchar
-- input resourceLocation               varchar
-- input instanceLocation               varchar
-- input resourceLocationNormalized     varchar
-- input consumedService                varchar
-- input serviceFamily                  varchar
-- input meterDetails_serviceFamily     varchar
-- input meterCategory                  varchar
-- input meterDetails_meterCategory     varchar
-- input meterSubCategory               varchar
-- input meterDetails_meterSubCategory  varchar
-- input meterId                        varchar
-- input meterName                      varchar
-- input meterDetails_meterName         varchar
-- input meterRegion                    varchar
-- input meterDetails_meterLocation     varchar
-- input unitOfMeasure                  varchar
-- input meterDetails_unitOfMeasure     varchar
-- input meterDetails_unit              varchar
-- input productIdentifier              varchar
-- input product                        varchar
-- input partNumber                     varchar
-- input offerId                        varchar
-- input planName                       varchar
-- input publisherType                  varchar
-- input publisherName                  varchar
-- input publisherId                    varchar
-- input provider                       varchar
-- input benefitId                      varchar
-- input benefitName                    varchar
-- input reservationId                  varchar
-- input reservationName                varchar
-- input productOrderId                 varchar
-- input productOrderName               varchar
-- input term                           varchar
-- input isAzureCreditEligible          boolean
-- input costAllocationRuleName         varchar
-- input cost                           decimal(38, 18)
-- input pretaxCost                     decimal(38, 18)
-- input billingCurrency                varchar
-- input billingCurrencyCode            varchar
-- input currency                       varchar
-- input quantity                       decimal(38, 18)
-- input usageQuantity                  decimal(38, 18)
-- input effectivePrice                 decimal(38, 18)
-- input unitPrice                      decimal(38, 18)
-- input payGPrice                      decimal(38, 18)
-- input marketPrice                    decimal(38, 18)
-- input pricingCurrencyCode            varchar
-- input exchangeRatePricingToBilling   decimal(38, 18)
-- input exchangeRate                   decimal(38, 18)
-- input exchangeRateDate               date
-- input costInPricingCurrency          decimal(38, 18)
-- input costInUSD                      decimal(38, 18)
-- input paygCostInBillingCurrency      decimal(38, 18)
-- input paygCostInUSD                  decimal(38, 18)
-- input partnerTenantId                varchar
-- input partnerName                    varchar
-- input partnerEarnedCreditRate        decimal(38, 18)
-- input partnerEarnedCreditApplied     varchar
-- input customerTenantId               varchar
-- input customerName                   varchar
-- input resellerName                   varchar
-- input resellerMpnId                  varchar
-- input serviceInfo1                   varchar
-- input serviceInfo2                   varchar
-- input additionalInfo                 varchar
-- input tags                           varchar
-- input _tags_raw                      varchar
--
-- column Account                     varchar          the account's name in the configuration
-- column Source                      varchar          cost_export or usage_details
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
-- total: (select count(*) from stg_usage_details) = (select count(*) from raw_usage_details)
-- total: not exists (select BillingCurrency, sum(Cost) from stg_usage_details group by BillingCurrency
--        except select coalesce(nullif(upper(trim(coalesce(billingCurrency, billingCurrencyCode, currency))), ''), 'XXX'), sum(coalesce(cost, costInBillingCurrency, pretaxCost))
--        from raw_usage_details group by coalesce(nullif(upper(trim(coalesce(billingCurrency, billingCurrencyCode, currency))), ''), 'XXX'))
select
    _account as Account,
    'usage_details' as Source,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    cast(null as varchar) as File,
    case
        when kind = 'modern' or costInBillingCurrency is not null then 'mca'
        when lower(_scope) like '%/billingaccounts/%' then 'ea'
        when coalesce(accountOwnerId, accountName, invoiceSection, departmentName) is not null then 'ea'
        else 'mosp'
    end as Agreement,
    coalesce(date, cast(usageStart as date)) as ChargeDate,
    billingPeriodStartDate as ServedPeriodStart,
    billingPeriodEndDate as ServedPeriodEnd,
    servicePeriodStartDate as ServicePeriodStart,
    servicePeriodEndDate as ServicePeriodEnd,
    case
        when chargeType in ('Usage', 'Purchase', 'Refund', 'UnusedReservation', 'UnusedSavingsPlan', 'RoundingAdjustment') then chargeType
        when chargeType is null then 'Usage'
        when lower(replace(chargeType, ' ', '')) = 'unusedbenefit' then 'UnusedSavingsPlan'
        when lower(replace(chargeType, ' ', '')) = 'usage' then 'Usage'
        when lower(replace(chargeType, ' ', '')) = 'purchase' then 'Purchase'
        when lower(replace(chargeType, ' ', '')) = 'refund' then 'Refund'
        when lower(replace(chargeType, ' ', '')) = 'unusedreservation' then 'UnusedReservation'
        when lower(replace(chargeType, ' ', '')) = 'unusedsavingsplan' then 'UnusedSavingsPlan'
        when lower(replace(chargeType, ' ', '')) = 'roundingadjustment' then 'RoundingAdjustment'
        when lower(replace(chargeType, ' ', '')) = 'tax' then 'Tax'
        when lower(replace(chargeType, ' ', '')) = 'credit' then 'Credit'
        else trim(chargeType)
    end as ChargeType,
    case
        when pricingModel in ('OnDemand', 'Reservation', 'SavingsPlan', 'Spot') then pricingModel
        when lower(replace(pricingModel, ' ', '')) = 'ondemand' then 'OnDemand'
        when lower(replace(pricingModel, ' ', '')) = 'reservation' then 'Reservation'
        when lower(replace(pricingModel, ' ', '')) = 'savingsplan' then 'SavingsPlan'
        when lower(replace(pricingModel, ' ', '')) = 'spot' then 'Spot'
        else trim(pricingModel)
    end as PricingModel,
    case
        when frequency in ('UsageBased', 'Recurring', 'OneTime') then frequency
        when lower(replace(replace(frequency, ' ', ''), '-', '')) = 'usagebased' then 'UsageBased'
        when lower(replace(replace(frequency, ' ', ''), '-', '')) = 'onetime' then 'OneTime'
        when lower(replace(replace(frequency, ' ', ''), '-', '')) in ('recurring', 'monthly') then 'Recurring'
        else trim(frequency)
    end as Frequency,
    billingAccountId as BillingAccountId,
    billingAccountName as BillingAccountName,
    billingProfileId as BillingProfileId,
    billingProfileName as BillingProfileName,
    invoiceSectionId as InvoiceSectionId,
    coalesce(invoiceSectionName, invoiceSection, departmentName) as InvoiceSectionName,
    invoiceId as InvoiceId,
    previousInvoiceId as PreviousInvoiceId,
    accountName as AccountName,
    accountOwnerId as AccountOwnerId,
    costCenter as CostCenter,
    nullif(lower(coalesce(subscriptionId, subscriptionGuid)), '00000000-0000-0000-0000-000000000000') as SubAccountId,
    subscriptionName as SubAccountName,
    resourceGroup as ResourceGroupName,
    lower(coalesce(resourceId, instanceId, case when instanceName like '/%' then instanceName end)) as ResourceId,
    coalesce(resourceName, nullif(regexp_extract(instanceName, '([^/]*)$', 1), ''), nullif(regexp_extract(resourceId, '([^/]*)$', 1), '')) as ResourceName,
    coalesce(resourceLocation, instanceLocation) as ResourceLocation,
    resourceLocationNormalized as ResourceLocationNormalized,
    cast(null as varchar) as AvailabilityZone,
    consumedService as ConsumedService,
    coalesce(serviceFamily, meterDetails_serviceFamily) as ServiceFamily,
    coalesce(meterCategory, meterDetails_meterCategory) as MeterCategory,
    coalesce(meterSubCategory, meterDetails_meterSubCategory) as MeterSubCategory,
    lower(meterId) as MeterId,
    coalesce(meterName, meterDetails_meterName) as MeterName,
    coalesce(meterRegion, meterDetails_meterLocation) as MeterRegion,
    coalesce(unitOfMeasure, meterDetails_unitOfMeasure, meterDetails_unit) as UnitOfMeasure,
    productIdentifier as ProductId,
    product as ProductName,
    partNumber as PartNumber,
    offerId as OfferId,
    planName as PlanName,
    publisherType as PublisherType,
    publisherName as PublisherName,
    publisherId as PublisherId,
    provider as Provider,
    lower(benefitId) as BenefitId,
    benefitName as BenefitName,
    lower(reservationId) as ReservationId,
    reservationName as ReservationName,
    productOrderId as ProductOrderId,
    productOrderName as ProductOrderName,
    case
        when term in ('1', '12', '36', '60') then term
        when upper(replace(term, ' ', '')) in ('1YEAR', 'P1Y') then '12'
        when upper(replace(term, ' ', '')) in ('3YEARS', 'P3Y') then '36'
        when upper(replace(term, ' ', '')) in ('5YEARS', 'P5Y') then '60'
        when upper(replace(term, ' ', '')) = 'P1M' then '1'
        else trim(term)
    end as Term,
    isAzureCreditEligible as IsAzureCreditEligible,
    costAllocationRuleName as CostAllocationRuleName,
    coalesce(cost, costInBillingCurrency, pretaxCost) as Cost,
    coalesce(nullif(upper(trim(coalesce(billingCurrency, billingCurrencyCode, currency))), ''), 'XXX') as BillingCurrency,
    coalesce(quantity, usageQuantity) as Quantity,
    effectivePrice as EffectivePrice,
    unitPrice as UnitPrice,
    coalesce(payGPrice, marketPrice) as PayGPrice,
    upper(trim(pricingCurrencyCode)) as PricingCurrency,
    coalesce(exchangeRatePricingToBilling, exchangeRate) as ExchangeRate,
    exchangeRateDate as ExchangeRateDate,
    costInPricingCurrency as CostInPricingCurrency,
    costInUSD as CostInUsd,
    paygCostInBillingCurrency as PaygCostInBillingCurrency,
    paygCostInUSD as PaygCostInUsd,
    partnerTenantId as PartnerTenantId,
    partnerName as PartnerName,
    partnerEarnedCreditRate as PartnerEarnedCreditRate,
    partnerEarnedCreditApplied as PartnerEarnedCreditApplied,
    customerTenantId as CustomerTenantId,
    customerName as CustomerName,
    resellerName as ResellerName,
    resellerMpnId as ResellerMpnId,
    serviceInfo1 as ServiceInfo1,
    serviceInfo2 as ServiceInfo2,
    additionalInfo as AdditionalInfo,
    tags as Tags,
    _tags_raw as TagsRaw
from raw_usage_details
