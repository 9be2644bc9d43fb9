"""`redoubt smoke`: does the release that should serve this site serve it, from door to door?"""

import asyncio
import http.client
import json
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import rich_click as click

from appliance.cli.frame import Verb, as_json, at_desk, refuse, site_file
from appliance.cli.output import say, say_json
from appliance.domain.model import Finding

if TYPE_CHECKING:
    from appliance.cli.caller import Reply
    from appliance.config.schema import Site
    from appliance.desk import Desk
    from appliance.store.running import Running

T = TypeVar("T")

PAUSE = 0.1  # seconds between two looks
ONE_CALL = 5.0  # seconds
CHANGE = "redoubt_change_number"
NO_MODELS = {"object": "list", "data": []}


@click.command(cls=Verb, example=("redoubt smoke", "redoubt smoke --expect 0.2.0 --within 20 --json"))
@click.option("--expect", metavar="VERSION", help="The release that must answer; this program's own when not given.")
@click.option("--within", type=click.FloatRange(1, 600), default=30.0, show_default=True, help="Seconds it may take.")
@click.option(
    "--client-cert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Certificate and key (PEM, one file) for listeners that ask for one.",
)
@as_json
def smoke(*, expect: str | None, within: float, client_cert: Path | None, as_json: bool) -> None:
    """Ask the gateway that serves this site whether it is fit, on both listeners, and send it one request.

    The request lists models with a key that is made for it, may use none, and is removed again: it passes the guard,
    the key ring and the catalogue, dials no server, costs nothing and leaves no row in the ledger. What is not right
    yet is asked again until the time is up. Exit 1 when something is not right then.
    """
    from appliance.cli.version import version_of
    from appliance.config.load import load

    site = load(site_file())
    look = _Look(site, expect or version_of(), time.monotonic() + within, client_cert)
    found, running = asyncio.run(look.until_ready())
    if running is not None and _fit(found):
        found += at_desk(lambda desk: look.ask(desk, running))
    if as_json:
        say_json({"fit": _fit(found), "expected": look.expected, "running": running, "checks": found})
    else:
        for one in found:
            say(f"{one.level:4}  {one.check:12}  {one.text}")
    if not _fit(found):
        refuse()


class _Look:
    """One look at the gateway of a site."""

    def __init__(self, site: "Site", expected: str, until: float, client: Path | None) -> None:
        self.expected = expected
        self._site = site
        self._until = until
        self._client = client

    async def until_ready(self) -> "tuple[list[Finding], Running | None]":
        """The process, its release, and what both listeners say of themselves."""

        async def look() -> "tuple[list[Finding], Running | None]":
            found, running = self._process()
            if running is not None and _fit(found):
                found += await self._listener("api", running.api)
                found += await self._listener("admin", running.admin)
            return found, running

        return await self._repeated(look, lambda told: _fit(told[0]))

    async def ask(self, desk: "Desk", running: "Running") -> list[Finding]:
        """One request with a key of its own; then the process must still be the one it was."""
        from appliance.observe.clock import SystemClock
        from appliance.pipeline.manage.probe import Probe

        async with Probe(desk.store, desk.keys, SystemClock()).key(desk.actor) as secret:
            change = await desk.store.change_number()

            async def followed() -> Finding:
                return await self._followed(running.admin, change)

            found = await self._repeated(followed, lambda one: one.level == "ok")
            if found.level == "ok":  # a key it has not heard of would be refused, and the refusal kept as an event
                found = await self._models(running.api, secret.reveal())
        return [found, *self._still(running)]

    def _process(self) -> "tuple[list[Finding], Running | None]":
        from appliance.store.running import serving

        data = self._site.data_folder
        holder = serving(data)
        if holder is None:
            return [_wrong("process", f"no gateway serves `{data}`; start it, its log says why it ended")], None
        if holder.told is None:
            text = f"process {holder.process} holds `{data}` and does not answer requests yet; look at its log"
            return [_wrong("process", text)], None
        told = holder.told
        found = [_right("process", f"process {told.process} serves `{data}` since {told.since:%Y-%m-%d %H:%M:%S} UTC")]
        if told.version == self.expected:
            return [*found, _right("version", f"it is release {told.version}")], told
        text = f"release {told.version} serves, not {self.expected}; restart the service"
        return [*found, _wrong("version", text)], told

    async def _listener(self, name: str, base: str) -> list[Finding]:
        try:
            health = await self._get(name, base, "/healthz")
            ready = await self._get(name, base, "/readyz")
        except (OSError, http.client.HTTPException) as error:
            return [_wrong(name, f"the {name} listener at {base} does not answer: {error}")]
        if health.status != 200:
            return [_wrong(name, f"the {name} listener at {base} is not healthy: it answered {health.status}")]
        if ready.status != 200:
            text = f"the {name} listener at {base} takes no new work: {_reasons(ready.body)}"
            return [_wrong(name, text)]
        return [_right(name, f"{base} is healthy and takes new work")]

    async def _followed(self, base: str, change: int) -> Finding:
        try:
            lines = (await self._get("admin", base, "/metrics")).body.decode("utf-8", "replace").splitlines()
        except (OSError, http.client.HTTPException) as error:
            return _wrong("request", f"the metrics at {base} cannot be read: {error}")
        told = [line.rpartition(" ")[2] for line in lines if line.startswith(f"{CHANGE} ")]
        if told and float(told[0]) >= change:
            return _right("request", "the gateway follows the store")
        return _wrong("request", "the gateway does not follow a change of its store; look at its log")

    async def _models(self, base: str, key: str) -> Finding:
        try:
            answer = await self._get("api", base, "/v1/models", key)
        except (OSError, http.client.HTTPException) as error:
            return _wrong("request", f"the request was not answered: {error}")
        if answer.status != 200 or _decoded(answer.body) != NO_MODELS:
            return _wrong("request", f"`GET /v1/models` with a key of this store was answered {answer.status}")
        return _right("request", "a key of this store was recognised, and may use no model")

    def _still(self, running: "Running") -> list[Finding]:
        from appliance.store.running import serving

        now = serving(self._site.data_folder)
        if now is not None and now.process == running.process:
            return []
        return [_wrong("process", f"process {running.process} has ended meanwhile; look at its log")]

    async def _get(self, name: str, base: str, path: str, key: str | None = None) -> "Reply":
        from appliance.cli.caller import get

        seconds = min(ONE_CALL, max(self._until - time.monotonic(), PAUSE))
        return await asyncio.to_thread(get, base, path, seconds, key=key, trust=self._trust(name))

    def _trust(self, name: str) -> ssl.SSLContext | None:
        from appliance.cli.caller import trusting

        tls = (self._site.listen.api if name == "api" else self._site.listen.admin).tls
        return None if tls is None else trusting(Path(tls.cert), self._client)

    async def _repeated(self, look: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
        while True:
            found = await look()
            if good(found) or time.monotonic() > self._until:
                return found
            await asyncio.sleep(PAUSE)


def _right(check: str, text: str) -> Finding:
    return Finding(check=check, level="ok", text=text)


def _wrong(check: str, text: str) -> Finding:
    return Finding(check=check, level="fail", text=text)


def _fit(found: list[Finding]) -> bool:
    return all(one.level == "ok" for one in found)


def _reasons(body: bytes) -> str:
    told = _decoded(body)
    checks = told.get("checks") if isinstance(told, dict) else None
    wrong = [f"{name} {text}" for name, text in checks.items() if text != "ok"] if isinstance(checks, dict) else []
    return ", ".join(wrong) or "it does not say why"


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None
