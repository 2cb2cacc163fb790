"""The sans-IO heart of the room protocol: a session's state, its inputs, its effects. No socket, no clock, no await."""
