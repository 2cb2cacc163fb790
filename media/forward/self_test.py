"""Before the C path gets a person's packet: the same story through both paths must leave the same bytes."""

from __future__ import annotations

from media.forward.native_memory import Library


def check_native(library: Library) -> None:
    """Raises NativeUnusable."""
