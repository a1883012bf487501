"""What holds for every test: nothing here speaks to another machine, and nodes keep what they remember in one place.

`--store postgresql` makes that place a PostgreSQL server, and leaves out the tests of rooms that know of no database.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import epix_node.founding
from tests.stores import KINDS, STORES, url_for

# How long an example takes says something of the machine, and tests do not time (benchmarks measure).
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


WITHOUT_A_STORE = frozenset({"document", "httpsig", "permit", "reference", "register", "rules", "signing", "trust"})
"""Rooms that stand below the store, which they may not import (`tests/test_architecture.py`)."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--store", choices=KINDS, default="sqlite", help="where nodes keep what they remember")


def pytest_configure(config: pytest.Config) -> None:
    STORES.kind = config.getoption("--store")


def pytest_unconfigure(config: pytest.Config) -> None:
    STORES.close()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test marked `sqlite` or `postgresql` is about that one only; on PostgreSQL, the lower rooms stay out."""
    for item in items:
        for kind in KINDS:
            mark = item.get_closest_marker(kind)
            if mark is not None and kind != STORES.kind:
                reason = mark.args[0] if mark.args else "about the server"
                item.add_marker(pytest.mark.skip(reason=f"only with --store {kind}: {reason}"))
    if STORES.is_postgresql:
        rooms = config.rootpath / "tests"
        left_out = [item for item in items if item.path.relative_to(rooms).parts[0] in WITHOUT_A_STORE]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def nodes_on_the_chosen_store() -> Iterator[None]:
    """A node that is made without a word about its database gets one on the server, if that was chosen."""
    if not STORES.is_postgresql:
        yield
        return
    real = epix_node.founding.default_toml

    def default_toml(**given: Any) -> str:
        return real(**{**given, "store": given.get("store") or url_for(Path("unused"))})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epix_node.founding, "default_toml", default_toml)
        yield


@pytest.fixture(autouse=True)
def no_database_is_left() -> Iterator[None]:
    """What the test asked for is dropped; what fixtures of a session or module made before, stays."""
    mark = STORES.mark()
    yield
    STORES.drop_since(mark)


def address_of(host: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that `host` writes, or None for a name that would have to be looked up."""
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return None


def is_local_name(host: object) -> bool:
    return host in (None, "", b"", "localhost", b"localhost")


@pytest.fixture(scope="session", autouse=True)
def no_network_but_loopback() -> Iterator[None]:
    """Connecting, sending and looking up names beyond loopback fails the test; Unix sockets are free.

    An `AssertionError`, not an `OSError`: code that copes with an unreachable peer must not swallow it. Processes that
    a test starts are not watched.
    """
    connect, connect_ex, sendto, getaddrinfo = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.socket.sendto,
        socket.getaddrinfo,
    )

    def refuse_elsewhere(family: int, target: Any) -> None:
        if family not in (socket.AF_INET, socket.AF_INET6) or is_local_name(target[0]):
            return
        address = address_of(target[0])
        if address is None or not address.is_loopback:
            raise AssertionError(f"a test tried to reach {target!r}; tests may use loopback only")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        refuse_elsewhere(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        refuse_elsewhere(self.family, address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: Any, *args: Any) -> int:
        refuse_elsewhere(self.family, args[-1])
        return sendto(self, data, *args)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_local_name(host) and address_of(host) is None:
            raise AssertionError(f"a test tried to look up {host!r}; tests may use loopback only")
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket.socket, "sendto", guarded_sendto)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield
