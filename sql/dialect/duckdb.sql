-- The functions that models call where engines differ, as DuckDB understands them.
--
-- decimal_product, decimal_ratio, decimal_share and decimal_share_rest are part of the program (transform/duckdb.go): DuckDB's own *
-- overflows at 100 × 100 for decimal(38, 18), and its / and avg answer with doubles.

-- product is a × b exactly, rounded half to even to 18 places; an error where it does not fit.
create or replace macro product(a, b) as
    decimal_product(a, b);

-- ratio is a ÷ b exactly, rounded half to even to 18 places; null where b is 0.
create or replace macro ratio(a, b) as
    decimal_ratio(a, b);

-- share is amount × weight ÷ total, cut towards zero at the eighteenth place; null where total is 0. The weight is no more than
-- the total.
create or replace macro share(amount, weight, total) as
    decimal_share(amount, weight, total);

-- share_rest is what share cut off: of one amount and total, the larger it is, the more was cut.
create or replace macro share_rest(amount, weight, total) as
    decimal_share_rest(amount, weight, total);

-- folded is how texts that people type are compared: lower case, trimmed, one blank for many. chr(1) and chr(2) stand in for a
-- blank while runs of blanks become one: regexp_replace means different things in different engines.
create or replace macro folded(t) as
    lower(replace(replace(replace(trim(t), ' ', chr(1) || chr(2)), chr(2) || chr(1), ''), chr(1) || chr(2), ' '));

-- joined is the texts of a list with a separator between them.
create or replace macro joined(list, separator) as
    array_to_string(list, separator);

-- month_start is the first day of the month of d, a date (date_trunc answers a timestamp).
create or replace macro month_start(d) as
    cast(date_trunc('month', cast(d as date)) as date);

-- month_add is d moved by n months, the last day of the month where d's day does not exist.
create or replace macro month_add(d, n) as
    cast(cast(d as date) + to_months(cast(n as integer)) as date);

-- month_text is the month of d as configuration, manifests and people write it, such as 2026-10.
create or replace macro month_text(d) as
    strftime(cast(d as date), '%Y-%m');

-- day_add is d moved by n days, a date (date + interval is a timestamp).
create or replace macro day_add(d, n) as
    cast(d as date) + cast(n as integer);

-- json_value_text is what stands under a key of a JSON object, as text without quotes; the key is
-- spelled exactly. Never ask it for money: DuckDB reads JSON numbers as doubles.
create or replace macro json_value_text(j, k) as
    json_extract_string(
        try_cast(j as json),
        '/' || replace(replace(cast(k as varchar), '~', '~0'), '/', '~1')
    );

-- tag_value is the value of a tag, whatever the case of its key: Azure treats tag names so. The
-- exact spelling wins where an object has several.
create or replace macro tag_value(j, k) as
    coalesce(
        json_value_text(j, k),
        json_value_text(
            j,
            list_min(list_filter(json_keys(try_cast(j as json)), lambda x: lower(x) = lower(k)))
        )
    );

-- block_size is how many single units are bought at a price for the unit of measure u: 10000 of "10K/Month", 100 of "100 Hours",
-- and 1 of "GB" and "10000s", which do not begin with a number that stands alone. Where nothing matches regexp_extract answers ''.
create or replace macro block_size(u) as
    case
        when u is null then null
        when coalesce(try_cast(regexp_extract(u, '^([0-9]+(?:\.[0-9]+)?)[KMB]?(?:$|[ /])', 1) as decimal(38, 18)), 0) = 0
            then cast(1 as decimal(38, 18))
        else product(
            cast(regexp_extract(u, '^([0-9]+(?:\.[0-9]+)?)[KMB]?(?:$|[ /])', 1) as decimal(38, 18)),
            cast(case regexp_extract(u, '^[0-9]+(?:\.[0-9]+)?([KMB])(?:$|[ /])', 1)
                when 'K' then 1000 when 'M' then 1000000 when 'B' then 1000000000 else 1 end as decimal(38, 18))
        )
    end;

-- unit_name is the single unit of a unit of measure: Hours of "100 Hours" and of "1 Hour", Units of "10K", Units/Month of "1/Month".
create or replace macro unit_name(u) as
    case
        when regexp_extract(u, '^([0-9]+(?:\.[0-9]+)?)[KMB]?(?:$|[ /])', 1) = '' then u
        when trim(regexp_extract(u, '^[0-9.]+[KMB]?([ /].*)$', 1)) = '' then 'Units'
        when trim(regexp_extract(u, '^[0-9.]+[KMB]?([ /].*)$', 1)) like '/%' then 'Units' || trim(regexp_extract(u, '^[0-9.]+[KMB]?([ /].*)$', 1))
        when regexp_extract(u, '^[0-9.]+[KMB]? +([^/]*(?:Hour|Day|Month|Minute|Second))$', 1) <> ''
            then regexp_extract(u, '^[0-9.]+[KMB]? +([^/]*(?:Hour|Day|Month|Minute|Second))$', 1) || 's'
        else trim(regexp_extract(u, '^[0-9.]+[KMB]?([ /].*)$', 1))
    end;

-- currency_unit is the smallest amount that invoices state in a currency: 1 where Azure bills without decimals, else 0.01.
create or replace macro currency_unit(c) as
    case when c in ('JPY', 'KRW', 'CLP', 'HUF', 'ISK', 'TWD', 'VND') then 1.00 else 0.01 end;

-- json_items is the elements of a JSON array as JSON texts, in their order; none where it is no array.
create or replace macro json_items(j) as
    coalesce(cast(json_extract(try_cast(j as json), '$[*]') as varchar[]), []);

-- json_names is the keys of a JSON object; none where it is no object.
create or replace macro json_names(j) as
    coalesce(json_keys(try_cast(j as json)), []);

-- folded is t as it is compared with what people typed: in lower case, trimmed, one blank for many. (regexp_replace stops after
-- the first match in one engine and goes on in the other.)
create or replace macro folded(t) as
    lower(regexp_replace(trim(t), '\s+', ' ', 'g'));

-- edit_distance is how many letters have to be put in, taken out or exchanged to make b of a.
create or replace macro edit_distance(a, b) as
    levenshtein(a, b);
