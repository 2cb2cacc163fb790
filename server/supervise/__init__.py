"""The parent process: starts PostgreSQL, the media workers and the web process, watches them, and stops them in order."""
