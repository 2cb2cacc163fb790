"""Web processes over a real broker: its fixtures, taken into a test module by `broker = on_bus.broker`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from server.mediaplane import placing
from tests.support.broker import Broker, running_broker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from server.config import Settings


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has a room is waited for, however busy the machine is."""
    monkeypatch.setattr(placing, "START_S", 30.0)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running_broker(tmp_path) as running:
        yield running


def on(settings: Settings, broker: Broker) -> Settings:
    """These settings, with the media workers and the other web processes behind this broker."""
    return msgspec.structs.replace(settings, bus=broker.url)
