"""The deployment of docker-compose.yml without containers: its own commands and environment, as processes of this machine."""

from __future__ import annotations

import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from server import tls
from tests.support.compose_file import interpolate
from tests.support.eventually import wait_until
from tests.support.product import ROOT, ProductFactory

SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
GIVEN = dict.fromkeys(("POSTGRES_PASSWORD", "LAIZUO_PUBLIC_URL"), "x")  # the rest may be left out, and is here
DATA = "/var/lib/laizuo"


def worker(name: str, data: Path) -> subprocess.Popen[bytes]:
    given = {"MEDIA_ADDRESS": "127.0.0.1"}
    words = [interpolate(str(word), given).replace(DATA, str(data)) for word in SERVICES[name]["command"]]
    words[words.index("--udp") + 1] = "127.0.0.1:0"
    return subprocess.Popen(
        [sys.executable, *words[1:]], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@pytest.fixture
def data(database_url: str, start_product: ProductFactory) -> Path:
    """Its database is asked for first, to be dropped after the product has ended."""
    directory = start_product.directory()
    directory.mkdir()  # as the volume of the image is
    return directory


@pytest.fixture
def workers(data: Path) -> Iterator[None]:
    running = [worker(name, data) for name in ("worker0", "worker1")]
    yield
    for process in running:
        process.terminate()
        process.wait(30)


@pytest.mark.usefixtures("workers")
def test_web_and_workers_of_the_deployment_find_each_other(
    start_product: ProductFactory, data: Path, database_url: str
) -> None:
    files = tls.self_signed(data / "certificate", "localhost")
    given = SERVICES["web"]["environment"].items()
    environ = {name: interpolate(str(value), GIVEN).replace(DATA, str(data)) for name, value in given}
    environ |= {
        "LAIZUO_HOST": "127.0.0.1",
        "DATABASE_URL": database_url,
        "LAIZUO_PUBLIC_URL": "https://sit.example",
        "LAIZUO_TLS_CERTIFICATE": str(files.certificate),
        "LAIZUO_TLS_KEY": str(files.key),
    }
    product = start_product("--port", "0", data=data, environ=environ).wait_ready()

    context = ssl.create_default_context(cafile=files.certificate)

    def why() -> str | None:
        try:
            with urllib.request.urlopen(f"{product.url}/readyz", context=context, timeout=30):
                return None
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode()
        except OSError as error:  # not in time
            return str(error)

    assert product.url.startswith("https://127.0.0.1:")
    wait_until(lambda: None if "worker w1" in product.log() else product.log())
    wait_until(why)
    assert sorted(path.stem for path in (data / "run").glob("*.pid")) == ["parent", "web"]
