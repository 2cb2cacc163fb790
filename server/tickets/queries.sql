-- name: ticket_facts
select t.id::text as id, t.area_id::text as area_id, t.number, t.state, t.called_by::text as called_by, t.endpoint_id::text as endpoint_id,
       t.kiosk_id::text as kiosk_id, t.citizen_name, t.priority, t.priority_group, t.priority_note, t.channel, t.skips, t.taken_at,
       a.service, a.site_id::text as area_site_id, site_path(a.site_id)::text[] as area_path, site_path(t.site_id)::text[] as citizen_path,
       s.name_zh as site_name_zh, s.name_en as site_name_en, t.matter
from ticket t join waiting_area a on a.id = t.area_id join site s on s.id = t.site_id where t.id = $1

-- name: move_ticket
-- One move of core.TRANSITIONS: it happens only from a state that the table allows ($3). Back in line, a ticket has not been called; one
-- whose holder only sits near a kiosk gives the kiosk free.
update ticket set state = $2,
    called_at = case when $2 = 'waiting' then null else called_at end,
    called_by = case when $2 = 'waiting' then null else called_by end,
    served_at = case when $2 = 'waiting' then null else served_at end,
    endpoint_id = case when $2 = 'waiting' and kiosk_id is not null then null else endpoint_id end,
    closed_at = case when $2 in ('transferred', 'abandoned') then $4::timestamptz end
where id = $1 and state = any ($3)
returning area_id::text as area_id, coalesce(endpoint_id, kiosk_id)::text as endpoint_id

-- name: skip_ticket
-- Behind the next $2 of its own priority who wait now; the last of them may be fewer places away.
with mine as (
    select area_id, priority, place, arrival from ticket where id = $1
), others as (
    select o.place from ticket o, mine m
    where o.area_id = m.area_id and o.state = 'waiting' and o.priority = m.priority and (o.place, o.arrival) > (m.place, m.arrival)
    order by o.place, o.arrival limit $2
)
update ticket set skips = skips + 1, place = coalesce((select max(place) + 1 from others), place)
where id = $1 and state = any ($3)
returning area_id::text as area_id, coalesce(endpoint_id, kiosk_id)::text as endpoint_id

-- name: part_with
-- What goes on with a transferred ticket to its successor; the personal link opens one of them only.
select t.place, t.priority, t.priority_group, t.priority_note, t.citizen_name, t.site_id::text as site_id, t.endpoint_id::text as endpoint_id,
       t.kiosk_id::text as kiosk_id, t.holder_hash, t.channel, t.matter
from ticket t where t.id = $1 for update

-- name: drop_link
update ticket set holder_hash = null where id = $1

-- name: session_of_ticket
select id::text as id, in_charge::text as in_charge from session where ticket_id = $1 and state <> 'ended' for update

-- name: story
-- Of this ticket and of those it came from, oldest first.
with recursive chain (id, depth) as (
    select id, 0 from ticket where id = $1
    union all
    select t.from_ticket, chain.depth + 1 from ticket t join chain on t.id = chain.id where t.from_ticket is not null and chain.depth < 20
)
select e.at, e.move, e.note, t.number, coalesce(p.name_zh, '') as by_zh, coalesce(p.name_en, '') as by_en
from ticket_story e join chain c on c.id = e.ticket_id join ticket t on t.id = e.ticket_id
left join person p on e.actor_kind = 'person' and p.id::text = e.actor_id
order by e.id

-- name: targets
-- All lines of the same city that one may move somebody to.
select a.id::text as id, a.site_id::text as site_id, a.service, a.letter, s.name_zh as site_name_zh, s.name_en as site_name_en
from waiting_area a join site s on s.id = a.site_id
where (site_path(a.site_id))[cardinality(site_path(a.site_id))] = any ($1::uuid[])
order by s.slug, a.service

-- name: roots_of
select distinct (site_path(id))[cardinality(site_path(id))]::text as root from unnest($1::uuid[]) as t (id)

-- name: area
select a.id::text as id, a.service, a.letter, a.site_id::text as site_id from waiting_area a where a.id = $1

-- name: write_message
insert into hall_message (ticket_id, at, sender, person_id, code, text) values ($1, $2, $3, $4, $5, $6) returning id

-- name: messages
select m.id, m.at, m.sender, m.code, m.text, coalesce(p.name_zh, '') as by_zh, coalesce(p.name_en, '') as by_en
from hall_message m left join person p on p.id = m.person_id where m.ticket_id = $1 order by m.id desc limit $2

-- name: live_of_endpoint
select id::text from ticket where endpoint_id = $1 and state in ('waiting', 'held', 'called', 'serving')

-- name: live_of_holder
select id::text from ticket where holder_hash = $1 and state in ('waiting', 'held', 'called', 'serving')

-- name: applicant_seat
select s.id::text from seat s join session n on n.id = s.session_id
where n.ticket_id = $1 and n.state <> 'ended' and s.role = 'applicant' and s.state = 'admitted' for update of s

-- name: site_of_slug
select id::text from site where slug = $1

-- name: endpoint_site
select site_id::text from endpoint where id = $1 and revoked_at is null

-- name: alerts_of
select h.id, h.level, h.area_id::text as area_id, h.raised_at, t.id::text as ticket, t.number, t.taken_at
from hall_alert h join ticket t on t.id = h.ticket_id
where h.taken_by is null and t.state = 'waiting' and t.area_id = h.area_id
  and ($1 = any (h.people) or (h.people = '{}' and h.area_id = any ($2::uuid[])))
order by h.level desc, h.raised_at, h.id

-- name: take_alert
update hall_alert set taken_by = $2, taken_at = $3
where id = $1 and taken_by is null and ($2 = any (people) or (people = '{}' and area_id = any ($4::uuid[]))) returning area_id::text

-- name: try_round
select pg_try_advisory_xact_lock(1214344812)

-- name: overflow
-- Who has waited long enough in a line from which nobody calls and nobody serves may be called by another line.
update ticket t set home_area_id = coalesce(t.home_area_id, t.area_id), area_id = a.overflow_area_id, line_since = $1::timestamptz
from waiting_area a
where a.id = t.area_id and t.state = any ($2) and a.overflow_area_id is not null
  and coalesce(t.line_since, t.taken_at) <= $1::timestamptz - make_interval(secs => a.overflow_after_s)
  and not exists (select from ticket c where c.area_id = a.id
                  and (c.state in ('called', 'serving') or c.called_at > $1::timestamptz - make_interval(secs => a.overflow_after_s)))
returning t.id::text as id, a.id::text as from_area, t.area_id::text as area_id, coalesce(t.endpoint_id, t.kiosk_id)::text as endpoint_id

-- name: raise_first
-- Level 1, those on duty: the oldest of a line that nobody has called from for alert_after_s.
insert into hall_alert (ticket_id, area_id, level, people, raised_at)
select distinct on (t.area_id) t.id, t.area_id, 1,
       coalesce((select array_agg(distinct c.person_id) from duty_current c
                 where c.site_id = a.site_id and c.service = a.service and c.during @> $1::timestamptz), '{}'), $1
from ticket t join waiting_area a on a.id = t.area_id
where t.state = 'waiting' and coalesce(t.line_since, t.taken_at) <= $1::timestamptz - make_interval(secs => a.alert_after_s)
  and not exists (select from ticket c where c.area_id = a.id and c.called_at > $1::timestamptz - make_interval(secs => a.alert_after_s))
order by t.area_id, t.priority desc, t.place, t.arrival
on conflict (ticket_id, area_id, level) do nothing
returning id, ticket_id::text as ticket_id, area_id::text as area_id, level, people::text[] as people

-- name: raise_next
-- Level 2, the next on duty: nobody took the first alert and nobody has called for alert_next_after_s.
insert into hall_alert (ticket_id, area_id, level, people, raised_at)
select t.id, t.area_id, 2, coalesce((
    select array_agg(distinct c.person_id) from duty_current c
    where c.site_id = a.site_id and c.service = a.service and lower(c.during) = (
        select min(lower(n.during)) from duty_current n where n.site_id = a.site_id and n.service = a.service and lower(n.during) > $1::timestamptz)
), '{}'), $1
from hall_alert h join ticket t on t.id = h.ticket_id and t.area_id = h.area_id join waiting_area a on a.id = t.area_id
where h.level = 1 and h.taken_by is null and t.state = 'waiting'
  and coalesce(t.line_since, t.taken_at) <= $1::timestamptz - make_interval(secs => a.alert_next_after_s)
  and not exists (select from ticket c where c.area_id = a.id and c.called_at > $1::timestamptz - make_interval(secs => a.alert_next_after_s))
on conflict (ticket_id, area_id, level) do nothing
returning id, ticket_id::text as ticket_id, area_id::text as area_id, level, people::text[] as people

-- name: unanswered
-- Called, and the caller never came into the room: their page, their machine or they themselves are gone.
select t.id::text as ticket, n.id::text as session
from ticket t join waiting_area a on a.id = t.area_id join session n on n.ticket_id = t.id and n.state = 'open'
join seat s on s.session_id = n.id and s.role = 'in_charge'
where t.state = 'called' and s.connection = 0 and t.called_at <= $1::timestamptz - make_interval(secs => a.return_after_s)

-- name: end_day
update ticket t set state = 'abandoned', closed_at = $1::timestamptz, close_reason = 'day_over'
from waiting_area a
where a.id = t.area_id and not a.keeps_overnight and t.state = any ($2) and t.day < $3::date and t.taken_at <= $4::timestamptz
returning t.id::text as id, t.area_id::text as area_id, coalesce(t.endpoint_id, t.kiosk_id)::text as endpoint_id

-- name: block_of
insert into number_block (endpoint_id, area_id, day, first, last, issued_at)
select $1, $2, $3, coalesce(max(last) + 1, $4), coalesce(max(last) + 1, $4) + $5 - 1, $6 from number_block where area_id = $2 and day = $3
on conflict (endpoint_id, area_id, day) do nothing

-- name: block
select id::text as id, endpoint_id::text as endpoint_id, area_id::text as area_id, day, first, last, issued_at
from number_block where endpoint_id = $1 and area_id = $2 and day = $3

-- name: block_by_id
select id::text as id, endpoint_id::text as endpoint_id, area_id::text as area_id, day, first, last, issued_at
from number_block where id = $1 and endpoint_id = $2 for update

-- name: lock_line
select from waiting_area where id = $1 for no key update

-- name: line_of_area
select id::text as id, service, letter, site_id::text as site_id from waiting_area where id = $1

-- name: numbers_taken
select number, id::text as id from ticket where coalesce(home_area_id, area_id) = $1 and day = $2 and number = any ($3)

-- name: keep_portrait
-- Of the ticket the device holds now, and of no other.
insert into ticket_portrait (ticket_id, picture, agreed_at, agreed_words)
select id, $3, $4, $5 from ticket where id = $1 and endpoint_id = $2 and state in ('waiting', 'held', 'called')
on conflict (ticket_id) do update set picture = excluded.picture, agreed_at = excluded.agreed_at, agreed_words = excluded.agreed_words
returning ticket_id

-- name: drop_portrait
delete from ticket_portrait p using ticket t where p.ticket_id = $1 and t.id = p.ticket_id and t.endpoint_id = $2 returning t.id

-- name: portrait
select picture from ticket_portrait where ticket_id = $1

-- name: has_portrait
select exists (select from ticket_portrait where ticket_id = $1)

-- name: forget_portraits
delete from ticket_portrait p using ticket t where t.id = p.ticket_id and t.closed_at < $1

-- name: sites_to_sit
select distinct s.id::text as id, s.name_zh, s.name_en from site s
where s.id in (select site_subtree(g) from unnest($1::uuid[]) as t (g)) order by s.name_zh, id

-- name: here
-- Live tickets of people who sit at these sites.
select t.id::text as id, t.number, a.service, t.state, t.citizen_name, coalesce(e.name_zh, '') as endpoint_zh,
       coalesce(e.name_en, '') as endpoint_en, t.taken_at,
       (select n.id::text from session n where n.ticket_id = t.id and n.state <> 'ended') as session
from ticket t join waiting_area a on a.id = t.area_id left join endpoint e on e.id = coalesce(t.endpoint_id, t.kiosk_id)
where site_path(t.site_id) && $1::uuid[] and t.state in ('waiting', 'held', 'called', 'serving')
order by t.taken_at, t.id limit 100

-- name: session_beside
-- A running session whose citizen sits at one of these sites, its joint room, and the seat one has in it already.
select r.id::text as room,
       (select s.id::text from seat s where s.session_id = n.id and s.person_id = $3 and s.state in ('invited', 'waiting', 'admitted')) as seat
from session n join ticket t on t.id = n.ticket_id join room r on r.session_id = n.id and r.kind = 'joint' and r.closed_at is null
where n.id = $1 and n.state <> 'ended' and site_path(t.site_id) && $2::uuid[]

-- name: seat_beside
insert into seat (session_id, room_id, role, person_id, display_name, state, invited_at, expires_at)
select $1, $2, $3, $4, p.name_zh, 'invited', $5, $6 from person p where p.id = $4
returning id::text
