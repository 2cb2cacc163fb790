-- Heads of access journals are stamped outside too: who saw a recording is not rewritten by those who run this machine. Runs on PostgreSQL 15 to 18.

alter table anchor drop constraint anchor_kind_check;
alter table anchor add constraint anchor_kind_check check (kind in ('head', 'pack', 'access'));
alter table anchor alter column room_id drop not null;                             -- an access journal belongs to the session; its block is the entry
alter table anchor add constraint anchor_room check ((kind = 'access') = (room_id is null));
create unique index anchor_of_access on anchor (session_id, block) where kind = 'access';
