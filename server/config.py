"""Settings: what the operator says, checked once, then passed around frozen.

A flag beats the environment, which beats the config file (TOML), which beats the default. A name nobody knows is an error that names it.
"""

from __future__ import annotations

import os
import sys
import tomllib
from argparse import Namespace
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from server.command_line import VARIABLES

HTTP_PORT = 8080
MEDIA_PORT = 40000
MAX_WORKERS = 64
MAX_DEFAULT_WORKERS = 2  # more only on request: a village town hall's machine does other things too

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class ConfigError(Exception):
    """A setting is wrong; the text names it and what is accepted."""


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Certificate chain and private key, PEM files."""

    certificate: Path
    key: Path


class Media(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where media workers receive: `host` is bound, `announce` is what browsers are told, ports count up from `port`.

    path  how they forward: in C where that can be compiled or is there already, or in Python
    tcp   whether lines that block UDP get in over TCP: the port of the same number, or of `tcp_ports`, one per worker (443 passes most)
    """

    host: str = ""  # empty: the same as the product's host
    announce: tuple[str, ...] = ()  # empty: host, or this machine's own address when host is the wildcard
    port: Port = MEDIA_PORT
    path: Literal["auto", "native", "python"] = "auto"
    tcp: bool = True
    tcp_ports: tuple[Port, ...] = ()


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where mail goes out. Without it messages stand on people's own pages only.

    password_file  holds the password and nothing else; settings hold no secret
    """

    host: str
    sender: str
    port: Port = 25
    starttls: bool = False
    user: str = ""
    password_file: Path | None = None

    def password(self) -> str:
        """Read it now: it may be changed while we run."""
        return "" if self.password_file is None else self.password_file.read_text("utf-8").strip()


class Sms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The gateway that takes text messages, as server/messages/MESSAGES.md describes it. Without it they are only noted.

    token_file  holds the bearer token and nothing else; settings hold no secret
    """

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s]+$")]
    token_file: Path | None = None

    def token(self) -> str:
        """Read it now: it may be changed while we run."""
        return "" if self.token_file is None else self.token_file.read_text("utf-8").strip()


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A relay (coturn with `use-auth-secret`) for networks that let neither UDP nor our TCP ports through.

    urls         turn:host:port?transport=tcp, turns:host:443?transport=tcp: what browsers are told
    secret_file  holds the secret shared with the relay and nothing else; settings hold no secret
    """

    urls: tuple[Annotated[str, msgspec.Meta(pattern=r"^turns?:[^\s,]+$")], ...]
    secret_file: Path

    def secret(self) -> bytes:
        """Read it now: it may be changed while we run."""
        return self.secret_file.read_bytes().strip()


class ObjectStore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A second place for what was recorded: an S3 bucket with Object Lock. Its keys come from the environment (AWS_ACCESS_KEY_ID ...).

    url        s3://bucket/prefix
    lock_days  so long nobody can change or delete a copy, not even whoever owns the bucket (compliance mode)
    """

    url: str
    endpoint: str = ""  # empty: Amazon's own
    region: str = "us-east-1"
    lock_days: Annotated[int, msgspec.Meta(ge=1, le=36500)] = 3650


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How packs are signed and stamped. Without any of it we are our own authority, which is for trials.

    signer_key, signer_certificate  PEM; the certificate's file holds those above it too
    timestamp_url                   an outside authority, RFC 3161 over HTTP
    anchors_copy                    a folder that others keep (another machine's disk): each time stamp is written there too
    """

    signer_key: Path | None = None
    signer_certificate: Path | None = None
    timestamp_url: str = ""
    anchors_copy: Path | None = None
    store: ObjectStore | None = None


class WorkerLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the web process reaches one media worker.

    control  "unix:/path" today; another scheme names another transport
    """

    name: str
    control: str


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that a process of the product needs to know. Holds no secret but the database URL's password, if it has one."""

    host: str = "127.0.0.1"
    port: Port = HTTP_PORT
    data: Path = Path()
    workers: Annotated[int, msgspec.Meta(ge=0, le=MAX_WORKERS)] = 1
    database_url: str = ""  # empty: start our own; the web process always gets it filled
    public_url: str = ""  # empty: made from host and port; the web process always gets it filled
    tls: Literal["self-signed"] | Tls | None = None
    media: Media = Media()
    turn: Turn | None = None
    mail: Mail | None = None
    sms: Sms | None = None
    evidence: Evidence = Evidence()
    trusted_proxies: tuple[str, ...] = ()
    demo: bool = False  # may seed the fictional city when the database is empty
    master_key_file: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    worker_links: tuple[WorkerLink, ...] = ()  # given for workers run elsewhere; else filled by the parent
    bus: Annotated[str, msgspec.Meta(pattern=r"^$|^(nats|tls)://[^\s]+$")] = (
        ""  # a broker (NATS); empty: all is on this machine
    )

    def __repr__(self) -> str:
        return f"<Settings host={self.host} port={self.port} data={self.data}>"

    @property
    def is_loopback(self) -> bool:
        """True when nobody but this machine can reach the product."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def scheme(self) -> Literal["http", "https"]:
        return "https" if self.tls else "http"

    @property
    def key_file(self) -> Path:
        return self.master_key_file or self.data / "keys/master.key"


def load(flags: Namespace, environ: Mapping[str, str] = os.environ) -> Settings:
    """Put flags, environment and config file together.

    Raises  ConfigError naming the setting and its source.
    """
    _warn_of_unknown(environ)
    config = flags.config or environ.get("LAIZUO_CONFIG")
    values = _from_file(Path(config)) if config else {}
    _lay_over(values, _from_environment(environ))
    _lay_over(values, {name: value for name, value in vars(flags).items() if value is not None and name != "config"})
    values.setdefault("data", default_data(environ))
    values.setdefault("workers", 0 if values.get("worker_links") else default_workers())
    settings = _convert(values, "settings")
    settings = msgspec.structs.replace(settings, data=settings.data.expanduser().absolute())
    if "demo" not in values:
        settings = msgspec.structs.replace(settings, demo=settings.is_loopback and not config)
    return _checked(settings)


def default_data(environ: Mapping[str, str]) -> str:
    if os.geteuid() == 0:
        return "/var/lib/laizuo"
    state = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
    return f"{state}/laizuo"


def default_workers() -> int:
    """One core stays free for the web process and the database."""
    return max(1, min(MAX_DEFAULT_WORKERS, len(os.sched_getaffinity(0)) - 1))


def local_url(settings: Settings, port: int) -> str:
    """The address to try from this machine; a wildcard address is shown as loopback."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(settings.host, settings.host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{settings.scheme}://{host}:{port}"


def _from_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"the config file {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the config file {path} is not TOML: {error}") from error
    _convert(values, str(path))  # alone first, so that the error names the file
    return values


def _convert(values: dict[str, Any], source: str) -> Settings:
    try:
        return msgspec.convert(values, Settings, dec_hook=_decode_path)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{source}: {error}") from error


def _decode_path(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise ValueError(f"expected a path, got {value!r}")


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The variables of command_line.VARIABLES as settings; numbers are parsed here so that the error names the variable."""
    said = {name: environ[name].strip() for name in VARIABLES if environ.get(name, "").strip()}
    values: dict[str, Any] = {}
    for variable, name in _PLAIN.items():
        if variable in said:
            values[name] = said[variable]
    for variable, name in _NUMBERS.items():
        if variable in said:
            values[name] = _number(variable, said[variable])
    if media := _media(said):
        values["media"] = media
    if "LAIZUO_TRUSTED_PROXIES" in said:
        values["trusted_proxies"] = _list(said["LAIZUO_TRUSTED_PROXIES"])
    if "LAIZUO_DEMO" in said:
        values["demo"] = _switch("LAIZUO_DEMO", said["LAIZUO_DEMO"])
    if "LAIZUO_MEDIA_LINKS" in said:
        values["worker_links"] = _links(said["LAIZUO_MEDIA_LINKS"])
    if "LAIZUO_TLS_CERTIFICATE" in said or "LAIZUO_TLS_KEY" in said:
        values["tls"] = _tls_files(said)
    if "LAIZUO_TURN_URLS" in said or "LAIZUO_TURN_SECRET_FILE" in said:
        values["turn"] = _turn(said)
    return values


_PLAIN = {
    "LAIZUO_HOST": "host",
    "LAIZUO_DATA": "data",
    "DATABASE_URL": "database_url",
    "LAIZUO_PUBLIC_URL": "public_url",
    "LAIZUO_TLS": "tls",
    "LAIZUO_MASTER_KEY_FILE": "master_key_file",
    "LAIZUO_LOG_LEVEL": "log_level",
    "LAIZUO_BUS": "bus",
}
_NUMBERS = {"LAIZUO_PORT": "port", "LAIZUO_WORKERS": "workers"}


def _media(said: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "LAIZUO_MEDIA_HOST" in said:
        values["host"] = said["LAIZUO_MEDIA_HOST"]
    if "LAIZUO_MEDIA_ANNOUNCE" in said:
        values["announce"] = _list(said["LAIZUO_MEDIA_ANNOUNCE"])
    if "LAIZUO_MEDIA_PORT" in said:
        values["port"] = _number("LAIZUO_MEDIA_PORT", said["LAIZUO_MEDIA_PORT"])
    if said.get("LAIZUO_MEDIA_TCP") == "off":
        values["tcp"] = False
    elif "LAIZUO_MEDIA_TCP" in said:
        values["tcp_ports"] = [_number("LAIZUO_MEDIA_TCP", port) for port in _list(said["LAIZUO_MEDIA_TCP"])]
    if "LAIZUO_MEDIA_PATH" in said:
        values["path"] = said["LAIZUO_MEDIA_PATH"]
    return values


def _list(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",")]


def _number(variable: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"{variable}: expected a whole number, got {text!r}") from None


def _switch(variable: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise ConfigError(f"{variable}: expected on or off, got {text!r}")
    return text == "on"


def _links(text: str) -> list[dict[str, str]]:
    links = [entry.partition("=") for entry in text.split(",")]
    if not all(name and equals and control for name, equals, control in links):
        raise ConfigError(f"LAIZUO_MEDIA_LINKS: expected name=unix:/path,..., got {text!r}")
    return [{"name": name.strip(), "control": control.strip()} for name, _, control in links]


def _tls_files(said: Mapping[str, str]) -> dict[str, str]:
    if not ("LAIZUO_TLS_CERTIFICATE" in said and "LAIZUO_TLS_KEY" in said):
        raise ConfigError("LAIZUO_TLS_CERTIFICATE and LAIZUO_TLS_KEY go together; one of them is missing")
    return {"certificate": said["LAIZUO_TLS_CERTIFICATE"], "key": said["LAIZUO_TLS_KEY"]}


def _turn(said: Mapping[str, str]) -> dict[str, Any]:
    if not ("LAIZUO_TURN_URLS" in said and "LAIZUO_TURN_SECRET_FILE" in said):
        raise ConfigError("LAIZUO_TURN_URLS and LAIZUO_TURN_SECRET_FILE go together; one of them is missing")
    return {"urls": _list(said["LAIZUO_TURN_URLS"]), "secret_file": said["LAIZUO_TURN_SECRET_FILE"]}


def _lay_over(values: dict[str, Any], stronger: Mapping[str, Any]) -> None:
    for name, value in stronger.items():
        if name == "media" and isinstance(values.get("media"), dict):
            values["media"] = {**values["media"], **value}
        else:
            values[name] = value


def _checked(settings: Settings) -> Settings:
    if isinstance(settings.tls, Tls):
        for file in (settings.tls.certificate, settings.tls.key):
            if not file.is_file():
                raise ConfigError(f"tls: there is no file {file}")
    if (settings.evidence.signer_key is None) != (settings.evidence.signer_certificate is None):
        raise ConfigError("evidence: signer_key and signer_certificate go together; one of them is missing")
    if settings.turn is not None and not settings.turn.secret_file.is_file():
        raise ConfigError(f"turn: there is no file {settings.turn.secret_file}")
    if settings.bus and settings.worker_links:
        raise ConfigError("worker_links and bus do not go together: workers of the bus announce themselves")
    if settings.workers and settings.worker_links:
        raise ConfigError("worker_links name workers run elsewhere; set workers = 0 with them")
    return settings


def _warn_of_unknown(environ: Mapping[str, str]) -> None:
    for name in environ:
        if name.startswith("LAIZUO_") and name not in VARIABLES:
            print(f"laizuo: the environment variable {name} is not known and has no effect", file=sys.stderr)


def to_json(settings: Settings) -> bytes:
    """For the web process, which gets its settings on standard input and not where others could read them."""
    return msgspec.json.encode(settings, enc_hook=str)


def from_json(data: bytes) -> Settings:
    return msgspec.json.decode(data, type=Settings, dec_hook=_decode_path)
