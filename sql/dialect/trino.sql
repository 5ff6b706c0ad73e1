-- The functions that models call where engines differ, as Trino understands them: the same names as in duckdb.sql, and the
-- same answers. They are SQL routines, so nothing is to be installed; put a catalog and schema that keep functions on the SQL
-- path (sql.path), and run this file there once.
--
-- Trino's decimals end at 38 digits, and it refuses a result that needs more instead of widening it: a product of two
-- decimal(38, 18) has the type decimal(38, 36), which leaves two digits before the point. So nothing here multiplies two of them.

-- product is a × b exactly, rounded half to even to 18 places; an error where it does not fit.
--
-- Each factor is split at its point. Whole × whole has no places, whole × part has 18, and both are exact in the types given;
-- only part × part has more than 18 places, and it is below 1, so its 36 places fit. It is cut at the eighteenth, and what was
-- cut (rest) decides about rounding: half a unit goes to the neighbour whose last digit is even. Parts have the sign of their
-- number, so the cut is towards zero and the correction away from it.
create function product(a decimal(38, 18), b decimal(38, 18))
returns decimal(38, 18)
language sql
deterministic
returns null on null input
begin
    declare a_whole decimal(20, 0) default cast(truncate(a) as decimal(20, 0));
    declare b_whole decimal(20, 0) default cast(truncate(b) as decimal(20, 0));
    declare a_part decimal(18, 18) default cast(a - truncate(a) as decimal(18, 18));
    declare b_part decimal(18, 18) default cast(b - truncate(b) as decimal(18, 18));
    declare small decimal(36, 36) default a_part * b_part;
    declare kept decimal(18, 18) default cast(truncate(small, 18) as decimal(18, 18));
    declare rest decimal(36, 36) default cast(abs(small - kept) as decimal(36, 36));
    declare half decimal(36, 36) default cast(decimal '0.0000000000000000005' as decimal(36, 36));
    declare total decimal(38, 18) default cast(a_whole * b_whole as decimal(38, 18)) + a_whole * b_part + a_part * b_whole + kept;
    if rest < half or (rest = half and mod(total, decimal '0.000000000000000002') = decimal '0') then
        return total;
    end if;
    if (a < decimal '0') <> (b < decimal '0') then
        return total - decimal '0.000000000000000001';
    end if;
    return total + decimal '0.000000000000000001';
end;

-- ratio is a ÷ b exactly, rounded half to even to 18 places; null where b is 0.
--
-- Trino's own division of decimals rounds half away from zero and is right but for exact halves: then the answer is one unit too
-- far from zero whenever its last digit became odd. Nearly no division ends in a half, so the quotient of the magnitudes is taken as
-- it comes and tried. Multiplied back (split at the points, as in product) it is too large by above; the quotient one unit
-- smaller is too small by below. Where these are equal the true quotient lies in the middle, and an odd one goes down by a unit.
create function ratio(a decimal(38, 18), b decimal(38, 18))
returns decimal(38, 18)
language sql
deterministic
returns null on null input
begin
    declare n decimal(38, 18) default abs(a);
    declare d decimal(38, 18) default abs(b);
    declare q decimal(38, 18);
    declare q_whole decimal(20, 0);
    declare d_whole decimal(20, 0);
    declare q_part decimal(18, 18);
    declare d_part decimal(18, 18);
    declare above decimal(38, 36);
    declare below decimal(38, 36);
    if b = decimal '0' then
        return null;
    end if;
    set q = cast(n / d as decimal(38, 18));
    set q_whole = cast(truncate(q) as decimal(20, 0));
    set d_whole = cast(truncate(d) as decimal(20, 0));
    set q_part = cast(q - truncate(q) as decimal(18, 18));
    set d_part = cast(d - truncate(d) as decimal(18, 18));
    set above = cast(cast(q_whole * d_whole as decimal(38, 18)) + q_whole * d_part + q_part * d_whole - n as decimal(38, 36)) + q_part * d_part;
    set below = cast(d * decimal '0.000000000000000001' as decimal(38, 36)) - above;
    if above = below and mod(q, decimal '0.000000000000000002') <> decimal '0' then
        set q = q - decimal '0.000000000000000001';
    end if;
    if (a < decimal '0') <> (b < decimal '0') then
        return -q;
    end if;
    return q;
end;

-- share is amount × weight ÷ total, cut towards zero at the eighteenth place; null where total is 0. The weight is no more than
-- the total.
--
-- The product may have 76 digits, so it is never made. The amount, counted in units of its last digit, is below 2 to the 127th; its
-- bits are gone through from the highest. q and r are quotient and remainder of the bits so far times the weight: each bit doubles
-- both, a bit that is set adds the weight to the remainder, and whenever the remainder reaches the total that goes into the
-- quotient. Comparing with what is missing to the total keeps every step within 38 digits.
create function share(amount decimal(38, 18), weight decimal(38, 18), total decimal(38, 18))
returns decimal(38, 18)
language sql
deterministic
returns null on null input
begin
    declare n decimal(38, 18) default abs(amount);
    declare w decimal(38, 18) default abs(weight);
    declare t decimal(38, 18) default abs(total);
    declare bit decimal(38, 18) default decimal '85070591730234615865.843691857942052864';
    declare i integer default 0;
    declare q decimal(38, 18) default decimal '0';
    declare r decimal(38, 18) default decimal '0';
    if total = decimal '0' then
        return null;
    end if;
    while i < 127 do
        set q = q + q;
        if r >= t - r then
            set q = q + decimal '0.000000000000000001';
            set r = r - (t - r);
        else
            set r = r + r;
        end if;
        if n >= bit then
            set n = n - bit;
            if r >= t - w then
                set q = q + decimal '0.000000000000000001';
                set r = r - (t - w);
            else
                set r = r + w;
            end if;
        end if;
        set bit = cast(bit / 2 as decimal(38, 18));
        set i = i + 1;
    end while;
    if ((amount < decimal '0') <> (weight < decimal '0')) <> (total < decimal '0') then
        return -q;
    end if;
    return q;
end;

-- share_rest is what share cut off: of one amount and total, the larger it is, the more was cut.
create function share_rest(amount decimal(38, 18), weight decimal(38, 18), total decimal(38, 18))
returns decimal(38, 18)
language sql
deterministic
returns null on null input
begin
    declare n decimal(38, 18) default abs(amount);
    declare w decimal(38, 18) default abs(weight);
    declare t decimal(38, 18) default abs(total);
    declare bit decimal(38, 18) default decimal '85070591730234615865.843691857942052864';
    declare i integer default 0;
    declare q decimal(38, 18) default decimal '0';
    declare r decimal(38, 18) default decimal '0';
    if total = decimal '0' then
        return null;
    end if;
    while i < 127 do
        set q = q + q;
        if r >= t - r then
            set q = q + decimal '0.000000000000000001';
            set r = r - (t - r);
        else
            set r = r + r;
        end if;
        if n >= bit then
            set n = n - bit;
            if r >= t - w then
                set q = q + decimal '0.000000000000000001';
                set r = r - (t - w);
            else
                set r = r + w;
            end if;
        end if;
        set bit = cast(bit / 2 as decimal(38, 18));
        set i = i + 1;
    end while;
    return r;
end;

-- folded is how texts that people type are compared: lower case, trimmed, one blank for many.
create function folded(t varchar)
returns varchar
language sql
deterministic
returns null on null input
return lower(replace(replace(replace(trim(t), ' ', chr(1) || chr(2)), chr(2) || chr(1), ''), chr(1) || chr(2), ' '));

-- joined is the texts of a list with a separator between them.
create function joined(list array(varchar), separator varchar)
returns varchar
language sql
deterministic
returns null on null input
return array_join(list, separator);

-- month_start is the first day of the month of d.
create function month_start(d date)
returns date
language sql
deterministic
returns null on null input
return cast(date_trunc('month', d) as date);

-- month_add is d moved by n months, the last day of the month where d's day does not exist.
create function month_add(d date, n bigint)
returns date
language sql
deterministic
returns null on null input
return date_add('month', n, d);

-- month_text is the month of d as configuration, manifests and people write it, such as 2026-10.
create function month_text(d date)
returns varchar
language sql
deterministic
returns null on null input
return date_format(cast(d as timestamp), '%Y-%m');

-- day_add is d moved by n days.
create function day_add(d date, n bigint)
returns date
language sql
deterministic
returns null on null input
return date_add('day', n, d);

-- json_value_text is what stands under a key of a JSON object, as text without quotes; the key is spelled exactly, which is why
-- the object is read as a map: a JSON path would read dots and brackets in the key. A text is cast, an object or a list is shown as
-- JSON, and null is no text. Never ask it for money: an engine may read JSON numbers as doubles.
create function json_value_text(j varchar, k varchar)
returns varchar
language sql
deterministic
returns null on null input
return coalesce(
    try(cast(element_at(cast(json_parse(j) as map(varchar, json)), k) as varchar)),
    nullif(try(json_format(element_at(cast(json_parse(j) as map(varchar, json)), k))), 'null')
);

-- tag_value is the value of a tag, whatever the case of its key: Azure treats tag names so. The exact spelling wins where an
-- object has several.
create function tag_value(j varchar, k varchar)
returns varchar
language sql
deterministic
returns null on null input
return coalesce(
    json_value_text(j, k),
    json_value_text(
        j,
        array_min(filter(map_keys(try(cast(json_parse(j) as map(varchar, json)))), x -> lower(x) = lower(k)))
    )
);

-- block_size is how many single units are bought at a price for the unit of measure u: 10000 of "10K/Month", 100 of "100 Hours",
-- and 1 of "GB" and "10000s", which do not begin with a number that stands alone. Where nothing matches regexp_extract answers null.
create function block_size(u varchar)
returns decimal(38, 18)
language sql
deterministic
returns null on null input
return case
    when coalesce(try_cast(regexp_extract(u, '^([0-9]+(?:\.[0-9]+)?)[KMB]?(?:$|[ /])', 1) as decimal(38, 18)), decimal '0') = decimal '0'
        then cast(1 as decimal(38, 18))
    else product(
        cast(regexp_extract(u, '^([0-9]+(?:\.[0-9]+)?)[KMB]?(?:$|[ /])', 1) as decimal(38, 18)),
        cast(case regexp_extract(u, '^[0-9]+(?:\.[0-9]+)?([KMB])(?:$|[ /])', 1)
            when 'K' then 1000 when 'M' then 1000000 when 'B' then 1000000000 else 1 end as decimal(38, 18))
    )
end;

-- unit_name is the single unit of a unit of measure: Hours of "100 Hours" and of "1 Hour", Units of "10K", Units/Month of "1/Month".
create function unit_name(u varchar)
returns varchar
language sql
deterministic
returns null on null input
return case
    when coalesce(regexp_extract(u, '^([0-9]+(?:\.[0-9]+)?)[KMB]?(?:$|[ /])', 1), '') = '' then u
    when coalesce(trim(regexp_extract(u, '^[0-9.]+[KMB]?([ /].*)$', 1)), '') = '' then 'Units'
    when trim(regexp_extract(u, '^[0-9.]+[KMB]?([ /].*)$', 1)) like '/%' then 'Units' || trim(regexp_extract(u, '^[0-9.]+[KMB]?([ /].*)$', 1))
    when coalesce(regexp_extract(u, '^[0-9.]+[KMB]? +([^/]*(?:Hour|Day|Month|Minute|Second))$', 1), '') <> ''
        then regexp_extract(u, '^[0-9.]+[KMB]? +([^/]*(?:Hour|Day|Month|Minute|Second))$', 1) || 's'
    else trim(regexp_extract(u, '^[0-9.]+[KMB]?([ /].*)$', 1))
end;

-- currency_unit is the smallest amount that invoices state in a currency: 1 where Azure bills without decimals, else 0.01.
create function currency_unit(c varchar)
returns decimal(3, 2)
language sql
deterministic
called on null input
return case when c in ('JPY', 'KRW', 'CLP', 'HUF', 'ISK', 'TWD', 'VND') then 1.00 else 0.01 end;

-- json_items is the elements of a JSON array as JSON texts, in their order; none where it is no array.
create function json_items(j varchar)
returns array(varchar)
language sql
deterministic
called on null input
return coalesce(transform(try(cast(json_parse(j) as array(json))), x -> json_format(x)), cast(array[] as array(varchar)));

-- json_names is the keys of a JSON object; none where it is no object.
create function json_names(j varchar)
returns array(varchar)
language sql
deterministic
called on null input
return coalesce(map_keys(try(cast(json_parse(j) as map(varchar, json)))), cast(array[] as array(varchar)));

-- folded is t as it is compared with what people typed: in lower case, trimmed, one blank for many. (regexp_replace stops after
-- the first match in one engine and goes on in the other.)
create function folded(t varchar)
returns varchar
language sql
deterministic
returns null on null input
return lower(regexp_replace(trim(t), '\s+', ' '));

-- edit_distance is how many letters have to be put in, taken out or exchanged to make b of a.
create function edit_distance(a varchar, b varchar)
returns bigint
language sql
deterministic
returns null on null input
return levenshtein_distance(a, b);
