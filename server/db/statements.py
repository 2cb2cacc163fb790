"""Named SQL statements of a package: `queries.sql` holds them, Python refers to their names.

-- name: call_next_ticket
-- Who waits longest within the highest priority; two clerks may press at once.
update ticket set ...
"""

from __future__ import annotations

import re
from importlib import resources

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)


def load_statements(package: str, name: str = "queries.sql") -> dict[str, str]:
    """Statements of the file `name` beside `package`'s modules, by name. Raises ValueError where a name is given twice or holds nothing."""
    _, *parts = _NAME.split(resources.files(package).joinpath(name).read_text("utf-8"))
    statements: dict[str, str] = {}
    for key, text in zip(parts[::2], parts[1::2], strict=True):
        if key in statements or not text.strip():
            raise ValueError(f"{package}/{name}: the statement {key} is empty or there twice")
        statements[key] = text.strip().rstrip(";")
    return statements
