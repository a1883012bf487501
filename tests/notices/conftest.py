"""A country in which something is found, and those whom it tells: a real web server and a real mail server."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from epix_node.config.settings import NotifySection
from epix_node.permit.finding import Finding
from epix_node.store import findings
from tests.world import World, found_countries

SECRET = b"a secret that both sides know"
PASSWORD = "correct horse battery staple"
HOST = "127.0.0.1"


@dataclass
class Receiver:
    """Whoever the webhook leads to; it answers as `answer` says, and keeps what it got."""

    server: TestServer = field(init=False)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[web.Request], Any] = field(default=lambda _: web.Response(status=204))

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.got.append((dict(request.headers), await request.read()))
        answer = self.answer(request)
        return await answer if asyncio.iscoroutine(answer) else answer

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server.port}/notices"

    @property
    def ids(self) -> list[str]:
        return [headers["EPIX-Notice"] for headers, _ in self.got]

    def is_signed(self, position: int) -> bool:
        headers, body = self.got[position]
        expected = hmac.new(SECRET, headers["EPIX-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
        return headers["EPIX-Signature"] == f"v1={expected}"


@dataclass
class Postbox:
    """A mail server; `refuses` is its answer to every letter, where it takes none."""

    letters: list[Envelope] = field(default_factory=list)
    refuses: str | None = None
    users: list[str] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    """By kind: plain, starttls, tls, deaf (never says a word)."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802 # aiosmtpd's name
        if self.refuses is not None:
            return self.refuses
        self.letters.append(envelope)
        return "250 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.users.append(data.login.decode())
        is_right = data.password == PASSWORD.encode()
        return AuthResult(success=is_right, handled=is_right)

    def letter(self, position: int = 0) -> EmailMessage:
        content = self.letters[position].content
        assert isinstance(content, bytes)
        read = message_from_bytes(content, policy=policy.default)
        assert isinstance(read, EmailMessage)
        return read


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/notices", made.take)
    made.server = TestServer(app, host=HOST)
    await made.server.start_server()
    yield made
    await made.server.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of localhost, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address(HOST))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("mail") / "localhost.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*plain))
    return path


@pytest.fixture
async def postbox(certificate: Path) -> AsyncIterator[Postbox]:
    made, loop = Postbox(), asyncio.get_running_loop()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    common: dict[str, Any] = {"hostname": "localhost", "loop": loop}
    login = {"authenticator": made.authenticate, "auth_required": True}
    kinds: dict[str, tuple[Callable[[], asyncio.BaseProtocol], ssl.SSLContext | None]] = {
        "plain": (lambda: SMTP(made, **common), None),
        "starttls": (lambda: SMTP(made, tls_context=tls, require_starttls=True, **login, **common), None),
        "tls": (lambda: SMTP(made, auth_require_tls=False, authenticator=made.authenticate, **common), tls),
        "deaf": (asyncio.Protocol, None),
    }
    servers = {kind: await loop.create_server(make, HOST, 0, ssl=context) for kind, (make, context) in kinds.items()}
    made.ports = {kind: server.sockets[0].getsockname()[1] for kind, server in servers.items()}
    yield made
    for server in servers.values():
        server.close()


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_countries(tmp_path_factory.mktemp("founded"), ("XA",))


@pytest.fixture(scope="session")
def founded_three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return found_countries(tmp_path_factory.mktemp("three"))


@pytest.fixture
async def world(tmp_path: Path, founded: Path) -> AsyncIterator[World]:
    """XA alone."""
    made = World(tmp_path, founded)
    for name, secret in (("hook", SECRET), ("mail", PASSWORD.encode())):
        path = tmp_path / name
        path.write_bytes(secret + b"\n")
        path.chmod(0o600)
    yield made
    await made.close()


def tells(world: World, *, receiver: Receiver | None = None, postbox: Postbox | None = None, **settings: Any) -> None:
    """XA's configuration names these; XA is started again with it."""
    country = world["XA"]
    if receiver is not None:
        settings = {"webhook_url": receiver.url, "webhook_secret_file": str(world.directory / "hook"), **settings}
    if postbox is not None:
        settings = {
            "email_to": ("cites@office.example", "customs@office.example"),
            "email_from": "epix-node@office.example",
            "smtp_server": f"{HOST}:{postbox.ports['plain']}",
            "smtp_security": "none",
            **settings,
        }
    notify = NotifySection.model_validate(settings)
    country.config = country.config.model_copy(update={"notify": notify})
    country.reopen()


def stolen_and_used(world: World, *numbers: str) -> None:
    """Permits of XA are stolen, and used a week later; after a day more that is no mistake any more."""
    for number in numbers:
        world["XA"].publish(number, to="XB")
        world["XA"].withdraw(number)
    world.wait(days=7)
    for number in numbers:
        world["XA"].confirm(number, date=world.now.date().isoformat())
    world.wait(hours=25)


def found_in(world: World) -> list[Finding]:
    """What XA found, by number."""
    filter_ = findings.FindingFilter()
    listed, _ = world["XA"].node.database.read_now(findings.page, filter_, cursor=None, limit=500)
    return sorted(listed, key=lambda finding: finding.subject.number)
