-- name: recording_key
select wrapped_key from recording where session_id = $1

-- name: insert_recording
insert into recording (session_id, wrapped_key, created_at) values ($1, $2, $3) on conflict (session_id) do nothing

-- name: recording
select r.session_id::text, r.state, r.cause, r.result, r.wrapped_key, r.created_at, j.state as job_state, j.progress, j.stage
from recording r left join job j on j.kind = 'make_films' and j.subject = r.session_id::text
where r.session_id = $1

-- name: films
-- Person by person, who leads first of those who came at once; of each, the rooms in their order.
select f.id::text, f.room_id::text, f.kind, f.seat_id::text, f.source, f.part, f.path, f.content_type, f.bytes, f.length_us, f.facts,
       s.role as seat_role, s.display_name
from film f left join seat s on s.id = f.seat_id join room o on o.id = f.room_id
where f.session_id = $1
order by f.kind = 'person', s.invited_at, s.role <> 'in_charge', s.id, o.opened_at, o.id, f.source, f.part, f.kind

-- name: film
select f.id::text, f.room_id::text, f.kind, f.seat_id::text, f.source, f.part, f.path, f.content_type, f.bytes, f.length_us, f.facts,
       s.role as seat_role, s.display_name
from film f left join seat s on s.id = f.seat_id
where f.session_id = $1 and f.id = $2

-- name: pack
select f.id::text, f.room_id::text, f.kind, f.seat_id::text, f.source, f.part, f.path, f.content_type, f.bytes, f.length_us, f.facts,
       null as seat_role, null as display_name
from film f
where f.session_id = $1 and f.kind = 'pack'
order by f.made_at desc
limit 1

-- name: save_film
insert into film (session_id, room_id, kind, seat_id, source, part, path, content_type, bytes, length_us, facts, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (session_id, room_id, kind, seat_id, source, part)
do update set path = excluded.path, content_type = excluded.content_type, bytes = excluded.bytes, length_us = excluded.length_us,
              facts = excluded.facts, made_at = excluded.made_at

-- name: resize_film
update film set bytes = $2 where id = $1

-- name: known_seats
select id::text from seat where session_id = $1

-- name: recorded_rooms
-- A room that was recorded by consent stays one after the consent was withdrawn.
select id::text from room r
where session_id = $1 and (recorded or exists (select from consent c where c.room_id = r.id and c.given))
order by opened_at, id

-- name: session_facts
select s.id::text, s.procedure, s.opened_at, s.ended_at, s.end_reason, si.slug as site
from session s join site si on si.id = s.site_id
where s.id = $1

-- name: people
select id::text, role, display_name from seat where session_id = $1 order by invited_at, role <> 'in_charge', id

-- name: finish_recording
update recording set state = $2, cause = $3, result = $4, made_at = $5 where session_id = $1 and state in ('waiting', 'failed', 'ready')

-- name: watched_lately
-- A player asks for one film in hundreds of pieces: one view is one entry.
select exists (select from audit_entry where actor_id = $1 and action = $2 and object_id = $3 and at > $4)

-- name: take_job
-- The next job that is due, or whose holder is gone. Two takers never get the same one.
update job set state = 'running', attempts = attempts + 1, leased_by = $2, leased_until = $3, error = null
where id = (
    select id from job
    where kind = $1 and ((state = 'waiting' and run_after <= $4) or (state = 'running' and leased_until < $4))
    order by run_after, id
    for update skip locked
    limit 1
)
returning id, kind, subject, attempts, leased_by

-- name: next_job_at
select min(case when state = 'waiting' then run_after else leased_until end) from job where kind = $1 and state in ('waiting', 'running')

-- name: keep_job
-- Renews the lease. No row: somebody else holds the job by now.
update job set leased_until = $3, stage = $4, progress = $5 where id = $1 and leased_by = $2 and state = 'running' returning id

-- name: finish_job
update job set state = 'done', leased_by = null, leased_until = null, stage = '', progress = 1, finished_at = $3
where id = $1 and leased_by = $2 and state = 'running'
returning id

-- name: put_off_job
-- Not a failure: what it needs is not there yet.
update job set state = 'waiting', attempts = attempts - 1, leased_by = null, leased_until = null, run_after = $3
where id = $1 and leased_by = $2 and state = 'running'
returning id

-- name: retry_job
update job set state = 'waiting', leased_by = null, leased_until = null, run_after = $3, error = $4
where id = $1 and leased_by = $2 and state = 'running'
returning id

-- name: fail_job
update job set state = 'failed', leased_by = null, leased_until = null, finished_at = $3, error = $4
where id = $1 and leased_by = $2 and state = 'running'
returning id

-- name: insert_consent
insert into consent (session_id, room_id, seat_id, purpose, given, at, statement, signature, key)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: consents
-- The newest answer of each seat.
select distinct on (seat_id, purpose) seat_id::text as seat, purpose, given, statement, signature, key
from consent where session_id = $1 order by seat_id, purpose, id desc

-- name: set_recorded
update room set recorded = $2 where id = $1

-- name: wrapped_keys
-- Locked, so that none is destroyed while it is wrapped anew.
select session_id::text as session, wrapped_key from recording where wrapped_key is not null order by session_id for update

-- name: wrap_anew
update recording set wrapped_key = $2 where session_id = $1
