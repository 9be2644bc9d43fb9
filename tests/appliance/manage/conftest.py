"""The administrative use cases over a real store, a stopped clock and a master key that is always the same."""

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from appliance.config.secrets import MasterKey
from appliance.domain.events import Event
from appliance.domain.model import Deployment
from appliance.pipeline.manage.apply import Apply
from appliance.pipeline.manage.keys import Keys
from appliance.pipeline.manage.models import Models
from appliance.ports.repositories import Store
from appliance.store import visit
from appliance.store.migrate import migrate
from tests.fakes.clock import FakeClock

ADMIN = "cli:alice"


class Office(NamedTuple):
    keys: Keys
    models: Models
    apply: Apply
    store: Store
    clock: FakeClock
    master: MasterKey
    problems: list[str]  # what the check of a deployment finds

    async def events(self, action: str | None = None) -> list[Event]:
        """Oldest first."""
        return list(reversed(await self.store.events(100, action)))


def office_over(store: Store) -> Office:
    clock, master, problems = FakeClock(), MasterKey(b"m" * 32), list[str]()
    keys = Keys(store, master, clock)
    check: Callable[[Deployment], list[str]] = lambda _: problems  # noqa: E731 - one line says it
    models = Models(store, check, clock)
    return Office(keys, models, Apply(store, keys, models), store, clock, master, problems)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty") / "data"
    migrate(folder)
    return folder


@pytest.fixture
async def office(empty_store: Path, tmp_path: Path) -> AsyncIterator[Office]:
    folder = tmp_path / "data"
    shutil.copytree(empty_store, folder)
    async with await visit(folder) as visited:
        yield office_over(visited.store)
