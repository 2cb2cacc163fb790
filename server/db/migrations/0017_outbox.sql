-- Messages to people: written in the transaction of what they tell, sent afterwards by a worker, again until somebody took them.

create table contact_address (
    person_id   uuid not null references person (id),
    channel     text not null check (channel in ('mail')),
    address     text not null check (length(address) between 3 and 254),
    entered_at  timestamptz not null,
    primary key (person_id, channel)
);

create table outbox (
    id           bigint generated always as identity primary key,
    channel      text not null check (channel in ('mail', 'phone', 'log')),
    address      text not null default '' check (length(address) <= 254),
    person_id    uuid references person (id),
    kind         text not null check (kind ~ '^[a-z_]{1,40}$'),
    subject      text not null check (length(subject) <= 200),
    body         text not null check (length(body) <= 4000),
    made_at      timestamptz not null,
    due_at       timestamptz not null,
    attempts     smallint not null default 0,
    sent_at      timestamptz,
    given_up_at  timestamptz,
    last_error   text not null default '' check (length(last_error) <= 200)
);
create index outbox_due on outbox (due_at) where sent_at is null and given_up_at is null;
