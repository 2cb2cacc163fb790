-- More kinds of feeds, the versions of each, and which device fetched which of them.

alter table calendar_feed add column subject text not null default '' check (length(subject) <= 60);   -- a team's code; '' elsewhere
alter table calendar_feed drop constraint calendar_feed_kind_check;
alter table calendar_feed drop constraint calendar_feed_check;
alter table calendar_feed drop constraint calendar_feed_check1;
alter table calendar_feed drop constraint calendar_feed_check2;
alter table calendar_feed drop constraint calendar_feed_check3;
alter table calendar_feed add constraint calendar_feed_kind
    check (kind in ('site', 'service', 'person', 'team', 'theme_days', 'lectures', 'holidays', 'makeup_days', 'deadlines'));
alter table calendar_feed add constraint calendar_feed_about check (
    case kind
        when 'site' then site_id is not null and service is null and person_id is null
        when 'service' then site_id is not null and service is not null and person_id is null
        when 'person' then site_id is null and service is null and person_id is not null
        when 'deadlines' then site_id is null and service is null and person_id is not null
        else service is null and person_id is null
    end);
alter table calendar_feed add constraint calendar_feed_secret check ((kind in ('person', 'deadlines')) = (slug is null));
alter table calendar_feed add constraint calendar_feed_subject check ((kind = 'team') = (subject <> ''));
drop index calendar_feed_one;
create unique index calendar_feed_one on calendar_feed (kind, site_id, service, person_id, subject) nulls not distinct;

-- What a version held: {uid: [tag, start, summary, state]}. For CalDAV's sync-collection, and to say what a device has not seen yet.
create table calendar_feed_version (
    feed_id  uuid not null references calendar_feed (id) on delete cascade,
    variant  text not null,
    number   integer not null check (number >= 1),
    etag     text not null,
    at       timestamptz not null,
    items    jsonb not null,
    primary key (feed_id, variant, number)
);
create index calendar_feed_version_etag on calendar_feed_version (feed_id, variant, etag);

-- The last fetch of each device. A device is a secret: the link's token, or the id that a public link was given.
create table feed_receipt (
    feed_id     uuid not null references calendar_feed (id) on delete cascade,
    device      bytea not null check (length(device) = 32),      -- SHA-256 of the secret
    program     text not null check (program ~ '^[a-z]{1,20}$'), -- which kind of calendar program; no more of the header is kept
    variant     text not null,
    etag        text not null,
    first_at    timestamptz not null,
    fetched_at  timestamptz not null,
    fetches     bigint not null default 1,
    primary key (feed_id, device, program)
);
create index feed_receipt_device on feed_receipt (device);

-- A subscription to a public feed that wants receipts: somebody opened the page and took a link of their own.
create table feed_device (
    device      bytea primary key check (length(device) = 32),
    feed_id     uuid not null references calendar_feed (id) on delete cascade,
    made_at     timestamptz not null
);
