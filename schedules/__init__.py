"""Duty rosters, the calendar of days, and calendar feeds. Knows no HTTP and no media; see RULES.md."""
