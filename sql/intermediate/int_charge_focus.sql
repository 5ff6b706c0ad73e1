-- int_charge_focus is a charge of a FOCUS export that counts, in the columns of cost_and_usage, with what Azure leaves out put right.
--
-- BilledCost and EffectiveCost are as served. What is repaired are the gaps that Microsoft's own conformance report names, in the order
-- in which its toolkit fills them, and so that the same charge looks alike whether it came in a FOCUS export or in cost files:
--
-- A negotiated price of 0 (EA Marketplace, usage that a commitment covers) is taken from the price sheet of the month, else what was
-- billed for a unit, else what was paid. A list price of 0 is that of the account's on-demand usage of the meter, part and unit, when
-- there is just one, else the price sheet's, else the negotiated price. Costs at those prices are calculated only where they were 0.
-- What of a commitment nobody used has no on-demand price: its list price is the negotiated one, as it is for cost files.
--
-- Marketplace comes without a ServiceName where it is bought, commitments and rounding too. ServiceName is the meter category here, as
-- for cost files, then the publisher of Marketplace products, the subcategory, and only then the name that Microsoft has for the
-- service, because a trend must not break where a FOCUS export takes over from cost files.
--
-- PricingQuantity of a block such as 10K can be divided by the block once too often, because quantities of such rows count blocks
-- already. Each row is tried against its cost: x_QuantityScale says Divided block where the quantity was multiplied back.
--
-- The trial calculates with doubles. It is a comparison that tells numbers apart which differ by a factor of two and more; no
-- amount comes from it.
--
-- Ids are spelled as cost files spell them: the enrollment's number and the subscription's GUID without their paths, commitments in
-- lower case, so that months of different sources group and join. stg_focus_export has them as served.
--
-- The columns are those of cost_and_usage, name by name and type by type; what they mean is said there.
--
-- reads:  stg_focus_export, int_price, int_cost_source, int_region, int_service
-- grain:  x_Account, x_Source, x_Scope, BillingPeriodStart, x_Dataset, x_Page, x_Row
-- period: BillingPeriodStart
-- order:  insertion
-- from:   stg_focus_export where stg_focus_export.Account = int_charge_focus.x_Account and stg_focus_export.Source = int_charge_focus.x_Source
--         and stg_focus_export.Scope = int_charge_focus.x_Scope and stg_focus_export.Dataset = int_charge_focus.x_Dataset
--         and stg_focus_export.Page = int_charge_focus.x_Page and stg_focus_export.Row = int_charge_focus.x_Row
--
-- column BillingAccountId                    varchar
-- column BillingAccountName                  varchar
-- column BillingAccountType                  varchar
-- column BillingPeriodStart                  timestamp
-- column BillingPeriodEnd                    timestamp
-- column ChargePeriodStart                   timestamp
-- column ChargePeriodEnd                     timestamp
-- column InvoiceId                           varchar
-- column InvoiceIssuerName                   varchar
-- column ProviderName                        varchar
-- column PublisherName                       varchar
-- column SubAccountId                        varchar
-- column SubAccountName                      varchar
-- column SubAccountType                      varchar
-- column ChargeCategory                      varchar
-- column ChargeClass                         varchar
-- column ChargeDescription                   varchar
-- column ChargeFrequency                     varchar
-- column PricingCategory                     varchar
-- column BillingCurrency                     varchar
-- column PricingCurrency                     varchar
-- column BilledCost                          decimal(38, 18)
-- column EffectiveCost                       decimal(38, 18)
-- column ContractedCost                      decimal(38, 18)
-- column ListCost                            decimal(38, 18)
-- column ContractedUnitPrice                 decimal(38, 18)
-- column ListUnitPrice                       decimal(38, 18)
-- column PricingCurrencyContractedUnitPrice  decimal(38, 18)
-- column PricingCurrencyListUnitPrice        decimal(38, 18)
-- column PricingCurrencyEffectiveCost        decimal(38, 18)
-- column PricingQuantity                     decimal(38, 18)
-- column PricingUnit                         varchar
-- column ConsumedQuantity                    decimal(38, 18)
-- column ConsumedUnit                        varchar
-- column CommitmentDiscountId                varchar
-- column CommitmentDiscountName              varchar
-- column CommitmentDiscountCategory          varchar
-- column CommitmentDiscountType              varchar
-- column CommitmentDiscountStatus            varchar
-- column CommitmentDiscountQuantity          decimal(38, 18)
-- column CommitmentDiscountUnit              varchar
-- column CapacityReservationId               varchar
-- column CapacityReservationStatus           varchar
-- column ServiceName                         varchar
-- column ServiceCategory                     varchar
-- column ServiceSubcategory                  varchar
-- column SkuId                               varchar
-- column SkuMeter                            varchar
-- column SkuPriceId                          varchar
-- column SkuPriceDetails                     varchar
-- column ResourceId                          varchar
-- column ResourceName                        varchar
-- column ResourceType                        varchar
-- column RegionId                            varchar
-- column RegionName                          varchar
-- column AvailabilityZone                    varchar
-- column Tags                                varchar
-- column x_Account                           varchar
-- column x_Source                            varchar
-- column x_Scope                             varchar
-- column x_Dataset                           varchar
-- column x_Page                              bigint
-- column x_Row                               bigint
-- column x_File                              varchar
-- column x_Agreement                         varchar
-- column x_IsAmortized                       boolean
-- column x_ChargeType                        varchar
-- column x_PricingModel                      varchar
-- column x_Frequency                         varchar
-- column x_AccountName                       varchar
-- column x_AccountOwnerId                    varchar
-- column x_BillingAccountId                  varchar
-- column x_BillingAccountName                varchar
-- column x_BillingProfileId                  varchar
-- column x_InvoiceSectionId                  varchar
-- column x_InvoiceSectionName                varchar
-- column x_PreviousInvoiceId                 varchar
-- column x_CostCenter                        varchar
-- column x_CostAllocationRuleName            varchar
-- column x_CustomerId                        varchar
-- column x_CustomerName                      varchar
-- column x_InvoiceIssuerId                   varchar
-- column x_ResellerId                        varchar
-- column x_ResellerName                      varchar
-- column x_PartnerCreditApplied              boolean
-- column x_PartnerCreditRate                 decimal(38, 18)
-- column x_PublisherId                       varchar
-- column x_PublisherType                     varchar
-- column x_Provider                          varchar
-- column x_BilledCostInUsd                   decimal(38, 18)
-- column x_EffectiveCostInUsd                decimal(38, 18)
-- column x_ListCostInUsd                     decimal(38, 18)
-- column x_BillingExchangeRate               decimal(38, 18)
-- column x_BillingExchangeRateDate           date
-- column x_EffectiveUnitPrice                decimal(38, 18)
-- column x_ContractedPriceSource             varchar
-- column x_PricingUnitDescription            varchar
-- column x_PricingBlockSize                  decimal(38, 18)
-- column x_QuantityScale                     varchar
-- column x_ResourceGroupName                 varchar
-- column x_ResourceType                      varchar
-- column x_ConsumedService                   varchar
-- column x_ServicePeriodStart                date
-- column x_ServicePeriodEnd                  date
-- column x_ReservationId                     varchar
-- column x_SkuDetails                        varchar
-- column x_SkuIsCreditEligible               boolean
-- column x_SkuMeterCategory                  varchar
-- column x_SkuMeterId                        varchar
-- column x_SkuMeterSubcategory               varchar
-- column x_SkuOfferId                        varchar
-- column x_SkuOrderId                        varchar
-- column x_SkuOrderName                      varchar
-- column x_SkuPartNumber                     varchar
-- column x_SkuPlanName                       varchar
-- column x_SkuRegion                         varchar
-- column x_SkuServiceFamily                  varchar
-- column x_SkuTerm                           varchar
-- column x_TagsRaw                           varchar
--
-- total: (select count(*) from int_charge_focus) = (select count(*) from stg_focus_export as f
--        inner join int_cost_source as s on s.Account = f.Account and s.Source = f.Source and s.Scope = f.Scope
--            and s.BillingPeriodStart = f.BillingPeriodStart and s.Dataset = f.Dataset and s.IsUsed)
-- total: not exists (select BillingCurrency, sum(BilledCost), sum(EffectiveCost) from int_charge_focus group by BillingCurrency
--        except select f.BillingCurrency, coalesce(sum(f.BilledCost), 0), coalesce(sum(f.EffectiveCost), 0) from stg_focus_export as f
--        inner join int_cost_source as s on s.Account = f.Account and s.Source = f.Source and s.Scope = f.Scope
--            and s.BillingPeriodStart = f.BillingPeriodStart and s.Dataset = f.Dataset and s.IsUsed
--        group by f.BillingCurrency)
with
units as (
    select
        unit_texts.UnitOfMeasure as UnitOfMeasure,
        block_size(unit_texts.UnitOfMeasure) as BlockSize,
        unit_name(unit_texts.UnitOfMeasure) as Unit
    from (select distinct stg_focus_export.x_PricingUnitDescription as UnitOfMeasure from stg_focus_export) as unit_texts
    where unit_texts.UnitOfMeasure is not null
),
reservations as (
    -- The reservation of an order that has just one.
    select
        stg_focus_export.Account as Account,
        regexp_extract(lower(stg_focus_export.CommitmentDiscountId), '^(.*/reservations/)[^/]+$', 1) as OrderPath,
        min(lower(stg_focus_export.CommitmentDiscountId)) as CommitmentId
    from stg_focus_export
    where lower(stg_focus_export.CommitmentDiscountId) like '%/reservations/_%'
    group by 1, 2
    having min(lower(stg_focus_export.CommitmentDiscountId)) = max(lower(stg_focus_export.CommitmentDiscountId))
),
kept as (
    select
        stg_focus_export.*,
        int_cost_source.HasAmortized as HasAmortized,
        case when month_start(cast(stg_focus_export.ServedPeriodStart as date)) = stg_focus_export.BillingPeriodStart
            then cast(stg_focus_export.ServedPeriodStart as date) else stg_focus_export.BillingPeriodStart end as PeriodFirstDay,
        case when month_start(cast(stg_focus_export.ServedPeriodStart as date)) = stg_focus_export.BillingPeriodStart
                and stg_focus_export.BillingPeriodEnd > stg_focus_export.ServedPeriodStart
            then cast(stg_focus_export.BillingPeriodEnd as date) else month_add(stg_focus_export.BillingPeriodStart, 1) end as PeriodEndDay,
        coalesce(stg_focus_export.ChargePeriodStart, cast(stg_focus_export.BillingPeriodStart as timestamp)) as ChargeStart,
        regexp_extract(stg_focus_export.BillingAccountId, '([^/]*)$', 1) as BillingAccountKey,
        case
            when stg_focus_export.BillingAccountType = 'Billing Profile' then 'mca'
            when lower(stg_focus_export.BillingAccountId) like '%/billingprofiles/%' then 'mca'
            when stg_focus_export.BillingAccountType is null and stg_focus_export.BillingAccountId <> stg_focus_export.x_BillingAccountId then 'mca'
            else 'ea'
        end as Agreement,
        nullif(lower(regexp_extract(stg_focus_export.SubAccountId, '([^/]*)$', 1)), '') as SubAccountKey,
        case
            when stg_focus_export.ChargeCategory in ('Usage', 'Purchase', 'Credit', 'Tax') then stg_focus_export.ChargeCategory
            when stg_focus_export.ChargeCategory is null then 'Usage'
            else 'Adjustment'
        end as Category,
        -- The id of a purchase can end in "/reservations/", before an id that is not there.
        case when lower(stg_focus_export.CommitmentDiscountId) like '%/reservations/'
            then coalesce(reservations.CommitmentId, substr(lower(stg_focus_export.CommitmentDiscountId), 1, length(stg_focus_export.CommitmentDiscountId) - 14))
            else lower(stg_focus_export.CommitmentDiscountId) end as CommitmentId,
        stg_focus_export.CommitmentDiscountId is not null
            and (stg_focus_export.CommitmentDiscountCategory = 'Spend' or lower(stg_focus_export.CommitmentDiscountId) like '%/microsoft.billingbenefits/%') as IsSpend,
        lower(stg_focus_export.x_SkuMeterId) as MeterId,
        stg_focus_export.x_PublisherCategory = 'Vendor' as IsVendor,
        coalesce(stg_focus_export.PricingCurrency, stg_focus_export.BillingCurrency) as PriceCurrency,
        -- BillingCurrency for a unit of what prices are in
        case when stg_focus_export.PricingCurrency <> stg_focus_export.BillingCurrency and stg_focus_export.x_BillingExchangeRate > 0
            then stg_focus_export.x_BillingExchangeRate else cast(1 as decimal(38, 18)) end as Rate,
        coalesce(nullif(stg_focus_export.x_PricingBlockSize, 0), units.BlockSize, cast(1 as decimal(38, 18))) as BlockSize,
        coalesce(units.Unit, stg_focus_export.PricingUnit) as Unit,
        -- The toolkit's rule: prices that differ by less than rounding does are one, and the former is exact.
        case when stg_focus_export.x_BilledUnitPrice > 0
                and abs(stg_focus_export.x_BilledUnitPrice - stg_focus_export.x_EffectiveUnitPrice) < 0.0001
                and abs(stg_focus_export.x_BilledUnitPrice - stg_focus_export.x_EffectiveUnitPrice) < product(stg_focus_export.x_BilledUnitPrice, cast(0.001 as decimal(38, 18)))
            then stg_focus_export.x_BilledUnitPrice else stg_focus_export.x_EffectiveUnitPrice end as EffectivePrice,
        case
            when upper(stg_focus_export.x_SkuTerm) in ('1YEAR', '1 YEAR', 'P1Y') then '12'
            when upper(stg_focus_export.x_SkuTerm) in ('3YEARS', '3 YEARS', 'P3Y') then '36'
            when upper(stg_focus_export.x_SkuTerm) in ('5YEARS', '5 YEARS', 'P5Y') then '60'
            else nullif(regexp_extract(stg_focus_export.x_SkuTerm, '^(.*?)(\.0+)?$', 1), '')
        end as Term
    from stg_focus_export
    inner join int_cost_source
        on int_cost_source.Account = stg_focus_export.Account
        and int_cost_source.Source = stg_focus_export.Source
        and int_cost_source.Scope = stg_focus_export.Scope
        and int_cost_source.BillingPeriodStart = stg_focus_export.BillingPeriodStart
        and int_cost_source.Dataset = stg_focus_export.Dataset
    left join units
        on units.UnitOfMeasure = stg_focus_export.x_PricingUnitDescription
    left join reservations
        on reservations.Account = stg_focus_export.Account
        and reservations.OrderPath = lower(stg_focus_export.CommitmentDiscountId)
    where int_cost_source.IsUsed
),
typed as (
    select
        kept.*,
        case
            when kept.Category = 'Usage' and kept.CommitmentDiscountStatus = 'Unused' and kept.CommitmentId is not null
                then case when kept.IsSpend then 'UnusedSavingsPlan' else 'UnusedReservation' end
            when kept.Category = 'Purchase' and kept.ChargeClass = 'Correction' then 'Refund'
            when kept.Category = 'Adjustment' then 'RoundingAdjustment'
            else kept.Category
        end as ChargeType,
        case
            when kept.CommitmentId is not null then case when kept.IsSpend then 'SavingsPlan' else 'Reservation' end
            when kept.PricingCategory = 'Dynamic' then 'Spot'
            when kept.PricingCategory = 'Standard' then 'OnDemand'
            else kept.PricingCategory
        end as PricingModel,
        case replace(kept.ChargeFrequency, '-', '')
            when 'UsageBased' then 'UsageBased'
            when 'OneTime' then 'OneTime'
            else kept.ChargeFrequency
        end as Frequency,
        kept.CommitmentId is not null and kept.Category = 'Purchase' as IsCommitmentCharge,
        kept.CommitmentId is not null and kept.Category = 'Usage' as IsCovered,
        case when kept.CommitmentId is not null and kept.Category = 'Purchase' then coalesce(kept.BilledCost, 0) else coalesce(kept.EffectiveCost, 0) end as Cost,
        coalesce(
            kept.x_SkuMeterCategory,
            case when kept.Category = 'Adjustment' then 'Rounding Adjustment' end,
            case when kept.IsVendor then kept.PublisherName end,
            kept.x_SkuMeterSubcategory,
            kept.ServiceName,
            kept.PublisherName,
            'Unassigned'
        ) as Service,
        lower(replace(replace(coalesce(
            kept.RegionId,
            kept.RegionName,
            case when kept.CommitmentId is not null and (kept.Category = 'Purchase' or kept.CommitmentDiscountStatus = 'Unused') then kept.x_SkuRegion end
        ), ' ', ''), '_', '')) as LocationKey,
        case when kept.Category <> 'Tax' then coalesce(kept.SkuId, kept.MeterId) end as SkuKey,
        case when strpos(kept.x_SkuDetails, 'VMCapacityReservationId') > 0
            then lower(json_value_text(kept.x_SkuDetails, 'VMCapacityReservationId')) end as NamedCapacityReservationId,
        case when strpos(kept.x_SkuDetails, '"ServiceType"') > 0
            then nullif(regexp_extract(json_value_text(kept.x_SkuDetails, 'ServiceType'), '^((?:Standard|Basic)_[A-Za-z0-9_.-]+)$', 1), '') end as InstanceType,
        case when strpos(kept.x_SkuDetails, '"VCPUs"') > 0
            then nullif(regexp_extract(json_value_text(kept.x_SkuDetails, 'VCPUs'), '^([0-9]+)$', 1), '') end as CoreCount,
        case when kept.CommitmentId is not null and strpos(kept.x_SkuDetails, '"RINormalizationRatio"') > 0
            then try_cast(json_value_text(kept.x_SkuDetails, 'RINormalizationRatio') as decimal(38, 18)) end as NormalizationRatio,
        -- What the month's price sheet calls it; only records that lack a price ask for one.
        case
            when kept.Category = 'Usage'
                and not (kept.CommitmentId is not null and coalesce(kept.CommitmentDiscountStatus, '') = 'Unused')
                and (coalesce(kept.ContractedUnitPrice, 0) = 0 or coalesce(kept.ListUnitPrice, 0) = 0)
                then kept.MeterId
        end as SheetMeterId,
        case when kept.Agreement = 'mca' then upper(kept.SkuId) else kept.x_SkuPartNumber end as SheetSkuKey,
        case when kept.Agreement = 'mca' then upper(regexp_extract(coalesce(kept.x_BillingProfileId, kept.BillingAccountId), '([^/]*)$', 1)) else '' end as SheetProfileId
    from kept
),
list_prices as (
    select
        stg_focus_export.Account as Account,
        lower(stg_focus_export.x_SkuMeterId) as MeterId,
        coalesce(stg_focus_export.x_SkuPartNumber, '') as PartNumber,
        coalesce(stg_focus_export.x_PricingUnitDescription, '') as UnitOfMeasure,
        stg_focus_export.BillingPeriodStart as BillingPeriodStart,
        stg_focus_export.BillingCurrency as BillingCurrency,
        min(stg_focus_export.ListUnitPrice) as UnitPrice
    from stg_focus_export
    where stg_focus_export.ChargeCategory = 'Usage'
        and stg_focus_export.PricingCategory = 'Standard'
        and stg_focus_export.CommitmentDiscountId is null
        and stg_focus_export.ListUnitPrice > 0
        and stg_focus_export.x_SkuMeterId is not null
    group by 1, 2, 3, 4, 5, 6
    having min(stg_focus_export.ListUnitPrice) = max(stg_focus_export.ListUnitPrice)
),
sheeted as (
    select
        typed.*,
        typed.ChargeType in ('Usage', 'Purchase', 'UnusedReservation', 'UnusedSavingsPlan') as IsPriced,
        coalesce(offer_price.UnitPrice, sku_price.UnitPrice) as SheetPrice,
        coalesce(offer_price.MarketPrice, sku_price.MarketPrice) as SheetListPrice,
        list_prices.UnitPrice as OnDemandPrice,
        coalesce(
            typed.BlockSize <> 1
                and typed.Cost <> 0
                and typed.EffectivePrice > 0
                and abs(cast(typed.PricingQuantity as double) * cast(typed.EffectivePrice as double) * cast(typed.Rate as double) - cast(typed.Cost as double))
                    > abs(cast(typed.Cost as double)) * 0.1e0
                and abs(cast(typed.PricingQuantity as double) * cast(typed.BlockSize as double) * cast(typed.EffectivePrice as double) * cast(typed.Rate as double)
                    - cast(typed.Cost as double)) <= abs(cast(typed.Cost as double)) * 0.1e0,
            false
        ) as IsDivided
    from typed
    left join int_price as offer_price
        on offer_price.Account = typed.Account
        and offer_price.BillingPeriodStart = typed.BillingPeriodStart
        and offer_price.BillingProfileId = typed.SheetProfileId
        and offer_price.SkuKey = typed.SheetSkuKey
        and offer_price.OfferId = typed.x_SkuOfferId
        and offer_price.UnitOfMeasure = typed.x_PricingUnitDescription
        and offer_price.CurrencyCode = typed.PriceCurrency
        and offer_price.MeterId = typed.SheetMeterId
    left join int_price as sku_price
        on sku_price.Account = typed.Account
        and sku_price.BillingPeriodStart = typed.BillingPeriodStart
        and sku_price.BillingProfileId = typed.SheetProfileId
        and sku_price.SkuKey = typed.SheetSkuKey
        and sku_price.OfferId = ''
        and sku_price.UnitOfMeasure = typed.x_PricingUnitDescription
        and sku_price.CurrencyCode = typed.PriceCurrency
        and sku_price.MeterId = typed.SheetMeterId
    left join list_prices
        on list_prices.Account = typed.Account
        and list_prices.BillingPeriodStart = typed.BillingPeriodStart
        and list_prices.PartNumber = coalesce(typed.x_SkuPartNumber, '')
        and list_prices.UnitOfMeasure = coalesce(typed.x_PricingUnitDescription, '')
        and list_prices.BillingCurrency = typed.BillingCurrency
        and list_prices.MeterId = case when coalesce(typed.ListUnitPrice, 0) = 0 and typed.IsCovered and typed.ChargeType = 'Usage' then typed.MeterId end
),
measured as (
    select
        sheeted.*,
        case when sheeted.IsDivided then product(sheeted.PricingQuantity, sheeted.BlockSize) else sheeted.PricingQuantity end as Blocks,
        case
            when sheeted.IsDivided then product(product(sheeted.PricingQuantity, sheeted.BlockSize), sheeted.BlockSize)
            when sheeted.BlockSize <> 1 and sheeted.Cost <> 0 then product(sheeted.PricingQuantity, sheeted.BlockSize)
            else coalesce(sheeted.ConsumedQuantity, product(sheeted.PricingQuantity, sheeted.BlockSize))
        end as SingleQuantity,
        case
            when sheeted.BlockSize = 1 then null
            when sheeted.IsDivided then 'Divided block'
            when sheeted.Cost = 0 or coalesce(sheeted.EffectivePrice, 0) = 0 then 'Assumed block'
            else 'Block'
        end as QuantityScale,
        case
            when not sheeted.IsPriced then null
            when sheeted.ContractedUnitPrice > 0 then 'Record'
            when sheeted.ChargeType = 'Usage' and sheeted.SheetPrice > 0 then 'Price sheet'
            when sheeted.x_BilledUnitPrice > 0 then 'Billed price'
            when sheeted.EffectivePrice > 0 then 'Effective price'
            when sheeted.ContractedUnitPrice = 0 and sheeted.EffectivePrice = 0 and not sheeted.IsCovered then 'Record'
        end as PriceSource
    from sheeted
),
contracted as (
    select
        measured.*,
        case measured.PriceSource
            when 'Record' then measured.ContractedUnitPrice
            when 'Price sheet' then product(measured.SheetPrice, measured.Rate)
            when 'Billed price' then product(measured.x_BilledUnitPrice, measured.Rate)
            when 'Effective price' then product(measured.EffectivePrice, measured.Rate)
        end as ContractedPrice
    from measured
),
listed as (
    select
        contracted.*,
        case
            when not contracted.IsPriced then null
            when contracted.ListUnitPrice > 0 then contracted.ListUnitPrice
            when contracted.OnDemandPrice > 0 then contracted.OnDemandPrice
            when contracted.IsCovered and contracted.SheetListPrice > 0 then product(contracted.SheetListPrice, contracted.Rate)
            else contracted.ContractedPrice
        end as ListPrice,
        -- A refund gives back its cost, whatever price it names; rounding and tax have none.
        case
            when not contracted.IsPriced then contracted.Cost
            when contracted.ContractedCost <> 0 and not contracted.IsDivided then contracted.ContractedCost
            when contracted.ContractedPrice = product(contracted.EffectivePrice, contracted.Rate) then contracted.Cost
            else coalesce(product(contracted.ContractedPrice, contracted.Blocks), contracted.Cost)
        end as CostAtContract
    from contracted
),
priced as (
    select
        listed.*,
        case
            when not listed.IsPriced then listed.Cost
            when listed.ListCost <> 0 and not listed.IsDivided then listed.ListCost
            when listed.ListPrice = listed.ContractedPrice then listed.CostAtContract
            else coalesce(product(listed.ListPrice, listed.Blocks), listed.CostAtContract)
        end as CostAtList,
        case when listed.IsCommitmentCharge or listed.ChargeType in ('UnusedReservation', 'UnusedSavingsPlan')
            then coalesce(listed.CommitmentId, lower(listed.ResourceId)) else lower(listed.ResourceId) end as ResourceKey,
        listed.IsCommitmentCharge or listed.ChargeType in ('UnusedReservation', 'UnusedSavingsPlan') as IsCommitmentItself,
        case
            when listed.ChargeType = 'Usage' then coalesce(listed.NormalizationRatio, cast(1 as decimal(38, 18)))
            when listed.ChargeType = 'Purchase' and listed.Unit = 'Hours' and listed.Frequency = 'Recurring'
                then cast(24 * date_diff('day', listed.PeriodFirstDay, listed.PeriodEndDay) as decimal(38, 18))
            when listed.ChargeType = 'Purchase' and listed.Unit = 'Hours'
                then product(cast(730 as decimal(38, 18)), coalesce(try_cast(listed.Term as decimal(38, 18)), cast(1 as decimal(38, 18))))
            else cast(1 as decimal(38, 18))
        end as CommitmentFactor
    from listed
),
placed as (
    select
        priced.*,
        case
            when priced.ResourceKey is null then null
            when priced.IsCommitmentItself and priced.IsSpend
                then case when priced.ResourceKey like '%/savingsplans/%' then 'microsoft.billingbenefits/savingsplanorders/savingsplans' else 'microsoft.billingbenefits/savingsplanorders' end
            when priced.IsCommitmentItself
                then case when priced.ResourceKey like '%/reservations/%' then 'microsoft.capacity/reservationorders/reservations' else 'microsoft.capacity/reservationorders' end
            else lower(priced.x_ResourceType)
        end as ResourceTypeCode,
        coalesce(
            lower(priced.CapacityReservationId),
            priced.NamedCapacityReservationId,
            case when lower(priced.x_ResourceType) = 'microsoft.compute/capacityreservationgroups/capacityreservations' then lower(priced.ResourceId) end
        ) as CapacityKey
    from priced
)
select
    placed.BillingAccountKey as BillingAccountId,
    coalesce(placed.BillingAccountName, placed.Account) as BillingAccountName,
    coalesce(placed.BillingAccountType, case when placed.Agreement = 'mca' then 'Billing Profile' else 'Billing Account' end) as BillingAccountType,
    cast(placed.PeriodFirstDay as timestamp) as BillingPeriodStart,
    cast(placed.PeriodEndDay as timestamp) as BillingPeriodEnd,
    placed.ChargeStart as ChargePeriodStart,
    coalesce(placed.ChargePeriodEnd, cast(day_add(cast(placed.ChargeStart as date), 1) as timestamp)) as ChargePeriodEnd,
    placed.InvoiceId as InvoiceId,
    coalesce(placed.InvoiceIssuerName, 'Microsoft') as InvoiceIssuerName,
    coalesce(placed.ProviderName, 'Microsoft') as ProviderName,
    coalesce(placed.PublisherName, 'Microsoft') as PublisherName,
    placed.SubAccountKey as SubAccountId,
    case when placed.SubAccountKey is not null then coalesce(placed.SubAccountName, placed.SubAccountKey) end as SubAccountName,
    case when placed.SubAccountKey is not null then 'Subscription' end as SubAccountType,
    placed.Category as ChargeCategory,
    case when placed.ChargeClass = 'Correction' then 'Correction' end as ChargeClass,
    coalesce(
        placed.ChargeDescription,
        placed.x_SkuDescription,
        case
            when placed.ChargeType = 'UnusedReservation' then 'Unused reservation ' || coalesce(placed.CommitmentDiscountName, '')
            when placed.ChargeType = 'UnusedSavingsPlan' then 'Unused savings plan ' || coalesce(placed.CommitmentDiscountName, '')
            when placed.ChargeType = 'RoundingAdjustment' then 'Rounding adjustment'
        end,
        placed.Service || ' ' || coalesce(placed.SkuMeter, placed.x_SkuPlanName, placed.ChargeType)
    ) as ChargeDescription,
    case
        when placed.Frequency = 'Recurring' then 'Recurring'
        when placed.Frequency = 'OneTime' then 'One-Time'
        when placed.Category = 'Usage' then 'Usage-Based'
        else 'One-Time'
    end as ChargeFrequency,
    case
        when placed.Category not in ('Usage', 'Purchase') then null
        when placed.IsCommitmentCharge then 'Standard'
        when placed.IsCovered then 'Committed'
        when placed.PricingModel = 'Spot' then 'Dynamic'
        when coalesce(placed.PricingModel, 'OnDemand') = 'OnDemand' then 'Standard'
        else 'Other'
    end as PricingCategory,
    placed.BillingCurrency as BillingCurrency,
    placed.PriceCurrency as PricingCurrency,
    coalesce(placed.BilledCost, 0) as BilledCost,
    coalesce(placed.EffectiveCost, 0) as EffectiveCost,
    placed.CostAtContract as ContractedCost,
    placed.CostAtList as ListCost,
    placed.ContractedPrice as ContractedUnitPrice,
    placed.ListPrice as ListUnitPrice,
    case
        when placed.PriceSource = 'Record' and placed.PricingCurrencyContractedUnitPrice > 0 then placed.PricingCurrencyContractedUnitPrice
        when placed.PriceSource = 'Price sheet' then placed.SheetPrice
        when placed.PriceSource = 'Billed price' then placed.x_BilledUnitPrice
        when placed.PriceSource = 'Effective price' then placed.EffectivePrice
        else ratio(placed.ContractedPrice, placed.Rate)
    end as PricingCurrencyContractedUnitPrice,
    case when placed.IsPriced and placed.ListUnitPrice > 0 and placed.PricingCurrencyListUnitPrice > 0 then placed.PricingCurrencyListUnitPrice
        else ratio(placed.ListPrice, placed.Rate) end as PricingCurrencyListUnitPrice,
    coalesce(placed.PricingCurrencyEffectiveCost, ratio(coalesce(placed.EffectiveCost, 0), placed.Rate)) as PricingCurrencyEffectiveCost,
    case when placed.Category <> 'Tax' then placed.Blocks end as PricingQuantity,
    case
        when placed.Category = 'Tax' or placed.Blocks is null then null
        when placed.BlockSize = 1 or regexp_extract(placed.Unit, '^([0-9])', 1) <> '' then coalesce(placed.Unit, 'Units')
        else cast(cast(placed.BlockSize as bigint) as varchar) || ' ' || coalesce(placed.Unit, 'Units')
    end as PricingUnit,
    case when placed.ChargeType = 'Usage' then placed.SingleQuantity end as ConsumedQuantity,
    case when placed.ChargeType = 'Usage' and placed.SingleQuantity is not null then coalesce(placed.Unit, placed.ConsumedUnit, 'Units') end as ConsumedUnit,
    placed.CommitmentId as CommitmentDiscountId,
    case when placed.CommitmentId is not null then placed.CommitmentDiscountName end as CommitmentDiscountName,
    case when placed.CommitmentId is null then null when placed.IsSpend then 'Spend' else 'Usage' end as CommitmentDiscountCategory,
    case when placed.CommitmentId is null then null when placed.IsSpend then 'Savings Plan' else 'Reservation' end as CommitmentDiscountType,
    case
        when placed.CommitmentId is null or placed.Category <> 'Usage' then null
        when placed.ChargeType = 'Usage' then 'Used'
        else 'Unused'
    end as CommitmentDiscountStatus,
    case
        when placed.CommitmentId is null or placed.ChargeType not in ('Usage', 'Purchase', 'UnusedReservation', 'UnusedSavingsPlan') then null
        when placed.CommitmentDiscountQuantity > 0 then placed.CommitmentDiscountQuantity
        when placed.IsSpend then ratio(placed.Cost, placed.Rate)
        else product(placed.SingleQuantity, placed.CommitmentFactor)
    end as CommitmentDiscountQuantity,
    case
        when placed.CommitmentId is null or placed.ChargeType not in ('Usage', 'Purchase', 'UnusedReservation', 'UnusedSavingsPlan') then null
        when placed.CommitmentDiscountQuantity > 0 and placed.CommitmentDiscountUnit is not null then placed.CommitmentDiscountUnit
        when placed.IsSpend then placed.PriceCurrency
        when placed.SingleQuantity is null then null
        when placed.Service = 'Virtual Machines' then 'Normalized ' || coalesce(placed.Unit, placed.ConsumedUnit, 'Units')
        else coalesce(placed.Unit, placed.ConsumedUnit, 'Units')
    end as CommitmentDiscountUnit,
    placed.CapacityKey as CapacityReservationId,
    case
        when placed.CapacityKey is null or placed.Category <> 'Usage' then null
        when placed.ResourceTypeCode = 'microsoft.compute/capacityreservationgroups/capacityreservations' then 'Unused'
        else 'Used'
    end as CapacityReservationStatus,
    placed.Service as ServiceName,
    coalesce(int_service.ServiceCategory, 'Other') as ServiceCategory,
    coalesce(int_service.ServiceSubcategory, 'Other (Other)') as ServiceSubcategory,
    placed.SkuKey as SkuId,
    case when placed.SkuKey is not null then coalesce(placed.SkuMeter, placed.x_SkuMeterSubcategory) end as SkuMeter,
    case
        when placed.SkuKey is null then null
        when placed.SkuPriceId is not null then placed.SkuPriceId
        when placed.Agreement = 'mca' then placed.SkuKey || coalesce('_' || placed.MeterId, '')
        else placed.SkuKey || coalesce('_' || placed.x_SkuPartNumber, '')
    end as SkuPriceId,
    case
        when placed.SkuKey is null then null
        when nullif(placed.SkuPriceDetails, '{}') is not null then placed.SkuPriceDetails
        when placed.InstanceType is null then null
        when placed.CoreCount is null then '{"InstanceType":"' || placed.InstanceType || '"}'
        else '{"InstanceType":"' || placed.InstanceType || '","CoreCount":' || placed.CoreCount || '}'
    end as SkuPriceDetails,
    placed.ResourceKey as ResourceId,
    case
        when placed.ResourceKey is null then null
        when placed.IsCommitmentItself then coalesce(placed.CommitmentDiscountName, placed.ResourceName)
        else coalesce(placed.ResourceName, nullif(regexp_extract(placed.ResourceId, '([^/]*)$', 1), ''))
    end as ResourceName,
    case
        when placed.ResourceKey is null then null
        when not placed.IsCommitmentItself then coalesce(placed.ResourceType, placed.ResourceTypeCode, 'Resource')
        when placed.ResourceTypeCode = 'microsoft.billingbenefits/savingsplanorders/savingsplans' then 'Savings plan'
        when placed.ResourceTypeCode = 'microsoft.billingbenefits/savingsplanorders' then 'Savings plan order'
        when placed.ResourceTypeCode = 'microsoft.capacity/reservationorders/reservations' then 'Reservation'
        else 'Reservation order'
    end as ResourceType,
    int_region.RegionId as RegionId,
    int_region.RegionName as RegionName,
    placed.AvailabilityZone as AvailabilityZone,
    placed.Tags as Tags,
    placed.Account as x_Account,
    placed.Source as x_Source,
    placed.Scope as x_Scope,
    placed.Dataset as x_Dataset,
    placed.Page as x_Page,
    placed.Row as x_Row,
    placed.File as x_File,
    placed.Agreement as x_Agreement,
    placed.HasAmortized as x_IsAmortized,
    placed.ChargeType as x_ChargeType,
    placed.PricingModel as x_PricingModel,
    placed.Frequency as x_Frequency,
    placed.x_AccountName as x_AccountName,
    placed.x_AccountOwnerId as x_AccountOwnerId,
    coalesce(regexp_extract(placed.x_BillingAccountId, '([^/]*)$', 1), case when placed.Agreement = 'ea' then placed.BillingAccountKey end) as x_BillingAccountId,
    coalesce(placed.x_BillingAccountName, case when placed.Agreement = 'ea' then placed.BillingAccountName end) as x_BillingAccountName,
    coalesce(regexp_extract(placed.x_BillingProfileId, '([^/]*)$', 1), placed.BillingAccountKey) as x_BillingProfileId,
    regexp_extract(placed.x_InvoiceSectionId, '([^/]*)$', 1) as x_InvoiceSectionId,
    placed.x_InvoiceSectionName as x_InvoiceSectionName,
    cast(null as varchar) as x_PreviousInvoiceId,
    placed.x_CostCenter as x_CostCenter,
    placed.x_CostAllocationRuleName as x_CostAllocationRuleName,
    placed.x_CustomerId as x_CustomerId,
    placed.x_CustomerName as x_CustomerName,
    placed.x_InvoiceIssuerId as x_InvoiceIssuerId,
    placed.x_ResellerId as x_ResellerId,
    placed.x_ResellerName as x_ResellerName,
    case lower(placed.x_PartnerCreditApplied) when '1' then true when 'true' then true when '0' then false when 'false' then false end as x_PartnerCreditApplied,
    placed.x_PartnerCreditRate as x_PartnerCreditRate,
    placed.x_PublisherId as x_PublisherId,
    case when placed.IsVendor then 'Marketplace' when placed.x_PublisherCategory is not null then 'Azure' end as x_PublisherType,
    cast(null as varchar) as x_Provider,
    placed.x_BilledCostInUsd as x_BilledCostInUsd,
    placed.x_EffectiveCostInUsd as x_EffectiveCostInUsd,
    case
        when placed.CostAtList = placed.ListCost and placed.x_ListCostInUsd <> 0 then placed.x_ListCostInUsd
        when placed.CostAtList = placed.Cost then case when placed.IsCommitmentCharge then placed.x_BilledCostInUsd else placed.x_EffectiveCostInUsd end
    end as x_ListCostInUsd,
    placed.x_BillingExchangeRate as x_BillingExchangeRate,
    cast(placed.x_BillingExchangeRateDate as date) as x_BillingExchangeRateDate,
    placed.EffectivePrice as x_EffectiveUnitPrice,
    placed.PriceSource as x_ContractedPriceSource,
    placed.x_PricingUnitDescription as x_PricingUnitDescription,
    placed.BlockSize as x_PricingBlockSize,
    placed.QuantityScale as x_QuantityScale,
    placed.x_ResourceGroupName as x_ResourceGroupName,
    placed.ResourceTypeCode as x_ResourceType,
    case
        when not placed.IsCommitmentItself then nullif(split_part(placed.x_ResourceType, '/', 1), '')
        when placed.IsSpend then 'Microsoft.BillingBenefits'
        else 'Microsoft.Capacity'
    end as x_ConsumedService,
    cast(placed.x_ServicePeriodStart as date) as x_ServicePeriodStart,
    day_add(cast(placed.x_ServicePeriodEnd as date), -1) as x_ServicePeriodEnd,
    case when placed.IsSpend then null else nullif(regexp_extract(placed.CommitmentId, '/reservations/([^/]+)$', 1), '') end as x_ReservationId,
    placed.x_SkuDetails as x_SkuDetails,
    placed.x_SkuIsCreditEligible as x_SkuIsCreditEligible,
    placed.x_SkuMeterCategory as x_SkuMeterCategory,
    placed.MeterId as x_SkuMeterId,
    placed.x_SkuMeterSubcategory as x_SkuMeterSubcategory,
    placed.x_SkuOfferId as x_SkuOfferId,
    placed.x_SkuOrderId as x_SkuOrderId,
    placed.x_SkuOrderName as x_SkuOrderName,
    placed.x_SkuPartNumber as x_SkuPartNumber,
    placed.x_SkuPlanName as x_SkuPlanName,
    placed.x_SkuRegion as x_SkuRegion,
    placed.x_SkuServiceFamily as x_SkuServiceFamily,
    placed.Term as x_SkuTerm,
    placed.TagsRaw as x_TagsRaw
from placed
left join int_service
    on int_service.ServiceName = placed.Service
    and int_service.BillingPeriodStart = placed.BillingPeriodStart
left join int_region
    on int_region.LocationKey = placed.LocationKey
    and int_region.BillingPeriodStart = placed.BillingPeriodStart
