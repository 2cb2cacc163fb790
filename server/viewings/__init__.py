"""Seeing recordings that are not one's own, and the access journal of each recording."""
