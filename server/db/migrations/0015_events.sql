-- Theme days and lectures with their registrations, monthly screening, and what subscribers have seen of a feed.
-- Runs on PostgreSQL 15 to 18.

-- ---------------------------------------------------------------- rules and series

create table theme_rule (
    id           uuid primary key default gen_random_uuid(),
    site_id      uuid not null references site (id),
    kind         text not null check (kind in ('nth_weekday', 'fixed_day', 'one_date')),
    nth          smallint check (nth in (1, 2, 3, 4, -1)),
    weekday      smallint check (weekday between 1 and 7),
    day          smallint check (day between 1 and 31),
    on_date      date,
    holiday      text not null check (holiday in ('keep', 'next_working_day', 'working_day_before', 'same_weekday_later', 'skip')),
    starts       time not null,                                  -- local to China
    ends         time not null,
    title        text not null check (length(title) between 1 and 80),
    title_en     text not null default '' check (length(title_en) <= 120),
    says         text not null default '' check (length(says) <= 1000),
    services     text[] not null default '{}',                   -- joint consultation when there are several
    teams        text[] not null default '{}',
    materials    text[] not null default '{}',
    first_month  date not null check (extract(day from first_month) = 1),
    made_at      timestamptz not null,
    made_by      uuid references person (id),
    retired_at   timestamptz,
    check (ends > starts),
    check ((kind = 'nth_weekday') = (nth is not null and weekday is not null)),
    check ((kind = 'fixed_day') = (day is not null)),
    check ((kind = 'one_date') = (on_date is not null))
);
create index theme_rule_site on theme_rule (site_id) where retired_at is null;

create table lecture_series (
    id        uuid primary key default gen_random_uuid(),
    year      smallint not null check (year between 2000 and 2200),
    title     text not null check (length(title) between 1 and 80),
    title_en  text not null default '' check (length(title_en) <= 120),
    site_id   uuid not null references site (id),                -- whose series it is
    topics    text[] not null,
    made_at   timestamptz not null
);
create table lecture_quota (
    series_id  uuid not null references lecture_series (id) on delete cascade,
    site_id    uuid not null references site (id),
    quota      smallint not null check (quota between 1 and 366),
    primary key (series_id, site_id)
);

-- ---------------------------------------------------------------- events

-- A theme day or a lecture. The identity survives changes, so that a subscriber's calendar moves it instead of adding another.
create table public_event (
    id              uuid primary key,
    kind            text not null check (kind in ('theme_day', 'lecture')),
    site_id         uuid not null references site (id),
    rule_id         uuid references theme_rule (id),
    month           date check (extract(day from month) = 1),
    series_id       uuid references lecture_series (id),
    title           text not null check (length(title) between 1 and 80),
    title_en        text not null default '' check (length(title_en) <= 120),
    says            text not null default '' check (length(says) <= 1000),
    topic           text not null default '' check (length(topic) <= 40),
    during          tstzrange not null check (not isempty(during) and lower(during) is not null and upper(during) is not null),
    venue           text not null default '' check (length(venue) <= 80),
    speakers        text[] not null default '{}',
    services        text[] not null default '{}',
    teams           text[] not null default '{}',
    materials       text[] not null default '{}',
    why             jsonb not null default '{}',                 -- {zh, en}: why on this day
    room_link       text not null default '' check (room_link = '' or room_link ~ '^https?://[^[:space:]]+$'),
    recording_link  text not null default '' check (recording_link = '' or recording_link ~ '^https?://[^[:space:]]+$'),
    capacity        integer check (capacity between 1 and 100000),
    taken           integer not null default 0,
    state           text not null default 'draft' check (state in ('draft', 'published', 'cancelled')),
    reason          text not null default '' check (length(reason) <= 200),
    revision        integer not null default 1,                  -- rises with every edit: who edits names the one looked at
    sequence        integer not null default 0,                  -- rises with every change that the public sees (RFC 5545 3.8.7.4)
    made_at         timestamptz not null,
    changed_at      timestamptz not null,
    published_at    timestamptz,
    check ((state = 'draft') = (published_at is null)),
    check ((kind = 'theme_day') or rule_id is null),
    check ((rule_id is null) = (month is null)),
    unique (rule_id, month),
    -- Never more registered than seats, whoever is how fast.
    constraint event_never_overbooked check (taken >= 0 and (capacity is null or taken <= capacity)),
    -- Never two events in one room at one time.
    constraint event_room_once exclude using gist (site_id with =, venue with =, during with &&) where (state = 'published' and venue <> '')
);
create index public_event_site on public_event (site_id, kind);
create index public_event_series on public_event (series_id);
create index public_event_time on public_event using gist (during);

-- ---------------------------------------------------------------- registrations

create table registration (
    id             uuid primary key default gen_random_uuid(),
    event_id       uuid not null references public_event (id),
    arrival        bigint generated always as identity,          -- order of the waiting list, also within one instant
    name           text not null default '' check (length(name) <= 40),
    phone          text not null default '' check (phone ~ '^(\+?[0-9]{6,15})?$'),
    language       text not null default 'zh-CN' check (language in ('zh-CN', 'en')),
    token_hash     bytea not null unique check (length(token_hash) = 32),  -- the personal link
    request_key    text not null,
    state          text not null check (state in ('registered', 'waiting', 'cancelled', 'attended')),
    made_at        timestamptz not null,
    moved_up_at    timestamptz,
    cancelled_at   timestamptz,
    attended_at    timestamptz,
    rating         smallint check (rating between 1 and 5),
    feedback       text not null default '' check (length(feedback) <= 500),
    forgotten_at   timestamptz,                                  -- name and phone were removed
    unique (event_id, request_key),
    check ((state = 'cancelled') = (cancelled_at is not null)),
    check ((state = 'attended') = (attended_at is not null))
);
create unique index registration_once on registration (event_id, phone) where phone <> '' and state in ('registered', 'waiting', 'attended');
create index registration_line on registration (event_id, arrival) where state = 'waiting';

-- Seats are counted here and nowhere else; the check on public_event refuses one too many.
create function registration_counts_seat() returns trigger language plpgsql as $$
declare
    before integer := 0;
    after integer := 0;
begin
    if tg_op in ('UPDATE', 'DELETE') and old.state in ('registered', 'attended') then before := 1; end if;
    if tg_op in ('INSERT', 'UPDATE') and new.state in ('registered', 'attended') then after := 1; end if;
    if after <> before then
        update public_event set taken = taken + after - before where id = coalesce(new.event_id, old.event_id);
    end if;
    return null;
end $$;
create trigger registration_seat after insert or delete or update of state on registration
    for each row execute function registration_counts_seat();

-- ---------------------------------------------------------------- proactive screening (the 18th of each month)

create table screening_task (
    site_id     uuid not null references site (id),
    month       date not null check (extract(day from month) = 1),
    due         date not null,
    sources     jsonb not null default '{}',                     -- {hotline_12345: {count, note}, petition: ..., local_problem: ...}
    needs       text not null default '' check (length(needs) <= 2000),
    plan        text not null default '' check (length(plan) <= 2000),
    event_id    uuid references public_event (id),               -- the theme day or lecture it led to
    done_at     timestamptz,
    done_by     uuid references person (id),
    primary key (site_id, month),
    check (done_at is null or needs <> '')
);
