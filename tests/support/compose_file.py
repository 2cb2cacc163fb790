"""Values of docker-compose.yml as Compose fills them in (its reference, "Interpolation")."""

from __future__ import annotations

import re
from collections.abc import Mapping

# $NAME, ${NAME}, ${NAME:?message}, ${NAME:-default}, ${NAME:+when it is set}
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::([?+-])([^}]*))?\})")


def variables(text: str) -> set[str]:
    """Every name that is asked for."""
    return {match[1] or match[2] for match in _VARIABLE.finditer(text)}


def interpolate(value: str, given: Mapping[str, str]) -> str:
    """With what stands in .env. Raises KeyError where Compose refuses to start."""

    def one(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        said = given.get(name, "")
        if match[3] == "?" and not said:
            raise KeyError(f"{name}: {match[4]}")
        if (match[3] == "-" and not said) or (match[3] == "+" and said):
            return interpolate(match[4], given)
        return said

    return _VARIABLE.sub(one, value)
