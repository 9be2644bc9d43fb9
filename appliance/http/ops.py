"""Health, readiness and metrics."""

from collections.abc import Callable

import msgspec
from litestar import HttpMethod, Response, get, route
from litestar.handlers import HTTPRouteHandler

from appliance.http.permissions import Permission, opt

LOOKED_AT = [HttpMethod.GET, HttpMethod.HEAD]  # to HEAD the server writes the head of the answer alone


class Readiness(msgspec.Struct, frozen=True):
    """Whether new work is taken, and what stands in the way."""

    ready: bool
    checks: dict[str, str]  # name -> `ok`, or what is wrong


def health_routes(readiness: Callable[[], Readiness]) -> list[HTTPRouteHandler]:
    """`/healthz`: the process answers. `/readyz`: it takes new work."""

    @route("/healthz", http_method=LOOKED_AT, opt=opt(Permission.OPEN), sync_to_thread=False)
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @route("/readyz", http_method=LOOKED_AT, opt=opt(Permission.OPEN), sync_to_thread=False)
    def readyz() -> Response[Readiness]:
        state = readiness()
        return Response(state, status_code=200 if state.ready else 503)

    return [healthz, readyz]


def metrics_route(render: Callable[[], bytes]) -> HTTPRouteHandler:
    """`/metrics`: on the admin listener only. Open there, so that a scraper needs no admin key."""

    @get("/metrics", opt=opt(Permission.OPEN), sync_to_thread=False)
    def metrics() -> Response[bytes]:
        return Response(render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return metrics
