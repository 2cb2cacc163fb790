-- name: set_space
insert into storage_space (free_bytes, total_bytes, measured_at) values ($1, $2, $3)
on conflict (one) do update set free_bytes = $1, total_bytes = $2, measured_at = $3

-- name: space
select free_bytes, total_bytes, measured_at from storage_space

-- name: recording_sessions
-- Sessions that run and of which a room is recorded.
select s.procedure, s.opened_at from session s
where s.state <> 'ended' and exists (select from room r where r.session_id = s.id and r.recorded)
