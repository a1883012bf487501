"""The ZIP file: one spelling when written, and no trap when read."""

from __future__ import annotations

import io
import time
import zipfile

import pytest

from epix_node.errors import MalformedDocumentError
from epix_node.evidence import archive
from epix_node.evidence.archive import read_archive, write_archive
from tests.evidence.conftest import zipped

PLAIN = {"a.txt": b"one", "trust/b.json": b"{}"}


def refusal(data: bytes) -> str:
    with pytest.raises(MalformedDocumentError) as refused:
        read_archive(data)
    return refused.value.code


def test_what_is_written_is_read_back():
    """In the order given."""
    assert list(read_archive(write_archive(PLAIN.items())).items()) == list(PLAIN.items())


def test_the_bytes_are_these_for_ever():
    """Times, systems, attributes and order are constants of the format, not of the machine."""
    checked = "2100 f1866c7a 03000000 03000000 0500 0000"
    assert write_archive({"a.txt": b"one"}.items()) == bytes.fromhex(
        f"504b0304 1400 0000 0000 0000 {checked} 612e747874 6f6e65"
        f"504b0102 1403 1400 0000 0000 0000 {checked} 0000 0000 0000 0000a481 00000000 612e747874"
        "504b0506 0000 0000 0100 0100 33000000 26000000 0000"
    )


def test_what_ordinary_tools_pack_is_read():
    """Deflated, with times of today."""
    assert read_archive(zipped(PLAIN)) == PLAIN


@pytest.mark.parametrize(
    "name",
    ["../a", "/a", "a/../b", "a//b", "a/", "C:\\a", "a\\b", ".hidden", "a\x00b", "ä", "x" * 65, "a/b/c/d/e"],
)
def test_no_member_has_a_name_that_could_be_a_path_elsewhere(name):
    """Nor one that two systems spell differently."""
    written = zipped({name.replace("\0", "?"): b"1"})  # zipfile writes no NUL
    assert refusal(written.replace(b"a?b", b"a\0b")) == "NOT_A_DOCUMENT"
    with pytest.raises(ValueError, match="no member named"):
        write_archive({name: b""}.items())


def test_no_member_is_there_twice():
    """Two readers could take different ones."""
    data = zipped({"a.txt": b"1", "b.txt": b"2"}, method=zipfile.ZIP_STORED).replace(b"b.txt", b"a.txt")
    assert refusal(data) == "NOT_A_DOCUMENT"


def test_a_directory_that_names_another_file_than_the_member_does_is_refused():
    """The name stands twice in a ZIP file, too."""
    data = zipped({"a.txt": b"1"}, method=zipfile.ZIP_STORED)
    assert refusal(data.replace(b"a.txt", b"b.txt", 1)) == "NOT_A_DOCUMENT"


def test_nothing_stands_before_or_behind():
    """Not another archive, not a comment, not a program."""
    data = write_archive(PLAIN.items())
    assert refusal(b"#!/bin/sh\n" + data) == "NOT_A_DOCUMENT"
    assert refusal(data + b"\n") == "NOT_A_DOCUMENT"
    assert refusal(data + data) == "NOT_A_DOCUMENT"
    assert refusal(data[:-2] + b"\x05\x00hello") == "NOT_A_DOCUMENT"


def test_a_member_that_grows_beyond_measure_is_not_unpacked():
    """A bomb is refused by what the directory says, and one whose directory lies by its length."""
    assert refusal(zipped({"a.txt": b"\0" * 1_000_000})) == "LIMIT_EXCEEDED"
    data = zipped({"a.txt": b"\0" * 1_000_000})
    lying = data.replace((1_000_000).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    assert refusal(lying) == "NOT_A_DOCUMENT"


def test_limits_hold(monkeypatch):
    """Of the whole file, of all members together, and of their number."""
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 4)
    assert refusal(zipped({"a.txt": b"12345"})) == "TOO_LARGE"
    monkeypatch.setattr(archive, "MAX_MEMBERS", 1)
    assert refusal(zipped({"a.txt": b"1", "b.txt": b"2"})) == "LIMIT_EXCEEDED"
    monkeypatch.setattr(archive, "MAX_ARCHIVE_BYTES", 10)
    assert refusal(zipped({"a.txt": b"1"})) == "TOO_LARGE"
    with pytest.raises(ValueError, match="more than anybody takes"):
        write_archive({"a.txt": b"1"}.items())


def test_a_directory_as_long_as_the_file_is_not_read():
    """A third of a million lines took seconds and hundreds of megabytes, each of them for nothing."""
    data = zipped({"a.txt": b"1"}, method=zipfile.ZIP_STORED)
    begins, ends = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    lines = data[begins:ends] * 100_000
    end = bytearray(data[ends:])
    end[12:16] = len(lines).to_bytes(4, "little")
    begun = time.process_time()
    assert refusal(data[:begins] + lines + end) == "LIMIT_EXCEEDED"
    assert time.process_time() - begun < 0.5


def test_a_second_directory_for_larger_archives_is_refused():
    """Of two directories two readers could take one each."""
    data = zipped({"a.txt": b"1"}, method=zipfile.ZIP_STORED)
    ends = data.index(b"PK\x05\x06")
    locator = b"PK\x06\x07" + bytes(4) + ends.to_bytes(8, "little") + (1).to_bytes(4, "little")
    assert refusal(data[:ends] + locator + data[ends:]) == "NOT_A_DOCUMENT"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_packing_is_refused(method):
    """The fewer decoders, the fewer traps."""
    assert refusal(zipped({"a.txt": b"1" * 100}, method=method)) == "NOT_A_DOCUMENT"


def test_encryption_is_refused():
    """Bit 0 of the flags, in the directory."""
    data = bytearray(zipped({"a.txt": b"1"}, method=zipfile.ZIP_STORED))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        data[data.index(signature) + offset] |= 1
    assert refusal(bytes(data)) == "NOT_A_DOCUMENT"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"<a/>", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_archive_is_refused(data):
    """With a sentence, not with a traceback."""
    assert refusal(data) == "NOT_A_DOCUMENT"


def test_every_damaged_byte_is_refused_or_changes_what_is_read():
    """Whatever stands there afterwards, the reader neither fails nor believes the checksum of something else."""
    data = write_archive(PLAIN.items())
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0x41
        try:
            members = read_archive(bytes(damaged))
        except MalformedDocumentError:
            continue
        assert set(members.values()) <= set(PLAIN.values())


def test_an_archive_cut_anywhere_is_refused():
    """No prefix of one is one."""
    data = write_archive(PLAIN.items())
    for length in range(len(data)):
        assert refusal(data[:length]) == "NOT_A_DOCUMENT"


def test_a_stream_of_zeros_is_not_unpacked_into_memory():
    """A member that says to be small and is not ends where the directory said."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.txt", b"\0" * 9_000)
    data = buffer.getvalue().replace((9_000).to_bytes(4, "little"), (900).to_bytes(4, "little"))
    assert refusal(data) == "NOT_A_DOCUMENT"
