-- Legal limits of people's own cases.

-- name: add_limit
insert into legal_limit (person_id, rule, reference, starts, made_at, changed_at)
values ($1::text::uuid, $2, $3, $4, $5, $5) on conflict do nothing returning id::text

-- name: list_limits
-- Those of a person, with their pauses in order.
select l.id::text, l.rule, l.reference, l.starts, l.ended_on, l.due, l.sequence, l.made_at, l.changed_at,
    coalesce(array_agg(p.first order by p.first) filter (where p.first is not null), '{}') as firsts,
    coalesce(array_agg(p.last order by p.first) filter (where p.first is not null), '{}') as lasts,
    coalesce(array_agg(p.reason order by p.first) filter (where p.first is not null), '{}') as reasons
from legal_limit l left join legal_limit_pause p on p.limit_id = l.id
where l.person_id = $1::text::uuid group by l.id order by l.starts, l.id

-- name: lock_limits
-- Changes of one person's limits happen one after the other: each writes the whole feed.
select 1 from person where id = $1::text::uuid for no key update

-- name: add_pause
insert into legal_limit_pause (limit_id, first, reason) values ($1::text::uuid, $2, $3) on conflict do nothing returning 1

-- name: end_pause
update legal_limit_pause set last = $2 where limit_id = $1::text::uuid and last is null returning 1

-- name: end_limit
update legal_limit set ended_on = $2 where id = $1::text::uuid and ended_on is null returning 1

-- name: tell_limit
-- What subscribers see of it changes.
update legal_limit set due = $2, sequence = sequence + $3, changed_at = $4 where id = $1::text::uuid

-- name: people_with_limits
select distinct person_id::text from legal_limit where ended_on is null order by 1

-- name: find_limits_feed
select b.feed_id::text, b.etag, b.last_modified from calendar_feed f join calendar_feed_body b on b.feed_id = f.id
where f.kind = 'deadlines' and f.person_id = $1::text::uuid and b.variant = $2
