-- Space for recordings, as the web process measured it last. One row. Runs on PostgreSQL 15 to 18.

create table storage_space (
    one          boolean primary key default true check (one),
    free_bytes   bigint not null check (free_bytes >= 0),
    total_bytes  bigint not null check (total_bytes >= 0),
    measured_at  timestamptz not null
);
