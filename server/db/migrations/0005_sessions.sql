-- Tokens of seats: apart from the seat, so that a page which just got a fresh one does not lose the line it is opening with the one before.

-- One seat, several tokens for a short while; still one live connection (seat.connection). Only the SHA-256 is kept.
create table seat_token (
    token_hash  bytea primary key check (length(token_hash) = 32),
    seat_id     uuid not null references seat (id),
    kind        text not null check (kind in ('seat', 'resume')),
    created_at  timestamptz not null,
    expires_at  timestamptz not null
);
create index seat_token_seat on seat_token (seat_id, kind);

alter table seat drop column token_hash, drop column resume_hash;

-- Two sockets race for a seat: the higher number wins, so it must never fall.
create function connection_rises() returns trigger language plpgsql as $$
begin
    if new.connection < old.connection then
        raise exception 'a seat''s connection number only rises';
    end if;
    return new;
end $$;
create trigger seat_connection_rises before update of connection on seat for each row execute function connection_rises();

create index room_session on room (session_id);
