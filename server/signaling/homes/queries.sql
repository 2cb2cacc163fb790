-- name: renew
-- By the database's clock: the machines' clocks may differ.
insert into web_process (name, alive_until) values ($1, clock_timestamp() + $2::float8 * interval '1 second')
on conflict (name) do update set alive_until = excluded.alive_until

-- name: ours
select session_id::text from session_home where web = $1

-- name: take
-- Nobody who is alive loses a session; of two who take it at once the second finds the first alive. Who has left says so himself.
insert into session_home as h (session_id, web, epoch)
select id, $2, 1 from session where id = $1 and state <> 'ended'
on conflict (session_id) do update set web = excluded.web, epoch = h.epoch + 1
where h.web <> excluded.web
  and not exists (select from web_process p where p.name = h.web and ($3 is false or p.alive_until > clock_timestamp()))

-- name: leader
select h.web from session_home h join session s on s.id = h.session_id where h.session_id = $1 and s.state <> 'ended'

-- name: leaders
select session_id::text, web from session_home where session_id = any($1::uuid[])

-- name: homeless
select s.id::text
from session s
left join session_home h on h.session_id = s.id
left join web_process p on p.name = h.web and ($1 is false or p.alive_until > clock_timestamp())
where s.state <> 'ended' and p.name is null
order by s.opened_at, s.id

-- name: leave
delete from web_process where name = $1

-- name: forget_dead
delete from web_process where alive_until < clock_timestamp() - interval '1 hour'

-- name: forget_ended
delete from session_home h using session s where s.id = h.session_id and s.state = 'ended'
