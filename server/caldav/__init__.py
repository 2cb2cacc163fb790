"""Read-only CalDAV over the published calendars (RFC 4791, 6578), for clients that synchronise instead of fetching whole files."""
