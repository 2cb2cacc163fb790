-- name: insert_session
insert into session (procedure, site_id, ticket_id, in_charge, opened_at)
values ($1, $2, $3, $4, $5)
returning id::text

-- name: insert_room
insert into room (session_id, kind, recorded, opened_at)
values ($1, 'joint', $2, $3)
returning id::text

-- name: insert_admitted_seat
-- Both seats of a call are admitted by the call itself: that is the admit event.
insert into seat (session_id, room_id, role, person_id, endpoint_id, display_name, state, invited_at, expires_at, admitted_at, admitted_by)
values ($1, $2, $3, $4, $5, $6, 'admitted', $7, $8, $7, $9)
returning id::text

-- name: insert_invited_seat
insert into seat (session_id, room_id, role, display_name, state, invited_at, expires_at)
values ($1, $2, $3, $4, 'invited', $5, $6)
returning id::text

-- name: insert_token
insert into seat_token (token_hash, seat_id, kind, created_at, expires_at)
values ($1, $2, $3, $4, $5)

-- name: retire_tokens
-- The tokens before the newest die, but not at once: a page may be opening its line with one right now.
update seat_token set expires_at = least(expires_at, $3)
where seat_id = $1 and kind = $2

-- name: insert_event
insert into session_event (session_id, room_id, seat_id, at, kind, data)
values ($1, $2, $3, $4, $5, $6)

-- name: announce
select pg_notify('laizuo', $1)

-- name: citizen_seat
-- The live seat of the citizen whose ticket was called, at this device and no other.
select s.id::text
from seat s join session n on n.id = s.session_id
where n.ticket_id = $1 and s.endpoint_id = $2 and s.state = 'admitted' and n.state <> 'ended'
for update of s

-- name: session_of_person
select id::text, state, procedure from session where in_charge = $1 and state <> 'ended'

-- name: seat_of_person
select s.id::text
from seat s join session n on n.id = s.session_id
where s.session_id = $1 and s.person_id = $2 and s.state = 'admitted' and n.state <> 'ended'
for update of s
