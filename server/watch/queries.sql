-- name: raise_help
-- Pressing twice is one call.
insert into help_call (endpoint_id, ticket_id, kind, raised_at)
values ($1, (select id from ticket where endpoint_id = $1 and state in ('waiting', 'held', 'called', 'serving')), $2, $3)
on conflict (endpoint_id, kind) where taken_at is null do update set raised_at = help_call.raised_at
returning id

-- name: newest_help
select h.id, h.kind, h.raised_at, h.taken_at, coalesce(p.name_zh, '') as by_zh, coalesce(p.name_en, '') as by_en
from help_call h left join person p on p.id = h.taken_by
where h.endpoint_id = $1 and h.raised_at > $2 order by h.id desc limit 1


-- name: open_help
select h.id, h.kind, h.raised_at, e.name_zh as endpoint_zh, e.name_en as endpoint_en, s.name_zh as site_zh, s.name_en as site_en,
       coalesce(t.number, '') as number
from help_call h join endpoint e on e.id = h.endpoint_id join site s on s.id = e.site_id left join ticket t on t.id = h.ticket_id
where h.taken_at is null and h.raised_at > $2 and site_path(s.id) && $1::uuid[]
order by h.id

-- name: take_help
update help_call h set taken_by = $2, taken_at = $3 from endpoint e
where h.id = $1 and h.taken_at is null and e.id = h.endpoint_id and site_path(e.site_id) && $4::uuid[]
returning h.endpoint_id::text

-- name: running_of_sites
-- Of the sites that serve, and of those where the citizen sits.
select n.id::text as id, n.state, n.procedure, n.opened_at, n.in_charge::text as in_charge, coalesce(t.number, '') as number,
       coalesce(t.id::text, '') as ticket, coalesce(t.matter, '') as matter,
       t.kiosk_id is not null and t.endpoint_id is null as is_gone,
       p.name_zh as led_zh, p.name_en as led_en, s.name_zh as site_zh, s.name_en as site_en
from session n join person p on p.id = n.in_charge left join ticket t on t.id = n.ticket_id
join site s on s.id = coalesce(t.site_id, n.site_id)
where n.state <> 'ended' and (site_path(n.site_id) && $1::uuid[] or site_path(s.id) && $1::uuid[])
order by n.opened_at, n.id

-- name: seats_of
select s.session_id::text as session_id, s.id::text as seat, s.role, s.display_name as name, s.state
from seat s where s.session_id = any ($1::uuid[]) and s.state in ('waiting', 'admitted') order by s.invited_at, s.role <> 'in_charge', s.id

-- name: taken
select w.session_id::text as session_id, w.kind, w.seat_id::text as seat, p.name_zh as by_zh, p.name_en as by_en
from watch_taken w join person p on p.id = w.taken_by where w.session_id = any ($1::uuid[])

-- name: take_over
insert into watch_taken (session_id, kind, seat_id, taken_by, taken_at) values ($1, $2, $3, $4, $5)
on conflict (session_id, kind, seat_id) do update set taken_by = excluded.taken_by, taken_at = excluded.taken_at

-- name: may_watch
select site_path(n.site_id) && $2::uuid[] or coalesce(site_path(t.site_id) && $2::uuid[], false)
from session n left join ticket t on t.id = n.ticket_id where n.id = $1 and n.state <> 'ended'

-- name: colleagues
-- Who serves at one's sites, and what they are doing.
select distinct p.id::text as id, p.name_zh, p.name_en, a.since is not null as is_away,
       exists (select 1 from session n where n.in_charge = p.id and n.state <> 'ended') as is_in_room
from person p join role_grant g on g.person_id = p.id left join staff_away a on a.person_id = p.id
where p.disabled_at is null and g.role in ('notary', 'mediator', 'lawyer') and site_path(g.site_id) && $1::uuid[]
order by p.name_en, id

-- name: go_away
insert into staff_away (person_id, since) values ($1, $2) on conflict (person_id) do nothing

-- name: come_back
delete from staff_away where person_id = $1

-- name: is_away
select exists (select 1 from staff_away where person_id = $1)

-- name: duty_of
-- Today's shifts and the next one of somebody, as published.
select c.service, c.role, lower(c.during) as starts, upper(c.during) as ends, s.name_zh as site_zh, s.name_en as site_en
from duty_current c join site s on s.id = c.site_id
where c.person_id = $1 and upper(c.during) > $2 order by lower(c.during), c.service, c.slot_key, c.post limit 4

-- name: live_at_device
select id::text as id, state, area_id::text as area_id from ticket
where endpoint_id = $1 and state in ('waiting', 'held', 'called', 'serving') for update

-- name: free_device
-- The session goes on without the device; put back into the line, the ticket is called to this kiosk again when it is free.
update ticket set kiosk_id = coalesce(kiosk_id, endpoint_id), endpoint_id = null where id = $1

-- name: free_seat
update seat s set endpoint_id = null from session n
where n.id = s.session_id and n.ticket_id = $1 and n.state <> 'ended' and s.endpoint_id = $2 and s.state in ('waiting', 'admitted')
returning s.id::text as seat, s.session_id::text as session_id, s.room_id::text as room_id
