"""The checker for everybody as one HTML file: the modules of web/verifier put into its page, so that it opens from a USB stick.

Nothing is translated or minified: an `import` line goes, `export` goes, and the modules stand one after the other in one script.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path

# In the order of need: who imports stands behind what it imports.
MODULES = ("bytes", "hashes", "archive", "cms", "ledger", "journal", "proofs", "check", "words", "page")
_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|function|class|async|let)", re.MULTILINE)


def verifier_root() -> Path:
    """web/verifier of the checkout, or beside the installed package."""
    inside = Path(__file__).parent.parent / "_web"
    return (inside if inside.is_dir() else Path(__file__).parent.parent.parent / "web") / "verifier"


@lru_cache(1)
def verifier_page() -> str:
    """The page, with a policy of its own that allows this one script and no network."""
    script, style = _parts()
    page = verifier_root().joinpath("verifier.html").read_text("utf-8")
    values = {"POLICY": policy(script, style), "STYLE": style, "SCRIPT": script}
    for name, value in values.items():
        page = page.replace(f"%{name}%", value, 1)
    return page


@lru_cache(1)
def bare_policy() -> str:
    """The same policy as a header."""
    return policy(*_parts())


def _parts() -> tuple[str, str]:
    root = verifier_root()
    script = "\n" + "\n".join(bare(root.joinpath(f"{name}.js").read_text("utf-8")) for name in MODULES)
    return script, "\n" + root.joinpath("verifier.css").read_text("utf-8")


def bare(module: str) -> str:
    """A module without its imports and exports."""
    return _EXPORT.sub("", _IMPORT.sub("", module))


def policy(script: str, style: str) -> str:
    """Content-Security-Policy of the page: nothing from anywhere."""
    return f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
