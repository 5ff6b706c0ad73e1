-- stg_usage_aggregates is a quantity that a pay-as-you-go subscription used of a meter in an hour or a day.
--
-- Rows stand under the month in which billing got to know of them; UsageStart says when they were used, which may be a month before.
-- Daily and hourly rows are the same usage twice: choose one Dataset. There is no cost. Details stand in a JSON text
-- of the shape {"Microsoft.Resources":{"resourceUri":…,"tags":{…}}}.
--
-- reads:  raw_usage_aggregates
-- grain:  Account, Scope, ReportedMonth, Dataset, Page, Row
-- period: ReportedMonth
--
-- input name              varchar
-- input subscriptionId    varchar
-- input meterId           varchar
-- input meterName         varchar
-- input meterCategory     varchar
-- input meterSubCategory  varchar
-- input meterRegion       varchar
-- input unit              varchar
-- input usageStartTime    timestamp
-- input usageEndTime      timestamp
-- input quantity          decimal(38, 18)
-- input instanceData      varchar
-- input infoFields        varchar
--
-- column Account           varchar          the account's name in the configuration
-- column Scope             varchar          the subscription
-- column ReportedMonth     date             first day of the month in which billing got to know of it
-- column Dataset           varchar          daily or hourly
-- column Page              bigint           page the row came on
-- column Row               bigint           row on that page
-- column SubAccountId      varchar          the subscription, GUID in lower case
-- column ChargePeriodStart  timestamp        the hour or day of usage, in UTC
-- column ChargePeriodEnd   timestamp        its end, exclusive
-- column MeterId           varchar          GUID in lower case
-- column MeterName         varchar          such as D2s v5
-- column MeterCategory     varchar          such as Virtual Machines
-- column MeterSubCategory  varchar          such as Dsv5 Series
-- column MeterRegion       varchar          such as EU West
-- column UnitOfMeasure     varchar          what Quantity counts
-- column Quantity          decimal(38, 18)  UnitOfMeasure
-- column ResourceId        varchar          ARM id in lower case; null where usage is not of a resource
-- column ResourceLocation  varchar          such as westeurope
-- column Tags              varchar          JSON object
-- column AdditionalInfo    varchar          JSON, what the service says of itself
-- column PartNumber        varchar          of Marketplace and others; null where there is none
-- column OrderNumber       varchar          of Marketplace and others; null where there is none
-- column ClassicProject    varchar          what a classic service is called
-- column RecordName        varchar          such as Daily_BRSDT_20150623_0000
--
-- check: ChargePeriodEnd > ChargePeriodStart
-- total: (select count(*) from stg_usage_aggregates) = (select count(*) from raw_usage_aggregates)
-- total: not exists (select MeterId, sum(Quantity) from stg_usage_aggregates group by MeterId
--        except select lower(meterId), sum(quantity) from raw_usage_aggregates group by lower(meterId))
select
    _account as Account,
    _scope as Scope,
    cast(_period || '-01' as date) as ReportedMonth,
    _dataset as Dataset,
    _page as Page,
    _row as Row,
    lower(subscriptionId) as SubAccountId,
    usageStartTime as ChargePeriodStart,
    usageEndTime as ChargePeriodEnd,
    lower(meterId) as MeterId,
    meterName as MeterName,
    meterCategory as MeterCategory,
    nullif(meterSubCategory, '') as MeterSubCategory,
    nullif(meterRegion, '') as MeterRegion,
    unit as UnitOfMeasure,
    quantity as Quantity,
    nullif(lower(json_value_text(json_value_text(instanceData, 'Microsoft.Resources'), 'resourceUri')), '') as ResourceId,
    nullif(json_value_text(json_value_text(instanceData, 'Microsoft.Resources'), 'location'), '') as ResourceLocation,
    nullif(json_value_text(json_value_text(instanceData, 'Microsoft.Resources'), 'tags'), '{}') as Tags,
    nullif(nullif(json_value_text(json_value_text(instanceData, 'Microsoft.Resources'), 'additionalInfo'), '{}'), '') as AdditionalInfo,
    nullif(json_value_text(json_value_text(instanceData, 'Microsoft.Resources'), 'partNumber'), '') as PartNumber,
    nullif(json_value_text(json_value_text(instanceData, 'Microsoft.Resources'), 'orderNumber'), '') as OrderNumber,
    nullif(json_value_text(infoFields, 'project'), '') as ClassicProject,
    name as RecordName
from raw_usage_aggregates
