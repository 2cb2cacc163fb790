-- name: lock_room
-- One taker at a time. A room that has been closed is owned by nobody any more.
select id from room where id = $1 and closed_at is null for update

-- name: release_room
update room_owner set until = $2 where room_id = $1 and until is null

-- name: take_room
-- The epoch only rises: it is the fencing number of media/CONTROL.md.
insert into room_owner (room_id, epoch, worker, incarnation, since)
select $1, coalesce(max(epoch), 0) + 1, $2, $3, $4 from room_owner where room_id = $1
returning epoch

-- name: current_owners
-- Every room of a running session, with its current owner if it has one.
select r.id::text as room_id, o.worker, o.incarnation, o.epoch
from room r
join session s on s.id = r.session_id
left join room_owner o on o.room_id = r.id and o.until is null
where s.state <> 'ended' and r.closed_at is null
order by r.opened_at, r.id

-- name: owner_of
select worker, incarnation, epoch from room_owner where room_id = $1 and until is null
