"""What handlers find in the application: ``request.app[NODE]``, and nothing of it anywhere else."""

from __future__ import annotations

from aiohttp import web

from epix_node.jobs import Jobs
from epix_node.node import Node

NODE = web.AppKey("node", Node)
"""What is open."""

REQUEST_ID = web.RequestKey("request_id", str)
"""The request's name in its answer, in ``X-Request-Id`` and in the log."""

JOBS = web.AppKey("jobs", Jobs)
"""The jobs that run; absent where none do."""
