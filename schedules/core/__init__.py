"""Pure rules of rosters and feeds: standard library only, no clock, no I/O."""
