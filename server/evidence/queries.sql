-- name: session_about
select s.procedure, s.opened_at, s.ended_at, coalesce(s.end_reason, '') as end_reason, si.name_zh, si.name_en, coalesce(t.number, '') as number
from session s join site si on si.id = s.site_id left join ticket t on t.id = s.ticket_id
where s.id = $1

-- name: rooms_written
-- Rooms whose journal is being written, or was until a moment ago, with the last block that was noticed.
select r.id::text as room, r.session_id::text as session,
       (select max(block) from anchor a where a.room_id = r.id and a.kind = 'head') as block,
       (select max(noticed_at) from anchor a where a.room_id = r.id and a.kind = 'head') as noticed_at
from room r join recording n on n.session_id = r.session_id
where r.recorded and n.state in ('recording', 'waiting', 'making')

-- name: notice
insert into anchor (session_id, room_id, kind, block, imprint, noticed_at, run_after) values ($1, $2, $3, $4, $5, $6, $6)
on conflict (room_id, kind, block, imprint) do nothing

-- name: one_notices
-- Held to the end of the transaction: web processes notice the heads of a room one after the other.
select pg_advisory_xact_lock(hashtext('head'), hashtext($1))

-- name: notice_head
-- Unless a head of this room was noticed since $6, which another web process may have done a moment ago.
insert into anchor (session_id, room_id, kind, block, imprint, noticed_at, run_after)
select $1, $2::uuid, 'head', $3, $4, $5, $5
where not exists (select from anchor a where a.room_id = $2::uuid and a.kind = 'head' and a.noticed_at > $6)
on conflict (room_id, kind, block, imprint) do nothing

-- name: take_due
-- The next that waits for its stamp. Until $2 it is ours; then another web process may ask for it.
update anchor set run_after = $2 where id = (
    select id from anchor where token is null and run_after <= $1 order by kind = 'access', kind, run_after, id limit 1 for update skip locked
) returning id, session_id::text as session, room_id::text as room, kind, block, imprint, attempts

-- name: stamped
update anchor set token = $2, authority = $3, stamped_at = $4, error = null where id = $1 and token is null returning id

-- name: put_off
update anchor set attempts = attempts + 1, error = $2, run_after = $3 where id = $1 and token is null

-- name: anchors
select session_id::text as session, room_id::text as room, block, imprint, token from anchor
where session_id = $1 and kind = 'head' and token is not null order by room_id, block

-- name: packed
update anchor set packed_at = $2 where session_id = $1 and kind <> 'access' and token is not null and packed_at is null and stamped_at <= $2

-- name: sessions_with_late
-- Stamps that came after the pack was made.
select distinct a.session_id::text as session from anchor a join recording n on n.session_id = a.session_id
where a.token is not null and a.packed_at is null and a.kind <> 'access' and n.state = 'ready'

-- name: late
select session_id::text as session, room_id::text as room, kind, block, imprint, token from anchor
where session_id = $1 and kind <> 'access' and token is not null and packed_at is null order by id

-- name: last_access
-- The newest entry of an access journal that was stamped: it holds all before it.
select block, token from anchor where session_id = $1 and kind = 'access' and token is not null order by block desc limit 1

-- name: accesses
-- Access journals of all recordings, each in its order.
select session_id::text as session, line, head from access_entry order by session_id, n

-- name: access_stamps
select session_id::text as session, block, token from anchor where kind = 'access' and token is not null order by session_id, block, id
