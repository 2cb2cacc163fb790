"""A bad line between a browser and a media worker, on one machine and without privileges: shape.py says when, relay.py carries."""
