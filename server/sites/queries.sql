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
