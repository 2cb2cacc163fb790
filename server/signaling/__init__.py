"""The room protocol (PROTOCOL.md): messages, the sans-IO session, and the shell that gives it sockets, a database and a media worker."""
