-- stg_exports is the definition of a Cost Management export: what is written to which storage, and when.
--
-- Compression, partitions and overwriting are null for exports made before they existed. RunHistory has the latest runs that
-- Azure still tells of; stg_export_runs has them one by one.
--
-- reads:  raw_exports
-- grain:  Account, Scope, Page, Row
--
-- input id                                       varchar
-- input name                                     varchar
-- input eTag                                     varchar
-- input format                                   varchar
-- input compressionMode                          varchar
-- input partitionData                            boolean
-- input dataOverwriteBehavior                    varchar
-- input exportDescription                        varchar
-- input definition_type                          varchar
-- input definition_timeframe                     varchar
-- input definition_timePeriod_from               timestamp
-- input definition_timePeriod_to                 timestamp
-- input definition_dataSet_granularity           varchar
-- input definition_dataSet_configuration         varchar
-- input definition_dataSet_filter                varchar
-- input deliveryInfo_destination_resourceId      varchar
-- input deliveryInfo_destination_storageAccount  varchar
-- input deliveryInfo_destination_container       varchar
-- input deliveryInfo_destination_rootFolderPath  varchar
-- input schedule_status                          varchar
-- input schedule_recurrence                      varchar
-- input schedule_recurrencePeriod_from           timestamp
-- input schedule_recurrencePeriod_to             timestamp
-- input nextRunTimeEstimate                      timestamp
-- input systemSuspensionContext                  varchar
-- input runHistory_value                         varchar
--
-- column Account              varchar    the account's name in the configuration
-- column Scope                varchar    the scope the API was asked for
-- column Page                 bigint     page the row came on
-- column Row                  bigint     row on that page
-- column ExportId             varchar    ARM id in lower case with a leading slash
-- column ExportName           varchar    the export's name
-- column ExportDescription    varchar    null without one
-- column ExportETag           varchar    version of the definition
-- column ExportType           varchar    ActualCost, AmortizedCost, FocusCost, Usage, PriceSheet, ReservationDetails …
-- column Timeframe            varchar    MonthToDate, TheLastMonth, Custom …
-- column TimePeriodFrom       timestamp  UTC; of Custom only
-- column TimePeriodTo         timestamp  UTC; of Custom only
-- column Granularity          varchar    Daily or Monthly
-- column DataConfiguration    varchar    JSON object: columns, dataVersion, filters
-- column DataFilter           varchar    JSON object; of older exports
-- column FileFormat           varchar    Csv or Parquet
-- column CompressionMode      varchar    none, gzip or snappy
-- column IsPartitioned        boolean    a run writes several files
-- column OverwriteBehaviour   varchar    CreateNewReport or OverwritePreviousReport
-- column StorageAccountId     varchar    ARM id in lower case, or the storage account's name
-- column ContainerName        varchar    the container
-- column RootFolderPath       varchar    the folder in it
-- column ScheduleStatus       varchar    Active or Inactive
-- column Recurrence           varchar    Daily, Weekly, Monthly or Annually
-- column ScheduleFrom         timestamp  UTC
-- column ScheduleTo           timestamp  UTC
-- column NextRunAt            timestamp  UTC, estimated
-- column SuspensionContext    varchar    JSON object: why Azure has suspended the export; null when it has not
-- column RunHistory           varchar    JSON array of runs
--
-- total: (select count(*) from stg_exports) = (select count(*) from raw_exports)
-- total: (select count(RunHistory) from stg_exports) = (select count(runHistory_value) from raw_exports)
select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    '/' || regexp_extract(lower(id), '^/?(.*)$', 1) as ExportId,
    name as ExportName,
    nullif(raw_exports.exportDescription, '') as ExportDescription,
    eTag as ExportETag,
    nullif(definition_type, '') as ExportType,
    nullif(definition_timeframe, '') as Timeframe,
    definition_timePeriod_from as TimePeriodFrom,
    definition_timePeriod_to as TimePeriodTo,
    nullif(definition_dataSet_granularity, '') as Granularity,
    definition_dataSet_configuration as DataConfiguration,
    definition_dataSet_filter as DataFilter,
    nullif(raw_exports.format, '') as FileFormat,
    nullif(raw_exports.compressionMode, '') as CompressionMode,
    partitionData as IsPartitioned,
    nullif(dataOverwriteBehavior, '') as OverwriteBehaviour,
    nullif(lower(coalesce(deliveryInfo_destination_resourceId, deliveryInfo_destination_storageAccount)), '') as StorageAccountId,
    nullif(deliveryInfo_destination_container, '') as ContainerName,
    nullif(deliveryInfo_destination_rootFolderPath, '') as RootFolderPath,
    nullif(schedule_status, '') as ScheduleStatus,
    nullif(schedule_recurrence, '') as Recurrence,
    schedule_recurrencePeriod_from as ScheduleFrom,
    schedule_recurrencePeriod_to as ScheduleTo,
    nextRunTimeEstimate as NextRunAt,
    systemSuspensionContext as SuspensionContext,
    runHistory_value as RunHistory
from raw_exports
