"""The attackers of `bench attacks`: strangers who only know the port, members who have a seat and keys, and the process they run in (child.py)."""
