"""What became an error: its exit code, its words and its JSON. The one table from error classes to exit codes."""

from __future__ import annotations

from typing import Any

from epix_node.cli.exits import ExitCode
from epix_node.cli.judgement import judgement_lines
from epix_node.errors import (
    AmbiguousNumberError,
    ConfigError,
    ConflictError,
    DifferentContentError,
    EpixError,
    InputError,
    KeyMaterialError,
    MalformedDocumentError,
    NotFoundError,
    NotOursError,
    PeerError,
    PeerProtocolError,
    PeerRefusedError,
    PeerUnreachableError,
    ProofError,
    StoreError,
    TransitionError,
    TrustError,
    UnacceptableError,
)
from epix_node.rules.finding import RulesBrokenError

EXIT_CODES: dict[type[EpixError], ExitCode] = {
    EpixError: ExitCode.UNEXPECTED,
    # The input or the command line is not understood.
    InputError: ExitCode.USAGE,
    MalformedDocumentError: ExitCode.USAGE,
    # Understood, and the answer is no.
    RulesBrokenError: ExitCode.NEGATIVE,
    UnacceptableError: ExitCode.NEGATIVE,
    NotFoundError: ExitCode.NEGATIVE,
    NotOursError: ExitCode.NEGATIVE,
    ConflictError: ExitCode.NEGATIVE,
    DifferentContentError: ExitCode.NEGATIVE,
    TransitionError: ExitCode.NEGATIVE,
    TrustError: ExitCode.NEGATIVE,
    ProofError: ExitCode.NEGATIVE,
    # Say which permit is meant: the command line lacks something.
    AmbiguousNumberError: ExitCode.USAGE,
    PeerError: ExitCode.UNREACHABLE,
    PeerUnreachableError: ExitCode.UNREACHABLE,
    # It could be reached; what it answered is the trouble.
    PeerRefusedError: ExitCode.UNEXPECTED,
    PeerProtocolError: ExitCode.UNEXPECTED,
    KeyMaterialError: ExitCode.KEYS,
    ConfigError: ExitCode.USAGE,
    # The operator's to mend, as a setting that names no database.
    StoreError: ExitCode.USAGE,
}
"""Every class has its line here; a test walks them all."""


def exit_code(error: EpixError) -> ExitCode:
    """The exit code for this error, by its own class or the nearest one above it."""
    return next(EXIT_CODES[class_] for class_ in type(error).__mro__ if class_ in EXIT_CODES)


def failure_text(error: EpixError, *, label: str | None = None) -> str:
    """What people are told: one line, and a line for each finding or candidate."""
    said = [str(error) if label is None or str(error).startswith(label) else f"{label}: {error}"]
    if isinstance(error, RulesBrokenError):
        told = judgement_lines([finding.to_json() for finding in error.findings])
        said += [" ".join(map(str, words)) for words in told]
    if isinstance(error, AmbiguousNumberError):
        said += [f"  {key['issuer']} {key['type']} {key['number']} of {key['year']}" for key in error.candidates]
    return "\n".join(said)


def failure_json(error: EpixError) -> dict[str, Any]:
    """The answer of a command that failed: the members of a problem (contract 4) under ``error``."""
    body: dict[str, Any] = {"code": error.code, "message": str(error)}
    if isinstance(error, RulesBrokenError):
        body["findings"] = [finding.to_json() for finding in error.findings]
    if isinstance(error, AmbiguousNumberError):
        body["candidates"] = list(error.candidates)
    if isinstance(error, PeerError):
        body["party"] = error.party
    return {"error": body}
