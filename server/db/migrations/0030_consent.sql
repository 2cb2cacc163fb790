-- Consent to be recorded: one row for each time somebody said yes or no, signed by the server. Never changed.

create table consent (
    id          bigint generated always as identity primary key,
    session_id  uuid not null references session (id),
    room_id     uuid not null references room (id),
    seat_id     uuid not null references seat (id),
    purpose     text not null check (purpose in ('recording')),   -- each purpose is asked for apart
    given       boolean not null,
    at          timestamptz not null,
    statement   text not null,                                     -- canonical JSON: what was asked, of whom, and the answer
    signature   text not null,                                     -- Ed25519 over the statement, hex
    key         text not null                                      -- the public key, hex
);
create index consent_session on consent (session_id, id);

create function consent_stays() returns trigger language plpgsql as $$
begin
    raise exception 'what somebody consented to is not changed; a new answer is a new row';
end $$;
create trigger consent_stays before update or delete on consent for each row execute function consent_stays();
