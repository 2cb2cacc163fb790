"""What C must know of the event loop that calls it, to stay away from it for as long as it has nothing to do.

All names here are private to asyncio, to uvloop and to the libuv inside it. Where they are missing Python is woken more often than it
needs to be, as correct and a little dearer.
"""

from __future__ import annotations

import asyncio
import ctypes
from dataclasses import dataclass
from importlib import import_module
from typing import Any


def descriptor_of(loop: asyncio.AbstractEventLoop) -> int:
    """What becomes readable when something happens that the loop waits for; -1 where it does not tell."""
    selector = getattr(loop, "_selector", None)
    tell = getattr(loop, "_get_backend_id", None) or getattr(selector, "fileno", None)
    try:
        return int(tell()) if tell is not None else -1
    except (TypeError, ValueError, OSError):
        return -1


@dataclass(frozen=True, slots=True)
class Due:
    """`ask(loop)` gives milliseconds until the loop's next timer, 0 when it has something to do at once, -1 when it has no timer.

    Both are addresses, for a call without the GIL (libuv's uv_backend_timeout); `library` keeps the first one valid.
    """

    ask: int
    loop: int
    library: object


def due_of(loop: asyncio.AbstractEventLoop) -> Due | None:
    """None where the loop's timers cannot be asked for."""
    try:
        module: Any = import_module("uvloop.loop")
        if not isinstance(loop, module.Loop):
            return None
        library = ctypes.CDLL(module.__file__)
        ask = ctypes.cast(library.uv_backend_timeout, ctypes.c_void_p).value
        open_capsule = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
            ("PyCapsule_GetPointer", ctypes.pythonapi)
        )
        pointer = open_capsule(module.libuv_get_loop_t_ptr(loop), None)
    except (ImportError, AttributeError, OSError, TypeError, ValueError):
        return None
    return Due(ask, pointer, library) if ask and pointer else None
