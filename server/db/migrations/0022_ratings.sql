-- One matter, one rating; the bad-rating loop with its clock and call-backs; the opinion box; risk notices. Runs on PostgreSQL 15 to 18.

create table rating (
    id         uuid primary key default gen_random_uuid(),
    ticket_id  uuid not null unique references ticket (id),      -- one matter, one rating
    site_id    uuid not null references site (id),               -- of those who served
    service    text not null,
    person_id  uuid references person (id),                      -- who served
    level      smallint not null check (level between 1 and 5),  -- 5 very satisfied ... 1 very dissatisfied
    comment    text not null default '' check (length(comment) <= 500),
    channel    text not null check (channel in ('kiosk', 'link', 'staff')),
    rated_at   timestamptz not null
);
create index rating_site on rating (site_id, rated_at);

-- A bad rating is a case: somebody calls back, something is put right, by a day that the calendar of working days gives.
create table rating_case (
    rating_id   uuid primary key references rating (id),
    due_on      date not null,
    closed_at   timestamptz,
    closed_by   uuid references person (id),
    outcome     text not null default '' check (length(outcome) <= 1000),
    check ((closed_at is null) = (closed_by is null)),
    check (closed_at is null or outcome <> '')
);
create table rating_callback (
    id         bigint generated always as identity primary key,
    rating_id  uuid not null references rating_case (rating_id),
    at         timestamptz not null,
    by_person  uuid not null references person (id),
    reached    boolean not null,
    note       text not null default '' check (length(note) <= 1000)
);
create index rating_callback_rating on rating_callback (rating_id);
create table rating_rule (
    site_id       uuid primary key references site (id),         -- holds below it; the nearest upwards counts
    working_days  smallint not null check (working_days between 1 and 60)
);

-- The box in every parlour: what people write, and what was answered.
create table opinion (
    id           uuid primary key default gen_random_uuid(),
    site_id      uuid not null references site (id),
    text         text not null check (length(text) between 1 and 1000),
    contact      text not null default '' check (length(contact) <= 80),
    given_at     timestamptz not null,
    answered_at  timestamptz,
    answered_by  uuid references person (id),
    answer       text not null default '' check (length(answer) <= 1000),
    check ((answered_at is null) = (answered_by is null))
);
create index opinion_site on opinion (site_id, given_at);

create table risk_notice (
    id        uuid primary key default gen_random_uuid(),
    site_id   uuid not null references site (id),                -- and below it
    level     text not null check (level in ('notice', 'warning')),
    text_zh   text not null check (length(text_zh) between 1 and 200),
    text_en   text not null check (length(text_en) between 1 and 300),
    shown     tstzrange not null check (not isempty(shown)),
    written_by uuid not null references person (id)
);
create index risk_notice_site on risk_notice (site_id);
