-- stg_export_runs is one run of a Cost Management export, as far as Azure still tells of it: the latest of each.
--
-- A run that failed says why in Error; NewDataNotAvailable and
-- DataNotAvailable are runs that had nothing to write. Runs of older exports have no ManifestFile and no dates.
--
-- reads:  raw_exports
-- grain:  Account, Scope, Page, Row, RunPosition
--
-- input id                varchar
-- input name              varchar
-- input runHistory_value  varchar
--
-- column Account          varchar    the account's name in the configuration
-- column Scope            varchar    the scope the API was asked for
-- column Page             bigint     page the export came on
-- column Row              bigint     row on that page
-- column RunPosition      bigint     place in the export's history, from 1
-- column ExportId         varchar    ARM id in lower case with a leading slash
-- column ExportName       varchar    the export's name
-- column RunId            varchar    the run's name, a GUID
-- column ExecutionType    varchar    Scheduled or OnDemand
-- column RunStatus        varchar    Queued, InProgress, Completed, Failed, Timeout, NewDataNotAvailable or DataNotAvailable
-- column SubmittedBy      varchar    System, or who asked for it
-- column SubmittedTime    timestamp  UTC, to the second
-- column ProcessingStart  timestamp  UTC, to the second
-- column ProcessingEnd    timestamp  UTC, to the second; null while it runs
-- column DataFrom         date       first day of the data
-- column DataTo           date       last day of the data
-- column FileName         varchar    the file or folder written
-- column ManifestFile     varchar    where its manifest is; of exports since 2024
-- column Error            varchar    JSON object; null where it went well
--
-- total: (select count(*) from stg_export_runs) = (select count(*) from raw_exports cross join unnest(json_items(raw_exports.runHistory_value)) as item (Run))
-- total: not exists (select distinct ExportId from stg_export_runs except select '/' || regexp_extract(lower(id), '^/?(.*)$', 1) from raw_exports)
with runs as (
    select
        raw_exports._account,
        raw_exports._scope,
        raw_exports._page,
        raw_exports._row,
        raw_exports.id,
        raw_exports.name,
        item.RunPosition,
        item.Run,
        json_value_text(item.Run, 'properties') as Properties
    from raw_exports
    cross join unnest(json_items(raw_exports.runHistory_value)) with ordinality as item (Run, RunPosition)
)

select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    runs.RunPosition as RunPosition,
    '/' || regexp_extract(lower(id), '^/?(.*)$', 1) as ExportId,
    name as ExportName,
    json_value_text(Run, 'name') as RunId,
    json_value_text(Properties, 'executionType') as ExecutionType,
    json_value_text(Properties, 'status') as RunStatus,
    nullif(json_value_text(Properties, 'submittedBy'), '') as SubmittedBy,
    try_cast(replace(substr(json_value_text(Properties, 'submittedTime'), 1, 19), 'T', ' ') as timestamp) as SubmittedTime,
    try_cast(replace(substr(json_value_text(Properties, 'processingStartTime'), 1, 19), 'T', ' ') as timestamp) as ProcessingStart,
    try_cast(replace(substr(json_value_text(Properties, 'processingEndTime'), 1, 19), 'T', ' ') as timestamp) as ProcessingEnd,
    try_cast(substr(json_value_text(Properties, 'startDate'), 1, 10) as date) as DataFrom,
    try_cast(substr(json_value_text(Properties, 'endDate'), 1, 10) as date) as DataTo,
    nullif(json_value_text(Properties, 'fileName'), '') as FileName,
    nullif(json_value_text(Properties, 'manifestFile'), '') as ManifestFile,
    nullif(json_value_text(Properties, 'error'), '') as Error
from runs
