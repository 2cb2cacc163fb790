-- A lecture that is streamed: its sessions, and the rooms that listen, each with a seat that everybody sees.

create table event_session (
    session_id  uuid primary key references session (id),
    event_id    uuid not null references public_event (id),
    opened_at   timestamptz not null
);
create index event_session_event on event_session (event_id, opened_at desc);

create table event_listener (
    session_id   uuid not null references event_session (session_id),
    endpoint_id  uuid not null references endpoint (id),
    seat_id      uuid not null references seat (id),
    asked_at     timestamptz not null,
    primary key (session_id, endpoint_id)
);
