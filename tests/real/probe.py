"""Asks one server, real or emulated, and writes down the shapes of its answers."""

import json
from collections.abc import Mapping

import httpx

from tests.real import measures, shape
from tests.real.cases import Case
from tests.real.setups import Server, Setup
from tests.real.shape import Shape

DEADLINE_S = 60.0
# A connection per request: a server that closes one after a failure would else spoil the next case.
FRESH = httpx.Limits(max_keepalive_connections=0)


def client(base_url: str, key: str | None) -> httpx.AsyncClient:
    """A client that sends the key, follows nothing and reads no environment."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(base_url=base_url, headers=headers, timeout=DEADLINE_S, trust_env=False, limits=FRESH)


async def ask(http: httpx.AsyncClient, case: Case) -> dict[str, Shape]:
    """One case's record: status, headers, and body or stream; `broken` names the error that cut the answer."""
    headers = {name: value for name, value in http.headers.items() if case.keyed or name != "authorization"}
    content = case.raw if case.body is None else json.dumps(case.body).encode()
    if case.body is not None:
        headers["content-type"] = "application/json"
    request = httpx.Request(
        case.method, http.base_url.join(case.path), headers={**headers, **case.headers}, content=content
    )
    try:
        response = await http.send(request, stream=True)
    except httpx.TransportError as error:
        return {"broken before the status": type(error).__name__}
    raw, broken = await _read(response)
    record: dict[str, Shape] = {"status": response.status_code, "headers": shape.of_headers(response.headers)}
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        record["stream"] = shape.of_stream(raw)
    else:
        record["body"] = shape.of_body(raw)
        record |= _facts(raw)
    return record | ({"broken": broken} if broken else {})


async def _read(response: httpx.Response) -> tuple[bytes, str]:
    parts: list[bytes] = []
    try:
        async for part in response.aiter_raw():
            parts.append(part)  # noqa: PERF401  what came before the break counts
    except httpx.TransportError as error:
        return b"".join(parts), type(error).__name__
    finally:
        await response.aclose()
    return b"".join(parts), ""


def _facts(raw: bytes) -> Mapping[str, Shape]:
    try:
        body = json.loads(raw)
    except ValueError:
        return {}
    usage = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(usage, dict) or "completion_tokens" not in usage:
        return {}
    return {"usage adds up": usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]}


async def answers(base_url: str, setup: Setup) -> dict[str, Shape]:
    """The records of all the set-up's cases, by name."""
    async with client(base_url, setup.key) as http:
        return {case.name: await ask(http, case) for case in setup.asked}


async def measured(base_url: str, server: Server, setup: Setup) -> dict[str, Shape]:
    """What takes several requests to see. An emulator must be slow enough to be caught in the act."""
    async with client(base_url, setup.key) as http:
        return {name: await measures.BY_NAME[name](http, ask, server.metrics) for name in setup.measures}
