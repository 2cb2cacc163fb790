"""What a test runs and Python does not bring: there, or the test fails. `python3 -m server test` brings it (server/testing/tools.py)."""

from __future__ import annotations

import pytest

from server.testing import tools


def program(name: str) -> str:
    """Where it is; `name` as in the table."""
    found = tools.find(name)
    if found is None:
        pytest.fail(tools.needed([name]))
    return str(found)
