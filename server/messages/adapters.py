"""Ways to send: mail by SMTP, text messages by a gateway over HTTP, and the log where no way is configured.

A server that takes a message and dies before it says so gets it again: the Message-ID is made of the row's number, so that the receiving
side can tell (RFC 5322 3.6.4); so is the Idempotency-Key of a text message.
"""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Protocol

import aiohttp

if TYPE_CHECKING:
    from server.config import Mail, Sms
    from server.messages.core import Waiting

TIMEOUT_S = 15.0  # per step of the dialogue; a mail server that thinks longer is asked again later
_NEVER = (
    400,
    404,
    410,
    413,
    422,
)  # a gateway will not take this message later either; a refused token is mended by people

log = logging.getLogger("laizuo.messages")


class SendFailed(Exception):
    """It did not go out. `is_final`: no later try will help (the address does not exist)."""

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_final = is_final


class Adapter(Protocol):
    """One way to send."""

    async def send(self, waiting: Waiting) -> None:
        """Hand it over. Raises SendFailed."""


class LogAdapter:
    """Says that a message of this kind had no other way. Neither address nor text: the log is no place for them."""

    async def send(self, waiting: Waiting) -> None:
        log.info("message %d (%s) has no way out but the person's own page", waiting.id, waiting.message.kind)


class SmsAdapter:
    """Text messages by the city's gateway. What is posted, and what its answers mean, stands in MESSAGES.md."""

    def __init__(self, settings: Sms) -> None:
        self._settings = settings

    async def send(self, waiting: Waiting) -> None:
        headers = {"Idempotency-Key": f"laizuo-{waiting.id}-{waiting.made_at:%Y%m%d%H%M%S%f}"}
        if token := self._settings.token():
            headers["Authorization"] = f"Bearer {token}"
        message = waiting.message
        body = {"to": message.address, "text": message.body, "kind": message.kind}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(self._settings.url, json=body, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SendFailed(type(error).__name__) from error
        if not 200 <= status < 300:
            raise SendFailed(f"answered {status}", is_final=status in _NEVER)


class MailAdapter:
    """Mail by SMTP, in a thread: smtplib blocks."""

    def __init__(self, settings: Mail) -> None:
        self._settings = settings

    async def send(self, waiting: Waiting) -> None:
        await asyncio.to_thread(self._send, self._letter(waiting))

    def _letter(self, waiting: Waiting) -> EmailMessage:
        letter = EmailMessage()
        letter["From"] = self._settings.sender
        letter["To"] = waiting.message.address
        letter["Subject"] = waiting.message.subject
        letter["Date"] = format_datetime(waiting.made_at)
        letter["Message-ID"] = (
            f"<laizuo-{waiting.id}-{waiting.made_at:%Y%m%d%H%M%S%f}@{self._settings.sender.rpartition('@')[2]}>"
        )
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
        letter.set_content(waiting.message.body)
        return letter

    def _send(self, letter: EmailMessage) -> None:
        settings = self._settings
        try:
            with smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S) as line:
                if settings.starttls:
                    line.starttls(context=ssl.create_default_context())
                if settings.user:
                    line.login(settings.user, settings.password())
                line.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise SendFailed(f"refused: {codes}", is_final=all(500 <= code < 600 for code in codes)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise SendFailed(f"{type(error).__name__}: {error}"[:200]) from error
