"""A zip file in one canonical form: stored members, no dates, no extras but the sizes beyond 4 GiB (EVIDENCE.md, section 9).

Every byte outside the members' content follows from their names, sizes and CRCs, so a changed byte anywhere is found.
Source: PKWARE APPNOTE 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR = struct.Struct("<4sIQI")
_VERSION = 45  # zip64 is understood
_UTF8 = 0x0800
_DATE_1980_01_01 = 0x21
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_EXTRA_BYTES = 20  # of a local header: both sizes in 64 bits

# Bytes from an offset on, so many; fewer at the end.
Read = Callable[[int, int], bytes]


class ArchiveDamaged(ValueError):
    """The archive is not in the canonical form; the message says where."""


class Target(Protocol):
    """What a pack is written to: a file, or a sealed one."""

    def write(self, data: bytes, /) -> int | None: ...
    def seek(self, offset: int, /) -> int: ...
    def tell(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Member:
    """One file in the archive. header is the offset of its local header, start that of its content."""

    name: str
    size: int
    crc: int
    header: int

    @property
    def start(self) -> int:
        return self.header + len(_local_header(self))


def _local_header(member: Member) -> bytes:
    """Sizes always stand in a zip64 extra, so that a header has its length before the content is known."""
    name = member.name.encode()
    extra = struct.pack("<HHQQ", 1, 16, member.size, member.size)
    return (
        _LOCAL.pack(
            b"PK\x03\x04", _VERSION, _UTF8, 0, 0, _DATE_1980_01_01, member.crc, _FULL32, _FULL32, len(name), len(extra)
        )
        + name
        + extra
    )


def _central_header(member: Member) -> bytes:
    name = member.name.encode()
    extra = struct.pack("<HHQQQ", 1, 24, member.size, member.size, member.header)
    head = (b"PK\x01\x02", _VERSION | 3 << 8, _VERSION, _UTF8, 0, 0, _DATE_1980_01_01, member.crc, _FULL32, _FULL32)
    return _CENTRAL.pack(*head, len(name), len(extra), 0, 0, 0, 0o100644 << 16, _FULL32) + name + extra


def _directory(members: Iterable[Member], at: int) -> bytes:
    listed = list(members)
    central = b"".join(map(_central_header, listed))
    count = len(listed)
    end64 = _END64.pack(b"PK\x06\x06", 44, _VERSION | 3 << 8, _VERSION, 0, 0, count, count, len(central), at)
    locator = _LOCATOR.pack(b"PK\x06\x07", 0, at + len(central), 1)
    end = _END.pack(b"PK\x05\x06", 0, 0, _FULL16, _FULL16, _FULL32, _FULL32, 0)
    return central + end64 + locator + end


class ArchiveWriter:
    """Writes members one after the other; `close` writes the directory."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._members: list[Member] = []

    def add(self, name: str, pieces: Iterable[bytes | memoryview]) -> int:
        """Returns the size. The header is written twice: its length does not depend on the content."""
        at = self._target.tell()
        size = crc = 0
        self._target.write(_local_header(Member(name, 0, 0, at)))
        for piece in pieces:
            self._target.write(bytes(piece))
            size += len(piece)
            crc = zlib.crc32(piece, crc)
        end = self._target.tell()
        member = Member(name, size, crc, at)
        self._target.seek(at)
        self._target.write(_local_header(member))
        self._target.seek(end)
        self._members.append(member)
        return size

    def close(self) -> None:
        self._target.write(_directory(self._members, self._target.tell()))


def read_members(data: memoryview) -> tuple[list[Member], str | None]:
    """Members as the headers in front of them say, and what is not canonical: the first bad header, or the directory behind them."""
    return find_members(lambda at, size: bytes(data[at : at + size]), len(data))


def find_members(read: Read, length: int) -> tuple[list[Member], str | None]:
    """The same for an archive of `length` bytes that is not in memory: only headers and the directory are read."""
    members: list[Member] = []
    at = 0
    try:
        while read(at, 4) == b"PK\x03\x04":
            members.append(_read_local(read, length, at))
            at = members[-1].start + members[-1].size
    except ArchiveDamaged as error:
        return members, str(error)
    directory = _directory(members, at)
    if read(at, len(directory) + 1) != directory:
        return members, f"the directory at byte {at} does not match the {len(members)} members before it"
    return members, None


def _read_local(read: Read, length: int, at: int) -> Member:
    try:
        fields = _LOCAL.unpack(read(at, _LOCAL.size))
        rest = read(at + _LOCAL.size, fields[9] + _EXTRA_BYTES)
        name = rest[: fields[9]].decode()
        size = struct.unpack_from("<Q", rest, fields[9] + 4)[0]
    except (struct.error, UnicodeDecodeError):
        raise ArchiveDamaged(f"the header at byte {at} is not readable") from None
    member = Member(name, int(size), int(fields[6]), at)
    if read(at, member.start - at) != _local_header(member) or member.start + member.size > length:
        raise ArchiveDamaged(f"the header of {name!r} at byte {at} is not canonical")
    return member


def member_pieces(read: Read, member: Member, piece: int = 1 << 20) -> Iterator[bytes]:
    """A member's content, so many bytes at once."""
    end = member.start + member.size
    for at in range(member.start, end, piece):
        yield read(at, min(piece, end - at))


def content(data: memoryview, member: Member) -> memoryview:
    return data[member.start : member.start + member.size]


def crc_matches(data: memoryview, member: Member) -> bool:
    return zlib.crc32(content(data, member)) == member.crc


def file_pieces(file: BinaryIO, piece: int = 1 << 20) -> Iterator[bytes]:
    while data := file.read(piece):
        yield data
