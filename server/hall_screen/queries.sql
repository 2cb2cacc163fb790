-- name: called
-- The latest numbers called for people who sit at a site: where to go is the device's name, or the service's own site.
select t.number, a.service, coalesce(e.name_zh, s.name_zh) as where_zh, coalesce(e.name_en, s.name_en) as where_en, t.called_at, t.state
from ticket t join waiting_area a on a.id = t.area_id join site s on s.id = a.site_id left join endpoint e on e.id = t.endpoint_id
where t.site_id in (select site_subtree($1)) and t.called_at > $2 and t.state in ('called', 'serving')
order by t.called_at desc, t.arrival desc limit 12

-- name: waiting
select a.service, count(*) as people, min(t.taken_at) as since,
       (array_agg(t.number order by t.priority desc, t.place, t.arrival))[1:12] as numbers
from ticket t join waiting_area a on a.id = t.area_id
where t.site_id in (select site_subtree($1)) and t.state = 'waiting'
group by a.service order by a.service

-- name: notices
select n.id::text as id, n.level, n.text_zh, n.text_en, upper(n.shown) as until from risk_notice n
where n.site_id = any (site_path($1)) and n.shown @> $2::timestamptz order by n.level desc, lower(n.shown) desc, n.id limit 10

-- name: write_notice
insert into risk_notice (site_id, level, text_zh, text_en, shown, written_by) values ($1, $2, $3, $4, tstzrange($5, $6), $7) returning id::text

-- name: notice_site
select site_id::text from risk_notice where id = $1

-- name: end_notice
update risk_notice set shown = tstzrange(lower(shown), $2::timestamptz) where id = $1 and lower(shown) < $2::timestamptz and upper(shown) > $2::timestamptz
returning id
