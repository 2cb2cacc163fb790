-- Places, people, endpoints, tickets, sessions. Runs on PostgreSQL 15 to 18; needs contrib's btree_gist.
-- What must never be is a constraint here, not a hope in Python.

create extension if not exists btree_gist;

-- ---------------------------------------------------------------- places

create table site (
    id          uuid primary key default gen_random_uuid(),
    parent_id   uuid references site (id),
    slug        text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    kind        text not null check (kind in ('city', 'county', 'district', 'town', 'sub_district', 'village', 'residents', 'park', 'parlour')),
    name_zh     text not null check (length(name_zh) between 1 and 80),
    name_en     text not null check (length(name_en) between 1 and 120),
    address_zh  text not null default '',
    address_en  text not null default '',
    created_at  timestamptz not null default now(),
    check (parent_id is distinct from id)
);
create index site_parent on site (parent_id);

-- The site itself first, then its parent, up to the root. The depth bound ends a cycle that a hand edit might make.
create function site_path(start uuid) returns uuid[] language sql stable as $$
    with recursive up (id, parent_id, depth) as (
        select id, parent_id, 1 from site where id = start
        union all
        select s.id, s.parent_id, up.depth + 1 from site s join up on s.id = up.parent_id where up.depth < 32
    )
    select array_agg(id order by depth) from up
$$;

create function site_subtree(top uuid) returns setof uuid language sql stable as $$
    with recursive down (id, depth) as (
        select id, 1 from site where id = top
        union all
        select s.id, down.depth + 1 from site s join down on s.parent_id = down.id where down.depth < 32
    )
    select id from down
$$;

-- ---------------------------------------------------------------- people and their sign-ins

create table person (
    id             uuid primary key default gen_random_uuid(),
    user_name      text not null unique check (user_name ~ '^[a-z0-9][a-z0-9._-]{1,62}$'),
    name_zh        text not null check (length(name_zh) between 1 and 80),
    name_en        text not null check (length(name_en) between 1 and 120),
    password_hash  text,                                  -- Argon2id; null: cannot sign in by password
    disabled_at    timestamptz,
    created_at     timestamptz not null default now()
);

-- A role holds at a node of the tree and below it.
create table role_grant (
    person_id   uuid not null references person (id),
    role        text not null check (role in ('administrator', 'coordinator', 'notary', 'notary_assistant', 'mediator', 'lawyer', 'site_worker')),
    site_id     uuid not null references site (id),
    granted_at  timestamptz not null default now(),
    primary key (person_id, role, site_id)
);

-- An opaque token is 256 random bits; only its SHA-256 is kept.
create table sign_in (
    token_hash   bytea primary key check (length(token_hash) = 32),
    person_id    uuid not null references person (id),
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    revoked_at   timestamptz,
    check (expires_at > created_at)
);
create index sign_in_person on sign_in (person_id);

-- ---------------------------------------------------------------- endpoints

create table endpoint (
    id             uuid primary key default gen_random_uuid(),
    site_id        uuid not null references site (id),
    kind           text not null check (kind in ('kiosk', 'room_system', 'counter', 'duty_desk', 'hall_screen', 'phone')),
    name_zh        text not null,
    name_en        text not null,
    token_hash     bytea unique check (length(token_hash) = 32),    -- the device credential
    enrol_hash     bytea unique check (length(enrol_hash) = 32),    -- one-time enrolment code
    enrol_expires  timestamptz,
    enrolled_at    timestamptz,
    revoked_at     timestamptz,
    last_seen_at   timestamptz
);

-- ---------------------------------------------------------------- waiting

create table waiting_area (
    id        uuid primary key default gen_random_uuid(),
    site_id   uuid not null references site (id),               -- where those who serve it belong
    service   text not null check (service in ('notarization', 'mediation', 'legal_aid', 'legal_advice')),
    letter    text not null check (letter ~ '^[A-Z]$'),         -- first character of its ticket numbers
    unique (site_id, service)
);

create table ticket_counter (
    area_id  uuid not null references waiting_area (id),
    day      date not null,
    last     integer not null,
    primary key (area_id, day)
);

create table ticket (
    id            uuid primary key default gen_random_uuid(),
    area_id       uuid not null references waiting_area (id),
    day           date not null,
    number        text not null,
    arrival       bigint generated always as identity,           -- order of arrival, also within one instant
    endpoint_id   uuid references endpoint (id),
    site_id       uuid not null references site (id),            -- where the citizen sits
    citizen_name  text not null default '' check (length(citizen_name) <= 80),
    priority      smallint not null default 0 check (priority between 0 and 9),
    state         text not null default 'waiting' check (state in ('waiting', 'called', 'serving', 'done', 'abandoned', 'no_show', 'transferred')),
    taken_at      timestamptz not null,
    called_at     timestamptz,
    called_by     uuid references person (id),
    served_at     timestamptz,
    closed_at     timestamptz,
    request_key   text,                                          -- idempotency: the same press twice is one ticket
    unique (area_id, day, number),
    check ((state in ('waiting', 'abandoned')) or called_at is not null),
    check ((called_at is null) = (called_by is null)),
    check ((state in ('done', 'abandoned', 'no_show', 'transferred')) = (closed_at is not null))
);
create unique index ticket_request on ticket (endpoint_id, request_key) where request_key is not null;
-- One device holds at most one live ticket.
create unique index ticket_live_endpoint on ticket (endpoint_id) where state in ('waiting', 'called', 'serving');
create index ticket_line on ticket (area_id, priority desc, arrival) where state = 'waiting';
create index ticket_called_by on ticket (called_by) where state in ('called', 'serving');

-- ---------------------------------------------------------------- sessions, rooms, seats

create table session (
    id          uuid primary key default gen_random_uuid(),
    procedure   text not null check (procedure in ('notarization', 'mediation', 'legal_aid', 'legal_advice')),
    site_id     uuid not null references site (id),              -- of those who serve
    ticket_id   uuid unique references ticket (id),
    in_charge   uuid not null references person (id),
    state       text not null default 'open' check (state in ('open', 'live', 'ended')),
    opened_at   timestamptz not null,
    live_at     timestamptz,
    ended_at    timestamptz,
    end_reason  text check (end_reason in ('completed', 'no_show', 'technical', 'refused', 'withdrawn')),
    check ((state = 'ended') = (ended_at is not null)),
    check ((ended_at is null) = (end_reason is null))
);
-- A person leads one session at a time.
create unique index session_one_in_charge on session (in_charge) where state <> 'ended';

create table room (
    id          uuid primary key default gen_random_uuid(),
    session_id  uuid not null references session (id),
    kind        text not null check (kind in ('joint', 'caucus', 'waiting')),
    recorded    boolean not null,                                -- by the procedure's policy, fixed when the room is made
    opened_at   timestamptz not null,
    closed_at   timestamptz
);
create unique index room_one_joint on room (session_id) where kind = 'joint' and closed_at is null;

-- Who owns a room: never two at once, and the epoch only rises (the fencing number of media/CONTROL.md).
create table room_owner (
    room_id      uuid not null references room (id),
    epoch        integer not null check (epoch >= 1),
    worker       text not null,
    incarnation  text not null,
    since        timestamptz not null,
    until        timestamptz,
    primary key (room_id, epoch)
);
create unique index room_one_owner on room_owner (room_id) where until is null;

create table seat (
    id            uuid primary key default gen_random_uuid(),
    session_id    uuid not null references session (id),
    room_id       uuid not null references room (id),            -- where the person is now
    role          text not null check (role in ('in_charge', 'staff', 'applicant', 'party', 'site_worker', 'interpreter', 'supporter', 'witness')),
    person_id     uuid references person (id),
    endpoint_id   uuid references endpoint (id),
    display_name  text not null default '' check (length(display_name) <= 80),
    state         text not null check (state in ('invited', 'waiting', 'admitted', 'refused', 'removed', 'left')),
    token_hash    bytea not null unique check (length(token_hash) = 32),
    resume_hash   bytea unique check (length(resume_hash) = 32), -- of the live connection; a new connection makes a new one
    connection    integer not null default 0,
    invited_at    timestamptz not null,
    expires_at    timestamptz not null,
    admitted_at   timestamptz,
    admitted_by   uuid references person (id),
    left_at       timestamptz,
    check ((state = 'admitted') <= (admitted_at is not null)),
    check ((admitted_at is null) = (admitted_by is null))
);
-- A person, and a device, has at most one current seat.
create unique index seat_one_per_person on seat (person_id) where person_id is not null and state in ('waiting', 'admitted');
create unique index seat_one_per_endpoint on seat (endpoint_id) where endpoint_id is not null and state in ('waiting', 'admitted');
create index seat_session on seat (session_id);

create table session_event (
    id          bigint generated always as identity primary key,
    session_id  uuid not null references session (id),
    room_id     uuid references room (id),
    seat_id     uuid references seat (id),
    at          timestamptz not null,
    kind        text not null,
    data        jsonb not null default '{}'
);
create index session_event_session on session_event (session_id, id);

-- ---------------------------------------------------------------- audit trail

create table audit_entry (
    id           bigint generated always as identity primary key,
    at           timestamptz not null,
    actor_kind   text not null check (actor_kind in ('person', 'endpoint', 'seat', 'anyone', 'system')),
    actor_id     text,
    action       text not null,
    object_kind  text not null,
    object_id    text,
    detail       jsonb not null default '{}'
);

create function audit_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the audit trail is append-only';
end $$;
create trigger audit_entry_fixed before update or delete on audit_entry for each row execute function audit_is_append_only();
create trigger audit_entry_kept before truncate on audit_entry for each statement execute function audit_is_append_only();
