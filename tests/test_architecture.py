"""Who may import whom, what a core may not use, what nothing is called, and how large things get. Failures name file, line and rule."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("server", "media", "schedules")

# Importer (a module or a package with all below it): what it must not import, and why
FORBIDDEN: list[tuple[str, tuple[str, ...], str]] = [
    ("media", ("server", "schedules", "asyncpg", "aiohttp", "jinja2"), "media knows no user, no case, no database"),
    ("schedules", ("server", "media", "aiohttp", "aiortc", "av"), "schedules know no HTTP and no media"),
    ("server", ("aiortc", "aioice", "pylibsrtp"), "the media plane is another process"),
    ("server.db", ("aiohttp", "server.app"), "the database knows no HTTP"),
    (
        "server.supervise",
        ("aiohttp", "asyncpg", "server.app"),
        "the parent stays small: it must start at once and outlive everything",
    ),
    ("server.environment", ("server.config", "msgspec"), "standard library only: nothing else is there yet"),
    ("server.command_line", ("server.config", "msgspec"), "standard library only: nothing else is there yet"),
]
# Exceptions to the rows above: (importer, imported): reason
ALLOWED: dict[tuple[str, str], str] = {
    ("server.bench", "aiortc"): "the load generator is a client, not the server",
    ("server.bench", "aioice"): "the same",
    ("server.bench", "pylibsrtp"): "the same",
}

# `server` speaks to media workers through the control messages, and reads finished recordings through their format; nothing else
MEDIA_DOORS: dict[str, tuple[str, ...]] = {
    "server.mediaplane": ("media.control",),
    "server.recordings": ("media.record",),
    "server.evidence": ("media.record",),
    "server.storage": ("media.record",),
    "server.verify": ("media.record",),
    "server.bench": ("media",),
}

# Only this file may touch aiortc's classes and private names; it has a test on their signatures
AIORTC_FILES = ("media/net/dtls.py",)

CORE_BANNED_MODULES = (
    "asyncio",
    "socket",
    "random",
    "secrets",
    "logging",
    "threading",
    "subprocess",
    "os",
    "io",
    "tempfile",
)
CORE_BANNED_CALLS = (
    "time.time",
    "time.monotonic",
    "time.perf_counter",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "open",
    "print",
)
CORE_ALLOWED_OUTSIDE: dict[str, tuple[str, ...]] = {"schedules/core/ical.py": ("icalendar",)}

BANNED_NAMES = ("utils", "util", "helpers", "helper", "common", "manager", "misc")
# A part of the server is called http.py after what it speaks; it is always imported by its whole name
NAMES_OF_THE_STANDARD_LIBRARY = ("http",)

MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 400
# file or file:function: why it may be larger
LARGE: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Module:
    """One source file. name "media.core.rtp"; where "media/core/rtp.py"."""

    name: str
    where: str
    tree: ast.Module
    lines: int

    @property
    def is_core(self) -> bool:
        parts = self.name.split(".")
        return "core" in parts[1:]

    def imports(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def read(path: Path) -> Module:
    where = path.relative_to(ROOT).as_posix()
    name = where.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    text = path.read_text(encoding="utf-8")
    return Module(name, where, ast.parse(text), text.count("\n"))


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return [read(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def fail_with(problems: Iterable[str]) -> None:
    """Show all of them, one a line."""
    if found := sorted(set(problems)):
        pytest.fail("\n".join(found), pytrace=False)


def is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_imports_run_one_way(modules: list[Module]) -> None:
    fail_with(wrong_imports(modules))


def wrong_imports(modules: Iterable[Module]) -> Iterator[str]:
    for module in modules:
        for line, imported in module.imports():
            for importer, forbidden, reason in FORBIDDEN:
                if not is_in(module.name, importer) or not any(is_in(imported, name) for name in forbidden):
                    continue
                if any(is_in(module.name, who) and is_in(imported, what) for who, what in ALLOWED):
                    continue
                yield f"{module.where}:{line}: {importer} must not import {imported}: {reason}"


def test_server_reaches_media_by_its_doors_only(modules: list[Module]) -> None:
    wrong = [
        f"{module.where}:{line}: imports {imported}"
        for module in modules
        if is_in(module.name, "server")
        for line, imported in module.imports()
        if is_in(imported, "media") and not any(is_in(imported, door) for door in doors_of(module.name))
    ]

    fail_with(wrong)


def doors_of(name: str) -> tuple[str, ...]:
    return next((doors for package, doors in MEDIA_DOORS.items() if is_in(name, package)), ())


def test_only_the_composition_root_is_imported_by_nobody(modules: list[Module]) -> None:
    importers = {module.name for module in modules for _, imported in module.imports() if is_in(imported, "server.app")}

    assert importers <= {"server.serve"}


def test_private_names_of_aiortc_stand_in_one_file(modules: list[Module]) -> None:
    wrong = [
        f"{module.where}:{line}: {imported}"
        for module in modules
        for line, imported in module.imports()
        if is_in(imported, "aiortc")
        and is_in(module.name, "media")
        and module.where not in AIORTC_FILES
        and any(part.startswith("_") for part in imported.split("."))
    ]

    fail_with(wrong)


def test_cores_are_pure(modules: list[Module]) -> None:
    fail_with(problem for module in modules if module.is_core for problem in impurities(module))


def impurities(module: Module) -> Iterator[str]:
    allowed = CORE_ALLOWED_OUTSIDE.get(module.where, ())
    for line, imported in module.imports():
        top = imported.split(".")[0]
        if top in allowed or (top == module.name.split(".")[0] and "core" in imported.split(".")):
            continue  # a core may use another core of its own package: pure stays pure
        if top not in sys.stdlib_module_names:
            yield f"{module.where}:{line}: a core imports the standard library and cores only, not {imported}"
        elif top in CORE_BANNED_MODULES:
            yield f"{module.where}:{line}: a core does not use {top}"
    for node in ast.walk(module.tree):
        if (
            isinstance(node, ast.Call)
            and (called := ast.unparse(node.func))
            and any(called == name or called.endswith("." + name) for name in CORE_BANNED_CALLS)
        ):
            yield f"{module.where}:{node.lineno}: a core does not call {called}: time and input are arguments"


def test_names_say_what_is_inside(modules: list[Module]) -> None:
    wrong = [f"{module.where}: {part}" for module in modules for part in module.name.split(".") if part in BANNED_NAMES]
    library = sys.stdlib_module_names - set(NAMES_OF_THE_STANDARD_LIBRARY)
    wrong += [
        f"{m.where}: named like the standard library's"
        for m in modules
        if m.name.split(".")[-1] in library - {"__main__"}
    ]

    fail_with(wrong)


def test_functions_and_files_stay_small(modules: list[Module]) -> None:
    sizes = [size for module in modules for size in function_sizes(module)]
    lines = sorted(count for _, count in sizes)
    print(
        f"\nfunctions: {len(lines)}, median {statistics.median(lines):.0f} lines, 90th percentile {lines[int(len(lines) * 0.9)]}, longest {lines[-1]}"
    )

    wrong = [f"{where}: {count} lines" for where, count in sizes if count > MAX_FUNCTION_LINES]
    wrong += [f"{module.where}: {module.lines} lines" for module in modules if module.lines > MAX_FILE_LINES]

    fail_with(entry for entry in wrong if entry.split(": ")[0] not in LARGE)


def function_sizes(module: Module) -> list[tuple[str, int]]:
    return [
        (f"{module.where}:{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_reasons_for_large_ones_are_still_needed(modules: list[Module]) -> None:
    large = {where for module in modules for where, count in function_sizes(module) if count > MAX_FUNCTION_LINES}
    large |= {module.where for module in modules if module.lines > MAX_FILE_LINES}

    assert LARGE.keys() - large == set()


def test_the_rules_find_what_breaks_them() -> None:
    source = "import asyncio\nimport aiohttp\nfrom datetime import datetime\nfrom media.core import rtp\nnow = datetime.now()\n"
    module = Module("media.core.wrong", "media/core/wrong.py", ast.parse(source), 5)

    assert [problem.split(": ")[0] for problem in impurities(module)] == [
        f"media/core/wrong.py:{line}" for line in (1, 2, 5)
    ]
    assert [problem.split(": ")[0] for problem in wrong_imports([module])] == ["media/core/wrong.py:2"]
