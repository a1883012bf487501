"""The ZIP file of an evidence bundle: always the same bytes when written, and no trap when read.

Members are stored, not compressed: what deflate makes of a text differs between libraries. Times, systems and
attributes are constants. A reader takes what ordinary tools make of an unpacked bundle, too, but nothing that two
readers could understand differently: no name twice, nothing before the first member or after the directory, no
encryption, and no file that grows beyond measure when it is unpacked.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable

from epix_node.errors import MalformedDocumentError

MAX_ARCHIVE_BYTES = 16 * 1024 * 1024
"""Longest bundle taken; a permit with a hundred events and fifty Parties takes less than 3 MiB."""
MAX_TOTAL_BYTES = MAX_ARCHIVE_BYTES
"""Most bytes of all members together."""
MAX_MEMBERS = 2048
MAX_RATIO = 100
"""A member may be so many times as long as it is in the archive; XML comes to about 15."""

_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63}/){0,3}[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIRST = b"PK\x03\x04"
_END = b"PK\x05\x06"
_END_BYTES = 22
_DIRECTORY_LENGTH = slice(12, 16)
"""Where the end says how long the directory is."""
_LOCATOR = b"PK\x06\x07"
_LOCATOR_BYTES = 20
_LINE_BYTES = 512
"""Of the directory for one member: 46, its name, and what ordinary tools add."""
_LOCAL_BYTES = 30
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a ZIP file can name."""
_UNIX = 3
_REGULAR_FILE = 0o100644 << 16
_ENCRYPTED = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def write_archive(members: Iterable[tuple[str, bytes]]) -> bytes:
    """The archive of these members in this order; the same members give the same bytes on any machine.

    Raises ``ValueError`` for more than ``read_archive`` takes.
    """
    buffer = io.BytesIO()
    total = count = 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, data in members:
            if not _NAME.fullmatch(name):
                raise ValueError(f"a bundle has no member named {name!r}")
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.create_system = _UNIX
            info.external_attr = _REGULAR_FILE
            archive.writestr(info, data)
            total, count = total + len(data), count + 1
    written = buffer.getvalue()
    if len(written) > MAX_ARCHIVE_BYTES or count > MAX_MEMBERS:
        raise ValueError(f"a bundle of {count} members and {len(written)} bytes is more than anybody takes")
    return written


def read_archive(data: bytes) -> dict[str, bytes]:
    """The members of this archive, by name.

    Raises:
        MalformedDocumentError: no such archive, code NOT_A_DOCUMENT; TOO_LARGE or LIMIT_EXCEEDED where it is over a
            limit.
    """
    if len(data) > MAX_ARCHIVE_BYTES:
        raise MalformedDocumentError(f"bundle of {len(data)} bytes: at most {MAX_ARCHIVE_BYTES}", code="TOO_LARGE")
    # One directory, at the very end, over members from the very beginning: a second archive cannot hide anywhere.
    if not data.startswith(_FIRST) or data[-_END_BYTES:][: len(_END)] != _END:
        raise _refusal("it does not begin with a member and end with its directory")
    if data[-_END_BYTES - _LOCATOR_BYTES :][: len(_LOCATOR)] == _LOCATOR:
        raise _refusal("it has a second directory, for larger archives")
    # Before anything is made of it: a directory can have as many lines as fit into the file.
    if int.from_bytes(data[-_END_BYTES:][_DIRECTORY_LENGTH], "little") > MAX_MEMBERS * _LINE_BYTES:
        raise _refusal(f"a directory of more than {MAX_MEMBERS} lines", code="LIMIT_EXCEEDED")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _require_plain(archive, data)
            return {info.filename: _member(archive, info) for info in archive.infolist()}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        # RuntimeError: a password is needed. NotImplementedError: a method or a version that zipfile does not know.
        raise _refusal("it cannot be unpacked") from error
    except (ValueError, OverflowError, UnicodeError) as error:
        raise _refusal("its directory makes no sense") from error


def _require_plain(archive: zipfile.ZipFile, data: bytes) -> None:
    """Return where the directory lists a few plain files of moderate size, each once, one after the other."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise _refusal(f"{len(infos)} members: at most {MAX_MEMBERS}", code="LIMIT_EXCEEDED")
    if len({info.filename for info in infos}) != len(infos):
        raise _refusal("a member is there twice")
    end = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        if not _NAME.fullmatch(info.filename) or info.orig_filename != info.filename:
            raise _refusal("a member has a name that no bundle has")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
            raise _refusal(f"{info.filename} is encrypted, or packed in an unusual way")
        if info.file_size > MAX_RATIO * max(info.compress_size, 1):
            raise _refusal(f"{info.filename} grows more than {MAX_RATIO} times", code="LIMIT_EXCEEDED")
        if info.header_offset < end:
            raise _refusal("members lie over each other")
        end = info.header_offset + _LOCAL_BYTES + len(info.filename) + info.compress_size
    if sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
        raise _refusal(f"members of more than {MAX_TOTAL_BYTES} bytes", code="TOO_LARGE")
    if end > archive.start_dir or min((info.header_offset for info in infos), default=0) != 0:
        raise _refusal("members lie over the directory, or something lies before them")
    if archive.comment or archive.start_dir > len(data):
        raise _refusal("it has a comment")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a member, as many as the directory says, with the checksum that it says."""
    with archive.open(info) as file:
        content = file.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise _refusal(f"{info.filename} has another length than the directory says")
    return content


def _refusal(why: str, *, code: str = "NOT_A_DOCUMENT") -> MalformedDocumentError:
    return MalformedDocumentError(f"not an evidence bundle: {why}", code=code)
