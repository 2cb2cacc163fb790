-- Facts about this installation that are not worth a table each: `demo` marks a seeded fictional city.
create table setting (
    key    text primary key,
    value  jsonb not null
);
