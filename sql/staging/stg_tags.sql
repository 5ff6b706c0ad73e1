-- stg_tags is a tag key in use below one scope, with its values.
--
-- Azure treats keys that differ in case as one tag; here each spelling is a row.
--
-- reads:  raw_tags
-- grain:  Account, Scope, Page, Row
--
-- input key    varchar
-- input value  varchar
--
-- column Account       varchar  the account's name in the configuration
-- column Scope         varchar  the scope the API was asked for
-- column Page          bigint   page the row came on
-- column Row           bigint   row on that page
-- column TagKey        varchar  as spelled
-- column TagKeyFolded  varchar  in lower case: what Azure goes by
-- column TagValues     varchar  JSON array; null where values were not served
--
-- total: (select count(*) from stg_tags) = (select count(*) from raw_tags)
-- total: (select count(distinct TagKey) from stg_tags) = (select count(distinct raw_tags.key) from raw_tags)
select
    _account as Account,
    _scope as Scope,
    _page as Page,
    _row as Row,
    raw_tags.key as TagKey,
    lower(raw_tags.key) as TagKeyFolded,
    raw_tags.value as TagValues
from raw_tags
