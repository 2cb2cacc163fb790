"""Messages to people: written where something happens, in its transaction; sent by a worker afterwards."""
