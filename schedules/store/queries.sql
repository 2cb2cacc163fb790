-- Statements of schedules/store.py. Identifiers travel as text and are cast here.

-- name: lock_publishing
-- One publish at a time in the whole city: feeds of a person span sites, so two publishes would each write the feed without the other's news.
select pg_advisory_xact_lock(hashtext('laizuo.publish_roster'))

-- name: ensure_roster
insert into duty_roster (site_id, first_day, last_day, updated_at) values ($1::text::uuid, $2, $3, $4)
on conflict (site_id) do nothing

-- name: load_roster
select site_id::text, revision, first_day, last_day, version from duty_roster where site_id = $1::text::uuid

-- name: raise_revision
-- One row if the caller saw the present revision, none if somebody else was faster.
update duty_roster set revision = revision + 1, updated_at = $3, updated_by = $4::text::uuid
where site_id = $1::text::uuid and revision = $2 returning revision

-- name: raise_revisions_of_person
-- A leave concerns every roster that has this person.
update duty_roster set revision = revision + 1, updated_at = $2
where site_id in (
    select r.site_id from duty_rotation r join duty_member m on m.rotation_id = r.id
    where m.person_id = $1::text::uuid and r.retired_at is null
    union select site_id from duty_override where person_id = $1::text::uuid and withdrawn_at is null
) returning site_id::text

-- name: set_window
update duty_roster set first_day = $2, last_day = $3 where site_id = $1::text::uuid

-- name: load_rotations
select id::text, site_id::text, service, title, weekdays, starts, ends, turn, week_starts, anchor, holidays, makeup_days, serves_first, serves_last, team
from duty_rotation where site_id = $1::text::uuid and retired_at is null order by service, id

-- name: load_posts
select p.rotation_id::text, p.post, p.role, p.needs
from duty_post p join duty_rotation r on r.id = p.rotation_id
where r.site_id = $1::text::uuid and r.retired_at is null order by p.rotation_id, p.post

-- name: load_members
select m.rotation_id::text, m.position, m.post, m.person_id::text
from duty_member m join duty_rotation r on r.id = m.rotation_id
where r.site_id = $1::text::uuid and r.retired_at is null order by m.rotation_id, m.position, m.post

-- name: save_rotation
-- Where the id exists already at another site, nothing is changed and nothing comes back.
insert into duty_rotation (id, site_id, service, title, weekdays, starts, ends, turn, week_starts, anchor, holidays, makeup_days, serves_first, serves_last, team)
values ($1::text::uuid, $2::text::uuid, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
on conflict (id) do update set service = excluded.service, title = excluded.title, weekdays = excluded.weekdays, starts = excluded.starts,
    ends = excluded.ends, turn = excluded.turn, week_starts = excluded.week_starts, anchor = excluded.anchor, holidays = excluded.holidays,
    makeup_days = excluded.makeup_days, serves_first = excluded.serves_first, serves_last = excluded.serves_last, team = excluded.team
where duty_rotation.site_id = excluded.site_id and duty_rotation.retired_at is null
returning id::text

-- name: clear_posts
delete from duty_post where rotation_id = $1::text::uuid

-- name: add_post
insert into duty_post (rotation_id, post, role, needs) values ($1::text::uuid, $2, $3, $4)

-- name: add_member
insert into duty_member (rotation_id, position, post, person_id) values ($1::text::uuid, $2, $3, $4::text::uuid)

-- name: retire_rotation
update duty_rotation set retired_at = $3 where id = $2::text::uuid and site_id = $1::text::uuid and retired_at is null returning id::text

-- name: load_overrides
select id::text, slot_key, kind, post, person_id::text, reason from duty_override
where site_id = $1::text::uuid and withdrawn_at is null order by made_at, id

-- name: withdraw_same_override
update duty_override set withdrawn_at = $5
where site_id = $1::text::uuid and slot_key = $2 and kind = $3 and post = $4 and withdrawn_at is null

-- name: add_override
insert into duty_override (site_id, slot_key, kind, post, person_id, reason, made_at, made_by)
values ($1::text::uuid, $2, $3, $4, $5::text::uuid, $6, $7, $8::text::uuid) returning id::text

-- name: withdraw_override
update duty_override set withdrawn_at = $3
where site_id = $1::text::uuid and id = $2::text::uuid and withdrawn_at is null returning id::text

-- name: add_leave
insert into duty_leave (person_id, during, entered_at, entered_by)
values ($1::text::uuid, tstzrange($2, $3), $4, $5::text::uuid) returning id::text

-- name: remove_leave
delete from duty_leave where id = $1::text::uuid returning person_id::text

-- name: load_leave
select id::text, person_id::text, lower(during) as first, upper(during) as last from duty_leave
where person_id = any($1::text[]::uuid[]) and during && tstzrange($2, $3) order by lower(during), id

-- name: load_elsewhere
-- Duties at other sites, and at this one outside of the days that are planned: rest, ways and weeks reach over the edge.
select c.person_id::text, lower(c.during) as first, upper(c.during) as last, c.site_id::text
from duty_current c
where c.person_id = any($2::text[]::uuid[]) and c.during && tstzrange($3, $4)
  and (c.site_id <> $1::text::uuid or lower(c.during) < $5 or lower(c.during) >= $6)
order by lower(c.during), c.person_id, c.site_id, c.slot_key

-- name: load_served
-- The ledger: burden minutes as in fairness.burden. Holidays ($4, local days) count $5 times; the way from home and back is added; shifts of
-- absent people are left out.
select c.person_id::text,
       sum(extract(epoch from upper(c.during) - lower(c.during)) / 60
           * case when (lower(c.during) at time zone 'Asia/Shanghai')::date = any($4::date[]) then $5::int else 1 end
           + 2 * coalesce(t.minutes, 0))::bigint as minutes
from duty_current c
left join duty_limits l on l.person_id = c.person_id
left join site_travel t on t.one_id = least(l.home_site_id, c.site_id) and t.other_id = greatest(l.home_site_id, c.site_id)
where c.person_id = any($1::text[]::uuid[]) and lower(c.during) >= $2 and lower(c.during) < $3
  and not exists (select from duty_attendance a where a.site_id = c.site_id and a.slot_key = c.slot_key and a.post = c.post
                  and a.person_id = c.person_id and a.state = 'absent')
group by c.person_id

-- name: load_limits
select person_id::text, max_days_a_week, rest_minutes, home_site_id::text from duty_limits where person_id = any($1::text[]::uuid[])

-- name: load_memberships
select m.person_id::text, t.slug, m.admitted_on, m.left_on from team_member m join service_team t on t.id = m.team_id
where m.person_id = any($1::text[]::uuid[]) order by m.person_id, t.slug, m.admitted_on

-- name: load_travel
select one_id::text, other_id::text, minutes from site_travel order by one_id, other_id

-- name: load_opening
-- The hours that the hall keeps for the whole site, and those entered for the roster alone.
select weekday, opens, closes from opening_hours where site_id = $1::text::uuid and area_id is null
union select weekday, opens, closes from site_opening where site_id = $1::text::uuid order by weekday, opens

-- name: load_closures
select first_day, last_day from closure where site_id = $1::text::uuid and area_id is null order by first_day, last_day

-- name: load_offers
select service from site_offer where site_id = $1::text::uuid order by service

-- name: load_quotas
select service, provider, first_day, last_day, shifts from purchased_service where site_id = $1::text::uuid order by service, first_day, id

-- name: load_proposal
select planner, seed, seats::text, bound::text, made_at from duty_proposal where site_id = $1::text::uuid

-- name: save_proposal
insert into duty_proposal (site_id, planner, seed, seats, bound, made_at, made_by)
values ($1::text::uuid, $2, $3, $4::text::jsonb, $5::text::jsonb, $6, $7::text::uuid)
on conflict (site_id) do update set planner = excluded.planner, seed = excluded.seed, seats = excluded.seats, bound = excluded.bound,
    made_at = excluded.made_at, made_by = excluded.made_by

-- name: drop_proposal
delete from duty_proposal where site_id = $1::text::uuid returning 1

-- name: load_notices
select text from holiday_notice order by year, version

-- name: save_notice
insert into holiday_notice (year, version, text, imported_at, imported_by) values ($1, $2, $3, $4, $5::text::uuid)
on conflict (year, version) do nothing returning year

-- name: list_published_sites
select site_id::text from duty_roster where version is not null order by site_id

-- name: load_people
-- Qualifications: the rows that are there, and a granted role of which there is no row.
select p.id::text, (p.disabled_at at time zone 'Asia/Shanghai')::date as left_on, q.code, q.valid_first, q.valid_last
from person p
left join lateral (
    select code, valid_first, valid_last from duty_qualification where person_id = p.id
    union
    select role, null, null from role_grant g where g.person_id = p.id
        and not exists (select from duty_qualification d where d.person_id = p.id and d.code = g.role)
) q on true
where p.id = any($1::text[]::uuid[]) order by p.id, q.code, q.valid_first

-- name: name_people
select id::text, name_zh, name_en from person where id = any($1::text[]::uuid[])

-- name: name_sites
select id::text, slug, name_zh, name_en from site where id = any($1::text[]::uuid[])

-- name: load_release
select r.content::text from duty_release r join duty_roster d on d.site_id = r.site_id and d.version = r.version where r.site_id = $1::text::uuid

-- name: load_version
select content::text from duty_release where site_id = $1::text::uuid and version = $2

-- name: list_versions
select version, published_at, published_by::text from duty_release where site_id = $1::text::uuid order by version desc limit $2

-- name: load_releases_of_people
-- Current releases of all sites that name one of these people.
select r.content::text from duty_release r join duty_roster d on d.site_id = r.site_id and d.version = r.version
where r.people && $1::text[]::uuid[] order by r.site_id

-- name: save_release
insert into duty_release (site_id, version, published_at, published_by, rules_version, inputs, content, people)
values ($1::text::uuid, $2, $3, $4::text::uuid, $5, $6::text::jsonb, $7::text::jsonb, $8::text[]::uuid[])

-- name: show_release
update duty_roster set version = $2 where site_id = $1::text::uuid

-- name: clear_current
delete from duty_current where site_id = $1::text::uuid and slot_key = any($2::text[])

-- name: add_current
insert into duty_current (site_id, slot_key, post, service, role, person_id, during, version)
values ($1::text::uuid, $2, $3, $4, $5, $6::text::uuid, tstzrange($7, $8), $9)

-- name: on_duty
select slot_key, service, role, person_id::text, p.name_zh, p.name_en, upper(during) as until
from duty_current c join person p on p.id = c.person_id
where c.site_id = $1::text::uuid and ($2::text is null or c.service = $2) and c.during @> $3::timestamptz
order by c.service, c.slot_key, c.post

-- name: ensure_feed
insert into calendar_feed (kind, site_id, service, person_id, slug, subject) values ($1, $2::text::uuid, $3, $4::text::uuid, $5, $6)
on conflict (kind, site_id, service, person_id, subject) do update set slug = excluded.slug returning id::text

-- name: save_feed_body
-- The instant stays while the bytes stay.
insert into calendar_feed_body (feed_id, variant, body, etag, last_modified) values ($1::text::uuid, $2, $3, $4, $5)
on conflict (feed_id, variant) do update set body = excluded.body, etag = excluded.etag, last_modified = excluded.last_modified
where calendar_feed_body.etag <> excluded.etag returning 1

-- name: add_feed_version
insert into calendar_feed_version (feed_id, variant, number, etag, at, items)
select $1::text::uuid, $2, coalesce(max(number), 0) + 1, $3, $4, $5::text::jsonb from calendar_feed_version
where feed_id = $1::text::uuid and variant = $2

-- name: forget_feed_versions
-- Who was away for so long reads everything anew.
delete from calendar_feed_version v where feed_id = $1::text::uuid and variant = $2
    and number <= (select max(number) from calendar_feed_version where feed_id = v.feed_id and variant = v.variant) - $3

-- name: find_public_feed
select b.feed_id::text, b.etag, b.last_modified from calendar_feed f join calendar_feed_body b on b.feed_id = f.id
where f.slug = $1 and b.variant = $2

-- name: find_secret_feed
select b.feed_id::text, b.etag, b.last_modified from feed_token t join calendar_feed_body b on b.feed_id = t.feed_id
join calendar_feed f on f.id = t.feed_id join person p on p.id = f.person_id
where t.token_hash = $1 and t.revoked_at is null and p.disabled_at is null and b.variant = $2

-- name: find_feeds
-- Several at once: what many ask in one moment is one statement. `place` is the position in the question, from 1.
-- The link of somebody who has left ends with the account.
select asked.place, b.feed_id::text, b.etag, b.last_modified
from unnest($1::text[], $2::bytea[], $3::text[]) with ordinality asked (slug, token_hash, variant, place)
join lateral (
    select id from calendar_feed where slug = asked.slug
    union all
    select t.feed_id from feed_token t join calendar_feed c on c.id = t.feed_id join person p on p.id = c.person_id
    where t.token_hash = asked.token_hash and t.revoked_at is null and p.disabled_at is null
) f on true
join calendar_feed_body b on b.feed_id = f.id and b.variant = asked.variant

-- name: load_feed_bytes
select body from calendar_feed_body where feed_id = $1::text::uuid and variant = $2 and etag = $3

-- name: load_feed_version
select number, etag, at, items::text from calendar_feed_version
where feed_id = $1::text::uuid and variant = $2 and number = $3

-- name: load_feed_version_by_etag
select number, etag, at, items::text from calendar_feed_version
where feed_id = $1::text::uuid and variant = $2 and etag = $3 order by number desc limit 1

-- name: load_newest_feed_version
select number, etag, at, items::text from calendar_feed_version
where feed_id = $1::text::uuid and variant = $2 order by number desc limit 1

-- name: save_receipts
-- One row per device and program; the fetches of a while at once.
insert into feed_receipt (feed_id, device, program, variant, etag, first_at, fetched_at, fetches)
select f::uuid, d, p, v, e, a, a, n from unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bigint[]) as r (f, d, p, v, e, a, n)
where exists (select from calendar_feed where id = f::uuid)
on conflict (feed_id, device, program) do update set variant = excluded.variant, etag = excluded.etag,
    fetched_at = excluded.fetched_at, fetches = feed_receipt.fetches + excluded.fetches
where feed_receipt.fetched_at <= excluded.fetched_at

-- name: list_receipts
select r.program, r.variant, r.etag, r.first_at, r.fetched_at, r.fetches from feed_receipt r
where r.feed_id = $1::text::uuid and r.device = $2 order by r.fetched_at desc limit 20

-- name: add_feed_device
insert into feed_device (device, feed_id, made_at) select $1, id, $3 from calendar_feed where slug = $2 returning feed_id::text

-- name: find_feed_device
select d.feed_id::text, f.slug, d.made_at from feed_device d join calendar_feed f on f.id = d.feed_id where d.device = $1

-- name: own_feed_token
select t.feed_id::text, t.token_hash, t.created_at from feed_token t join calendar_feed f on f.id = t.feed_id
where f.kind = 'person' and f.person_id = $1::text::uuid and t.revoked_at is null

-- name: person_of_token
select f.person_id::text from feed_token t join calendar_feed f on f.id = t.feed_id join person p on p.id = f.person_id
where f.kind = 'person' and t.token_hash = $1 and t.revoked_at is null and p.disabled_at is null

-- name: list_event_feeds
select slug, kind, subject from calendar_feed where slug is not null and kind = any($1::text[]) order by kind, slug

-- name: revoke_feed_tokens
update feed_token t set revoked_at = $2 from calendar_feed f
where f.id = t.feed_id and f.person_id = $1::text::uuid and f.kind = $3 and t.revoked_at is null returning 1

-- name: add_feed_token
insert into feed_token (token_hash, feed_id, created_at) values ($1, $2::text::uuid, $3)

-- name: feed_token_since
select t.created_at from feed_token t join calendar_feed f on f.id = t.feed_id
where f.person_id = $1::text::uuid and f.kind = 'person' and t.revoked_at is null

-- name: list_public_feeds
select slug, service from calendar_feed where site_id = $1::text::uuid and kind in ('site', 'service') order by service nulls first

-- name: list_public_slugs
select slug from calendar_feed where slug is not null order by slug

-- name: load_kept_inputs
select inputs::text from duty_release where site_id = $1::text::uuid and version = $2

-- name: load_duties
-- Every duty of these people in a span, at all sites; without one slot, that of the seat in question.
select person_id::text, lower(during) as first, upper(during) as last, site_id::text from duty_current
where person_id = any($1::text[]::uuid[]) and during && tstzrange($2, $3) and (site_id <> $4::text::uuid or slot_key <> $5)
order by lower(during), person_id, site_id, slot_key

-- name: touch_revision
update duty_roster set revision = revision + 1, updated_at = $2, updated_by = $3::text::uuid where site_id = $1::text::uuid

-- name: ask_swap
insert into duty_swap (site_id, slot_key, post, during, asker_id, reason, state, asked_at)
values ($1::text::uuid, $2, $3, tstzrange($4, $5), $6::text::uuid, $7, 'asked', $8) returning id::text

-- name: take_swap
-- One row for whoever is first; none for all others.
update duty_swap set state = 'taken', taker_id = $2::text::uuid, taken_at = $3
where id = $1::text::uuid and state = 'asked' and asker_id <> $2::text::uuid returning id

-- name: decide_swap
update duty_swap set state = $2, decided_at = $3, decided_by = $4::text::uuid
where id = $1::text::uuid and state = any($5::text[]) returning id

-- name: load_swap
select s.id::text, s.site_id::text, s.slot_key, s.post, lower(s.during) as first, upper(s.during) as last, s.asker_id::text, s.taker_id::text,
       s.reason, s.state
from duty_swap s where s.id = $1::text::uuid for update

-- name: list_swaps
-- Open ones of some sites, or that name a person.
select s.id::text, s.site_id::text, s.slot_key, s.post, lower(s.during) as first, upper(s.during) as last, s.asker_id::text, s.taker_id::text,
       s.reason, s.state
from duty_swap s
where s.state in ('asked', 'taken') and upper(s.during) > $1 and (s.site_id = any($2::text[]::uuid[]) or $3::text::uuid in (s.asker_id, s.taker_id))
order by lower(s.during), s.id

-- name: mark_attendance
insert into duty_attendance (site_id, slot_key, post, person_id, state, means, at, marked_by)
values ($1::text::uuid, $2, $3, $4::text::uuid, $5, $6, $7, $8::text::uuid)
on conflict (site_id, slot_key, post, person_id) do update set state = excluded.state, means = excluded.means, at = excluded.at,
    marked_by = excluded.marked_by
where duty_attendance.state <> excluded.state returning 1

-- name: present_duties
-- Seats of a time span with what is known of their attendance; somebody with a seat in a room now is there.
select c.site_id::text, c.slot_key, c.post, c.service, c.role, c.person_id::text, lower(c.during) as first, upper(c.during) as last,
       a.state, a.means, a.at,
       exists (select from seat s where s.person_id = c.person_id and s.state = 'admitted') as in_room
from duty_current c
left join duty_attendance a on a.site_id = c.site_id and a.slot_key = c.slot_key and a.post = c.post and a.person_id = c.person_id
where c.during && tstzrange($1, $2) and (c.site_id = any($3::text[]::uuid[]) or c.person_id = $4::text::uuid)
order by lower(c.during), c.site_id, c.slot_key, c.post

-- name: list_teams
select t.slug, t.name_zh, t.name_en, t.kind, count(m.id) filter (where m.admitted_on <= $1 and (m.left_on is null or m.left_on > $1))::int as members
from service_team t left join team_member m on m.team_id = t.id group by t.id order by t.kind, t.slug

-- name: admit_member
insert into team_member (team_id, person_id, admitted_on, entered_by)
select id, $2::text::uuid, $3, $4::text::uuid from service_team where slug = $1 returning id::text

-- name: end_membership
-- The running membership, or one that was to begin later.
update team_member m set left_on = greatest($3::date, m.admitted_on) from service_team t
where t.id = m.team_id and t.slug = $1 and m.person_id = $2::text::uuid and (m.left_on is null or m.left_on > $3) returning m.id::text

-- name: save_limits
insert into duty_limits (person_id, max_days_a_week, rest_minutes, home_site_id) values ($1::text::uuid, $2, $3, $4::text::uuid)
on conflict (person_id) do update set max_days_a_week = excluded.max_days_a_week, rest_minutes = excluded.rest_minutes,
    home_site_id = excluded.home_site_id

-- name: clear_qualification
delete from duty_qualification where person_id = $1::text::uuid and code = $2

-- name: add_qualification
insert into duty_qualification (person_id, code, valid_first, valid_last) values ($1::text::uuid, $2, $3, $4)

-- name: expiring_licences
-- Licences of these people that end within the days asked for, or have ended, the nearest first.
select q.person_id::text, q.code, q.valid_last from duty_qualification q
where q.person_id = any($1::text[]::uuid[]) and q.valid_last is not null and q.valid_last <= $2
  and not exists (select from duty_qualification o where o.person_id = q.person_id and o.code = q.code
                  and (o.valid_last is null or o.valid_last > q.valid_last))
order by q.valid_last, q.person_id
