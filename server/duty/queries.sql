-- name: list_staff
-- Whoever can be on duty at a site: a professional role granted there, above or below; one line per person.
select p.id::text as id, p.name_zh, p.name_en, array_agg(distinct g.role order by g.role) as roles
from person p join role_grant g on g.person_id = p.id
where p.disabled_at is null
  and g.role in ('notary', 'notary_assistant', 'mediator', 'lawyer', 'site_worker')
  and (g.site_id = any(site_path($1::text::uuid)) or g.site_id in (select site_subtree($1::text::uuid)))
group by p.id order by p.name_en, p.id

-- name: list_rosters
-- Every site with its roster's state and how many posts are held now.
select s.id::text as id, s.slug, s.kind, s.name_zh, s.name_en, site_path(s.id)::text[] as path, r.version,
       (select count(*) from duty_current c where c.site_id = s.id and c.during @> $1::timestamptz)::int as on_duty
from site s left join duty_roster r on r.site_id = s.id
order by cardinality(site_path(s.id)), s.slug

-- name: public_person
select id::text as id, name_zh, name_en from person where id = $1::text::uuid

-- name: endpoint_credential
select token_hash from endpoint where id = $1::text::uuid and revoked_at is null and token_hash is not null

-- name: site_credentials
-- Devices at the site of a post.
select token_hash from endpoint where site_id = $1::text::uuid and revoked_at is null and token_hash is not null

-- name: team_exists
select exists (select from service_team where slug = $1)

-- name: watched_sites
-- Sites with somebody on duty now and a device whose code shows that one has come: elsewhere nobody could check in, and everybody would be missed.
select distinct c.site_id::text as id from duty_current c
where c.during @> $1::timestamptz
  and exists (select from endpoint e where e.site_id = c.site_id and e.revoked_at is null and e.token_hash is not null)

-- name: try_absences
select pg_try_advisory_xact_lock(hashtext('absences'))

-- name: raise_absence
insert into absence_alarm (site_id, slot_key, post, person_id, raised_at) values ($1::text::uuid, $2, $3, $4::text::uuid, $5)
on conflict do nothing returning 1

-- name: load_absence
select asked::text[] as asked, asked_at from absence_alarm
where site_id = $1::text::uuid and slot_key = $2 and post = $3 and person_id = $4::text::uuid

-- name: note_asked
update absence_alarm set asked = asked || $5::text::uuid, asked_at = $6
where site_id = $1::text::uuid and slot_key = $2 and post = $3 and person_id = $4::text::uuid

-- name: coordinators_of
select distinct g.person_id::text as id from role_grant g join person p on p.id = g.person_id
where g.role = 'coordinator' and p.disabled_at is null and g.site_id = any(site_path($1::text::uuid)) order by id
