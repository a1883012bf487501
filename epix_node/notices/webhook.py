"""A notice as an HTTP request: POST of the finding as JSON, signed with a secret that the receiver knows, too.

    EPIX-Notice: 0b9c…                      the same at each try: who has it already answers 200 and does nothing
    EPIX-Timestamp: 2026-03-04T10:00:00Z    when it was sent, by the machine's clock
    EPIX-Signature: v1=9f86…                hex HMAC-SHA-256 with the secret over timestamp + "." + body

Any answer of 2xx says that the receiver has it. Nothing but the status is read of an answer, so that none is too long,
and no redirect is followed: what is not where it was configured is not told to anybody else.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from epix_node import __version__
from epix_node.clock import format_time, utc_now
from epix_node.errors import KeyMaterialError
from epix_node.federation.client import tls
from epix_node.notices.message import Message
from epix_node.store.notices import Channel
from epix_node.trust.passphrase import read_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where notices are posted to; ``url`` may hold a secret and is shown to nobody."""

    url: str
    secret_file: Path
    patience: timedelta
    """How long one try may take in all."""

    @property
    def channel(self) -> Channel:
        """The webhook."""
        return Channel.WEBHOOK

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def place(self) -> str:
        """Where it is, for people."""
        host, port = self.address
        return f"{host}:{port}"

    async def send(self, message: Message) -> str | None:
        """None: the receiver has the notice. Otherwise what is wrong, in words without a secret."""
        try:
            secret = read_secret(self.secret_file)
        except KeyMaterialError as error:
            return str(error)
        sent = format_time(utc_now().replace(microsecond=0))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"epix-node/{__version__}",
            "EPIX-Notice": message.id,
            "EPIX-Timestamp": sent,
            "EPIX-Signature": signature(secret, sent, message.body),
        }
        client = httpx.AsyncClient(
            follow_redirects=False,
            verify=tls(),
            trust_env=False,  # no proxy of the environment: the notice goes where the configuration says
            timeout=self.patience.total_seconds(),
        )
        try:
            async with (
                asyncio.timeout(self.patience.total_seconds()),
                client,
                client.stream("POST", self.url, content=message.body, headers=headers) as answer,
            ):
                return None if answer.is_success else f"{self.place} answers {answer.status_code}"
        except TimeoutError:
            return f"{self.place} did not answer within {self.patience.total_seconds():.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            return f"{self.place} does not answer: {type(error).__name__}"


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The value of ``EPIX-Signature``."""
    return f"v1={hmac.new(secret, timestamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"
