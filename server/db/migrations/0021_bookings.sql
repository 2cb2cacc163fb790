-- Appointments of two or three sides: citizen, professional, and where needed a village room or a device. Runs on PostgreSQL 15 to 18.

create table site_space (
    id          uuid primary key default gen_random_uuid(),
    site_id     uuid not null references site (id),
    kind        text not null check (kind in ('counter', 'room')),
    name_zh     text not null check (length(name_zh) between 1 and 80),
    name_en     text not null check (length(name_en) between 1 and 120),
    services    text[] not null default '{}',                   -- empty: all
    closed_at   timestamptz,
    unique (site_id, name_zh)
);

create table booking (
    id               uuid primary key default gen_random_uuid(),
    area_id          uuid not null references waiting_area (id),
    professional_id  uuid not null references person (id),
    citizen_key      bytea not null check (length(citizen_key) = 32),   -- of the contact: the same person is not in two places
    citizen_name     text not null check (length(citizen_name) between 1 and 80),
    citizen_contact  text not null check (length(citizen_contact) between 5 and 80),
    citizen_site_id  uuid not null references site (id),                -- where the citizen will sit, or whose page they used
    space_id         uuid references site_space (id),
    endpoint_id      uuid references endpoint (id),
    during           tstzrange not null check (not isempty(during) and lower(during) is not null and upper(during) is not null),
    state            text not null default 'booked' check (state in ('booked', 'confirmed', 'ticketed', 'cancelled')),
    holder_hash      bytea not null unique check (length(holder_hash) = 32),
    revision         integer not null default 0,                        -- SEQUENCE of its calendar entry
    note             text not null default '' check (length(note) <= 400),
    made_at          timestamptz not null,
    made_by          uuid references person (id),                       -- null: the citizen
    changed_at       timestamptz not null,
    cancel_reason    text not null default '' check (length(cancel_reason) <= 200),
    reminded_at      timestamptz,
    ticket_id        uuid unique references ticket (id),
    check ((state = 'ticketed') = (ticket_id is not null)),
    -- No side is ever in two places: what is cancelled blocks nobody.
    constraint booking_professional_once exclude using gist (professional_id with =, during with &&) where (state <> 'cancelled'),
    constraint booking_citizen_once exclude using gist (citizen_key with =, during with &&) where (state <> 'cancelled'),
    constraint booking_space_once exclude using gist (space_id with =, during with &&) where (state <> 'cancelled'),
    constraint booking_endpoint_once exclude using gist (endpoint_id with =, during with &&) where (state <> 'cancelled')
);
create index booking_due on booking (lower(during)) where state in ('booked', 'confirmed');
create index booking_area on booking using gist (area_id, during);
