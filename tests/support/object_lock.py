"""An S3 of its own on loopback (moto), with a bucket that has Object Lock; it can be taken away and come back."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import boto3
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from server.config import ObjectStore
from server.storage.s3 import Keys

BUCKET = "laizuo-evidence"
PREFIX = "packs"
KEYS = Keys("AKIDEXAMPLE", "not-a-secret")


class LockServer:
    """`settings` for the product; `versions`, `content` and `delete` are what an owner of the bucket can do."""

    def __init__(self) -> None:
        # moto's client looks for keys in the environment even where none are checked
        os.environ.setdefault("AWS_ACCESS_KEY_ID", KEYS.id)
        os.environ.setdefault("AWS_SECRET_ACCESS_KEY", KEYS.secret)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self.host, self.port = self._server.get_host_and_port()
        # moto keeps its state in the process, whichever server asks
        urlopen(Request(f"{self.endpoint}/moto-api/reset", method="POST"), timeout=10).close()
        self._owner: Any = boto3.client(
            "s3", endpoint_url=self.endpoint, region_name="us-east-1", aws_access_key_id=KEYS.id, aws_secret_access_key=KEYS.secret,
        )  # fmt: skip
        self._owner.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)

    @property
    def endpoint(self) -> str:
        return f"http://{self.host}:{self.port}"

    def settings(self, lock_days: int = 3650) -> ObjectStore:
        return ObjectStore(f"s3://{BUCKET}/{PREFIX}", self.endpoint, "us-east-1", lock_days)

    def versions(self) -> list[tuple[str, str]]:
        """(key, version) of everything in the bucket."""
        found = self._owner.list_object_versions(Bucket=BUCKET).get("Versions", [])
        return [(one["Key"], one["VersionId"]) for one in found]

    def content(self, key: str, version: str) -> bytes:
        data: bytes = self._owner.get_object(Bucket=BUCKET, Key=key, VersionId=version)["Body"].read()
        return data

    def retention(self, key: str, version: str) -> dict[str, Any]:
        found: dict[str, Any] = self._owner.head_object(Bucket=BUCKET, Key=key, VersionId=version)
        return found

    def delete(self, key: str, version: str) -> str:
        """What the bucket answers to its owner who wants a version gone."""
        try:
            self._owner.delete_object(Bucket=BUCKET, Key=key, VersionId=version)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "deleted"

    def stop(self) -> None:
        self._owner.close()
        self._server.stop()


@contextlib.contextmanager
def lock_server() -> Iterator[LockServer]:
    server = LockServer()
    try:
        yield server
    finally:
        server.stop()
