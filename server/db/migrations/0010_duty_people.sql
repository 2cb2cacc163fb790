-- People and rules of rosters: service teams with admission and exit, limits, ways between sites, opening hours, services, purchased quotas,
-- the solver's layer of a draft.

-- ---------------------------------------------------------------- teams

create table service_team (
    id       uuid primary key default gen_random_uuid(),
    slug     text not null unique check (slug ~ '^[a-z][a-z_]{1,40}$'),
    name_zh  text not null check (length(name_zh) between 1 and 80),
    name_en  text not null check (length(name_en) between 1 and 120),
    kind     text not null check (kind in ('linked', 'volunteers', 'purchased', 'other'))
);

-- The linked teams and two kinds of volunteers. Names are a city's own to change; rows are added, not columns.
insert into service_team (slug, name_zh, name_en, kind) values
    ('lawyers',           '律师队伍',               'Lawyers',                                   'linked'),
    ('notaries',          '公证员队伍',             'Notaries',                                  'linked'),
    ('mediators',         '人民调解员队伍',         'People''s mediators',                       'linked'),
    ('village_advisers',  '村居法律顾问队伍',       'Village legal advisers',                    'linked'),
    ('law_literate',      '法律明白人队伍',         'Law-literate villagers',                    'linked'),
    ('grid_workers',      '网格员队伍',             'Community grid workers',                    'linked'),
    ('volunteer_lawyers', '公共法律服务志愿律师团', 'Volunteer lawyer corps',                    'volunteers'),
    ('volunteers',        '公共法律服务志愿者库',   'Volunteer pool',                            'volunteers');

-- From admission to exit. Somebody may come back: another row.
create table team_member (
    id           uuid primary key default gen_random_uuid(),
    team_id      uuid not null references service_team (id),
    person_id    uuid not null references person (id),
    admitted_on  date not null,
    left_on      date,                                          -- the first day on which the person is no member any more
    entered_by   uuid references person (id),
    check (left_on >= admitted_on),
    exclude using gist (team_id with =, person_id with =, daterange(admitted_on, left_on) with &&)
);
create index team_member_person on team_member (person_id);

alter table duty_rotation add column team text references service_team (slug);
alter table duty_rotation drop constraint duty_rotation_turn_check;
alter table duty_rotation add constraint duty_rotation_turn_check check (turn in ('week', 'shift', 'fair'));

-- ---------------------------------------------------------------- limits and ways

create table duty_limits (
    person_id        uuid primary key references person (id),
    max_days_a_week  smallint check (max_days_a_week between 1 and 7),      -- null: no limit
    rest_minutes     integer not null default 0 check (rest_minutes between 0 and 1440),
    home_site_id     uuid references site (id)                              -- where the way to a duty begins
);

create table site_travel (
    one_id    uuid not null references site (id),
    other_id  uuid not null references site (id),
    minutes   integer not null check (minutes between 1 and 1440),
    primary key (one_id, other_id),
    check (one_id < other_id)                                               -- the same in both directions: one row
);

-- ---------------------------------------------------------------- what a site offers

create table site_opening (
    site_id  uuid not null references site (id),
    weekday  smallint not null check (weekday between 1 and 7),
    opens    time not null,
    closes   time not null,
    primary key (site_id, weekday, opens),
    check (closes > opens)
);

-- "3 + X": the services of a site. No row: not declared, nothing is warned of.
create table site_offer (
    site_id  uuid not null references site (id),
    service  text not null check (service ~ '^[a-z][a-z_]{1,40}$'),
    primary key (site_id, service)
);

create table purchased_service (
    id         uuid primary key default gen_random_uuid(),
    site_id    uuid not null references site (id),
    service    text not null check (service ~ '^[a-z][a-z_]{1,40}$'),
    provider   text not null check (length(provider) between 1 and 120),
    first_day  date not null,
    last_day   date not null,
    shifts     integer not null check (shifts >= 0),
    check (last_day >= first_day)
);
create index purchased_service_site on purchased_service (site_id);

-- ---------------------------------------------------------------- the solver's layer

-- Of a draft; a publish keeps it with the release's inputs.
create table duty_proposal (
    site_id   uuid primary key references duty_roster (site_id),
    planner   text not null,
    seed      integer not null,
    seats     jsonb not null,
    bound     jsonb not null default '{}',                                  -- what the solver proved
    made_at   timestamptz not null,
    made_by   uuid references person (id)
);

-- ---------------------------------------------------------------- attendance

-- At most one line per seat: who came, or that nobody did. An absent person's shift does not count in the ledger.
create table duty_attendance (
    site_id     uuid not null references duty_roster (site_id),
    slot_key    text not null,
    post        smallint not null,
    person_id   uuid not null references person (id),
    state       text not null check (state in ('present', 'absent')),
    means       text not null check (means in ('kiosk_code', 'room', 'coordinator')),
    at          timestamptz not null,
    marked_by   uuid references person (id),
    primary key (site_id, slot_key, post, person_id)
);

-- ---------------------------------------------------------------- swaps

-- Ask, take, approve. `taker_id` is empty until somebody takes it.
create table duty_swap (
    id           uuid primary key default gen_random_uuid(),
    site_id      uuid not null references duty_roster (site_id),
    slot_key     text not null check (length(slot_key) <= 120),
    post         smallint not null check (post between 0 and 9),
    during       tstzrange not null check (not isempty(during)),
    asker_id     uuid not null references person (id),
    taker_id     uuid references person (id),
    reason       text not null default '' check (length(reason) <= 200),
    state        text not null check (state in ('asked', 'taken', 'approved', 'refused', 'withdrawn')),
    asked_at     timestamptz not null,
    taken_at     timestamptz,
    decided_at   timestamptz,
    decided_by   uuid references person (id),
    check (taker_id is distinct from asker_id),
    check ((taker_id is not null) = (taken_at is not null)),
    check (state <> 'asked' or taker_id is null),
    check (state not in ('taken', 'approved') or taker_id is not null),
    check ((state in ('approved', 'refused', 'withdrawn')) = (decided_at is not null)),
    -- Nobody takes two shifts that overlap, however many swaps wait for a decision.
    constraint duty_nobody_takes_twice exclude using gist (taker_id with =, during with &&) where (state = 'taken')
);
-- A seat is asked for once at a time.
create unique index duty_swap_one on duty_swap (site_id, slot_key, post) where state in ('asked', 'taken');
create index duty_swap_site on duty_swap (site_id, state);

-- ---------------------------------------------------------------- days

-- Notices that were imported; of several versions of a year the highest counts. The shipped data files stand below them.
create table holiday_notice (
    year         integer not null,
    version      integer not null,
    text         text not null check (length(text) <= 65536),               -- TOML, as it was uploaded
    imported_at  timestamptz not null,
    imported_by  uuid references person (id),
    primary key (year, version)
);
