-- Long work that one web process does at a time: whose claim is in time has it, and another may come after it. Runs on PostgreSQL 15 to 18.

create table work_claim (
    kind     text not null check (kind ~ '^[a-z_]{1,40}$'),
    subject  uuid not null,                                        -- of what: a session
    until    timestamptz not null,                                 -- so long nobody else begins it; whoever was killed leaves it to the next then
    primary key (kind, subject)
);
