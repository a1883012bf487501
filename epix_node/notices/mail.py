"""A notice as an e-mail, by SMTP.

The connection is encrypted before anything is said, by STARTTLS or from the start (SMTPS), and the server's certificate
is checked; without either only this machine is spoken to. The letter has the notice's id as its ``Message-ID``, the
same at each try, so that a mail system shows one that came twice once.

The standard library's client blocks, so a thread speaks; whoever waits for it ends the conversation when the time is
up, and the thread with it.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

import structlog

from epix_node.clock import utc_now
from epix_node.errors import KeyMaterialError
from epix_node.notices.message import Message
from epix_node.store.notices import Channel
from epix_node.trust.passphrase import read_secret

Security = Literal["starttls", "tls", "none"]

log = structlog.get_logger("epix_node.notices")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """To whom notices are written, and by which server."""

    host: str
    port: int
    security: Security
    sender: str
    recipients: tuple[str, ...]
    patience: timedelta
    """How long one try may take in all."""
    user: str | None = None
    password_file: Path | None = None

    @property
    def channel(self) -> Channel:
        """E-mail."""
        return Channel.EMAIL

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server."""
        return self.host, self.port

    @property
    def place(self) -> str:
        """The server, for people."""
        return f"{self.host}:{self.port}"

    @property
    def domain(self) -> str:
        """Whose letters these are; the name by which the node greets the server."""
        return self.sender.rpartition("@")[2]

    async def send(self, message: Message) -> str | None:
        """None: the server took the letter for at least one recipient. Otherwise what is wrong, without a secret."""
        try:
            password = read_secret(self.password_file).decode() if self.password_file is not None else None
        except (KeyMaterialError, UnicodeDecodeError) as error:
            return str(error) if isinstance(error, KeyMaterialError) else f"{self.password_file} is not UTF-8"
        conversation = _Conversation(self, password)
        try:
            async with asyncio.timeout(self.patience.total_seconds()):
                return await asyncio.to_thread(conversation.tell, letter(self, message))
        except TimeoutError:
            return f"{self.place} did not take the letter within {self.patience.total_seconds():.0f} s"
        finally:
            conversation.end()


def letter(mail: Mail, message: Message) -> EmailMessage:
    """The notice as an e-mail in plain text."""
    made = EmailMessage(policy=SMTP_POLICY)
    made["From"] = mail.sender
    made["To"] = ", ".join(mail.recipients)
    made["Subject"] = message.subject
    made["Date"] = format_datetime(utc_now())
    made["Message-ID"] = f"<{message.id}@{mail.domain}>"
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is answered
    made["EPIX-Notice"] = message.id
    made.set_content(message.text)
    return made


class _Conversation:
    """One connection to the server, which any thread may end."""

    def __init__(self, mail: Mail, password: str | None) -> None:
        self._mail = mail
        self._password = password
        self._handle: socket.socket | None = None
        """Of the same connection; the socket itself changes hands when the connection is encrypted."""
        self._is_over = False

    def tell(self, message: EmailMessage) -> str | None:
        """As ``Mail.send``, in this thread."""
        mail = self._mail
        try:
            client = _Client(self, mail)
            try:
                code, _ = client.connect(mail.host, mail.port)
                if code != 220:
                    return f"{mail.place} answers {code}"
                if mail.security == "starttls":
                    client.starttls(context=ssl.create_default_context())
                if mail.user is not None and self._password is not None:
                    client.login(mail.user, self._password)
                refused = client.send_message(message, mail.sender, mail.recipients)
                with suppress(smtplib.SMTPException, OSError):  # the letter is taken, however they part
                    client.quit()
            finally:
                client.close()
        except smtplib.SMTPRecipientsRefused:
            return f"{mail.place} takes letters for none of the recipients"
        except smtplib.SMTPResponseException as error:
            return f"{mail.place} answers {error.smtp_code}: {type(error).__name__}"
        except (smtplib.SMTPException, OSError, ValueError) as error:
            # ValueError: a text that no header or command can carry.
            return f"{mail.place} does not take the letter: {type(error).__name__}"
        finally:
            self.end()
        if refused:
            log.warning("recipients refused", server=mail.place, recipients=len(refused), of=len(mail.recipients))
        return None

    def opened(self, connection: socket.socket) -> None:
        """The connection is there, and can be ended from now on."""
        self._handle = connection.dup()
        if self._is_over:
            self.end()

    def end(self) -> None:
        """Nothing is sent or read any more; the thread that does so gets an error."""
        self._is_over = True
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(OSError):  # it is closed already
                handle.shutdown(socket.SHUT_RDWR)
            handle.close()


class _Client(smtplib.SMTP):
    """The library's client, whose connection can be ended from outside, encrypted from the start where that is so."""

    def __init__(self, conversation: _Conversation, mail: Mail) -> None:
        super().__init__(local_hostname=mail.domain, timeout=mail.patience.total_seconds())
        self._conversation = conversation
        self._is_tls = mail.security == "tls"
        self._host = mail.host  # checked against the server's certificate

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        self._conversation.opened(connection)
        if self._is_tls:
            return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
        return connection
