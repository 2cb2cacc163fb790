-- name: rateable
-- A ticket that was served, by whom and where; by its id, or by its personal link.
select t.id::text as ticket, a.site_id::text as site_id, a.service, t.called_by::text as person
from ticket t join waiting_area a on a.id = t.area_id
where t.state = 'done' and ((t.id = $1 and t.endpoint_id = $2) or t.holder_hash = $3)

-- name: rate
insert into rating (ticket_id, site_id, service, person_id, level, comment, channel, rated_at) values ($1, $2, $3, $4, $5, $6, $7, $8)
returning id::text

-- name: working_days
select r.working_days from unnest(site_path($1)) with ordinality as path (id, distance) join rating_rule r on r.site_id = path.id
order by path.distance limit 1

-- name: open_case
insert into rating_case (rating_id, due_on) values ($1, $2)

-- name: cases
select c.rating_id::text as id, c.due_on, c.closed_at, c.outcome, r.level, r.comment, r.service, r.rated_at, r.site_id::text as site_id,
       s.name_zh as site_name_zh, s.name_en as site_name_en, t.number, t.citizen_name,
       (select count(*) from rating_callback b where b.rating_id = c.rating_id) as callbacks,
       (select count(*) from rating_callback b where b.rating_id = c.rating_id and b.reached) as reached
from rating_case c join rating r on r.id = c.rating_id join site s on s.id = r.site_id join ticket t on t.id = r.ticket_id
where r.site_id = any (select site_subtree(u.id) from unnest($1::uuid[]) as u (id)) and (c.closed_at is null or c.closed_at > $2)
order by c.closed_at nulls first, c.due_on, r.rated_at, r.id

-- name: case_site
select r.site_id::text from rating_case c join rating r on r.id = c.rating_id where c.rating_id = $1

-- name: call_back
insert into rating_callback (rating_id, at, by_person, reached, note)
select c.rating_id, $2, $3, $4, $5 from rating_case c where c.rating_id = $1 and c.closed_at is null returning id

-- name: close_case
-- Not before somebody has called back: every bad rating is called back.
update rating_case c set closed_at = $2, closed_by = $3, outcome = $4
where c.rating_id = $1 and c.closed_at is null and exists (select from rating_callback b where b.rating_id = c.rating_id) returning rating_id

-- name: set_rule
insert into rating_rule (site_id, working_days) values ($1, $2) on conflict (site_id) do update set working_days = excluded.working_days

-- name: give_opinion
insert into opinion (site_id, text, contact, given_at) values ($1, $2, $3, $4) returning id::text

-- name: opinions
select o.id::text as id, o.site_id::text as site_id, s.name_zh as site_name_zh, s.name_en as site_name_en, o.text, o.contact, o.given_at,
       o.answered_at, o.answer
from opinion o join site s on s.id = o.site_id
where o.site_id = any (select site_subtree(u.id) from unnest($1::uuid[]) as u (id))
order by o.answered_at nulls first, o.given_at desc, o.id limit 200

-- name: opinion_site
select site_id::text from opinion where id = $1

-- name: answer_opinion
update opinion set answered_at = $2, answered_by = $3, answer = $4 where id = $1 and answered_at is null returning id

-- name: figures
-- What was done at and below a site since an instant, for lines of those who serve there and for citizens who sat there.
with below as (select site_subtree($1) as id),
mine as (
    select t.*, a.service from ticket t join waiting_area a on a.id = t.area_id
    where t.taken_at >= $2 and (t.site_id in (select id from below) or a.site_id in (select id from below))
)
select count(*) as tickets, count(*) filter (where state = 'done') as served, count(*) filter (where state = 'no_show') as no_shows,
       count(*) filter (where state = 'abandoned') as abandoned,
       coalesce(avg(extract(epoch from called_at - taken_at)) filter (where called_at is not null and channel <> 'appointment'), 0)::float8
           as mean_wait_s,
       (select count(*) from rating r where r.ticket_id in (select id from mine)) as ratings,
       (select count(*) from rating r where r.ticket_id in (select id from mine) and r.level >= $3) as good,
       (select count(*) from rating r where r.ticket_id in (select id from mine) and r.level <= $4) as bad,
       (select count(*) from rating_case c join rating r on r.id = c.rating_id
        where r.ticket_id in (select id from mine) and c.closed_at is not null) as put_right
from mine

-- name: figures_by_service
with below as (select site_subtree($1) as id)
select a.service, count(*) filter (where t.state = 'done') as served from ticket t join waiting_area a on a.id = t.area_id
where t.taken_at >= $2 and (t.site_id in (select id from below) or a.site_id in (select id from below))
group by a.service order by a.service
