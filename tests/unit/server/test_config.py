"""Settings: which source wins, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import config
from server.command_line import VARIABLES, serve_parser
from server.config import ConfigError, Media, Settings, Tls, Turn, WorkerLink


def load(
    *flags: str, file: str | None = None, environ: dict[str, str] | None = None, folder: Path | None = None
) -> Settings:
    arguments = list(flags)
    if file is not None:
        assert folder is not None
        (folder / "laizuo.toml").write_text(file)
        arguments += ["--config", str(folder / "laizuo.toml")]
    return config.load(serve_parser().parse_args(arguments), environ or {})


def test_flag_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    file = 'port = 1\nhost = "10.0.0.1"\nlog_level = "debug"'

    settings = load("--port", "3", file=file, environ={"LAIZUO_PORT": "2", "LAIZUO_HOST": "10.0.0.2"}, folder=tmp_path)

    assert (settings.port, settings.host, settings.log_level, settings.media.port) == (3, "10.0.0.2", "debug", 40000)


def test_every_variable_has_its_place(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    certificate.touch()
    key.touch()
    environ = {
        "LAIZUO_HOST": "0.0.0.0",
        "LAIZUO_PORT": "8443",
        "LAIZUO_DATA": "/srv/laizuo",
        "LAIZUO_WORKERS": "0",
        "DATABASE_URL": "postgresql://db/laizuo",
        "LAIZUO_PUBLIC_URL": "https://sit.example",
        "LAIZUO_TLS_CERTIFICATE": str(certificate),
        "LAIZUO_TLS_KEY": str(key),
        "LAIZUO_TRUSTED_PROXIES": "10.0.0.0/8, 192.168.1.1",
        "LAIZUO_MEDIA_HOST": "0.0.0.0",
        "LAIZUO_MEDIA_ANNOUNCE": "203.0.113.5, 10.1.2.3",
        "LAIZUO_MEDIA_PORT": "50000",
        "LAIZUO_MEDIA_PATH": "python",
        "LAIZUO_MEDIA_TCP": "443, 8443",
        "LAIZUO_TURN_URLS": "turn:relay.example:3478, turns:relay.example:443?transport=tcp",
        "LAIZUO_TURN_SECRET_FILE": str(key),
        "LAIZUO_MEDIA_LINKS": "w0=unix:/run/w0.sock, w1=unix:/run/w1.sock",
        "LAIZUO_DEMO": "off",
        "LAIZUO_MASTER_KEY_FILE": "/etc/laizuo.key",
        "LAIZUO_LOG_LEVEL": "warning",
    }

    assert load(environ=environ) == Settings(
        host="0.0.0.0",
        port=8443,
        data=Path("/srv/laizuo"),
        workers=0,
        database_url="postgresql://db/laizuo",
        public_url="https://sit.example",
        tls=Tls(certificate, key),
        media=Media("0.0.0.0", ("203.0.113.5", "10.1.2.3"), 50000, "python", tcp_ports=(443, 8443)),
        turn=Turn(("turn:relay.example:3478", "turns:relay.example:443?transport=tcp"), key),
        trusted_proxies=("10.0.0.0/8", "192.168.1.1"),
        demo=False,
        master_key_file=Path("/etc/laizuo.key"),
        log_level="warning",
        worker_links=(WorkerLink("w0", "unix:/run/w0.sock"), WorkerLink("w1", "unix:/run/w1.sock")),
    )
    # These are read elsewhere: before the settings, by the tests, or by `admin`
    elsewhere = {"LAIZUO_CONFIG", "LAIZUO_TLS", "LAIZUO_VENV", "LAIZUO_PGBIN", "LAIZUO_PASSWORD", "LAIZUO_BUS"}
    elsewhere.add("LAIZUO_MASTER_KEYS")  # never part of the settings, which are handed on
    assert VARIABLES.keys() - environ.keys() - elsewhere == {"CHROMIUM", "FIREFOX"}


def test_a_bus_stands_in_the_place_of_links() -> None:
    bus = {"LAIZUO_BUS": "nats://laizuo:secret@broker:4222"}

    assert load(environ=bus).bus == "nats://laizuo:secret@broker:4222"
    assert load("--bus", "tls://broker", environ=bus).bus == "tls://broker"
    assert "secret" not in repr(load(environ=bus))
    with pytest.raises(ConfigError, match="do not go together"):
        load(environ={**bus, "LAIZUO_MEDIA_LINKS": "w0=unix:/run/w0.sock"})
    with pytest.raises(ConfigError) as raised:
        load(environ={"LAIZUO_BUS": "http://laizuo:secret@broker"})
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("prot = 1", "unknown field `prot`"),
        ('port = "x"', "Expected `int`, got `str` - at `$.port`"),
        ("port = 70000", "<= 65535"),
        ("[media]\nprot = 1", "unknown field `prot` - at `$.media`"),
        ('tls = "selfsigned"', "Invalid enum value 'selfsigned' - at `$.tls`"),
        ('[tls]\ncertificate = "a.pem"', "missing required field `key`"),
        ("workers = 65", "<= 64"),
        ("host = ", "is not TOML"),
    ],
)
def test_a_wrong_file_is_named_with_its_fault(file: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(file=file, folder=tmp_path)

    assert message in str(raised.value)
    assert str(tmp_path / "laizuo.toml") in str(raised.value)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"LAIZUO_PORT": "http"}, "LAIZUO_PORT: expected a whole number, got 'http'"),
        ({"LAIZUO_MEDIA_PATH": "rust"}, "Invalid enum value 'rust' - at `$.media.path`"),
        ({"LAIZUO_DEMO": "yes"}, "LAIZUO_DEMO: expected on or off, got 'yes'"),
        ({"LAIZUO_MEDIA_TCP": "443,https"}, "LAIZUO_MEDIA_TCP"),
        ({"LAIZUO_TURN_URLS": "turn:relay.example"}, "LAIZUO_TURN_URLS and LAIZUO_TURN_SECRET_FILE go together"),
        ({"LAIZUO_TURN_URLS": "https://relay.example", "LAIZUO_TURN_SECRET_FILE": "/s"}, "turns?:"),
        ({"LAIZUO_TURN_URLS": "turn:relay.example", "LAIZUO_TURN_SECRET_FILE": "/s"}, "turn: there is no file /s"),
        ({"LAIZUO_MEDIA_LINKS": "w0"}, "LAIZUO_MEDIA_LINKS: expected name=unix:/path"),
        ({"LAIZUO_TLS_KEY": "/k.pem"}, "go together"),
        ({"LAIZUO_TLS_KEY": "/k.pem", "LAIZUO_TLS_CERTIFICATE": "/c.pem"}, "tls: there is no file /c.pem"),
        ({"LAIZUO_MEDIA_LINKS": "w0=unix:/w0", "LAIZUO_WORKERS": "1"}, "set workers = 0"),
        ({"LAIZUO_CONFIG": "/nowhere/laizuo.toml"}, "cannot be read: No such file"),
    ],
)
def test_a_wrong_variable_is_named_with_its_fault(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(environ=environ)

    assert message in str(raised.value)


def test_an_unknown_variable_is_pointed_out(capsys: pytest.CaptureFixture[str]) -> None:
    load(environ={"LAIZUO_PROT": "1", "OTHER": "1"})

    assert capsys.readouterr().err == "laizuo: the environment variable LAIZUO_PROT is not known and has no effect\n"


@pytest.mark.parametrize(
    ("flags", "has_file", "demo"),
    [
        ((), False, True),
        (("--host", "localhost"), False, True),
        (("--host", "::1"), False, True),
        (("--host", "0.0.0.0"), False, False),
        (("--host", "192.168.1.5"), False, False),
        ((), True, False),
    ],
)
def test_the_demo_is_for_this_machine_without_a_config(
    flags: tuple[str, ...], has_file: bool, demo: bool, tmp_path: Path
) -> None:
    assert load(*flags, file="" if has_file else None, folder=tmp_path).demo == demo


def test_settings_do_not_show_a_password() -> None:
    settings = Settings(database_url="postgresql://laizuo:canary@db/laizuo")

    assert "canary" not in repr(settings)
    assert "canary" not in f"{settings}"


def test_settings_travel_to_the_web_process_whole() -> None:
    settings = load(environ={"LAIZUO_TLS": "self-signed", "LAIZUO_MEDIA_LINKS": "w0=unix:/run/w0.sock"})

    assert config.from_json(config.to_json(settings)) == settings


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("sit.local", "http://sit.local:80"),
    ],
)
def test_the_shown_address_can_be_opened_here(host: str, url: str) -> None:
    assert config.local_url(Settings(host=host), 80) == url
