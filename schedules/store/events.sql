-- Statements of schedules/store/events.py and registrations.py. Identifiers travel as text and are cast here.

-- name: load_event
select id::text, kind, site_id::text, rule_id::text, month, series_id::text, title, title_en, says, topic, lower(during) as starts, upper(during) as ends,
    venue, speakers, services, teams, materials, why::text, room_link, recording_link, capacity, taken, state, reason, revision, sequence,
    made_at, changed_at, published_at
from public_event where id = $1::text::uuid

-- name: lock_event
-- Registrations of one event come one after the other; so do its edits.
select 1 from public_event where id = $1::text::uuid for update

-- name: list_events
-- Of one site or of all, of one kind or both, that end after $3 and start before $4; drafts only where asked for.
select id::text, kind, site_id::text, rule_id::text, month, series_id::text, title, title_en, says, topic, lower(during) as starts, upper(during) as ends,
    venue, speakers, services, teams, materials, why::text, room_link, recording_link, capacity, taken, state, reason, revision, sequence,
    made_at, changed_at, published_at
from public_event
where ($1::text is null or site_id = $1::text::uuid) and ($2::text is null or kind = $2) and during && tstzrange($3, $4) and ($5 or state <> 'draft')
order by lower(during), id limit 2000

-- name: add_event
insert into public_event (id, kind, site_id, rule_id, month, series_id, title, title_en, says, topic, during, venue, speakers, services, teams, materials,
    why, room_link, recording_link, capacity, state, made_at, changed_at)
values ($1::text::uuid, $2, $3::text::uuid, $4::text::uuid, $5, $6::text::uuid, $7, $8, $9, $10, tstzrange($11, $12), $13, $14, $15, $16, $17,
    $18::text::jsonb, $19, $20, $21, 'draft', $22, $22)
on conflict do nothing returning id::text

-- name: save_event
-- One row if the caller saw the present revision, none if somebody else was faster.
update public_event set site_id = $3::text::uuid, title = $4, title_en = $5, says = $6, topic = $7, during = tstzrange($8, $9), venue = $10, speakers = $11,
    services = $12, teams = $13, materials = $14, why = $15::text::jsonb, room_link = $16, recording_link = $17, capacity = $18, state = $19, reason = $20,
    revision = $21, sequence = $22, changed_at = $23, published_at = $24
where id = $1::text::uuid and revision = $2 returning 1

-- name: remove_draft
delete from public_event where id = $1::text::uuid and state = 'draft' and revision = $2 returning 1

-- name: add_rule
insert into theme_rule (id, site_id, kind, nth, weekday, day, on_date, holiday, starts, ends, title, title_en, says, services, teams, materials, first_month, made_at, made_by)
values ($1::text::uuid, $2::text::uuid, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19::text::uuid)

-- name: list_rules
select id::text, site_id::text, kind, nth, weekday, day, on_date, holiday, starts, ends, title, title_en, says, services, teams, materials, first_month
from theme_rule where site_id = $1::text::uuid and retired_at is null order by made_at, id

-- name: retire_rule
update theme_rule set retired_at = $3 where id = $2::text::uuid and site_id = $1::text::uuid and retired_at is null returning id::text

-- name: add_series
insert into lecture_series (id, year, title, title_en, site_id, topics, made_at) values ($1::text::uuid, $2, $3, $4, $5::text::uuid, $6, $7)

-- name: add_quota
insert into lecture_quota (series_id, site_id, quota) values ($1::text::uuid, $2::text::uuid, $3)

-- name: list_series
-- Series that this site runs, or that it owes lectures to.
select s.id::text, s.year, s.title, s.title_en, s.site_id::text, s.topics from lecture_series s
where s.site_id = $1::text::uuid or exists (select from lecture_quota q where q.series_id = s.id and q.site_id = $1::text::uuid)
order by s.year desc, s.title, s.id

-- name: load_quotas
select site_id::text, quota from lecture_quota where series_id = $1::text::uuid

-- name: series_lectures
select site_id::text, topic, lower(during) as starts, upper(during) as ends, state = 'cancelled' as cancelled
from public_event where series_id = $1::text::uuid and state <> 'draft' order by lower(during), id

-- name: add_registration
insert into registration (id, event_id, name, phone, language, token_hash, request_key, state, made_at, mail)
values ($1::text::uuid, $2::text::uuid, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: find_request
select id::text from registration where event_id = $1::text::uuid and request_key = $2

-- name: find_registration
select r.id::text, r.event_id::text, r.arrival, r.name, r.phone, r.mail, r.language, r.state, r.made_at, r.moved_up_at, r.attended_at, r.rating, r.feedback
from registration r where r.token_hash = $1

-- name: load_registration
select r.id::text, r.event_id::text, r.arrival, r.name, r.phone, r.mail, r.language, r.state, r.made_at, r.moved_up_at, r.attended_at, r.rating, r.feedback
from registration r where r.id = $1::text::uuid

-- name: list_registrations
select r.id::text, r.event_id::text, r.arrival, r.name, r.phone, r.mail, r.language, r.state, r.made_at, r.moved_up_at, r.attended_at, r.rating, r.feedback
from registration r where r.event_id = $1::text::uuid order by r.arrival

-- name: cancel_registration
update registration set state = 'cancelled', cancelled_at = $2 where id = $1::text::uuid and state in ('registered', 'waiting') returning 1

-- name: waiting_before
select count(*) from registration where event_id = $1::text::uuid and state = 'waiting' and arrival < $2

-- name: move_up
-- Who waits longest takes each free seat. The caller holds the event's row.
update registration set state = 'registered', moved_up_at = $2
where id in (
    select r.id from registration r where r.event_id = $1::text::uuid and r.state = 'waiting' order by r.arrival
    limit (select case when e.state = 'published' and upper(e.during) > $2 then greatest(0, e.capacity - e.taken) else 0 end from public_event e where e.id = $1::text::uuid)
) returning id::text, phone, mail, language

-- name: check_in
update registration set state = 'attended', attended_at = $2 where id = $1::text::uuid and state = 'registered' returning 1

-- name: give_feedback
update registration set rating = $2, feedback = $3 where id = $1::text::uuid and state = 'attended' returning 1

-- name: forget_registrations
-- Names and phones are needed until the event is over; two weeks later nobody needs them.
update registration r set name = '', phone = '', mail = '', forgotten_at = $1 from public_event e
where e.id = r.event_id and r.forgotten_at is null and upper(e.during) < $2 returning 1

-- name: save_screening
insert into screening_task (site_id, month, due, sources, needs, plan, event_id, done_at, done_by)
values ($1::text::uuid, $2, $3, $4::text::jsonb, $5, $6, $7::text::uuid, $8, $9::text::uuid)
on conflict (site_id, month) do update set sources = excluded.sources, needs = excluded.needs, plan = excluded.plan, event_id = excluded.event_id,
    done_at = excluded.done_at, done_by = excluded.done_by
where screening_task.done_at is null returning 1

-- name: list_screenings
select month, due, sources::text, needs, plan, event_id::text, done_at from screening_task where site_id = $1::text::uuid order by month desc limit $2
