-- Seeing a recording that is not one's own: asked for with a reason, agreed by a second person where the procedure says so; and the access journal
-- of each recording, chained and never changed. Runs on PostgreSQL 15 to 18.

create table viewing (
    id            uuid primary key default gen_random_uuid(),
    session_id    uuid not null references recording (session_id),
    asked_by      uuid not null references person (id),
    asked_at      timestamptz not null,
    reason        text not null check (length(reason) between 1 and 500),
    needs_second  boolean not null,
    answered_by   uuid references person (id),
    answered_at   timestamptz,
    open_until    timestamptz,                                    -- null: not yet, or refused
    check (answered_by <> asked_by),
    check ((answered_by is null) = (answered_at is null)),
    check (needs_second or open_until is not null),
    check (not needs_second or open_until is null or answered_by is not null)
);
create index viewing_session on viewing (session_id, asked_by);

create table access_entry (
    session_id  uuid not null references recording (session_id),
    n           integer not null check (n >= 0),
    line        text not null,                                    -- canonical JSON: what happened, when, by whom; exactly the bytes that are hashed
    head        text not null check (head ~ '^[0-9a-f]{64}$'),    -- over the head before it and this line (media/EVIDENCE.md)
    primary key (session_id, n)
);

create function access_entry_stays() returns trigger language plpgsql as $$
begin
    raise exception 'the access journal of a recording is never changed or removed';
end $$;
create trigger access_entry_stays before update or delete on access_entry for each row execute function access_entry_stays();
create trigger access_entry_stays_whole before truncate on access_entry for each statement execute function access_entry_stays();
