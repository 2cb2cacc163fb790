"""What is done on both packet paths."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.forward_stage import NewStage, Stage


@pytest.fixture(params=["python", "native"])
def new_stage(request: pytest.FixtureRequest) -> NewStage:
    """Makes stages on one path: new_stage(kind, codec)."""
    return partial(Stage, request.param)
