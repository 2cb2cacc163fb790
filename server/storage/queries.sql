-- name: set_space
insert into storage_space (free_bytes, total_bytes, measured_at) values ($1, $2, $3)
on conflict (one) do update set free_bytes = $1, total_bytes = $2, measured_at = $3

-- name: space
select free_bytes, total_bytes, measured_at from storage_space

-- name: recording_sessions
-- Sessions that run and of which a room is recorded.
select s.procedure, s.opened_at from session s
where s.state <> 'ended' and exists (select from room r where r.session_id = s.id and r.recorded)

-- name: recorded_now
-- Rooms that are recorded, of sessions that run.
select r.session_id::text as session, r.id::text as room from room r join session s on s.id = r.session_id
where s.state <> 'ended' and r.recorded order by r.session_id, r.id

-- name: due_copy
-- The next pack without its copy that nobody copies now ($1); or this one ($2), for whoever has its claim, if it is still without.
select f.id::text as film, f.session_id::text as session, f.path
from film f join recording r on r.session_id = f.session_id left join pack_copy c on c.film_id = f.id
where f.kind = 'pack' and r.wrapped_key is not null
  and (c.film_id is null or (c.run_after <= $1 and (c.state = 'waiting' or c.pack_bytes <> f.bytes or c.stored_at < f.made_at)))
  and case when $2::uuid is not null then f.id = $2
      else not exists (select from work_claim w where w.kind = 'copy' and w.subject = f.id and w.until > $1) end
order by c.run_after nulls first, f.made_at, f.id
limit 1

-- name: begin_copy
-- The pack waits for its copy; the copy it had becomes one of before. After a kill it is due at once, as soon as the claim is over.
with before as (
    insert into pack_copy_before (film_id, name, version, stored_at, retain_until)
    select film_id, name, version, stored_at, retain_until from pack_copy where film_id = $1 and state = 'stored'
)
insert into pack_copy (film_id, pack_bytes, state, attempts, run_after)
select id, bytes, 'waiting', 1, $2 from film where id = $1
on conflict (film_id) do update set pack_bytes = excluded.pack_bytes, state = 'waiting', attempts = pack_copy.attempts + 1,
    run_after = excluded.run_after, version = null, sha256 = null, retain_until = null, stored_at = null
returning attempts

-- name: copied
update pack_copy set state = 'stored', attempts = 0, error = null, name = $2, version = $3, sha256 = $4, retain_until = $5, stored_at = $6 where film_id = $1

-- name: not_copied
update pack_copy set error = $2, run_after = $3 where film_id = $1

-- name: copies
select count(*) filter (where c.state = 'stored') as stored, count(*) filter (where c.state is distinct from 'stored') as waiting,
       max(c.stored_at) as newest, (array_agg(c.error order by c.run_after desc, c.film_id) filter (where c.state = 'waiting' and c.error is not null))[1] as error
from film f join recording r on r.session_id = f.session_id left join pack_copy c on c.film_id = f.id
where f.kind = 'pack' and r.wrapped_key is not null

-- name: copies_before
-- Older copies that nobody can take away yet, as long as their recording has its key.
select count(*) as older, max(b.retain_until) as until
from pack_copy_before b join film f on f.id = b.film_id join recording r on r.session_id = f.session_id
where b.retain_until > $1 and r.wrapped_key is not null

-- name: due_check
-- The recording that was looked at longest ago, if that is longer than $1 ago or it was made before $2 and never looked at, and nobody looks at
-- it now ($3).
select r.session_id::text as session, r.state, r.wrapped_key, c.damage
from recording r left join recording_check c on c.session_id = r.session_id
where r.state in ('ready', 'failed') and r.wrapped_key is not null
  and (c.checked_at < $1 or (c.session_id is null and r.made_at < $2))
  and not exists (select from work_claim w where w.kind = 'check' and w.subject = r.session_id and w.until > $3)
order by c.checked_at nulls first, r.made_at, r.session_id
limit 1

-- name: films_of
select path from film where session_id = $1

-- name: checked
insert into recording_check (session_id, checked_at, bytes, damage) values ($1, $2, $3, $4)
on conflict (session_id) do update set checked_at = $2, bytes = $3, damage = $4

-- name: checks
select count(*) filter (where c.session_id is not null) as checked, count(*) filter (where c.session_id is null) as never,
       count(*) filter (where cardinality(c.damage) > 0) as damaged, min(c.checked_at) as oldest, max(c.checked_at) as newest, coalesce(sum(c.bytes), 0)::bigint as bytes
from recording r left join recording_check c on c.session_id = r.session_id
where r.state in ('ready', 'failed') and r.wrapped_key is not null

-- name: last_checks
select c.session_id::text as session, c.checked_at, c.bytes, c.damage
from recording_check c order by cardinality(c.damage) > 0 desc, c.checked_at desc, c.session_id limit 20

-- name: may_tell
-- A row: it was not told since $3, and is told now.
insert into storage_told (kind, at) values ($1, $2) on conflict (kind) do update set at = $2 where storage_told.at < $3 returning kind

-- name: administrators
select distinct g.person_id::text as person from role_grant g join person p on p.id = g.person_id where g.role = 'administrator' and p.disabled_at is null
