"""What holds for every test: nothing here speaks to another machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine, and tests do not time (benchmarks measure).
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


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
