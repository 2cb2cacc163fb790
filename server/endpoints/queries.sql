-- name: insert_endpoint
insert into endpoint (site_id, kind, name_zh, name_en, enrol_hash, enrol_expires) values ($1, $2, $3, $4, $5, $6) returning id::text

-- name: renew_code
update endpoint set enrol_hash = $2, enrol_expires = $3 where id = $1 and revoked_at is null

-- name: enrol
-- The code is spent by the statement that accepts it: two browsers with one code cannot both win.
update endpoint set token_hash = $2, enrol_hash = null, enrol_expires = null, enrolled_at = $3
where enrol_hash = $1 and enrol_expires > $3 and revoked_at is null
returning id::text

-- name: revoke
update endpoint set token_hash = null, enrol_hash = null, revoked_at = $2 where id = $1 and revoked_at is null

-- name: seen
update endpoint set last_seen_at = $2 where id = $1 and (last_seen_at is null or last_seen_at < $2::timestamptz - interval '20 seconds')

-- name: site_of
select site_id::text from endpoint where id = $1

-- name: endpoint
select e.id::text as id, e.site_id::text as site_id, e.kind, e.name_zh, e.name_en, s.slug as site_slug, s.name_zh as site_name_zh,
       s.name_en as site_name_en, e.card_reader
from endpoint e join site s on s.id = e.site_id where e.id = $1

-- name: set_card_reader
update endpoint set card_reader = $2 where id = $1 and revoked_at is null

-- name: endpoints_below
select e.id::text as id, e.site_id::text as site_id, e.kind, e.name_zh, e.name_en, s.slug as site_slug, s.name_zh as site_name_zh,
       s.name_en as site_name_en, e.card_reader, e.enrolled_at, e.revoked_at, e.last_seen_at
from endpoint e join site s on s.id = e.site_id
where e.site_id in (select site_subtree($1)) order by s.slug, e.name_zh, e.id

-- name: report
-- What a device says of itself; the wish to reload is told once.
update endpoint e set version = $2, line = $3, problems = $4, reported_at = $5, last_seen_at = $5, reload_wanted_at = null
from (select id, reload_wanted_at from endpoint where id = $1 for update) before
where e.id = before.id and e.revoked_at is null
returning before.reload_wanted_at is not null as reload

-- name: want_reload
update endpoint set reload_wanted_at = $2 where id = $1 and revoked_at is null

-- name: health_below
select e.id::text as id, e.name_zh, e.name_en, e.kind, s.slug as site_slug, s.name_zh as site_name_zh, s.name_en as site_name_en,
       e.version, e.line, e.problems, e.reported_at, e.last_seen_at, e.reload_wanted_at is not null as reload_wanted, e.revoked_at is not null as revoked,
       e.card_reader
from endpoint e join site s on s.id = e.site_id
where e.site_id in (select site_subtree(u.id) from unnest($1::uuid[]) as u (id)) order by s.slug, e.name_zh, e.id
