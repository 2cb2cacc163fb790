-- name: recording
-- Locked: entries of one recording are numbered one after the other.
select s.procedure, s.in_charge::text, r.state from recording r join session s on s.id = r.session_id where r.session_id = $1 for update of r

-- name: is_open
select exists (select from viewing where session_id = $1 and asked_by = $2 and open_until > $3)

-- name: pending
select id::text, open_until from viewing
where session_id = $1 and asked_by = $2 and (open_until > $3 or (needs_second and answered_by is null))
order by asked_at desc limit 1

-- name: insert
insert into viewing (session_id, asked_by, asked_at, reason, needs_second, open_until) values ($1, $2, $3, $4, $5, $6) returning id::text

-- name: viewing
select id::text, session_id::text, asked_by::text, reason, needs_second, answered_by::text from viewing where id = $1 for update

-- name: answer
update viewing set answered_by = $2, answered_at = $3, open_until = $4 where id = $1

-- name: last_entry
select n, head from access_entry where session_id = $1 order by n desc limit 1

-- name: insert_entry
insert into access_entry (session_id, n, line, head) values ($1, $2, $3, $4)

-- name: entries
select line, head from access_entry where session_id = $1 order by n

-- name: names
select id::text, name_zh, name_en from person where id = any($1::uuid[])

-- name: listed
-- The newest first; of a recording's people nothing but who led.
select s.id::text as session, s.procedure, coalesce(t.number, '') as number, s.in_charge::text, p.name_zh as led_zh, p.name_en as led_en, si.name_zh, si.name_en,
       s.opened_at, s.ended_at, r.state, r.held_at, r.hold_reason, d.asked_by::text, d.asked_at, d.reason,
       site_path(s.site_id)::text[] as sites,
       array(select o.slug from unnest(site_path(s.site_id)) with ordinality w(id, n) join site o on o.id = w.id order by n) as site_path,
       exists (select from viewing v where v.session_id = s.id and v.asked_by = $2 and v.open_until > $3) as is_open,
       exists (select from viewing v where v.session_id = s.id and v.asked_by = $2 and v.needs_second and v.answered_by is null) as is_asked,
       (select count(*) from access_entry a where a.session_id = s.id) as accesses
from recording r join session s on s.id = r.session_id join site si on si.id = s.site_id join person p on p.id = s.in_charge
left join destruction d on d.session_id = r.session_id left join ticket t on t.id = s.ticket_id
where site_path(s.site_id) && $1::uuid[]
order by s.opened_at desc, s.id
limit 300

-- name: requests
select v.id::text, v.session_id::text as session, v.asked_by::text, v.asked_at, v.reason, p.name_zh as by_zh, p.name_en as by_en,
       coalesce(t.number, '') as number, s.procedure, s.in_charge::text, site_path(s.site_id)::text[] as sites
from viewing v join session s on s.id = v.session_id join person p on p.id = v.asked_by left join ticket t on t.id = s.ticket_id
where v.needs_second and v.answered_by is null and site_path(s.site_id) && $1::uuid[]
order by v.asked_at, v.id
limit 100

-- name: made
select state, (result->>'start_wall_us')::bigint as start_us from recording where session_id = $1

-- name: is_seat
select exists (select from seat where id = $1 and session_id = $2)

-- name: hide
insert into hidden_part (session_id, from_us, to_us, seat_id, source, cause, hidden_by, hidden_at) values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: zones
select from_us, to_us, seat_id::text as seat, source, cause from hidden_part where session_id = $1 order by id

-- name: make_again
update recording set state = 'waiting', cause = null where session_id = $1 and state in ('ready', 'failed')

-- name: make_again_job
with again as (
    insert into job (kind, subject, run_after, created_at) values ('make_films', $1::uuid::text, $2, $2)
    on conflict (kind, subject) do update
    set state = 'waiting', run_after = excluded.run_after, attempts = 0, leased_by = null, leased_until = null, stage = '', progress = 0, error = null, finished_at = null
    returning subject
)
select pg_notify('laizuo', json_build_object('kind', 'job', 'subject', subject)::text) from again
