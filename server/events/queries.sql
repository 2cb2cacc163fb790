-- name: add_session
insert into event_session (session_id, event_id, opened_at) values ($1::text::uuid, $2::text::uuid, $3)

-- name: running_session
-- The lecture's room that is open now, who leads it, and in how many rooms people listen.
select n.id::text as id, n.in_charge::text as in_charge, p.name_zh, p.name_en,
       (select count(*) from event_listener l join seat s on s.id = l.seat_id where l.session_id = n.id and s.state = 'admitted')::int as rooms
from event_session e join session n on n.id = e.session_id join person p on p.id = n.in_charge
where e.event_id = $1::text::uuid and n.state <> 'ended' order by e.opened_at desc limit 1

-- name: rooms_that_listened
-- Rooms that were ever admitted to a session of this lecture, once each.
select distinct s.name_zh as site_zh, s.name_en as site_en, n.name_zh, n.name_en
from event_session e join event_listener l on l.session_id = e.session_id join seat t on t.id = l.seat_id
join endpoint n on n.id = l.endpoint_id join site s on s.id = n.site_id
where e.event_id = $1::text::uuid and t.admitted_at is not null order by s.name_zh, n.name_zh, s.name_en, n.name_en

-- name: listener_seat
select l.seat_id::text as seat, s.state from event_listener l join seat s on s.id = l.seat_id
where l.session_id = $1::text::uuid and l.endpoint_id = $2::text::uuid

-- name: add_listener
insert into event_listener (session_id, endpoint_id, seat_id, asked_at) values ($1::text::uuid, $2::text::uuid, $3::text::uuid, $4)

-- name: endpoint_names
select n.name_zh, n.name_en, s.name_zh as site_zh from endpoint n join site s on s.id = n.site_id
where n.id = $1::text::uuid and n.revoked_at is null

-- name: person_name
select name_zh from person where id = $1::text::uuid

-- name: screening_sites
-- Where theme days are held by rule, or a screening was made before: there the month's screening is a task.
select site_id::text as id from theme_rule where retired_at is null union select site_id::text from screening_task order by id

-- name: tell_screening
-- Once, and only while it is not done.
insert into screening_task as t (site_id, month, due, told_at) values ($1::text::uuid, $2, $3, $4)
on conflict (site_id, month) do update set told_at = excluded.told_at where t.told_at is null and t.done_at is null returning 1

-- name: coordinators_of
select distinct g.person_id::text as id from role_grant g join person p on p.id = g.person_id
where g.role = 'coordinator' and p.disabled_at is null and g.site_id = any(site_path($1::text::uuid)) order by id
