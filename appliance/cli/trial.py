"""A trial site: what quickstart makes, and how it looks for servers to put behind it."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from http.client import HTTPResponse
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from appliance.cli.init import establish
from appliance.cli.output import say
from appliance.config.desired import KeyTerms
from appliance.config.load import load
from appliance.desk import Desk, cards, known_providers, open_desk
from appliance.domain.errors import NotFound, StoreUnavailable
from appliance.domain.ids import ModelName, ProviderName
from appliance.domain.ledger import LedgerRow
from appliance.domain.model import Deployment, Model
from appliance.domain.names import model_named_after
from appliance.pipeline.manage.examine import Card

T = TypeVar("T")

KEY = "quickstart"
ROW_SECONDS = 10.0
PORTS = (("api", 4000), ("admin", 4001))


class Trial:
    """A site in a folder of its own. Never a site install: no service runs it, and no bundle was verified."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "redoubt.yaml"

    def register_local_servers(self) -> str | None:
        """Put every server that answers on its usual loopback port behind the site; a model of it, None without one."""
        found = [card for card in asyncio.run(self._survey()) if card.health.state == "live"]
        first: str | None = None
        for card in found:
            for info in card.models:
                if info.remote or (info.capabilities and "chat" not in info.capabilities):
                    continue
                name = model_named_after(info.id)
                self._register(name, card.provider, card.url, info.id)
                say(f"found  {card.provider} at {card.url}: model `{info.id}`")
                first = first or name
        return first

    def register_stand_in(self, provider: str, model: str, url: str) -> str:
        """Put the simulated server behind the site; its model."""
        self._register(model, provider, url, model)
        return model

    def key(self) -> str:
        """A fresh value for the trial's own key; the one of the last start ends."""

        async def fresh(desk: Desk) -> str:
            try:
                old = await desk.keys.find(KEY)
            except NotFound:
                terms = KeyTerms(name=KEY, models=(ModelName("*"),))
                return (await desk.keys.create(terms, desk.actor)).secret.reveal()
            made = await desk.keys.rotate(old.id, timedelta(0), desk.actor)
            return made.secret.reveal()

        return self._at_desk(fresh)

    def row(self, request_id: str) -> LedgerRow:
        """The ledger row of a request. Raises StoreUnavailable when it does not come."""

        async def look(desk: Desk) -> LedgerRow:
            until = time.monotonic() + ROW_SECONDS
            while time.monotonic() < until:
                for row in await desk.spend.rows(20):
                    if row.request_id == request_id:
                        return row
                await asyncio.sleep(0.05)
            raise StoreUnavailable(f"request `{request_id}` has no ledger row after {ROW_SECONDS:.0f} s")

        return self._at_desk(look)

    async def _survey(self) -> list[Card]:
        asked = [
            Deployment(
                model=ModelName("quickstart"),
                label=traits.name.replace("_", "-"),
                provider=ProviderName(traits.name),
                url=f"http://127.0.0.1:{traits.default_port}",
                upstream_model="-",
            )
            for traits in known_providers()
            if traits.default_port is not None and _listening(traits.default_port)
        ]
        return await cards(load(self.file), asked)

    def _register(self, name: str, provider: str, url: str, upstream: str) -> None:
        local = Deployment(
            model=ModelName(name), label="local", provider=ProviderName(provider), url=url, upstream_model=upstream
        )

        async def register(desk: Desk) -> None:
            model = Model(name=local.model, deployments=(local,))
            await desk.models.save(model, desk.actor, seen=await desk.models.look(name))

        self._at_desk(register)

    def _at_desk(self, work: Callable[[Desk], Awaitable[T]]) -> T:
        async def opened() -> T:
            async with open_desk(self.file) as desk:
                return await work(desk)

        return asyncio.run(opened())


def prepare(folder: Path) -> Trial:
    """The trial in `folder`, made when it is not there: its first admin key is then shown, once."""
    trial = Trial(folder)
    if not trial.file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        trial.file.write_text(_starter())
        _, keys = establish(trial.file)
        for made in keys:
            say(f"{made.key.role} key `{made.key.name}`, shown now and never again: {made.secret.reveal()}")
        say(f"trial site made in {folder.absolute()} (a first look, never a site install)")
    return trial


def events(answer: HTTPResponse) -> Iterator[dict[str, Any]]:
    """The data events of a streamed answer, but for the last, `[DONE]`."""
    for line in answer:
        if line.startswith(b"data: ") and line.strip() != b"data: [DONE]":
            yield json.loads(line[6:])


def _starter() -> str:
    """The starter configuration, on free ports where its own are taken."""
    text = files("appliance.config").joinpath("starter.yaml").read_text()
    for name, port in PORTS:
        if _listening(port):
            say(f"port {port} is taken by another program: the {name} listener takes a free one")
            text = text.replace(f"port: {port}", "port: 0")
    return text


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
