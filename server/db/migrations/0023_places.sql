-- Where a site is and what it looks like; how a device is. Runs on PostgreSQL 15 to 18.

alter table site
    add column latitude    double precision check (latitude between -90 and 90),
    add column longitude   double precision check (longitude between -180 and 180),
    add column photo_path  text not null default '' check (length(photo_path) <= 200),   -- below the data directory
    add constraint site_position_whole check ((latitude is null) = (longitude is null));

alter table endpoint
    add column version           text not null default '' check (length(version) <= 40),
    add column line              jsonb not null default '{}',             -- what the device said last: rtt_ms, loss, kbit_s
    add column problems          text[] not null default '{}',            -- camera, microphone, speaker, printer, reader
    add column reported_at       timestamptz,
    add column reload_wanted_at  timestamptz;                             -- cleared when the device has been told
