-- name: person_for_sign_in
select id::text as id, password_hash from person where user_name = $1 and disabled_at is null

-- name: insert_sign_in
insert into sign_in (token_hash, person_id, created_at, expires_at) values ($1, $2, $3, $4)

-- name: revoke_sign_in
update sign_in set revoked_at = $2 where token_hash = $1 and revoked_at is null

-- name: insert_person
insert into person (user_name, name_zh, name_en, password_hash) values ($1, $2, $3, $4) returning id::text

-- name: insert_grant
insert into role_grant (person_id, role, site_id) values ($1, $2, $3) on conflict do nothing

-- name: person
select id::text as id, user_name, name_zh, name_en from person where id = $1

-- name: people_below
-- Everybody with a role at or below a site, their roles together.
select p.id::text as id, p.user_name, p.name_zh, p.name_en, p.disabled_at is not null as disabled,
       array_agg(distinct g.role order by g.role) as roles
from person p join role_grant g on g.person_id = p.id
where g.site_id in (select site_subtree($1))
group by p.id order by p.user_name

-- name: count_people
select count(*) from person
