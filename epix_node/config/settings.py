"""Every setting of a node, with its default; only the Party's code has none (contract 6).

A ``Config`` is consistent in itself. Whether what it names exists and works is for ``open_node`` and ``epix-node
doctor`` to say. It holds no secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    model_validator,
)

DEFAULT_PATH = Path("config", "epix-node.toml")
"""Where the file is looked for last, from the current directory (contract 2)."""

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DURATION = re.compile(r"(\d{1,9})([smhd]?)")
_CODE = re.compile(r"[A-Z]{2}")
_FICTIONAL = re.compile(r"X[A-Z]")
_MAILBOX = re.compile(r"[!-?A-~]{1,64}@[0-9A-Za-z](?:[0-9A-Za-z.-]{0,252}[0-9A-Za-z])?", re.ASCII)
"""No spaces, no names in front, no second @: what can stand in a header and an SMTP command as it is."""
_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql+psycopg"


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('expected a time such as "60s", "10m", "1h" or "7d", or a number of seconds')
    return int(match[1]) * _UNITS[match[2] or "s"]


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("expected more than no time at all")
    return value


def _code(value: str) -> str:
    if not _CODE.fullmatch(value):
        raise ValueError("expected a code of two capital letters, such as XA")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError) as error:  # unknown, a directory such as Europe, no relative path
        raise ValueError(f"there is no time zone {value!r}; expected a name such as Europe/Zurich") from error
    return value


def _address(value: str) -> str:
    try:
        parts = urlsplit(f"//{value}")
        port = parts.port
    except ValueError as error:
        raise ValueError("expected HOST:PORT, such as 127.0.0.1:8080") from error
    if not parts.hostname or port is None or parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("expected HOST:PORT, such as 127.0.0.1:8080")
    return value


def _base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ValueError("expected a URL such as https://epix.example.org") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("expected an http or https URL, such as https://epix.example.org")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("expected a URL without query, fragment and user")
    return value.rstrip("/")


_STORES = f"expected {_SQLITE}PATH or {_POSTGRESQL}://USER@HOST:PORT/NAME"


def _store_url(value: str) -> str:
    """A URL that names a database; what is wrong with it is said without it, since it may hold a password."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ValueError(_STORES) from error
    if parts.scheme == _POSTGRESQL:
        if not parts.path.strip("/") or parts.fragment:
            raise ValueError(_STORES)
    elif not value.startswith(_SQLITE) or value == _SQLITE:
        raise ValueError(_STORES)
    return value


def _webhook_url(value: str) -> str:
    """A URL to post to; what is wrong with it is said without it, since it may hold a secret."""
    expected = "expected an https URL, such as https://office.example.org/epix; http only of this machine"
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ValueError(expected) from error
    if not parts.hostname or parts.fragment or parts.username is not None:
        raise ValueError(expected)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError(expected)
    return value


def _mailbox(value: str) -> str:
    if not _MAILBOX.fullmatch(value):
        raise ValueError("expected an address, such as cites@office.example.org")
    return value


def is_loopback(host: str) -> bool:
    """Whether this name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) != len("2026-01-01"):
        raise ValueError("expected a date, such as 2026-01-01")
    return date.fromisoformat(value)


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("the same entry twice")
    return values


Code = Annotated[StrictStr, AfterValidator(_code)]
Codes = Annotated[tuple[Code, ...], AfterValidator(_unique)]
Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_positive)]
Day = Annotated[date, BeforeValidator(_day)]
Size = Annotated[StrictInt, Field(ge=1)]
Name = Annotated[StrictStr, Field(min_length=1)]
Mailbox = Annotated[StrictStr, AfterValidator(_mailbox)]


class Section(BaseModel):
    """One table of the file; knows its settings and takes no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CoveragePromise(Section):
    """Permits of these types, issued from this day on (absent: ever), are published within so many hours."""

    types: Annotated[tuple[Literal["E", "R", "I", "O"], ...], Field(min_length=1), AfterValidator(_unique)]
    issued_from: Day | None = None
    published_within_h: Annotated[StrictInt, Field(ge=0, le=8784)]


class PartySection(Section):
    """Whose node this is, and the national switches."""

    code: Code
    name: StrictStr | None = None
    environment: Literal["sandbox", "uat", "prod"] = "sandbox"
    issues_for: Annotated[Codes, Field(min_length=1)]
    timezone: Annotated[StrictStr, AfterValidator(_zone)] = "UTC"
    customs_union: Codes = ()
    import_after_expiry: Literal["accept_if_exported_in_time", "refuse"] = "accept_if_exported_in_time"
    coverage: tuple[CoveragePromise, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _speaks_for_itself(cls, given: Any) -> Any:
        """Without ``issues_for`` the node speaks for its own Party."""
        if isinstance(given, Mapping) and "issues_for" not in given and "code" in given:
            return {**given, "issues_for": (given["code"],)}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.code not in self.issues_for:
            raise ValueError(f"issues_for does not name {self.code} itself")
        fictional = [code for code in self.issues_for if _FICTIONAL.fullmatch(code)]
        if fictional and self.environment != "sandbox":
            raise ValueError(f"{fictional[0]} is a fictional country; {self.environment} takes real ones only")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which this node's calendar days are counted."""
        return ZoneInfo(self.timezone)


class ServerSection(Section):
    """Where the node listens, and under which address others reach it."""

    listen: Annotated[StrictStr, AfterValidator(_address)] = "127.0.0.1:8080"
    base_url: Annotated[StrictStr, AfterValidator(_base_url)] = "http://127.0.0.1:8080"
    workers: Size = 1

    @property
    def host(self) -> str:
        """The address to bind; an IPv6 one without its brackets."""
        return urlsplit(f"//{self.listen}").hostname or ""

    @property
    def port(self) -> int:
        """The port to bind; 0 takes any free one."""
        return urlsplit(f"//{self.listen}").port or 0


class StoreSection(Section):
    """The database."""

    url: Annotated[StrictStr, Field(repr=False), AfterValidator(_store_url)] = "sqlite:///data/epix-node.sqlite"


class KeysSection(Section):
    """Where the private keys are, and what opens them. The passphrase and the PIN are never in the configuration."""

    directory: Name = "keys"
    passphrase_file: Name | None = None
    pkcs11_module: Name | None = None
    pkcs11_token: Name | None = None
    pkcs11_key: Name | None = None
    pin_file: Name | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        of_token = {
            "pkcs11_module": self.pkcs11_module,
            "pkcs11_token": self.pkcs11_token,
            "pkcs11_key": self.pkcs11_key,
        }
        missing = [name for name, value in of_token.items() if value is None]
        if missing and len(missing) < len(of_token):
            raise ValueError(f"{missing[0]} is missing: module, token and key of PKCS#11 belong together")
        if missing and self.pin_file is not None:
            raise ValueError("pin_file opens a token, and there is no pkcs11_module")
        return self


class FederationSection(Section):
    """Where the trust list is, whom to follow, and how often to ask."""

    trust_list: Annotated[StrictStr, AfterValidator(_base_url)] | None = None
    root: Annotated[StrictStr, Field(min_length=1)] = "federation/root.json"
    follow: Codes | None = None
    poll_interval: Duration = timedelta(seconds=60)
    private_addresses: StrictBool = False

    def follows(self, party: str) -> bool:
        """Whether this peer is pulled from; without ``follow`` every Party in the trust list is."""
        return self.follow is None or party in self.follow


class RegisterSection(Section):
    """Whose cosignatures make an entry of a register WITNESSED (decision 10)."""

    witnesses: Codes = ()
    quorum: Annotated[StrictInt, Field(ge=1, le=250)] = 2
    policy: StrictStr = ""


class ReferenceSection(Section):
    """Species, quotas, suspensions and the like, as `epix-node reference load` keeps them."""

    file: Annotated[StrictStr, Field(min_length=1)] = "data/reference.sqlite"


class RulesSection(Section):
    """By which rules permits are judged."""

    national: Annotated[StrictStr, Field(min_length=1)] = "config/rules.toml"


class LimitsSection(Section):
    """Sizes beyond which input is refused (federation-protocol C.5)."""

    document_bytes: Size = 1024 * 1024
    json_bytes: Size = 4 * 1024 * 1024
    feed_entries: Annotated[StrictInt, Field(ge=1, le=500)] = 500


class FreshnessSection(Section):
    """How old a mirror of another register may be (contract 4), and how late a document may be in one (C.4 item 9)."""

    mirror_fresh: Duration = timedelta(hours=1)
    mirror_stale: Duration = timedelta(days=7)
    max_merge_delay: Duration = timedelta(hours=24)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.mirror_stale < self.mirror_fresh:
            raise ValueError("mirror_stale is shorter than mirror_fresh")
        return self


class NotifySection(Section):
    """Who is told when a finding of class A opens. Secrets are in files, never in the configuration."""

    webhook_url: Annotated[Annotated[StrictStr, AfterValidator(_webhook_url)] | None, Field(repr=False)] = None
    webhook_secret_file: Name | None = None
    email_to: Annotated[tuple[Mailbox, ...], AfterValidator(_unique)] = ()
    email_from: Mailbox | None = None
    smtp_server: Annotated[StrictStr, AfterValidator(_address)] | None = None
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: Name | None = None
    smtp_password_file: Name | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.webhook_url is None) != (self.webhook_secret_file is None):
            missing = "webhook_url" if self.webhook_url is None else "webhook_secret_file"
            raise ValueError(f"{missing} is missing: each notice is signed with the secret that the receiver has")
        of_mail = {"email_to": self.email_to, "email_from": self.email_from, "smtp_server": self.smtp_server}
        missing_ones = [name for name, value in of_mail.items() if not value]
        if missing_ones and len(missing_ones) < len(of_mail):
            raise ValueError(f"{missing_ones[0]} is missing: e-mail needs email_to, email_from and smtp_server")
        if (self.smtp_user is None) != (self.smtp_password_file is None):
            raise ValueError("smtp_user and smtp_password_file belong together")
        if self.smtp_security == "none" and self.smtp_address is not None and not is_loopback(self.smtp_address[0]):
            raise ValueError(
                f"smtp_security is none and {self.smtp_address[0]} is another machine: use starttls or tls"
            )
        return self

    @property
    def smtp_address(self) -> tuple[str, int] | None:
        """Host and port of the mail server; an IPv6 address without its brackets."""
        if self.smtp_server is None:
            return None
        parts = urlsplit(f"//{self.smtp_server}")
        return parts.hostname or "", parts.port or 0


class SandboxSection(Section):
    """The shared clock of a demonstration (contract 7)."""

    clock: Annotated[StrictStr, Field(min_length=1)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFiles:
    """The files of the node's own keys."""

    signing_key: Path
    signing_certificate: Path
    log_key: Path
    witness_key: Path
    transport_key: Path
    role: Path
    """Which keys the own role in the trust list has, and how many of them must sign; public."""
    role_keys: Path
    """The directory of their private halves, as far as they are not kept elsewhere."""

    @classmethod
    def of(cls, directory: Path) -> Self:
        """The names that ``init`` gives, in this directory."""
        return cls(
            role=directory / "role.json",
            role_keys=directory / "role",
            signing_key=directory / "signing-key.pem",
            signing_certificate=directory / "signing-cert.pem",
            log_key=directory / "log-key.pem",
            witness_key=directory / "witness-key.pem",
            transport_key=directory / "transport-key.pem",
        )

    @property
    def passphrase(self) -> Path:
        """Where ``init`` writes the passphrase that it made up, in the sandbox only."""
        return self.role.with_name("passphrase")

    @property
    def private(self) -> tuple[Path, ...]:
        """Those that only the node's account may read."""
        return self.signing_key, self.log_key, self.witness_key, self.transport_key


class Config(Section):
    """All settings of one node. ``path`` is the file that they came from; relative paths in it start at ``home``."""

    path: Path
    party: PartySection
    server: ServerSection = ServerSection()
    store: StoreSection = StoreSection()
    keys: KeysSection = KeysSection()
    federation: FederationSection = FederationSection()
    # Every model has a method `register`, so that the section of this name goes by another here.
    witnessing: RegisterSection = Field(default=RegisterSection(), alias="register")
    reference: ReferenceSection = ReferenceSection()
    rules: RulesSection = RulesSection()
    limits: LimitsSection = LimitsSection()
    freshness: FreshnessSection = FreshnessSection()
    notify: NotifySection = NotifySection()
    sandbox: SandboxSection = SandboxSection()

    @model_validator(mode="before")
    @classmethod
    def _sandbox_is_local(cls, given: Any) -> Any:
        """Nodes of the sandbox stand on one machine: there, private addresses are allowed unless refused."""
        party = given.get("party", {}) if isinstance(given, Mapping) else {}
        federation = given.get("federation", {}) if isinstance(given, Mapping) else {}
        if not isinstance(party, Mapping) or not isinstance(federation, Mapping):
            return given
        if party.get("environment", "sandbox") != "sandbox" or "private_addresses" in federation:
            return given
        return {**given, "federation": {**federation, "private_addresses": True}}

    @property
    def home(self) -> Path:
        """The directory that ``init --dir`` made: the parent of ``config/``, or the file's own directory."""
        directory = self.path.absolute().parent
        return directory.parent if directory.name == DEFAULT_PATH.parent.name else directory

    @property
    def store_url(self) -> str:
        """``[store] url`` with a relative path resolved."""
        if not self.store.url.startswith(_SQLITE):
            return self.store.url
        return f"{_SQLITE}{self.home / self.store.url.removeprefix(_SQLITE)}"

    @property
    def store_place(self) -> str:
        """Where the database is, for people: the file, or the URL without password and options."""
        if self.store_path is not None:
            return str(self.store_path)
        parts = urlsplit(self.store_url)
        host = parts.netloc.rpartition("@")[2]
        user = f"{parts.username}@" if parts.username else ""
        return f"{parts.scheme}://{user}{host}{parts.path}"

    @property
    def store_path(self) -> Path | None:
        """The file of a SQLite database."""
        return Path(self.store_url.removeprefix(_SQLITE)) if self.store_url.startswith(_SQLITE) else None

    @property
    def keys_directory(self) -> Path:
        """``[keys] directory``, resolved."""
        return self.home / self.keys.directory

    @property
    def key_files(self) -> KeyFiles:
        """The files in it."""
        return KeyFiles.of(self.keys_directory)

    @property
    def passphrase_file(self) -> Path | None:
        """``[keys] passphrase_file``, resolved."""
        return self.home / self.keys.passphrase_file if self.keys.passphrase_file is not None else None

    @property
    def pin_file(self) -> Path | None:
        """``[keys] pin_file``, resolved."""
        return self.home / self.keys.pin_file if self.keys.pin_file is not None else None

    @property
    def webhook_secret_file(self) -> Path | None:
        """``[notify] webhook_secret_file``, resolved."""
        return self.home / self.notify.webhook_secret_file if self.notify.webhook_secret_file is not None else None

    @property
    def smtp_password_file(self) -> Path | None:
        """``[notify] smtp_password_file``, resolved."""
        return self.home / self.notify.smtp_password_file if self.notify.smtp_password_file is not None else None

    @property
    def root_file(self) -> Path:
        """``[federation] root``, resolved: the root of the trust list, which people compared with the printed one."""
        return self.home / self.federation.root

    @property
    def witness_policy_file(self) -> Path | None:
        """``[register] policy``, resolved; ``None`` where ``witnesses`` and ``quorum`` say it."""
        return self.home / self.witnessing.policy if self.witnessing.policy else None

    @property
    def reference_file(self) -> Path:
        """``[reference] file``, resolved. It is there only after something was loaded."""
        return self.home / self.reference.file

    @property
    def national_rules(self) -> Path | None:
        """``[rules] national``, resolved; ``None`` where it is not set and no such file is there."""
        path = self.home / self.rules.national
        return path if "national" in self.rules.model_fields_set or path.exists() else None

    @property
    def shared_clock(self) -> Path | None:
        """``[sandbox] clock``, resolved; ``None``: the machine's clock."""
        return self.home / self.sandbox.clock if self.sandbox.clock is not None else None
