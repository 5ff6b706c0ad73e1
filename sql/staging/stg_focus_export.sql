-- stg_focus_export is a line of a FocusCost export file, in the columns of FOCUS 1.2 and Microsoft's x_ columns.
--
-- Nothing is repaired here: what Azure leaves empty or 0 is empty or 0. Older versions are read under the newer names: of 1.0-preview
-- UsageQuantity is ConsumedQuantity, Region is RegionName, x_OnDemandCost is ContractedCost, and ChargeSubcategory tells ChargeClass and
-- CommitmentDiscountStatus; of 1.0 x_InvoiceId is InvoiceId, x_PricingCurrency is PricingCurrency and x_SkuMeterName is SkuMeter.
-- BillingPeriodStart is the month of the export; what the row says is ServedPeriodStart.
--
-- reads:  raw_focus_export
-- grain:  Account, Source, Scope, BillingPeriodStart, Dataset, Page, Row
-- period: BillingPeriodStart
-- order:  insertion
--
-- input _file                               varchar
-- input BillingPeriodStart                  timestamp
-- input BillingPeriodEnd                    timestamp
-- input ChargePeriodStart                   timestamp
-- input ChargePeriodEnd                     timestamp
-- input BillingAccountId                    varchar
-- input BillingAccountName                  varchar
-- input BillingAccountType                  varchar
-- input BillingCurrency                     varchar
-- input InvoiceId                           varchar
-- input x_InvoiceId                         varchar
-- input InvoiceIssuerName                   varchar
-- input ProviderName                        varchar
-- input PublisherName                       varchar
-- input SubAccountId                        varchar
-- input SubAccountName                      varchar
-- input SubAccountType                      varchar
-- input ChargeCategory                      varchar
-- input ChargeClass                         varchar
-- input ChargeSubcategory                   varchar
-- input ChargeDescription                   varchar
-- input ChargeFrequency                     varchar
-- input PricingCategory                     varchar
-- input PricingCurrency                     varchar
-- input x_PricingCurrency                   varchar
-- input BilledCost                          decimal(38, 18)
-- input EffectiveCost                       decimal(38, 18)
-- input ContractedCost                      decimal(38, 18)
-- input x_OnDemandCost                      decimal(38, 18)
-- input ListCost                            decimal(38, 18)
-- input ContractedUnitPrice                 decimal(38, 18)
-- input x_OnDemandUnitPrice                 decimal(38, 18)
-- input ListUnitPrice                       decimal(38, 18)
-- input PricingCurrencyContractedUnitPrice  decimal(38, 18)
-- input PricingCurrencyListUnitPrice        decimal(38, 18)
-- input PricingCurrencyEffectiveCost        decimal(38, 18)
-- input PricingQuantity                     decimal(38, 18)
-- input PricingUnit                         varchar
-- input ConsumedQuantity                    decimal(38, 18)
-- input UsageQuantity                       decimal(38, 18)
-- input ConsumedUnit                        varchar
-- input UsageUnit                           varchar
-- input CommitmentDiscountId                varchar
-- input CommitmentDiscountName              varchar
-- input CommitmentDiscountCategory          varchar
-- input CommitmentDiscountType              varchar
-- input CommitmentDiscountStatus            varchar
-- input CommitmentDiscountQuantity          decimal(38, 18)
-- input CommitmentDiscountUnit              varchar
-- input CapacityReservationId               varchar
-- input CapacityReservationStatus           varchar
-- input ServiceName                         varchar
-- input ServiceCategory                     varchar
-- input ServiceSubcategory                  varchar
-- input SkuId                               varchar
-- input SkuMeter                            varchar
-- input x_SkuMeterName                      varchar
-- input SkuPriceId                          varchar
-- input SkuPriceDetails                     varchar
-- input ResourceId                          varchar
-- input ResourceName                        varchar
-- input ResourceType                        varchar
-- input RegionId                            varchar
-- input RegionName                          varchar
-- input Region                              varchar
-- input AvailabilityZone                    varchar
-- input Tags                                varchar
-- input x_AccountId                         varchar
-- input x_AccountName                       varchar
-- input x_AccountOwnerId                    varchar
-- input x_AmortizationClass                 varchar
-- input x_BilledCostInUsd                   decimal(38, 18)
-- input x_BilledUnitPrice                   decimal(38, 18)
-- input x_BillingAccountId                  varchar
-- input x_BillingAccountName                varchar
-- input x_BillingExchangeRate               decimal(38, 18)
-- input x_BillingExchangeRateDate           timestamp
-- input x_BillingProfileId                  varchar
-- input x_BillingProfileName                varchar
-- input x_ChargeId                          varchar
-- input x_ContractedCostInUsd               decimal(38, 18)
-- input x_OnDemandCostInUsd                 decimal(38, 18)
-- input x_CostAllocationRuleName            varchar
-- input x_CostCenter                        varchar
-- input x_CustomerId                        varchar
-- input x_CustomerName                      varchar
-- input x_EffectiveCostInUsd                decimal(38, 18)
-- input x_EffectiveUnitPrice                decimal(38, 18)
-- input x_InvoiceIssuerId                   varchar
-- input x_InvoiceSectionId                  varchar
-- input x_InvoiceSectionName                varchar
-- input x_ListCostInUsd                     decimal(38, 18)
-- input x_PartnerCreditApplied              varchar
-- input x_PartnerCreditRate                 decimal(38, 18)
-- input x_PricingBlockSize                  decimal(38, 18)
-- input x_PricingSubcategory                varchar
-- input x_PricingUnitDescription            varchar
-- input x_PublisherCategory                 varchar
-- input x_PublisherId                       varchar
-- input x_ResellerId                        varchar
-- input x_ResellerName                      varchar
-- input x_ResourceGroupName                 varchar
-- input x_ResourceType                      varchar
-- input x_ServiceModel                      varchar
-- input x_ServicePeriodEnd                  timestamp
-- input x_ServicePeriodStart                timestamp
-- input x_SkuDescription                    varchar
-- input x_SkuDetails                        varchar
-- input x_SkuIsCreditEligible               boolean
-- input x_SkuMeterCategory                  varchar
-- input x_SkuMeterId                        varchar
-- input x_SkuMeterSubcategory               varchar
-- input x_SkuOfferId                        varchar
-- input x_SkuOrderId                        varchar
-- input x_SkuOrderName                      varchar
-- input x_SkuPartNumber                     varchar
-- input x_SkuPlanName                       varchar
-- input x_SkuRegion                         varchar
-- input x_SkuServiceFamily                  varchar
-- input x_SkuTerm                           varchar
-- input x_SkuTier                           varchar
-- input _tags_raw                           varchar
--
-- column Account                             varchar          the account's name in the configuration
-- column Source                              varchar          focus_export
-- column Scope                               varchar          the scope that is exported
-- column BillingPeriodStart                  date             first day of the month the billing period starts in
-- column Dataset                             varchar          focus
-- column Page                                bigint           file of the export the row came on
-- column Row                                 bigint           row in that file
-- column File                                varchar          name of the export file
-- column ServedPeriodStart                   timestamp        BillingPeriodStart of the row: UTC, first moment of the billing period
-- column BillingPeriodEnd                    timestamp        UTC, exclusive
-- column ChargePeriodStart                   timestamp        UTC, first moment of the charge
-- column ChargePeriodEnd                     timestamp        UTC, exclusive
-- column BillingAccountId                    varchar          ea: enrollment; mca: billing profile, the one invoiced
-- column BillingAccountName                  varchar
-- column BillingAccountType                  varchar          Billing Account or Billing Profile
-- column BillingCurrency                     varchar          ISO 4217; XXX where the record has none
-- column InvoiceId                           varchar          mca: null until invoiced; ea: never
-- column InvoiceIssuerName                   varchar          Microsoft, or the partner
-- column ProviderName                        varchar          Microsoft
-- column PublisherName                       varchar          null for what a commitment covers
-- column SubAccountId                        varchar          subscription, as a GUID or as /subscriptions/<GUID>
-- column SubAccountName                      varchar
-- column SubAccountType                      varchar          Subscription
-- column ChargeCategory                      varchar          Usage, Purchase, Credit, Tax or Adjustment
-- column ChargeClass                         varchar          Correction or null
-- column ChargeDescription                   varchar
-- column ChargeFrequency                     varchar          One-Time, Recurring, Usage-Based or Other
-- column PricingCategory                     varchar          Standard, Dynamic, Committed or null
-- column PricingCurrency                     varchar          ISO 4217
-- column BilledCost                          decimal(38, 18)  BillingCurrency, what the invoice bills
-- column EffectiveCost                       decimal(38, 18)  BillingCurrency, amortised
-- column ContractedCost                      decimal(38, 18)  BillingCurrency, at the negotiated price; 0 for much of Marketplace and of what reservations cover
-- column ListCost                            decimal(38, 18)  BillingCurrency, at the list price; 0 for Marketplace and for what reservations cover
-- column ContractedUnitPrice                 decimal(38, 18)  BillingCurrency per PricingUnit
-- column ListUnitPrice                       decimal(38, 18)  BillingCurrency per PricingUnit
-- column PricingCurrencyContractedUnitPrice  decimal(38, 18)  PricingCurrency per PricingUnit
-- column PricingCurrencyListUnitPrice        decimal(38, 18)  PricingCurrency per PricingUnit
-- column PricingCurrencyEffectiveCost        decimal(38, 18)  PricingCurrency
-- column PricingQuantity                     decimal(38, 18)  PricingUnit
-- column PricingUnit                         varchar
-- column ConsumedQuantity                    decimal(38, 18)  ConsumedUnit
-- column ConsumedUnit                        varchar
-- column CommitmentDiscountId                varchar          ARM id of the reservation or savings plan, in any case
-- column CommitmentDiscountName              varchar
-- column CommitmentDiscountCategory          varchar          Usage or Spend
-- column CommitmentDiscountType              varchar          Reservation or Savings Plan
-- column CommitmentDiscountStatus            varchar          Used, Unused or null
-- column CommitmentDiscountQuantity          decimal(38, 18)  CommitmentDiscountUnit; declared, and mostly empty
-- column CommitmentDiscountUnit              varchar          declared, and mostly empty
-- column CapacityReservationId               varchar          declared, and mostly empty
-- column CapacityReservationStatus           varchar          declared, and mostly empty
-- column ServiceName                         varchar          Microsoft's name of the service; empty for some purchases
-- column ServiceCategory                     varchar          one of FOCUS's
-- column ServiceSubcategory                  varchar          one of FOCUS's; from 1.2
-- column SkuId                               varchar          null without a price
-- column SkuMeter                            varchar          name of the meter
-- column SkuPriceId                          varchar          null without a price; not unique to one
-- column SkuPriceDetails                     varchar          declared, and mostly empty
-- column ResourceId                          varchar          ARM id in lower case
-- column ResourceName                        varchar          in any case
-- column ResourceType                        varchar          such as Virtual machine
-- column RegionId                            varchar          such as eastus2; null in 1.0-preview
-- column RegionName                          varchar          such as East US 2
-- column AvailabilityZone                    varchar          1.0-preview only
-- column Tags                                varchar          JSON object text; null without tags, or when they could not be read
-- column TagsRaw                             varchar          the tags as served, only when they could not be read
-- column ChargeSubcategory                   varchar          1.0-preview only
-- column x_AccountId                         varchar          ea: enrollment account
-- column x_AccountName                       varchar
-- column x_AccountOwnerId                    varchar
-- column x_AmortizationClass                 varchar          Principal, Amortized Charge or null; from 1.2
-- column x_BilledCostInUsd                   decimal(38, 18)  USD
-- column x_BilledUnitPrice                   decimal(38, 18)  PricingCurrency per PricingUnit
-- column x_BillingAccountId                  varchar          ea: enrollment; mca: billing account
-- column x_BillingAccountName                varchar
-- column x_BillingExchangeRate               decimal(38, 18)  BillingCurrency per PricingCurrency
-- column x_BillingExchangeRateDate           timestamp        UTC, the day of that rate
-- column x_BillingProfileId                  varchar
-- column x_BillingProfileName                varchar
-- column x_ChargeId                          varchar          1.0-preview only
-- column x_ContractedCostInUsd               decimal(38, 18)  USD
-- column x_CostAllocationRuleName            varchar
-- column x_CostCenter                        varchar
-- column x_CustomerId                        varchar          partner agreements
-- column x_CustomerName                      varchar          partner agreements
-- column x_EffectiveCostInUsd                decimal(38, 18)  USD
-- column x_EffectiveUnitPrice                decimal(38, 18)  PricingCurrency per PricingUnit
-- column x_InvoiceIssuerId                   varchar          the partner's tenant
-- column x_InvoiceSectionId                  varchar          mca: invoice section; ea: department
-- column x_InvoiceSectionName                varchar
-- column x_ListCostInUsd                     decimal(38, 18)  USD
-- column x_PartnerCreditApplied              varchar          as served: 0, 1, true or false
-- column x_PartnerCreditRate                 decimal(38, 18)  share
-- column x_PricingBlockSize                  decimal(38, 18)  single units in what a price buys: 10000 for 10K
-- column x_PricingSubcategory                varchar          such as Committed Usage
-- column x_PricingUnitDescription            varchar          unit of measure, such as 10K
-- column x_PublisherCategory                 varchar          Vendor or Cloud Provider
-- column x_PublisherId                       varchar
-- column x_ResellerId                        varchar
-- column x_ResellerName                      varchar
-- column x_ResourceGroupName                 varchar
-- column x_ResourceType                      varchar          such as microsoft.compute/virtualmachines
-- column x_ServiceModel                      varchar          IaaS, PaaS or SaaS; from 1.2
-- column x_ServicePeriodEnd                  timestamp        UTC
-- column x_ServicePeriodStart                timestamp        UTC
-- column x_SkuDescription                    varchar
-- column x_SkuDetails                        varchar          JSON object text, additional info of the record
-- column x_SkuIsCreditEligible               boolean          false: billed outside the prepayment
-- column x_SkuMeterCategory                  varchar
-- column x_SkuMeterId                        varchar          GUID in any case
-- column x_SkuMeterSubcategory               varchar
-- column x_SkuOfferId                        varchar
-- column x_SkuOrderId                        varchar
-- column x_SkuOrderName                      varchar
-- column x_SkuPartNumber                     varchar          ea: joins the price sheet
-- column x_SkuPlanName                       varchar
-- column x_SkuRegion                         varchar          the meter's region
-- column x_SkuServiceFamily                  varchar
-- column x_SkuTerm                           varchar          months of the commitment, now and then 1Year
-- column x_SkuTier                           varchar          units from which the price holds
--
-- total: (select count(*) from stg_focus_export) = (select count(*) from raw_focus_export)
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost) from stg_focus_export group by BillingCurrency
--        except select coalesce(nullif(upper(trim(BillingCurrency)), ''), 'XXX'), sum(BilledCost), sum(EffectiveCost)
--        from raw_focus_export group by coalesce(nullif(upper(trim(BillingCurrency)), ''), 'XXX'))
select
    _account as Account,
    'focus_export' as Source,
    _scope as Scope,
    cast(_period || '-01' as date) as BillingPeriodStart,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    _file as File,
    BillingPeriodStart as ServedPeriodStart,
    BillingPeriodEnd as BillingPeriodEnd,
    ChargePeriodStart as ChargePeriodStart,
    ChargePeriodEnd as ChargePeriodEnd,
    BillingAccountId as BillingAccountId,
    BillingAccountName as BillingAccountName,
    BillingAccountType as BillingAccountType,
    coalesce(nullif(upper(trim(BillingCurrency)), ''), 'XXX') as BillingCurrency,
    coalesce(InvoiceId, x_InvoiceId) as InvoiceId,
    InvoiceIssuerName as InvoiceIssuerName,
    ProviderName as ProviderName,
    PublisherName as PublisherName,
    SubAccountId as SubAccountId,
    SubAccountName as SubAccountName,
    SubAccountType as SubAccountType,
    ChargeCategory as ChargeCategory,
    coalesce(ChargeClass, case when ChargeSubcategory = 'Refund' then 'Correction' end) as ChargeClass,
    ChargeDescription as ChargeDescription,
    ChargeFrequency as ChargeFrequency,
    PricingCategory as PricingCategory,
    upper(trim(coalesce(PricingCurrency, x_PricingCurrency))) as PricingCurrency,
    BilledCost as BilledCost,
    EffectiveCost as EffectiveCost,
    coalesce(ContractedCost, x_OnDemandCost) as ContractedCost,
    ListCost as ListCost,
    coalesce(ContractedUnitPrice, x_OnDemandUnitPrice) as ContractedUnitPrice,
    ListUnitPrice as ListUnitPrice,
    PricingCurrencyContractedUnitPrice as PricingCurrencyContractedUnitPrice,
    PricingCurrencyListUnitPrice as PricingCurrencyListUnitPrice,
    PricingCurrencyEffectiveCost as PricingCurrencyEffectiveCost,
    PricingQuantity as PricingQuantity,
    PricingUnit as PricingUnit,
    coalesce(ConsumedQuantity, UsageQuantity) as ConsumedQuantity,
    coalesce(ConsumedUnit, UsageUnit) as ConsumedUnit,
    CommitmentDiscountId as CommitmentDiscountId,
    CommitmentDiscountName as CommitmentDiscountName,
    CommitmentDiscountCategory as CommitmentDiscountCategory,
    CommitmentDiscountType as CommitmentDiscountType,
    coalesce(
        CommitmentDiscountStatus,
        case ChargeSubcategory when 'Used Commitment' then 'Used' when 'Unused Commitment' then 'Unused' end
    ) as CommitmentDiscountStatus,
    CommitmentDiscountQuantity as CommitmentDiscountQuantity,
    CommitmentDiscountUnit as CommitmentDiscountUnit,
    CapacityReservationId as CapacityReservationId,
    CapacityReservationStatus as CapacityReservationStatus,
    ServiceName as ServiceName,
    ServiceCategory as ServiceCategory,
    ServiceSubcategory as ServiceSubcategory,
    SkuId as SkuId,
    coalesce(SkuMeter, x_SkuMeterName) as SkuMeter,
    SkuPriceId as SkuPriceId,
    SkuPriceDetails as SkuPriceDetails,
    ResourceId as ResourceId,
    ResourceName as ResourceName,
    ResourceType as ResourceType,
    RegionId as RegionId,
    coalesce(RegionName, Region) as RegionName,
    AvailabilityZone as AvailabilityZone,
    Tags as Tags,
    _tags_raw as TagsRaw,
    ChargeSubcategory as ChargeSubcategory,
    x_AccountId as x_AccountId,
    x_AccountName as x_AccountName,
    x_AccountOwnerId as x_AccountOwnerId,
    x_AmortizationClass as x_AmortizationClass,
    x_BilledCostInUsd as x_BilledCostInUsd,
    x_BilledUnitPrice as x_BilledUnitPrice,
    x_BillingAccountId as x_BillingAccountId,
    x_BillingAccountName as x_BillingAccountName,
    x_BillingExchangeRate as x_BillingExchangeRate,
    x_BillingExchangeRateDate as x_BillingExchangeRateDate,
    x_BillingProfileId as x_BillingProfileId,
    x_BillingProfileName as x_BillingProfileName,
    x_ChargeId as x_ChargeId,
    coalesce(x_ContractedCostInUsd, x_OnDemandCostInUsd) as x_ContractedCostInUsd,
    x_CostAllocationRuleName as x_CostAllocationRuleName,
    x_CostCenter as x_CostCenter,
    x_CustomerId as x_CustomerId,
    x_CustomerName as x_CustomerName,
    x_EffectiveCostInUsd as x_EffectiveCostInUsd,
    x_EffectiveUnitPrice as x_EffectiveUnitPrice,
    x_InvoiceIssuerId as x_InvoiceIssuerId,
    x_InvoiceSectionId as x_InvoiceSectionId,
    x_InvoiceSectionName as x_InvoiceSectionName,
    x_ListCostInUsd as x_ListCostInUsd,
    x_PartnerCreditApplied as x_PartnerCreditApplied,
    x_PartnerCreditRate as x_PartnerCreditRate,
    x_PricingBlockSize as x_PricingBlockSize,
    x_PricingSubcategory as x_PricingSubcategory,
    x_PricingUnitDescription as x_PricingUnitDescription,
    x_PublisherCategory as x_PublisherCategory,
    x_PublisherId as x_PublisherId,
    x_ResellerId as x_ResellerId,
    x_ResellerName as x_ResellerName,
    x_ResourceGroupName as x_ResourceGroupName,
    x_ResourceType as x_ResourceType,
    x_ServiceModel as x_ServiceModel,
    x_ServicePeriodEnd as x_ServicePeriodEnd,
    x_ServicePeriodStart as x_ServicePeriodStart,
    x_SkuDescription as x_SkuDescription,
    x_SkuDetails as x_SkuDetails,
    x_SkuIsCreditEligible as x_SkuIsCreditEligible,
    x_SkuMeterCategory as x_SkuMeterCategory,
    x_SkuMeterId as x_SkuMeterId,
    x_SkuMeterSubcategory as x_SkuMeterSubcategory,
    x_SkuOfferId as x_SkuOfferId,
    x_SkuOrderId as x_SkuOrderId,
    x_SkuOrderName as x_SkuOrderName,
    x_SkuPartNumber as x_SkuPartNumber,
    x_SkuPlanName as x_SkuPlanName,
    x_SkuRegion as x_SkuRegion,
    x_SkuServiceFamily as x_SkuServiceFamily,
    x_SkuTerm as x_SkuTerm,
    x_SkuTier as x_SkuTier
from raw_focus_export
