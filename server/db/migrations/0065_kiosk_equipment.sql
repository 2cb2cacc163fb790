-- What stands beside a kiosk, and a portrait somebody agreed to. Runs on PostgreSQL 15 to 18.

-- A program on the device itself that reads identity cards: server/waiting/KIOSK.md. Empty: there is none.
alter table endpoint
    add column card_reader text not null default '' check (card_reader ~ '^(http://(127\.0\.0\.1|localhost):[1-9][0-9]{1,4})?$');

create table ticket_portrait (
    ticket_id     uuid primary key references ticket (id) on delete cascade,
    picture       bytea not null check (octet_length(picture) between 1 and 49152),
    agreed_at     timestamptz not null,
    agreed_words  text not null check (length(agreed_words) between 1 and 40)     -- which sentence was agreed to
);
