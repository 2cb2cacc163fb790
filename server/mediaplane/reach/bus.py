"""The bus as the server sees it: the same as the workers' (media/control/bus.py), for this package and for rooms."""

from __future__ import annotations

from media.control.bus import Bus, BusAway, BusMissing, Said, address

__all__ = ["Bus", "BusAway", "BusMissing", "Said", "address"]
