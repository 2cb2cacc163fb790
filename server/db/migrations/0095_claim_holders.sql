-- Who has a piece of long work: only that one renews its claim, or gives it back. Null: taken by the version before. Runs on PostgreSQL 15 to 18.

alter table work_claim add column holder text check (holder ~ '^[0-9a-f]{16}$');
