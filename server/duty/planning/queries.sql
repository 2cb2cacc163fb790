-- name: clear_offers
delete from site_offer where site_id = $1::text::uuid

-- name: add_offers
insert into site_offer (site_id, service) select $1::text::uuid, unnest($2::text[])

-- name: list_offers
select service from site_offer where site_id = $1::text::uuid order by service

-- name: drop_way
delete from site_travel where one_id = $1::text::uuid and other_id = $2::text::uuid

-- name: save_way
insert into site_travel (one_id, other_id, minutes) values ($1::text::uuid, $2::text::uuid, $3)
on conflict (one_id, other_id) do update set minutes = excluded.minutes

-- name: list_ways
select s.slug, s.name_zh, s.name_en, t.minutes
from site s left join site_travel t
  on (t.one_id, t.other_id) = (least(s.id, $1::text::uuid), greatest(s.id, $1::text::uuid))
where s.id <> $1::text::uuid order by t.minutes is null, t.minutes, s.slug

-- name: add_purchase
insert into purchased_service (site_id, service, provider, first_day, last_day, shifts)
values ($1::text::uuid, $2, $3, $4, $5, $6) returning id::text

-- name: drop_purchase
delete from purchased_service where site_id = $1::text::uuid and id = $2::text::uuid returning 1

-- name: list_purchases
-- With what the public roster has of them: a shift counts once, however many people serve it.
select p.id::text as id, p.service, p.provider, p.first_day, p.last_day, p.shifts,
       (select count(distinct c.slot_key) from duty_current c where c.site_id = p.site_id and c.service = p.service
        and (lower(c.during) at time zone 'Asia/Shanghai')::date between p.first_day and p.last_day)::int as used
from purchased_service p where p.site_id = $1::text::uuid order by p.last_day desc, p.service, p.id

-- name: list_members
select t.slug as team, m.person_id::text as person, p.name_zh, p.name_en, m.admitted_on, m.left_on
from team_member m join service_team t on t.id = m.team_id join person p on p.id = m.person_id
where m.left_on is null or m.left_on > ($1::timestamptz - interval '1 year')::date
order by t.slug, m.left_on is not null, p.name_en, m.admitted_on, m.id

-- name: list_licences
select q.person_id::text as person, q.code, q.valid_first, q.valid_last
from duty_qualification q where q.person_id = any($1::text[]::uuid[]) order by q.valid_last nulls last, q.code, q.person_id, q.valid_first

-- name: list_limits
select person_id::text as person, max_days_a_week, rest_minutes, home_site_id::text as home from duty_limits where person_id = any($1::text[]::uuid[])
