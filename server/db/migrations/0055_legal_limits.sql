-- Legal limits of one's own cases: which clock started when, and the days on which it stood still. No client is named: `reference` is a case's number.
create table legal_limit (
    id          uuid primary key default gen_random_uuid(),
    person_id   uuid not null references person (id),
    rule        text not null check (rule ~ '^[a-z][a-z_]{1,40}$'),      -- schedules/core/limits.py
    reference   text not null check (length(reference) between 1 and 40),
    starts      date not null,                                           -- the day of the event; the clock's first day is the day after
    ended_on    date,                                                    -- what the limit was for is done
    due         date,                                                    -- as it was told last; null: it stood still
    sequence    integer not null default 0,                              -- rises with what subscribers see
    made_at     timestamptz not null,
    changed_at  timestamptz not null,
    unique (person_id, rule, reference)
);
create table legal_limit_pause (
    limit_id    uuid not null references legal_limit (id) on delete cascade,
    first       date not null,
    last        date check (last >= first),                              -- null: it has not gone on yet
    reason      text not null check (length(reason) between 1 and 120),
    primary key (limit_id, first)
);
