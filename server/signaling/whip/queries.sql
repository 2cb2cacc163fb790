-- name: keep
insert into whip_resource (id, kind, token_hash, seat_id, connection, revision, offer, sources, etag)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (id) do update set revision = excluded.revision, offer = excluded.offer, etag = excluded.etag

-- name: forget
-- Not where another process went on with it meanwhile.
delete from whip_resource where id = $1 and connection = $2

-- name: kept
select id from whip_resource order by id

-- name: claim
-- As coming back does (claim_seat): the number rises, unless another line of the seat came in between.
with line as (
    update seat s
    set connection = s.connection + 1
    from whip_resource w, session n
    where w.id = $1 and s.id = w.seat_id and s.connection = w.connection
      and n.id = s.session_id and n.state <> 'ended' and s.state = 'admitted' and s.expires_at > $2
    returning s.id, s.session_id, s.connection
)
update whip_resource w
set connection = line.connection
from line
where w.id = $1
returning w.kind, w.token_hash as token, line.id::text as seat, line.session_id::text as session_id, w.connection, w.revision,
    w.offer, w.sources::text, w.etag

-- name: forget_stale
-- Which nobody can go on with: the seat has another line, left the room, or its session is over.
delete from whip_resource w
using seat s, session n
where s.id = w.seat_id and n.id = s.session_id
  and (s.connection <> w.connection or s.state <> 'admitted' or n.state = 'ended' or s.expires_at <= $1)
