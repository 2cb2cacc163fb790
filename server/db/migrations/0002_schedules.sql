-- Duty rosters: what coordinators edit (the draft), what is published (releases), who is on duty (duty_current), and calendar feeds.
-- Runs on PostgreSQL 15 to 18.

create extension if not exists btree_gist;

-- ---------------------------------------------------------------- the draft

-- One per site. Every edit raises the revision; a publish names the revision it was looked at with.
create table duty_roster (
    site_id     uuid primary key references site (id),
    revision    bigint not null default 1,
    first_day   date not null,                                  -- window of the next publish, local days, both included
    last_day    date not null,
    version     integer,                                        -- the release that is public; null before the first
    updated_at  timestamptz not null,
    updated_by  uuid references person (id),
    check (last_day >= first_day),
    check (last_day <= first_day + 400)                         -- a year ahead and its hand-over week; more is a mistake
);

create table duty_rotation (
    id            uuid primary key default gen_random_uuid(),
    site_id       uuid not null references duty_roster (site_id),
    service       text not null check (service ~ '^[a-z][a-z_]{1,40}$'),
    title         text not null default '' check (length(title) <= 80),
    weekdays      smallint[] not null check (weekdays <@ '{1,2,3,4,5,6,7}'),      -- ISO, 1 = Monday
    starts        time not null,                                -- local to China
    ends          time not null,                                -- not after `starts`: on the following day
    turn          text not null default 'week' check (turn in ('week', 'shift')),
    week_starts   smallint not null default 1 check (week_starts between 1 and 7),
    anchor        date not null,                                -- a day in the first member's turn
    holidays      text not null default 'skip' check (holidays in ('skip', 'serve')),
    makeup_days   text not null default 'skip' check (makeup_days in ('skip', 'serve')),
    serves_first  date,                                         -- null: without limit
    serves_last   date,
    retired_at    timestamptz,
    check (serves_last >= serves_first)
);
create index duty_rotation_site on duty_rotation (site_id) where retired_at is null;

create table duty_post (
    rotation_id  uuid not null references duty_rotation (id) on delete cascade,
    post         smallint not null check (post between 0 and 9),
    role         text not null check (role ~ '^[a-z][a-z_]{1,40}$'),
    needs        text check (needs ~ '^[a-z][a-z_]{1,40}$'),    -- a qualification; null: anybody in the rotation
    primary key (rotation_id, post)
);

-- One entry of the order serves together: a person per post.
create table duty_member (
    rotation_id  uuid not null,
    position     smallint not null check (position between 0 and 199),
    post         smallint not null,
    person_id    uuid not null references person (id),
    primary key (rotation_id, position, post),
    unique (rotation_id, position, person_id),
    foreign key (rotation_id, post) references duty_post (rotation_id, post) on delete cascade
);
create index duty_member_person on duty_member (person_id);

-- A qualification with its days. Where a person has no row for a code, a granted role of that name counts without limit.
create table duty_qualification (
    person_id    uuid not null references person (id),
    code         text not null check (code ~ '^[a-z][a-z_]{1,40}$'),
    valid_first  date,
    valid_last   date,
    id           uuid primary key default gen_random_uuid(),
    check (valid_last >= valid_first)
);
create index duty_qualification_person on duty_qualification (person_id);

create table duty_leave (
    id          uuid primary key default gen_random_uuid(),
    person_id   uuid not null references person (id),
    during      tstzrange not null check (not isempty(during) and lower(during) is not null and upper(during) is not null),
    entered_at  timestamptz not null,
    entered_by  uuid references person (id),
    exclude using gist (person_id with =, during with &&)
);

-- A decision on one slot, on top of the rotation. Withdrawn ones stay: the trail of what was decided.
create table duty_override (
    id            uuid primary key default gen_random_uuid(),
    site_id       uuid not null references duty_roster (site_id),
    slot_key      text not null check (length(slot_key) <= 120),
    kind          text not null check (kind in ('substitute', 'close')),
    post          smallint not null default 0,
    person_id     uuid references person (id),
    reason        text not null default '' check (length(reason) <= 200),
    made_at       timestamptz not null,
    made_by       uuid references person (id),
    withdrawn_at  timestamptz,
    check ((kind = 'substitute') = (person_id is not null))
);
create unique index duty_override_one on duty_override (site_id, slot_key, kind, post) where withdrawn_at is null;

-- ---------------------------------------------------------------- published

-- A version is frozen: the whole roster as it was shown, with the inputs it follows from.
create table duty_release (
    site_id        uuid not null references duty_roster (site_id),
    version        integer not null check (version >= 1),
    published_at   timestamptz not null,
    published_by   uuid references person (id),
    rules_version  integer not null,
    inputs         jsonb not null,
    content        jsonb not null,                              -- schedules.core.release.Release
    people         uuid[] not null,                             -- everybody the content names, also those who parted
    primary key (site_id, version)
);
create index duty_release_people on duty_release using gin (people);
alter table duty_roster add constraint duty_roster_release foreign key (site_id, version) references duty_release (site_id, version);

create function duty_release_is_frozen() returns trigger language plpgsql as $$
begin
    raise exception 'a published roster is frozen: publish another version';
end $$;
create trigger duty_release_frozen before update or delete on duty_release for each row execute function duty_release_is_frozen();

-- Who is on duty, of all sites, past ones included (the ledger counts them). Nobody is ever in two places.
create table duty_current (
    site_id    uuid not null references duty_roster (site_id),
    slot_key   text not null,
    post       smallint not null,
    service    text not null,
    role       text not null,
    person_id  uuid not null references person (id),
    during     tstzrange not null check (not isempty(during)),
    version    integer not null,                                -- the release that seated this person
    primary key (site_id, slot_key, post),
    constraint duty_nobody_twice exclude using gist (person_id with =, during with &&)
);
create index duty_current_now on duty_current using gist (site_id, during);

-- ---------------------------------------------------------------- feeds

-- What can be subscribed to. Public feeds have a slug; personal ones only tokens.
create table calendar_feed (
    id         uuid primary key default gen_random_uuid(),
    kind       text not null check (kind in ('site', 'service', 'person')),
    site_id    uuid references site (id),
    service    text,
    person_id  uuid references person (id),
    slug       text unique check (slug ~ '^[a-z0-9][a-z0-9._-]{0,120}$'),
    check ((kind in ('site', 'service')) = (site_id is not null)),
    check ((kind = 'service') = (service is not null)),
    check ((kind = 'person') = (person_id is not null)),
    check ((kind = 'person') = (slug is null))
);
create unique index calendar_feed_one on calendar_feed (kind, site_id, service, person_id) nulls not distinct;

-- The bytes, made at publish; a GET reads one row. Variants: 'zh-CN', 'en' (next: how cancelled ones show, alarms).
create table calendar_feed_body (
    feed_id        uuid not null references calendar_feed (id) on delete cascade,
    variant        text not null,
    body           bytea not null,
    etag           text not null,
    last_modified  timestamptz not null,
    primary key (feed_id, variant)
);

-- Only the SHA-256 of a feed's secret is kept.
create table feed_token (
    token_hash  bytea primary key check (length(token_hash) = 32),
    feed_id     uuid not null references calendar_feed (id) on delete cascade,
    created_at  timestamptz not null,
    revoked_at  timestamptz
);
create unique index feed_token_one on feed_token (feed_id) where revoked_at is null;
