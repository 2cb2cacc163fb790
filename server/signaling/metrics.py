"""Figures of the rooms for /metrics: counts only, no label names a person or a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.mediaplane.plane import MediaPlane
    from server.sessions.events import EventWriter
    from server.signaling.rooms import Rooms


class RoomFigures(Collector):
    """Read when asked for."""

    def __init__(self, rooms: Rooms, plane: MediaPlane, events: EventWriter) -> None:
        self._rooms = rooms
        self._plane = plane
        self._events = events

    def collect(self) -> Iterator[GaugeMetricFamily]:
        workers = self._plane.workers()
        sessions, lines = self._rooms.count()
        yield _gauge("laizuo_sessions_running", "Sessions that this process serves", sessions)
        yield _gauge("laizuo_room_lines", "People connected to a room", lines)
        yield _gauge("laizuo_media_workers_up", "Media workers that answer", len(workers))
        yield _gauge("laizuo_media_workers_away", "Media workers that do not", len(self._plane.away()))
        yield _gauge("laizuo_session_events_waiting", "Session events not yet in the database", self._events.waiting)
        seats = GaugeMetricFamily("laizuo_media_seats", "Seats with media by worker", labels=["worker"])
        for worker in workers:
            seats.add_metric([worker.name], worker.seats)
        yield seats


def _gauge(name: str, text: str, value: int) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
