"""How the web process gets to its media workers: over unix sockets on one machine, over the bus between machines."""
