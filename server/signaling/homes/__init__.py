"""Several web processes (BUS.md): who leads a session, and how a line comes to it from another process."""
