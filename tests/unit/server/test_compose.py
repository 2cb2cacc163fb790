"""docker-compose.yml: everything it refers to is there, and what it says to our programs is what they understand."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from server import config
from server.command_line import VARIABLES, serve_parser
from server.config import Settings
from tests.support.compose_file import interpolate, variables

ROOT = Path(__file__).resolve().parent.parent.parent.parent
OURS = ("web", "worker0", "worker1")
# The service whose own address is 203.0.113.5, and 443 of two more a worker's each
ONLY_443 = {
    "MEDIA_TCP": "443",
    "WEB_ADDRESS": "203.0.113.5",
    "WORKER0_ADDRESS": "203.0.113.6",
    "WORKER1_ADDRESS": "203.0.113.7",
}
BOTH_FAMILIES = {"MEDIA_ADDRESS6": "2001:db8::5", "MEDIA_BIND": "[::]"}


def text() -> str:
    return (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def machines_text() -> str:
    return (ROOT / "deploy/machines.yml").read_text(encoding="utf-8")


@cache
def compose() -> dict[str, Any]:
    loaded = yaml.safe_load(text())
    assert isinstance(loaded, dict)
    return loaded


def service(name: str) -> dict[str, Any]:
    found = compose()["services"][name]
    assert isinstance(found, dict)
    return found


def example() -> dict[str, str]:
    lines = (ROOT / "deploy/example.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled(value: str, **more: str) -> str:
    """As somebody runs it who gave what has to be given, and `more`."""
    needed = set(re.findall(r"\$\{(\w+)(?::\?[^}]*)?\}", text() + machines_text()))
    given = {name: said or ("x" if name in needed else "") for name, said in example().items()}
    return interpolate(value, given | more)


def arguments(name: str, flag: str, **more: str) -> list[str]:
    """What follows a flag, each time, on a service's command line; empty ones are none."""
    words = [filled(str(word), **more) for word in service(name)["command"]]
    return [value for before, value in pairwise(words) if before == flag and value]


def argument(name: str, flag: str) -> str:
    [value] = arguments(name, flag)
    return value


def ports(name: str, **more: str) -> list[str]:
    return [filled(port, **more) for port in service(name)["ports"]]


def test_the_whole_deployment_is_there() -> None:
    assert set(compose()["services"]) == {"postgres", "web", "worker0", "worker1", "nats", "store", "turn"}


def test_every_variable_is_explained_and_every_explained_one_is_used() -> None:
    assert variables(text() + machines_text()) == example().keys()


@pytest.mark.parametrize("name", sorted(yaml.safe_load(text())["services"]))
def test_mounted_files_are_there_and_volumes_are_declared(name: str) -> None:
    for volume in service(name).get("volumes", []):
        source = volume.split(":")[0]
        if source.startswith("./"):
            assert (ROOT / source).is_file(), f"{name} mounts {source}, which is not in this tree"
        else:
            assert source in compose()["volumes"]
    assert set(service(name).get("secrets", [])) <= compose()["secrets"].keys()
    assert set(service(name).get("depends_on", [])) <= compose()["services"].keys()


def test_every_declared_volume_is_used() -> None:
    used = {volume.split(":")[0] for name in compose()["services"] for volume in service(name).get("volumes", [])}

    assert used >= compose()["volumes"].keys()


def test_images_are_pinned_to_a_version() -> None:
    images = {name: service(name)["image"] for name in compose()["services"]}

    assert {name: image for name, image in images.items() if not re.search(r":v?\d+\.\d+", image)} == {}
    assert {image for image in images.values() if "/" in image and "." in image.split("/")[0]} == set()  # no host


def test_a_secret_is_read_where_it_is_mounted() -> None:
    environment = service("web")["environment"]
    turn = (ROOT / "deploy/turnserver.conf").read_text(encoding="utf-8")

    for name in ("tls_certificate", "tls_key"):
        assert environment[f"LAIZUO_{name.upper()}"] == f"/run/secrets/{name}"
        assert f"=/run/secrets/{name}\n" in turn


def web_settings(tmp_path: Path) -> Settings:
    """The web service's environment, read as the web service reads it."""
    environ = {name: filled(str(value)) for name, value in service("web")["environment"].items()}
    for name in ("LAIZUO_TLS_CERTIFICATE", "LAIZUO_TLS_KEY"):
        (tmp_path / name).touch()
        environ[name] = str(tmp_path / name)
    assert {name for name in environ if name not in VARIABLES} == set()
    return config.load(serve_parser().parse_args(service("web")["command"][4:]), environ)


def test_the_web_process_understands_its_environment(tmp_path: Path) -> None:
    settings = web_settings(tmp_path)

    assert settings.tls is not None
    assert not settings.demo
    assert settings.workers == 0
    assert f"443:{settings.port}" in ports("web")
    assert f"127.0.0.1:{settings.port}/readyz" in service("web")["healthcheck"]["test"][-1]
    assert settings.database_url == filled("postgresql://laizuo:${POSTGRES_PASSWORD}@postgres/laizuo")


def test_the_database_is_the_one_the_web_process_asks_for() -> None:
    environment = service("postgres")["environment"]

    assert (environment["POSTGRES_USER"], environment["POSTGRES_DB"]) == ("laizuo", "laizuo")


def test_web_and_workers_meet_at_the_same_sockets(tmp_path: Path) -> None:
    links = {(link.name, link.control) for link in web_settings(tmp_path).worker_links}

    assert links == {(argument(name, "--name"), argument(name, "--control")) for name in ("worker0", "worker1")}
    assert {argument(name, "--data") for name in ("worker0", "worker1")} == {str(web_settings(tmp_path).data)}
    for name in OURS:
        assert service(name)["volumes"] == [f"data:{web_settings(tmp_path).data}"]


def test_several_machines_differ_from_one_in_how_web_and_workers_meet(tmp_path: Path) -> None:
    more: dict[str, Any] = yaml.safe_load(machines_text())["services"]
    assert more.keys() <= compose()["services"].keys()
    bus = {"LAIZUO_BUS": "${LAIZUO_BUS:?see deploy/example.env}"}
    for name in ("worker0", "worker1"):
        here, there = [str(word) for word in service(name)["command"]], [str(word) for word in more[name]["command"]]
        at = here.index("--control")
        del here[at : at + 2]
        here[here.index("--name") + 1] = "${MACHINE:?see deploy/example.env}-" + argument(name, "--name")
        assert there == here
        assert more[name]["environment"] == bus
    assert bus.items() <= more["web"]["environment"].items()
    given = {**service("web")["environment"], **more["web"]["environment"], "LAIZUO_BUS": "nats://laizuo:x@broker:4222"}
    environ = {name: filled(str(value)) for name, value in given.items() if "TLS" not in name}
    settings = config.load(serve_parser().parse_args([]), environ)
    assert (settings.bus, settings.worker_links, settings.workers) == ("nats://laizuo:x@broker:4222", (), 0)


def test_every_media_port_is_published_under_its_own_number() -> None:
    for name in ("worker0", "worker1"):
        port = argument(name, "--udp").rpartition(":")[2]
        assert argument(name, "--tcp") == f"0.0.0.0:{port}"
        assert ports(name) == [f"{port}:{port}/udp", f"{port}:{port}/tcp"]  # browsers are told this number
        assert arguments(name, "--announce") == ["203.0.113.5"]


def test_a_network_that_passes_443_only_finds_the_page_and_both_workers_there() -> None:
    assert ports("web", **ONLY_443) == ["203.0.113.5:443:8443"]
    for name, udp, address in (("worker0", "40000", "203.0.113.6"), ("worker1", "40001", "203.0.113.7")):
        assert arguments(name, "--tcp", **ONLY_443) == ["0.0.0.0:443"]
        assert arguments(name, "--announce", **ONLY_443) == [address]
        assert ports(name, **ONLY_443) == [f"{udp}:{udp}/udp", f"{address}:443:443/tcp"]
        assert service(name)["sysctls"] == {"net.ipv4.ip_unprivileged_port_start": "0"}  # it has no capability


def test_workers_are_bound_and_announced_in_both_families_where_that_is_asked_for() -> None:
    for name, port in (("worker0", "40000"), ("worker1", "40001")):
        assert arguments(name, "--udp", **BOTH_FAMILIES) == [f"[::]:{port}"]
        assert arguments(name, "--tcp", **BOTH_FAMILIES) == [f"[::]:{port}"]
        assert arguments(name, "--announce", **BOTH_FAMILIES) == ["203.0.113.5", "2001:db8::5"]
    inside = yaml.safe_load((ROOT / "deploy/ipv6.yml").read_text(encoding="utf-8"))
    assert inside == {"networks": {"default": {"enable_ipv6": True}}}


def test_the_relay_reaches_every_address_that_a_worker_is_told_at() -> None:
    for given in ({}, ONLY_443, BOTH_FAMILIES):
        told = {address for name in ("worker0", "worker1") for address in arguments(name, "--announce", **given)}
        words = {filled(word, **given) for word in service("turn")["command"]}
        assert {f"--allowed-peer-ip={address}" for address in told} <= words


def test_the_image_exposes_what_the_services_publish() -> None:
    exposed = re.findall(r"^EXPOSE (.*)$", containerfile(), re.MULTILINE)[0].split()
    published = [port for name in OURS for port in ports(name)]

    assert sorted(exposed) == sorted(f"{p.split(':')[1]}{'' if '/' in p else '/tcp'}" for p in published)


def containerfile() -> str:
    return (ROOT / "Containerfile").read_text(encoding="utf-8")


def test_everything_the_image_copies_is_there() -> None:
    copied = [
        word
        for line in re.findall(r"^COPY ((?!--from).*)$", containerfile(), re.MULTILINE)
        for word in line.split()[:-1]
    ]

    assert {source for source in copied if not (ROOT / source).exists()} == set()
    assert {"server", "media", "schedules", "web", "requirements.run.lock"} <= set(copied)


def test_the_image_runs_as_nobody_special_and_owns_its_data() -> None:
    assert "USER laizuo" in containerfile()
    assert f"VOLUME {service('web')['environment']['LAIZUO_DATA']}" in containerfile()


def test_the_relay_reaches_no_private_network_but_the_workers() -> None:
    """Each of these was a way through somebody's relay (reliability: threat 22)."""
    turn = (ROOT / "deploy/turnserver.conf").read_text(encoding="utf-8")

    for start in (
        "0.0.0.0",
        "10.0.0.0",
        "100.64.0.0",
        "127.0.0.0",
        "169.254.0.0",
        "172.16.0.0",
        "192.168.0.0",
        "224.0.0.0",
        "fc00::",
        "fe80::",
    ):
        assert re.search(rf"^denied-peer-ip={re.escape(start)}-", turn, re.MULTILINE), start
    assert "denied-peer-ip=::1-" in turn
    assert "--allowed-peer-ip=${MEDIA_ADDRESS:?see deploy/example.env}" in service("turn")["command"]


def test_no_secret_has_a_value_here() -> None:
    assert {
        name: value for name, value in example().items() if re.search("PASSWORD|SECRET|STORE_KEY", name) and value
    } == {}
