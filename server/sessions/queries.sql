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

-- name: claim_seat
-- Two pages may come with tokens of one seat at once: the number decides which of them is the seat's line, whichever is let in first.
update seat s
set connection = s.connection + 1,
    state = case when s.state = 'invited' then 'waiting' else s.state end
from seat_token t, session n
where t.token_hash = $1 and t.kind = $2 and t.expires_at > $3 and t.seat_id = s.id
  and n.id = s.session_id and n.state <> 'ended'
  and s.state in ('invited', 'waiting', 'admitted') and s.expires_at > $3
returning s.id::text as seat, s.session_id::text as session_id, s.connection

-- name: why_not_claimed
select s.state, n.state as session_state, t.expires_at <= $2 or s.expires_at <= $2 as is_expired
from seat_token t join seat s on s.id = t.seat_id join session n on n.id = s.session_id
where t.token_hash = $1

-- name: load_session
select n.id::text, n.procedure, n.state, n.opened_at, site.name_zh as site, p.name_zh as in_charge, n.end_reason
from session n join site on site.id = n.site_id join person p on p.id = n.in_charge
where n.id = $1

-- name: load_rooms
select id::text, kind, recorded from room where session_id = $1 and closed_at is null order by opened_at, kind desc, id

-- name: load_seats
select s.id::text as seat, s.room_id::text as room, s.role, s.display_name as name, s.state, s.connection,
       coalesce(place.name_zh, case when s.person_id is not null then home.name_zh end, '') as site
from seat s
join session n on n.id = s.session_id
join site home on home.id = n.site_id
left join endpoint e on e.id = s.endpoint_id
left join site place on place.id = e.site_id
where s.session_id = $1
order by s.invited_at, s.role <> 'in_charge', s.id

-- name: recording_since
select min(at) from session_event where room_id = $1 and kind = 'recording_recording'

-- name: running_sessions
select id::text from session where state <> 'ended' order by opened_at, id

-- name: ended_among
select id::text, end_reason from session where id = any($1::uuid[]) and state = 'ended'

-- name: leader
-- Who acts: asked again inside the transaction, because a seat may have been taken away meanwhile.
select s.person_id::text
from seat s join session n on n.id = s.session_id
where s.id = $1 and s.session_id = $2 and s.role = 'in_charge' and s.state = 'admitted' and n.state <> 'ended'

-- name: admit_seat
update seat set state = 'admitted', admitted_at = $3, admitted_by = $4
where id = $1 and session_id = $2 and state = 'waiting'
returning room_id::text

-- name: send_back_seat
update seat set state = 'waiting', admitted_at = null, admitted_by = null,
       room_id = (select r.id from room r where r.session_id = $2 and r.kind = 'joint' and r.closed_at is null)
where id = $1 and session_id = $2 and state = 'admitted' and role <> 'in_charge'
returning room_id::text

-- name: turn_away_seat
-- A refusal is for who has not been in, a removal for who has; the state before decides.
update seat set state = $3, left_at = $4
where id = $1 and session_id = $2 and state = any($5::text[])
returning room_id::text

-- name: kill_tokens
update seat_token set expires_at = least(expires_at, $2) where seat_id = $1

-- name: name_seat
update seat set display_name = $3 where id = $1 and session_id = $2 and role = 'applicant' and state = 'admitted'
returning room_id::text

-- name: name_ticket
update ticket t set citizen_name = $2 from session n where n.id = $1 and n.ticket_id = t.id

-- name: lock_session
select id::text, state, ticket_id::text from session where id = $1 for update

-- name: go_live
update session set state = 'live', live_at = $2 where id = $1 and state = 'open' returning ticket_id::text

-- name: serve_ticket
update ticket set state = 'serving', served_at = $2 where id = $1 and state = 'called'
returning endpoint_id::text

-- name: end_session
update session set state = 'ended', ended_at = $2, end_reason = $3 where id = $1 and state <> 'ended'

-- name: close_rooms
update room set closed_at = $2 where session_id = $1 and closed_at is null

-- name: release_rooms
update room_owner o set until = $2 from room r where r.session_id = $1 and o.room_id = r.id and o.until is null

-- name: leave_seats
-- Frees people and devices for their next session; who never came has not left, but the link is dead all the same.
update seat set state = 'left', left_at = $2 where session_id = $1 and state in ('invited', 'waiting', 'admitted')

-- name: kill_session_tokens
update seat_token t set expires_at = least(t.expires_at, $2) from seat s where s.session_id = $1 and t.seat_id = s.id

-- name: close_ticket
update ticket set state = $2, closed_at = $3 where id = $1 and state in ('called', 'serving')
returning endpoint_id::text

-- name: joint_room
select id::text from room where session_id = $1 and kind = 'joint' and closed_at is null

-- name: sessions_led
select n.id::text, n.procedure, n.state, n.opened_at, n.live_at, n.ended_at, n.end_reason, site.name_zh, site.name_en,
       coalesce(t.number, '') as number, coalesce(a.display_name, '') as citizen_name,
       exists (select 1 from room r where r.session_id = n.id and r.recorded) as recorded
from session n
join site on site.id = n.site_id
left join ticket t on t.id = n.ticket_id
left join lateral (select display_name from seat where session_id = n.id and role = 'applicant' order by invited_at, id limit 1) a on true
where n.in_charge = $1
order by n.opened_at desc, n.id
limit $2

-- name: session_shown
select n.id::text, n.procedure, n.state, n.opened_at, n.live_at, n.ended_at, n.end_reason, site.name_zh, site.name_en,
       coalesce(t.number, '') as number, coalesce(a.display_name, '') as citizen_name,
       exists (select 1 from room r where r.session_id = n.id and r.recorded) as recorded
from session n
join site on site.id = n.site_id
left join ticket t on t.id = n.ticket_id
left join lateral (select display_name from seat where session_id = n.id and role = 'applicant' order by invited_at, id limit 1) a on true
where n.id = $1

-- name: people_shown
select id::text as seat, role, display_name as name, state, admitted_at, left_at from seat where session_id = $1
order by invited_at, role <> 'in_charge', id

-- name: events_shown
select at, kind, seat_id::text as seat, data from session_event where session_id = $1 order by at, id limit $2

-- name: open_caucus
-- One private room at a time; a second one is nobody's wish but an old page's.
insert into room (session_id, kind, recorded, opened_at)
select $1, 'caucus', false, $2 where not exists (select from room where session_id = $1 and kind = 'caucus' and closed_at is null)
returning id::text

-- name: move_seats
update seat set room_id = $3 where session_id = $1 and id = any ($2::uuid[]) and state = 'admitted'
  and exists (select from room r where r.id = $3 and r.session_id = $1 and r.closed_at is null)
returning id::text

-- name: recall_seats
update seat s set room_id = j.id from room j
where j.session_id = $1 and j.kind = 'joint' and j.closed_at is null and s.session_id = $1 and s.room_id <> j.id and s.state in ('invited', 'waiting', 'admitted')

-- name: close_caucuses
update room set closed_at = $2 where session_id = $1 and kind = 'caucus' and closed_at is null returning id::text

-- name: release_caucuses
update room_owner o set until = $2 from room r where r.session_id = $1 and r.kind = 'caucus' and o.room_id = r.id and o.until is null

-- name: recording_stopped_by
-- Why the recording of a session is not running, if it failed: the last word about it.
select data->>'cause' from session_event
where session_id = $1 and kind in ('recording_failed', 'recording_recording', 'recording_stopped')
order by id desc limit 1
