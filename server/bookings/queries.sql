-- name: shifts
select c.person_id::text as person, lower(c.during) as start, upper(c.during) as end, p.name_zh, p.name_en
from duty_current c join person p on p.id = c.person_id
where c.site_id = $1 and c.service = $2 and c.role = any ($3) and c.during && tstzrange($4, $5)
order by lower(c.during), c.slot_key, c.post

-- name: taken
select professional_id::text as person, lower(during) as start, upper(during) as end
from booking where state <> 'cancelled' and professional_id = any ($1::uuid[]) and during && tstzrange($2, $3)

-- name: taken_rooms
select lower(during) as start, upper(during) as end
from booking where state <> 'cancelled' and (space_id = $1 or endpoint_id = $2) and during && tstzrange($3, $4)
order by start, "end"

-- name: insert
insert into booking (area_id, professional_id, citizen_key, citizen_name, citizen_contact, citizen_site_id, space_id, endpoint_id, during,
                     holder_hash, note, made_at, made_by, changed_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, tstzrange($9, $10), $11, $12, $13, $14, $13)
returning id::text

-- name: by_id
select b.id::text as id, b.area_id::text as area_id, a.service, a.site_id::text as site_id, b.professional_id::text as professional_id,
       p.name_zh as professional_zh, p.name_en as professional_en, b.citizen_name, b.citizen_contact,
       b.citizen_site_id::text as citizen_site_id, c.name_zh as place_zh, c.name_en as place_en, b.space_id::text as space_id,
       coalesce(s.name_zh, e.name_zh, '') as room_zh, coalesce(s.name_en, e.name_en, '') as room_en, b.endpoint_id::text as endpoint_id,
       lower(b.during) as start, upper(b.during) as end, b.state, b.revision, b.note, b.made_at, b.changed_at, b.cancel_reason,
       b.ticket_id::text as ticket_id, b.holder_hash
from booking b join waiting_area a on a.id = b.area_id join person p on p.id = b.professional_id join site c on c.id = b.citizen_site_id
left join site_space s on s.id = b.space_id left join endpoint e on e.id = b.endpoint_id
where b.id = $1

-- name: id_of_holder
select id::text from booking where holder_hash = $1

-- name: of_lines
select b.id::text from booking b
where (b.area_id = any ($1::uuid[]) or b.citizen_site_id = any ($2::uuid[])) and b.during && tstzrange($3, $4)
order by lower(b.during), b.id

-- name: sites_below
select distinct site_subtree(id)::text as id from unnest($1::uuid[]) as t (id)

-- name: move
update booking set during = tstzrange($2, $3), professional_id = $4, revision = revision + 1, changed_at = $5, reminded_at = null
where id = $1 and state in ('booked', 'confirmed') returning id

-- name: confirm
update booking set state = 'confirmed', changed_at = $2, revision = revision + 1 where id = $1 and state = 'booked' returning id

-- name: cancel
update booking set state = 'cancelled', changed_at = $2, cancel_reason = $3, revision = revision + 1
where id = $1 and state in ('booked', 'confirmed') returning id

-- name: due_for_reminder
update booking set reminded_at = $1::timestamptz
where state in ('booked', 'confirmed') and reminded_at is null and lower(during) between $1::timestamptz and $2::timestamptz
returning id::text

-- name: due_for_ticket
select id::text from booking where state in ('booked', 'confirmed') and lower(during) <= $1::timestamptz
order by lower(during), id for update skip locked

-- name: ticketed
update booking set state = 'ticketed', ticket_id = $2 where id = $1

-- name: spaces
select id::text as id, site_id::text as site_id, kind, name_zh, name_en, services from site_space where site_id = $1 and closed_at is null order by name_zh, id

-- name: add_space
insert into site_space (site_id, kind, name_zh, name_en, services) values ($1, $2, $3, $4, $5) returning id::text

-- name: space_site
select site_id::text from site_space where id = $1 and closed_at is null

-- name: village_rooms
-- Devices of a site at which somebody can sit for an appointment.
select id::text as id, name_zh, name_en from endpoint
where site_id = $1 and kind in ('kiosk', 'room_system') and revoked_at is null and enrolled_at is not null order by name_zh, id
