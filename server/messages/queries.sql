-- name: add_message
insert into outbox (channel, address, person_id, kind, subject, body, made_at, due_at) values ($1, $2, $3::text::uuid, $4, $5, $6, $7, $7)

-- name: mail_of_people
select person_id::text, address from contact_address where channel = 'mail' and person_id = any($1::text[]::uuid[])

-- name: set_mail
insert into contact_address (person_id, channel, address, entered_at) values ($1::text::uuid, 'mail', $2, $3)
on conflict (person_id, channel) do update set address = excluded.address, entered_at = excluded.entered_at

-- name: remove_mail
delete from contact_address where person_id = $1::text::uuid and channel = 'mail' returning 1

-- name: own_mail
select address from contact_address where person_id = $1::text::uuid and channel = 'mail'

-- name: take_due
-- Nobody else takes these while the transaction lasts; what another worker holds is passed over.
select id, channel, address, kind, subject, body, attempts, made_at from outbox
where sent_at is null and given_up_at is null and due_at <= $1 order by due_at, id limit $2 for update skip locked

-- name: mark_sent
-- The address is not needed any more.
update outbox set sent_at = $2, attempts = attempts + 1, address = '', body = '', last_error = '' where id = $1

-- name: mark_failed
update outbox set attempts = attempts + 1, due_at = $2, last_error = $3 where id = $1

-- name: give_up
update outbox set attempts = attempts + 1, given_up_at = $2, last_error = $3, address = '', body = '' where id = $1

-- name: count_waiting
select count(*) from outbox where sent_at is null and given_up_at is null

-- name: line_of_alert
select a.service, s.name_zh, s.name_en, t.number
from waiting_area a join site s on s.id = a.site_id, ticket t where a.id = $1::text::uuid and t.id = $2::text::uuid

-- name: phone_of_people
select person_id::text, address from contact_address where channel = 'phone' and person_id = any($1::text[]::uuid[])

-- name: set_phone
insert into contact_address (person_id, channel, address, entered_at) values ($1::text::uuid, 'phone', $2, $3)
on conflict (person_id, channel) do update set address = excluded.address, entered_at = excluded.entered_at

-- name: remove_phone
delete from contact_address where person_id = $1::text::uuid and channel = 'phone'
