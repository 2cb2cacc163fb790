-- Calling from several lines at once wants the first of all in order: read it from an index instead of sorting who waits at each press.
create index ticket_next on ticket (priority desc, place, arrival) where state = 'waiting';
