-- Recordings of sessions: the wrapped key, the films, and jobs that make them. Runs on PostgreSQL 15 to 18.

-- ---------------------------------------------------------------- recordings

-- One per session that is recorded at all; made with its key before the first room opens. Destroying the wrapped key destroys the recording.
create table recording (
    session_id   uuid primary key references session (id),
    wrapped_key  text,                                           -- under a master key (media/record/keys.py)
    state        text not null default 'recording' check (state in ('recording', 'waiting', 'making', 'ready', 'failed', 'destroyed')),
    cause        text,                                           -- of `failed`, for people
    result       jsonb not null default '{}',                    -- what the job said: length, streams, problems, events
    created_at   timestamptz not null,
    made_at      timestamptz,
    check ((state = 'destroyed') = (wrapped_key is null)),
    check ((state = 'failed') = (cause is not null))
);

create table film (
    id            uuid primary key default gen_random_uuid(),
    session_id    uuid not null references recording (session_id),
    room_id       uuid not null references room (id),
    kind          text not null check (kind in ('person', 'composed', 'pack')),
    seat_id       uuid references seat (id),
    source        text,
    part          integer not null default 0,
    path          text not null,                                 -- below the data directory
    content_type  text not null,
    bytes         bigint not null check (bytes >= 0),            -- of the content, not of the sealed file
    length_us     bigint not null check (length_us >= 0),
    facts         jsonb not null default '{}',
    made_at       timestamptz not null,
    unique nulls not distinct (session_id, room_id, kind, seat_id, source, part),
    check ((kind = 'person') = (seat_id is not null))
);

-- ---------------------------------------------------------------- jobs

-- Work that outlives a request: taken with FOR UPDATE SKIP LOCKED, held by a lease, begun again when the lease runs out.
create table job (
    id            bigint generated always as identity primary key,
    kind          text not null check (kind ~ '^[a-z][a-z_]{1,40}$'),
    subject       text not null,
    state         text not null default 'waiting' check (state in ('waiting', 'running', 'done', 'failed')),
    run_after     timestamptz not null,
    attempts      integer not null default 0,
    leased_by     text,
    leased_until  timestamptz,
    stage         text not null default '',
    progress      real not null default 0 check (progress between 0 and 1),
    error         text,
    created_at    timestamptz not null,
    finished_at   timestamptz,
    unique (kind, subject),
    check ((state = 'running') = (leased_by is not null and leased_until is not null)),
    check ((state in ('done', 'failed')) = (finished_at is not null))
);
create index job_due on job (run_after) where state in ('waiting', 'running');

-- A recorded session that ends gets its job in the same transaction, whoever ends it and however.
create function session_ended_makes_job() returns trigger language plpgsql as $$
begin
    if exists (select from recording where session_id = new.id and state = 'recording') then
        update recording set state = 'waiting' where session_id = new.id;
        insert into job (kind, subject, run_after, created_at) values ('make_films', new.id::text, new.ended_at, new.ended_at)
        on conflict (kind, subject) do nothing;
        perform pg_notify('laizuo', json_build_object('kind', 'job', 'subject', new.id)::text);
    end if;
    return null;
end $$;
create trigger session_ended_makes_job after update of state on session
    for each row when (new.state = 'ended' and old.state <> 'ended') execute function session_ended_makes_job();
