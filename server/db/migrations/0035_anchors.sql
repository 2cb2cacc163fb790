-- Heads of chains, fixed by time stamps of an authority: the outside hold of a journal. Runs on PostgreSQL 15 to 18.

create table anchor (
    id          bigint generated always as identity primary key,
    session_id  uuid not null references recording (session_id),
    room_id     uuid not null references room (id),
    kind        text not null check (kind in ('head', 'pack')),  -- of the journal while it is written; of a pack whose authority was away
    block       bigint not null,
    imprint     text not null check (imprint ~ '^[0-9a-f]{64}$'), -- SHA-256: the head, or the digest of manifest.digest
    noticed_at  timestamptz not null,
    run_after   timestamptz not null,
    attempts    integer not null default 0,
    error       text,
    token       bytea,                                             -- RFC 3161; null until the authority answered
    authority   text,
    stamped_at  timestamptz,
    packed_at   timestamptz,                                       -- it lies in the session's pack
    unique (room_id, kind, block, imprint),
    check ((token is null) = (stamped_at is null))
);
create index anchor_due on anchor (run_after) where token is null;
create index anchor_of_session on anchor (session_id);

-- A stamp that was given is never taken back.
create function anchor_is_kept() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' or new.token is distinct from old.token or new.imprint <> old.imprint or new.block <> old.block then
        raise exception 'a time stamp is never changed or removed';
    end if;
    return new;
end $$;
create trigger anchor_is_kept before update or delete on anchor for each row when (old.token is not null) execute function anchor_is_kept();
