-- Devices in rooms over WHIP and WHEP: with what a web process goes on for one that came by another, or before a restart (server/signaling/PROTOCOL.md).
create table whip_resource (
    id          bytea primary key check (length(id) = 32), -- SHA-256 of the last part of its address
    kind        text not null check (kind in ('whip', 'whep')),
    token_hash  bytea not null check (length(token_hash) = 32),
    seat_id     uuid not null references seat (id) on delete cascade,
    connection  integer not null, -- the seat's number of the device's line: another number is another line
    revision    integer not null check (revision >= 1),
    offer       text not null check (length(offer) <= 65536), -- the newest, without its ICE password
    sources     jsonb not null,
    etag        text not null check (length(etag) between 1 and 300)
);
create index whip_resource_seat on whip_resource (seat_id);
