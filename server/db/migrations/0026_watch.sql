-- What somebody came for in their own words, calls for help, who looks after what is going wrong, who is away from the desk.

alter table ticket add column matter text not null default '' check (matter ~ '^[a-z_]{0,40}$');

-- Somebody at a device presses for a person. One open call of a kind per device: pressing twice is one call.
create table help_call (
    id           bigint generated always as identity primary key,
    endpoint_id  uuid not null references endpoint (id),
    ticket_id    uuid references ticket (id),
    kind         text not null check (kind in ('help', 'urgent', 'devices')),
    raised_at    timestamptz not null,
    taken_by     uuid references person (id),
    taken_at     timestamptz,
    check ((taken_by is null) = (taken_at is null))
);
create unique index help_call_open on help_call (endpoint_id, kind) where taken_at is null;
create index help_call_raised on help_call (raised_at);

-- "I see to it", by name, for something that goes wrong in a running session.
create table watch_taken (
    session_id  uuid not null references session (id),
    kind        text not null check (kind ~ '^[a-z_]{1,40}$'),
    seat_id     uuid references seat (id),
    taken_by    uuid not null references person (id),
    taken_at    timestamptz not null,
    unique nulls not distinct (session_id, kind, seat_id)
);

-- Said by the person; whoever is in a room is known by the session.
create table staff_away (
    person_id  uuid primary key references person (id),
    since      timestamptz not null
);
