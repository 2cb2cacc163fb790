-- Stretches of a recording that must be hidden: from the films and from the keys that packs give out. Never changed, never removed; the journal stays whole.

create table hidden_part (
    id          bigint generated always as identity primary key,
    session_id  uuid not null references recording (session_id),
    from_us     bigint not null,                                  -- unix microseconds
    to_us       bigint not null,
    seat_id     uuid references seat (id),                        -- null: all
    source      text check (source in ('face', 'voice', 'document', 'screen')),   -- null: all
    cause       text not null check (length(btrim(cause)) between 1 and 500),
    hidden_by   uuid not null references person (id),
    hidden_at   timestamptz not null,
    check (to_us > from_us)
);
create index hidden_part_session on hidden_part (session_id, id);

create function hidden_part_stays() returns trigger language plpgsql as $$
begin
    raise exception 'what was hidden stays hidden, with its cause';
end $$;
create trigger hidden_part_stays before update or delete on hidden_part for each row execute function hidden_part_stays();
