-- name: areas_of_site
-- The lines that somebody at a site can join: for each service the nearest site upwards that serves it.
with up as (select id, ordinality as distance from unnest(site_path($1)) with ordinality as path (id, ordinality))
select distinct on (a.service) a.id::text as id, a.service, a.letter, a.site_id::text as site_id
from waiting_area a join up on up.id = a.site_id
order by a.service, up.distance

-- name: next_count
-- The next number of the day and the next place of the line ($3: now in microseconds). Both rows stay locked until the commit, so who
-- commits first stands first; the place rises even when the clock falls.
with clock as (
    update waiting_area set last_place = greatest(last_place + 1, $3) where id = $1 returning last_place
), number as (
    insert into ticket_counter (area_id, day, last) select $1, $2, 1 from clock
    on conflict (area_id, day) do update set last = ticket_counter.last + 1
    returning last
)
select last, last_place as place from clock, number

-- name: insert_ticket
insert into ticket (area_id, day, number, endpoint_id, site_id, citizen_name, priority, taken_at, request_key, place, channel,
                    priority_group, priority_note, kiosk_id, holder_hash, from_ticket, for_person, for_person_until, home_area_id, matter)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
returning id::text

-- name: ticket_by_request
select id::text from ticket
where channel = $1 and coalesce(kiosk_id, endpoint_id) is not distinct from $2 and request_key = $3

-- name: live_ticket_of_endpoint
select t.id::text as id, t.number, a.service, t.state, t.citizen_name, t.taken_at, t.area_id::text as area_id, t.priority_group,
       t.channel, t.endpoint_id::text as endpoint_id, h.site_id::text as home_site_id,
       (select w.id::text from session w where w.ticket_id = t.id and w.state <> 'ended') as session_id,
       case when t.home_area_id is not null then n.name_zh end as moved_to_zh, case when t.home_area_id is not null then n.name_en end as moved_to_en,
       (select count(*) from ticket o
        where o.area_id = t.area_id and o.state = 'waiting' and t.state in ('waiting', 'held')
          and (o.priority, -o.place, -o.arrival) > (t.priority, -t.place, -t.arrival)) as people_ahead
from ticket t join waiting_area a on a.id = t.area_id join site n on n.id = a.site_id
left join waiting_area h on h.id = coalesce(t.home_area_id, t.area_id)
where t.endpoint_id = $1 and t.state in ('waiting', 'held', 'called', 'serving')

-- name: ticket_of_holder
-- By the personal link, whatever has become of it.
select t.id::text as id, t.number, a.service, t.state, t.citizen_name, t.taken_at, t.area_id::text as area_id, t.priority_group,
       t.channel, t.endpoint_id::text as endpoint_id, h.site_id::text as home_site_id,
       (select w.id::text from session w where w.ticket_id = t.id and w.state <> 'ended') as session_id,
       case when t.home_area_id is not null then n.name_zh end as moved_to_zh, case when t.home_area_id is not null then n.name_en end as moved_to_en,
       (select count(*) from ticket o
        where o.area_id = t.area_id and o.state = 'waiting' and t.state in ('waiting', 'held')
          and (o.priority, -o.place, -o.arrival) > (t.priority, -t.place, -t.arrival)) as people_ahead
from ticket t join waiting_area a on a.id = t.area_id join site n on n.id = a.site_id
left join waiting_area h on h.id = coalesce(t.home_area_id, t.area_id)
where t.holder_hash = $1

-- name: waiting_near_kiosk
-- Numbers whose holders sit near a kiosk and get it when they are called.
select number from ticket where kiosk_id = $1 and endpoint_id is null and state in ('waiting', 'held') order by priority desc, place, arrival

-- name: lectures_near_kiosk
-- Lectures of the kiosk's own site and of those above it that end after $2 and begin before $3; of any site where the room is open now, so that
-- this device can listen.
select v.id::text as id, v.title, coalesce(nullif(v.title_en, ''), v.title) as title_en, v.venue, s.name_zh as site_zh, s.name_en as site_en,
       lower(v.during) as starts, upper(v.during) as ends, o.is_open
from public_event v join site s on s.id = v.site_id
cross join lateral (select exists (
    select 1 from event_session x join session n on n.id = x.session_id where x.event_id = v.id and n.state <> 'ended') as is_open) o
where v.kind = 'lecture' and v.state = 'published' and v.during && tstzrange($2, $3)
  and (o.is_open or v.site_id = any (site_path((select site_id from endpoint where id = $1))))
order by o.is_open desc, lower(v.during), v.id limit 4

-- name: leave_queue
update ticket set state = 'abandoned', closed_at = $2, close_reason = 'left'
where (endpoint_id = $1 or holder_hash = $4) and state = any ($3) returning id::text, area_id::text, endpoint_id::text

-- name: tell_check
update ticket set lacks = $3 where (endpoint_id = $1 or holder_hash = $2) and state in ('waiting', 'held', 'called') and lacks <> $3
returning area_id::text as area_id

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
select t.id::text as ticket, t.area_id::text as area_id, t.number, t.citizen_name, t.priority, t.taken_at, t.state, t.priority_group,
       t.priority_note, t.channel, t.matter, t.lacks, t.skips, t.for_person::text as for_person, t.home_area_id is not null as moved_here,
       (select count(*) from hall_message m where m.ticket_id = t.id and m.sender = 'citizen') as answers,
       s.name_zh as site_name_zh, s.name_en as site_name_en, e.name_zh as endpoint_name_zh, e.name_en as endpoint_name_en
from ticket t join site s on s.id = t.site_id left join endpoint e on e.id = coalesce(t.endpoint_id, t.kiosk_id)
where t.area_id = any ($1::uuid[]) and t.state in ('waiting', 'held')
order by t.priority desc, t.place, t.arrival

-- name: call_next_ticket
-- The next waiting ticket of some lines, taken by exactly one caller: whoever comes second skips the locked row. Passed over: tickets that
-- wait for another person's appointment, and those whose kiosk somebody else is using.
update ticket set state = 'called', called_at = $3, called_by = $2, endpoint_id = coalesce(endpoint_id, kiosk_id)
where id = (
    select id from ticket t where area_id = any ($1::uuid[]) and state = 'waiting'
      and (for_person is null or for_person = $2 or for_person_until <= $3)
      and (kiosk_id is null or endpoint_id is not null or not exists (
          select from ticket o where o.endpoint_id = t.kiosk_id and o.state in ('waiting', 'held', 'called', 'serving')))
    order by priority desc, place, arrival
    limit 1 for update skip locked
)
returning id::text as id, area_id::text as area_id, number, endpoint_id::text as endpoint_id, site_id::text as site_id, citizen_name

-- name: call_this_ticket
update ticket t set state = 'called', called_at = $3, called_by = $2, endpoint_id = coalesce(endpoint_id, kiosk_id)
where id = $1 and state = 'waiting'
  and (kiosk_id is null or endpoint_id is not null or not exists (
      select from ticket o where o.endpoint_id = t.kiosk_id and o.state in ('waiting', 'held', 'called', 'serving')))
returning id::text as id, area_id::text as area_id, number, endpoint_id::text as endpoint_id, site_id::text as site_id, citizen_name

-- name: area_of_ticket
select area_id::text from ticket where id = $1

-- name: name_citizen
update ticket set citizen_name = $2 where id = $1 and state in ('waiting', 'held', 'called', 'serving')

-- name: notify
select pg_notify('laizuo', $1)

-- name: number_called_by
select number from ticket where called_by = $1 and state in ('called', 'serving') order by called_at desc limit 1

-- name: site_of_area
select site_id::text from waiting_area where id = $1

-- name: is_enrolled
select revoked_at is null from endpoint where id = $1

-- name: tell_story
insert into ticket_story (ticket_id, at, move, actor_kind, actor_id, note) values ($1, $2, $3, $4, $5, $6)
