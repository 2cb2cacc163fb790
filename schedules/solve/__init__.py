"""The optional solver: OR-Tools CP-SAT in a process of its own, so that neither its size nor its time is the server's."""
