-- Mail of those who register for an event; absences that were told, and who was asked to step in.

alter table registration add column mail text not null default '' check (mail = '' or length(mail) between 3 and 254);
create unique index registration_mail_once on registration (event_id, lower(mail)) where mail <> '' and state in ('registered', 'waiting', 'attended');

-- One line per seat whose holder was missed: told once, then one more person asked every few minutes.
create table absence_alarm (
    site_id    uuid not null references duty_roster (site_id),
    slot_key   text not null,
    post       smallint not null,
    person_id  uuid not null references person (id),
    raised_at  timestamptz not null,
    asked      uuid[] not null default '{}',                     -- who was asked to step in, in order
    asked_at   timestamptz,
    primary key (site_id, slot_key, post, person_id)
);
