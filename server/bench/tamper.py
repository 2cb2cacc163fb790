"""`bench tamper`: damage of every kind (tamper_kinds.py) done to a pack; both checkers must find each, and where it is.

`verify` and the page for everybody (tamper_page.py) judge the same damaged copies. Each damage has dice of its own, so that a long run can
be made in slices: `--from 5001 --count 2500` is the same as that part of the whole run.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from media.record.packs.check import check_bytes
from media.record.reader import Damage
from server.bench import NotInstalled, say
from server.bench.core import Figure, Result
from server.bench.machine import machine_facts, package_versions
from server.bench.options import at_least
from server.bench.sample_pack import make_pack
from server.bench.tamper_kinds import KINDS, Tampered, Tamperer, is_located
from server.bench.tamper_page import page_checker

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SAME_S = 0.01
SAID = 20
BATCH = 16  # the page waits between members; meanwhile it checks others
SAY_EVERY = 1000 // BATCH


def plan(flips: int, others: int) -> Iterator[str]:
    """So many flips, and so many of each other kind."""
    yield from itertools.repeat("flip", flips)
    for kind in KINDS:
        yield from itertools.repeat(kind, others)


@dataclass(slots=True)
class Judged:
    """What one checker found, by kind; `missed` and `lost` (found, but not where) name them."""

    found: Counter[str] = field(default_factory=Counter)
    located: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def take(self, done: Tampered, damages: Sequence[Damage]) -> None:
        what = f"{done.kind} in {done.file}, blocks {done.blocks}"
        if not damages:
            self.missed.append(what)
            return
        self.found[done.kind] += 1
        if is_located(done, damages):
            self.located[done.kind] += 1
        else:
            self.lost.append(f"{what}: {'; '.join(map(str, damages[:4]))}")


@dataclass(slots=True)
class Outcome:
    """Counts by kind, what each checker found (page: None without a browser), and where they said different things."""

    done: Counter[str]
    verify: Judged
    page: Judged | None
    differing: list[str]


class Page(Protocol):
    """The checker that runs in a browser."""

    def check(self, packs: Sequence[bytes]) -> list[list[Damage]]: ...


@dataclass(frozen=True, slots=True)
class Numbers:
    """Which damages of a plan: `count` from the `first` (counted from 1); count None: all from there."""

    first: int = 1
    count: int | None = None

    def of(self, kinds: Iterator[str]) -> Iterator[tuple[int, str]]:
        end = None if self.count is None else self.first - 1 + self.count
        yield from itertools.islice(enumerate(kinds, 1), self.first - 1, end)


def tamper(
    pack: bytes,
    kinds: Iterator[str],
    seed: int,
    progress: Callable[[str], None],
    page: Page | None = None,
    numbers: Numbers = Numbers(),
) -> Outcome:
    """Damage the pack again and again, and let every checker judge each copy."""
    tamperer, out = Tamperer(pack, seed), Outcome(Counter(), Judged(), Judged() if page else None, [])
    assert check_bytes(memoryview(pack)).ok
    assert page is None or page.check([pack]) == [[]]
    wanted = numbers.of(kinds)
    with ThreadPoolExecutor(1) as beside:
        for turn in itertools.count(1):
            batch = [tamperer.damaged(kind, number) for number, kind in itertools.islice(wanted, BATCH)]
            if not batch:
                return out
            by_verify = beside.submit(lambda copies: [found_by_verify(one.data) for one in copies], batch)
            by_page = page.check([one.data for one in batch]) if page else None
            judge(out, batch, by_verify.result(), by_page)
            if turn % SAY_EVERY == 0:
                progress(f"{out.done.total()} done, {out.verify.located.total()} found and located by verify")
    raise AssertionError("a count without an end has ended")


def found_by_verify(data: bytes) -> list[Damage]:
    return check_bytes(memoryview(data)).damages if data else [Damage("the archive", None, None, "empty")]


def judge(
    out: Outcome, batch: Sequence[Tampered], by_verify: list[list[Damage]], by_page: list[list[Damage]] | None
) -> None:
    for index, done in enumerate(batch):
        out.done[done.kind] += 1
        out.verify.take(done, by_verify[index])
        if out.page is not None and by_page is not None:
            out.page.take(done, by_page[index])
            if differ(by_verify[index], by_page[index]):
                said = [[str(one) for one in damages[:3]] for damages in (by_verify[index], by_page[index])]
                out.differing.append(f"{done.kind} in {done.file}, blocks {done.blocks}: {said[0]} against {said[1]}")


def differ(ours: Sequence[Damage], theirs: Sequence[Damage]) -> bool:
    """Whether two checkers say another verdict, name other files, or another first second."""
    if {one.file for one in ours} != {one.file for one in theirs}:
        return True
    first, other = (next((one.second for one in said if one.second is not None), None) for said in (ours, theirs))
    return first != other and (first is None or other is None or abs(first - other) > SAME_S)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--flips", type=at_least(1), default=10_000)
    parser.add_argument(
        "--others", type=at_least(1), default=1_000, help="drops, swaps, truncations and re-datings: each so many"
    )
    parser.add_argument("--seed", type=at_least(0), default=1)
    parser.add_argument("--seconds", type=at_least(4), default=8, help="length of the session in the pack")
    parser.add_argument("--from", dest="first", type=at_least(1), default=1, help="begin with the n-th damage")
    parser.add_argument("--count", type=at_least(1), help="so many damages from there; the rest by default")


def run(options: argparse.Namespace) -> Result:
    absent: dict[str, str] = {}
    versions = package_versions("laizuo", "cryptography", "playwright")
    with tempfile.TemporaryDirectory(prefix="laizuo-bench-") as folder, ExitStack() as stack:
        pack = make_pack(Path(folder), options.seconds)
        page = None
        try:
            browser = stack.enter_context(_running_browser())
            page = stack.enter_context(page_checker(browser, Path(folder), pack))
            versions["chromium"] = browser.version
        except NotInstalled as error:
            absent["page"] = str(error)
        started = time.monotonic()
        kinds, numbers = plan(options.flips, options.others), Numbers(options.first, options.count)
        out = tamper(pack, kinds, options.seed, say, page, numbers)
        took_s = time.monotonic() - started
    for line in complaints(out)[:SAID]:
        say(line)
    figures = {"pack_bytes": Figure(len(pack), "B"), "took_s": Figure(round(took_s, 1), "s"), **figures_of(out)}
    return Result("tamper", machine_facts(), versions, figures, absent=absent)


def _running_browser() -> AbstractContextManager[Browser]:
    try:
        found: AbstractContextManager[Browser] = importlib.import_module("server.bench.join_browser").running_browser()
    except ModuleNotFoundError as error:
        raise NotInstalled("playwright is not installed: pip install playwright") from error
    return found


def complaints(out: Outcome) -> list[str]:
    """Everything that is not as it must be, in words."""
    said = [f"verify missed {one}" for one in out.verify.missed] + [f"verify lost {one}" for one in out.verify.lost]
    if out.page:
        said += [f"the page missed {one}" for one in out.page.missed] + [
            f"the page lost {one}" for one in out.page.lost
        ]
    return said + [f"they differ on {one}" for one in out.differing]


def figures_of(out: Outcome) -> dict[str, Figure]:
    figures = {}
    for kind, count in out.done.items():
        figures[f"{kind}_done"] = Figure(count, "count")
        for prefix, judged in (("", out.verify), ("page_", out.page)):
            if judged:
                figures[f"{prefix}{kind}_found"] = Figure(judged.found[kind], "count")
                figures[f"{prefix}{kind}_located"] = Figure(judged.located[kind], "count")
    if out.page:
        figures["differing"] = Figure(len(out.differing), "count")
    return figures
