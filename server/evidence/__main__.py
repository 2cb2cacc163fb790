"""Makes or stamps one evidence pack as its own process: `python -m server.evidence`, its spec as one JSON object on standard input.

As media.record.packs, and with `identity` (paths of the signer's and the clock's key and chain), `timestamp_url`, `about` (report.py),
`anchors` (members of anchors.json). {"stamp": {"manifest": base64 or null, "late": [...]}, "output", "key"} adds time stamps that came
late to a pack that is there. The result names `unstamped`: what no authority could be reached for.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import fcntl
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from media.record.layout import canonical
from media.record.packs.__main__ import CONTENT_TYPE, sources_of
from media.record.packs.archive import ArchiveWriter, find_members, member_pieces
from media.record.packs.proofs import manifest_imprint
from media.record.packs.proving import ANCHORS, LATE_ANCHORS, MANIFEST_STAMP, SIGNATURE
from media.record.packs.write import Draft, Members, Seal, write_pack
from media.record.process import die_with_parent, say
from media.record.redaction import zones_of
from media.record.sealed import SealedFile, SealedWriter
from server.evidence.identity import Credential, Identity
from server.evidence.report import LANGUAGES, WORDS, render_report, report_facts, sign_report
from server.evidence.signing import Authority, AuthorityAway, fingerprint, root_fingerprint, sign, stamp
from server.evidence.verifier_page import verifier_page


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Sealing:
    """Who signs one pack: what `write_pack` asks for, and what no authority could be reached for."""

    def __init__(self, spec: dict[str, Any]) -> None:
        files = {name: Credential(Path(entry["key"]), Path(entry["chain"])) for name, entry in spec["identity"].items()}
        self._identity = Identity(files["signer"], files["clock"])
        self._authority = Authority(spec["timestamp_url"], self._identity, _now)
        self._about, self._anchors = spec["about"], list(spec["anchors"])
        self._is_away = False
        self.unstamped: list[dict[str, Any]] = []

    def seal(self) -> Seal:
        return Seal(fingerprint(self._identity.signer), self.before, self.after)

    def before(self, draft: Draft) -> Members:
        """Anchors, with the journals' last heads; the reports; the checker for everybody."""
        for journal in draft.manifest["journals"]:
            token = self._stamped(bytes.fromhex(journal["head"]), "head", journal["room"], journal["block"])
            if token is not None:
                self._anchors.append(
                    anchor_entry(journal["session"], journal["room"], journal["block"], journal["head"], token)
                )
        yield ANCHORS, canonical(self._anchors) + b"\n"
        for language in LANGUAGES:
            yield f"report.{language}.pdf", self._report(draft, language)
        yield "verifier.html", verifier_page().encode()

    def _report(self, draft: Draft, language: str) -> bytes:
        signer = self._identity.signer
        signing = [["signer", fingerprint(signer)], ["authority", root_fingerprint(signer)], ["stamped", str(len(self._anchors))], ["stamps_of", self._authority.name]]  # fmt: skip
        about = {**self._about, "signing": signing, "own_authority": not self._authority.url}
        pdf = render_report(report_facts(draft, about, language))
        # The time stamp of the whole pack covers the reports; one of their own would ask the authority twice more.
        return asyncio.run(sign_report(pdf, signer, None, WORDS[language]["title"]))

    def after(self, digest_member: bytes) -> Members:
        yield SIGNATURE, asyncio.run(sign(self._identity, digest_member))
        token = self._stamped(manifest_imprint(digest_member), "pack", None, 0)
        if token is not None:
            yield MANIFEST_STAMP, token

    def _stamped(self, imprint: bytes, kind: str, room: str | None, block: int) -> bytes | None:
        """One refusal is enough: the pack does not wait for an authority that is away."""
        if not self._is_away:
            try:
                return asyncio.run(stamp(self._authority, imprint))
            except AuthorityAway:
                self._is_away = True
        self.unstamped.append({"kind": kind, "room": room, "block": block, "imprint": imprint.hex()})
        return None


def anchor_entry(session: str, room: str, block: int, head: str, token: bytes) -> dict[str, Any]:
    """An anchor as packs and kept files hold it."""
    return {"session": session, "room": room, "block": block, "head": head, "token": base64.b64encode(token).decode()}


def make_pack(spec: dict[str, Any]) -> dict[str, Any]:
    """Write the sealed pack. Raises KeyError, ValueError, OSError, RuntimeError."""
    journals, films = sources_of(spec)
    sealing = Sealing(spec)
    output, partial, target = _target(spec)
    write_pack(
        target,
        journals,
        films,
        spec["facts"],
        made_at=spec["made_at"],
        zones=zones_of(spec.get("zones", ())),
        seal=sealing.seal(),
    )
    return {**_finished(target, partial, output), "unstamped": sealing.unstamped}


def add_stamps(spec: dict[str, Any]) -> dict[str, Any]:
    """The same pack with time stamps that came late behind its members: nothing that was signed changes. Raises OSError too when another adds some."""
    with _alone(Path(spec["output"])):
        return _add_stamps(spec)


@contextlib.contextmanager
def _alone(pack: Path) -> Iterator[None]:
    """Whoever stood still goes on writing when its claim is another's: two would write one file. Raises BlockingIOError."""
    with pack.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _add_stamps(spec: dict[str, Any]) -> dict[str, Any]:
    wanted = spec["stamp"]
    output, partial, target = _target(spec)
    archive, late = ArchiveWriter(target), list(wanted["late"])
    with SealedFile(output, base64.b64decode(spec["key"])) as sealed:
        members, problem = find_members(sealed.read, sealed.length)
        if problem:
            raise ValueError(problem)
        for member in members:
            if member.name == LATE_ANCHORS:
                late = [*json.loads(sealed.read(member.start, member.size)), *late]
            elif not (member.name == MANIFEST_STAMP and wanted["manifest"]):
                archive.add(member.name, member_pieces(sealed.read, member))
    if late:
        archive.add(LATE_ANCHORS, [canonical(late) + b"\n"])
    if wanted["manifest"]:
        archive.add(MANIFEST_STAMP, [base64.b64decode(wanted["manifest"])])
    archive.close()
    return _finished(target, partial, output)


def _target(spec: dict[str, Any]) -> tuple[Path, Path, SealedWriter]:
    output = Path(spec["output"])
    output.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = output.with_name(output.name + ".part")
    return output, partial, SealedWriter(partial, base64.b64decode(spec["key"]), CONTENT_TYPE)


def _finished(target: SealedWriter, partial: Path, output: Path) -> dict[str, Any]:
    size = target.length
    digest = target.finish()
    partial.replace(output)
    return {"bytes": size, "sha256": digest, "type": CONTENT_TYPE}


def main() -> int:
    die_with_parent()
    spec = json.loads(sys.stdin.buffer.read())
    try:
        say({"done": add_stamps(spec) if "stamp" in spec else make_pack(spec)})
    except (KeyError, ValueError, OSError, RuntimeError) as error:
        say({"error": f"{type(error).__name__}: {error}"})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
