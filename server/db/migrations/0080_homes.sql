-- Several web processes (server/signaling/BUS.md): which are alive, and which one leads a session. Empty where there is no bus.
create table web_process (
    name         text primary key check (length(name) between 1 and 64),
    alive_until  timestamptz not null
);
create table session_home (
    session_id  uuid primary key references session (id) on delete cascade,
    web         text not null,
    epoch       integer not null check (epoch >= 1)
);
create index session_home_web on session_home (web);
