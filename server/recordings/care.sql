-- name: lock
select from recording where session_id = $1 for update

-- name: kept
select s.id::text as session, s.procedure, r.state, s.ended_at, r.held_at, d.asked_by::text, d.asked_at, d.reason,
       array(select si.slug from unnest(site_path(s.site_id)) with ordinality p(id, n) join site si on si.id = p.id order by n) as site_path
from recording r join session s on s.id = r.session_id left join destruction d on d.session_id = r.session_id
where r.session_id = $1

-- name: ended_at_sites
select s.id::text as session, s.procedure, r.state, s.ended_at, r.held_at, d.asked_by::text, d.asked_at, d.reason,
       array(select si.slug from unnest(site_path(s.site_id)) with ordinality p(id, n) join site si on si.id = p.id order by n) as site_path
from recording r join session s on s.id = r.session_id left join destruction d on d.session_id = r.session_id
where s.state = 'ended' and r.state <> 'destroyed' and site_path(s.site_id) && $1::uuid[]
order by s.ended_at, s.id
limit 500

-- name: hold
update recording set held_at = $4, held_by = $2, hold_reason = $3 where session_id = $1

-- name: release
with gone as (delete from destruction where session_id = $1 and agreed_by is null)
update recording set held_at = null, held_by = null, hold_reason = null where session_id = $1

-- name: ask
insert into destruction (session_id, asked_by, reason, asked_at) values ($1, $2, $3, $4)

-- name: agree
update destruction set agreed_by = $2, agreed_at = $3, certificate = $4, signature = $5 where session_id = $1 and agreed_by is null

-- name: destroy_key
update recording set wrapped_key = null, state = 'destroyed', cause = null where session_id = $1

-- name: certificate
select certificate, signature from destruction where session_id = $1 and certificate is not null
