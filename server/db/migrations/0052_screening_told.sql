-- The monthly screening is a task: its day is told to the coordinators once.
alter table screening_task add column told_at timestamptz;
