-- Copies of packs that newer ones have followed: nobody can take them away before their time, so it is known what lies there and until when.
-- Runs on PostgreSQL 15 to 18.

create table pack_copy_before (
    id            bigint generated always as identity primary key,
    film_id       uuid not null references film (id) on delete cascade,
    name          text not null,
    version       text not null,
    stored_at     timestamptz not null,
    retain_until  timestamptz not null
);
create index pack_copy_before_film on pack_copy_before (film_id);
