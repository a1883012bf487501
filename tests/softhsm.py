"""SoftHSM2, which stands for an HSM: two tokens for the whole run, since the library looks for them once a process."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PIN = b"5678"
TOKEN, UNOPENED = "epix", "unopened"
"""Nobody ever logs in to the second one: one log-in is for all sessions of a process."""

_MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


@functools.cache
def module() -> Path:
    """The library, with the tokens; without it the test is skipped."""
    found = next((Path(path) for path in _MODULES if Path(path).is_file()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM2 is not installed; the Debian package softhsm2 would run this test")
    pytest.importorskip("pkcs11", reason="python-pkcs11 is not installed; the extra `hsm` has it")
    home = Path(tempfile.mkdtemp(prefix="epix-softhsm-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    (home / "tokens").mkdir()
    (home / "softhsm2.conf").write_text(f"directories.tokendir = {home}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
    for label in (TOKEN, UNOPENED):
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "1234"]
        subprocess.run([*command, "--pin", PIN.decode()], check=True, capture_output=True, timeout=30)
    return found
