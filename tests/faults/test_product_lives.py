"""The real product: started, killed in parts and whole, started twice, stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.eventually import wait_until
from tests.support.product import ROOT, Product, ProductFactory

PROCESSES = ("parent", "web", "w0", "postgres")


def status(product: Product, path: str = "/readyz") -> int | None:
    """HTTP status; None when nobody answers."""
    try:
        with urllib.request.urlopen(product.url + path, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None


def wait_answering(product: Product) -> None:
    wait_until(lambda: None if (code := status(product)) == 200 else f"/readyz answers {code}\n{product.log()}", 30)


def is_running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def wait_gone(pids: list[int]) -> None:
    wait_until(lambda: f"still running: {left}" if (left := [pid for pid in pids if is_running(pid)]) else None, 30)


def test_it_says_one_line_when_ready_and_answers(product: Product) -> None:
    assert product.out_file.read_text() == f"ready {product.url}/\n"
    assert status(product) == 200
    assert status(product, "/healthz") == 200
    assert sorted(path.name for path in (product.data / "run").glob("*.pid")) == sorted(f"{p}.pid" for p in PROCESSES)


@pytest.mark.parametrize("name", ["web", "w0", "postgres"])
def test_a_killed_child_comes_back_and_the_others_stay(product: Product, name: str) -> None:
    before = {other: product.pid(other) for other in PROCESSES if other != name}

    product.kill_and_wait(name)
    wait_answering(product)

    assert {other: product.pid(other) for other in before} == before
    assert product.out_file.read_text().count("ready") == 1


def test_people_who_come_while_the_web_process_is_away_wait_instead_of_being_refused(product: Product) -> None:
    product.kill("web")

    codes = {status(product, "/healthz") for _ in range(20)}

    assert codes <= {200, None}  # None: a connection that the killed process had already accepted
    wait_answering(product)


def test_after_a_killed_parent_nothing_is_left_and_the_next_start_works(
    start_product: ProductFactory, product: Product
) -> None:
    pids = [product.pid(name) for name in PROCESSES]

    product.kill("parent")
    second = start_product("--workers", "1", data=product.data).wait_ready()

    wait_gone(pids)
    assert status(second) == 200


def test_a_second_start_on_the_same_directory_is_refused_in_words(product: Product) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "server", "--data", product.data, "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "LAIZUO_VENV": sys.prefix},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr == f"laizuo: {product.data} is in use by another laizuo (process {product.pid('parent')})\n"
    assert status(product) == 200


def test_a_taken_port_is_said_in_words(start_product: ProductFactory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        product = start_product("--port", str(port))

        assert product.process.wait(30) == 1

    assert (
        product.log()
        == f"laizuo: port {port} of 127.0.0.1 is in use by another program. Choose another: --port {port + 1}\n"
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_cleanly(product: Product, number: signal.Signals) -> None:
    pids = [product.pid(name) for name in PROCESSES]

    code = product.stop(number)

    assert code == 0
    assert [pid for pid in pids if is_running(pid)] == []
    assert list((product.data / "run").glob("*.pid")) == []
    assert "Traceback" not in product.log()
    assert "database system is shut down" in (product.data / "postgres/postgres.log").read_text()


def test_asked_twice_it_does_not_wait_for_a_hanging_child(product: Product) -> None:
    web = product.kill("web", signal.SIGSTOP)

    product.process.send_signal(signal.SIGINT)
    product.wait_log("once more: at once")
    code = product.stop(signal.SIGINT)

    assert code == 0
    assert not is_running(web)


def test_a_paused_child_is_left_alone_and_goes_on(product: Product) -> None:
    worker = product.kill("w0", signal.SIGSTOP)
    wait_until(lambda: None if state_of(worker) == "T" else "not stopped yet")

    os.kill(worker, signal.SIGCONT)

    wait_answering(product)
    assert product.pid("w0") == worker


def test_an_operator_replaces_a_worker(product: Product) -> None:
    before = product.pid("w0")
    command = [sys.executable, "-m", "server", "admin", "--data", str(product.data), "replace-worker"]

    def admin(name: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, "LAIZUO_VENV": sys.prefix}
        return subprocess.run([*command, name], cwd=ROOT, env=environ, check=False, capture_output=True, text=True)

    done, unknown = admin("w0"), admin("w99")

    assert (done.returncode, done.stdout.split(";")[0]) == (0, f"w0 (process {before}) takes no new rooms"), done.stderr
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == f"refused: no media worker w99 runs on {product.data}\n"
    wait_until(lambda: None if not is_running(before) else "the old worker goes on")
    wait_until(lambda: None if product.pid("w0") != before else "no successor")
    wait_answering(product)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_what_others_may_not_read_is_closed(product: Product) -> None:
    """Sockets and secrets; the data directory itself is passable for PostgreSQL's account and not readable."""
    modes = {
        name: stat.S_IMODE((product.data / name).stat().st_mode)
        for name in (".", "run", "run/w0.sock", "postgres/sockets")
    }

    assert modes["."] & 0o066 == 0
    assert modes["run"] & 0o066 == 0
    assert modes["run/w0.sock"] & 0o077 == 0
    assert modes["postgres/sockets"] == 0o700


def test_a_worker_does_not_see_what_it_does_not_need(start_product: ProductFactory) -> None:
    product = start_product("--workers", "1", environ={"LAIZUO_PASSWORD": "canary"}).wait_ready()

    environ = Path(f"/proc/{product.pid('w0')}/environ").read_bytes()

    assert b"canary" not in environ


def test_a_crash_loop_is_loud_and_not_tight(start_product: ProductFactory) -> None:
    """Media workers that cannot listen: their socket's place is taken by a directory."""
    data = start_product.directory()
    (data / "run/w0.sock").mkdir(parents=True)
    product = start_product("--workers", "1", data=data)

    product.wait_log("ATTENTION: w0 has ended 3 times in a row")

    assert product.log().count("w0 ended with") <= 4
    assert product.stop() == 0


def test_a_key_file_that_is_none_is_named_and_nothing_stays(start_product: ProductFactory) -> None:
    data = start_product.directory()
    (data / "keys").mkdir(parents=True)
    (data / "keys/master.key").write_text("garbage-canary\n")

    product = start_product("--workers", "0", data=data)

    assert product.process.wait(60) == 1
    assert f"{data}/keys/master.key: " in product.log()
    assert "laizuo: web cannot start; see above" in product.log()
    assert "Traceback" not in product.log()
    assert "canary" not in product.log()


def test_a_database_that_is_away_is_waited_for(start_product: ProductFactory) -> None:
    """As when the machines of a town hall start in any order; the password in the URL stays out of the log."""
    product = start_product("--workers", "0", environ={"DATABASE_URL": "postgresql://laizuo:canary@127.0.0.1:1/laizuo"})

    product.wait_log("ATTENTION: web has ended 3 times")

    assert "the database cannot be reached: " in product.log()
    assert "web ended with code 69; starting it again" in product.log()
    assert "Traceback" not in product.log()
    assert "canary" not in product.log()
    assert product.stop() == 0
