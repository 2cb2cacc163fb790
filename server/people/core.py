"""Rules about people that need no database."""

from __future__ import annotations

from datetime import timedelta

from server.access.core import Role

SIGN_IN_LASTS = timedelta(hours=12)  # a working day: nobody is thrown out in the middle of an act

# Where a person goes after signing in: the first of their roles that is listed here.
_FIRST_PAGE: tuple[tuple[Role, str], ...] = (
    (Role.NOTARY, "/desk"),
    (Role.MEDIATOR, "/desk"),
    (Role.LAWYER, "/desk"),
    (Role.NOTARY_ASSISTANT, "/desk"),
    (Role.COORDINATOR, "/roster"),
    (Role.ADMINISTRATOR, "/admin"),
    (Role.SITE_WORKER, "/my-room"),
)


def first_page(roles: frozenset[Role]) -> str:
    """Path of the page that somebody with these roles works on."""
    return next((path for role, path in _FIRST_PAGE if role in roles), "/")


def safe_next(path: str, otherwise: str) -> str:
    """A path of ours to go on to after signing in; anything that could lead elsewhere becomes `otherwise`."""
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and "\\" not in path and path.isprintable()
    return path if ours else otherwise
