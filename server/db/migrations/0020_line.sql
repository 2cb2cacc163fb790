-- The line of issue 6: a place that is not the arrival, more ways to come and to go, the story of a ticket, messages, alerts, hours.
-- Runs on PostgreSQL 15 to 18. The code before it keeps working: new columns have defaults, dropped rules were narrower.

-- ---------------------------------------------------------------- what a waiting area is told

alter table waiting_area
    add column last_place          bigint not null default 0,       -- the latest place given to a walk-in; only rises, whatever the clock does
    add column keeps_overnight     boolean not null default false,  -- who still waits at midnight waits on in the morning
    add column overflow_area_id    uuid references waiting_area (id),
    add column overflow_after_s    integer not null default 600 check (overflow_after_s between 60 and 86400),
    add column alert_after_s       integer not null default 120 check (alert_after_s between 10 and 86400),
    add column alert_next_after_s  integer not null default 300 check (alert_next_after_s between 10 and 86400),
    add column return_after_s      integer not null default 300 check (return_after_s between 30 and 86400),
    add column closed_at           timestamptz,                     -- closed by hand until it is opened by hand
    add column message_zh          text not null default '' check (length(message_zh) <= 400),
    add column message_en          text not null default '' check (length(message_en) <= 400),
    add constraint waiting_area_overflow_elsewhere check (overflow_area_id is distinct from id),
    add constraint waiting_area_alerts_rise check (alert_next_after_s > alert_after_s);

-- Hours of a site, or of one line of it (area_id): local times of China. No row at all: always open.
create table opening_hours (
    site_id  uuid not null references site (id),
    area_id  uuid references waiting_area (id),
    weekday  smallint not null check (weekday between 1 and 7),     -- ISO, 1 = Monday
    opens    time not null,
    closes   time not null check (closes > opens),
    unique nulls not distinct (site_id, area_id, weekday, opens)
);

-- Days on which a site, or one line of it, is closed though its hours say otherwise.
create table closure (
    id          uuid primary key default gen_random_uuid(),
    site_id     uuid not null references site (id),
    area_id     uuid references waiting_area (id),
    first_day   date not null,
    last_day    date not null check (last_day >= first_day),
    message_zh  text not null default '' check (length(message_zh) <= 400),
    message_en  text not null default '' check (length(message_en) <= 400)
);
create index closure_site on closure (site_id, last_day);

-- ---------------------------------------------------------------- tickets

alter table ticket drop constraint ticket_state_check, drop constraint ticket_check, drop constraint ticket_area_id_day_number_key;
alter table ticket
    add column place            bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint,
    add column channel          text not null default 'kiosk'
        check (channel in ('kiosk', 'counter', 'phone', 'web', 'staff', 'appointment', 'offline')),
    add column priority_group   text not null default '' check (priority_group in ('', 'elderly', 'disabled', 'minor', 'urgent')),
    add column priority_note    text not null default '' check (length(priority_note) <= 200),
    add column home_area_id     uuid references waiting_area (id),  -- where the number was given, once the ticket stands elsewhere
    add column line_since       timestamptz,                        -- in this line since then (overflow); null: since it was taken
    add column kiosk_id         uuid references endpoint (id),      -- sits near this kiosk and gets it when called (offline, appointment)
    add column holder_hash      bytea unique check (length(holder_hash) = 32),   -- of the personal link
    add column for_person       uuid references person (id),        -- until `for_person_until` only this person calls
    add column for_person_until timestamptz,
    add column from_ticket      uuid references ticket (id),        -- went on from there
    add column skips            smallint not null default 0,
    add column close_reason     text not null default '' check (close_reason in ('', 'left', 'day_over', 'cancelled')),
    add constraint ticket_state_known
        check (state in ('waiting', 'held', 'called', 'serving', 'done', 'abandoned', 'no_show', 'transferred')),
    add constraint ticket_called_when check (state in ('waiting', 'held', 'abandoned', 'transferred') or called_at is not null),
    add constraint ticket_for_person_ends check ((for_person is null) = (for_person_until is null));
update ticket set place = (extract(epoch from taken_at) * 1000000)::bigint;

create unique index ticket_number_once on ticket (coalesce(home_area_id, area_id), day, number);
drop index ticket_request;
create unique index ticket_request on ticket (channel, coalesce(kiosk_id, endpoint_id), request_key) nulls not distinct
    where request_key is not null;
drop index ticket_live_endpoint;
create unique index ticket_live_endpoint on ticket (endpoint_id) where state in ('waiting', 'held', 'called', 'serving');
drop index ticket_line;
create index ticket_line on ticket (area_id, priority desc, place, arrival) where state = 'waiting';
create index ticket_at_kiosk on ticket (kiosk_id) where state in ('waiting', 'held');
create index ticket_closed on ticket (area_id, closed_at) where closed_at is not null;

-- A ticket that was put back into the line is called again, into another session.
alter table session drop constraint session_ticket_id_key;
create unique index session_one_per_ticket on session (ticket_id) where state <> 'ended';
create index session_ticket on session (ticket_id);

-- What happened to a ticket, in order: what the next one who serves it reads.
create table ticket_story (
    id         bigint generated always as identity primary key,
    ticket_id  uuid not null references ticket (id),
    at         timestamptz not null,
    move       text not null,
    actor_kind text not null,
    actor_id   text,
    note       text not null default '' check (length(note) <= 1000)
);
create index ticket_story_ticket on ticket_story (ticket_id, id);

-- Short messages between staff and somebody who waits.
create table hall_message (
    id         bigint generated always as identity primary key,
    ticket_id  uuid not null references ticket (id),
    at         timestamptz not null,
    sender     text not null check (sender in ('staff', 'citizen')),
    person_id  uuid references person (id),
    code       text not null default '',                            -- of a quick answer
    text       text not null default '' check (length(text) <= 300),
    check ((sender = 'staff') = (person_id is not null)),
    check (code <> '' or text <> '')
);
create index hall_message_ticket on hall_message (ticket_id, id);

-- Somebody waits too long: level 1 those on duty, level 2 the next on duty. One of each level for a stay in a line.
create table hall_alert (
    id          bigint generated always as identity primary key,
    ticket_id   uuid not null references ticket (id),
    area_id     uuid not null references waiting_area (id),
    level       smallint not null check (level in (1, 2)),
    people      uuid[] not null,
    raised_at   timestamptz not null,
    taken_by    uuid references person (id),
    taken_at    timestamptz,
    unique (ticket_id, area_id, level),
    check ((taken_by is null) = (taken_at is null))
);
create index hall_alert_people on hall_alert using gin (people);

-- Numbers that a kiosk may give out while its line is down.
create table number_block (
    id           uuid primary key default gen_random_uuid(),
    endpoint_id  uuid not null references endpoint (id),
    area_id      uuid not null references waiting_area (id),
    day          date not null,
    first        integer not null check (first >= 5001),            -- beyond what a line gives out in a day
    last         integer not null check (last >= first),
    issued_at    timestamptz not null,
    unique (endpoint_id, area_id, day)
);
create unique index number_block_apart on number_block (area_id, day, first);
