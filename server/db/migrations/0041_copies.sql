-- Copies of packs in a second place, the monthly look at everything that was recorded, and what administrators were told. Runs on PostgreSQL 15 to 18.

-- The newest copy of a pack. pack_bytes: how long the pack was; it grows by stamps that come late, and is then copied again.
create table pack_copy (
    film_id       uuid primary key references film (id) on delete cascade,
    pack_bytes    bigint not null,
    state         text not null check (state in ('waiting', 'stored')),
    attempts      integer not null default 0,
    run_after     timestamptz not null,                            -- waiting: when it is tried (again)
    error         text,
    name          text,
    version       text,
    sha256        text,                                            -- of the sealed file, read back
    retain_until  timestamptz,
    stored_at     timestamptz,
    check ((state = 'stored') = (version is not null and sha256 is not null and retain_until is not null and stored_at is not null))
);

-- The last look at a recording where it lies: journals, films, pack.
create table recording_check (
    session_id  uuid primary key references recording (session_id) on delete cascade,
    checked_at  timestamptz not null,
    bytes       bigint not null,
    damage      text[] not null default '{}'
);

-- So that the same news does not come twice an hour.
create table storage_told (
    kind  text primary key check (kind ~ '^[a-z_]{1,40}$'),
    at    timestamptz not null
);
