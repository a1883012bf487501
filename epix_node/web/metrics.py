"""What the node counts about its own HTTP, for Prometheus (``GET /metrics``).

Labels are routes, methods and statuses: never a path, a permit number or a caller.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web


class RequestMetrics:
    """Counts since the process started. Used in the event loop only."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = {}
        self._seconds: dict[tuple[str, str], float] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered."""
        answered, spent = (method, route, status), (method, route)
        self._requests[answered] = self._requests.get(answered, 0) + 1
        self._seconds[spent] = self._seconds.get(spent, 0.0) + seconds

    def lines(self) -> Iterable[str]:
        """In the Prometheus text format."""
        yield from family("epix_http_requests_total", "counter", "Requests answered since the process started.")
        for (method, route, status), number in sorted(self._requests.items()):
            labels = labelled(method=method, route=route, status=str(status))
            yield f"epix_http_requests_total{labels} {number}"
        yield from family("epix_http_request_seconds_total", "counter", "Time spent answering them, in seconds.")
        for (method, route), seconds in sorted(self._seconds.items()):
            yield f"epix_http_request_seconds_total{labelled(method=method, route=route)} {seconds:.6f}"


METRICS = web.AppKey("metrics", RequestMetrics)


def family(name: str, kind: str, help_text: str) -> Iterable[str]:
    """The two lines that begin a metric."""
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"


def labelled(**labels: str) -> str:
    """``{name="value",…}`` with values escaped as the format wants it."""
    escaped = (
        (name, value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")) for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"
