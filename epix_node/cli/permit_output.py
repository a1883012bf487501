"""Permits written out in the formats that others read: toolkit v2, stand-alone or in a SOAP response, JSON and CSV."""

from __future__ import annotations

import errno
import itertools
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epix_node.errors import InputError

if TYPE_CHECKING:
    from epix_node.permit.model import Permit

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Form(StrEnum):
    """What a permit is written as."""

    V2 = "v2"
    SOAP = "soap"
    JSON = "json"
    CSV = "csv"


OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="PATH", help="Write there instead of to standard output."),
]


def write_permits(permits: Iterable[Permit], form: Form, out: Path | None, *, is_list: bool) -> None:
    """The permits are written, to standard output where no path is given.

    CSV and JSON take any number of them; with ``is_list`` the JSON is a list whatever their number. XML holds one
    permit for each document: several of them need a directory, which is made.

    Raises:
        InputError: several permits as XML without a directory, or it cannot be written.
    """
    try:
        if form in {Form.V2, Form.SOAP}:
            _write_documents(iter(permits), form, out)
            return
        with sink(out) as write:
            for data in _csv(permits) if form is Form.CSV else _json(permits, is_list=is_list):
                write(data)
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # whoever read our output has had enough
        place = error.filename or out
        raise InputError(f"{place}: cannot be written: {error.strerror}", code="NOT_WRITABLE") from error


@contextmanager
def sink(out: Path | None) -> Iterator[Callable[[bytes], None]]:
    """Takes bytes to standard output, or to a file that is there only when all of it is."""
    if out is None:
        yield lambda data: typer.echo(data, nl=False)
        return
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield lambda data: (file.write(data), None)[1]
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _write_documents(permits: Iterator[Permit], form: Form, out: Path | None) -> None:
    first = list(itertools.islice(permits, 2))
    if len(first) == 1 and not (out is not None and out.is_dir()):
        with sink(out) as write:
            write(_document(first[0], form))
        return
    if first and (out is None or out.is_file()):
        raise InputError(f"{form} holds one permit for each document: name a directory for them with --out")
    used: set[str] = set()
    for permit in itertools.chain(first, permits):
        assert out is not None
        out.mkdir(parents=True, exist_ok=True)
        with sink(out / _file_name(permit, used)) as write:
            write(_document(permit, form))


def _document(permit: Permit, form: Form) -> bytes:
    if form is Form.SOAP:
        from epix_node.permit.xml.soap import write_soap

        return write_soap(permit)
    from epix_node.permit.xml.writer import write_permit

    return write_permit(permit)


def _file_name(permit: Permit, used: set[str]) -> str:
    """A name that no number can make a path of, and that is not taken."""
    stem = _UNSAFE.sub("_", f"{permit.issuer}-{permit.type}-{permit.number}").strip("._") or "permit"
    name = next(name for n in itertools.count(1) if (name := stem if n == 1 else f"{stem}-{n}").casefold() not in used)
    used.add(name.casefold())
    return f"{name}.xml"


def _json(permits: Iterable[Permit], *, is_list: bool) -> Iterator[bytes]:
    from epix_node.permit.json import permit_to_json

    texts = (json.dumps(permit_to_json(permit), ensure_ascii=False, indent=2) for permit in permits)
    if not is_list:
        yield from (f"{text}\n".encode() for text in texts)
        return
    separator = "["
    for text in texts:
        indented = text.replace("\n", "\n  ")
        yield f"{separator}\n  {indented}".encode()
        separator = ","
    yield b"\n]\n" if separator == "," else b"[]\n"


def _csv(permits: Iterable[Permit]) -> Iterator[bytes]:
    from epix_node.permit.csv.writer import write_csv

    yield from write_csv(permits)
