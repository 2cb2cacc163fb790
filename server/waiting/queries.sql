-- name: areas_of_site
-- The lines that somebody at a site can join: for each service the nearest site upwards that serves it.
with up as (select id, ordinality as distance from unnest(site_path($1)) with ordinality as path (id, ordinality))
select distinct on (a.service) a.id::text as id, a.service, a.letter, a.site_id::text as site_id
from waiting_area a join up on up.id = a.site_id
order by a.service, up.distance

-- name: next_count
insert into ticket_counter (area_id, day, last) values ($1, $2, 1)
on conflict (area_id, day) do update set last = ticket_counter.last + 1
returning last

-- name: insert_ticket
insert into ticket (area_id, day, number, endpoint_id, site_id, citizen_name, priority, taken_at, request_key)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
returning id::text

-- name: ticket_by_request
select id::text from ticket where endpoint_id = $1 and request_key = $2

-- name: live_ticket_of_endpoint
select t.id::text as id, t.number, a.service, t.state, t.citizen_name, t.taken_at, t.area_id::text as area_id,
       (select count(*) from ticket o
        where o.area_id = t.area_id and o.state = 'waiting' and t.state = 'waiting'
          and (o.priority > t.priority or (o.priority = t.priority and o.arrival < t.arrival))) as people_ahead
from ticket t join waiting_area a on a.id = t.area_id
where t.endpoint_id = $1 and t.state in ('waiting', 'called', 'serving')

-- name: leave_queue
update ticket set state = 'abandoned', closed_at = $2 where endpoint_id = $1 and state = 'waiting' returning id::text, area_id::text

-- name: waiting_count
select count(*) from ticket where area_id = $1 and state = 'waiting'

-- name: serving_count
-- Professionals who serve a line now: leading a session of it, or having called from it within two hours.
select count(distinct called_by) from ticket where area_id = $1 and called_by is not null and (state in ('called', 'serving') or called_at > $2)

-- name: recent_lengths
select closed_at - served_at as length from ticket
where area_id = $1 and state = 'done' and served_at is not null order by closed_at desc limit 20

-- name: areas_served
-- The lines a person may call from: by role the services, by grant the sites.
select a.id::text as id, a.service, a.site_id::text as site_id, s.name_zh as site_name_zh, s.name_en as site_name_en
from waiting_area a join site s on s.id = a.site_id
where exists (
    select 1 from unnest($1::text[], $2::uuid[]) as g (service, site)
    where g.service = a.service and g.site = any (site_path(a.site_id))
)
order by s.slug, a.service

-- name: waiting_list
select t.id::text as ticket, t.area_id::text as area_id, t.number, t.citizen_name, t.priority, t.taken_at,
       s.name_zh as site_name_zh, s.name_en as site_name_en, e.name_zh as endpoint_name_zh, e.name_en as endpoint_name_en
from ticket t join site s on s.id = t.site_id left join endpoint e on e.id = t.endpoint_id
where t.area_id = any ($1::uuid[]) and t.state = 'waiting'
order by t.priority desc, t.arrival

-- name: call_next_ticket
-- The next waiting ticket of some lines, taken by exactly one caller: whoever comes second skips the locked row.
update ticket set state = 'called', called_at = $3, called_by = $2
where id = (
    select id from ticket where area_id = any ($1::uuid[]) and state = 'waiting'
    order by priority desc, arrival
    limit 1 for update skip locked
)
returning id::text as id, area_id::text as area_id, number, endpoint_id::text as endpoint_id, site_id::text as site_id, citizen_name

-- name: call_this_ticket
update ticket set state = 'called', called_at = $3, called_by = $2
where id = $1 and state = 'waiting'
returning id::text as id, area_id::text as area_id, number, endpoint_id::text as endpoint_id, site_id::text as site_id, citizen_name

-- name: area_of_ticket
select area_id::text from ticket where id = $1

-- name: name_citizen
update ticket set citizen_name = $2 where id = $1 and state in ('waiting', 'called', 'serving')

-- name: notify
select pg_notify('laizuo', $1)

-- name: number_called_by
select number from ticket where called_by = $1 and state in ('called', 'serving') order by called_at desc limit 1

-- name: site_of_area
select site_id::text from waiting_area where id = $1
