-- Care of recordings: legal hold, and destruction by two people with a signed certificate. Runs on PostgreSQL 15 to 18.

alter table recording
    add column held_at     timestamptz,
    add column held_by     uuid references person (id),
    add column hold_reason text,
    add check ((held_at is null) = (held_by is null) and (held_at is null) = (hold_reason is null)),
    add check (held_at is null or state <> 'destroyed');

create table destruction (
    session_id   uuid primary key references recording (session_id),
    asked_by     uuid not null references person (id),
    asked_at     timestamptz not null,
    reason       text not null check (length(reason) between 1 and 500),
    agreed_by    uuid references person (id),
    agreed_at    timestamptz,
    certificate  text,                                            -- JSON, exactly the bytes that are signed
    signature    bytea,                                           -- CMS, detached
    check (agreed_by <> asked_by),
    check ((agreed_by is null) = (agreed_at is null) and (agreed_by is null) = (certificate is null) and (agreed_by is null) = (signature is null))
);
