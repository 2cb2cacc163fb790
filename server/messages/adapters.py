"""Ways to send: mail by SMTP, and the log where no way is configured.

A server that takes a message and dies before it says so gets it again: the Message-ID is made of the row's number, so that the receiving
side can tell (RFC 5322 3.6.4).
"""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from server.config import Mail
    from server.messages.core import Waiting

TIMEOUT_S = 15.0  # per step of the dialogue; a mail server that thinks longer is asked again later

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
