-- name: rules_of_line
select closed_at is not null as by_hand, message_zh, message_en, site_id from waiting_area where id = $1

-- name: hours_of_line
-- A line's own hours, if it has any, take the place of its site's.
with own as (select weekday, opens, closes from opening_hours where area_id = $1)
select * from own
union all
select weekday, opens, closes from opening_hours where site_id = $2 and area_id is null and not exists (select from own)
order by weekday, opens

-- name: closures_of_line
select first_day, last_day, message_zh, message_en from closure
where site_id = $2 and (area_id = $1 or area_id is null) and last_day >= $3
order by area_id nulls last, first_day, last_day, id

-- name: line
select a.id::text as id, a.site_id::text as site_id, a.service, s.name_zh as site_name_zh, s.name_en as site_name_en, a.keeps_overnight,
       a.overflow_area_id::text as overflow_to, a.overflow_after_s, a.alert_after_s, a.alert_next_after_s, a.return_after_s,
       a.closed_at is not null as closed, a.message_zh, a.message_en
from waiting_area a join site s on s.id = a.site_id where a.id = $1

-- name: lines_below
select a.id::text as id, a.site_id::text as site_id, a.service, s.name_zh as site_name_zh, s.name_en as site_name_en, a.keeps_overnight,
       a.overflow_area_id::text as overflow_to, a.overflow_after_s, a.alert_after_s, a.alert_next_after_s, a.return_after_s,
       a.closed_at is not null as closed, a.message_zh, a.message_en
from waiting_area a join site s on s.id = a.site_id
where a.site_id in (select site_subtree($1)) order by s.slug, a.service

-- name: save_line
update waiting_area set keeps_overnight = $2, overflow_area_id = $3, overflow_after_s = $4, alert_after_s = $5, alert_next_after_s = $6,
    return_after_s = $7, message_zh = $8, message_en = $9
where id = $1

-- name: close_line
update waiting_area set closed_at = $2 where id = $1

-- name: own_hours
select weekday, opens, closes from opening_hours where site_id = $1 and area_id is not distinct from $2 order by weekday, opens

-- name: clear_hours
delete from opening_hours where site_id = $1 and area_id is not distinct from $2

-- name: add_hours
insert into opening_hours (site_id, area_id, weekday, opens, closes) values ($1, $2, $3, $4, $5)

-- name: own_closures
select id::text as id, first_day, last_day, message_zh, message_en from closure
where site_id = $1 and area_id is not distinct from $2 and last_day >= $3 order by first_day, last_day, id

-- name: add_closure
insert into closure (site_id, area_id, first_day, last_day, message_zh, message_en) values ($1, $2, $3, $4, $5, $6) returning id::text

-- name: closure_site
select site_id::text from closure where id = $1

-- name: drop_closure
delete from closure where id = $1
