"""What is done on both packet paths, and on the C path alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.support.forward_stage import NewStage, Stage
from tests.support.native_room import KEY_FRAME, Room


@pytest.fixture(params=["python", "native"])
def new_stage(request: pytest.FixtureRequest) -> NewStage:
    """Makes stages on one path: new_stage(kind, codec)."""
    return partial(Stage, request.param)


@pytest.fixture
def room() -> Iterator[Room]:
    """On the C path: one who sends, two who have his first picture."""
    made = Room()
    made.subscriber(1)
    made.subscriber(2)
    made.send(1, KEY_FRAME)
    made.path.read()
    made.wire.messages.clear()
    made.wire.sent.clear()
    yield made
    made.close()
