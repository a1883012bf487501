"""Logs: one event a line on one stream, for people on a terminal and as JSON for machines.

Everything that the program and its libraries log passes here, and passes ``redact`` last: no token, no proof, no XML,
no name of a person or firm reaches a log, whoever forgot about it (style: Logs).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"

_SECRET_NAMES = frozenset(
    {
        *("authorization", "epix_proof", "proof", "secret", "token", "tokens", "password", "passphrase"),
        *("address", "exporter", "importer", "name", "names", "officer", "person", "presented", "signatory"),
        *("body", "content", "document_xml", "permit_json", "xml"),
    }
)
"""Fields whose values never show, whatever they hold. Digests and permit numbers are no secrets."""

_BEARER = re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]+")
_PROOF_HEADER = re.compile(r"(?i)\b(epix-proof['\"]?\s*[:=]\s*['\"]?)[A-Za-z0-9._~+/=-]+")
_XML = re.compile(r"<(?:\?xml|[A-Za-z_][\w.-]*:[A-Za-z_])[^\n]*")

_CHATTY = ("aiohttp.access", "alembic", "apscheduler", "asyncio", "httpcore", "httpx")
"""Libraries that tell of every step; of them only warnings are kept. A request has its own line from ``web``."""


def configure_logs(stream: TextIO, *, level: int = logging.INFO) -> None:
    """Everything logged from now on goes to this stream: coloured on a terminal, JSON lines otherwise."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    on_terminal = stream.isatty()
    renderer: Processor = (
        # plain_traceback: the rich one prints local variables, and those hold documents.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if on_terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The event without anything that must not be in a log; a processor of structlog."""
    return {name: _clean(name, value) for name, value in event.items()}


def _clean(name: str, value: Any) -> Any:
    if name.lower().replace("-", "_") in _SECRET_NAMES:
        return REDACTED
    match value:
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case str():
            text = _BEARER.sub(rf"\1{REDACTED}", value)
            text = _PROOF_HEADER.sub(rf"\1{REDACTED}", text)
            return _XML.sub("[XML]", text)
        case Mapping():
            return {key: _clean(str(key), inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_clean(name, inner) for inner in value]
        case _:
            return value
