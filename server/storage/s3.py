"""A bucket with Object Lock: put a file, fix it for so long, read back what lies there.

The bytes go by obstore, in parts. It cannot ask for retention, so these two requests are signed here (AWS Signature Version 4 in the query,
docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html) and sent by aiohttp. The lock is the compliance mode's: nobody can shorten it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from server.config import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from server.config import ObjectStore

PART_BYTES = 16 << 20  # a part waits in memory; the format allows 10,000 of them: 160 GB
SIGNED_FOR_S = 300
ANSWER_WITHIN_S = 60.0
MAX_ANSWER = 10_000
_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"


class StoreAway(Exception):
    """The bucket could not be used now; the message is the cause, without keys."""


class CopyWrong(Exception):
    """What lies in the bucket is not what was put there, or it is not locked."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Who we are to the bucket."""

    id: str
    secret: str
    session: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the bucket says of one version."""

    sha256: str
    retain_until: datetime


def keys_from(environ: Mapping[str, str] = os.environ) -> Keys:
    """Raises ConfigError when they are not there."""
    try:
        return Keys(
            environ["AWS_ACCESS_KEY_ID"], environ["AWS_SECRET_ACCESS_KEY"], environ.get("AWS_SESSION_TOKEN", "")
        )
    except KeyError as missing:
        raise ConfigError(f"evidence.store needs {missing.args[0]} in the environment") from None


class LockedBucket:
    """One bucket and a prefix in it."""

    def __init__(self, settings: ObjectStore, keys: Keys) -> None:
        """Raises ConfigError: no such url, or obstore is not installed."""
        address = urlsplit(settings.url)
        if address.scheme != "s3" or not address.netloc:
            raise ConfigError("evidence.store.url: must be s3://bucket or s3://bucket/prefix")
        self._bucket, self._prefix = address.netloc, address.path.strip("/")
        self._endpoint = (settings.endpoint or f"https://s3.{settings.region}.amazonaws.com").rstrip("/")
        self._region, self._keys = settings.region, keys
        self._obstore, self._store = _open(settings, self._endpoint, keys)

    async def put(self, file: Path, name: str) -> str:
        """Store a file as a new version of `name`; the version's id. Raises StoreAway, CopyWrong (the bucket keeps no versions), OSError."""
        try:
            done = await self._obstore.put_async(
                self._store, name, file, use_multipart=True, chunk_size=PART_BYTES, max_concurrency=2
            )
        except self._obstore.exceptions.BaseError as error:
            raise StoreAway(_first_line(error)) from error
        version = done["version"]
        if version is None:
            raise CopyWrong("the bucket keeps no versions, so it has no Object Lock")
        return str(version)

    async def lock(self, name: str, version: str, until: datetime) -> None:
        """Nobody can change or delete this version until then. Raises StoreAway, CopyWrong (no Object Lock here)."""
        body = (
            f'<Retention xmlns="{_XMLNS}"><Mode>COMPLIANCE</Mode>'
            f"<RetainUntilDate>{until:%Y-%m-%dT%H:%M:%SZ}</RetainUntilDate></Retention>"
        ).encode()
        await self._ask("PUT", name, {"retention": "", "versionId": version}, body)

    async def read_back(self, name: str, version: str) -> Kept:
        """The digest of what lies there now, and until when it is fixed. Raises StoreAway, CopyWrong."""
        digest = hashlib.sha256()
        try:
            found = await self._obstore.get_async(self._store, name, options={"version": version})
            async for piece in found.stream(min_chunk_size=1 << 20):
                digest.update(piece)
        except self._obstore.exceptions.BaseError as error:
            raise StoreAway(_first_line(error)) from error
        return Kept(digest.hexdigest(), _retention(await self._ask("HEAD", name, {"versionId": version})))

    async def _ask(self, method: str, name: str, query: Mapping[str, str], body: bytes = b"") -> Mapping[str, str]:
        url = self._signed(method, name, query, datetime.now().astimezone())
        headers = {"Content-MD5": base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()}
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(method, URL(url, encoded=True), data=body or None, headers=headers) as answer,
            ):
                said = (await answer.read())[:MAX_ANSWER]
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoreAway(type(error).__name__) from error
        if answer.status >= 500:
            raise StoreAway(f"the bucket answers {answer.status}")
        if answer.status >= 400:
            raise CopyWrong(f"retention: the bucket answers {answer.status} {_code(said)}")
        return answer.headers

    def _signed(self, method: str, name: str, query: Mapping[str, str], now: datetime) -> str:
        path = quote("/" + "/".join(part for part in (self._bucket, self._prefix, name) if part))
        base = urlsplit(self._endpoint)
        return presign(method, f"{base.scheme}://{base.netloc}", path, query, self._keys, self._region, now)


def presign(
    method: str,
    origin: str,
    path: str,
    query: Mapping[str, str],
    keys: Keys,
    region: str,
    now: datetime,
    good_for_s: int = SIGNED_FOR_S,
) -> str:
    """A URL that allows one request for a while. path is quoted already."""
    at = (now - (now.utcoffset() or timedelta())).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{at[:8]}/{region}/s3/aws4_request"
    fields = {
        **query,
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{keys.id}/{scope}",
        "X-Amz-Date": at,
        "X-Amz-Expires": str(good_for_s),
        "X-Amz-SignedHeaders": "host",
        **({"X-Amz-Security-Token": keys.session} if keys.session else {}),
    }
    line = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(fields.items()))
    host = urlsplit(origin).netloc
    request = f"{method}\n{path}\n{line}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
    to_sign = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{keys.secret}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    return f"{origin}{path}?{line}&X-Amz-Signature={key.hex()}"


def _open(settings: ObjectStore, endpoint: str, keys: Keys) -> tuple[Any, Any]:
    try:
        import obstore  # noqa: PLC0415  # an optional part: only who configured a bucket needs it
        from obstore.store import S3Store  # noqa: PLC0415
    except ImportError:
        raise ConfigError("evidence.store needs the optional part s3 (pip install 'laizuo[s3]')") from None
    session: dict[str, Any] = {"session_token": keys.session} if keys.session else {}
    return obstore, S3Store.from_url(
        settings.url,
        endpoint=endpoint,
        region=settings.region,
        access_key_id=keys.id,
        secret_access_key=keys.secret,
        **session,
        checksum_algorithm="sha256",
        client_options={"allow_http": endpoint.startswith("http:"), "timeout": f"{ANSWER_WITHIN_S:.0f}s"},
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=ANSWER_WITHIN_S)},
    )


def _retention(headers: Mapping[str, str]) -> datetime:
    mode, until = headers.get("x-amz-object-lock-mode"), headers.get("x-amz-object-lock-retain-until-date")
    if mode != "COMPLIANCE" or not until:
        raise CopyWrong(f"the copy is locked as {mode or 'nothing'}, not in compliance mode")
    return datetime.fromisoformat(until.replace("Z", "+00:00"))


def _code(said: bytes) -> str:
    found = re.search(rb"<Code>(\w{1,60})</Code>", said)
    return found[1].decode() if found else ""


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:200]
