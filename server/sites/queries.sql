-- name: insert_site
insert into site (parent_id, slug, kind, name_zh, name_en, address_zh, address_en) values ($1, $2, $3, $4, $5, $6, $7) returning id::text

-- name: insert_area
insert into waiting_area (site_id, service, letter) values ($1, $2, $3) on conflict (site_id, service) do nothing

-- name: tree
-- All sites in the order a reader expects: each below its parent, siblings by name of the URL.
with recursive tree as (
    select s.*, array[s.slug] as sort, 0 as depth from site s where parent_id is null
    union all
    select s.*, tree.sort || s.slug, tree.depth + 1 from site s join tree on s.parent_id = tree.id where tree.depth < 32
)
select id::text as id, parent_id::text as parent_id, slug, kind, name_zh, name_en, depth from tree order by sort

-- name: roots
select id::text as id from site where parent_id is null order by slug

-- name: place
select id::text as id, slug, kind, name_zh, name_en, address_zh, address_en, latitude, longitude, photo_path from site where id = $1

-- name: place_by_slug
select id::text as id, slug, kind, name_zh, name_en, address_zh, address_en, latitude, longitude, photo_path from site where slug = $1

-- name: save_place
update site set name_zh = $2, name_en = $3, address_zh = $4, address_en = $5, latitude = $6, longitude = $7 where id = $1

-- name: save_photo
update site set photo_path = $2 where id = $1

-- name: photo_of
select photo_path from site where slug = $1 and photo_path <> ''

-- name: spaces_of
select id::text as id, kind, name_zh, name_en, services from site_space where site_id = $1 and closed_at is null order by kind, name_zh

-- name: open_space
-- A name that was closed before is opened again: appointments of then keep pointing at it.
insert into site_space (site_id, kind, name_zh, name_en, services) values ($1, $2, $3, $4, $5)
on conflict (site_id, name_zh) do update set kind = excluded.kind, name_en = excluded.name_en, services = excluded.services, closed_at = null
where site_space.closed_at is not null
returning id::text

-- name: site_of_space
select site_id::text from site_space where id = $1 and closed_at is null

-- name: close_space
update site_space set closed_at = $2 where id = $1
